/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/dpdk/start.c: rte_eal brought up by plx_eal_init(); each try in a process of its own. */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>

#include <pollux/lcore.h>
#include <pollux/mem.h>
#include <rte_eal.h>
#include <rte_lcore.h>

#include "runner.h"
#include "support.h"

static int try(const struct plx_eal_config *config, const char *text)
{
	struct held before = held_now(), after;
	int err;

	log_keep();
	err = plx_eal_init(config);
	if (err && !logged(text))
		return 120;
	if (err && plx_eal_is_up())
		return 121;
	after = held_after(&before);
	if (err && after.threads != before.threads)
		return 122;
	return -err;
}

static int bad_option(void *arg)
{
	return try(&(struct plx_eal_config){.backend = "dpdk",
					    .no_huge = true,
					    .backend_args = "--no-such-option"},
		   "rte_eal does not start with \"-l ");
}

static int not_twice(void *arg)
{
	struct plx_eal_config config = {
		.backend = "dpdk", .no_huge = true, .backend_args = "--no-such-option"};

	plx_eal_init(&config);
	config.backend_args = "";
	return try(&config, "does not try twice");
}

static int bad_cpu(void *arg)
{
	return try(&(struct plx_eal_config){.backend = "dpdk", .no_huge = true, .lcores = "255"},
		   "CPU 255 is not online");
}

static int window_size(void *arg)
{
	return try(&(struct plx_eal_config){.backend = "dpdk", .no_huge = true, .va_size = 1 << 30},
		   "leave va_size 0");
}

static int require_huge(void *arg)
{
	return try(&(struct plx_eal_config){.backend = "dpdk",
					    .require_huge = true,
					    .mem_bytes = (size_t)64 << 30},
		   "");
}

static int no_huge_and_require(void *arg)
{
	return try(
		&(struct plx_eal_config){.backend = "dpdk", .no_huge = true, .require_huge = true},
		"contradict");
}

static void refused(void)
{
	UNIT_EQ(in_child(bad_option, NULL), EINVAL);
	UNIT_EQ(in_child(not_twice, NULL), ENODEV);
	UNIT_EQ(in_child(bad_cpu, NULL), EINVAL);
	UNIT_EQ(in_child(window_size, NULL), EINVAL);
	UNIT_EQ(in_child(no_huge_and_require, NULL), EINVAL);
	CU_ASSERT(in_child(require_huge, NULL) != 0);
}

/* AddressSanitizer has the low addresses; then the IOVA is one that devices reach all the same. */
static bool is_in_place(const void *va, uint64_t base)
{
#ifdef UNDER_ASAN
	return plx_iova(va) < UINT64_C(1) << 39;
#else
	return (uintptr_t)va >= base && plx_iova(va) == (uintptr_t)va;
#endif
}

/* Everything about one life, in a child: the parent stays without rte_eal. */
static int lives(void *arg)
{
	struct plx_eal_config config = {.backend = "dpdk",
					.no_huge = true,
					.mem_bytes = (size_t)300 << 20,
					.va_base = (uint64_t)256 << 30};
	cpu_set_t before, after;
	void *va;
	int i;

	sched_getaffinity(0, sizeof(before), &before);
	for (i = 0; i < 3; i++) {
		if (plx_eal_init(&config) || strcmp(plx_eal_backend(), "dpdk") != 0)
			return 1;
		if (plx_lcore_count() != (unsigned int)CPU_COUNT(&before) ||
		    plx_lcore_main() != rte_get_main_lcore())
			return 2;
		va = plx_dma_alloc((size_t)280 << 20, 0, PLX_NODE_ANY);
		if (!va || !is_in_place(va, config.va_base))
			return 3;
		plx_dma_free(va);
		if (plx_eal_fini())
			return 4;
		sched_getaffinity(0, sizeof(after), &after);
		if (!CPU_EQUAL(&before, &after) || plx_lcore_count() != 0)
			return 5;
	}
	return 0;
}

static void comes_up(void)
{
	UNIT_EQ(in_child(lives, NULL), 0);
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"comes up again and again", comes_up},
		{"refused, with nothing left", refused},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"start", NULL, NULL, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
