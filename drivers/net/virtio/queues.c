/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Queues of the virtio network device: their memory, and handing them to the device (VIRTIO 1.2,
 * 5.1.2: queue 2n receives, queue 2n + 1 transmits).
 */
#include <errno.h>
#include <string.h>

#include <pollux/log.h>
#include <pollux/mem.h>

#include "net/rx_chain.h"
#include "ring.h"
#include "virtio_net.h"

PLX_LOG_USE(virtio);

_Static_assert(VIRTIO_DESCS_MIN >= VIRTIO_REFILL, "a ring holds whole refills");

static struct virtq_config queue_config(const struct virtio_port *p, unsigned int index,
					uint16_t size)
{
	return (struct virtq_config){
		.features = p->features,
		.index = (uint16_t)index,
		.size = size,
		.node = p->base.info.node,
	};
}

static int rx_vector(const struct plx_rxq *rxq)
{
	return rxq->port->config.rx_irq ? (int)rxq->id : VIRTIO_NO_VECTOR;
}

/* --- Receive -------------------------------------------------------------------------------- */

static int rxq_fill(struct virtio_rxq *q)
{
	const struct plx_mempool *objs = &q->pool->objs;

	while (virtq_room(&q->vq) >= VIRTIO_REFILL) {
		if (virtio_rx_refill(q)) {
			PLX_ERR(virtio,
				"%s: rx queue %u needs %u packet buffers, pool %s has %u left of "
				"%u: make it larger",
				q->base.port->info.name, q->base.id, q->vq.mask + 1, objs->name,
				plx_mempool_available(objs), objs->count);
			return -ENOMEM;
		}
	}
	return 0;
}

int virtio_rxq_alloc(struct virtio_rxq *q, const struct virtq_config *config)
{
	const struct plx_port *port = q->base.port;
	int err;

	q->pool = port->config.pool;
	q->room = q->pool->buf_len - PLX_PKTBUF_HEADROOM;
	if (q->room < VIRTIO_FRAME_MIN) {
		PLX_ERR(virtio, "%s: pool %s has buffers of %u bytes: no frame fits",
			port->info.name, q->pool->objs.name, q->room);
		return -EINVAL;
	}
	q->span = q->room - VIRTIO_FRAME_MIN;
	q->rearm = plx_rx_rearm(port->config.tag);
	q->refill_at = config->size - VIRTIO_REFILL;
	q->mergeable = config->features & VIRTIO_NET_F_MRG_RXBUF;
	q->headers = config->features & VIRTIO_NET_F_GUEST_CSUM;
	q->strip = port->settings.offloads & PLX_PORT_HAS(VLAN_STRIP);
	q->offload = q->headers || q->strip;
	q->iova_delta = q->pool->data_iova_delta - VIRTIO_HDR_LEN;
	q->hdr_offset = q->pool->buf_offset + PLX_PKTBUF_HEADROOM - VIRTIO_HDR_LEN;
	err = virtq_alloc(&q->vq, config);
	if (err)
		return err;
	q->vq.buffer_len = q->room + VIRTIO_HDR_LEN;
	return rxq_fill(q);
}

int virtio_rxq_start(struct plx_rxq *rxq)
{
	struct virtio_port *p = virtio_port(rxq->port);
	struct virtio_rxq *q = (struct virtio_rxq *)rxq;
	struct virtq_config config = queue_config(p, 2u * rxq->id, rxq->port->info.rx_descs);
	int err = virtio_rxq_alloc(q, &config);

	if (!err)
		err = virtq_enable(&q->vq, p->transport, rx_vector(rxq));
	if (err) {
		virtq_free(&q->vq);
		return err;
	}
	ring_notify(&q->vq, virtq_format(&q->vq), q->vq.next);
	rxq->burst = virtio_rx_burst_for(q);
	return 0;
}

int virtio_rxq_stop(struct plx_rxq *rxq)
{
	struct virtio_port *p = virtio_port(rxq->port);
	struct virtio_rxq *q = (struct virtio_rxq *)rxq;
	int err = p->transport->ops->queue_reset(p->transport, q->vq.index);

	if (err)
		plx_port_break(rxq->port, "a queue does not stop");
	else
		virtq_free(&q->vq);
	return err;
}

/* --- Transmit ------------------------------------------------------------------------------- */

