/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit path of the e1000e (data sheet 7.2, data descriptors).
 *
 * Each call of the burst function makes one batch: the last descriptor asks for a report (RS), and
 * batch_end[first] remembers where it is. So clean-up looks at one descriptor per batch, and frees
 * the buffers of the whole batch in one go. The device may own at most ring size - 1 descriptors
 * (TDT = TDH means empty).
 */
#include <endian.h>

#include "e1000e.h"

#define TXD_CTL	 (E1000E_TXD_DTYP_DATA | E1000E_TXD_IFCS | E1000E_TXD_DEXT)
#define TXD_LAST (TXD_CTL | E1000E_TXD_EOP)

static inline bool tx_done(const struct e1000e_txq *q, uint32_t index)
{
	return le64toh(PLX_READ_ONCE(q->ring[index].ctl)) & E1000E_TXD_DD;
}

bool e1000e_tx_waiting(const struct e1000e_txq *q)
{
	uint32_t clean = PLX_READ_ONCE(q->clean);

	return clean != PLX_READ_ONCE(q->next) && !tx_done(q, q->batch_end[clean] & q->mask);
}

/* Free the buffers of a batch in which packets have several descriptors. */
static __attribute__((noinline, cold)) void tx_free_gaps(struct e1000e_txq *q, uint32_t first,
							 uint32_t last)
{
	uint32_t i;

	for (i = first;; i = (i + 1) & q->mask) {
		if (q->bufs[i])
			plx_pktbuf_free(q->bufs[i]);
		else
			q->gaps--;
		if (i == last)
			break;
	}
}

static inline void tx_free(struct e1000e_txq *q, uint32_t first, uint32_t last)
{
	if (plx_unlikely(q->gaps)) {
		tx_free_gaps(q, first, last);
	} else if (plx_likely(first <= last)) {
		plx_pktbuf_free_burst(&q->bufs[first], (uint16_t)(last - first + 1));
	} else {
		plx_pktbuf_free_burst(&q->bufs[first], (uint16_t)(q->mask - first + 1));
		plx_pktbuf_free_burst(q->bufs, (uint16_t)(last + 1));
	}
}

/* Batches that are done, at most the ring. */
static inline void tx_clean(struct e1000e_txq *q)
{
	uint32_t clean = q->clean;

	while (clean != q->next) {
		uint32_t last = q->batch_end[clean];

		if (!tx_done(q, last))
			break;
		tx_free(q, clean, last);
		clean = (last + 1) & q->mask;
	}
	q->clean = clean;
}

/*
 * A packet that is not one buffer of a sensible length: several, or one that cannot be sent, which
 * is freed. Return: descriptors used, 0 if it was dropped, or -1 if there is no room for it now.
 */
static __attribute__((noinline, cold)) int tx_odd(struct e1000e_txq *q, uint32_t next,
						  uint32_t room, struct plx_pktbuf *head)
{
	struct plx_pktbuf *p;
	uint64_t sum = 0;
	uint32_t n = 0;

	for (p = head; p && n <= E1000E_SEGS_MAX; p = p->next, n++) {
		sum += p->len;
		if (p->len == 0)
			sum = UINT32_MAX;
	}
	if (p || n != head->nsegs || sum != head->pkt_len || sum < E1000E_FRAME_MIN ||
	    sum > E1000E_FRAME_MAX) {
		q->base.stats.dropped++;
		plx_pktbuf_free(head);
		return 0;
	}
	if (n > room)
		return -1;
	for (p = head; p; p = p->next) {
		q->ring[next].addr = htole64(plx_pktbuf_iova(p));
		q->ring[next].ctl = htole64((p->next ? TXD_CTL : TXD_LAST) | p->len);
		q->bufs[next] = p->next ? NULL : head;
		next = (next + 1) & q->mask;
	}
	q->gaps += n - 1;
	q->base.stats.packets++;
	q->base.stats.bytes += sum;
	return (int)n;
}

/* Close the batch from q->next to next - 1 and hand it to the device. */
static inline void tx_submit(struct e1000e_txq *q, uint32_t next)
{
	uint32_t last = (next - 1) & q->mask;

	q->ring[last].ctl |= htole64(E1000E_TXD_RS);
	q->batch_end[q->next] = (uint16_t)last;
	q->next = next;
	/* Descriptors and data before the tail that covers them. */
	plx_dma_wmb();
	plx_mmio_write32(q->tdt, next);
}

/*
 * Descriptors for packets of one buffer, up to the first that is something else, from *next on.
 * Return: how many. Not inlined: the loop gets all registers.
 */
static __attribute__((noinline)) uint32_t tx_plain(struct e1000e_txq *q, uint32_t *next,
						   struct plx_pktbuf **pkts, uint32_t n)
{
	struct e1000e_tx_desc *const ring = q->ring;
	struct plx_pktbuf **const bufs = q->bufs;
	const uint32_t mask = q->mask;
	uint32_t i, index = *next;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		struct plx_pktbuf *p = pkts[i];
		uint32_t len = p->len;

		if (plx_unlikely(p->nsegs != 1 ||
				 len - E1000E_FRAME_MIN > E1000E_FRAME_MAX - E1000E_FRAME_MIN))
			break;
		ring[index].addr = htole64(plx_pktbuf_iova(p));
		ring[index].ctl = htole64(TXD_LAST | len);
		bufs[index] = p;
		index = (index + 1) & mask;
		bytes += len;
	}
	*next = index;
	q->base.stats.packets += i;
	q->base.stats.bytes += bytes;
	return i;
}

uint16_t e1000e_tx_burst(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	struct e1000e_txq *q = (struct e1000e_txq *)txq;
	uint32_t next = q->next, room, sent = 0;

	tx_clean(q);
	room = (q->clean - next - 1) & q->mask;
	while (sent < n && room) {
		uint32_t most = n - sent < room ? n - sent : room;
		uint32_t plain = tx_plain(q, &next, &pkts[sent], most);
		int used;

		sent += plain;
		room -= plain;
		if (plx_likely(plain == most))
			continue;
		used = tx_odd(q, next, room, pkts[sent]);
		if (used < 0)
			break;
		sent++;
		next = (next + (uint32_t)used) & q->mask;
		room -= (uint32_t)used;
	}
	if (plx_likely(next != q->next))
		tx_submit(q, next);
	return (uint16_t)sent;
}
