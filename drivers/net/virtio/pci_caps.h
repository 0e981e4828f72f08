/* SPDX-License-Identifier: BSD-3-Clause */
/* Where a virtio PCI device has its structures; used by pci.c. Pure: configuration space in. */
#ifndef POLLUX_VIRTIO_PCI_CAPS_H
#define POLLUX_VIRTIO_PCI_CAPS_H

#include <pollux/pci.h>

#include "virtio_regs.h"

/** A structure in a BAR. length 0: the device has none. */
struct virtio_pci_area {
	uint8_t bar;
	uint32_t offset, length;
};

struct virtio_pci_layout {
	struct virtio_pci_area common, notify, device;
	uint32_t notify_multiplier;
};

/**
 * Read the capability list (4.1.4). Of each structure the first usable one counts, as the
 * specification has it; capabilities that lie are passed over.
 * @bar_size: of each BAR, 0 where there is none
 * @name: for messages
 * Return: 0; -ENOTSUP (no virtio capability at all: a legacy device), -EPROTO (a structure is
 * missing: the log says which, and why what there was is no good), or a read error.
 */
int virtio_pci_layout_read(const struct plx_pci_config *config,
			   const uint64_t bar_size[PLX_PCI_BAR_COUNT], const char *name,
			   struct virtio_pci_layout *layout);

#endif /* POLLUX_VIRTIO_PCI_CAPS_H */
