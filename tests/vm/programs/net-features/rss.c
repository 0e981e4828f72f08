/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive-side scaling over several queues, against the Toeplitz hash in software, which itself is
 * held against the vectors that the specification of RSS verifies with: see wire.h.
 */
#include <stdio.h>
#include <string.h>

#include <pollux/clock.h>

#include "frames.h"
#include "wire.h"

#define QUEUES 4
#define FLOWS  64

/* "Verifying the RSS Hash Calculation", IPv4 with ports: source, destination, ports, hash. */
static void hash_vectors(const struct plx_port_rss *rss)
{
	static const struct {
		uint8_t input[12];
		uint32_t hash;
	} vectors[] = {
		{{66, 9, 149, 187, 161, 142, 100, 80, 0x0a, 0xea, 0x06, 0xe6}, 0x51ccc178},
		{{199, 92, 111, 2, 65, 69, 140, 83, 0x37, 0x96, 0x12, 0x83}, 0xc626b0ea},
		{{24, 19, 198, 95, 12, 22, 207, 184, 0x32, 0x62, 0x94, 0x88}, 0x5c2b394a},
		{{38, 27, 205, 30, 209, 142, 163, 6, 0xbc, 0x64, 0x08, 0xa9}, 0xafc7327f},
		{{153, 39, 163, 191, 202, 188, 127, 2, 0xac, 0xdb, 0x05, 0x17}, 0x10e828a2},
	};
	uint8_t frame[ETH_LEN + IP_LEN + 4];
	unsigned int i, good = 0;

	for (i = 0; i < sizeof(vectors) / sizeof(vectors[0]); i++) {
		memcpy(frame + ETH_LEN + 12, vectors[i].input, sizeof(vectors[i].input));
		good += frame_hash(frame, rss->key) == vectors[i].hash;
	}
	check(good == 5, "the hash in software gives the specification's vectors");
}

/* Send one packet of a flow. Return: the queue it arrives on, -1: none. */
static int queue_of_flow(unsigned int flow, uint16_t queues, uint32_t *hash,
			 const struct plx_port_rss *rss)
{
	struct plx_pktbuf *p = frame_ip(pool, mac_to(), PROTO_TCP, 20);
	uint8_t *source_port = (uint8_t *)plx_pktbuf_data(p) + ETH_LEN + IP_LEN;
	uint64_t end = plx_clock_ns() + ARRIVAL_NS;

	source_port[0] = (uint8_t)(flow * 7);
	source_port[1] = (uint8_t)(flow * 13);
	frame_finish(p);
	*hash = frame_hash(plx_pktbuf_data(p), rss->key);
	send(p);
	do {
		uint16_t queue;

		for (queue = 0; queue < queues; queue++) {
			struct plx_pktbuf *got;
			bool ours;

			if (!plx_rx_burst(plx_port_rxq(to, queue), &got, 1))
				continue;
			ours = memcmp((uint8_t *)plx_pktbuf_data(got) + 6, "\x02\0\0\0\0\x01", 6) ==
			       0;
			plx_pktbuf_free(got);
			if (ours)
				return queue;
		}
	} while (plx_clock_ns() < end);
	return -1;
}

/* Each flow on the queue that the table has for its hash. Return: queues that had some, as bits. */
static unsigned int spread(uint16_t queues, const struct plx_port_rss *rss, const char *what)
{
	const uint16_t entries = plx_port_info(to)->rss_reta_size;
	unsigned int flow, good = 0, seen = 0;

	for (flow = 0; flow < FLOWS; flow++) {
		uint32_t hash;
		int queue = queue_of_flow(flow, queues, &hash, rss);

		good += queue >= 0 && queue == rss->reta[hash & (entries - 1u)];
		seen |= queue >= 0 ? 1u << queue : 0;
	}
	/* QEMU's vmxnet3 has queues, and one that it uses. */
	if (seen == 1 && rss->types && !strcmp(plx_port_info(to)->driver, "vmxnet3")) {
		printf("skip - %s # this device receives on queue 0 only\n", what);
		return 0;
	}
	check(good == FLOWS, what);
	return seen;
}

static void change_key(struct plx_port_rss *rss)
{
	unsigned int i;

	for (i = 0; i < plx_port_info(to)->rss_key_len; i++)
		rss->key[i] = (uint8_t)(rss->key[i] * 5 + 0x3b);
}

void test_rss_queues(const char *spec)
{
	struct plx_port_config config = {.pool = pool};
	uint16_t max = plx_port_info(to)->rx_queues_max, i;
	struct plx_port_rss rss;

	if (!HAS(to, RSS) || max < 2) {
		printf("skip - RSS over several queues # the port has one, or no RSS\n");
		return;
	}
	config.rx_queues = config.tx_queues = max < QUEUES ? max : QUEUES;
	plx_port_close(to);
	to = plx_port_open(spec, &config);
	if (!check(to && plx_port_start(to) == 0 && plx_port_link_wait(to, 9000) == 0 &&
			   plx_port_rss_get(to, &rss) == 0,
		   "open with several queues"))
		return;
	hash_vectors(&rss);
	if (!spread(config.rx_queues, &rss, "each flow is on the queue of its hash"))
		return;
	change_key(&rss);
	check(plx_port_rss_set(to, &rss) == 0 &&
		      spread(config.rx_queues, &rss, "the same with another key") ==
			      (1u << config.rx_queues) - 1,
	      "all queues have some");
	for (i = 0; i < plx_port_info(to)->rss_reta_size; i++)
		rss.reta[i] = 1;
	check(plx_port_rss_set(to, &rss) == 0 &&
		      spread(config.rx_queues, &rss, "a table of queue 1 only") == 2,
	      "queue 1 has all");
}
