/* SPDX-License-Identifier: BSD-3-Clause */
/* What bursts of get and put of our mempool cost on an lcore. */
#include <pollux/eal.h>
#include <pollux/mempool.h>

static struct plx_mempool *pool;

static inline int pool_get(void **objects, unsigned int n)
{
	return plx_mempool_get(pool, objects, n);
}

static inline void pool_put(void **objects, unsigned int n)
{
	plx_mempool_put(pool, objects, n);
}

#include "mempool_pattern.h"

int main(void)
{
	struct plx_eal_config config = {.mem_bytes = (size_t)32 << 20};
	struct plx_mempool_config objects = {
		.count = POOL_OBJECTS, .size = OBJECT_BYTES, .cache = POOL_CACHE};

	if (plx_eal_init(&config))
		return EXIT_FAILURE;
	pool = plx_mempool_open(&objects);
	if (!pool)
		return EXIT_FAILURE;
	run_pattern();
	return plx_mempool_close(pool) || plx_eal_fini() ? EXIT_FAILURE : EXIT_SUCCESS;
}
