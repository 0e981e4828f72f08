/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The capability list of a virtio PCI device (VIRTIO 1.2, 4.1.4). It comes from the device: the
 * walk is bounded, and each capability is held against the BARs before it counts. The interrupt
 * status structure is not looked for: with MSI-X it is not used.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <pollux/log.h>

#include "pci_caps.h"

PLX_LOG_USE(virtio);

/* The list has room for no more (192 bytes, 4 each). */
#define CAPS_MAX 48

/* One capability as the device has it. */
struct cap {
	uint32_t len, type, bar, offset, length, multiplier;
};

/* Each structure that the driver needs: its least length, and alignment (4.1.4). */
static const struct need {
	const char *name;
	uint32_t type, length, align;
} needs[] = {
	{"common configuration", VIRTIO_PCI_CAP_COMMON_CFG, VIRTIO_COMMON_SIZE, 4},
	{"notification", VIRTIO_PCI_CAP_NOTIFY_CFG, 2, 2},
	{"device configuration", VIRTIO_PCI_CAP_DEVICE_CFG, 1, 4},
};
#define NEEDS (sizeof(needs) / sizeof(needs[0]))

static int cap_read(const struct plx_pci_config *config, uint32_t at, struct cap *cap)
{
	const struct {
		uint32_t offset, len;
		uint32_t *value;
	} fields[] = {
		{VIRTIO_PCI_CAP_LEN, 1, &cap->len},	  {VIRTIO_PCI_CAP_CFG_TYPE, 1, &cap->type},
		{VIRTIO_PCI_CAP_BAR, 1, &cap->bar},	  {VIRTIO_PCI_CAP_OFFSET, 4, &cap->offset},
		{VIRTIO_PCI_CAP_LENGTH, 4, &cap->length},
	};
	unsigned int i;
	int err;

	*cap = (struct cap){0};
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++) {
		if (at + fields[i].offset + fields[i].len > 256)
			return 0;
		err = config->read(config->ctx, at + fields[i].offset, fields[i].len,
				   fields[i].value);
		if (err)
			return err;
	}
	if (cap->type != VIRTIO_PCI_CAP_NOTIFY_CFG || at + VIRTIO_PCI_CAP_NOTIFY_SIZE > 256)
		return 0;
	return config->read(config->ctx, at + VIRTIO_PCI_CAP_NOTIFY_MULTIPLIER, 4,
			    &cap->multiplier);
}

/* What is wrong with a capability, or NULL. */
static const char *cap_fault(const struct cap *cap, const struct need *need,
			     const uint64_t bar_size[PLX_PCI_BAR_COUNT])
{
	uint32_t size = need->type == VIRTIO_PCI_CAP_NOTIFY_CFG ? VIRTIO_PCI_CAP_NOTIFY_SIZE
								: VIRTIO_PCI_CAP_SIZE;

	if (cap->len < size)
		return "the capability is too short";
	if (cap->bar >= PLX_PCI_BAR_COUNT)
		return "there is no such BAR";
	if (cap->length < need->length)
		return "the structure is too short";
	if (cap->offset % need->align)
		return "the structure is not aligned";
	if ((uint64_t)cap->offset + cap->length > bar_size[cap->bar])
		return "the structure goes past the end of its BAR";
	/* 4.1.4.4.1: 0 or a power of two; an odd one could not address 16 bits. */
	if (need->type == VIRTIO_PCI_CAP_NOTIFY_CFG &&
	    (cap->multiplier == 1 || (cap->multiplier & (cap->multiplier - 1))))
		return "the notification multiplier is neither 0 nor an even power of two";
	return NULL;
}

/* What came of the walk, for each structure that the driver needs. */
struct walk {
	struct virtio_pci_area *areas[NEEDS];
	char faults[NEEDS][128];
	unsigned int seen;
};

static void walk_take(struct walk *walk, const struct cap *cap,
		      const uint64_t bar_size[PLX_PCI_BAR_COUNT], uint32_t *multiplier)
{
	unsigned int i;

	walk->seen++;
	for (i = 0; i < NEEDS; i++) {
		const char *fault;

		if (cap->type != needs[i].type || walk->areas[i]->length)
			continue;
		fault = cap_fault(cap, &needs[i], bar_size);
		if (fault) {
			snprintf(walk->faults[i], sizeof(walk->faults[i]),
				 "%s (BAR %u, offset 0x%" PRIx32 ", length 0x%" PRIx32 ")", fault,
				 cap->bar, cap->offset, cap->length);
			continue;
		}
		*walk->areas[i] = (struct virtio_pci_area){
			.bar = (uint8_t)cap->bar, .offset = cap->offset, .length = cap->length};
		if (cap->type == VIRTIO_PCI_CAP_NOTIFY_CFG)
			*multiplier = cap->multiplier;
	}
}

static int walk_end(const struct walk *walk, const char *name)
{
	unsigned int i;

	if (!walk->seen) {
		PLX_ERR(virtio,
			"%s: a legacy virtio device, which cannot be driven behind an IOMMU; give "
			"it its modern interface (QEMU: disable-legacy=on,iommu_platform=on)",
			name);
		return -ENOTSUP;
	}
	for (i = 0; i < NEEDS; i++) {
		if (walk->areas[i]->length)
			continue;
		PLX_ERR(virtio, "%s: no %s structure among its capabilities: %s", name,
			needs[i].name, walk->faults[i][0] ? walk->faults[i] : "there is none");
		return -EPROTO;
	}
	return 0;
}

int virtio_pci_layout_read(const struct plx_pci_config *config,
			   const uint64_t bar_size[PLX_PCI_BAR_COUNT], const char *name,
			   struct virtio_pci_layout *layout)
{
	struct walk walk = {.areas = {&layout->common, &layout->notify, &layout->device}};
	unsigned int steps;
	struct cap cap;
	int at = 0;

	*layout = (struct virtio_pci_layout){0};
	for (steps = 0; steps < CAPS_MAX; steps++) {
		int err;

		at = plx_pci_cap_find(config, PLX_PCI_CAP_VENDOR, (uint32_t)at);
		if (at == 0 || at == -ELOOP)
			break;
		err = at < 0 ? at : cap_read(config, (uint32_t)at, &cap);
		if (err)
			return err;
		walk_take(&walk, &cap, bar_size, &layout->notify_multiplier);
	}
	return walk_end(&walk, name);
}
