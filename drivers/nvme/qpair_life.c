/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The life of a queue pair: its memory, creation and deletion, and what the data path leaves aside:
 * late commands, lies, and requests that end without a completion.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

#define TICK_MS_MAX	 500
#define TICKS_PER_LIMIT	 8
#define EPOCHS_MAX	 0x7fffu
#define LIST_BYTES_TOTAL (48 * 1024)
#define LISTS_MIN	 8
/* Completions whose doorbell may wait: a quarter of the queue, and so many of a short one. */
#define LAG_MIN	     16
#define QUEUE_CLOSED (-1)
#define RECOVERING   (-2)

/* What the state pointer of a queue pair that is being closed points to. */
static const atomic_int closed_state = QUEUE_CLOSED;
/* And of one that is between deletion and creation; see recover.c. */
const atomic_int nvme_recovering_state = RECOVERING;

/* --- Memory --------------------------------------------------------------------------------- */

static uint32_t power_of_two(uint32_t n)
{
	return n <= 1 ? 1 : 1u << (32 - __builtin_clz(n - 1));
}

/* Bytes of a list for the longest transfer: a page more than it has, less the first. */
static uint32_t list_bytes(const struct nvme_qpair_shape *shape)
{
	uint32_t entries =
		(shape->max_transfer + (1u << shape->page_shift) - 1) >> shape->page_shift;

	return power_of_two(entries ? entries * 8 : 8);
}

static void *alloc_ring(struct plx_nvme_qpair *qp, size_t bytes, const struct nvme_qpair_shape *s)
{
	qp->memory_bytes += bytes;
	return plx_dma_zalloc(bytes, (size_t)1 << s->page_shift, s->node);
}

static void *alloc_host(struct plx_nvme_qpair *qp, size_t n, size_t size)
{
	qp->memory_bytes += n * size;
	return calloc(n, size);
}

static int alloc_lists(struct plx_nvme_qpair *qp, const struct nvme_qpair_shape *shape)
{
	uint32_t bytes = list_bytes(shape);

	qp->list_shift = (uint32_t)__builtin_ctz(bytes);
	if (shape->list_count == 0)
		return 0;
	qp->lists = alloc_ring(qp, (size_t)bytes * shape->list_count, shape);
	qp->free_lists = alloc_host(qp, shape->list_count, sizeof(*qp->free_lists));
	if (!qp->lists || !qp->free_lists)
		return -ENOMEM;
	qp->list_count = shape->list_count;
	qp->lists_iova = plx_iova(qp->lists);
	return 0;
}

static void set_ticks(struct plx_nvme_qpair *qp, uint32_t timeout_ms)
{
	uint32_t tick_ms = timeout_ms / TICKS_PER_LIMIT;
	uint32_t abort_ms = qp->ctrl->config.admin_timeout_ms;

	if (timeout_ms == 0) {
		/* Half of the range ahead: it never comes. */
		qp->next_tick = plx_tsc() + UINT64_MAX / 2;
		return;
	}
	if (tick_ms == 0)
		tick_ms = 1;
	if (tick_ms > TICK_MS_MAX)
		tick_ms = TICK_MS_MAX;
	if (abort_ms > timeout_ms)
		abort_ms = timeout_ms;
	/* Half of what an epoch can count. */
	if (tick_ms < timeout_ms / EPOCHS_MAX + 1)
		tick_ms = timeout_ms / EPOCHS_MAX + 1;
	qp->timeout_ms = timeout_ms;
	qp->tick_tsc = plx_ns_to_tsc(tick_ms * UINT64_C(1000000));
	qp->next_tick = plx_tsc() + qp->tick_tsc;
	/* One more: the command may have come just before a tick. */
	qp->epochs_max = (uint16_t)((timeout_ms + tick_ms - 1) / tick_ms + 1);
	qp->abort_epochs_max =
		(uint16_t)(abort_ms / tick_ms < EPOCHS_MAX ? abort_ms / tick_ms : EPOCHS_MAX);
}

static size_t sq_bytes(const struct plx_nvme_qpair *qp)
{
	return qp->sq_size * sizeof(*qp->sq);
}

