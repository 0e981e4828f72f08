/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Commands that are late, step by step: the controller is asked to abort them (Base 5.1); if they
 * still do not end, their queue pair is deleted, its requests are handed back, and it is created
 * again; if that fails, the controller is broken. Called by the tick of a queue pair, on its
 * thread. A request ends by its completion, or when the controller has surely forgotten its
 * command: never because of a time-out alone.
 *
 * The controller's lock is only tried: whoever holds it may be waiting for this thread, and the
 * next tick comes soon.
 */
#include <errno.h>
#include <inttypes.h>

#include "eal/probe.h"
#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

#define ABORT_CID_SHIFT 16

static bool is_late(const struct plx_nvme_qpair *qp, const struct nvme_slot *slot)
{
	return slot->req && (uint16_t)(qp->epoch - NVME_SLOT_EPOCH(slot)) > qp->epochs_max;
}

/* The first command that has been in flight for too long, or NULL; counts them all. */
static const struct nvme_slot *find_late(const struct plx_nvme_qpair *qp, uint32_t *count)
{
	const struct nvme_slot *first = NULL;
	uint32_t i;

	*count = 0;
	for (i = 0; i <= qp->slot_mask; i++) {
		if (!is_late(qp, &qp->slots[i]))
			continue;
		if (!first)
			first = &qp->slots[i];
		++*count;
	}
	return first;
}

/* --- Abort ---------------------------------------------------------------------------------- */

static struct plx_nvme_req *free_abort(struct plx_nvme_ctrl *ctrl)
{
	unsigned int i;

	for (i = 0; i < NVME_ABORTS_MAX && i < ctrl->abort_limit; i++)
		if (!plx_nvme_in_flight(&ctrl->aborts[i]))
			return &ctrl->aborts[i];
	return NULL;
}

static void send_abort(struct plx_nvme_qpair *qp, const struct nvme_slot *slot,
		       struct plx_nvme_req *req)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_ABORT,
		.cdw10 = htole32((uint32_t)slot->cid << ABORT_CID_SHIFT | qp->qid),
	};

	if (nvme_qpair_post(&qp->ctrl->admin, &sqe, req, NVME_NO_LIST))
		return;
	/* The controller has its time from the last of them on. */
	qp->abort_epoch = qp->epoch;
	PLX_PROBE(nvme_abort, qp->qid, slot->req);
	qp->ctrl->stats.admin_commands++;
	qp->ctrl->stats.abort_commands++;
}

/* Each late command once, as many at a time as the controller takes. */
static void send_aborts(struct plx_nvme_qpair *qp)
{
	struct plx_nvme_ctrl *ctrl = qp->ctrl;

	if (pthread_mutex_trylock(&ctrl->lock))
		return;
	plx_nvme_qpair_poll(&ctrl->admin, 0);
	for (; qp->abort_next <= qp->slot_mask; qp->abort_next++) {
		const struct nvme_slot *slot = &qp->slots[qp->abort_next];
		struct plx_nvme_req *req;

		if (!is_late(qp, slot))
			continue;
		req = free_abort(ctrl);
		if (!req)
			break;
		send_abort(qp, slot, req);
	}
	pthread_mutex_unlock(&ctrl->lock);
}

void nvme_aborts_forget(struct plx_nvme_ctrl *ctrl)
{
	unsigned int i;

	for (i = 0; i < NVME_ABORTS_MAX; i++)
		ctrl->aborts[i].status = PLX_NVME_ABORTED;
}

/* --- Delete and create ----------------------------------------------------------------------- */

static void delete_queue(struct plx_nvme_qpair *qp)
{
	struct plx_nvme_ctrl *ctrl = qp->ctrl;

	if (pthread_mutex_trylock(&ctrl->lock))
		return;
	PLX_WARN(nvme, "%s: queue pair %u: Abort did not help; deleting the queue pair",
		 ctrl->info.name, qp->qid);
	if (nvme_admin_delete_queues(ctrl, qp)) {
		nvme_ctrl_break(ctrl, "it does not delete queue pair %u", qp->qid);
	} else {
		qp->recovery = NVME_RECOVERY_DELETED;
		qp->state = &nvme_recovering_state;
		/* As soon as what it had completed has been taken. */
		qp->next_tick -= qp->tick_tsc;
	}
	pthread_mutex_unlock(&ctrl->lock);
}

static void create_queue(struct plx_nvme_qpair *qp)
{
	struct plx_nvme_ctrl *ctrl = qp->ctrl;

	if (nvme_qpair_pending(qp) || pthread_mutex_trylock(&ctrl->lock)) {
		qp->next_tick -= qp->tick_tsc;
		return;
	}
	nvme_qpair_abort(qp);
	nvme_qpair_rewind(qp);
	if (nvme_admin_create_queues(ctrl, qp)) {
		nvme_ctrl_break(ctrl, "it does not create queue pair %u again", qp->qid);
	} else {
		ctrl->stats.queue_recoveries++;
		PLX_WARN(nvme, "%s: queue pair %u goes on", ctrl->info.name, qp->qid);
	}
	nvme_recover_reset(qp);
	pthread_mutex_unlock(&ctrl->lock);
}

void nvme_recover_reset(struct plx_nvme_qpair *qp)
{
	qp->recovery = NVME_RECOVERY_NONE;
	if (qp->state == &nvme_recovering_state)
		qp->state = &qp->ctrl->state;
}

/* --- Steps ---------------------------------------------------------------------------------- */

static void begin(struct plx_nvme_qpair *qp, const struct nvme_slot *slot, uint32_t count)
{
	struct plx_nvme_ctrl *ctrl = qp->ctrl;

	atomic_fetch_add_explicit(&ctrl->timeouts, count, memory_order_relaxed);
	if (ctrl->config.on_timeout == PLX_NVME_TIMEOUT_BREAK) {
		nvme_ctrl_break(
			ctrl,
			"queue pair %u: %u commands did not end in %u ms, the first: opcode "
			"0x%02x, block %" PRIu64,
			qp->qid, count, qp->timeout_ms, slot->req->opcode, slot->req->lba);
		return;
	}
	PLX_WARN(nvme,
		 "%s: queue pair %u: %u commands did not end in %u ms, the first: opcode 0x%02x, "
		 "block %" PRIu64 "; aborting them",
		 ctrl->info.name, qp->qid, count, qp->timeout_ms, slot->req->opcode,
		 slot->req->lba);
	qp->recovery = NVME_RECOVERY_ABORTING;
	qp->abort_next = 0;
	qp->abort_epoch = qp->epoch;
	send_aborts(qp);
}

void nvme_recover_step(struct plx_nvme_qpair *qp)
{
	const struct nvme_slot *slot;
	uint32_t count;

	if (qp->recovery == NVME_RECOVERY_DELETED) {
		create_queue(qp);
		return;
	}
	slot = find_late(qp, &count);
	if (!slot)
		qp->recovery = NVME_RECOVERY_NONE;
	else if (qp->recovery == NVME_RECOVERY_NONE)
		begin(qp, slot, count);
	else if ((uint16_t)(qp->epoch - qp->abort_epoch) <= qp->abort_epochs_max)
		send_aborts(qp);
	else
		delete_queue(qp);
}
