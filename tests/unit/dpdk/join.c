/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/dpdk: the EAL joins an rte_eal that is up: lcores, memory, log, forks. */
#include <errno.h>
#include <pthread.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/lcore.h>
#include <pollux/log.h>
#include <pollux/mem.h>
#include <rte_launch.h>
#include <rte_lcore.h>
#include <rte_log.h>
#include <rte_malloc.h>
#include <rte_memzone.h>

#include "dpdk.h"
#include "runner.h"
#include "support.h"

static void up_and_down(void)
{
	struct held before, after;
	int i, failed = 0;

	UNIT_EQ(dpdk_up(), 0);
	UNIT_STR(plx_eal_backend(), "dpdk");
	UNIT_EQ(plx_lcore_count(), rte_lcore_count());
	UNIT_EQ(plx_lcore_id(), rte_lcore_id());
	UNIT_EQ(plx_eal_fini(), 0);
	before = held_now();
	for (i = 0; i < 100; i++)
		failed += dpdk_up() || plx_eal_fini();
	after = held_after(&before);
	UNIT_EQ(failed, 0);
	UNIT_EQ(after.fds, before.fds);
	UNIT_EQ(after.threads, before.threads);
	UNIT_EQ(after.maps, before.maps);
}

static void *other_thread(void *arg)
{
	*(int *)arg = dpdk_up();
	return NULL;
}

static int join_in_child(void *arg)
{
	int err;

	log_keep();
	err = dpdk_up();
	return logged("forked child") ? -err : 120;
}

static void refused(void)
{
	struct plx_eal_config config = {.backend = "dpdk", .require_huge = true};
	pthread_t thread;
	int err = 0;

	log_keep();
	UNIT_EQ(plx_eal_init(&config), -ENOMEM);
	CU_ASSERT(logged("no hugepages"));
	config.require_huge = false;
	config.lcores = "200";
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("200 is no lcore of the dpdk runtime"));
	config.lcores = NULL;
	config.main_lcore = "201";
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("which is up already, is 0"));
	pthread_create(&thread, NULL, other_thread, &err);
	pthread_join(thread, NULL);
	UNIT_EQ(err, -EPERM);
	CU_ASSERT(logged("from its main lcore"));
	UNIT_EQ(in_child(join_in_child, NULL), ENODEV);
	log_print();
	UNIT_EQ(dpdk_up(), 0);
	UNIT_EQ(plx_eal_fini(), 0);
}

static int whoami(void *arg)
{
	*(unsigned int *)arg = plx_lcore_id();
	return (int)rte_lcore_id() + 1000;
}

static int until(void *arg)
{
	while (!__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE))
		plx_pause();
	return -7;
}

static void lcores(void)
{
	unsigned int id, seen;
	int ret, go = 0;

	UNIT_EQ(dpdk_up(), 0);
	PLX_LCORE_FOREACH_WORKER(id)
	{
		UNIT_EQ(plx_lcore_launch(id, whoami, &seen), 0);
		UNIT_EQ(plx_lcore_wait(id, &ret), 0);
		UNIT_EQ(ret, (int)id + 1000);
		UNIT_EQ(seen, id);
		UNIT_EQ(plx_lcore_wait(id, &ret), 0);
		UNIT_EQ(ret, 0);
		/* What the application launches itself is on an lcore, too. */
		UNIT_EQ(rte_eal_remote_launch(whoami, &seen, id), 0);
		rte_eal_wait_lcore(id);
		UNIT_EQ(seen, id);
		UNIT_EQ(plx_lcore_launch(id, until, &go), 0);
		log_keep();
		UNIT_EQ(plx_lcore_launch(id, until, &go), -EBUSY);
		log_print();
		__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
		UNIT_EQ(plx_lcore_wait(id, &ret), 0);
		UNIT_EQ(ret, -7);
	}
	UNIT_EQ(plx_eal_fini(), 0);
	id = rte_get_next_lcore(-1, 1, 0);
	if (id >= RTE_MAX_LCORE)
		return;
	seen = 0;
	rte_eal_remote_launch(whoami, &seen, id);
	rte_eal_wait_lcore(id);
	UNIT_EQ(seen == PLX_LCORE_NONE, true);
	/* Busy when the EAL comes up: no lcore of ours, but no harm either. */
	go = 0;
	rte_eal_remote_launch(until, &go, id);
	UNIT_EQ(dpdk_up(), 0);
	UNIT_EQ(plx_eal_fini(), 0);
	__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
	UNIT_EQ(rte_eal_wait_lcore(id), -7);
}

static int count_bytes(const struct plx_mem_segment *segment, void *arg)
{
	*(uint64_t *)arg += segment->len;
	return 0;
}

