// SPDX-License-Identifier: BSD-3-Clause
/*
 * Questions whose answer is a time, not a count of instructions:
 *
 *	dma_time parallel BDF	64 MiB maps by one thread, and by two at once
 *	dma_time cold BDF	512 MiB that nobody has touched
 *	dma_time warm BDF	rates of memory that is there
 *
 * Lines "CASE METRIC NANOSECONDS BYTES", as dma_map prints; the least of several
 * rounds, because what disturbs only adds.
 */
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "container.h"
#include "memory.h"

#define IOVA	    (4 * PAGE_1G)
#define MIB	    (1UL << 20)
#define ROUNDS	    5
#define PIECE	    (64 * MIB)
#define PIECES	    8 /* maps of a thread in one round */
#define THREADS_MAX 2

struct mapper {
	struct container *container;
	char *memory;
	uint64_t iova;
};

static void report(const char *name, const char *metric, uint64_t ns, uint64_t bytes)
{
	printf("%s %s %llu %llu\n", name, metric, (unsigned long long)ns,
	       (unsigned long long)bytes);
	fflush(stdout);
}

/* ---- several threads ---- */

static void *map_pieces(void *arg)
{
	struct mapper *m = arg;

	for (int i = 0; i < PIECES; i++) {
		container_map(m->container, m->memory, m->iova, PIECE);
		container_unmap(m->container, m->iova, PIECE);
	}
	return NULL;
}

static uint64_t time_threads(struct mapper *mappers, int count)
{
	pthread_t threads[THREADS_MAX];
	uint64_t start = clock_ns();

	for (int i = 0; i < count; i++)
		if (pthread_create(&threads[i], NULL, map_pieces, &mappers[i]))
			die("pthread_create");
	for (int i = 0; i < count; i++)
		pthread_join(threads[i], NULL);
	return clock_ns() - start;
}

static void measure_parallel(struct container *c)
{
	uint64_t best[THREADS_MAX + 1] = {0, UINT64_MAX, UINT64_MAX}, ns;
	struct mapper mappers[THREADS_MAX];

	for (int i = 0; i < THREADS_MAX; i++) {
		mappers[i] = (struct mapper){c, memory_make(MEMORY_4K, PIECE, MEMORY_FAULTED),
					     IOVA + (uint64_t)i * PAGE_1G};
		if (!mappers[i].memory)
			die("memory");
	}
	for (int round = 0; round < ROUNDS; round++)
		for (int count = 1; count <= THREADS_MAX; count++) {
			ns = time_threads(mappers, count) / PIECES;
			best[count] = ns < best[count] ? ns : best[count];
		}
	report("parallel-1", "map", best[1], PIECE);
	report("parallel-2", "map", best[2] / 2, PIECE);
}

/* ---- memory that is there, or is not ---- */

static void measure(struct container *c, const char *name, enum memory_kind kind, size_t size,
		    enum memory_state state)
{
	uint64_t map = UINT64_MAX, unmap = UINT64_MAX, start, ns;

	for (int round = 0; round < ROUNDS; round++) {
		void *memory = memory_make(kind, size, state);

		if (!memory)
			die(name);
		start = clock_ns();
		container_map(c, memory, IOVA, size);
		ns = clock_ns() - start;
		map = ns < map ? ns : map;
		start = clock_ns();
		container_unmap(c, IOVA, size);
		ns = clock_ns() - start;
		unmap = ns < unmap ? ns : unmap;
		memory_drop(memory, size);
	}
	report(name, "map", map, size);
	report(name, "unmap", unmap, size);
}

int main(int argc, char **argv)
{
	struct container c;

	if (argc != 3) {
		fprintf(stderr, "usage: dma_time parallel|cold|warm BDF\n");
		return 2;
	}
	container_open(&c, CONTAINER_VFIO);
	container_add(&c, argv[2]);
	if (!strcmp(argv[1], "parallel")) {
		measure_parallel(&c);
	} else if (!strcmp(argv[1], "cold")) {
		measure(&c, "cold-512m", MEMORY_THP, 512 * MIB, MEMORY_COLD);
		measure(&c, "cold-4k-512m", MEMORY_4K, 512 * MIB, MEMORY_COLD);
		measure(&c, "cold-hugetlb-512m", MEMORY_HUGE_2M, 512 * MIB, MEMORY_COLD);
	} else {
		measure(&c, "rate-hugetlb-2m-512m", MEMORY_HUGE_2M, 512 * MIB, MEMORY_FAULTED);
		measure(&c, "rate-thp-512m", MEMORY_THP, 512 * MIB, MEMORY_FAULTED);
		measure(&c, "rate-4k-512m", MEMORY_4K, 512 * MIB, MEMORY_FAULTED);
	}
	container_close(&c);
	return 0;
}
