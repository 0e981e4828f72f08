/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The DMA heap by rte_malloc. rte_free() believes what it is given, so the books of what was handed
 * out are kept here: a stranger's address or a second free is refused, as on the native backend.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <search.h>
#include <stdlib.h>
#include <string.h>

#include <rte_lcore.h>
#include <rte_malloc.h>

#include <pollux/log.h>

#include "dpdk.h"
#include "eal/owner.h"
#include "eal/probe.h"

PLX_LOG_USE(dpdk);

#define MIB ((size_t)1 << 20)

struct object {
	void *va; /* the key */
	size_t size;
	uint8_t owner;
};

static pthread_mutex_t books = PTHREAD_MUTEX_INITIALIZER;
static void *objects;  /* a tree of them; books */
static uint64_t used;  /* books */
static uint64_t count; /* books */
static struct {
	uint64_t bytes, count;
} owners[PLX_OWNERS];	   /* books */
static size_t limit_bytes; /* 0: none */

static int by_address(const void *a, const void *b)
{
	const struct object *x = a, *y = b;

	return x->va < y->va ? -1 : x->va > y->va;
}

/* --- Books ----------------------------------------------------------------------------------- */

/* Before the memory is there, so that threads together do not exceed the limit. */
static int charge(size_t size)
{
	uint64_t sum;

	pthread_mutex_lock(&books);
	sum = used + size;
	if (!limit_bytes || (size <= limit_bytes && sum <= limit_bytes))
		used = sum;
	else
		sum = 0;
	pthread_mutex_unlock(&books);
	if (sum)
		return 0;
	PLX_ERR(dpdk,
		"heap: %zu bytes more would exceed its limit of %zu MiB; raise --mem-limit or free "
		"memory",
		size, limit_bytes / MIB);
	return -ENOMEM;
}

static void uncharge(size_t size)
{
	pthread_mutex_lock(&books);
	used -= size;
	pthread_mutex_unlock(&books);
}

static int enter(void *va, size_t size)
{
	struct object *object = malloc(sizeof(*object));
	void *node = NULL;

	if (object) {
		*object = (struct object){va, size, plx_owner()};
		pthread_mutex_lock(&books);
		node = tsearch(object, &objects, by_address);
		if (node) {
			count++;
			owners[object->owner].bytes += size;
			owners[object->owner].count++;
		}
		pthread_mutex_unlock(&books);
	}
	if (node)
		return 0;
	free(object);
	return -ENOMEM;
}

/* Return: the size, or 0: no such object. */
static size_t strike(void *va)
{
	struct object key = {.va = va}, *object = NULL;
	struct object **node;
	size_t size = 0;

	pthread_mutex_lock(&books);
	node = tfind(&key, &objects, by_address);
	if (node) {
		object = *node;
		size = object->size;
		tdelete(&key, &objects, by_address);
		used -= size;
		count--;
		owners[object->owner].bytes -= size;
		owners[object->owner].count--;
	}
	pthread_mutex_unlock(&books);
	free(object);
	return size;
}

/* --- Memory ---------------------------------------------------------------------------------- */

static void explain(size_t size, size_t align, int node)
{
	struct rte_malloc_socket_stats stats, sum = {0};
	unsigned int i;

	for (i = 0; i < rte_socket_count(); i++) {
		if (rte_malloc_get_socket_stats(rte_socket_id_by_idx(i), &stats))
			continue;
		sum.heap_freesz_bytes += stats.heap_freesz_bytes;
		if (stats.greatest_free_size > sum.greatest_free_size)
			sum.greatest_free_size = stats.greatest_free_size;
	}
	PLX_ERR(dpdk,
		"allocation of %zu bytes, aligned to %zu, on node %d: rte_malloc has %zu bytes "
		"free, "
		"%zu of them in one piece, and gets no more; reserve hugepages "
		"(/proc/sys/vm/nr_hugepages), or give it more at its start (--mem, or -m of DPDK)",
		size, align, node, sum.heap_freesz_bytes, sum.greatest_free_size);
}

static void *take(size_t size, size_t align, int node)
{
	void *va = NULL;

	/* A node is a preference. Cleared memory costs little: rte_free() clears. */
	if (node != PLX_NODE_ANY)
		va = rte_zmalloc_socket("pollux", size, (unsigned int)align, node);
	return va ? va : rte_zmalloc_socket("pollux", size, (unsigned int)align, SOCKET_ID_ANY);
}

static int take_reachable(size_t size, size_t align, int node, void **va)
{
	plx_iova_t iova;
	int err;

	*va = take(size, align, node);
	if (!*va) {
		explain(size, align, node);
		return -ENOMEM;
	}
	/* rte_eal cannot be kept from adding memory that an address space refuses. */
	err = plx_dpdk_iova(*va, size, &iova);
	if (!err && iova != plx_iova(*va))
		err = -EFAULT;
	if (!err)
		err = enter(*va, size);
	if (!err)
		return 0;
	PLX_ERR(dpdk,
		"allocation of %zu bytes: what rte_malloc gives is out of reach for devices of "
		"ours, "
		"for the reason logged when that memory came",
		size);
	rte_free(*va);
	return -ENOMEM;
}

int plx_dpdk_alloc(size_t size, size_t align, int node, void **va, bool *zeroed)
{
	int err = plx_backend_mem_callable();

	if (err)
		return err;
	err = charge(size);
	if (err)
		return err;
	err = take_reachable(size, align, node, va);
	if (err)
		uncharge(size);
	*zeroed = true;
	return err;
}

int plx_dpdk_free(void *va)
{
	int err = plx_backend_mem_callable();
	size_t size;

	if (err)
		return err;
	size = strike(va);
	PLX_PROBE(mem_free, va, size);
	if (!size)
		return -ENOENT;
	rte_free(va);
	return 0;
}

void plx_dpdk_heap_stats(struct plx_mem_stats *stats)
{
	pthread_mutex_lock(&books);
	stats->heap_used_bytes = used;
	stats->heap_allocations = count;
	pthread_mutex_unlock(&books);
	stats->heap_bytes = plx_dpdk_mem_bytes();
	stats->page_size = plx_dpdk_page_size();
	stats->kind = stats->page_size > 4096 ? PLX_MEM_HUGETLB : PLX_MEM_SMALL;
}

void plx_dpdk_heap_owner(unsigned int number, struct plx_mem_owner *owner)
{
	pthread_mutex_lock(&books);
	owner->bytes = owners[number].bytes;
	owner->allocations = owners[number].count;
	pthread_mutex_unlock(&books);
}

/* --- Life ------------------------------------------------------------------------------------ */

int plx_dpdk_heap_open(size_t limit)
{
	limit_bytes = limit;
	return 0;
}

static void drop(void *node)
{
	struct object *object = node;

	rte_free(object->va);
	free(object);
}

void plx_dpdk_heap_close(void)
{
	tdestroy(objects, drop);
	objects = NULL;
	used = 0;
	count = 0;
	memset(owners, 0, sizeof(owners));
}
