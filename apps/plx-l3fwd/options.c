/* SPDX-License-Identifier: BSD-3-Clause */
/* Command line of plx-l3fwd. */
#include <argp.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

#include "l3fwd.h"

enum key {
	KEY_PERIOD = 0x100,
	KEY_DURATION,
	KEY_JSON,
};

static const struct argp_option argp_options[] = {
	{"port", 'p', "SPEC", 0,
	 "A port: PCI address (0000:00:03.0) or driver:argument; repeat it. The first is port 0",
	 1},
	{"period", KEY_PERIOD, "S", 0, "Statistics every S seconds; 0: at the end only (10)", 2},
	{"duration", KEY_DURATION, "S", 0, "Stop after S seconds; 0: at a signal (0)", 2},
	{"json", KEY_JSON, NULL, 0, "Statistics as JSON, one object a line", 2},
	{0},
};

static unsigned int seconds(struct argp_state *state, const char *name, const char *text)
{
	unsigned long value;
	char *end;

	errno = 0;
	value = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || value > 1000000)
		argp_error(state, "--%s: \"%.40s\" is not a number of seconds", name, text);
	return (unsigned int)value;
}

static void add_port(struct argp_state *state, struct options *o, const char *spec)
{
	unsigned int i;

	if (o->ports == PORTS_MAX)
		argp_error(state, "more than %d ports", PORTS_MAX);
	for (i = 0; i < o->ports; i++)
		if (strcmp(o->specs[i], spec) == 0)
			argp_error(state, "port %s is there twice", spec);
	o->specs[o->ports++] = spec;
}

static void check(struct argp_state *state, struct options *o)
{
	if (!o->routes)
		argp_error(state, "no route file given");
	if (o->ports == 0)
		argp_error(state, "no port given: --port 0000:00:03.0");
	if (!o->eal.backend)
		o->eal.backend = "dpdk";
	else if (strcmp(o->eal.backend, "dpdk") != 0)
		argp_error(state, "--eal %s: the routing tables are DPDK's, it takes --eal dpdk",
			   o->eal.backend);
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		break;
	case 'p':
		add_port(state, o, arg);
		break;
	case KEY_PERIOD:
		o->period_s = seconds(state, "period", arg);
		break;
	case KEY_DURATION:
		o->duration_s = seconds(state, "duration", arg);
		break;
	case KEY_JSON:
		o->json = true;
		break;
	case ARGP_KEY_ARG:
		if (o->routes)
			argp_error(state, "a second route file: %s", arg);
		o->routes = arg;
		break;
	case ARGP_KEY_END:
		check(state, o);
		break;
	default:
		return ARGP_ERR_UNKNOWN;
	}
	return 0;
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.args_doc = "ROUTES",
		.doc = "Route IPv4 and IPv6 between ports, by DPDK's longest-prefix match.\v"
		       "Lines of the file ROUTES; # begins a comment:\n"
		       "  port N ADDRESS/LENGTH\n"
		       "  route PREFIX/LENGTH via GATEWAY\n"
		       "  route PREFIX/LENGTH port N\n"
		       "Exit status: 0 after a signal or --duration, 1 failure, 2 wrong usage or "
		       "route file.",
		.children = children,
	};

	argp_err_exit_status = EXIT_USAGE;
	options->period_s = 10;
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
