/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does it cost to receive a packet and send it again? Two ports whose wires are connected, or
 * one whose other end sends everything back, pass a few bursts of frames round and round, without
 * looking at them, as `start tx_first` of DPDK's testpmd does in io mode. Counted are the TSC ticks
 * of the bursts that carried packets; in the instruction-count VM (1 tick = 1 guest instruction)
 * that is instructions per packet. Called by icount-lib.sh and native-virtio.bench.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/net.h>

#include "ticks.h"

#define BURST	   32
#define SIZES_MAX  8
#define FCS_LEN	   4
#define QUEUES_MAX 4
#define IN_FLIGHT  4 /* bursts sent at the start, per port */
#define DESCS	   0 /* the default of the driver */
#define LINK_MS	   9000
#define WAKE_MS	   1000
#define TIMEOUT_NS UINT64_C(60000000000)

struct options {
	struct plx_eal_config eal;
	const char *specs[2];
	unsigned int ports;
	uint64_t packets, pings, polls;
	uint16_t sizes[SIZES_MAX]; /* with frame check sequence, in turn */
	unsigned int size_count;
	uint16_t queues;
	bool sleep; /* pings wait for an interrupt */
};

struct side {
	struct plx_port *port;
	struct plx_rxq *rxq[QUEUES_MAX];
	struct plx_txq *txq[QUEUES_MAX];
};

struct result {
	uint64_t packets, ticks, bursts, full_bursts, lost, ns;
	uint64_t all_packets, all_empty; /* with the warm-up: all calls of forward() */
};

static struct ticks per_packet, round_trips;

/* One burst from one port to the other: what is measured, and what callgrind collects. */
__attribute__((noinline)) static uint16_t forward(struct plx_rxq *rxq, struct plx_txq *txq,
						  struct result *result)
{
	struct plx_pktbuf *pkts[BURST];
	uint64_t start = plx_tsc(), took;
	uint16_t n = plx_rx_burst(rxq, pkts, BURST), sent;

	if (n == 0) {
		result->all_empty++;
		return 0;
	}
	sent = plx_tx_burst(txq, pkts, n);
	if (plx_unlikely(sent < n)) {
		plx_pktbuf_free_burst(&pkts[sent], (uint16_t)(n - sent));
		result->lost += (uint64_t)(n - sent);
	}
	took = plx_tsc() - start;
	result->ticks += took;
	ticks_note(&per_packet, took / n);
	result->packets += n;
	result->all_packets += n;
	result->bursts++;
	result->full_bursts += n == BURST;
	return n;
}

/* Every queue once, of one port or both. */
static inline unsigned int forward_all(const struct options *o, const struct side *sides,
				       struct result *result)
{
	const struct side *last = &sides[o->ports - 1];
	unsigned int n = 0, i;

	for (i = 0; i < o->queues; i++) {
		n += forward(sides[0].rxq[i], last->txq[i], result);
		if (o->ports == 2)
			n += forward(sides[1].rxq[i], sides[0].txq[i], result);
	}
	return n;
}

static int run(const struct options *o, const struct side *sides, uint64_t packets,
	       struct result *result)
{
	uint64_t start = plx_clock_ns(), end = start + TIMEOUT_NS;
	uint32_t idle = 0;

	while (result->packets < packets) {
		if (forward_all(o, sides, result)) {
			idle = 0;
		} else if (++idle % 4096 == 0 && plx_clock_ns() > end) {
			fprintf(stderr, "io_forward: %" PRIu64 " of %" PRIu64 " packets in 60 s\n",
				result->packets, packets);
			return -ETIMEDOUT;
		}
	}
	result->ns = plx_clock_ns() - start;
	return 0;
}

/*
 * Polls of a queue to which nothing comes, and nothing else: what they cost can be taken off then.
 */
static int poll_only(const struct side *side, uint64_t polls, struct result *result)
{
	while (result->all_empty < polls && result->packets == 0)
		forward(side->rxq[0], side->txq[0], result);
	return result->packets ? -EPROTO : 0;
}

