// SPDX-License-Identifier: GPL-2.0-only
/*
 * The legacy VGA ranges, which every VGA device decodes at the same addresses:
 * 0xa0000-0xbffff in memory, ports 0x3b0-0x3bb and 0x3c0-0x3df. The arbiter
 * routes them to our device for the time of each access.
 */
#include <linux/io.h>
#include <linux/ioport.h>
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include <linux/vgaarb.h>
#include "vfio_pci_private.h"

static const struct vfio_pci_vga_range {
	u32 first, last;
	bool ports;
} ranges[] = {
	{0xa0000, 0xbffff, false},
	{0x3b0, 0x3bb, true},
	{0x3c0, 0x3df, true},
};

static const struct vfio_pci_vga_range *vfio_pci_vga_find(u64 offset)
{
	for (size_t i = 0; i < ARRAY_SIZE(ranges); i++)
		if (offset >= ranges[i].first && offset <= ranges[i].last)
			return &ranges[i];
	return NULL;
}

static void __iomem *vfio_pci_vga_map(const struct vfio_pci_vga_range *range)
{
	const size_t size = range->last - range->first + 1;

	return range->ports ? ioport_map(range->first, size) : ioremap(range->first, size);
}

static void vfio_pci_vga_unmap(const struct vfio_pci_vga_range *range, void __iomem *io)
{
	if (range->ports)
		ioport_unmap(io);
	else
		iounmap(io);
}

/* One access. The arbiter's lock is taken interruptibly: its holder may be a stuck X server. */
static int vfio_pci_vga_access(struct vfio_pci_device *dev, const struct vfio_pci_vga_range *range,
			       void __iomem *io, size_t width, u64 *value, bool write)
{
	const unsigned int rsrc = range->ports ? VGA_RSRC_LEGACY_IO : VGA_RSRC_LEGACY_MEM;
	int ret;

	ret = vga_get_interruptible(dev->pdev, rsrc);
	if (ret)
		return ret;
	down_read(&dev->memory_lock);
	if (!range->ports && !vfio_pci_memory_usable(dev))
		ret = -EIO;
	else if (write)
		vfio_pci_io_write(io, width, *value);
	else
		*value = vfio_pci_io_read(io, width);
	up_read(&dev->memory_lock);
	vga_put(dev->pdev, rsrc);
	return ret;
}

static ssize_t vfio_pci_vga_transfer(struct vfio_pci_device *dev, char __user *buf, size_t count,
				     u64 offset, bool write)
{
	const struct vfio_pci_vga_range *range = vfio_pci_vga_find(offset);
	void __iomem *io;
	size_t done, width;
	int ret = 0;

	if (!range)
		return -EINVAL;
	count = min_t(u64, count, range->last + 1 - offset);
	io = vfio_pci_vga_map(range);
	if (!io)
		return -ENOMEM;
	for (done = 0; done < count && !ret; done += width) {
		__le64 le = 0;
		u64 value = 0;

		width = vfio_pci_access_width(offset + done, count - done, 4);
		if (write && copy_from_user(&le, buf + done, width)) {
			ret = -EFAULT;
			break;
		}
		value = le64_to_cpu(le);
		ret = vfio_pci_vga_access(dev, range, io + (offset + done - range->first), width,
					  &value, write);
		le = cpu_to_le64(value);
		if (!ret && !write && copy_to_user(buf + done, &le, width))
			ret = -EFAULT;
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		cond_resched();
	}
	vfio_pci_vga_unmap(range, io);
	return ret ?: done;
}

ssize_t vfio_pci_vga_read(struct vfio_pci_device *dev, char __user *buf, size_t count, u64 offset)
{
	return vfio_pci_vga_transfer(dev, buf, count, offset, false);
}

ssize_t vfio_pci_vga_write(struct vfio_pci_device *dev, const char __user *buf, size_t count,
			   u64 offset)
{
	return vfio_pci_vga_transfer(dev, (char __user *)buf, count, offset, true);
}
