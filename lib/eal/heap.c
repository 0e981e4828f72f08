/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The heap's bookkeeping; see heap.h. A block describes a piece of an arena, free or handed out;
 * blocks of an arena form a list in order of address, free ones are in the list of their size
 * class, and handed-out ones in a hash table by address.
 */
#include "eal/heap.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* Size classes: powers of two in granules, each cut in SL_COUNT; enough for 2^52 bytes. */
#define SL_BITS	 4
#define SL_COUNT (1u << SL_BITS)
#define FL_COUNT 44
/* How many blocks of a class are looked at when no class promises a fit, before the heap grows. */
#define NEAR_FIT_MAX  8
#define BLOCKS_A_SLAB 128
#define BUCKETS_FIRST 1024

struct block {
	uintptr_t va;
	size_t len;
	struct block *before, *after; /* neighbours in the arena; after: also the spare list */
	struct block *prev, *next;    /* in the list of a size class; next: in a hash bucket */
	struct plx_heap_arena *arena;
	bool used;
	bool untouched;
	uint8_t tag; /* of a piece that is handed out */
};

struct slab {
	struct slab *next;
	struct block blocks[BLOCKS_A_SLAB];
};

struct plx_heap_arena {
	struct plx_heap_arena *next;
	struct block *first;
	void *owner;
	unsigned int pool;
};

struct pool {
	uint64_t fl_map;
	uint32_t sl_map[FL_COUNT];
	struct block *free[FL_COUNT][SL_COUNT];
};

struct plx_heap {
	struct plx_heap_arena *arenas;
	struct slab *slabs;
	struct block *spare;
	size_t spare_count;
	struct block **buckets;
	size_t bucket_mask;
	struct plx_heap_stats stats;
	struct plx_heap_stats tags[PLX_HEAP_TAGS];
	uint8_t tag;
	struct pool pools[];
};

/* --- Blocks ---------------------------------------------------------------------------------- */

static void block_put(struct plx_heap *heap, struct block *block)
{
	block->after = heap->spare;
	heap->spare = block;
	heap->spare_count++;
}

/* With this done, the next n block_get() cannot fail. */
static int blocks_reserve(struct plx_heap *heap, size_t n)
{
	struct slab *slab;
	size_t i;

	if (heap->spare_count >= n)
		return 0;
	slab = malloc(sizeof(*slab));
	if (!slab)
		return -ENOMEM;
	slab->next = heap->slabs;
	heap->slabs = slab;
	for (i = 0; i < BLOCKS_A_SLAB; i++)
		block_put(heap, &slab->blocks[i]);
	return 0;
}

static struct block *block_get(struct plx_heap *heap)
{
	struct block *block = heap->spare;

	heap->spare = block->after;
	heap->spare_count--;
	return block;
}

/* --- Free lists ------------------------------------------------------------------------------ */

struct size_class {
	unsigned int fl, sl;
};

static unsigned int msb(size_t x)
{
	return 63u - (unsigned int)__builtin_clzll(x);
}

static struct size_class class_of(size_t granules)
{
	unsigned int top = msb(granules);

	if (top < SL_BITS)
		return (struct size_class){0, (unsigned int)granules};
	return (struct size_class){top - SL_BITS + 1,
				   (granules >> (top - SL_BITS)) & (SL_COUNT - 1)};
}

/* The lowest class whose every block has at least so many granules. */
static struct size_class class_that_fits(size_t granules)
{
	unsigned int top = msb(granules);

	if (top >= SL_BITS)
		granules += ((size_t)1 << (top - SL_BITS)) - 1;
	return class_of(granules);
}

static struct pool *pool_of(struct plx_heap *heap, const struct block *block)
{
	return &heap->pools[block->arena->pool];
}

static void list_insert(struct plx_heap *heap, struct block *block)
{
	struct size_class c = class_of(block->len / PLX_HEAP_GRANULE);
	struct pool *pool = pool_of(heap, block);
	struct block **head = &pool->free[c.fl][c.sl];

	block->used = false;
	block->prev = NULL;
	block->next = *head;
	if (*head)
		(*head)->prev = block;
	*head = block;
	pool->sl_map[c.fl] |= 1u << c.sl;
	pool->fl_map |= 1ull << c.fl;
}

static void list_remove(struct plx_heap *heap, struct block *block)
{
	struct size_class c = class_of(block->len / PLX_HEAP_GRANULE);
	struct pool *pool = pool_of(heap, block);

	if (block->next)
		block->next->prev = block->prev;
	if (block->prev) {
		block->prev->next = block->next;
		return;
	}
	pool->free[c.fl][c.sl] = block->next;
	if (block->next)
		return;
	pool->sl_map[c.fl] &= ~(1u << c.sl);
	if (!pool->sl_map[c.fl])
		pool->fl_map &= ~(1ull << c.fl);
}

