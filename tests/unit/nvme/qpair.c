/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of drivers/nvme/qpair.c and qpair_life.c: a queue pair whose completion queue is written by
 * the test itself, honestly and otherwise.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"
#include "runner.h"

#define DEPTH 16
#define QID   3
#define REQS  (DEPTH - 1)

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_qpair *qp;
static struct plx_nvme_ns *ns;
static struct plx_nvme_req *reqs[REQS];
static uint32_t cq_tail, sqhd;
static bool phase;
static unsigned int done_calls;

/* --- The test as the device ----------------------------------------------------------------- */

static void put_cqe(uint16_t cid, uint16_t sqid, uint16_t head, bool p, uint16_t status)
{
	qp->cq[cq_tail].result = htole64(0x1122334455667788);
	qp->cq[cq_tail].tail = htole64((uint64_t)head | (uint64_t)sqid << NVME_CQE_SQID_SHIFT |
				       (uint64_t)cid << NVME_CQE_CID_SHIFT | (uint64_t)p << 48 |
				       (uint64_t)status << NVME_CQE_STATUS_SHIFT);
	if (++cq_tail == qp->cq_size) {
		cq_tail = 0;
		phase = !phase;
	}
}

static void put(uint16_t cid, uint16_t status)
{
	put_cqe(cid, QID, (uint16_t)sqhd, phase, status);
}

/* The command id that was put into submission queue entry i. */
static uint16_t cid_of(uint32_t i)
{
	return le16toh(qp->sq[i].cid);
}

static uint32_t sq_doorbell(void)
{
	return plx_mmio_read32(qp->sq_doorbell);
}

static uint32_t cq_doorbell(void)
{
	return plx_mmio_read32(qp->cq_doorbell);
}

/* --- Fixture -------------------------------------------------------------------------------- */

static void on_done(struct plx_nvme_req *req)
{
	done_calls++;
}

/* A controller that nobody plays: registers stay as they are. */
static void make_ctrl(void)
{
	fake_defaults();
	ctrl = calloc(1, sizeof(*ctrl));
	ctrl->dev = fake_dev();
	ctrl->bar = fake.bar;
	ctrl->bar_size = fake.bar_size;
	ctrl->info.capabilities = fake.cap;
	ctrl->info.version = fake.vs;
	strcpy(ctrl->info.name, "fake");
	pthread_mutex_init(&ctrl->dev_lock, NULL);
	atomic_init(&ctrl->state, PLX_NVME_READY);
	plx_mmio_write32(fake.bar + NVME_CSTS, NVME_CSTS_RDY);
}

static void make_ns(void)
{
	ns = calloc(1, sizeof(*ns));
	ns->ctrl = ctrl;
	ns->block_shift = 9;
	ns->max_blocks = 256;
	ns->sqe_head = UINT64_C(5) << NVME_SQE_NSID_SHIFT;
}

static void set_up_shape(uint32_t timeout_ms, uint32_t lag_max)
{
	struct nvme_qpair_shape shape = {
		.qid = QID,
		.sq_size = DEPTH,
		.cq_lag_max = lag_max,
		.max_transfer = 128 * 1024,
		.list_count = 4,
		.page_shift = 12,
		.timeout_ms = timeout_ms,
		.node = PLX_NODE_ANY,
	};
	unsigned int i;

	make_ctrl();
	make_ns();
	qp = aligned_alloc(PLX_CACHE_LINE, sizeof(*qp));
	UNIT_EQ(nvme_qpair_init(qp, ctrl, &shape), 0);
	for (i = 0; i < REQS; i++) {
		reqs[i] = aligned_alloc(PLX_CACHE_LINE, sizeof(*reqs[i]));
		memset(reqs[i], 0, sizeof(*reqs[i]));
		plx_nvme_read(reqs[i], ns, 8 * i, 8, 0x10000 + 4096 * i);
		reqs[i]->done = on_done;
	}
	cq_tail = sqhd = done_calls = 0;
	phase = true;
}

static void set_up(void)
{
	set_up_shape(0, 1);
}

static void tear_down(void)
{
	unsigned int i;

	for (i = 0; i < REQS; i++)
		free(reqs[i]);
	nvme_qpair_fini(qp);
	free(qp);
	free(ns);
	plx_dev_close(ctrl->dev);
	free(ctrl);
	fake_end();
}

