/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A queue pair inside: the admin queue and the I/O queues are the same thing. qpair.c is the data
 * path, qpair_life.c allocation, creation, time-outs and abortion.
 *
 * Command ids. A command id is the index of a slot plus a generation in the bits above it, which
 * moves on each time the slot is freed: a completion that comes twice or late does not match the
 * slot's next command. A slot holds a request while, and only while, its command is in flight.
 *
 * Flow. At most sq_size - 1 commands are in flight, so the submission queue cannot overflow
 * whatever the controller says of its head. The completion queue has room for as many, plus
 * cq_lag_max whose doorbell need not have been rung yet.
 */
#ifndef POLLUX_NVME_QPAIR_H
#define POLLUX_NVME_QPAIR_H

#include <stdatomic.h>

#include <pollux/clock.h>
#include <pollux/mmio.h>
#include <pollux/nvme.h>

#include "nvme/nvme_spec.h"

/** No slot; as an index it is never valid, for one entry of each queue stays free. */
#define NVME_NONE 0xffff
/** No PRP list: they are numbered from 1. */
#define NVME_NO_LIST 0

/** Everything here is in memory that the device cannot reach. */
struct nvme_slot {
	struct plx_nvme_req *req; /* NULL: free */
	uint16_t cid;		  /* of the command in flight, or of the next one */
	uint16_t next;		  /* free: the next free slot */
	/* In flight: the PRP list in use or NVME_NO_LIST, and plx_nvme_qpair.epoch as it was. */
	uint32_t list_epoch;
};

#define NVME_SLOT_LIST(slot)	     ((uint16_t)(slot)->list_epoch)
#define NVME_SLOT_EPOCH(slot)	     ((uint16_t)((slot)->list_epoch >> 16))
#define NVME_LIST_EPOCH(list, epoch) ((uint32_t)(epoch) << 16 | (list))

/** A doorbell in memory; see shadow.c. */
struct nvme_shadow {
	uint32_t *value; /* NULL: there is none */
	const uint32_t *event;
	uint32_t last; /* what value holds: the device could have changed it */
};

/** What is being done about late commands; see recover.c. */
enum nvme_recovery {
	NVME_RECOVERY_NONE,
	NVME_RECOVERY_ABORTING, /* Abort commands are on their way */
	NVME_RECOVERY_DELETED,	/* the controller has forgotten the queues */
};
/** What the state pointer points to meanwhile. */
extern const atomic_int nvme_recovering_state;

struct plx_nvme_qpair {
	/* Submission */
	const atomic_int *state; /* the controller's, or that of a queue being closed */
	struct plx_nvme_ctrl *ctrl;
	struct nvme_slot *slots;
	struct nvme_sqe *sq;
	struct nvme_sqe *sq_next; /* the tail */
	struct nvme_sqe *sq_end;
	uint32_t sq_size;
	uint32_t free_slot;	/* head of the free slots */
	uint32_t no_list_epoch; /* NVME_LIST_EPOCH(NVME_NO_LIST, epoch) */
	uint16_t epoch;		/* moves on with each tick */
	uint16_t qid;
	void *sq_doorbell;
	uint32_t page_shift; /* memory page (CC.MPS) */
	uint32_t max_transfer;
	/* PRP lists: list_bytes each, a power of two, none crosses a page */
	uint64_t *lists;
	plx_iova_t lists_iova;
	uint16_t *free_lists; /* stack of numbers */
	uint32_t free_list_count;
	uint32_t list_shift;
	bool defer_doorbell;
	bool ring_otherwise; /* deferred, or a shadow doorbell */
	uint64_t submitted;
	struct plx_nvme_latency *latency; /* NULL: not measured */
	struct nvme_shadow sq_shadow;

	/* Completion */
	struct nvme_cqe *cq PLX_CACHE_ALIGNED;
	struct nvme_cqe *cq_next; /* the head */
	struct nvme_cqe *cq_end;
	uint32_t cq_size;
	uint64_t cq_phase;   /* of a new entry, at its place in nvme_cqe.tail */
	uint32_t sqid_base;  /* queue id at its place in nvme_cqe.tail */
	uint32_t slot_mask;  /* slots: a power of two */
	uint16_t cid_step;   /* to the next generation: slot_mask + 1 */
	uint32_t cq_lag;     /* entries taken since the doorbell was rung */
	uint32_t cq_lag_max; /* ring at the latest then */
	void *cq_doorbell;
	struct plx_nvme_req *aborted; /* ended by a reset: to be delivered by the next poll */
	uint32_t polls_to_tick;
	uint64_t next_tick; /* TSC */
	uint64_t completed, errors;
	struct nvme_shadow cq_shadow;

