/* SPDX-License-Identifier: BSD-3-Clause */
/* The same by rte_mempool, with a cache of the same size. Arguments are for rte_eal_init(). */
#include <rte_eal.h>
#include <rte_lcore.h>
#include <rte_mempool.h>

static struct rte_mempool *pool;

static inline int pool_get(void **objects, unsigned int n)
{
	return rte_mempool_get_bulk(pool, objects, n);
}

static inline void pool_put(void **objects, unsigned int n)
{
	rte_mempool_put_bulk(pool, objects, n);
}

#include "mempool_pattern.h"

int main(int argc, char **argv)
{
	if (rte_eal_init(argc, argv) < 0)
		return EXIT_FAILURE;
	pool = rte_mempool_create("objects", POOL_OBJECTS, OBJECT_BYTES, POOL_CACHE, 0, NULL, NULL,
				  NULL, NULL, (int)rte_socket_id(), 0);
	if (!pool)
		return EXIT_FAILURE;
	run_pattern();
	rte_mempool_free(pool);
	return rte_eal_cleanup() ? EXIT_FAILURE : EXIT_SUCCESS;
}
