/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * ICMP (RFC 792, RFC 1812 chapter 4.3) and ICMPv6 (RFC 4443): echo of ourselves, and errors about
 * the packets of others, at most so many a second.
 */
#include <pollux/clock.h>

#include "headers.h"
#include "l3fwd.h"

#define ECHO_REPLY  0
#define ECHO	    8
#define ECHO6	    128
#define ECHO6_REPLY 129
#define ERROR_HIGH  64	 /* of our packets */
#define QUOTE_V4    548	 /* RFC 1812, 4.3.2.3: the error is at most 576 bytes */
#define QUOTE_V6    1232 /* RFC 4443, 2.4: at most 1280 bytes */
#define PER_SECOND  1000
#define NS_PER_SEC  UINT64_C(1000000000)

/* Type and code of each error. */
static const uint8_t codes_v4[][2] = {
	[ICMP_NO_ROUTE] = {3, 0},	  [ICMP_HOST_UNREACHABLE] = {3, 1},
	[ICMP_PORT_UNREACHABLE] = {3, 3}, [ICMP_TOO_BIG] = {3, 4},
	[ICMP_EXPIRED] = {11, 0},
};
static const uint8_t codes_v6[][2] = {
	[ICMP_NO_ROUTE] = {1, 0},	  [ICMP_HOST_UNREACHABLE] = {1, 3},
	[ICMP_PORT_UNREACHABLE] = {1, 4}, [ICMP_TOO_BIG] = {2, 0},
	[ICMP_EXPIRED] = {3, 0},
};

/* RFC 1812, 4.3.2.8; RFC 4443, 2.4 (f). */
static bool allowed(void)
{
	static uint64_t second_ns, sent;
	uint64_t now = plx_clock_ns();

	if (now - second_ns >= NS_PER_SEC) {
		second_ns = now;
		sent = 0;
	}
	return ++sent <= PER_SECOND;
}

static void finish_v4(struct ipv4_header *ip)
{
	ip->ttl = ERROR_HIGH;
	ip->checksum = 0;
	ip->checksum = sum_end(sum_add(0, ip, (ip->version_ihl & 0xfu) * 4));
}

/* --- Echo ------------------------------------------------------------------------------------- */

static void refuse(unsigned int in, struct plx_pktbuf *p, uint8_t protocol)
{
	if (protocol == PROTO_UDP || protocol == PROTO_TCP)
		icmp_error(in, p, ICMP_PORT_UNREACHABLE, 0);
	plx_pktbuf_free(p);
}

void icmp_input(unsigned int in, struct plx_pktbuf *p)
{
	struct ipv4_header *ip = plx_pktbuf_data(p);
	unsigned int header = (ip->version_ihl & 0xfu) * 4;
	struct icmp_header *icmp = (struct icmp_header *)((char *)ip + header);
	uint8_t us[4];

	if (ip->protocol != PROTO_ICMP) {
		refuse(in, p, ip->protocol);
		return;
	}
	if (p->nsegs > 1 || p->len < header + sizeof(*icmp) || icmp->type != ECHO ||
	    sum_end(sum_add(0, icmp, p->len - header)) != 0) {
		plx_pktbuf_free(p);
		return;
	}
	icmp->type = ECHO_REPLY;
	icmp->checksum = 0;
	icmp->checksum = sum_end(sum_add(0, icmp, p->len - header));
	memcpy(us, ip->dst, sizeof(us));
	memcpy(ip->dst, ip->src, sizeof(us));
	memcpy(ip->src, us, sizeof(us));
	finish_v4(ip);
	app.ports[in].count.icmp_sent++;
	send_v4(in, p);
}

void icmp6_input(unsigned int in, struct plx_pktbuf *p)
{
	struct ipv6_header *ip = plx_pktbuf_data(p);
	struct icmp_header *icmp = (struct icmp_header *)(ip + 1);
	uint16_t len = be16toh(ip->payload_length);
	uint8_t us[16];

	if (ip->next_header != PROTO_ICMPV6) {
		refuse(in, p, ip->next_header);
		return;
	}
	if (p->nsegs > 1 || len < sizeof(*icmp) || icmp->type != ECHO6 ||
	    icmp6_sum(ip, icmp, len) != 0) {
		plx_pktbuf_free(p);
		return;
	}
	memcpy(us, ip->dst, sizeof(us));
	memcpy(ip->dst, ip->src, sizeof(us));
	memcpy(ip->src, us, sizeof(us));
	ip->hop_limit = ERROR_HIGH;
	icmp->type = ECHO6_REPLY;
	icmp->checksum = 0;
	icmp->checksum = icmp6_sum(ip, icmp, len);
	app.ports[in].count.icmp_sent++;
	send_v6(in, p);
}

/* --- Errors ----------------------------------------------------------------------------------- */

