/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit path of the virtio network device (VIRTIO 1.2, 5.1.6.2), for each ring format.
 *
 * Each packet is one descriptor. A plain packet has its header written into its headroom, so that
 * one descriptor covers both. Any other packet gets an indirect table with a header of its own
 * (or, on a device without indirect descriptors, a copy): see struct virtio_tx_extra.
 *
 * A burst goes through up to three functions, each of which leaves to the next what it is not for,
 * and is so short because of that: tx_one() for a single plain packet, tx_run() for a run of them,
 * tx_any() for everything. Sent packets are freed in bursts: each time that TX_CLEAN more have been
 * given, when there is no room, and on a call without packets.
 */
#include <string.h>

#include <pollux/mem.h>

#include "ring.h"
#include "virtio_net.h"

#define TX_COLD	 static __attribute__((noinline, cold))
#define TX_SLOW	 static __attribute__((noinline))
#define TX_CLEAN 32

/* The longest packet to be cut: what IPv4 can express, behind two VLAN tags. */
#define TX_TSO_MAX	(65535u + 22)
#define TCP_CSUM_OFFSET 16u
#define UDP_CSUM_OFFSET 6u
#define TCP_HDR_MIN	20

/* --- Clean-up ------------------------------------------------------------------------------- */

/*
 * A used entry that is not the expected one: out of order, or of a batch. Return: true if the port
 * is broken now.
 */
TX_SLOW bool tx_reorder(struct virtio_txq *q, uint32_t pos, struct ring_used *used)
{
	struct virtq *vq = &q->vq;
	int lie = vq->batches ? virtq_batch(vq, pos, used) : virtq_reorder(vq, pos, used->id);

	if (lie)
		return plx_txq_lie(&q->base, (enum plx_lie) - lie);
	if (!vq->batches)
		virtio_tx_any_order(q);
	return false;
}

/* Free the packets in slots from next on, n of them, whatever they are. */
TX_SLOW void tx_free_any(struct virtq *vq, uint32_t n)
{
	uint32_t first = vq->next & vq->mask, to_end = vq->mask + 1 - first;

	if (n <= to_end) {
		plx_pktbuf_free_burst(&vq->bufs[first], (uint16_t)n);
	} else {
		plx_pktbuf_free_burst(&vq->bufs[first], (uint16_t)to_end);
		plx_pktbuf_free_burst(vq->bufs, (uint16_t)(n - to_end));
	}
	vq->next += n;
}

/*
 * Free n sent packets. Those from plain_from on are plain and of one pool: they go back to it
 * without a look at each.
 */
RING_INLINE void tx_free(struct virtio_txq *q, uint32_t n)
{
	struct virtq *vq = &q->vq;
	uint32_t first = vq->next & vq->mask;

	/* Is plain_from ahead of next, or the end of the ring in between? */
	if (plx_unlikely(q->plain_from - vq->next - 1 <= vq->mask || first + n > vq->mask + 1)) {
		tx_free_any(vq, n);
		return;
	}
	plx_mempool_put(&q->pool->objs, (void *const *)&vq->bufs[first], n);
	vq->next += n;
}

/* Take back what has been sent, whatever the order. */
RING_INLINE void tx_clean_any(struct virtio_txq *q, enum virtq_format format)
{
	const uint16_t lies = q->base.lies_in_row;
	struct virtq *vq = &q->vq;
	uint32_t count = ring_used_count(vq, format), i;

	if (plx_unlikely(count > virtq_in_flight(vq))) {
		plx_txq_lie(&q->base, PLX_LIE_INDEX);
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
		if (used.id != vq->ids[pos & vq->mask] && tx_reorder(q, pos, &used))
			return;
	}
	if (i == 0)
		return;
	if (i > (uint16_t)(q->base.lies_in_row - lies))
		q->base.lies_in_row = 0;
	tx_free(q, i);
}

typedef void (*tx_clean_any_t)(struct virtio_txq *q);

