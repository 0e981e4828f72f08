/* SPDX-License-Identifier: BSD-3-Clause */
/* The test pattern of plx-nvme verify; see pattern.h. On disk it is little-endian. */
#include <endian.h>
#include <string.h>

#include <isa-l/crc.h>

#include "pattern.h"

#define MAGIC UINT32_C(0x50584c50) /* "PLXP" */

struct header {
	uint32_t magic;
	uint32_t crc; /* CRC32C of the rest of the block, from lba on */
	uint64_t lba;
	uint64_t sequence;
};

#define CRC_FROM offsetof(struct header, lba)

static uint32_t crc_of(const void *block, size_t block_size)
{
	/* isa-l does not write to it. */
	return crc32_iscsi((unsigned char *)block + CRC_FROM, (int)(block_size - CRC_FROM), ~0u);
}

/* What follows the header: different in every block and run (a Weyl sequence, mixed). */
static void fill_body(uint64_t *words, size_t n, uint64_t lba, uint64_t sequence)
{
	uint64_t state = lba * UINT64_C(0x9e3779b97f4a7c15) ^ sequence;
	size_t i;

	for (i = 0; i < n; i++) {
		state += UINT64_C(0x9e3779b97f4a7c15);
		words[i] = htole64((state ^ state >> 29) * UINT64_C(0xbf58476d1ce4e5b9));
	}
}

void pattern_fill(void *buf, size_t block_size, size_t blocks, uint64_t lba, uint64_t sequence)
{
	char *block = buf;
	size_t i;

	for (i = 0; i < blocks; i++, block += block_size, lba++) {
		struct header h = {
			.magic = htole32(MAGIC),
			.lba = htole64(lba),
			.sequence = htole64(sequence),
		};

		memcpy(block, &h, sizeof(h));
		fill_body((uint64_t *)(void *)(block + sizeof(h)),
			  (block_size - sizeof(h)) / sizeof(uint64_t), lba, sequence);
		h.crc = htole32(crc_of(block, block_size));
		memcpy(block, &h, sizeof(h));
	}
}

enum pattern_fault pattern_check(const void *block, size_t block_size, uint64_t lba,
				 uint64_t sequence)
{
	struct header h;

	memcpy(&h, block, sizeof(h));
	if (h.magic != htole32(MAGIC))
		return PATTERN_NONE;
	if (h.crc != htole32(crc_of(block, block_size)))
		return PATTERN_DAMAGED;
	if (h.lba != htole64(lba))
		return PATTERN_LBA;
	if (sequence && h.sequence != htole64(sequence))
		return PATTERN_SEQUENCE;
	return PATTERN_GOOD;
}

void pattern_claims(const void *block, uint64_t *lba, uint64_t *sequence)
{
	struct header h;

	memcpy(&h, block, sizeof(h));
	*lba = le64toh(h.lba);
	*sequence = le64toh(h.sequence);
}

const char *pattern_fault_str(enum pattern_fault fault)
{
	static const char *const text[PATTERN_FAULTS] = {
		[PATTERN_GOOD] = "good",
		[PATTERN_NONE] = "no pattern",
		[PATTERN_DAMAGED] = "damaged (CRC)",
		[PATTERN_LBA] = "of another address",
		[PATTERN_SEQUENCE] = "of another run",
	};

	return text[fault];
}
