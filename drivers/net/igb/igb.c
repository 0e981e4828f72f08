/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The 82576 (8086:10c9), its physical functions, among Intel's gigabit NICs: advanced descriptors,
 * up to 8 queues each way with RSS, MSI-X. Sections are those of its data sheet.
 */
#include <errno.h>

#include <pollux/clock.h>

#include "igb_regs.h"
#include "net/intel/intel.h"

/* The device has 16, and MSI-X vectors for 8 of each and the rest. */
#define QUEUES	     8
#define VECTOR_OTHER QUEUES
#define PHY_OWN_US   10000
#define POLL_US	     50

static const struct plx_pci_match ids[] = {
	{.vendor = 0x8086, .device = 0x10c9},
	{0},
};

/* --- Interrupts (7.3) ----------------------------------------------------------------------- */

/* IVAR i has rx queue i in its first byte, rx queue i + 8 in its third (8.8.13). */
static void irqs_start(struct intel_port *p)
{
	uint32_t all = 1u << VECTOR_OTHER;
	unsigned int i;

	intel_set(p, IGB_GPIE, IGB_GPIE_NSICR | IGB_GPIE_MULTI | IGB_GPIE_EIAME | IGB_GPIE_PBA);
	for (i = 0; i < p->base.info.rx_queues; i++) {
		intel_set(p, IGB_IVAR(i), IGB_IVAR_VALID | i);
		all |= 1u << i;
	}
	intel_set(p, IGB_IVAR_MISC, (IGB_IVAR_VALID | VECTOR_OTHER) << IGB_IVAR_OTHER_SHIFT);
	/* Firing clears a vector's cause and masks it: arming is one write to EIMS. */
	intel_set(p, IGB_EIAC, all);
	intel_set(p, IGB_EIAM, all);
	intel_set(p, IGB_EIMS, 1u << VECTOR_OTHER);
	intel_set(p, INTEL_IMS, INTEL_INT_LSC);
}

static void irq_arm(struct intel_port *p, unsigned int queue)
{
	intel_set(p, IGB_EIMS, 1u << queue);
}

static void irq_disarm(struct intel_port *p, unsigned int queue)
{
	intel_set(p, IGB_EIMC, 1u << queue);
}

static void irq_ack(struct intel_port *p)
{
	/* Reading clears the causes; those of the queues are in EICR. */
	intel_get(p, INTEL_ICR);
	intel_set(p, IGB_EIMS, 1u << VECTOR_OTHER);
}

/* --- PHY (4.7: semaphores) ------------------------------------------------------------------ */

static uint32_t phy_bit(const struct intel_port *p)
{
	uint32_t status = intel_get(p, INTEL_STATUS);

	return IGB_SYNC_PHY(status >> IGB_STATUS_PORT_SHIFT & IGB_STATUS_PORT_MASK);
}

/* The lock over the register that says who owns what. */
static int sync_lock(struct intel_port *p)
{
	uint64_t end = plx_clock_ns() + PHY_OWN_US * UINT64_C(1000);

	for (;;) {
		intel_set(p, IGB_SWSM, intel_get(p, IGB_SWSM) | IGB_SWSM_SWESMBI);
		if (intel_get(p, IGB_SWSM) & IGB_SWSM_SWESMBI)
			return 0;
		if (plx_clock_ns() >= end)
			return -ETIMEDOUT;
		plx_delay_us(POLL_US);
	}
}

static void sync_unlock(struct intel_port *p)
{
	intel_set(p, IGB_SWSM, intel_get(p, IGB_SWSM) & ~IGB_SWSM_SWESMBI);
}

static int phy_own(struct intel_port *p)
{
	uint32_t mine = phy_bit(p), taken = mine | mine << 16;
	uint64_t end = plx_clock_ns() + PHY_OWN_US * UINT64_C(1000);

	for (;;) {
		uint32_t sync;
		int err = sync_lock(p);

		if (err)
			return err;
		sync = intel_get(p, IGB_SW_FW_SYNC);
		if (!(sync & taken))
			intel_set(p, IGB_SW_FW_SYNC, sync | mine);
		sync_unlock(p);
		if (!(sync & taken))
			return 0;
		if (plx_clock_ns() >= end)
			return -EBUSY;
		plx_delay_us(POLL_US);
	}
}

