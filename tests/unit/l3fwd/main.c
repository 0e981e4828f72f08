/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * apps/plx-l3fwd: frames in, frames out. The queues are the test's, everything between them is the
 * router itself, with DPDK's tables. With devices and real hosts: tests/vm/cases/l3fwd.
 */
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <pollux/clock.h>

#include "plx-l3fwd/headers.h"
#include "plx-l3fwd/l3fwd.h"
#include "runner.h"

#define COUNT 512
#define FRAME 1514

static const char routes[] = "# comment\n"
			     "port 0 10.0.0.254/24\n"
			     "port 0 fd00:0::fe/64\n"
			     "\tport 1 10.0.1.254/24 # another\n"
			     "port 1 fd00:1::fe/64\n"
			     "route 10.9.0.0/16 via 10.0.1.7\n"
			     "route fd09::/64 via fd00:1::7\n";

static const uint8_t broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
static const uint8_t host_mac[6] = {2, 0, 0, 0, 1, 1}, gateway_mac[6] = {2, 0, 0, 0, 1, 7};

struct app app;

/* --- Queues of the test's --------------------------------------------------------------------- */

static struct plx_pktbuf *waiting;
static unsigned int waiting_at;
static uint8_t sent[16][FRAME]; /* frames that have left */
static unsigned int sent_len[16], sent_by[16], sent_count;

static uint16_t rx(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	if (!waiting) {
		app.stop++; /* after one more round over all ports */
		return 0;
	}
	if (rxq->id != waiting_at)
		return 0;
	pkts[0] = waiting;
	waiting = NULL;
	app.stop = -2;
	return 1;
}

static bool only_v4; /* what else is sent is not looked at */

static uint16_t tx(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n && sent_count < 16; i++, sent_count++) {
		const struct ether_header *eth = plx_pktbuf_data(pkts[i]);

		if (only_v4 && be16toh(eth->type) == ETHER_TYPE_IPV6) {
			sent_count--;
			continue;
		}
		sent_by[sent_count] = txq->id;
		sent_len[sent_count] = pkts[i]->pkt_len;
		plx_pktbuf_copy_out(pkts[i], 0, sent[sent_count], pkts[i]->pkt_len);
	}
	plx_pktbuf_free_burst(pkts, i);
	return i;
}

static struct plx_rxq rxqs[2] = {{.burst = rx, .id = 0}, {.burst = rx, .id = 1}};
static struct plx_txq txqs[2] = {{.burst = tx, .id = 0}, {.burst = tx, .id = 1}};

static void nothing(void)
{
}

/* What the router makes of a frame. */
static void give(unsigned int port, const void *frame, size_t len)
{
	sent_count = 0;
	waiting = plx_pktbuf_alloc(app.pool);
	memcpy(plx_pktbuf_append(waiting, (uint16_t)len), frame, len);
	waiting_at = port;
	app.stop = 0;
	forward_loop(nothing);
}

/* --- Frames ----------------------------------------------------------------------------------- */

struct frame_v4 {
	struct ether_header eth;
	struct ipv4_header ip;
	struct icmp_header icmp;
	uint8_t data[64];
} __attribute__((packed));

struct frame_v6 {
	struct ether_header eth;
	struct ipv6_header ip;
	struct icmp_header icmp;
	uint8_t data[64];
} __attribute__((packed));

struct frame_arp {
	struct ether_header eth;
	struct arp_packet arp;
	uint8_t padding[18];
} __attribute__((packed));

static struct frame_v4 echo_v4(const char *to, uint8_t ttl)
{
	struct frame_v4 f = {.ip = {.version_ihl = 0x45, .ttl = ttl, .protocol = PROTO_ICMP},
			     .icmp = {.type = 8}};

	memcpy(f.eth.dst, app.ports[0].mac, 6);
	memcpy(f.eth.src, host_mac, 6);
	f.eth.type = htobe16(ETHER_TYPE_IPV4);
	f.ip.total_length = htobe16(sizeof(f) - sizeof(f.eth));
	memcpy(f.ip.src, (const uint8_t[]){10, 0, 0, 1}, 4);
	memcpy(f.ip.dst, to, 4);
	f.ip.checksum = sum_end(sum_add(0, &f.ip, sizeof(f.ip)));
	memset(f.data, 0xa5, sizeof(f.data));
	f.icmp.checksum = sum_end(sum_add(0, &f.icmp, sizeof(f.icmp) + sizeof(f.data)));
	return f;
}

