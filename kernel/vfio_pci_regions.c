// SPDX-License-Identifier: GPL-2.0-only
/*
 * Regions: which there are, how large, what can be done with them; reads and
 * writes on their way to the file that knows the region. Also owns the BARs'
 * resources while the device is open: claimed when first used.
 */
#include <linux/ioport.h>
#include <linux/nospec.h>
#include <linux/pm_runtime.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

#define VGA_REGION_SIZE 0xc0000

/* ---- BARs ---- */

/*
 * A BAR smaller than a page can be mapped if nothing else can come to be in that
 * page: reserve the rest of it.
 */
static bool vfio_pci_bar_fill_page(struct vfio_pci_device *dev, struct resource *res,
				   struct vfio_pci_bar *bar)
{
	if (!IS_ALIGNED(res->start, PAGE_SIZE) || !res->parent)
		return false;
	bar->rest = (struct resource){
		.name = "vfio-pci (rest of page)",
		.start = res->end + 1,
		.end = PAGE_ALIGN(res->end + 1) - 1,
		.flags = res->flags,
	};
	if (request_resource(res->parent, &bar->rest)) {
		bar->rest = (struct resource){};
		return false;
	}
	return true;
}

static bool vfio_pci_bar_mappable(struct vfio_pci_device *dev, unsigned int index)
{
	struct resource *res = &dev->pdev->resource[index];

	if (!(res->flags & IORESOURCE_MEM) || !resource_size(res) ||
	    dev->pdev->non_compliant_bars || (res->flags & IORESOURCE_UNSET))
		return false;
	if (resource_size(res) >= PAGE_SIZE)
		return IS_ALIGNED(res->start, PAGE_SIZE);
	return vfio_pci_bar_fill_page(dev, res, &dev->bars[index]);
}

void vfio_pci_regions_open(struct vfio_pci_device *dev)
{
	for (unsigned int i = 0; i < PCI_STD_NUM_BARS; i++)
		dev->bars[i] = (struct vfio_pci_bar){};
	for (unsigned int i = 0; i < PCI_STD_NUM_BARS; i++)
		dev->bars[i].mappable = vfio_pci_bar_mappable(dev, i);
}

void vfio_pci_regions_close(struct vfio_pci_device *dev)
{
	for (unsigned int i = 0; i < PCI_STD_NUM_BARS; i++) {
		struct vfio_pci_bar *bar = &dev->bars[i];

		if (bar->io)
			pci_iounmap(dev->pdev, bar->io);
		if (bar->claimed)
			pci_release_selected_regions(dev->pdev, BIT(i));
		if (bar->rest.parent)
			release_resource(&bar->rest);
		*bar = (struct vfio_pci_bar){};
	}
}

static int vfio_pci_bar_claim_locked(struct vfio_pci_device *dev, unsigned int index)
{
	struct vfio_pci_bar *bar = &dev->bars[index];
	int ret;

	if (bar->claimed)
		return 0;
	ret = pci_request_selected_regions(dev->pdev, BIT(index), "vfio-pci");
	if (ret) {
		dev_warn_ratelimited(
			&dev->pdev->dev,
			"BAR %u is used by something else in the kernel, see /proc/iomem\n", index);
		return ret;
	}
	bar->claimed = true;
	return 0;
}

int vfio_pci_bar_claim(struct vfio_pci_device *dev, unsigned int index)
{
	int ret;

	mutex_lock(&dev->bar_lock);
	ret = vfio_pci_bar_claim_locked(dev, index);
	mutex_unlock(&dev->bar_lock);
	return ret;
}

/* The BAR for the kernel's own use. It stays until close. */
void __iomem *vfio_pci_bar_io(struct vfio_pci_device *dev, unsigned int index)
{
	struct vfio_pci_bar *bar = &dev->bars[index];
	void __iomem *io;
	int ret;

	mutex_lock(&dev->bar_lock);
	ret = vfio_pci_bar_claim_locked(dev, index);
	if (!ret && !bar->io) {
		bar->io = pci_iomap(dev->pdev, index, 0);
		if (!bar->io)
			ret = -ENOMEM;
	}
	io = ret ? IOMEM_ERR_PTR(ret) : bar->io;
	mutex_unlock(&dev->bar_lock);
	return io;
}

bool vfio_pci_in_msix_table(const struct vfio_pci_device *dev, unsigned int bar, u64 offset,
			    u64 count)
{
	return bar == dev->msix_bar && offset < (u64)dev->msix_offset + dev->msix_size &&
	       offset + count > dev->msix_offset;
}

/* ---- information ---- */

u64 vfio_pci_region_size(struct vfio_pci_device *dev, unsigned int region)
{
	struct pci_dev *pdev = dev->pdev;

	switch (region) {
	case VFIO_PCI_BAR0_REGION_INDEX ... VFIO_PCI_BAR5_REGION_INDEX:
		return pdev->non_compliant_bars ? 0 : pci_resource_len(pdev, region);
	case VFIO_PCI_ROM_REGION_INDEX:
		return pdev->non_compliant_bars ? 0 : vfio_pci_rom_size(dev);
	case VFIO_PCI_CONFIG_REGION_INDEX:
		return dev->config.size;
	case VFIO_PCI_VGA_REGION_INDEX:
		return dev->has_vga ? VGA_REGION_SIZE : 0;
	default:
		return 0;
	}
}

