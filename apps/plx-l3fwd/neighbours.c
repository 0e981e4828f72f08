/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who is who on the links: a hash table from address to MAC address, filled by ARP and ND. Packets
 * for somebody not known yet wait, a few for each; who does not answer is given up, and the senders
 * are told. An entry that is in use but old is asked for anew, and used meanwhile. When the table
 * is full a new one takes the place of another, so that whoever makes up addresses shuts nobody
 * out.
 */
#include <stdlib.h>

#include <pollux/clock.h>

#include "headers.h"
#include "l3fwd.h"

#define SLOTS	    4096 /* a power of two */
#define FULL	    (SLOTS * 3 / 4)
#define LOOKED_AT   32 /* of these, one goes when the table is full */
#define WAITING_MAX 8
#define WAITING_ALL 256 /* of all together: the ports need buffers, too */
#define TRIES	    3
#define ASK_NS	    UINT64_C(1000000000)  /* RFC 4861, RETRANS_TIMER; RFC 1122, 2.3.2.1 */
#define OLD_NS	    UINT64_C(30000000000) /* RFC 4861, REACHABLE_TIME */
#define FORGET_NS   UINT64_C(600000000000)

struct neighbour {
	struct address address;
	uint64_t seen_ns, used_ns, asked_ns;
	uint8_t mac[PLX_ETH_ALEN];
	uint8_t port;
	uint8_t tries; /* since it was last heard of */
	bool taken, known;
	bool wanted; /* something was to be sent to it */
	uint8_t waiting;
	struct plx_pktbuf *queue[WAITING_MAX]; /* from their IP header on */
};

static struct neighbour slots[SLOTS];
static unsigned int taken, waiting_all;
static uint64_t now;

static unsigned int slot_of(unsigned int port, const struct address *address)
{
	uint64_t a, b, h;

	memcpy(&a, address->bytes, 8);
	memcpy(&b, address->bytes + 8, 8);
	h = (a ^ (b * UINT64_C(0x9e3779b97f4a7c15)) ^ port) * UINT64_C(0xff51afd7ed558ccd);
	return (unsigned int)(h >> 40) & (SLOTS - 1);
}

static struct neighbour *find(unsigned int port, const struct address *address)
{
	unsigned int i = slot_of(port, address);

	while (slots[i].taken &&
	       (slots[i].port != port || !address_equal(&slots[i].address, address)))
		i = (i + 1) & (SLOTS - 1);
	return &slots[i];
}

/* Close the gap, so that who was pushed past it is found (Knuth vol. 3, 6.4, algorithm R). */
static void take_out(struct neighbour *n)
{
	unsigned int hole = (unsigned int)(n - slots), i = hole, home;

	taken--;
	waiting_all -= n->waiting;
	for (;;) {
		slots[hole].taken = false;
		do {
			i = (i + 1) & (SLOTS - 1);
			if (!slots[i].taken)
				return;
			home = slot_of(slots[i].port, &slots[i].address);
		} while (((i - home) & (SLOTS - 1)) < ((i - hole) & (SLOTS - 1)));
		slots[hole] = slots[i];
		hole = i;
	}
}

/* Who went through the table first: does not answer, is of no use to us, has been used. */
static unsigned int worth(const struct neighbour *n)
{
	return n->known ? 1 + n->wanted : 0;
}

static bool goes_before(const struct neighbour *a, const struct neighbour *b)
{
	return worth(a) != worth(b) ? worth(a) < worth(b) : a->used_ns < b->used_ns;
}

/* Its packets are lost. */
static void drop_waiting(struct neighbour *n)
{
	app.ports[n->port].count.unresolved += n->waiting;
	plx_pktbuf_free_burst(n->queue, n->waiting);
}

/* Of some, another time others, the one that will be missed least. */
static void evict(void)
{
	static unsigned int hand;
	struct neighbour *victim = NULL, gone;
	unsigned int seen = 0;

	while (seen < LOOKED_AT) {
		struct neighbour *n = &slots[hand];

		hand = (hand + 1) & (SLOTS - 1);
		if (!n->taken)
			continue;
		seen++;
		if (!victim || goes_before(n, victim))
			victim = n;
	}
	gone = *victim;
	take_out(victim);
	drop_waiting(&gone);
}

