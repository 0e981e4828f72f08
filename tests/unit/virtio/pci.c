/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The PCI transport, compiled here once more with accessors that reach a device model instead of a
 * BAR: registers that answer to what is selected, and lie.
 */
#include <errno.h>
#include <string.h>

#include "fake.h"

#include <pollux/mmio.h>
#include <pollux/vfio.h>

static uint64_t model_read(const void *reg, unsigned int width);
static void model_write(void *reg, uint64_t value, unsigned int width);

#define plx_mmio_read8(reg)		   ((uint8_t)model_read(reg, 1))
#define plx_mmio_read16(reg)		   ((uint16_t)model_read(reg, 2))
#define plx_mmio_read32(reg)		   ((uint32_t)model_read(reg, 4))
#define plx_mmio_write8(reg, value)	   model_write(reg, value, 1)
#define plx_mmio_write16(reg, value)	   model_write(reg, value, 2)
#define plx_mmio_write32(reg, value)	   model_write(reg, value, 4)
#define plx_mmio_write64_lo_hi(reg, value) model_write(reg, value, 8)
#define virtio_pci_open			   model_pci_open
struct virtio_transport *model_pci_open(struct plx_dev *dev, const char *name);
#include "net/virtio/pci.c"

#include "vfio/dev.h"

#define QUEUES	    3
#define AREA_LENGTH 0x100

/* One device: common at 0, notify at 0x100, device configuration at 0x200 of its BAR 4. */
static struct {
	char bar[0x300];
	uint64_t device_features, driver_features;
	uint32_t device_select, driver_select;
	uint16_t num_queues, select, config_vector;
	uint8_t status, generation;
	struct {
		uint16_t size, vector, enable, notify_off;
		uint64_t desc, driver, device;
	} queues[QUEUES];
	/* Lies. */
	bool no_vectors, other_size;
} model;

static uint64_t read_queue(uint32_t at)
{
	if (model.select >= QUEUES)
		return 0;
	switch (at) {
	case VIRTIO_COMMON_QUEUE_SIZE:
		return model.queues[model.select].size;
	case VIRTIO_COMMON_QUEUE_MSIX_VECTOR:
		return model.queues[model.select].vector;
	case VIRTIO_COMMON_QUEUE_ENABLE:
		return model.queues[model.select].enable;
	case VIRTIO_COMMON_QUEUE_NOTIFY_OFF:
		return model.queues[model.select].notify_off;
	}
	CU_FAIL("a register that is not read");
	return 0;
}

static uint64_t model_read(const void *reg, unsigned int width)
{
	uint32_t at = (uint32_t)((const char *)reg - model.bar);
	uint64_t value = 0;

	CU_ASSERT_FATAL(at + width <= sizeof(model.bar));
	if (at >= 0x200) {
		memcpy(&value, &model.bar[at], width);
		return value;
	}
	switch (at) {
	case VIRTIO_COMMON_DEVICE_FEATURE:
		UNIT_EQ(width, 4);
		return model.device_select > 1 ? 0
					       : model.device_features >> 32 * model.device_select;
	case VIRTIO_COMMON_CONFIG_MSIX_VECTOR:
		return model.config_vector;
	case VIRTIO_COMMON_NUM_QUEUES:
		return model.num_queues;
	case VIRTIO_COMMON_DEVICE_STATUS:
		UNIT_EQ(width, 1);
		return model.status;
	case VIRTIO_COMMON_CONFIG_GENERATION:
		UNIT_EQ(width, 1);
		return model.generation;
	}
	return read_queue(at);
}

static void write_queue(uint32_t at, uint64_t value)
{
	CU_ASSERT_FATAL(model.select < QUEUES);
	switch (at) {
	case VIRTIO_COMMON_QUEUE_SIZE:
		model.queues[model.select].size = (uint16_t)(model.other_size ? value / 2 : value);
		break;
	case VIRTIO_COMMON_QUEUE_MSIX_VECTOR:
		model.queues[model.select].vector =
			model.no_vectors ? VIRTIO_MSI_NO_VECTOR : (uint16_t)value;
		break;
	case VIRTIO_COMMON_QUEUE_ENABLE:
		UNIT_EQ(value, 1);
		CU_ASSERT(model.queues[model.select].device != 0);
		model.queues[model.select].enable = 1;
		break;
	case VIRTIO_COMMON_QUEUE_DESC:
		model.queues[model.select].desc = value;
		break;
	case VIRTIO_COMMON_QUEUE_DRIVER:
		model.queues[model.select].driver = value;
		break;
	case VIRTIO_COMMON_QUEUE_DEVICE:
		model.queues[model.select].device = value;
		break;
	default:
		CU_FAIL("a register that is not written");
	}
}

