/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the system may refuse: each is a forked child under a seccomp filter or a limit, and ends in
 * an error with a sentence, or goes on with a warning where it can.
 */
#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <pollux/mem.h>

#include "eal/numa_nodes.h"
#include "runner.h"
#include "suites.h"
#include "support.h"

static const struct plx_eal_config small = {.no_huge = true};

/* 0 when plx_eal_init() fails as expected, with the text in the log and nothing left. */
static int init_fails(const struct plx_eal_config *config, int err, const char *text)
{
	struct held before = held_now(), after;
	int ret;

	log_keep();
	ret = plx_eal_init(config);
	if (ret != err) {
		fprintf(stderr, "\n    plx_eal_init() is %d, expected %d", ret, err);
		return 1;
	}
	after = held_after(&before);
	if (after.fds != before.fds || after.threads != before.threads || plx_eal_is_up())
		return 2;
	return logged(text) ? 0 : 3;
}

static int init_works(void)
{
	void *va;

	if (plx_eal_init(&small))
		return 10;
	va = plx_dma_zalloc(4096, 4096, 0);
	if (!va || memset(va, 1, 4096) != va)
		return 11;
	plx_dma_free(va);
	return plx_eal_fini() ? 12 : 0;
}

static int no_affinity(void *arg)
{
	if (refuse_syscall(SYS_sched_setaffinity, EPERM))
		return 77;
	return init_fails(&small, -EPERM, "sched_setaffinity()");
}

static void affinity(void)
{
	UNIT_EQ(in_child(no_affinity, NULL), 0);
}

static int no_numa(void *arg)
{
	if (refuse_syscall(SYS_get_mempolicy, ENOSYS))
		return 77;
	plx_numa_init();
	if (plx_numa_count() != 1 || !plx_numa_exists(0) || plx_numa_exists(1) ||
	    plx_numa_of_cpu(0) != 0)
		return 1;
	return init_works();
}

static void numa(void)
{
	UNIT_EQ(in_child(no_numa, NULL), 0);
}

/* Where there is only one node nobody asks for it, and nothing is said. */
static int no_mbind(void *arg)
{
	int ret;

	if (refuse_syscall(SYS_mbind, EPERM))
		return 77;
	log_keep();
	ret = init_works();
	if (ret || plx_numa_count() == 1)
		return ret;
	return logged("cannot be placed on NUMA node") ? 0 : 1;
}

static void placement(void)
{
	UNIT_EQ(in_child(no_mbind, NULL), 0);
}

static int no_hugepages(void *arg)
{
	struct plx_eal_config huge = {.require_huge = true};

	return init_fails(&huge, -ENOMEM, "nr_hugepages");
}

/* With some in the system this is none of the native tests' business: see tests/vm/cases. */
static bool has_hugepages(void)
{
	FILE *file = fopen("/proc/sys/vm/nr_hugepages", "r");
	int n = 0;

	if (file && fscanf(file, "%d", &n) != 1)
		n = 0;
	if (file)
		fclose(file);
	return n > 0;
}

static void hugepages_required(void)
{
	if (!has_hugepages())
		UNIT_EQ(in_child(no_hugepages, NULL), 0);
}

static int warns_once(void *arg)
{
	struct plx_mem_stats stats;
	void *va;

	log_keep();
	if (plx_eal_init(NULL) || log_lines() != 1 || !logged("--no-huge silences this"))
		return 1;
	va = plx_dma_zalloc(1, 0, PLX_NODE_ANY);
	plx_mem_stats_get(&stats);
	if (!va || stats.kind == PLX_MEM_HUGETLB || stats.page_size != 4096 || log_lines() != 1)
		return 2;
	plx_dma_free(va);
	return plx_eal_fini() ? 3 : 0;
}

static void hugepages_missing(void)
{
	if (!has_hugepages())
		UNIT_EQ(in_child(warns_once, NULL), 0);
}

static int few_files(void *arg)
{
	struct rlimit limit = {16, 16};
	void *va[3];
	int i;

	if (setrlimit(RLIMIT_NOFILE, &limit))
		return 77;
	log_keep();
	if (plx_eal_init(&small))
		return 1;
	while (dup(0) >= 0)
		;
	/* One for a segment, and none to look at the system with; then none at all. */
	close(15);
	for (i = 0; i < 3; i++)
		va[i] = plx_dma_alloc((size_t)20 << 20, 0, PLX_NODE_ANY);
	if (!va[0] || va[2] || errno != ENOMEM || !logged("ulimit -n"))
		return 2;
	for (i = 0; i < 3; i++)
		plx_dma_free(va[i]);
	return plx_eal_fini() ? 3 : 0;
}

static void files(void)
{
	UNIT_EQ(in_child(few_files, NULL), 0);
}

static int nothing_lockable(void *arg)
{
	struct rlimit limit = {0, 0};

	return setrlimit(RLIMIT_MEMLOCK, &limit) ? 77 : init_works();
}

static void memlock(void)
{
	UNIT_EQ(in_child(nothing_lockable, NULL), 0);
}

static int short_files(void *arg)
{
	struct rlimit limit = {1 << 20, 1 << 20};
	void *va;

	if (setrlimit(RLIMIT_FSIZE, &limit))
		return 77;
	log_keep();
	if (plx_eal_init(&small))
		return 1;
	va = plx_dma_alloc(64, 0, PLX_NODE_ANY);
	if (va || errno != ENOMEM || !logged("ulimit -f"))
		return 2;
	return plx_eal_fini() ? 3 : 0;
}

static void file_size(void)
{
	UNIT_EQ(in_child(short_files, NULL), 0);
}

static int no_memfd(void *arg)
{
	struct plx_eal_config some = {.no_huge = true, .mem_bytes = 1 << 20};

	if (refuse_syscall(SYS_memfd_create, EPERM))
		return 77;
	return init_fails(&some, -EPERM, "cannot be mapped (Operation not permitted)");
}

static void memfd(void)
{
	UNIT_EQ(in_child(no_memfd, NULL), 0);
}

static int no_populate(void *arg)
{
	/* MADV_DONTFORK and the like fail with it; only the populating one decides. */
	void *va;

	log_keep();
	if (plx_eal_init(&small) || refuse_syscall(SYS_madvise, EFAULT))
		return 1;
	va = plx_dma_alloc(64, 0, PLX_NODE_ANY);
	return !va && errno == ENOMEM && logged("although reserved") ? 0 : 2;
}

static void populate(void)
{
	UNIT_EQ(in_child(no_populate, NULL), 0);
}

static int no_threads(void *arg)
{
	/* clone3() is tried first; glibc falls back to clone() only on ENOSYS. */
	if (refuse_syscall(SYS_clone3, EAGAIN))
		return 77;
	return init_fails(&small, -EAGAIN, "ulimit -u");
}

static void threads(void)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	if (CPU_COUNT(&set) > 1)
		UNIT_EQ(in_child(no_threads, NULL), 0);
}

CU_TestInfo refused_tests[] = {
	{"setting the affinity", affinity},
	{"NUMA calls", numa},
	{"placement on a node", placement},
	{"hugepages required, none there", hugepages_required},
	{"hugepages missing: one warning", hugepages_missing},
	{"RLIMIT_NOFILE 16", files},
	{"RLIMIT_MEMLOCK 0", memlock},
	{"RLIMIT_FSIZE 1 MiB", file_size},
	{"memfd_create()", memfd},
	{"pages at first use", populate},
	{"threads", threads},
	CU_TEST_INFO_NULL,
};
