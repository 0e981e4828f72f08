/* SPDX-License-Identifier: BSD-3-Clause */
/* The device of virtio_device.h. */
#include <string.h>

#include "virtio_device.h"

struct device dev;
struct plx_net_driver device_driver;

static uint8_t get_status(struct virtio_transport *t)
{
	return dev.status & VIRTIO_STATUS_FEATURES_OK ? dev.status | dev.bad_status : dev.status;
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
	CHECK(!(features & ~dev.offered));
	dev.accepted = features;
}

static uint32_t get_config(struct virtio_transport *t, uint32_t offset, unsigned int width)
{
	uint32_t value = 0;

	CHECK(offset + width <= sizeof(dev.config));
	memcpy(&value, &dev.config[offset], width);
	return value;
}

static uint8_t get_generation(struct virtio_transport *t)
{
	dev.generation = (uint8_t)(dev.generation + dev.generation_step);
	return dev.generation;
}

static int config_vector(struct virtio_transport *t, int vector)
{
	return 0;
}

static uint32_t queue_size_max(struct virtio_transport *t, uint16_t index)
{
	return index < DEVICE_QUEUES ? dev.queue_size : 0;
}

static int queue_enable(struct virtio_transport *t, struct virtio_queue_setup *setup)
{
	CHECK(setup->index < DEVICE_QUEUES && setup->size <= dev.queue_size);
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

void device_init(void)
{
	dev.base = (struct virtio_transport){
		.ops = &ops, .name = "fuzz", .features_needed = VIRTIO_F_VERSION_1};
	device_driver = plx_net_virtio;
	device_driver.open = attach;
}
