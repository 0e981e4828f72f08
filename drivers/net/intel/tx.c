/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit path of Intel's gigabit NICs: data descriptors (82540EM data sheet 3.3.7, 82574 data
 * sheet 7.2), which the 82576 calls advanced ones and wants the length of the whole packet in.
 *
 * Each call of the burst function makes one batch: the last descriptor asks for a report (RS), and
 * batch_end[first] remembers where it is. So clean-up looks at one descriptor per batch, and frees
 * the buffers of the whole batch in one go. The device may own at most ring size - 1 descriptors
 * (TDT = TDH means empty).
 */
#include <endian.h>

#include "intel.h"

#define ALWAYS_INLINE inline __attribute__((always_inline))
#define TXD_CTL	      (INTEL_TXD_IFCS | INTEL_TXD_DEXT)
#define TXD_LAST      (TXD_CTL | INTEL_TXD_EOP)

typedef uint32_t (*plain_fn)(struct intel_txq *q, uint32_t *next, struct plx_pktbuf **pkts,
			     uint32_t n);

/* What a descriptor of a packet of pkt_len bytes says beside its own length. */
static ALWAYS_INLINE uint64_t tx_kind(bool advanced, uint32_t pkt_len)
{
	return advanced ? INTEL_TXD_DTYP_ADVANCED | (uint64_t)pkt_len << INTEL_TXD_PAYLEN_SHIFT
			: INTEL_TXD_DTYP_DATA;
}

static inline bool tx_done(const struct intel_txq *q, uint32_t index)
{
	return le64toh(PLX_READ_ONCE(q->ring[index].ctl)) & INTEL_TXD_DD;
}

bool intel_tx_waiting(const struct intel_txq *q)
{
	uint32_t clean = PLX_READ_ONCE(q->clean);

	return clean != PLX_READ_ONCE(q->next) && !tx_done(q, q->batch_end[clean] & q->mask);
}

/* Batches that are done, at most the ring. */
static inline void tx_clean(struct intel_txq *q)
{
	uint32_t clean = q->clean;

	while (clean != q->next) {
		uint32_t last = q->batch_end[clean];

		if (!tx_done(q, last))
			break;
		plx_tx_bufs_free(q->bufs, q->mask, &q->gaps, clean, last);
		clean = (last + 1) & q->mask;
	}
	q->clean = clean;
}

/* Can it be sent at all? Counts its segments. */
static bool tx_valid(const struct intel_txq *q, const struct plx_pktbuf *head, uint32_t *segs)
{
	uint32_t most =
		head->flags & q->offloads & PLX_PKT_TX_TSO ? INTEL_TSO_MAX : INTEL_FRAME_MAX;
	const struct plx_pktbuf *p;
	uint64_t sum = 0;
	uint32_t n = 0;

	for (p = head; p && n <= INTEL_SEGS_MAX; p = p->next, n++) {
		if (p->len == 0)
			return false;
		sum += p->len;
	}
	*segs = n;
	return !p && n == head->nsegs && sum == head->pkt_len && sum >= INTEL_FRAME_MIN &&
	       sum <= most;
}

static int tx_drop(struct intel_txq *q, struct plx_pktbuf *p)
{
	q->base.stats.dropped++;
	plx_pktbuf_free(p);
	return 0;
}

/*
 * A packet that is not one plain buffer of a sensible length: several, one with offloads, or one
 * that cannot be sent, which is freed. Return: descriptors used, 0 if it was dropped, or -1 if
 * there is no room for it now.
 */
static __attribute__((noinline, cold)) int tx_odd(struct intel_txq *q, uint32_t next, uint32_t room,
						  struct plx_pktbuf *head, bool advanced)
{
	struct intel_tx_plan plan = {.paylen = head->pkt_len};
	uint32_t n, first = next;
	struct plx_pktbuf *p;

