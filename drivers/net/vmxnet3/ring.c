/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings of vmxnet3: their memory, and what the queue table says of them. Filled before the device
 * is activated, freed after it is quiesced.
 */
#include <errno.h>
#include <stdlib.h>

#include <pollux/log.h>
#include <pollux/mem.h>

#include "net/offloads.h"

#include "vmxnet3.h"

PLX_LOG_USE(vmxnet3);

/* The ring of bodies has a size, and no buffers, where no packet needs several. */
#define BODIES_UNUSED 32

_Static_assert(VMXNET3_DESCS_MIN > VMXNET3_REFILL, "a refill leaves one descriptor free");

/* --- Receive -------------------------------------------------------------------------------- */

static int rx_ring_alloc(struct vmxnet3_rxq *q, struct vmxnet3_rx_ring *r, uint32_t descs,
			 uint64_t kind)
{
	int node = q->base.port->info.node;

	r->next = 0;
	r->tail = 0;
	r->mask = descs - 1;
	r->meta = q->buf_size | kind | VMXNET3_RXD_GEN;
	r->ring = plx_dma_zalloc(descs * sizeof(*r->ring), VMXNET3_RING_ALIGN, node);
	r->bufs = calloc(descs, sizeof(*r->bufs));
	return r->ring && r->bufs ? 0 : -ENOMEM;
}

static void rx_ring_free(struct vmxnet3_rx_ring *r)
{
	for (; r->bufs && r->next != r->tail; r->next = (r->next + 1) & r->mask)
		plx_pktbuf_free(r->bufs[r->next]);
	free(r->bufs);
	r->bufs = NULL;
	plx_dma_free(r->ring);
	r->ring = NULL;
}

static int rx_ring_fill(struct vmxnet3_rxq *q, struct vmxnet3_rx_ring *r)
{
	const struct plx_mempool *objs = &q->pool->objs;

	while (vmxnet3_rx_wants_refill(r)) {
		if (vmxnet3_rx_refill(q, r)) {
			PLX_ERR(vmxnet3,
				"%s: rx queue %u needs %u packet buffers, pool %s has %u left of "
				"%u: make it larger",
				q->base.port->info.name, q->base.id,
				(q->heads.mask + 1) * (q->scatter ? 2 : 1), objs->name,
				plx_mempool_available(objs), objs->count);
			return -ENOMEM;
		}
	}
	return 0;
}

/* Buffer length of the descriptors; 0 and a log line if the pool's are too small. */
static uint32_t rx_buf_size(const struct plx_port *port)
{
	const struct plx_pktbuf_pool *pool = port->config.pool;
	uint32_t room = pool->buf_len - PLX_PKTBUF_HEADROOM;

	if (room < VMXNET3_BUF_MIN) {
		PLX_ERR(vmxnet3, "%s: pool %s has buffers of %u bytes: %u or more are needed",
			port->info.name, pool->objs.name, room, VMXNET3_BUF_MIN);
		return 0;
	}
	return room < VMXNET3_RXD_LEN_MAX ? room : VMXNET3_RXD_LEN_MAX;
}

static void fill_rxq_conf(const struct vmxnet3_rxq *q, struct vmxnet3_rxq_conf *conf)
{
	conf->ring_iova[0] = htole64(plx_iova(q->heads.ring));
	conf->ring_iova[1] = htole64(plx_iova(q->bodies.ring));
	conf->comp_ring_iova = htole64(plx_iova(q->comp));
	conf->ring_size[0] = htole32(q->heads.mask + 1);
	conf->ring_size[1] = htole32(q->bodies.mask + 1);
	conf->comp_ring_size = htole32(q->comp_size);
}

int vmxnet3_rxq_alloc(struct vmxnet3_rxq *q, uint32_t descs, struct vmxnet3_rxq_conf *conf)
{
	struct plx_port *port = q->base.port;
	int err;

	q->pool = port->config.pool;
	q->conf = conf;
	q->buf_size = rx_buf_size(port);
	if (!q->buf_size)
		return -EINVAL;
	q->scatter = (port->settings.offloads & PLX_PORT_HAS(LRO)) ||
		     (uint32_t)port->settings.mtu + PLX_ETH_OVERHEAD > q->buf_size;
	q->rearm = plx_rx_rearm(port->config.tag);
	q->offloads = plx_rx_offload_flags(port->settings.offloads);
	q->chain.skip = false;
	q->comp_next = 0;
	q->comp_size = 2 * descs;
	q->comp_gen = VMXNET3_RXC_GEN;
	q->comp = plx_dma_zalloc(q->comp_size * sizeof(*q->comp), VMXNET3_RING_ALIGN,
				 port->info.node);
	err = rx_ring_alloc(q, &q->heads, descs, 0);
	if (!err)
		err = rx_ring_alloc(q, &q->bodies, q->scatter ? descs : BODIES_UNUSED,
				    VMXNET3_RXD_BODY);
	if (err || !q->comp)
		return -ENOMEM;
	fill_rxq_conf(q, conf);
	err = rx_ring_fill(q, &q->heads);
	return err || !q->scatter ? err : rx_ring_fill(q, &q->bodies);
}

