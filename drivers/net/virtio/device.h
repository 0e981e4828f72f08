/* SPDX-License-Identifier: BSD-3-Clause */
/* Bringing up any virtio device over any transport (VIRTIO 1.2, 3.1.1); called by port.c. */
#ifndef POLLUX_VIRTIO_DEVICE_H
#define POLLUX_VIRTIO_DEVICE_H

#include "transport.h"

/**
 * Reset: on success the device does no DMA, has no queues and no features.
 * Return: 0; -ENODEV (gone), -ETIMEDOUT (the status does not become 0 in 2 s, nor after a reset by
 * force; logged).
 */
int virtio_reset(struct virtio_transport *t);
/**
 * Steps 1 to 3 of 3.1.1: reset, say that there is a driver, and read what the device offers.
 * Return: also -ENOTSUP (features that this transport needs are not offered; logged).
 */
int virtio_begin(struct virtio_transport *t, uint64_t *offered);
/**
 * Steps 4 to 6: accept features, a subset of those offered.
 * Return: 0; -EPROTO (the device does not accept them, or offers others now; logged), -ENODEV.
 */
int virtio_accept(struct virtio_transport *t, uint64_t offered, uint64_t features);
/** Step 8: the device is live. 0, -EPROTO (it says that it failed), -ENODEV. */
int virtio_ready(struct virtio_transport *t);

#endif /* POLLUX_VIRTIO_DEVICE_H */
