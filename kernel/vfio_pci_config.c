// SPDX-License-Identifier: GPL-2.0-only
/*
 * The user's view of configuration space. Each bit is the device's or comes from
 * a shadow, and can be written or not; that is what the three byte arrays of
 * struct vfio_pci_config say, which vfio_pci_config_layout.c fills in when the
 * device is opened. Registers whose writes have an effect of their own are trapped,
 * see vfio_pci_config_traps.c.
 *
 * The device is read and written by the kernel's "user" accessors, which wait
 * while it is in reset: the memory lock must not be held, because who resets holds
 * it.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

#define CONFIG_WIDTH_MAX 4

/* ---- the shadow ---- */

static u32 vfio_pci_bytes_get(const u8 *bytes, size_t width)
{
	u32 value = 0;

	while (width--)
		value = value << 8 | bytes[width];
	return value;
}

u32 vfio_pci_shadow_get(const struct vfio_pci_config *config, u16 pos, size_t width)
{
	return vfio_pci_bytes_get(config->shadow + pos, width);
}

void vfio_pci_shadow_set(struct vfio_pci_config *config, u16 pos, size_t width, u32 value)
{
	for (size_t i = 0; i < width; i++)
		config->shadow[pos + i] = value >> (8 * i);
}

void vfio_pci_config_close(struct vfio_pci_device *dev)
{
	kvfree(dev->config.shadow);
	dev->config.shadow = NULL;
}

int vfio_pci_config_open(struct vfio_pci_device *dev)
{
	struct vfio_pci_config *config = &dev->config;
	const size_t size = dev->pdev->cfg_size;
	int ret;

	config->size = size;
	config->shadow = kvcalloc(4, size, GFP_KERNEL_ACCOUNT);
	if (!config->shadow)
		return -ENOMEM;
	config->virt = config->shadow + size;
	config->writable = config->virt + size;
	config->trap = config->writable + size;
	config->num_traps = 0;
	ret = vfio_pci_config_describe(dev);
	if (ret)
		vfio_pci_config_close(dev);
	return ret;
}

/* ---- the device ---- */

static int vfio_pci_config_load(struct pci_dev *pdev, u16 pos, size_t width, u32 *value)
{
	u16 word = ~0;
	u8 byte = ~0;
	int ret;

	switch (width) {
	case 1:
		ret = pci_user_read_config_byte(pdev, pos, &byte);
		*value = byte;
		return ret;
	case 2:
		ret = pci_user_read_config_word(pdev, pos, &word);
		*value = word;
		return ret;
	default:
		return pci_user_read_config_dword(pdev, pos, value);
	}
}

static int vfio_pci_config_store(struct pci_dev *pdev, u16 pos, size_t width, u32 value)
{
	switch (width) {
	case 1:
		return pci_user_write_config_byte(pdev, pos, value);
	case 2:
		return pci_user_write_config_word(pdev, pos, value);
	default:
		return pci_user_write_config_dword(pdev, pos, value);
	}
}

static u32 vfio_pci_config_ones(size_t width)
{
	return U32_MAX >> (32 - 8 * width);
}

/*
 * Write the bits in @mask. The access is as narrow as they allow: what is read and written back
 * beside them could be a status that a one clears.
 */
static int vfio_pci_config_merge(struct pci_dev *pdev, u16 pos, size_t width, u32 mask, u32 value)
{
	u32 old;
	int ret;

	for (size_t half = width / 2; half; half /= 2) {
		if (!(mask >> (8 * half))) {
			width = half;
		} else if (!(mask & vfio_pci_config_ones(half))) {
			width = half;
			pos += half;
			mask >>= 8 * half;
			value >>= 8 * half;
		} else {
			break;
		}
	}
	if (mask != vfio_pci_config_ones(width)) {
		ret = vfio_pci_config_load(pdev, pos, width, &old);
		if (ret)
			return ret;
		value = (old & ~mask) | (value & mask);
	}
	return vfio_pci_config_store(pdev, pos, width, value);
}

/* ---- what the user reads and writes, in naturally aligned pieces of up to four bytes ---- */

static int vfio_pci_config_read_piece(struct vfio_pci_device *dev, u16 pos, size_t width,
				      u32 *value)
{
	const u32 virt = vfio_pci_bytes_get(dev->config.virt + pos, width);
	u32 hard = 0;
	int ret = 0;

	if (virt != vfio_pci_config_ones(width))
		ret = vfio_pci_config_load(dev->pdev, pos, width, &hard);
	*value = (hard & ~virt) | (vfio_pci_shadow_get(&dev->config, pos, width) & virt);
	return ret;
}

