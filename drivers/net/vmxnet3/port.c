/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vmxnet3 driver's table: what lib/net calls (net/driver.h), composed of the steps in the other
 * files. Covers 15ad:07b0.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include <pollux/clock.h>
#include <pollux/log.h>

#include "vmxnet3.h"

PLX_LOG_COMPONENT_AS(vmxnet3, "net.vmxnet3");

#define FEATURES                                                                                   \
	(PLX_PORT_HAS(LINK_EVENT) | PLX_PORT_HAS(RX_IRQ) | PLX_PORT_HAS(MULTI_QUEUE) |             \
	 PLX_PORT_HAS(MTU) | PLX_PORT_HAS(RX_SCATTER) | PLX_PORT_HAS(TX_SEGS) |                    \
	 PLX_PORT_HAS(PROMISC) | PLX_PORT_HAS(ALLMULTI) | PLX_PORT_HAS(MAC_SET) |                  \
	 PLX_PORT_HAS(STATS) | PLX_PORT_HAS(XSTATS) | PLX_PORT_HAS(RESET) |                        \
	 PLX_PORT_HAS(REMOVE_EVENT) | PLX_PORT_HAS(MAC_FILTER) | PLX_PORT_HAS(VLAN_FILTER) |       \
	 PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(VLAN_INSERT) | PLX_PORT_HAS(RX_CSUM) |            \
	 PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO) | PLX_PORT_HAS(LRO) | PLX_PORT_HAS(RSS) |    \
	 PLX_PORT_HAS(RSS_HASH) | PLX_PORT_HAS(DESC_STATUS) | PLX_PORT_HAS(REGS))

static const struct plx_pci_match vmxnet3_ids[] = {
	{.vendor = 0x15ad, .device = 0x07b0},
	{0},
};

/* --- Interrupts ----------------------------------------------------------------------------- */

/* MSI-X, or polling only. */
static int irqs_open(struct vmxnet3_port *p)
{
	struct plx_port *port = &p->base;
	int err = plx_dev_irq_enable(port->dev, PLX_IRQ_MSIX, VMXNET3_VECTORS);

	p->irqs = !err;
	if (!err)
		return 0;
	if (port->config.rx_irq) {
		PLX_ERR(vmxnet3, "%s: no MSI-X vectors (%s), and rx interrupts need them; poll it",
			port->info.name, strerror(-err));
		return err;
	}
	PLX_WARN(vmxnet3, "%s: no MSI-X vectors (%s): the event fd will not tell of link changes",
		 port->info.name, strerror(-err));
	port->info.features &= ~PLX_PORT_HAS(RX_IRQ);
	return 0;
}

static void mask(struct vmxnet3_port *p, unsigned int vector, uint32_t masked)
{
	plx_mmio_write32(p->bar0 + VMXNET3_IMR(vector), masked);
}

static int vmxnet3_irq_arm(struct plx_rxq *rxq)
{
	mask(vmxnet3_port(rxq->port), rxq->id, 0);
	/* What came before the write is here already, what comes after it interrupts. */
	plx_dma_mb();
	return vmxnet3_rx_pending((struct vmxnet3_rxq *)rxq);
}

static void vmxnet3_irq_disarm(struct plx_rxq *rxq)
{
	mask(vmxnet3_port(rxq->port), rxq->id, 1);
}

static int vmxnet3_irq_fd(const struct plx_rxq *rxq)
{
	return plx_dev_irq_fd(rxq->port->dev, rxq->id);
}

/* --- Events --------------------------------------------------------------------------------- */

static int vmxnet3_event_fd(const struct plx_port *port)
{
	const struct vmxnet3_port *p = (const struct vmxnet3_port *)port;

	return p->irqs ? plx_dev_irq_fd(port->dev, VMXNET3_VECTOR_EVENT) : -1;
}

