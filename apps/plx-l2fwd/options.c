/* SPDX-License-Identifier: BSD-3-Clause */
/* Command line of plx-l2fwd: argp does the parsing, this the checking; see options.h. */
#include <argp.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/net.h>
#include <pollux/pci.h>

#include "common/common.h"
#include "options.h"

#define SPEC_LEN_MAX (PLX_PORT_NAME_LEN - 1)

enum key {
	KEY_PORTMAP = 0x100,
	KEY_PORTMASK,
	KEY_NO_MAC_UPDATING,
	KEY_PROMISC,
	KEY_PERIOD,
	KEY_DURATION,
	KEY_JSON,
	KEY_RX_QUEUES,
	KEY_DESCS,
	KEY_BUFS,
	KEY_MTU,
	KEY_DRAIN,
	KEY_INTERRUPT,
	KEY_ADAPTIVE,
	KEY_CYCLES,
};

static const struct argp_option argp_options[] = {
	{"port", 'p', "SPEC", 0, "A port: PCI address (0000:00:03.0) or driver:argument; repeat it",
	 1},
	{"portmap", KEY_PORTMAP, "PAIRS", 0,
	 "Which ports forward to each other: (0,1)(2,3); default: pairs in the order given", 1},
	{"portmask", KEY_PORTMASK, "HEX", 0, "Use only these of the ports given", 1},
	{"promisc", KEY_PROMISC, NULL, 0, "Take frames for all addresses", 2},
	{"no-mac-updating", KEY_NO_MAC_UPDATING, NULL, 0,
	 "Leave the MAC addresses alone; default: source is the sending port's address, "
	 "destination 02:00:00:00:00:<sending port>",
	 2},
	{"mtu", KEY_MTU, "BYTES", 0, "MTU of all ports (1500)", 2},
	{"rx-queues", KEY_RX_QUEUES, "N", 0, "Receive queues per port (1)", 3},
	{"queues-per-lcore", 'q', "N", 0,
	 "At most so many receive queues on an lcore (as many as it takes)", 3},
	{"burst", 'b', "N", 0, "Packets per burst, 1 to 512 (32)", 3},
	{"descs", KEY_DESCS, "N", 0, "Descriptors per queue (the driver's default)", 3},
	{"bufs", KEY_BUFS, "N", 0, "Packet buffers in all (enough for the queues)", 3},
	{"drain", KEY_DRAIN, "US", 0,
	 "Send an incomplete burst after so many microseconds; 0: at once (100)", 3},
	{"interrupt", KEY_INTERRUPT, NULL, 0, "Sleep while there is nothing to receive", 3},
	{"adaptive", KEY_ADAPTIVE, "US", 0,
	 "Sleep, but only after so many microseconds without a packet: polls under load", 3},
	{"period", 'T', "S", 0, "Statistics every S seconds; 0: at the end only (10)", 4},
	{"duration", KEY_DURATION, "S", 0, "Stop after S seconds; 0: at a signal (0)", 4},
	{"json", KEY_JSON, NULL, 0, "Statistics as JSON, one object a line", 4},
	{"cycles", KEY_CYCLES, NULL, 0,
	 "Measure TSC ticks per packet, of bursts that carried packets", 4},
	{0},
};

/* A number within limits; anything else ends the program. */
static unsigned int number(struct argp_state *state, const char *name, const char *text,
			   unsigned int min, unsigned int max)
{
	return (unsigned int)app_parse_number(state, name, text, 10, min, max);
}

static bool names_driver(const char *spec)
{
	const char *colon = strchr(spec, ':'), *name;
	uint64_t features;
	unsigned int i;

	if (!colon || !colon[1])
		return false;
	for (i = 0; (name = plx_net_driver_get(i, &features)); i++)
		if (strlen(name) == (size_t)(colon - spec) && !strncmp(name, spec, strlen(name)))
			return true;
	return false;
}

static bool same_port(const char *a, const char *b)
{
	struct plx_pci_addr x, y;

	if (plx_pci_parse(a, &x) == 0 && plx_pci_parse(b, &y) == 0)
		return plx_pci_compare(&x, &y) == 0;
	return strcmp(a, b) == 0;
}

