/* SPDX-License-Identifier: BSD-3-Clause */
/* The two ports of net-features and what passes between them (main.c); the tests of life.c. */
#ifndef POLLUX_NET_FEATURES_WIRE_H
#define POLLUX_NET_FEATURES_WIRE_H

#include <pollux/net.h>

#define ARRIVAL_NS UINT64_C(2000000000)
#define PARTS	   4
#define MSS	   1000

extern struct plx_pktbuf_pool *pool;
extern struct plx_port *from, *to;

bool check(bool good, const char *what);
/** Has the port this feature? If not, a line that says so. */
bool has(const struct plx_port *port, unsigned int feature);
#define HAS(port, id) has(port, PLX_PORT_FEATURE_##id)

void send(struct plx_pktbuf *p);
/** The next packet that is ours, or NULL. */
struct plx_pktbuf *receive(uint64_t within_ns);
/** Does a frame to this address, with this tag (0: none), arrive? */
bool arrives(const uint8_t *dst, uint16_t tag);
/** Does it not, while one behind it does? */
bool stays_away(const uint8_t *dst, uint16_t tag);
const uint8_t *mac_to(void);
/** Restart a port with these offloads. */
void offloads(struct plx_port *port, uint64_t wanted);

void test_promisc_and_allmulti(void);
void test_mac_set(void);
void test_jumbo(void);
void test_statistics(void);
void test_reset(void);
void test_rx_interrupt(void);
/** id: QEMU's name of the receiver; NULL: not known. */
void test_link_event(const char *id);
void test_lro(void);
/** rss.c; opens the receiver again, by its spec. */
void test_rss_queues(const char *spec);

#endif /* POLLUX_NET_FEATURES_WIRE_H */
