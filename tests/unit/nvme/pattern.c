/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of apps/plx-nvme/pattern.c: every kind of damage has its name. */
#include <string.h>

#include "fake.h"
#include "plx-nvme/pattern.h"
#include "runner.h"

#define SIZE 512u

static uint64_t memory[4 * SIZE / 8];
static char *const blocks = (char *)memory;

static void good_blocks(void)
{
	unsigned int i;

	pattern_fill(memory, SIZE, 4, 1000, 7);
	for (i = 0; i < 4; i++) {
		UNIT_EQ(pattern_check(blocks + i * SIZE, SIZE, 1000 + i, 7), PATTERN_GOOD);
		UNIT_EQ(pattern_check(blocks + i * SIZE, SIZE, 1000 + i, 0), PATTERN_GOOD);
	}
	CU_ASSERT_NOT_EQUAL(memcmp(blocks + 64, blocks + SIZE + 64, SIZE - 64), 0);
}

static void every_flipped_bit_is_seen(void)
{
	unsigned int bit;

	pattern_fill(memory, SIZE, 1, 5, 7);
	for (bit = 0; bit < SIZE * 8; bit++) {
		blocks[bit / 8] ^= (char)(1 << bit % 8);
		CU_ASSERT_NOT_EQUAL(pattern_check(blocks, SIZE, 5, 7), PATTERN_GOOD);
		blocks[bit / 8] ^= (char)(1 << bit % 8);
	}
	UNIT_EQ(pattern_check(blocks, SIZE, 5, 7), PATTERN_GOOD);
}

static void torn_block(void)
{
	pattern_fill(blocks, SIZE, 1, 5, 7);
	pattern_fill(blocks + SIZE, SIZE, 1, 5, 8);
	memcpy(blocks + SIZE / 2, blocks + SIZE + SIZE / 2, SIZE / 2);
	UNIT_EQ(pattern_check(blocks, SIZE, 5, 0), PATTERN_DAMAGED);
}

static void misplaced_stale_and_empty(void)
{
	uint64_t lba, sequence;

	pattern_fill(memory, SIZE, 1, 5, 7);
	UNIT_EQ(pattern_check(blocks, SIZE, 6, 7), PATTERN_LBA);
	UNIT_EQ(pattern_check(blocks, SIZE, 5, 8), PATTERN_SEQUENCE);
	pattern_claims(blocks, &lba, &sequence);
	UNIT_EQ(lba, 5);
	UNIT_EQ(sequence, 7);
	memset(blocks, 0, SIZE);
	UNIT_EQ(pattern_check(blocks, SIZE, 0, 0), PATTERN_NONE);
}

CU_TestInfo pattern_tests[] = {
	{"good blocks", good_blocks},
	{"every flipped bit is seen", every_flipped_bit_is_seen},
	{"torn block", torn_block},
	{"misplaced, stale and empty", misplaced_stale_and_empty},
	CU_TEST_INFO_NULL,
};
