/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop of plx-pktgen: bursts go out when their time has come, and what comes back is looked at
 * in between, all on one lcore. A burst that does not go out whole is kept, so that every sequence
 * number below `sent` has been sent once.
 */
#include <arpa/inet.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/lcore.h>

#include "pktgen.h"

#define DRAIN_NS     UINT64_C(300000000)
#define SOURCE_IP    0xc6120001u /* 198.18.0.1 and 198.19.0.1: RFC 2544 */
#define DEST_IP	     0xc6130001u
#define PORT_SOURCE  5000
#define PORT_DISCARD 9
#define TTL	     64

/* Packets made and not yet sent. */
struct pending {
	struct plx_pktbuf *pkts[BURST_MAX];
	uint16_t first, n;
};

static uint16_t ip_checksum(const struct ip *ip)
{
	const uint8_t *at = (const uint8_t *)ip;
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < sizeof(*ip); i += 2)
		sum += (uint32_t)at[i] << 8 | at[i + 1];
	sum = (sum & 0xffff) + (sum >> 16);
	return htons((uint16_t) ~(sum + (sum >> 16)));
}

void traffic_header(struct traffic *t, const uint8_t destination[PLX_ETH_ALEN])
{
	struct ether_header *eth = (struct ether_header *)t->header;

	memset(t->header, 0, sizeof(t->header));
	memcpy(eth->ether_dhost, destination, PLX_ETH_ALEN);
	memcpy(eth->ether_shost, plx_port_info(t->tx_port)->mac, PLX_ETH_ALEN);
	eth->ether_type = htons(ETHERTYPE_IP);
}

/* The lengths, which differ from packet to packet. */
static void write_lengths(char *frame, uint16_t len)
{
	struct ip ip = {
		.ip_v = 4,
		.ip_hl = sizeof(ip) / 4,
		.ip_len = htons((uint16_t)(len - sizeof(struct ether_header))),
		.ip_ttl = TTL,
		.ip_p = IPPROTO_UDP,
		.ip_src.s_addr = htonl(SOURCE_IP),
		.ip_dst.s_addr = htonl(DEST_IP),
	};
	struct udphdr udp = {
		.uh_sport = htons(PORT_SOURCE),
		.uh_dport = htons(PORT_DISCARD),
		.uh_ulen = htons((uint16_t)(len - sizeof(struct ether_header) - sizeof(ip))),
	};

	ip.ip_sum = ip_checksum(&ip);
	memcpy(frame + sizeof(struct ether_header), &ip, sizeof(ip));
	memcpy(frame + sizeof(struct ether_header) + sizeof(ip), &udp, sizeof(udp));
}

static uint16_t make_burst(struct traffic *t, struct pending *pending, uint64_t sequence,
			   uint16_t n)
{
	uint16_t i;

	if (plx_pktbuf_alloc_burst(t->pool, pending->pkts, n))
		return 0;
	for (i = 0; i < n; i++) {
		uint16_t len = (uint16_t)(t->sizes[(sequence + i) % t->size_count] - FCS_LEN);
		struct stamp stamp = {.run = t->run, .sequence = sequence + i, .tsc = plx_tsc()};
		char *data = plx_pktbuf_append(pending->pkts[i], len);

		memcpy(data, t->header, sizeof(struct ether_header));
		write_lengths(data, len);
		memcpy(data + HEADER_LEN, &stamp, sizeof(stamp));
	}
	pending->first = 0;
	pending->n = n;
	return n;
}

static uint16_t send_pending(struct plx_txq *txq, struct pending *pending)
{
	uint16_t sent = plx_tx_burst(txq, &pending->pkts[pending->first], pending->n);

	pending->first = (uint16_t)(pending->first + sent);
	pending->n = (uint16_t)(pending->n - sent);
	return sent;
}