/* Some block of at least so many granules, or NULL. */
static struct block *list_search(const struct pool *pool, size_t granules)
{
	struct size_class c = class_that_fits(granules);
	uint32_t sl_map;
	uint64_t fl_map;

	if (c.fl >= FL_COUNT)
		return NULL;
	sl_map = pool->sl_map[c.fl] & (~0u << c.sl);
	if (!sl_map) {
		fl_map = pool->fl_map & (~0ull << c.fl << 1);
		if (!fl_map)
			return NULL;
		c.fl = (unsigned int)__builtin_ctzll(fl_map);
		sl_map = pool->sl_map[c.fl];
	}
	return pool->free[c.fl][__builtin_ctz(sl_map)];
}

/* --- Pieces handed out ----------------------------------------------------------------------- */

static struct block **bucket_of(const struct plx_heap *heap, uintptr_t va)
{
	/* Fibonacci hashing: the addresses are multiples of many things. */
	uint64_t hash = (uint64_t)(va / PLX_HEAP_GRANULE) * 0x9e3779b97f4a7c15ull;

	return &heap->buckets[(hash >> 32) & heap->bucket_mask];
}

static void hash_insert(struct plx_heap *heap, struct block *block)
{
	struct block **bucket = bucket_of(heap, block->va);

	block->used = true;
	block->next = *bucket;
	*bucket = block;
}

static struct block *hash_remove(struct plx_heap *heap, uintptr_t va)
{
	struct block **at = bucket_of(heap, va), *block;

	while (*at && (*at)->va != va)
		at = &(*at)->next;
	block = *at;
	if (block)
		*at = block->next;
	return block;
}

/* Failing to grow only makes the chains longer. */
static void hash_grow(struct plx_heap *heap)
{
	size_t old_count = heap->bucket_mask + 1, i;
	struct block **old = heap->buckets, **bigger, *block;

	bigger = calloc(2 * old_count, sizeof(*bigger));
	if (!bigger)
		return;
	heap->buckets = bigger;
	heap->bucket_mask = 2 * old_count - 1;
	for (i = 0; i < old_count; i++) {
		while ((block = old[i]) != NULL) {
			old[i] = block->next;
			hash_insert(heap, block);
		}
	}
	free(old);
}

/* --- Alloc and free -------------------------------------------------------------------------- */

static size_t padding(const struct block *block, size_t align)
{
	return -block->va & (align - 1);
}

static bool fits(const struct block *block, size_t size, size_t align)
{
	size_t pad = padding(block, align);

	return block->len >= pad && block->len - pad >= size;
}

/*
 * The first few blocks of each class from that of the size on; a new arena's block is always one.
 */
static struct block *look_around(const struct pool *pool, size_t size, size_t align)
{
	struct size_class c = class_of(size / PLX_HEAP_GRANULE);
	unsigned int fl, sl;
	uint32_t sl_map;
	int n;

	for (fl = c.fl; fl < FL_COUNT; fl++) {
		sl_map = pool->sl_map[fl] & (fl == c.fl ? ~0u << c.sl : ~0u);
		for (; sl_map; sl_map &= sl_map - 1) {
			struct block *block;

			sl = (unsigned int)__builtin_ctz(sl_map);
			block = pool->free[fl][sl];
			for (n = 0; block && n < NEAR_FIT_MAX; n++, block = block->next)
				if (fits(block, size, align))
					return block;
		}
	}
	return NULL;
}

static struct block *find_fit(const struct pool *pool, size_t size, size_t align)
{
	size_t granules = size / PLX_HEAP_GRANULE;
	struct block *block = list_search(pool, granules);

	/* Whole pages are what is asked for mostly, and what free blocks start at mostly. */
	if (block && fits(block, size, align))
		return block;
	block = list_search(pool, granules + align / PLX_HEAP_GRANULE - 1);
	return block ? block : look_around(pool, size, align);
}

/*
 * Cut `len` bytes off the front of a block that is in no list; the rest becomes a block after it.
 */
static struct block *split(struct plx_heap *heap, struct block *block, size_t len)
{
	struct block *rest = block_get(heap);

	*rest = (struct block){
		.va = block->va + len,
		.len = block->len - len,
		.before = block,
		.after = block->after,
		.arena = block->arena,
		.untouched = block->untouched,
	};
	if (rest->after)
		rest->after->before = rest;
	block->after = rest;
	block->len = len;
	return rest;
}

int plx_heap_alloc(struct plx_heap *heap, unsigned int pool, size_t size, size_t align,
		   struct plx_heap_piece *piece)
{
	struct block *block, *rest;
	size_t pad;