/* Somebody who is not in the table, into it. */
static struct neighbour *enter(unsigned int port, const struct address *address)
{
	struct neighbour *n;

	if (taken >= FULL)
		evict();
	n = find(port, address);
	taken++;
	*n = (struct neighbour){.address = *address, .port = (uint8_t)port, .taken = true};
	n->used_ns = now;
	return n;
}

/* --- To them ---------------------------------------------------------------------------------- */

static void transmit(const struct neighbour *n, struct plx_pktbuf *p)
{
	port_send(n->port, n->mac, address_is_v4(&n->address) ? ETHER_TYPE_IPV4 : ETHER_TYPE_IPV6,
		  p);
}

static void ask(struct neighbour *n)
{
	n->asked_ns = now;
	n->tries++;
	if (address_is_v4(&n->address))
		arp_ask(n->port, &n->address);
	else
		nd_ask(n->port, &n->address);
}

static void wait_for(struct neighbour *n, struct plx_pktbuf *p)
{
	if (n->waiting == WAITING_MAX || waiting_all == WAITING_ALL) {
		app.ports[n->port].count.unresolved++;
		plx_pktbuf_free(p);
		return;
	}
	n->queue[n->waiting++] = p;
	waiting_all++;
}

void neighbour_send(unsigned int port, const struct address *address, struct plx_pktbuf *p)
{
	struct neighbour *n = find(port, address);

	if (plx_unlikely(!n->taken))
		n = enter(port, address);
	n->wanted = true;
	n->used_ns = now;
	if (plx_likely(n->known)) {
		transmit(n, p);
		return;
	}
	wait_for(n, p);
	if (n->tries == 0)
		ask(n);
}

static void learn(struct neighbour *n, const uint8_t *mac)
{
	unsigned int i, waiting;

	memcpy(n->mac, mac, PLX_ETH_ALEN);
	n->known = true;
	n->tries = 0;
	n->seen_ns = now;
	waiting = n->waiting;
	waiting_all -= waiting;
	n->waiting = 0;
	for (i = 0; i < waiting; i++)
		transmit(n, n->queue[i]);
}

void neighbour_learn(unsigned int port, const struct address *address, const uint8_t *mac)
{
	struct neighbour *n = find(port, address);

	learn(n->taken ? n : enter(port, address), mac);
}

void neighbour_answered(unsigned int port, const struct address *address, const uint8_t *mac)
{
	struct neighbour *n = find(port, address);

	if (n->taken)
		learn(n, mac);
}

/* --- Time ------------------------------------------------------------------------------------- */

/* Its packets' senders hear of it. The table may change under their answers: it goes first. */
static void give_up(struct neighbour *n)
{
	struct neighbour gone = *n;
	unsigned int i;

	take_out(n);
	for (i = 0; i < gone.waiting; i++) {
		app.ports[gone.port].count.unresolved++;
		icmp_error(gone.port, gone.queue[i], ICMP_HOST_UNREACHABLE, 0);
		plx_pktbuf_free(gone.queue[i]);
	}
}

static void look_at(struct neighbour *n)
{
	bool old = now - n->seen_ns > OLD_NS, used = n->used_ns > n->seen_ns;

	if (n->known && now - n->used_ns > FORGET_NS)
		give_up(n);
	else if ((n->known && !(old && used)) || now - n->asked_ns < ASK_NS)
		return;
	else if (n->tries < TRIES)
		ask(n);
	else
		give_up(n);
}

void neighbours_tick(uint64_t now_ns)
{
	unsigned int i;

	now = now_ns;
	for (i = 0; i < SLOTS; i++)
		if (slots[i].taken)
			look_at(&slots[i]);
}

void neighbours_free(void)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		if (slots[i].taken)
			plx_pktbuf_free_burst(slots[i].queue, slots[i].waiting);
}
