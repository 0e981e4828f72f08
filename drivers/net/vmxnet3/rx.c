/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive path of vmxnet3.
 *
 * The device takes buffers from two rings, heads and (for packets of several buffers) bodies, and
 * tells of them in a third, the completions. Each ring has a generation bit that flips when it
 * wraps, and says which entries are new. Buffers complete in the order in which they were given, so
 * an index that is not the next one is a lie. Consumed descriptors get new buffers in runs of
 * VMXNET3_REFILL.
 */
#include <endian.h>
#include <errno.h>

#include "vmxnet3.h"

/* Of a whole packet in one buffer; the queue's number and the index are added. */
#define PLAIN_WHAT_MASK	  (VMXNET3_RXC_INDEX | VMXNET3_RXC_EOP | VMXNET3_RXC_SOP | VMXNET3_RXC_QUEUE)
#define PLAIN_WHAT	  (VMXNET3_RXC_EOP | VMXNET3_RXC_SOP)
#define PLAIN_RESULT_MASK (VMXNET3_RXC_ERR | VMXNET3_RXC_GEN)
/* IPv6 and TCP with all its options. */
#define LONGEST_HEADERS 100u

static inline uint64_t comp_result(const struct vmxnet3_rx_comp *comp)
{
	return le64toh(PLX_READ_ONCE(comp->result));
}

bool vmxnet3_rx_pending(const struct vmxnet3_rxq *q)
{
	return (comp_result(&q->comp[q->comp_next]) & VMXNET3_RXC_GEN) == q->comp_gen;
}

int vmxnet3_rx_refill(struct vmxnet3_rxq *q, struct vmxnet3_rx_ring *r)
{
	struct plx_pktbuf **bufs = &r->bufs[r->tail];
	struct vmxnet3_rx_desc *desc = &r->ring[r->tail];
	const uint64_t delta = q->pool->data_iova_delta, meta = r->meta;
	unsigned int i;

	if (plx_unlikely(plx_mempool_get(&q->pool->objs, (void **)bufs, VMXNET3_REFILL))) {
		q->base.stats.no_buffers++;
		return -ENOMEM;
	}
	for (i = 0; i < VMXNET3_REFILL; i++) {
		desc[i].addr = htole64((uintptr_t)bufs[i] + delta);
		/* The address before the gen bit that gives the descriptor to the device. */
		plx_dma_wmb();
		PLX_WRITE_ONCE(desc[i].meta, htole64(meta));
	}
	r->tail = (r->tail + VMXNET3_REFILL) & r->mask;
	if (r->tail == 0)
		r->meta ^= VMXNET3_RXD_GEN;
	return 0;
}

/*
 * Hand new buffers to the device; on an empty pool what there is stays, and the next burst retries.
 */
static inline void rx_rearm(struct vmxnet3_rxq *q, struct vmxnet3_rx_ring *r)
{
	while (vmxnet3_rx_wants_refill(r) && vmxnet3_rx_refill(q, r) == 0)
		;
	/* Emulations look at the gen bits; hardware wants the index, and says so. */
	if (plx_unlikely(PLX_READ_ONCE(q->conf->update_prod)))
		plx_mmio_write32(r->prod, r->tail);
}

/* --- What is not one whole good packet in one buffer ---------------------------------------- */

static struct plx_pktbuf *rx_lie(struct vmxnet3_rxq *q, enum plx_lie kind, struct plx_pktbuf *p,
				 bool end)
{
	plx_rxq_lie(&q->base, kind);
	return plx_rx_chain_give_up(&q->chain, p, end);
}

/* The buffer that a completion tells of, taken out of its ring; NULL if it cannot be that one. */
static struct plx_pktbuf *rx_take(struct vmxnet3_rxq *q, uint64_t what)
{
	uint32_t queue = (uint32_t)((what & VMXNET3_RXC_QUEUE) >> VMXNET3_RXC_QUEUE_SHIFT);
	uint32_t index = (uint32_t)(what & VMXNET3_RXC_INDEX);
	struct vmxnet3_rx_ring *r;
	struct plx_pktbuf *p;

	if (queue == q->base.id)
		r = &q->heads;
	else if (queue == (uint32_t)q->base.id + q->base.port->info.rx_queues)
		r = &q->bodies;
	else
		return NULL;
	if (index != r->next || r->next == r->tail)
		return NULL;
	p = r->bufs[index];
	r->next = (r->next + 1) & r->mask;
	return p;
}

