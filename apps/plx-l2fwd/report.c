/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics of plx-l2fwd: collected per port, printed as a table or as JSON; see report.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include <pollux/clock.h>
#include <pollux/mmio.h>

#include "report.h"

struct port_report {
	struct plx_port_stats stats;
	struct plx_port_link link;
	uint64_t dropped; /* packets for this port that its queue had no room for */
	uint64_t lies;
};

/* What the rates are relative to. */
static struct {
	uint64_t start_ns, last_ns;
	uint64_t rx[PORTS_MAX], tx[PORTS_MAX];
	int error;
} history;

static uint64_t sum_lies(const struct plx_queue_stats *queue)
{
	uint64_t sum = 0;
	unsigned int i;

	for (i = 0; i < PLX_LIE_KINDS; i++)
		sum += queue->lies[i];
	return sum;
}

static void collect(struct app *app, unsigned int port, struct port_report *r)
{
	unsigned int i;

	memset(r, 0, sizeof(*r));
	plx_port_stats(app->ports[port], &r->stats);
	plx_port_link(app->ports[port], &r->link);
	r->lies = sum_lies(&r->stats.rx) + sum_lies(&r->stats.tx);
	for (i = 0; i < app->num_streams; i++)
		if (app->options.peer[app->streams[i].port] == (int)port)
			r->dropped += PLX_READ_ONCE(app->streams[i].dropped);
}

static double per_packet(const struct app *app, uint64_t *packets, uint64_t *bursts)
{
	uint64_t ticks = 0;
	unsigned int i;

	*packets = 0;
	*bursts = 0;
	for (i = 0; i < app->num_streams; i++) {
		ticks += PLX_READ_ONCE(app->streams[i].ticks);
		*packets += PLX_READ_ONCE(app->streams[i].packets);
		*bursts += PLX_READ_ONCE(app->streams[i].bursts);
	}
	return *packets ? (double)ticks / (double)*packets : 0;
}

static double rate(uint64_t now, uint64_t before, uint64_t ns)
{
	return ns ? (double)(now - before) * 1e9 / (double)ns : 0;
}

/* --- Table ---------------------------------------------------------------------------------- */

static void table_row(const struct app *app, unsigned int port, const struct port_report *r,
		      uint64_t ns)
{
	printf("%4u %-14.14s %-5s %12" PRIu64 " %10.0f %12" PRIu64 " %10.0f %10" PRIu64 " %8" PRIu64
	       " %6" PRIu64 "\n",
	       port, plx_port_info(app->ports[port])->name, r->link.up ? "up" : "down",
	       r->stats.rx.packets, rate(r->stats.rx.packets, history.rx[port], ns),
	       r->stats.tx.packets, rate(r->stats.tx.packets, history.tx[port], ns),
	       r->dropped + r->stats.tx.dropped, r->stats.rx_missed,
	       r->stats.rx_errors + r->stats.tx_errors + r->stats.rx.errors + r->lies);
}