/* RFC 1122, 3.2.2: not about an error, a later fragment, or one who is not a single host. */
static bool deserves_v4(const struct plx_pktbuf *p, const struct ipv4_header *ip)
{
	unsigned int header = (ip->version_ihl & 0xfu) * 4;
	const struct icmp_header *icmp = (const struct icmp_header *)((const char *)ip + header);
	bool error = ip->protocol == PROTO_ICMP && p->len >= header + sizeof(*icmp) &&
		     icmp->type != ECHO && icmp->type != ECHO_REPLY;

	return !error && !(be16toh(ip->flags_offset) & IPV4_OFFSET) && ip->src[0] != 0 &&
	       ip->src[0] != 127 && ip->src[0] < 224;
}

static bool deserves_v6(const struct plx_pktbuf *p, const struct ipv6_header *ip)
{
	const struct icmp_header *icmp = (const struct icmp_header *)(ip + 1);
	static const uint8_t unspecified[16];
	bool error = ip->next_header == PROTO_ICMPV6 && p->len >= sizeof(*ip) + sizeof(*icmp) &&
		     icmp->type < ECHO6;

	return !error && ip->src[0] != 0xff && memcmp(ip->src, unspecified, 16) != 0;
}

/* A packet with room for `header` bytes and the beginning of what it is about. */
static struct plx_pktbuf *quote(const struct plx_pktbuf *about, size_t header, size_t most)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(app.pool);
	size_t len = about->len < most ? about->len : most;
	char *data = p ? plx_pktbuf_append(p, (uint16_t)(header + len)) : NULL;

	if (!data)
		return NULL;
	memset(data, 0, header);
	memcpy(data + header, plx_pktbuf_data(about), len);
	return p;
}

static void error_v4(unsigned int in, const struct plx_pktbuf *about, enum icmp_error error,
		     uint16_t mtu)
{
	const struct ipv4_header *cause = plx_pktbuf_data(about);
	struct plx_pktbuf *p;
	struct ipv4_header *ip;
	struct icmp_header *icmp;

	if (address_is_none(&app.ports[in].v4) || !deserves_v4(about, cause) || !allowed())
		return;
	p = quote(about, sizeof(*ip) + sizeof(*icmp), QUOTE_V4);
	if (!p)
		return;
	ip = plx_pktbuf_data(p);
	icmp = (struct icmp_header *)(ip + 1);
	ip->version_ihl = 0x45;
	ip->tos = 0xc0; /* RFC 1812, 4.3.2.5: internetwork control */
	ip->total_length = htobe16((uint16_t)p->pkt_len);
	ip->protocol = PROTO_ICMP;
	memcpy(ip->src, app.ports[in].v4.bytes + 12, sizeof(ip->src));
	memcpy(ip->dst, cause->src, sizeof(ip->dst));
	finish_v4(ip);
	icmp->type = codes_v4[error][0];
	icmp->code = codes_v4[error][1];
	icmp->word = htobe32(mtu); /* RFC 1191, 4 */
	icmp->checksum = sum_end(sum_add(0, icmp, p->len - sizeof(*ip)));
	app.ports[in].count.icmp_sent++;
	send_v4(in, p);
}

static void error_v6(unsigned int in, const struct plx_pktbuf *about, enum icmp_error error,
		     uint16_t mtu)
{
	const struct ipv6_header *cause = plx_pktbuf_data(about);
	const struct port *port = &app.ports[in];
	const struct address *src = address_is_none(&port->v6) ? &port->link_local : &port->v6;
	struct plx_pktbuf *p;
	struct ipv6_header *ip;
	struct icmp_header *icmp;
	uint16_t len;

	if (!deserves_v6(about, cause) || !allowed())
		return;
	p = quote(about, sizeof(*ip) + sizeof(*icmp), QUOTE_V6);
	if (!p)
		return;
	ip = plx_pktbuf_data(p);
	icmp = (struct icmp_header *)(ip + 1);
	len = (uint16_t)(p->pkt_len - sizeof(*ip));
	ip->version_class_flow = htobe32(UINT32_C(6) << 28);
	ip->payload_length = htobe16(len);
	ip->next_header = PROTO_ICMPV6;
	ip->hop_limit = ERROR_HIGH;
	memcpy(ip->src, src->bytes, sizeof(ip->src));
	memcpy(ip->dst, cause->src, sizeof(ip->dst));
	icmp->type = codes_v6[error][0];
	icmp->code = codes_v6[error][1];
	icmp->word = htobe32(mtu);
	icmp->checksum = icmp6_sum(ip, icmp, len);
	app.ports[in].count.icmp_sent++;
	send_v6(in, p);
}

void icmp_error(unsigned int in, struct plx_pktbuf *p, enum icmp_error error, uint16_t mtu)
{
	const uint8_t *first = plx_pktbuf_data(p);

	if (*first >> 4 == 4)
		error_v4(in, p, error, mtu);
	else
		error_v6(in, p, error, mtu);
}