static u32 vfio_pci_region_flags(struct vfio_pci_device *dev, unsigned int region)
{
	const u32 read_write = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE;

	if (region == VFIO_PCI_ROM_REGION_INDEX)
		return VFIO_REGION_INFO_FLAG_READ;
	if (region < PCI_STD_NUM_BARS && dev->bars[region].mappable)
		return read_write | VFIO_REGION_INFO_FLAG_MMAP;
	return read_write;
}

long vfio_pci_get_region_info(struct vfio_pci_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_region_info, offset);
	struct vfio_info_caps caps = {};
	struct vfio_region_info info;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	if (info.index == VFIO_PCI_VGA_REGION_INDEX && !dev->has_vga)
		return -EINVAL;

	info.index = array_index_nospec(info.index, VFIO_PCI_NUM_REGIONS);
	info.offset = VFIO_PCI_START(info.index);
	info.size = vfio_pci_region_size(dev, info.index);
	if (info.index == VFIO_PCI_ROM_REGION_INDEX && info.size && !vfio_pci_rom_has_image(dev))
		info.size = 0;
	info.flags = info.size ? vfio_pci_region_flags(dev, info.index) : 0;
	/* The user may map the table: with interrupt remapping nothing it writes does harm. */
	if (info.index == dev->msix_bar && (info.flags & VFIO_REGION_INFO_FLAG_MMAP)) {
		info.flags |= VFIO_REGION_INFO_FLAG_CAPS;
		if (IS_ERR(vfio_info_caps_add(&caps, sizeof(struct vfio_info_cap_header),
					      VFIO_REGION_INFO_CAP_MSIX_MAPPABLE, 1)))
			return -ENOMEM;
	}
	ret = vfio_info_caps_to_user(&caps, arg, &info.argsz, sizeof(info), &info.cap_offset);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

/* ---- read and write ---- */

static ssize_t vfio_pci_region_read(struct vfio_pci_device *dev, unsigned int region,
				    char __user *buf, size_t count, u64 offset)
{
	const u64 size = vfio_pci_region_size(dev, region);

	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return vfio_pci_config_read(dev, buf, count, offset);
	if (offset >= size)
		return -EINVAL;
	count = min_t(u64, count, size - offset);
	if (region == VFIO_PCI_ROM_REGION_INDEX)
		return vfio_pci_rom_read(dev, buf, count, offset);
	if (region == VFIO_PCI_VGA_REGION_INDEX)
		return vfio_pci_vga_read(dev, buf, count, offset);
	return vfio_pci_bar_read(dev, region, buf, count, offset);
}

static ssize_t vfio_pci_region_write(struct vfio_pci_device *dev, unsigned int region,
				     const char __user *buf, size_t count, u64 offset)
{
	const u64 size = vfio_pci_region_size(dev, region);

	if (region == VFIO_PCI_CONFIG_REGION_INDEX)
		return vfio_pci_config_write(dev, buf, count, offset);
	if (region == VFIO_PCI_ROM_REGION_INDEX || offset >= size)
		return -EINVAL;
	count = min_t(u64, count, size - offset);
	if (region == VFIO_PCI_VGA_REGION_INDEX)
		return vfio_pci_vga_write(dev, buf, count, offset);
	return vfio_pci_bar_write(dev, region, buf, count, offset);
}

ssize_t vfio_pci_core_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *pos)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);
	u64 region = VFIO_PCI_REGION(*pos);
	ssize_t ret;

	if (region >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	region = array_index_nospec(region, VFIO_PCI_NUM_REGIONS);
	if (!count)
		return 0;
	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret < 0)
		return -EIO;
	ret = vfio_pci_region_read(dev, region, buf, min_t(size_t, count, MAX_RW_COUNT),
				   *pos & VFIO_PCI_OFFSET_MASK);
	pm_runtime_put(&dev->pdev->dev);
	if (ret > 0)
		*pos += ret;
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_read);

ssize_t vfio_pci_core_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			    loff_t *pos)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);
	u64 region = VFIO_PCI_REGION(*pos);
	ssize_t ret;

	if (region >= VFIO_PCI_NUM_REGIONS)
		return -EINVAL;
	region = array_index_nospec(region, VFIO_PCI_NUM_REGIONS);
	if (!count)
		return 0;
	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret < 0)
		return -EIO;
	ret = vfio_pci_region_write(dev, region, buf, min_t(size_t, count, MAX_RW_COUNT),
				    *pos & VFIO_PCI_OFFSET_MASK);
	pm_runtime_put(&dev->pdev->dev);
	if (ret > 0)
		*pos += ret;
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_write);
