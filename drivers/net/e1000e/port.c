/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The e1000e driver's table: what lib/net calls (net/driver.h), composed of the steps in the other
 * files. Covers the 82574L, 8086:10d3.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include <pollux/clock.h>
#include <pollux/log.h>

#include "e1000e.h"

PLX_LOG_COMPONENT_AS(e1000e, "net.e1000e");

/* No completion for so long, with the link up: the transmitter hangs. */
#define TX_HANG_NS UINT64_C(5000000000)

#define FEATURES                                                                                   \
	(PLX_PORT_HAS(LINK_EVENT) | PLX_PORT_HAS(RX_IRQ) | PLX_PORT_HAS(MULTI_QUEUE) |             \
	 PLX_PORT_HAS(MTU) | PLX_PORT_HAS(RX_SCATTER) | PLX_PORT_HAS(TX_SEGS) |                    \
	 PLX_PORT_HAS(PROMISC) | PLX_PORT_HAS(ALLMULTI) | PLX_PORT_HAS(MAC_SET) |                  \
	 PLX_PORT_HAS(STATS) | PLX_PORT_HAS(XSTATS) | PLX_PORT_HAS(RESET) |                        \
	 PLX_PORT_HAS(REMOVE_EVENT))

static const struct plx_pci_match e1000e_ids[] = {
	{.vendor = 0x8086, .device = 0x10d3},
	{0},
};

/* The vector for all causes but reception. */
#define VECTOR_OTHER E1000E_QUEUES_MAX

/* --- Interrupts ----------------------------------------------------------------------------- */

/* MSI-X, one vector per rx queue and one for the rest (10.2.4: IVAR). Without it: polling only. */
static int irqs_open(struct e1000e_port *p)
{
	struct plx_port *port = &p->base;
	int err = plx_dev_irq_enable(port->dev, PLX_IRQ_MSIX, VECTOR_OTHER + 1);

	p->irqs = !err;
	if (!err)
		return 0;
	if (port->config.rx_irq) {
		PLX_ERR(e1000e, "%s: no MSI-X vectors (%s), and rx interrupts need them; poll it",
			port->info.name, strerror(-err));
		return err;
	}
	PLX_WARN(e1000e, "%s: no MSI-X vectors (%s): the event fd will not tell of link changes",
		 port->info.name, strerror(-err));
	port->info.features &= ~PLX_PORT_HAS(RX_IRQ);
	return 0;
}

static uint32_t ivar_entry(unsigned int vector, unsigned int shift)
{
	return (E1000E_IVAR_VALID | vector) << shift;
}

/* Causes to vectors; reception stays masked until a queue is armed. */
static void irqs_start(struct e1000e_port *p)
{
	uint32_t ivar = ivar_entry(VECTOR_OTHER, E1000E_IVAR_OTHER_SHIFT);
	uint32_t rx = 0;
	unsigned int i;

	if (!p->irqs)
		return;
	for (i = 0; i < p->base.info.rx_queues; i++) {
		ivar |= ivar_entry(i, E1000E_IVAR_RXQ_SHIFT(i));
		rx |= E1000E_INT_RXQ(i);
	}
	e1000e_set(p, E1000E_CTRL_EXT,
		   e1000e_get(p, E1000E_CTRL_EXT) | E1000E_CTRL_EXT_PBA_SUPPORT);
	e1000e_set(p, E1000E_IVAR, ivar);
	/* Firing clears the cause and masks it: arming is one write to IMS. */
	e1000e_set(p, E1000E_EIAC, rx);
	e1000e_set(p, E1000E_IMS, E1000E_INT_LSC | E1000E_INT_OTHER);
}

static int e1000e_irq_arm(struct plx_rxq *rxq)
{
	struct e1000e_port *p = e1000e_port(rxq->port);

	e1000e_set(p, E1000E_IMS, E1000E_INT_RXQ(rxq->id));
	/* What came before the write is here already, what comes after it interrupts. */
	plx_dma_mb();
	return e1000e_rx_pending((struct e1000e_rxq *)rxq);
}

static void e1000e_irq_disarm(struct plx_rxq *rxq)
{
	e1000e_set(e1000e_port(rxq->port), E1000E_IMC, E1000E_INT_RXQ(rxq->id));
}

static int e1000e_irq_fd(const struct plx_rxq *rxq)
{
	return plx_dev_irq_fd(rxq->port->dev, rxq->id);
}

/* --- Events --------------------------------------------------------------------------------- */

static int e1000e_event_fd(const struct plx_port *port)
{
	const struct e1000e_port *p = (const struct e1000e_port *)port;

	return p->irqs ? plx_dev_irq_fd(port->dev, VECTOR_OTHER) : -1;
}

/* Has a queue made no progress for TX_HANG_NS? */
static bool tx_hangs(struct e1000e_txq *q, uint64_t now)
{
	uint32_t clean = PLX_READ_ONCE(q->clean);

	if (!e1000e_tx_waiting(q) || clean != q->watch_clean || q->watch_since_ns == 0) {
		q->watch_clean = clean;
		q->watch_since_ns = now;
		return false;
	}
	return now - q->watch_since_ns > TX_HANG_NS;
}

static void watch_tx(struct e1000e_port *p, bool link_up)
{
	struct plx_port *port = &p->base;
	uint64_t now = plx_clock_ns();
	unsigned int i;

	for (i = 0; i < port->info.tx_queues; i++) {
		struct e1000e_txq *q = (struct e1000e_txq *)port->txqs[i];

		/* Without a link nothing is sent, and that is no fault. */
		if (!link_up)
			q->watch_since_ns = 0;
		else if (tx_hangs(q, now))
			plx_port_break(port, "nothing was sent for 5 s (transmitter hang)");
	}
}

