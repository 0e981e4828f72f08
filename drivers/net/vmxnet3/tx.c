/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Transmit path of vmxnet3.
 *
 * Packets of up to 128 bytes are copied into the data ring, which the device keeps mapped, and are
 * sent from there. A descriptor belongs to the device when its generation bit says so; the first
 * one of a packet is given last. A completion names the last descriptor of a packet and stands for
 * all before it, too. The device may own at most ring size - 1 descriptors.
 */
#include <endian.h>
#include <string.h>

#include "net/tso.h"

#include "vmxnet3.h"

#define LAST		 (VMXNET3_TXD_EOP | VMXNET3_TXD_CQ)
#define TCP_CSUM_OFFSET	 16
#define UDP_CSUM_OFFSET	 6
#define IPV4_CSUM_OFFSET 10

static inline uint64_t comp_result(const struct vmxnet3_tx_comp *comp)
{
	return le64toh(PLX_READ_ONCE(comp->result));
}

bool vmxnet3_tx_waiting(const struct vmxnet3_txq *q)
{
	return PLX_READ_ONCE(q->clean) != PLX_READ_ONCE(q->next) &&
	       (comp_result(&q->comp[PLX_READ_ONCE(q->comp_next)]) & VMXNET3_TXC_GEN) !=
		       PLX_READ_ONCE(q->comp_gen);
}

/* --- Clean-up ------------------------------------------------------------------------------- */

/* A completion that names no packet's last descriptor on the wire. true: the port is broken. */
static __attribute__((noinline, cold)) bool tx_odd_comp(struct vmxnet3_txq *q, uint32_t step,
							uint32_t left, uint32_t index)
{
	bool outside = step > left || index > q->mask;

	return plx_txq_lie(&q->base, outside ? PLX_LIE_INDEX : PLX_LIE_CHAIN);
}

/*
 * Take the completions that are there, at most a ring. Return: the descriptor after the last one
 * they name. Not inlined: the loop gets all registers.
 */
static __attribute__((noinline)) uint32_t tx_reap(struct vmxnet3_txq *q, uint32_t clean,
						  uint32_t left)
{
	const struct vmxnet3_tx_comp *const comps = q->comp;
	struct plx_pktbuf *const *const bufs = q->bufs;
	const uint32_t mask = q->mask;
	const bool plain = !q->gaps;
	uint32_t at = q->comp_next, looks;
	uint64_t gen = q->comp_gen;

	for (looks = mask + 1; left && looks; looks--) {
		const struct vmxnet3_tx_comp *comp = &comps[at];
		uint32_t index, step;

		if ((comp_result(comp) ^ gen) & VMXNET3_TXC_GEN)
			break;
		/* The gen bit before the other half. */
		plx_dma_rmb();
		index = (uint32_t)(le64toh(PLX_READ_ONCE(comp->what)) & VMXNET3_TXC_INDEX);
		at = (at + 1) & mask;
		if (plx_unlikely(at == 0))
			gen ^= VMXNET3_TXC_GEN;
		/* The usual case: the oldest one, and all packets have one descriptor each. */
		if (plx_likely(index == clean && plain)) {
			clean = (clean + 1) & mask;
			left--;
			continue;
		}
		step = ((index - clean) & mask) + 1;
		if (plx_unlikely(step > left || index > mask || !bufs[index])) {
			if (tx_odd_comp(q, step, left, index))
				break;
			continue;
		}
		clean = (index + 1) & mask;
		left -= step;
	}
	q->comp_next = at;
	q->comp_gen = gen;
	return clean;
}

/* Free all up to the last packet that is sent. */
static inline void tx_clean(struct vmxnet3_txq *q)
{
	uint32_t first = q->clean, left = (q->next - first) & q->mask, clean;

	if (!left)
		return;
	clean = tx_reap(q, first, left);
	if (clean == first)
		return;
	q->base.lies_in_row = 0;
	plx_tx_bufs_free(q->bufs, q->mask, &q->gaps, first, (clean - 1) & q->mask);
	q->clean = clean;
}

/* --- Packets with offloads or of several buffers -------------------------------------------- */

/* The device cuts a packet with this header: the header is ours to change, and in one piece. */
static bool tso_prepare(struct plx_pktbuf *p, uint32_t headers)
{
	uint8_t *ip = (uint8_t *)plx_pktbuf_data(p) + p->l2_len;
	bool ipv6 = p->flags & PLX_PKT_TX_IPV6;

	if (p->l3_len < (ipv6 ? 40 : 20) || p->l4_len < 20 || headers > p->len || p->refcnt != 1)
		return false;
	if (!ipv6)
		memset(ip + IPV4_CSUM_OFFSET, 0, 2);
	plx_tso_pseudo_sum(ip, p->l3_len, ipv6);
	return true;
}

