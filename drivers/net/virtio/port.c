/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtio network driver's table: what lib/net calls (net/driver.h), composed of the steps in
 * the other files. Each start is a whole initialization of the device (VIRTIO 1.2, 3.1.1), since a
 * reset is what stops its queues, and features depend on the settings.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include <pollux/log.h>

#include "ring.h"
#include "virtio_net.h"

PLX_LOG_COMPONENT_AS(virtio, "net.virtio");

#define FEATURES                                                                                   \
	(PLX_PORT_HAS(LINK_EVENT) | PLX_PORT_HAS(RX_IRQ) | PLX_PORT_HAS(MULTI_QUEUE) |             \
	 PLX_PORT_HAS(MTU) | PLX_PORT_HAS(RX_SCATTER) | PLX_PORT_HAS(TX_SEGS) |                    \
	 PLX_PORT_HAS(PROMISC) | PLX_PORT_HAS(ALLMULTI) | PLX_PORT_HAS(MAC_SET) |                  \
	 PLX_PORT_HAS(STATS) | PLX_PORT_HAS(XSTATS) | PLX_PORT_HAS(RESET) |                        \
	 PLX_PORT_HAS(REMOVE_EVENT) | PLX_PORT_HAS(MAC_FILTER) | PLX_PORT_HAS(VLAN_FILTER) |       \
	 PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO) |                    \
	 PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(VLAN_INSERT) | PLX_PORT_HAS(LRO) |                \
	 PLX_PORT_HAS(RSS) | PLX_PORT_HAS(QUEUE_RESTART) | PLX_PORT_HAS(DESC_STATUS) |             \
	 PLX_PORT_HAS(REGS) | PLX_PORT_HAS(ANNOUNCE_EVENT))

static const struct plx_pci_match virtio_ids[] = {
	{.vendor = VIRTIO_PCI_VENDOR, .device = VIRTIO_NET_PCI_DEVICE},
	{.vendor = VIRTIO_PCI_VENDOR, .device = VIRTIO_NET_PCI_DEVICE_TRANSITIONAL},
	{0},
};

/* --- Interrupts and events ------------------------------------------------------------------ */

/* One vector for each rx queue that shall interrupt, and the last for configuration changes. */
static int vectors_open(struct virtio_port *p)
{
	struct virtio_transport *t = p->transport;
	unsigned int n = (p->base.config.rx_irq ? p->base.config.rx_queues : 0) + 1u;
	int err;

	if (n > t->vectors_max && p->base.config.rx_irq) {
		PLX_ERR(virtio,
			"%s: rx interrupts need %u MSI-X vectors, the device has %u; poll it, or "
			"give it more (QEMU: vectors=%u)",
			p->base.info.name, n, t->vectors_max, n);
		return -ENOTSUP;
	}
	if (n > t->vectors_max) {
		PLX_WARN(virtio, "%s: no MSI-X vectors: the event fd will not tell of link changes",
			 p->base.info.name);
		return 0;
	}
	err = t->ops->vectors(t, n);
	if (!err)
		p->vectors = n;
	return err;
}

static void vectors_close(struct virtio_port *p)
{
	p->transport->ops->vectors(p->transport, 0);
	p->vectors = 0;
}

static int virtio_irq_arm(struct plx_rxq *rxq)
{
	return virtq_irq_on(&((struct virtio_rxq *)rxq)->vq);
}

static void virtio_irq_disarm(struct plx_rxq *rxq)
{
	virtq_irq_off(&((struct virtio_rxq *)rxq)->vq);
}

static int virtio_irq_fd(const struct plx_rxq *rxq)
{
	const struct virtio_transport *t = virtio_port(rxq->port)->transport;

	return t->ops->vector_fd(t, rxq->id);
}

static int virtio_event_fd(const struct plx_port *port)
{
	const struct virtio_port *p = (const struct virtio_port *)port;

	if (p->transport->ops->event_fd)
		return p->transport->ops->event_fd(p->transport);
	if (p->vectors == 0)
		return -1;
	return p->transport->ops->vector_fd(p->transport, p->vectors - 1);
}

