/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lib/eal/heap.c: the books of the DMA heap. The memory that it keeps the books of does not exist.
 */
#include "eal/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "suites.h"

#define MIB  ((size_t)1 << 20)
#define BASE ((uintptr_t)1 << 36)

static struct plx_heap *heap;
static char owner;

static void begin(size_t len)
{
	heap = plx_heap_open(2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(heap);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plx_heap_add(heap, 0, BASE, len, &owner));
}

static uintptr_t take(size_t size, size_t align)
{
	struct plx_heap_piece piece = {0};

	UNIT_EQ(plx_heap_alloc(heap, 0, size, align, &piece), 0);
	CU_ASSERT_PTR_EQUAL(piece.owner, &owner);
	UNIT_EQ(piece.va & (align ? align - 1 : 63), 0);
	CU_ASSERT(piece.len >= size && piece.len < size + 64);
	return piece.va;
}

static struct plx_heap_stats stats(void)
{
	struct plx_heap_stats s;

	plx_heap_stats_get(heap, &s);
	return s;
}

static void alloc_free(void)
{
	struct plx_heap_piece piece;
	uintptr_t a, b;

	begin(MIB);
	a = take(1, 0);
	b = take(4096, 4096);
	UNIT_EQ(stats().pieces, 2);
	UNIT_EQ(stats().used_bytes, 64 + 4096);
	UNIT_EQ(plx_heap_free(heap, a), 64);
	UNIT_EQ(plx_heap_free(heap, b), 4096);
	UNIT_EQ(stats().used_bytes, 0);
	/* All merged again: the whole is one piece. */
	UNIT_EQ(take(MIB, 0), (long long)BASE);
	UNIT_EQ(plx_heap_alloc(heap, 0, 1, 0, &piece), -ENOSPC);
	UNIT_EQ(plx_heap_alloc(heap, 1, 1, 0, &piece), -ENOSPC);
	plx_heap_close(heap);
}

static void bad_frees(void)
{
	uintptr_t a;

	begin(MIB);
	a = take(256, 0);
	UNIT_EQ(plx_heap_free(heap, a + 64), 0);
	UNIT_EQ(plx_heap_free(heap, a + 1), 0);
	UNIT_EQ(plx_heap_free(heap, 0), 0);
	UNIT_EQ(plx_heap_free(heap, BASE + MIB), 0);
	UNIT_EQ(plx_heap_free(heap, a), 256);
	UNIT_EQ(plx_heap_free(heap, a), 0);
	UNIT_EQ(stats().pieces, 0);
	plx_heap_close(heap);
}

static void sizes_out_of_range(void)
{
	struct plx_heap_piece piece;

	begin(MIB);
	UNIT_EQ(plx_heap_alloc(heap, 0, 0, 0, &piece), -ENOSPC);
	UNIT_EQ(plx_heap_alloc(heap, 0, SIZE_MAX, 0, &piece), -ENOSPC);
	UNIT_EQ(plx_heap_alloc(heap, 0, SIZE_MAX - 62, 64, &piece), -ENOSPC);
	UNIT_EQ(plx_heap_alloc(heap, 0, SIZE_MAX / 4, (size_t)1 << 62, &piece), -ENOSPC);
	UNIT_EQ(plx_heap_alloc(heap, 0, MIB + 1, 0, &piece), -ENOSPC);
	plx_heap_close(heap);
}

/* A fit that is just enough is found, although a search by class would want more. */
static void exact_fits(void)
{
	uintptr_t a;

	begin(4 * MIB);
	a = take(MIB, MIB);
	UNIT_EQ(a & (MIB - 1), 0);
	UNIT_EQ(take(MIB, MIB), (long long)(a + MIB));
	take(MIB, MIB);
	take(MIB, MIB);
	UNIT_EQ(plx_heap_free(heap, a), MIB);
	UNIT_EQ(take(MIB, MIB), (long long)a);
	UNIT_EQ(plx_heap_free(heap, a), MIB);
	/* 1 MiB minus 64 B is in the class below: only a look at the class itself finds it. */
	UNIT_EQ(take(64, 0), (long long)a);
	UNIT_EQ(take(MIB - 64, 0), (long long)(a + 64));
	plx_heap_close(heap);
}

