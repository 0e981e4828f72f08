/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-l2fwd: forward frames between pairs of ports. This file is the life of the program: options,
 * EAL, pool, ports, forwarding (forward.c) with what the main lcore does beside it, and the way
 * back.
 */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/net.h>

#include "common/common.h"
#include "common/recover.h"
#include "forward.h"
#include "report.h"

/* Per lcore, what its cache and its bursts may hold. */
#define BUFS_PER_LCORE (2 * PLX_MEMPOOL_CACHE_DEFAULT + BURST_MAX)
/* The most that drivers take when the number of descriptors is left to them. */
#define DESCS_GUESS  1024
#define LINK_WAIT_MS 9000
#define POLL_MS	     10

static struct app app;
static struct app_recovery recoveries[PORTS_MAX];

/* --- Signals -------------------------------------------------------------------------------- */

static void on_signal(int number)
{
	app.stop = 1;
}

/* --- Ports ---------------------------------------------------------------------------------- */

static int open_port(unsigned int port)
{
	const struct options *o = &app.options;
	struct plx_port_config config = {
		.pool = app.pool,
		.rx_queues = (uint16_t)o->rx_queues,
		.tx_queues = app.tx_queues[port],
		.rx_descs = (uint16_t)o->descs,
		.tx_descs = (uint16_t)o->descs,
		.mtu = (uint16_t)o->mtu,
		.tag = (uint16_t)port,
		.promisc = o->promisc,
		.rx_irq = o->interrupt,
	};

	int err;

	app.ports[port] = plx_port_open(o->specs[port], &config);
	if (app.ports[port])
		return 0;
	err = -errno;
	fprintf(stderr, "plx-l2fwd: port %u, %s: cannot open it; the reason is above\n", port,
		o->specs[port]);
	return err;
}

static int open_ports(void)
{
	unsigned int i;
	int err;

	for (i = 0; i < app.options.ports; i++) {
		if (app.options.peer[i] == PORT_UNUSED)
			continue;
		err = open_port(i);
		if (err)
			return err;
	}
	for (i = 0; i < app.options.ports; i++) {
		err = app.ports[i] ? plx_port_start(app.ports[i]) : 0;
		if (err) {
			fprintf(stderr, "plx-l2fwd: port %u, %s: cannot start it: %s\n", i,
				app.options.specs[i], strerror(-err));
			return err;
		}
	}
	return 0;
}

static void close_ports(void)
{
	unsigned int i;

	for (i = 0; i < app.options.ports; i++)
		plx_port_close(app.ports[i]);
}

/* One line per port, once the links are up or after LINK_WAIT_MS. */
static void announce(void)
{
	uint64_t end = plx_clock_ns() + LINK_WAIT_MS * UINT64_C(1000000);
	unsigned int i;

	for (i = 0; i < app.options.ports; i++) {
		struct plx_port_link link = {0};
		const struct plx_port_info *info;

		if (!app.ports[i])
			continue;
		info = plx_port_info(app.ports[i]);
		while (plx_port_link(app.ports[i], &link) == 0 && !link.up && !app.stop &&
		       plx_clock_ns() < end)
			plx_delay_us(POLL_MS * 1000);
		/* What has happened up to here is told by the line below. */
		plx_port_events(app.ports[i]);
		fprintf(stderr,
			"plx-l2fwd: port %u: %s (%s), %02x:%02x:%02x:%02x:%02x:%02x, link %s, "
			"forwards to port %d\n",
			i, info->name, info->driver, info->mac[0], info->mac[1], info->mac[2],
			info->mac[3], info->mac[4], info->mac[5], link.up ? "up" : "down",
			app.options.peer[i]);
	}
}

/* --- Beside forwarding ---------------------------------------------------------------------- */

static void reset_port(unsigned int port)
{
	char name[32];
	int err;

	snprintf(name, sizeof(name), "plx-l2fwd: port %u", port);
	forward_pause(&app);
	err = app_recover(&recoveries[port], app.ports[port], name);
	app.resets += !err;
	forward_resume(&app);
	if (err && err != -EAGAIN) {
		app.failed = true;
		app.stop = 1;
	}
}

static void handle_events(unsigned int port)
{
	unsigned int events = plx_port_events(app.ports[port]);
	struct plx_port_link link;

	if (events & PLX_PORT_EVENT_REMOVE) {
		fprintf(stderr, "plx-l2fwd: port %u: the device is being removed\n", port);
		app.failed = true;
		app.stop = 1;
	} else if (app_recovery_due(&recoveries[port], events)) {
		reset_port(port);
	} else if ((events & PLX_PORT_EVENT_LINK) && !plx_port_link(app.ports[port], &link)) {
		fprintf(stderr, "plx-l2fwd: port %u: link %s\n", port, link.up ? "up" : "down");
	}
}

static void control(struct app *a)
{
	static uint64_t start_ns, report_ns;
	const struct options *o = &a->options;
	uint64_t now = plx_clock_ns();
	unsigned int i;

	if (!start_ns) {
		start_ns = now;
		report_ns = now;
	}
	for (i = 0; i < o->ports; i++)
		if (a->ports[i])
			handle_events(i);
	if (o->period_s && now - report_ns >= o->period_s * UINT64_C(1000000000)) {
		report_ns = now;
		report(a, REPORT_PERIOD);
	}
	if (o->duration_s && now - start_ns >= o->duration_s * UINT64_C(1000000000))
		a->stop = 1;
}

/* --- Life ----------------------------------------------------------------------------------- */

/* Buffers that the rings, the caches and the bursts can hold at the same time. */
static unsigned int bufs_needed(void)
{
	unsigned int wanted = app.options.descs ? app.options.descs : DESCS_GUESS;
	unsigned int descs = 64, i, n = 0;

	/* Drivers round up to powers of two. */
	while (descs < wanted)
		descs *= 2;
	for (i = 0; i < app.options.ports; i++)
		if (app.options.peer[i] != PORT_UNUSED)
			n += (app.options.rx_queues + app.tx_queues[i]) * descs;
	return n + app.lcores * BUFS_PER_LCORE;
}

static int open_pool(void)
{
	unsigned int needed = bufs_needed();
	struct plx_pktbuf_pool_config config = {
		.name = "l2fwd", .count = app.options.bufs ? app.options.bufs : needed};

	if (config.count < needed) {
		fprintf(stderr,
			"plx-l2fwd: --bufs %u: the queues and lcores need %u; give as many, or "
			"leave "
			"the option out\n",
			config.count, needed);
		return -EINVAL;
	}
	app.pool = plx_pktbuf_pool_open(&config);
	return app.pool ? 0 : -errno;
}

static int run(void)
{
	int err = open_ports();

	if (!err) {
		forward_attach(&app);
		announce();
		report_start();
		forward_run(&app, control);
		err = report(&app, REPORT_FINAL);
	}
	close_ports();
	return err;
}

int main(int argc, char **argv)
{
	int err, status;

	options_parse(&app.options, argc, argv);
	app_catch_signals(on_signal);
	err = plx_eal_init(&app.options.eal);
	if (err)
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	err = forward_plan(&app);
	if (!err)
		err = open_pool();
	status = err == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	if (!err)
		status = run() || app.failed ? EXIT_FAILURE : EXIT_SUCCESS;
	if (plx_pktbuf_pool_close(app.pool))
		status = EXIT_FAILURE;
	free(app.streams);
	if (plx_eal_fini())
		status = EXIT_FAILURE;
	return status;
}