	if (!tx_valid(q, head, &n))
		return tx_drop(q, head);
	/* Before the plan, which may change the packet. */
	if (n + 1 > room)
		return -1;
	if ((head->flags & q->offloads) && !intel_tx_plan(q, head, advanced, &plan))
		return tx_drop(q, head);
	q->base.stats.packets++;
	q->base.stats.bytes += head->pkt_len;
	if (plan.has_context) {
		q->ring[next].addr = htole64(plan.context[0]);
		q->ring[next].ctl = htole64(plan.context[1]);
		q->bufs[next] = NULL;
		next = (next + 1) & q->mask;
	}
	for (p = head; p; p = p->next) {
		q->ring[next].addr = htole64(plx_pktbuf_iova(p));
		q->ring[next].ctl = htole64((p->next ? TXD_CTL : TXD_LAST) | p->len | plan.ctl |
					    tx_kind(advanced, plan.paylen));
		q->bufs[next] = p->next ? NULL : head;
		next = (next + 1) & q->mask;
	}
	n += plan.has_context;
	q->gaps += n - 1;
	return (int)((next - first) & q->mask);
}

/* Close the batch from q->next to next - 1 and hand it to the device. */
static inline void tx_submit(struct intel_txq *q, uint32_t next)
{
	uint32_t last = (next - 1) & q->mask;

	q->ring[last].ctl |= htole64(INTEL_TXD_RS);
	q->batch_end[q->next] = (uint16_t)last;
	q->next = next;
	/* Descriptors and data before the tail that covers them. */
	plx_dma_wmb();
	plx_mmio_write32(q->tdt, next);
}

/*
 * Descriptors for packets of one buffer, up to the first that is something else, from *next on.
 * Return: how many.
 */
static ALWAYS_INLINE uint32_t tx_plain(struct intel_txq *q, uint32_t *next,
				       struct plx_pktbuf **pkts, uint32_t n, bool advanced)
{
	struct intel_tx_desc *const ring = q->ring;
	struct plx_pktbuf **const bufs = q->bufs;
	const uint32_t mask = q->mask, offloads = q->offloads;
	uint32_t i, index = *next;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		struct plx_pktbuf *p = pkts[i];
		uint32_t len = p->len;

		if (plx_unlikely(p->nsegs != 1 || (p->flags & offloads) ||
				 len - INTEL_FRAME_MIN > INTEL_FRAME_MAX - INTEL_FRAME_MIN))
			break;
		ring[index].addr = htole64(plx_pktbuf_iova(p));
		ring[index].ctl = htole64(TXD_LAST | len | tx_kind(advanced, len));
		bufs[index] = p;
		index = (index + 1) & mask;
		bytes += len;
	}
	*next = index;
	q->base.stats.packets += i;
	q->base.stats.bytes += bytes;
	return i;
}

static ALWAYS_INLINE uint16_t tx_burst(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n,
				       bool advanced, plain_fn plain_run)
{
	struct intel_txq *q = (struct intel_txq *)txq;
	uint32_t next = q->next, room, sent = 0;

	tx_clean(q);
	room = (q->clean - next - 1) & q->mask;
	while (sent < n && room) {
		uint32_t most = n - sent < room ? n - sent : room;
		uint32_t plain = plain_run(q, &next, &pkts[sent], most);
		int used;

		sent += plain;
		room -= plain;
		if (plx_likely(plain == most))
			continue;
		used = tx_odd(q, next, room, pkts[sent], advanced);
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

/* --- The two kinds of descriptor. The inner loops are not inlined: they get all registers. --- */

static __attribute__((noinline)) uint32_t plain_data(struct intel_txq *q, uint32_t *next,
						     struct plx_pktbuf **pkts, uint32_t n)
{
	return tx_plain(q, next, pkts, n, false);
}

uint16_t intel_tx_burst_data(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	return tx_burst(txq, pkts, n, false, plain_data);
}

static __attribute__((noinline)) uint32_t plain_advanced(struct intel_txq *q, uint32_t *next,
							 struct plx_pktbuf **pkts, uint32_t n)
{
	return tx_plain(q, next, pkts, n, true);
}

uint16_t intel_tx_burst_advanced(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	return tx_burst(txq, pkts, n, true, plain_advanced);
}
