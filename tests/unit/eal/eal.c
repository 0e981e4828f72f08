/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/eal.c: up, down, again, twice, in a child. */
#include <pollux/eal.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>

#include <pollux/lcore.h>
#include <pollux/mem.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

static const struct plx_eal_config small = {.no_huge = true};

static void not_up(void)
{
	struct plx_mem_stats stats;
	plx_iova_t iova = 0;

	log_keep();
	UNIT_EQ(plx_eal_is_up(), false);
	UNIT_EQ(plx_eal_fini(), -ENODEV);
	CU_ASSERT_PTR_NULL(plx_dma_alloc(64, 0, PLX_NODE_ANY));
	UNIT_EQ(errno, ENODEV);
	plx_dma_free(&stats);
	UNIT_EQ(plx_mem_register(&stats, 4096, -1, 0), -ENODEV);
	UNIT_EQ(plx_mem_unregister(&stats, 4096), -ENODEV);
	UNIT_EQ(plx_mem_iova(&stats, 1, &iova), -ENODEV);
	UNIT_EQ(iova == PLX_IOVA_BAD, true);
	plx_mem_stats_get(&stats);
	UNIT_EQ(stats.heap_bytes, 0);
	UNIT_EQ(plx_lcore_launch(0, NULL, NULL), -ENODEV);
	UNIT_EQ(plx_lcore_count(), 0);
	UNIT_EQ(plx_lcore_id() == PLX_LCORE_NONE, true);
	UNIT_EQ(plx_lcore_main() == PLX_LCORE_NONE, true);
	CU_ASSERT(logged("plx_eal_init()"));
	log_print();
}

static void version(void)
{
	unsigned int major, minor, patch;

	UNIT_EQ(sscanf(plx_version(), "%u.%u.%u", &major, &minor, &patch), 3);
}

static void twice(void)
{
	UNIT_EQ(plx_eal_init(&small), 0);
	log_keep();
	UNIT_EQ(plx_eal_init(&small), -EALREADY);
	CU_ASSERT(logged("up already"));
	UNIT_EQ(plx_eal_is_up(), true);
	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(plx_eal_is_up(), false);
	UNIT_EQ(plx_eal_fini(), -ENODEV);
	log_print();
}

static void backends(void)
{
	struct plx_eal_config config = {.no_huge = true, .backend = "else"};

	log_keep();
	CU_ASSERT_PTR_NULL(plx_eal_backend());
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("EAL \"else\": there is none of that name"));
	config.backend = "native";
	config.backend_args = "--foo";
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("EAL \"native\" has no arguments of its own: \"--foo\""));
	UNIT_EQ(plx_lcore_count(), 0);
	config.backend_args = "";
	UNIT_EQ(plx_eal_init(&config), 0);
	UNIT_STR(plx_eal_backend(), "native");
	UNIT_EQ(plx_eal_fini(), 0);
	log_print();
}

static void hundred_times(void)
{
	struct held before, after;
	int i, failed = 0;
	void *va;

	/* The first time leaves the page that says whether the EAL is up. */
	UNIT_EQ(plx_eal_init(&small), 0);
	UNIT_EQ(plx_eal_fini(), 0);
	before = held_now();
	for (i = 0; i < 100; i++) {
		failed += plx_eal_init(&small) != 0;
		va = plx_dma_zalloc(3 << 20, 4096, PLX_NODE_ANY);
		failed += va == NULL;
		plx_dma_free(va);
		failed += plx_eal_fini() != 0;
	}
	after = held_after(&before);
	UNIT_EQ(failed, 0);
	UNIT_EQ(after.fds, before.fds);
	UNIT_EQ(after.threads, before.threads);
	UNIT_EQ(after.locked_kib, before.locked_kib);
#ifndef UNDER_ASAN /* maps memory of its own as it goes */
	/* Stacks that glibc keeps for the next thread are the only thing that may vary. */
	CU_ASSERT(after.maps <= before.maps + 2);
#endif
}