/* A new arena that is just enough is found, whatever else is free. */
static void grown_for_alignment(void)
{
	size_t gib = (size_t)1 << 30;

	begin(gib);
	UNIT_EQ(take(MIB, 0), (long long)BASE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(plx_heap_add(heap, 0, BASE + gib, gib, &owner));
	UNIT_EQ(take(2 * MIB, gib), (long long)(BASE + gib));
	plx_heap_close(heap);
}

static void untouched_until_used(void)
{
	struct plx_heap_piece piece;

	begin(MIB);
	UNIT_EQ(plx_heap_alloc(heap, 0, 64, 0, &piece), 0);
	UNIT_EQ(piece.untouched, true);
	plx_heap_free(heap, piece.va);
	UNIT_EQ(plx_heap_alloc(heap, 0, 64, 0, &piece), 0);
	UNIT_EQ(piece.untouched, false);
	plx_heap_close(heap);
}

static void arenas(void)
{
	struct plx_heap_arena *arena;
	struct plx_heap_piece piece;
	char second;

	begin(MIB);
	/* Neighbours in address do not become one: they may go at different times. */
	arena = plx_heap_add(heap, 0, BASE + MIB, MIB, &second);
	CU_ASSERT_PTR_NOT_NULL_FATAL(arena);
	UNIT_EQ(plx_heap_alloc(heap, 0, MIB + 64, 0, &piece), -ENOSPC);
	UNIT_EQ(plx_heap_alloc(heap, 0, MIB, 0, &piece), 0);
	CU_ASSERT_PTR_EQUAL(piece.owner, &second);
	UNIT_EQ(plx_heap_remove(heap, arena), -EBUSY);
	plx_heap_free(heap, piece.va);
	UNIT_EQ(plx_heap_remove(heap, arena), 0);
	take(MIB, 0);
	UNIT_EQ(plx_heap_alloc(heap, 0, MIB, 0, &piece), -ENOSPC);
	plx_heap_close(heap);
}

/* --- Random walk ----------------------------------------------------------------------------- */

enum { LIVE_MAX = 3000, STEPS = 50000 };

static struct {
	uintptr_t va;
	size_t len;
} live[LIVE_MAX];

static size_t random_size(void)
{
	return 1 + (size_t)rand() % ((size_t)1 << (4 + rand() % 14));
}

static int compare_live(const void *a, const void *b)
{
	uintptr_t x = *(const uintptr_t *)a, y = *(const uintptr_t *)b;

	return (x > y) - (x < y);
}

static int overlaps(size_t n)
{
	int found = 0;
	size_t i;

	qsort(live, n, sizeof(live[0]), compare_live);
	for (i = 1; i < n; i++)
		found += live[i - 1].va + live[i - 1].len > live[i].va;
	return found;
}

static void random_walk(void)
{
	size_t n = 0, len = 64 * MIB, i, used = 0;
	int bad = 0, full = 0, step;

	begin(len);
	srand(2);
	for (step = 0; step < STEPS; step++) {
		struct plx_heap_piece piece;
		size_t align = (size_t)64 << rand() % 8, size = random_size();

		if (n == LIVE_MAX || (n && rand() % 2)) {
			i = (size_t)rand() % n;
			bad += plx_heap_free(heap, live[i].va) != live[i].len;
			used -= live[i].len;
			live[i] = live[--n];
		} else if (plx_heap_alloc(heap, 0, size, align, &piece) == 0) {
			bad += piece.va % align != 0 || piece.va < BASE || piece.len < size ||
			       piece.va + piece.len > BASE + len;
			live[n].va = piece.va;
			live[n++].len = piece.len;
			used += piece.len;
		} else {
			full++;
		}
		if (step % 1000 == 0)
			bad += overlaps(n);
	}
	UNIT_EQ(bad, 0);
	UNIT_EQ(full, 0);
	UNIT_EQ(stats().used_bytes, (long long)used);
	UNIT_EQ(stats().pieces, (long long)n);
	while (n-- > 0)
		plx_heap_free(heap, live[n].va);
	/* Nothing has got lost: it is one whole again. */
	UNIT_EQ(take(len, 0), (long long)BASE);
	plx_heap_close(heap);
}

/* How full a heap of mixed sizes gets, under churn, before something does not fit. */
static void fragmentation(void)
{
	size_t n = 0, len = 16 * MIB, used = 0, peak = 0;
	struct plx_heap_piece piece;
	int step;

	begin(len);
	srand(3);
	for (step = 0; step < STEPS; step++) {
		size_t i;

		while (n < LIVE_MAX && plx_heap_alloc(heap, 0, random_size(), 0, &piece) == 0) {
			live[n].va = piece.va;
			live[n++].len = piece.len;
			used += piece.len;
		}
		peak = used > peak ? used : peak;
		i = (size_t)rand() % n;
		used -= plx_heap_free(heap, live[i].va);
		live[i] = live[--n];
	}
	printf("%zu %% used at a time ... ", peak * 100 / len);
	CU_ASSERT(peak > len / 100 * 85);
	plx_heap_close(heap);
}

CU_TestInfo heap_tests[] = {
	{"alloc and free", alloc_free},
	{"bad frees are refused", bad_frees},
	{"sizes out of range", sizes_out_of_range},
	{"exact fits are found", exact_fits},
	{"grown for an alignment", grown_for_alignment},
	{"untouched until first used", untouched_until_used},
	{"arenas come and go", arenas},
	{"50000 random steps", random_walk},
	{"fragmentation under churn", fragmentation},
	CU_TEST_INFO_NULL,
};
