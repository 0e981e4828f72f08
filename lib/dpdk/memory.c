/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rte_eal's memory in the registry of segments (eal/segments.h), and so in every address space:
 * what there is when the EAL comes up, and what its memory events tell of.
 *
 * Memory that rte_eal may give back goes by pages or as it came, and a mapping of an IOMMU cannot
 * be split: so what rte_eal cannot promise to free whole is a run for each page. rte_eal promises
 * it where we started it (--match-allocations); memory of its start it never frees.
 *
 * All but plx_dpdk_iova() runs under rte_eal's memory lock, or before and after its events come.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <unistd.h>

#include <rte_errno.h>
#include <rte_memory.h>

#include <pollux/log.h>

#include "dpdk.h"

PLX_LOG_USE(dpdk);

#define GIB	    (1ull << 30)
#define IOVA_LIMIT  (1ull << 39) /* a common aperture of IOMMUs */
#define IOVA_BASE   (64 * GIB)	 /* for memory that lies higher */
#define EVENT_NAME  "pollux"
#define SMALL_PAGES ((size_t)4096)

/* Contiguous memory that came at once; its segments differ in their files. */
struct entry {
	struct plx_run run; /* first, so that a run is its entry */
	struct entry *next, **prev;
	size_t len;
	bool iova_taken; /* lies outside the window */
	struct plx_mem_segment segments[];
};

static struct plx_window span; /* of all that rte_eal has reserved; set by reserve */
static struct entry *entries;
static uint64_t total_bytes; /* atomic */
static size_t smallest_page;
static pid_t followed_by;
static bool is_static; /* rte_eal's memory neither grows nor shrinks */
/* Memory that an address space refused: rte_eal cannot be refused, so its users are. Atomic. */
static uint32_t refused;

uint64_t plx_dpdk_mem_bytes(void)
{
	return __atomic_load_n(&total_bytes, __ATOMIC_RELAXED);
}

size_t plx_dpdk_page_size(void)
{
	return smallest_page ? smallest_page : SMALL_PAGES;
}

static bool in_span(const void *va, size_t len)
{
	uintptr_t offset = (uintptr_t)va - (uintptr_t)span.va;

	return offset < span.size && len <= span.size - offset;
}

int plx_dpdk_iova(const void *va, size_t len, plx_iova_t *iova)
{
	*iova = plx_iova(va);
	if (plx_likely(in_span(va, len) && !__atomic_load_n(&refused, __ATOMIC_RELAXED)))
		return 0;
	return plx_backend_mem_iova(va, len, iova);
}

/* --- Runs ------------------------------------------------------------------------------------ */

/* One page of rte_eal's as a segment. */
static struct plx_mem_segment describe(const struct rte_memseg_list *msl,
				       const struct rte_memseg *ms)
{
	struct plx_mem_segment segment = {
		.va = ms->addr,
		.len = ms->len,
		.page_size = ms->hugepage_sz,
		.node = ms->socket_id,
		.fd = -1,
		.kind = ms->hugepage_sz > SMALL_PAGES ? PLX_MEM_HUGETLB : PLX_MEM_SMALL,
	};
	size_t offset;

	if (msl->external || rte_memseg_get_fd_offset_thread_unsafe(ms, &offset))
		return segment;
	segment.fd = rte_memseg_get_fd_thread_unsafe(ms);
	segment.fd_offset = (off_t)offset;
	if (segment.fd < 0)
		segment.fd = -1;
	return segment;
}

/* Part of the same file or of none, right behind? */
static bool continues(const struct plx_mem_segment *before, const struct plx_mem_segment *s)
{
	return before->fd == s->fd && before->node == s->node &&
	       before->page_size == s->page_size &&
	       (s->fd < 0 || before->fd_offset + (off_t)before->len == s->fd_offset);
}

static struct entry *entry_alloc(size_t pages)
{
	return calloc(1, sizeof(struct entry) + pages * sizeof(struct plx_mem_segment));
}

