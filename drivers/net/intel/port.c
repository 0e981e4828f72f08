/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What lib/net calls (net/driver.h), composed of the steps in the other files and of the hooks of
 * the family.
 */
#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>

#include <pollux/clock.h>
#include <pollux/log.h>

#include "intel.h"

PLX_LOG_COMPONENT_AS(intel, "net.intel");

/* --- Interrupts ----------------------------------------------------------------------------- */

/* Without vectors: polling only. */
static int irqs_open(struct intel_port *p)
{
	const struct intel_family *family = intel_family(p);
	struct plx_port *port = &p->base;
	int err = plx_dev_irq_enable(port->dev, family->irq_type, family->vectors);

	p->irqs = !err;
	if (!err)
		return 0;
	if (port->config.rx_irq) {
		PLX_ERR(intel,
			"%s: no interrupt vectors (%s), and rx interrupts need them; poll it",
			port->info.name, strerror(-err));
		return err;
	}
	PLX_WARN(intel, "%s: no interrupt vectors (%s): the event fd will not tell of link changes",
		 port->info.name, strerror(-err));
	port->info.features &= ~PLX_PORT_HAS(RX_IRQ);
	return 0;
}

/* One vector for all, level-triggered: the kernel masks it when it fires. */
static bool shared_vector(const struct intel_port *p)
{
	return intel_family(p)->vectors == 1;
}

int intel_irq_arm(struct plx_rxq *rxq)
{
	struct intel_port *p = intel_port(rxq->port);

	intel_family(p)->irq_arm(p, rxq->id);
	if (shared_vector(p))
		plx_dev_irq_unmask(rxq->port->dev);
	/* What came before the write is here already, what comes after it interrupts. */
	plx_dma_mb();
	return intel_rx_pending((struct intel_rxq *)rxq);
}

void intel_irq_disarm(struct plx_rxq *rxq)
{
	struct intel_port *p = intel_port(rxq->port);

	intel_family(p)->irq_disarm(p, rxq->id);
}

int intel_irq_fd(const struct plx_rxq *rxq)
{
	const struct intel_port *p = (const struct intel_port *)rxq->port;

	return plx_dev_irq_fd(rxq->port->dev, shared_vector(p) ? 0 : rxq->id);
}

/* --- Events --------------------------------------------------------------------------------- */

/* A vector that receives, too, cannot be listened to by two. */
int intel_event_fd(const struct plx_port *port)
{
	const struct intel_port *p = (const struct intel_port *)port;

	if (!p->irqs || shared_vector(p))
		return -1;
	return plx_dev_irq_fd(port->dev, intel_family(p)->vectors - 1);
}

static void watch_tx(struct intel_port *p, bool link_up)
{
	struct plx_port *port = &p->base;
	uint64_t now = plx_clock_ns();
	unsigned int i;

	for (i = 0; i < port->info.tx_queues; i++) {
		struct intel_txq *q = (struct intel_txq *)port->txqs[i];

		/* Without a link nothing is sent, and that is no fault. */
		bool waiting = link_up && intel_tx_waiting(q);

		if (plx_tx_watch(&q->watch, waiting, PLX_READ_ONCE(q->clean), now))
			plx_port_break(port, "nothing was sent for 5 s (transmitter hang)");
	}
}

unsigned int intel_events(struct plx_port *port)
{
	struct intel_port *p = intel_port(port);
	const struct intel_control *control = intel_family(p)->control;
	struct plx_port_link link = {0};
	unsigned int events = 0;
	eventfd_t count;

	if (!port->started || intel_hw_link(p, &link))
		return 0;
	if (p->irqs && !shared_vector(p) && eventfd_read(intel_event_fd(port), &count) == 0)
		intel_family(p)->irq_ack(p);
	if (control->watch && !control->watch(p))
		link.up = false;
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
	const struct intel_family *family = (const struct intel_family *)port->driver;
	struct plx_port_info *info = &port->info;

	info->features = port->driver->features;
	info->node = plx_dev_info(port->dev)->pci.node;
	info->rx_queues_max = family->queues_max;
	info->tx_queues_max = family->queues_max;
	info->descs_min = INTEL_DESCS_MIN;
	info->descs_max = INTEL_DESCS_MAX;
	info->mtu_min = 68;
	info->mtu_max = INTEL_MTU_MAX;
	info->tx_segs_max = INTEL_SEGS_MAX;
	info->macs_max = PLX_PORT_MACS_MAX;
	if (!family->rss)
		return;
	info->rss_types = family->rss_types;
	info->rss_key_len = 4 * INTEL_RSSRK_COUNT;
	info->rss_reta_size = INTEL_RETA_SIZE;
}

