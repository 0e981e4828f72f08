/* SPDX-License-Identifier: BSD-3-Clause */
/* What telemetry shows of a port: its queues, its own counters, its link. port.c adds it. */
#include <stdlib.h>

#include <pollux/mmio.h>

#include "driver.h"
#include "port.h"

#define XSTATS_MAX 256

static const char *state_name(enum plx_port_state state)
{
	switch (state) {
	case PLX_PORT_STARTED:
		return "started";
	case PLX_PORT_BROKEN:
		return "broken";
	case PLX_PORT_GONE:
		return "gone";
	case PLX_PORT_STOPPED:
		break;
	}
	return "stopped";
}

static void set_queue(json_t *o, const struct plx_queue_stats *stats)
{
	json_t *lies = json_object();
	unsigned int i;

	plx_telemetry_set(o, "packets", PLX_READ_ONCE(stats->packets));
	plx_telemetry_set(o, "bytes", PLX_READ_ONCE(stats->bytes));
	plx_telemetry_set(o, "errors", PLX_READ_ONCE(stats->errors));
	plx_telemetry_set(o, "dropped", PLX_READ_ONCE(stats->dropped));
	plx_telemetry_set(o, "no_buffers", PLX_READ_ONCE(stats->no_buffers));
	for (i = 0; i < PLX_LIE_KINDS; i++)
		plx_telemetry_set(lies, plx_lie_name(i), PLX_READ_ONCE(stats->lies[i]));
	json_object_set_new(o, "lies", lies);
}

static void set_queues(json_t *object, const struct plx_port *port)
{
	json_t *rx = json_array(), *tx = json_array();
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "name", json_sprintf("%u", i));
		set_queue(o, &port->rxqs[i]->stats);
		json_array_append_new(rx, o);
	}
	for (i = 0; i < port->info.tx_queues; i++) {
		json_t *o = json_object();

		json_object_set_new(o, "name", json_sprintf("%u", i));
		set_queue(o, &port->txqs[i]->stats);
		json_array_append_new(tx, o);
	}
	json_object_set_new(object, "rx_queues", rx);
	json_object_set_new(object, "tx_queues", tx);
}

static void set_sums(json_t *object, struct plx_port *port)
{
	struct plx_port_stats stats;

	plx_port_stats(port, &stats);
	plx_telemetry_set(object, "rx_packets", stats.rx.packets);
	plx_telemetry_set(object, "rx_bytes", stats.rx.bytes);
	plx_telemetry_set(object, "rx_dropped", stats.rx.dropped);
	plx_telemetry_set(object, "rx_no_buffers", stats.rx.no_buffers);
	plx_telemetry_set(object, "rx_missed", stats.rx_missed);
	plx_telemetry_set(object, "rx_errors", stats.rx_errors);
	plx_telemetry_set(object, "tx_packets", stats.tx.packets);
	plx_telemetry_set(object, "tx_bytes", stats.tx.bytes);
	plx_telemetry_set(object, "tx_dropped", stats.tx.dropped);
	plx_telemetry_set(object, "tx_errors", stats.tx_errors);
}

static void set_xstats(json_t *object, struct plx_port *port)
{
	struct plx_port_xstat xstats[XSTATS_MAX];
	json_t *o = json_object();
	int n = plx_port_xstats(port, xstats, XSTATS_MAX), i;

	for (i = 0; i < n && i < XSTATS_MAX; i++)
		plx_telemetry_set(o, xstats[i].name, xstats[i].value);
	json_object_set_new(object, "xstats", o);
}

static void fill(json_t *object, void *arg)
{
	struct plx_port *port = arg;
	enum plx_port_state state = plx_port_state(port);

	json_object_set_new(object, "name", json_string(port->info.name));
	json_object_set_new(object, "driver", json_string(port->info.driver));
	json_object_set_new(object, "state", json_string(state_name(state)));
	set_sums(object, port);
	set_xstats(object, port);
	set_queues(object, port);
}

void plx_port_telemetry_add(struct plx_port *port)
{
	port->telemetry = (struct plx_telemetry_source){
		.array = "ports",
		.fill = fill,
		.arg = port,
	};
	plx_telemetry_add(&port->telemetry);
}
