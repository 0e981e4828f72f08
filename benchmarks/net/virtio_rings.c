/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does a packet cost the virtio driver itself, as instructions? The device is played in
 * memory, always has a full burst ready, and is not counted: callgrind collects in measured() only,
 * which receives a burst of 32 and sends it. Called by native-virtio-rings.bench.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/eal.h>

#include "net/virtio/ring.h"
#include "net/virtio/virtio_net.h"

#define BURST	  32
#define DESCS	  256
#define FRAME_LEN 60
#define BUFS	  4096

static struct {
	struct virtio_transport base;
	struct virtio_queue_setup queues[2];
	uint64_t offered;
	uint8_t status;
	uint16_t doorbell;
	uint32_t used[2]; /* positions */
} dev;

static uint8_t get_status(struct virtio_transport *t)
{
	return dev.status;
}

static void set_status(struct virtio_transport *t, uint8_t status)
{
	dev.status = status;
}

static uint64_t get_features(struct virtio_transport *t)
{
	return dev.offered;
}

static void set_features(struct virtio_transport *t, uint64_t features)
{
}

static uint32_t get_config(struct virtio_transport *t, uint32_t offset, unsigned int width)
{
	return 0;
}

static uint8_t get_generation(struct virtio_transport *t)
{
	return 0;
}

static int config_vector(struct virtio_transport *t, int vector)
{
	return 0;
}

static uint32_t queue_size_max(struct virtio_transport *t, uint16_t index)
{
	return index < 2 ? DESCS : 0;
}

static int queue_enable(struct virtio_transport *t, struct virtio_queue_setup *setup)
{
	setup->doorbell = &dev.doorbell;
	dev.queues[setup->index] = *setup;
	return 0;
}

static int vectors(struct virtio_transport *t, unsigned int n)
{
	return 0;
}

static int vector_fd(const struct virtio_transport *t, unsigned int vector)
{
	return -1;
}

static int dma(struct virtio_transport *t, bool on)
{
	return 0;
}

static int force_reset(struct virtio_transport *t)
{
	return 0;
}

static void close_transport(struct virtio_transport *t)
{
}

static const struct virtio_transport_ops ops = {
	.status = get_status,
	.set_status = set_status,
	.features = get_features,
	.set_features = set_features,
	.config = get_config,
	.generation = get_generation,
	.config_vector = config_vector,
	.queue_size_max = queue_size_max,
	.queue_enable = queue_enable,
	.vectors = vectors,
	.vector_fd = vector_fd,
	.dma = dma,
	.force_reset = force_reset,
	.close = close_transport,
};

static int attach(struct plx_port *port, const char *arg)
{
	port->info.node = PLX_NODE_ANY;
	return virtio_port_attach(virtio_port(port), &dev.base);
}

/* --- The device ----------------------------------------------------------------------------- */

/* Use the next n buffers of a queue, in order; it does not want notifications. */
static void device_uses(struct virtq *vq, unsigned int queue, uint32_t n, uint32_t len)
{
	for (; n; n--, dev.used[queue]++) {
		const uint32_t pos = dev.used[queue], slot = pos & vq->mask;

		if (vq->is_packed)
			vq->packed.ring[slot].meta = len | PACKED_ID(slot) | packed_used(vq, pos);
		else
			vq->split.used->ring[slot] = (struct split_used_elem){slot, len};
	}
	if (vq->is_packed) {
		vq->packed.device->flags = PACKED_EVENT_DISABLE;
	} else {
		vq->split.used->flags = VIRTQ_USED_F_NO_NOTIFY;
		vq->split.used->idx = (uint16_t)dev.used[queue];
	}
}

/* --- What is measured ----------------------------------------------------------------------- */

__attribute__((noinline)) static uint16_t measured(struct plx_rxq *rxq, struct plx_txq *txq)
{
	struct plx_pktbuf *pkts[BURST];
	uint16_t n = plx_rx_burst(rxq, pkts, BURST);

	return plx_tx_burst(txq, pkts, n);
}

static int run(struct plx_port *port, unsigned long bursts)
{
	struct virtio_rxq *rxq = (struct virtio_rxq *)port->rxqs[0];
	struct virtio_txq *txq = (struct virtio_txq *)port->txqs[0];

	for (; bursts; bursts--) {
		device_uses(&rxq->vq, 0, BURST, FRAME_LEN + VIRTIO_HDR_LEN);
		if (measured(&rxq->base, &txq->base) != BURST)
			return -EIO;
		device_uses(&txq->vq, 1, BURST, 0);
	}
	return 0;
}

int main(int argc, char **argv)
{
	const bool packed = argc == 3 && strcmp(argv[1], "packed") == 0;
	const unsigned long bursts = argc == 3 ? strtoul(argv[2], NULL, 10) : 0;
	const struct plx_eal_config eal = {.no_huge = true};
	struct plx_pktbuf_pool_config pool = {.count = BUFS};
	struct plx_port_config config = {.rx_descs = DESCS, .tx_descs = DESCS};
	struct plx_net_driver driver = plx_net_virtio;
	struct plx_port *port;
	int err = -ENODEV;

	if (!bursts || (!packed && strcmp(argv[1], "split"))) {
		fprintf(stderr, "usage: virtio_rings split|packed BURSTS\n");
		return 2;
	}
	if (plx_eal_init(&eal))
		return EXIT_FAILURE;
	dev.base = (struct virtio_transport){
		.ops = &ops, .name = "memory", .features_needed = VIRTIO_F_VERSION_1};
	dev.offered = VIRTIO_F_VERSION_1 | (packed ? VIRTIO_F_RING_PACKED : 0);
	driver.open = attach;
	config.pool = plx_pktbuf_pool_open(&pool);
	port = config.pool ? plx_port_open_with(&driver, NULL, "memory", NULL, &config) : NULL;
	if (port && plx_port_start(port) == 0)
		err = run(port, bursts);
	plx_port_close(port);
	plx_pktbuf_pool_close(config.pool);
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
