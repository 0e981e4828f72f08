/* SPDX-License-Identifier: BSD-3-Clause */
/* See tso.h. Offsets are those of RFC 791 (IPv4), RFC 8200 (IPv6) and RFC 9293 (TCP). */
#include "tso.h"

#define TCP_CSUM  16
#define IPV4_SRC  12
#define IPV6_SRC  8
#define PROTO_TCP 6

/* Sum of big-endian 16-bit words, not folded. */
static uint32_t sum_words(const uint8_t *data, unsigned int bytes)
{
	uint32_t sum = 0;
	unsigned int i;

	for (i = 0; i < bytes; i += 2)
		sum += (uint32_t)data[i] << 8 | data[i + 1];
	return sum;
}

void plx_tso_pseudo_sum(uint8_t *ip, uint32_t l3_len, bool ipv6)
{
	uint32_t sum =
		PROTO_TCP + (ipv6 ? sum_words(ip + IPV6_SRC, 32) : sum_words(ip + IPV4_SRC, 8));
	uint8_t *csum = ip + l3_len + TCP_CSUM;

	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	csum[0] = (uint8_t)(sum >> 8);
	csum[1] = (uint8_t)sum;
}
