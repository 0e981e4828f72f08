/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Shadow doorbells (Doorbell Buffer Config, Base 5.8 and B.5): tails and heads go to a page of
 * memory that an emulated controller reads by itself while it is busy; the doorbell in the BAR, an
 * expensive trap there, is rung only when the value passes the one that the controller named in the
 * page beside it. What it names can only make it miss a doorbell, or hear one too many.
 */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

static size_t index_of(const struct plx_nvme_ctrl *ctrl, uint16_t qid, unsigned int completion)
{
	size_t stride = (size_t)1 << NVME_GET(ctrl->info.capabilities, NVME_CAP_DSTRD);

	return (2 * (size_t)qid + completion) * stride;
}

/* After a reset it may give fewer queues than have their doorbells already. */
static bool fits(const struct plx_nvme_ctrl *ctrl)
{
	uint32_t last =
		ctrl->info.io_queues > ctrl->queue_slots ? ctrl->info.io_queues : ctrl->queue_slots;

	return index_of(ctrl, (uint16_t)last, 1) < ctrl->info.page_size / sizeof(uint32_t);
}

static int alloc_pages(struct plx_nvme_ctrl *ctrl)
{
	size_t page = ctrl->info.page_size;
	uint32_t *pages = plx_dma_alloc(2 * page, page, plx_dev_info(ctrl->dev)->pci.node);

	if (!pages)
		return -ENOMEM;
	ctrl->shadows = pages;
	ctrl->shadow_events = pages + page / sizeof(*pages);
	return 0;
}

int nvme_shadow_start(struct plx_nvme_ctrl *ctrl)
{
	struct nvme_sqe sqe = {.opcode = NVME_ADMIN_DOORBELL_BUFFER};
	int err;

	if (!ctrl->config.shadow_doorbells || !(ctrl->info.oacs & NVME_OACS_DOORBELL_BUFFER) ||
	    !fits(ctrl))
		return 0;
	if (!ctrl->shadows && alloc_pages(ctrl))
		return -ENOMEM;
	memset(ctrl->shadows, 0, 2 * (size_t)ctrl->info.page_size);
	sqe.prp1 = htole64(plx_iova(ctrl->shadows));
	sqe.prp2 = htole64(plx_iova(ctrl->shadow_events));
	err = nvme_admin_run(ctrl, &sqe, "Doorbell Buffer Config", NULL);
	ctrl->info.shadow_doorbells = !err;
	return err;
}

void nvme_shadow_fini(struct plx_nvme_ctrl *ctrl)
{
	plx_dma_free(ctrl->shadows);
}

static struct nvme_shadow shadow_of(struct plx_nvme_ctrl *ctrl, uint16_t qid,
				    unsigned int completion)
{
	size_t at = index_of(ctrl, qid, completion);
	struct nvme_shadow s = {.value = ctrl->shadows + at, .event = ctrl->shadow_events + at};

	/* The controller reads it when the queue is created. */
	*s.value = 0;
	ctrl->shadow_events[at] = 0;
	return s;
}

void nvme_shadow_unplug(struct plx_nvme_qpair *qp)
{
	qp->sq_shadow = (struct nvme_shadow){0};
	qp->cq_shadow = (struct nvme_shadow){0};
	qp->ring_otherwise = qp->defer_doorbell;
}

void nvme_shadow_plug(struct plx_nvme_qpair *qp)
{
	nvme_shadow_unplug(qp);
	if (!qp->ctrl->info.shadow_doorbells || qp->qid == 0)
		return;
	qp->sq_shadow = shadow_of(qp->ctrl, qp->qid, 0);
	qp->cq_shadow = shadow_of(qp->ctrl, qp->qid, 1);
	qp->ring_otherwise = true;
}

bool nvme_shadow_ring(struct nvme_shadow *s, uint32_t value)
{
	uint16_t before = (uint16_t)s->last, event;

	s->last = value;
	PLX_WRITE_ONCE(*s->value, htole32(value));
	/* The value is there before we look whether the controller has stopped looking for it. */
	plx_dma_mb();
	event = (uint16_t)le32toh(PLX_READ_ONCE(*s->event));
	return (uint16_t)(value - event - 1) < (uint16_t)(value - before);
}
