/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings of the e1000e: their memory, and switching them on in the order of the data sheet (software
 * initialization sequence: receive initialization, transmit initialization).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/log.h>
#include <pollux/mem.h>

#include "e1000e.h"

PLX_LOG_USE(e1000e);

/* RDBAL wants 16 bytes; a page keeps rings off each other's cache lines. */
#define RING_ALIGN 4096

_Static_assert(E1000E_DESCS_MIN > E1000E_REFILL, "a refill leaves one descriptor free");
_Static_assert(E1000E_DESCS_MAX <= 65536 / sizeof(struct e1000e_rx_desc), "RDLEN, TDLEN");

/* --- Memory --------------------------------------------------------------------------------- */

/* The largest buffer size of RCTL.BSIZE (10.2.5) that the pool's buffers have room for; 0: none. */
static uint32_t rx_buf_size(const struct plx_pktbuf_pool *pool)
{
	uint32_t room = pool->buf_len - PLX_PKTBUF_HEADROOM, size = 16384;

	while (size > room)
		size /= 2;
	return size < 256 ? 0 : size;
}

static int rxq_fill(struct e1000e_rxq *q)
{
	const struct plx_mempool *objs = &q->pool->objs;

	while (((q->next - q->tail - 1) & q->mask) >= E1000E_REFILL) {
		if (e1000e_rx_refill(q)) {
			PLX_ERR(e1000e,
				"%s: rx queue %u needs %u packet buffers, pool %s has %u left of "
				"%u: make it larger",
				q->base.port->info.name, q->base.id, q->mask + 1, objs->name,
				plx_mempool_available(objs), objs->count);
			return -ENOMEM;
		}
	}
	return 0;
}

int e1000e_rxq_alloc(struct e1000e_rxq *q, uint32_t descs)
{
	const struct plx_port *port = q->base.port;
	struct plx_pktbuf fresh = {
		.data_off = PLX_PKTBUF_HEADROOM, .port = port->config.tag, .refcnt = 1, .nsegs = 1};
	q->pool = port->config.pool;
	q->buf_size = rx_buf_size(q->pool);
	if (!q->buf_size) {
		PLX_ERR(e1000e, "%s: pool %s has buffers of %u bytes: the device needs 256 or more",
			port->info.name, q->pool->objs.name,
			q->pool->buf_len - PLX_PKTBUF_HEADROOM);
		return -EINVAL;
	}
	q->rearm = fresh.rearm;
	q->mask = descs - 1;
	q->next = 0;
	q->tail = 0;
	q->skip = false;
	q->ring = plx_dma_zalloc(descs * sizeof(*q->ring), RING_ALIGN, port->info.node);
	q->bufs = calloc(descs, sizeof(*q->bufs));
	if (!q->ring || !q->bufs)
		return -ENOMEM;
	return rxq_fill(q);
}

void e1000e_rxq_free(struct e1000e_rxq *q)
{
	for (; q->bufs && q->next != q->tail; q->next = (q->next + 1) & q->mask)
		plx_pktbuf_free(q->bufs[q->next]);
	plx_pktbuf_free(q->head);
	q->head = NULL;
	q->last = NULL;
	free(q->bufs);
	q->bufs = NULL;
	plx_dma_free(q->ring);
	q->ring = NULL;
}

int e1000e_txq_alloc(struct e1000e_txq *q, uint32_t descs)
{
	q->mask = descs - 1;
	q->next = 0;
	q->clean = 0;
	q->gaps = 0;
	q->watch_since_ns = 0;
	q->ring = plx_dma_zalloc(descs * sizeof(*q->ring), RING_ALIGN, q->base.port->info.node);
	q->bufs = calloc(descs, sizeof(*q->bufs));
	q->batch_end = calloc(descs, sizeof(*q->batch_end));
	return q->ring && q->bufs && q->batch_end ? 0 : -ENOMEM;
}