static void add_port(struct argp_state *state, struct options *o, const char *spec)
{
	struct plx_pci_addr addr;
	unsigned int i;

	if (o->ports == PORTS_MAX)
		argp_error(state, "more than %u ports", PORTS_MAX);
	if (strlen(spec) > SPEC_LEN_MAX)
		argp_error(state, "port \"%.40s...\": longer than %u characters", spec,
			   SPEC_LEN_MAX);
	if (plx_pci_parse(spec, &addr) && !names_driver(spec))
		argp_error(state,
			   "port \"%s\": neither a PCI address (0000:00:03.0) nor driver:argument",
			   spec);
	for (i = 0; i < o->ports; i++)
		if (same_port(o->specs[i], spec))
			argp_error(state, "port %s is given twice", spec);
	o->specs[o->ports++] = spec;
}

static void check_all(struct argp_state *state, struct options *o)
{
	uint32_t mask;
	char why[160];
	int err = 0;

	if (o->ports == 0)
		argp_error(state, "no ports; see --port");
	mask = o->ports < 32 ? (UINT32_C(1) << o->ports) - 1 : UINT32_MAX;
	if (o->portmask)
		err = portmask_parse(o->portmask, o->ports, &mask, why, sizeof(why));
	if (!err && o->portmap)
		err = portmap_parse(o->portmap, o->ports, mask, o->peer, why, sizeof(why));
	else if (!err)
		err = portmap_default(o->ports, mask, o->peer, why, sizeof(why));
	if (err)
		argp_error(state, "%s", why);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		return 0;
	case 'p':
	case ARGP_KEY_ARG:
		add_port(state, o, arg);
		return 0;
	case KEY_PORTMAP:
		o->portmap = arg;
		return 0;
	case KEY_PORTMASK:
		o->portmask = arg;
		return 0;
	case KEY_PROMISC:
		o->promisc = true;
		return 0;
	case KEY_NO_MAC_UPDATING:
		o->no_mac_updating = true;
		return 0;
	case KEY_INTERRUPT:
		o->interrupt = true;
		return 0;
	case KEY_ADAPTIVE:
		o->interrupt = true;
		o->idle_us = number(state, "adaptive", arg, 1, 1000000);
		return 0;
	case KEY_JSON:
		o->json = true;
		return 0;
	case KEY_CYCLES:
		o->cycles = true;
		return 0;
	case KEY_MTU:
		o->mtu = number(state, "mtu", arg, 68, 65535);
		return 0;
	case KEY_RX_QUEUES:
		o->rx_queues = number(state, "rx-queues", arg, 1, PLX_PORT_QUEUES_MAX);
		return 0;
	case 'q':
		o->queues_per_lcore = number(state, "queues-per-lcore", arg, 1, 1024);
		return 0;
	case 'b':
		o->burst = number(state, "burst", arg, 1, BURST_MAX);
		return 0;
	case KEY_DESCS:
		o->descs = number(state, "descs", arg, 1, 32768);
		return 0;
	case KEY_BUFS:
		o->bufs = number(state, "bufs", arg, 1, 1u << 24);
		return 0;
	case KEY_DRAIN:
		o->drain_us = number(state, "drain", arg, 0, 1000000);
		return 0;
	case 'T':
		o->period_s = number(state, "period", arg, 0, 86400);
		return 0;
	case KEY_DURATION:
		o->duration_s = number(state, "duration", arg, 0, 31536000);
		return 0;
	case ARGP_KEY_END:
		check_all(state, o);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

void options_parse(struct options *options, int argc, char **argv)
{
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_option,
		.args_doc = "PORT PORT [PORT...]",
		.doc = "Forward frames between pairs of ports.\v"
		       "SIGINT, SIGTERM, SIGHUP and SIGQUIT end it with the totals. Exit status: "
		       "0, 1 "
		       "(a device or memory could not be had, or a port failed), 2 (usage; nothing "
		       "was touched).",
		.children = children,
	};

	argp_err_exit_status = EXIT_USAGE;
	*options = (struct options){.rx_queues = 1,
				    .burst = 32,
				    .drain_us = 100,
				    .period_s = 10,
				    .mtu = PLX_MTU_DEFAULT};
	argp_parse(&argp, argc, argv, 0, NULL, options);
}
