/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How a controller shares itself between queues, and how often it interrupts: arbitration (Base
 * 5.27.1.1) and interrupt coalescing (Base 5.27.1.6, 5.27.1.7); and that we know extended LBA
 * formats (Base 5.27.1.18). Set when it is enabled, and again after each reset. Called by
 * ctrl_life.c and admin.c.
 */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

#define BURST_UNLIMITED	  7
#define COALESCE_UNIT_US  100
#define COALESCE_TIME_MAX 255

static int set_feature(struct plx_nvme_ctrl *ctrl, uint32_t id, uint32_t value, const char *what)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_SET_FEATURES,
		.cdw10 = htole32(id),
		.cdw11 = htole32(value),
	};

	return nvme_admin_status(ctrl, &sqe, what, 0, NULL);
}

/* Weights are 0's based: 0 is the smallest there is. */
static uint32_t weight(unsigned int w, unsigned int shift)
{
	return (w ? w - 1 : 0) << shift;
}

int nvme_tune_check(struct plx_nvme_ctrl *ctrl)
{
	const struct plx_nvme_weights *w = &ctrl->config.weights;

	if (!nvme_tune_weighted(ctrl))
		return 0;
	if (w->high > 256 || w->medium > 256 || w->low > 256) {
		PLX_ERR(nvme, "%s: arbitration weights %u, %u, %u: give 1 to 256", ctrl->info.name,
			w->high, w->medium, w->low);
		return -EINVAL;
	}
	if (ctrl->info.capabilities & NVME_CAP_AMS_WRR)
		return 0;
	PLX_ERR(nvme, "%s: has no weighted round robin (CAP.AMS); open it without weights",
		ctrl->info.name);
	return -ENOTSUP;
}

static uint32_t coalescing(const struct plx_nvme_ctrl *ctrl)
{
	uint32_t time = (ctrl->config.coalesce_us + COALESCE_UNIT_US - 1) / COALESCE_UNIT_US;
	uint32_t entries = ctrl->config.coalesce_entries;

	if (time > COALESCE_TIME_MAX)
		time = COALESCE_TIME_MAX;
	if (entries > 256)
		entries = 256;
	return time << 8 | (entries ? entries - 1 : 0);
}

int nvme_tune_start(struct plx_nvme_ctrl *ctrl)
{
	const struct plx_nvme_weights *w = &ctrl->config.weights;
	int err = 0;

	if (nvme_tune_weighted(ctrl))
		err = set_feature(ctrl, NVME_FEATURE_ARBITRATION,
				  weight(w->high, 24) | weight(w->medium, 16) | weight(w->low, 8) |
					  BURST_UNLIMITED,
				  "Set Features (arbitration)");
	if (!err && ctrl->config.coalesce_us && ctrl->config.coalesce_entries > 1)
		err = set_feature(ctrl, NVME_FEATURE_COALESCING, coalescing(ctrl),
				  "Set Features (interrupt coalescing)");
	return err;
}

int nvme_tune_formats(struct plx_nvme_ctrl *ctrl)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_SET_FEATURES,
		.prp1 = htole64(plx_iova(ctrl->page)),
		.cdw10 = htole32(NVME_FEATURE_HOST_BEHAVIOR),
	};
	uint8_t *behavior = ctrl->page;
	int err;

	if (!ctrl->extended_lba)
		return 0;
	memset(behavior, 0, NVME_IDENTIFY_BYTES);
	behavior[NVME_HOST_BEHAVIOR_LBAFEE] = 1;
	err = nvme_admin_status(ctrl, &sqe, "Set Features (host behavior support)", 0, NULL);
	if (err && nvme_ctrl_state(ctrl) == PLX_NVME_READY) {
		ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
		ctrl->extended_lba = false;
		PLX_WARN(nvme, "%s: extended LBA formats cannot be used", ctrl->info.name);
		return 0;
	}
	return err;
}

int nvme_tune_vector(struct plx_nvme_qpair *qp)
{
	if (qp->vector < 0 || !qp->no_coalescing)
		return 0;
	return set_feature(qp->ctrl, NVME_FEATURE_VECTOR,
			   (uint32_t)qp->vector | NVME_VECTOR_NO_COALESCING,
			   "Set Features (interrupt vector configuration)");
}