/* any: takes over at the end of the ring, and where something is not as expected. */
RING_INLINE void tx_clean(struct virtio_txq *q, enum virtq_format format, tx_clean_any_t any)
{
	struct virtq *vq = &q->vq;
	const struct ring_view view = ring_view_of_used(vq, format);
	const uint32_t count = ring_used_count(vq, format), to_end = vq->mask + 1 - view.slot;
	const uint32_t limit = count < to_end ? count : to_end;
	uint32_t i, len;

	if (plx_unlikely(count > virtq_in_flight(vq))) {
		any(q);
		return;
	}
	if (format != VIRTQ_PACKED)
		plx_dma_rmb();
	for (i = 0; i < limit && plx_likely(ring_view_used(&view, format, i, &len)); i++)
		;
	if (i) {
		q->base.lies_in_row = 0;
		tx_free(q, i);
	}
	if (i < count && ring_is_used(vq, format, vq->next))
		any(q);
}

/* --- Packets that are not plain ------------------------------------------------------------- */

static struct virtio_tx_extra *tx_extra(const struct virtio_txq *q, uint32_t id)
{
	return (struct virtio_tx_extra *)(q->extras + (size_t)id * q->extra_stride);
}

TX_COLD void tx_drop(struct virtio_txq *q, struct plx_pktbuf *p)
{
	q->base.stats.dropped++;
	plx_pktbuf_free(p);
}

/* Bytes of the tag that is to be inserted. */
static uint32_t tx_tag_len(const struct virtio_txq *q, const struct plx_pktbuf *p)
{
	return p->flags & q->flags & PLX_PKT_TX_VLAN ? VIRTIO_TAG_LEN : 0;
}

/* The longest that the packet may be: TSO cuts it to frames, of which the header must be one. */
static uint32_t tx_len_max(const struct virtio_txq *q, const struct plx_pktbuf *p)
{
	return p->flags & q->flags & PLX_PKT_TX_TSO ? TX_TSO_MAX : q->frame_max;
}

/*
 * What the packet asks for, into its header (5.1.6.2); the rest of it is zero. Return: false: what
 * it asks for contradicts itself.
 */
TX_SLOW bool tx_offload(const struct virtio_txq *q, const struct plx_pktbuf *p,
			struct virtio_net_hdr *hdr)
{
	const uint32_t flags = p->flags & q->flags;
	const uint32_t start = (uint32_t)p->l2_len + p->l3_len + tx_tag_len(q, p);
	const bool tso = flags & PLX_PKT_TX_TSO, tcp = tso || (flags & PLX_PKT_TX_TCP);
	const uint32_t offset = tcp ? TCP_CSUM_OFFSET : UDP_CSUM_OFFSET;
	const uint32_t len = p->pkt_len + tx_tag_len(q, p);

	if (!(flags & ~PLX_PKT_TX_VLAN))
		return true;
	if (start < VIRTIO_FRAME_MIN || start + offset + sizeof(uint16_t) > len)
		return false;
	hdr->flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	hdr->csum_start = htole16((uint16_t)start);
	hdr->csum_offset = htole16((uint16_t)offset);
	if (!tso)
		return true;
	if (p->mss == 0 || p->l4_len < TCP_HDR_MIN || start + p->l4_len >= len ||
	    start + p->l4_len + p->mss > q->frame_max)
		return false;
	hdr->gso_type =
		p->flags & PLX_PKT_TX_IPV6 ? VIRTIO_NET_HDR_GSO_TCPV6 : VIRTIO_NET_HDR_GSO_TCPV4;
	hdr->gso_size = htole16(p->mss);
	hdr->hdr_len = htole16((uint16_t)(start + p->l4_len));
	return true;
}

/* Does the chain make sense, and can it be sent? Its number of buffers, or 0. */
static uint32_t tx_check(const struct virtio_txq *q, const struct plx_pktbuf *head)
{
	const struct plx_pktbuf *p;
	const uint32_t tag = tx_tag_len(q, head);
	uint64_t sum = 0;
	uint32_t n = 0;

	/* The tag is put between two parts of the first buffer. */
	if (tag && head->len <= VIRTIO_TAG_AT)
		return 0;
	for (p = head; p && n < VIRTIO_TX_SEGS_MAX; p = p->next, n++) {
		if (p->len == 0)
			return 0;
		sum += p->len;
	}
	if (p || n != head->nsegs || sum != head->pkt_len || sum < VIRTIO_FRAME_MIN ||
	    sum + tag > tx_len_max(q, head))
		return 0;
	return n;
}

