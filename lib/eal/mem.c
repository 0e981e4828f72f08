/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The public face of memory (<pollux/mem.h>): the DMA heap, and the memory lock that all of the
 * EAL's memory is under. What is below: heap.c keeps the books, grow.c brings segments, segments.c
 * tells the listeners, register.c adds the application's memory.
 */
#include "eal/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "eal/asan.h"
#include "eal/grow.h"
#include "eal/heap.h"
#include "eal/numa_nodes.h"
#include "eal/probe.h"
#include "eal/segments.h"

PLX_LOG_USE(eal);

#define ALIGN_MAX ((size_t)1 << 30)

uint64_t plx_iova_delta;

/* All with the lock but `failed`, which a call that has not got that far counts, too. */
static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static struct plx_window window;
static struct plx_heap *heap;
static uint64_t bad_frees;
static uint64_t failed;

/* --- Lock ------------------------------------------------------------------------------------ */

int plx_mem_lock(void)
{
	int err;

	if (!plx_eal_is_up()) {
		PLX_ERR(eal, "memory: the EAL is not up in this process; call plx_eal_init() "
			     "first, and do not use it in a forked child");
		return -ENODEV;
	}
	err = pthread_mutex_lock(&lock);
	if (err)
		PLX_ERR(eal, "memory: called from a memory listener or walk, which must not");
	return -err;
}

void plx_mem_unlock(void)
{
	pthread_mutex_unlock(&lock);
}

/* --- Heap ------------------------------------------------------------------------------------ */

static int check_request(size_t size, size_t align, int node)
{
	if (size == 0 || align & (align - 1) || align > ALIGN_MAX ||
	    (node != PLX_NODE_ANY && !plx_numa_exists(node))) {
		PLX_ERR(eal,
			"allocation of %zu bytes, aligned to %zu, on node %d: the size must not be "
			"0, the alignment a power of two up to 1 GiB, the node one of the "
			"machine's",
			size, align, node);
		return -EINVAL;
	}
	return 0;
}

static int alloc_from_others(int node, size_t size, size_t align, struct plx_heap_piece *piece)
{
	unsigned int own = plx_grow_pool(node), pool;
	int err = -ENOSPC;

	for (pool = 0; pool < plx_grow_pool_count() && err == -ENOSPC; pool++)
		if (pool != own)
			err = plx_heap_alloc(heap, pool, size, align, piece);
	return err;
}

static int alloc_piece(size_t size, size_t align, int node, struct plx_heap_piece *piece)
{
	int near = node == PLX_NODE_ANY ? plx_numa_here() : node;
	int err = plx_heap_alloc(heap, plx_grow_pool(near), size, align, piece), grown;

	if (err == -ENOSPC && node == PLX_NODE_ANY)
		err = alloc_from_others(near, size, align, piece);
	if (err != -ENOSPC)
		return err;
	grown = plx_grow_for(size, align, near);
	err = plx_heap_alloc(heap, plx_grow_pool(near), size, align, piece);
	if (err == -ENOSPC)
		err = alloc_from_others(near, size, align, piece);
	return err == -ENOSPC && grown ? grown : err;
}

static int alloc_locked(size_t size, size_t align, int node, struct plx_heap_piece *piece)
{
	int err = check_request(size, align, node);

	if (err)
		return err;
	err = alloc_piece(size, align, node, piece);
	if (err)
		return -ENOMEM;
	err = plx_grow_populate(piece);
	if (err)
		plx_heap_free(heap, piece->va);
	return err;
}

static void *alloc(size_t size, size_t align, int node, bool *zeroed)
{
	struct plx_heap_piece piece;
	int err = plx_mem_lock();

	if (!err) {
		err = alloc_locked(size, align, node, &piece);
		failed += err != 0;
		plx_mem_unlock();
	}
	if (err) {
		errno = err == -EDEADLK ? EINVAL : -err;
		return NULL;
	}
	PLX_PROBE(mem_alloc, piece.va, size, node);
	plx_asan_show((void *)piece.va, size);
	*zeroed = piece.untouched;
	return (void *)piece.va;
}

void *plx_dma_alloc(size_t size, size_t align, int node)
{
	bool zeroed;

	return alloc(size, align, node, &zeroed);
}

void *plx_dma_zalloc(size_t size, size_t align, int node)
{
	bool zeroed = false;
	void *va = alloc(size, align, node, &zeroed);

	/* The kernel has cleared what nobody has had before. */
	if (va && !zeroed)
		memset(va, 0, size);
	return va;
}

