/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive path of the virtio network device (VIRTIO 1.2, 5.1.6.3 and 5.1.6.4), for each ring
 * format.
 *
 * Each buffer is one descriptor: the device writes its header into the last bytes of the headroom
 * and the packet behind it. Without mergeable buffers there is nothing in the header that is of
 * interest, and it is not read. Used entries are read once each and checked before use. Slots get
 * new buffers in runs of VIRTIO_REFILL.
 *
 * A burst goes through up to three functions, each of which leaves to the next what it is not for,
 * and is so short because of that: rx_one() for no packet or the only one that there is, as it is
 * while packets come more slowly than they are asked for; rx_run() for a run of whole packets in
 * the order of the ring; rx_any() for everything.
 */
#include <errno.h>
#include <string.h>

#include "net/rx_chain.h"
#include "ring.h"
#include "virtio_net.h"

#define RX_COLD static __attribute__((noinline, cold))
#define RX_SLOW static __attribute__((noinline))
/* The largest segment that IPv6 and TCP headers can express. */
#define RX_MSS_MAX (65535 - 20)
#define UNROLL	   _Pragma("GCC unroll 4")

/* --- Refill --------------------------------------------------------------------------------- */

/* Buffers for VIRTIO_REFILL slots, which do not cross the end of the ring. 0 or -ENOMEM. */
RING_INLINE int rx_refill(struct virtio_rxq *q, enum virtq_format format)
{
	struct virtq *vq = &q->vq;
	const struct ring_view view = ring_view_of_room(vq, format);
	struct plx_pktbuf **const bufs = &vq->bufs[view.slot];
	const uint32_t len = q->room + VIRTIO_HDR_LEN;
	const uint64_t delta = q->iova_delta;
	uint32_t i;

	if (plx_unlikely(plx_mempool_get(&q->pool->objs, (void **)bufs, VIRTIO_REFILL))) {
		q->base.stats.no_buffers++;
		return -ENOMEM;
	}
	if (plx_likely(vq->in_order)) {
		UNROLL
		for (i = 0; i < VIRTIO_REFILL; i++)
			ring_view_fill(&view, format, i, (uintptr_t)bufs[i] + delta, len,
				       VIRTQ_DESC_F_WRITE);
	} else {
		for (i = 0; i < VIRTIO_REFILL; i++)
			ring_fill(vq, format, vq->tail + i, vq->ids[view.slot + i],
				  (uintptr_t)bufs[i] + delta, len, VIRTQ_DESC_F_WRITE);
	}
	ring_publish(vq, format, vq->tail + VIRTIO_REFILL);
	return 0;
}

int virtio_rx_refill(struct virtio_rxq *q)
{
	return rx_refill(q, virtq_format(&q->vq));
}

/* Give the device new buffers; on an empty pool what there is stays, and the next burst retries. */
RING_INLINE uint16_t rx_rearm(struct virtio_rxq *q, enum virtq_format format, uint32_t got)
{
	const uint32_t tail = q->vq.tail;

	while (virtq_room(&q->vq) >= VIRTIO_REFILL && rx_refill(q, format) == 0)
		;
	if (q->vq.tail != tail)
		ring_notify(&q->vq, format, tail);
	return (uint16_t)got;
}