void e1000e_txq_free(struct e1000e_txq *q)
{
	for (; q->bufs && q->clean != q->next; q->clean = (q->clean + 1) & q->mask)
		plx_pktbuf_free(q->bufs[q->clean]);
	free(q->bufs);
	free(q->batch_end);
	q->bufs = NULL;
	q->batch_end = NULL;
	plx_dma_free(q->ring);
	q->ring = NULL;
}

int e1000e_rings_alloc(struct e1000e_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;
	int err = 0;

	for (i = 0; i < port->info.rx_queues && !err; i++)
		err = e1000e_rxq_alloc((struct e1000e_rxq *)port->rxqs[i], port->info.rx_descs);
	for (i = 0; i < port->info.tx_queues && !err; i++)
		err = e1000e_txq_alloc((struct e1000e_txq *)port->txqs[i], port->info.tx_descs);
	if (err)
		e1000e_rings_free(p);
	return err;
}

void e1000e_rings_free(struct e1000e_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		e1000e_rxq_free((struct e1000e_rxq *)port->rxqs[i]);
	for (i = 0; i < port->info.tx_queues; i++)
		e1000e_txq_free((struct e1000e_txq *)port->txqs[i]);
}

/* --- Receive initialization ----------------------------------------------------------------- */

static void set_address(struct e1000e_port *p, uint32_t low, const void *ring)
{
	plx_iova_t iova = plx_iova(ring);

	e1000e_set(p, low, (uint32_t)iova);
	e1000e_set(p, low + 4, (uint32_t)(iova >> 32));
}

/*
 * Empty the queues that are not used. The device may still know rings of its last user there
 * (QEMU's keeps them, and RSS, over any reset), and would follow them into memory that is no longer
 * ours.
 */
static void queues_off(struct e1000e_port *p)
{
	unsigned int i;

	for (i = p->base.info.rx_queues; i < E1000E_QUEUES_MAX; i++) {
		e1000e_set(p, E1000E_RDLEN(i), 0);
		e1000e_set(p, E1000E_RDH(i), 0);
		e1000e_set(p, E1000E_RDT(i), 0);
	}
	for (i = p->base.info.tx_queues; i < E1000E_QUEUES_MAX; i++) {
		e1000e_set(p, E1000E_TARC(i), E1000E_TARC_COUNT);
		e1000e_set(p, E1000E_TDLEN(i), 0);
		e1000e_set(p, E1000E_TDH(i), 0);
		e1000e_set(p, E1000E_TDT(i), 0);
	}
	e1000e_set(p, E1000E_MRQC, 0);
}

/* RCTL.BSIZE and BSEX (10.2.5): 2048 >> n; with BSEX 16 times as much, n from 1. */
static uint32_t rctl_buf_size(uint32_t size)
{
	uint32_t n = 0, base = size > 2048 ? 32768 : 2048;

	while (base >> n > size)
		n++;
	return n << E1000E_RCTL_BSIZE_SHIFT | (size > 2048 ? E1000E_RCTL_BSEX : 0);
}

/* Spread flows over two queues by RSS: TCP/IP and IP fields, half of the table each (7.1). */
static void set_rss(struct e1000e_port *p)
{
	static const uint32_t key[E1000E_RSSRK_COUNT] = {
		0x5a6d5a6d, 0x5a6d5a6d, 0x5a6d5a6d, 0x5a6d5a6d, 0x5a6d5a6d,
		0x5a6d5a6d, 0x5a6d5a6d, 0x5a6d5a6d, 0x5a6d5a6d, 0x5a6d5a6d,
	};
	unsigned int i;

	for (i = 0; i < E1000E_RSSRK_COUNT; i++)
		e1000e_set(p, E1000E_RSSRK(i), key[i]);
	for (i = 0; i < E1000E_RETA_COUNT; i++)
		e1000e_set(p, E1000E_RETA(i), E1000E_RETA_QUEUE1 << 8 | E1000E_RETA_QUEUE1 << 24);
	e1000e_set(p, E1000E_MRQC, E1000E_MRQC_RSS | E1000E_MRQC_FIELDS);
}