void plx_dma_free(void *va)
{
	size_t len;

	if (!va || plx_mem_lock())
		return;
	len = plx_heap_free(heap, (uintptr_t)va);
	PLX_PROBE(mem_free, va, len);
	bad_frees += len == 0;
	plx_asan_hide(va, len);
	plx_mem_unlock();
	if (!len)
		PLX_ERR(eal,
			"freeing %p: the heap has not handed that out, or has got it back already; "
			"refused",
			va);
}

/* --- Registry -------------------------------------------------------------------------------- */

int plx_mem_iova(const void *va, size_t len, plx_iova_t *iova)
{
	int err = plx_mem_lock();

	*iova = PLX_IOVA_BAD;
	if (err)
		return err;
	err = plx_segments_iova(va, len, iova);
	plx_mem_unlock();
	return err;
}

int plx_mem_walk(int (*fn)(const struct plx_mem_segment *segment, void *arg), void *arg)
{
	int ret = plx_mem_lock();

	if (ret)
		return ret;
	ret = plx_segments_walk(fn, arg);
	plx_mem_unlock();
	return ret;
}

int plx_mem_listen(struct plx_mem_listener *listener)
{
	int err = plx_mem_lock();

	if (err)
		return err;
	err = plx_segments_listen(listener);
	plx_mem_unlock();
	return err;
}

void plx_mem_unlisten(struct plx_mem_listener *listener)
{
	if (plx_mem_lock())
		return;
	plx_segments_unlisten(listener);
	plx_mem_unlock();
}

void plx_mem_stats_get(struct plx_mem_stats *stats)
{
	struct plx_heap_stats pieces;

	*stats = (struct plx_mem_stats){0};
	if (plx_mem_lock())
		return;
	plx_heap_stats_get(heap, &pieces);
	*stats = (struct plx_mem_stats){
		.heap_bytes = plx_grow_bytes(),
		.heap_used_bytes = pieces.used_bytes,
		.heap_allocations = pieces.pieces,
		.registered_bytes = plx_register_bytes(),
		.segments = plx_segments_count(),
		.bad_frees = bad_frees,
		.failed = failed,
		.kind = plx_grow_class()->kind,
		.page_size = plx_grow_page_size(),
	};
	plx_mem_unlock();
}

/* --- Life ------------------------------------------------------------------------------------ */

static int heap_open(const struct plx_mem_config *config)
{
	struct plx_grow_config grow = {
		.window = &window,
		.pages = config->pages,
		.limit = config->limit,
	};

	heap = plx_heap_open(plx_grow_pool_count());
	if (!heap)
		return -ENOMEM;
	grow.heap = heap;
	return plx_grow_init(&grow);
}

int plx_mem_init(const struct plx_mem_config *config)
{
	int err = plx_window_open(&window, config->va_base, config->va_size);

	if (err)
		return err;
	plx_iova_delta = window.iova - (uintptr_t)window.va;
	bad_frees = 0;
	failed = 0;
	pthread_mutex_lock(&lock);
	err = plx_register_init(&window);
	if (!err)
		err = heap_open(config);
	if (!err && config->bytes)
		err = plx_grow_at_once(config->bytes, config->nodes, config->node_count);
	if (err == -EDQUOT)
		err = -EINVAL; /* the configuration contradicts itself */
	if (err == -ENOSPC)
		err = -ENOMEM;
	pthread_mutex_unlock(&lock);
	if (err)
		plx_mem_fini();
	return err;
}

int plx_mem_fini_check(void)
{
	size_t n;
	int err = plx_mem_lock();

	if (err)
		return err;
	n = plx_segments_listeners();
	plx_mem_unlock();
	if (!n)
		return 0;
	PLX_ERR(eal, "%zu address space%s still open; close ports, controllers and devices first",
		n, n == 1 ? " is" : "s are");
	return -EBUSY;
}

static void report_leaks(size_t registrations)
{
	struct plx_heap_stats pieces = {0};

	if (heap)
		plx_heap_stats_get(heap, &pieces);
	if (pieces.pieces)
		PLX_WARN(eal,
			 "%" PRIu64 " objects, %" PRIu64 " bytes, of the heap were never freed",
			 pieces.pieces, pieces.used_bytes);
	if (registrations)
		PLX_WARN(eal, "%zu memory registrations were never undone", registrations);
}

static int show_segment(const struct plx_mem_segment *segment, void *arg)
{
	plx_asan_show(segment->va, segment->len);
	return 0;
}

void plx_mem_fini(void)
{
	pthread_mutex_lock(&lock);
	report_leaks(plx_register_fini());
	plx_segments_walk(show_segment, NULL);
	plx_grow_fini();
	plx_heap_close(heap);
	heap = NULL;
	plx_segments_fini();
	plx_window_close(&window);
	pthread_mutex_unlock(&lock);
}
