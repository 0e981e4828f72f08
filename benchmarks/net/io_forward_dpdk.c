/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What io_forward.c does with one port, with DPDK's: the peer, measured in the same way. Called by
 * native-virtio.bench.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <rte_cycles.h>
#include <rte_eal.h>
#include <rte_ethdev.h>
#include <rte_mbuf.h>

#include "ticks.h"

#define BURST	   32
#define SIZES_MAX  8
#define FCS_LEN	   4
#define QUEUES_MAX 4
#define IN_FLIGHT  4
#define DESCS	   256
#define MBUFS	   8191
#define TIMEOUT_S  60

static struct {
	uint64_t packets, pings, polls;
	uint16_t sizes[SIZES_MAX], queues;
	unsigned int size_count;
} options = {.packets = 1000000, .sizes = {64}, .size_count = 1, .queues = 1};

static struct {
	uint64_t packets, ticks, bursts, full_bursts, lost, tsc;
} result;

static uint64_t all_packets, all_empty; /* with the warm-up: all calls of forward() */

static struct ticks per_packet, round_trips;

/* One burst: what is measured, and what callgrind collects. */
__attribute__((noinline)) static uint16_t forward(uint16_t queue)
{
	struct rte_mbuf *pkts[BURST];
	uint64_t start = rte_rdtsc(), took;
	uint16_t n = rte_eth_rx_burst(0, queue, pkts, BURST), sent;

	if (n == 0) {
		all_empty++;
		return 0;
	}
	sent = rte_eth_tx_burst(0, queue, pkts, n);
	if (sent < n) {
		rte_pktmbuf_free_bulk(&pkts[sent], n - sent);
		result.lost += n - sent;
	}
	took = rte_rdtsc() - start;
	result.ticks += took;
	ticks_note(&per_packet, took / n);
	result.packets += n;
	all_packets += n;
	result.bursts++;
	result.full_bursts += n == BURST;
	return n;
}

static int run(uint64_t packets)
{
	uint64_t start = rte_rdtsc(), end = start + TIMEOUT_S * rte_get_tsc_hz();
	uint32_t idle = 0;
	uint16_t i;

	memset(&result, 0, sizeof(result));
	while (result.packets < packets) {
		unsigned int n = 0;

		for (i = 0; i < options.queues; i++)
			n += forward(i);
		if (n)
			idle = 0;
		else if (++idle % 4096 == 0 && rte_rdtsc() > end)
			return -ETIMEDOUT;
	}
	result.tsc = rte_rdtsc() - start;
	return 0;
}

/*
 * Polls of a queue to which nothing comes, and nothing else: what they cost can be taken off then.
 */
static int poll_only(void)
{
	while (all_empty < options.polls && all_packets == 0)
		forward(0);
	return all_packets ? -EPROTO : 0;
}

static int ping(struct rte_mempool *pool)
{
	uint64_t end = rte_rdtsc() + TIMEOUT_S * rte_get_tsc_hz(), times;
	struct rte_mbuf *p = rte_pktmbuf_alloc(pool);

	if (!p)
		return -ENOMEM;
	memset(rte_pktmbuf_append(p, 60), 0xff, 60);
	for (times = options.pings; times; times--) {
		uint64_t start = rte_rdtsc();
		uint32_t idle = 0;

		if (rte_eth_tx_burst(0, 0, &p, 1) != 1)
			return -EIO;
		while (!rte_eth_rx_burst(0, 0, &p, 1))
			if (++idle % 4096 == 0 && rte_rdtsc() > end)
				return -ETIMEDOUT;
		ticks_note(&round_trips, rte_rdtsc() - start);
	}
	rte_pktmbuf_free(p);
	return 0;
}

static int send_first(struct rte_mempool *pool, uint16_t queue)
{
	struct rte_mbuf *pkts[BURST];
	unsigned int round, i;

	for (round = 0; round < IN_FLIGHT; round++) {
		if (rte_pktmbuf_alloc_bulk(pool, pkts, BURST))
			return -ENOMEM;
		for (i = 0; i < BURST; i++) {
			uint16_t len = options.sizes[i % options.size_count] - FCS_LEN;

			memset(rte_pktmbuf_append(pkts[i], len), 0xff, len);
		}
		if (rte_eth_tx_burst(0, queue, pkts, BURST) != BURST)
			return -EIO;
	}
	return 0;
}

