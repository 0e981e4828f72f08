/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Protection information, generated and checked (NVM Command Set, 5.2): pure functions on memory.
 * Guards of 16 and 32 bits are ISA-L's CRC, those of 64 crc64.c's. Called by the application.
 */
#include <endian.h>
#include <string.h>

#include <isa-l/crc.h>

#include <pollux/nvme_pi.h>

#include "nvme/crc64.h"

/*
 * In memory, big-endian (NVM 5.2.1, figures 117 to 119): guard, application tag of 16 bits, and the
 * space that the storage tag, in its upper bits, and the reference tag share.
 */
#define APP_BYTES    2u
#define NO_CHECK_APP 0xffff

/* Wide enough for that space: up to 80 bits. */
typedef unsigned __int128 space_t;

/* A block and its metadata. */
struct block {
	const uint8_t *data;
	uint8_t *metadata, *tuple;
};

static struct block block_at(const struct plx_nvme_pi *pi, const void *data, const void *metadata,
			     uint32_t i)
{
	size_t stride = pi->block_size + (pi->extended ? pi->metadata_size : 0);
	struct block b = {.data = (const uint8_t *)data + i * stride};
	const uint8_t *at = (const uint8_t *)metadata + (size_t)i * pi->metadata_size;

	b.metadata = (uint8_t *)(uintptr_t)(pi->extended ? b.data + pi->block_size : at);
	b.tuple = b.metadata + (pi->first ? 0 : pi->metadata_size - plx_nvme_pi_bytes(pi));
	return b;
}

static void put(uint8_t *to, space_t value, unsigned int bytes)
{
	for (; bytes; value >>= 8)
		to[--bytes] = (uint8_t)value;
}

static space_t get(const uint8_t *from, unsigned int bytes)
{
	space_t value = 0;

	while (bytes--)
		value = value << 8 | *from++;
	return value;
}

/* --- Fields --------------------------------------------------------------------------------- */

static unsigned int guard_bytes(const struct plx_nvme_pi *pi)
{
	return pi->guard_bits / 8;
}

static unsigned int space_bytes(const struct plx_nvme_pi *pi)
{
	return plx_nvme_pi_bytes(pi) - guard_bytes(pi) - APP_BYTES;
}

static space_t ones(unsigned int bits)
{
	return ((space_t)1 << bits) - 1;
}

static unsigned int ref_bits(const struct plx_nvme_pi *pi)
{
	return 8 * space_bytes(pi) - pi->storage_bits;
}

/* The guard of some bytes, going on from that of those before. */
static uint64_t guard_on(const struct plx_nvme_pi *pi, uint64_t guard, const uint8_t *at,
			 size_t len)
{
	switch (pi->guard_bits) {
	case 64:
		return nvme_crc64(guard, at, len);
	case 32:
		/* Not to be inverted in between: ISA-L's is the bare register. */
		return ~crc32_iscsi((unsigned char *)(uintptr_t)at, (int)len, ~(uint32_t)guard) &
		       UINT32_MAX;
	default:
		return crc16_t10dif((uint16_t)guard, at, len);
	}
}

/* Over the block, and what of the metadata is before the tuple. */
static uint64_t guard_of(const struct plx_nvme_pi *pi, const struct block *b)
{
	uint64_t guard = guard_on(pi, 0, b->data, pi->block_size);

	if (b->tuple == b->metadata)
		return guard;
	return guard_on(pi, guard, b->metadata, (size_t)(b->tuple - b->metadata));
}

static space_t ref_of(const struct plx_nvme_pi *pi, uint32_t i)
{
	return (pi->type == 3 ? pi->ref_tag : pi->ref_tag + i) & ones(ref_bits(pi));
}

/* Storage tag and reference tag of a block, as they are in memory. */
static space_t space_of(const struct plx_nvme_pi *pi, uint32_t i)
{
	return ((space_t)pi->storage_tag & ones(pi->storage_bits)) << ref_bits(pi) | ref_of(pi, i);
}

/* --- Calls ---------------------------------------------------------------------------------- */

void plx_nvme_pi_init(struct plx_nvme_pi *pi, const struct plx_nvme_ns_info *info, uint16_t checks)
{
	*pi = (struct plx_nvme_pi){
		.block_size = info->block_size,
		.metadata_size = info->metadata_size,
		.extended = info->metadata_extended,
		.first = info->protection_first,
		.type = info->protection,
		.guard_bits = info->guard_bits ? info->guard_bits : 16,
		.storage_bits = info->storage_tag_bits,
		.checks = checks,
		.app_mask = 0xffff,
	};
	if (info->metadata_size < plx_nvme_pi_bytes(pi))
		pi->type = 0;
	/* It has none to check: the controller refuses to (NVM 5.2.2.3). */
	if (pi->type == 3)
		pi->checks &= (uint16_t)~PLX_NVME_PI_CHECK_REF;
}

void plx_nvme_pi_generate(const struct plx_nvme_pi *pi, void *data, void *metadata, uint32_t blocks)
{
	uint32_t i;

	for (i = 0; pi->type && i < blocks; i++) {
		struct block b = block_at(pi, data, metadata, i);
		uint8_t *app = b.tuple + guard_bytes(pi);

		put(b.tuple, guard_of(pi, &b), guard_bytes(pi));
		put(app, pi->app_tag, APP_BYTES);
		put(app + APP_BYTES, space_of(pi, i), space_bytes(pi));
	}
}

static int verify_block(const struct plx_nvme_pi *pi, const struct block *b, uint32_t i)
{
	const uint8_t *at = b->tuple + guard_bytes(pi);
	uint16_t app = (uint16_t)get(at, APP_BYTES);
	space_t space = get(at + APP_BYTES, space_bytes(pi)), ref = space & ones(ref_bits(pi));

	if (app == NO_CHECK_APP && (pi->type != 3 || ref == ones(ref_bits(pi))))
		return 0;
	if ((uint64_t)get(b->tuple, guard_bytes(pi)) != guard_of(pi, b))
		return PLX_NVME_GUARD_CHECK;
	if ((app ^ pi->app_tag) & pi->app_mask)
		return PLX_NVME_APP_TAG_CHECK;
	if (pi->type != 3 && ref != ref_of(pi, i))
		return PLX_NVME_REF_TAG_CHECK;
	return space >> ref_bits(pi) == space_of(pi, i) >> ref_bits(pi)
		       ? 0
		       : PLX_NVME_STORAGE_TAG_CHECK;
}

void plx_nvme_pi_tags(const struct plx_nvme_pi *pi, struct plx_nvme_cmd *cmd)
{
	space_t space = space_of(pi, 0);

	/* NVM 3.2.4, figure 53: LBST and ILBRT */
	cmd->cdw14 = (uint32_t)space;
	cmd->cdw3 = (uint32_t)(space >> 32);
	cmd->cdw2 = (uint32_t)(space >> 64);
	cmd->cdw15 = (uint32_t)pi->app_mask << 16 | pi->app_tag;
}

int plx_nvme_pi_verify(const struct plx_nvme_pi *pi, const void *data, const void *metadata,
		       uint32_t blocks, uint32_t *block)
{
	uint32_t i;

	for (i = 0; pi->type && i < blocks; i++) {
		struct block b = block_at(pi, data, metadata, i);
		int wrong = verify_block(pi, &b, i);

		if (wrong && block)
			*block = i;
		if (wrong)
			return wrong;
	}
	return 0;
}
