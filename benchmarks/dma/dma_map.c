// SPDX-License-Identifier: BSD-3-Clause
/*
 * What does VFIO_IOMMU_MAP_DMA cost, and UNMAP_DMA? For memory of each kind that
 * is faulted in already: the median time of one call. In a machine that counts
 * instructions (./run vm --icount) a nanosecond is an instruction.
 *
 *	dma_map [--bar BDF] [--iommufd] [--rounds N] [--sweep] [--trace] BDF [CASE...]
 *
 * prints a line "CASE METRIC NANOSECONDS BYTES" for each result.
 */
#include <argp.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "container.h"
#include "memory.h"
#include "trace.h"

#define IOVA	  (4 * PAGE_1G)
#define MIB	  (1UL << 20)
#define MANY	  32768
#define BAR_INDEX 2

struct bench_case {
	const char *name;
	enum memory_kind kind;
	size_t size;
};

static const struct bench_case cases[] = {
	{"hugetlb-2m-2m", MEMORY_HUGE_2M, 2 * MIB},
	{"hugetlb-2m-64m", MEMORY_HUGE_2M, 64 * MIB},
	{"hugetlb-2m-512m", MEMORY_HUGE_2M, 512 * MIB},
	{"hugetlb-1g-1g", MEMORY_HUGE_1G, 1024 * MIB},
	{"thp-64m", MEMORY_THP, 64 * MIB},
	{"thp-512m", MEMORY_THP, 512 * MIB},
	{"4k-64m", MEMORY_4K, 64 * MIB},
	{"4k-512m", MEMORY_4K, 512 * MIB},
	{"4k-shuffled-128m", MEMORY_SHUFFLED, 128 * MIB},
	{"single-4k", MEMORY_4K, PAGE_4K},
	{"memfd-2m-2m", MEMORY_MEMFD_2M, 2 * MIB},
	{"memfd-2m-64m", MEMORY_MEMFD_2M, 64 * MIB},
	{"memfd-2m-512m", MEMORY_MEMFD_2M, 512 * MIB},
	{"memfd-1g-1g", MEMORY_MEMFD_1G, 1024 * MIB},
	{"memfd-hugetlbfs-64m", MEMORY_HUGETLBFS, 64 * MIB},
	{"memfd-thp-64m", MEMORY_MEMFD_THP, 64 * MIB},
	{"memfd-4k-64m", MEMORY_MEMFD_4K, 64 * MIB},
	{"memfd-4k-512m", MEMORY_MEMFD_4K, 512 * MIB},
};

static const struct bench_case sweep[] = {
	{"sweep-4k-4k", MEMORY_4K, PAGE_4K},
	{"sweep-4k-64k", MEMORY_4K, 16 * PAGE_4K},
	{"sweep-4k-1m", MEMORY_4K, MIB},
	{"sweep-4k-16m", MEMORY_4K, 16 * MIB},
	{"sweep-4k-256m", MEMORY_4K, 256 * MIB},
	{"sweep-2m-2m", MEMORY_HUGE_2M, 2 * MIB},
	{"sweep-2m-8m", MEMORY_HUGE_2M, 8 * MIB},
	{"sweep-2m-32m", MEMORY_HUGE_2M, 32 * MIB},
	{"sweep-2m-128m", MEMORY_HUGE_2M, 128 * MIB},
	{"sweep-2m-512m", MEMORY_HUGE_2M, 512 * MIB},
};

static size_t rounds = 9;
static bool trace;

struct options {
	const char *bdf;
	const char *bar;
	bool sweep;
	enum container_kind kind;
	char **only;
	int nr_only;
};

/* ---- results ---- */

static void report(const char *name, const char *metric, uint64_t ns, uint64_t bytes)
{
	printf("%s %s %llu %llu\n", name, metric, (unsigned long long)ns,
	       (unsigned long long)bytes);
	fflush(stdout);
}

