/* SPDX-License-Identifier: BSD-3-Clause */
/* The forward modes of plx-testpmd: what happens to a packet between reception and transmission. */
#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/if_ether.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip_icmp.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

#include "testpmd.h"

#define UDP_PORT_DISCARD 9
#define TX_TTL		 64
#define SOURCE_NET	 0xc6120001u /* 198.18.0.1: RFC 2544 */
#define DEST_NET	 0xc6130001u
#define FLOWS		 1024u

#define HEADERS_LEN	 (sizeof(struct ether_header) + sizeof(struct ip) + sizeof(struct udphdr))

/* --- Checksums (RFC 1071) ------------------------------------------------------------------- */

static uint32_t sum_bytes(const void *data, uint32_t len, uint32_t sum)
{
	const uint8_t *at = data;

	for (; len > 1; len -= 2, at += 2)
		sum += (uint32_t)at[0] << 8 | at[1];
	return len ? sum + ((uint32_t)at[0] << 8) : sum;
}

static uint16_t fold(uint32_t sum)
{
	while (sum >> 16)
		sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}

static uint16_t checksum(const void *data, uint32_t len, uint32_t sum)
{
	return htons((uint16_t)~fold(sum_bytes(data, len, sum)));
}

static uint32_t pseudo_header(const struct ip *ip, uint32_t l4_len)
{
	return sum_bytes(&ip->ip_src, 8, ip->ip_p + l4_len);
}

/* --- Parsing -------------------------------------------------------------------------------- */

/* IPv4 in the first buffer, whole, no fragment; its layer 4 length; NULL: not that. */
static struct ip *find_ipv4(struct plx_pktbuf *p, uint32_t *l4_len)
{
	struct ether_header *eth = plx_pktbuf_data(p);
	struct ip *ip = (struct ip *)(eth + 1);
	uint32_t hdr_len, len;

	if (p->len < sizeof(*eth) + sizeof(*ip) || eth->ether_type != htons(ETHERTYPE_IP))
		return NULL;
	hdr_len = ip->ip_hl * 4u;
	len = ntohs(ip->ip_len);
	if (ip->ip_v != 4 || hdr_len < sizeof(*ip) || len < hdr_len ||
	    sizeof(*eth) + len > p->len || (ip->ip_off & htons(IP_MF | IP_OFFMASK)))
		return NULL;
	*l4_len = len - hdr_len;
	return ip;
}

static void *l4_of(struct ip *ip)
{
	return (char *)ip + ip->ip_hl * 4;
}

static void swap(void *a, void *b, size_t len)
{
	uint8_t tmp[16];

	memcpy(tmp, a, len);
	memcpy(a, b, len);
	memcpy(b, tmp, len);
}

static bool swap_macs(struct plx_pktbuf *p)
{
	struct ether_header *eth = plx_pktbuf_data(p);

	if (p->len < sizeof(*eth))
		return false;
	swap(eth->ether_dhost, eth->ether_shost, ETH_ALEN);
	return true;
}

/* --- mac, macswap, 5tswap, rxonly ----------------------------------------------------------- */

static void set_macs(const struct stream *s, uint8_t *dst, uint8_t *src)
{
	const uint8_t to[ETH_ALEN] = {2, 0, 0, 0, 0, (uint8_t)s->tx_port};

	memcpy(dst, to, ETH_ALEN);
	memcpy(src, plx_port_info(s->app->ports[s->tx_port].port)->mac, ETH_ALEN);
}

static uint16_t change_mac(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		struct ether_header *eth = plx_pktbuf_data(pkts[i]);

		if (pkts[i]->len >= sizeof(*eth))
			set_macs(s, eth->ether_dhost, eth->ether_shost);
	}
	return n;
}

static uint16_t change_macswap(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++)
		swap_macs(pkts[i]);
	return n;
}