/* So many lies, one after the other: each ends a poll. */
static void poll_lies(unsigned int n)
{
	while (n--)
		UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 0);
}

static void expect_lie(enum plx_nvme_lie kind, uint64_t count)
{
	unsigned int i;

	for (i = 0; i < PLX_NVME_LIE_KINDS; i++)
		UNIT_EQ(qp->lies[i], i == kind ? count : 0);
}

/* --- Submission ----------------------------------------------------------------------------- */

static void command_as_specified(void)
{
	const struct nvme_sqe *sqe;

	set_up();
	plx_nvme_write(reqs[0], ns, 0x123456789a, 8, 0xabc004);
	reqs[0]->flags = PLX_NVME_FUA;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	sqe = &qp->sq[0];
	UNIT_EQ(sqe->opcode, 0x01);
	UNIT_EQ(sqe->flags, 0);
	UNIT_EQ(le32toh(sqe->nsid), 5);
	UNIT_EQ(sqe->cdw2_3, 0);
	UNIT_EQ(sqe->mptr, 0);
	UNIT_EQ(le64toh(sqe->prp1), 0xabc004);
	UNIT_EQ(le64toh(sqe->prp2), 0xabd000);
	UNIT_EQ(le64toh(sqe->slba), 0x123456789a);
	UNIT_EQ(le32toh(sqe->cdw12), 0x40000007);
	UNIT_EQ(le32toh(sqe->cdw13), 0);
	UNIT_EQ(sqe->cdw14_15, 0);
	UNIT_EQ(sq_doorbell(), 1);
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 1);
	tear_down();
}

static void flush_has_no_data(void)
{
	set_up();
	plx_nvme_flush(reqs[0], ns);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	UNIT_EQ(qp->sq[0].opcode, 0);
	UNIT_EQ(le32toh(qp->sq[0].nsid), 5);
	UNIT_EQ(qp->sq[0].prp1 | qp->sq[0].prp2 | qp->sq[0].slba | qp->sq[0].cdw12_13, 0);
	tear_down();
}

static void full_queue_says_eagain(void)
{
	struct plx_nvme_req extra;

	set_up();
	extra = *reqs[0];
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	UNIT_EQ(sq_doorbell(), REQS);
	UNIT_EQ(plx_nvme_qpair_submit(qp, &(struct plx_nvme_req *){&extra}, 1), -EAGAIN);
	CU_ASSERT(!plx_nvme_in_flight(&extra));
	put(cid_of(2), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	UNIT_EQ(plx_nvme_qpair_submit(qp, &(struct plx_nvme_req *){&extra}, 1), 1);
	UNIT_EQ(sq_doorbell(), 0);
	tear_down();
}

static void each_command_has_its_own_id(void)
{
	unsigned int i, j;

	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	for (i = 0; i < REQS; i++)
		for (j = 0; j < i; j++)
			CU_ASSERT_NOT_EQUAL(cid_of(i), cid_of(j));
	tear_down();
}

static void wrong_requests_are_refused(void)
{
	static struct plx_nvme_ctrl other;
	static struct plx_nvme_ns foreign = {.ctrl = &other};
	struct plx_nvme_req *r;

	set_up();
	r = reqs[0];
	r->blocks = 0;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EINVAL);
	r->blocks = 257;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -E2BIG);
	r->blocks = UINT32_MAX;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -E2BIG);
	r->blocks = 8;
	r->iova += 2;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EINVAL);
	r->iova -= 2;
	r->opcode = 0x7f;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EINVAL);
	r->opcode = PLX_NVME_READ;
	r->ns = &foreign;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EINVAL);
	foreign.ctrl = NVME_NOT_PLAIN;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EINVAL);
	foreign.ctrl = NVME_STALE;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -ESTALE);
	r->ns = ns;
	UNIT_EQ(sq_doorbell(), 0);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EBUSY);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 0), 0);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 1);
	tear_down();
}

/* What comes before the wrong one is taken, and the wrong one told by the next call. */
static void burst_stops_at_the_first_wrong_one(void)
{
	set_up();
	reqs[3]->iova |= 1;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), 3);
	UNIT_EQ(sq_doorbell(), 3);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 3, REQS - 3), -EINVAL);
	UNIT_EQ(sq_doorbell(), 3);
	tear_down();
}

