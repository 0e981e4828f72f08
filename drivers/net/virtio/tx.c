/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit path of the virtio network device (VIRTIO 1.2, 5.1.6.2), for each ring format.
 *
 * Each packet is one descriptor. A plain packet has its header written into its headroom, so that
 * one descriptor covers both. Any other packet gets an indirect table with a header of its own
 * (or, on a device without indirect descriptors, a copy): see struct virtio_tx_extra.
 *
 * There are two loops. tx_fast() is for plain packets for which there is room, on a device that
 * sends them in order; it calls nothing, and leaves what it cannot do to tx_any(), which can do
 * everything. Sent packets are freed in bursts: each time that TX_CLEAN more have been given, when
 * there is no room, and on a call without packets.
 */
#include <string.h>

#include <pollux/mem.h>

#include "ring.h"
#include "virtio_net.h"

#define TX_COLD	 static __attribute__((noinline, cold))
#define TX_SLOW	 static __attribute__((noinline))
#define TX_CLEAN 32

/* --- Clean-up ------------------------------------------------------------------------------- */

/* A used entry that is not the expected one. Return: true if the port is broken now. */
TX_COLD bool tx_reorder(struct virtio_txq *q, uint32_t pos, uint32_t id)
{
	int lie = virtq_reorder(&q->vq, pos, id);

	if (lie)
		return plx_txq_lie(&q->base, (enum plx_lie) - lie);
	virtio_tx_any_order(q);
	return false;
}

TX_COLD void tx_bad_index(struct virtio_txq *q)
{
	plx_txq_lie(&q->base, PLX_LIE_INDEX);
}

/* Free the packets in slots from next on, n of them. */
RING_INLINE void tx_free(struct virtq *vq, uint32_t n)
{
	uint32_t first = vq->next & vq->mask, to_end = vq->mask + 1 - first;

	if (plx_likely(n <= to_end)) {
		plx_pktbuf_free_burst(&vq->bufs[first], (uint16_t)n);
	} else {
		plx_pktbuf_free_burst(&vq->bufs[first], (uint16_t)to_end);
		plx_pktbuf_free_burst(vq->bufs, (uint16_t)(n - to_end));
	}
	vq->next += n;
}

/* Take back what has been sent. */
RING_INLINE void tx_clean(struct virtio_txq *q, enum virtq_format format)
{
	const uint16_t lies = q->base.lies_in_row;
	struct virtq *vq = &q->vq;
	const uint16_t *const ids = vq->ids;
	uint32_t count = ring_used_count(vq, format), i;

	if (plx_unlikely(count > virtq_in_flight(vq))) {
		tx_bad_index(q);
		return;
	}
	/* The index before the entries that it covers. */
	if (format != VIRTQ_PACKED)
		plx_dma_rmb();
	for (i = 0; i < count; i++) {
		uint32_t pos = vq->next + i;
		struct ring_used used;

		if (!ring_used_get(vq, format, pos, &used))
			break;
		if (plx_unlikely(used.id != ids[pos & vq->mask]) && tx_reorder(q, pos, used.id))
			return;
	}
	if (i == 0)
		return;
	if (i > (uint16_t)(q->base.lies_in_row - lies))
		q->base.lies_in_row = 0;
	tx_free(vq, i);
}

/* --- Packets that are not plain ------------------------------------------------------------- */

static struct virtio_tx_extra *tx_extra(const struct virtio_txq *q, uint32_t id)
{
	return (struct virtio_tx_extra *)(q->extras + (size_t)id * q->extra_stride);
}

/* Does the chain make sense, and can it be sent? Its number of buffers, or 0. */
static uint32_t tx_check(const struct virtio_txq *q, const struct plx_pktbuf *head)
{
	const struct plx_pktbuf *p;
	uint64_t sum = 0;
	uint32_t n = 0;

	for (p = head; p && n < VIRTIO_TX_SEGS_MAX; p = p->next, n++) {
		if (p->len == 0)
			return 0;
		sum += p->len;
	}
	if (p || n != head->nsegs || sum != head->pkt_len || sum < VIRTIO_FRAME_MIN ||
	    sum > q->frame_max)
		return 0;
	return n;
}