/* The device wants us to say where we are (5.1.6.5.4): pass it on, and answer. */
static unsigned int announce_event(struct virtio_port *p)
{
	struct virtio_transport *t = p->transport;

	if (!(p->features & VIRTIO_NET_F_GUEST_ANNOUNCE) || !(p->features & VIRTIO_NET_F_STATUS) ||
	    !(t->ops->config(t, VIRTIO_NET_CFG_STATUS, 2) & VIRTIO_NET_S_ANNOUNCE))
		return 0;
	p->xstats[VIRTIO_XSTAT_ANNOUNCES]++;
	virtio_ctrl_announced(p);
	return PLX_PORT_EVENT_ANNOUNCE;
}

static unsigned int virtio_events(struct plx_port *port)
{
	struct virtio_port *p = virtio_port(port);
	struct plx_port_link link = {0};
	unsigned int events = 0;
	eventfd_t count;

	if (p->vectors && !p->transport->ops->event_fd)
		eventfd_read(virtio_event_fd(port), &count);
	if (!port->started || virtio_net_link(p, &link))
		return 0;
	if (plx_port_state(port) == PLX_PORT_STARTED &&
	    (p->transport->ops->status(p->transport) & VIRTIO_STATUS_NEEDS_RESET)) {
		p->xstats[VIRTIO_XSTAT_NEEDS_RESET]++;
		plx_port_break(port, "the device asks for a reset (DEVICE_NEEDS_RESET)");
	}
	events |= announce_event(p);
	if (link.up != p->link_up)
		events |= PLX_PORT_EVENT_LINK;
	p->link_up = link.up;
	return events;
}

/* --- Opening -------------------------------------------------------------------------------- */

static int check_queues(const struct plx_port *port)
{
	if (port->config.rx_queues == port->config.tx_queues)
		return 0;
	PLX_ERR(virtio,
		"%s: %u rx and %u tx queues: virtio has them in pairs, so ask for as many of each",
		port->info.name, port->config.rx_queues, port->config.tx_queues);
	return -EINVAL;
}

int virtio_port_attach(struct virtio_port *p, struct virtio_transport *transport)
{
	int err;

	p->transport = transport;
	err = virtio_net_probe(p);
	if (!err)
		err = vectors_open(p);
	if (err)
		transport->ops->close(transport);
	return err;
}

static int virtio_open(struct plx_port *port, const char *arg)
{
	struct virtio_transport *transport;
	int err = check_queues(port);

	if (err)
		return err;
	transport = port->dev ? virtio_pci_open(port->dev, port->info.name)
			      : virtio_vhost_open(arg, port->info.name);
	if (!transport)
		return -errno;
	port->info.node = port->dev ? plx_dev_info(port->dev)->pci.node : PLX_NODE_ANY;
	return virtio_port_attach(virtio_port(port), transport);
}

static void virtio_close(struct plx_port *port)
{
	struct virtio_port *p = virtio_port(port);

	vectors_close(p);
	p->transport->ops->close(p->transport);
}

/* --- Start and stop ------------------------------------------------------------------------- */

/* Features, queues and vectors: all that comes before DRIVER_OK. */
static int set_up(struct virtio_port *p)
{
	struct virtio_transport *t = p->transport;
	uint64_t offered;
	int err = virtio_begin(t, &offered);

	if (err)
		return err;
	if (offered != p->offered) {
		PLX_ERR(virtio, "%s: the device offers other features than before; open it anew",
			p->base.info.name);
		return -EPROTO;
	}
	p->features = virtio_net_features(p, p->base.settings.mtu, p->base.settings.offloads);
	err = virtio_accept(t, offered, p->features);
	if (!err)
		err = virtio_queues_alloc(p);
	if (!err)
		err = virtio_queues_enable(p);
	if (!err && p->vectors)
		err = t->ops->config_vector(t, (int)p->vectors - 1);
	return err;
}

/* Buffers were given to the device before it was live: tell it now. */
static void notify_rx(struct plx_port *port)
{
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++) {
		struct virtq *vq = &((struct virtio_rxq *)port->rxqs[i])->vq;

		ring_notify(vq, virtq_format(vq), vq->next);
	}
}

static void set_bursts(struct plx_port *port)
{
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		port->rxqs[i]->burst = virtio_rx_burst_for((struct virtio_rxq *)port->rxqs[i]);
	for (i = 0; i < port->info.tx_queues; i++)
		port->txqs[i]->burst = virtio_tx_burst_for((struct virtio_txq *)port->txqs[i]);
}