static void deferred_doorbell(void)
{
	set_up();
	qp->defer_doorbell = qp->ring_otherwise = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 2), 2);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 2, 2), 2);
	UNIT_EQ(sq_doorbell(), 0);
	plx_nvme_qpair_ring(qp);
	UNIT_EQ(sq_doorbell(), 4);
	tear_down();
}

static void prp_lists_are_given_back(void)
{
	unsigned int round, i;

	set_up();
	for (i = 0; i < 4; i++)
		reqs[i]->blocks = 256;
	for (round = 0; round < 50; round++) {
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 4), 4);
		UNIT_EQ(qp->free_list_count, 0);
		reqs[4]->blocks = 256;
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 4, 1), -EAGAIN);
		for (i = 0; i < 4; i++)
			put(cid_of((round * 4 + i) % DEPTH), 0);
		UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 4);
		UNIT_EQ(qp->free_list_count, 4);
	}
	tear_down();
}

/* --- Completion ----------------------------------------------------------------------------- */

static void completion_tells_status_and_result(void)
{
	struct plx_nvme_req *got[REQS];

	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 2), 2);
	put(cid_of(1), PLX_NVME_UNRECOVERED_READ | PLX_NVME_DO_NOT_RETRY);
	put(cid_of(0), 0);
	UNIT_EQ(plx_nvme_qpair_reap(qp, got, REQS), 2);
	CU_ASSERT_PTR_EQUAL(got[0], reqs[1]);
	CU_ASSERT_PTR_EQUAL(got[1], reqs[0]);
	UNIT_EQ(reqs[1]->status, 0x4281);
	UNIT_EQ(reqs[0]->status, 0);
	UNIT_EQ(reqs[0]->result, 0x1122334455667788);
	UNIT_EQ(done_calls, 0);
	UNIT_EQ(qp->errors, 1);
	UNIT_EQ(cq_doorbell(), 2);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 0);
	tear_down();
}

static void poll_calls_back(void)
{
	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 3), 3);
	reqs[1]->done = NULL;
	put(cid_of(0), 0);
	put(cid_of(1), 0);
	put(cid_of(2), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 2), 2);
	UNIT_EQ(done_calls, 1);
	CU_ASSERT(plx_nvme_in_flight(reqs[2]));
	UNIT_EQ(plx_nvme_qpair_poll(qp, 2), 1);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 2), 0);
	UNIT_EQ(done_calls, 2);
	tear_down();
}

static void resubmit(struct plx_nvme_req *req)
{
	struct plx_nvme_req *again[] = {req};

	done_calls++;
	UNIT_EQ(plx_nvme_qpair_submit(qp, again, 1), 1);
}

static void callback_may_submit(void)
{
	unsigned int round;

	set_up();
	reqs[0]->done = resubmit;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	for (round = 0; round < 100; round++) {
		put(cid_of(round % DEPTH), 0);
		UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	}
	UNIT_EQ(done_calls, 100);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 1);
	tear_down();
}

/* Around both rings many times, in a changing order. */
static void rings_wrap(void)
{
	struct plx_nvme_req *got[REQS];
	uint32_t at = 0, total = 0, i, n;

	set_up_shape(0, 5);
	srand(7);
	while (total < 20000) {
		n = 1 + (uint32_t)rand() % REQS;
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, n), n);
		for (i = n; i > 0; i--)
			put(cid_of((at + i - 1) % DEPTH), 0);
		at = (at + n) % DEPTH;
		UNIT_EQ(plx_nvme_qpair_reap(qp, got, REQS), n);
		for (i = 0; i < n; i++)
			CU_ASSERT(!plx_nvme_in_flight(reqs[i]));
		total += n;
	}
	expect_lie(PLX_NVME_LIE_KINDS, 0);
	UNIT_EQ(qp->completed, total);
	CU_ASSERT(qp->cq_doorbells < qp->sq_doorbells);
	tear_down();
}

