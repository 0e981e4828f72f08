/* SPDX-License-Identifier: BSD-3-Clause */
/* Transport: a device of the kernel's VFIO (<linux/vfio.h>), by its group. */
#include <pollux/log.h>

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vfio/as.h"
#include "vfio/dev.h"

PLX_LOG_USE(vfio);

/* --- Regions --------------------------------------------------------------------------------- */

/* Without the sparse-mmap capability all of a region may be mapped, or nothing. */
static int whole_region(struct plx_dev_region *region)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);

	region->areas = calloc(1, sizeof(*region->areas));
	if (!region->areas)
		return -ENOMEM;
	region->areas[0].size = (region->size + page - 1) / page * page;
	region->area_count = 1;
	return 0;
}

static int kernel_region_info(struct plx_dev *dev, unsigned int index,
			      struct plx_dev_region *region)
{
	struct vfio_region_info info = {.index = index};
	uint32_t first;
	size_t size;
	void *buf;
	int err;

	err = plx_vfio_info_get(dev->fd, VFIO_DEVICE_GET_REGION_INFO, &info, sizeof(info), &buf,
				&size);
	if (err)
		return err;
	region->size = info.size;
	region->start = info.offset;
	region->flags = info.flags;
	if (info.size && info.flags & VFIO_REGION_INFO_FLAG_MMAP) {
		first = info.flags & VFIO_REGION_INFO_FLAG_CAPS ? info.cap_offset : 0;
		err = plx_vfio_parse_sparse(buf, size, first, info.size, &region->areas,
					    &region->area_count);
		if (err == -ENOENT)
			err = whole_region(region);
	}
	free(buf);
	return err;
}

static int kernel_region_read(struct plx_dev *dev, const struct plx_dev_region *region,
			      uint64_t offset, void *buf, size_t len)
{
	ssize_t n = pread(dev->fd, buf, len, (off_t)(region->start + offset));

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int kernel_region_write(struct plx_dev *dev, const struct plx_dev_region *region,
			       uint64_t offset, const void *buf, size_t len)
{
	ssize_t n = pwrite(dev->fd, buf, len, (off_t)(region->start + offset));

	return n == (ssize_t)len ? 0 : n < 0 ? -errno : -EIO;
}

static int kernel_region_mmap(struct plx_dev *dev, const struct plx_dev_region *region,
			      const struct plx_vfio_area *area, void *at)
{
	int prot = (region->flags & VFIO_REGION_INFO_FLAG_READ ? PROT_READ : 0) |
		   (region->flags & VFIO_REGION_INFO_FLAG_WRITE ? PROT_WRITE : 0);

	return mmap(at, area->size, prot, MAP_SHARED | MAP_FIXED, dev->fd,
		    (off_t)(region->start + area->offset)) == MAP_FAILED
		       ? -errno
		       : 0;
}

/* --- Interrupts ------------------------------------------------------------------------------ */

static unsigned int kernel_irq_count(struct plx_dev *dev, unsigned int index)
{
	struct vfio_irq_info info = {.argsz = sizeof(info), .index = index};

	if (ioctl(dev->fd, VFIO_DEVICE_GET_IRQ_INFO, &info) < 0 ||
	    !(info.flags & VFIO_IRQ_INFO_EVENTFD))
		return 0;
	return info.count;
}

static int kernel_irq_set(struct plx_dev *dev, unsigned int index, const int *fds,
			  unsigned int count)
{
	size_t len = sizeof(struct vfio_irq_set) + count * sizeof(*fds);
	struct vfio_irq_set *set = calloc(1, len);
	int ret;

	if (!set)
		return -ENOMEM;
	set->argsz = (uint32_t)len;
	set->flags = VFIO_IRQ_SET_ACTION_TRIGGER |
		     (count ? VFIO_IRQ_SET_DATA_EVENTFD : VFIO_IRQ_SET_DATA_NONE);
	set->index = index;
	set->count = count;
	if (count)
		memcpy(set->data, fds, count * sizeof(*fds));
	/* More than 0 is the number of vectors that could be had, when they are too few. */
	ret = ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, set);
	if (ret)
		ret = ret < 0 ? -errno : -ENOSPC;
	free(set);
	return ret;
}

static int kernel_irq_unmask(struct plx_dev *dev)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_ACTION_UNMASK | VFIO_IRQ_SET_DATA_NONE,
		.index = VFIO_PCI_INTX_IRQ_INDEX,
		.count = 1,
	};

	return ioctl(dev->fd, VFIO_DEVICE_SET_IRQS, &set) < 0 ? -errno : 0;
}

/* --- Device ---------------------------------------------------------------------------------- */

static int kernel_reset(struct plx_dev *dev)
{
	return ioctl(dev->fd, VFIO_DEVICE_RESET) < 0 ? -errno : 0;
}

static void kernel_close(struct plx_dev *dev)
{
	close(dev->fd);
	plx_group_put(dev->as, dev->group);
}

static const struct plx_dev_ops kernel_ops = {
	.region_info = kernel_region_info,
	.region_read = kernel_region_read,
	.region_write = kernel_region_write,
	.region_mmap = kernel_region_mmap,
	.irq_count = kernel_irq_count,
	.irq_set = kernel_irq_set,
	.irq_unmask = kernel_irq_unmask,
	.reset = kernel_reset,
	.close = kernel_close,
};

static int check_driver(const struct plx_dev *dev)
{
	const struct plx_pci_device *pci = &dev->info.pci;

	if (pci->group < 0) {
		PLX_ERR(vfio,
			"%s: has no IOMMU group; switch the IOMMU on in the firmware and by "
			"intel_iommu=on or amd_iommu=on on the kernel command line",
			dev->info.name);
		return -ENXIO;
	}
	if (!strstr(pci->driver, "vfio")) {
		PLX_ERR(vfio, "%s: is bound to %s; `plx-bind bind %s`", dev->info.name,
			pci->driver[0] ? pci->driver : "no driver", dev->info.name);
		return -EMEDIUMTYPE;
	}
	return 0;
}

static int get_device(struct plx_dev *dev)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	int err;

	dev->fd = ioctl(dev->group->fd, VFIO_GROUP_GET_DEVICE_FD, dev->info.name);
	if (dev->fd < 0) {
		err = -errno;
		PLX_ERR(vfio, "%s: the kernel does not open it: %s; see dmesg", dev->info.name,
			strerror(-err));
		return err;
	}
	if (ioctl(dev->fd, VFIO_DEVICE_GET_INFO, &info) < 0) {
		err = -errno;
		close(dev->fd);
		return err;
	}
	dev->info.num_regions = info.num_regions;
	dev->info.can_reset = info.flags & VFIO_DEVICE_FLAGS_RESET;
	return 0;
}

int plx_dev_kernel_open(struct plx_dev *dev)
{
	int err = check_driver(dev);

	if (err)
		return err;
	err = plx_group_get(dev->as, &dev->info.pci, &dev->group);
	if (err)
		return err;
	err = get_device(dev);
	if (err) {
		plx_group_put(dev->as, dev->group);
		return err;
	}
	dev->ops = &kernel_ops;
	return 0;
}