static int open_port(struct rte_mempool *pool)
{
	const struct rte_eth_conf conf = {0};
	struct rte_eth_link link = {0};
	uint16_t i;
	int err = rte_eth_dev_configure(0, options.queues, options.queues, &conf);

	for (i = 0; i < options.queues && !err; i++) {
		err = rte_eth_rx_queue_setup(0, i, DESCS, 0, NULL, pool);
		if (!err)
			err = rte_eth_tx_queue_setup(0, i, DESCS, 0, NULL);
	}
	if (!err)
		err = rte_eth_dev_start(0);
	if (!err)
		err = rte_eth_link_get(0, &link);
	return err;
}

static int measure(void)
{
	struct rte_mempool *pool =
		rte_pktmbuf_pool_create("bench", MBUFS, 256, 0, RTE_MBUF_DEFAULT_BUF_SIZE, 0);
	uint16_t i;
	int err;

	if (!pool)
		return -ENOMEM;
	err = open_port(pool);
	if (!err && options.polls) {
		err = poll_only();
		goto close;
	}
	if (!err && options.pings)
		err = ping(pool);
	for (i = 0; i < options.queues && !err; i++)
		err = send_first(pool, i);
	if (!err)
		err = run(options.packets / 10);
	if (!err) {
		memset(&per_packet, 0, sizeof(per_packet));
		err = run(options.packets);
	}
close:
	rte_eth_dev_stop(0);
	rte_eth_dev_close(0);
	return err;
}

static int parse(int argc, char **argv)
{
	char *word;
	int c;

	while ((c = getopt(argc, argv, "e:n:p:q:s:")) != -1) {
		switch (c) {
		case 'e':
			options.polls = strtoull(optarg, NULL, 10);
			break;
		case 'n':
			options.packets = strtoull(optarg, NULL, 10);
			break;
		case 'p':
			options.pings = strtoull(optarg, NULL, 10);
			break;
		case 'q':
			options.queues = (uint16_t)atoi(optarg);
			break;
		case 's':
			options.size_count = 0;
			while ((word = strsep(&optarg, ",")) && options.size_count < SIZES_MAX)
				options.sizes[options.size_count++] = (uint16_t)atoi(word);
			break;
		default:
			return -EINVAL;
		}
	}
	return options.queues && options.queues <= QUEUES_MAX ? 0 : -EINVAL;
}

static double ratio(double a, uint64_t b)
{
	return b ? a / (double)b : 0;
}

static double us(uint32_t ticks)
{
	return (double)ticks * 1e6 / (double)rte_get_tsc_hz();
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), err;

	if (used < 0)
		return EXIT_FAILURE;
	err = parse(argc - used, argv + used);
	if (!err)
		err = rte_eth_dev_count_avail() == 1 ? measure() : -ENODEV;
	if (err)
		fprintf(stderr, "io_forward_dpdk: %s\n", strerror(-err));
	else
		printf("{\"ticks_per_packet\": %.2f, \"packets\": %" PRIu64 ", \"bursts\": %" PRIu64
		       ", \"full_bursts\": %" PRIu64 ", \"lost\": %" PRIu64
		       ", \"mpps\": %.4f, \"median_ticks\": %u, \"p50_us\": %.3f"
		       ", \"p99_us\": %.3f, \"p99.9_us\": %.3f, \"all_packets\": %" PRIu64
		       ", \"all_empty\": %" PRIu64 "}\n",
		       ratio((double)result.ticks, result.packets), result.packets, result.bursts,
		       result.full_bursts, result.lost,
		       ratio((double)result.packets * (double)rte_get_tsc_hz() / 1e6, result.tsc),
		       ticks_percentile(&per_packet, 0.5), us(ticks_percentile(&round_trips, 0.5)),
		       us(ticks_percentile(&round_trips, 0.99)),
		       us(ticks_percentile(&round_trips, 0.999)), all_packets, all_empty);
	rte_eal_cleanup();
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