static void doorbell_of_completions_lags(void)
{
	unsigned int i;

	set_up_shape(0, 5);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 6), 6);
	for (i = 0; i < 4; i++) {
		put(cid_of(i), 0);
		UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
		UNIT_EQ(cq_doorbell(), 0);
	}
	put(cid_of(4), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	UNIT_EQ(cq_doorbell(), 5);
	tear_down();
}

/* --- Lies (ABUSE C8, completions) ------------------------------------------------------------ */

static void unknown_command_id(void)
{
	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	put(0x3fff, 0);
	put(DEPTH - 1, 0);
	put(5, 0);
	poll_lies(3);
	expect_lie(PLX_NVME_LIE_CID, 3);
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	put(cid_of(0), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	tear_down();
}

/* The same completion twice; the slot has been taken again in between. */
static void duplicate_does_not_end_the_next_command(void)
{
	uint16_t cid;

	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	cid = cid_of(0);
	put(cid, 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 1, 1), 1);
	CU_ASSERT_NOT_EQUAL(cid_of(1), cid);
	put(cid, 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 0);
	CU_ASSERT(plx_nvme_in_flight(reqs[1]));
	expect_lie(PLX_NVME_LIE_CID, 1);
	tear_down();
}

/* The next command id of a free slot can be guessed. */
static void completion_of_a_free_slot(void)
{
	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	put(cid_of(0), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	put(qp->slots[0].cid, 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 0);
	expect_lie(PLX_NVME_LIE_CID, 1);
	tear_down();
}

static void foreign_queue_ids(void)
{
	static const uint16_t ids[] = {0, QID - 1, QID + 1, 0xffff};
	size_t i;

	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	for (i = 0; i < sizeof(ids) / sizeof(ids[0]); i++)
		put_cqe(cid_of(0), ids[i], 0, phase, 0);
	poll_lies(4);
	expect_lie(PLX_NVME_LIE_SQID, 4);
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	tear_down();
}

static void head_past_the_ring(void)
{
	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	put_cqe(cid_of(0), QID, DEPTH, phase, 0);
	put_cqe(cid_of(0), QID, 0xffff, phase, 0);
	poll_lies(2);
	expect_lie(PLX_NVME_LIE_SQHD, 2);
	/* Backwards is no matter: flow control does not rely on it. */
	put_cqe(cid_of(0), QID, DEPTH - 1, phase, 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	tear_down();
}

/* The whole queue with the phase of a new entry: a poll ends at a lie, so that it stays short. */
static void whole_ring_is_bounded(void)
{
	uint32_t i;

	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	for (i = 0; i < qp->cq_size; i++)
		qp->cq[i].tail = htole64(UINT64_MAX);
	poll_lies(DEPTH);
	UNIT_EQ(qp->lies[PLX_NVME_LIE_SQID], DEPTH);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), REQS);
	tear_down();
}

static void stale_phase_is_nothing(void)
{
	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	put_cqe(cid_of(0), QID, 1, !phase, 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 0);
	expect_lie(PLX_NVME_LIE_KINDS, 0);
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	tear_down();
}

/* New, old, new: what is behind an old one is not looked at. */
static void alternating_phase(void)
{
	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 3), 3);
	put_cqe(cid_of(0), QID, 1, phase, 0);
	put_cqe(cid_of(1), QID, 1, !phase, 0);
	put_cqe(cid_of(2), QID, 1, phase, 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 0);
	CU_ASSERT(plx_nvme_in_flight(reqs[2]));
	expect_lie(PLX_NVME_LIE_KINDS, 0);
	tear_down();
}

/* As fast as they are submitted: a poll ends all the same. */
static void complete_at_once(struct plx_nvme_req *req)
{
	struct plx_nvme_req *again[] = {req};
	uint32_t at = (uint32_t)(qp->sq_next - qp->sq);

	done_calls++;
	UNIT_EQ(plx_nvme_qpair_submit(qp, again, 1), 1);
	put(cid_of(at), 0);
}

static void poll_is_one_queues_worth(void)
{
	set_up();
	reqs[0]->done = complete_at_once;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	put(cid_of(0), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), DEPTH);
	UNIT_EQ(done_calls, DEPTH);
	UNIT_EQ(plx_nvme_qpair_poll(qp, UINT32_MAX), DEPTH);
	tear_down();
}

