/* SPDX-License-Identifier: BSD-3-Clause */
/* What packet-buffer pools need of mempools beyond <pollux/mempool.h>: a pool inside another
 * struct. */
#ifndef POLLUX_LIB_NET_MEMPOOL_H
#define POLLUX_LIB_NET_MEMPOOL_H

#include <pollux/mempool.h>

/** As plx_mempool_open(), into zeroed memory of the caller's. Return: 0 or a negative errno. */
int plx_mempool_init(struct plx_mempool *mp, const struct plx_mempool_config *config);
/** As plx_mempool_close(), without freeing mp itself. */
int plx_mempool_fini(struct plx_mempool *mp);

/** Object number i of the pool. */
static inline void *plx_mempool_object(const struct plx_mempool *mp, uint32_t i)
{
	return mp->objs + (size_t)i * mp->stride;
}

#endif /* POLLUX_LIB_NET_MEMPOOL_H */