static struct frame_v6 echo_v6(const uint8_t *to, uint8_t hops)
{
	struct frame_v6 f = {.ip = {.next_header = PROTO_ICMPV6, .hop_limit = hops},
			     .icmp = {.type = 128}};
	uint16_t len = sizeof(f.icmp) + sizeof(f.data);

	memcpy(f.eth.dst, app.ports[0].mac, 6);
	memcpy(f.eth.src, host_mac, 6);
	f.eth.type = htobe16(ETHER_TYPE_IPV6);
	f.ip.version_class_flow = htobe32(6u << 28);
	f.ip.payload_length = htobe16(len);
	memcpy(f.ip.src, (const uint8_t[16]){0xfd, [15] = 1}, 16);
	memcpy(f.ip.dst, to, 16);
	f.icmp.checksum = icmp6_sum(&f.ip, &f.icmp, len);
	return f;
}

static struct frame_arp arp(uint16_t op, const uint8_t *mac, const char *from, const char *to)
{
	struct frame_arp f = {.arp = {.hln = 6, .pln = 4}};

	memcpy(f.eth.dst, broadcast, 6);
	memcpy(f.eth.src, mac, 6);
	f.eth.type = htobe16(ETHER_TYPE_ARP);
	f.arp.hrd = htobe16(1);
	f.arp.pro = htobe16(ETHER_TYPE_IPV4);
	f.arp.op = htobe16(op);
	memcpy(f.arp.sha, mac, 6);
	memcpy(f.arp.spa, from, 4);
	memcpy(f.arp.tpa, to, 4);
	return f;
}

/* A neighbour solicitation (135) or advertisement (136) about `target`, with its option. */
static size_t nd(uint8_t *frame, uint8_t type, const uint8_t *mac, const uint8_t *from,
		 const uint8_t *to, const uint8_t *target)
{
	struct frame_v6 f = echo_v6(to, 255);

	f.icmp = (struct icmp_header){.type = type};
	f.ip.payload_length = htobe16(32);
	memcpy(f.eth.dst, broadcast, 6);
	memcpy(f.ip.src, from, 16);
	memcpy(f.data, target, 16);
	f.data[16] = type == 135 ? 1 : 2;
	f.data[17] = 1;
	memcpy(f.data + 18, mac, 6);
	f.icmp.checksum = icmp6_sum(&f.ip, &f.icmp, 32);
	memcpy(frame, &f, 14 + 40 + 32);
	return 14 + 40 + 32;
}

/* --- Tests ------------------------------------------------------------------------------------ */

static void answers_arp(void)
{
	struct frame_arp f = arp(1, host_mac, "\x0a\0\0\x01", "\x0a\0\0\xfe");
	const struct frame_arp *reply = (const struct frame_arp *)sent[0];

	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(sent_by[0], 0);
	UNIT_EQ(be16toh(reply->arp.op), 2);
	UNIT_EQ(memcmp(reply->eth.dst, host_mac, 6), 0);
	UNIT_EQ(memcmp(reply->arp.sha, app.ports[0].mac, 6), 0);
	UNIT_EQ(memcmp(reply->arp.spa, "\x0a\0\0\xfe", 4), 0);
	/* Not for us; somebody who says that he is us; a sender from elsewhere. */
	f = arp(1, host_mac, "\x0a\0\0\x01", "\x0a\0\0\x02");
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 0);
	f = arp(1, host_mac, "\x0a\0\0\xfe", "\x0a\0\0\xfe");
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 0);
	f = arp(1, host_mac, "\x0b\0\0\x01", "\x0a\0\0\xfe");
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 0);
}

static void forwards_v4(void)
{
	struct frame_v4 f = echo_v4("\x0a\x09\x05\x05", 64), *out = (struct frame_v4 *)sent[0];
	struct frame_arp reply, *question = (struct frame_arp *)sent[0];
	unsigned int ttl;

	give(0, &f, sizeof(f));
	/* Who is the gateway? */
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(sent_by[0], 1);
	UNIT_EQ(be16toh(question->arp.op), 1);
	UNIT_EQ(memcmp(question->arp.tpa, "\x0a\0\x01\x07", 4), 0);
	reply = arp(2, gateway_mac, "\x0a\0\x01\x07", "\x0a\0\x01\xfe");
	give(1, &reply, sizeof(reply));
	UNIT_EQ(sent_count, 1);
	/* And whatever the TTL, the checksum is right. */
	for (ttl = 255; ttl > 1; ttl--) {
		if (ttl < 255) {
			f = echo_v4("\x0a\x09\x05\x05", (uint8_t)(ttl + 1));
			give(0, &f, sizeof(f));
		}
		if (sent_count != 1 || sum_end(sum_add(0, &out->ip, sizeof(out->ip))) != 0 ||
		    (ttl < 255 && out->ip.ttl != ttl))
			break;
	}
	UNIT_EQ(ttl, 1);
	UNIT_EQ(sent_by[0], 1);
	UNIT_EQ(sent_len[0], sizeof(f));
	UNIT_EQ(memcmp(out->eth.dst, gateway_mac, 6), 0);
	UNIT_EQ(memcmp(out->eth.src, app.ports[1].mac, 6), 0);
	UNIT_EQ(memcmp(&out->icmp, &f.icmp, sizeof(f.icmp) + sizeof(f.data)), 0);
}

