/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Rings: their memory, and switching them on in the order of the data sheet (software
 * initialization sequence: receive initialization, transmit initialization).
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/log.h>
#include <pollux/mem.h>

#include "net/offloads.h"

#include "intel.h"

PLX_LOG_USE(intel);

/* RDBAL wants 16 bytes; a page keeps rings off each other's cache lines. */
#define RING_ALIGN 4096

_Static_assert(INTEL_DESCS_MIN > INTEL_REFILL, "a refill leaves one descriptor free");
_Static_assert(INTEL_DESCS_MAX <= 65536 / sizeof(struct intel_rx_desc), "RDLEN, TDLEN");

/* --- Memory --------------------------------------------------------------------------------- */

uint32_t intel_buf_size_rctl(uint32_t room)
{
	uint32_t size = 16384;

	while (size > room)
		size /= 2;
	return size < 256 ? 0 : size;
}

static int rxq_fill(struct intel_rxq *q)
{
	const struct plx_mempool *objs = &q->pool->objs;

	while (((q->next - q->tail - 1) & q->mask) >= INTEL_REFILL) {
		if (intel_rx_refill(q)) {
			PLX_ERR(intel,
				"%s: rx queue %u needs %u packet buffers, pool %s has %u left of "
				"%u: make it larger",
				q->base.port->info.name, q->base.id, q->mask + 1, objs->name,
				plx_mempool_available(objs), objs->count);
			return -ENOMEM;
		}
	}
	return 0;
}

int intel_rxq_alloc(struct intel_rxq *q, uint32_t descs)
{
	const struct plx_port *port = q->base.port;
	const struct intel_family *family = (const struct intel_family *)port->driver;

	q->pool = port->config.pool;
	q->buf_size = family->buf_size(q->pool->buf_len - PLX_PKTBUF_HEADROOM);
	q->done = family->legacy_rx ? INTEL_RXD_DD_LEGACY : INTEL_RXD_DD;
	if (!q->buf_size) {
		PLX_ERR(intel, "%s: pool %s has buffers of %u bytes, too small for the device",
			port->info.name, q->pool->objs.name,
			q->pool->buf_len - PLX_PKTBUF_HEADROOM);
		return -EINVAL;
	}
	q->offloads = plx_rx_offload_flags(port->settings.offloads) |
		      (family->tags_taken ? PLX_PKT_RX_VLAN : 0);
	q->rearm = plx_rx_rearm(port->config.tag);
	q->mask = descs - 1;
	q->next = 0;
	q->tail = 0;
	q->chain.skip = false;
	q->ring = plx_dma_zalloc(descs * sizeof(*q->ring), RING_ALIGN, port->info.node);
	q->bufs = calloc(descs, sizeof(*q->bufs));
	if (!q->ring || !q->bufs)
		return -ENOMEM;
	return rxq_fill(q);
}

void intel_rxq_free(struct intel_rxq *q)
{
	for (; q->bufs && q->next != q->tail; q->next = (q->next + 1) & q->mask)
		plx_pktbuf_free(q->bufs[q->next]);
	plx_rx_chain_drop(&q->chain);
	free(q->bufs);
	q->bufs = NULL;
	plx_dma_free(q->ring);
	q->ring = NULL;
}

int intel_txq_alloc(struct intel_txq *q, uint32_t descs)
{
	const struct intel_family *family = (const struct intel_family *)q->base.port->driver;
	uint64_t offloads = q->base.port->settings.offloads;

	q->mask = descs - 1;
	q->next = 0;
	q->clean = 0;
	q->gaps = 0;
	q->watch.since_ns = 0;
	q->offloads = plx_tx_offload_flags(offloads);
	q->vlan_in_device = (offloads & PLX_PORT_HAS(VLAN_STRIP)) && !family->tags_taken;
	q->ring = plx_dma_zalloc(descs * sizeof(*q->ring), RING_ALIGN, q->base.port->info.node);
	q->bufs = calloc(descs, sizeof(*q->bufs));
	q->batch_end = calloc(descs, sizeof(*q->batch_end));
	return q->ring && q->bufs && q->batch_end ? 0 : -ENOMEM;
}

