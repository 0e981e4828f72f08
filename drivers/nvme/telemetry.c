/* SPDX-License-Identifier: BSD-3-Clause */
/* What telemetry shows of a controller and its queue pairs. ctrl_life.c adds it. */
#include "ctrl.h"

static const char *state_name(enum plx_nvme_state state)
{
	static const char *const names[] = {
		[PLX_NVME_READY] = "ready",
		[PLX_NVME_BROKEN] = "broken",
		[PLX_NVME_GONE] = "gone",
	};

	return names[state];
}

static json_t *lies_object(const uint64_t *lies)
{
	static const char *const names[PLX_NVME_LIE_KINDS] = {
		[PLX_NVME_LIE_REGISTER] = "register",
		[PLX_NVME_LIE_IDENTIFY] = "identify",
		[PLX_NVME_LIE_NAMESPACES] = "namespaces",
		[PLX_NVME_LIE_QUEUES] = "queues",
		[PLX_NVME_LIE_CID] = "cid",
		[PLX_NVME_LIE_SQID] = "sqid",
		[PLX_NVME_LIE_SQHD] = "sqhd",
		[PLX_NVME_LIE_EVENT] = "event",
	};
	json_t *o = json_object();
	unsigned int i;

	for (i = 0; i < PLX_NVME_LIE_KINDS; i++)
		plx_telemetry_set(o, names[i], lies[i]);
	return o;
}

static void set_stats(json_t *object, struct plx_nvme_ctrl *ctrl)
{
	struct plx_nvme_ctrl_stats stats;

	plx_nvme_ctrl_stats(ctrl, &stats);
	plx_telemetry_set(object, "admin_commands", stats.admin_commands);
	plx_telemetry_set(object, "admin_errors", stats.admin_errors);
	plx_telemetry_set(object, "timeouts", stats.timeouts);
	plx_telemetry_set(object, "abort_commands", stats.abort_commands);
	plx_telemetry_set(object, "queue_recoveries", stats.queue_recoveries);
	plx_telemetry_set(object, "resets", stats.resets);
	plx_telemetry_set(object, "aborted", stats.aborted);
	json_object_set_new(object, "lies", lies_object(stats.lies));
}

/* With ctrl->lock, so that no queue pair closes; its thread goes on counting. */
static json_t *qpair_object(const struct plx_nvme_qpair *qp)
{
	struct plx_nvme_qpair_stats stats;
	json_t *o = json_object();

	plx_nvme_qpair_stats(qp, &stats);
	plx_telemetry_set(o, "submitted", stats.submitted);
	plx_telemetry_set(o, "completed", stats.completed);
	plx_telemetry_set(o, "errors", stats.errors);
	plx_telemetry_set(o, "sq_doorbells", stats.sq_doorbells);
	plx_telemetry_set(o, "cq_doorbells", stats.cq_doorbells);
	return o;
}

static void fill(json_t *object, void *arg)
{
	struct plx_nvme_ctrl *ctrl = arg;
	json_t *qpairs = json_array();
	uint32_t q;

	json_object_set_new(object, "name", json_string(ctrl->info.name));
	json_object_set_new(object, "model", json_string(ctrl->info.model));
	json_object_set_new(object, "serial", json_string(ctrl->info.serial));
	json_object_set_new(object, "state", json_string(state_name(plx_nvme_ctrl_state(ctrl))));
	set_stats(object, ctrl);
	pthread_mutex_lock(&ctrl->lock);
	for (q = 1; q <= ctrl->queue_slots; q++) {
		json_t *o = ctrl->qpairs[q] ? qpair_object(ctrl->qpairs[q]) : NULL;

		if (!o)
			continue;
		json_object_set_new(o, "name", json_sprintf("%u", q));
		json_array_append_new(qpairs, o);
	}
	pthread_mutex_unlock(&ctrl->lock);
	json_object_set_new(object, "qpairs", qpairs);
}

void nvme_telemetry_add(struct plx_nvme_ctrl *ctrl)
{
	ctrl->telemetry = (struct plx_telemetry_source){
		.array = "controllers",
		.fill = fill,
		.arg = ctrl,
	};
	plx_telemetry_add(&ctrl->telemetry);
}
