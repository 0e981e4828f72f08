// SPDX-License-Identifier: GPL-2.0-only
/*
 * The files that VFIO_GROUP_GET_DEVICE_FD returns: their opening, their end,
 * and the way of each call to the device backend.
 *
 * A file holds: the device (vdev->users), which makes unregistering wait; the
 * group's file, and through it the container with its address space; and, the
 * first one for all, the backend's module.
 */
#include <linux/anon_inodes.h>
#include <linux/file.h>
#include <linux/module.h>
#include <linux/sched.h>
#include <linux/uaccess.h>
#include "vfio_private.h"

static int vfio_device_first_open(struct vfio_device *vdev)
{
	int ret;

	lockdep_assert_held(&vdev->set->lock);
	if (!try_module_get(vdev->ops->owner))
		return -ENODEV;
	ret = vdev->ops->open(vdev);
	if (ret)
		module_put(vdev->ops->owner);
	return ret;
}

static int vfio_device_open(struct vfio_device *vdev)
{
	int ret = 0;

	mutex_lock(&vdev->set->lock);
	if (vdev->open_count == 0)
		ret = vfio_device_first_open(vdev);
	if (!ret) {
		vdev->open_count++;
		vdev->opener_pid = task_tgid_nr(current);
		get_task_comm(vdev->opener, current);
	}
	mutex_unlock(&vdev->set->lock);
	return ret;
}

static void vfio_device_close(struct vfio_device *vdev)
{
	mutex_lock(&vdev->set->lock);
	if (--vdev->open_count == 0) {
		vdev->ops->close(vdev);
		module_put(vdev->ops->owner);
	}
	mutex_unlock(&vdev->set->lock);
}

static struct file *vfio_device_file(struct vfio_device *vdev)
{
	struct file *file;
	int ret;

	ret = vfio_group_use(vdev->group);
	if (ret)
		return ERR_PTR(ret);
	ret = vfio_device_open(vdev);
	if (ret)
		goto err_group;
	file = anon_inode_getfile("[vfio-device]", &vfio_device_fops, vdev, O_RDWR);
	if (IS_ERR(file)) {
		ret = PTR_ERR(file);
		goto err_open;
	}
	file->f_mode |= FMODE_PREAD | FMODE_PWRITE;
	/* Mappings hang on the device's inode, so that vfio_device_zap() finds them all. */
	file->f_mapping = vdev->inode->i_mapping;
	if (vdev->group->noiommu)
		dev_warn(vdev->dev, "opened without IOMMU protection by %s (%d)\n", current->comm,
			 task_pid_nr(current));
	return file;

err_open:
	vfio_device_close(vdev);
err_group:
	vfio_group_unuse(vdev->group);
	return ERR_PTR(ret);
}

/* Takes over the caller's reference to the device when it succeeds. */
int vfio_device_open_fd(struct vfio_device *vdev)
{
	struct file *file;
	int fd;

	fd = get_unused_fd_flags(O_CLOEXEC);
	if (fd < 0)
		return fd;
	file = vfio_device_file(vdev);
	if (IS_ERR(file)) {
		put_unused_fd(fd);
		return PTR_ERR(file);
	}
	fd_install(fd, file);
	return fd;
}

static int vfio_device_fops_release(struct inode *inode, struct file *file)
{
	struct vfio_device *vdev = file->private_data;

	vfio_device_close(vdev);
	vfio_group_unuse(vdev->group);
	vfio_device_unget(vdev);
	return 0;
}

static int vfio_device_feature(struct vfio_device *vdev, void __user *arg)
{
	const size_t minsz = sizeof(struct vfio_device_feature);
	const u32 ops = VFIO_DEVICE_FEATURE_GET | VFIO_DEVICE_FEATURE_SET;
	struct vfio_device_feature feature;

	if (copy_from_user(&feature, arg, minsz))
		return -EFAULT;
	if (feature.argsz < minsz)
		return -EINVAL;
	if (feature.flags & ~(VFIO_DEVICE_FEATURE_MASK | ops | VFIO_DEVICE_FEATURE_PROBE))
		return -EINVAL;
	if (!(feature.flags & VFIO_DEVICE_FEATURE_PROBE) && (feature.flags & ops) == ops)
		return -EINVAL;
	if (!vdev->ops->feature)
		return -ENOTTY;
	return vdev->ops->feature(vdev, feature.flags, arg + minsz, feature.argsz - minsz);
}

static long vfio_device_fops_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfio_device *vdev = file->private_data;

	if (cmd == VFIO_DEVICE_FEATURE)
		return vfio_device_feature(vdev, (void __user *)arg);
	return vdev->ops->ioctl(vdev, cmd, arg);
}

static ssize_t vfio_device_fops_read(struct file *file, char __user *buf, size_t count, loff_t *pos)
{
	struct vfio_device *vdev = file->private_data;

	return vdev->ops->read ? vdev->ops->read(vdev, buf, count, pos) : -EINVAL;
}

static ssize_t vfio_device_fops_write(struct file *file, const char __user *buf, size_t count,
				      loff_t *pos)
{
	struct vfio_device *vdev = file->private_data;

	return vdev->ops->write ? vdev->ops->write(vdev, buf, count, pos) : -EINVAL;
}

static int vfio_device_fops_mmap(struct file *file, struct vm_area_struct *vma)
{
	struct vfio_device *vdev = file->private_data;

	return vdev->ops->mmap ? vdev->ops->mmap(vdev, vma) : -EINVAL;
}

const struct file_operations vfio_device_fops = {
	.owner = THIS_MODULE,
	.release = vfio_device_fops_release,
	.unlocked_ioctl = vfio_device_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
	.read = vfio_device_fops_read,
	.write = vfio_device_fops_write,
	.mmap = vfio_device_fops_mmap,
};
