/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How often something took how many TSC ticks, so that the median can be told: a burst in which the
 * thread lost its core spoils a mean. Shared by io_forward.c and io_forward_dpdk.c.
 */
#ifndef POLLUX_BENCH_TICKS_H
#define POLLUX_BENCH_TICKS_H

#include <stdint.h>

#define TICKS_MAX (1u << 22)

struct ticks {
	uint32_t counts[TICKS_MAX]; /* the last: that and more */
	uint64_t total;
};

static inline void ticks_note(struct ticks *t, uint64_t value)
{
	t->counts[value < TICKS_MAX ? value : TICKS_MAX - 1]++;
	t->total++;
}

/* What that part of them is not above; 0 where there are none. */
static inline uint32_t ticks_percentile(const struct ticks *t, double part)
{
	uint64_t left = (uint64_t)(part * (double)t->total);
	uint32_t i;

	if (!t->total)
		return 0;
	for (i = 0; i < TICKS_MAX - 1 && left >= t->counts[i]; i++)
		left -= t->counts[i];
	return i;
}

#endif /* POLLUX_BENCH_TICKS_H */
