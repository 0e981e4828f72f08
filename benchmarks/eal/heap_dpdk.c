/* SPDX-License-Identifier: BSD-3-Clause */
/* The same by rte_malloc() and rte_free(). Arguments are for rte_eal_init(). */
#include <rte_eal.h>
#include <rte_malloc.h>

#include "heap_pattern.h"

static void *alloc(size_t size, size_t align)
{
	void *va = rte_malloc(NULL, size, (unsigned int)align);

	if (!va)
		exit(EXIT_FAILURE);
	return va;
}

int main(int argc, char **argv)
{
	if (rte_eal_init(argc, argv) < 0)
		return EXIT_FAILURE;
	run_pattern(alloc, rte_free);
	return rte_eal_cleanup() ? EXIT_FAILURE : EXIT_SUCCESS;
}
