/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of plx-l3fwd share. One lcore polls all ports, so nothing here is locked.
 * Addresses of both families are 16 bytes, IPv4 as ::ffff:a.b.c.d (RFC 4291, 2.5.5.2).
 */
#ifndef PLX_L3FWD_L3FWD_H
#define PLX_L3FWD_L3FWD_H

#include <string.h>

#include <pollux/eal.h>
#include <pollux/net.h>

#define PORTS_MAX  16
#define BURST	   32
#define EXIT_USAGE 2
#define PREFIX	   "plx-l3fwd: "

struct address {
	uint8_t bytes[16];
};

/** Of one port; each packet that came in is in exactly one of the first lines. */
#define COUNTERS(X)                                                                                \
	X(forwarded)                                                                               \
	X(local) /* to an address of ours */                                                       \
	X(arp)                                                                                     \
	X(nd)                                                                                      \
	X(expired)    /* TTL or hop limit; answered */                                             \
	X(no_route)   /* answered */                                                               \
	X(too_big)    /* for the next link; answered where it must not be cut */                   \
	X(unresolved) /* the neighbour does not answer */                                          \
	X(bad_header) /* lengths, version or checksum are wrong */                                 \
	X(not_for_us) /* other protocols, addresses, multicast */                                  \
	/* what we have sent on our own behalf, and what was lost */                               \
	X(icmp_sent)                                                                               \
	X(tx_dropped)

struct counters {
#define COUNTER_FIELD(name) uint64_t name;
	COUNTERS(COUNTER_FIELD)
#undef COUNTER_FIELD
};

struct port {
	struct plx_port *port;
	struct plx_rxq *rxq;
	struct plx_txq *txq;
	uint8_t mac[PLX_ETH_ALEN];
	uint16_t mtu;
	struct address v4, v6, link_local; /* all zero: none */
	unsigned int v4_len, v6_len;	   /* of the prefixes */
	struct plx_pktbuf *out[BURST];
	uint16_t out_count;
	struct counters count;
};

/** Where packets go: to `gateway` or, where that is all zero, to their own destination. */
struct hop {
	uint8_t port;
	struct address gateway;
};

struct options {
	struct plx_eal_config eal;
	const char *routes;
	const char *specs[PORTS_MAX];
	unsigned int ports;
	unsigned int period_s, duration_s;
	bool json;
};

struct app {
	struct options options;
	struct port ports[PORTS_MAX];
	struct plx_pktbuf_pool *pool;
	volatile int stop;
	bool failed;
};

extern struct app app;

/** options.c: the command line; ends the program if it is wrong. */
void options_parse(struct options *options, int argc, char **argv);

/* --- routes.c --------------------------------------------------------------------------------- */

/** Read the file, and give the ports their addresses. Return: 0, or -1: told on stderr. */
int routes_read(const char *path);
/** Put what was read into DPDK's tables; the EAL is up. Return: 0, or else: told on stderr. */
int routes_install(void);
void routes_free(void);
/** The way to an address, or NULL. */
const struct hop *route_v4(const uint8_t dst[4]);
const struct hop *route_v6(const uint8_t dst[16]);
/** Is it an address of ours, on any port? */
bool is_ours(const struct address *address);
/** Is it on the link of that port? */
bool on_link(const struct port *port, const struct address *address);

/* --- neighbours.c ----------------------------------------------------------------------------- */

/**
 * Who has an address on the link of a port, from a question of theirs: they wait for our answer.
 */
void neighbour_learn(unsigned int port, const struct address *address, const uint8_t *mac);
/** The same from an answer, which says nothing where nobody has asked (RFC 4861, 7.2.5). */
void neighbour_answered(unsigned int port, const struct address *address, const uint8_t *mac);
/** Send a packet to a neighbour, at once or when it has answered. Takes the packet. */
void neighbour_send(unsigned int port, const struct address *address, struct plx_pktbuf *p);
/** Ask again, give up: a few times a second. */
void neighbours_tick(uint64_t now_ns);
void neighbours_free(void);

/* --- forward.c -------------------------------------------------------------------------------- */

void forward_loop(void (*control)(void));
/** Put a packet into the port's queue, to that MAC address. Takes it. */
void port_send(unsigned int port, const uint8_t *dst, uint16_t type, struct plx_pktbuf *p);
/** Send a packet that begins with its IP header; `in` is where link-local ones go. Takes it. */
void send_v4(unsigned int in, struct plx_pktbuf *p);
void send_v6(unsigned int in, struct plx_pktbuf *p);

/* --- arp.c, nd.c, icmp.c: frames that begin with the header named; they take the packet ------- */

void arp_input(unsigned int in, struct plx_pktbuf *p);
void arp_ask(unsigned int port, const struct address *address);
/** An ICMPv6 packet that is ND. Return: false: it is not, the packet is still the caller's. */
bool nd_input(unsigned int in, struct plx_pktbuf *p);
void nd_ask(unsigned int port, const struct address *address);

enum icmp_error {
	ICMP_NO_ROUTE,
	ICMP_HOST_UNREACHABLE,
	ICMP_PORT_UNREACHABLE,
	ICMP_TOO_BIG,
	ICMP_EXPIRED,
};
/** To an address of ours. */
void icmp_input(unsigned int in, struct plx_pktbuf *p);
void icmp6_input(unsigned int in, struct plx_pktbuf *p);
/**
 * Tell the sender of a packet (which begins with its IP header) what became of it. Takes nothing.
 */
void icmp_error(unsigned int in, struct plx_pktbuf *p, enum icmp_error error, uint16_t mtu);

/* --- report.c --------------------------------------------------------------------------------- */

int report(bool final);

/* --- Addresses -------------------------------------------------------------------------------- */

static inline struct address address_v4(const void *bytes)
{
	struct address a = {{[10] = 0xff, [11] = 0xff}};

	memcpy(a.bytes + 12, bytes, 4);
	return a;
}

static inline struct address address_v6(const void *bytes)
{
	struct address a;

	memcpy(a.bytes, bytes, 16);
	return a;
}

static inline bool address_equal(const struct address *a, const struct address *b)
{
	return memcmp(a, b, sizeof(*a)) == 0;
}

static inline bool address_is_none(const struct address *a)
{
	static const struct address none;

	return address_equal(a, &none);
}

static inline bool address_is_v4(const struct address *a)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};

	return memcmp(a->bytes, mapped, sizeof(mapped)) == 0;
}

#endif /* PLX_L3FWD_L3FWD_H */
