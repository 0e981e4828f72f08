/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside a device: what is common to all transports, and the table of what a transport provides.
 * dev.c owns its life, region.c, irq.c and event.c their part of it; kernel.c is a transport.
 */
#ifndef PLX_VFIO_DEV_H
#define PLX_VFIO_DEV_H

#include <linux/vfio.h>

#include <pollux/vfio.h>

#include "vfio/info.h"

#define PLX_DEV_REGIONS	  (PLX_REGION_VGA + 1)
#define PLX_DEV_IRQ_TYPES (PLX_IRQ_MSIX + 1)
/** MSI-X has no more vectors than this (PCIe Base 7.7.2.2: table size is 11 bits). */
#define PLX_DEV_IRQ_MAX 2048

struct plx_dev_region {
	uint64_t size;		     /* 0: there is none */
	uint64_t start;		     /* where the transport's file has it */
	uint32_t flags;		     /* VFIO_REGION_INFO_FLAG_* */
	struct plx_vfio_area *areas; /* that may be mapped, ascending */
	size_t area_count;
	char *base; /* of the reserved addresses with the areas mapped in; NULL: not mapped */
};

/**
 * A transport. It speaks in VFIO's terms (region and irq indices of <linux/vfio.h>), which
 * vfio-user shares. Functions return 0 or a negative errno.
 */
struct plx_dev_ops {
	/** Fill in size, start, flags and areas. */
	int (*region_info)(struct plx_dev *dev, unsigned int index, struct plx_dev_region *region);
	int (*region_read)(struct plx_dev *dev, const struct plx_dev_region *region,
			   uint64_t offset, void *buf, size_t len);
	int (*region_write)(struct plx_dev *dev, const struct plx_dev_region *region,
			    uint64_t offset, const void *buf, size_t len);
	/** Map one area at exactly this address. */
	int (*region_mmap)(struct plx_dev *dev, const struct plx_dev_region *region,
			   const struct plx_vfio_area *area, void *at);
	/** How many interrupts an index has; 0 where there is no such index. */
	unsigned int (*irq_count)(struct plx_dev *dev, unsigned int index);
	/** Signal these eventfds, one for each vector from 0; count 0 switches the index off. */
	int (*irq_set)(struct plx_dev *dev, unsigned int index, const int *fds, unsigned int count);
	/** Unmask INTx. */
	int (*irq_unmask)(struct plx_dev *dev);
	int (*reset)(struct plx_dev *dev);
	/** Release everything of the transport's; dev itself stays. */
	void (*close)(struct plx_dev *dev);
};

struct plx_dev {
	const struct plx_dev_ops *ops;
	struct plx_as *as;
	bool as_is_default;   /* ours to put back */
	struct plx_dev *next; /* of the address space */
	struct plx_dev_info info;
	struct plx_pci_config config;
	struct plx_dev_region regions[PLX_DEV_REGIONS];

	enum plx_irq_type irq_type;
	unsigned int irq_count; /* 0: off */
	int *irq_fds;

	int event_poll;	  /* epoll fd with the two below in it */
	int event_fds[2]; /* error, request; -1: the device does not signal it */

	int fd;			 /* kernel.c: of the device */
	struct plx_group *group; /* kernel.c */
};

/** Transport: the kernel's VFIO. Fills in ops, info.num_regions and can_reset. */
int plx_dev_kernel_open(struct plx_dev *dev);

int plx_dev_regions_init(struct plx_dev *dev);
void plx_dev_regions_fini(struct plx_dev *dev);
void plx_dev_irqs_init(struct plx_dev *dev);
int plx_dev_events_init(struct plx_dev *dev);
void plx_dev_events_fini(struct plx_dev *dev);

#endif /* PLX_VFIO_DEV_H */
