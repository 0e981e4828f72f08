/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/window.c: where the window goes, and where it must not. */
#include "eal/window.h"

#include <errno.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/resource.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

#define GIB (1ull << 30)

static int open_at(uint64_t base, size_t size)
{
	struct plx_window window;
	int err = plx_window_open(&window, base, size);

	if (!err)
		plx_window_close(&window);
	return err;
}

static void chosen(void)
{
	struct plx_window window;

	UNIT_EQ(plx_window_open(&window, 0, 0), 0);
	UNIT_EQ(window.size, 256 * GIB);
	UNIT_EQ((uintptr_t)window.va % GIB, 0);
	UNIT_EQ(window.iova, 64 * GIB);
	CU_ASSERT(window.iova + window.size <= 512 * GIB);
	plx_window_close(&window);
	CU_ASSERT_PTR_NULL(window.va);
	plx_window_close(&window);
}

/* Something is there already: elsewhere below 2^39, then anywhere with the IOVA kept low. */
static void taken(void)
{
	char *there = mmap((void *)(64 * GIB), 4096, PROT_NONE,
			   MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	bool shadow = there == MAP_FAILED; /* AddressSanitizer's shadow is there */
	struct plx_window window;

	UNIT_EQ(plx_window_open(&window, 0, 0), 0);
	UNIT_EQ(window.size, 256 * GIB);
	UNIT_EQ(window.iova, (long long)(shadow ? 64 * GIB : (uintptr_t)window.va));
	CU_ASSERT(window.iova + window.size <= 512 * GIB);
	plx_window_close(&window);
	log_keep();
	UNIT_EQ(open_at(64 * GIB, GIB), -EEXIST);
	CU_ASSERT(logged("0x1000000000"));
	log_print();
	if (!shadow)
		munmap(there, 4096);
}

static void too_large_for_below(void)
{
	struct plx_window window;

	UNIT_EQ(plx_window_open(&window, 0, 512 * GIB), 0);
	UNIT_EQ(window.size, 512 * GIB);
	UNIT_EQ(window.iova, 64 * GIB);
	plx_window_close(&window);
}

static void refused(void)
{
	log_keep();
	UNIT_EQ(open_at(4096, 0), -EINVAL);
	UNIT_EQ(open_at(0, GIB + 4096), -EINVAL);
	UNIT_EQ(open_at(-GIB, 2 * GIB), -EINVAL);
	CU_ASSERT(logged("wraps around"));
	log_clear();
	UNIT_EQ(open_at(3 * GIB, GIB), -EINVAL);
	CU_ASSERT(logged("interrupts"));
	UNIT_EQ(open_at(0, (size_t)1 << 50), -ENOMEM);
	log_clear();
	UNIT_EQ(open_at((uint64_t)1 << 50, GIB) == 0, false);
	UNIT_EQ(log_lines(), 1);
	log_print();
}

#ifndef UNDER_ASAN /* has terabytes of shadow, beyond any limit */
static int with_address_limit(void *arg)
{
	struct rlimit limit = {8 * GIB, 8 * GIB}, none = {16 << 20, 16 << 20};
	struct plx_window window;

	/* Less room is better than none. */
	if (setrlimit(RLIMIT_AS, &limit))
		return 77;
	if (plx_window_open(&window, 0, 0) || window.size < GIB || window.size > 8 * GIB)
		return 1;
	plx_window_close(&window);
	log_keep();
	if (setrlimit(RLIMIT_AS, &none) || plx_window_open(&window, 0, 0) != -ENOMEM)
		return 2;
	return logged("ulimit -v") ? 0 : 3;
}

static void address_limit(void)
{
	UNIT_EQ(in_child(with_address_limit, NULL), 0);
}
#endif

CU_TestInfo window_tests[] = {
	{"chosen below 2^39", chosen},
	{"the preferred place is taken", taken},
	{"too large for below 2^39", too_large_for_below},
	{"refused", refused},
#ifndef UNDER_ASAN
	{"with a limit of address space", address_limit},
#endif
	CU_TEST_INFO_NULL,
};
