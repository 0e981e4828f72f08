/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The public face of memory (<pollux/mem.h>), and the memory lock that all of the EAL's memory is
 * under. What is below: the heap is the backend's (backend.h), segments.c tells the listeners,
 * register.c adds the application's memory.
 */
#include "eal/mem.h"

#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "eal/backend.h"
#include "eal/numa_nodes.h"
#include "eal/owner.h"
#include "eal/probe.h"
#include "eal/segments.h"

PLX_LOG_USE(eal);

#define ALIGN_MAX ((size_t)1 << 30)

uint64_t plx_iova_delta;

static pthread_mutex_t lock = PTHREAD_ERRORCHECK_MUTEX_INITIALIZER_NP;
static uint64_t bad_frees; /* atomic */
static uint64_t failed;	   /* atomic */

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

void plx_mem_lock_always(void)
{
	pthread_mutex_lock(&lock);
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

static void *alloc(size_t size, size_t align, int node, bool *zeroed)
{
	void *va = NULL;
	int err = check_request(size, align, node);

	if (!err)
		err = plx_backend()->mem_alloc(size, align, node, &va, zeroed);
	if (!err) {
		PLX_PROBE(mem_alloc, va, size, node);
		return va;
	}
	__atomic_fetch_add(&failed, 1, __ATOMIC_RELAXED);
	errno = err == -EDEADLK ? EINVAL : -err;
	return NULL;
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

	if (va && !zeroed)
		memset(va, 0, size);
	return va;
}

void plx_dma_free(void *va)
{
	if (!va || plx_backend()->mem_free(va) != -ENOENT)
		return;
	__atomic_fetch_add(&bad_frees, 1, __ATOMIC_RELAXED);
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

const char *plx_mem_kind_name(enum plx_mem_kind kind)
{
	static const char *const names[] = {
		[PLX_MEM_HUGETLB] = "hugetlb",
		[PLX_MEM_THP] = "thp",
		[PLX_MEM_SMALL] = "small",
		[PLX_MEM_REGISTERED] = "registered",
	};

	return (unsigned int)kind < sizeof(names) / sizeof(names[0]) ? names[kind] : NULL;
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
	*stats = (struct plx_mem_stats){0};
	if (plx_mem_lock())
		return;
	stats->registered_bytes = plx_register_bytes();
	stats->segments = plx_segments_count();
	plx_mem_unlock();
	stats->bad_frees = __atomic_load_n(&bad_frees, __ATOMIC_RELAXED);
	stats->failed = __atomic_load_n(&failed, __ATOMIC_RELAXED);
	plx_backend()->mem_stats(stats);
}

uint64_t plx_mem_trim(void)
{
	return plx_eal_is_up() && plx_backend()->mem_trim ? plx_backend()->mem_trim() : 0;
}

int plx_mem_owners(int (*fn)(const struct plx_mem_owner *owner, void *arg), void *arg)
{
	struct plx_mem_owner owner;
	unsigned int i;
	int ret = 0;

	if (!plx_eal_is_up())
		return -ENODEV;
	for (i = 0; !ret && (owner.name = plx_owner_name(i)) != NULL; i++) {
		plx_backend()->mem_owner(i, &owner);
		if (owner.allocations)
			ret = fn(&owner, arg);
	}
	return ret;
}

/* --- What backends call (backend.h) ---------------------------------------------------------- */

int plx_backend_mem_add(struct plx_run *run)
{
	int err;

	plx_mem_lock_always();
	err = plx_segments_add(run);
	plx_mem_unlock();
	return err;
}

void plx_backend_mem_remove(struct plx_run *run)
{
	plx_mem_lock_always();
	plx_segments_remove(run);
	plx_mem_unlock();
}

struct plx_run *plx_backend_mem_find(const void *va, size_t len)
{
	struct plx_run *run;

	plx_mem_lock_always();
	run = plx_segments_first(va, len);
	while (run && run->segments[0].kind == PLX_MEM_REGISTERED) {
		uintptr_t next = plx_run_va(run) + plx_run_len(run), end = (uintptr_t)va + len;

		run = next < end ? plx_segments_first((void *)next, end - next) : NULL;
	}
	plx_mem_unlock();
	return run;
}

int plx_backend_mem_callable(void)
{
	int err = plx_mem_lock();

	if (!err)
		plx_mem_unlock();
	return err;
}

int plx_backend_mem_iova(const void *va, size_t len, plx_iova_t *iova)
{
	int err;

	plx_mem_lock_always();
	err = plx_segments_iova(va, len, iova);
	plx_mem_unlock();
	return err;
}

int plx_backend_iova_take(const void *va, size_t len, plx_iova_t *iova)
{
	int err;

	plx_mem_lock_always();
	err = plx_register_iova_take(va, len, iova);
	plx_mem_unlock();
	return err;
}

void plx_backend_iova_release(plx_iova_t iova)
{
	plx_mem_lock_always();
	plx_register_iova_release(iova);
	plx_mem_unlock();
}

int plx_backend_pages(struct plx_pages *pages, const struct plx_pages_config *config)
{
	return plx_pages_init(pages, config);
}

/* --- Life ------------------------------------------------------------------------------------ */

static int open_registry(const struct plx_window *window)
{
	int err;

	plx_mem_lock_always();
	err = plx_register_init(window);
	plx_mem_unlock();
	return err;
}

int plx_mem_init(const struct plx_mem_config *config)
{
	static struct plx_window window; /* register.c keeps it */
	int err = plx_backend()->mem_reserve(config, &window);

	if (err)
		return err;
	plx_iova_delta = window.iova - (uintptr_t)window.va;
	bad_frees = 0;
	failed = 0;
	err = open_registry(&window);
	if (!err)
		err = plx_backend()->mem_open(config, &window);
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
	struct plx_mem_stats heap = {0};

	plx_backend()->mem_stats(&heap);
	if (heap.heap_allocations)
		PLX_WARN(eal,
			 "%" PRIu64 " objects, %" PRIu64 " bytes, of the heap were never freed",
			 heap.heap_allocations, heap.heap_used_bytes);
	if (registrations)
		PLX_WARN(eal, "%zu memory registrations were never undone", registrations);
}

void plx_mem_fini(void)
{
	size_t registrations;

	plx_mem_lock_always();
	registrations = plx_register_fini();
	plx_mem_unlock();
	report_leaks(registrations);
	plx_backend()->mem_close();
	plx_mem_lock_always();
	plx_segments_fini();
	plx_owners_fini();
	plx_mem_unlock();
}