static int compare(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

static uint64_t median(uint64_t *values, size_t count)
{
	qsort(values, count, sizeof(*values), compare);
	return values[count / 2];
}

/* ---- cases ---- */

static void measure_memory(struct container *c, const char *name, const void *memory, size_t size)
{
	uint64_t *map = calloc(rounds, sizeof(*map)), *unmap = calloc(rounds, sizeof(*unmap)),
		 start;

	if (!map || !unmap)
		die(name);
	for (size_t i = 0; i < rounds; i++) {
		start = clock_ns();
		container_map(c, memory, IOVA, size);
		map[i] = clock_ns() - start;
		start = clock_ns();
		container_unmap(c, IOVA, size);
		unmap[i] = clock_ns() - start;
	}
	report(name, "map", median(map, rounds), size);
	report(name, "unmap", median(unmap, rounds), size);
	if (trace) {
		trace_start();
		container_map(c, memory, IOVA, size);
		container_unmap(c, IOVA, size);
		trace_stop();
	}
	free(map);
	free(unmap);
}

static void measure_case(struct container *c, const struct bench_case *bc)
{
	void *memory = memory_make(bc->kind, bc->size, MEMORY_FAULTED);

	if (!memory) {
		fprintf(stderr, "dma_map: %s: no such memory here: %s\n", bc->name,
			strerror(errno));
		return;
	}
	measure_memory(c, bc->name, memory, bc->size);
	memory_drop(memory, bc->size);
}

/* Maps of one page each; what one costs, on average. */
static void measure_many(struct container *c, const char *name, size_t count)
{
	char *memory = memory_make(MEMORY_4K, count * PAGE_4K, MEMORY_FAULTED);
	uint64_t start;

	if (!memory)
		die(name);
	start = clock_ns();
	for (size_t i = 0; i < count; i++)
		container_map(c, memory + i * PAGE_4K, IOVA + i * 2 * PAGE_4K, PAGE_4K);
	report(name, "map", (clock_ns() - start) / count, PAGE_4K);
	start = clock_ns();
	for (size_t i = 0; i < count; i++)
		container_unmap(c, IOVA + i * 2 * PAGE_4K, PAGE_4K);
	report(name, "unmap", (clock_ns() - start) / count, PAGE_4K);
	memory_drop(memory, count * PAGE_4K);
}

static void measure_unmap_all(struct container *c)
{
	char *memory = memory_make(MEMORY_4K, MANY * PAGE_4K, MEMORY_FAULTED);
	uint64_t start;

	if (!memory)
		die("unmap-all");
	for (size_t i = 0; i < MANY; i++)
		container_map(c, memory + i * PAGE_4K, IOVA + i * 2 * PAGE_4K, PAGE_4K);
	start = clock_ns();
	container_unmap_all(c);
	report("unmap-all", "unmap", (clock_ns() - start) / MANY, PAGE_4K);
	memory_drop(memory, MANY * PAGE_4K);
}

static void measure_bar(struct container *c, const char *bdf)
{
	size_t size;
	void *memory = container_map_bar(c, bdf, BAR_INDEX, &size);
	char name[32];

	snprintf(name, sizeof(name), "bar-%zum", size / MIB);
	measure_memory(c, name, memory, size);
	memory_drop(memory, size);
}

static void measure_sweep(struct container *c)
{
	static const struct {
		const char *name;
		size_t count;
	} counts[] = {{"count-512", 512}, {"count-4096", 4096}, {"count-32768", 32768}};

	for (size_t i = 0; i < sizeof(sweep) / sizeof(*sweep); i++)
		measure_case(c, &sweep[i]);
	for (size_t i = 0; i < sizeof(counts) / sizeof(*counts); i++)
		measure_many(c, counts[i].name, counts[i].count);
}

static bool wanted(const struct options *o, const char *name)
{
	for (int i = 0; i < o->nr_only; i++)
		if (!strcmp(o->only[i], name))
			return true;
	return !o->nr_only;
}

static void measure(const struct options *o)
{
	struct container c;

	container_open(&c, o->kind);
	container_add(&c, o->bdf);
	if (o->kind == CONTAINER_VFIO)
		fprintf(stderr, "dma_map: page sizes of the domain: 0x%llx\n",
			(unsigned long long)container_pgsizes(&c));
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
		if (wanted(o, cases[i].name))
			measure_case(&c, &cases[i]);
	if (wanted(o, "many-4k"))
		measure_many(&c, "many-4k", MANY);
	if (wanted(o, "unmap-all"))
		measure_unmap_all(&c);
	if (o->sweep)
		measure_sweep(&c);
	if (o->bar && wanted(o, "bar-64m"))
		measure_bar(&c, o->bar);
	container_close(&c);
}

/* ---- arguments ---- */

static const struct argp_option argp_options[] = {
	{"bar", 'b', "BDF", 0, "also map BAR 2 of this device", 0},
	{"iommufd", 'i', NULL, 0, "by /dev/iommu, not by a VFIO container", 0},
	{"rounds", 'r', "COUNT", 0, "measure that often, print the median (default: 9)", 0},
	{"trace", 't', NULL, 0, "then once more, each instruction logged by QEMU (see where.py)",
	 0},
	{"sweep", 's', NULL, 0, "also the cost against size, and against the number of maps", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case 'b':
		o->bar = arg;
		return 0;
	case 'i':
		o->kind = CONTAINER_IOMMUFD;
		return 0;
	case 'r':
		rounds = strtoul(arg, NULL, 10);
		if (!rounds)
			argp_error(state, "--rounds %s: a number from 1 on", arg);
		return 0;
	case 's':
		o->sweep = true;
		return 0;
	case 't':
		trace = true;
		return 0;
	case ARGP_KEY_ARGS:
		o->bdf = state->argv[state->next];
		o->only = state->argv + state->next + 1;
		o->nr_only = state->argc - state->next - 1;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return EINVAL;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp argp = {argp_options,
					 parse,
					 "BDF [CASE...]",
					 "Measure VFIO's DMA map and unmap, by kind of memory.",
					 NULL,
					 NULL,
					 NULL};
	struct options options = {0};

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	measure(&options);
	return 0;
}
