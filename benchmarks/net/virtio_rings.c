/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does a packet cost the virtio driver itself, as instructions? The device is played in
 * memory, always has a full burst ready, or never, and is not counted: callgrind collects in
 * measured() only, which receives a burst of 32 and sends it. Called by native-virtio-rings.bench.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/eal.h>

#include "../../tests/fuzz/virtio_device.h"
#include "net/virtio/ring.h"

#define BURST	  32
#define DESCS	  256
#define FRAME_LEN 60
#define BUFS	  4096

static uint32_t used[2]; /* positions of the device, rx and tx */

/* --- The device ----------------------------------------------------------------------------- */

/* Use the next n buffers of a queue, in order; it does not want notifications. */
static void device_uses(struct virtq *vq, unsigned int queue, uint32_t n, uint32_t len)
{
	for (; n; n--, used[queue]++) {
		const uint32_t pos = used[queue], slot = pos & vq->mask;

		if (vq->is_packed)
			vq->packed.ring[slot].meta = len | PACKED_ID(slot) | packed_used(vq, pos);
		else
			vq->split.used->ring[slot] = (struct split_used_elem){slot, len};
	}
	if (vq->is_packed) {
		vq->packed.device->flags = PACKED_EVENT_DISABLE;
	} else {
		vq->split.used->flags = VIRTQ_USED_F_NO_NOTIFY;
		vq->split.used->idx = (uint16_t)used[queue];
	}
}

/* --- What is measured ----------------------------------------------------------------------- */

__attribute__((noinline)) static uint16_t measured(struct plx_rxq *rxq, struct plx_txq *txq)
{
	struct plx_pktbuf *pkts[BURST];
	uint16_t n = plx_rx_burst(rxq, pkts, BURST);

	return n ? plx_tx_burst(txq, pkts, n) : 0;
}

static int run(struct plx_port *port, bool empty, unsigned long bursts)
{
	struct virtio_rxq *rxq = (struct virtio_rxq *)port->rxqs[0];
	struct virtio_txq *txq = (struct virtio_txq *)port->txqs[0];

	for (; bursts && empty; bursts--)
		if (measured(&rxq->base, &txq->base) != 0)
			return -EIO;
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
	const bool packed = argc > 2 && strcmp(argv[1], "packed") == 0;
	const unsigned long bursts = argc > 2 ? strtoul(argv[2], NULL, 10) : 0;
	const bool empty = argc == 4 && strcmp(argv[3], "empty") == 0;
	const struct plx_eal_config eal = {.no_huge = true};
	struct plx_pktbuf_pool_config pool = {.count = BUFS};
	struct plx_port_config config = {.rx_descs = DESCS, .tx_descs = DESCS};
	struct plx_port *port;
	int err = -ENODEV;

	if (!bursts || (!packed && strcmp(argv[1], "split")) || argc - empty != 3) {
		fprintf(stderr, "usage: virtio_rings split|packed BURSTS [empty]\n");
		return 2;
	}
	if (plx_eal_init(&eal))
		return EXIT_FAILURE;
	device_init();
	dev.queue_size = DESCS;
	dev.offered = VIRTIO_F_VERSION_1 | (packed ? VIRTIO_F_RING_PACKED : 0);
	config.pool = plx_pktbuf_pool_open(&pool);
	port = config.pool ? plx_port_open_with(&device_driver, NULL, "memory", NULL, &config)
			   : NULL;
	if (port && plx_port_start(port) == 0)
		err = run(port, empty, bursts);
	plx_port_close(port);
	plx_pktbuf_pool_close(config.pool);
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
