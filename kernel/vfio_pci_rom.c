// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the expansion ROM. Its decode is switched on for each page read and off
 * again, because on many devices it shares the address decoder with a BAR.
 */
#include <linux/io.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

/* No wider than 32 bits: a ROM's bus is narrow, and some bridges answer 64-bit reads with an error.
 */
static void vfio_pci_rom_copy(u8 *to, const u8 __iomem *rom, u64 offset, size_t count)
{
	size_t width;
	__le32 le;

	for (; count; count -= width, offset += width, to += width) {
		width = vfio_pci_access_width(offset, count, 4);
		le = cpu_to_le32(vfio_pci_io_read((void __iomem *)rom + offset, width));
		memcpy(to, &le, width);
	}
}

/* What lies behind the end of the image, as the kernel found it, reads as ones. */
static int vfio_pci_rom_read_part(struct vfio_pci_device *dev, u8 *to, size_t count, u64 offset)
{
	u8 __iomem *rom;
	size_t size, inside;
	int ret = 0;

	memset(to, 0xff, count);
	down_write(&dev->memory_lock);
	if (!vfio_pci_memory_usable(dev)) {
		ret = -EIO;
		goto out;
	}
	rom = pci_map_rom(dev->pdev, &size);
	if (!rom)
		goto out;
	inside = offset < size ? min_t(u64, count, size - offset) : 0;
	vfio_pci_rom_copy(to, rom, offset, inside);
	pci_unmap_rom(dev->pdev, rom);
out:
	up_write(&dev->memory_lock);
	return ret;
}

ssize_t vfio_pci_rom_read(struct vfio_pci_device *dev, char __user *buf, size_t count, u64 offset)
{
	u8 *page = kmalloc(PAGE_SIZE, GFP_KERNEL_ACCOUNT);
	size_t done, part;
	ssize_t ret = 0;

	if (!page)
		return -ENOMEM;
	for (done = 0; done < count; done += part) {
		part = min(count - done, PAGE_SIZE);
		ret = vfio_pci_rom_read_part(dev, page, part, offset + done);
		if (!ret && copy_to_user(buf + done, page, part))
			ret = -EFAULT;
		if (!ret && fatal_signal_pending(current))
			ret = -EINTR;
		if (ret)
			break;
	}
	kfree(page);
	return ret ?: done;
}