	if (align < PLX_HEAP_GRANULE)
		align = PLX_HEAP_GRANULE;
	size = (size + PLX_HEAP_GRANULE - 1) & ~(size_t)(PLX_HEAP_GRANULE - 1);
	if (size == 0 || size > SIZE_MAX / 4)
		return -ENOSPC;
	if (blocks_reserve(heap, 2))
		return -ENOMEM;
	block = find_fit(&heap->pools[pool], size, align);
	if (!block)
		return -ENOSPC;

	list_remove(heap, block);
	pad = padding(block, align);
	if (pad) {
		rest = split(heap, block, pad);
		list_insert(heap, block);
		block = rest;
	}
	if (block->len > size)
		list_insert(heap, split(heap, block, size));
	hash_insert(heap, block);
	*piece = (struct plx_heap_piece){
		.va = block->va,
		.len = block->len,
		.owner = block->arena->owner,
		.untouched = block->untouched,
	};
	block->tag = heap->tag;
	heap->tags[heap->tag].used_bytes += size;
	heap->tags[heap->tag].pieces++;
	heap->stats.used_bytes += size;
	if (++heap->stats.pieces > heap->bucket_mask)
		hash_grow(heap);
	return 0;
}

/* Take `block`, which is in no list, into the one before it, which is in none either. */
static struct block *merge(struct plx_heap *heap, struct block *before, struct block *block)
{
	before->len += block->len;
	before->untouched &= block->untouched;
	before->after = block->after;
	if (block->after)
		block->after->before = before;
	block_put(heap, block);
	return before;
}

size_t plx_heap_free(struct plx_heap *heap, uintptr_t va)
{
	struct block *block = hash_remove(heap, va), *after;
	size_t len;

	if (!block)
		return 0;
	len = block->len;
	heap->tags[block->tag].used_bytes -= len;
	heap->tags[block->tag].pieces--;
	heap->stats.used_bytes -= len;
	heap->stats.pieces--;
	block->untouched = false;
	after = block->after;
	if (after && !after->used) {
		list_remove(heap, after);
		merge(heap, block, after);
	}
	if (block->before && !block->before->used) {
		list_remove(heap, block->before);
		block = merge(heap, block->before, block);
	}
	list_insert(heap, block);
	return len;
}

/* --- Arenas ---------------------------------------------------------------------------------- */

struct plx_heap_arena *plx_heap_add(struct plx_heap *heap, unsigned int pool, uintptr_t va,
				    size_t len, void *owner)
{
	struct plx_heap_arena *arena;

	if (blocks_reserve(heap, 1))
		return NULL;
	arena = malloc(sizeof(*arena));
	if (!arena)
		return NULL;
	*arena = (struct plx_heap_arena){heap->arenas, block_get(heap), owner, pool};
	heap->arenas = arena;
	*arena->first = (struct block){.va = va, .len = len, .arena = arena, .untouched = true};
	list_insert(heap, arena->first);
	return arena;
}

bool plx_heap_is_empty(const struct plx_heap_arena *arena)
{
	return !arena->first->used && !arena->first->after;
}

int plx_heap_remove(struct plx_heap *heap, struct plx_heap_arena *arena)
{
	struct plx_heap_arena **at;

	if (!plx_heap_is_empty(arena))
		return -EBUSY;
	for (at = &heap->arenas; *at != arena; at = &(*at)->next)
		;
	*at = arena->next;
	list_remove(heap, arena->first);
	block_put(heap, arena->first);
	free(arena);
	return 0;
}

struct plx_heap *plx_heap_open(unsigned int pools)
{
	struct plx_heap *heap = calloc(1, sizeof(*heap) + pools * sizeof(heap->pools[0]));

	if (!heap)
		return NULL;
	heap->bucket_mask = BUCKETS_FIRST - 1;
	heap->buckets = calloc(BUCKETS_FIRST, sizeof(*heap->buckets));
	if (!heap->buckets) {
		free(heap);
		return NULL;
	}
	return heap;
}

void plx_heap_close(struct plx_heap *heap)
{
	struct plx_heap_arena *arena;
	struct slab *slab;

	if (!heap)
		return;
	while ((arena = heap->arenas) != NULL) {
		heap->arenas = arena->next;
		free(arena);
	}
	while ((slab = heap->slabs) != NULL) {
		heap->slabs = slab->next;
		free(slab);
	}
	free(heap->buckets);
	free(heap);
}

void plx_heap_stats_get(const struct plx_heap *heap, struct plx_heap_stats *stats)
{
	*stats = heap->stats;
}

void plx_heap_tag(struct plx_heap *heap, uint8_t tag)
{
	heap->tag = tag;
}

void plx_heap_tag_stats_get(const struct plx_heap *heap, uint8_t tag, struct plx_heap_stats *stats)
{
	*stats = heap->tags[tag];
}