/* The device has stopped a queue, and says why in the queue table. */
static void report_stopped(struct vmxnet3_port *p)
{
	struct plx_port *port = &p->base;
	unsigned int i;

	if (vmxnet3_hw_command(p, VMXNET3_CMD_GET_QUEUE_STATUS) == UINT32_MAX)
		return;
	for (i = 0; i < port->info.tx_queues; i++)
		if (p->txq_confs[i].status.stopped)
			PLX_WARN(vmxnet3, "%s: tx queue %u was stopped by the device (0x%x)",
				 port->info.name, i, le32toh(p->txq_confs[i].status.error));
	for (i = 0; i < port->info.rx_queues; i++)
		if (p->rxq_confs[i].status.stopped)
			PLX_WARN(vmxnet3, "%s: rx queue %u was stopped by the device (0x%x)",
				 port->info.name, i, le32toh(p->rxq_confs[i].status.error));
	plx_port_break(port, "the device has stopped a queue");
}

/* What the device says in the shared area has happened. */
static void take_causes(struct vmxnet3_port *p)
{
	uint32_t causes = le32toh(PLX_READ_ONCE(p->shared->ecr));

	if (!causes)
		return;
	if (causes & ~VMXNET3_ECR_ALL)
		p->register_lies++;
	plx_mmio_write32(p->bar1 + VMXNET3_ECR, causes);
	if (causes & (VMXNET3_ECR_RQERR | VMXNET3_ECR_TQERR))
		report_stopped(p);
}

static void watch_tx(struct vmxnet3_port *p, bool link_up)
{
	struct plx_port *port = &p->base;
	uint64_t now = plx_clock_ns();
	unsigned int i;

	for (i = 0; i < port->info.tx_queues; i++) {
		struct vmxnet3_txq *q = (struct vmxnet3_txq *)port->txqs[i];
		bool waiting = link_up && vmxnet3_tx_waiting(q);

		if (plx_tx_watch(&q->watch, waiting, PLX_READ_ONCE(q->clean), now))
			plx_port_break(port, "nothing was sent for 5 s (transmitter hang)");
	}
}

static unsigned int vmxnet3_events(struct plx_port *port)
{
	struct vmxnet3_port *p = vmxnet3_port(port);
	struct plx_port_link link = {0};
	unsigned int events = 0;
	eventfd_t count;

	if (!p->active || vmxnet3_hw_link(p, &link))
		return 0;
	if (p->irqs)
		eventfd_read(vmxnet3_event_fd(port), &count);
	take_causes(p);
	/* The vector masked itself when it fired. */
	if (p->irqs)
		mask(p, VMXNET3_VECTOR_EVENT, 0);
	if (link.up != p->link_up)
		events |= PLX_PORT_EVENT_LINK;
	p->link_up = link.up;
	if (plx_port_state(port) == PLX_PORT_STARTED)
		watch_tx(p, link.up);
	return events;
}

/* --- Life ----------------------------------------------------------------------------------- */

static void fill_info(struct plx_port *port)
{
	struct plx_port_info *info = &port->info;

	info->features = FEATURES;
	info->node = plx_dev_info(port->dev)->pci.node;
	info->rx_queues_max = VMXNET3_QUEUES_MAX;
	info->tx_queues_max = VMXNET3_QUEUES_MAX;
	info->descs_min = VMXNET3_DESCS_MIN;
	info->descs_max = VMXNET3_DESCS_MAX;
	info->mtu_min = VMXNET3_MTU_MIN;
	info->mtu_max = VMXNET3_MTU_MAX;
	info->tx_segs_max = VMXNET3_SEGS_MAX;
	info->macs_max = PLX_PORT_MACS_MAX;
	info->rss_types = PLX_RSS_IPV4 | PLX_RSS_IPV4_TCP | PLX_RSS_IPV6 | PLX_RSS_IPV6_TCP;
	info->rss_key_len = VMXNET3_RSS_KEY_LEN;
	info->rss_reta_size = VMXNET3_RSS_TABLE_LEN;
}

static int vmxnet3_open(struct plx_port *port, const char *arg)
{
	struct vmxnet3_port *p = vmxnet3_port(port);
	int err;

	if (!port->dev) {
		PLX_ERR(vmxnet3, "%s: this driver takes PCI addresses only, not \"%s\"",
			port->info.name, arg);
		return -EINVAL;
	}
	fill_info(port);
	p->bar0 = plx_dev_region_map(port->dev, PLX_REGION_BAR0, 0, VMXNET3_BAR_SIZE);
	p->bar1 = plx_dev_region_map(port->dev, PLX_REGION_BAR1, 0, VMXNET3_BAR_SIZE);
	if (!p->bar0 || !p->bar1)
		return -errno;
	err = vmxnet3_hw_reset(p);
	if (!err)
		err = vmxnet3_hw_mac(p, port->info.mac);
	if (!err)
		err = irqs_open(p);
	return err;
}

