/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme events: what a controller says by itself, as it comes. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/nvme_admin.h>
#include <pollux/nvme_event.h>

#include "app.h"

#define POLL_US 20000

struct events {
	struct target target;
	unsigned int seconds; /* 0: until a signal */
	unsigned int count;   /* 0: any number */
	unsigned int seen;
};

static void print_event(struct events *e, const struct plx_nvme_event *event)
{
	json_t *o, *ids = json_array();
	unsigned int i;

	for (i = 0; i < event->namespace_count; i++)
		json_array_append_new(ids, json_integer(event->namespaces[i]));
	o = json_pack("{s:s, s:i, s:i, s:i, s:o}", "event", plx_nvme_event_str(event), "type",
		      event->type, "info", event->info, "log_page", event->log_page, "namespaces",
		      ids);
	if (e->target.json)
		json_dumpf(o, stdout, JSON_COMPACT);
	else
		printf("%s (log page 0x%02x)", plx_nvme_event_str(event), event->log_page);
	if (event->error)
		target_error(&e->target, "what became of its namespaces is not known: %s",
			     strerror(-event->error));
	for (i = 0; i < event->namespace_count && !e->target.json; i++)
		printf("%s %u", i ? "" : " namespaces", event->namespaces[i]);
	json_decref(o);
	putchar('\n');
	fflush(stdout);
}

/* The next event of this type comes when the log page has been read. */
static void acknowledge(struct plx_nvme_ctrl *ctrl, uint8_t log_page)
{
	uint8_t page[PLX_NVME_LOG_SMART_BYTES];

	if (log_page && log_page != PLX_NVME_LOG_CHANGED_NS)
		plx_nvme_log_get(ctrl, log_page, NULL, page, sizeof(page));
}

static void on_event(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_event *event, void *arg)
{
	struct events *e = arg;

	e->seen++;
	print_event(e, event);
	acknowledge(ctrl, event->log_page);
}

static int listen_for(struct events *e)
{
	uint64_t end = plx_clock_ns() + e->seconds * UINT64_C(1000000000);
	int n = plx_nvme_events_on(e->target.ctrl, on_event, e);

	if (n) {
		target_error(&e->target, "its events: %s", strerror(-n));
		return EXIT_FAILURE;
	}
	fprintf(stderr, "%s: listening\n", e->target.command);
	while (!app_stop && (!e->count || e->seen < e->count)) {
		n = plx_nvme_ctrl_poll(e->target.ctrl);
		if (n < 0 || target_check(&e->target))
			return EXIT_FAILURE;
		if (e->seconds && plx_clock_ns() >= end)
			break;
		if (n == 0)
			plx_delay_us(POLL_US);
	}
	return finish_stdout(e->count && e->seen < e->count ? EXIT_FAILURE : EXIT_SUCCESS);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct events *e = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &e->target;
		return 0;
	case 's':
		e->seconds = (unsigned int)parse_number(state, "seconds", arg, 1, 86400);
		return 0;
	case 'c':
		e->count = (unsigned int)parse_number(state, "count", arg, 1, UINT32_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_events(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"seconds", 's', "S", 0, "Listen for so long (until a signal)", 1},
		{"count", 'c', "N", 0, "End after so many; fewer are a failure", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Show the asynchronous events of a controller, one a line.\vExit status: 0, "
		       "1 (failure), 2 (usage).",
	};
	struct events e = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &e);
	catch_signals();
	status = target_open(&e.target);
	if (status == EXIT_SUCCESS)
		status = listen_for(&e);
	return target_close(&e.target, status);
}