static void model_write(void *reg, uint64_t value, unsigned int width)
{
	uint32_t at = (uint32_t)((char *)reg - model.bar);

	switch (at) {
	case VIRTIO_COMMON_DEVICE_FEATURE_SELECT:
		model.device_select = (uint32_t)value;
		break;
	case VIRTIO_COMMON_DRIVER_FEATURE_SELECT:
		model.driver_select = (uint32_t)value;
		break;
	case VIRTIO_COMMON_DRIVER_FEATURE:
		CU_ASSERT_FATAL(model.driver_select < 2);
		model.driver_features |= value << 32 * model.driver_select;
		break;
	case VIRTIO_COMMON_CONFIG_MSIX_VECTOR:
		model.config_vector = model.no_vectors ? VIRTIO_MSI_NO_VECTOR : (uint16_t)value;
		break;
	case VIRTIO_COMMON_DEVICE_STATUS:
		UNIT_EQ(width, 1);
		model.status = (uint8_t)value;
		break;
	case VIRTIO_COMMON_QUEUE_SELECT:
		model.select = (uint16_t)value;
		break;
	default:
		write_queue(at, value);
	}
}

/* --- The device that it is on --------------------------------------------------------------- */

static struct plx_dev dev;
static struct plx_vfio_area area = {0, sizeof(model.bar)};
static uint8_t space[256];

static int space_read(void *ctx, uint32_t offset, uint32_t len, uint32_t *value)
{
	*value = 0;
	memcpy(value, &space[offset], len);
	return 0;
}

static void add_cap(uint8_t at, uint8_t next, uint8_t type, uint32_t offset)
{
	const uint32_t length = AREA_LENGTH, multiplier = 4;

	space[at] = PLX_PCI_CAP_VENDOR;
	space[at + 1] = next;
	space[at + VIRTIO_PCI_CAP_LEN] = VIRTIO_PCI_CAP_NOTIFY_SIZE;
	space[at + VIRTIO_PCI_CAP_CFG_TYPE] = type;
	space[at + VIRTIO_PCI_CAP_BAR] = 4;
	memcpy(&space[at + VIRTIO_PCI_CAP_OFFSET], &offset, 4);
	memcpy(&space[at + VIRTIO_PCI_CAP_LENGTH], &length, 4);
	memcpy(&space[at + VIRTIO_PCI_CAP_NOTIFY_MULTIPLIER], &multiplier, 4);
}

static struct virtio_transport *open_model(void)
{
	struct virtio_transport *t;
	unsigned int i;

	memset(&model, 0, sizeof(model));
	memset(&dev, 0, sizeof(dev));
	memset(space, 0, sizeof(space));
	space[PLX_PCI_STATUS] = PLX_PCI_STATUS_CAPS;
	space[PLX_PCI_CAP_POINTER] = 0x40;
	add_cap(0x40, 0x60, VIRTIO_PCI_CAP_COMMON_CFG, 0);
	add_cap(0x60, 0x80, VIRTIO_PCI_CAP_NOTIFY_CFG, 0x100);
	add_cap(0x80, 0, VIRTIO_PCI_CAP_DEVICE_CFG, 0x200);
	dev.config = (struct plx_pci_config){.read = space_read, .size = 256};
	dev.regions[4] = (struct plx_dev_region){
		.size = sizeof(model.bar), .areas = &area, .area_count = 1, .base = model.bar};
	dev.info.num_irqs[PLX_IRQ_MSIX] = 3;
	model.num_queues = QUEUES;
	model.config_vector = VIRTIO_MSI_NO_VECTOR;
	for (i = 0; i < QUEUES; i++) {
		model.queues[i].size = 256;
		model.queues[i].vector = VIRTIO_MSI_NO_VECTOR;
		model.queues[i].notify_off = (uint16_t)i;
	}
	t = model_pci_open(&dev, "model");
	CU_ASSERT_FATAL(t != NULL);
	return t;
}

static void status_and_features(void)
{
	struct virtio_transport *t = open_model();

	UNIT_EQ(t->vectors_max, 3);
	UNIT_EQ(t->features_needed, VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM);
	t->ops->set_status(t, 5);
	UNIT_EQ(model.status, 5);
	UNIT_EQ(t->ops->status(t), 5);
	model.device_features = 0x123456789abcdef0;
	UNIT_EQ(t->ops->features(t), 0x123456789abcdef0);
	t->ops->set_features(t, 0x0fedcba987654321);
	UNIT_EQ(model.driver_features, 0x0fedcba987654321);
	model.generation = 77;
	UNIT_EQ(t->ops->generation(t), 77);
	t->ops->close(t);
}

static void configuration(void)
{
	struct virtio_transport *t = open_model();
	unsigned int i;

	for (i = 0; i < AREA_LENGTH; i++)
		model.bar[0x200 + i] = (char)i;
	UNIT_EQ(t->ops->config(t, 5, 1), 5);
	UNIT_EQ(t->ops->config(t, 6, 2), 0x0706);
	UNIT_EQ(t->ops->config(t, 12, 4), 0x0f0e0d0c);
	/* Past the end of what the device has. */
	UNIT_EQ(t->ops->config(t, AREA_LENGTH - 4, 4), 0xfffefdfc);
	UNIT_EQ(t->ops->config(t, AREA_LENGTH - 2, 4), 0);
	UNIT_EQ(t->ops->config(t, AREA_LENGTH, 1), 0);
	UNIT_EQ(t->ops->config(t, UINT32_MAX, 1), 0);
	t->ops->close(t);
}

