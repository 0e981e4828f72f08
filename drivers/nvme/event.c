/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Asynchronous events (Base 5.2): requests that the controller keeps until it has something to say.
 * A request that has ended holds its event until plx_nvme_ctrl_poll() takes it and arms it anew, so
 * a controller that never stops talking is heard at most NVME_EVENTS_MAX times a poll.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pollux/nvme_admin.h>
#include <pollux/nvme_event.h>

#include "eal/probe.h"
#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/* --- Words ---------------------------------------------------------------------------------- */

/* Base 5.2.1, figures 146 to 151 */
static const char *const errors[] = {
	"write to invalid doorbell", "invalid doorbell value",	 "diagnostic failure",
	"persistent internal error", "transient internal error", "firmware image load error",
};
static const char *const health[] = {
	"subsystem reliability",
	"temperature threshold",
	"spare below threshold",
};
static const char *const notices[] = {
	"namespaces changed",
	"firmware activation starting",
	"telemetry log changed",
	"asymmetric namespace access changed",
	"predictable latency log changed",
	"LBA status",
	"endurance group log changed",
};
static const struct {
	const char *name;
	const char *const *infos;
	size_t count;
} types[] = {
	[PLX_NVME_EVENT_ERROR] = {"error", errors, sizeof(errors) / sizeof(errors[0])},
	[PLX_NVME_EVENT_HEALTH] = {"health", health, sizeof(health) / sizeof(health[0])},
	[PLX_NVME_EVENT_NOTICE] = {"notice", notices, sizeof(notices) / sizeof(notices[0])},
	[PLX_NVME_EVENT_COMMAND_SET] = {"I/O command set", NULL, 0},
	[PLX_NVME_EVENT_VENDOR] = {"vendor", NULL, 0},
};

const char *plx_nvme_event_str(const struct plx_nvme_event *event)
{
	static __thread char text[64];
	const char *type = NULL;

	if (event->type < sizeof(types) / sizeof(types[0]))
		type = types[event->type].name;
	if (type && event->info < types[event->type].count)
		snprintf(text, sizeof(text), "%s: %s", type, types[event->type].infos[event->info]);
	else
		snprintf(text, sizeof(text), "%s %u: 0x%02x", type ? type : "unknown type",
			 event->type, event->info);
	return text;
}

/* --- Arming: with lock ---------------------------------------------------------------------- */

static int arm(struct plx_nvme_ctrl *ctrl, struct plx_nvme_req *req)
{
	struct nvme_sqe sqe = {.opcode = NVME_ADMIN_ASYNC_EVENT};

	ctrl->stats.admin_commands++;
	return nvme_qpair_post(&ctrl->admin, &sqe, req, NVME_NO_LIST);
}

static int set_mask(struct plx_nvme_ctrl *ctrl, uint32_t mask)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_SET_FEATURES,
		.cdw10 = htole32(NVME_FEATURE_EVENTS),
		.cdw11 = htole32(mask),
	};

	return nvme_admin_status(ctrl, &sqe, "Set Features (asynchronous events)", 0, NULL);
}

/* How many requests the controller and its admin queue take, one command left free for others. */
static unsigned int room(const struct plx_nvme_ctrl *ctrl)
{
	unsigned int n = ctrl->event_limit, most = ctrl->admin.sq_size - 2;

	if (n > NVME_EVENTS_MAX)
		n = NVME_EVENTS_MAX;
	return n < most ? n : most;
}

int nvme_events_start(struct plx_nvme_ctrl *ctrl)
{
	struct nvme_events *e = &ctrl->events;
	unsigned int i;
	int err;

	if (!e->fn)
		return 0;
	err = set_mask(ctrl, NVME_EVENTS_HEALTH | (ctrl->event_notices & NVME_EVENTS_NOTICES));
	for (i = 0; i < room(ctrl) && !err; i++) {
		/* Left from before plx_nvme_events_off(). */
		if (e->armed[i])
			continue;
		err = arm(ctrl, &e->reqs[i]);
		e->armed[i] = !err;
	}
	return err;
}

void nvme_events_forget(struct plx_nvme_ctrl *ctrl)
{
	memset(ctrl->events.armed, 0, sizeof(ctrl->events.armed));
}

/* --- Taking: with lock ----------------------------------------------------------------------- */

