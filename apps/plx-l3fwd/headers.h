/* SPDX-License-Identifier: BSD-3-Clause */
/* Headers as they are in packets, big-endian and at any address, and the Internet checksum. */
#ifndef PLX_L3FWD_HEADERS_H
#define PLX_L3FWD_HEADERS_H

#include <endian.h>
#include <stdint.h>
#include <string.h>

#define ETHER_TYPE_IPV4 0x0800
#define ETHER_TYPE_ARP	0x0806
#define ETHER_TYPE_IPV6 0x86dd
#define PROTO_ICMP	1
#define PROTO_TCP	6
#define PROTO_UDP	17
#define PROTO_ICMPV6	58

/** IEEE 802.3, 3.1.1 */
struct ether_header {
	uint8_t dst[6], src[6];
	uint16_t type;
} __attribute__((packed));

/** RFC 826, for IPv4 over Ethernet */
struct arp_packet {
	uint16_t hrd, pro;
	uint8_t hln, pln;
	uint16_t op;
	uint8_t sha[6], spa[4], tha[6], tpa[4];
} __attribute__((packed));

/** RFC 791, 3.1 */
struct ipv4_header {
	uint8_t version_ihl, tos;
	uint16_t total_length, id, flags_offset;
	uint8_t ttl, protocol;
	uint16_t checksum;
	uint8_t src[4], dst[4];
} __attribute__((packed));
#define IPV4_DF	    0x4000
#define IPV4_OFFSET 0x1fff

/** RFC 8200, 3 */
struct ipv6_header {
	uint32_t version_class_flow;
	uint16_t payload_length;
	uint8_t next_header, hop_limit;
	uint8_t src[16], dst[16];
} __attribute__((packed));

/** RFC 792 and RFC 4443; `word` is what the type makes of it */
struct icmp_header {
	uint8_t type, code;
	uint16_t checksum;
	uint32_t word;
} __attribute__((packed));

_Static_assert(sizeof(struct ether_header) == 14 && sizeof(struct arp_packet) == 28 &&
		       sizeof(struct ipv4_header) == 20 && sizeof(struct ipv6_header) == 40 &&
		       sizeof(struct icmp_header) == 8,
	       "headers have holes");

/** RFC 1071: add bytes to a sum; all but the last part must be of even length. */
static inline uint32_t sum_add(uint32_t sum, const void *data, size_t len)
{
	const uint8_t *bytes = (const uint8_t *)data;
	size_t i;

	for (i = 0; i + 1 < len; i += 2)
		sum += (uint32_t)bytes[i] << 8 | bytes[i + 1];
	if (len & 1)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

/** The checksum of it, in network order. */
static inline uint16_t sum_end(uint32_t sum)
{
	sum = (sum >> 16) + (sum & 0xffff);
	sum += sum >> 16;
	return htobe16((uint16_t)~sum);
}

/** Of an ICMPv6 message with its pseudo-header (RFC 8200, 8.1); 0 if the one in it is right. */
static inline uint16_t icmp6_sum(const struct ipv6_header *ip, const void *icmp, uint16_t len)
{
	uint32_t sum = sum_add(0, ip->src, 32) + len + PROTO_ICMPV6;

	return sum_end(sum_add(sum, icmp, len));
}

#endif /* PLX_L3FWD_HEADERS_H */
