/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive path of the e1000e (data sheet 7.1, extended descriptors).
 *
 * The device owns the descriptors from `next` to `tail` - 1, and no others are looked at, whatever
 * the device writes there. Consumed descriptors get new buffers in runs of E1000E_REFILL, of which
 * at least one descriptor more must be free, so that the ring is never full (RDT = RDH means
 * empty). Each descriptor is read once, in one load, and checked before use; what does not look
 * like one whole good frame goes through rx_odd().
 */
#include <endian.h>
#include <errno.h>

#include "e1000e.h"

#define FAST_MASK (E1000E_RXD_DD | E1000E_RXD_EOP | E1000E_RXD_ERRORS)
#define FAST_GOOD (E1000E_RXD_DD | E1000E_RXD_EOP)

static inline uint64_t rx_meta(const struct e1000e_rx_desc *desc)
{
	return le64toh(PLX_READ_ONCE(desc->meta));
}

static inline uint32_t rx_len(uint64_t meta)
{
	return (uint16_t)(meta >> E1000E_RXD_LEN_SHIFT);
}

/* Is a run of descriptors without buffers, with one to spare? next = tail means that all are. */
static inline bool rx_wants_refill(const struct e1000e_rxq *q)
{
	return ((q->next - q->tail - 1) & q->mask) >= E1000E_REFILL;
}

bool e1000e_rx_pending(const struct e1000e_rxq *q)
{
	return q->next != q->tail && (rx_meta(&q->ring[q->next]) & E1000E_RXD_DD);
}

int e1000e_rx_refill(struct e1000e_rxq *q)
{
	uint64_t delta = q->pool->data_iova_delta;
	struct plx_pktbuf **bufs = &q->bufs[q->tail];
	struct e1000e_rx_desc *desc = &q->ring[q->tail];
	unsigned int i;

	if (plx_unlikely(plx_mempool_get(&q->pool->objs, (void **)bufs, E1000E_REFILL))) {
		q->base.stats.no_buffers++;
		return -ENOMEM;
	}
	/* The descriptor at the tail was cleared and is not the device's to write. */
	if (plx_unlikely(PLX_READ_ONCE(desc->meta)))
		plx_rxq_lie(&q->base, PLX_LIE_STATE);
	for (i = 0; i < E1000E_REFILL; i++) {
		desc[i].addr = htole64((uintptr_t)bufs[i] + delta);
		desc[i].meta = 0;
	}
	q->tail = (q->tail + E1000E_REFILL) & q->mask;
	q->ring[q->tail].addr = 0;
	q->ring[q->tail].meta = 0;
	return 0;
}

/* Hand new buffers to the device; on an empty pool what there is stays, and the next burst retries.
 */
static inline void rx_rearm(struct e1000e_rxq *q)
{
	uint32_t tail = q->tail;

	while (rx_wants_refill(q) && e1000e_rx_refill(q) == 0)
		;
	if (q->tail == tail)
		return;
	/* Descriptors before the tail that covers them. */
	plx_dma_wmb();
	plx_mmio_write32(q->rdt, q->tail);
}

/* Fill in what a fresh buffer does not have. */
static inline void rx_fill(struct plx_pktbuf *p, uint64_t rearm, uint32_t len)
{
	p->rearm = rearm;
	p->flags = 0;
	p->pkt_len = len;
	p->len = (uint16_t)len;
}

static void rx_drop_chain(struct e1000e_rxq *q)
{
	plx_pktbuf_free(q->head);
	q->head = NULL;
	q->last = NULL;
}

/* The packet in progress, and the rest of it up to its end, is lost. */
static struct plx_pktbuf *rx_give_up(struct e1000e_rxq *q, struct plx_pktbuf *p, bool end)
{
	plx_pktbuf_free(p);
	rx_drop_chain(q);
	q->skip = !end;
	return NULL;
}

static void rx_append(struct e1000e_rxq *q, struct plx_pktbuf *p)
{
	if (!q->head) {
		q->head = p;
	} else {
		q->last->next = p;
		q->head->nsegs++;
		q->head->pkt_len += p->len;
	}
	q->last = p;
}

