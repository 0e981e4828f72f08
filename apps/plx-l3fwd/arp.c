/* SPDX-License-Identifier: BSD-3-Clause */
/* ARP for IPv4 over Ethernet (RFC 826): asking, answering, and learning from both. */
#include "headers.h"
#include "l3fwd.h"

#define HRD_ETHERNET 1
#define OP_REQUEST   1
#define OP_REPLY     2

static struct plx_pktbuf *make(unsigned int port, uint16_t op, const uint8_t *tha,
			       const uint8_t *tpa)
{
	static const struct arp_packet common = {
		.hln = PLX_ETH_ALEN,
		.pln = 4,
	};
	struct plx_pktbuf *p = plx_pktbuf_alloc(app.pool);
	struct arp_packet *arp = p ? plx_pktbuf_append(p, sizeof(*arp)) : NULL;

	if (!arp)
		return NULL;
	*arp = common;
	arp->hrd = htobe16(HRD_ETHERNET);
	arp->pro = htobe16(ETHER_TYPE_IPV4);
	arp->op = htobe16(op);
	memcpy(arp->sha, app.ports[port].mac, sizeof(arp->sha));
	memcpy(arp->spa, app.ports[port].v4.bytes + 12, sizeof(arp->spa));
	memcpy(arp->tha, tha, sizeof(arp->tha));
	memcpy(arp->tpa, tpa, sizeof(arp->tpa));
	return p;
}

void arp_ask(unsigned int port, const struct address *address)
{
	static const uint8_t nobody[PLX_ETH_ALEN];
	static const uint8_t everybody[PLX_ETH_ALEN] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
	struct plx_pktbuf *p = make(port, OP_REQUEST, nobody, address->bytes + 12);

	if (p)
		port_send(port, everybody, ETHER_TYPE_ARP, p);
}

static void answer(unsigned int in, const struct arp_packet *arp, const struct address *sender)
{
	struct plx_pktbuf *reply = make(in, OP_REPLY, arp->sha, arp->spa);

	neighbour_learn(in, sender, arp->sha);
	if (reply)
		port_send(in, arp->sha, ETHER_TYPE_ARP, reply);
}

void arp_input(unsigned int in, struct plx_pktbuf *p)
{
	const struct arp_packet *arp = plx_pktbuf_data(p);
	const struct port *port = &app.ports[in];
	struct address sender, target;

	app.ports[in].count.arp++;
	if (p->len < sizeof(*arp) || be16toh(arp->hrd) != HRD_ETHERNET ||
	    be16toh(arp->pro) != ETHER_TYPE_IPV4 || arp->hln != PLX_ETH_ALEN || arp->pln != 4 ||
	    arp->sha[0] & 1) {
		app.ports[in].count.arp--;
		app.ports[in].count.bad_header++;
		plx_pktbuf_free(p);
		return;
	}
	sender = address_v4(arp->spa);
	target = address_v4(arp->tpa);
	/* Only those who talk to us are learnt, and nobody takes an address of ours or of
	 * elsewhere. */
	if (address_equal(&target, &port->v4) && on_link(port, &sender) && !is_ours(&sender)) {
		if (be16toh(arp->op) == OP_REQUEST)
			answer(in, arp, &sender);
		else if (be16toh(arp->op) == OP_REPLY)
			neighbour_answered(in, &sender, arp->sha);
	}
	plx_pktbuf_free(p);
}
