// SPDX-License-Identifier: GPL-2.0-only
/*
 * The shapes that VFIO's ioctls share: chains of capabilities behind an info
 * structure, headers of SET_IRQS, flags of DEVICE_FEATURE. Backends call these.
 */
#include <linux/err.h>
#include <linux/export.h>
#include <linux/sizes.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vfio_core.h"

/* A page per capability would be generous; what no device needs is a bug of ours. */
#define VFIO_CAPS_MAX SZ_1M

void *vfio_info_caps_add(struct vfio_info_caps *caps, size_t size, u16 id, u16 version)
{
	struct vfio_info_cap_header *header;
	void *buf;

	size = ALIGN(size, sizeof(u64));
	if (WARN_ON(size < sizeof(*header) || size > VFIO_CAPS_MAX - caps->size))
		return ERR_PTR(-ENOMEM);
	buf = krealloc(caps->buf, caps->size + size, GFP_KERNEL_ACCOUNT);
	if (!buf)
		return ERR_PTR(-ENOMEM);
	caps->buf = buf;

	header = buf + caps->size;
	memset(header, 0, size);
	header->id = id;
	header->version = version;
	/* Until the chain is handed out, next is where the next one begins in buf. */
	header->next = caps->size + size;
	caps->size += size;
	return header;
}
EXPORT_SYMBOL_GPL(vfio_info_caps_add);

static void vfio_info_caps_link(struct vfio_info_caps *caps, size_t info_size)
{
	struct vfio_info_cap_header *header;
	u32 offset = 0;

	while (offset < caps->size) {
		header = caps->buf + offset;
		offset = header->next;
		header->next = offset < caps->size ? info_size + offset : 0;
	}
}

int vfio_info_caps_to_user(struct vfio_info_caps *caps, void __user *arg, u32 *argsz,
			   size_t info_size, u32 *cap_offset)
{
	int ret = 0;

	*cap_offset = 0;
	if (!caps->size)
		return 0;
	if (*argsz < info_size + caps->size) {
		*argsz = info_size + caps->size;
	} else {
		vfio_info_caps_link(caps, info_size);
		*cap_offset = info_size;
		if (copy_to_user(arg + info_size, caps->buf, caps->size))
			ret = -EFAULT;
	}
	kfree(caps->buf);
	*caps = (struct vfio_info_caps){};
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_info_caps_to_user);

int vfio_irq_set_check(const struct vfio_irq_set *hdr, u32 num_irqs, u32 num_indexes,
		       size_t *data_size)
{
	const u32 known = VFIO_IRQ_SET_DATA_TYPE_MASK | VFIO_IRQ_SET_ACTION_TYPE_MASK;
	const size_t minsz = offsetofend(struct vfio_irq_set, count);
	size_t item;

	*data_size = 0;
	if (hdr->argsz < minsz || hdr->index >= num_indexes || (hdr->flags & ~known))
		return -EINVAL;
	if (hdr->start >= num_irqs || hdr->count > num_irqs - hdr->start)
		return -EINVAL;

	switch (hdr->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		item = sizeof(u8);
		break;
	case VFIO_IRQ_SET_DATA_EVENTFD:
		item = sizeof(s32);
		break;
	default:
		return -EINVAL;
	}
	/* No overflow: count is at most num_irqs, which is a number that hardware has. */
	if (hdr->argsz - minsz < hdr->count * item)
		return -EINVAL;
	*data_size = hdr->count * item;
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_irq_set_check);

int vfio_feature_check(u32 flags, size_t size, u32 supported, size_t min_size)
{
	const u32 ops = flags & (VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET);

	if (ops & ~supported)
		return -EINVAL;
	if (flags & VFIO_DEVICE_FEATURE_PROBE)
		return 0;
	if (!ops || size < min_size)
		return -EINVAL;
	return 1;
}
EXPORT_SYMBOL_GPL(vfio_feature_check);
