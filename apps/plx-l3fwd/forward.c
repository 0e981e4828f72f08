/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The loop: bursts from all ports, each packet to where it belongs. RFC 1812 is what an IPv4 router
 * does, RFC 8200 what an IPv6 one does.
 */
#include <pollux/clock.h>
#include <pollux/lcore.h>

#include "headers.h"
#include "l3fwd.h"

#define TICK_NS UINT64_C(250000000)

/* --- Out -------------------------------------------------------------------------------------- */

static void flush(struct port *port)
{
	uint16_t sent = plx_tx_burst(port->txq, port->out, port->out_count);

	if (sent < port->out_count) {
		port->count.tx_dropped += (uint64_t)(port->out_count - sent);
		plx_pktbuf_free_burst(port->out + sent, (uint16_t)(port->out_count - sent));
	}
	port->out_count = 0;
}

void port_send(unsigned int number, const uint8_t *dst, uint16_t type, struct plx_pktbuf *p)
{
	struct port *port = &app.ports[number];
	struct ether_header *eth = plx_pktbuf_prepend(p, sizeof(*eth));

	if (plx_unlikely(!eth)) {
		port->count.tx_dropped++;
		plx_pktbuf_free(p);
		return;
	}
	memcpy(eth->dst, dst, PLX_ETH_ALEN);
	memcpy(eth->src, port->mac, PLX_ETH_ALEN);
	eth->type = htobe16(type);
	if (port->out_count == BURST)
		flush(port);
	p->flags = 0; /* what the receiving device found out says nothing to the sending one */
	port->out[port->out_count++] = p;
}

/* `to` is the destination itself. */
static void send_by(const struct hop *hop, const struct address *to, struct plx_pktbuf *p)
{
	neighbour_send(hop->port, address_is_none(&hop->gateway) ? to : &hop->gateway, p);
}

void send_v4(unsigned int in, struct plx_pktbuf *p)
{
	const struct ipv4_header *ip = plx_pktbuf_data(p);
	const struct hop *hop = route_v4(ip->dst);
	struct address to = address_v4(ip->dst);

	if (hop)
		send_by(hop, &to, p);
	else
		plx_pktbuf_free(p);
}

void send_v6(unsigned int in, struct plx_pktbuf *p)
{
	const struct ipv6_header *ip = plx_pktbuf_data(p);
	struct hop link = {.port = (uint8_t)in};
	bool link_local = ip->dst[0] == 0xfe && (ip->dst[1] & 0xc0) == 0x80;
	const struct hop *hop = link_local ? &link : route_v6(ip->dst);
	struct address to = address_v6(ip->dst);

	if (hop)
		send_by(hop, &to, p);
	else
		plx_pktbuf_free(p);
}

/*
 * RFC 1812, 5.3.4: what came to everybody on the link is not forwarded, or each router there would.
 * The Ethernet header is still before the packet.
 */
static bool came_to_group(const struct plx_pktbuf *p)
{
	const struct ether_header *behind = plx_pktbuf_data(p);

	return behind[-1].dst[0] & 1;
}

/* --- IPv4 ------------------------------------------------------------------------------------- */

static void drop(struct plx_pktbuf *p, uint64_t *counter)
{
	(*counter)++;
	plx_pktbuf_free(p);
}

static void refuse(unsigned int in, struct plx_pktbuf *p, uint64_t *counter, enum icmp_error error,
		   uint16_t mtu)
{
	icmp_error(in, p, error, mtu);
	drop(p, counter);
}

/* Cut what is behind the packet: Ethernet pads. Only one segment has padding. */
static void trim(struct plx_pktbuf *p, uint32_t len)
{
	if (p->nsegs == 1 && p->pkt_len > len) {
		p->pkt_len = len;
		p->len = (uint16_t)len;
	}
}

static bool v4_is_good(const struct plx_pktbuf *p)
{
	const struct ipv4_header *ip = plx_pktbuf_data(p);
	unsigned int header = (ip->version_ihl & 0xfu) * 4, total;

	if (p->len < sizeof(*ip) || ip->version_ihl >> 4 != 4 || header < sizeof(*ip) ||
	    header > p->len)
		return false;
	total = be16toh(ip->total_length);
	return total >= header && total <= p->pkt_len && sum_end(sum_add(0, ip, header)) == 0;
}

/* RFC 1812, 5.3.7: what is never forwarded; "this" network, loopback, multicast and beyond. */
static bool v4_stays(const struct ipv4_header *ip)
{
	return ip->dst[0] == 0 || ip->dst[0] == 127 || ip->dst[0] >= 224 || ip->src[0] == 127 ||
	       ip->src[0] >= 224 || ip->src[0] == 0;
}

/* RFC 1624, equation 3, for a decrement by one of the upper byte. */
static void v4_age(struct ipv4_header *ip)
{
	uint32_t sum = (uint16_t)~be16toh(ip->checksum);

	sum += 0xfeffu; /* ~0x0100 */
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	ip->checksum = htobe16((uint16_t)~sum);
	ip->ttl--;
}