/* No DMA any more, whatever state the device is in; then its memory can go. */
static void tear_down(struct virtio_port *p)
{
	int err = virtio_reset(p->transport);

	p->transport->ops->dma(p->transport, false);
	virtio_queues_free(p);
	p->features = 0;
	p->link_up = false;
	if (err == -ENODEV)
		plx_port_gone(&p->base);
}

static int virtio_start(struct plx_port *port)
{
	struct virtio_port *p = virtio_port(port);
	int err = set_up(p);

	if (!err)
		err = p->transport->ops->dma(p->transport, true);
	if (!err)
		err = virtio_ready(p->transport);
	if (!err)
		err = virtio_ctrl_apply(p);
	if (err) {
		tear_down(p);
		return err;
	}
	notify_rx(port);
	set_bursts(port);
	return 0;
}

static void virtio_stop(struct plx_port *port)
{
	tear_down(virtio_port(port));
}

/* Probe again, and see whether it is still the same device. */
static int probe_same(struct virtio_port *p)
{
	struct virtio_net_config before = p->config;
	uint64_t offered = p->offered;
	int err = virtio_net_probe(p);

	if (!err && (p->offered != offered || p->config.max_pairs != before.max_pairs ||
		     p->config.mtu_max != before.mtu_max)) {
		PLX_ERR(virtio, "%s: the device is another one after its reset; open it anew",
			p->base.info.name);
		err = -EPROTO;
	}
	if (err) {
		p->config = before;
		p->offered = offered;
	}
	return err;
}

/* The strongest reset that the device has; its vectors are lost with it. */
static int virtio_port_reset(struct plx_port *port)
{
	struct virtio_port *p = virtio_port(port);
	int err = p->transport->ops->force_reset(p->transport);

	if (err && err != -ENOTSUP)
		return err;
	err = probe_same(p);
	if (err)
		return err;
	if (p->vectors == 0)
		return 0;
	vectors_close(p);
	return vectors_open(p);
}

/* --- The table ------------------------------------------------------------------------------ */

static int virtio_link(struct plx_port *port, struct plx_port_link *link)
{
	return virtio_net_link(virtio_port(port), link);
}

static int virtio_apply(struct plx_port *port)
{
	return virtio_ctrl_apply(virtio_port(port));
}

static enum plx_desc_status desc_status(const struct virtq *vq, uint16_t offset)
{
	if (offset >= virtq_in_flight(vq))
		return PLX_DESC_UNUSED;
	return ring_is_used(vq, virtq_format(vq), vq->next + offset) ? PLX_DESC_DONE
								     : PLX_DESC_DEVICE;
}

static enum plx_desc_status virtio_rxq_desc_status(const struct plx_rxq *rxq, uint16_t offset)
{
	return desc_status(&((const struct virtio_rxq *)rxq)->vq, offset);
}

static enum plx_desc_status virtio_txq_desc_status(const struct plx_txq *txq, uint16_t offset)
{
	return desc_status(&((const struct virtio_txq *)txq)->vq, offset);
}

static int virtio_regs(struct plx_port *port, struct plx_port_reg *regs, unsigned int n)
{
	struct virtio_transport *t = virtio_port(port)->transport;

	return t->ops->regs ? t->ops->regs(t, regs, n) : -ENOTSUP;
}

const struct plx_net_driver plx_net_virtio = {
	.name = "virtio",
	.features = FEATURES,
	.pci = virtio_ids,
	.port_size = sizeof(struct virtio_port),
	.rxq_size = sizeof(struct virtio_rxq),
	.txq_size = sizeof(struct virtio_txq),
	.descs_default = 256,
	.open = virtio_open,
	.close = virtio_close,
	.start = virtio_start,
	.stop = virtio_stop,
	.reset = virtio_port_reset,
	.link = virtio_link,
	.xstats = virtio_xstats,
	.apply = virtio_apply,
	.rxq_start = virtio_rxq_start,
	.rxq_stop = virtio_rxq_stop,
	.txq_start = virtio_txq_start,
	.txq_stop = virtio_txq_stop,
	.rxq_desc_status = virtio_rxq_desc_status,
	.txq_desc_status = virtio_txq_desc_status,
	.regs = virtio_regs,
	.irq_arm = virtio_irq_arm,
	.irq_disarm = virtio_irq_disarm,
	.irq_fd = virtio_irq_fd,
	.events = virtio_events,
	.event_fd = virtio_event_fd,
};
