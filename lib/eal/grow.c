/* SPDX-License-Identifier: BSD-3-Clause */
/* The heap's supply of segments; see grow.h. mem.c calls it when the heap has no fit. */
#include "eal/grow.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pollux/log.h>

#include "eal/numa_nodes.h"
#include "eal/probe.h"
#include "eal/parse.h"
#include "eal/ranges.h"
#include "eal/segments.h"

PLX_LOG_USE(eal);

#define MIB ((size_t)1 << 20)
/* The heap grows by half of what it is, within these bounds. */
#define STEP_MIN   (16 * MIB)
#define STEP_MAX   (1024 * MIB)
#define WORD_BITS  64
#define SMALL_PAGE ((size_t)4096)

/* One segment and its heap arena; the public part is in the run. */
struct supply {
	const struct plx_page_class *page_class;
	struct plx_mem_segment *segment;
	struct plx_heap_arena *arena;
	int asked;	     /* the node that it was asked for */
	unsigned int shift;  /* pages are taken in units of 2^shift bytes */
	uint64_t *populated; /* a bit for each unit */
};

/* What came at once. */
struct growth {
	struct plx_run run;
	struct plx_mem_segment *segments;
	struct supply *supplies;
	size_t n;
	bool keep; /* for good: it was asked for at the start */
	struct growth *next;
};

static struct plx_grow_config cfg;
static struct plx_pages pages;
static struct plx_ranges placed; /* in the window */
static struct growth *growths;	 /* newest first */
static uint64_t total_bytes;
static uint64_t node_bytes[PLX_LIMIT_NODES];
static size_t node_limits[PLX_LIMIT_NODES]; /* 0: none */
static int files[PLX_PAGE_CLASSES];	    /* of each class, where it has one for all; -1: none */

unsigned int plx_grow_pool(int node)
{
	return node < 0 ? 0 : (unsigned int)node + 1;
}

unsigned int plx_grow_pool_count(void)
{
	return (unsigned int)plx_numa_count() + 1;
}

uint64_t plx_grow_bytes(void)
{
	return total_bytes;
}

const struct plx_page_class *plx_grow_class(void)
{
	return &pages.classes[0];
}

static size_t guaranteed_page_size(const struct plx_page_class *page_class)
{
	return page_class->kind == PLX_MEM_HUGETLB ? page_class->page_size : SMALL_PAGE;
}

size_t plx_grow_page_size(void)
{
	return guaranteed_page_size(&pages.classes[0]);
}

/* --- One growth ------------------------------------------------------------------------------ */

static void free_growth(struct growth *g)
{
	size_t i;

	for (i = 0; g->supplies && i < g->n; i++)
		free(g->supplies[i].populated);
	free(g->supplies);
	free(g->segments);
	free(g);
}

static struct growth *new_growth(size_t n, size_t units)
{
	struct growth *g = calloc(1, sizeof(*g));
	bool ok;
	size_t i;

	if (!g)
		return NULL;
	g->n = n;
	g->segments = calloc(n, sizeof(*g->segments));
	g->supplies = calloc(n, sizeof(*g->supplies));
	ok = g->segments && g->supplies;
	for (i = 0; ok && i < n; i++) {
		g->supplies[i].segment = &g->segments[i];
		g->supplies[i].populated =
			calloc((units + WORD_BITS - 1) / WORD_BITS, sizeof(uint64_t));
		ok = g->supplies[i].populated != NULL;
	}
	if (!ok) {
		free_growth(g);
		return NULL;
	}
	g->run = (struct plx_run){g->segments, n};
	return g;
}

static void unmap(struct growth *g, size_t n)
{
	while (n-- > 0) {
		const struct plx_mem_segment *s = &g->segments[n];

		if (cfg.single_file)
			plx_pages_unmap_part(g->supplies[n].page_class, s->va, s->len, s->fd,
					     s->fd_offset);
		else
			plx_pages_unmap(s->va, s->len, s->fd);
	}
}

/* In a file for all a segment is as far from the beginning as it is from the window's. */
static int map_in_file(const struct plx_page_class *page_class, char *va, size_t len, int node,
		       off_t *offset)
{
	int *fd = &files[page_class - pages.classes], err;

	if (*fd < 0)
		*fd = plx_pages_open(page_class);
	if (*fd < 0)
		return *fd;
	*offset = va - cfg.window->va;
	err = plx_pages_map_part(page_class, va, len, node, *fd, *offset);
	return err ? err : *fd;
}