static void vmxnet3_close(struct plx_port *port)
{
	if (vmxnet3_port(port)->irqs)
		plx_dev_irq_disable(port->dev);
}

static void set_bursts(struct plx_port *port)
{
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		port->rxqs[i]->burst = vmxnet3_rx_burst;
	for (i = 0; i < port->info.tx_queues; i++)
		port->txqs[i]->burst = vmxnet3_tx_burst;
}

static int vmxnet3_start(struct plx_port *port)
{
	struct vmxnet3_port *p = vmxnet3_port(port);
	struct plx_port_link link = {0};
	int err = vmxnet3_hw_alloc(p);

	if (err)
		return err;
	err = vmxnet3_rings_alloc(p);
	if (err)
		goto free_shared;
	err = plx_dev_bus_master(port->dev, true);
	if (!err)
		err = vmxnet3_hw_activate(p);
	if (err)
		goto free_rings;
	if (vmxnet3_hw_link(p, &link) == 0)
		p->link_up = link.up;
	if (p->irqs)
		mask(p, VMXNET3_VECTOR_EVENT, 0);
	set_bursts(port);
	return 0;

free_rings:
	vmxnet3_hw_quiesce(p);
	plx_dev_bus_master(port->dev, false);
	vmxnet3_rings_free(p);
free_shared:
	vmxnet3_hw_free(p);
	return err;
}

static void vmxnet3_stop(struct plx_port *port)
{
	struct vmxnet3_port *p = vmxnet3_port(port);

	vmxnet3_stats_keep(p);
	vmxnet3_hw_quiesce(p);
	/* Whatever it did: without bus mastering there is no DMA. */
	plx_dev_bus_master(port->dev, false);
	vmxnet3_rings_free(p);
	vmxnet3_hw_free(p);
	p->link_up = false;
}

/* Quiet first, so that nothing signals while the kernel's reset takes the vectors away. */
static int vmxnet3_reset(struct plx_port *port)
{
	struct vmxnet3_port *p = vmxnet3_port(port);
	int err = vmxnet3_hw_reset(p);

	if (err == -ENODEV)
		return err;
	err = plx_dev_reset(port->dev);
	if (err && err != -ENOTSUP)
		return err;
	err = vmxnet3_hw_reset(p);
	if (!err && p->irqs) {
		plx_dev_irq_disable(port->dev);
		err = plx_dev_irq_enable(port->dev, PLX_IRQ_MSIX, VMXNET3_VECTORS);
	}
	return err;
}

static int vmxnet3_link(struct plx_port *port, struct plx_port_link *link)
{
	return vmxnet3_hw_link(vmxnet3_port(port), link);
}

static int vmxnet3_apply(struct plx_port *port)
{
	return vmxnet3_hw_apply(vmxnet3_port(port));
}

const struct plx_net_driver plx_net_vmxnet3 = {
	.name = "vmxnet3",
	.features = FEATURES,
	.pci = vmxnet3_ids,
	.port_size = sizeof(struct vmxnet3_port),
	.rxq_size = sizeof(struct vmxnet3_rxq),
	.txq_size = sizeof(struct vmxnet3_txq),
	.descs_default = 512,
	.open = vmxnet3_open,
	.close = vmxnet3_close,
	.start = vmxnet3_start,
	.stop = vmxnet3_stop,
	.reset = vmxnet3_reset,
	.link = vmxnet3_link,
	.stats = vmxnet3_stats,
	.xstats = vmxnet3_xstats,
	.apply = vmxnet3_apply,
	.irq_arm = vmxnet3_irq_arm,
	.irq_disarm = vmxnet3_irq_disarm,
	.irq_fd = vmxnet3_irq_fd,
	.events = vmxnet3_events,
	.event_fd = vmxnet3_event_fd,
	.rxq_desc_status = vmxnet3_rxq_desc_status,
	.txq_desc_status = vmxnet3_txq_desc_status,
	.regs = vmxnet3_hw_regs,
};