/* In the controller's memory, if there is room; never the admin queue. */
static void alloc_sq(struct plx_nvme_qpair *qp, const struct nvme_qpair_shape *shape)
{
	if (qp->qid)
		qp->sq = nvme_cmb_take(qp->ctrl, sq_bytes(qp), &qp->sq_iova);
	qp->sq_in_cmb = qp->sq != NULL;
	if (qp->sq_in_cmb)
		return;
	qp->sq = alloc_ring(qp, sq_bytes(qp), shape);
	qp->sq_iova = plx_iova(qp->sq);
}

static void free_sq(struct plx_nvme_qpair *qp)
{
	if (qp->sq_in_cmb)
		nvme_cmb_give(qp->ctrl, qp->sq, sq_bytes(qp));
	else
		plx_dma_free(qp->sq);
}

static int alloc_all(struct plx_nvme_qpair *qp, const struct nvme_qpair_shape *shape)
{
	alloc_sq(qp, shape);
	qp->cq = alloc_ring(qp, qp->cq_size * sizeof(*qp->cq), shape);
	qp->slots = alloc_host(qp, qp->slot_mask + 1, sizeof(*qp->slots));
	if (!qp->sq || !qp->cq || !qp->slots)
		return -ENOMEM;
	return alloc_lists(qp, shape);
}

void nvme_qpair_plug(struct plx_nvme_qpair *qp)
{
	qp->sq_doorbell = nvme_ctrl_doorbell(qp->ctrl, qp->qid, 0);
	qp->cq_doorbell = nvme_ctrl_doorbell(qp->ctrl, qp->qid, 1);
	nvme_shadow_plug(qp);
}

void nvme_qpair_unplug(struct plx_nvme_qpair *qp)
{
	qp->sq_doorbell = &qp->no_doorbell;
	qp->cq_doorbell = &qp->no_doorbell;
	nvme_shadow_unplug(qp);
}

int nvme_qpair_init(struct plx_nvme_qpair *qp, struct plx_nvme_ctrl *ctrl,
		    const struct nvme_qpair_shape *shape)
{
	int err;

	*qp = (struct plx_nvme_qpair){
		.state = &ctrl->state,
		.ctrl = ctrl,
		.sq_size = shape->sq_size,
		.qid = shape->qid,
		.page_shift = shape->page_shift,
		.max_transfer = shape->max_transfer,
		/* The lag has its own room, beside that for all commands in flight. */
		.cq_size = shape->sq_size + shape->cq_lag_max - 1,
		.cq_lag_max = shape->cq_lag_max,
		.sqid_base = (uint32_t)shape->qid << NVME_CQE_SQID_SHIFT,
		.slot_mask = power_of_two(shape->sq_size) - 1,
		.cid_step = (uint16_t)power_of_two(shape->sq_size),
		.no_list_epoch = NVME_LIST_EPOCH(NVME_NO_LIST, 0),
		.polls_to_tick = 1,
		.vector = -1,
		.memory_bytes = sizeof(*qp),
	};
	nvme_qpair_plug(qp);
	set_ticks(qp, shape->timeout_ms);
	err = alloc_all(qp, shape);
	if (err)
		nvme_qpair_fini(qp);
	else
		nvme_qpair_rewind(qp);
	return err;
}

void nvme_qpair_fini(struct plx_nvme_qpair *qp)
{
	free(qp->latency);
	free(qp->free_lists);
	free(qp->slots);
	plx_dma_free(qp->lists);
	plx_dma_free(qp->cq);
	free_sq(qp);
}

void nvme_qpair_rewind(struct plx_nvme_qpair *qp)
{
	uint32_t i, last = qp->sq_size - 2;

	memset(qp->cq, 0, qp->cq_size * sizeof(*qp->cq));
	qp->sq_next = qp->sq;
	qp->sq_end = qp->sq + qp->sq_size;
	qp->cq_next = qp->cq;
	qp->cq_end = qp->cq + qp->cq_size;
	qp->cq_phase = NVME_CQE_PHASE;
	qp->cq_lag = 0;
	qp->lie_count = 0;
	qp->free_slot = 0;
	for (i = 0; i <= last; i++) {
		struct nvme_slot *slot = &qp->slots[i];

		slot->req = NULL;
		slot->next = i == last ? NVME_NONE : (uint16_t)(i + 1);
		/* Generations go on, so that nothing of the former life matches. */
		slot->cid = (uint16_t)((slot->cid & ~qp->slot_mask) | i);
	}
	for (i = 0; i < qp->list_count; i++)
		qp->free_lists[i] = (uint16_t)(i + 1);
	qp->free_list_count = qp->list_count;
}

