/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/segments.c: what listeners are told, and what happens when one refuses. */
#include <pollux/mem.h>

#include <errno.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

#define MIB   ((size_t)1 << 20)
#define CALLS 64

/* Remembers each run that it was given. */
struct witness {
	struct plx_mem_listener listener;
	struct {
		char *va;
		size_t len, n;
	} runs[CALLS];
	size_t live;
	unsigned int adds, removes, wrong;
	int refuse; /* what the next add() returns */
};

static int add(struct plx_mem_listener *self, const struct plx_mem_segment *segments, size_t n)
{
	struct witness *w = (struct witness *)self;
	size_t i, len = 0;

	w->adds++;
	if (w->refuse)
		return w->refuse;
	for (i = 0; i < n; i++) {
		w->wrong += segments[i].va != (char *)segments[0].va + len ||
			    segments[i].iova != segments[0].iova + len;
		len += segments[i].len;
	}
	w->runs[w->live].va = segments[0].va;
	w->runs[w->live].len = len;
	w->runs[w->live++].n = n;
	return 0;
}

/* A run must go exactly as it came. */
static void removed(struct plx_mem_listener *self, const struct plx_mem_segment *segments, size_t n)
{
	struct witness *w = (struct witness *)self;
	size_t i, len = 0;

	w->removes++;
	for (i = 0; i < n; i++)
		len += segments[i].len;
	for (i = 0; i < w->live; i++) {
		if (w->runs[i].va == segments[0].va && w->runs[i].len == len && w->runs[i].n == n) {
			w->runs[i] = w->runs[--w->live];
			return;
		}
	}
	w->wrong++;
}

static struct witness new_witness(void)
{
	return (struct witness){.listener = {.add = add, .remove = removed}};
}

static size_t witnessed(const struct witness *w)
{
	size_t i, len = 0;

	for (i = 0; i < w->live; i++)
		len += w->runs[i].len;
	return len;
}

static struct plx_mem_stats stats(void)
{
	struct plx_mem_stats s;

	plx_mem_stats_get(&s);
	return s;
}

/* Room that the heap does not have. */
static size_t more(void)
{
	return (size_t)stats().heap_bytes + 2 * MIB;
}

