/* SPDX-License-Identifier: BSD-3-Clause */
/* Frames that net-features sends, and what it recomputes of those that it receives. */
#ifndef POLLUX_NET_FEATURES_FRAMES_H
#define POLLUX_NET_FEATURES_FRAMES_H

#include <pollux/net.h>

#define ETH_LEN	  14
#define IP_LEN	  20
#define TCP_LEN	  20
#define UDP_LEN	  8
#define TYPE_TEST 0x88b5 /* IEEE 802: experimental */
#define TYPE_IPV4 0x0800
#define TYPE_VLAN 0x8100
#define PROTO_TCP 6
#define PROTO_UDP 17

/** A frame of TYPE_TEST with len bytes of payload; tag: a VLAN tag in it, 0: none. */
struct plx_pktbuf *frame_plain(struct plx_pktbuf_pool *pool, const uint8_t *dst, uint16_t tag,
			       uint16_t len);
/** UDP or TCP over IPv4, headers complete but for the L4 checksum, which is the sum of the
 * pseudo-header; chained where it does not fit one buffer. */
struct plx_pktbuf *frame_ip(struct plx_pktbuf_pool *pool, const uint8_t *dst, uint8_t proto,
			    uint16_t len);
/** Put the right L4 checksum into what frame_ip() made, in software. */
void frame_finish(struct plx_pktbuf *p);
/** Are the IPv4 header checksum, and the L4 checksum, of a received packet right? */
bool frame_ip_good(const uint8_t *data);
bool frame_l4_good(const uint8_t *data);
uint16_t get16(const uint8_t *data);
uint32_t get32(const uint8_t *data);
/** The Toeplitz hash of a TCP/IPv4 frame's addresses and ports. */
uint32_t frame_hash(const uint8_t *data, const uint8_t *key);

#endif /* POLLUX_NET_FEATURES_FRAMES_H */
