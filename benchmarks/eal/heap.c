/* SPDX-License-Identifier: BSD-3-Clause */
/* What an allocation from our DMA heap costs; prints the time of each pair of alloc and free. */
#include <pollux/eal.h>
#include <pollux/mem.h>

#include "heap_pattern.h"

static void *alloc(size_t size, size_t align)
{
	void *va = plx_dma_alloc(size, align, PLX_NODE_ANY);

	if (!va)
		exit(EXIT_FAILURE);
	return va;
}

int main(void)
{
	struct plx_eal_config config = {.mem_bytes = (size_t)32 << 20};

	if (plx_eal_init(&config))
		return EXIT_FAILURE;
	run_pattern(alloc, plx_dma_free);
	return plx_eal_fini() ? EXIT_FAILURE : EXIT_SUCCESS;
}