/* Which namespaces changed; the list of them is new then. */
static void look_at_namespaces(struct plx_nvme_ctrl *ctrl, struct plx_nvme_event *event)
{
	uint8_t page[PLX_NVME_LOG_CHANGED_NS_BYTES];
	int n = nvme_log_read(ctrl, PLX_NVME_LOG_CHANGED_NS, page, sizeof(page));

	if (!n)
		n = plx_nvme_log_changed_ns(page, ctrl->events.changed);
	event->namespaces = ctrl->events.changed;
	event->namespace_count = n > 0 ? (unsigned int)n : 0;
	event->namespaces_all = n < 0;
	event->error = nvme_namespaces_rescan(ctrl, NVME_RESCAN_HEARD);
	if (n < 0 && n != -EOVERFLOW)
		event->error = n;
}

static void decode(struct plx_nvme_ctrl *ctrl, uint32_t value, struct plx_nvme_event *event)
{
	*event = (struct plx_nvme_event){
		.type = NVME_EVENT_TYPE(value),
		.info = NVME_EVENT_INFO(value),
		.log_page = NVME_EVENT_LOG(value),
	};
	/* The types between are reserved. */
	if (event->type > PLX_NVME_EVENT_NOTICE && event->type < PLX_NVME_EVENT_COMMAND_SET)
		ctrl->lies[PLX_NVME_LIE_EVENT]++;
	if (event->type == PLX_NVME_EVENT_NOTICE && event->info == PLX_NVME_NOTICE_NAMESPACES)
		look_at_namespaces(ctrl, event);
}

/* An event request that has ended, if it has. True: *event is one. */
static bool take(struct plx_nvme_ctrl *ctrl, unsigned int i, struct plx_nvme_event *event)
{
	struct plx_nvme_req *req = &ctrl->events.reqs[i];
	uint32_t value = (uint32_t)req->result;

	if (!ctrl->events.armed[i] || plx_nvme_in_flight(req))
		return false;
	if (req->status) {
		/* It does not take as many as it said: do with less. */
		ctrl->stats.admin_errors++;
		ctrl->events.armed[i] = false;
		return false;
	}
	PLX_PROBE(nvme_event, ctrl->info.name, value);
	ctrl->events.armed[i] = arm(ctrl, req) == 0;
	decode(ctrl, value, event);
	return ctrl->events.fn != NULL;
}

/* --- Calls of the application ---------------------------------------------------------------- */

int plx_nvme_events_on(struct plx_nvme_ctrl *ctrl, plx_nvme_event_fn fn, void *arg)
{
	bool on;
	int err;

	pthread_mutex_lock(&ctrl->lock);
	err = nvme_ctrl_state_error(ctrl);
	if (!err && (!fn || room(ctrl) == 0))
		err = fn ? -ENOTSUP : -EINVAL;
	if (!err) {
		on = ctrl->events.fn != NULL;
		ctrl->events.fn = fn;
		ctrl->events.arg = arg;
		err = on ? 0 : nvme_events_start(ctrl);
		/* Or the next call would take it for done. */
		if (err)
			ctrl->events.fn = NULL;
	}
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_events_off(struct plx_nvme_ctrl *ctrl)
{
	int err;

	pthread_mutex_lock(&ctrl->lock);
	ctrl->events.fn = NULL;
	err = nvme_ctrl_state_error(ctrl);
	if (!err)
		err = set_mask(ctrl, 0);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_ctrl_poll(struct plx_nvme_ctrl *ctrl)
{
	struct plx_nvme_event event;
	plx_nvme_event_fn fn;
	unsigned int i, n = 0;
	void *arg;
	bool got;
	int err;

	pthread_mutex_lock(&ctrl->lock);
	plx_nvme_qpair_poll(&ctrl->admin, 0);
	err = nvme_admin_check_alive(ctrl, "housekeeping");
	if (!err)
		err = nvme_keep_alive(ctrl);
	pthread_mutex_unlock(&ctrl->lock);
	for (i = 0; i < NVME_EVENTS_MAX && !err; i++) {
		pthread_mutex_lock(&ctrl->lock);
		fn = ctrl->events.fn;
		arg = ctrl->events.arg;
		got = take(ctrl, i, &event);
		pthread_mutex_unlock(&ctrl->lock);
		if (!got)
			continue;
		fn(ctrl, &event, arg);
		n++;
	}
	return err ? err : (int)n;
}
