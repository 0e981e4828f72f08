/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap's bookkeeping: which pieces of which arenas are free. An arena is a range of addresses
 * (a segment); pools group the arenas of one NUMA node. Nothing here touches the memory itself:
 * all metadata is elsewhere, so that a device which writes where it should not cannot damage it,
 * and arenas may be without pages.
 *
 * Good-fit with two-level segregated lists (Masmano et al., "TLSF: A New Dynamic Memory Allocator
 * for Real-Time Systems", ECRTS 2004): alloc and free take constant time whatever the heap's size;
 * a piece wastes at most 63 bytes, and a search misses a fit by at most 1/16.
 *
 * Not thread-safe: mem.c holds the memory lock.
 */
#ifndef PLX_EAL_HEAP_H
#define PLX_EAL_HEAP_H

#include <pollux/common.h>

/** Pieces start at and are multiples of this. */
#define PLX_HEAP_GRANULE 64

struct plx_heap;
struct plx_heap_arena;

/** What plx_heap_alloc() hands out. */
struct plx_heap_piece {
	uintptr_t va;
	size_t len;	/**< with rounding */
	void *owner;	/**< as given to plx_heap_add() */
	bool untouched; /**< no part of it has been handed out before */
};

/** Pieces carry a tag below this: who has them. */
#define PLX_HEAP_TAGS 256

struct plx_heap_stats {
	uint64_t used_bytes;
	uint64_t pieces;
};

/** A heap with `pools` pools and no arena. Return: NULL if out of memory. */
struct plx_heap *plx_heap_open(unsigned int pools);
void plx_heap_close(struct plx_heap *heap);

/** Add [va, va + len), multiples of the granule, to a pool. Return: NULL if out of memory. */
struct plx_heap_arena *plx_heap_add(struct plx_heap *heap, unsigned int pool, uintptr_t va,
				    size_t len, void *owner);
/** Take an arena away again. Return: 0, or -EBUSY when a piece of it is handed out. */
int plx_heap_remove(struct plx_heap *heap, struct plx_heap_arena *arena);

/**
 * Hand out `size` bytes at a multiple of `align` (a power of two) from one pool.
 * Return: 0; -ENOSPC (no fit), -ENOMEM (for metadata).
 */
int plx_heap_alloc(struct plx_heap *heap, unsigned int pool, size_t size, size_t align,
		   struct plx_heap_piece *piece);
/** Take a piece back by its address. Return: its length, or 0 if no such piece is out. */
size_t plx_heap_free(struct plx_heap *heap, uintptr_t va);

/** What is handed out from now on gets this tag (0 at first). */
void plx_heap_tag(struct plx_heap *heap, uint8_t tag);
/** The same of the pieces with one tag. */
void plx_heap_tag_stats_get(const struct plx_heap *heap, uint8_t tag, struct plx_heap_stats *stats);

/** Is nothing of an arena handed out? */
bool plx_heap_is_empty(const struct plx_heap_arena *arena);

void plx_heap_stats_get(const struct plx_heap *heap, struct plx_heap_stats *stats);

#endif /* PLX_EAL_HEAP_H */
