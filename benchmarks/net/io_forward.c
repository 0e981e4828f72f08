/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does it cost to receive a packet and send it again? Two ports whose wires are connected pass
 * a few bursts of 64-byte frames round and round, without looking at them, as `start tx_first` of
 * DPDK's testpmd does in io mode. Counted are the TSC ticks of the bursts that carried packets; in
 * the instruction-count VM (1 tick = 1 guest instruction) that is instructions per packet. Called
 * by icount.sh.
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

#define BURST	   32
#define FRAME_LEN  60 /* 64 with the frame check sequence */
#define IN_FLIGHT  4  /* bursts sent at the start, per port */
#define DESCS	   0 /* the default of the driver */
#define LINK_MS	   9000
#define TIMEOUT_NS UINT64_C(60000000000)

struct options {
	struct plx_eal_config eal;
	const char *specs[2];
	unsigned int ports;
	uint64_t packets;
};

struct side {
	struct plx_port *port;
	struct plx_rxq *rxq;
	struct plx_txq *txq;
};

struct result {
	uint64_t packets, ticks, bursts, full_bursts, lost;
};

/* One burst from one port to the other: what is measured. */
static inline uint16_t forward(struct plx_rxq *rxq, struct plx_txq *txq, struct result *result)
{
	struct plx_pktbuf *pkts[BURST];
	uint64_t start = plx_tsc();
	uint16_t n = plx_rx_burst(rxq, pkts, BURST), sent;

	if (n == 0)
		return 0;
	sent = plx_tx_burst(txq, pkts, n);
	if (plx_unlikely(sent < n)) {
		plx_pktbuf_free_burst(&pkts[sent], (uint16_t)(n - sent));
		result->lost += (uint64_t)(n - sent);
	}
	result->ticks += plx_tsc() - start;
	result->packets += n;
	result->bursts++;
	result->full_bursts += n == BURST;
	return n;
}

static int run(struct side *sides, uint64_t packets, struct result *result)
{
	uint64_t end = plx_clock_ns() + TIMEOUT_NS;
	uint32_t idle = 0;

	while (result->packets < packets) {
		if (forward(sides[0].rxq, sides[1].txq, result) +
		    forward(sides[1].rxq, sides[0].txq, result)) {
			idle = 0;
		} else if (++idle % 4096 == 0 && plx_clock_ns() > end) {
			fprintf(stderr, "io_forward: %" PRIu64 " of %" PRIu64 " packets in 60 s\n",
				result->packets, packets);
			return -ETIMEDOUT;
		}
	}
	return 0;
}

/* Broadcast frames of an experimental type (IEEE 802: 0x88b5), from an address of nobody. */
static int send_first(struct plx_pktbuf_pool *pool, struct side *side)
{
	static const uint8_t header[14] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 2,
					   0,	 0,    0,    0,	   1,	 0x88, 0xb5};
	struct plx_pktbuf *pkts[BURST];
	unsigned int i, round;

	for (round = 0; round < IN_FLIGHT; round++) {
		if (plx_pktbuf_alloc_burst(pool, pkts, BURST))
			return -ENOMEM;
		for (i = 0; i < BURST; i++) {
			char *data = plx_pktbuf_append(pkts[i], FRAME_LEN);

			memset(data, 0, FRAME_LEN);
			memcpy(data, header, sizeof(header));
		}
		if (plx_tx_burst(side->txq, pkts, BURST) != BURST)
			return -EIO;
	}
	return 0;
}

static int open_side(struct plx_pktbuf_pool *pool, const char *spec, struct side *side)
{
	struct plx_port_config config = {
		.pool = pool, .rx_descs = DESCS, .tx_descs = DESCS, .promisc = true};
	int err;

	side->port = plx_port_open(spec, &config);
	if (!side->port)
		return -errno;
	side->rxq = plx_port_rxq(side->port, 0);
	side->txq = plx_port_txq(side->port, 0);
	err = plx_port_start(side->port);
	return err ? err : plx_port_link_wait(side->port, LINK_MS);
}

static int measure(const struct options *o, struct result *result)
{
	struct plx_pktbuf_pool_config config = {.name = "bench", .count = 8192};
	struct plx_pktbuf_pool *pool = plx_pktbuf_pool_open(&config);
	struct result warm_up = {0};
	struct side sides[2] = {{0}};
	int err;

	if (!pool)
		return -errno;
	err = open_side(pool, o->specs[0], &sides[0]);
	if (!err)
		err = open_side(pool, o->specs[1], &sides[1]);
	if (!err)
		err = send_first(pool, &sides[0]);
	if (!err)
		err = send_first(pool, &sides[1]);
	if (!err)
		err = run(sides, o->packets / 10, &warm_up);
	if (!err)
		err = run(sides, o->packets, result);
	plx_port_close(sides[0].port);
	plx_port_close(sides[1].port);
	plx_pktbuf_pool_close(pool);
	return err;
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
	case ARGP_KEY_ARG:
		if (o->ports == 2)
			argp_usage(state);
		o->specs[o->ports++] = arg;
		return 0;
	case ARGP_KEY_END:
		if (o->ports != 2 || o->packets == 0)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"packets", 'n', "N", 0, "Packets to forward (1000000)", 0}, {0}};
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {.options = options,
					 .parser = parse_option,
					 .args_doc = "PORT PORT",
					 .doc = "Instructions (or TSC ticks) per packet, received "
						"and sent; one JSON object.",
					 .children = children};
	struct options o = {.packets = 1000000};
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
		printf("{\"ticks_per_packet\": %.2f, \"packets\": %" PRIu64 ", \"bursts\": %" PRIu64
		       ", \"full_bursts\": %" PRIu64 ", \"lost\": %" PRIu64 "}\n",
		       (double)result.ticks / (double)result.packets, result.packets, result.bursts,
		       result.full_bursts, result.lost);
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