/* The node that the pages will come from, if that can be foreseen: it may have too few left. */
static int foreseen_node(const struct plx_page_class *page_class, size_t len, int node)
{
	if (plx_numa_count() == 1)
		return 0;
	if (node < 0 || plx_pages_available_on(page_class, node) < len)
		return PLX_NODE_ANY;
	return node;
}

static int map_all(struct growth *g, const struct plx_page_class *page_class, char *va, size_t len,
		   const int *nodes)
{
	off_t offset = 0;
	size_t i;
	int fd;

	for (i = 0; i < g->n; i++, va += len) {
		int node = foreseen_node(page_class, len, nodes[i]);

		fd = cfg.single_file ? map_in_file(page_class, va, len, nodes[i], &offset)
				     : plx_pages_map(page_class, va, len, nodes[i]);
		if (fd < 0) {
			unmap(g, i);
			return fd;
		}
		g->supplies[i].page_class = page_class;
		g->supplies[i].asked = nodes[i];
		g->supplies[i].shift = (unsigned int)__builtin_ctzll(page_class->page_size);
		g->segments[i] = (struct plx_mem_segment){
			.va = va,
			.len = len,
			.iova = cfg.window->iova + (uint64_t)(va - cfg.window->va),
			.page_size = guaranteed_page_size(page_class),
			.node = node,
			.fd = fd,
			.fd_offset = offset,
			.kind = page_class->kind,
		};
	}
	return 0;
}

static void take_arenas_back(struct growth *g)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->supplies[i].arena)
			plx_heap_remove(cfg.heap, g->supplies[i].arena);
}

/* The heap first, so that nothing can fail once the listeners have it. */
static int publish(struct growth *g)
{
	int err = 0;
	size_t i;

	for (i = 0; i < g->n && !err; i++) {
		struct plx_mem_segment *s = &g->segments[i];

		g->supplies[i].arena = plx_heap_add(cfg.heap, plx_grow_pool(s->node),
						    (uintptr_t)s->va, s->len, &g->supplies[i]);
		if (!g->supplies[i].arena)
			err = -ENOMEM;
	}
	if (!err)
		err = plx_segments_add(&g->run);
	if (err)
		take_arenas_back(g);
	return err;
}

static int place(size_t len, size_t align, char **va)
{
	uintptr_t base = (uintptr_t)cfg.window->va;
	struct plx_range within = {base, base + (cfg.window->size - 1)};
	uint64_t at;

	if (plx_ranges_gap(&placed, within, len, align, 0, &at)) {
		PLX_ERR(eal,
			"%zu MiB do not fit in the %zu GiB of addresses reserved for the heap; "
			"free some, or start with a larger va_size",
			len / MIB, cfg.window->size >> 30);
		return -ENOSPC;
	}
	*va = (char *)(uintptr_t)at;
	return plx_ranges_add(&placed, at, len);
}

static void announce(const struct growth *g, const struct plx_page_class *page_class)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		PLX_INFO(eal, "heap: %zu MiB added at %p, in pages of %zu KiB, node %d, by %s",
			 g->segments[i].len / MIB, g->segments[i].va,
			 g->segments[i].page_size / 1024, g->segments[i].node,
			 page_class->mount ? page_class->mount : "memfd");
}

/* By the node that was asked for: where pages really come from is up to the kernel. */
static void count_nodes(const struct growth *g, size_t len)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (g->supplies[i].asked >= 0 && g->supplies[i].asked < PLX_LIMIT_NODES)
			node_bytes[g->supplies[i].asked] += len;
}

/* -ENOMEM means too few pages, and is not logged; all else is. */
static int grow(const struct plx_page_class *page_class, size_t len, size_t align, const int *nodes,
		size_t n)
{
	struct growth *g = new_growth(n, len / page_class->page_size);
	char *va;
	int err;

	if (!g)
		return -ENOMEM;
	if (align < page_class->page_size)
		align = page_class->page_size;
	err = place(n * len, align, &va);
	if (err) {
		free_growth(g);
		return err;
	}
	err = map_all(g, page_class, va, len, nodes);
	if (!err) {
		err = publish(g);
		if (err)
			unmap(g, g->n);
	}
	if (err) {
		plx_ranges_remove(&placed, (uintptr_t)va);
		free_growth(g);
		return err;
	}
	g->next = growths;
	growths = g;
	total_bytes += n * len;
	count_nodes(g, len);
	PLX_PROBE(mem_grow, va, n * len);
	announce(g, page_class);
	return 0;
}