/* Header and each buffer of the packet into an indirect table (2.7.5.3, 2.8.8); its length. */
static uint32_t tx_table(const struct virtio_txq *q, struct virtio_tx_extra *extra,
			 const struct plx_pktbuf *p, uint32_t n)
{
	const uint64_t next = SPLIT_DESC_FLAGS(VIRTQ_DESC_F_NEXT);
	uint32_t i;

	if (q->vq.is_packed) {
		extra->packed[0].addr = htole64(plx_iova(&extra->hdr));
		extra->packed[0].meta = htole64(VIRTIO_HDR_LEN);
		for (i = 1; i <= n; i++, p = p->next) {
			extra->packed[i].addr = htole64(plx_pktbuf_iova(p));
			extra->packed[i].meta = htole64(p->len);
		}
	} else {
		extra->split[0].addr = htole64(plx_iova(&extra->hdr));
		extra->split[0].meta = htole64(VIRTIO_HDR_LEN | next | SPLIT_DESC_NEXT(1));
		for (i = 1; i <= n; i++, p = p->next) {
			extra->split[i].addr = htole64(plx_pktbuf_iova(p));
			extra->split[i].meta =
				htole64(p->len | (i < n ? next | SPLIT_DESC_NEXT(i + 1) : 0));
		}
	}
	return (n + 1) * (uint32_t)sizeof(struct split_desc);
}

/*
 * Position `pos` for a packet that is not plain, or one that cannot be sent, which is freed.
 * Return: positions filled, 1 or 0.
 */
TX_COLD uint32_t tx_odd(struct virtio_txq *q, uint32_t pos, struct plx_pktbuf *p)
{
	struct virtq *vq = &q->vq;
	uint32_t slot = pos & vq->mask, id = vq->ids[slot], n = tx_check(q, p), len;
	struct virtio_tx_extra *extra = tx_extra(q, id);

	if (n == 0) {
		q->base.stats.dropped++;
		plx_pktbuf_free(p);
		return 0;
	}
	memset(&extra->hdr, 0, sizeof(extra->hdr));
	if (q->indirect) {
		len = tx_table(q, extra, p, n);
		ring_fill(vq, virtq_format(vq), pos, id, plx_iova(extra->split), len,
			  VIRTQ_DESC_F_INDIRECT);
	} else {
		/* Its length was checked against frame_max, for which there is room. */
		plx_pktbuf_copy_out(p, 0, &extra->hdr + 1, p->pkt_len);
		ring_fill(vq, virtq_format(vq), pos, id, plx_iova(&extra->hdr),
			  VIRTIO_HDR_LEN + p->pkt_len, 0);
	}
	vq->bufs[slot] = p;
	q->base.stats.packets++;
	q->base.stats.bytes += p->pkt_len;
	return 1;
}

/* --- Bursts --------------------------------------------------------------------------------- */

RING_INLINE bool tx_is_plain(const struct plx_pktbuf *p, uint32_t span)
{
	return p->state == PLX_PKTBUF_PLAIN && p->data_off >= VIRTIO_HDR_LEN &&
	       p->len - VIRTIO_FRAME_MIN <= span;
}

/* Write the header in front of the data, and fill a position with both. */
RING_INLINE void tx_plain(const struct virtq *vq, enum virtq_format format, uint32_t pos,
			  uint32_t id, struct plx_pktbuf *p)
{
	memset(p->buf + p->data_off - VIRTIO_HDR_LEN, 0, VIRTIO_HDR_LEN);
	vq->bufs[pos & vq->mask] = p;
	ring_fill(vq, format, pos, id, plx_pktbuf_iova(p) - VIRTIO_HDR_LEN, VIRTIO_HDR_LEN + p->len,
		  0);
}

/* Packets of any kind from number `sent` of a burst on. Return: how many of the burst are taken. */
RING_INLINE uint16_t tx_any(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,
			    uint32_t sent, enum virtq_format format)
{
	const uint32_t span = q->frame_max - VIRTIO_FRAME_MIN, from = q->vq.tail;
	struct virtq *vq = &q->vq;
	uint32_t pos = from, end, plain = 0;
	uint64_t bytes = 0;

	if (n == 0 || virtq_room(vq) < n - sent || virtq_in_flight(vq) >= TX_CLEAN)
		tx_clean(q, format);
	end = vq->next + vq->mask + 1;
	for (; sent < n && pos != end; sent++) {
		struct plx_pktbuf *p = pkts[sent];

		if (plx_likely(tx_is_plain(p, span))) {
			tx_plain(vq, format, pos, vq->ids[pos & vq->mask], p);
			pos++;
			plain++;
			bytes += p->len;
		} else {
			pos += tx_odd(q, pos, p);
		}
	}
	if (pos != from) {
		q->base.stats.packets += plain;
		q->base.stats.bytes += bytes;
		ring_publish(vq, format, pos);
		ring_notify(vq, format, from);
	}
	return (uint16_t)sent;
}