/* What the last completion of a packet says of the whole, as far as it was asked. */
static void rx_offloads(const struct vmxnet3_rxq *q, struct plx_pktbuf *p, uint64_t what,
			uint64_t result)
{
	uint32_t wanted = q->offloads;

	if ((wanted & PLX_PKT_RX_VLAN) && (result & VMXNET3_RXC_TAGGED)) {
		p->flags |= PLX_PKT_RX_VLAN;
		p->vlan = (uint16_t)(result >> VMXNET3_RXC_TAG_SHIFT);
	}
	/* Where the hash would be, the first completion of merged segments counts them. */
	if ((wanted & PLX_PKT_RX_HASH) && (what & VMXNET3_RXC_RSS) &&
	    (result & VMXNET3_RXC_TYPE) != VMXNET3_RXC_TYPE_LRO) {
		p->flags |= PLX_PKT_RX_HASH;
		p->hash = (uint32_t)(what >> VMXNET3_RXC_HASH_SHIFT);
	}
	if (!(wanted & PLX_PKT_RX_IP_GOOD) || (what & VMXNET3_RXC_NO_CSUM))
		return;
	if (result & VMXNET3_RXC_IPV4)
		p->flags |= result & VMXNET3_RXC_IP_GOOD ? PLX_PKT_RX_IP_GOOD : PLX_PKT_RX_IP_BAD;
	if ((result & (VMXNET3_RXC_TCP | VMXNET3_RXC_UDP)) && !(result & VMXNET3_RXC_FRAGMENT))
		p->flags |= result & VMXNET3_RXC_L4_GOOD ? PLX_PKT_RX_L4_GOOD : PLX_PKT_RX_L4_BAD;
}

/*
 * Is the packet several segments? Its first completion says so, or, before revision 2, only its
 * length: then the MSS is that of the longest headers.
 */
static __attribute__((noinline, cold)) void rx_lro(struct vmxnet3_rxq *q, struct plx_pktbuf *p,
						   uint64_t what, uint64_t result)
{
	uint32_t mtu = q->base.port->settings.mtu;
	uint32_t segs = (uint8_t)(what >> VMXNET3_RXC_SEGS_SHIFT);
	uint32_t mss = (uint16_t)(result >> VMXNET3_RXC_MSS_SHIFT);

	if ((result & VMXNET3_RXC_TYPE) != VMXNET3_RXC_TYPE_LRO) {
		if (p->pkt_len <= mtu + PLX_ETH_OVERHEAD || mtu <= LONGEST_HEADERS)
			return;
		mss = mtu - LONGEST_HEADERS;
	} else if (segs == 1) {
		return;
	} else if (segs == 0 || mss == 0 || mss > p->pkt_len ||
		   segs * mss + LONGEST_HEADERS + PLX_ETH_OVERHEAD < p->pkt_len) {
		plx_rxq_lie(&q->base, PLX_LIE_HEADER);
		return;
	}
	p->flags |= PLX_PKT_RX_LRO;
	p->mss = (uint16_t)mss;
}

/*
 * One completion that is not one whole good packet: part of a longer one, with a tag, bad, or
 * nonsense. Return: a packet that is complete with it, or NULL.
 */
static __attribute__((noinline, cold)) struct plx_pktbuf *rx_odd(struct vmxnet3_rxq *q,
								 uint64_t what, uint64_t result)
{
	bool start = what & VMXNET3_RXC_SOP, end = what & VMXNET3_RXC_EOP;
	uint32_t len = (uint32_t)(result & VMXNET3_RXC_LEN);
	struct plx_pktbuf *p = rx_take(q, what);

	if (!p) {
		plx_rxq_lie(&q->base, PLX_LIE_INDEX);
		plx_rx_chain_drop(&q->chain);
		q->chain.skip = !end;
		return NULL;
	}
	plx_rx_fill(p, q->rearm, len <= q->buf_size ? len : 0);
	if (start && q->chain.head) {
		plx_rxq_lie(&q->base, PLX_LIE_CHAIN);
		plx_rx_chain_drop(&q->chain);
	}
	if (!start && !q->chain.head)
		return rx_lie(q, PLX_LIE_CHAIN, p, end);
	/* The device ran out of buffers half-way, or the frame came in bad. */
	if (result & VMXNET3_RXC_ERR) {
		q->base.stats.errors++;
		return plx_rx_chain_give_up(&q->chain, p, end);
	}
	if (len == 0 || len > q->buf_size)
		return rx_lie(q, PLX_LIE_LENGTH, p, end);
	if (q->chain.head && q->chain.head->nsegs >= VMXNET3_RX_SEGS_MAX)
		return rx_lie(q, PLX_LIE_CHAIN, p, end);
	q->chain.skip = false;
	if (start) {
		q->first_what = what;
		q->first_result = result;
	}
	p = plx_rx_chain_add(&q->chain, p, end);
	if (!p)
		return NULL;
	rx_offloads(q, p, what, result);
	if (q->offloads & PLX_PKT_RX_LRO)
		rx_lro(q, p, q->first_what, q->first_result);
	return p;
}

