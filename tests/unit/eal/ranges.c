/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/ranges.c: sets of ranges and their gaps. */
#include "eal/ranges.h"

#include <errno.h>
#include <stdlib.h>

#include "runner.h"
#include "suites.h"

static uint64_t gap(const struct plx_ranges *r, uint64_t lo, uint64_t hi, uint64_t len,
		    uint64_t align, uint64_t phase)
{
	uint64_t at = UINT64_MAX;

	plx_ranges_gap(r, (struct plx_range){lo, hi}, len, align, phase, &at);
	return at;
}

static void add_remove(void)
{
	struct plx_ranges r = {0};

	UNIT_EQ(plx_ranges_add(&r, 100, 10), 0);
	UNIT_EQ(plx_ranges_add(&r, 110, 10), 0);
	UNIT_EQ(plx_ranges_add(&r, 90, 10), 0);
	UNIT_EQ(plx_ranges_add(&r, 99, 1), -EEXIST);
	UNIT_EQ(plx_ranges_add(&r, 85, 6), -EEXIST);
	UNIT_EQ(plx_ranges_add(&r, 119, 100), -EEXIST);
	UNIT_EQ(plx_ranges_add(&r, 0, UINT64_MAX), -EEXIST);
	UNIT_EQ(plx_ranges_add(&r, UINT64_MAX - 9, 11), -EEXIST);
	UNIT_EQ(plx_ranges_add(&r, UINT64_MAX - 9, 10), 0);
	UNIT_EQ(r.n, 4);
	plx_ranges_remove(&r, 105);
	UNIT_EQ(r.n, 4);
	plx_ranges_remove(&r, 100);
	UNIT_EQ(r.n, 3);
	UNIT_EQ(plx_ranges_add(&r, 100, 10), 0);
	plx_ranges_clear(&r);
	UNIT_EQ(r.n, 0);
}

static void gaps(void)
{
	struct plx_ranges r = {0};

	UNIT_EQ(gap(&r, 0x1000, 0x1fff, 0x1000, 0x1000, 0), 0x1000);
	UNIT_EQ(gap(&r, 0x1000, 0x1fff, 0x1001, 1, 0), UINT64_MAX);
	UNIT_EQ(plx_ranges_add(&r, 0x2000, 0x1000), 0);
	UNIT_EQ(plx_ranges_add(&r, 0x5000, 0x1000), 0);
	UNIT_EQ(gap(&r, 0x1000, 0xffff, 0x1000, 0x1000, 0), 0x1000);
	UNIT_EQ(gap(&r, 0x1000, 0xffff, 0x2000, 0x1000, 0), 0x3000);
	UNIT_EQ(gap(&r, 0x1000, 0xffff, 0x2000, 0x2000, 0), 0x6000);
	UNIT_EQ(gap(&r, 0x1000, 0xffff, 0x1000, 0x4000, 0x3000), 0x3000);
	UNIT_EQ(gap(&r, 0x2800, 0xffff, 0x1000, 0x1000, 0), 0x3000);
	UNIT_EQ(gap(&r, 0x2000, 0x5fff, 0x2001, 1, 0), UINT64_MAX);
	UNIT_EQ(gap(&r, 0x2000, 0x2fff, 1, 1, 0), UINT64_MAX);
	/* At the end of all numbers nothing wraps. */
	UNIT_EQ(plx_ranges_add(&r, UINT64_MAX - 0xfff, 0x1000), 0);
	UNIT_EQ(gap(&r, UINT64_MAX - 0xfff, UINT64_MAX, 1, 1, 0), UINT64_MAX);
	UNIT_EQ(gap(&r, UINT64_MAX - 0x1fff, UINT64_MAX, 0x1000, 0x1000, 0),
		(long long)(UINT64_MAX - 0x1fff));
	plx_ranges_clear(&r);
}

/* Against a map of bytes, with all that a random walk comes upon. */
static void against_a_map(void)
{
	enum { SPACE = 512, STEPS = 20000 };
	bool taken[SPACE] = {false};
	uint64_t lens[SPACE] = {0};
	struct plx_ranges r = {0};
	int wrong = 0, step;

	srand(1);
	for (step = 0; step < STEPS; step++) {
		uint64_t len = 1 + (uint64_t)rand() % 24, align = 1u << rand() % 5, at, i, k;
		uint64_t phase = (uint64_t)rand() % align;
		int start = rand() % SPACE;

		if (lens[start]) {
			plx_ranges_remove(&r, (uint64_t)start);
			for (i = 0; i < lens[start]; i++)
				taken[(uint64_t)start + i] = false;
			lens[start] = 0;
		}
		for (i = phase; i + len <= SPACE; i += align) {
			for (k = 0; k < len && !taken[i + k]; k++)
				;
			if (k == len)
				break;
		}
		if (i + len > SPACE)
			i = UINT64_MAX;
		at = gap(&r, 0, SPACE - 1, len, align, phase);
		wrong += at != i;
		if (at == UINT64_MAX)
			continue;
		wrong += plx_ranges_add(&r, at, len) != 0;
		lens[at] = len;
		for (i = 0; i < len; i++)
			taken[at + i] = true;
	}
	UNIT_EQ(wrong, 0);
	plx_ranges_clear(&r);
}

CU_TestInfo ranges_tests[] = {
	{"add and remove", add_remove},
	{"gaps", gaps},
	{"20000 random steps against a map", against_a_map},
	CU_TEST_INFO_NULL,
};
