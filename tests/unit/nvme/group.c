/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/group.c and same.c, and of the modes of irq.c. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_group.h>

#include "fake.h"
#include "runner.h"

#define QUEUES 3

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_qpair *qps[QUEUES];
static struct plx_nvme_req req[QUEUES];
static unsigned int ended;
static char *memory;

static void on_done(struct plx_nvme_req *r)
{
	UNIT_EQ(r->status, 0);
	ended++;
}

static void set_up(bool interrupt)
{
	struct plx_nvme_qpair_config config = {.interrupt = interrupt};
	unsigned int i;

	fake_defaults();
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	memory = plx_dma_zalloc(4096, 4096, PLX_NODE_ANY);
	ended = 0;
	memset(req, 0, sizeof(req));
	for (i = 0; i < QUEUES; i++) {
		qps[i] = plx_nvme_qpair_open(ctrl, &config);
		CU_ASSERT_PTR_NOT_NULL_FATAL(qps[i]);
		plx_nvme_read(&req[i], plx_nvme_ns_open(ctrl, 1), i, 1, plx_iova(memory));
		req[i].done = on_done;
	}
}

static void tear_down(void)
{
	plx_nvme_ctrl_close(ctrl);
	plx_dma_free(memory);
	fake_end();
}

static void submit(unsigned int i)
{
	struct plx_nvme_req *reqs[] = {&req[i]};

	UNIT_EQ(plx_nvme_qpair_submit(qps[i], reqs, 1), 1);
}

static struct plx_nvme_group *group_of_all(void)
{
	struct plx_nvme_group *group = plx_nvme_group_open();
	unsigned int i;

	CU_ASSERT_PTR_NOT_NULL_FATAL(group);
	for (i = 0; i < QUEUES; i++)
		UNIT_EQ(plx_nvme_group_add(group, qps[i]), 0);
	return group;
}

static void members(void)
{
	struct plx_nvme_group *group;

	set_up(false);
	group = group_of_all();
	UNIT_EQ(plx_nvme_group_add(group, qps[1]), -EEXIST);
	UNIT_EQ(plx_nvme_group_remove(group, qps[1]), 0);
	UNIT_EQ(plx_nvme_group_remove(group, qps[1]), -ENOENT);
	UNIT_EQ(plx_nvme_group_add(group, qps[1]), 0);
	plx_nvme_group_close(group);
	plx_nvme_group_close(NULL);
	tear_down();
}

static void polled(void)
{
	uint64_t end = plx_clock_ns() + UINT64_C(5000000000);
	struct plx_nvme_group *group;
	unsigned int i, n = 0;

	set_up(false);
	group = group_of_all();
	for (i = 0; i < QUEUES; i++)
		submit(i);
	while (n < QUEUES && plx_clock_ns() < end)
		n += plx_nvme_group_poll(group, 1);
	UNIT_EQ(n, QUEUES);
	UNIT_EQ(ended, QUEUES);
	UNIT_EQ(plx_nvme_group_wait(group, 0), -EINVAL);
	plx_nvme_group_close(group);
	tear_down();
}

static void slept_on(void)
{
	struct plx_nvme_group *group;
	unsigned int i, round;

	set_up(true);
	group = group_of_all();
	UNIT_EQ(plx_nvme_group_wait(group, 10), 0);
	for (round = 0; round < 30; round++) {
		submit(round % QUEUES);
		UNIT_EQ(plx_nvme_group_wait(group, 10000), 1);
		UNIT_EQ(plx_nvme_group_poll(group, 0), 1);
	}
	for (i = 0; i < QUEUES; i++)
		submit(i);
	while (ended < 30 + QUEUES && plx_nvme_group_wait(group, 10000) == 1)
		plx_nvme_group_poll(group, 0);
	UNIT_EQ(ended, 30 + QUEUES);
	fake.fatal = true;
	while (plx_nvme_ctrl_state(ctrl) == PLX_NVME_READY)
		plx_nvme_group_poll(group, 0);
	UNIT_EQ(plx_nvme_group_wait(group, 10000), -EIO);
	plx_nvme_group_close(group);
	tear_down();
}

