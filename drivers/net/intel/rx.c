/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive path of Intel's gigabit NICs. Their descriptors differ in where status, errors and length
 * are; legacy ones (82540EM data sheet 3.2.3) turned by 32 bits have them where the extended ones
 * (82574 data sheet 7.1.5) and the advanced ones (82576 data sheet 7.1.5) do, but for the errors.
 * So there is one path, made three times for constants (struct layout).
 *
 * The device owns the descriptors from `next` to `tail` - 1, and no others are looked at, whatever
 * the device writes there. Consumed descriptors get new buffers in runs of INTEL_REFILL, of which
 * at least one descriptor more must be free, so that the ring is never full (RDT = RDH means
 * empty). Each descriptor is read once, in one load, and checked before use; what does not look
 * like one whole good frame goes through rx_odd().
 */
#include <endian.h>
#include <errno.h>

#include "intel.h"

#define FAST_GOOD     (INTEL_RXD_DD | INTEL_RXD_EOP)
#define ALWAYS_INLINE inline __attribute__((always_inline))

struct layout {
	uint64_t errors; /* any of these: the frame is bad */
	uint64_t ixsm;	 /* the checksums were not looked at */
	uint64_t ip_bad, l4_bad;
	unsigned int vlan_shift;
	bool turned; /* status and length are in each other's half */
	bool hash;   /* the other half has an RSS hash */
};

typedef uint32_t (*plain_fn)(struct intel_rxq *q, uint32_t *next, struct plx_pktbuf **pkts,
			     uint32_t n);

static ALWAYS_INLINE uint64_t rx_meta(const struct intel_rx_desc *desc, const struct layout *layout)
{
	uint64_t meta = le64toh(PLX_READ_ONCE(desc->meta));

	return layout->turned ? meta >> 32 | meta << 32 : meta;
}

static inline uint32_t rx_len(uint64_t meta)
{
	return (uint16_t)(meta >> INTEL_RXD_LEN_SHIFT);
}

/* Is a run of descriptors without buffers, with one to spare? next = tail means that all are. */
static inline bool rx_wants_refill(const struct intel_rxq *q)
{
	return ((q->next - q->tail - 1) & q->mask) >= INTEL_REFILL;
}

bool intel_rx_pending(const struct intel_rxq *q)
{
	return q->next != q->tail && (le64toh(PLX_READ_ONCE(q->ring[q->next].meta)) & q->done);
}

int intel_rx_refill(struct intel_rxq *q)
{
	uint64_t delta = q->pool->data_iova_delta;
	struct plx_pktbuf **bufs = &q->bufs[q->tail];
	struct intel_rx_desc *desc = &q->ring[q->tail];
	unsigned int i;

	if (plx_unlikely(plx_mempool_get(&q->pool->objs, (void **)bufs, INTEL_REFILL))) {
		q->base.stats.no_buffers++;
		return -ENOMEM;
	}
	/* The descriptor at the tail was cleared and is not the device's to write. */
	if (plx_unlikely(PLX_READ_ONCE(desc->meta)))
		plx_rxq_lie(&q->base, PLX_LIE_STATE);
	for (i = 0; i < INTEL_REFILL; i++) {
		desc[i].addr = htole64((uintptr_t)bufs[i] + delta);
		desc[i].meta = 0;
	}
	q->tail = (q->tail + INTEL_REFILL) & q->mask;
	q->ring[q->tail].addr = 0;
	q->ring[q->tail].meta = 0;
	return 0;
}

/*
 * Hand new buffers to the device; on an empty pool what there is stays, and the next burst retries.
 */
static inline void rx_rearm(struct intel_rxq *q)
{
	uint32_t tail = q->tail;

	while (rx_wants_refill(q) && intel_rx_refill(q) == 0)
		;
	if (q->tail == tail)
		return;
	/* Descriptors before the tail that covers them. */
	plx_dma_wmb();
	plx_mmio_write32(q->rdt, q->tail);
}

