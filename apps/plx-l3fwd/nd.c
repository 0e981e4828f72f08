/* SPDX-License-Identifier: BSD-3-Clause */
/* Neighbour discovery (RFC 4861): solicitations and advertisements. */
#include "headers.h"
#include "l3fwd.h"

#define SOLICITATION  135
#define ADVERTISEMENT 136
#define OPT_SOURCE    1
#define OPT_TARGET    2
#define HOP_LIMIT     255		   /* whoever has this is on the link */
#define FLAGS	      UINT32_C(0xe0000000) /* router, solicited, override */
#define FLAG_OVERRIDE UINT32_C(0xa0000000) /* router, override */

struct nd_packet {
	struct ipv6_header ip;
	struct icmp_header icmp;
	uint8_t target[16];
	/* RFC 4861, 4.6.1 */
	uint8_t option, option_len, mac[PLX_ETH_ALEN];
} __attribute__((packed));
#define WITHOUT_OPTION (sizeof(struct nd_packet) - 8)

static void send(unsigned int port, const uint8_t *dst_mac, const uint8_t *dst,
		 const struct icmp_header *icmp, const uint8_t *target)
{
	const struct port *self = &app.ports[port];
	struct plx_pktbuf *p = plx_pktbuf_alloc(app.pool);
	struct nd_packet *nd = p ? plx_pktbuf_append(p, sizeof(*nd)) : NULL;

	if (!nd)
		return;
	memset(nd, 0, sizeof(*nd));
	nd->ip.version_class_flow = htobe32(UINT32_C(6) << 28);
	nd->ip.payload_length = htobe16(sizeof(*nd) - sizeof(nd->ip));
	nd->ip.next_header = PROTO_ICMPV6;
	nd->ip.hop_limit = HOP_LIMIT;
	memcpy(nd->ip.src, icmp->type == ADVERTISEMENT ? target : self->link_local.bytes, 16);
	memcpy(nd->ip.dst, dst, 16);
	nd->icmp = *icmp;
	memcpy(nd->target, target, 16);
	nd->option = icmp->type == ADVERTISEMENT ? OPT_TARGET : OPT_SOURCE;
	nd->option_len = 1; /* in units of 8 bytes */
	memcpy(nd->mac, self->mac, sizeof(nd->mac));
	nd->icmp.checksum = icmp6_sum(&nd->ip, &nd->icmp, sizeof(*nd) - sizeof(nd->ip));
	port_send(port, dst_mac, ETHER_TYPE_IPV6, p);
}

void nd_ask(unsigned int port, const struct address *address)
{
	static const struct icmp_header solicitation = {.type = SOLICITATION};
	/* RFC 4291, 2.7.1: the solicited-node address; RFC 2464, 7: its MAC address. */
	uint8_t group[16] = {0xff, 2, [11] = 1, [12] = 0xff}, mac[PLX_ETH_ALEN] = {0x33, 0x33};

	memcpy(group + 13, address->bytes + 13, 3);
	memcpy(mac + 2, group + 12, 4);
	send(port, mac, group, &solicitation, address->bytes);
}

/* The MAC address in the option, or NULL. Options follow each other, each 8 bytes or more. */
static const uint8_t *find_option(const struct plx_pktbuf *p, uint8_t type)
{
	const uint8_t *bytes = plx_pktbuf_data(p);
	size_t at = WITHOUT_OPTION, len;

	for (; at + 8 <= p->len; at += len) {
		len = bytes[at + 1] * 8u;
		if (len == 0 || len > p->len - at)
			return NULL;
		if (bytes[at] == type)
			return bytes[at + 2] & 1 ? NULL : bytes + at + 2;
	}
	return NULL;
}

static bool is_good(const struct plx_pktbuf *p, const struct nd_packet *nd)
{
	uint16_t len = be16toh(nd->ip.payload_length);

	return nd->ip.hop_limit == HOP_LIMIT && nd->icmp.code == 0 && nd->target[0] != 0xff &&
	       p->nsegs == 1 && icmp6_sum(&nd->ip, &nd->icmp, len) == 0;
}

static void solicited(unsigned int in, const struct plx_pktbuf *p, const struct nd_packet *nd)
{
	static const uint8_t unspecified[16];
	static const uint8_t all_nodes[16] = {0xff, 2, [15] = 1};
	static const uint8_t all_nodes_mac[PLX_ETH_ALEN] = {0x33, 0x33, [5] = 1};
	struct icmp_header answer = {.type = ADVERTISEMENT};
	const struct port *port = &app.ports[in];
	struct address target = address_v6(nd->target), sender = address_v6(nd->ip.src);
	const uint8_t *mac = find_option(p, OPT_SOURCE);

	if (address_is_none(&target) ||
	    (!address_equal(&target, &port->v6) && !address_equal(&target, &port->link_local)))
		return;
	/* Somebody looks whether the address is taken (RFC 4862, 5.4). */
	if (memcmp(nd->ip.src, unspecified, 16) == 0) {
		answer.word = htobe32(FLAG_OVERRIDE);
		send(in, all_nodes_mac, all_nodes, &answer, nd->target);
		return;
	}
	if (!mac || !on_link(port, &sender) || is_ours(&sender))
		return;
	neighbour_learn(in, &sender, mac);
	answer.word = htobe32(FLAGS);
	send(in, mac, nd->ip.src, &answer, nd->target);
}

static void advertised(unsigned int in, const struct plx_pktbuf *p, const struct nd_packet *nd)
{
	struct address target = address_v6(nd->target);
	const uint8_t *mac = find_option(p, OPT_TARGET);

	if (mac && on_link(&app.ports[in], &target) && !is_ours(&target))
		neighbour_answered(in, &target, mac);
}

bool nd_input(unsigned int in, struct plx_pktbuf *p)
{
	const struct nd_packet *nd = plx_pktbuf_data(p);

	if (p->len < WITHOUT_OPTION ||
	    (nd->icmp.type != SOLICITATION && nd->icmp.type != ADVERTISEMENT))
		return false;
	if (!is_good(p, nd)) {
		app.ports[in].count.bad_header++;
	} else {
		app.ports[in].count.nd++;
		if (nd->icmp.type == SOLICITATION)
			solicited(in, p, nd);
		else
			advertised(in, p, nd);
	}
	plx_pktbuf_free(p);
	return true;
}