static void config_refused(void)
{
	struct held before = held_now(), after;
	struct plx_eal_config config;

	log_keep();
	config = (struct plx_eal_config){.no_huge = true, .log_levels = "loud"};
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("\"loud\""));
	config = (struct plx_eal_config){.no_huge = true, .require_huge = true};
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("contradicts"));
	config = (struct plx_eal_config){.page_size = 12345};
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("12345"));
	config = (struct plx_eal_config){.no_huge = true, .va_base = 4096};
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	config = (struct plx_eal_config){
		.no_huge = true, .mem_bytes = 64 << 20, .mem_limit = 32 << 20};
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	CU_ASSERT(logged("--mem-limit"));
	config = (struct plx_eal_config){.no_huge = true, .mem_bytes = (size_t)1 << 46};
	log_clear();
	UNIT_EQ(plx_eal_init(&config), -ENOMEM);
	CU_ASSERT(logged("available to this process"));
	UNIT_EQ(log_lines(), 1);
	config = (struct plx_eal_config){.no_huge = true, .mem_bytes = SIZE_MAX};
	UNIT_EQ(plx_eal_init(&config), -ENOMEM);
	log_print();
	after = held_after(&before);
	UNIT_EQ(after.fds, before.fds);
	UNIT_EQ(after.threads, before.threads);
	UNIT_EQ(plx_eal_is_up(), false);
}

static int quiet_add(struct plx_mem_listener *self, const struct plx_mem_segment *s, size_t n)
{
	return 0;
}

static void quiet_remove(struct plx_mem_listener *self, const struct plx_mem_segment *s, size_t n)
{
}

static void busy(void)
{
	struct plx_mem_listener listener = {.add = quiet_add, .remove = quiet_remove};
	void *va;

	UNIT_EQ(plx_eal_init(&small), 0);
	log_keep();
	va = plx_dma_zalloc(64, 0, PLX_NODE_ANY);
	UNIT_EQ(plx_mem_listen(&listener), 0);
	UNIT_EQ(plx_eal_fini(), -EBUSY);
	CU_ASSERT(logged("1 address space is still open"));
	/* Nothing has changed. */
	UNIT_EQ(plx_eal_is_up(), true);
	memset(va, 1, 64);
	CU_ASSERT_PTR_NOT_NULL(plx_dma_alloc(64, 0, PLX_NODE_ANY));
	plx_mem_unlisten(&listener);
	UNIT_EQ(plx_eal_fini(), 0);
	CU_ASSERT(logged("2 objects, 128 bytes, of the heap were never freed"));
	log_print();
}

static void *fini_here(void *ret)
{
	*(int *)ret = plx_eal_fini();
	return NULL;
}

static void other_thread(void)
{
	pthread_t thread;
	int ret = 0;

	UNIT_EQ(plx_eal_init(&small), 0);
	log_keep();
	UNIT_EQ(pthread_create(&thread, NULL, fini_here, &ret), 0);
	pthread_join(thread, NULL);
	UNIT_EQ(ret, -EPERM);
	UNIT_EQ(plx_eal_is_up(), true);
	log_print();
	UNIT_EQ(plx_eal_fini(), 0);
}

static int child_of_one_with_eal(void *heap_object)
{
	unsigned char resident;

	log_keep();
	if (plx_eal_is_up())
		return 1;
	if (plx_dma_alloc(64, 0, PLX_NODE_ANY) || errno != ENODEV)
		return 2;
	if (plx_eal_fini() != -ENODEV || plx_eal_init(&small) != -ENODEV)
		return 3;
	if (!logged("forked child"))
		return 4;
	if (plx_lcore_wait(plx_lcore_main() ? 0 : 1, NULL) != -ENODEV)
		return 5;
	/* The memory itself stays with the parent, so that nobody keeps its pages alive. */
	if (mincore((void *)((uintptr_t)heap_object & ~4095ul), 4096, &resident) == 0)
		return 6;
	return 0;
}

static void forked(void)
{
	void *va;

	UNIT_EQ(plx_eal_init(&small), 0);
	va = plx_dma_zalloc(64, 0, PLX_NODE_ANY);
	UNIT_EQ(in_child(child_of_one_with_eal, va), 0);
	memset(va, 1, 64);
	plx_dma_free(va);
	UNIT_EQ(plx_eal_fini(), 0);
}

static int own_eal(void *arg)
{
	return plx_eal_init(&small) || plx_eal_fini();
}

static void forked_before(void)
{
	UNIT_EQ(in_child(own_eal, NULL), 0);
}

CU_TestInfo eal_tests[] = {
	{"before it is up", not_up},
	{"version", version},
	{"twice", twice},
	{"backends", backends},
	{"a hundred times", hundred_times},
	{"what is refused leaves nothing", config_refused},
	{"busy while someone listens", busy},
	{"taken down by another thread", other_thread},
	{"a forked child", forked},
	{"a child forked before", forked_before},
	CU_TEST_INFO_NULL,
};
