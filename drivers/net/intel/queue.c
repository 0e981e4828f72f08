/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single queues of Intel's NICs: off and on while the others go on, where the device can, and the
 * state of their descriptors.
 */
#include <errno.h>

#include <pollux/log.h>

#include "intel.h"

PLX_LOG_USE(intel);

#define ENABLE_US   10000
#define RX_OFFLOADS (PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(RSS_HASH))

intel_rx_burst_fn intel_rx_burst_of(const struct plx_port *port)
{
	const struct intel_family *family = (const struct intel_family *)port->driver;

	return port->settings.offloads & RX_OFFLOADS ? family->rx_burst_offload : family->rx_burst;
}

int intel_queue_enable(struct intel_port *p, uint32_t reg, uint32_t value, const char *what,
		       unsigned int id)
{
	int err;

	intel_set(p, reg, value | INTEL_XDCTL_ENABLE);
	err = intel_hw_wait(p, reg, INTEL_XDCTL_ENABLE, INTEL_XDCTL_ENABLE, ENABLE_US);
	if (err)
		PLX_ERR(intel, "%s: %s queue %u does not switch on; reset the port",
			p->base.info.name, what, id);
	return err;
}

int intel_queue_disable(struct intel_port *p, uint32_t reg)
{
	intel_set(p, reg, 0);
	return intel_hw_wait(p, reg, INTEL_XDCTL_ENABLE, 0, ENABLE_US);
}

int intel_rxq_stop(struct plx_rxq *rxq)
{
	struct intel_port *p = intel_port(rxq->port);
	int err = intel_family(p)->rxq_off(p, rxq->id);

	/* A queue that goes on would write into buffers that are somebody else's by then. */
	if (err) {
		plx_port_break(rxq->port, "a queue does not switch off");
		return err;
	}
	intel_rxq_free((struct intel_rxq *)rxq);
	return 0;
}

int intel_rxq_start(struct plx_rxq *rxq)
{
	struct intel_port *p = intel_port(rxq->port);
	struct intel_rxq *q = (struct intel_rxq *)rxq;
	int err = intel_rxq_alloc(q, rxq->port->info.rx_descs);

	if (!err)
		err = intel_rx_queue_on(p, q);
	if (err) {
		intel_family(p)->rxq_off(p, rxq->id);
		intel_rxq_free(q);
		return err;
	}
	plx_dma_wmb();
	plx_mmio_write32(q->rdt, q->tail);
	rxq->burst = intel_rx_burst_of(rxq->port);
	return 0;
}

int intel_txq_stop(struct plx_txq *txq)
{
	struct intel_port *p = intel_port(txq->port);
	int err = intel_family(p)->txq_off(p, txq->id);

	if (err) {
		plx_port_break(txq->port, "a queue does not switch off");
		return err;
	}
	intel_txq_free((struct intel_txq *)txq);
	return 0;
}

int intel_txq_start(struct plx_txq *txq)
{
	struct intel_port *p = intel_port(txq->port);
	struct intel_txq *q = (struct intel_txq *)txq;
	int err = intel_txq_alloc(q, txq->port->info.tx_descs);

	if (!err)
		err = intel_tx_queue_on(p, q);
	if (err) {
		intel_family(p)->txq_off(p, txq->id);
		intel_txq_free(q);
		return err;
	}
	txq->burst = intel_family(p)->tx_burst;
	return 0;
}

enum plx_desc_status intel_rxq_desc_status(const struct plx_rxq *rxq, uint16_t offset)
{
	const struct intel_rxq *q = (const struct intel_rxq *)rxq;

	if (offset >= ((q->tail - q->next) & q->mask))
		return PLX_DESC_UNUSED;
	if (le64toh(PLX_READ_ONCE(q->ring[(q->next + offset) & q->mask].meta)) & q->done)
		return PLX_DESC_DONE;
	return PLX_DESC_DEVICE;
}

/* The last descriptor of each batch is the one that the device reports. */
enum plx_desc_status intel_txq_desc_status(const struct plx_txq *txq, uint16_t offset)
{
	const struct intel_txq *q = (const struct intel_txq *)txq;
	uint32_t on_wire = (q->next - q->clean) & q->mask, first = 0, last;

	if (offset >= on_wire)
		return PLX_DESC_UNUSED;
	for (;;) {
		last = (q->batch_end[(q->clean + first) & q->mask] - q->clean) & q->mask;
		if (offset <= last)
			break;
		first = last + 1;
	}
	if (le64toh(PLX_READ_ONCE(q->ring[(q->clean + last) & q->mask].ctl)) & INTEL_TXD_DD)
		return PLX_DESC_DONE;
	return PLX_DESC_DEVICE;
}