/* Addresses, of the packet, and tag: what it starts with. */
static void tx_start(uint8_t start[VIRTIO_TAG_AT + VIRTIO_TAG_LEN], const struct plx_pktbuf *p)
{
	const uint16_t tag[2] = {htobe16(VIRTIO_TAG_TYPE), htobe16(p->vlan)};

	memmove(start, plx_pktbuf_data(p), VIRTIO_TAG_AT);
	memcpy(start + VIRTIO_TAG_AT, tag, sizeof(tag));
}

/* Descriptor i of a table that has `last` as its last one. */
static void tx_entry(const struct virtio_txq *q, struct virtio_tx_extra *extra, uint32_t i,
		     uint32_t last, plx_iova_t addr, uint32_t len)
{
	const uint64_t next = SPLIT_DESC_FLAGS(VIRTQ_DESC_F_NEXT) | SPLIT_DESC_NEXT(i + 1);

	if (q->vq.is_packed) {
		extra->packed[i].addr = htole64(addr);
		extra->packed[i].meta = htole64(len);
	} else {
		extra->split[i].addr = htole64(addr);
		extra->split[i].meta = htole64(len | (i < last ? next : 0));
	}
}

/* Header and each buffer of the packet into an indirect table (2.7.5.3, 2.8.8); its length. */
static uint32_t tx_table(const struct virtio_txq *q, struct virtio_tx_extra *extra,
			 const struct plx_pktbuf *p, uint32_t n)
{
	const uint32_t tag = tx_tag_len(q, p);
	uint32_t i, skip = 0;

	if (tag) {
		tx_start(extra->start, p);
		skip = VIRTIO_TAG_AT;
	}
	tx_entry(q, extra, 0, n, plx_iova(&extra->hdr), VIRTIO_HDR_LEN + skip + tag);
	for (i = 1; i <= n; i++, p = p->next, skip = 0)
		tx_entry(q, extra, i, n, plx_pktbuf_iova(p) + skip, p->len - skip);
	return (n + 1) * (uint32_t)sizeof(struct split_desc);
}

/* The packet behind its header, with its tag. Its length was checked: there is room. */
static uint32_t tx_copy(const struct virtio_txq *q, struct virtio_tx_extra *extra,
			const struct plx_pktbuf *p)
{
	const uint32_t tag = tx_tag_len(q, p), skip = tag ? VIRTIO_TAG_AT : 0;

	if (tag)
		tx_start(extra->start, p);
	plx_pktbuf_copy_out(p, skip, (char *)(&extra->hdr + 1) + skip + tag, p->pkt_len - skip);
	return VIRTIO_HDR_LEN + p->pkt_len + tag;
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

	memset(&extra->hdr, 0, sizeof(extra->hdr));
	if (n == 0 || !tx_offload(q, p, &extra->hdr)) {
		tx_drop(q, p);
		return 0;
	}
	if (q->indirect) {
		len = tx_table(q, extra, p, n);
		ring_fill(vq, virtq_format(vq), pos, id, plx_iova(extra->split), len,
			  VIRTQ_DESC_F_INDIRECT);
	} else {
		len = tx_copy(q, extra, p);
		ring_fill(vq, virtq_format(vq), pos, id, plx_iova(&extra->hdr), len, 0);
	}
	vq->bufs[slot] = p;
	q->plain_from = pos + 1;
	q->base.stats.packets++;
	q->base.stats.bytes += p->pkt_len;
	return 1;
}

/* --- Bursts --------------------------------------------------------------------------------- */

/* A single buffer of its own, with room for the header, of a length that can be sent. */
RING_INLINE bool tx_is_plain(const struct plx_pktbuf *p, uint32_t span)
{
	return p->state == PLX_PKTBUF_PLAIN && p->data_off >= VIRTIO_HDR_LEN &&
	       p->len - VIRTIO_FRAME_MIN <= span;
}

static inline struct virtio_net_hdr *tx_header_of(const struct plx_pktbuf *p)
{
	return (void *)(p->buf + p->data_off - VIRTIO_HDR_LEN);
}

/*
 * Insert its tag into a plain packet, which nobody else has: the addresses move into the headroom.
 * Return: false: no room for that.
 */