typedef uint16_t (*tx_rest_t)(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,
			      uint32_t sent);
typedef uint16_t (*tx_clean_t)(struct virtio_txq *q, uint32_t sent);

/*
 * rest: takes over at the first packet that is odd, or where there is no room. clean: when another
 * TX_CLEAN positions are full. Both are called last, so that this function needs no stack.
 */
RING_INLINE uint16_t tx_fast(struct plx_txq *txq, struct plx_pktbuf **pkts, uint32_t n,
			     enum virtq_format format, tx_rest_t rest, tx_clean_t clean)
{
	struct virtio_txq *q = (struct virtio_txq *)txq;
	/* Of its own, so that stores into packets do not make the compiler read it again. */
	const struct virtq vq = q->vq;
	const uint32_t span = q->frame_max - VIRTIO_FRAME_MIN;
	uint64_t bytes = 0;
	uint32_t sent;

	/* Nothing to send, or more than there is room for. */
	if (plx_unlikely(n - 1 >= virtq_room(&vq)))
		return rest(q, pkts, n, 0);
	for (sent = 0; sent < n; sent++) {
		struct plx_pktbuf *p = pkts[sent];
		uint32_t pos = vq.tail + sent;

		if (plx_unlikely(!tx_is_plain(p, span)))
			break;
		bytes += p->len;
		tx_plain(&vq, format, pos, pos & vq.mask, p);
	}
	q->base.stats.packets += sent;
	q->base.stats.bytes += bytes;
	ring_publish(&q->vq, format, vq.tail + sent);
	ring_notify(&q->vq, format, vq.tail);
	if (plx_unlikely(sent < n))
		return rest(q, pkts, n, sent);
	if (plx_unlikely((vq.tail ^ (vq.tail + sent)) & ~(TX_CLEAN - 1u)))
		return clean(q, sent);
	return (uint16_t)sent;
}

/* --- One of each for each format ------------------------------------------------------------ */

#define TX_FORMAT(name, format)                                                                    \
	TX_SLOW uint16_t clean_##name(struct virtio_txq *q, uint32_t sent)                         \
	{                                                                                          \
		tx_clean(q, format);                                                               \
		return (uint16_t)sent;                                                             \
	}                                                                                          \
	TX_SLOW uint16_t rest_##name(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,   \
				     uint32_t sent)                                                \
	{                                                                                          \
		return tx_any(q, pkts, n, sent, format);                                           \
	}                                                                                          \
	static uint16_t any_##name(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)      \
	{                                                                                          \
		return rest_##name((struct virtio_txq *)txq, pkts, n, 0);                          \
	}                                                                                          \
	static uint16_t fast_##name(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)     \
	{                                                                                          \
		return tx_fast(txq, pkts, n, format, rest_##name, clean_##name);                   \
	}

TX_FORMAT(split, VIRTQ_SPLIT)
TX_FORMAT(split_event, VIRTQ_SPLIT_EVENT)
TX_FORMAT(packed, VIRTQ_PACKED)

static const struct {
	virtio_tx_fn_t fast, any;
} bursts[] = {
	[VIRTQ_SPLIT] = {fast_split, any_split},
	[VIRTQ_SPLIT_EVENT] = {fast_split_event, any_split_event},
	[VIRTQ_PACKED] = {fast_packed, any_packed},
};

virtio_tx_fn_t virtio_tx_burst_for(const struct virtio_txq *q)
{
	return bursts[virtq_format(&q->vq)].fast;
}

void virtio_tx_any_order(struct virtio_txq *q)
{
	enum virtq_format format = virtq_format(&q->vq);
	virtio_tx_fn_t expected = bursts[format].fast;

	/* A port that was broken meanwhile has another function there, which must stay. */
	__atomic_compare_exchange_n(&q->base.burst, &expected, bursts[format].any, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