int intel_open(struct plx_port *port, const char *arg)
{
	struct intel_port *p = intel_port(port);
	const struct intel_control *control;
	int err;

	if (!port->dev) {
		PLX_ERR(intel, "%s: this driver takes PCI addresses only", port->info.name);
		return -EINVAL;
	}
	fill_info(port);
	control = intel_family(p)->control;
	p->bar = plx_dev_region_map(port->dev, PLX_REGION_BAR0, 0, control->bar_size);
	if (!p->bar)
		return -errno;
	err = control->reset(p);
	if (!err)
		err = control->address(p, port->info.mac);
	if (!err)
		err = irqs_open(p);
	return err;
}

void intel_close(struct plx_port *port)
{
	if (intel_port(port)->irqs)
		plx_dev_irq_disable(port->dev);
}

static void set_bursts(struct plx_port *port)
{
	const struct intel_family *family = (const struct intel_family *)port->driver;
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		port->rxqs[i]->burst = intel_rx_burst_of(port);
	for (i = 0; i < port->info.tx_queues; i++)
		port->txqs[i]->burst = family->tx_burst;
}

int intel_start(struct plx_port *port)
{
	struct intel_port *p = intel_port(port);
	const struct intel_control *control = intel_family(p)->control;
	int err = intel_rings_alloc(p);

	if (err)
		return err;
	err = control->apply(p);
	if (err) {
		intel_rings_free(p);
		return err;
	}
	control->claim(p);
	intel_stats_update(p);
	err = plx_dev_bus_master(port->dev, true);
	if (!err)
		err = intel_rings_start(p);
	if (err) {
		plx_dev_bus_master(port->dev, false);
		intel_rings_free(p);
		return err;
	}
	if (p->irqs)
		intel_family(p)->irqs_start(p);
	set_bursts(port);
	return 0;
}

void intel_stop(struct plx_port *port)
{
	struct intel_port *p = intel_port(port);

	intel_stats_update(p);
	intel_family(p)->control->reset(p);
	/* Whatever the reset did: without bus mastering there is no DMA. */
	plx_dev_bus_master(port->dev, false);
	intel_rings_free(p);
	p->link_up = false;
}

/*
 * The MAC's own reset, the strongest that the device has, and the MAC's again. The first one masks
 * all interrupts: the kernel's reset switches MSI-X off, and a device that signals meanwhile finds
 * vectors half torn down (QEMU's e1000e aborts on that).
 */
int intel_reset(struct plx_port *port)
{
	struct intel_port *p = intel_port(port);
	const struct intel_control *control = intel_family(p)->control;
	int err = control->reset(p);

	if (err == -ENODEV)
		return err;
	err = plx_dev_reset(port->dev);
	if (err && err != -ENOTSUP)
		return err;
	err = control->reset(p);
	if (err)
		return err;
	if (p->irqs) {
		plx_dev_irq_disable(port->dev);
		err = plx_dev_irq_enable(port->dev, intel_family(p)->irq_type,
					 intel_family(p)->vectors);
	}
	return err;
}

int intel_link(struct plx_port *port, struct plx_port_link *link)
{
	return intel_hw_link(intel_port(port), link);
}

int intel_apply(struct plx_port *port)
{
	struct intel_port *p = intel_port(port);

	return intel_family(p)->control->apply(p);
}
