// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices that no IOMMU isolates. With enable_unsafe_noiommu_mode the
 * administrator says that users with CAP_SYS_RAWIO may drive them all the same:
 * their DMA reaches all memory, so the kernel is tainted. Each such device gets
 * an IOMMU group that exists only in name, /dev/vfio/noiommu-<N>, and the
 * backend below, which maps nothing.
 */
#include <linux/capability.h>
#include <linux/err.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/panic.h>
#include "vfio_private.h"

static bool noiommu;
module_param_named(enable_unsafe_noiommu_mode, noiommu, bool, 0644);
MODULE_PARM_DESC(enable_unsafe_noiommu_mode,
		 "Allow devices without an IOMMU: no protection, taints the kernel (default: off)");

bool vfio_noiommu_enabled(void)
{
	return READ_ONCE(noiommu);
}

struct iommu_group *vfio_noiommu_group_create(struct device *dev)
{
	struct iommu_group *iommu_group = iommu_group_alloc();
	int ret;

	if (IS_ERR(iommu_group))
		return iommu_group;
	ret = iommu_group_set_name(iommu_group, "vfio-noiommu");
	if (!ret)
		ret = iommu_group_add_device(iommu_group, dev);
	if (ret) {
		iommu_group_put(iommu_group);
		return ERR_PTR(ret);
	}
	add_taint(TAINT_USER, LOCKDEP_STILL_OK);
	dev_warn(dev, "given to users without IOMMU protection; the kernel is tainted\n");
	return iommu_group;
}

void vfio_noiommu_group_destroy(struct device *dev)
{
	iommu_group_remove_device(dev);
}

static int vfio_noiommu_check_extension(void *state, unsigned long ext)
{
	return vfio_noiommu_enabled() && ext == VFIO_NOIOMMU_IOMMU;
}

static void *vfio_noiommu_open(unsigned long type)
{
	/* There is no state; any pointer that is not an error will do. */
	return capable(CAP_SYS_RAWIO) ? NULL : ERR_PTR(-EPERM);
}

static void vfio_noiommu_release(void *state)
{
}

static int vfio_noiommu_attach_group(void *state, struct iommu_group *group)
{
	return 0;
}

static void vfio_noiommu_detach_group(void *state, struct iommu_group *group)
{
}

static long vfio_noiommu_ioctl(void *state, unsigned int cmd, unsigned long arg)
{
	return -ENOTTY;
}

static struct vfio_iommu_ops noiommu_ops = {
	.name = "vfio-noiommu",
	.owner = THIS_MODULE,
	.isolation = VFIO_NOT_ISOLATED,
	.check_extension = vfio_noiommu_check_extension,
	.open = vfio_noiommu_open,
	.release = vfio_noiommu_release,
	.attach_group = vfio_noiommu_attach_group,
	.detach_group = vfio_noiommu_detach_group,
	.ioctl = vfio_noiommu_ioctl,
};

int __init vfio_noiommu_init(void)
{
	return vfio_iommu_register(&noiommu_ops);
}

void vfio_noiommu_exit(void)
{
	vfio_iommu_unregister(&noiommu_ops);
}