void intel_txq_free(struct intel_txq *q)
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

int intel_rings_alloc(struct intel_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;
	int err = 0;

	for (i = 0; i < port->info.rx_queues && !err; i++)
		err = intel_rxq_alloc((struct intel_rxq *)port->rxqs[i], port->info.rx_descs);
	for (i = 0; i < port->info.tx_queues && !err; i++)
		err = intel_txq_alloc((struct intel_txq *)port->txqs[i], port->info.tx_descs);
	if (err)
		intel_rings_free(p);
	return err;
}

void intel_rings_free(struct intel_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		intel_rxq_free((struct intel_rxq *)port->rxqs[i]);
	for (i = 0; i < port->info.tx_queues; i++)
		intel_txq_free((struct intel_txq *)port->txqs[i]);
}

/* --- Receive initialization ----------------------------------------------------------------- */

/* Address, length, empty; regs: where the queue's registers begin. */
static void set_ring(struct intel_port *p, uint32_t regs, const void *ring, uint32_t bytes)
{
	plx_iova_t iova = plx_iova(ring);

	intel_set(p, regs + INTEL_Q_BAL, (uint32_t)iova);
	intel_set(p, regs + INTEL_Q_BAH, (uint32_t)(iova >> 32));
	intel_set(p, regs + INTEL_Q_LEN, bytes);
	intel_set(p, regs + INTEL_Q_HEAD, 0);
	intel_set(p, regs + INTEL_Q_TAIL, 0);
}

int intel_rx_queue_on(struct intel_port *p, struct intel_rxq *q)
{
	const struct intel_family *family = intel_family(p);
	uint32_t regs = family->rx_regs + q->base.id * family->queue_stride;

	set_ring(p, regs, q->ring, (q->mask + 1) * (uint32_t)sizeof(*q->ring));
	q->rdt = p->bar + regs + INTEL_Q_TAIL;
	return family->rxq_start(p, q);
}

static int rx_start(struct intel_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++) {
		int err = intel_rx_queue_on(p, (struct intel_rxq *)port->rxqs[i]);

		if (err)
			return err;
	}
	intel_family(p)->control->receiver_on(p);
	/* The tail only now: the device drops descriptors given while the receiver is off. */
	plx_dma_wmb();
	for (i = 0; i < port->info.rx_queues; i++) {
		struct intel_rxq *q = (struct intel_rxq *)port->rxqs[i];

		plx_mmio_write32(q->rdt, q->tail);
	}
	return 0;
}

/* --- Transmit initialization ---------------------------------------------------------------- */

int intel_tx_queue_on(struct intel_port *p, struct intel_txq *q)
{
	const struct intel_family *family = intel_family(p);
	uint32_t regs = family->tx_regs + q->base.id * family->queue_stride;

	set_ring(p, regs, q->ring, (q->mask + 1) * (uint32_t)sizeof(*q->ring));
	q->tdt = p->bar + regs + INTEL_Q_TAIL;
	return family->txq_start(p, q);
}

static int tx_start(struct intel_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	for (i = 0; i < port->info.tx_queues; i++) {
		int err = intel_tx_queue_on(p, (struct intel_txq *)port->txqs[i]);

		if (err)
			return err;
	}
	intel_family(p)->control->transmitter_on(p);
	return 0;
}

int intel_rings_start(struct intel_port *p)
{
	int err;

	intel_family(p)->modes(p);
	err = rx_start(p);
	if (!err)
		err = tx_start(p);
	if (err)
		return err;
	return intel_get(p, INTEL_STATUS) == UINT32_MAX ? -ENODEV : 0;
}
