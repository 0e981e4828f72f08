/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme reset: reset a controller, or its whole subsystem, and see it come back. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

struct reset {
	struct target target;
	bool subsystem;
};

static int run(struct reset *r)
{
	struct plx_nvme_ctrl *ctrl = r->target.ctrl;
	int err = r->subsystem ? plx_nvme_subsystem_reset(ctrl) : plx_nvme_ctrl_reset(ctrl);

	if (err) {
		target_error(&r->target, "reset: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	plx_nvme_ctrl_info(ctrl, &r->target.info);
	if (r->target.json)
		return print_json(
			json_pack("{s:I}", "ready_us", (json_int_t)r->target.info.ready_us));
	printf("ready after %" PRIu64 " us\n", r->target.info.ready_us);
	return finish_stdout(EXIT_SUCCESS);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct reset *r = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &r->target;
		return 0;
	case 's':
		r->subsystem = true;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_reset(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"subsystem", 's', NULL, 0, "With the other controllers of its subsystem", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Reset a controller.\vExit status: 0, 1 (failure), 2 (usage).",
	};
	struct reset r = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &r);
	status = target_open(&r.target);
	if (status == EXIT_SUCCESS)
		status = run(&r);
	return target_close(&r.target, status);
}