static inline uint32_t least(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

RING_INLINE void rx_count(struct virtio_rxq *q, uint32_t packets, uint64_t bytes)
{
	q->base.lies_in_row = 0;
	PLX_WRITE_ONCE(q->base.stats.packets, q->base.stats.packets + packets);
	PLX_WRITE_ONCE(q->base.stats.bytes, q->base.stats.bytes + bytes);
}

/* --- Whatever the device does --------------------------------------------------------------- */

enum rx_verdict {
	RX_GOOD,
	RX_DROP,  /* the buffer goes back to the pool */
	RX_LEAVE, /* as RX_DROP, and the port is broken now */
};

RX_COLD enum rx_verdict rx_lie(struct virtio_rxq *q, enum plx_lie kind)
{
	return plx_rxq_lie(&q->base, kind) ? RX_LEAVE : RX_DROP;
}

/*
 * A used entry for another buffer than the expected: on success the slot has that buffer, or it is
 * of a batch, and *used says what was used at `pos`.
 */
RX_COLD enum rx_verdict rx_reorder(struct virtio_rxq *q, uint32_t pos, struct ring_used *used)
{
	struct virtq *vq = &q->vq;
	int lie = vq->batches ? virtq_batch(vq, pos, used) : virtq_reorder(vq, pos, used->id);

	if (lie)
		return rx_lie(q, (enum plx_lie) - lie);
	virtio_rx_any_order(q);
	return RX_GOOD;
}

RX_COLD enum rx_verdict rx_bad_length(struct virtio_rxq *q, uint32_t len)
{
	if (len < VIRTIO_HDR_LEN || len > VIRTIO_HDR_LEN + q->room)
		return rx_lie(q, PLX_LIE_LENGTH);
	/* A runt. Whoever sent it, it need not be the device. */
	q->base.stats.errors++;
	return RX_DROP;
}

/* One more buffer for a packet: its data starts where the header is in the first buffer. */
static enum rx_verdict rx_append(struct virtio_rxq *q, struct plx_pktbuf *head,
				 struct plx_pktbuf **last, struct plx_pktbuf *p, uint32_t len)
{
	if (len == 0 || len > q->room + VIRTIO_HDR_LEN)
		return rx_lie(q, PLX_LIE_LENGTH);
	plx_rx_fill(p, q->rearm, len);
	p->data_off = (uint16_t)(PLX_PKTBUF_HEADROOM - VIRTIO_HDR_LEN);
	head->nsegs++;
	head->pkt_len += len;
	(*last)->next = p;
	*last = p;
	return RX_GOOD;
}

/*
 * Chain n more buffers, from a position on, behind head. All of them are used: one that is not as
 * it should be makes the whole packet bad, and the others are dropped with it.
 */
RING_INLINE enum rx_verdict rx_chain(struct virtio_rxq *q, struct plx_pktbuf *head, uint32_t pos,
				     uint32_t n, enum virtq_format format)
{
	enum rx_verdict verdict = RX_GOOD;
	struct plx_pktbuf *last = head;
	struct virtq *vq = &q->vq;

	for (; n; n--, pos++) {
		struct ring_used used;
		struct plx_pktbuf *p;

		ring_used_get(vq, format, pos, &used);
		if (plx_unlikely(used.id != vq->ids[pos & vq->mask]) && verdict == RX_GOOD)
			verdict = rx_reorder(q, pos, &used);
		p = vq->bufs[pos & vq->mask];
		if (plx_likely(verdict == RX_GOOD))
			verdict = rx_append(q, head, &last, p, used.len);
		if (plx_unlikely(last != p))
			plx_pktbuf_free(p);
	}
	return verdict;
}

/* How many buffers the packet at a position has (5.1.6.4); 0: a lie, the verdict says which. */
RING_INLINE uint32_t rx_num_buffers(struct virtio_rxq *q, const struct plx_pktbuf *p, uint32_t pos,
				    enum virtq_format format, enum rx_verdict *verdict)
{
	const struct virtio_net_hdr *hdr = (const void *)((const char *)p + q->hdr_offset);
	uint32_t num = le16toh(PLX_READ_ONCE(hdr->num_buffers));

	if (plx_likely(num == 1))
		return 1;
	if (num == 0) {
		*verdict = rx_lie(q, PLX_LIE_HEADER);
		return 0;
	}
	/* The device uses all buffers of a packet together. */
	if (num > VIRTIO_RX_SEGS_MAX || num > q->vq.tail - pos ||
	    (!ring_is_used(&q->vq, format, pos + num - 1) &&
	     !virtq_in_later_batch(&q->vq, pos + 1, pos + num - 1))) {
		*verdict = rx_lie(q, PLX_LIE_CHAIN);
		return 0;
	}
	return num;
}

/* Is it a header of segments merged into one? Fills in what is known of them. */
static bool rx_gso(struct plx_pktbuf *p, const struct virtio_net_hdr *hdr)
{
	const uint8_t type = PLX_READ_ONCE(hdr->gso_type) & (uint8_t)~VIRTIO_NET_HDR_GSO_ECN;
	const uint16_t size = le16toh(PLX_READ_ONCE(hdr->gso_size));

	if (type == VIRTIO_NET_HDR_GSO_NONE)
		return true;
	if ((type != VIRTIO_NET_HDR_GSO_TCPV4 && type != VIRTIO_NET_HDR_GSO_TCPV6) || size == 0 ||
	    size > RX_MSS_MAX)
		return false;
	if (size >= p->pkt_len)
		return true;
	p->flags |= PLX_PKT_RX_LRO;
	p->mss = size;
	return true;
}

/* What the header says of checksums and segments (5.1.6.4.1); the whole packet is there. */
static enum rx_verdict rx_header(struct virtio_rxq *q, struct plx_pktbuf *p)
{
	const struct virtio_net_hdr *hdr = (const void *)((const char *)p + q->hdr_offset);
	const uint8_t flags = PLX_READ_ONCE(hdr->flags);

	if (flags & VIRTIO_NET_HDR_F_NEEDS_CSUM) {
		uint32_t start = le16toh(PLX_READ_ONCE(hdr->csum_start));
		uint32_t offset = le16toh(PLX_READ_ONCE(hdr->csum_offset));

		if (start + offset + sizeof(uint16_t) > p->pkt_len)
			return rx_lie(q, PLX_LIE_HEADER);
		p->flags |= PLX_PKT_RX_L4_GOOD | PLX_PKT_RX_L4_PARTIAL;
	} else if (flags & VIRTIO_NET_HDR_F_DATA_VALID) {
		p->flags |= PLX_PKT_RX_L4_GOOD;
	}
	return rx_gso(p, hdr) ? RX_GOOD : rx_lie(q, PLX_LIE_HEADER);
}

/* No device of this kind takes tags out: the addresses move over it. */
static void rx_strip(struct plx_pktbuf *p)
{
	char *data = plx_pktbuf_data(p);
	uint16_t tag[2];

	memcpy(tag, data + VIRTIO_TAG_AT, sizeof(tag));
	if (p->len < VIRTIO_FRAME_MIN + sizeof(tag) || tag[0] != htobe16(VIRTIO_TAG_TYPE))
		return;
	p->vlan = be16toh(tag[1]);
	p->flags |= PLX_PKT_RX_VLAN;
	memmove(data + sizeof(tag), data, VIRTIO_TAG_AT);
	plx_pktbuf_pull(p, sizeof(tag));
}

RX_SLOW enum rx_verdict rx_offload(struct virtio_rxq *q, struct plx_pktbuf *p)
{
	enum rx_verdict verdict = q->headers ? rx_header(q, p) : RX_GOOD;

	if (q->strip && verdict == RX_GOOD)
		rx_strip(p);
	return verdict;
}

/*
 * Take one packet, at *pos; *pos goes behind it. Return: NULL if nothing came of it; *verdict is
 * RX_LEAVE if the port is broken.
 */
RING_INLINE struct plx_pktbuf *rx_packet(struct virtio_rxq *q, uint32_t *pos, struct ring_used used,
					 enum virtq_format format, enum rx_verdict *verdict)
{
	struct virtq *vq = &q->vq;
	struct plx_pktbuf *p;
	uint32_t num = 1, len;

	*verdict = RX_GOOD;
	if (plx_unlikely(used.id != vq->ids[*pos & vq->mask]))
		*verdict = rx_reorder(q, *pos, &used);
	p = vq->bufs[*pos & vq->mask];
	len = used.len - VIRTIO_HDR_LEN;
	if (plx_unlikely(len - VIRTIO_FRAME_MIN > q->span) && *verdict == RX_GOOD)
		*verdict = rx_bad_length(q, used.len);
	if (q->mergeable && plx_likely(*verdict == RX_GOOD))
		num = rx_num_buffers(q, p, *pos, format, verdict);
	plx_rx_fill(p, q->rearm, len);
	if (plx_unlikely(num > 1))
		*verdict = rx_chain(q, p, *pos + 1, num - 1, format);
	*pos += num ? num : 1;
	if (q->offload && plx_likely(*verdict == RX_GOOD))
		*verdict = rx_offload(q, p);
	if (plx_likely(*verdict == RX_GOOD))
		return p;
	plx_pktbuf_free(p);
	return NULL;
}

/* Packets from number `got` of a burst on. Return: how many the whole burst has. */
RING_INLINE uint16_t rx_any(struct virtio_rxq *q, struct plx_pktbuf **pkts, uint32_t n,
			    uint32_t got, enum virtq_format format)
{
	struct virtq *vq = &q->vq;
	uint32_t pos = vq->next, count = ring_used_count(vq, format), end = pos + count;
	enum rx_verdict verdict = RX_GOOD;
	uint32_t before = got;
	uint64_t bytes = 0;

	if (plx_unlikely(count > virtq_in_flight(vq))) {
		/* More was used than was given: nothing of it is looked at. */
		rx_lie(q, PLX_LIE_INDEX);
		return (uint16_t)got;
	}
	/* What says that entries are used before them, and their data. */
	if (format != VIRTQ_PACKED)
		plx_dma_rmb();
	while (pos != end && got < n && verdict != RX_LEAVE) {
		struct ring_used used;
		struct plx_pktbuf *p;

		if (!ring_used_get(vq, format, pos, &used))
			break;
		if (format == VIRTQ_PACKED)
			plx_dma_rmb();
		p = rx_packet(q, &pos, used, format, &verdict);
		if (plx_unlikely(!p))
			continue;
		pkts[got++] = p;
		bytes += p->pkt_len;
	}
	vq->next = pos;
	if (got > before)
		rx_count(q, got - before, bytes);
	return rx_rearm(q, format, got);
}

/* --- Whole packets, in order ---------------------------------------------------------------- */

typedef uint16_t (*rx_any_t)(struct virtio_rxq *q, struct plx_pktbuf **pkts, uint32_t n,
			     uint32_t got);
typedef uint16_t (*rx_run_t)(struct virtio_rxq *q, struct plx_pktbuf **pkts, uint32_t n);
typedef uint16_t (*rx_rearm_t)(struct virtio_rxq *q, uint32_t got);

/*
 * any: takes over at the end of the ring, at the first packet that is odd, and where there is none
 * at all. rearm: when the slots of a refill are empty. Both are called last, so that this function
 * needs next to no stack.
 */
RING_INLINE uint16_t rx_run(struct virtio_rxq *q, struct plx_pktbuf **pkts, uint32_t n,
			    enum virtq_format format, rx_any_t any, rx_rearm_t rearm)
{
	struct virtq *vq = &q->vq;
	const struct ring_view view = ring_view_of_used(vq, format);
	struct plx_pktbuf **const bufs = &vq->bufs[view.slot];
	const uint32_t next = vq->next, span = q->span;
	const uint64_t fresh = q->rearm;
	uint32_t count = ring_used_count(vq, format), limit, got;
	uint64_t bytes = 0;

	/* None, or more than there can be. */
	if (plx_unlikely(count - 1 >= virtq_in_flight(vq)))
		return any(q, pkts, n, 0);
	if (format != VIRTQ_PACKED)
		plx_dma_rmb();
	count = least(count, n);
	limit = least(count, vq->mask + 1 - view.slot);
	for (got = 0; got < limit; got++) {
		struct plx_pktbuf *p;
		uint32_t len;

		if (plx_unlikely(!ring_view_used(&view, format, got, &len))) {
			if (format == VIRTQ_PACKED && !ring_is_used(vq, format, next + got))
				count = got;
			break;
		}
		len -= VIRTIO_HDR_LEN;
		if (plx_unlikely(len - VIRTIO_FRAME_MIN > span))
			break;
		p = bufs[got];
		plx_rx_fill(p, fresh, len);
		pkts[got] = p;
		bytes += len;
	}
	/* Used descriptors before the data that they announce, for whoever reads it. */
	if (format == VIRTQ_PACKED)
		plx_dma_rmb();
	vq->next = next + got;
	if (got)
		rx_count(q, got, bytes);
	if (plx_unlikely(got < count))
		return any(q, pkts, n, got);
	if (plx_unlikely(virtq_in_flight(vq) <= q->refill_at))
		return rearm(q, got);
	return (uint16_t)got;
}

RING_INLINE uint16_t rx_one(struct virtio_rxq *q, struct plx_pktbuf **pkts, uint32_t n,
			    enum virtq_format format, rx_run_t run, rx_rearm_t rearm)
{
	struct virtq *vq = &q->vq;
	const struct ring_view view = ring_view_of_used(vq, format);
	const uint32_t in_flight = virtq_in_flight(vq);
	struct plx_pktbuf *p;
	uint32_t len, few;

	/* A refill is still due: the pool was empty. */
	if (plx_unlikely(in_flight <= q->refill_at))
		return run(q, pkts, n);
	few = ring_used_few(vq, format);
	if (few == 0)
		return 0;
	if (few > 1 || n == 0)
		return run(q, pkts, n);
	if (format != VIRTQ_PACKED)
		plx_dma_rmb();
	if (plx_unlikely(!ring_view_used(&view, format, 0, &len)))
		return run(q, pkts, n);
	len -= VIRTIO_HDR_LEN;
	if (plx_unlikely(len - VIRTIO_FRAME_MIN > q->span))
		return run(q, pkts, n);
	if (format == VIRTQ_PACKED)
		plx_dma_rmb();
	p = vq->bufs[view.slot];
	plx_rx_fill(p, q->rearm, len);
	pkts[0] = p;
	vq->next++;
	rx_count(q, 1, len);
	if (plx_unlikely(in_flight <= q->refill_at + 1))
		return rearm(q, 1);
	return 1;
}

/* --- One of each for each format ------------------------------------------------------------ */

#define RX_FORMAT(name, format)                                                                    \
	RX_SLOW uint16_t rearm_##name(struct virtio_rxq *q, uint32_t got)                          \
	{                                                                                          \
		return rx_rearm(q, format, got);                                                   \
	}                                                                                          \
	RX_SLOW uint16_t any_##name(struct virtio_rxq *q, struct plx_pktbuf **pkts, uint32_t n,    \
				    uint32_t got)                                                  \
	{                                                                                          \
		return rx_any(q, pkts, n, got, format);                                            \
	}                                                                                          \
	RX_SLOW uint16_t run_##name(struct virtio_rxq *q, struct plx_pktbuf **pkts, uint32_t n)    \
	{                                                                                          \
		return rx_run(q, pkts, n, format, any_##name, rearm_##name);                       \
	}                                                                                          \
	static uint16_t burst_any_##name(struct plx_rxq *rxq, struct plx_pktbuf **pkts,            \
					 uint16_t n)                                               \
	{                                                                                          \
		return any_##name((struct virtio_rxq *)rxq, pkts, n, 0);                           \
	}                                                                                          \
	static uint16_t burst_##name(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)    \
	{                                                                                          \
		return rx_one((struct virtio_rxq *)rxq, pkts, n, format, run_##name,               \
			      rearm_##name);                                                       \
	}

RX_FORMAT(split, VIRTQ_SPLIT)
RX_FORMAT(split_event, VIRTQ_SPLIT_EVENT)
RX_FORMAT(packed, VIRTQ_PACKED)

static const struct {
	virtio_rx_fn_t ordered, any;
} bursts[] = {
	[VIRTQ_SPLIT] = {burst_split, burst_any_split},
	[VIRTQ_SPLIT_EVENT] = {burst_split_event, burst_any_split_event},
	[VIRTQ_PACKED] = {burst_packed, burst_any_packed},
};

virtio_rx_fn_t virtio_rx_burst_for(const struct virtio_rxq *q)
{
	enum virtq_format format = virtq_format(&q->vq);

	return q->mergeable || q->offload ? bursts[format].any : bursts[format].ordered;
}

void virtio_rx_any_order(struct virtio_rxq *q)
{
	enum virtq_format format = virtq_format(&q->vq);
	virtio_rx_fn_t expected = bursts[format].ordered;

	/* A port that was broken meanwhile has another function there, which must stay. */
	__atomic_compare_exchange_n(&q->base.burst, &expected, bursts[format].any, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
