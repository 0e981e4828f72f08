/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Blocks that know what they are: each carries its address, the sequence number of the run that
 * wrote it, and a CRC32C over all of it, so that a reader tells a torn, stale, misplaced or damaged
 * block from a good one without knowing what was written.
 */
#ifndef PLX_NVME_PATTERN_H
#define PLX_NVME_PATTERN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define PATTERN_BLOCK_MIN 512

enum pattern_fault {
	PATTERN_GOOD,
	PATTERN_NONE,	  /* not a pattern at all: never written, or overwritten */
	PATTERN_DAMAGED,  /* CRC: torn or bits changed */
	PATTERN_LBA,	  /* good, but of another address */
	PATTERN_SEQUENCE, /* good, but of another run */
	PATTERN_FAULTS,
};

/** A fault in words. */
const char *pattern_fault_str(enum pattern_fault fault);
/** Fill `blocks` blocks of block_size bytes (a multiple of 8) that go to lba and following. */
void pattern_fill(void *buf, size_t block_size, size_t blocks, uint64_t lba, uint64_t sequence);
/** Check one block. sequence 0: any. */
enum pattern_fault pattern_check(const void *block, size_t block_size, uint64_t lba,
				 uint64_t sequence);
/** The address and sequence that a block claims to have; for messages. */
void pattern_claims(const void *block, uint64_t *lba, uint64_t *sequence);

#endif /* PLX_NVME_PATTERN_H */
