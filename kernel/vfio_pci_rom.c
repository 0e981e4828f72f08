// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reads the expansion ROM. Its decode is switched on for each page read and off
 * again, because on many devices it shares the address decoder with a BAR.
 *
 * The PCI core's own pci_map_rom() is not for users who read as often as they
 * like: it logs a line for each ROM that it finds invalid, and believes a header
 * that points behind the end of the ROM.
 */
#include <linux/io.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include <linux/unaligned.h>
#include "vfio_pci_private.h"

/* PCI Firmware 3.0, 5.1.1: header of an image, and the data structure it points to. */
#define ROM_SIGNATURE	    0xaa55
#define ROM_HEADER_SIZE	    0x1a
#define ROM_PCIR_POINTER    0x18
#define PCIR_SIGNATURE	    0x52494350 /* "PCIR" */
#define PCIR_SIZE	    0x18
#define PCIR_IMAGE_LENGTH   0x10 /* in units of 512 bytes */
#define PCIR_INDICATOR	    0x15
#define PCIR_INDICATOR_LAST 0x80

/*
 * No wider than 32 bits: a ROM's bus is narrow, and some bridges answer 64-bit reads with an error.
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

/* Return: bytes of the image at an offset, which may be more than there are; 0 if there is none. */
static size_t vfio_pci_rom_image(const u8 __iomem *rom, size_t size, size_t at, bool *last)
{
	u8 header[ROM_HEADER_SIZE], pcir[PCIR_SIZE];
	size_t pcir_at;

	if (size - at < sizeof(header))
		return 0;
	vfio_pci_rom_copy(header, rom, at, sizeof(header));
	if (get_unaligned_le16(header) != ROM_SIGNATURE)
		return 0;
	pcir_at = at + get_unaligned_le16(header + ROM_PCIR_POINTER);
	if (pcir_at + sizeof(pcir) > size)
		return 0;
	vfio_pci_rom_copy(pcir, rom, pcir_at, sizeof(pcir));
	if (get_unaligned_le32(pcir) != PCIR_SIGNATURE)
		return 0;
	*last = pcir[PCIR_INDICATOR] & PCIR_INDICATOR_LAST;
	return get_unaligned_le16(pcir + PCIR_IMAGE_LENGTH) * 512;
}

/* Return: bytes up to the end of the last image, of size. */
static size_t vfio_pci_rom_end(const u8 __iomem *rom, size_t size)
{
	size_t at = 0, length;
	bool last = false;

	do {
		length = vfio_pci_rom_image(rom, size, at, &last);
		at += length;
	} while (length && !last && at < size);
	return min(at, size);
}

/* A copy that the firmware made stands in where the ROM itself has no address. */
static bool vfio_pci_rom_is_copy(const struct pci_dev *pdev)
{
	return !pci_resource_start(pdev, PCI_ROM_RESOURCE) && pdev->rom && pdev->romlen;
}

static void vfio_pci_rom_off(struct pci_dev *pdev)
{
	if (!vfio_pci_rom_is_copy(pdev) &&
	    !(pci_resource_flags(pdev, PCI_ROM_RESOURCE) & IORESOURCE_ROM_ENABLE))
		pci_disable_rom(pdev);
}

/* Also gives it an address if it has none. If there is none left, one attempt is enough. */
static u8 __iomem *vfio_pci_rom_on(struct vfio_pci_device *dev, size_t *size)
{
	struct pci_dev *pdev = dev->pdev;
	u8 __iomem *rom;

	lockdep_assert_held_write(&dev->memory_lock);
	if (vfio_pci_rom_is_copy(pdev)) {
		*size = pdev->romlen;
		return ioremap(pdev->rom, pdev->romlen);
	}
	if (!pdev->resource[PCI_ROM_RESOURCE].parent) {
		if (dev->rom_homeless || pci_assign_resource(pdev, PCI_ROM_RESOURCE)) {
			dev->rom_homeless = true;
			return NULL;
		}
	}
	*size = pci_resource_len(pdev, PCI_ROM_RESOURCE);
	if (!*size || pci_enable_rom(pdev))
		return NULL;
	rom = ioremap(pci_resource_start(pdev, PCI_ROM_RESOURCE), *size);
	if (!rom)
		vfio_pci_rom_off(pdev);
	return rom;
}

u64 vfio_pci_rom_size(const struct vfio_pci_device *dev)
{
	const struct pci_dev *pdev = dev->pdev;

	return vfio_pci_rom_is_copy(pdev) ? roundup_pow_of_two(pdev->romlen)
					  : pci_resource_len(pdev, PCI_ROM_RESOURCE);
}

/*
 * Users are told of a ROM only if there is an image in it, also while the device decodes nothing.
 */
bool vfio_pci_rom_has_image(struct vfio_pci_device *dev)
{
	const u16 command = vfio_pci_memory_force(dev);
	u8 __iomem *rom;
	size_t size, end = 0;

	rom = vfio_pci_rom_on(dev, &size);
	if (rom) {
		end = vfio_pci_rom_end(rom, size);
		iounmap(rom);
		vfio_pci_rom_off(dev->pdev);
	}
	vfio_pci_memory_unforce(dev, command);
	return end;
}

/* What lies behind the end of the last image reads as ones. */
static int vfio_pci_rom_read_part(struct vfio_pci_device *dev, u8 *to, size_t count, u64 offset)
{
	u8 __iomem *rom;
	size_t size, end;
	int ret = 0;

	memset(to, 0xff, count);
	down_write(&dev->memory_lock);
	if (!vfio_pci_memory_usable(dev)) {
		ret = -EIO;
		goto out;
	}
	rom = vfio_pci_rom_on(dev, &size);
	if (!rom)
		goto out;
	end = vfio_pci_rom_end(rom, size);
	if (offset < end)
		vfio_pci_rom_copy(to, rom, offset, min_t(u64, count, end - offset));
	iounmap(rom);
	vfio_pci_rom_off(dev->pdev);
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
