// SPDX-License-Identifier: GPL-2.0-only
/*
 * Groups: which there are, their members, and their nodes /dev/vfio/<N>. What a
 * user does with an open node is in vfio_group_file.c.
 *
 * A group exists for users while it has registered members. When the last one
 * goes, its node goes and its container is detached, if need be under the feet
 * of a process that keeps the node open.
 */
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/slab.h>
#include "vfio_private.h"

static DEFINE_MUTEX(groups_lock);
static LIST_HEAD(groups);
static struct class *group_class;
static dev_t group_devt;
static DEFINE_IDA(group_minors);

static void vfio_group_release(struct device *class_dev)
{
	struct vfio_group *group = container_of(class_dev, struct vfio_group, class_dev);

	mutex_destroy(&group->devices_lock);
	mutex_destroy(&group->lock);
	ida_free(&group_minors, MINOR(class_dev->devt));
	kfree(group);
}

static struct vfio_group *vfio_group_alloc(struct iommu_group *iommu_group, bool noiommu)
{
	struct vfio_group *group;
	int minor;

	group = kzalloc(sizeof(*group), GFP_KERNEL);
	if (!group)
		return ERR_PTR(-ENOMEM);
	minor = ida_alloc_max(&group_minors, MINORMASK, GFP_KERNEL);
	if (minor < 0) {
		kfree(group);
		return ERR_PTR(minor);
	}
	mutex_init(&group->devices_lock);
	mutex_init(&group->lock);
	INIT_LIST_HEAD(&group->devices);
	group->id = iommu_group_id(iommu_group);
	group->noiommu = noiommu;
	group->iommu_group = iommu_group_ref_get(iommu_group);
	cdev_init(&group->cdev, &vfio_group_fops);
	group->cdev.owner = THIS_MODULE;
	device_initialize(&group->class_dev);
	group->class_dev.devt = MKDEV(MAJOR(group_devt), minor);
	group->class_dev.class = group_class;
	group->class_dev.release = vfio_group_release;
	return group;
}

static struct vfio_group *vfio_group_create(struct iommu_group *iommu_group, bool noiommu)
{
	struct vfio_group *group = vfio_group_alloc(iommu_group, noiommu);
	int ret;

	if (IS_ERR(group))
		return group;
	ret = dev_set_name(&group->class_dev, "%s%d", noiommu ? "noiommu-" : "", group->id);
	if (!ret)
		ret = cdev_device_add(&group->cdev, &group->class_dev);
	if (ret) {
		iommu_group_put(group->iommu_group);
		put_device(&group->class_dev);
		return ERR_PTR(ret);
	}
	list_add(&group->node, &groups);
	return group;
}

/*
 * The last member is gone; also from the feet of who has the node open. Nobody finds the group any
 * more. Waits for the user's ioctls in flight, so the lock of all groups is not held.
 */
static void vfio_group_destroy(struct vfio_group *group)
{
	mutex_lock(&group->lock);
	WARN_ON(group->open_files);
	if (group->container)
		vfio_container_detach(group);
	iommu_group_put(group->iommu_group);
	group->iommu_group = NULL;
	mutex_unlock(&group->lock);
	put_device(&group->class_dev);
}

/* ---- members ---- */

static struct vfio_group *vfio_group_find_or_create(struct iommu_group *iommu_group, bool noiommu)
{
	struct vfio_group *group;

	lockdep_assert_held(&groups_lock);
	list_for_each_entry(group, &groups, node)
		if (group->iommu_group == iommu_group)
			return group;
	return vfio_group_create(iommu_group, noiommu);
}

static struct iommu_group *vfio_iommu_group_of(struct device *dev, bool *noiommu)
{
	struct iommu_group *iommu_group = iommu_group_get(dev);

	*noiommu = false;
	if (!iommu_group && vfio_noiommu_enabled()) {
		*noiommu = true;
		return vfio_noiommu_group_create(dev);
	}
	if (!iommu_group) {
		dev_warn(
			dev,
			"no IOMMU isolates this device; enable the IOMMU in the firmware and by intel_iommu=on, or load vfio with enable_unsafe_noiommu_mode=1\n");
		return ERR_PTR(-EINVAL);
	}
	/* Users count on DMA being coherent with the caches, as it is on each IOMMU with this. */
	if (!device_iommu_capable(dev, IOMMU_CAP_CACHE_COHERENCY)) {
		dev_warn(dev,
			 "its IOMMU cannot make DMA coherent with the caches; vfio needs that\n");
		iommu_group_put(iommu_group);
		return ERR_PTR(-EINVAL);
	}
	return iommu_group;
}

int vfio_group_add_device(struct vfio_device *vdev)
{
	struct iommu_group *iommu_group;
	struct vfio_group *group;
	bool noiommu;

	iommu_group = vfio_iommu_group_of(vdev->dev, &noiommu);
	if (IS_ERR(iommu_group))
		return PTR_ERR(iommu_group);

	mutex_lock(&groups_lock);
	group = vfio_group_find_or_create(iommu_group, noiommu);
	if (!IS_ERR(group)) {
		group->nr_devices++;
		get_device(&group->class_dev);
		vdev->group = group;
		mutex_lock(&group->devices_lock);
		list_add_tail(&vdev->group_node, &group->devices);
		mutex_unlock(&group->devices_lock);
	}
	mutex_unlock(&groups_lock);

	if (IS_ERR(group) && noiommu)
		vfio_noiommu_group_destroy(vdev->dev);
	iommu_group_put(iommu_group);
	return PTR_ERR_OR_ZERO(group);
}

/* Users cannot look it up any more; those who did may go on. */
void vfio_group_hide_device(struct vfio_device *vdev)
{
	struct vfio_group *group = vdev->group;

	mutex_lock(&group->devices_lock);
	list_del_init(&vdev->group_node);
	mutex_unlock(&group->devices_lock);
}

void vfio_group_remove_device(struct vfio_device *vdev)
{
	struct vfio_group *group = vdev->group;
	bool noiommu = group->noiommu, last;

	mutex_lock(&groups_lock);
	last = --group->nr_devices == 0;
	if (last) {
		list_del(&group->node);
		cdev_device_del(&group->cdev, &group->class_dev);
	}
	mutex_unlock(&groups_lock);
	if (last)
		vfio_group_destroy(group);
	if (noiommu)
		vfio_noiommu_group_destroy(vdev->dev);
	vdev->group = NULL;
	put_device(&group->class_dev);
}

/* ---- nodes ---- */

static char *vfio_group_devnode(const struct device *dev, umode_t *mode)
{
	return kasprintf(GFP_KERNEL, "vfio/%s", dev_name(dev));
}

int __init vfio_group_init(void)
{
	int ret;

	group_class = class_create("vfio");
	if (IS_ERR(group_class))
		return PTR_ERR(group_class);
	group_class->devnode = vfio_group_devnode;
	ret = alloc_chrdev_region(&group_devt, 0, MINORMASK + 1, "vfio");
	if (ret)
		class_destroy(group_class);
	return ret;
}

void vfio_group_exit(void)
{
	unregister_chrdev_region(group_devt, MINORMASK + 1);
	class_destroy(group_class);
	ida_destroy(&group_minors);
}