	/* Cold */
	uint64_t sq_doorbells, cq_doorbells;
	plx_iova_t sq_iova;
	bool sq_in_cmb;
	uint64_t lies[PLX_NVME_LIE_KINDS];
	uint32_t lie_count;
	uint32_t list_count;
	uint64_t tick_tsc;   /* 0: no ticks */
	uint16_t epochs_max; /* a command older than so many ticks is late */
	uint32_t timeout_ms;
	enum nvme_recovery recovery;
	uint16_t abort_epoch;	   /* recovering: when it began */
	uint16_t abort_epochs_max; /* the controller has so many ticks to abort commands */
	uint32_t abort_next;	   /* slots from here on have not been looked at */
	bool no_coalescing;
	enum plx_nvme_mode mode; /* of plx_nvme_qpair_wait() */
	uint64_t spin_ns;	 /* adaptive mode: look so long before sleeping */
	uint8_t priority;	 /* as the submission queue has it */
	uint32_t no_doorbell;	 /* rung while the controller does not know the queues */
	int vector;		 /* -1: no interrupt */
	bool created;		 /* the controller knows it, or may know it */
	size_t memory_bytes;
};

/** What a queue pair is made of; nvme_qpair_init() takes it as checked. */
struct nvme_qpair_shape {
	uint16_t qid;
	uint32_t sq_size;
	uint32_t cq_lag_max;   /* at least 1 */
	uint32_t max_transfer; /* bytes; 0: no data */
	uint32_t list_count;
	uint32_t page_shift;
	uint32_t timeout_ms; /* 0: the caller watches the time */
	int node;
};

/* qpair_life.c */
/** Allocate rings, slots and lists, find the doorbells. 0 or -ENOMEM (nothing is kept then). */
int nvme_qpair_init(struct plx_nvme_qpair *qp, struct plx_nvme_ctrl *ctrl,
		    const struct nvme_qpair_shape *shape);
void nvme_qpair_fini(struct plx_nvme_qpair *qp);
/** Rings to their initial state. No command may be in flight. */
void nvme_qpair_rewind(struct plx_nvme_qpair *qp);
/**
 * Take all commands in flight out of their slots: their requests are delivered by the next poll or
 * reap. The device must not be able to reach their data any more.
 */
void nvme_qpair_abort(struct plx_nvme_qpair *qp);
/** Called by the data path when next_tick has come: late commands, fatal status, removal. */
void nvme_qpair_tick(struct plx_nvme_qpair *qp, uint64_t now);
/** The controller's doorbells, or one that nobody hears. */
void nvme_qpair_plug(struct plx_nvme_qpair *qp);
void nvme_qpair_unplug(struct plx_nvme_qpair *qp);
/** Why submit refuses: -EIO, -ENODEV, -ESHUTDOWN, -EAGAIN (recovering). */
int nvme_qpair_state_error(const struct plx_nvme_qpair *qp);
/** A completion that cannot be. Logs and breaks the controller when there are too many. */
void nvme_qpair_lie(struct plx_nvme_qpair *qp, uint64_t cqe_tail);

/* irq.c */
/** Is there something for poll or reap? */
bool nvme_qpair_ready(const struct plx_nvme_qpair *qp);
/** A time-out (-1: none) as a time of plx_clock_ns(), and how long of it to sleep at once. */
uint64_t nvme_wait_end(uint64_t now_ns, int timeout_ms);
int nvme_wait_slice_ms(uint64_t now_ns, uint64_t end_ns);

/* latency.c */
/** The time as requests are stamped with it. */
uint32_t nvme_latency_now(void);
void nvme_latency_add(struct plx_nvme_qpair *qp, const struct plx_nvme_req *req, uint32_t now);

/* recover.c */
/** Look for late commands, and do the next step about them. */
void nvme_recover_step(struct plx_nvme_qpair *qp);
/** Nothing is being done any more: the controller has been reset. */
void nvme_recover_reset(struct plx_nvme_qpair *qp);

