/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both heaps are put through: objects of the sizes that drivers ask for, allocated in bulk,
 * freed in another order, again and again; and one object at a time.
 */
#ifndef PLX_BENCH_EAL_HEAP_PATTERN_H
#define PLX_BENCH_EAL_HEAP_PATTERN_H

#include "report.h"

#define LIVE   512
#define ROUNDS 40

static void *objects[LIVE];

static inline size_t pattern_size(unsigned int i)
{
	static const size_t sizes[] = {64, 128, 256, 2048, 2176, 4096, 9216, 16384};

	return sizes[(i * 5 + i / 8) % (sizeof(sizes) / sizeof(sizes[0]))];
}

static inline size_t pattern_align(unsigned int i)
{
	return i % 4 == 3 ? 4096 : 64;
}

/* Nanoseconds (in the counting machine: instructions) for each pair of alloc and free. */
static double run_bulk(void *(*alloc)(size_t size, size_t align), void (*give_back)(void *object))
{
	unsigned int round, i;
	uint64_t start = 0;

	/* The first round is not counted: it makes the heap grow. */
	for (round = 0; round <= ROUNDS; round++) {
		if (round == 1)
			start = now_ns();
		for (i = 0; i < LIVE; i++)
			objects[i] = alloc(pattern_size(i), pattern_align(i));
		for (i = 0; i < LIVE; i++)
			give_back(objects[i * 37 % LIVE]);
	}
	return (double)(now_ns() - start) / (ROUNDS * LIVE);
}

static double run_single(void *(*alloc)(size_t size, size_t align), void (*give_back)(void *object))
{
	uint64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < ROUNDS * LIVE; i++)
		give_back(alloc(2048, 64));
	return (double)(now_ns() - start) / (ROUNDS * LIVE);
}

static inline void run_pattern(void *(*alloc)(size_t size, size_t align),
			       void (*give_back)(void *object))
{
	double bulk = run_bulk(alloc, give_back);

	printf("bulk %.1f single %.1f\n", bulk, run_single(alloc, give_back));
}

#endif /* PLX_BENCH_EAL_HEAP_PATTERN_H */
