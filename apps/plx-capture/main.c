/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-capture: packets from a port to an NVMe namespace without a copy, and out of it as pcapng. */
#include "capture.h"

#include <argp.h>
#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#include "common/common.h"

volatile sig_atomic_t stopping;

static void on_signal(int number)
{
	stopping = 1;
}

enum {
	OPT_NS = 0x1000,
	OPT_COUNT,
	OPT_DURATION,
	OPT_DESCS,
	OPT_PROMISC,
	OPT_PRP,
	OPT_PROGRESS,
};

static double parse_seconds(struct argp_state *state, const char *text)
{
	char *end;
	double value = strtod(text, &end);

	if (!isdigit((unsigned char)*text) || *end || !(value > 0 && value < 1e9))
		argp_error(state, "--duration: \"%.40s\" is not a number of seconds", text);
	return value;
}

/* --- record ---------------------------------------------------------------------------------- */

static const struct argp_option record_argp_options[] = {
	{"ns", OPT_NS, "N", 0, "Namespace (the first)", 0},
	{"count", OPT_COUNT, "N", 0, "End after N packets", 0},
	{"duration", OPT_DURATION, "S", 0, "End after S seconds", 0},
	{"descs", OPT_DESCS, "N", 0, "Receive descriptors (1024)", 0},
	{"promisc", OPT_PROMISC, NULL, 0, "All frames, not only those to the port", 0},
	{"prp", OPT_PRP, NULL, 0, "One packet a command, as where the controller has no SGLs", 0},
	{"progress", OPT_PROGRESS, NULL, 0, "Each second, how many packets are safe", 0},
	{0},
};

static error_t parse_record(int key, char *arg, struct argp_state *state)
{
	struct record_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		return 0;
	case OPT_NS:
		o->nsid = (uint32_t)app_parse_number(state, "ns", arg, 10, 1, UINT32_MAX - 1);
		return 0;
	case OPT_COUNT:
		o->count = app_parse_number(state, "count", arg, 10, 1, UINT64_MAX);
		return 0;
	case OPT_DURATION:
		o->duration = parse_seconds(state, arg);
		return 0;
	case OPT_DESCS:
		o->descs = (unsigned int)app_parse_number(state, "descs", arg, 10, 1, 32768);
		return 0;
	case OPT_PROMISC:
		o->promisc = true;
		return 0;
	case OPT_PRP:
		o->prp = true;
		return 0;
	case OPT_PROGRESS:
		o->progress = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num > 1)
			return ARGP_ERR_UNKNOWN;
		*(state->arg_num ? &o->disk : &o->port) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->disk)
			argp_error(state, "which PORT, and which CONTROLLER?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};

static int cmd_record(int argc, char **argv)
{
	static const struct argp argp = {
		.options = record_argp_options,
		.parser = parse_record,
		.args_doc = "PORT CONTROLLER",
		.doc = "Write what PORT receives to a namespace of CONTROLLER, over all that is on "
		       "it.",
		.children = children,
	};
	static struct record_options o = {.descs = 1024};

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	app_catch_signals(on_signal);
	return record_run(&o);
}

/* --- export ---------------------------------------------------------------------------------- */

static const struct argp_option export_argp_options[] = {
	{"ns", OPT_NS, "N", 0, "Namespace (the first)", 0},
	{"output", 'o', "FILE", 0, "Write there, not to standard output", 0},
	{0},
};

static error_t parse_export(int key, char *arg, struct argp_state *state)
{
	struct export_options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		return 0;
	case OPT_NS:
		o->nsid = (uint32_t)app_parse_number(state, "ns", arg, 10, 1, UINT32_MAX - 1);
		return 0;
	case 'o':
		o->output = arg;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num)
			return ARGP_ERR_UNKNOWN;
		o->disk = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->disk)
			argp_error(state, "which CONTROLLER or FILE?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int cmd_export(int argc, char **argv)
{
	static const struct argp argp = {
		.options = export_argp_options,
		.parser = parse_export,
		.args_doc = "CONTROLLER|FILE",
		.doc = "Read a capture and write pcapng while reading. A name with a slash is a "
		       "file "
		       "or block device, all else the address of a controller bound to vfio-pci.",
		.children = children,
	};
	static struct export_options o;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	app_catch_signals(on_signal);
	return export_run(&o);
}

int main(int argc, char **argv)
{
	static const char usage[] = "Usage: plx-capture record|export [OPTION...] ...\n"
				    "Try `plx-capture record --help' or `plx-capture export "
				    "--help'.\n";
	char name[64];

	argp_err_exit_status = EXIT_USAGE;
	if (argc >= 2 && (!strcmp(argv[1], "record") || !strcmp(argv[1], "export"))) {
		snprintf(name, sizeof(name), "plx-capture %s", argv[1]);
		argv[1] = name;
		return strstr(name, "record") ? cmd_record(argc - 1, argv + 1)
					      : cmd_export(argc - 1, argv + 1);
	}
	if (argc == 2 && !strcmp(argv[1], "--help")) {
		fputs(usage, stdout);
		return EXIT_SUCCESS;
	}
	fputs(usage, stderr);
	return EXIT_USAGE;
}