static uint16_t change_5tswap(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		uint32_t l4_len;
		struct ip *ip = find_ipv4(pkts[i], &l4_len);

		swap_macs(pkts[i]);
		if (!ip)
			continue;
		swap(&ip->ip_src, &ip->ip_dst, sizeof(ip->ip_src));
		/* The ports of TCP and UDP are at the same place; no checksum changes. */
		if ((ip->ip_p == IPPROTO_TCP || ip->ip_p == IPPROTO_UDP) && l4_len >= 4)
			swap(l4_of(ip), (char *)l4_of(ip) + 2, 2);
	}
	return n;
}

static uint16_t change_rxonly(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	return 0;
}

/* --- csum ----------------------------------------------------------------------------------- */

static void csum_l4(struct plx_pktbuf *p, struct ip *ip, uint32_t l4_len, bool offload)
{
	const uint32_t pseudo = pseudo_header(ip, l4_len);
	struct tcphdr *tcp = l4_of(ip);
	struct udphdr *udp = l4_of(ip);
	bool is_tcp = ip->ip_p == IPPROTO_TCP && l4_len >= sizeof(*tcp);
	uint16_t *field = is_tcp ? &tcp->th_sum : &udp->uh_sum;

	if (!is_tcp && (ip->ip_p != IPPROTO_UDP || l4_len < sizeof(*udp)))
		return;
	/* A UDP checksum of 0 says that there is none (RFC 768). */
	if (!is_tcp && *field == 0)
		return;
	if (offload) {
		*field = htons(fold(pseudo));
		p->flags |= is_tcp ? PLX_PKT_TX_TCP : PLX_PKT_TX_UDP;
		p->l2_len = sizeof(struct ether_header);
		p->l3_len = (uint16_t)(ip->ip_hl * 4u);
		return;
	}
	*field = 0;
	*field = checksum(tcp, l4_len, pseudo);
	if (!is_tcp && *field == 0)
		*field = 0xffff;
}

/* Compute the checksums anew: by the device where the port has the offload on. */
static uint16_t change_csum(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	const uint64_t offloads = plx_port_info(s->app->ports[s->tx_port].port)->offloads;
	uint16_t i;

	for (i = 0; i < n; i++) {
		uint32_t l4_len;
		struct ip *ip = find_ipv4(pkts[i], &l4_len);

		if (!ip)
			continue;
		pkts[i]->flags = 0;
		ip->ip_sum = 0;
		ip->ip_sum = checksum(ip, ip->ip_hl * 4u, 0);
		csum_l4(pkts[i], ip, l4_len, offloads & PLX_PORT_HAS(TX_L4_CSUM));
	}
	return n;
}

/* --- icmpecho ------------------------------------------------------------------------------- */

static bool answer_arp(struct stream *s, struct plx_pktbuf *p)
{
	const uint8_t *mac = plx_port_info(s->app->ports[s->rx_port].port)->mac;
	struct ether_header *eth = plx_pktbuf_data(p);
	struct ether_arp *arp = (struct ether_arp *)(eth + 1);
	uint8_t ip[4];

	if (p->len < sizeof(*eth) + sizeof(*arp) || eth->ether_type != htons(ETHERTYPE_ARP) ||
	    arp->arp_op != htons(ARPOP_REQUEST))
		return false;
	arp->arp_op = htons(ARPOP_REPLY);
	memcpy(ip, arp->arp_tpa, sizeof(ip));
	memcpy(arp->arp_tha, arp->arp_sha, ETH_ALEN);
	memcpy(arp->arp_tpa, arp->arp_spa, sizeof(ip));
	memcpy(arp->arp_sha, mac, ETH_ALEN);
	memcpy(arp->arp_spa, ip, sizeof(ip));
	memcpy(eth->ether_dhost, eth->ether_shost, ETH_ALEN);
	memcpy(eth->ether_shost, mac, ETH_ALEN);
	return true;
}

static bool answer_echo(struct plx_pktbuf *p)
{
	uint32_t l4_len;
	struct ip *ip = find_ipv4(p, &l4_len);
	struct icmphdr *icmp = ip ? l4_of(ip) : NULL;

	if (!ip || ip->ip_p != IPPROTO_ICMP || l4_len < sizeof(*icmp) || icmp->type != ICMP_ECHO)
		return false;
	icmp->type = ICMP_ECHOREPLY;
	icmp->checksum = 0;
	icmp->checksum = checksum(icmp, l4_len, 0);
	swap(&ip->ip_src, &ip->ip_dst, sizeof(ip->ip_src));
	return swap_macs(p);
}

