/* SPDX-License-Identifier: BSD-3-Clause */
/* A virtio device over a transport that agrees with all that the driver says; what it is like is
 * the target's to fill in. Shared by the virtio targets. */
#ifndef POLLUX_FUZZ_VIRTIO_DEVICE_H
#define POLLUX_FUZZ_VIRTIO_DEVICE_H

#include "fuzz.h"
#include "net/virtio/virtio_net.h"

#define DEVICE_QUEUES 8

struct device {
	struct virtio_transport base;
	struct virtio_queue_setup queues[DEVICE_QUEUES];
	uint64_t offered, accepted;
	uint8_t config[64];
	uint32_t queue_size;	    /* largest of each queue */
	uint8_t status, bad_status; /* the second is added while there are features */
	uint8_t generation, generation_step;
	uint16_t doorbell;
};

extern struct device dev;
/** The virtio driver, whose port is dev. */
extern struct plx_net_driver device_driver;

void device_init(void);

#endif /* POLLUX_FUZZ_VIRTIO_DEVICE_H */