static int vfio_pci_config_write_piece(struct vfio_pci_device *dev, u16 pos, size_t width,
				       u32 value)
{
	struct vfio_pci_config *config = &dev->config;
	const u32 virt = vfio_pci_bytes_get(config->virt + pos, width);
	const u32 writable = vfio_pci_bytes_get(config->writable + pos, width);
	const u32 soft = virt & writable, hard = writable & ~virt;
	const u32 old = vfio_pci_shadow_get(config, pos, width);

	vfio_pci_shadow_set(config, pos, width, (old & ~soft) | (value & soft));
	return hard ? vfio_pci_config_merge(dev->pdev, pos, width, hard, value) : 0;
}

/* @count bytes of @value go into a trapped register at @pos, which may lie inside of it. */
static int vfio_pci_config_write_trapped(struct vfio_pci_device *dev,
					 const struct vfio_pci_config_trap *trap, u16 pos,
					 size_t count, u32 value)
{
	const unsigned int shift = 8 * (pos - trap->pos);
	const u32 mask = vfio_pci_config_ones(count) << shift;
	u32 old;
	int ret;

	ret = vfio_pci_config_read_piece(dev, trap->pos, trap->width, &old);
	if (ret)
		return ret;
	trap->write(dev, trap->pos, old, (old & ~mask) | ((value << shift) & mask));
	return 0;
}

/* How many of @count bytes at @pos can be written as one piece: none, or all, are trapped. */
static size_t vfio_pci_config_piece(const struct vfio_pci_config *config, u16 pos, size_t count)
{
	const struct vfio_pci_config_trap *trap;
	size_t width, i;

	if (config->trap[pos]) {
		trap = &config->traps[config->trap[pos] - 1];
		return min_t(size_t, count, trap->pos + trap->width - pos);
	}
	width = vfio_pci_access_width(pos, count, CONFIG_WIDTH_MAX);
	for (i = 1; i < width; i++)
		if (config->trap[pos + i])
			return vfio_pci_access_width(pos, i, CONFIG_WIDTH_MAX);
	return width;
}

static int vfio_pci_config_write_one(struct vfio_pci_device *dev, u16 pos, size_t width, u32 value)
{
	const u8 index = dev->config.trap[pos];
	int ret;

	mutex_lock(&dev->config.lock);
	if (index)
		ret = vfio_pci_config_write_trapped(dev, &dev->config.traps[index - 1], pos, width,
						    value);
	else
		ret = vfio_pci_config_write_piece(dev, pos, width, value);
	mutex_unlock(&dev->config.lock);
	return ret;
}

static bool vfio_pci_config_inside(const struct vfio_pci_device *dev, size_t count, u64 pos)
{
	return pos < dev->config.size && count <= dev->config.size - pos;
}

ssize_t vfio_pci_config_read(struct vfio_pci_device *dev, char __user *buf, size_t count, u64 pos)
{
	size_t done, width;
	__le32 le;
	u32 value;
	int ret;

	if (!vfio_pci_config_inside(dev, count, pos))
		return -EFAULT;
	for (done = 0; done < count; done += width, pos += width) {
		width = vfio_pci_access_width(pos, count - done, CONFIG_WIDTH_MAX);
		mutex_lock(&dev->config.lock);
		ret = vfio_pci_config_read_piece(dev, pos, width, &value);
		mutex_unlock(&dev->config.lock);
		if (ret)
			return ret;
		le = cpu_to_le32(value);
		if (copy_to_user(buf + done, &le, width))
			return -EFAULT;
	}
	return done;
}

ssize_t vfio_pci_config_write(struct vfio_pci_device *dev, const char __user *buf, size_t count,
			      u64 pos)
{
	size_t done, width;
	__le32 le;
	int ret;

	if (!vfio_pci_config_inside(dev, count, pos))
		return -EFAULT;
	for (done = 0; done < count; done += width, pos += width) {
		width = vfio_pci_config_piece(&dev->config, pos, count - done);
		le = 0;
		if (copy_from_user(&le, buf + done, width))
			return -EFAULT;
		ret = vfio_pci_config_write_one(dev, pos, width, le32_to_cpu(le));
		if (ret)
			return ret;
	}
	return done;
}