static uint16_t change_icmpecho(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i, out = 0;

	for (i = 0; i < n; i++) {
		struct plx_pktbuf *p = pkts[i];

		if (!answer_arp(s, p) && !answer_echo(p))
			continue;
		pkts[i] = pkts[out];
		pkts[out++] = p;
	}
	return out;
}

/* --- txonly, flowgen ------------------------------------------------------------------------ */

static void write_headers(struct app *app, unsigned int port, uint32_t number, uint32_t len,
			  void *to)
{
	struct stream s = {.app = app, .tx_port = port};
	struct ether_header *eth = to;
	struct ip *ip = (struct ip *)(eth + 1);
	struct udphdr *udp = (struct udphdr *)(ip + 1);

	set_macs(&s, eth->ether_dhost, eth->ether_shost);
	eth->ether_type = htons(ETHERTYPE_IP);
	*ip = (struct ip){.ip_v = 4,
			  .ip_hl = sizeof(*ip) / 4,
			  .ip_len = htons((uint16_t)(len - sizeof(*eth))),
			  .ip_ttl = TX_TTL,
			  .ip_p = IPPROTO_UDP,
			  .ip_src.s_addr = htonl(SOURCE_NET + number % FLOWS),
			  .ip_dst.s_addr = htonl(DEST_NET)};
	ip->ip_sum = checksum(ip, sizeof(*ip), 0);
	*udp = (struct udphdr){.uh_sport = htons(UDP_PORT_DISCARD),
			       .uh_dport = htons(UDP_PORT_DISCARD),
			       .uh_ulen = htons((uint16_t)(len - sizeof(*eth) - sizeof(*ip)))};
}

struct plx_pktbuf *make_packet(struct app *app, unsigned int port, uint32_t number)
{
	struct plx_pktbuf *head = NULL;
	unsigned int i;

	for (i = 0; i < app->tx_segs; i++) {
		struct plx_pktbuf *p = plx_pktbuf_alloc(app->pool);
		void *data = p ? plx_pktbuf_append(p, app->tx_lens[i]) : NULL;

		if (!data || (head && plx_pktbuf_chain(head, p))) {
			plx_pktbuf_free(p);
			plx_pktbuf_free(head);
			return NULL;
		}
		memset(data, 0, app->tx_lens[i]);
		head = head ? head : p;
	}
	write_headers(app, port, number, head->pkt_len, plx_pktbuf_data(head));
	return head;
}

static uint16_t make_flow(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		pkts[i] = make_packet(s->app, s->tx_port, (uint32_t)s->sequence++);
		if (!pkts[i])
			break;
	}
	return i;
}

static uint16_t make_same(struct stream *s, struct plx_pktbuf **pkts, uint16_t n)
{
	s->sequence = 0;
	n = make_flow(s, pkts, n);
	return n;
}

/* --- Table ---------------------------------------------------------------------------------- */

const struct mode modes[] = {
	{"io", "as they are", NULL, NULL},
	{"mac", "new MAC addresses", change_mac, NULL},
	{"macswap", "MAC addresses swapped", change_macswap, NULL},
	{"rxonly", "received only", change_rxonly, NULL},
	{"txonly", "sent only, as txpkts says", change_rxonly, make_same},
	{"flowgen", "sent with many source addresses", change_rxonly, make_flow},
	{"csum", "checksums computed anew", change_csum, NULL},
	{"icmpecho", "answers to ARP and ICMP echo", change_icmpecho, NULL},
	{"5tswap", "MAC and IP addresses and ports swapped", change_5tswap, NULL},
	{NULL, NULL, NULL, NULL},
};

const struct mode *mode_find(const char *name)
{
	const struct mode *mode;

	for (mode = modes; mode->name; mode++)
		if (strcmp(mode->name, name) == 0)
			return mode;
	return NULL;
}