static void memory(void)
{
	const struct rte_memzone *zone;
	struct plx_mem_stats stats, with;
	uint64_t bytes = 0;
	plx_iova_t iova;
	char *a, *b;

	UNIT_EQ(dpdk_up(), 0);
	plx_mem_walk(count_bytes, &bytes);
	plx_mem_stats_get(&stats);
	UNIT_EQ(bytes, stats.heap_bytes);
	UNIT_EQ(stats.heap_bytes, (uint64_t)128 << 20);
	UNIT_EQ(stats.heap_allocations, 0);
	a = plx_dma_zalloc(1 << 20, 1 << 16, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	UNIT_EQ((uintptr_t)a % (1 << 16), 0);
	UNIT_EQ(rte_malloc_validate(a, NULL), 0);
	UNIT_EQ(a[0] | a[(1 << 20) - 1], 0);
	memset(a, 0x55, 1 << 20);
	plx_mem_stats_get(&with);
	UNIT_EQ(with.heap_used_bytes, 1 << 20);
	UNIT_EQ(with.heap_allocations, 1);
	log_keep();
	plx_dma_free(a + 64);
	CU_ASSERT(logged("has not handed that out"));
	plx_dma_free(a);
	plx_dma_free(a);
	plx_mem_stats_get(&with);
	UNIT_EQ(with.bad_frees, 2);
	CU_ASSERT_PTR_NULL(plx_dma_alloc((size_t)1 << 30, 0, PLX_NODE_ANY));
	UNIT_EQ(errno, ENOMEM);
	CU_ASSERT(logged("rte_malloc has"));
	log_print();
	/* What DPDK's own allocators give is as good as ours. */
	b = rte_malloc(NULL, 100000, 0);
	UNIT_EQ(plx_mem_iova(b, 100000, &iova), 0);
	UNIT_EQ(iova, plx_iova(b));
	rte_free(b);
	zone = rte_memzone_reserve("plx-test", 100000, SOCKET_ID_ANY, 0);
	UNIT_EQ(plx_mem_iova(zone->addr, zone->len, &iova), 0);
	UNIT_EQ(iova, plx_iova(zone->addr));
	rte_memzone_free(zone);
	UNIT_EQ(plx_eal_fini(), 0);
}

static int find_owner(const struct plx_mem_owner *owner, void *arg)
{
	struct plx_mem_owner *wanted = arg;

	if (strcmp(owner->name, wanted->name) != 0)
		return 0;
	*wanted = *owner;
	return 1;
}

static void owners(void)
{
	struct plx_mem_owner port = {.name = "port 7"};
	unsigned int before;
	char *a, *b;

	UNIT_EQ(dpdk_up(), 0);
	before = plx_mem_owner_enter("port 7");
	a = plx_dma_alloc(1 << 20, 0, PLX_NODE_ANY);
	b = plx_dma_alloc(4096, 0, PLX_NODE_ANY);
	plx_mem_owner_leave(before);
	UNIT_EQ(plx_mem_owners(find_owner, &port), 1);
	UNIT_EQ(port.bytes, (1 << 20) + 4096);
	UNIT_EQ(port.allocations, 2);
	plx_dma_free(a);
	UNIT_EQ(plx_mem_owners(find_owner, &port), 1);
	UNIT_EQ(port.bytes, 4096);
	UNIT_EQ(port.allocations, 1);
	plx_dma_free(b);
	UNIT_EQ(plx_mem_owners(find_owner, &port), 0);
	UNIT_EQ(plx_eal_fini(), 0);
}

static void limit(void)
{
	struct plx_eal_config config = {.backend = "dpdk", .mem_limit = 1 << 20};
	void *a;

	UNIT_EQ(plx_eal_init(&config), 0);
	a = plx_dma_alloc(600000, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL(a);
	log_keep();
	CU_ASSERT_PTR_NULL(plx_dma_alloc(600000, 0, PLX_NODE_ANY));
	CU_ASSERT(logged("--mem-limit"));
	log_print();
	plx_dma_free(a);
	a = plx_dma_alloc(600000, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL(a);
	plx_dma_free(a);
	UNIT_EQ(plx_eal_fini(), 0);
}

static void to_rte_log(void)
{
	char text[4096] = "";
	FILE *stream = fmemopen(text, sizeof(text), "w");

	UNIT_EQ(dpdk_up(), 0);
	rte_openlog_stream(stream);
	plx_dma_free(text);
	rte_openlog_stream(NULL);
	fclose(stream);
	CU_ASSERT_PTR_NOT_NULL(strstr(text, "pollux: eal: error: freeing "));
	UNIT_EQ(plx_eal_fini(), 0);
}

CU_TestInfo join_tests[] = {
	{"a hundred times, with nothing left", up_and_down},
	{"refused", refused},
	{"lcores are rte_lcores", lcores},
	{"memory is rte_malloc's", memory},
	{"memory by owner", owners},
	{"a limit", limit},
	{"log lines go to rte_log", to_rte_log},
	CU_TEST_INFO_NULL,
};
