/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-l3fwd: route between ports, in a DPDK process. This file is the life of the program. */
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>

#include <pollux/clock.h>

#include "common/common.h"
#include "common/recover.h"
#include "l3fwd.h"

#define DESCS	      512
#define BUFS_PER_PORT (4 * DESCS)
#define LINK_WAIT_MS  9000

struct app app;
static struct app_recovery recoveries[PORTS_MAX];

static void on_signal(int number)
{
	app.stop = 1;
}

/* RFC 4291, appendix A: fe80::/64 and the MAC address as a modified EUI-64. */
static struct address link_local_of(const uint8_t *mac)
{
	struct address a = {{0xfe, 0x80}};

	memcpy(a.bytes + 8, mac, 3);
	a.bytes[8] ^= 2;
	a.bytes[11] = 0xff;
	a.bytes[12] = 0xfe;
	memcpy(a.bytes + 13, mac + 3, 3);
	return a;
}

static int open_port(unsigned int number)
{
	struct port *port = &app.ports[number];
	struct plx_port_config config = {
		.pool = app.pool,
		.rx_descs = DESCS,
		.tx_descs = DESCS,
		.tag = (uint16_t)number,
	};
	int err;

	port->port = plx_port_open(app.options.specs[number], &config);
	if (!port->port) {
		fprintf(stderr, PREFIX "port %u, %s: cannot open it; the reason is above\n", number,
			app.options.specs[number]);
		return -1;
	}
	/* Who asks for an IPv6 address asks a multicast group. */
	err = plx_port_set_allmulti(port->port, true);
	if (err)
		err = plx_port_set_promisc(port->port, true);
	if (!err)
		err = plx_port_start(port->port);
	if (err) {
		fprintf(stderr, PREFIX "port %u, %s: cannot start it: %s\n", number,
			app.options.specs[number], strerror(-err));
		return -1;
	}
	port->rxq = plx_port_rxq(port->port, 0);
	port->txq = plx_port_txq(port->port, 0);
	memcpy(port->mac, plx_port_info(port->port)->mac, sizeof(port->mac));
	port->mtu = PLX_MTU_DEFAULT;
	port->link_local = link_local_of(port->mac);
	return 0;
}

static int open_ports(void)
{
	struct plx_pktbuf_pool_config config = {
		.name = "l3fwd",
		.count = app.options.ports * BUFS_PER_PORT + 2 * PLX_MEMPOOL_CACHE_DEFAULT,
	};
	unsigned int i;

	app.pool = plx_pktbuf_pool_open(&config);
	if (!app.pool)
		return -1;
	for (i = 0; i < app.options.ports; i++)
		if (open_port(i))
			return -1;
	for (i = 0; i < app.options.ports; i++)
		plx_port_link_wait(app.ports[i].port, LINK_WAIT_MS);
	fprintf(stderr, PREFIX "routing between %u ports\n", app.options.ports);
	return 0;
}

static void close_all(void)
{
	unsigned int i;

	for (i = 0; i < app.options.ports; i++)
		plx_port_close(app.ports[i].port);
	neighbours_free();
	routes_free();
	if (plx_pktbuf_pool_close(app.pool))
		app.failed = true;
}

static void reset_port(unsigned int number)
{
	char name[32];
	int err;

	snprintf(name, sizeof(name), PREFIX "port %u", number);
	err = app_recover(&recoveries[number], app.ports[number].port, name);
	if (err && err != -EAGAIN) {
		app.failed = true;
		app.stop = 1;
	}
}

static void look_after(unsigned int number)
{
	struct plx_port *port = app.ports[number].port;
	unsigned int events = plx_port_events(port);

	if (events & PLX_PORT_EVENT_REMOVE) {
		fprintf(stderr, PREFIX "port %u: the device is being removed\n", number);
		app.failed = true;
		app.stop = 1;
	} else if (app_recovery_due(&recoveries[number], events)) {
		reset_port(number);
	}
}

/* A few times a second. */
static void control(void)
{
	static uint64_t start_ns, report_ns;
	const struct options *o = &app.options;
	uint64_t now = plx_clock_ns();
	unsigned int i;

	if (!start_ns)
		start_ns = report_ns = now;
	for (i = 0; i < o->ports; i++)
		look_after(i);
	if (o->period_s && now - report_ns >= o->period_s * UINT64_C(1000000000)) {
		report_ns = now;
		report(false);
	}
	if (o->duration_s && now - start_ns >= o->duration_s * UINT64_C(1000000000))
		app.stop = 1;
}

int main(int argc, char **argv)
{
	int err, status = EXIT_FAILURE;

	options_parse(&app.options, argc, argv);
	app_catch_signals(on_signal);
	/* What is wrong with the file is said before anything is touched. */
	if (routes_read(app.options.routes))
		return EXIT_USAGE;
	err = plx_eal_init(&app.options.eal);
	if (err)
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	if (routes_install() == 0 && open_ports() == 0) {
		forward_loop(control);
		status = report(true) || app.failed ? EXIT_FAILURE : EXIT_SUCCESS;
	}
	close_all();
	if (app.failed || plx_eal_fini())
		status = EXIT_FAILURE;
	return status;
}
