/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-pktgen: generate packets on one port, receive them on the same or another, and say what
 * became of them. This file is the life of the program: options, EAL, ports, report.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>

#include "common/common.h"
#include "pktgen.h"

#define BUFS	     16384
#define LINK_WAIT_MS 9000
#define SIZE_MAX_ETH 9216

struct options {
	struct plx_eal_config eal;
	const char *specs[2];
	unsigned int ports;
	struct ether_addr destination;
	bool has_destination, search, json;
	double loss;
	struct trial trial;
	struct traffic traffic;
};

static volatile sig_atomic_t stop;

static void on_signal(int number)
{
	stop = 1;
}

/* --- Options -------------------------------------------------------------------------------- */

static double number(struct argp_state *state, const char *arg, double min, double max)
{
	char *end;
	double value = strtod(arg, &end);

	if (end == arg || *end || !(value >= min && value <= max))
		argp_error(state, "%s: not a number from %g to %g", arg, min, max);
	return value;
}

static void parse_sizes(struct argp_state *state, struct traffic *t, char *arg)
{
	char *word;

	t->size_count = 0;
	while ((word = strsep(&arg, ","))) {
		if (t->size_count == SIZES_MAX)
			argp_error(state, "%u sizes are the most", SIZES_MAX);
		t->sizes[t->size_count++] = (uint16_t)number(state, word, SIZE_MIN, SIZE_MAX_ETH);
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		return 0;
	case 's':
		parse_sizes(state, &o->traffic, arg);
		return 0;
	case 'r':
		o->trial.rate = number(state, arg, 1, 1e10);
		return 0;
	case 'n':
		o->trial.count = (uint64_t)number(state, arg, 1, 1e15);
		return 0;
	case 'd':
		o->trial.seconds = number(state, arg, 0.001, 1e6);
		return 0;
	case 'b':
		o->traffic.burst = (uint16_t)number(state, arg, 1, BURST_MAX);
		return 0;
	case 'l':
		o->loss = number(state, arg, 0, 100) / 100;
		return 0;
	case 'S':
		o->search = true;
		return 0;
	case 'j':
		o->json = true;
		return 0;
	case 'D':
		if (!ether_aton_r(arg, &o->destination))
			argp_error(state, "%s: not a MAC address", arg);
		o->has_destination = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->ports == 2)
			argp_error(state, "one port to send, one to receive");
		o->specs[o->ports++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->ports)
			argp_error(state, "a port is needed");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_option argp_options[] = {
	{"size", 's', "BYTES[,...]", 0, "Frame sizes with FCS, in turn (68)", 0},
	{"rate", 'r', "PPS", 0, "Packets per second (all that goes)", 0},
	{"count", 'n', "N", 0, "Send N packets, then end", 0},
	{"duration", 'd', "S", 0, "Seconds to send; of each trial with --search (5)", 0},
	{"burst", 'b', "N", 0, "Packets per burst (32)", 0},
	{"search", 'S', NULL, 0, "Find the highest rate without loss (RFC 2544)", 0},
	{"loss", 'l', "PERCENT", 0, "Loss that --search allows (0)", 0},
	{"destination", 'D', "MAC", 0, "Destination (the receiving port's address)", 0},
	{"json", 'j', NULL, 0, "The result as a JSON object", 0},
	{0},
};

static const struct argp_child argp_children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};

static const struct argp argp = {
	.options = argp_options,
	.parser = parse_option,
	.args_doc = "PORT [PORT]",
	.doc = "Generate packets on the first port, receive them on the last, and count what was "
	       "lost, late or double, and how long they took.\v"
	       "Exit status: 0, 1 when something failed, 2 wrong usage.",
	.children = argp_children,
};

/* --- Report --------------------------------------------------------------------------------- */

static double ticks_to_ns(uint64_t ticks)
{
	return (double)ticks * 1e9 / (double)plx_tsc_hz;
}

static void report_json(const struct trial *trial, const struct sink *s)
{
	json_t *root = json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:f, s:f, s:I, s:{s:f, s:f, s:f, s:f, "
		"s:f}}",
		"sent", (json_int_t)trial->sent, "received", (json_int_t)trial->received, "lost",
		(json_int_t)trial->lost, "counted", (json_int_t)trial->counted, "reordered",
		(json_int_t)s->reordered, "duplicate", (json_int_t)s->duplicate, "too_late",
		(json_int_t)s->too_late, "foreign", (json_int_t)s->foreign, "tx_pps",
		trial->tx_rate, "rx_pps", trial->rx_rate, "latency_samples", (json_int_t)s->samples,
		"latency_ns", "min", s->samples ? ticks_to_ns(s->latency_min) : 0.0, "p50",
		sink_percentile(s, 0.5), "p99", sink_percentile(s, 0.99), "p99.9",
		sink_percentile(s, 0.999), "max", ticks_to_ns(s->latency_max));

	if (!root)
		return;
	json_dumpf(root, stdout, JSON_COMPACT | JSON_REAL_PRECISION(9));
	putchar('\n');
	json_decref(root);
}