static struct virtio_queue_setup setup_of(uint16_t index, int vector)
{
	static char memory[3 * 64];

	return (struct virtio_queue_setup){.index = index,
					   .size = 128,
					   .desc = memory,
					   .driver = memory + 64,
					   .device = memory + 128,
					   .vector = vector};
}

static void queue_is_set_up(void)
{
	struct virtio_transport *t = open_model();
	struct virtio_queue_setup setup = setup_of(2, 1);

	UNIT_EQ(t->ops->queue_size_max(t, 2), 256);
	UNIT_EQ(t->ops->queue_size_max(t, 3), 0);
	UNIT_EQ(t->ops->queue_enable(t, &setup), 0);
	UNIT_EQ(model.queues[2].size, 128);
	UNIT_EQ(model.queues[2].vector, 1);
	UNIT_EQ(model.queues[2].enable, 1);
	UNIT_EQ(model.queues[2].desc, plx_iova(setup.desc));
	UNIT_EQ(model.queues[2].driver, plx_iova(setup.driver));
	UNIT_EQ(model.queues[2].device, plx_iova(setup.device));
	UNIT_EQ((char *)setup.doorbell - model.bar, 0x100 + 2 * 4);
	/* Twice: it is on already. */
	UNIT_EQ(t->ops->queue_enable(t, &setup), -EPROTO);
	setup = setup_of(0, VIRTIO_NO_VECTOR);
	UNIT_EQ(t->ops->queue_enable(t, &setup), 0);
	UNIT_EQ(model.queues[0].vector, VIRTIO_MSI_NO_VECTOR);
	t->ops->close(t);
}

static void lie_num_queues(void)
{
	struct virtio_transport *t = open_model();

	model.num_queues = 0;
	UNIT_EQ(t->ops->queue_size_max(t, 0), 0);
	model.num_queues = 65535;
	UNIT_EQ(t->ops->queue_size_max(t, 65534), 0);
	t->ops->close(t);
}

static void lie_size_changes(void)
{
	struct virtio_transport *t = open_model();
	struct virtio_queue_setup setup = setup_of(0, VIRTIO_NO_VECTOR);

	model.other_size = true;
	UNIT_EQ(t->ops->queue_enable(t, &setup), -EPROTO);
	UNIT_EQ(model.queues[0].enable, 0);
	t->ops->close(t);
}

static void lie_notify_off(void)
{
	static const uint16_t bad[] = {AREA_LENGTH / 4, 0x7fff, 0xffff};
	struct virtio_transport *t = open_model();
	struct virtio_queue_setup setup = setup_of(0, VIRTIO_NO_VECTOR);
	unsigned int i;

	for (i = 0; i < 3; i++) {
		model.queues[0].notify_off = bad[i];
		UNIT_EQ(t->ops->queue_enable(t, &setup), -EPROTO);
		UNIT_EQ(model.queues[0].enable, 0);
	}
	model.queues[0].notify_off = AREA_LENGTH / 4 - 1;
	UNIT_EQ(t->ops->queue_enable(t, &setup), 0);
	t->ops->close(t);
}

static void lie_no_vectors(void)
{
	struct virtio_transport *t = open_model();
	struct virtio_queue_setup setup = setup_of(0, 1);

	model.no_vectors = true;
	UNIT_EQ(t->ops->queue_enable(t, &setup), -EIO);
	UNIT_EQ(t->ops->config_vector(t, 1), -EIO);
	setup.vector = VIRTIO_NO_VECTOR;
	UNIT_EQ(t->ops->queue_enable(t, &setup), 0);
	t->ops->close(t);
}

static void bar_too_small(void)
{
	struct virtio_transport *t = open_model();

	t->ops->close(t);
	dev.regions[4].size = 0x280;
	UNIT_EQ(model_pci_open(&dev, "model") == NULL, true);
	UNIT_EQ(errno, EPROTO);
	dev.regions[4].size = sizeof(model.bar);
	/* The kernel does not let it be mapped. */
	dev.regions[4].area_count = 0;
	UNIT_EQ(model_pci_open(&dev, "model") == NULL, true);
	UNIT_EQ(errno, ENOTSUP);
}

CU_TestInfo pci_tests[] = {
	{"status and features", status_and_features},
	{"configuration", configuration},
	{"a queue is set up", queue_is_set_up},
	{"lie: number of queues", lie_num_queues},
	{"lie: the size changes", lie_size_changes},
	{"lie: notification offset", lie_notify_off},
	{"lie: no vectors", lie_no_vectors},
	{"lie: BAR too small", bar_too_small},
	CU_TEST_INFO_NULL,
};