static unsigned int e1000e_events(struct plx_port *port)
{
	struct e1000e_port *p = e1000e_port(port);
	struct plx_port_link link = {0};
	unsigned int events = 0;
	eventfd_t count;

	if (!port->started || e1000e_hw_link(p, &link))
		return 0;
	/* Write one to clear: reading might clear causes of the rx queues too. */
	if (p->irqs && eventfd_read(e1000e_event_fd(port), &count) == 0)
		e1000e_set(p, E1000E_ICR, E1000E_INT_LSC | E1000E_INT_OTHER);
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
	info->rx_queues_max = E1000E_QUEUES_MAX;
	info->tx_queues_max = E1000E_QUEUES_MAX;
	info->descs_min = E1000E_DESCS_MIN;
	info->descs_max = E1000E_DESCS_MAX;
	info->mtu_min = 68;
	info->mtu_max = E1000E_MTU_MAX;
	info->tx_segs_max = E1000E_SEGS_MAX;
}

static int e1000e_open(struct plx_port *port, const char *arg)
{
	struct e1000e_port *p = e1000e_port(port);
	int err;

	if (!port->dev) {
		PLX_ERR(e1000e, "%s: this driver takes PCI addresses only", port->info.name);
		return -EINVAL;
	}
	fill_info(port);
	p->bar = plx_dev_region_map(port->dev, PLX_REGION_BAR0, 0, E1000E_BAR_SIZE);
	if (!p->bar)
		return -errno;
	err = e1000e_hw_reset(p);
	if (!err)
		err = e1000e_hw_mac(p, port->info.mac);
	if (!err)
		err = irqs_open(p);
	return err;
}

static void e1000e_close(struct plx_port *port)
{
	if (e1000e_port(port)->irqs)
		plx_dev_irq_disable(port->dev);
}

/* The multicast table is not cleared by a reset. */
static void clear_filters(struct e1000e_port *p)
{
	unsigned int i;

	for (i = 0; i < E1000E_MTA_COUNT; i++)
		e1000e_set(p, E1000E_MTA(i), 0);
}

static void set_bursts(struct plx_port *port)
{
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		port->rxqs[i]->burst = e1000e_rx_burst;
	for (i = 0; i < port->info.tx_queues; i++)
		port->txqs[i]->burst = e1000e_tx_burst;
}

static int e1000e_start(struct plx_port *port)
{
	struct e1000e_port *p = e1000e_port(port);
	int err = e1000e_rings_alloc(p);

	if (err)
		return err;
	clear_filters(p);
	e1000e_hw_apply(p);
	e1000e_hw_link_up(p);
	e1000e_stats_update(p);
	e1000e_set(p, E1000E_CTRL_EXT, e1000e_get(p, E1000E_CTRL_EXT) | E1000E_CTRL_EXT_DRV_LOAD);
	err = plx_dev_bus_master(port->dev, true);
	if (!err)
		err = e1000e_rings_start(p);
	if (err) {
		plx_dev_bus_master(port->dev, false);
		e1000e_rings_free(p);
		return err;
	}
	irqs_start(p);
	set_bursts(port);
	return 0;
}

static void e1000e_stop(struct plx_port *port)
{
	struct e1000e_port *p = e1000e_port(port);

	e1000e_stats_update(p);
	e1000e_hw_reset(p);
	/* Whatever the reset did: without bus mastering there is no DMA. */
	plx_dev_bus_master(port->dev, false);
	e1000e_rings_free(p);
	p->link_up = false;
}

/*
 * The MAC's own reset, the strongest that the device has, and the MAC's again. The first one masks
 * all interrupts: the kernel's reset switches MSI-X off, and a device that signals meanwhile finds
 * vectors half torn down (QEMU's e1000e aborts on that).
 */
static int e1000e_reset(struct plx_port *port)
{
	struct e1000e_port *p = e1000e_port(port);
	int err = e1000e_hw_reset(p);

	if (err == -ENODEV)
		return err;
	err = plx_dev_reset(port->dev);
	if (err && err != -ENOTSUP)
		return err;
	err = e1000e_hw_reset(p);
	if (err)
		return err;
	if (p->irqs) {
		plx_dev_irq_disable(port->dev);
		err = plx_dev_irq_enable(port->dev, PLX_IRQ_MSIX, VECTOR_OTHER + 1);
	}
	return err;
}

static int e1000e_link(struct plx_port *port, struct plx_port_link *link)
{
	return e1000e_hw_link(e1000e_port(port), link);
}

static int e1000e_apply(struct plx_port *port)
{
	e1000e_hw_apply(e1000e_port(port));
	return 0;
}

const struct plx_net_driver plx_net_e1000e = {
	.name = "e1000e",
	.features = FEATURES,
	.pci = e1000e_ids,
	.port_size = sizeof(struct e1000e_port),
	.rxq_size = sizeof(struct e1000e_rxq),
	.txq_size = sizeof(struct e1000e_txq),
	.descs_default = 512,
	.open = e1000e_open,
	.close = e1000e_close,
	.start = e1000e_start,
	.stop = e1000e_stop,
	.reset = e1000e_reset,
	.link = e1000e_link,
	.stats = e1000e_stats,
	.xstats = e1000e_xstats,
	.apply = e1000e_apply,
	.irq_arm = e1000e_irq_arm,
	.irq_disarm = e1000e_irq_disarm,
	.irq_fd = e1000e_irq_fd,
	.events = e1000e_events,
	.event_fd = e1000e_event_fd,
};
