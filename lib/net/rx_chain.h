/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Packets of several buffers on their way in, for drivers whose devices tell of one buffer at a
 * time: the packet in progress of a queue, from its first buffer to its last. Buffers of a packet
 * that went wrong are freed up to and with the one that ends it.
 */
#ifndef POLLUX_LIB_NET_RX_CHAIN_H
#define POLLUX_LIB_NET_RX_CHAIN_H

#include <pollux/pktbuf.h>

struct plx_rx_chain {
	struct plx_pktbuf *head, *last; /**< NULL between packets */
	bool skip;			/**< the rest of a packet that was given up is to come */
};

/** Fill in what a fresh buffer does not have. rearm: plx_rx_rearm(). */
static inline void plx_rx_fill(struct plx_pktbuf *p, uint64_t rearm, uint32_t len)
{
	p->rearm = rearm;
	p->flags = 0;
	p->pkt_len = len;
	p->len = (uint16_t)len;
}

/** plx_pktbuf.rearm of a fresh packet of a port: its tag. */
static inline uint64_t plx_rx_rearm(uint16_t tag)
{
	const struct plx_pktbuf fresh = {
		.data_off = PLX_PKTBUF_HEADROOM, .port = tag, .refcnt = 1, .nsegs = 1};

	return fresh.rearm;
}

/** Nothing in progress: the next buffer may be looked at as a packet of its own. */
static inline bool plx_rx_chain_idle(const struct plx_rx_chain *c)
{
	return !c->head && !c->skip;
}

static inline void plx_rx_chain_drop(struct plx_rx_chain *c)
{
	plx_pktbuf_free(c->head);
	c->head = NULL;
	c->last = NULL;
}

/**
 * A buffer that cannot be used; what there is of its packet goes, too, and what comes of it up to
 * its end. end: this was the last. Return: NULL, the packet that is complete with it.
 */
static inline struct plx_pktbuf *plx_rx_chain_give_up(struct plx_rx_chain *c, struct plx_pktbuf *p,
						      bool end)
{
	plx_pktbuf_free(p);
	plx_rx_chain_drop(c);
	c->skip = !end;
	return NULL;
}

/** The next good buffer. Return: the packet that is complete with it, or NULL. */
static inline struct plx_pktbuf *plx_rx_chain_add(struct plx_rx_chain *c, struct plx_pktbuf *p,
						  bool end)
{
	if (!c->head) {
		c->head = p;
	} else {
		c->last->next = p;
		c->head->nsegs++;
		c->head->pkt_len += p->len;
	}
	c->last = p;
	if (!end)
		return NULL;
	p = c->head;
	c->head = NULL;
	c->last = NULL;
	return p;
}

#endif /* POLLUX_LIB_NET_RX_CHAIN_H */