static void rx_queue_start(struct e1000e_port *p, struct e1000e_rxq *q)
{
	uint32_t id = q->base.id;

	set_address(p, E1000E_RDBAL(id), q->ring);
	e1000e_set(p, E1000E_RDLEN(id), (q->mask + 1) * (uint32_t)sizeof(*q->ring));
	e1000e_set(p, E1000E_RDH(id), 0);
	e1000e_set(p, E1000E_RDT(id), 0);
	e1000e_set(p, E1000E_RXDCTL(id),
		   E1000E_XDCTL_GRAN | E1000E_XDCTL_WTHRESH(1) | E1000E_XDCTL_HTHRESH(4) |
			   E1000E_XDCTL_PTHRESH(16));
	q->rdt = p->bar + E1000E_RDT(id);
}

static void rx_start(struct e1000e_port *p)
{
	struct plx_port *port = &p->base;
	struct e1000e_rxq *first = (struct e1000e_rxq *)port->rxqs[0];
	unsigned int i;

	e1000e_set(p, E1000E_RFCTL, E1000E_RFCTL_EXSTEN);
	e1000e_set(p, E1000E_RXCSUM, E1000E_RXCSUM_PCSD);
	e1000e_set(p, E1000E_RDTR, 0);
	e1000e_set(p, E1000E_RADV, 0);
	if (port->info.rx_queues > 1)
		set_rss(p);
	for (i = 0; i < port->info.rx_queues; i++)
		rx_queue_start(p, (struct e1000e_rxq *)port->rxqs[i]);
	e1000e_set(p, E1000E_RCTL,
		   e1000e_get(p, E1000E_RCTL) | rctl_buf_size(first->buf_size) | E1000E_RCTL_SECRC |
			   E1000E_RCTL_BAM | E1000E_RCTL_EN);
	/* The tail only now: the device drops descriptors given while the receiver is off. */
	plx_dma_wmb();
	for (i = 0; i < port->info.rx_queues; i++) {
		struct e1000e_rxq *q = (struct e1000e_rxq *)port->rxqs[i];

		plx_mmio_write32(q->rdt, q->tail);
	}
}

/* --- Transmit initialization ---------------------------------------------------------------- */

static void tx_queue_start(struct e1000e_port *p, struct e1000e_txq *q)
{
	uint32_t id = q->base.id;

	set_address(p, E1000E_TDBAL(id), q->ring);
	e1000e_set(p, E1000E_TDLEN(id), (q->mask + 1) * (uint32_t)sizeof(*q->ring));
	e1000e_set(p, E1000E_TDH(id), 0);
	e1000e_set(p, E1000E_TDT(id), 0);
	/* WTHRESH 0: a descriptor with RS is written back at once, so batches are seen in time. */
	e1000e_set(p, E1000E_TXDCTL(id),
		   E1000E_XDCTL_GRAN | E1000E_TXDCTL_BIT22 | E1000E_XDCTL_HTHRESH(1) |
			   E1000E_XDCTL_PTHRESH(31));
	e1000e_set(p, E1000E_TARC(id), E1000E_TARC_ENABLE | E1000E_TARC_COUNT);
	q->tdt = p->bar + E1000E_TDT(id);
}

static void tx_start(struct e1000e_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	e1000e_set(p, E1000E_TIDV, 0);
	e1000e_set(p, E1000E_TADV, 0);
	e1000e_set(p, E1000E_TIPG, E1000E_TIPG_COPPER);
	for (i = 0; i < port->info.tx_queues; i++)
		tx_queue_start(p, (struct e1000e_txq *)port->txqs[i]);
	e1000e_set(p, E1000E_TCTL,
		   E1000E_TCTL_EN | E1000E_TCTL_PSP | E1000E_TCTL_CT | E1000E_TCTL_COLD_FD);
}

int e1000e_rings_start(struct e1000e_port *p)
{
	queues_off(p);
	rx_start(p);
	tx_start(p);
	return e1000e_get(p, E1000E_STATUS) == UINT32_MAX ? -ENODEV : 0;
}