/*
 * A descriptor that is done but not one whole good frame: part of a longer one, bad, or nonsense.
 * Return: a packet that is complete with it, or NULL.
 */
static __attribute__((noinline, cold)) struct plx_pktbuf *
rx_odd(struct e1000e_rxq *q, uint64_t meta, struct plx_pktbuf *p)
{
	uint32_t len = rx_len(meta);
	bool end = meta & E1000E_RXD_EOP;

	rx_fill(p, q->rearm, len);
	if (q->skip) {
		plx_rxq_lie(&q->base, PLX_LIE_CHAIN);
		return rx_give_up(q, p, end);
	}
	/* Bad frames stay in the device unless RCTL.SBP is set, which it is not. */
	if (end && (meta & E1000E_RXD_ERRORS)) {
		q->base.stats.errors++;
		plx_rxq_lie(&q->base, PLX_LIE_HEADER);
		return rx_give_up(q, p, end);
	}
	/* Only the last buffer of a packet may be partly filled (7.1.2). */
	if (len == 0 || len > q->buf_size || (!end && len != q->buf_size)) {
		p->len = 0;
		plx_rxq_lie(&q->base, PLX_LIE_LENGTH);
		return rx_give_up(q, p, end);
	}
	if (q->head && q->head->nsegs >= E1000E_SEGS_MAX) {
		plx_rxq_lie(&q->base, PLX_LIE_CHAIN);
		return rx_give_up(q, p, end);
	}
	rx_append(q, p);
	if (!end)
		return NULL;
	p = q->head;
	q->head = NULL;
	q->last = NULL;
	return p;
}

/*
 * Descriptors that are one whole good frame each, from *next on, up to the first that is something
 * else or not done. Return: how many. Not inlined: the loop gets all registers.
 */
static __attribute__((noinline)) uint32_t rx_plain(struct e1000e_rxq *q, uint32_t *next,
						   struct plx_pktbuf **pkts, uint32_t n)
{
	const struct e1000e_rx_desc *const ring = q->ring;
	const uint32_t mask = q->mask, buf_size = q->buf_size;
	struct plx_pktbuf **const bufs = q->bufs;
	const uint64_t rearm = q->rearm;
	uint32_t i, index = *next;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		uint64_t meta = rx_meta(&ring[index]);
		uint32_t len = rx_len(meta);
		struct plx_pktbuf *p = bufs[index];

		if (plx_unlikely((meta & FAST_MASK) != FAST_GOOD || len - 1 >= buf_size))
			break;
		rx_fill(p, rearm, len);
		pkts[i] = p;
		index = (index + 1) & mask;
		bytes += len;
	}
	*next = index;
	q->base.stats.bytes += bytes;
	return i;
}

uint16_t e1000e_rx_burst(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	struct e1000e_rxq *q = (struct e1000e_rxq *)rxq;
	uint32_t next = q->next, owned = (q->tail - next) & q->mask, got = 0;

	while (got < n && owned) {
		uint32_t most = n - got < owned ? n - got : owned, plain = 0;
		struct plx_pktbuf *p;
		uint64_t meta;

		if (plx_likely(!q->head && !q->skip))
			plain = rx_plain(q, &next, &pkts[got], most);
		got += plain;
		owned -= plain;
		if (plx_likely(plain == most))
			break;
		meta = rx_meta(&q->ring[next]);
		if (!(meta & E1000E_RXD_DD))
			break;
		p = rx_odd(q, meta, q->bufs[next]);
		next = (next + 1) & q->mask;
		owned--;
		if (p) {
			rxq->stats.bytes += p->pkt_len;
			pkts[got++] = p;
		}
	}
	if (next == q->next) {
		/* Only after a refill that failed. */
		if (plx_unlikely(rx_wants_refill(q)))
			rx_rearm(q);
		return 0;
	}
	/* Descriptors before the data that they announce, for whoever reads it. */
	plx_dma_rmb();
	q->next = next;
	if (plx_likely(got)) {
		rxq->lies_in_row = 0;
		rxq->stats.packets += got;
	}
	rx_rearm(q);
	return (uint16_t)got;
}
