/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: the virtio data path against a device that writes whatever the fuzzer likes
 * into its rings and packet headers. The input is a list of steps of four bytes. Whatever happens,
 * no memory but ours is touched (ASan, UBSan), each packet buffer comes back exactly once, and a
 * burst hands out packets that make sense.
 */
#include <string.h>

#include "virtio_device.h"
#include "net/virtio/ring.h"

#define DESCS 64
#define BUFS  1024
#define BURST 40
#define STEP  4

static struct plx_pktbuf_pool *pool;

/* --- The device's side ---------------------------------------------------------------------- */

static struct virtq *queue_of(struct plx_port *port, unsigned int index)
{
	return index ? &((struct virtio_txq *)port->txqs[0])->vq
		     : &((struct virtio_rxq *)port->rxqs[0])->vq;
}

/* A used entry at a slot: nearly right or not at all. */
static void write_used(struct virtq *vq, uint8_t slot, uint16_t value)
{
	uint32_t pos = vq->next + slot % 8, len = value & 0x8000 ? value * 65537u : value & 0x7ff;
	uint32_t id = value & 0x4000 ? value : pos & vq->mask;

	if (vq->is_packed)
		vq->packed.ring[pos & vq->mask].meta =
			len | PACKED_ID(id & 0xffff) |
			(value & 0x2000 ? PACKED_FLAGS(value) : packed_used(vq, pos));
	else
		vq->split.used->ring[pos & vq->mask] = (struct split_used_elem){id, len};
}

static void write_index(struct virtq *vq, uint8_t kind, uint16_t value)
{
	if (vq->is_packed)
		memcpy(vq->packed.device, &value, sizeof(value));
	else if (kind & 1)
		vq->split.used->flags = value;
	else
		vq->split.used->idx = (uint16_t)(kind & 2 ? value : vq->next + value % 80);
}

/* Anywhere in what the device could write. */
static void write_anywhere(struct virtq *vq, uint8_t at, uint16_t value)
{
	uint16_t *memory = vq->memory;

	memory[(at * 16u + value % 16) % (DESCS * 16 / 2)] = value;
}

static void write_header(struct plx_port *port, uint8_t at, uint16_t value)
{
	struct virtio_rxq *q = (struct virtio_rxq *)port->rxqs[0];
	struct plx_pktbuf *p = q->vq.bufs[(q->vq.next + at % 4) & q->vq.mask];
	uint16_t *hdr;

	if (!virtq_in_flight(&q->vq) || !p)
		return;
	hdr = (uint16_t *)((char *)p + q->hdr_offset);
	hdr[at / 4 % (VIRTIO_HDR_LEN / 2)] = value;
}

/* --- The application's side ----------------------------------------------------------------- */

static void receive(struct plx_port *port, uint16_t n)
{
	struct plx_pktbuf *pkts[BURST];
	uint16_t got = plx_rx_burst(port->rxqs[0], pkts, n % (BURST + 1)), i;

	CHECK(got <= BURST);
	for (i = 0; i < got; i++)
		CHECK(plx_pktbuf_check(pkts[i]) == 0);
	plx_pktbuf_free_burst(pkts, got);
}

static void transmit(struct plx_port *port, uint8_t n, uint16_t value)
{
	struct plx_pktbuf *pkts[BURST];
	uint16_t i, count = n % (BURST + 1), sent;

	for (i = 0; i < count; i++) {
		pkts[i] = plx_pktbuf_alloc(pool);
		if (!pkts[i])
			break;
		plx_pktbuf_append(pkts[i], value % 1600);
		if (value & 0x8000)
			pkts[i]->flags = (uint32_t)value << 16;
		pkts[i]->l2_len = (uint8_t)value;
		pkts[i]->l3_len = value;
		pkts[i]->l4_len = (uint8_t)(value >> 4);
		pkts[i]->mss = value;
	}
	sent = plx_tx_burst(port->txqs[0], pkts, i);
	CHECK(sent <= i);
	plx_pktbuf_free_burst(&pkts[sent], (uint16_t)(i - sent));
}

static void step(struct plx_port *port, const uint8_t *s)
{
	const uint16_t value = (uint16_t)(s[2] | s[3] << 8);
	struct virtq *vq = queue_of(port, s[0] >> 7);

	switch (s[0] & 7) {
	case 0:
	case 1:
		write_used(vq, s[1], value);
		break;
	case 2:
		write_index(vq, s[1], value);
		break;
	case 3:
		write_anywhere(vq, s[1], value);
		break;
	case 4:
		write_header(port, s[1], value);
		break;
	case 5:
		transmit(port, s[1], value);
		break;
	default:
		receive(port, s[1]);
	}
}

/* --- One input ------------------------------------------------------------------------------ */

static struct plx_port *open_port(uint8_t how)
{
	const uint64_t extra = VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM |
			       VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |
			       VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 |
			       VIRTIO_NET_F_MRG_RXBUF;
	struct plx_port_config config = {.pool = pool, .rx_descs = DESCS, .tx_descs = DESCS};

	dev.offered = VIRTIO_F_VERSION_1 | extra;
	if (how & 1)
		dev.offered |= VIRTIO_F_RING_PACKED;
	if (how & 2)
		dev.offered |= VIRTIO_F_EVENT_IDX;
	if (how & 4)
		dev.offered |= VIRTIO_F_INDIRECT_DESC;
	if (how & 64)
		dev.offered |= VIRTIO_F_IN_ORDER;
	if (how & 128)
		config.offloads |= PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(VLAN_INSERT);
	if (how & 8)
		config.offloads |= PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(TX_L4_CSUM);
	if (how & 16)
		config.offloads |= PLX_PORT_HAS(LRO);
	if ((how & 32) && (how & 4))
		config.offloads |= PLX_PORT_HAS(TSO);
	return plx_port_open_with(&device_driver, NULL, "fuzz", NULL, &config);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_eal_up();
	pool = fuzz_pool(BUFS);
	device_init();
	dev.queue_size = DESCS;
	dev.config[VIRTIO_NET_CFG_STATUS] = VIRTIO_NET_S_LINK_UP;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct plx_port *port;
	size_t i;

	if (size < 1)
		return 0;
	port = open_port(data[0]);
	CHECK(port && plx_port_start(port) == 0);
	for (i = 1; i + STEP <= size && plx_port_state(port) == PLX_PORT_STARTED; i += STEP)
		step(port, &data[i]);
	plx_port_close(port);
	CHECK(plx_mempool_available(&pool->objs) == BUFS);
	return 0;
}