/* What the device found out about a frame, as far as it was asked to; desc is its last. */
static ALWAYS_INLINE void rx_offloads(struct intel_rxq *q, const struct intel_rx_desc *desc,
				      uint64_t meta, struct plx_pktbuf *p,
				      const struct layout *layout)
{
	uint32_t wanted = q->offloads, flags = 0;

	if ((wanted & PLX_PKT_RX_VLAN) && (meta & INTEL_RXD_VP)) {
		flags |= PLX_PKT_RX_VLAN;
		p->vlan = (uint16_t)(meta >> layout->vlan_shift);
	}
	if ((wanted & PLX_PKT_RX_IP_GOOD) && !(meta & layout->ixsm)) {
		if (meta & INTEL_RXD_IPCS)
			flags |= meta & layout->ip_bad ? PLX_PKT_RX_IP_BAD : PLX_PKT_RX_IP_GOOD;
		if (meta & (INTEL_RXD_L4CS | INTEL_RXD_UDPCS))
			flags |= meta & layout->l4_bad ? PLX_PKT_RX_L4_BAD : PLX_PKT_RX_L4_GOOD;
	}
	if (layout->hash && (wanted & PLX_PKT_RX_HASH)) {
		uint64_t first = le64toh(PLX_READ_ONCE(desc->addr));
		uint64_t type = first & INTEL_RXD_RSS_TYPE;

		if (plx_unlikely(type > INTEL_RXD_RSS_TYPES)) {
			plx_rxq_lie(&q->base, PLX_LIE_HEADER);
		} else if (type) {
			flags |= PLX_PKT_RX_HASH;
			p->hash = (uint32_t)(first >> INTEL_RXD_HASH_SHIFT);
		}
	}
	p->flags = flags;
}

/*
 * A descriptor that is done but not one whole good frame: part of a longer one, bad, or nonsense.
 * Return: a packet that is complete with it, or NULL.
 */
static __attribute__((noinline, cold)) struct plx_pktbuf *
rx_odd(struct intel_rxq *q, uint64_t meta, uint64_t errors, struct plx_pktbuf *p)
{
	uint32_t len = rx_len(meta);
	bool end = meta & INTEL_RXD_EOP;

	plx_rx_fill(p, q->rearm, len);
	if (q->chain.skip) {
		plx_rxq_lie(&q->base, PLX_LIE_CHAIN);
		return plx_rx_chain_give_up(&q->chain, p, end);
	}
	/* Bad frames stay in the device unless RCTL.SBP is set, which it is not. */
	if (end && (meta & errors)) {
		q->base.stats.errors++;
		plx_rxq_lie(&q->base, PLX_LIE_HEADER);
		return plx_rx_chain_give_up(&q->chain, p, end);
	}
	/* Only the last buffer of a packet may be partly filled (7.1.2). */
	if (len == 0 || len > q->buf_size || (!end && len != q->buf_size)) {
		p->len = 0;
		plx_rxq_lie(&q->base, PLX_LIE_LENGTH);
		return plx_rx_chain_give_up(&q->chain, p, end);
	}
	if (q->chain.head && q->chain.head->nsegs >= INTEL_SEGS_MAX) {
		plx_rxq_lie(&q->base, PLX_LIE_CHAIN);
		return plx_rx_chain_give_up(&q->chain, p, end);
	}
	return plx_rx_chain_add(&q->chain, p, end);
}

/*
 * Descriptors that are one whole good frame each, from *next on, up to the first that is something
 * else or not done. Return: how many.
 */
