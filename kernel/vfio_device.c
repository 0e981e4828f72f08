// SPDX-License-Identifier: GPL-2.0-only
/*
 * Devices: from a backend's registration until nobody has them open any more.
 * What users do with an open one is in vfio_device_file.c; the lifetimes are
 * written down in include/vfio_core.h.
 */
#include <linux/fs.h>
#include <linux/idr.h>
#include <linux/mm.h>
#include <linux/module.h>
#include <linux/mount.h>
#include <linux/pseudo_fs.h>
#include "vfio_private.h"

#define VFIO_FS_MAGIC	 0x706c7876
#define REQUEST_INTERVAL (10 * HZ)

static DEFINE_IDA(device_ids);
static struct class *device_class;
static struct vfsmount *device_mount;

/* ---- references ---- */

bool vfio_device_get(struct vfio_device *vdev)
{
	return refcount_inc_not_zero(&vdev->users);
}

void vfio_device_unget(struct vfio_device *vdev)
{
	if (refcount_dec_and_test(&vdev->users))
		complete(&vdev->unused);
}

bool vfio_device_get_open(struct vfio_device *vdev)
{
	lockdep_assert_held(&vdev->set->lock);
	return vfio_device_get(vdev);
}
EXPORT_SYMBOL_GPL(vfio_device_get_open);

void vfio_device_put_open(struct vfio_device *vdev)
{
	vfio_device_unget(vdev);
}
EXPORT_SYMBOL_GPL(vfio_device_put_open);

void vfio_device_put(struct vfio_device *vdev)
{
	put_device(&vdev->class_dev);
}
EXPORT_SYMBOL_GPL(vfio_device_put);

static void vfio_device_release(struct device *class_dev)
{
	struct vfio_device *vdev = container_of(class_dev, struct vfio_device, class_dev);
	struct device *dev = vdev->dev;

	vfio_device_leave_set(vdev);
	ida_free(&device_ids, vdev->index);
	iput(vdev->inode);
	vdev->ops->release(vdev);
	put_device(dev);
}

/* ---- registration ---- */

int vfio_device_init(struct vfio_device *vdev, struct device *dev,
		     const struct vfio_device_ops *ops)
{
	struct inode *inode;
	int index;

	index = ida_alloc(&device_ids, GFP_KERNEL);
	if (index < 0)
		return index;
	inode = alloc_anon_inode(device_mount->mnt_sb);
	if (IS_ERR(inode)) {
		ida_free(&device_ids, index);
		return PTR_ERR(inode);
	}
	vdev->dev = get_device(dev);
	vdev->ops = ops;
	vdev->index = index;
	vdev->inode = inode;
	refcount_set(&vdev->users, 1);
	init_completion(&vdev->unused);
	INIT_LIST_HEAD(&vdev->group_node);
	device_initialize(&vdev->class_dev);
	vdev->class_dev.release = vfio_device_release;
	vdev->class_dev.class = device_class;
	vdev->class_dev.parent = dev;
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_device_init);

int vfio_device_register(struct vfio_device *vdev)
{
	int ret;

	if (!vdev->set) {
		ret = vfio_device_assign_set(vdev, vdev);
		if (ret)
			return ret;
	}
	ret = dev_set_name(&vdev->class_dev, "vfio%d", vdev->index);
	if (ret)
		return ret;
	ret = device_add(&vdev->class_dev);
	if (ret)
		return ret;
	ret = vfio_group_add_device(vdev);
	if (ret)
		device_del(&vdev->class_dev);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_device_register);

/* Ask again and again; a signal to the waiting process ends only its patience, not the wait. */
static void vfio_device_wait_unused(struct vfio_device *vdev)
{
	bool interrupted = false;
	unsigned int count = 0;
	long left = try_wait_for_completion(&vdev->unused);

	while (left <= 0) {
		if (vdev->ops->request)
			vdev->ops->request(vdev, count);
		if (interrupted) {
			left = wait_for_completion_timeout(&vdev->unused, REQUEST_INTERVAL);
			continue;
		}
		left = wait_for_completion_interruptible_timeout(&vdev->unused, REQUEST_INTERVAL);
		if (left == -ERESTARTSYS)
			interrupted = true;
		if (left <= 0 && count++ == 0)
			dev_warn(vdev->dev,
				 "in use by %s (%d): %s (%d) waits until it closes the device\n",
				 vdev->opener, vdev->opener_pid, current->comm,
				 task_pid_nr(current));
	}
}

void vfio_device_unregister(struct vfio_device *vdev)
{
	vfio_group_hide_device(vdev);
	vfio_device_unget(vdev);
	vfio_device_wait_unused(vdev);
	device_del(&vdev->class_dev);
	vfio_group_remove_device(vdev);
}
EXPORT_SYMBOL_GPL(vfio_device_unregister);

bool vfio_device_is_noiommu(const struct vfio_device *vdev)
{
	return vdev->group->noiommu;
}
EXPORT_SYMBOL_GPL(vfio_device_is_noiommu);

int vfio_device_group_id(const struct vfio_device *vdev)
{
	return vdev->group->id;
}
EXPORT_SYMBOL_GPL(vfio_device_group_id);

void vfio_device_zap(struct vfio_device *vdev, loff_t start, loff_t len)
{
	unmap_mapping_range(vdev->inode->i_mapping, start, len, true);
}
EXPORT_SYMBOL_GPL(vfio_device_zap);

/* ---- the file system that the devices' inodes come from ---- */

static int vfio_device_init_fs_context(struct fs_context *fc)
{
	return init_pseudo(fc, VFIO_FS_MAGIC) ? 0 : -ENOMEM;
}

/* No owner: the mount lives as long as the module, and an owner would keep it in for ever. */
static struct file_system_type device_fs = {
	.name = "vfio",
	.init_fs_context = vfio_device_init_fs_context,
	.kill_sb = kill_anon_super,
};

int __init vfio_device_fs_init(void)
{
	device_mount = kern_mount(&device_fs);
	if (IS_ERR(device_mount))
		return PTR_ERR(device_mount);
	device_class = class_create("vfio-dev");
	if (IS_ERR(device_class)) {
		kern_unmount(device_mount);
		return PTR_ERR(device_class);
	}
	return 0;
}

void vfio_device_fs_exit(void)
{
	class_destroy(device_class);
	kern_unmount(device_mount);
	ida_destroy(&device_ids);
}