/* Fields of the descriptors for what the packet asks for. false: it cannot be done. */
static bool tx_offloads(const struct vmxnet3_txq *q, struct plx_pktbuf *p, uint64_t *fields)
{
	uint32_t flags = p->flags & q->offloads, l4 = (uint32_t)p->l2_len + p->l3_len, hlen, mss;

	*fields = 0;
	if (flags & PLX_PKT_TX_VLAN)
		*fields |= VMXNET3_TXD_TAG | (uint64_t)p->vlan << VMXNET3_TXD_TAG_SHIFT;
	if (flags & PLX_PKT_TX_TSO) {
		hlen = l4 + p->l4_len;
		mss = p->mss;
		*fields |= VMXNET3_TXD_TSO;
	} else if (flags & (PLX_PKT_TX_TCP | PLX_PKT_TX_UDP)) {
		hlen = l4;
		mss = l4 + (flags & PLX_PKT_TX_TCP ? TCP_CSUM_OFFSET : UDP_CSUM_OFFSET);
		*fields |= VMXNET3_TXD_CSUM;
	} else {
		return true;
	}
	if (!hlen || !mss || hlen >= p->pkt_len || hlen > VMXNET3_TXD_HLEN_MAX ||
	    mss > VMXNET3_TXD_MSS_MAX)
		return false;
	*fields |= (uint64_t)hlen << VMXNET3_TXD_HLEN_SHIFT | (uint64_t)mss
								      << VMXNET3_TXD_MSS_SHIFT;
	return !(flags & PLX_PKT_TX_TSO) || tso_prepare(p, hlen);
}

/* Can it be sent at all? Counts its segments. */
static bool tx_valid(const struct vmxnet3_txq *q, const struct plx_pktbuf *head, uint32_t *segs)
{
	bool tso = head->flags & q->offloads & PLX_PKT_TX_TSO;
	uint32_t most = tso ? VMXNET3_TSO_SEGS_MAX : VMXNET3_SEGS_MAX, n = 0;
	const struct plx_pktbuf *p;
	uint64_t sum = 0;

	for (p = head; p && n < most; p = p->next, n++) {
		if (p->len == 0 || p->len > VMXNET3_TXD_LEN_MAX)
			return false;
		sum += p->len;
	}
	*segs = n;
	return !p && n == head->nsegs && sum == head->pkt_len && sum >= VMXNET3_FRAME_MIN &&
	       sum <= (tso ? VMXNET3_TSO_MAX : VMXNET3_FRAME_MAX);
}

static int tx_drop(struct vmxnet3_txq *q, struct plx_pktbuf *p)
{
	q->base.stats.dropped++;
	plx_pktbuf_free(p);
	return 0;
}

/*
 * A packet that is not one plain buffer; what cannot be sent is freed and counted.
 * Return: descriptors used, 0 if it was dropped, or -1 if there is no room for it now.
 */
static __attribute__((noinline, cold)) int
tx_odd(struct vmxnet3_txq *q, uint32_t next, uint64_t gen, uint32_t room, struct plx_pktbuf *head)
{
	uint64_t fields, first_meta = 0;
	uint32_t n, first = next;
	struct plx_pktbuf *p;

	if (!tx_valid(q, head, &n))
		return tx_drop(q, head);
	/* Before the offloads, which may change the packet. */
	if (n > room)
		return -1;
	if (!tx_offloads(q, head, &fields))
		return tx_drop(q, head);
	/* Offload fields are those of the first descriptor, and the same in all. */
	for (p = head; p; p = p->next) {
		uint64_t meta = fields | p->len | gen | (p->next ? 0 : LAST);

		q->ring[next].addr = htole64(plx_pktbuf_iova(p));
		q->bufs[next] = p->next ? NULL : head;
		plx_dma_wmb();
		if (p == head)
			first_meta = meta;
		else
			PLX_WRITE_ONCE(q->ring[next].meta, htole64(meta));
		next = (next + 1) & q->mask;
		if (next == 0)
			gen ^= VMXNET3_TXD_GEN;
	}
	/* The whole packet before the gen bit of its first descriptor, which gives it away. */
	plx_dma_wmb();
	PLX_WRITE_ONCE(q->ring[first].meta, htole64(first_meta));
	q->gaps += n - 1;
	q->base.stats.packets++;
	q->base.stats.bytes += head->pkt_len;
	return (int)n;
}

/* --- Bursts --------------------------------------------------------------------------------- */

/* Where the device finds a packet: the slot of its descriptor if it fits there, else its buffer.
 * Whole slots are copied, where the buffer has as much: that is cheaper than counting bytes. */