static void modes(void)
{
	static const enum plx_nvme_mode all[] = {PLX_NVME_MODE_POLL, PLX_NVME_MODE_ADAPTIVE,
						 PLX_NVME_MODE_INTERRUPT};
	unsigned int round;

	set_up(true);
	for (round = 0; round < 60; round++) {
		UNIT_EQ(plx_nvme_qpair_mode_set(qps[0], all[round % 3]), 0);
		submit(0);
		UNIT_EQ(plx_nvme_qpair_wait(qps[0], 10000), 1);
		UNIT_EQ(plx_nvme_qpair_poll(qps[0], 0), 1);
		UNIT_EQ(plx_nvme_qpair_wait(qps[0], 1), 0);
	}
	UNIT_EQ(plx_nvme_qpair_mode_set(qps[0], (enum plx_nvme_mode)3), -EINVAL);
	tear_down();
	set_up(false);
	UNIT_EQ(plx_nvme_qpair_mode_set(qps[0], PLX_NVME_MODE_ADAPTIVE), -EINVAL);
	UNIT_EQ(plx_nvme_qpair_mode_set(qps[0], PLX_NVME_MODE_POLL), 0);
	submit(0);
	UNIT_EQ(plx_nvme_qpair_wait(qps[0], 10000), 1);
	tear_down();
}

/* Completions far apart: it looks shorter and shorter before it sleeps, and longer again. */
static void adapts(void)
{
	unsigned int i;

	set_up(true);
	UNIT_EQ(plx_nvme_qpair_mode_set(qps[0], PLX_NVME_MODE_ADAPTIVE), 0);
	UNIT_EQ(qps[0]->spin_ns, 50000);
	for (i = 0; i < 12; i++)
		UNIT_EQ(plx_nvme_qpair_wait(qps[0], 2), 0);
	CU_ASSERT(qps[0]->spin_ns < 1000);
	CU_ASSERT(qps[0]->spin_ns > 0);
	tear_down();
}

/* --- Latency --------------------------------------------------------------------------------- */

static uint64_t measured(const struct plx_nvme_latency *l)
{
	uint64_t n = 0;
	unsigned int i;

	for (i = 0; i < PLX_NVME_LATENCY_BUCKETS; i++)
		n += l->count[i];
	return n;
}

static void buckets(void)
{
	struct plx_nvme_latency l = {0};
	unsigned int i;

	for (i = 0; i + 1 < PLX_NVME_LATENCY_BUCKETS; i++) {
		uint64_t from = plx_nvme_latency_bound_ns(i), to = plx_nvme_latency_bound_ns(i + 1);

		CU_ASSERT(to > from);
		CU_ASSERT(i < 16 || (to - from) * 8 <= from);
	}
	CU_ASSERT(plx_nvme_latency_bound_ns(PLX_NVME_LATENCY_BUCKETS - 1) >
		  UINT64_C(1000000000000));
	UNIT_EQ(plx_nvme_latency_percentile_ns(&l, 50), 0);
	l.count[100] = 99;
	l.count[200] = 1;
	UNIT_EQ(plx_nvme_latency_percentile_ns(&l, 50), plx_nvme_latency_bound_ns(101));
	UNIT_EQ(plx_nvme_latency_percentile_ns(&l, 99), plx_nvme_latency_bound_ns(101));
	UNIT_EQ(plx_nvme_latency_percentile_ns(&l, 100), plx_nvme_latency_bound_ns(201));
}

