/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/recover.c: late commands end once, and never too early. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"
#include "runner.h"

#define REQS 40

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_qpair *qp;
static struct plx_nvme_req *reqs[REQS];
static char *memory;
static unsigned int ended[REQS];

static void on_done(struct plx_nvme_req *req)
{
	ended[(uintptr_t)req->arg]++;
}

static void set_up(void)
{
	struct plx_nvme_ctrl_config config = {.io_timeout_ms = 80, .admin_timeout_ms = 300};
	struct plx_nvme_qpair_config qp_config = {.depth = 64};
	struct plx_nvme_ns *ns;
	uintptr_t i;

	fake_defaults();
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	ns = plx_nvme_ns_open(ctrl, 1);
	qp = plx_nvme_qpair_open(ctrl, &qp_config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	memory = plx_dma_zalloc(REQS * 512, 4096, PLX_NODE_ANY);
	memset(ended, 0, sizeof(ended));
	for (i = 0; i < REQS; i++) {
		reqs[i] = aligned_alloc(PLX_CACHE_LINE, sizeof(*reqs[i]));
		memset(reqs[i], 0, sizeof(*reqs[i]));
		plx_nvme_read(reqs[i], ns, i, 1, plx_iova(memory + 512 * i));
		reqs[i]->done = on_done;
		reqs[i]->arg = (void *)i;
	}
}

static void tear_down(void)
{
	unsigned int i;

	plx_nvme_ctrl_close(ctrl);
	for (i = 0; i < REQS; i++)
		free(reqs[i]);
	plx_dma_free(memory);
	fake_end();
}

static void poll_until_idle(void)
{
	uint64_t end = plx_clock_ns() + UINT64_C(20000000000);

	while (plx_nvme_qpair_in_flight(qp) && plx_clock_ns() < end &&
	       plx_nvme_ctrl_state(ctrl) == PLX_NVME_READY)
		plx_nvme_qpair_poll(qp, 0);
}

static void all_ended(unsigned int times, uint32_t status)
{
	unsigned int i;

	for (i = 0; i < REQS; i++) {
		UNIT_EQ(ended[i], times);
		UNIT_EQ(reqs[i]->status, status);
	}
}

/* And none of it is a lie. */
static void goes_on(unsigned int times)
{
	uint64_t end = plx_clock_ns() + UINT64_C(20000000000);
	int ret = -EAGAIN;

	fake.io_silent = false;
	/* Requests have ended before the queue pair is there again. */
	while (ret == -EAGAIN && plx_clock_ns() < end) {
		plx_nvme_qpair_poll(qp, 0);
		ret = plx_nvme_qpair_submit(qp, reqs, REQS);
	}
	UNIT_EQ(ret, REQS);
	poll_until_idle();
	all_ended(times, 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_CID), 0);
}

static void abort_helps(void)
{
	struct plx_nvme_ctrl_stats stats;

	set_up();
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(1, FAKE_ABORTED);
	UNIT_EQ(fake.aborts, REQS);
	plx_nvme_ctrl_stats(ctrl, &stats);
	UNIT_EQ(stats.timeouts, REQS);
	UNIT_EQ(stats.abort_commands, REQS);
	UNIT_EQ(stats.queue_recoveries, 0);
	goes_on(2);
	tear_down();
}

/* The queue pair is deleted and created; a second time, too. */
static void deletion_helps(void)
{
	struct plx_nvme_ctrl_stats stats;
	unsigned int round;

	set_up();
	for (round = 0; round < 2; round++) {
		fake.io_silent = true;
		fake.abort_refused = true;
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
		poll_until_idle();
		UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
		all_ended(2 * round + 1, PLX_NVME_ABORTED);
		goes_on(2 * round + 2);
	}
	plx_nvme_ctrl_stats(ctrl, &stats);
	UNIT_EQ(stats.queue_recoveries, 2);
	UNIT_EQ(stats.aborted, 2 * REQS);
	tear_down();
}

/* What the controller completes on the way keeps the status that it gave. */
static void deletion_completes(void)
{
	set_up();
	fake.io_silent = fake.abort_refused = fake.ends_on_delete = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(1, FAKE_SQ_DELETED);
	goes_on(2);
	tear_down();
}

static void lie_deletion_never_ends(void)
{
	set_up();
	fake.io_silent = fake.abort_refused = true;
	fake.silent_opcode = NVME_ADMIN_DELETE_SQ;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	/* It may still reach their data. */
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), REQS);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EIO);
	fake.silent_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	goes_on(2);
	tear_down();
}

/* It may still create them, and write to the rings: it is stopped before they are freed. */
static void lie_creation_never_ends(void)
{
	set_up();
	fake.io_silent = fake.abort_refused = true;
	fake.silent_opcode = NVME_ADMIN_CREATE_CQ;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	while (plx_nvme_ctrl_state(ctrl) == PLX_NVME_READY)
		plx_nvme_qpair_poll(qp, 0);
	plx_nvme_qpair_close(qp);
	all_ended(1, PLX_NVME_ABORTED);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	tear_down();
}

/* Abort commands that are never answered: their requests serve again after a reset. */
static void lie_abort_never_ends(void)
{
	set_up();
	fake.io_silent = true;
	fake.silent_opcode = NVME_ADMIN_ABORT;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	goes_on(2);
	fake.silent_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(3, FAKE_ABORTED);
	tear_down();
}

/* A completion of the queue pair's former life does not end a request of the new one. */
static void lie_late_completion(void)
{
	struct fake_queue *q = &fake.queues[1];
	uint16_t cid;

	set_up();
	fake.io_silent = fake.abort_refused = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	while (q->held_count == 0)
		plx_nvme_qpair_poll(qp, 0);
	cid = q->held[0];
	poll_until_idle();
	UNIT_EQ(reqs[0]->status, PLX_NVME_ABORTED);
	while (plx_nvme_qpair_submit(qp, reqs, 1) == -EAGAIN)
		plx_nvme_qpair_poll(qp, 0);
	while (q->held_count == 0)
		plx_nvme_qpair_poll(qp, 0);
	CU_ASSERT(q->held[0] != cid);
	/* Instead of its own. */
	q->held[0] = cid;
	fake.ends_on_delete = true;
	plx_nvme_qpair_close(qp);
	UNIT_EQ(reqs[0]->status, PLX_NVME_ABORTED);
	UNIT_EQ(ended[0], 2);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_CID), 1);
	tear_down();
}

CU_TestInfo recover_tests[] = {
	{"abort helps", abort_helps},
	{"deletion helps", deletion_helps},
	{"deletion completes", deletion_completes},
	{"lie: deletion never ends", lie_deletion_never_ends},
	{"lie: creation never ends", lie_creation_never_ends},
	{"lie: abort never ends", lie_abort_never_ends},
	{"lie: late completion", lie_late_completion},
	CU_TEST_INFO_NULL,
};
