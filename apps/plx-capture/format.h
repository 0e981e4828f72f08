/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What is on the namespace. Block 0 is the superblock; from block `first` on follow chunks, each
 * starting on a block. A chunk is records one after the other, each a header and the packet:
 *
 *	| header | packet | 0-3 | header | packet | ... | up to the block's end |
 *
 * so that a packet buffer with its header in the headroom is written as it is. A chunk is written
 * by one command: where the controller has SGLs, many packets at once; where it has only PRPs, a
 * chunk is one packet, which is contiguous. All fields are little-endian.
 *
 * Whether a chunk is there is told by its headers alone: magic, checksum, the session (so that what
 * an earlier one has left is nothing) and the block where it starts. Commands end in any order, so
 * after a crash chunks may be missing among the last `window` blocks, and nowhere else.
 */
#ifndef PLX_CAPTURE_FORMAT_H
#define PLX_CAPTURE_FORMAT_H

#include <assert.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define FORMAT_VERSION	 1
#define SUPERBLOCK_MAGIC 0x504c5843u /* "CXLP" */
#define RECORD_MAGIC	 0x504c5852u
#define PACKET_MAX	 65536u
#define CHUNK_BYTES_MAX	 (4u << 20)
#define RECORD_FLAG_END	 1u /* no packet: the capture ended in order, `dropped` is final */

struct superblock {
	uint32_t magic;
	uint32_t version;
	uint64_t session;
	uint64_t start_ns; /* since 1970 */
	uint64_t first;	   /* block of the first chunk */
	uint64_t window;   /* blocks */
	uint32_t block_size;
	char interface[64]; /* with its end */
	uint8_t reserved[16];
	uint32_t crc; /* CRC-32C of what is before */
};
static_assert(sizeof(struct superblock) == 128, "format");

struct record {
	uint32_t magic;
	uint32_t next; /* bytes from this header to the next; 0: the last of the chunk */
	uint64_t session;
	uint64_t block; /* where the chunk starts */
	uint64_t sequence;
	uint64_t time_ns; /* since 1970 */
	uint64_t dropped; /* packets lost so far, of every kind, as known then */
	uint32_t length;  /* of the packet */
	uint16_t flags;
	uint16_t reserved;
	uint32_t crc_packet; /* 0: not taken */
	uint32_t crc;	     /* CRC-32C of what is before */
};
static_assert(sizeof(struct record) == 64, "fits the headroom of a packet buffer");

/** Fill in crc. */
void superblock_seal(struct superblock *sb);
void record_seal(struct record *r);
/** Is it whole, and can it be? Everything in it is bounded then. */
bool superblock_ok(const struct superblock *sb);
/** And does it belong to this session and chunk? */
bool record_ok(const struct record *r, uint64_t session, uint64_t block);

#endif /* PLX_CAPTURE_FORMAT_H */