/* --- Bursts --------------------------------------------------------------------------------- */

static inline void comp_advance(struct vmxnet3_rxq *q, uint32_t n)
{
	q->comp_next += n;
	if (plx_unlikely(q->comp_next == q->comp_size)) {
		q->comp_next = 0;
		q->comp_gen ^= VMXNET3_RXC_GEN;
	}
}

/*
 * Completions that are one whole good packet each, up to the first that is something else or not
 * there; n does not go beyond the end of the completion ring, nor what the device owns.
 * Return: how many. Not inlined: the loop gets all registers.
 */
static __attribute__((noinline)) uint32_t rx_plain(struct vmxnet3_rxq *q, struct plx_pktbuf **pkts,
						   uint32_t n)
{
	const struct vmxnet3_rx_comp *comp = &q->comp[q->comp_next];
	const uint64_t expected = PLAIN_WHAT | (uint64_t)q->base.id << VMXNET3_RXC_QUEUE_SHIFT;
	const uint32_t mask = q->heads.mask, buf_size = q->buf_size;
	struct plx_pktbuf **const bufs = q->heads.bufs;
	const uint64_t rearm = q->rearm, gen = q->comp_gen;
	const uint32_t offloads = q->offloads;
	uint32_t i, next = q->heads.next;
	uint64_t bytes = 0;

	for (i = 0; i < n; i++) {
		uint64_t what, result = comp_result(&comp[i]);
		uint32_t len = (uint32_t)(result & VMXNET3_RXC_LEN);
		struct plx_pktbuf *p = bufs[next];

		/* The gen bit before the other half. */
		plx_dma_rmb();
		what = le64toh(PLX_READ_ONCE(comp[i].what));
		if (plx_unlikely((result & PLAIN_RESULT_MASK) != gen ||
				 (what & PLAIN_WHAT_MASK) != (expected | next) ||
				 len - 1 >= buf_size))
			break;
		plx_rx_fill(p, rearm, len);
		if (plx_unlikely(offloads)) {
			rx_offloads(q, p, what, result);
			if (offloads & PLX_PKT_RX_LRO)
				rx_lro(q, p, what, result);
		}
		pkts[i] = p;
		next = (next + 1) & mask;
		bytes += len;
	}
	q->heads.next = next;
	q->base.stats.bytes += bytes;
	comp_advance(q, i);
	return i;
}

static inline uint32_t at_most(uint32_t a, uint32_t b)
{
	return a < b ? a : b;
}

uint16_t vmxnet3_rx_burst(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	struct vmxnet3_rxq *q = (struct vmxnet3_rxq *)rxq;
	uint32_t got = 0, looks = q->comp_size;

	while (got < n && looks) {
		uint32_t most = at_most(at_most(n - got, looks), q->comp_size - q->comp_next);
		uint32_t owned = (q->heads.tail - q->heads.next) & q->heads.mask, plain = 0;
		const struct vmxnet3_rx_comp *comp;
		struct plx_pktbuf *p;
		uint64_t result;

		if (plx_likely(plx_rx_chain_idle(&q->chain)))
			plain = rx_plain(q, &pkts[got], at_most(most, owned));
		got += plain;
		looks -= plain;
		if (plain == most)
			continue;
		comp = &q->comp[q->comp_next];
		result = comp_result(comp);
		if ((result & VMXNET3_RXC_GEN) != q->comp_gen)
			break;
		plx_dma_rmb();
		p = rx_odd(q, le64toh(PLX_READ_ONCE(comp->what)), result);
		comp_advance(q, 1);
		looks--;
		if (p) {
			rxq->stats.bytes += p->pkt_len;
			pkts[got++] = p;
		}
	}
	rx_rearm(q, &q->heads);
	if (plx_unlikely(q->scatter))
		rx_rearm(q, &q->bodies);
	if (plx_likely(got)) {
		rxq->lies_in_row = 0;
		rxq->stats.packets += got;
	}
	return (uint16_t)got;
}

/* Buffers complete in order; one buffer, one completion. */
enum plx_desc_status vmxnet3_rxq_desc_status(const struct plx_rxq *rxq, uint16_t offset)
{
	const struct vmxnet3_rxq *q = (const struct vmxnet3_rxq *)rxq;
	uint32_t at = q->comp_next + offset;
	uint64_t gen = q->comp_gen;

	if (offset >= ((q->heads.tail - q->heads.next) & q->heads.mask))
		return PLX_DESC_UNUSED;
	if (at >= q->comp_size) {
		at -= q->comp_size;
		gen ^= VMXNET3_RXC_GEN;
	}
	if ((comp_result(&q->comp[at]) & VMXNET3_RXC_GEN) == gen)
		return PLX_DESC_DONE;
	return PLX_DESC_DEVICE;
}