/* --- How much -------------------------------------------------------------------------------- */

/* 0 where it does not fit in a size_t. */
static size_t round_up(size_t len, size_t to)
{
	return len > SIZE_MAX / 2 ? 0 : (len + to - 1) / to * to;
}

static bool within_limit(uint64_t len)
{
	return !cfg.limit || (len <= cfg.limit && total_bytes <= cfg.limit - len);
}

static bool within_node_limit(uint64_t len, int node)
{
	size_t limit = node >= 0 && node < PLX_LIMIT_NODES ? node_limits[node] : 0;

	return !limit || (len <= limit && node_bytes[node] <= limit - len);
}

static int exceeds_node_limit(uint64_t len, int node)
{
	PLX_ERR(eal,
		"heap: %" PRIu64 " MiB more on node %d would exceed its limit of %zu MiB, with "
		"%" PRIu64 " MiB in it; raise --mem-node-limit or free memory",
		len / MIB, node, node_limits[node] / MIB, node_bytes[node] / MIB);
	return -EDQUOT;
}

static int exceeds_limit(uint64_t len)
{
	PLX_ERR(eal,
		"heap: %" PRIu64 " MiB more would exceed its limit of %zu MiB, with %" PRIu64
		" MiB in it; raise --mem-limit or free memory",
		len / MIB, cfg.limit / MIB, total_bytes / MIB);
	return -EDQUOT;
}

int plx_grow_at_once(size_t len, const int *nodes, size_t n)
{
	const struct plx_page_class *c = NULL;
	int err = -ENOMEM;
	size_t i, k, each;

	for (i = 0; i < pages.n && err == -ENOMEM; i++) {
		c = &pages.classes[i];
		each = round_up(len, c->page_size);
		if (!each || each > SIZE_MAX / 2 / n)
			continue;
		if (!within_limit((uint64_t)each * n))
			return exceeds_limit((uint64_t)each * n);
		for (k = 0; k < n; k++)
			if (!within_node_limit(each, nodes[k]))
				return exceeds_node_limit(each, nodes[k]);
		if (plx_pages_available(c) >= (uint64_t)each * n)
			err = grow(c, each, 0, nodes, n);
	}
	if (err == -ENOMEM)
		plx_pages_explain(&pages, len > UINT64_MAX / n ? len : (uint64_t)len * n);
	if (!err)
		growths->keep = true;
	return err;
}

static size_t step(void)
{
	size_t half = total_bytes / 2;

	if (half < STEP_MIN)
		return STEP_MIN;
	return half > STEP_MAX ? STEP_MAX : half;
}

/* More than is needed if that can be had, else just that. */
static int grow_by_class(const struct plx_page_class *c, size_t size, size_t align, int node)
{
	size_t needed = round_up(size, c->page_size);
	size_t wanted = round_up(step(), c->page_size);
	int err;

	if (!needed)
		return -ENOMEM;
	if (!within_limit(needed) || !within_node_limit(needed, node))
		return -EDQUOT;
	if (wanted > needed && within_limit(wanted) && within_node_limit(wanted, node) &&
	    plx_pages_available(c) >= wanted) {
		err = grow(c, wanted, align, &node, 1);
		if (err != -ENOMEM && err != -ENOSPC)
			return err;
	}
	return plx_pages_available(c) < needed ? -ENOMEM : grow(c, needed, align, &node, 1);
}

int plx_grow_for(size_t size, size_t align, int node)
{
	bool limited = false;
	int err = -ENOMEM;
	size_t i;

	for (i = 0; i < pages.n && (err == -ENOMEM || err == -EDQUOT); i++) {
		err = grow_by_class(&pages.classes[i], size, align, node);
		limited |= err == -EDQUOT;
	}
	if (err == -EDQUOT || (err == -ENOMEM && limited))
		return within_limit(size) && !within_node_limit(size, node)
			       ? exceeds_node_limit(size, node)
			       : exceeds_limit(size);
	if (err == -ENOMEM)
		plx_pages_explain(&pages, size);
	return err;
}

