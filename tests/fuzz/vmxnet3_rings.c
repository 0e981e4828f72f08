/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: the data path of vmxnet3 against a device that writes whatever the fuzzer likes
 * into its completion rings and the queue table. Whatever happens, no memory but ours is touched
 * (ASan, UBSan), each packet buffer comes back exactly once, and a burst hands out packets that
 * make sense.
 */
#include "net/vmxnet3/vmxnet3.h"
#include "rings.h"

static struct vmxnet3_port port;
static struct vmxnet3_rxq rxq;
static struct vmxnet3_txq txq;
static struct plx_rxq *rxqs[] = {&rxq.base};
static struct plx_txq *txqs[] = {&txq.base};
static uint32_t bar0[VMXNET3_BAR_SIZE / 4];

/* --- The device's side ---------------------------------------------------------------------- */

/* A completion near the next one: nearly right or not at all. */
static void write_rx(uint8_t slot, uint16_t value)
{
	const struct vmxnet3_rx_ring *r = slot & 8 ? &rxq.bodies : &rxq.heads;
	uint32_t at = (rxq.comp_next + slot % 8) % rxq.comp_size;
	uint64_t what = (r->next + slot % 8) & r->mask;

	if (slot & 8)
		what |= UINT64_C(1) << VMXNET3_RXC_QUEUE_SHIFT;
	if (value & 0x1000)
		what |= VMXNET3_RXC_SOP;
	if (value & 0x2000)
		what |= VMXNET3_RXC_EOP;
	if (value & 0x4000)
		what ^= value * UINT64_C(0x100010001);
	rxq.comp[at].what = what;
	rxq.comp[at].result = (value & 0x8000 ? value * UINT64_C(0x10001) : value % 2100) |
			      (slot & 16 ? (uint64_t)value << 48 : 0);
	rxq.comp[at].result &= ~VMXNET3_RXC_GEN;
	rxq.comp[at].result |= rxq.comp_gen;
}

static void write_tx(uint8_t slot, uint16_t value)
{
	struct vmxnet3_tx_comp *comp = &txq.comp[(txq.comp_next + slot % 8) & txq.mask];

	comp->what = slot & 8 ? value : (txq.clean + slot / 16) & txq.mask;
	comp->result = txq.comp_gen;
}

static void write_anywhere(void *ring, size_t bytes, uint8_t at, uint16_t value)
{
	uint16_t *memory = ring;

	memory[(at * 16u + value % 16) % (bytes / 2)] = value;
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
		if (s[0] & 8)
			write_anywhere(rxq.comp, rxq.comp_size * sizeof(*rxq.comp), s[1], value);
		else
			write_anywhere(rxq.heads.ring, DESCS * sizeof(*rxq.heads.ring), s[1],
				       value);
		break;
	case 3:
		if (s[0] & 8)
			write_anywhere(txq.comp, DESCS * sizeof(*txq.comp), s[1], value);
		else
			write_anywhere(port.txq_confs, 2 * sizeof(*port.txq_confs), s[1], value);
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
	struct plx_port *base = &port.base;

	memset(&port, 0, sizeof(port));
	memset(&rxq, 0, sizeof(rxq));
	memset(&txq, 0, sizeof(txq));
	ring_port(base, &plx_net_vmxnet3, rxqs, txqs);
	base->settings.mtu = how & 1 ? VMXNET3_MTU_MAX : PLX_MTU_DEFAULT;
	if (how & 2)
		base->settings.offloads |= PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(VLAN_INSERT);
	if (how & 4)
		base->settings.offloads |= PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(RSS_HASH);
	if (how & 8)
		base->settings.offloads |= PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO);
	if (how & 16)
		base->settings.offloads |= PLX_PORT_HAS(LRO);
	port.bar0 = (char *)bar0;
	CHECK(vmxnet3_hw_alloc(&port) == 0 && vmxnet3_rings_alloc(&port) == 0);
	rxq.base.burst = vmxnet3_rx_burst;
	txq.base.burst = vmxnet3_tx_burst;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t i;

	if (size < 1)
		return 0;
	start(data[0]);
	for (i = 1; i + STEP <= size && plx_port_state(&port.base) == PLX_PORT_STARTED; i += STEP)
		step(&data[i]);
	vmxnet3_rings_free(&port);
	vmxnet3_hw_free(&port);
	CHECK(plx_mempool_available(&pool->objs) == BUFS);
	return 0;
}