int virtio_txq_alloc(struct virtio_txq *q, const struct virtq_config *config)
{
	const struct plx_port *port = q->base.port;
	uint32_t copy;
	int err;

	q->frame_max = port->settings.mtu + PLX_ETH_OVERHEAD;
	q->span = q->frame_max - VIRTIO_FRAME_MIN;
	q->plain_from = 0;
	q->pool = NULL;
	q->indirect = config->features & VIRTIO_F_INDIRECT_DESC;
	q->flags = 0;
	if (config->features & VIRTIO_NET_F_CSUM)
		q->flags |= PLX_PKT_TX_TCP | PLX_PKT_TX_UDP;
	if (config->features & VIRTIO_NET_F_HOST_TSO4)
		q->flags |= PLX_PKT_TX_TSO;
	if (port->settings.offloads & PLX_PORT_HAS(VLAN_INSERT))
		q->flags |= PLX_PKT_TX_VLAN;
	copy = (VIRTIO_HDR_LEN + q->frame_max + PLX_CACHE_LINE - 1) & ~(PLX_CACHE_LINE - 1u);
	q->extra_stride = q->indirect ? sizeof(struct virtio_tx_extra) : copy;
	err = virtq_alloc(&q->vq, config);
	if (err)
		return err;
	q->extras =
		plx_dma_alloc((size_t)q->extra_stride * config->size, PLX_CACHE_LINE, config->node);
	return q->extras ? 0 : -ENOMEM;
}

void virtio_txq_free(struct virtio_txq *q)
{
	virtq_free(&q->vq);
	plx_dma_free(q->extras);
	q->extras = NULL;
}

int virtio_txq_start(struct plx_txq *txq)
{
	struct virtio_port *p = virtio_port(txq->port);
	struct virtio_txq *q = (struct virtio_txq *)txq;
	struct virtq_config config = queue_config(p, 2u * txq->id + 1, txq->port->info.tx_descs);
	int err = virtio_txq_alloc(q, &config);

	if (!err)
		err = virtq_enable(&q->vq, p->transport, VIRTIO_NO_VECTOR);
	if (err) {
		virtio_txq_free(q);
		return err;
	}
	txq->burst = virtio_tx_burst_for(q);
	return 0;
}

int virtio_txq_stop(struct plx_txq *txq)
{
	struct virtio_port *p = virtio_port(txq->port);
	struct virtio_txq *q = (struct virtio_txq *)txq;
	int err = p->transport->ops->queue_reset(p->transport, q->vq.index);

	if (err)
		plx_port_break(txq->port, "a queue does not stop");
	else
		virtio_txq_free(q);
	return err;
}

/* --- All of a port -------------------------------------------------------------------------- */

int virtio_queues_alloc(struct virtio_port *p)
{
	struct plx_port *port = &p->base;
	struct virtq_config config;
	unsigned int i;
	int err = 0;

	for (i = 0; i < port->info.rx_queues && !err; i++) {
		config = queue_config(p, 2 * i, port->info.rx_descs);
		err = virtio_rxq_alloc((struct virtio_rxq *)port->rxqs[i], &config);
	}
	for (i = 0; i < port->info.tx_queues && !err; i++) {
		config = queue_config(p, 2 * i + 1, port->info.tx_descs);
		err = virtio_txq_alloc((struct virtio_txq *)port->txqs[i], &config);
	}
	if (!err)
		err = virtio_ctrl_alloc(p);
	if (err)
		virtio_queues_free(p);
	return err;
}

void virtio_queues_free(struct virtio_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		virtq_free(&((struct virtio_rxq *)port->rxqs[i])->vq);
	for (i = 0; i < port->info.tx_queues; i++)
		virtio_txq_free((struct virtio_txq *)port->txqs[i]);
	virtio_ctrl_free(p);
}

int virtio_queues_enable(struct virtio_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;
	int err = 0;

	for (i = 0; i < port->info.rx_queues && !err; i++)
		err = virtq_enable(&((struct virtio_rxq *)port->rxqs[i])->vq, p->transport,
				   rx_vector(port->rxqs[i]));
	for (i = 0; i < port->info.tx_queues && !err; i++)
		err = virtq_enable(&((struct virtio_txq *)port->txqs[i])->vq, p->transport,
				   VIRTIO_NO_VECTOR);
	if (!err && p->ctrl.on)
		err = virtq_enable(&p->ctrl.vq, p->transport, VIRTIO_NO_VECTOR);
	return err;
}