static void phy_disown(struct intel_port *p)
{
	if (sync_lock(p))
		return;
	intel_set(p, IGB_SW_FW_SYNC, intel_get(p, IGB_SW_FW_SYNC) & ~phy_bit(p));
	sync_unlock(p);
}

/* --- Queues (4.5.9, 4.5.10) ----------------------------------------------------------------- */

static uint32_t buf_size(uint32_t room)
{
	uint32_t size = room / IGB_BSIZE_UNIT * IGB_BSIZE_UNIT;

	return size < IGB_BSIZE_MAX ? size : IGB_BSIZE_MAX;
}

static void rss(struct intel_port *p)
{
	uint32_t fields = intel_rss_fields(p);

	intel_rss_tables(p, 0);
	intel_set(p, INTEL_MRQC, fields ? IGB_MRQC_RSS | fields : 0);
}

static void modes(struct intel_port *p)
{
	unsigned int i;

	intel_set(p, IGB_EIMC, UINT32_MAX);
	for (i = 0; i < INTEL_QUEUES_MAX; i++) {
		intel_set(p, IGB_RXDCTL(i), 0);
		intel_set(p, IGB_TXDCTL(i), 0);
	}
	intel_set(p, IGB_RLPML, INTEL_FRAME_MAX + 4);
	intel_set(p, INTEL_RXCSUM, INTEL_RXCSUM_PCSD | INTEL_RXCSUM_IP | INTEL_RXCSUM_L4);
	rss(p);
}

static int rxq_start(struct intel_port *p, struct intel_rxq *q)
{
	unsigned int id = q->base.id;
	uint32_t srrctl = IGB_SRRCTL_BSIZE(q->buf_size) | IGB_SRRCTL_ADVANCED;

	/* One queue that is full must not stop the others. */
	if (p->base.info.rx_queues > 1)
		srrctl |= IGB_SRRCTL_DROP_EN;
	intel_set(p, IGB_SRRCTL(id), srrctl);
	return intel_queue_enable(p, IGB_RXDCTL(id), INTEL_RX_THRESHOLDS, "rx", id);
}

static int txq_start(struct intel_port *p, struct intel_txq *q)
{
	unsigned int id = q->base.id;

	return intel_queue_enable(p, IGB_TXDCTL(id), INTEL_TX_THRESHOLDS, "tx", id);
}

static int rxq_off(struct intel_port *p, unsigned int id)
{
	return intel_queue_disable(p, IGB_RXDCTL(id));
}

static int txq_off(struct intel_port *p, unsigned int id)
{
	return intel_queue_disable(p, IGB_TXDCTL(id));
}

const struct intel_family intel_igb = {
	.driver =
		{
			.name = "igb",
			.features = INTEL_FEATURES | PLX_PORT_HAS(MULTI_QUEUE) | PLX_PORT_HAS(RSS) |
				    PLX_PORT_HAS(RSS_HASH) | PLX_PORT_HAS(QUEUE_RESTART),
			.pci = ids,
			INTEL_DRIVER,
		},
	.control = &intel_physical,
	.queues_max = QUEUES,
	.pcie = true,
	.nvm_optional = true,
	.rx_regs = IGB_RDBAL(0),
	.tx_regs = IGB_TDBAL(0),
	.queue_stride = IGB_RDBAL(1) - IGB_RDBAL(0),
	.rx_burst = intel_rx_burst_advanced,
	.rx_burst_offload = intel_rx_burst_advanced_offload,
	.tx_burst = intel_tx_burst_advanced,
	.irq_type = PLX_IRQ_MSIX,
	.vectors = QUEUES + 1,
	.irqs_start = irqs_start,
	.irq_arm = irq_arm,
	.irq_disarm = irq_disarm,
	.irq_ack = irq_ack,
	.phy_own = phy_own,
	.phy_disown = phy_disown,
	.buf_size = buf_size,
	.modes = modes,
	.rss = rss,
	.rss_types = PLX_RSS_IPV4 | PLX_RSS_IPV4_TCP | PLX_RSS_IPV4_UDP | PLX_RSS_IPV6 |
		     PLX_RSS_IPV6_TCP | PLX_RSS_IPV6_UDP,
	.rxq_start = rxq_start,
	.txq_start = txq_start,
	.rxq_off = rxq_off,
	.txq_off = txq_off,
};