TX_SLOW bool tx_tag(const struct virtio_txq *q, struct plx_pktbuf *p)
{
	uint8_t *data = plx_pktbuf_data(p);

	if (p->data_off < VIRTIO_HDR_LEN + VIRTIO_TAG_LEN || p->len + VIRTIO_TAG_LEN > q->frame_max)
		return false;
	tx_start(data - VIRTIO_TAG_LEN, p);
	plx_pktbuf_prepend(p, VIRTIO_TAG_LEN);
	p->l2_len = (uint8_t)(p->l2_len + VIRTIO_TAG_LEN);
	p->flags &= ~PLX_PKT_TX_VLAN;
	return true;
}

/* Write the header in front of the data. Return: the IOVA of the header. */
RING_INLINE plx_iova_t tx_header(const struct plx_pktbuf *p)
{
	const plx_iova_t iova = plx_pktbuf_iova(p) - VIRTIO_HDR_LEN;

	memset(tx_header_of(p), 0, VIRTIO_HDR_LEN);
	return iova;
}

RING_INLINE void tx_count(struct virtio_txq *q, uint32_t packets, uint64_t bytes)
{
	PLX_WRITE_ONCE(q->base.stats.packets, q->base.stats.packets + packets);
	PLX_WRITE_ONCE(q->base.stats.bytes, q->base.stats.bytes + bytes);
}

/* Packets of any kind from number `sent` of a burst on. Return: how many of the burst are taken. */
RING_INLINE uint16_t tx_any(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,
			    uint32_t sent, enum virtq_format format)
{
	struct virtq *vq = &q->vq;
	const uint32_t from = vq->tail;
	uint32_t pos = from, end, plain = 0;
	uint64_t bytes = 0;

	if (n == 0 || virtq_room(vq) < n - sent || virtq_in_flight(vq) >= TX_CLEAN)
		tx_clean_any(q, format);
	end = vq->next + vq->mask + 1;
	for (; sent < n && pos != end; sent++) {
		struct plx_pktbuf *p = pkts[sent];
		uint32_t slot = pos & vq->mask;
		plx_iova_t iova;

		if (plx_unlikely(!tx_is_plain(p, q->span) || (tx_tag_len(q, p) && !tx_tag(q, p)))) {
			pos += tx_odd(q, pos, p);
			continue;
		}
		iova = tx_header(p);
		if (p->flags & q->flags && plx_unlikely(!tx_offload(q, p, tx_header_of(p)))) {
			tx_drop(q, p);
			continue;
		}
		if (plx_unlikely(p->pool != q->pool)) {
			q->pool = p->pool;
			q->plain_from = pos;
		}
		vq->bufs[slot] = p;
		bytes += p->len;
		plain++;
		ring_fill(vq, format, pos++, vq->ids[slot], iova, VIRTIO_HDR_LEN + p->len, 0);
	}
	if (pos != from) {
		tx_count(q, plain, bytes);
		ring_publish(vq, format, pos);
		ring_notify(vq, format, from);
	}
	return (uint16_t)sent;
}

typedef uint16_t (*tx_any_t)(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,
			     uint32_t sent);
typedef uint16_t (*tx_run_t)(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n);
typedef uint16_t (*tx_clean_t)(struct virtio_txq *q, uint32_t sent);

/*
 * any: takes over at the first packet that is not plain, or of another pool, and where there is no
 * room up to the end of the ring. clean: when another TX_CLEAN positions are full. Both are called
 * last, so that this function needs next to no stack.
 */
RING_INLINE uint16_t tx_run(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,
			    enum virtq_format format, tx_any_t any, tx_clean_t clean)
{
	struct virtq *vq = &q->vq;
	const struct ring_view view = ring_view_of_room(vq, format);
	struct plx_pktbuf **const bufs = &vq->bufs[view.slot];
	const struct plx_pktbuf_pool *const pool = q->pool;
	const uint32_t from = vq->tail, span = q->span;
	uint64_t bytes = 0;
	uint32_t sent;

