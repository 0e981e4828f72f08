/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The controller memory buffer (Base 8.5): memory of the controller, in one of its BARs, that holds
 * submission queues: it then fetches commands without going over the bus. Found when the controller
 * is opened, given out in memory pages when queue pairs are. Called by ctrl_life.c and
 * qpair_life.c, with the controller's lock.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/*
 * Where the controller finds it: beyond what any IOMMU translates, so it is in the way of no memory
 * that a command may name.
 */
#define CMB_BASE (UINT64_C(1) << 62)
static_assert((CMB_BASE & UINT32_MAX) == 0, "the lower half of CMBMSC is flags only");
/* Room for the queues of hundreds of queue pairs; more is not mapped. */
#define CMB_BYTES_MAX (16u << 20)

/* What CMBLOC and CMBSZ say, in bytes. */
struct where {
	uint32_t bir;
	uint64_t offset, bytes;
};

static int __attribute__((format(printf, 2, 3)))
unusable(struct plx_nvme_ctrl *ctrl, const char *fmt, ...)
{
	char what[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	ctrl->lies[PLX_NVME_LIE_REGISTER]++;
	PLX_WARN(nvme, "%s: controller memory buffer: %s; queues are in the host's memory",
		 ctrl->info.name, what);
	return -EPROTO;
}

/* BAR 0 begins with the registers and the doorbells of every queue. */
static uint64_t first_byte(const struct plx_nvme_ctrl *ctrl, uint32_t bir)
{
	uint64_t stride = UINT64_C(4) << NVME_GET(ctrl->info.capabilities, NVME_CAP_DSTRD);

	return bir ? 0 : NVME_DOORBELLS + 2 * ((uint64_t)ctrl->queue_slots + 1) * stride;
}

/* Return: 0, -ENOENT (there is none for queues), -EPROTO (it cannot be where it is said to be). */
static int find(struct plx_nvme_ctrl *ctrl, struct where *w)
{
	uint32_t location = nvme_get32(ctrl, NVME_CMBLOC), size = nvme_get32(ctrl, NVME_CMBSZ);
	uint32_t szu = (uint32_t)NVME_GET(size, NVME_CMBSZ_SZU);
	uint64_t unit, region;

	if (!(size & NVME_CMBSZ_SQS) || NVME_GET(size, NVME_CMBSZ_SZ) == 0)
		return -ENOENT;
	if (szu > NVME_CMBSZ_SZU_MAX)
		return unusable(ctrl, "its size is in units that there are not (CMBSZ 0x%08x)",
				size);
	unit = UINT64_C(4096) << 4 * szu;
	w->bir = (uint32_t)NVME_GET(location, NVME_CMBLOC_BIR);
	w->offset = NVME_GET(location, NVME_CMBLOC_OFST) * unit;
	w->bytes = NVME_GET(size, NVME_CMBSZ_SZ) * unit;
	/* BAR 1 is the upper half of BAR 0 (Base 3.1.3.11). */
	if (w->bir == 1 || w->bir > 5)
		return unusable(ctrl, "in BAR %u", w->bir);
	region = plx_dev_region_size(ctrl->dev, (enum plx_region)(PLX_REGION_BAR0 + (int)w->bir));
	if (w->offset > region || w->bytes > region - w->offset)
		return unusable(ctrl,
				"%" PRIu64 " bytes at %" PRIu64 " of BAR %u, which has %" PRIu64,
				w->bytes, w->offset, w->bir, region);
	if (w->offset < first_byte(ctrl, w->bir))
		return unusable(ctrl, "at %" PRIu64 " of BAR 0, among the doorbells", w->offset);
	return 0;
}

static int map(struct plx_nvme_ctrl *ctrl, const struct where *w)
{
	struct nvme_cmb *cmb = &ctrl->cmb;
	uint64_t bytes = w->bytes < CMB_BYTES_MAX ? w->bytes : CMB_BYTES_MAX;
	uint32_t pages = (uint32_t)(bytes / ctrl->info.page_size);

	if (pages == 0)
		return unusable(ctrl, "%" PRIu64 " bytes are not one memory page", w->bytes);
	cmb->used = calloc(pages, sizeof(*cmb->used));
	if (!cmb->used)
		return -ENOMEM;
	cmb->base = plx_dev_region_map(ctrl->dev, (enum plx_region)(PLX_REGION_BAR0 + (int)w->bir),
				       w->offset, (uint64_t)pages * ctrl->info.page_size);
	if (!cmb->base) {
		PLX_WARN(nvme, "%s: controller memory buffer: BAR %u cannot be mapped: %s",
			 ctrl->info.name, w->bir, strerror(errno));
		return -EFAULT;
	}
	cmb->pages = pages;
	return 0;
}

/* Tell the controller where it is to find it. */
static int place(struct plx_nvme_ctrl *ctrl)
{
	/* The address must be complete when the lower half switches it on. */
	nvme_set32(ctrl, NVME_CMBMSC + 4, CMB_BASE >> 32);
	nvme_set32(ctrl, NVME_CMBMSC, NVME_CMBMSC_CMSE | NVME_CMBMSC_CRE);
	if (nvme_get32(ctrl, NVME_CMBSTS) & NVME_CMBSTS_CBAI)
		return unusable(ctrl, "it refuses its address (CMBSTS.CBAI)");
	return 0;
}

int nvme_cmb_open(struct plx_nvme_ctrl *ctrl)
{
	struct where w = {0};
	int err;

	if (!ctrl->config.cmb || !(ctrl->info.capabilities & NVME_CAP_CMBS))
		return 0;
	nvme_set32(ctrl, NVME_CMBMSC, NVME_CMBMSC_CRE);
	err = find(ctrl, &w);
	if (!err)
		err = map(ctrl, &w);
	if (!err)
		err = place(ctrl);
	if (!err) {
		ctrl->info.cmb_bytes = ctrl->cmb.pages * ctrl->info.page_size;
		return 0;
	}
	ctrl->cmb.pages = 0;
	return err == -ENOMEM ? err : 0;
}

int nvme_cmb_restore(struct plx_nvme_ctrl *ctrl)
{
	return ctrl->cmb.pages ? place(ctrl) : 0;
}

void nvme_cmb_close(struct plx_nvme_ctrl *ctrl)
{
	free(ctrl->cmb.used);
}

/* --- Pages ---------------------------------------------------------------------------------- */

static uint32_t pages_of(const struct plx_nvme_ctrl *ctrl, size_t bytes)
{
	return (uint32_t)((bytes + ctrl->info.page_size - 1) / ctrl->info.page_size);
}

void *nvme_cmb_take(struct plx_nvme_ctrl *ctrl, size_t bytes, plx_iova_t *iova)
{
	struct nvme_cmb *cmb = &ctrl->cmb;
	uint32_t want, run = 0, i;
	size_t at;

	if (cmb->pages == 0)
		return NULL;
	want = pages_of(ctrl, bytes);
	for (i = 0; i < cmb->pages && run < want; i++)
		run = cmb->used[i] ? 0 : run + 1;
	if (run < want)
		return NULL;
	memset(cmb->used + i - want, 1, want);
	at = (size_t)(i - want) * ctrl->info.page_size;
	*iova = CMB_BASE + at;
	return cmb->base + at;
}

void nvme_cmb_give(struct plx_nvme_ctrl *ctrl, const void *at, size_t bytes)
{
	size_t first = (size_t)((const char *)at - ctrl->cmb.base) / ctrl->info.page_size;

	memset(ctrl->cmb.used + first, 0, pages_of(ctrl, bytes));
}