static void append(struct entry *e, const struct plx_mem_segment *s)
{
	struct plx_mem_segment *last = e->run.n ? &e->run.segments[e->run.n - 1] : NULL;

	if (last && continues(last, s))
		last->len += s->len;
	else
		e->run.segments[e->run.n++] = *s;
	e->len += s->len;
}

static int give_iovas(struct entry *e)
{
	void *va = e->run.segments[0].va;
	plx_iova_t iova = plx_iova(va);
	size_t i;
	int err;

	if (!in_span(va, e->len)) {
		err = plx_backend_iova_take(va, e->len, &iova);
		if (err)
			return err;
		e->iova_taken = true;
	}
	for (i = 0; i < e->run.n; i++) {
		e->run.segments[i].iova = iova;
		iova += e->run.segments[i].len;
	}
	return 0;
}

static int publish(struct entry *e)
{
	size_t page = e->run.segments[0].page_size;
	int err = give_iovas(e);

	if (!err)
		err = plx_backend_mem_add(&e->run);
	if (err) {
		if (e->iova_taken)
			plx_backend_iova_release(e->run.segments[0].iova);
		free(e);
		return err;
	}
	e->next = entries;
	e->prev = &entries;
	if (entries)
		entries->prev = &e->next;
	entries = e;
	__atomic_fetch_add(&total_bytes, e->len, __ATOMIC_RELAXED);
	if (!smallest_page || page < smallest_page)
		smallest_page = page;
	return 0;
}

static void withdraw(struct entry *e)
{
	plx_backend_mem_remove(&e->run);
	if (e->iova_taken)
		plx_backend_iova_release(e->run.segments[0].iova);
	*e->prev = e->next;
	if (e->next)
		e->next->prev = e->prev;
	__atomic_fetch_sub(&total_bytes, e->len, __ATOMIC_RELAXED);
	free(e);
}

/* `pages` pages at va become one run, as far as they are not in one. */
static int add_run(const struct rte_memseg_list *msl, const char *va, size_t pages)
{
	struct entry *e = entry_alloc(pages);
	struct plx_mem_segment s;
	size_t i;

	if (!e)
		return -ENOMEM;
	e->run.segments = e->segments;
	for (i = 0; i < pages; i++) {
		const struct rte_memseg *ms = rte_mem_virt2memseg(va + i * msl->page_sz, msl);

		if (!ms) {
			free(e);
			return -EFAULT;
		}
		s = describe(msl, ms);
		append(e, &s);
	}
	return publish(e);
}

static int add_pages(const struct rte_memseg_list *msl, const char *va, size_t pages,
		     size_t pages_per_run)
{
	size_t done, n;
	int err = 0;

	for (done = 0; done < pages && !err; done += n) {
		n = pages - done < pages_per_run ? pages - done : pages_per_run;
		err = add_run(msl, va + done * msl->page_sz, n);
	}
	return err;
}

/* --- Events ---------------------------------------------------------------------------------- */

static void memory_came(const void *va, size_t len)
{
	const struct rte_memseg_list *msl = rte_mem_virt2memseg_list(va);
	int err = -EFAULT;
	size_t pages;

	if (msl) {
		pages = len / msl->page_sz;
		err = add_pages(msl, va, pages, plx_dpdk_is_ours() || msl->external ? pages : 1);
	}
	if (!err)
		return;
	__atomic_fetch_add(&refused, 1, __ATOMIC_RELAXED);
	PLX_ERR(dpdk,
		"memory %p, %zu KiB, that rte_eal has added: %s; no device of ours can reach it, "
		"and "
		"allocations and packets in it are refused",
		va, len / 1024, rte_strerror(-err));
}

static void memory_goes(const char *va, size_t len)
{
	const char *end = va + len;
	struct plx_run *run;

	while ((run = plx_backend_mem_find(va, (size_t)(end - va))) != NULL) {
		const char *first = run->segments[0].va;

		if (first < va || first + ((struct entry *)run)->len > end)
			PLX_ERR(dpdk,
				"rte_eal frees %zu KiB at %p, which is part of memory that came as "
				"one: all of that is out of reach for devices of ours now",
				len / 1024, (const void *)va);
		withdraw((struct entry *)run);
	}
}

