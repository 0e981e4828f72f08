/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCI transport (VIRTIO 1.2, 4.1): the structures that pci_caps.c found, mapped, and read and
 * written field by field in the widths that 4.1.3.1 demands.
 */
#include <errno.h>
#include <stdlib.h>

#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/mem.h>
#include <pollux/mmio.h>
#include <pollux/net.h>
#include <pollux/vfio.h>

#include "pci_caps.h"
#include "transport.h"

PLX_LOG_USE(virtio);

#define QUEUE_RESET_TIMEOUT_NS UINT64_C(1000000000)
#define QUEUE_RESET_POLL_US    20

struct virtio_pci {
	struct virtio_transport base;
	struct plx_dev *dev;
	struct virtio_pci_layout layout;
	char *common, *notify, *device;
	unsigned int vectors; /* switched on */
};

static struct virtio_pci *virtio_pci(struct virtio_transport *t)
{
	return (struct virtio_pci *)t;
}

/* --- Status, features, configuration -------------------------------------------------------- */

static uint8_t pci_status(struct virtio_transport *t)
{
	return plx_mmio_read8(virtio_pci(t)->common + VIRTIO_COMMON_DEVICE_STATUS);
}

static void pci_set_status(struct virtio_transport *t, uint8_t status)
{
	plx_mmio_write8(virtio_pci(t)->common + VIRTIO_COMMON_DEVICE_STATUS, status);
}

static uint64_t pci_features(struct virtio_transport *t)
{
	char *common = virtio_pci(t)->common;
	uint64_t low;

	plx_mmio_write32(common + VIRTIO_COMMON_DEVICE_FEATURE_SELECT, 0);
	low = plx_mmio_read32(common + VIRTIO_COMMON_DEVICE_FEATURE);
	plx_mmio_write32(common + VIRTIO_COMMON_DEVICE_FEATURE_SELECT, 1);
	return low | (uint64_t)plx_mmio_read32(common + VIRTIO_COMMON_DEVICE_FEATURE) << 32;
}

static void pci_set_features(struct virtio_transport *t, uint64_t features)
{
	char *common = virtio_pci(t)->common;

	plx_mmio_write32(common + VIRTIO_COMMON_DRIVER_FEATURE_SELECT, 0);
	plx_mmio_write32(common + VIRTIO_COMMON_DRIVER_FEATURE, (uint32_t)features);
	plx_mmio_write32(common + VIRTIO_COMMON_DRIVER_FEATURE_SELECT, 1);
	plx_mmio_write32(common + VIRTIO_COMMON_DRIVER_FEATURE, (uint32_t)(features >> 32));
}

static uint32_t pci_config(struct virtio_transport *t, uint32_t offset, unsigned int width)
{
	const struct virtio_pci *p = virtio_pci(t);

	if ((uint64_t)offset + width > p->layout.device.length)
		return 0;
	switch (width) {
	case 1:
		return plx_mmio_read8(p->device + offset);
	case 2:
		return plx_mmio_read16(p->device + offset);
	default:
		return plx_mmio_read32(p->device + offset);
	}
}

static uint8_t pci_generation(struct virtio_transport *t)
{
	return plx_mmio_read8(virtio_pci(t)->common + VIRTIO_COMMON_CONFIG_GENERATION);
}

/* --- Queues --------------------------------------------------------------------------------- */

static uint16_t vector_number(int vector)
{
	return vector < 0 ? VIRTIO_MSI_NO_VECTOR : (uint16_t)vector;
}

/* Map a vector; the device answers NO_VECTOR if it cannot (4.1.5.1.2). */
static int set_vector(struct virtio_pci *p, uint32_t reg, int vector, const char *what)
{
	plx_mmio_write16(p->common + reg, vector_number(vector));
	if (plx_mmio_read16(p->common + reg) == vector_number(vector))
		return 0;
	PLX_ERR(virtio, "%s: the device did not take interrupt vector %d for %s", p->base.name,
		vector, what);
	return -EIO;
}

static int pci_config_vector(struct virtio_transport *t, int vector)
{
	return set_vector(virtio_pci(t), VIRTIO_COMMON_CONFIG_MSIX_VECTOR, vector,
			  "configuration changes");
}

static uint32_t pci_queue_size_max(struct virtio_transport *t, uint16_t index)
{
	char *common = virtio_pci(t)->common;

	if (index >= plx_mmio_read16(common + VIRTIO_COMMON_NUM_QUEUES))
		return 0;
	plx_mmio_write16(common + VIRTIO_COMMON_QUEUE_SELECT, index);
	return plx_mmio_read16(common + VIRTIO_COMMON_QUEUE_SIZE);
}