static void answers_v4(void)
{
	struct frame_v4 f = echo_v4("\x0a\0\x01\xfe", 1), *out = (struct frame_v4 *)sent[0];

	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 0);
	UNIT_EQ(sum_end(sum_add(0, &out->ip, sizeof(out->ip))), 0);
	UNIT_EQ(sum_end(sum_add(0, &out->icmp, sizeof(out->icmp) + sizeof(out->data))), 0);
	UNIT_EQ(memcmp(out->ip.src, f.ip.dst, 4), 0);
	UNIT_EQ(memcmp(out->ip.dst, f.ip.src, 4), 0);
	/* Time exceeded, about what came. */
	f = echo_v4("\x0a\x09\x05\x05", 1);
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(sent_by[0], 0);
	UNIT_EQ(out->icmp.type, 11);
	UNIT_EQ(out->icmp.code, 0);
	UNIT_EQ(memcmp(out->ip.src, "\x0a\0\0\xfe", 4), 0);
	UNIT_EQ(memcmp(out->data, &f.ip, 36), 0);
	UNIT_EQ(sum_end(sum_add(0, &out->icmp, sent_len[0] - 34)), 0);
	/* No route; and no error about an error. */
	f = echo_v4("\xc0\0\x02\x01", 64);
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 3);
	UNIT_EQ(out->icmp.code, 0);
	f.icmp.type = 3;
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 0);
}

static void v6(void)
{
	static const uint8_t us[16] = {0xfd, [15] = 0xfe}, host[16] = {0xfd, [15] = 1},
			     far[16] = {0xfd, 9, [15] = 1}, away[16] = {0xfd, 0xff, [15] = 1};
	static const uint8_t gateway[16] = {0xfd, 0, 0, 1, [15] = 7},
			     us_there[16] = {0xfd, 0, 0, 1, [15] = 0xfe};
	struct frame_v6 f, *out = (struct frame_v6 *)sent[0];
	uint8_t frame[128];
	size_t len = nd(frame, 135, host_mac, host, us, us);

	give(0, frame, len);
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 136);
	UNIT_EQ(be32toh(out->icmp.word), 0xe0000000u);
	UNIT_EQ(out->ip.hop_limit, 255);
	UNIT_EQ(memcmp(out->data, us, 16), 0);
	UNIT_EQ(memcmp(out->data + 18, app.ports[0].mac, 6), 0);
	UNIT_EQ(icmp6_sum(&out->ip, &out->icmp, 32), 0);
	f = echo_v6(us, 1);
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 129);
	UNIT_EQ(icmp6_sum(&out->ip, &out->icmp, 72), 0);
	f = echo_v6(far, 9);
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(sent_by[0], 1);
	UNIT_EQ(out->icmp.type, 135);
	UNIT_EQ(memcmp(out->data, gateway, 16), 0);
	len = nd(frame, 136, gateway_mac, gateway, us_there, gateway);
	memcpy(frame, app.ports[1].mac, 6);
	give(1, frame, len);
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->ip.hop_limit, 8);
	UNIT_EQ(memcmp(out->eth.dst, gateway_mac, 6), 0);
	f = echo_v6(far, 1);
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 3);
	UNIT_EQ(memcmp(out->ip.src, us, 16), 0);
	UNIT_EQ(icmp6_sum(&out->ip, &out->icmp, (uint16_t)(sent_len[0] - 54)), 0);
	f = echo_v6(away, 9);
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 1);
	/* An advertisement that was not sent from the link, and one whose checksum is wrong. */
	len = nd(frame, 136, host_mac, gateway, us_there, gateway);
	memcpy(frame, app.ports[1].mac, 6);
	frame[14 + 7] = 254;
	give(1, frame, len);
	frame[14 + 7] = 255;
	frame[60] ^= 1;
	give(1, frame, len);
	f = echo_v6(far, 9);
	give(0, &f, sizeof(f));
	UNIT_EQ(memcmp(out->eth.dst, gateway_mac, 6), 0);
}