/* shadow.c */
/** Put a value into a shadow doorbell. True: the real one must be rung, too. */
bool nvme_shadow_ring(struct nvme_shadow *s, uint32_t value);
/** The controller's shadow doorbells, if it has them; or none. */
void nvme_shadow_plug(struct plx_nvme_qpair *qp);
void nvme_shadow_unplug(struct plx_nvme_qpair *qp);

/* qpair.c */
/** Submit a ready-made command; the command id is filled in. Rings. 0 or -EAGAIN. */
int nvme_qpair_post(struct plx_nvme_qpair *qp, const struct nvme_sqe *sqe, struct plx_nvme_req *req,
		    uint16_t list);

/* --- Submission, what qpair.c and cmd.c share ------------------------------------------------- */

/** The slot at the head of the free ones is the request's from here on. */
static inline struct nvme_slot *nvme_qpair_take_slot(struct plx_nvme_qpair *qp, uint32_t index,
						     struct plx_nvme_req *req)
{
	struct nvme_slot *slot = &qp->slots[index];

	qp->free_slot = slot->next;
	slot->req = req;
	req->status = PLX_NVME_PENDING;
	return slot;
}

static inline void nvme_qpair_next_sqe(struct plx_nvme_qpair *qp)
{
	struct nvme_sqe *next = qp->sq_next + 1;

	qp->sq_next = next == qp->sq_end ? qp->sq : next;
}

/** A ready-made command into the queue; the command id is filled in. There is a free slot. */
static inline void nvme_qpair_put(struct plx_nvme_qpair *qp, const struct nvme_sqe *sqe,
				  struct plx_nvme_req *req, uint16_t list)
{
	struct nvme_sqe *to = qp->sq_next;
	struct nvme_slot *slot = nvme_qpair_take_slot(qp, qp->free_slot, req);

	slot->list_epoch = NVME_LIST_EPOCH(list, qp->epoch);
	nvme_qpair_next_sqe(qp);
	*to = *sqe;
	to->cid = htole16(slot->cid);
}

static inline void nvme_qpair_ring_bar(struct plx_nvme_qpair *qp, uint32_t tail)
{
	/* The entries must be in memory before the controller hears of them. */
	plx_dma_wmb();
	plx_mmio_write32(qp->sq_doorbell, tail);
	qp->sq_doorbells++;
}

static inline void nvme_qpair_ring_sq(struct plx_nvme_qpair *qp)
{
	uint32_t tail = (uint32_t)(qp->sq_next - qp->sq);

	plx_dma_wmb();
	if (!qp->sq_shadow.value || nvme_shadow_ring(&qp->sq_shadow, tail))
		nvme_qpair_ring_bar(qp, tail);
}

/* --- Completion ----------------------------------------------------------------------------- */

/** Is there a completion to take? */
static inline bool nvme_qpair_pending(const struct plx_nvme_qpair *qp)
{
	uint64_t tail = le64toh(PLX_READ_ONCE(qp->cq_next->tail));

	return !((tail ^ qp->cq_phase) & NVME_CQE_PHASE);
}

/** Look at the clock. */
static inline void nvme_qpair_tick_if_due(struct plx_nvme_qpair *qp)
{
	uint64_t now = plx_tsc();

	if (plx_unlikely(now - qp->next_tick < UINT64_MAX / 2))
		nvme_qpair_tick(qp, now);
}

static inline void nvme_qpair_ring_cq_bar(struct plx_nvme_qpair *qp, uint32_t head)
{
	plx_mmio_write32(qp->cq_doorbell, head);
	qp->cq_lag = 0;
	qp->cq_doorbells++;
}

/** Tell the controller what has been taken from the completion queue. */
static inline void nvme_qpair_ring_cq(struct plx_nvme_qpair *qp)
{
	uint32_t head = (uint32_t)(qp->cq_next - qp->cq);

	if (qp->cq_lag == 0)
		return;
	qp->cq_lag = 0;
	if (!qp->cq_shadow.value || nvme_shadow_ring(&qp->cq_shadow, head))
		nvme_qpair_ring_cq_bar(qp, head);
}

#endif /* POLLUX_NVME_QPAIR_H */
