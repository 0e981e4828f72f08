/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Latencies: counted into bins that are exact below 64 ns and 1/32 of their value wide above, so
 * that adding one is a few instructions; percentiles come from GSL's histogram over the same bins.
 */
#ifndef PLX_NVME_LATENCY_H
#define PLX_NVME_LATENCY_H

#include <stddef.h>
#include <stdint.h>

#include <gsl/gsl_histogram.h>

/* 32 bins for each power of two from 2^6 to 2^41 ns (37 minutes), and 64 below. */
#define LATENCY_SUB_SHIFT 5
#define LATENCY_MAX_SHIFT 41
#define LATENCY_BINS	  ((LATENCY_MAX_SHIFT - LATENCY_SUB_SHIFT + 1) << LATENCY_SUB_SHIFT)

struct latency {
	gsl_histogram *histogram;
	uint64_t count, sum_ns, min_ns, max_ns;
};

/** Return: 0 or -ENOMEM. */
int latency_init(struct latency *l);
void latency_fini(struct latency *l);
/** Add the counts of another. */
void latency_merge(struct latency *l, const struct latency *other);
/** The latency below which a part (0 to 1) of all is, in ns; 0 when there are none. */
double latency_percentile(const struct latency *l, double part);

/** The bin of a latency. */
static inline size_t latency_bin(uint64_t ns)
{
	unsigned int shift;

	if (ns < UINT64_C(2) << LATENCY_SUB_SHIFT)
		return ns;
	if (ns >> LATENCY_MAX_SHIFT)
		return LATENCY_BINS - 1;
	shift = 63u - (unsigned int)__builtin_clzll(ns) - LATENCY_SUB_SHIFT;
	return ((size_t)shift << LATENCY_SUB_SHIFT) + (size_t)(ns >> shift);
}

static inline void latency_add(struct latency *l, uint64_t ns)
{
	l->histogram->bin[latency_bin(ns)] += 1;
	l->count++;
	l->sum_ns += ns;
	if (ns < l->min_ns)
		l->min_ns = ns;
	if (ns > l->max_ns)
		l->max_ns = ns;
}

#endif /* PLX_NVME_LATENCY_H */