static inline uint64_t tx_place(char *slot, uint64_t delta, const struct plx_pktbuf *p)
{
	if (p->len > VMXNET3_TX_SLOT || p->data_off + VMXNET3_TX_SLOT > p->buf_len)
		return plx_pktbuf_iova(p);
	if (p->len <= VMXNET3_TX_SLOT / 2)
		memcpy(slot, plx_pktbuf_data(p), VMXNET3_TX_SLOT / 2);
	else
		memcpy(slot, plx_pktbuf_data(p), VMXNET3_TX_SLOT);
	return (uintptr_t)slot + delta;
}

/*
 * Descriptors for packets of one buffer without offloads, up to the first that is something else;
 * n does not go beyond the end of the ring. Return: how many. Not inlined: the loop gets all
 * registers.
 */
static __attribute__((noinline)) uint32_t
tx_plain(struct vmxnet3_txq *q, uint32_t next, uint64_t gen, struct plx_pktbuf **pkts, uint32_t n)
{
	struct vmxnet3_tx_desc *const ring = &q->ring[next];
	struct plx_pktbuf **const bufs = &q->bufs[next];
	const uint64_t meta = gen | LAST;
	const uint32_t offloads = q->offloads;
	char *slot = q->slots + (size_t)next * VMXNET3_TX_SLOT;
	const uint64_t delta = q->slots_iova - (uintptr_t)q->slots;
	uint64_t bytes = 0;
	uint32_t i;

	for (i = 0; i < n; i++) {
		struct plx_pktbuf *p = pkts[i];
		uint32_t len = p->len;

		if (plx_unlikely(p->nsegs != 1 || (p->flags & offloads) ||
				 len - VMXNET3_FRAME_MIN > VMXNET3_FRAME_MAX - VMXNET3_FRAME_MIN))
			break;
		ring[i].addr = htole64(tx_place(slot, delta, p));
		slot += VMXNET3_TX_SLOT;
		bufs[i] = p;
		/* All but the gen bit before the gen bit. */
		plx_dma_wmb();
		PLX_WRITE_ONCE(ring[i].meta, htole64(meta | len));
		bytes += len;
	}
	q->base.stats.packets += i;
	q->base.stats.bytes += bytes;
	return i;
}

static inline void tx_submit(struct vmxnet3_txq *q, uint32_t next, uint64_t gen)
{
	q->next = next;
	q->gen = gen;
	/* Descriptors and data before the index that covers them. */
	plx_dma_wmb();
	plx_mmio_write32(q->prod, next);
}

uint16_t vmxnet3_tx_burst(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	struct vmxnet3_txq *q = (struct vmxnet3_txq *)txq;
	uint32_t next = q->next, room, sent = 0;
	uint64_t gen = q->gen;

	tx_clean(q);
	room = (q->clean - next - 1) & q->mask;
	while (sent < n && room) {
		uint32_t most = n - sent < room ? n - sent : room, plain;
		int used = 0;

		if (most > q->mask + 1 - next)
			most = q->mask + 1 - next;
		plain = tx_plain(q, next, gen, &pkts[sent], most);
		sent += plain;
		if (plx_unlikely(plain < most)) {
			uint32_t at = (next + plain) & q->mask;

			used = tx_odd(q, at, gen, room - plain, pkts[sent]);
			if (used >= 0)
				sent++;
		}
		room -= plain + (used > 0 ? (uint32_t)used : 0);
		next += plain + (used > 0 ? (uint32_t)used : 0);
		if (plx_unlikely(next > q->mask)) {
			next &= q->mask;
			gen ^= VMXNET3_TXD_GEN;
		}
		if (used < 0)
			break;
	}
	if (plx_likely(next != q->next))
		tx_submit(q, next, gen);
	return (uint16_t)sent;
}

/* A completion stands for all descriptors up to the one it names. */
enum plx_desc_status vmxnet3_txq_desc_status(const struct plx_txq *txq, uint16_t offset)
{
	const struct vmxnet3_txq *q = (const struct vmxnet3_txq *)txq;
	uint32_t on_wire = (q->next - q->clean) & q->mask, at = q->comp_next, i;
	uint64_t gen = q->comp_gen;

	if (offset >= on_wire)
		return PLX_DESC_UNUSED;
	for (i = 0; i <= q->mask; i++) {
		uint32_t index;

		if ((comp_result(&q->comp[at]) & VMXNET3_TXC_GEN) != gen)
			break;
		plx_dma_rmb();
		index = (uint32_t)(le64toh(PLX_READ_ONCE(q->comp[at].what)) & VMXNET3_TXC_INDEX);
		if (((index - q->clean) & q->mask) >= offset)
			return PLX_DESC_DONE;
		at = (at + 1) & q->mask;
		if (at == 0)
			gen ^= VMXNET3_TXC_GEN;
	}
	return PLX_DESC_DEVICE;
}