/* Until something is there, most likely. */
static int await(const struct options *o, struct plx_rxq *rxq, uint32_t *idle, uint64_t end)
{
	if (o->sleep)
		return plx_rxq_irq_wait(rxq, WAKE_MS) == 1 ? 0 : -ETIMEDOUT;
	return ++*idle % 4096 == 0 && plx_clock_ns() > end ? -ETIMEDOUT : 0;
}

/* One packet to and fro, again and again: nothing else is on its way. */
static int ping(const struct options *o, struct plx_pktbuf_pool *pool, const struct side *side)
{
	uint64_t end = plx_clock_ns() + TIMEOUT_NS, times;
	struct plx_pktbuf *p = plx_pktbuf_alloc(pool);

	if (!p)
		return -ENOMEM;
	memset(plx_pktbuf_append(p, 60), 0xff, 60);
	for (times = o->pings; times; times--) {
		uint64_t start = plx_tsc();
		uint32_t idle = 0;

		if (plx_tx_burst(side->txq[0], &p, 1) != 1)
			return -EIO;
		while (!plx_rx_burst(side->rxq[0], &p, 1))
			if (await(o, side->rxq[0], &idle, end))
				return -ETIMEDOUT;
		ticks_note(&round_trips, plx_tsc() - start);
	}
	plx_pktbuf_free(p);
	return 0;
}

/* Broadcast frames of an experimental type (IEEE 802: 0x88b5), from an address of nobody. */
static int send_first(const struct options *o, struct plx_pktbuf_pool *pool, struct plx_txq *txq)
{
	static const uint8_t header[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
					   0,	 0,    0,    0,	   1,	 0x88, 0xb5};
	struct plx_pktbuf *pkts[BURST];
	unsigned int i, round;

	for (round = 0; round < IN_FLIGHT; round++) {
		if (plx_pktbuf_alloc_burst(pool, pkts, BURST))
			return -ENOMEM;
		for (i = 0; i < BURST; i++) {
			uint16_t len = (uint16_t)(o->sizes[i % o->size_count] - FCS_LEN);
			char *data = plx_pktbuf_append(pkts[i], len);

			memset(data, 0, len);
			memcpy(data, header, sizeof(header));
		}
		if (plx_tx_burst(txq, pkts, BURST) != BURST)
			return -EIO;
	}
	return 0;
}

static int open_side(const struct options *o, struct plx_pktbuf_pool *pool, const char *spec,
		     struct side *side)
{
	struct plx_port_config config = {.pool = pool,
					 .rx_queues = o->queues,
					 .tx_queues = o->queues,
					 .rx_descs = DESCS,
					 .tx_descs = DESCS,
					 .promisc = true,
					 .rx_irq = o->sleep};
	uint16_t i;
	int err;

	side->port = plx_port_open(spec, &config);
	if (!side->port)
		return -errno;
	for (i = 0; i < o->queues; i++) {
		side->rxq[i] = plx_port_rxq(side->port, i);
		side->txq[i] = plx_port_txq(side->port, i);
	}
	err = plx_port_start(side->port);
	return err ? err : plx_port_link_wait(side->port, LINK_MS);
}

static int measure(const struct options *o, struct result *result)
{
	struct plx_pktbuf_pool_config config = {.name = "bench", .count = 8192};
	struct plx_pktbuf_pool *pool = plx_pktbuf_pool_open(&config);
	struct side sides[2] = {{0}};
	unsigned int i, k;
	int err = 0;

	if (!pool)
		return -errno;
	for (i = 0; i < o->ports && !err; i++)
		err = open_side(o, pool, o->specs[i], &sides[i]);
	if (!err && o->polls) {
		err = poll_only(&sides[0], o->polls, result);
		goto close;
	}
	if (!err && o->pings)
		err = ping(o, pool, &sides[0]);
	for (i = 0; i < o->ports; i++)
		for (k = 0; k < o->queues && !err; k++)
			err = send_first(o, pool, sides[i].txq[k]);
	if (!err)
		err = run(o, sides, o->packets / 10, result);
	memset(&per_packet, 0, sizeof(per_packet));
	*result =
		(struct result){.all_packets = result->all_packets, .all_empty = result->all_empty};
	if (!err)
		err = run(o, sides, o->packets, result);
close:
	plx_port_close(sides[0].port);
	plx_port_close(sides[1].port);
	plx_pktbuf_pool_close(pool);
	return err;
}

