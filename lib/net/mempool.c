/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Mempools (<pollux/mempool.h>): opening and closing, and the slow ways of get and put, which move
 * bursts of pointers between an lcore's cache and the store that all threads share. The fast ways
 * are inline in the header.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>

#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/mem.h>

#include "eal/lcores.h"
#include "eal/probe.h"
#include "eal/telemetry.h"
#include "mempool.h"

PLX_LOG_COMPONENT(mempool);

/* Caches smaller than this cost more than they save. */
#define CACHE_MIN 8
/* Turns to wait for the store before giving the CPU to a holder that was preempted. */
#define LOCK_SPINS 1000

/* --- Shared store --------------------------------------------------------------------------- */

static void store_lock(struct plx_mempool *mp)
{
	unsigned int spins = 0;

	while (__atomic_exchange_n(&mp->lock, 1, __ATOMIC_ACQUIRE)) {
		while (__atomic_load_n(&mp->lock, __ATOMIC_RELAXED)) {
			plx_pause();
			if (++spins % LOCK_SPINS == 0)
				sched_yield();
		}
	}
}

static void store_unlock(struct plx_mempool *mp)
{
	__atomic_store_n(&mp->lock, 0, __ATOMIC_RELEASE);
}

/* Take at least `least` and at most `most` objects. Return: how many, 0 if there are too few. */
static uint32_t store_pop(struct plx_mempool *mp, void **objs, uint32_t least, uint32_t most)
{
	uint32_t n;

	store_lock(mp);
	n = mp->store_len < most ? mp->store_len : most;
	if (n < least) {
		mp->exhausted++;
		n = 0;
	}
	mp->store_len -= n;
	memcpy(objs, &mp->store[mp->store_len], n * sizeof(*objs));
	store_unlock(mp);
	return n;
}

/* There is room for each object once: more than that are double frees, and are left out. */
static void store_push(struct plx_mempool *mp, void *const *objs, uint32_t n)
{
	uint32_t room;

	store_lock(mp);
	room = mp->count - mp->store_len;
	if (n > room) {
		mp->overflows += n - room;
		n = room;
	}
	memcpy(&mp->store[mp->store_len], objs, n * sizeof(*objs));
	mp->store_len += n;
	store_unlock(mp);
}

/* --- Slow ways of get and put --------------------------------------------------------------- */

/* More than a cache is for: from the store, with what the cache has if that is what it takes. */
static int get_large(struct plx_mempool *mp, struct plx_mempool_cache *cache, void **objs,
		     uint32_t n)
{
	if (store_pop(mp, objs, n, n))
		return 0;
	if (!cache || cache->len == 0)
		return -ENOMEM;
	store_push(mp, cache->objs, cache->len);
	cache->len = 0;
	return store_pop(mp, objs, n, n) ? 0 : -ENOMEM;
}

int plx_mempool_get_slow(struct plx_mempool *mp, void **objs, uint32_t n)
{
	struct plx_mempool_cache *cache = plx_mempool_cache(mp);

	if (n == 0)
		return 0;
	if (!cache || n > cache->size)
		return get_large(mp, cache, objs, n);
	/* The array has room for 2 * size; what stays after this get is `size`. */
	PLX_PROBE(pool_refill, mp, cache->len);
	cache->refills++;
	cache->len += store_pop(mp, &cache->objs[cache->len], n - cache->len,
				cache->size + n - cache->len);
	if (cache->len < n)
		return -ENOMEM;
	cache->len -= n;
	memcpy(objs, &cache->objs[cache->len], n * sizeof(*objs));
	return 0;
}

void plx_mempool_put_slow(struct plx_mempool *mp, void *const *objs, uint32_t n)
{
	struct plx_mempool_cache *cache = plx_mempool_cache(mp);
	uint32_t flush;

	if (!cache || n > cache->size) {
		store_push(mp, objs, n);
		return;
	}
	/* The bottom of the cache is what was used longest ago: that goes, the rest stays warm. */
	flush = cache->len + n - cache->size;
	PLX_PROBE(pool_flush, mp, cache->len);
	cache->flushes++;
	store_push(mp, cache->objs, flush);
	cache->len -= flush;
	memmove(cache->objs, &cache->objs[flush], cache->len * sizeof(*objs));
	memcpy(&cache->objs[cache->len], objs, n * sizeof(*objs));
	cache->len += n;
}

/* --- Open and close ------------------------------------------------------------------------- */

