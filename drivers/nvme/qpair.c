/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The data path of a queue pair: submission and completion. No system call, lock, allocation or
 * division; one call per request on completion at most, the request's own callback. What is rare
 * (lies, time-outs, requests that a reset aborted) is in qpair_life.c.
 */
#include <errno.h>

#include <pollux/clock.h>

#include "eal/probe.h"
#include "nvme/ctrl.h"
#include "nvme/prp.h"
#include "nvme/qpair.h"

/* Under load the clock is looked at once in so many polls; when idle at each. */
#define POLLS_TO_TICK 256

/* --- Submission ----------------------------------------------------------------------------- */

/* What a read or write has beside its head. 0, or a negative errno as submit returns it. */
static inline int put_transfer(struct plx_nvme_qpair *qp, struct nvme_sqe *sqe,
			       const struct plx_nvme_req *req, uint32_t *list_epoch)
{
	uint64_t len = (uint64_t)req->blocks << req->ns->block_shift;
	uint16_t list = NVME_NO_LIST;
	uint64_t prp[2];
	int err;

	/* Zero wraps. */
	if (plx_unlikely(len - 1 >= qp->max_transfer))
		return len ? -E2BIG : -EINVAL;
	if (plx_unlikely(req->iova & 3))
		return -EINVAL;
	err = nvme_prp_fill(qp, req->iova, len, prp, &list);
	if (plx_unlikely(err))
		return err;
	if (plx_unlikely(list != NVME_NO_LIST))
		*list_epoch = NVME_LIST_EPOCH(list, qp->epoch);
	sqe->prp1 = prp[0];
	sqe->prp2 = prp[1];
	sqe->slba = htole64(req->lba);
	sqe->cdw12_13 =
		htole64((uint32_t)(req->blocks - 1) | (uint32_t)req->flags << NVME_RW_FLAGS_SHIFT);
	return 0;
}

static inline int put_no_data(struct nvme_sqe *sqe, uint8_t opcode)
{
	if (opcode != PLX_NVME_FLUSH)
		return -EINVAL;
	sqe->prp1 = 0;
	sqe->prp2 = 0;
	sqe->slba = 0;
	sqe->cdw12_13 = 0;
	return 0;
}

/* An entry is filled in where it will lie, and is the controller's when the tail moves past it. */
static inline int submit_one(struct plx_nvme_qpair *qp, struct plx_nvme_req *req)
{
	const struct plx_nvme_ns *ns = req->ns;
	struct nvme_sqe *sqe = qp->sq_next;
	uint8_t opcode = req->opcode;
	uint32_t list_epoch = qp->no_list_epoch;
	uint32_t index = qp->free_slot;
	const struct plx_nvme_ctrl *ctrl;
	struct nvme_slot *slot;
	int err;

	if (plx_unlikely(index == NVME_NONE))
		return -EAGAIN;
	if (plx_unlikely(req->status == PLX_NVME_PENDING))
		return -EBUSY;
	ctrl = PLX_READ_ONCE(ns->ctrl);
	if (plx_unlikely(ctrl != qp->ctrl))
		return ctrl == NVME_STALE ? -ESTALE : -EINVAL;
	if (plx_likely(opcode == PLX_NVME_READ || opcode == PLX_NVME_WRITE))
		err = put_transfer(qp, sqe, req, &list_epoch);
	else
		err = put_no_data(sqe, opcode);
	if (plx_unlikely(err))
		return err;
	slot = nvme_qpair_take_slot(qp, index, req);
	slot->list_epoch = list_epoch;
	sqe->head = htole64(ns->sqe_head | (uint32_t)slot->cid << NVME_SQE_CID_SHIFT | opcode);
	sqe->cdw2_3 = 0;
	sqe->mptr = 0;
	sqe->cdw14_15 = 0;
	nvme_qpair_next_sqe(qp);
	return 0;
}

/* Not by a write to the BAR at once. */
static __attribute__((noinline, cold)) int ring_otherwise(struct plx_nvme_qpair *qp, int taken)
{
	if (!qp->defer_doorbell)
		nvme_qpair_ring_sq(qp);
	return taken;
}

/* What is in flight already keeps its stamp: it is refused. */
static __attribute__((noinline, cold)) void stamp(struct plx_nvme_req *const *reqs, unsigned int n)
{
	uint32_t now = nvme_latency_now();
	unsigned int i;

	for (i = 0; i < n; i++)
		if (!plx_nvme_in_flight(reqs[i]))
			reqs[i]->stamp = now;
}

