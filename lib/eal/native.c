/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The native backend (backend.h): the DMA heap on hugepages of its own. heap.c keeps the books,
 * grow.c brings segments.
 */
#include "eal/native.h"

#include <errno.h>
#include <inttypes.h>

#include <pollux/log.h>

#include "eal/asan.h"
#include "eal/backend.h"
#include "eal/grow.h"
#include "eal/heap.h"
#include "eal/numa_nodes.h"
#include "eal/owner.h"
#include "eal/probe.h"
#include "eal/segments.h"

PLX_LOG_USE(eal);

static struct plx_heap *heap;	 /* memory lock */
static struct plx_window window; /* written by mem_reserve() and mem_close() only */

/* --- Heap ------------------------------------------------------------------------------------ */

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
	int err = alloc_piece(size, align, node, piece);

	if (err)
		return -ENOMEM;
	err = plx_grow_populate(piece);
	if (err)
		plx_heap_free(heap, piece->va);
	return err;
}

static int mem_alloc(size_t size, size_t align, int node, void **va, bool *zeroed)
{
	struct plx_heap_piece piece;
	int err = plx_mem_lock();

	if (err)
		return err;
	plx_heap_tag(heap, plx_owner());
	err = alloc_locked(size, align, node, &piece);
	plx_mem_unlock();
	if (err)
		return err;
	plx_asan_show((void *)piece.va, size);
	*va = (void *)piece.va;
	/* The kernel has cleared what nobody has had before. */
	*zeroed = piece.untouched;
	return 0;
}

static int mem_free(void *va)
{
	int err = plx_mem_lock();
	size_t len;

	if (err)
		return err;
	len = plx_heap_free(heap, (uintptr_t)va);
	PLX_PROBE(mem_free, va, len);
	plx_asan_hide(va, len);
	plx_mem_unlock();
	return len ? 0 : -ENOENT;
}

static void mem_stats(struct plx_mem_stats *stats)
{
	struct plx_heap_stats pieces = {0};

	plx_mem_lock_always();
	if (heap)
		plx_heap_stats_get(heap, &pieces);
	stats->heap_bytes = plx_grow_bytes();
	stats->heap_used_bytes = pieces.used_bytes;
	stats->heap_allocations = pieces.pieces;
	stats->kind = plx_grow_class()->kind;
	stats->page_size = plx_grow_page_size();
	plx_mem_unlock();
}

static uint64_t mem_trim(void)
{
	uint64_t bytes;

	if (plx_mem_lock())
		return 0;
	bytes = plx_grow_trim();
	plx_mem_unlock();
	return bytes;
}

static void mem_owner(unsigned int number, struct plx_mem_owner *owner)
{
	struct plx_heap_stats pieces = {0};

	plx_mem_lock_always();
	if (heap)
		plx_heap_tag_stats_get(heap, (uint8_t)number, &pieces);
	plx_mem_unlock();
	owner->bytes = pieces.used_bytes;
	owner->allocations = pieces.pieces;
}

/* --- Life ------------------------------------------------------------------------------------ */

static int start(const struct plx_backend_start *start)
{
	if (!start->args[0])
		return 0;
	PLX_ERR(eal, "EAL \"native\" has no arguments of its own: \"%s\"", start->args);
	return -EINVAL;
}

static int mem_reserve(const struct plx_mem_config *config, struct plx_window *reserved)
{
	int err = plx_window_open(&window, config->va_base, config->va_size);

	*reserved = window;
	return err;
}

static int open_locked(const struct plx_mem_config *config)
{
	struct plx_grow_config grow = {
		.window = &window,
		.pages = config->pages,
		.limit = config->limit,
		.node_limits = config->node_limits,
		.single_file = config->single_file,
	};
	int err;

	heap = plx_heap_open(plx_grow_pool_count());
	if (!heap)
		return -ENOMEM;
	grow.heap = heap;
	err = plx_grow_init(&grow);
	if (!err && config->bytes)
		err = plx_grow_at_once(config->bytes, config->nodes, config->node_count);
	if (err == -EDQUOT)
		err = -EINVAL; /* the configuration contradicts itself */
	return err == -ENOSPC ? -ENOMEM : err;
}

static int mem_open(const struct plx_mem_config *config, const struct plx_window *reserved)
{
	int err;

	plx_mem_lock_always();
	err = open_locked(config);
	plx_mem_unlock();
	return err;
}

static int show_segment(const struct plx_mem_segment *segment, void *arg)
{
	plx_asan_show(segment->va, segment->len);
	return 0;
}

static void mem_close(void)
{
	plx_mem_lock_always();
	plx_segments_walk(show_segment, NULL);
	plx_grow_fini();
	plx_heap_close(heap);
	heap = NULL;
	plx_window_close(&window);
	plx_mem_unlock();
}

const struct plx_backend plx_backend_native = {
	.name = "native",
	.start = start,
	.worker_start = plx_native_worker_start,
	.worker_stop = plx_native_worker_stop,
	.worker_launch = plx_native_worker_launch,
	.worker_wait = plx_native_worker_wait,
	.mem_reserve = mem_reserve,
	.mem_open = mem_open,
	.mem_close = mem_close,
	.mem_alloc = mem_alloc,
	.mem_free = mem_free,
	.mem_stats = mem_stats,
	.mem_trim = mem_trim,
	.mem_owner = mem_owner,
};