static void follows(void)
{
	struct witness w = new_witness();
	void *va = plx_dma_alloc(64, 0, PLX_NODE_ANY), *large;

	UNIT_EQ(plx_mem_listen(&w.listener), 0);
	UNIT_EQ(witnessed(&w), (long long)stats().heap_bytes);
	large = plx_dma_alloc(more(), 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL(large);
	UNIT_EQ(witnessed(&w), (long long)stats().heap_bytes);
	plx_mem_unlisten(&w.listener);
	UNIT_EQ(w.live, 0);
	UNIT_EQ(w.adds, w.removes);
	UNIT_EQ(w.wrong, 0);
	/* Once gone it is told nothing. */
	plx_mem_unlisten(&w.listener);
	UNIT_EQ(w.adds, w.removes);
	plx_dma_free(large);
	plx_dma_free(va);
}

static void refuses_growth(void)
{
	struct witness a = new_witness(), b = new_witness(), c = new_witness();
	uint64_t bytes = stats().heap_bytes, segments = stats().segments;
	struct held before, after;

	UNIT_EQ(plx_mem_listen(&a.listener), 0);
	UNIT_EQ(plx_mem_listen(&b.listener), 0);
	UNIT_EQ(plx_mem_listen(&c.listener), 0);
	before = held_now();
	b.refuse = -ENOSPC;
	log_clear();
	CU_ASSERT_PTR_NULL(plx_dma_alloc(more(), 0, PLX_NODE_ANY));
	UNIT_EQ(errno, ENOMEM);
	CU_ASSERT(logged("No space left on device"));
	/* Taken away again from whoever had it; nothing is left of it. */
	after = held_after(&before);
	UNIT_EQ(after.fds, before.fds);
	UNIT_EQ(after.maps, before.maps);
	UNIT_EQ(stats().heap_bytes, (long long)bytes);
	UNIT_EQ(stats().segments, (long long)segments);
	UNIT_EQ(witnessed(&a), (long long)bytes);
	UNIT_EQ(witnessed(&c), (long long)bytes);
	b.refuse = 0;
	plx_mem_unlisten(&b.listener);
	plx_mem_unlisten(&a.listener);
	plx_mem_unlisten(&c.listener);
	UNIT_EQ(a.wrong + b.wrong + c.wrong, 0);
	UNIT_EQ(a.live + b.live + c.live, 0);
}

static void refuses_what_exists(void)
{
	struct witness w = new_witness();
	void *va = plx_dma_alloc(64, 0, PLX_NODE_ANY);

	w.refuse = -EFAULT;
	UNIT_EQ(plx_mem_listen(&w.listener), -EFAULT);
	UNIT_EQ(w.live, 0);
	UNIT_EQ(w.removes, 0);
	/* It has not become one. */
	w.refuse = 0;
	w.adds = 0;
	plx_dma_free(plx_dma_alloc(more(), 0, PLX_NODE_ANY));
	UNIT_EQ(w.adds, 0);
	plx_dma_free(va);
}

/* Accepts some runs, then refuses: the accepted ones are taken away again. */
static int add_two(struct plx_mem_listener *self, const struct plx_mem_segment *segments, size_t n)
{
	struct witness *w = (struct witness *)self;

	return w->live == 2 ? -EINVAL : add(self, segments, n);
}

static void refuses_the_third(void)
{
	struct witness w = {.listener = {.add = add_two, .remove = removed}};
	void *va[3];
	int i;

	for (i = 0; i < 3; i++)
		va[i] = plx_dma_alloc(more(), 0, PLX_NODE_ANY);
	CU_ASSERT_FATAL(stats().segments >= 3);
	UNIT_EQ(plx_mem_listen(&w.listener), -EINVAL);
	UNIT_EQ(w.adds, 2);
	UNIT_EQ(w.removes, 2);
	UNIT_EQ(w.live, 0);
	UNIT_EQ(w.wrong, 0);
	for (i = 0; i < 3; i++)
		plx_dma_free(va[i]);
}

/* A late listener is given the same runs as an early one. */
static void late_as_early(void)
{
	struct witness early = new_witness(), late = new_witness();
	size_t i, k, same = 0;
	void *va;

	UNIT_EQ(plx_mem_listen(&early.listener), 0);
	va = plx_dma_alloc(more(), 0, PLX_NODE_ANY);
	UNIT_EQ(plx_mem_listen(&late.listener), 0);
	UNIT_EQ(late.live, early.live);
	for (i = 0; i < early.live; i++)
		for (k = 0; k < late.live; k++)
			same += early.runs[i].va == late.runs[k].va &&
				early.runs[i].len == late.runs[k].len;
	UNIT_EQ(same, early.live);
	plx_mem_unlisten(&early.listener);
	plx_mem_unlisten(&late.listener);
	plx_dma_free(va);
}

/* What was asked for at once, on all nodes, is one run: one call maps it. */
static void first_run_is_one(void)
{
	struct plx_eal_config config = {.no_huge = true, .mem_bytes = 8 * MIB};
	struct witness w = new_witness();

	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(plx_eal_init(&config), 0);
	UNIT_EQ(stats().heap_bytes % (8 * MIB), 0);
	UNIT_EQ(plx_mem_listen(&w.listener), 0);
	UNIT_EQ(w.adds, 1);
	UNIT_EQ(w.runs[0].n, (long long)stats().segments);
	plx_mem_unlisten(&w.listener);
}

CU_TestInfo segments_tests[] = {
	{"a listener follows the heap", follows},
	{"a listener refuses growth", refuses_growth},
	{"a listener refuses what exists", refuses_what_exists},
	{"a listener refuses the third run", refuses_the_third},
	{"late as early", late_as_early},
	{"memory at once is one run", first_run_is_one},
	CU_TEST_INFO_NULL,
};
