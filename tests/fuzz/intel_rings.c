/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: the data path of Intel's NICs, each kind of descriptor, against a device that
 * writes whatever the fuzzer likes into its rings. Whatever happens, no memory but ours is touched
 * (ASan, UBSan), each packet buffer comes back exactly once, and a burst hands out packets that
 * make sense.
 */
#include "net/intel/intel.h"
#include "rings.h"

static const struct intel_family *const families[] = {
	&intel_e1000,
	&intel_e1000e,
	&intel_igb,
	&intel_igbvf,
};

static struct intel_port port;
static struct intel_rxq rxq;
static struct intel_txq txq;
static struct plx_rxq *rxqs[] = {&rxq.base};
static struct plx_txq *txqs[] = {&txq.base};
static uint32_t doorbell;

/* --- The device's side ---------------------------------------------------------------------- */

/* A descriptor near the next one: nearly right or not at all. */
static void write_rx(uint8_t slot, uint16_t value)
{
	struct intel_rx_desc *desc = &rxq.ring[(rxq.next + slot % 8) & rxq.mask];
	uint64_t len = value & 0x1000 ? value : value % 2100;
	uint64_t meta = INTEL_RXD_DD | len << INTEL_RXD_LEN_SHIFT;

	if (value & 0x2000)
		meta |= INTEL_RXD_EOP;
	if (value & 0x4000)
		meta |= (uint64_t)slot << 24 | INTEL_RXD_VP | INTEL_RXD_IPCS | INTEL_RXD_L4CS;
	if (value & 0x8000)
		meta *= UINT64_C(0x100000001);
	if (slot & 0x80)
		desc->addr = value * UINT64_C(0x1000100010001);
	/* Legacy descriptors have the halves the other way round. */
	desc->meta = rxq.done == INTEL_RXD_DD ? meta : meta >> 32 | meta << 32;
}

static void write_anywhere(void *ring, uint8_t at, uint16_t value)
{
	uint16_t *memory = ring;

	memory[(at * 16u + value % 16) % (DESCS * sizeof(struct intel_rx_desc) / 2)] = value;
}

/* The end of the oldest batch, or any descriptor, is done. */
static void write_tx(uint8_t slot, uint16_t value)
{
	uint32_t index = slot & 1 ? txq.batch_end[txq.clean] : slot;

	txq.ring[index & txq.mask].ctl |= INTEL_TXD_DD;
	if (value & 1)
		txq.ring[index & txq.mask].ctl = ~UINT64_C(0);
}

/* --- One input ------------------------------------------------------------------------------ */

static void step(const uint8_t *s)
{
	const uint16_t value = (uint16_t)(s[2] | s[3] << 8);

	switch (s[0] & 7) {
	case 0:
	case 1:
		write_rx(s[1], value);
		break;
	case 2:
		write_anywhere(rxq.ring, s[1], value);
		break;
	case 3:
		write_anywhere(txq.ring, s[1], value);
		break;
	case 4:
		write_tx(s[1], value);
		break;
	case 5:
		app_transmit(&txq.base, s[1], value);
		break;
	default:
		app_receive(&rxq.base, s[1]);
	}
	CHECK(plx_rxq_desc_status(&rxq.base, s[1] % DESCS) != -EINVAL);
	CHECK(plx_txq_desc_status(&txq.base, s[1] % DESCS) != -EINVAL);
}

static void start(uint8_t how)
{
	const struct intel_family *family = families[how & 3];
	struct plx_port *base = &port.base;

	memset(&port, 0, sizeof(port));
	memset(&rxq, 0, sizeof(rxq));
	memset(&txq, 0, sizeof(txq));
	ring_port(base, &family->driver, rxqs, txqs);
	if (how & 4)
		base->settings.offloads |= PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(VLAN_INSERT);
	if (how & 8)
		base->settings.offloads |= PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(RSS_HASH);
	if (how & 16)
		base->settings.offloads |= PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TX_IP_CSUM);
	if (how & 32)
		base->settings.offloads |= PLX_PORT_HAS(TSO) | PLX_PORT_HAS(VLAN_INSERT);
	CHECK(intel_rxq_alloc(&rxq, DESCS) == 0 && intel_txq_alloc(&txq, DESCS) == 0);
	rxq.rdt = &doorbell;
	txq.tdt = &doorbell;
	rxq.base.burst = intel_rx_burst_of(base);
	txq.base.burst = family->tx_burst;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t i;

	if (size < 1)
		return 0;
	start(data[0]);
	for (i = 1; i + STEP <= size && plx_port_state(&port.base) == PLX_PORT_STARTED; i += STEP)
		step(&data[i]);
	intel_rxq_free(&rxq);
	intel_txq_free(&txq);
	CHECK(plx_mempool_available(&pool->objs) == BUFS);
	return 0;
}