static uint16_t receive(struct traffic *t, struct plx_rxq *rxq, uint64_t limit)
{
	struct plx_pktbuf *pkts[BURST_MAX];
	uint16_t n = plx_rx_burst(rxq, pkts, t->burst), i;
	uint64_t now = plx_tsc();

	for (i = 0; i < n; i++)
		sink_packet(&t->sink, pkts[i], t->run, limit, now, t->sample_mask);
	plx_pktbuf_free_burst(pkts, n);
	return n;
}

static bool usable(const struct traffic *t)
{
	return plx_port_state(t->tx_port) == PLX_PORT_STARTED &&
	       plx_port_state(t->rx_port) == PLX_PORT_STARTED;
}

/* What is still on its way, until all is there or for DRAIN_NS. */
static void drain(struct traffic *t, struct plx_rxq *rxq, struct plx_txq *txq, uint64_t sent)
{
	uint64_t end = plx_clock_ns() + DRAIN_NS;

	while (t->sink.received < sent && plx_clock_ns() < end) {
		receive(t, rxq, sent);
		plx_tx_burst(txq, NULL, 0);
	}
}

/* Between two bursts, in ticks; 0: none. */
static uint64_t interval(const struct traffic *t, double rate)
{
	return rate > 0 ? (uint64_t)((double)plx_tsc_hz * t->burst / rate) : 0;
}

static uint64_t send_all(struct traffic *t, const struct trial *trial, uint64_t end_tsc)
{
	struct plx_rxq *rxq = plx_port_rxq(t->rx_port, 0);
	struct plx_txq *txq = plx_port_txq(t->tx_port, 0);
	const uint64_t step = interval(t, trial->rate);
	uint64_t sent = 0, made = 0, due = plx_tsc(), now = due;
	struct pending pending = {.n = 0};

	while (now < end_tsc && !*t->stop && (!trial->count || sent < trial->count)) {
		uint16_t work = 0;

		if (pending.n) {
			work = send_pending(txq, &pending);
		} else if (now >= due && (!trial->count || made < trial->count)) {
			uint64_t left = trial->count ? trial->count - made : t->burst;

			made += make_burst(t, &pending, made,
					   left < t->burst ? (uint16_t)left : t->burst);
			due = step ? due + step : now;
			work = send_pending(txq, &pending);
		}
		sent += work;
		plx_lcore_turn(work + receive(t, rxq, made));
		now = plx_tsc();
		if (plx_unlikely(!usable(t)))
			break;
	}
	plx_pktbuf_free_burst(&pending.pkts[pending.first], pending.n);
	return sent;
}

/* Packets that either port has counted as lost, since it was opened. */
static uint64_t counted(const struct traffic *t)
{
	struct plx_port_stats rx = {0}, tx = {0};
	uint64_t n;
	unsigned int i;

	plx_port_stats(t->rx_port, &rx);
	plx_port_stats(t->tx_port, &tx);
	n = rx.rx_missed + rx.rx_errors + rx.rx.errors + tx.tx.dropped + tx.tx_errors;
	for (i = 0; i < PLX_LIE_KINDS; i++)
		n += rx.rx.lies[i];
	return n;
}

int traffic_run(struct traffic *t, struct trial *trial)
{
	uint64_t start = plx_tsc(), ticks = (uint64_t)(trial->seconds * (double)plx_tsc_hz);
	const uint64_t counted_before = counted(t);
	double seconds;

	t->run++;
	sink_reset(&t->sink);
	trial->sent = send_all(t, trial, start + ticks);
	seconds = (double)(plx_tsc() - start) / (double)plx_tsc_hz;
	trial->rx_rate = (double)t->sink.received / seconds;
	trial->tx_rate = (double)trial->sent / seconds;
	drain(t, plx_port_rxq(t->rx_port, 0), plx_port_txq(t->tx_port, 0), trial->sent);
	trial->received = t->sink.received;
	trial->lost = trial->sent - trial->received;
	trial->counted = counted(t) - counted_before;
	return usable(t) ? 0 : -EIO;
}