static void eight_lies_break_it(void)
{
	unsigned int i;

	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	for (i = 0; i < PLX_NVME_LIES_MAX; i++) {
		UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
		put(0x3ff0, 0);
		plx_nvme_qpair_poll(qp, 0);
	}
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 1, 1), -EIO);
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	tear_down();
}

static void reserved_status_is_an_error(void)
{
	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	put(cid_of(0), 0x7fff);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	UNIT_EQ(reqs[0]->status, 0x7fff);
	UNIT_EQ(plx_nvme_status_errno(reqs[0]->status), -EIO);
	tear_down();
}

/* --- Ends without a completion -------------------------------------------------------------- */

static void aborted_requests_end_once(void)
{
	struct plx_nvme_req *got[REQS];
	uint16_t cid;

	set_up();
	reqs[1]->blocks = 256;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 4), 4);
	put(cid_of(0), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	cid = cid_of(1);
	nvme_qpair_abort(qp);
	UNIT_EQ(qp->free_list_count, 4);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 3);
	CU_ASSERT(plx_nvme_in_flight(reqs[1]));
	put(cid, 0);
	UNIT_EQ(plx_nvme_qpair_reap(qp, got, 2), 2);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	poll_lies(1);
	UNIT_EQ(done_calls, 2);
	UNIT_EQ(reqs[1]->status, PLX_NVME_ABORTED);
	UNIT_EQ(reqs[2]->status, PLX_NVME_ABORTED);
	UNIT_EQ(reqs[3]->status, PLX_NVME_ABORTED);
	expect_lie(PLX_NVME_LIE_CID, 1);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	tear_down();
}

/* Completions of the former life of a queue do not match after a reset. */
static void rewound_queue_keeps_its_generations(void)
{
	uint16_t before;

	set_up();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	before = cid_of(0);
	nvme_qpair_abort(qp);
	nvme_qpair_rewind(qp);
	plx_nvme_qpair_poll(qp, 0);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	CU_ASSERT_NOT_EQUAL(cid_of(0), before);
	cq_tail = 0;
	put(before, 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 0);
	expect_lie(PLX_NVME_LIE_CID, 1);
	tear_down();
}

static bool late(void)
{
	plx_nvme_qpair_poll(qp, 0);
	return plx_nvme_ctrl_state(ctrl) != PLX_NVME_READY;
}

static void late_command_breaks_it(void)
{
	uint64_t start = plx_clock_ns();

	set_up_shape(40, 1);
	ctrl->config.on_timeout = PLX_NVME_TIMEOUT_BREAK;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 2), 2);
	while (!late() && plx_clock_ns() - start < UINT64_C(5000000000))
		;
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	CU_ASSERT(plx_clock_ns() - start >= 40000000);
	UNIT_EQ(ctrl->timeouts, 2);
	/* Its data may still be written to: it is not handed back before a reset. */
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	tear_down();
}

/* A process that was stopped for long finds its completions, not time-outs. */
static void stopped_process_is_not_late(void)
{
	set_up_shape(40, 1);
	ctrl->config.on_timeout = PLX_NVME_TIMEOUT_BREAK;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	plx_delay_us(200000);
	plx_nvme_qpair_poll(qp, 0);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	put(cid_of(0), 0);
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	tear_down();
}

static void wait_until_not_ready(void)
{
	uint64_t start = plx_clock_ns();

	while (!late() && plx_clock_ns() - start < UINT64_C(5000000000))
		;
}

static void removal_ends_requests(void)
{
	set_up_shape(40, 1);
	fake.config[PLX_PCI_COMMAND] = PLX_PCI_COMMAND_MASTER;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 3), 3);
	memset(fake.bar, 0xff, fake.bar_size);
	wait_until_not_ready();
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_GONE);
	UNIT_EQ(fake.config[PLX_PCI_COMMAND] & PLX_PCI_COMMAND_MASTER, 0);
	plx_nvme_qpair_poll(qp, 0);
	UNIT_EQ(done_calls, 3);
	UNIT_EQ(reqs[0]->status, PLX_NVME_ABORTED);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -ENODEV);
	tear_down();
}

/* Where a removed device reads zeroes. */
static void removal_by_zeroes(void)
{
	set_up_shape(40, 1);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 3), 3);
	memset(fake.bar, 0, fake.bar_size);
	wait_until_not_ready();
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_GONE);
	plx_nvme_qpair_poll(qp, 0);
	UNIT_EQ(done_calls, 3);
	tear_down();
}

