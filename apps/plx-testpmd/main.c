/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-testpmd: drive ports by hand or by script. This file is the life of the program: options,
 * EAL, pool, ports, the console, and the way back.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/common.h"
#include "testpmd.h"

#define BUFS_DEFAULT 16384
#define TX_LEN	     60
#define LINK_WAIT_MS 9000

struct options {
	struct plx_eal_config eal;
	struct plx_port_config config;
	const char *specs[PORTS_MAX];
	unsigned int ports, bufs, data_size;
	const char *script;
	bool features, hotplug;
};

static struct app app;

static int number(struct argp_state *state, const char *arg, unsigned long max)
{
	char *end;
	unsigned long value = strtoul(arg, &end, 10);

	if (end == arg || *end || value == 0 || value > max)
		argp_error(state, "%s: not a number from 1 to %lu", arg, max);
	return (int)value;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		return 0;
	case 's':
		o->script = arg;
		return 0;
	case 'q':
		o->config.rx_queues = (uint16_t)number(state, arg, QUEUES_MAX);
		o->config.tx_queues = o->config.rx_queues;
		return 0;
	case 'd':
		o->config.rx_descs = (uint16_t)number(state, arg, 32768);
		o->config.tx_descs = o->config.rx_descs;
		return 0;
	case 'm':
		o->config.mtu = (uint16_t)number(state, arg, 65535);
		return 0;
	case 'b':
		o->bufs = (unsigned int)number(state, arg, 16777216);
		return 0;
	case 'S':
		o->data_size = (unsigned int)number(state, arg, 65000);
		return 0;
	case 'P':
		o->config.promisc = true;
		return 0;
	case 'H':
		o->hotplug = true;
		return 0;
	case 'f':
		o->features = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->ports == PORTS_MAX)
			argp_error(state, "%u ports are the most", PORTS_MAX);
		o->specs[o->ports++] = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"script", 's', "FILE", 0, "Commands from a file; -: from standard input", 0},
	{"queues", 'q', "N", 0, "Rx and tx queues per port (1)", 0},
	{"descs", 'd', "N", 0, "Descriptors per queue (the driver's default)", 0},
	{"mtu", 'm', "BYTES", 0, "MTU of all ports (1500)", 0},
	{"bufs", 'b', "N", 0, "Packet buffers in all (16384)", 0},
	{"data-size", 'S', "BYTES", 0, "Room in each packet buffer (2048)", 0},
	{"promisc", 'P', NULL, 0, "Take frames for all addresses", 0},
	{"hotplug", 'H', NULL, 0,
	 "Attach NICs that vfio-pci gets from now on, detach those that go", 0},
	{"features", 'f', NULL, 0, "Print the driver x feature matrix and exit", 0},
	{0},
};

static const struct argp_child argp_children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "[PORT...]",
	.doc = "Drive ports by hand or by script; \"help\" lists the commands.\v"
	       "Exit status: 0, 1 when something failed (a command of a script, too), 2 wrong "
	       "usage.",
	.children = argp_children,
};

static int open_all(const struct options *o)
{
	struct plx_pktbuf_pool_config pool = {
		.name = "testpmd", .count = o->bufs, .data_size = (uint16_t)o->data_size};
	unsigned int i;
	int err;

	app.pool = plx_pktbuf_pool_open(&pool);
	if (!app.pool)
		return -errno;
	for (i = 0; i < o->ports; i++) {
		err = port_attach(&app, o->specs[i], &o->config);
		if (err)
			return err;
	}
	if (o->hotplug) {
		err = hotplug_start(&app, &o->config);
		if (err)
			return err;
	}
	for (i = 0; i < app.port_count; i++)
		plx_port_link_wait(app.ports[i].port, LINK_WAIT_MS);
	return 0;
}

static int close_all(void)
{
	unsigned int i;
	int err = 0;

	hotplug_stop(&app);
	forward_stop(&app);
	if (app.capture)
		err = capture_stop(&app);
	for (i = 0; i < app.port_count; i++)
		port_detach(&app.ports[i]);
	if (app.pool && plx_pktbuf_pool_close(app.pool))
		err = -EBUSY;
	return err;
}

static void on_signal(int number)
{
	app.quit = true;
}

int main(int argc, char **argv)
{
	struct options o = {.bufs = BUFS_DEFAULT};
	unsigned int failed = 0;
	int err;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.features) {
		show_matrix();
		return EXIT_SUCCESS;
	}
	app.mode = mode_find("io");
	app.burst = 32;
	app.tx_lens[0] = TX_LEN;
	app.tx_segs = 1;
	if (plx_eal_init(&o.eal))
		return EXIT_FAILURE;
	app_catch_signals(on_signal);
	err = open_all(&o);
	if (!err && !o.script && isatty(STDIN_FILENO))
		console_interactive(&app);
	else if (!err)
		failed = console_script(&app, o.script ? o.script : "-");
	if (close_all())
		err = -EIO;
	return plx_eal_fini() || err || failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