static double us(uint32_t ticks)
{
	return (double)ticks * 1e6 / (double)plx_tsc_hz;
}

static double ratio(double a, uint64_t b)
{
	return b ? a / (double)b : 0;
}

static void print_result(const struct result *r)
{
	printf("{\"ticks_per_packet\": %.2f, \"packets\": %" PRIu64 ", \"bursts\": %" PRIu64
	       ", \"full_bursts\": %" PRIu64 ", \"lost\": %" PRIu64
	       ", \"mpps\": %.4f, \"median_ticks\": %u, \"p50_us\": %.3f, \"p99_us\": %.3f"
	       ", \"p99.9_us\": %.3f, \"all_packets\": %" PRIu64 ", \"all_empty\": %" PRIu64 "}\n",
	       ratio((double)r->ticks, r->packets), r->packets, r->bursts, r->full_bursts, r->lost,
	       ratio((double)r->packets * 1e3, r->ns), ticks_percentile(&per_packet, 0.5),
	       us(ticks_percentile(&round_trips, 0.5)), us(ticks_percentile(&round_trips, 0.99)),
	       us(ticks_percentile(&round_trips, 0.999)), r->all_packets, r->all_empty);
}

static void parse_sizes(struct argp_state *state, struct options *o, char *arg)
{
	char *word;

	o->size_count = 0;
	while ((word = strsep(&arg, ","))) {
		unsigned long size = strtoul(word, NULL, 10);

		if (o->size_count == SIZES_MAX || size < 64 || size > 1518)
			argp_usage(state);
		o->sizes[o->size_count++] = (uint16_t)size;
	}
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		return 0;
	case 'n':
		o->packets = strtoull(arg, NULL, 10);
		return 0;
	case 'p':
		o->pings = strtoull(arg, NULL, 10);
		return 0;
	case 'e':
		o->polls = strtoull(arg, NULL, 10);
		return 0;
	case 'w':
		o->sleep = true;
		return 0;
	case 's':
		parse_sizes(state, o, arg);
		return 0;
	case 'q':
		o->queues = (uint16_t)strtoul(arg, NULL, 10);
		return 0;
	case ARGP_KEY_ARG:
		if (o->ports == 2)
			argp_usage(state);
		o->specs[o->ports++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->ports || !o->packets || !o->queues || o->queues > QUEUES_MAX)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"packets", 'n', "N", 0, "Packets to forward (1000000)", 0},
		{"pings", 'p', "N", 0, "Round trips of a single packet first (0)", 0},
		{"empty-polls", 'e', "N", 0, "Only N polls, of which none must find a packet", 0},
		{"sleep", 'w', NULL, 0, "Pings wait for interrupts instead of polling", 0},
		{"size", 's', "BYTES[,...]", 0, "Frame sizes with FCS, in turn (64)", 0},
		{"queues", 'q', "N", 0, "Queue pairs of each port (1)", 0},
		{0}};
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {.options = options,
					 .parser = parse_option,
					 .args_doc = "PORT [PORT]",
					 .doc = "Instructions (or TSC ticks) per packet, received "
						"and sent; one JSON object.",
					 .children = children};
	struct options o = {.packets = 1000000, .sizes = {64}, .size_count = 1, .queues = 1};
	struct result result = {0};
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &o);
	err = plx_eal_init(&o.eal);
	if (err)
		return EXIT_FAILURE;
	err = measure(&o, &result);
	if (err)
		fprintf(stderr, "io_forward: %s\n", strerror(-err));
	else
		print_result(&result);
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
