/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Keep Alive (Base 3.9): where a controller has the timer and it runs, because the application or
 * the controller itself wants it to, a command is sent in time. Called by ctrl_life.c (start) and
 * by plx_nvme_ctrl_poll().
 */
#include <pollux/clock.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

#define NS_PER_MS UINT64_C(1000000)
/* So many times within the controller's limit. */
#define PER_LIMIT 3

int nvme_keep_alive_start(struct plx_nvme_ctrl *ctrl)
{
	struct nvme_keep_alive *k = &ctrl->keep_alive;
	uint32_t want = ctrl->config.keep_alive_ms;
	struct nvme_sqe sqe = {
		.opcode = want ? NVME_ADMIN_SET_FEATURES : NVME_ADMIN_GET_FEATURES,
		.cdw10 = htole32(NVME_FEATURE_KEEP_ALIVE),
		.cdw11 = htole32(want),
	};
	uint32_t value = 0;
	int err;

	ctrl->info.keep_alive_ms = 0;
	if (!k->granularity_ms)
		return 0;
	err = nvme_admin_status(ctrl, &sqe, "Features (keep alive timer)", 0, &value);
	/* It has a timer and does not tell how long it is: as if it did not run. */
	if (err && !want && nvme_ctrl_state(ctrl) == PLX_NVME_READY) {
		ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
		PLX_WARN(nvme, "%s: Keep Alive is off; give keep_alive_ms to have it",
			 ctrl->info.name);
		return 0;
	}
	if (err)
		return err;
	ctrl->info.keep_alive_ms = want ? want : value;
	k->req.status = 0;
	k->last_ns = plx_clock_ns();
	return 0;
}

/* One that is not answered within the limit is as good as none: the controller has given up. */
int nvme_keep_alive(struct plx_nvme_ctrl *ctrl)
{
	struct nvme_keep_alive *k = &ctrl->keep_alive;
	struct nvme_sqe sqe = {.opcode = NVME_ADMIN_KEEP_ALIVE};
	uint64_t now = plx_clock_ns(), limit_ns = ctrl->info.keep_alive_ms * NS_PER_MS;

	if (!limit_ns || now - k->last_ns < limit_ns / PER_LIMIT)
		return 0;
	if (!plx_nvme_in_flight(&k->req)) {
		/* If the admin queue is full: the next time. */
		if (nvme_qpair_post(&ctrl->admin, &sqe, &k->req, NVME_NO_LIST))
			return 0;
		k->last_ns = now;
		ctrl->stats.admin_commands++;
		return 0;
	}
	if (now - k->last_ns < limit_ns)
		return 0;
	atomic_fetch_add_explicit(&ctrl->timeouts, 1, memory_order_relaxed);
	nvme_ctrl_break(ctrl, "Keep Alive did not end in %u ms", ctrl->info.keep_alive_ms);
	return nvme_ctrl_state_error(ctrl);
}