/* A request that takes 20 ms is in a bucket for that, by poll and by reap. */
static void latencies(void)
{
	struct plx_nvme_req *reqs[] = {&req[0]}, *got;
	struct plx_nvme_latency l;
	unsigned int round, n = 0;

	set_up(false);
	UNIT_EQ(plx_nvme_qpair_latency(qps[0], &l), -ENODATA);
	submit(0);
	UNIT_EQ(plx_nvme_qpair_latency_on(qps[0]), -EBUSY);
	while (!plx_nvme_qpair_poll(qps[0], 0))
		;
	UNIT_EQ(plx_nvme_qpair_latency_on(qps[0]), 0);
	UNIT_EQ(plx_nvme_qpair_latency_on(qps[0]), -EALREADY);
	for (round = 0; round < 2; round++) {
		UNIT_EQ(plx_nvme_qpair_submit(qps[0], reqs, 1), 1);
		plx_delay_us(20000);
		for (n = 0; n == 0;)
			n = round ? plx_nvme_qpair_reap(qps[0], &got, 1)
				  : plx_nvme_qpair_poll(qps[0], 0);
	}
	UNIT_EQ(plx_nvme_qpair_latency(qps[0], &l), 0);
	UNIT_EQ(measured(&l), 2);
	CU_ASSERT(plx_nvme_latency_percentile_ns(&l, 1) >= 19000000);
	plx_nvme_qpair_latency_off(qps[0]);
	UNIT_EQ(plx_nvme_qpair_latency(qps[0], &l), -ENODATA);
	tear_down();
}

/* Submits the next one from its callback, and lets it end before the poll goes on. */
static void submit_next(struct plx_nvme_req *r)
{
	uint64_t end = plx_clock_ns() + UINT64_C(5000000000);

	on_done(r);
	submit(1);
	while (!nvme_qpair_pending(qps[1]) && plx_clock_ns() < end)
		plx_delay_us(100);
}

/* Submitted and ended within one poll: a short time, not a minute. */
static void latency_within_a_poll(void)
{
	struct plx_nvme_req *first[] = {&req[0]};
	struct plx_nvme_latency l;

	set_up(false);
	UNIT_EQ(plx_nvme_qpair_latency_on(qps[1]), 0);
	req[0].done = submit_next;
	UNIT_EQ(plx_nvme_qpair_submit(qps[1], first, 1), 1);
	while (ended < 2)
		plx_nvme_qpair_poll(qps[1], 0);
	UNIT_EQ(plx_nvme_qpair_latency(qps[1], &l), 0);
	UNIT_EQ(measured(&l), 2);
	CU_ASSERT(plx_nvme_latency_percentile_ns(&l, 100) < UINT64_C(20000000000));
	tear_down();
}

/* --- The same namespace ---------------------------------------------------------------------- */

static void same_ids(void)
{
	struct plx_nvme_ns_info a = {0}, b = {0};

	UNIT_EQ(plx_nvme_ns_same(&a, &b), false);
	a.eui64[7] = b.eui64[7] = 1;
	UNIT_EQ(plx_nvme_ns_same(&a, &b), true);
	a.uuid[0] = 1;
	UNIT_EQ(plx_nvme_ns_same(&a, &b), true);
	b.uuid[0] = 2;
	UNIT_EQ(plx_nvme_ns_same(&a, &b), false);
	a.nguid[3] = b.nguid[3] = 9;
	UNIT_EQ(plx_nvme_ns_same(&a, &b), true);
	b.nguid[15] = 1;
	UNIT_EQ(plx_nvme_ns_same(&a, &b), false);
}

static void found(void)
{
	struct plx_nvme_ns_info like = {.eui64 = {1, 2, 3, 4, 5, 6, 7, 8}};
	uint32_t id = 99;

	set_up(false);
	UNIT_EQ(plx_nvme_ns_find(ctrl, &like, &id), 0);
	memcpy(fake.ns[1].eui64, like.eui64, 8);
	UNIT_EQ(plx_nvme_ns_find(ctrl, &like, &id), 1);
	UNIT_EQ(id, 2);
	fake.ns[0].nsze = 0;
	UNIT_EQ(plx_nvme_ns_find(ctrl, &like, &id), -ENOENT);
	tear_down();
}

CU_TestInfo group_tests[] = {
	{"members", members},	  {"polled", polled},
	{"slept on", slept_on},	  {"modes", modes},
	{"adapts", adapts},	  {"buckets", buckets},
	{"latencies", latencies}, {"same ids", same_ids},
	{"found", found},	  {"latency within a poll", latency_within_a_poll},
	CU_TEST_INFO_NULL,
};
