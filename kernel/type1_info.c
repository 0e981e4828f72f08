// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_GET_INFO: page sizes, and capabilities: migration, mappings that
 * are left, IOVA ranges.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "type1.h"

#define DIRTY_BITMAP_SIZE_MAX (ALIGN((u64)INT_MAX, 64) / 8)

static int type1_add_migration(struct type1 *t1, struct vfio_info_caps *caps)
{
	struct vfio_iommu_type1_info_cap_migration *cap;

	cap = vfio_info_caps_add(caps, sizeof(*cap), VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION, 1);
	if (IS_ERR(cap))
		return PTR_ERR(cap);
	cap->pgsize_bitmap = type1_pgsize(t1);
	cap->max_dirty_bitmap_size = DIRTY_BITMAP_SIZE_MAX;
	return 0;
}

static int type1_add_available(struct type1 *t1, struct vfio_info_caps *caps)
{
	struct vfio_iommu_type1_info_dma_avail *cap;

	cap = vfio_info_caps_add(caps, sizeof(*cap), VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL, 1);
	if (IS_ERR(cap))
		return PTR_ERR(cap);
	cap->avail = READ_ONCE(t1->available);
	return 0;
}

static int type1_add_ranges(struct type1 *t1, struct vfio_info_caps *caps)
{
	struct vfio_iommu_type1_info_cap_iova_range *cap;
	const struct type1_ranges *ranges = &t1->ranges;

	if (!ranges->nr)
		return 0;
	cap = vfio_info_caps_add(caps, struct_size(cap, iova_ranges, ranges->nr),
				 VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, 1);
	if (IS_ERR(cap))
		return PTR_ERR(cap);
	cap->nr_iovas = ranges->nr;
	for (unsigned int i = 0; i < ranges->nr; i++) {
		cap->iova_ranges[i].start = ranges->ranges[i].first;
		cap->iova_ranges[i].end = ranges->ranges[i].last;
	}
	return 0;
}

static int type1_fill_info(struct type1 *t1, struct vfio_iommu_type1_info *info,
			   struct vfio_info_caps *caps)
{
	int ret;

	info->flags = VFIO_IOMMU_INFO_PGSIZES | VFIO_IOMMU_INFO_CAPS;
	info->iova_pgsizes = t1->pgsizes;
	ret = type1_add_migration(t1, caps);
	if (!ret)
		ret = type1_add_available(t1, caps);
	if (!ret)
		ret = type1_add_ranges(t1, caps);
	return ret;
}

long type1_ioctl_info(struct type1 *t1, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_info, iova_pgsizes);
	struct vfio_iommu_type1_info info = {};
	struct vfio_info_caps caps = {};
	size_t size;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	size = min_t(size_t, info.argsz, sizeof(info));

	ret = type1_enter(t1);
	if (ret)
		return ret;
	ret = type1_fill_info(t1, &info, &caps);
	type1_leave(t1);
	if (ret) {
		kfree(caps.buf);
		return ret;
	}
	ret = vfio_info_caps_to_user(&caps, arg, &info.argsz, sizeof(info), &info.cap_offset);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, size) ? -EFAULT : 0;
}