static int queue_error(const struct virtio_pci *p, uint16_t index, const char *what, unsigned value)
{
	PLX_ERR(virtio, "%s: queue %u: the device says %s %u; it cannot be used", p->base.name,
		index, what, value);
	return -EPROTO;
}

/* Where the selected queue is notified (4.1.4.4). */
static int queue_doorbell(struct virtio_pci *p, struct virtio_queue_setup *setup)
{
	uint16_t off = plx_mmio_read16(p->common + VIRTIO_COMMON_QUEUE_NOTIFY_OFF);
	uint64_t at = (uint64_t)off * p->layout.notify_multiplier;

	if (at + sizeof(uint16_t) > p->layout.notify.length)
		return queue_error(p, setup->index, "its notification offset is", off);
	setup->doorbell = p->notify + at;
	return 0;
}

static int pci_queue_enable(struct virtio_transport *t, struct virtio_queue_setup *setup)
{
	struct virtio_pci *p = virtio_pci(t);
	char *common = p->common;
	uint16_t value;
	int err;

	plx_mmio_write16(common + VIRTIO_COMMON_QUEUE_SELECT, setup->index);
	value = plx_mmio_read16(common + VIRTIO_COMMON_QUEUE_ENABLE);
	if (value)
		return queue_error(p, setup->index, "it is on before it was set up:", value);
	plx_mmio_write16(common + VIRTIO_COMMON_QUEUE_SIZE, setup->size);
	value = plx_mmio_read16(common + VIRTIO_COMMON_QUEUE_SIZE);
	if (value != setup->size)
		return queue_error(p, setup->index, "its size is now", value);
	err = queue_doorbell(p, setup);
	if (err)
		return err;
	err = set_vector(p, VIRTIO_COMMON_QUEUE_MSIX_VECTOR, setup->vector, "a queue");
	if (err)
		return err;
	plx_mmio_write64_lo_hi(common + VIRTIO_COMMON_QUEUE_DESC, plx_iova(setup->desc));
	plx_mmio_write64_lo_hi(common + VIRTIO_COMMON_QUEUE_DRIVER, plx_iova(setup->driver));
	plx_mmio_write64_lo_hi(common + VIRTIO_COMMON_QUEUE_DEVICE, plx_iova(setup->device));
	plx_mmio_write16(common + VIRTIO_COMMON_QUEUE_ENABLE, 1);
	return 0;
}

/* 4.1.4.3: the driver writes 1, the device answers 0 when the queue is reset. */
static int pci_queue_reset(struct virtio_transport *t, uint16_t index)
{
	struct virtio_pci *p = virtio_pci(t);
	uint64_t end = plx_clock_ns() + QUEUE_RESET_TIMEOUT_NS;
	char *reset = p->common + VIRTIO_COMMON_QUEUE_RESET;

	if (p->layout.common.length < VIRTIO_COMMON_QUEUE_RESET + sizeof(uint16_t))
		return -ENOTSUP;
	plx_mmio_write16(p->common + VIRTIO_COMMON_QUEUE_SELECT, index);
	plx_mmio_write16(reset, 1);
	while (plx_mmio_read16(reset) != 0) {
		if (plx_clock_ns() >= end) {
			PLX_ERR(virtio, "%s: queue %u does not reset; reset the port", p->base.name,
				index);
			return -EIO;
		}
		plx_delay_us(QUEUE_RESET_POLL_US);
	}
	return 0;
}

/* --- Registers ------------------------------------------------------------------------------ */

/* Of the common configuration (4.1.4.3): those that belong to the device as a whole. */
static const struct plx_port_reg pci_reg_list[] = {
	{"device_feature_select", VIRTIO_COMMON_DEVICE_FEATURE_SELECT, 4, 0},
	{"device_feature", VIRTIO_COMMON_DEVICE_FEATURE, 4, 0},
	{"driver_feature_select", VIRTIO_COMMON_DRIVER_FEATURE_SELECT, 4, 0},
	{"driver_feature", VIRTIO_COMMON_DRIVER_FEATURE, 4, 0},
	{"config_msix_vector", VIRTIO_COMMON_CONFIG_MSIX_VECTOR, 2, 0},
	{"num_queues", VIRTIO_COMMON_NUM_QUEUES, 2, 0},
	{"device_status", VIRTIO_COMMON_DEVICE_STATUS, 1, 0},
	{"config_generation", VIRTIO_COMMON_CONFIG_GENERATION, 1, 0},
	{"queue_select", VIRTIO_COMMON_QUEUE_SELECT, 2, 0},
	{"queue_size", VIRTIO_COMMON_QUEUE_SIZE, 2, 0},
	{"queue_enable", VIRTIO_COMMON_QUEUE_ENABLE, 2, 0},
	{"queue_notify_off", VIRTIO_COMMON_QUEUE_NOTIFY_OFF, 2, 0},
};

