/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 82540EM and 82545EM (8086:100e, 8086:100f) among Intel's gigabit NICs: legacy rx descriptors,
 * one queue each way, INTx. Sections are those of the "PCI/PCI-X Family of Gigabit Ethernet
 * Controllers Software Developer's Manual", revision 4.0.
 */
#include "net/intel/intel.h"

/* What reception raises (13.4.17): descriptors at the threshold, overrun, timer. */
#define INT_RX (1u << 4 | 1u << 6 | 1u << 7)

static const struct plx_pci_match ids[] = {
	{.vendor = 0x8086, .device = 0x100e},
	{.vendor = 0x8086, .device = 0x100f},
	{0},
};

/* The only vector is level-triggered: nothing is enabled before somebody waits for it. */
static void irqs_start(struct intel_port *p)
{
	intel_set(p, INTEL_IMC, UINT32_MAX);
}

static void irq_arm(struct intel_port *p, unsigned int queue)
{
	(void)queue;
	intel_set(p, INTEL_IMS, INT_RX);
}

static void irq_disarm(struct intel_port *p, unsigned int queue)
{
	(void)queue;
	intel_set(p, INTEL_IMC, INT_RX);
	/* Reading clears the causes, and with them the line. */
	intel_get(p, INTEL_ICR);
}

static void modes(struct intel_port *p)
{
	intel_set(p, INTEL_RXCSUM, INTEL_RXCSUM_IP | INTEL_RXCSUM_L4);
	intel_set(p, INTEL_RDTR, 0);
	intel_set(p, INTEL_RADV, 0);
	intel_set(p, INTEL_TIDV, 0);
	intel_set(p, INTEL_TADV, 0);
}

static int rxq_start(struct intel_port *p, struct intel_rxq *q)
{
	intel_set(p, INTEL_RXDCTL(q->base.id), INTEL_XDCTL_GRAN | INTEL_RX_THRESHOLDS);
	return 0;
}

static int txq_start(struct intel_port *p, struct intel_txq *q)
{
	intel_set(p, INTEL_TXDCTL(q->base.id), INTEL_XDCTL_GRAN | INTEL_TX_THRESHOLDS);
	return 0;
}

const struct intel_family intel_e1000 = {
	.driver =
		{
			.name = "e1000",
			.features = INTEL_FEATURES,
			.pci = ids,
			INTEL_DRIVER,
		},
	.control = &intel_physical,
	.queues_max = 1,
	.legacy_rx = true,
	.rx_regs = INTEL_RDBAL(0),
	.tx_regs = INTEL_TDBAL(0),
	.rx_burst = intel_rx_burst_legacy,
	.rx_burst_offload = intel_rx_burst_legacy_offload,
	.tx_burst = intel_tx_burst_data,
	.irq_type = PLX_IRQ_INTX,
	.vectors = 1,
	.irqs_start = irqs_start,
	.irq_arm = irq_arm,
	.irq_disarm = irq_disarm,
	.buf_size = intel_buf_size_rctl,
	.modes = modes,
	.rxq_start = rxq_start,
	.txq_start = txq_start,
};