static void on_event(enum rte_mem_event event, const void *va, size_t len, void *arg)
{
	/* In a forked child memory is the child's, and the devices are the parent's. */
	if (getpid() != followed_by)
		return;
	if (event == RTE_MEM_EVENT_ALLOC)
		memory_came(va, len);
	else
		memory_goes(va, len);
}

/* --- What is there --------------------------------------------------------------------------- */

struct walk {
	const struct rte_memseg_list *msl;
	char *va; /* of the pages not added yet */
	size_t pages;
	int err;
};

static int flush(struct walk *w)
{
	if (w->pages && !w->err)
		w->err = add_pages(w->msl, w->va, w->pages, w->pages);
	w->pages = 0;
	return w->err;
}

static int see_page(const struct rte_memseg_list *msl, const struct rte_memseg *ms, void *arg)
{
	struct walk *w = arg;
	bool stays = is_static || ms->flags & RTE_MEMSEG_FLAG_DO_NOT_FREE || msl->external;

	/* Memory that is only registered with rte_eal comes and goes without an event. */
	if (!msl->heap || plx_backend_mem_find(ms->addr, ms->len))
		return flush(w);
	if (w->pages && (w->msl != msl || w->va + w->pages * msl->page_sz != ms->addr))
		flush(w);
	if (!w->pages) {
		w->msl = msl;
		w->va = ms->addr;
	}
	w->pages++;
	return stays ? w->err : flush(w);
}

int plx_dpdk_follow(void)
{
	struct walk walk = {0};

	followed_by = getpid();
	is_static = false;
	refused = 0;
	smallest_page = 0;
	if (rte_mem_event_callback_register(EVENT_NAME, on_event, NULL)) {
		if (rte_errno != ENOTSUP) {
			PLX_ERR(dpdk, "rte_eal's memory events: %s", rte_strerror(rte_errno));
			return -rte_errno;
		}
		is_static = true;
	}
	/* No event comes while it walks; what came before is in the registry. */
	rte_memseg_walk(see_page, &walk);
	flush(&walk);
	if (walk.err)
		PLX_ERR(dpdk, "rte_eal's memory cannot be followed: %s", rte_strerror(-walk.err));
	return walk.err;
}

void plx_dpdk_unfollow(void)
{
	if (!is_static)
		rte_mem_event_callback_unregister(EVENT_NAME, NULL);
	while (entries)
		withdraw(entries);
	span = (struct plx_window){0};
}

/* --- Where it is ----------------------------------------------------------------------------- */

static int see_list(const struct rte_memseg_list *msl, void *arg)
{
	uintptr_t *ends = arg, first = (uintptr_t)msl->base_va;

	if (msl->external)
		return 0;
	if (first < ends[0])
		ends[0] = first;
	if (first + msl->len > ends[1])
		ends[1] = first + msl->len;
	return 0;
}

int plx_dpdk_mem_reserve(const struct plx_mem_config *config, struct plx_window *window)
{
	uintptr_t ends[2] = {UINTPTR_MAX, 0};

	rte_memseg_list_walk(see_list, ends);
	if (ends[0] >= ends[1]) {
		PLX_ERR(dpdk, "rte_eal has no memory; did rte_eal_init() succeed?");
		return -ENODEV;
	}
	span = (struct plx_window){
		.va = (char *)ends[0],
		.size = ends[1] - ends[0],
		.iova = ends[0],
	};
	/*
	 * Its addresses are low where it could choose; else they agree with the IOVA modulo 1 GiB.
	 */
	if (ends[1] > IOVA_LIMIT && span.size <= IOVA_LIMIT - IOVA_BASE - GIB)
		span.iova = IOVA_BASE + ends[0] % GIB;
	PLX_DEBUG(dpdk, "rte_eal's memory: %zu MiB of addresses at %p, IOVA 0x%" PRIx64,
		  span.size >> 20, (void *)span.va, span.iova);
	*window = span;
	return 0;
}