static void report(const struct options *o, const struct trial *trial)
{
	const struct sink *s = &o->traffic.sink;

	if (o->json) {
		report_json(trial, s);
		return;
	}
	printf("sent %" PRIu64 " (%.0f/s), received %" PRIu64 " (%.0f/s), lost %" PRIu64
	       " (counted by the ports: %" PRIu64 "), reordered %" PRIu64 ", duplicate %" PRIu64
	       ", too late %" PRIu64 ", foreign %" PRIu64 "\n",
	       trial->sent, trial->tx_rate, trial->received, trial->rx_rate, trial->lost,
	       trial->counted, s->reordered, s->duplicate, s->too_late, s->foreign);
	if (s->samples)
		printf("latency in us over %" PRIu64
		       " samples: min %.2f, p50 %.2f, p99 %.2f, p99.9 %.2f, max %.2f\n",
		       s->samples, ticks_to_ns(s->latency_min) / 1e3, sink_percentile(s, 0.5) / 1e3,
		       sink_percentile(s, 0.99) / 1e3, sink_percentile(s, 0.999) / 1e3,
		       ticks_to_ns(s->latency_max) / 1e3);
}

/* --- Ports ---------------------------------------------------------------------------------- */

static struct plx_port *open_port(struct options *o, const char *spec, uint16_t mtu)
{
	struct plx_port_config config = {.pool = o->traffic.pool, .mtu = mtu};
	struct plx_port *port = plx_port_open(spec, &config);

	if (port && plx_port_start(port) == 0) {
		if (plx_port_link_wait(port, LINK_WAIT_MS))
			fprintf(stderr, "plx-pktgen: %s: no link\n", spec);
		return port;
	}
	plx_port_close(port);
	return NULL;
}

static uint16_t largest(const struct traffic *t)
{
	uint16_t size = 0;
	unsigned int i;

	for (i = 0; i < t->size_count; i++)
		size = t->sizes[i] > size ? t->sizes[i] : size;
	return size;
}

static int open_all(struct options *o)
{
	struct traffic *t = &o->traffic;
	const uint16_t size = largest(t);
	const uint16_t mtu = size > PLX_MTU_DEFAULT + 18 ? (uint16_t)(size - 18) : 0;
	struct plx_pktbuf_pool_config pool = {.name = "pktgen",
					      .count = BUFS,
					      .data_size =
						      mtu ? (uint16_t)(mtu + PLX_ETH_OVERHEAD) : 0};

	t->pool = plx_pktbuf_pool_open(&pool);
	if (!t->pool || sink_open(&t->sink))
		return -ENOMEM;
	t->tx_port = open_port(o, o->specs[0], mtu);
	if (!t->tx_port)
		return -EIO;
	t->rx_port = o->ports == 2 ? open_port(o, o->specs[1], mtu) : t->tx_port;
	if (!t->rx_port)
		return -EIO;
	traffic_header(t, o->has_destination ? o->destination.ether_addr_octet
					     : plx_port_info(t->rx_port)->mac);
	return 0;
}

static int close_all(struct traffic *t)
{
	if (t->rx_port != t->tx_port)
		plx_port_close(t->rx_port);
	plx_port_close(t->tx_port);
	sink_close(&t->sink);
	return t->pool ? plx_pktbuf_pool_close(t->pool) : 0;
}

static int run(struct options *o)
{
	struct trial trial = o->trial;
	int err = open_all(o);

	if (err)
		return err;
	if (o->search)
		err = search_throughput(&o->traffic, trial.seconds, o->loss, &trial);
	else
		err = traffic_run(&o->traffic, &trial);
	report(o, &trial);
	return err;
}

int main(int argc, char **argv)
{
	static struct options o = {
		.trial = {.seconds = 5},
		.traffic = {.sizes = {68}, .size_count = 1, .burst = 32, .sample_mask = 7},
	};
	int err;

	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &o);
	if (o.trial.count && !o.search)
		o.trial.seconds = 1e6;
	if (plx_eal_init(&o.eal))
		return EXIT_FAILURE;
	app_catch_signals(on_signal);
	o.traffic.stop = &stop;
	err = run(&o);
	if (close_all(&o.traffic))
		err = -EBUSY;
	if (fflush(stdout) || ferror(stdout))
		err = -EIO;
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
