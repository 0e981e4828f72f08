/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts: one vector per queue pair that wants one, and sleeping on it. Vector 0 is the admin
 * queue's (Base 3.1.3.10), which is polled; it is handed out only where there is no other.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/* The longest sleep: a controller that is gone does not wake anybody. */
#define SLICE_MS  500
#define NS_PER_MS UINT64_C(1000000)
/* Adaptive mode: a sleep and its wake-up cost about as much as the longest look. */
#define SPIN_NS_MAX 50000
#define SPIN_NS_MIN 500

static int enable(struct plx_nvme_ctrl *ctrl)
{
	struct nvme_vectors *v = &ctrl->vectors;
	const struct plx_dev_info *info = plx_dev_info(ctrl->dev);
	int type = plx_dev_irq_best(ctrl->dev), err;
	unsigned int count;

	if (type < 0) {
		PLX_ERR(nvme, "%s: has no interrupts; poll it", ctrl->info.name);
		return -ENOTSUP;
	}
	count = info->num_irqs[type];
	if (count > ctrl->queue_slots + 1)
		count = ctrl->queue_slots + 1;
	err = plx_dev_irq_enable(ctrl->dev, (enum plx_irq_type)type, count);
	if (err)
		return err;
	v->used = calloc(count, sizeof(*v->used));
	if (!v->used) {
		plx_dev_irq_disable(ctrl->dev);
		return -ENOMEM;
	}
	v->type = (enum plx_irq_type)type;
	v->count = count;
	return 0;
}

int nvme_irq_take(struct plx_nvme_ctrl *ctrl)
{
	struct nvme_vectors *v = &ctrl->vectors;
	unsigned int i;
	int err;

	if (v->count == 0) {
		err = enable(ctrl);
		if (err)
			return err;
	}
	for (i = v->count > 1 ? 1 : 0; i < v->count; i++) {
		if (v->used[i])
			continue;
		v->used[i] = true;
		return (int)i;
	}
	PLX_ERR(nvme, "%s: its %u interrupt vectors are all in use; poll this queue pair",
		ctrl->info.name, v->count);
	return -ENOSPC;
}

void nvme_irq_give(struct plx_nvme_ctrl *ctrl, int vector)
{
	ctrl->vectors.used[vector] = false;
}

int nvme_irq_restore(struct plx_nvme_ctrl *ctrl)
{
	const struct nvme_vectors *v = &ctrl->vectors;

	/* Still on, if disabling was enough. */
	if (v->count == 0 || plx_dev_irq_fd(ctrl->dev, 0) >= 0)
		return 0;
	return plx_dev_irq_enable(ctrl->dev, v->type, v->count);
}

void nvme_irq_fini(struct plx_nvme_ctrl *ctrl)
{
	free(ctrl->vectors.used);
}

int plx_nvme_qpair_fd(const struct plx_nvme_qpair *qp)
{
	return qp->vector < 0 ? -EINVAL : plx_dev_irq_fd(qp->ctrl->dev, (unsigned int)qp->vector);
}

bool nvme_qpair_ready(const struct plx_nvme_qpair *qp)
{
	return nvme_qpair_pending(qp) || qp->aborted;
}

uint64_t nvme_wait_end(uint64_t now_ns, int timeout_ms)
{
	return timeout_ms < 0 ? UINT64_MAX : now_ns + (uint64_t)timeout_ms * NS_PER_MS;
}

int nvme_wait_slice_ms(uint64_t now_ns, uint64_t end_ns)
{
	uint64_t left_ms =
		end_ns == UINT64_MAX ? SLICE_MS : (end_ns - now_ns + NS_PER_MS - 1) / NS_PER_MS;

	return (int)(left_ms < SLICE_MS ? left_ms : SLICE_MS);
}

/* Sleep until the vector fires, end_ns, or the next look at the clock for late commands. */
static int sleep_once(struct plx_nvme_qpair *qp, uint64_t now_ns, uint64_t end_ns)
{
	int ret;

	/* With an entry not acknowledged the controller would not interrupt for the next. */
	nvme_qpair_ring_cq(qp);
	ret = plx_dev_irq_wait(qp->ctrl->dev, (unsigned int)qp->vector,
			       nvme_wait_slice_ms(now_ns, end_ns));
	if (ret < 0)
		return ret;
	nvme_qpair_tick_if_due(qp);
	return 0;
}

/* Look until there is something, or until_ns. */
static void spin(struct plx_nvme_qpair *qp, uint64_t until_ns)
{
	while (!nvme_qpair_ready(qp) && plx_clock_ns() < until_ns) {
		nvme_qpair_tick_if_due(qp);
		plx_pause();
	}
}

/*
 * How long to look before sleeping the next time: as long as it pays if a sleep was short; less and
 * less while sleeps are long.
 */
static void adapt(struct plx_nvme_qpair *qp, uint64_t slept_ns)
{
	if (slept_ns < SPIN_NS_MAX)
		qp->spin_ns = SPIN_NS_MAX;
	else if (qp->spin_ns > SPIN_NS_MIN)
		qp->spin_ns /= 2;
}

static int wait_once(struct plx_nvme_qpair *qp, uint64_t now, uint64_t end)
{
	uint64_t slept;
	int err;

	switch (qp->mode) {
	case PLX_NVME_MODE_POLL:
		spin(qp, end);
		return 0;
	case PLX_NVME_MODE_ADAPTIVE:
		spin(qp, now + qp->spin_ns);
		slept = plx_clock_ns();
		if (nvme_qpair_ready(qp) || slept >= end)
			return 0;
		err = sleep_once(qp, slept, end);
		adapt(qp, plx_clock_ns() - slept);
		return err;
	default:
		return sleep_once(qp, now, end);
	}
}

int plx_nvme_qpair_wait(struct plx_nvme_qpair *qp, int timeout_ms)
{
	uint64_t now = plx_clock_ns(), end = nvme_wait_end(now, timeout_ms);
	int err = 0;

	if (qp->vector < 0 && qp->mode != PLX_NVME_MODE_POLL)
		return -EINVAL;
	/* A vector may fire for nothing, so only the queue tells. */
	while (!nvme_qpair_ready(qp)) {
		err = nvme_qpair_state_error(qp);
		/* Its requests end soon. */
		if (err == -EAGAIN)
			err = 0;
		if (err || now >= end)
			return err;
		err = wait_once(qp, now, end);
		if (err)
			return err;
		now = plx_clock_ns();
	}
	return 1;
}

int plx_nvme_qpair_mode_set(struct plx_nvme_qpair *qp, enum plx_nvme_mode mode)
{
	if ((unsigned int)mode > PLX_NVME_MODE_ADAPTIVE)
		return -EINVAL;
	if (mode != PLX_NVME_MODE_POLL && qp->vector < 0)
		return -EINVAL;
	qp->mode = mode;
	qp->spin_ns = SPIN_NS_MAX;
	return 0;
}
