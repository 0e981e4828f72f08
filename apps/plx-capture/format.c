/* SPDX-License-Identifier: BSD-3-Clause */
/* Checksums and checks of what is on the namespace; see format.h. */
#include "format.h"

#include <endian.h>
#include <isa-l/crc.h>
#include <string.h>

/* isa-l takes the sum so far inverted, and gives it so. */
static uint32_t crc32c(const void *data, size_t len)
{
	return ~crc32_iscsi((unsigned char *)data, (int)len, 0xffffffff);
}

void superblock_seal(struct superblock *sb)
{
	sb->crc = htole32(crc32c(sb, offsetof(struct superblock, crc)));
}

void record_seal(struct record *r)
{
	r->crc = htole32(crc32c(r, offsetof(struct record, crc)));
}

bool superblock_ok(const struct superblock *sb)
{
	uint32_t block_size = le32toh(sb->block_size);

	return le32toh(sb->magic) == SUPERBLOCK_MAGIC && le32toh(sb->version) == FORMAT_VERSION &&
	       le32toh(sb->crc) == crc32c(sb, offsetof(struct superblock, crc)) &&
	       block_size >= 512 && block_size <= 65536 && !(block_size & (block_size - 1)) &&
	       le64toh(sb->first) >= 1 && le64toh(sb->window) <= UINT32_MAX &&
	       memchr(sb->interface, 0, sizeof(sb->interface));
}

bool record_ok(const struct record *r, uint64_t session, uint64_t block)
{
	uint32_t next = le32toh(r->next), length = le32toh(r->length);

	return le32toh(r->magic) == RECORD_MAGIC && le64toh(r->session) == session &&
	       le64toh(r->block) == block && length <= PACKET_MAX &&
	       (next == 0 ||
		(next % 4 == 0 && next >= sizeof(*r) + length && next < CHUNK_BYTES_MAX)) &&
	       le32toh(r->crc) == crc32c(r, offsetof(struct record, crc));
}