static uint32_t common_read(struct virtio_pci *p, const struct plx_port_reg *reg)
{
	switch (reg->bytes) {
	case 1:
		return plx_mmio_read8(p->common + reg->offset);
	case 2:
		return plx_mmio_read16(p->common + reg->offset);
	default:
		return plx_mmio_read32(p->common + reg->offset);
	}
}

static int pci_regs(struct virtio_transport *t, struct plx_port_reg *regs, unsigned int n)
{
	const unsigned int there = sizeof(pci_reg_list) / sizeof(pci_reg_list[0]);
	unsigned int i;

	for (i = 0; i < there && i < n; i++) {
		regs[i] = pci_reg_list[i];
		regs[i].value = common_read(virtio_pci(t), &regs[i]);
	}
	return (int)there;
}

/* --- Interrupts, DMA, reset ----------------------------------------------------------------- */

static int pci_vectors(struct virtio_transport *t, unsigned int n)
{
	struct virtio_pci *p = virtio_pci(t);
	int err = 0;

	if (p->vectors)
		plx_dev_irq_disable(p->dev);
	p->vectors = 0;
	if (n)
		err = plx_dev_irq_enable(p->dev, PLX_IRQ_MSIX, n);
	if (!err)
		p->vectors = n;
	return err;
}

static int pci_vector_fd(const struct virtio_transport *t, unsigned int vector)
{
	return plx_dev_irq_fd(((const struct virtio_pci *)t)->dev, vector);
}

static int pci_dma(struct virtio_transport *t, bool on)
{
	return plx_dev_bus_master(virtio_pci(t)->dev, on);
}

static int pci_force_reset(struct virtio_transport *t)
{
	return plx_dev_reset(virtio_pci(t)->dev);
}

static void pci_close(struct virtio_transport *t)
{
	pci_vectors(t, 0);
	free(t);
}

static const struct virtio_transport_ops pci_ops = {
	.status = pci_status,
	.set_status = pci_set_status,
	.features = pci_features,
	.set_features = pci_set_features,
	.config = pci_config,
	.generation = pci_generation,
	.config_vector = pci_config_vector,
	.queue_size_max = pci_queue_size_max,
	.queue_enable = pci_queue_enable,
	.queue_reset = pci_queue_reset,
	.vectors = pci_vectors,
	.vector_fd = pci_vector_fd,
	.dma = pci_dma,
	.force_reset = pci_force_reset,
	.regs = pci_regs,
	.close = pci_close,
};

/* --- Opening -------------------------------------------------------------------------------- */

static char *map_area(struct plx_dev *dev, const struct virtio_pci_area *area)
{
	return plx_dev_region_map(dev, (enum plx_region)area->bar, area->offset, area->length);
}

static int pci_map(struct virtio_pci *p)
{
	uint64_t bar_size[PLX_PCI_BAR_COUNT];
	unsigned int i;
	int err;

	for (i = 0; i < PLX_PCI_BAR_COUNT; i++)
		bar_size[i] = plx_dev_region_size(p->dev, (enum plx_region)i);
	err = virtio_pci_layout_read(plx_dev_config(p->dev), bar_size, p->base.name, &p->layout);
	if (err)
		return err;
	p->common = map_area(p->dev, &p->layout.common);
	if (p->common)
		p->notify = map_area(p->dev, &p->layout.notify);
	if (p->notify)
		p->device = map_area(p->dev, &p->layout.device);
	return p->device ? 0 : -errno;
}

struct virtio_transport *virtio_pci_open(struct plx_dev *dev, const char *name)
{
	struct virtio_pci *p = calloc(1, sizeof(*p));
	int err;

	if (!p)
		return NULL;
	p->base.ops = &pci_ops;
	p->base.name = name;
	p->base.vectors_max = plx_dev_info(dev)->num_irqs[PLX_IRQ_MSIX];
	/* VFIO devices are behind an IOMMU: one that goes past it would write anywhere. */
	p->base.features_needed = VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM;
	p->dev = dev;
	err = pci_map(p);
	if (err) {
		free(p);
		errno = -err;
		return NULL;
	}
	return &p->base;
}