static ALWAYS_INLINE uint32_t rx_plain(struct intel_rxq *q, uint32_t *next,
				       struct plx_pktbuf **pkts, uint32_t n,
				       const struct layout *layout, bool offload)
{
	const struct intel_rx_desc *const ring = q->ring;
	const uint32_t mask = q->mask, buf_size = q->buf_size;
	const uint64_t looked_at = FAST_GOOD | layout->errors;
	struct plx_pktbuf **const bufs = q->bufs;
	const uint64_t rearm = q->rearm;
	uint32_t i, index = *next;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		uint64_t meta = rx_meta(&ring[index], layout);
		uint32_t len = rx_len(meta);
		struct plx_pktbuf *p = bufs[index];

		if (plx_unlikely((meta & looked_at) != FAST_GOOD || len - 1 >= buf_size))
			break;
		plx_rx_fill(p, rearm, len);
		if (offload)
			rx_offloads(q, &ring[index], meta, p, layout);
		pkts[i] = p;
		index = (index + 1) & mask;
		bytes += len;
	}
	*next = index;
	q->base.stats.bytes += bytes;
	return i;
}

static ALWAYS_INLINE uint16_t rx_burst(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n,
				       const struct layout *layout, bool offload,
				       plain_fn plain_run)
{
	struct intel_rxq *q = (struct intel_rxq *)rxq;
	uint32_t next = q->next, owned = (q->tail - next) & q->mask, got = 0;

	while (got < n && owned) {
		uint32_t most = n - got < owned ? n - got : owned, plain = 0;
		struct plx_pktbuf *p;
		uint64_t meta;

		if (plx_likely(plx_rx_chain_idle(&q->chain)))
			plain = plain_run(q, &next, &pkts[got], most);
		got += plain;
		owned -= plain;
		if (plx_likely(plain == most))
			break;
		meta = rx_meta(&q->ring[next], layout);
		if (!(meta & INTEL_RXD_DD))
			break;
		p = rx_odd(q, meta, layout->errors, q->bufs[next]);
		if (offload && p)
			rx_offloads(q, &q->ring[next], meta, p, layout);
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

/* --- The kinds of descriptor, without and with offloads --------------------------------------- */

static const struct layout extended = {
	.errors = INTEL_RXD_ERRORS_EXTENDED,
	.ixsm = INTEL_RXD_IXSM,
	.ip_bad = INTEL_RXD_IPE,
	.l4_bad = INTEL_RXD_L4E,
	.vlan_shift = INTEL_RXD_VLAN_SHIFT,
	.hash = true,
};
static const struct layout legacy = {
	.errors = INTEL_RXD_ERRORS_LEGACY,
	.ixsm = INTEL_RXD_IXSM,
	.ip_bad = INTEL_RXD_IPE_LEGACY,
	.l4_bad = INTEL_RXD_L4E_LEGACY,
	.vlan_shift = INTEL_RXD_VLAN_LEGACY,
	.turned = true,
};
static const struct layout advanced = {
	.errors = INTEL_RXD_ERRORS_ADVANCED,
	.ip_bad = INTEL_RXD_IPE,
	.l4_bad = INTEL_RXD_L4E,
	.vlan_shift = INTEL_RXD_VLAN_SHIFT,
	.hash = true,
};

/* The inner loops are not inlined: they get all registers. */
#define RX_KIND(name, layout, offload)                                                             \
	static __attribute__((noinline)) uint32_t plain_##name(                                    \
		struct intel_rxq *q, uint32_t *next, struct plx_pktbuf **pkts, uint32_t n)         \
	{                                                                                          \
		return rx_plain(q, next, pkts, n, layout, offload);                                \
	}                                                                                          \
                                                                                                   \
	uint16_t intel_rx_burst_##name(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)  \
	{                                                                                          \
		return rx_burst(rxq, pkts, n, layout, offload, plain_##name);                      \
	}

RX_KIND(extended, &extended, false)
RX_KIND(extended_offload, &extended, true)
RX_KIND(legacy, &legacy, false)
RX_KIND(legacy_offload, &legacy, true)
RX_KIND(advanced, &advanced, false)
RX_KIND(advanced_offload, &advanced, true)
