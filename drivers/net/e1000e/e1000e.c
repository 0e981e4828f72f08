/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 82574L (8086:10d3) among Intel's gigabit NICs: extended rx descriptors, two queues each way
 * with RSS, MSI-X, a PHY that is shared with firmware. Sections are those of its data sheet.
 */
#include "net/intel/intel.h"

#define QUEUES	     2
#define VECTOR_OTHER QUEUES
#define PHY_OWN_US   10000

static const struct plx_pci_match ids[] = {
	{.vendor = 0x8086, .device = 0x10d3},
	{0},
};

/* --- Interrupts (10.2.4) -------------------------------------------------------------------- */

static uint32_t ivar_entry(unsigned int vector, unsigned int shift)
{
	return (INTEL_IVAR_VALID | vector) << shift;
}

static void irqs_start(struct intel_port *p)
{
	uint32_t ivar = ivar_entry(VECTOR_OTHER, INTEL_IVAR_OTHER_SHIFT);
	uint32_t rx = 0;
	unsigned int i;

	for (i = 0; i < p->base.info.rx_queues; i++) {
		ivar |= ivar_entry(i, INTEL_IVAR_RXQ_SHIFT(i));
		rx |= INTEL_INT_RXQ(i);
	}
	intel_set(p, INTEL_CTRL_EXT, intel_get(p, INTEL_CTRL_EXT) | INTEL_CTRL_EXT_PBA_SUPPORT);
	intel_set(p, INTEL_IVAR, ivar);
	/* Firing clears the cause and masks it: arming is one write to IMS. */
	intel_set(p, INTEL_EIAC, rx);
	intel_set(p, INTEL_IMS, INTEL_INT_LSC | INTEL_INT_OTHER);
}

static void irq_arm(struct intel_port *p, unsigned int queue)
{
	intel_set(p, INTEL_IMS, INTEL_INT_RXQ(queue));
}

static void irq_disarm(struct intel_port *p, unsigned int queue)
{
	intel_set(p, INTEL_IMC, INTEL_INT_RXQ(queue));
}

/* Write one to clear: reading might clear causes of the rx queues too. */
static void irq_ack(struct intel_port *p)
{
	intel_set(p, INTEL_ICR, INTEL_INT_LSC | INTEL_INT_OTHER);
}

/* --- PHY ------------------------------------------------------------------------------------ */

static int phy_own(struct intel_port *p)
{
	uint32_t value = intel_get(p, INTEL_EXTCNF_CTRL) | INTEL_EXTCNF_CTRL_MDIO_SW;

	intel_set(p, INTEL_EXTCNF_CTRL, value);
	return intel_hw_wait(p, INTEL_EXTCNF_CTRL, INTEL_EXTCNF_CTRL_MDIO_SW,
			     INTEL_EXTCNF_CTRL_MDIO_SW, PHY_OWN_US);
}

static void phy_disown(struct intel_port *p)
{
	intel_set(p, INTEL_EXTCNF_CTRL,
		  intel_get(p, INTEL_EXTCNF_CTRL) & ~INTEL_EXTCNF_CTRL_MDIO_SW);
}

/* --- Queues --------------------------------------------------------------------------------- */

/*
 * Empty the queues that are not used. The device may still know rings of its last user there
 * (QEMU's keeps them, and RSS, over any reset), and would follow them into memory that is no longer
 * ours.
 */
static void queues_off(struct intel_port *p)
{
	unsigned int i;

	for (i = p->base.info.rx_queues; i < QUEUES; i++) {
		intel_set(p, INTEL_RDLEN(i), 0);
		intel_set(p, INTEL_RDH(i), 0);
		intel_set(p, INTEL_RDT(i), 0);
	}
	for (i = p->base.info.tx_queues; i < QUEUES; i++) {
		intel_set(p, INTEL_TARC(i), INTEL_TARC_COUNT);
		intel_set(p, INTEL_TDLEN(i), 0);
		intel_set(p, INTEL_TDH(i), 0);
		intel_set(p, INTEL_TDT(i), 0);
	}
	intel_set(p, INTEL_MRQC, 0);
}

/* Two queues, the number in bit 7 of an entry (10.2.5.27). */
static void rss(struct intel_port *p)
{
	uint32_t fields = intel_rss_fields(p);

	intel_rss_tables(p, 7);
	intel_set(p, INTEL_MRQC, fields ? INTEL_MRQC_RSS | fields : 0);
}

static void modes(struct intel_port *p)
{
	queues_off(p);
	intel_set(p, INTEL_RFCTL, INTEL_RFCTL_EXSTEN);
	intel_set(p, INTEL_RXCSUM, INTEL_RXCSUM_PCSD | INTEL_RXCSUM_IP | INTEL_RXCSUM_L4);
	intel_set(p, INTEL_RDTR, 0);
	intel_set(p, INTEL_RADV, 0);
	intel_set(p, INTEL_TIDV, 0);
	intel_set(p, INTEL_TADV, 0);
	rss(p);
}

static int rxq_start(struct intel_port *p, struct intel_rxq *q)
{
	intel_set(p, INTEL_RXDCTL(q->base.id), INTEL_XDCTL_GRAN | INTEL_RX_THRESHOLDS);
	return 0;
}

static int txq_start(struct intel_port *p, struct intel_txq *q)
{
	uint32_t id = q->base.id;

	intel_set(p, INTEL_TXDCTL(id), INTEL_XDCTL_GRAN | INTEL_TXDCTL_BIT22 | INTEL_TX_THRESHOLDS);
	intel_set(p, INTEL_TARC(id), INTEL_TARC_ENABLE | INTEL_TARC_COUNT);
	return 0;
}

const struct intel_family intel_e1000e = {
	.driver =
		{
			.name = "e1000e",
			.features = INTEL_FEATURES | PLX_PORT_HAS(MULTI_QUEUE) | PLX_PORT_HAS(RSS) |
				    PLX_PORT_HAS(RSS_HASH),
			.pci = ids,
			INTEL_DRIVER,
		},
	.control = &intel_physical,
	.queues_max = QUEUES,
	.pcie = true,
	.rx_regs = INTEL_RDBAL(0),
	.tx_regs = INTEL_TDBAL(0),
	.queue_stride = INTEL_RDBAL(1) - INTEL_RDBAL(0),
	.rx_burst = intel_rx_burst_extended,
	.rx_burst_offload = intel_rx_burst_extended_offload,
	.tx_burst = intel_tx_burst_data,
	.irq_type = PLX_IRQ_MSIX,
	.vectors = QUEUES + 1,
	.irqs_start = irqs_start,
	.irq_arm = irq_arm,
	.irq_disarm = irq_disarm,
	.irq_ack = irq_ack,
	.phy_own = phy_own,
	.phy_disown = phy_disown,
	.buf_size = intel_buf_size_rctl,
	.modes = modes,
	.rss = rss,
	.rss_types = PLX_RSS_IPV4 | PLX_RSS_IPV4_TCP | PLX_RSS_IPV6 | PLX_RSS_IPV6_TCP,
	.rxq_start = rxq_start,
	.txq_start = txq_start,
};
