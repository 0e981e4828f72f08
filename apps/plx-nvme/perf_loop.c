/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme perf: what each lcore runs. Its queue pairs are kept full, or fed at a rate; each round
 * reaps a batch, notes the latencies, aims the requests anew and submits them as a batch.
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include <pollux/clock.h>
#include <pollux/lcore.h>

#include "perf.h"

#define WAIT_MS	  100
#define NS_PER_MS UINT64_C(1000000)

/* --- Aim ------------------------------------------------------------------------------------ */

/* SplitMix64: a generator of good quality in a few instructions. */
static inline uint64_t next_random(struct perf_queue *q)
{
	uint64_t z = q->random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t next_position(struct perf_queue *q)
{
	uint64_t position;

	if (q->perf->options.random)
		return (uint64_t)(((unsigned __int128)next_random(q) * q->positions) >> 64);
	position = q->position++;
	if (q->position == q->positions)
		q->position = 0;
	return position;
}

static inline void aim(struct perf_queue *q, struct plx_nvme_req *req)
{
	uint64_t below = q->perf->read_below;
	bool read = below == PERF_MIX_ONE || (next_random(q) >> 32) < below;

	req->lba = next_position(q) * q->blocks;
	req->opcode = read ? PLX_NVME_READ : PLX_NVME_WRITE;
}

/* --- A queue -------------------------------------------------------------------------------- */

static bool over(const struct perf *p)
{
	return app_stop || __atomic_load_n(&p->failed, __ATOMIC_RELAXED);
}

/* Latencies of n requests that have ended. The first error ends the run. */
static void account(struct perf_queue *q, struct plx_nvme_req *const *ended, unsigned int n,
		    uint64_t now)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct perf_io *io = (struct perf_io *)ended[i];
		struct latency *l = io->req.opcode == PLX_NVME_READ ? &q->reads : &q->writes;

		if (plx_likely(!io->req.status)) {
			latency_add(l, plx_tsc_to_ns(now - io->start));
			continue;
		}
		q->errors++;
		if (__atomic_exchange_n(&q->perf->failed, 1, __ATOMIC_RELAXED) == 0)
			target_error(q->target, "%s at block %" PRIu64 ": %s",
				     io->req.opcode == PLX_NVME_READ ? "read" : "write",
				     io->req.lba, plx_nvme_status_str(io->req.status));
	}
}

static unsigned int reap(struct perf_queue *q)
{
	struct plx_nvme_req **ended = q->idle + q->n_idle;
	unsigned int n = plx_nvme_qpair_reap(q->qp, ended, q->perf->options.depth - q->n_idle);

	if (n) {
		account(q, ended, n, plx_tsc());
		q->n_idle += n;
	}
	return n;
}

/* How many of the idle requests are due. */
static unsigned int due(struct perf_queue *q, uint64_t now)
{
	unsigned int n = 0;

	if (!q->interval)
		return q->n_idle;
	for (now = (now - q->start) << PERF_RATE_SHIFT; n < q->n_idle && q->due <= now; n++)
		q->due += q->interval;
	return n;
}

/* Aim and submit n idle requests. Return: 0 or a negative errno, told. */
static int submit(struct perf_queue *q, unsigned int n, uint64_t now)
{
	struct plx_nvme_req **first = q->idle + q->n_idle - n;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++) {
		aim(q, first[i]);
		((struct perf_io *)first[i])->start = now;
	}
	for (i = 0; i < n; i += (unsigned int)ret) {
		ret = plx_nvme_qpair_submit(q->qp, first + i, n - i);
		if (ret > 0)
			continue;
		target_error(q->target, "cannot submit: %s", strerror(-ret));
		return ret;
	}
	q->n_idle -= n;
	return 0;
}

/* Reap and submit. Return: how many requests moved, or a negative errno. */
static int step(struct perf_queue *q)
{
	unsigned int ended = reap(q), n;
	uint64_t now = plx_tsc();
	int err;

	n = due(q, now);
	err = n ? submit(q, n, now) : 0;
	if (!err && q->checks)
		err = target_check(q->target);
	return err ? err : (int)(ended + n);
}