/* --- What ends without a completion, or not at all ------------------------------------------ */

int nvme_qpair_state_error(const struct plx_nvme_qpair *qp)
{
	int err = nvme_ctrl_state_error(qp->ctrl);

	if (qp->state == &closed_state)
		return -ESHUTDOWN;
	return err || qp->state != &nvme_recovering_state ? err : -EAGAIN;
}

void nvme_qpair_abort(struct plx_nvme_qpair *qp)
{
	uint32_t i, n = 0;

	for (i = 0; i <= qp->slot_mask; i++) {
		struct nvme_slot *slot = &qp->slots[i];

		if (!slot->req)
			continue;
		slot->req->next = qp->aborted;
		qp->aborted = slot->req;
		if (NVME_SLOT_LIST(slot) != NVME_NO_LIST)
			qp->free_lists[qp->free_list_count++] = NVME_SLOT_LIST(slot);
		slot->req = NULL;
		slot->cid = (uint16_t)(slot->cid + qp->cid_step);
		slot->next = (uint16_t)qp->free_slot;
		qp->free_slot = i;
		n++;
	}
	atomic_fetch_add_explicit(&qp->ctrl->aborted, n, memory_order_relaxed);
}

void nvme_qpair_tick(struct plx_nvme_qpair *qp, uint64_t now)
{
	struct plx_nvme_ctrl *ctrl = qp->ctrl;
	uint32_t csts;

	qp->next_tick = now + qp->tick_tsc;
	qp->epoch++;
	qp->no_list_epoch = NVME_LIST_EPOCH(NVME_NO_LIST, qp->epoch);
	csts = nvme_get32(ctrl, NVME_CSTS);
	if (!nvme_ctrl_answers(ctrl, csts))
		nvme_ctrl_gone(ctrl);
	if (nvme_ctrl_state(ctrl) == PLX_NVME_GONE)
		nvme_qpair_abort(qp);
	if (nvme_ctrl_state(ctrl) != PLX_NVME_READY)
		return;
	if (csts & NVME_CSTS_CFS)
		nvme_ctrl_break(ctrl, "fatal status (CSTS.CFS)");
	else if (!(csts & NVME_CSTS_RDY))
		nvme_ctrl_break(ctrl,
				"not ready any more (CSTS.RDY): it was reset behind our back");
	else
		nvme_recover_step(qp);
}

void nvme_qpair_lie(struct plx_nvme_qpair *qp, uint64_t cqe_tail)
{
	uint16_t sqid = (uint16_t)(cqe_tail >> NVME_CQE_SQID_SHIFT);
	enum plx_nvme_lie kind = PLX_NVME_LIE_CID;

	if (sqid != qp->qid)
		kind = PLX_NVME_LIE_SQID;
	else if ((cqe_tail & 0xffff) >= qp->sq_size)
		kind = PLX_NVME_LIE_SQHD;
	qp->lies[kind]++;
	if (++qp->lie_count == PLX_NVME_LIES_MAX)
		nvme_ctrl_break(
			qp->ctrl,
			"queue pair %u: %u completions that cannot be, the last for command "
			"0x%04x of queue %u",
			qp->qid, PLX_NVME_LIES_MAX,
			(unsigned int)(cqe_tail >> NVME_CQE_CID_SHIFT & 0xffff), sqid);
}

/* --- Open ----------------------------------------------------------------------------------- */

/* QPRIO, Base 5.5: 0 urgent, 1 high, 2 medium, 3 low */
static const uint8_t priorities[] = {
	[PLX_NVME_PRIORITY_MEDIUM] = 2,
	[PLX_NVME_PRIORITY_URGENT] = 0,
	[PLX_NVME_PRIORITY_HIGH] = 1,
	[PLX_NVME_PRIORITY_LOW] = 3,
};

static int check_config(const struct plx_nvme_ctrl *ctrl,
			const struct plx_nvme_qpair_config *config)
{
	if (config->depth == 1 || config->depth > 65536) {
		PLX_ERR(nvme, "%s: queue depth %u: give 2 to 65536", ctrl->info.name,
			config->depth);
		return -EINVAL;
	}
	if ((unsigned int)config->priority > PLX_NVME_PRIORITY_LOW) {
		PLX_ERR(nvme, "%s: queue priority %d: there is none", ctrl->info.name,
			(int)config->priority);
		return -EINVAL;
	}
	return nvme_ctrl_state_error(ctrl);
}