static void hostile(void)
{
	struct frame_v4 good = echo_v4("\x0a\x09\x05\x05", 64), f;
	struct frame_v6 good6 = echo_v6((const uint8_t[16]){0xfd, 9, [15] = 1}, 9), f6;
	uint64_t before = app.ports[0].count.bad_header;
	uint8_t frame[sizeof(f6)];
	unsigned int i, seed = 1;
	size_t len;

	f = good;
	f.ip.checksum ^= 1;
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 0);
	f = good;
	f.ip.version_ihl = 0x44;
	give(0, &f, sizeof(f));
	give(0, &good, sizeof(f) - 1); /* shorter than it says */
	UNIT_EQ(sent_count, 0);
	f6 = good6;
	f6.ip.payload_length = htobe16(1000);
	give(0, &f6, sizeof(f6));
	UNIT_EQ(sent_count, 0);
	UNIT_EQ(app.ports[0].count.bad_header, before + 4);
	/* Ethernet's padding is not part of the packet. */
	f = good;
	f.ip.total_length = htobe16(40);
	f.ip.checksum = 0;
	f.ip.checksum = sum_end(sum_add(0, &f.ip, sizeof(f.ip)));
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_len[0], 54);
	/* Anything: nothing is read outside, and nothing is lost. */
	for (i = 0; i < 20000; i++) {
		len = 1 + (size_t)rand_r(&seed) % sizeof(frame);
		memcpy(frame, i & 1 ? (const void *)&good : &good6, i & 1 ? sizeof(good) : len);
		frame[14 + (size_t)rand_r(&seed) % 60] = (uint8_t)rand_r(&seed);
		frame[12 + (size_t)rand_r(&seed) % 80] ^= (uint8_t)rand_r(&seed);
		give(i >> 1 & 1, frame, len);
	}
}

static void unspecified_is_nobody(void)
{
	static const uint8_t none[16], host[16] = {0xfd, [15] = 1};
	struct frame_v6 f = echo_v6(none, 9);
	uint64_t before = app.ports[0].count.not_for_us;
	uint8_t frame[128];
	size_t len;

	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 0);
	UNIT_EQ(app.ports[0].count.not_for_us, before + 1);
	len = nd(frame, 135, host_mac, host, none, none);
	give(0, frame, len);
	UNIT_EQ(sent_count, 0);
}

static void broadcasts_stay(void)
{
	struct frame_v4 f = echo_v4("\x0a\x09\x05\x05", 64);
	struct frame_v6 f6 = echo_v6((const uint8_t[16]){0xfd, 9, [15] = 1}, 9);
	uint64_t before = app.ports[0].count.not_for_us;

	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	give(0, &f6, sizeof(f6));
	UNIT_EQ(sent_count, 1);
	memcpy(f.eth.dst, broadcast, 6);
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 0);
	memcpy(f6.eth.dst, (const uint8_t[]){0x33, 0x33, 0, 0, 0, 1}, 6);
	give(0, &f6, sizeof(f6));
	UNIT_EQ(sent_count, 0);
	UNIT_EQ(app.ports[0].count.not_for_us, before + 2);
}

/* Nobody has asked: the next packet does. */
static void unsolicited_answers(void)
{
	static const uint8_t host[16] = {0xfd, 0, 0, 1, [15] = 0x50},
			     us[16] = {0xfd, 0, 0, 1, [15] = 0xfe};
	struct frame_v4 f = echo_v4("\x0a\0\x01\x50", 64);
	struct frame_v6 f6 = echo_v6(host, 9), *out = (struct frame_v6 *)sent[0];
	struct frame_arp reply = arp(2, host_mac, "\x0a\0\x01\x50", "\x0a\0\x01\xfe");
	uint8_t frame[128];
	size_t len = nd(frame, 136, host_mac, host, us, host);

	give(1, &reply, sizeof(reply));
	give(0, &f, sizeof(f));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(be16toh(((struct frame_arp *)sent[0])->arp.op), 1);
	give(1, frame, len);
	give(0, &f6, sizeof(f6));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 135);
	/* Now somebody has. */
	give(1, &reply, sizeof(reply));
	UNIT_EQ(sent_count, 1);
	give(1, frame, len);
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(out->icmp.type, 128);
}

/* More hosts than there is room for, none of which is there: those who are go on, and new ones
 * come. */
