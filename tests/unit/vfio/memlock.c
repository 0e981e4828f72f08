/* SPDX-License-Identifier: BSD-3-Clause */
/* How much RLIMIT_MEMLOCK a mapping needs. */
#include "vfio/memlock.h"

#include <errno.h>
#include <sys/resource.h>

#include "../pci/fake.h"
#include "runner.h"
#include "suites.h"

static void needed(void)
{
	struct plx_memlock lock = {.limit_kib = 8192, .used_kib = 4096};

	UNIT_EQ(plx_memlock_needed_kib(&lock, 4096 * 1024), 0);
	UNIT_EQ(plx_memlock_needed_kib(&lock, 4096 * 1024 + 1), 8193);
	UNIT_EQ(plx_memlock_needed_kib(&lock, 1ull << 40), 4096 + (1ull << 30));
	lock.exempt = true;
	UNIT_EQ(plx_memlock_needed_kib(&lock, 1ull << 40), 0);
	lock = (struct plx_memlock){.limit_kib = UINT64_MAX};
	UNIT_EQ(plx_memlock_needed_kib(&lock, UINT64_MAX), 0);
	lock = (struct plx_memlock){.limit_kib = 0};
	UNIT_EQ(plx_memlock_needed_kib(&lock, 4096), 4);
}

static void reads(void)
{
	struct plx_memlock lock;
	struct rlimit limit;

	fake_file("proc/self/status",
		  "Name:\tunit\nVmLck:\t     132 kB\nCapEff:\t0000000000004000\n");
	UNIT_EQ(plx_memlock_get(&lock), 0);
	UNIT_EQ(lock.used_kib, 132);
	UNIT_EQ(lock.exempt, 1);
	getrlimit(RLIMIT_MEMLOCK, &limit);
	UNIT_EQ(lock.limit_kib,
		limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur / 1024);
	fake_file("proc/self/status", "VmLck:\t       0 kB\nCapEff:\t000001ffffffbfff\n");
	UNIT_EQ(plx_memlock_get(&lock), 0);
	UNIT_EQ(lock.used_kib, 0);
	UNIT_EQ(lock.exempt, 0);
	fake_remove("proc/self/status");
	UNIT_EQ(plx_memlock_get(&lock), -ENOENT);
}

CU_TestInfo memlock_tests[] = {
	{"the limit that a mapping needs", needed},
	{"limit, use and capability of a process", reads},
	CU_TEST_INFO_NULL,
};
