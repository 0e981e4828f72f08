/* SPDX-License-Identifier: BSD-3-Clause */
/* Capability lists of virtio PCI devices: good ones, and lies (ABUSE.md C6, Config/PCI). */
#include <errno.h>
#include <string.h>

#include "fake.h"

#include "net/virtio/pci_caps.h"

static uint8_t space[256];
static const uint64_t bars[PLX_PCI_BAR_COUNT] = {0, 0x1000, 0, 0, 0x4000, 0};

static int space_read(void *ctx, uint32_t offset, uint32_t len, uint32_t *value)
{
	CU_ASSERT_FATAL(offset + len <= sizeof(space) && offset % len == 0);
	*value = 0;
	memcpy(value, &space[offset], len);
	return 0;
}

static const struct plx_pci_config config = {.read = space_read, .size = 256};

struct cap {
	uint8_t type, bar;
	uint32_t offset, length, multiplier;
	uint8_t cap_len;
};

/* What QEMU has. */
static const struct cap good[] = {
	{VIRTIO_PCI_CAP_COMMON_CFG, 4, 0, 0x1000, 0, 16},
	{VIRTIO_PCI_CAP_ISR_CFG, 4, 0x1000, 0x1000, 0, 16},
	{VIRTIO_PCI_CAP_DEVICE_CFG, 4, 0x2000, 0x1000, 0, 16},
	{VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0x3000, 0x1000, 4, 20},
};
#define GOOD 4

static void put32(uint32_t at, uint32_t value)
{
	memcpy(&space[at], &value, 4);
}

static void build(const struct cap *caps, unsigned int n)
{
	uint8_t at = 0x40;
	unsigned int i;

	memset(space, 0, sizeof(space));
	space[PLX_PCI_STATUS] = PLX_PCI_STATUS_CAPS;
	space[PLX_PCI_CAP_POINTER] = n ? at : 0;
	for (i = 0; i < n; i++, at += 24) {
		space[at] = PLX_PCI_CAP_VENDOR;
		space[at + 1] = i == n - 1 ? 0 : (uint8_t)(at + 24);
		space[at + VIRTIO_PCI_CAP_LEN] = caps[i].cap_len;
		space[at + VIRTIO_PCI_CAP_CFG_TYPE] = caps[i].type;
		space[at + VIRTIO_PCI_CAP_BAR] = caps[i].bar;
		put32(at + VIRTIO_PCI_CAP_OFFSET, caps[i].offset);
		put32(at + VIRTIO_PCI_CAP_LENGTH, caps[i].length);
		put32(at + VIRTIO_PCI_CAP_NOTIFY_MULTIPLIER, caps[i].multiplier);
	}
}

static int layout(struct virtio_pci_layout *l)
{
	return virtio_pci_layout_read(&config, bars, "fake", l);
}

static void good_device(void)
{
	struct virtio_pci_layout l;

	build(good, GOOD);
	UNIT_EQ(layout(&l), 0);
	UNIT_EQ(l.common.bar, 4);
	UNIT_EQ(l.common.offset, 0);
	UNIT_EQ(l.device.offset, 0x2000);
	UNIT_EQ(l.notify.offset, 0x3000);
	UNIT_EQ(l.notify.length, 0x1000);
	UNIT_EQ(l.notify_multiplier, 4);
}

static void first_usable_counts(void)
{
	struct virtio_pci_layout l;
	struct cap caps[GOOD + 2];

	memcpy(&caps[2], good, sizeof(good));
	caps[0] = (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 6, 0, 0x1000, 0, 16};
	caps[1] = (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 1, 0x800, 0x100, 0, 16};
	build(caps, GOOD + 2);
	UNIT_EQ(layout(&l), 0);
	UNIT_EQ(l.common.bar, 1);
	UNIT_EQ(l.common.offset, 0x800);
}

static void missing_caps(void)
{
	struct virtio_pci_layout l;
	struct cap caps[GOOD];
	unsigned int i;

	for (i = 0; i < GOOD; i++) {
		memcpy(caps, good, sizeof(good));
		caps[i].type = 99;
		build(caps, GOOD);
		/* The interrupt status is not needed. */
		UNIT_EQ(layout(&l), good[i].type == VIRTIO_PCI_CAP_ISR_CFG ? 0 : -EPROTO);
	}
	build(good, 0);
	UNIT_EQ(layout(&l), -ENOTSUP);
	space[PLX_PCI_STATUS] = 0;
	UNIT_EQ(layout(&l), -ENOTSUP);
	memset(space, 0xff, sizeof(space));
	UNIT_EQ(layout(&l), -ENOTSUP);
}

