/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap's supply: segments of pages, placed in the window, announced to the listeners, and added
 * to the heap as arenas. Pages are reserved when a segment comes, but cleared by the kernel only
 * when they are first handed out (or pinned for a device): start-up does not wait for memory that
 * nobody uses yet, and a lack of pages is an error and never a signal.
 *
 * All functions want the memory lock (mem.h) held.
 */
#ifndef PLX_EAL_GROW_H
#define PLX_EAL_GROW_H

#include "eal/heap.h"
#include "eal/mem.h"

struct plx_grow_config {
	const struct plx_window *window;
	struct plx_heap *heap; /**< its pools are numbered by plx_grow_pool() */
	struct plx_pages_config pages;
	size_t limit;		   /**< of all segments; 0: none */
	const size_t *node_limits; /**< of each node below PLX_LIMIT_NODES; 0: none */
	bool single_file;	   /**< segments are parts of one file for each size of pages */
};

/** Bring it up. Return: 0 or a negative errno, logged. */
int plx_grow_init(const struct plx_grow_config *config);
/** Give all segments back. The listeners have gone, and the heap is not used any more. */
void plx_grow_fini(void);

/** The heap's pool for memory of a node (or PLX_NODE_ANY), and how many pools there are. */
unsigned int plx_grow_pool(int node);
unsigned int plx_grow_pool_count(void);

/** Add one segment for each node, `len` bytes each, as one run. Return: 0 or -errno, logged. */
int plx_grow_at_once(size_t len, const int *nodes, size_t n);
/** Add a segment that an object fits in, and more where it is to be had. Return: as above. */
int plx_grow_for(size_t size, size_t align, int node);

/** Have the pages below a piece. Return: 0 or -ENOMEM, logged. */
int plx_grow_populate(const struct plx_heap_piece *piece);

/** Give back what came on demand and is not used. Return: bytes. */
uint64_t plx_grow_trim(void);

/** Bytes in segments; what they are made of; the size of page that this guarantees. */
uint64_t plx_grow_bytes(void);
size_t plx_grow_page_size(void);
const struct plx_page_class *plx_grow_class(void);

#endif /* PLX_EAL_GROW_H */