void vmxnet3_rxq_free(struct vmxnet3_rxq *q)
{
	rx_ring_free(&q->heads);
	rx_ring_free(&q->bodies);
	plx_rx_chain_drop(&q->chain);
	plx_dma_free(q->comp);
	q->comp = NULL;
}

/* --- Transmit ------------------------------------------------------------------------------- */

static void fill_txq_conf(const struct vmxnet3_txq *q, struct vmxnet3_txq_conf *conf)
{
	uint32_t size = q->mask + 1;

	conf->ring_iova = htole64(plx_iova(q->ring));
	conf->data_ring_iova = htole64(q->slots_iova);
	conf->comp_ring_iova = htole64(plx_iova(q->comp));
	conf->ring_size = htole32(size);
	conf->data_ring_size = htole32(size);
	conf->comp_ring_size = htole32(size);
}

int vmxnet3_txq_alloc(struct vmxnet3_txq *q, uint32_t descs, struct vmxnet3_txq_conf *conf)
{
	int node = q->base.port->info.node;

	q->mask = descs - 1;
	q->next = 0;
	q->clean = 0;
	q->gaps = 0;
	q->gen = VMXNET3_TXD_GEN;
	q->comp_next = 0;
	q->comp_gen = VMXNET3_TXC_GEN;
	q->watch.since_ns = 0;
	q->offloads = plx_tx_offload_flags(q->base.port->settings.offloads);
	q->ring = plx_dma_zalloc(descs * sizeof(*q->ring), VMXNET3_RING_ALIGN, node);
	q->comp = plx_dma_zalloc(descs * sizeof(*q->comp), VMXNET3_RING_ALIGN, node);
	q->slots = plx_dma_zalloc((size_t)descs * VMXNET3_TX_SLOT, VMXNET3_RING_ALIGN, node);
	q->bufs = calloc(descs, sizeof(*q->bufs));
	if (!q->ring || !q->comp || !q->slots || !q->bufs)
		return -ENOMEM;
	q->slots_iova = plx_iova(q->slots);
	fill_txq_conf(q, conf);
	return 0;
}

void vmxnet3_txq_free(struct vmxnet3_txq *q)
{
	for (; q->bufs && q->clean != q->next; q->clean = (q->clean + 1) & q->mask)
		plx_pktbuf_free(q->bufs[q->clean]);
	free(q->bufs);
	q->bufs = NULL;
	plx_dma_free(q->ring);
	plx_dma_free(q->comp);
	plx_dma_free(q->slots);
	q->ring = NULL;
	q->comp = NULL;
	q->slots = NULL;
}

/* --- All of them ---------------------------------------------------------------------------- */

int vmxnet3_rings_alloc(struct vmxnet3_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;
	int err = 0;

	for (i = 0; i < port->info.rx_queues && !err; i++) {
		struct vmxnet3_rxq *q = (struct vmxnet3_rxq *)port->rxqs[i];

		q->heads.prod = p->bar0 + VMXNET3_RXPROD(i);
		q->bodies.prod = p->bar0 + VMXNET3_RXPROD2(i);
		err = vmxnet3_rxq_alloc(q, port->info.rx_descs, &p->rxq_confs[i]);
	}
	for (i = 0; i < port->info.tx_queues && !err; i++) {
		struct vmxnet3_txq *q = (struct vmxnet3_txq *)port->txqs[i];

		q->prod = p->bar0 + VMXNET3_TXPROD(i);
		err = vmxnet3_txq_alloc(q, port->info.tx_descs, &p->txq_confs[i]);
	}
	if (err)
		vmxnet3_rings_free(p);
	return err;
}

void vmxnet3_rings_free(struct vmxnet3_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		vmxnet3_rxq_free((struct vmxnet3_rxq *)port->rxqs[i]);
	for (i = 0; i < port->info.tx_queues; i++)
		vmxnet3_txq_free((struct vmxnet3_txq *)port->txqs[i]);
}
