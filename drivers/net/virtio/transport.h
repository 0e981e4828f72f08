/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The seam between a virtio device driver and what carries its configuration: PCI (pci.c), or
 * vhost-user. A transport moves values and knows no device type; the order of the steps is in
 * device.c, rings are in virtq.h, the network device is above both.
 *
 * What a transport returns was written by the device: it is checked by whoever uses it. All
 * functions are control path.
 */
#ifndef POLLUX_VIRTIO_TRANSPORT_H
#define POLLUX_VIRTIO_TRANSPORT_H

#include <pollux/common.h>

#include "virtio_regs.h"

struct virtio_transport;
struct plx_port_reg;

/** No interrupt for this queue, or for configuration changes. */
#define VIRTIO_NO_VECTOR (-1)

/** A queue to switch on. */
struct virtio_queue_setup {
	uint16_t index;
	uint16_t size;
	/** The three areas of a virtqueue (2.6), in memory of the DMA heap. */
	const void *desc, *driver, *device;
	int vector; /**< or VIRTIO_NO_VECTOR */
	/** Out: where to write the index to notify the device; NULL: kick_fd, an eventfd, is it. */
	void *doorbell;
	int kick_fd;
};

struct virtio_transport_ops {
	/** Device status (2.1). VIRTIO_STATUS_GONE: there is no device any more. */
	uint8_t (*status)(struct virtio_transport *t);
	void (*set_status)(struct virtio_transport *t, uint8_t status);

	uint64_t (*features)(struct virtio_transport *t);
	void (*set_features)(struct virtio_transport *t, uint64_t features);

	/** A field of the device-specific configuration, of 1, 2 or 4 bytes; 0 past its end. */
	uint32_t (*config)(struct virtio_transport *t, uint32_t offset, unsigned int width);
	/** Changes whenever the configuration may have (2.4). */
	uint8_t (*generation)(struct virtio_transport *t);
	/** Interrupt for configuration changes. 0 or -EIO (the device has no room for it). */
	int (*config_vector)(struct virtio_transport *t, int vector);

	/** The largest size of a queue; 0: there is no such queue. */
	uint32_t (*queue_size_max)(struct virtio_transport *t, uint16_t index);
	/** 0, or -EPROTO (logged: what the device said). */
	int (*queue_enable)(struct virtio_transport *t, struct virtio_queue_setup *setup);

	/**
	 * Stop one queue for ever (VIRTIO_F_RING_RESET, 2.6.1): no DMA of it any more; it can be
	 * enabled anew. 0 or -EIO (it does not stop). NULL: cannot.
	 */
	int (*queue_reset)(struct virtio_transport *t, uint16_t index);

	/** Switch on n interrupt vectors, each an eventfd; n = 0: off. 0 or a negative errno. */
	int (*vectors)(struct virtio_transport *t, unsigned int n);
	int (*vector_fd)(const struct virtio_transport *t, unsigned int vector);
	/** Tells of changes instead of a vector; NULL: the vector does. */
	int (*event_fd)(const struct virtio_transport *t);

	/** Allow or forbid DMA, whatever the device's state. */
	int (*dma)(struct virtio_transport *t, bool on);
	/** Reset by force, from below; 0, -ENOTSUP, or a negative errno. */
	int (*force_reset)(struct virtio_transport *t);
	/** As plx_port_regs(); NULL: none. */
	int (*regs)(struct virtio_transport *t, struct plx_port_reg *regs, unsigned int n);
	void (*close)(struct virtio_transport *t);
};

struct virtio_transport {
	const struct virtio_transport_ops *ops;
	const char *name; /**< of the port: for messages */
	unsigned int vectors_max;
	/** Without these features the device cannot be driven here; see device.c. */
	uint64_t features_needed;
	/** There is no control queue, and none is needed: everything is received, and all queues
	 * that are on are used. */
	bool unfiltered;
	uint64_t lies; /**< of the other end, on the control path */
};

struct plx_dev;

/**
 * The transport of a PCI device.
 * Return: NULL with errno EPROTO (its capabilities make no sense; logged), ENOTSUP (legacy only),
 * ENOMEM, or plx_dev_region_map()'s. The device stays the caller's, who closes it after the
 * transport.
 */
struct virtio_transport *virtio_pci_open(struct plx_dev *dev, const char *name);

/**
 * The transport to a vhost-user back end. arg: "vhost-user=/path[,server][,split]".
 * Return: NULL with errno EINVAL (bad arg; logged), ETIMEDOUT, ENOENT, ECONNREFUSED (no back end in
 * 10 s), EPROTO (it does not behave), ENOSPC (too many segments), ...
 */
struct virtio_transport *virtio_vhost_open(const char *arg, const char *name);

#endif /* POLLUX_VIRTIO_TRANSPORT_H */