static void a_full_table(void)
{
	struct frame_v4 known = echo_v4("\x0a\x09\x05\x05", 64), f;
	struct frame_arp reply;
	struct frame_v6 f6;
	uint8_t to[16] = {0xfd, 0, 0, 1, [13] = 1};
	uint64_t unresolved = app.ports[1].count.unresolved;
	unsigned int i;

	give(0, &known, sizeof(known));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(be16toh(((struct ether_header *)sent[0])->type), ETHER_TYPE_IPV4);
	only_v4 = true;
	for (i = 0; i < 10000; i++) {
		to[14] = (uint8_t)(i >> 8);
		to[15] = (uint8_t)i;
		f6 = echo_v6(to, 9);
		give(0, &f6, sizeof(f6));
	}
	CU_ASSERT(app.ports[1].count.unresolved - unresolved > 9000);
	give(0, &known, sizeof(known));
	UNIT_EQ(sent_count, 1);
	UNIT_EQ(be16toh(((struct ether_header *)sent[0])->type), ETHER_TYPE_IPV4);
	for (i = 1; i < 100; i++) {
		const char host[4] = {10, 0, 1, (char)(100 + i)};

		f = echo_v4(host, 64);
		give(0, &f, sizeof(f));
		reply = arp(2, host_mac, host, "\x0a\0\x01\xfe");
		give(1, &reply, sizeof(reply));
		give(0, &f, sizeof(f));
		UNIT_EQ(sent_count, 1);
		UNIT_EQ(be16toh(((struct ether_header *)sent[0])->type), ETHER_TYPE_IPV4);
	}
	only_v4 = false;
}

static void gives_up(void)
{
	struct frame_v4 f = echo_v4("\x0a\0\x01\x63", 64), *out = (struct frame_v4 *)sent[0];
	uint64_t now = plx_clock_ns();
	unsigned int i;

	for (i = 0; i < 12; i++) /* eight wait, the others are dropped */
		give(0, &f, sizeof(f));
	UNIT_EQ(app.ports[1].count.unresolved >= 4, true);
	sent_count = 0;
	for (i = 0; i < 8; i++)
		neighbours_tick(now += UINT64_C(1100000000));
	app.stop = 0;
	waiting = NULL;
	forward_loop(nothing);
	/* Asked again, and then the sender was told. */
	UNIT_EQ(sent_count >= 3, true);
	for (i = 0; i < sent_count && sent_by[i] != 0; i++)
		out = (struct frame_v4 *)sent[i + 1];
	UNIT_EQ(out->icmp.type, 3);
	UNIT_EQ(out->icmp.code, 1);
}

/* --- Life ------------------------------------------------------------------------------------- */

static int up(void)
{
	const struct plx_eal_config config = {.backend = "dpdk", .no_huge = true};
	char path[] = "/tmp/unit-l3fwd-XXXXXX";
	int fd = mkstemp(path), err;
	unsigned int i;

	err = fd < 0 || write(fd, routes, sizeof(routes) - 1) != sizeof(routes) - 1 ||
	      plx_eal_init(&config);
	app.options.ports = 2;
	for (i = 0; i < 2; i++) {
		struct port *port = &app.ports[i];

		memcpy(port->mac, (const uint8_t[]){0x52, 0x54, 0, 0, 0, (uint8_t)i}, 6);
		port->rxq = &rxqs[i];
		port->txq = &txqs[i];
		port->mtu = 1500;
	}
	app.pool =
		err ? NULL : plx_pktbuf_pool_open(&(struct plx_pktbuf_pool_config){.count = COUNT});
	err = !app.pool || routes_read(path) || routes_install();
	unlink(path);
	close(fd);
	return err;
}

static int down(void)
{
	neighbours_free();
	routes_free();
	return plx_pktbuf_pool_close(app.pool) || plx_eal_fini();
}

int main(void)
{
	CU_TestInfo tests[] = {
		{"answers ARP", answers_arp},
		{"forwards IPv4", forwards_v4},
		{"answers and refuses, IPv4", answers_v4},
		{"IPv6", v6},
		{"the unspecified address is nobody's", unspecified_is_nobody},
		{"what came to everybody on the link is not forwarded", broadcasts_stay},
		{"hostile packets", hostile},
		{"neighbours that do not answer", gives_up},
		{"answers to what nobody has asked", unsolicited_answers},
		{"more neighbours than there is room for", a_full_table},
		CU_TEST_INFO_NULL,
	};
	CU_SuiteInfo suites[] = {
		{"l3fwd", up, down, NULL, NULL, tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