static int config_check(const struct plx_mempool_config *config, const char *name)
{
	if (config->count == 0 || config->size == 0) {
		PLX_ERR(mempool, "%s: %u objects of %u bytes: neither may be 0", name,
			config->count, config->size);
		return -EINVAL;
	}
	if (config->align & (config->align - 1)) {
		PLX_ERR(mempool, "%s: alignment %u is not a power of two", name, config->align);
		return -EINVAL;
	}
	if (config->cache > PLX_MEMPOOL_CACHE_MAX) {
		PLX_ERR(mempool, "%s: cache of %u objects: at most %u", name, config->cache,
			PLX_MEMPOOL_CACHE_MAX);
		return -EINVAL;
	}
	return 0;
}

/* Lcores, and threads that have registered as one. */
static bool has_cache(unsigned int id)
{
	return plx_lcore_exists(id) || plx_lcores_is_registered(id);
}

static uint32_t cache_count(void)
{
	uint32_t n = 0;
	unsigned int id;

	for (id = 0; id < PLX_LCORE_MAX; id++)
		n += has_cache(id);
	return n;
}

/*
 * Objects per cache. The default leaves at least a quarter of the pool outside the caches; a size
 * that was asked for must leave something.
 */
static int cache_size(const struct plx_mempool_config *config, const char *name, uint32_t *size)
{
	uint32_t lcores = cache_count(), fair;

	if (config->no_cache || lcores == 0) {
		*size = 0;
		return 0;
	}
	fair = config->count / (2 * lcores);
	if (config->cache == 0) {
		*size = fair < PLX_MEMPOOL_CACHE_DEFAULT ? fair : PLX_MEMPOOL_CACHE_DEFAULT;
	} else if ((uint64_t)config->cache * 3 / 2 * lcores < config->count) {
		*size = config->cache;
	} else {
		PLX_ERR(mempool,
			"%s: caches of %u for %u lcores can hold all %u objects; at most %u each",
			name, config->cache, lcores, config->count, fair);
		return -EINVAL;
	}
	if (*size < CACHE_MIN)
		*size = 0;
	return 0;
}

static int caches_alloc(struct plx_mempool *mp, uint32_t size)
{
	size_t bytes = sizeof(struct plx_mempool_cache) + 2 * (size_t)size * sizeof(void *);
	unsigned int id;

	if (size == 0)
		return 0;
	bytes = (bytes + PLX_CACHE_LINE - 1) & ~(size_t)(PLX_CACHE_LINE - 1);
	for (id = 0; id < PLX_LCORE_MAX; id++) {
		struct plx_mempool_cache *cache;

		if (!has_cache(id))
			continue;
		cache = aligned_alloc(PLX_CACHE_LINE, bytes);
		if (!cache)
			return -ENOMEM;
		memset(cache, 0, bytes);
		cache->size = size;
		cache->limit = size * 3 / 2;
		mp->caches[id] = cache;
	}
	return 0;
}

static void fill_telemetry(json_t *object, void *arg)
{
	const struct plx_mempool *mp = arg;
	uint64_t refills = 0, flushes = 0;
	unsigned int id;

	for (id = 0; id < PLX_LCORE_MAX; id++) {
		if (!mp->caches[id])
			continue;
		refills += mp->caches[id]->refills;
		flushes += mp->caches[id]->flushes;
	}
	json_object_set_new(object, "name", json_string(mp->name));
	plx_telemetry_set(object, "objects", mp->count);
	plx_telemetry_set(object, "available", plx_mempool_available(mp));
	plx_telemetry_set(object, "object_bytes", mp->stride);
	plx_telemetry_set(object, "refills", refills);
	plx_telemetry_set(object, "flushes", flushes);
	plx_telemetry_set(object, "exhausted", mp->exhausted);
	plx_telemetry_set(object, "overflows", mp->overflows);
}

static int telemetry_add(struct plx_mempool *mp)
{
	struct plx_telemetry_source *source = calloc(1, sizeof(*source));

	if (!source)
		return -ENOMEM;
	source->array = "mempools";
	source->fill = fill_telemetry;
	source->arg = mp;
	mp->telemetry = source;
	plx_telemetry_add(source);
	return 0;
}

static void memory_free(struct plx_mempool *mp)
{
	unsigned int id;

	if (mp->telemetry)
		plx_telemetry_remove(mp->telemetry);
	free(mp->telemetry);
	for (id = 0; id < PLX_LCORE_MAX; id++)
		free(mp->caches[id]);
	free(mp->store);
	plx_dma_free(mp->objs);
}