static struct nvme_qpair_shape make_shape(const struct plx_nvme_ctrl *ctrl,
					  const struct plx_nvme_qpair_config *config, uint16_t qid)
{
	uint32_t depth = config->depth ? config->depth : PLX_NVME_DEPTH_DEFAULT;
	struct nvme_qpair_shape shape = {
		.qid = qid,
		.sq_size = depth < ctrl->info.max_depth ? depth : ctrl->info.max_depth,
		.cq_lag_max = 1,
		.max_transfer = ctrl->info.max_transfer,
		.page_shift = (uint32_t)__builtin_ctz(ctrl->info.page_size),
		.timeout_ms = ctrl->config.io_timeout_ms,
		.node = plx_dev_info(ctrl->dev)->pci.node,
	};
	uint32_t lag = shape.sq_size / 4 > LAG_MIN ? shape.sq_size / 4 : LAG_MIN;
	uint32_t room = ctrl->info.max_depth - shape.sq_size;

	/* With an interrupt the controller must know at once what has been seen. */
	if (!config->interrupt)
		shape.cq_lag_max += lag < room ? lag : room;
	if (config->max_transfer && config->max_transfer < shape.max_transfer)
		shape.max_transfer = config->max_transfer;
	shape.list_count = config->prp_lists;
	if (shape.list_count == 0)
		shape.list_count = LIST_BYTES_TOTAL / list_bytes(&shape);
	if (shape.list_count < LISTS_MIN)
		shape.list_count = LISTS_MIN;
	if (shape.list_count > shape.sq_size - 1)
		shape.list_count = shape.sq_size - 1;
	/* Two pages need no list, wherever the transfer begins. */
	if (shape.max_transfer <= ctrl->info.page_size)
		shape.list_count = 0;
	return shape;
}

static int find_qid(const struct plx_nvme_ctrl *ctrl, uint16_t *qid)
{
	uint32_t i;

	for (i = 1; i <= ctrl->info.io_queues; i++) {
		if (ctrl->qpairs[i])
			continue;
		*qid = (uint16_t)i;
		return 0;
	}
	PLX_ERR(nvme,
		"%s: all %u I/O queue pairs are in use; ask for more when opening it, or share",
		ctrl->info.name, ctrl->info.io_queues);
	return -ENOSPC;
}

static int create(struct plx_nvme_ctrl *ctrl, struct plx_nvme_qpair *qp, bool interrupt)
{
	int err;

	if (interrupt) {
		qp->vector = nvme_irq_take(ctrl);
		if (qp->vector < 0)
			return qp->vector;
	}
	err = nvme_admin_create_queues(ctrl, qp);
	/* One that did not answer may still write to the rings, which are freed now. */
	if (err && nvme_ctrl_state(ctrl) != PLX_NVME_READY)
		nvme_ctrl_stop(ctrl);
	if (err && qp->vector >= 0)
		nvme_irq_give(ctrl, qp->vector);
	return err;
}

static int open_locked(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_qpair_config *config,
		       struct plx_nvme_qpair *qp)
{
	struct nvme_qpair_shape shape;
	uint16_t qid = 0;
	int err = check_config(ctrl, config);

	if (!err)
		err = find_qid(ctrl, &qid);
	if (err)
		return err;
	shape = make_shape(ctrl, config, qid);
	err = nvme_qpair_init(qp, ctrl, &shape);
	if (err)
		return err;
	qp->defer_doorbell = config->defer_doorbell;
	qp->no_coalescing = config->no_coalescing;
	qp->priority = nvme_tune_weighted(ctrl) ? priorities[config->priority] : 0;
	err = create(ctrl, qp, config->interrupt);
	if (err)
		nvme_qpair_fini(qp);
	else
		ctrl->qpairs[qid] = qp;
	return err;
}

struct plx_nvme_qpair *plx_nvme_qpair_open(struct plx_nvme_ctrl *ctrl,
					   const struct plx_nvme_qpair_config *config)
{
	static const struct plx_nvme_qpair_config defaults;
	struct plx_nvme_qpair *qp = aligned_alloc(PLX_CACHE_LINE, sizeof(*qp));
	unsigned int owner;
	int err;

	if (!qp)
		return NULL;
	pthread_mutex_lock(&ctrl->lock);
	owner = plx_mem_owner_enter(ctrl->info.name);
	err = open_locked(ctrl, config ? config : &defaults, qp);
	plx_mem_owner_leave(owner);
	pthread_mutex_unlock(&ctrl->lock);
	if (!err)
		return qp;
	free(qp);
	errno = -err;
	return NULL;
}

