// SPDX-License-Identifier: GPL-2.0-only
/*
 * Moves data between users and BARs, in accesses as wide as alignment allows.
 * The memory lock is held for each access by itself and never across a copy from
 * or to the user, which can fault on the very BAR.
 */
#include <linux/io.h>
#include <linux/io-64-nonatomic-lo-hi.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

size_t vfio_pci_access_width(u64 offset, size_t count, size_t max)
{
	size_t width = max;

	while (width > count || !IS_ALIGNED(offset, width))
		width /= 2;
	return width;
}

u64 vfio_pci_io_read(void __iomem *io, size_t width)
{
	switch (width) {
	case 1:
		return ioread8(io);
	case 2:
		return ioread16(io);
	case 4:
		return ioread32(io);
	default:
		return readq(io);
	}
}

void vfio_pci_io_write(void __iomem *io, size_t width, u64 value)
{
	switch (width) {
	case 1:
		iowrite8(value, io);
		break;
	case 2:
		iowrite16(value, io);
		break;
	case 4:
		iowrite32(value, io);
		break;
	default:
		writeq(value, io);
	}
}

static bool vfio_pci_bar_is_mem(struct vfio_pci_device *dev, unsigned int bar)
{
	return pci_resource_flags(dev->pdev, bar) & IORESOURCE_MEM;
}

static size_t vfio_pci_bar_width(struct vfio_pci_device *dev, unsigned int bar, u64 offset,
				 size_t count)
{
	const size_t max = vfio_pci_bar_is_mem(dev, bar) && IS_ENABLED(CONFIG_64BIT) ? 8 : 4;

	return vfio_pci_access_width(offset, count, max);
}

/* I/O ports need no lock: nothing answers with all ones if decode is off, and no harm is done. */
static int vfio_pci_bar_load(struct vfio_pci_device *dev, unsigned int bar, void __iomem *io,
			     size_t width, u64 *value)
{
	int ret = 0;

	if (!vfio_pci_bar_is_mem(dev, bar)) {
		*value = vfio_pci_io_read(io, width);
		return 0;
	}
	down_read(&dev->memory_lock);
	if (vfio_pci_memory_usable(dev))
		*value = vfio_pci_io_read(io, width);
	else
		ret = -EIO;
	up_read(&dev->memory_lock);
	return ret;
}

static int vfio_pci_bar_store_unit(struct vfio_pci_device *dev, unsigned int bar, void __iomem *io,
				   size_t width, u64 value)
{
	int ret = 0;

	if (!vfio_pci_bar_is_mem(dev, bar)) {
		vfio_pci_io_write(io, width, value);
		return 0;
	}
	down_read(&dev->memory_lock);
	if (vfio_pci_memory_usable(dev))
		vfio_pci_io_write(io, width, value);
	else
		ret = -EIO;
	up_read(&dev->memory_lock);
	return ret;
}

ssize_t vfio_pci_bar_read(struct vfio_pci_device *dev, unsigned int bar, char __user *buf,
			  size_t count, u64 offset)
{
	void __iomem *io = vfio_pci_bar_io(dev, bar);
	size_t done, width;
	__le64 le;
	u64 value;
	int ret;

	if (IS_ERR(io))
		return PTR_ERR(io);
	for (done = 0; done < count; done += width, offset += width) {
		width = vfio_pci_bar_width(dev, bar, offset, count - done);
		value = U64_MAX;
		if (!vfio_pci_in_msix_table(dev, bar, offset, width)) {
			ret = vfio_pci_bar_load(dev, bar, io + offset, width, &value);
			if (ret)
				return ret;
		}
		le = cpu_to_le64(value);
		if (copy_to_user(buf + done, &le, width))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return done;
}

ssize_t vfio_pci_bar_write(struct vfio_pci_device *dev, unsigned int bar, const char __user *buf,
			   size_t count, u64 offset)
{
	void __iomem *io = vfio_pci_bar_io(dev, bar);
	size_t done, width;
	__le64 le;
	int ret;

	if (IS_ERR(io))
		return PTR_ERR(io);
	for (done = 0; done < count; done += width, offset += width) {
		width = vfio_pci_bar_width(dev, bar, offset, count - done);
		le = 0;
		if (copy_from_user(&le, buf + done, width))
			return -EFAULT;
		/* The kernel's table: SET_IRQS is the way to it. */
		if (vfio_pci_in_msix_table(dev, bar, offset, width))
			continue;
		ret = vfio_pci_bar_store_unit(dev, bar, io + offset, width, le64_to_cpu(le));
		if (ret)
			return ret;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return done;
}

/* For ioeventfds: @width bytes at any alignment. The caller checked the range. */
int vfio_pci_bar_store(struct vfio_pci_device *dev, unsigned int bar, u64 offset, size_t width,
		       u64 value)
{
	void __iomem *io = vfio_pci_bar_io(dev, bar);
	size_t part;
	int ret = 0;

	if (IS_ERR(io))
		return PTR_ERR(io);
	while (width && !ret) {
		part = vfio_pci_bar_width(dev, bar, offset, width);
		ret = vfio_pci_bar_store_unit(dev, bar, io + offset, part, value);
		value = part < sizeof(value) ? value >> (part * 8) : 0;
		offset += part;
		width -= part;
	}
	return ret;
}
