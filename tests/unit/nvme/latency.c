/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of apps/plx-nvme/latency.c. */
#include "fake.h"
#include "plx-nvme/latency.h"
#include "runner.h"

/* Every latency is in the bin whose range holds it. */
static void bins_match_ranges(void)
{
	struct latency l;
	uint64_t ns;
	double low, high;

	UNIT_EQ(latency_init(&l), 0);
	for (ns = 0; ns < UINT64_C(1) << 41; ns = ns * 9 / 8 + 1) {
		size_t bin = latency_bin(ns);

		CU_ASSERT_FATAL(bin < LATENCY_BINS);
		gsl_histogram_get_range(l.histogram, bin, &low, &high);
		CU_ASSERT((double)ns >= low && (double)ns < high);
		CU_ASSERT(high - low <= 1 || (high - low) / low <= 1.0 / 32);
	}
	UNIT_EQ(latency_bin(UINT64_MAX), LATENCY_BINS - 1);
	latency_fini(&l);
}

static void near(double actual, double expected, double part)
{
	CU_ASSERT(actual >= expected * (1 - part) && actual <= expected * (1 + part));
}

static void percentiles(void)
{
	struct latency l, other;
	uint64_t i;

	UNIT_EQ(latency_init(&l), 0);
	UNIT_EQ(latency_init(&other), 0);
	UNIT_EQ((long long)latency_percentile(&l, 0.5), 0);
	for (i = 1; i <= 10000; i++)
		latency_add(i & 1 ? &l : &other, i * 100);
	latency_merge(&l, &other);
	UNIT_EQ(l.count, 10000);
	UNIT_EQ(l.min_ns, 100);
	UNIT_EQ(l.max_ns, 1000000);
	near(latency_percentile(&l, 0.5), 500000, 0.03);
	near(latency_percentile(&l, 0.9), 900000, 0.03);
	near(latency_percentile(&l, 0.999), 999000, 0.03);
	CU_ASSERT(latency_percentile(&l, 1) <= 1000000);
	latency_fini(&l);
	latency_fini(&other);
}

static void one_value(void)
{
	struct latency l;

	UNIT_EQ(latency_init(&l), 0);
	latency_add(&l, 12345);
	UNIT_EQ((long long)latency_percentile(&l, 0.5), 12345);
	UNIT_EQ((long long)latency_percentile(&l, 0.9999), 12345);
	latency_fini(&l);
}

CU_TestInfo latency_tests[] = {
	{"bins match their ranges", bins_match_ranges},
	{"percentiles", percentiles},
	{"one value", one_value},
	CU_TEST_INFO_NULL,
};
