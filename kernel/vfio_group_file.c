// SPDX-License-Identifier: GPL-2.0-only
/*
 * What users do with an open /dev/vfio/<N>: join a container, leave it, open
 * devices; and what KVM and hot reset ask about such files.
 *
 * The node can be open once. Device files hold a reference to that file, so its
 * release finds none open.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/module.h>
#include <linux/slab.h>
#include <linux/string.h>
#include <linux/uaccess.h>
#include "vfio_private.h"

/* ---- use by device files ---- */

int vfio_group_use(struct vfio_group *group)
{
	int ret = -EINVAL;

	/* The group file may have been handed to a process that could not have opened it. */
	if (group->noiommu && !capable(CAP_SYS_RAWIO))
		return -EPERM;
	mutex_lock(&group->lock);
	if (group->container && vfio_container_has_iommu(group->container)) {
		group->open_files++;
		get_file(group->opened);
		ret = 0;
	}
	mutex_unlock(&group->lock);
	return ret;
}

void vfio_group_unuse(struct vfio_group *group)
{
	struct file *file;

	mutex_lock(&group->lock);
	group->open_files--;
	file = group->opened;
	mutex_unlock(&group->lock);
	fput(file);
}

/* ---- ioctls ---- */

static long vfio_group_get_status(struct vfio_group *group, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_group_status, flags);
	struct vfio_group_status status;

	if (copy_from_user(&status, arg, minsz))
		return -EFAULT;
	if (status.argsz < minsz)
		return -EINVAL;

	status.flags = 0;
	mutex_lock(&group->lock);
	if (!group->iommu_group) {
		mutex_unlock(&group->lock);
		return -ENODEV;
	}
	if (group->container)
		status.flags = VFIO_GROUP_FLAGS_CONTAINER_SET | VFIO_GROUP_FLAGS_VIABLE;
	else if (!iommu_group_dma_owner_claimed(group->iommu_group))
		status.flags = VFIO_GROUP_FLAGS_VIABLE;
	mutex_unlock(&group->lock);

	return copy_to_user(arg, &status, minsz) ? -EFAULT : 0;
}

static long vfio_group_set_container(struct vfio_group *group, int __user *arg)
{
	struct vfio_container *container;
	struct file *file;
	int fd, ret;

	if (get_user(fd, arg))
		return -EFAULT;
	file = fget(fd);
	if (!file)
		return -EBADF;

	mutex_lock(&group->lock);
	container = vfio_container_from_file(file);
	if (group->container)
		ret = -EINVAL;
	else if (!group->iommu_group)
		ret = -ENODEV;
	else if (!container)
		ret = -EBADFD;
	else
		ret = vfio_container_attach(container, group);
	mutex_unlock(&group->lock);
	fput(file);
	return ret;
}

static long vfio_group_unset_container(struct vfio_group *group)
{
	int ret = 0;

	mutex_lock(&group->lock);
	if (!group->container)
		ret = -EINVAL;
	else if (group->open_files)
		ret = -EBUSY;
	else
		vfio_container_detach(group);
	mutex_unlock(&group->lock);
	return ret;
}

/* Does the user's string mean this device? > 0 yes, 0 no, negative: yes, but wrongly. */
static int vfio_device_match(struct vfio_device *vdev, char *name)
{
	if (vdev->ops->match)
		return vdev->ops->match(vdev, name);
	return !strcmp(dev_name(vdev->dev), name);
}

static struct vfio_device *vfio_group_find_device(struct vfio_group *group, char *name)
{
	struct vfio_device *vdev, *found = ERR_PTR(-ENODEV);
	int match;

	mutex_lock(&group->devices_lock);
	list_for_each_entry(vdev, &group->devices, group_node) {
		match = vfio_device_match(vdev, name);
		if (match < 0) {
			found = ERR_PTR(match);
			break;
		}
		if (match > 0 && vfio_device_get(vdev)) {
			found = vdev;
			break;
		}
	}
	mutex_unlock(&group->devices_lock);
	return found;
}

static long vfio_group_get_device_fd(struct vfio_group *group, char __user *arg)
{
	struct vfio_device *vdev;
	char *name;
	int fd;

	name = strndup_user(arg, PAGE_SIZE);
	if (IS_ERR(name))
		return PTR_ERR(name);
	vdev = vfio_group_find_device(group, name);
	kfree(name);
	if (IS_ERR(vdev))
		return PTR_ERR(vdev);
	fd = vfio_device_open_fd(vdev);
	if (fd < 0)
		vfio_device_unget(vdev);
	return fd;
}