void plx_nvme_qpair_info(const struct plx_nvme_qpair *qp, struct plx_nvme_qpair_info *info)
{
	*info = (struct plx_nvme_qpair_info){
		.id = qp->qid,
		.depth = qp->sq_size,
		.max_transfer = qp->max_transfer,
		.prp_lists = qp->list_count,
		.memory_bytes = qp->memory_bytes,
		.vector = qp->vector,
		.sq_in_cmb = qp->sq_in_cmb,
	};
}

void plx_nvme_qpair_stats(const struct plx_nvme_qpair *qp, struct plx_nvme_qpair_stats *stats)
{
	*stats = (struct plx_nvme_qpair_stats){
		.submitted = qp->submitted,
		.completed = qp->completed,
		.errors = qp->errors,
		.sq_doorbells = qp->sq_doorbells,
		.cq_doorbells = qp->cq_doorbells,
	};
	memcpy(stats->lies, qp->lies, sizeof(stats->lies));
}

/* --- Close and reset ------------------------------------------------------------------------ */

/* Hand every request back: the controller has forgotten the queue, or is stopped. */
static void drain(struct plx_nvme_qpair *qp)
{
	/* First what it had completed, with the status that it gave. */
	while (plx_nvme_qpair_poll(qp, 0))
		;
	nvme_qpair_abort(qp);
	while (plx_nvme_qpair_poll(qp, 0))
		;
}

static void close_locked(struct plx_nvme_qpair *qp)
{
	struct plx_nvme_ctrl *ctrl = qp->ctrl;
	unsigned int i;

	/* A callback that submits is refused from here on. */
	qp->state = &closed_state;
	if (nvme_admin_delete_queues(ctrl, qp)) {
		nvme_ctrl_break(ctrl, "stopped, for it does not delete queue pair %u", qp->qid);
		nvme_ctrl_stop(ctrl);
	}
	drain(qp);
	if (qp->vector >= 0)
		nvme_irq_give(ctrl, qp->vector);
	for (i = 0; i < PLX_NVME_LIE_KINDS; i++)
		ctrl->lies[i] += qp->lies[i];
	ctrl->qpairs[qp->qid] = NULL;
	nvme_qpair_fini(qp);
	free(qp);
}

void plx_nvme_qpair_close(struct plx_nvme_qpair *qp)
{
	struct plx_nvme_ctrl *ctrl;

	if (!qp)
		return;
	ctrl = qp->ctrl;
	pthread_mutex_lock(&ctrl->lock);
	close_locked(qp);
	pthread_mutex_unlock(&ctrl->lock);
}

void nvme_qpairs_close(struct plx_nvme_ctrl *ctrl)
{
	uint32_t i;

	for (i = 1; ctrl->qpairs && i <= ctrl->queue_slots; i++)
		if (ctrl->qpairs[i])
			close_locked(ctrl->qpairs[i]);
}

void nvme_qpairs_delete(struct plx_nvme_ctrl *ctrl)
{
	uint32_t i;
	int err = 0;

	for (i = 1; i <= ctrl->queue_slots && !err; i++)
		if (ctrl->qpairs[i])
			err = nvme_admin_delete_queues(ctrl, ctrl->qpairs[i]);
}

void nvme_qpairs_abort(struct plx_nvme_ctrl *ctrl)
{
	uint32_t i;

	for (i = 1; i <= ctrl->queue_slots; i++) {
		if (!ctrl->qpairs[i])
			continue;
		ctrl->qpairs[i]->created = false;
		nvme_recover_reset(ctrl->qpairs[i]);
		nvme_qpair_abort(ctrl->qpairs[i]);
		nvme_qpair_rewind(ctrl->qpairs[i]);
	}
}

int nvme_qpairs_recreate(struct plx_nvme_ctrl *ctrl)
{
	uint32_t i;
	int err = 0;

	for (i = 1; i <= ctrl->queue_slots && !err; i++) {
		if (!ctrl->qpairs[i])
			continue;
		err = nvme_admin_create_queues(ctrl, ctrl->qpairs[i]);
	}
	return err;
}