	/* Nothing to send, or more than there is room for. */
	if (plx_unlikely(n - 1 >= virtq_room(vq) || view.slot + n > vq->mask + 1))
		return any(q, pkts, n, 0);
	for (sent = 0; sent < n; sent++) {
		struct plx_pktbuf *p = pkts[sent];
		const uint32_t len = p->len;

		if (plx_unlikely(!tx_is_plain(p, span) || p->pool != pool))
			break;
		bufs[sent] = p;
		bytes += len;
		ring_view_fill(&view, format, sent, tx_header(p), VIRTIO_HDR_LEN + len, 0);
	}
	tx_count(q, sent, bytes);
	ring_publish(vq, format, from + sent);
	ring_notify(vq, format, from);
	if (plx_unlikely(sent < n))
		return any(q, pkts, n, sent);
	if (plx_unlikely((from ^ (from + sent)) & ~(TX_CLEAN - 1u)))
		return clean(q, sent);
	return (uint16_t)sent;
}

RING_INLINE uint16_t tx_one(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,
			    enum virtq_format format, tx_run_t run, tx_clean_t clean)
{
	struct virtq *vq = &q->vq;
	const uint32_t from = vq->tail, slot = from & vq->mask;
	struct plx_pktbuf *p;
	uint32_t len;

	if (n != 1 || virtq_in_flight(vq) > vq->mask)
		return run(q, pkts, n);
	p = pkts[0];
	len = p->len;
	if (plx_unlikely(!tx_is_plain(p, q->span) || p->pool != q->pool))
		return run(q, pkts, n);
	vq->bufs[slot] = p;
	ring_fill(vq, format, from, slot, tx_header(p), VIRTIO_HDR_LEN + len, 0);
	tx_count(q, 1, len);
	ring_publish(vq, format, from + 1);
	ring_notify(vq, format, from);
	if (plx_unlikely((from + 1) % TX_CLEAN == 0))
		return clean(q, 1);
	return 1;
}

/* --- One of each for each format ------------------------------------------------------------ */

#define TX_FORMAT(name, format)                                                                    \
	TX_SLOW void clean_any_##name(struct virtio_txq *q)                                        \
	{                                                                                          \
		tx_clean_any(q, format);                                                           \
	}                                                                                          \
	TX_SLOW uint16_t clean_##name(struct virtio_txq *q, uint32_t sent)                         \
	{                                                                                          \
		tx_clean(q, format, clean_any_##name);                                             \
		return (uint16_t)sent;                                                             \
	}                                                                                          \
	TX_SLOW uint16_t any_##name(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n,    \
				    uint32_t sent)                                                 \
	{                                                                                          \
		return tx_any(q, pkts, n, sent, format);                                           \
	}                                                                                          \
	TX_SLOW uint16_t run_##name(struct virtio_txq *q, struct plx_pktbuf **pkts, uint32_t n)    \
	{                                                                                          \
		return tx_run(q, pkts, n, format, any_##name, clean_##name);                       \
	}                                                                                          \
	static uint16_t burst_any_##name(struct plx_txq *txq, struct plx_pktbuf **pkts,            \
					 uint16_t n)                                               \
	{                                                                                          \
		return any_##name((struct virtio_txq *)txq, pkts, n, 0);                           \
	}                                                                                          \
	static uint16_t burst_##name(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)    \
	{                                                                                          \
		return tx_one((struct virtio_txq *)txq, pkts, n, format, run_##name,               \
			      clean_##name);                                                       \
	}

TX_FORMAT(split, VIRTQ_SPLIT)
TX_FORMAT(split_event, VIRTQ_SPLIT_EVENT)
TX_FORMAT(packed, VIRTQ_PACKED)

static const struct {
	virtio_tx_fn_t ordered, any;
} bursts[] = {
	[VIRTQ_SPLIT] = {burst_split, burst_any_split},
	[VIRTQ_SPLIT_EVENT] = {burst_split_event, burst_any_split_event},
	[VIRTQ_PACKED] = {burst_packed, burst_any_packed},
};

virtio_tx_fn_t virtio_tx_burst_for(const struct virtio_txq *q)
{
	enum virtq_format format = virtq_format(&q->vq);

	return q->flags ? bursts[format].any : bursts[format].ordered;
}

void virtio_tx_any_order(struct virtio_txq *q)
{
	enum virtq_format format = virtq_format(&q->vq);
	virtio_tx_fn_t expected = bursts[format].ordered;

	/* A port that was broken meanwhile has another function there, which must stay. */
	__atomic_compare_exchange_n(&q->base.burst, &expected, bursts[format].any, false,
				    __ATOMIC_RELAXED, __ATOMIC_RELAXED);
}