static void lie_one(unsigned int index, struct cap cap)
{
	struct virtio_pci_layout l;
	struct cap caps[GOOD];

	memcpy(caps, good, sizeof(good));
	caps[index] = cap;
	build(caps, GOOD);
	UNIT_EQ(layout(&l), -EPROTO);
}

static void lies(void)
{
	static const uint8_t bar[] = {0, 2, 6, 7, 255};
	unsigned int i;

	for (i = 0; i < 5; i++)
		lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, bar[i], 0, 0x1000, 0, 16});
	/* Too short, structure and capability. */
	lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 4, 0, 0x37, 0, 16});
	lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 4, 0, 0, 0, 16});
	lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 4, 0, 0x1000, 0, 15});
	lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 4, 0, 0x1000, 0, 0});
	lie_one(3, (struct cap){VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0x3000, 0x1000, 4, 16});
	lie_one(3, (struct cap){VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0x3000, 1, 4, 20});
	/* Past the end, wrap, alignment. */
	lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 4, 0x3fcc, 0x38, 0, 16});
	lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 4, 0xfffffffc, 0x1000, 0, 16});
	lie_one(2, (struct cap){VIRTIO_PCI_CAP_DEVICE_CFG, 4, 0x2000, 0xffffffff, 0, 16});
	lie_one(0, (struct cap){VIRTIO_PCI_CAP_COMMON_CFG, 4, 2, 0x1000, 0, 16});
	lie_one(3, (struct cap){VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0x3001, 0x100, 4, 20});
}

static void lie_multiplier(void)
{
	static const uint32_t bad[] = {1, 3, 5, 6, 0xffffffff, 0x80000001};
	struct virtio_pci_layout l;
	struct cap caps[GOOD];
	unsigned int i;

	for (i = 0; i < 6; i++)
		lie_one(3, (struct cap){VIRTIO_PCI_CAP_NOTIFY_CFG, 4, 0x3000, 0x1000, bad[i], 20});
	/* Legal; whether a queue's offset fits is checked when it is switched on. */
	memcpy(caps, good, sizeof(good));
	caps[3].multiplier = 0;
	build(caps, GOOD);
	UNIT_EQ(layout(&l), 0);
	caps[3].multiplier = 0x80000000;
	build(caps, GOOD);
	UNIT_EQ(layout(&l), 0);
}

static void lie_loop(void)
{
	struct virtio_pci_layout l;

	/* On itself, and from the last to the first: what was found on the way counts. */
	build(good, GOOD);
	space[0x41] = 0x40;
	UNIT_EQ(layout(&l), -EPROTO);
	build(good, GOOD);
	space[0x40 + 3 * 24 + 1] = 0x40;
	UNIT_EQ(layout(&l), 0);
	/* Of other capabilities. */
	build(good, GOOD);
	space[0x40] = PLX_PCI_CAP_PM;
	space[0x41] = 0x40;
	UNIT_EQ(layout(&l), -ENOTSUP);
}

static void lie_at_the_end(void)
{
	struct virtio_pci_layout l;

	build(good, GOOD);
	space[0x40 + 3 * 24 + 1] = 0xff;
	space[0xfc] = PLX_PCI_CAP_VENDOR;
	space[0xfc + VIRTIO_PCI_CAP_LEN] = 255;
	space[0xfc + VIRTIO_PCI_CAP_CFG_TYPE] = VIRTIO_PCI_CAP_COMMON_CFG;
	UNIT_EQ(layout(&l), 0);
	space[PLX_PCI_CAP_POINTER] = 0xff;
	UNIT_EQ(layout(&l), -EPROTO);
}

CU_TestInfo caps_tests[] = {
	{"a good device", good_device},
	{"the first usable one counts", first_usable_counts},
	{"missing capabilities", missing_caps},
	{"lies", lies},
	{"lie: multiplier", lie_multiplier},
	{"lie: loops", lie_loop},
	{"lie: at the end of the space", lie_at_the_end},
	CU_TEST_INFO_NULL,
};