/* --- Rest ----------------------------------------------------------------------------------- */

/* How long this queue has nothing to submit. */
static uint64_t free_ns(const struct perf_queue *q, uint64_t now)
{
	uint64_t at = q->start + (q->due >> PERF_RATE_SHIFT);

	if (!q->n_idle)
		return UINT64_MAX;
	return at > now ? plx_tsc_to_ns(at - now) : 0;
}

/* Sleep until a completion, or until the next request is due. Return: 0 or a negative errno. */
static int sleep_lcore(struct perf_lcore *l)
{
	uint64_t now = plx_tsc(), ns = WAIT_MS * NS_PER_MS;
	unsigned int i, flying = 0;
	int ms, ret;

	for (i = 0; i < l->n_queues; i++) {
		uint64_t free = free_ns(l->queues[i], now);

		ns = free < ns ? free : ns;
		flying += plx_nvme_qpair_in_flight(l->queues[i]->qp);
	}
	if (!flying) {
		struct timespec t = {.tv_nsec = (long)ns};

		nanosleep(&t, NULL);
		return 0;
	}
	ms = (int)((ns + NS_PER_MS - 1) / NS_PER_MS);
	ret = l->n_queues > 1 ? plx_nvme_group_wait(l->group, ms)
			      : plx_nvme_qpair_wait(l->queues[0]->qp, ms);
	return ret < 0 && ret != -EINTR ? ret : 0;
}

/* Nothing has moved: sleep or spin. Return: 0 or a negative errno. */
static int rest(struct perf_lcore *l)
{
	if (l->perf->options.interrupt || l->perf->options.adaptive)
		return sleep_lcore(l);
	plx_pause();
	return 0;
}

/* Until all has ended, or the controller does not let it: then closing the queue ends it. */
static void drain(struct perf_lcore *l)
{
	struct perf_queue *q;
	unsigned int i;
	int err = 0;

	for (i = 0; i < l->n_queues; i++) {
		q = l->queues[i];
		while (!err && plx_nvme_qpair_in_flight(q->qp)) {
			if (plx_nvme_ctrl_state(q->target->ctrl) != PLX_NVME_READY)
				break;
			if (!reap(q) && l->perf->options.interrupt)
				err = plx_nvme_qpair_wait(q->qp, WAIT_MS) < 0;
		}
	}
}

/* --- Loop ----------------------------------------------------------------------------------- */

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* One round of all queues. Return: 0 or a negative errno, told. */
static int round_of_all(struct perf_lcore *l)
{
	unsigned int i;
	int moved = 0, ret;

	for (i = 0; i < l->n_queues; i++) {
		ret = step(l->queues[i]);
		if (ret < 0)
			return ret;
		moved += ret;
	}
	plx_lcore_turn((unsigned int)moved);
	return moved ? 0 : rest(l);
}

/* Each queue's first I/O is a part of the interval later than the one before it. */
static void start_queues(struct perf_lcore *l, uint64_t start)
{
	struct perf *p = l->perf;
	unsigned int i;

	for (i = 0; i < l->n_queues; i++) {
		struct perf_queue *q = l->queues[i];

		q->start = start;
		q->due = q->interval / p->n_queues * (uint64_t)(q - p->queues);
	}
}

int perf_loop(void *arg)
{
	struct perf_lcore *l = arg;
	struct perf *p = l->perf;
	bool leads = plx_lcore_id() == plx_lcore_main();
	uint64_t start = plx_tsc(), next_second = start + plx_tsc_hz;
	double cpu = cpu_seconds();
	unsigned int second = 0;
	int err = 0;

	start_queues(l, start);
	while (!err && !over(p) && plx_tsc() < p->end) {
		err = round_of_all(l);
		if (leads && plx_unlikely(plx_tsc() >= next_second)) {
			next_second += plx_tsc_hz;
			perf_progress(p, ++second);
		}
	}
	if (err)
		__atomic_store_n(&p->failed, 1, __ATOMIC_RELAXED);
	l->seconds = (double)plx_tsc_to_ns(plx_tsc() - start) / 1e9;
	drain(l);
	l->cpu_seconds = cpu_seconds() - cpu;
	return 0;
}