static long vfio_group_fops_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfio_group *group = file->private_data;
	void __user *uarg = (void __user *)arg;

	switch (cmd) {
	case VFIO_GROUP_GET_DEVICE_FD:
		return vfio_group_get_device_fd(group, uarg);
	case VFIO_GROUP_GET_STATUS:
		return vfio_group_get_status(group, uarg);
	case VFIO_GROUP_SET_CONTAINER:
		return vfio_group_set_container(group, uarg);
	case VFIO_GROUP_UNSET_CONTAINER:
		return vfio_group_unset_container(group);
	default:
		return -ENOTTY;
	}
}

/* ---- open and release ---- */

static int vfio_group_fops_open(struct inode *inode, struct file *file)
{
	struct vfio_group *group = container_of(inode->i_cdev, struct vfio_group, cdev);
	int ret = 0;

	mutex_lock(&group->lock);
	if (!group->iommu_group) {
		ret = -ENODEV;
	} else if (group->noiommu && !capable(CAP_SYS_RAWIO)) {
		ret = -EPERM;
	} else if (group->opened) {
		ret = -EBUSY;
	} else {
		group->opened = file;
		file->private_data = group;
		get_device(&group->class_dev);
	}
	mutex_unlock(&group->lock);
	return ret;
}

static int vfio_group_fops_release(struct inode *inode, struct file *file)
{
	struct vfio_group *group = file->private_data;

	mutex_lock(&group->lock);
	WARN_ON(group->open_files);
	if (group->container)
		vfio_container_detach(group);
	group->opened = NULL;
	mutex_unlock(&group->lock);
	put_device(&group->class_dev);
	return 0;
}

const struct file_operations vfio_group_fops = {
	.owner = THIS_MODULE,
	.unlocked_ioctl = vfio_group_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.open = vfio_group_fops_open,
	.release = vfio_group_fops_release,
};

/* ---- questions about files, by KVM and by hot reset ---- */

static struct vfio_group *vfio_group_from_file(struct file *file)
{
	return file->f_op == &vfio_group_fops ? file->private_data : NULL;
}

static struct vfio_device *vfio_device_from_file(struct file *file)
{
	return file->f_op == &vfio_device_fops ? file->private_data : NULL;
}

bool vfio_file_is_group(struct file *file)
{
	return vfio_group_from_file(file);
}
EXPORT_SYMBOL_GPL(vfio_file_is_group);

bool vfio_file_is_valid(struct file *file)
{
	return vfio_group_from_file(file) || vfio_device_from_file(file);
}
EXPORT_SYMBOL_GPL(vfio_file_is_valid);

bool vfio_file_has_dev(struct file *file, struct vfio_device *vdev)
{
	struct vfio_group *group = vfio_group_from_file(file);

	return group && group == vdev->group;
}
EXPORT_SYMBOL_GPL(vfio_file_has_dev);

static bool vfio_device_enforced_coherent(struct vfio_device *vdev)
{
	return device_iommu_capable(vdev->dev, IOMMU_CAP_ENFORCE_CACHE_COHERENCY);
}

/**
 * vfio_file_enforced_coherent - can no DMA by this file's devices bypass the caches?
 * @file: any file; true for those that are not ours
 */
bool vfio_file_enforced_coherent(struct file *file)
{
	struct vfio_group *group = vfio_group_from_file(file);
	struct vfio_device *vdev = vfio_device_from_file(file);
	bool ret = true;

	if (vdev)
		return vfio_device_enforced_coherent(vdev);
	if (!group)
		return true;
	mutex_lock(&group->devices_lock);
	list_for_each_entry(vdev, &group->devices, group_node)
		ret = ret && vfio_device_enforced_coherent(vdev);
	mutex_unlock(&group->devices_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_file_enforced_coherent);

/**
 * vfio_file_set_kvm - a guest that uses this file comes or goes
 * @file: a file that vfio_file_is_valid()
 * @kvm: the guest, or NULL
 *
 * KVM insists on calling it. Only backends that look into a guest's memory
 * (mediated devices) would care; we have none, so there is nothing to remember.
 */
void vfio_file_set_kvm(struct file *file, struct kvm *kvm)
{
}
EXPORT_SYMBOL_GPL(vfio_file_set_kvm);

/**
 * vfio_file_iommu_group - the IOMMU group of a group file
 * @file: any file
 *
 * Return: the group, which the caller puts, or NULL.
 */
struct iommu_group *vfio_file_iommu_group(struct file *file)
{
	struct vfio_group *group = vfio_group_from_file(file);
	struct iommu_group *iommu_group = NULL;

	if (!group)
		return NULL;
	mutex_lock(&group->lock);
	if (group->iommu_group)
		iommu_group = iommu_group_ref_get(group->iommu_group);
	mutex_unlock(&group->lock);
	return iommu_group;
}
EXPORT_SYMBOL_GPL(vfio_file_iommu_group);