int plx_nvme_qpair_submit(struct plx_nvme_qpair *qp, struct plx_nvme_req *const *reqs,
			  unsigned int n)
{
	unsigned int i;
	int err = 0;

	if (plx_unlikely(atomic_load_explicit(qp->state, memory_order_relaxed) != PLX_NVME_READY))
		return nvme_qpair_state_error(qp);
	if (plx_unlikely(qp->latency != NULL))
		stamp(reqs, n);
	for (i = 0; i < n; i++) {
		err = submit_one(qp, reqs[i]);
		if (plx_unlikely(err))
			break;
	}
	if (plx_unlikely(i == 0))
		return err;
	qp->submitted += i;
	PLX_PROBE(nvme_submit, qp->qid, i);
	if (plx_unlikely(qp->ring_otherwise))
		return ring_otherwise(qp, (int)i);
	nvme_qpair_ring_bar(qp, (uint32_t)(qp->sq_next - qp->sq));
	return (int)i;
}

void plx_nvme_qpair_ring(struct plx_nvme_qpair *qp)
{
	nvme_qpair_ring_sq(qp);
}

int nvme_qpair_post(struct plx_nvme_qpair *qp, const struct nvme_sqe *sqe, struct plx_nvme_req *req,
		    uint16_t list)
{
	if (qp->free_slot == NVME_NONE)
		return -EAGAIN;
	nvme_qpair_put(qp, sqe, req, list);
	qp->submitted++;
	nvme_qpair_ring_sq(qp);
	return 0;
}

/* --- Completion ----------------------------------------------------------------------------- */

static inline void free_slot(struct plx_nvme_qpair *qp, struct nvme_slot *slot, uint32_t index)
{
	uint16_t list = NVME_SLOT_LIST(slot);

	if (plx_unlikely(list != NVME_NO_LIST))
		qp->free_lists[qp->free_list_count++] = list;
	slot->req = NULL;
	/* The next generation: this completion, come again, will not match. */
	slot->cid = (uint16_t)(slot->cid + qp->cid_step);
	slot->next = (uint16_t)qp->free_slot;
	qp->free_slot = index;
}

/* The request whose completion this is, now ended; NULL if there can be no such completion. */
static inline struct plx_nvme_req *complete(struct plx_nvme_qpair *qp, uint64_t tail,
					    uint64_t result)
{
	uint32_t index = (uint32_t)(tail >> NVME_CQE_CID_SHIFT) & qp->slot_mask;
	struct nvme_slot *slot = &qp->slots[index];
	struct plx_nvme_req *req = slot->req;

	/* Right id and a head inside the queue, in one comparison. */
	if (plx_unlikely((uint32_t)tail - qp->sqid_base >= qp->sq_size || !req ||
			 slot->cid != (uint16_t)(tail >> NVME_CQE_CID_SHIFT)))
		return NULL;
	req->result = le64toh(result);
	req->status = (uint32_t)(tail >> NVME_CQE_STATUS_SHIFT);
	if (plx_unlikely(req->status))
		qp->errors++;
	free_slot(qp, slot, index);
	return req;
}

/* What take() found at the head of the completion queue. */
enum taken {
	TAKEN_NOTHING,
	TAKEN_REQUEST,
	TAKEN_LIE, /* the entry is used up; the caller hands its tail to after_lie() */
};

static inline enum taken take(struct plx_nvme_qpair *qp, struct plx_nvme_req **req, uint64_t *tail)
{
	struct nvme_cqe *cqe = qp->cq_next, *next = cqe + 1;

	*tail = le64toh(PLX_READ_ONCE(cqe->tail));
	if ((*tail ^ qp->cq_phase) & NVME_CQE_PHASE)
		return TAKEN_NOTHING;
	/* The rest of the entry, and the data, are not older than its phase. */
	plx_dma_rmb();
	if (plx_unlikely(next == qp->cq_end)) {
		next = qp->cq;
		qp->cq_phase ^= NVME_CQE_PHASE;
	}
	qp->cq_next = next;
	*req = complete(qp, *tail, PLX_READ_ONCE(cqe->result));
	return plx_likely(*req != NULL) ? TAKEN_REQUEST : TAKEN_LIE;
}

/* A request that a reset took off the queue. */
static struct plx_nvme_req *take_aborted(struct plx_nvme_qpair *qp)
{
	struct plx_nvme_req *req = qp->aborted;

	qp->aborted = req->next;
	req->result = 0;
	req->status = PLX_NVME_ABORTED;
	qp->errors++;
	return req;
}

/* What is rare is behind tail calls, so that the loops keep their state in scratch registers. */
static __attribute__((noinline, cold)) unsigned int look_at_clock(struct plx_nvme_qpair *qp,
								  unsigned int n)
{
	qp->polls_to_tick = POLLS_TO_TICK;
	if (qp->cq_lag >= qp->cq_lag_max)
		nvme_qpair_ring_cq(qp);
	nvme_qpair_tick_if_due(qp);
	return n;
}

static __attribute__((noinline, cold)) unsigned int ring_cq_shadow(struct plx_nvme_qpair *qp,
								   unsigned int n)
{
	nvme_qpair_ring_cq(qp);
	return n;
}

