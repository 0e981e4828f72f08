/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Latency histograms of a queue pair: eight buckets an octave, so within 12.5 %. Requests are
 * stamped a burst at a time, with a part of the time-stamp counter that fits the request. Off, they
 * cost the data path one comparison a burst. Called by qpair.c and cmd.c.
 */
#include <errno.h>
#include <stdlib.h>

#include <pollux/clock.h>

#include "nvme/ctrl.h"

/* log2 of buckets an octave. */
#define SUB_SHIFT 3
#define SUBS	  (1u << SUB_SHIFT)
/* 32 bits of the counter from here on: about a minute before they wrap, 10 ns apart. */
#define STAMP_SHIFT 5

uint32_t nvme_latency_now(void)
{
	return (uint32_t)(plx_tsc() >> STAMP_SHIFT);
}

static unsigned int bucket_of(uint64_t ns)
{
	unsigned int octave, bucket;

	if (ns < SUBS)
		return (unsigned int)ns;
	octave = 63 - (unsigned int)__builtin_clzll(ns) - SUB_SHIFT;
	bucket = (octave + 1) * SUBS + (unsigned int)(ns >> octave & (SUBS - 1));
	return bucket < PLX_NVME_LATENCY_BUCKETS ? bucket : PLX_NVME_LATENCY_BUCKETS - 1;
}

uint64_t plx_nvme_latency_bound_ns(unsigned int bucket)
{
	if (bucket < SUBS)
		return bucket;
	return (uint64_t)(SUBS + bucket % SUBS) << (bucket / SUBS - 1);
}

void nvme_latency_add(struct plx_nvme_qpair *qp, const struct plx_nvme_req *req, uint32_t now)
{
	uint64_t ns = plx_tsc_to_ns((uint64_t)(now - req->stamp) << STAMP_SHIFT);

	qp->latency->count[bucket_of(ns)]++;
}

int plx_nvme_qpair_latency_on(struct plx_nvme_qpair *qp)
{
	if (qp->latency)
		return -EALREADY;
	if (plx_nvme_qpair_in_flight(qp))
		return -EBUSY;
	qp->latency = calloc(1, sizeof(*qp->latency));
	return qp->latency ? 0 : -ENOMEM;
}

void plx_nvme_qpair_latency_off(struct plx_nvme_qpair *qp)
{
	free(qp->latency);
	qp->latency = NULL;
}

int plx_nvme_qpair_latency(const struct plx_nvme_qpair *qp, struct plx_nvme_latency *latency)
{
	if (!qp->latency)
		return -ENODATA;
	*latency = *qp->latency;
	return 0;
}

uint64_t plx_nvme_latency_percentile_ns(const struct plx_nvme_latency *latency, double percent)
{
	uint64_t total = 0, seen = 0, want;
	unsigned int i;

	for (i = 0; i < PLX_NVME_LATENCY_BUCKETS; i++)
		total += latency->count[i];
	want = (uint64_t)((double)total * percent / 100.0);
	for (i = 0; i < PLX_NVME_LATENCY_BUCKETS; i++) {
		seen += latency->count[i];
		if (latency->count[i] && seen >= want)
			return plx_nvme_latency_bound_ns(i + 1);
	}
	return 0;
}
