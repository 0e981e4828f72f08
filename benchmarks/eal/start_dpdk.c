/* SPDX-License-Identifier: BSD-3-Clause */
/* The same life of DPDK's EAL: start_dpdk BYTES-TO-USE EAL-OPTION... */
#include <rte_eal.h>
#include <rte_malloc.h>

#include "report.h"

#define PAGE  ((size_t)2 << 20)
#define CHUNK ((size_t)128 << 20)

static int use(size_t len)
{
	size_t done, page;
	char *va;

	for (done = 0; done < len; done += CHUNK) {
		/* Its own header does not fit in the last chunk of the memory given at start. */
		size_t size = done + CHUNK < len ? CHUNK : CHUNK - PAGE;

		va = rte_malloc(NULL, size, done + CHUNK < len ? PAGE : 0);
		if (!va)
			return -1;
		for (page = 0; page < size; page += PAGE)
			va[page] = 1;
	}
	return 0;
}

static int live(struct life *life)
{
	uint64_t start = now_ns();

	if (rte_eal_init(life->argc, life->argv) < 0)
		return EXIT_FAILURE;
	life->init_ns = now_ns() - start;
	life->rss_kib = resident_kib();
	start = now_ns();
	if (use(life->use))
		return EXIT_FAILURE;
	life->stopping_at_ns = now_ns();
	life->use_ns = life->stopping_at_ns - start;
	return rte_eal_cleanup() ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	struct life life = {.argc = argc - 1, .argv = argv + 1};

	if (argc < 2)
		return 2;
	life.use = strtoull(argv[1], NULL, 10);
	argv[1] = argv[0];
	return run_life(live, &life);
}