/* After n requests have ended: doorbell and clock, if it is time. Return: n. */
static inline __attribute__((always_inline)) unsigned int end_poll(struct plx_nvme_qpair *qp,
								   unsigned int n)
{
	qp->completed += n;
	qp->cq_lag += n;
	PLX_PROBE(nvme_complete, qp->qid, n);
	if (plx_unlikely(n == 0 || --qp->polls_to_tick == 0))
		return look_at_clock(qp, n);
	if (qp->cq_lag < qp->cq_lag_max)
		return n;
	if (plx_unlikely(qp->cq_shadow.value != NULL))
		return ring_cq_shadow(qp, n);
	nvme_qpair_ring_cq_bar(qp, (uint32_t)(qp->cq_next - qp->cq));
	return n;
}

/* A lie ends the poll; what is behind it is for the next one. */
static __attribute__((noinline, cold)) unsigned int after_lie(struct plx_nvme_qpair *qp,
							      unsigned int n, uint64_t tail)
{
	nvme_qpair_lie(qp, tail);
	qp->cq_lag++;
	return end_poll(qp, n);
}

/* Deliver what a reset took off the queue, at most max. */
static __attribute__((noinline, cold)) unsigned int poll_aborted(struct plx_nvme_qpair *qp,
								 unsigned int max)
{
	unsigned int n = 0;

	while (qp->aborted && n < max) {
		struct plx_nvme_req *req = take_aborted(qp);

		n++;
		if (req->done)
			req->done(req);
	}
	qp->completed += n;
	return n;
}

static __attribute__((noinline, cold)) unsigned int
reap_aborted(struct plx_nvme_qpair *qp, struct plx_nvme_req **reqs, unsigned int max)
{
	unsigned int n = 0;

	while (qp->aborted && n < max)
		reqs[n++] = take_aborted(qp);
	qp->completed += n;
	return n;
}

enum measure {
	MEASURE_NOTHING,
	MEASURE_LATENCY,
};

static inline __attribute__((always_inline)) unsigned int
poll_most(struct plx_nvme_qpair *qp, unsigned int most, enum measure measure)
{
	enum taken taken = TAKEN_REQUEST;
	struct plx_nvme_req *req;
	unsigned int n = 0;
	uint64_t tail;

	while (n < most) {
		taken = take(qp, &req, &tail);
		if (taken != TAKEN_REQUEST)
			break;
		n++;
		/* A callback may have stopped it, and what it submitted may have ended by now. */
		if (measure == MEASURE_LATENCY && qp->latency)
			nvme_latency_add(qp, req, nvme_latency_now());
		if (req->done)
			req->done(req);
	}
	if (plx_unlikely(taken == TAKEN_LIE))
		return after_lie(qp, n, tail);
	return end_poll(qp, n);
}

static __attribute__((noinline, cold)) unsigned int poll_measured(struct plx_nvme_qpair *qp,
								  unsigned int most)
{
	return poll_most(qp, most, MEASURE_LATENCY);
}

unsigned int plx_nvme_qpair_poll(struct plx_nvme_qpair *qp, unsigned int max)
{
	/* Callbacks may keep the controller busy: one queue's worth is enough. */
	unsigned int most = max && max < qp->sq_size ? max : qp->sq_size;

	if (plx_unlikely(qp->aborted != NULL))
		return poll_aborted(qp, most);
	if (plx_unlikely(qp->latency != NULL))
		return poll_measured(qp, most);
	return poll_most(qp, most, MEASURE_NOTHING);
}

static inline __attribute__((always_inline)) unsigned int reap_most(struct plx_nvme_qpair *qp,
								    struct plx_nvme_req **reqs,
								    unsigned int max,
								    enum measure measure)
{
	uint32_t now = measure == MEASURE_LATENCY ? nvme_latency_now() : 0;
	enum taken taken = TAKEN_REQUEST;
	struct plx_nvme_req **at = reqs, **end = reqs + max, *req;
	unsigned int n;
	uint64_t tail;

	while (at < end) {
		taken = take(qp, &req, &tail);
		if (taken != TAKEN_REQUEST)
			break;
		if (measure == MEASURE_LATENCY)
			nvme_latency_add(qp, req, now);
		*at++ = req;
	}
	n = (unsigned int)(at - reqs);
	if (plx_unlikely(taken == TAKEN_LIE))
		return after_lie(qp, n, tail);
	return end_poll(qp, n);
}

static __attribute__((noinline, cold)) unsigned int
reap_measured(struct plx_nvme_qpair *qp, struct plx_nvme_req **reqs, unsigned int max)
{
	return reap_most(qp, reqs, max, MEASURE_LATENCY);
}

unsigned int plx_nvme_qpair_reap(struct plx_nvme_qpair *qp, struct plx_nvme_req **reqs,
				 unsigned int max)
{
	if (plx_unlikely(qp->aborted != NULL))
		return reap_aborted(qp, reqs, max);
	if (plx_unlikely(qp->latency != NULL))
		return reap_measured(qp, reqs, max);
	return reap_most(qp, reqs, max, MEASURE_NOTHING);
}

unsigned int plx_nvme_qpair_in_flight(const struct plx_nvme_qpair *qp)
{
	return (unsigned int)(qp->submitted - qp->completed);
}