/* --- Shrinking ------------------------------------------------------------------------------- */

static bool is_unused(const struct growth *g)
{
	size_t i;

	for (i = 0; i < g->n; i++)
		if (!plx_heap_is_empty(g->supplies[i].arena))
			return false;
	return !g->keep;
}

/* The heap first, so that nobody gets memory that is going; then the listeners, then the pages. */
static uint64_t give_back(struct growth *g)
{
	size_t bytes = plx_run_len(&g->run), i;

	PLX_PROBE(mem_shrink, g->segments[0].va, bytes);
	PLX_INFO(eal, "heap: %zu MiB at %p given back", bytes / MIB, g->segments[0].va);
	take_arenas_back(g);
	plx_segments_remove(&g->run);
	unmap(g, g->n);
	plx_ranges_remove(&placed, (uintptr_t)g->segments[0].va);
	for (i = 0; i < g->n; i++)
		if (g->supplies[i].asked >= 0 && g->supplies[i].asked < PLX_LIMIT_NODES)
			node_bytes[g->supplies[i].asked] -= g->segments[i].len;
	total_bytes -= bytes;
	free_growth(g);
	return bytes;
}

uint64_t plx_grow_trim(void)
{
	struct growth **at = &growths, *g;
	uint64_t bytes = 0;

	while ((g = *at) != NULL) {
		if (!is_unused(g)) {
			at = &g->next;
			continue;
		}
		*at = g->next;
		bytes += give_back(g);
	}
	return bytes;
}

/* --- Pages ----------------------------------------------------------------------------------- */

static bool is_populated(const struct supply *s, size_t unit)
{
	return s->populated[unit / WORD_BITS] >> (unit % WORD_BITS) & 1;
}

static int populate_run(struct supply *s, size_t from, size_t to)
{
	size_t len = (to - from) << s->shift, i;
	char *va = (char *)s->segment->va + (from << s->shift);

	/* Shared memory is not reserved: rather refuse than wake the kernel's OOM killer. */
	if (s->segment->kind != PLX_MEM_HUGETLB && plx_pages_available(plx_grow_class()) < len) {
		plx_pages_explain(&pages, len);
		return -ENOMEM;
	}
	if (plx_pages_populate(va, len))
		return -ENOMEM;
	for (i = from; i < to; i++)
		s->populated[i / WORD_BITS] |= 1ull << (i % WORD_BITS);
	return 0;
}

int plx_grow_populate(const struct plx_heap_piece *piece)
{
	struct supply *s = piece->owner;
	uintptr_t base = (uintptr_t)s->segment->va;
	size_t unit = (piece->va - base) >> s->shift;
	size_t end = ((piece->va + (piece->len - 1) - base) >> s->shift) + 1, from;

	while (unit < end) {
		if (is_populated(s, unit)) {
			unit++;
			continue;
		}
		from = unit;
		while (unit < end && !is_populated(s, unit))
			unit++;
		if (populate_run(s, from, unit))
			return -ENOMEM;
	}
	return 0;
}

/* --- Life ------------------------------------------------------------------------------------ */

int plx_grow_init(const struct plx_grow_config *config)
{
	cfg = *config;
	memset(files, -1, sizeof(files));
	memset(node_bytes, 0, sizeof(node_bytes));
	memset(node_limits, 0, sizeof(node_limits));
	if (config->node_limits)
		memcpy(node_limits, config->node_limits, sizeof(node_limits));
	return plx_pages_init(&pages, &config->pages);
}

void plx_grow_fini(void)
{
	struct growth *g;
	size_t i;

	while ((g = growths) != NULL) {
		growths = g->next;
		plx_segments_remove(&g->run);
		/* Parts of a file for all go with it, and with the window. */
		if (!cfg.single_file)
			unmap(g, g->n);
		free_growth(g);
	}
	for (i = 0; i < PLX_PAGE_CLASSES; i++) {
		if (files[i] >= 0)
			close(files[i]);
		files[i] = -1;
	}
	plx_ranges_clear(&placed);
	total_bytes = 0;
}