static void fatal_status_breaks_it(void)
{
	set_up_shape(40, 1);
	plx_mmio_write32(fake.bar + NVME_CSTS, NVME_CSTS_RDY | NVME_CSTS_CFS);
	wait_until_not_ready();
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	tear_down();
}

static void ready_bit_lost_breaks_it(void)
{
	set_up_shape(40, 1);
	plx_mmio_write32(fake.bar + NVME_CSTS, 0);
	wait_until_not_ready();
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	tear_down();
}

/* Any completion queue whatever: nothing but the counters moves, and each request ends once. */
static void random_completions(void)
{
	struct plx_nvme_req *got[DEPTH];
	unsigned int round, i, n, ended = 0, taken = 0;
	int ret;

	set_up();
	srand(3);
	for (round = 0; round < 200000; round++) {
		atomic_store(&ctrl->state, PLX_NVME_READY);
		ret = plx_nvme_qpair_submit(qp, reqs + rand() % REQS, 1);
		taken += ret > 0;
		put_cqe(rand() % 4 ? qp->slots[rand() % DEPTH].cid : (uint16_t)rand(),
			rand() % 8 ? QID : (uint16_t)rand(), (uint16_t)(rand() % (DEPTH + 2)),
			rand() % 16 ? phase : !phase, (uint16_t)(rand() % 4 ? 0 : rand()));
		n = plx_nvme_qpair_reap(qp, got, DEPTH);
		for (i = 0; i < n; i++)
			CU_ASSERT(!plx_nvme_in_flight(got[i]));
		ended += n;
		cq_tail = (uint32_t)(qp->cq_next - qp->cq);
		phase = qp->cq_phase != 0;
	}
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), taken - ended);
	CU_ASSERT(ended > 1000);
	nvme_qpair_abort(qp);
	while ((n = plx_nvme_qpair_reap(qp, got, DEPTH)))
		ended += n;
	UNIT_EQ(ended, taken);
	tear_down();
}

CU_TestInfo qpair_tests[] = {
	{"a command is as specified", command_as_specified},
	{"a flush has no data", flush_has_no_data},
	{"a full queue says -EAGAIN", full_queue_says_eagain},
	{"each command has its own id", each_command_has_its_own_id},
	{"wrong requests are refused", wrong_requests_are_refused},
	{"a burst stops at the first wrong one", burst_stops_at_the_first_wrong_one},
	{"deferred doorbell", deferred_doorbell},
	{"PRP lists are given back", prp_lists_are_given_back},
	{"a completion tells status and result", completion_tells_status_and_result},
	{"poll calls back", poll_calls_back},
	{"a callback may submit", callback_may_submit},
	{"the rings wrap", rings_wrap},
	{"the completion doorbell lags", doorbell_of_completions_lags},
	{"lie: unknown command id", unknown_command_id},
	{"lie: a duplicate does not end the next command", duplicate_does_not_end_the_next_command},
	{"lie: completion of a free slot", completion_of_a_free_slot},
	{"lie: foreign queue ids", foreign_queue_ids},
	{"lie: head past the ring", head_past_the_ring},
	{"lie: the whole ring is bounded", whole_ring_is_bounded},
	{"lie: stale phase", stale_phase_is_nothing},
	{"lie: alternating phase", alternating_phase},
	{"lie: a poll is one queue's worth", poll_is_one_queues_worth},
	{"lie: eight of them break it", eight_lies_break_it},
	{"lie: reserved status", reserved_status_is_an_error},
	{"lie: random completions", random_completions},
	{"aborted requests end once", aborted_requests_end_once},
	{"a rewound queue keeps its generations", rewound_queue_keeps_its_generations},
	{"a late command breaks it", late_command_breaks_it},
	{"a stopped process is not late", stopped_process_is_not_late},
	{"removal ends requests", removal_ends_requests},
	{"removal where a device reads zeroes", removal_by_zeroes},
	{"fatal status breaks it", fatal_status_breaks_it},
	{"a lost ready bit breaks it", ready_bit_lost_breaks_it},
	CU_TEST_INFO_NULL,
};
