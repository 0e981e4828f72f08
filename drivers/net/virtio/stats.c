/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Extended statistics of the virtio network driver. The device has no counters of its own: packets
 * and bytes are counted by the queues.
 */
#include "virtio_net.h"

static const char *const names[VIRTIO_XSTATS] = {
	[VIRTIO_XSTAT_CONFIG_LIES] = "config_lies",
	[VIRTIO_XSTAT_CTRL_ERRORS] = "ctrl_errors",
	[VIRTIO_XSTAT_ANNOUNCES] = "announces",
	[VIRTIO_XSTAT_NEEDS_RESET] = "needs_resets",
	[VIRTIO_XSTAT_TRANSPORT_LIES] = "transport_lies",
	[VIRTIO_XSTAT_RX_KICKS] = "rx_notifications",
	[VIRTIO_XSTAT_TX_KICKS] = "tx_notifications",
	[VIRTIO_XSTAT_RX_REORDERS] = "rx_out_of_order",
	[VIRTIO_XSTAT_TX_REORDERS] = "tx_out_of_order",
};

static void add(uint64_t *kicks, uint64_t *reorders, const struct virtq *vq)
{
	*kicks += PLX_READ_ONCE(vq->kicks);
	*reorders += PLX_READ_ONCE(vq->reorders);
}

int virtio_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n)
{
	const struct virtio_port *p = virtio_port(port);
	uint64_t values[VIRTIO_XSTATS] = {0};
	unsigned int i;

	for (i = 0; i < VIRTIO_XSTATS_OF_PORT; i++)
		values[i] = p->xstats[i];
	values[VIRTIO_XSTAT_TRANSPORT_LIES] = p->transport->lies;
	for (i = 0; i < port->info.rx_queues; i++)
		add(&values[VIRTIO_XSTAT_RX_KICKS], &values[VIRTIO_XSTAT_RX_REORDERS],
		    &((const struct virtio_rxq *)port->rxqs[i])->vq);
	for (i = 0; i < port->info.tx_queues; i++)
		add(&values[VIRTIO_XSTAT_TX_KICKS], &values[VIRTIO_XSTAT_TX_REORDERS],
		    &((const struct virtio_txq *)port->txqs[i])->vq);
	for (i = 0; i < VIRTIO_XSTATS && i < n; i++)
		xstats[i] = (struct plx_port_xstat){.name = names[i], .value = values[i]};
	return VIRTIO_XSTATS;
}
