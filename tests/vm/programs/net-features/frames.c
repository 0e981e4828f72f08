/* SPDX-License-Identifier: BSD-3-Clause */
/* See frames.h. Offsets are those of RFC 791, 768 and 9293. */
#include "frames.h"

#include <stdlib.h>
#include <string.h>

uint16_t get16(const uint8_t *data)
{
	return (uint16_t)(data[0] << 8 | data[1]);
}

uint32_t get32(const uint8_t *data)
{
	return (uint32_t)get16(data) << 16 | get16(data + 2);
}

static void put16(uint8_t *data, uint32_t value)
{
	data[0] = (uint8_t)(value >> 8);
	data[1] = (uint8_t)value;
}

static uint32_t sum(const uint8_t *data, uint32_t len)
{
	uint32_t total = 0, i;

	for (i = 0; i + 1 < len; i += 2)
		total += get16(data + i);
	if (len & 1)
		total += (uint32_t)data[len - 1] << 8;
	return total;
}

static uint16_t fold(uint32_t total)
{
	while (total >> 16)
		total = (total >> 16) + (total & 0xffff);
	return (uint16_t)total;
}

static uint32_t pseudo(const uint8_t *ip, uint32_t l4_len)
{
	return sum(ip + 12, 8) + ip[9] + l4_len;
}

static unsigned int csum_offset(uint8_t proto)
{
	return proto == PROTO_TCP ? 16 : 6;
}

/* A buffer of len bytes; a pool that is empty, or too small, is a mistake in the test. */
static struct plx_pktbuf *buffer(struct plx_pktbuf_pool *pool, uint32_t len, uint8_t **data)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(pool);

	*data = p ? plx_pktbuf_append(p, (uint16_t)len) : NULL;
	if (!*data)
		abort();
	return p;
}

struct plx_pktbuf *frame_plain(struct plx_pktbuf_pool *pool, const uint8_t *dst, uint16_t tag,
			       uint16_t len)
{
	unsigned int header = ETH_LEN + (tag ? 4 : 0);
	uint8_t *data;
	struct plx_pktbuf *p = buffer(pool, header + len, &data);

	memset(data, 0x5a, header + len);
	memcpy(data, dst, PLX_ETH_ALEN);
	memcpy(data + 6, "\x02\0\0\0\0\x01", 6);
	if (tag) {
		put16(data + 12, TYPE_VLAN);
		put16(data + 14, tag);
	}
	put16(data + header - 2, TYPE_TEST);
	return p;
}

/* More bytes behind the chain, as many buffers as it takes. */
static void append(struct plx_pktbuf_pool *pool, struct plx_pktbuf *head, uint32_t len)
{
	uint8_t value = 0;

	while (len) {
		uint32_t part = len < 1500 ? len : 1500, i;
		uint8_t *data;
		struct plx_pktbuf *p = buffer(pool, part, &data);

		for (i = 0; i < part; i++)
			data[i] = value++;
		if (plx_pktbuf_chain(head, p))
			abort();
		len -= part;
	}
}

struct plx_pktbuf *frame_ip(struct plx_pktbuf_pool *pool, const uint8_t *dst, uint8_t proto,
			    uint16_t len)
{
	static const uint8_t addresses[8] = {10, 0, 0, 1, 10, 0, 0, 2};
	uint32_t l4_len = proto == PROTO_TCP ? TCP_LEN : UDP_LEN;
	uint8_t *data, *ip, *l4;
	struct plx_pktbuf *p = buffer(pool, ETH_LEN + IP_LEN + l4_len, &data);

	ip = data + ETH_LEN;
	l4 = ip + IP_LEN;
	memset(data, 0, ETH_LEN + IP_LEN + l4_len);
	memcpy(data, dst, PLX_ETH_ALEN);
	memcpy(data + 6, "\x02\0\0\0\0\x01", 6);
	put16(data + 12, TYPE_IPV4);
	ip[0] = 0x45;
	put16(ip + 2, IP_LEN + l4_len + len);
	ip[8] = 64;
	ip[9] = proto;
	memcpy(ip + 12, addresses, sizeof(addresses));
	put16(ip + 10, (uint16_t)~fold(sum(ip, IP_LEN)));
	put16(l4, 1234);
	put16(l4 + 2, 4321);
	if (proto == PROTO_TCP) {
		l4[7] = 100; /* sequence number */
		l4[12] = TCP_LEN / 4 << 4;
		l4[13] = 0x10;
	} else {
		put16(l4 + 4, UDP_LEN + len);
	}
	put16(l4 + csum_offset(proto), fold(pseudo(ip, l4_len + len)));
	append(pool, p, len);
	p->l2_len = ETH_LEN;
	p->l3_len = IP_LEN;
	p->l4_len = (uint8_t)l4_len;
	return p;
}

void frame_finish(struct plx_pktbuf *p)
{
	uint8_t copy[2048];
	uint8_t *data = plx_pktbuf_data(p);
	uint8_t *csum = data + ETH_LEN + IP_LEN + csum_offset(data[ETH_LEN + 9]);
	uint32_t l4_len = p->pkt_len - ETH_LEN - IP_LEN;

	if (plx_pktbuf_copy_out(p, ETH_LEN + IP_LEN, copy, l4_len))
		abort();
	/* The sum of the pseudo-header is in place already. */
	put16(csum, (uint16_t)~fold(sum(copy, l4_len)));
}

bool frame_ip_good(const uint8_t *data)
{
	return fold(sum(data + ETH_LEN, IP_LEN)) == 0xffff;
}

bool frame_l4_good(const uint8_t *data)
{
	const uint8_t *ip = data + ETH_LEN;
	uint32_t l4_len = get16(ip + 2) - IP_LEN;

	return fold(pseudo(ip, l4_len) + sum(ip + IP_LEN, l4_len)) == 0xffff;
}

uint32_t frame_hash(const uint8_t *data, const uint8_t *key)
{
	const uint8_t *input = data + ETH_LEN + 12; /* addresses, and ports behind them */
	uint32_t window = get32(key), hash = 0;
	unsigned int bit;

	for (bit = 0; bit < 96; bit++) {
		if (input[bit / 8] & 0x80 >> bit % 8)
			hash ^= window;
		window = window << 1 | (key[4 + bit / 8] >> (7 - bit % 8) & 1);
	}
	return hash;
}
