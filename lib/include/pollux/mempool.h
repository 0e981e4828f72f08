/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux mempools: objects of one size in DMA-able memory, with a cache per lcore.
 *
 *	struct plx_mempool *mp = plx_mempool_open(&(struct plx_mempool_config){
 *		.name = "cmds", .count = 4096, .size = 256 });
 *	void *objs[32];
 *	if (plx_mempool_get(mp, objs, 32) == 0)
 *		plx_mempool_put(mp, objs, 32);
 *	plx_mempool_close(mp);
 *
 * Get and put move pointers to and from the calling lcore's cache: no lock, no atomic operation, no
 * call but memcpy. Only when a cache runs empty or over does a burst of pointers move between it
 * and the shared store, under a spin lock held for one copy. Threads that are no lcore, and lcores
 * that did not exist when the pool was opened, use the shared store directly.
 *
 * Thread rules: get and put from any thread at any time; open, close and audit are control path,
 * and audit and close want every other thread to leave the pool alone.
 */
#ifndef POLLUX_MEMPOOL_H
#define POLLUX_MEMPOOL_H

#include <string.h>

#include <pollux/common.h>
#include <pollux/lcore.h>

PLX_BEGIN_DECLS

#define PLX_MEMPOOL_CACHE_DEFAULT 256
#define PLX_MEMPOOL_CACHE_MAX	  1024

/** One lcore's objects; private to the inline functions below. */
struct plx_mempool_cache {
	uint32_t len;	/**< objects in it */
	uint32_t limit; /**< a put that would exceed it goes the slow way */
	uint32_t size;	/**< what the slow ways leave in it */
	uint64_t refills, flushes;
	void *objs[];
} PLX_CACHE_ALIGNED;

/** The pool; the fields are private to the library and to the inline functions below. */
struct plx_mempool {
	/** By lcore id; the last entry is that of all other threads and always NULL. */
	struct plx_mempool_cache *caches[PLX_LCORE_MAX + 1];
	char *objs; /**< object i is at objs + i * stride */
	size_t stride;
	uint32_t count;
	uint32_t size;
	char name[32];
	/* The shared store, a stack. */
	uint32_t lock PLX_CACHE_ALIGNED;
	uint32_t store_len;
	void **store;
	uint64_t exhausted; /**< gets that failed */
	uint64_t overflows; /**< puts refused, because all objects were in: double frees */
	void *telemetry;
};

/** All zero but count and size is fine. */
struct plx_mempool_config {
	const char *name; /**< for messages; NULL: "mempool" */
	uint32_t count;	  /**< objects */
	uint32_t size;	  /**< bytes of one */
	uint32_t align;	  /**< of each object, a power of two; 0: a cache line */
	uint32_t cache;	  /**< objects per lcore; 0: PLX_MEMPOOL_CACHE_DEFAULT, less in small pools;
			   *   the most that an lcore keeps to itself is one and a half times this */
	bool no_cache;	  /**< no caches at all */
	int node_plus_one; /**< NUMA node + 1; 0: that of the calling lcore */
};

/**
 * Open a pool. All objects are zeroed.
 * Return: NULL with errno EINVAL (count or size 0, bad align, cache above PLX_MEMPOOL_CACHE_MAX),
 * ENOMEM (the log says how much was asked for), ENODEV (no EAL).
 */
PLX_API struct plx_mempool *plx_mempool_open(const struct plx_mempool_config *config);
/**
 * Close a pool; NULL is allowed. Return: 0; -EBUSY (objects are still out: the log says how many;
 * nothing has changed).
 */
PLX_API int plx_mempool_close(struct plx_mempool *mp);

/** Objects that a get could still hand out, caches included; a snapshot. */
PLX_API uint32_t plx_mempool_available(const struct plx_mempool *mp);
/**
 * Check that each free object belongs to the pool and is free only once.
 * Return: 0; or how many entries are wrong (double frees, strangers), with one log line.
 */
PLX_API int plx_mempool_audit(const struct plx_mempool *mp);

/** The slow ways of get and put; not meant to be called by hand. */
PLX_API int plx_mempool_get_slow(struct plx_mempool *mp, void **objs, uint32_t n);
PLX_API void plx_mempool_put_slow(struct plx_mempool *mp, void *const *objs, uint32_t n);

/** The calling thread's cache, or NULL. */
static inline struct plx_mempool_cache *plx_mempool_cache(const struct plx_mempool *mp)
{
	unsigned int id = plx_lcore_id();

	return mp->caches[id < PLX_LCORE_MAX ? id : PLX_LCORE_MAX];
}

/** Take n objects, all or none. Return: 0 or -ENOMEM. */
static inline int plx_mempool_get(struct plx_mempool *mp, void **objs, uint32_t n)
{
	struct plx_mempool_cache *cache = plx_mempool_cache(mp);

	if (plx_unlikely(!cache || cache->len < n))
		return plx_mempool_get_slow(mp, objs, n);
	cache->len -= n;
	memcpy(objs, &cache->objs[cache->len], n * sizeof(*objs));
	return 0;
}

/** Give n objects of this pool back. */
static inline void plx_mempool_put(struct plx_mempool *mp, void *const *objs, uint32_t n)
{
	struct plx_mempool_cache *cache = plx_mempool_cache(mp);

	if (plx_unlikely(!cache || cache->len + n > cache->limit)) {
		plx_mempool_put_slow(mp, objs, n);
		return;
	}
	memcpy(&cache->objs[cache->len], objs, n * sizeof(*objs));
	cache->len += n;
}

PLX_END_DECLS

#endif /* POLLUX_MEMPOOL_H */
