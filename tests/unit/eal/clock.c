/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/clock.c: how fast the time-stamp counter is said to run, against the kernel's clock. */
#include "eal/clock.h"

#include <stdlib.h>

#include "runner.h"
#include "suites.h"

static void calibrated(void)
{
	struct plx_clock_mark a = plx_clock_mark(), b;
	long long kernel_ns, tsc_ns;

	plx_delay_us(100000);
	b = plx_clock_mark();
	kernel_ns = (long long)(b.ns - a.ns);
	tsc_ns = (long long)plx_tsc_to_ns(b.tsc - a.tsc);
	printf("%lld ppm off ... ", llabs(tsc_ns - kernel_ns) * 1000000 / kernel_ns);
	CU_ASSERT(llabs(tsc_ns - kernel_ns) < kernel_ns / 1000);
}

static void conversions(void)
{
	uint64_t hour = 3600ull * 1000000000, back;

	/* One way and back, over spans that 64-bit products would overflow at. */
	back = plx_tsc_to_ns(plx_ns_to_tsc(1000 * hour));
	CU_ASSERT(back <= 1000 * hour && 1000 * hour - back < hour / 1000);
	UNIT_EQ(plx_tsc_to_ns(0), 0);
	UNIT_EQ(plx_ns_to_tsc(0), 0);
	CU_ASSERT(llabs((long long)(plx_ns_to_tsc(1000000000) - plx_tsc_hz)) <= 1);
}

static void delays(void)
{
	static const unsigned int delays_us[] = {0, 1, 49, 50, 3000};
	uint64_t start;
	size_t i;

	for (i = 0; i < sizeof(delays_us) / sizeof(delays_us[0]); i++) {
		start = plx_clock_ns();
		plx_delay_us(delays_us[i]);
		CU_ASSERT(plx_clock_ns() - start >= delays_us[i] * 1000u);
	}
}

/* However late a mark is asked for, it is of one moment: marks agree with each other. */
static void marks(void)
{
	struct plx_clock_mark first = plx_clock_mark(), now = first;
	long long off, worst = 0;
	int i;

	for (i = 0; i < 1000; i++) {
		now = plx_clock_mark();
		off = (long long)plx_tsc_to_ns(now.tsc - first.tsc) -
		      (long long)(now.ns - first.ns);
		worst = llabs(off) > worst ? llabs(off) : worst;
	}
	printf("%lld ns apart, %lld ns wide ... ", worst, (long long)plx_tsc_to_ns(now.width));
	/* What a wrong rate adds over the whole, and a mark that was interrupted. */
	CU_ASSERT(worst < (long long)(now.ns - first.ns) / 1000 + 200000);
}

CU_TestInfo clock_tests[] = {
	{"calibrated within 0.1 %", calibrated},
	{"conversions", conversions},
	{"delays are not short", delays},
	{"marks are of one moment", marks},
	CU_TEST_INFO_NULL,
};