static int memory_alloc(struct plx_mempool *mp, const struct plx_mempool_config *config,
			uint32_t cache)
{
	unsigned int self = plx_lcore_id(), owner;
	int node = PLX_NODE_ANY;
	uint32_t i;

	if (config->node_plus_one > 0)
		node = config->node_plus_one - 1;
	else if (self != PLX_LCORE_NONE)
		node = plx_lcore_node(self);
	owner = plx_mem_owner_enter(mp->name);
	mp->objs = plx_dma_zalloc(mp->stride * mp->count, config->align, node);
	plx_mem_owner_leave(owner);
	if (!mp->objs)
		return -errno;
	mp->store = calloc(mp->count, sizeof(*mp->store));
	if (!mp->store || caches_alloc(mp, cache))
		return -ENOMEM;
	/* Handed out in ascending order. */
	for (i = 0; i < mp->count; i++)
		mp->store[i] = plx_mempool_object(mp, mp->count - 1 - i);
	mp->store_len = mp->count;
	return 0;
}

int plx_mempool_init(struct plx_mempool *mp, const struct plx_mempool_config *config)
{
	const char *name = config->name ? config->name : "mempool";
	size_t align = config->align ? config->align : PLX_CACHE_LINE;
	uint32_t cache;
	int err;

	err = config_check(config, name);
	if (!err)
		err = cache_size(config, name, &cache);
	if (err)
		return err;
	snprintf(mp->name, sizeof(mp->name), "%s", name);
	mp->count = config->count;
	mp->size = config->size;
	mp->stride = ((size_t)config->size + align - 1) & ~(align - 1);
	err = memory_alloc(mp, config, cache);
	if (!err)
		err = telemetry_add(mp);
	if (err) {
		PLX_ERR(mempool, "%s: no memory for %u objects of %zu bytes (%zu KiB): %s", name,
			mp->count, mp->stride, mp->stride * mp->count >> 10, strerror(-err));
		memory_free(mp);
	}
	return err;
}

int plx_mempool_fini(struct plx_mempool *mp)
{
	uint32_t available = plx_mempool_available(mp);

	if (available < mp->count) {
		PLX_ERR(mempool,
			"%s: %u of %u objects are still out: free them, and close what uses "
			"the pool, before closing it",
			mp->name, mp->count - available, mp->count);
		return -EBUSY;
	}
	if (available > mp->count || mp->overflows)
		plx_mempool_audit(mp);
	memory_free(mp);
	return 0;
}

struct plx_mempool *plx_mempool_open(const struct plx_mempool_config *config)
{
	struct plx_mempool *mp = aligned_alloc(PLX_CACHE_LINE, sizeof(*mp));
	int err;

	if (!mp)
		return NULL;
	memset(mp, 0, sizeof(*mp));
	err = plx_mempool_init(mp, config);
	if (err) {
		free(mp);
		errno = -err;
		return NULL;
	}
	return mp;
}

int plx_mempool_close(struct plx_mempool *mp)
{
	int err = mp ? plx_mempool_fini(mp) : 0;

	if (!err)
		free(mp);
	return err;
}

/* --- Looking at a pool ---------------------------------------------------------------------- */

uint32_t plx_mempool_available(const struct plx_mempool *mp)
{
	uint32_t n = mp->store_len;
	unsigned int id;

	for (id = 0; id < PLX_LCORE_MAX; id++)
		if (mp->caches[id])
			n += mp->caches[id]->len;
	return n;
}

/* Mark each object as seen. Return: how many are strangers or were seen before. */
static int audit_run(const struct plx_mempool *mp, void *const *objs, uint32_t n, uint8_t *seen)
{
	int wrong = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		size_t offset = (uintptr_t)objs[i] - (uintptr_t)mp->objs;
		size_t index = offset / mp->stride;

		if (index >= mp->count || offset % mp->stride || seen[index])
			wrong++;
		else
			seen[index] = 1;
	}
	return wrong;
}

int plx_mempool_audit(const struct plx_mempool *mp)
{
	uint8_t *seen = calloc(mp->count, 1);
	unsigned int id;
	int wrong;

	if (!seen)
		return -ENOMEM;
	wrong = audit_run(mp, mp->store, mp->store_len, seen) + (int)mp->overflows;
	for (id = 0; id < PLX_LCORE_MAX; id++)
		if (mp->caches[id])
			wrong += audit_run(mp, mp->caches[id]->objs, mp->caches[id]->len, seen);
	free(seen);
	if (wrong)
		PLX_ERR(mempool, "%s: %d objects were freed twice or are not of this pool",
			mp->name, wrong);
	return wrong;
}