static void table(struct app *app, enum report_kind kind, struct port_report *reports, uint64_t ns)
{
	uint64_t packets, bursts;
	double ticks = per_packet(app, &packets, &bursts);
	unsigned int i;

	printf("%s after %.1f s\n%4s %-14s %-5s %12s %10s %12s %10s %10s %8s %6s\n",
	       kind == REPORT_FINAL ? "Totals" : "Statistics",
	       (double)(history.last_ns - history.start_ns) / 1e9, "port", "device", "link", "rx",
	       "rx/s", "tx", "tx/s", "dropped", "missed", "errors");
	for (i = 0; i < app->options.ports; i++)
		if (app->ports[i])
			table_row(app, i, &reports[i], ns);
	if (app->options.cycles)
		printf("%.1f TSC ticks per packet over %" PRIu64 " packets in %" PRIu64 " bursts\n",
		       ticks, packets, bursts);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static json_t *json_queues(const struct app *app, unsigned int port)
{
	unsigned int i, n = plx_port_info(app->ports[port])->rx_queues;
	json_t *queues = json_array();

	for (i = 0; i < n; i++) {
		struct plx_rxq *rxq = plx_port_rxq(app->ports[port], (uint16_t)i);

		json_array_append_new(queues,
				      json_integer((json_int_t)PLX_READ_ONCE(rxq->stats.packets)));
	}
	return queues;
}

static json_t *json_port(const struct app *app, unsigned int port, const struct port_report *r,
			 uint64_t ns)
{
	const struct plx_port_info *info = plx_port_info(app->ports[port]);
	const struct plx_port_stats *s = &r->stats;

	return json_pack(
		"{s:i, s:s, s:s, s:i, s:b, s:i, s:o, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:I, s:I, "
		"s:I, "
		"s:I, s:I, s:I}",
		"port", (int)port, "device", info->name, "driver", info->driver, "peer",
		app->options.peer[port], "link", (int)r->link.up, "speed_mbps",
		(int)r->link.speed_mbps, "rx_queue_packets", json_queues(app, port), "rx_packets",
		(json_int_t)s->rx.packets, "rx_bytes", (json_int_t)s->rx.bytes, "tx_packets",
		(json_int_t)s->tx.packets, "tx_bytes", (json_int_t)s->tx.bytes, "rx_pps",
		rate(s->rx.packets, history.rx[port], ns), "tx_pps",
		rate(s->tx.packets, history.tx[port], ns), "dropped",
		(json_int_t)(r->dropped + s->tx.dropped), "rx_missed", (json_int_t)s->rx_missed,
		"rx_no_buffers", (json_int_t)s->rx.no_buffers, "rx_errors",
		(json_int_t)(s->rx_errors + s->rx.errors), "tx_errors", (json_int_t)s->tx_errors,
		"rx_dropped", (json_int_t)s->rx.dropped, "lies", (json_int_t)r->lies);
}

static void json(struct app *app, enum report_kind kind, struct port_report *reports, uint64_t ns)
{
	json_t *ports = json_array(), *root;
	uint64_t packets, bursts;
	double ticks = per_packet(app, &packets, &bursts);
	unsigned int i;

	for (i = 0; i < app->options.ports; i++)
		if (app->ports[i])
			json_array_append_new(ports, json_port(app, i, &reports[i], ns));
	root = json_pack("{s:b, s:f, s:o}", "final", kind == REPORT_FINAL, "seconds",
			 (double)(history.last_ns - history.start_ns) / 1e9, "ports", ports);
	if (root && app->options.cycles) {
		json_object_set_new(root, "ticks_per_packet", json_real(ticks));
		json_object_set_new(root, "measured_packets", json_integer((json_int_t)packets));
		json_object_set_new(root, "measured_bursts", json_integer((json_int_t)bursts));
	}
	if (!root || json_dumpf(root, stdout, JSON_COMPACT) || putchar('\n') == EOF)
		errno = errno ? errno : ENOMEM;
	json_decref(root);
}

/* --- Both ----------------------------------------------------------------------------------- */

static int check_stdout(void)
{
	if (!fflush(stdout) && !ferror(stdout))
		return 0;
	history.error = errno ? -errno : -EIO;
	fprintf(stderr, "plx-l2fwd: cannot write statistics to stdout: %s; forwarding goes on\n",
		strerror(-history.error));
	return history.error;
}

void report_start(void)
{
	history.start_ns = plx_clock_ns();
	history.last_ns = history.start_ns;
}

int report(struct app *app, enum report_kind kind)
{
	static struct port_report reports[PORTS_MAX];
	uint64_t now = plx_clock_ns(), ns;
	unsigned int i;

	if (history.error)
		return history.error;
	ns = now - history.last_ns;
	history.last_ns = now;
	for (i = 0; i < app->options.ports; i++)
		if (app->ports[i])
			collect(app, i, &reports[i]);
	errno = 0;
	if (app->options.json)
		json(app, kind, reports, ns);
	else
		table(app, kind, reports, ns);
	for (i = 0; i < app->options.ports; i++) {
		history.rx[i] = reports[i].stats.rx.packets;
		history.tx[i] = reports[i].stats.tx.packets;
	}
	return check_stdout();
}
