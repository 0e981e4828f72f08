/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What both mempools are put through: bursts of 32 objects. Who includes this has defined
 * pool_get() and pool_put() before, so that both are compiled into the loops as an application has
 * them.
 */
#ifndef PLX_BENCH_EAL_MEMPOOL_PATTERN_H
#define PLX_BENCH_EAL_MEMPOOL_PATTERN_H

#include "report.h"

#define BURST  32
#define ROUNDS 20000
/* Bursts that are out at a time in the second loop: more than a cache holds, as a ring of a NIC. */
#define DEEP	     32
#define POOL_OBJECTS 8191
#define POOL_CACHE   256
#define OBJECT_BYTES 2304

static void *burst[DEEP][BURST];

/* A use of the objects that the compiler cannot look through. */
static inline void touch(void **objects)
{
	__asm__ volatile("" : : "r"(objects) : "memory");
}

/* Nanoseconds (in the counting machine: instructions) for each object, got and put. */
static double run_shallow(void)
{
	uint64_t start = now_ns();
	unsigned int i;

	for (i = 0; i < ROUNDS; i++) {
		if (pool_get(burst[0], BURST))
			exit(EXIT_FAILURE);
		touch(burst[0]);
		pool_put(burst[0], BURST);
	}
	return (double)(now_ns() - start) / ((double)ROUNDS * BURST);
}

static double run_deep(void)
{
	uint64_t start = now_ns();
	unsigned int round, i;

	for (round = 0; round < ROUNDS / DEEP; round++) {
		for (i = 0; i < DEEP; i++) {
			if (pool_get(burst[i], BURST))
				exit(EXIT_FAILURE);
			touch(burst[i]);
		}
		for (i = 0; i < DEEP; i++)
			pool_put(burst[i], BURST);
	}
	return (double)(now_ns() - start) / ((double)(ROUNDS / DEEP) * DEEP * BURST);
}

/* The first time is not counted: it fills the cache and the page tables. */
static inline void run_pattern(void)
{
	double shallow, deep;

	run_shallow();
	run_deep();
	shallow = run_shallow();
	deep = run_deep();
	printf("shallow %.2f deep %.2f\n", shallow, deep);
}

#endif /* PLX_BENCH_EAL_MEMPOOL_PATTERN_H */