static void v4_input(unsigned int in, struct plx_pktbuf *p)
{
	struct counters *count = &app.ports[in].count;
	struct ipv4_header *ip = plx_pktbuf_data(p);
	const struct hop *hop;
	struct address to;
	uint16_t mtu;

	if (plx_unlikely(!v4_is_good(p))) {
		drop(p, &count->bad_header);
		return;
	}
	trim(p, be16toh(ip->total_length));
	to = address_v4(ip->dst);
	hop = route_v4(ip->dst);
	if (plx_unlikely(is_ours(&to))) {
		count->local++;
		icmp_input(in, p);
		return;
	}
	if (plx_unlikely(v4_stays(ip) || came_to_group(p))) {
		drop(p, &count->not_for_us);
		return;
	}
	if (plx_unlikely(ip->ttl <= 1)) {
		refuse(in, p, &count->expired, ICMP_EXPIRED, 0);
		return;
	}
	if (plx_unlikely(!hop)) {
		refuse(in, p, &count->no_route, ICMP_NO_ROUTE, 0);
		return;
	}
	mtu = app.ports[hop->port].mtu;
	if (plx_unlikely(p->pkt_len > mtu)) {
		if (be16toh(ip->flags_offset) & IPV4_DF)
			icmp_error(in, p, ICMP_TOO_BIG, mtu);
		drop(p, &count->too_big);
		return;
	}
	v4_age(ip);
	count->forwarded++;
	send_by(hop, &to, p);
}

/* --- IPv6 ------------------------------------------------------------------------------------- */

static bool v6_is_good(const struct plx_pktbuf *p)
{
	const struct ipv6_header *ip = plx_pktbuf_data(p);

	return p->len >= sizeof(*ip) && be32toh(ip->version_class_flow) >> 28 == 6 &&
	       sizeof(*ip) + be16toh(ip->payload_length) <= p->pkt_len;
}

/* RFC 4291, 2.5.2, 2.5.3, 2.5.6, 2.7: unspecified, loopback, link-local, multicast. */
static bool v6_stays(const struct ipv6_header *ip)
{
	static const uint8_t zero[15];

	return ip->dst[0] == 0xff || ip->src[0] == 0xff || memcmp(ip->src, zero, 15) == 0 ||
	       memcmp(ip->dst, zero, 15) == 0 ||
	       (ip->dst[0] == 0xfe && (ip->dst[1] & 0xc0) == 0x80) ||
	       (ip->src[0] == 0xfe && (ip->src[1] & 0xc0) == 0x80);
}

static void v6_input(unsigned int in, struct plx_pktbuf *p)
{
	struct counters *count = &app.ports[in].count;
	struct ipv6_header *ip = plx_pktbuf_data(p);
	const struct hop *hop;
	struct address to;
	uint16_t mtu;

	if (plx_unlikely(!v6_is_good(p))) {
		drop(p, &count->bad_header);
		return;
	}
	trim(p, (uint32_t)sizeof(*ip) + be16toh(ip->payload_length));
	if (plx_unlikely(ip->next_header == PROTO_ICMPV6 && nd_input(in, p)))
		return;
	to = address_v6(ip->dst);
	if (plx_unlikely(is_ours(&to))) {
		count->local++;
		icmp6_input(in, p);
		return;
	}
	if (plx_unlikely(v6_stays(ip) || came_to_group(p))) {
		drop(p, &count->not_for_us);
		return;
	}
	hop = route_v6(ip->dst);
	if (plx_unlikely(ip->hop_limit <= 1)) {
		refuse(in, p, &count->expired, ICMP_EXPIRED, 0);
		return;
	}
	if (plx_unlikely(!hop)) {
		refuse(in, p, &count->no_route, ICMP_NO_ROUTE, 0);
		return;
	}
	mtu = app.ports[hop->port].mtu;
	if (plx_unlikely(p->pkt_len > mtu)) {
		refuse(in, p, &count->too_big, ICMP_TOO_BIG, mtu);
		return;
	}
	ip->hop_limit--;
	count->forwarded++;
	send_by(hop, &to, p);
}

/* --- In --------------------------------------------------------------------------------------- */

static void input(unsigned int in, struct plx_pktbuf *p)
{
	struct counters *count = &app.ports[in].count;
	const struct ether_header *eth = plx_pktbuf_data(p);
	uint16_t type = p->len >= sizeof(*eth) ? be16toh(eth->type) : 0;
	bool to_us = p->len >= sizeof(*eth) &&
		     (memcmp(eth->dst, app.ports[in].mac, PLX_ETH_ALEN) == 0 || eth->dst[0] & 1);

	if (plx_unlikely(!to_us)) {
		drop(p, &count->not_for_us);
		return;
	}
	plx_pktbuf_pull(p, sizeof(*eth));
	switch (type) {
	case ETHER_TYPE_IPV4:
		v4_input(in, p);
		break;
	case ETHER_TYPE_IPV6:
		v6_input(in, p);
		break;
	case ETHER_TYPE_ARP:
		arp_input(in, p);
		break;
	default:
		drop(p, &count->not_for_us);
	}
}

void forward_loop(void (*control)(void))
{
	struct plx_pktbuf *pkts[BURST];
	uint64_t now, tick_ns = 0;
	unsigned int i, work;
	uint16_t n, k;

	while (!app.stop) {
		work = 0;
		now = plx_clock_ns();
		if (now - tick_ns >= TICK_NS) {
			tick_ns = now;
			neighbours_tick(now);
			control();
		}
		for (i = 0; i < app.options.ports; i++) {
			n = plx_rx_burst(app.ports[i].rxq, pkts, BURST);
			for (k = 0; k < n; k++)
				input(i, pkts[k]);
			work += n;
		}
		for (i = 0; i < app.options.ports; i++)
			flush(&app.ports[i]);
		plx_lcore_turn(work);
	}
}
