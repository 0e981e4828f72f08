// SPDX-License-Identifier: GPL-2.0-only
/*
 * Hot reset: of the slot, or of the bus, with every device on it. Its user must
 * prove by group files that all of them are its own. Also used when the last user
 * of a bus leaves behind devices that have no reset of their own.
 *
 * The set of a device (struct vfio_device_set) is what one hot reset affects, so
 * that its lock keeps siblings from being opened and closed meanwhile.
 */
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

static bool vfio_pci_has_slot_reset(struct pci_dev *pdev)
{
	return !pci_probe_reset_slot(pdev->slot);
}

static bool vfio_pci_has_hot_reset(struct pci_dev *pdev)
{
	return vfio_pci_has_slot_reset(pdev) || !pci_probe_reset_bus(pdev->bus);
}

/* What devices that are reset together have in common; NULL: alone. */
void *vfio_pci_set_id(struct pci_dev *pdev)
{
	if (vfio_pci_has_slot_reset(pdev))
		return pdev->slot;
	if (!pci_probe_reset_bus(pdev->bus))
		return pdev->bus;
	return NULL;
}

/* ---- who is affected ---- */

struct vfio_pci_affected {
	struct pci_dev **pdevs; /* each one held */
	unsigned int count, room;
	struct pci_slot *slot; /* only its devices, and those below */
};

static bool vfio_pci_below_slot(struct pci_dev *pdev, struct pci_slot *slot)
{
	for (; pdev; pdev = pdev->bus->self)
		if (pdev->bus == slot->bus)
			return pdev->slot == slot;
	return false;
}

static int vfio_pci_affected_add(struct pci_dev *pdev, void *opaque)
{
	struct vfio_pci_affected *affected = opaque;

	if (affected->slot && !vfio_pci_below_slot(pdev, affected->slot))
		return 0;
	if (affected->count < affected->room)
		affected->pdevs[affected->count] = pci_dev_get(pdev);
	affected->count++;
	return 0;
}

static void vfio_pci_affected_put(struct vfio_pci_affected *affected)
{
	for (unsigned int i = 0; i < min(affected->count, affected->room); i++)
		pci_dev_put(affected->pdevs[i]);
	kfree(affected->pdevs);
}

/* Counted first, then taken; a device that is plugged in between makes it -EAGAIN. */
static int vfio_pci_affected_get(struct pci_dev *pdev, struct vfio_pci_affected *affected)
{
	*affected = (struct vfio_pci_affected){
		.slot = vfio_pci_has_slot_reset(pdev) ? pdev->slot : NULL,
	};
	pci_walk_bus(pdev->bus, vfio_pci_affected_add, affected);
	affected->pdevs = kcalloc(affected->count, sizeof(*affected->pdevs), GFP_KERNEL_ACCOUNT);
	if (!affected->pdevs)
		return -ENOMEM;
	affected->room = affected->count;
	affected->count = 0;
	pci_walk_bus(pdev->bus, vfio_pci_affected_add, affected);
	if (affected->count <= affected->room)
		return 0;
	vfio_pci_affected_put(affected);
	return -EAGAIN;
}

/* ---- VFIO_DEVICE_GET_PCI_HOT_RESET_INFO ---- */

static int vfio_pci_describe_affected(struct pci_dev *pdev, struct vfio_pci_dependent_device *out)
{
	struct iommu_group *group = iommu_group_get(&pdev->dev);

	if (!group)
		return -EPERM;
	out->group_id = iommu_group_id(group);
	out->segment = pci_domain_nr(pdev->bus);
	out->bus = pdev->bus->number;
	out->devfn = pdev->devfn;
	iommu_group_put(group);
	return 0;
}

static long vfio_pci_hot_reset_info_to_user(struct vfio_pci_affected *affected,
					    struct vfio_pci_hot_reset_info *info,
					    struct vfio_pci_hot_reset_info __user *arg)
{
	struct vfio_pci_dependent_device device;
	int ret = 0;

	info->flags = 0;
	info->count = affected->count;
	if (info->argsz < struct_size(info, devices, affected->count))
		ret = -ENOSPC;
	for (unsigned int i = 0; i < affected->count && !ret; i++) {
		ret = vfio_pci_describe_affected(affected->pdevs[i], &device);
		if (!ret && copy_to_user(&arg->devices[i], &device, sizeof(device)))
			ret = -EFAULT;
	}
	if ((!ret || ret == -ENOSPC) && copy_to_user(arg, info, sizeof(*info)))
		ret = -EFAULT;
	return ret;
}

long vfio_pci_get_hot_reset_info(struct vfio_pci_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_pci_hot_reset_info, count);
	struct vfio_pci_hot_reset_info info;
	struct vfio_pci_affected affected;
	long ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	if (!vfio_pci_has_hot_reset(dev->pdev))
		return -ENODEV;
	ret = vfio_pci_affected_get(dev->pdev, &affected);
	if (ret)
		return ret;
	ret = vfio_pci_hot_reset_info_to_user(&affected, &info, arg);
	vfio_pci_affected_put(&affected);
	return ret;
}

/* ---- the reset; set's lock held ---- */

static struct vfio_device *vfio_pci_find_member(struct vfio_device_set *set, struct pci_dev *pdev)
{
	struct vfio_device *vdev;

	list_for_each_entry(vdev, &set->members, set_node)
		if (vdev->dev == &pdev->dev)
			return vdev;
	return NULL;
}

/* Devices of no interest to users: what makes up the tree below. */
static bool vfio_pci_is_bridge(struct pci_dev *pdev)
{
	return pdev->hdr_type != PCI_HEADER_TYPE_NORMAL;
}

/* Do all that are affected belong to the set, that is, to vfio drivers like us? */
static bool vfio_pci_set_is_complete(struct vfio_device_set *set,
				     const struct vfio_pci_affected *affected)
{
	for (unsigned int i = 0; i < affected->count; i++)
		if (!vfio_pci_is_bridge(affected->pdevs[i]) &&
		    !vfio_pci_find_member(set, affected->pdevs[i]))
			return false;
	return true;
}

/*
 * A device that sleeps is woken, or it would not notice the reset; and held, so as not to fall
 * asleep.
 */
static void vfio_pci_sleep_all(struct vfio_device_set *set, struct vfio_device *end)
{
	struct vfio_device *vdev;

	list_for_each_entry(vdev, &set->members, set_node) {
		if (vdev == end)
			break;
		pm_runtime_put(vdev->dev);
	}
}

static int vfio_pci_wake_all(struct vfio_device_set *set)
{
	struct vfio_device *vdev;
	int ret;

	list_for_each_entry(vdev, &set->members, set_node) {
		ret = pm_runtime_resume_and_get(vdev->dev);
		if (ret < 0) {
			vfio_pci_sleep_all(set, vdev);
			return ret;
		}
	}
	return 0;
}

static int vfio_pci_reset_set(struct vfio_device_set *set, struct pci_dev *pdev)
{
	struct vfio_device *vdev;
	int ret;

	lockdep_assert_held(&set->lock);
	ret = vfio_pci_wake_all(set);
	if (ret)
		return ret;
	ret = pci_reset_bus(pdev);
	if (!ret)
		list_for_each_entry(vdev, &set->members, set_node)
			vfio_pci_from_vdev(vdev)->needs_reset = false;
	vfio_pci_sleep_all(set, NULL);
	return ret;
}

/* The last user of the bus is gone: reset together those that have no reset of their own. */
void vfio_pci_reset_leftovers(struct vfio_device_set *set)
{
	struct vfio_device *vdev, *needy = NULL;
	struct vfio_pci_affected affected;
	struct pci_dev *pdev;

	lockdep_assert_held(&set->lock);
	list_for_each_entry(vdev, &set->members, set_node) {
		if (vdev->open_count)
			return;
		if (vfio_pci_from_vdev(vdev)->needs_reset)
			needy = vdev;
	}
	if (!needy)
		return;
	pdev = to_pci_dev(needy->dev);
	if (!vfio_pci_has_hot_reset(pdev) || vfio_pci_affected_get(pdev, &affected))
		return;
	if (vfio_pci_set_is_complete(set, &affected))
		vfio_pci_reset_set(set, pdev);
	vfio_pci_affected_put(&affected);
}

/* ---- VFIO_DEVICE_PCI_HOT_RESET ---- */

struct vfio_pci_proof {
	struct file **files;
	u32 count;
};

static void vfio_pci_proof_put(struct vfio_pci_proof *proof)
{
	while (proof->count)
		fput(proof->files[--proof->count]);
	kfree(proof->files);
}

static int vfio_pci_proof_get(struct vfio_pci_proof *proof, const s32 __user *fds, u32 count)
{
	struct file *file;
	int ret = 0;
	s32 fd;

	*proof = (struct vfio_pci_proof){};
	proof->files = kcalloc(count, sizeof(*proof->files), GFP_KERNEL_ACCOUNT);
	if (!proof->files)
		return -ENOMEM;
	while (proof->count < count && !ret) {
		if (get_user(fd, &fds[proof->count])) {
			ret = -EFAULT;
			break;
		}
		file = fget(fd);
		if (!file) {
			ret = -EBADF;
			break;
		}
		proof->files[proof->count++] = file;
		if (!vfio_file_is_group(file))
			ret = -EINVAL;
	}
	if (ret)
		vfio_pci_proof_put(proof);
	return ret;
}

static bool vfio_pci_proof_covers(const struct vfio_pci_proof *proof, struct vfio_device *vdev)
{
	bool ret = false;

	if (!vfio_device_get_open(vdev))
		return false;
	for (u32 i = 0; i < proof->count && !ret; i++)
		ret = vfio_file_has_dev(proof->files[i], vdev);
	vfio_device_put_open(vdev);
	return ret;
}

static int vfio_pci_hot_reset_locked(struct vfio_pci_device *dev,
				     const struct vfio_pci_affected *affected,
				     const struct vfio_pci_proof *proof)
{
	struct vfio_device_set *set = dev->vdev.set;
	struct vfio_device *vdev;

	if (!vfio_pci_set_is_complete(set, affected))
		return -EINVAL;
	list_for_each_entry(vdev, &set->members, set_node)
		if (!vfio_pci_proof_covers(proof, vdev))
			return -EINVAL;
	return vfio_pci_reset_set(set, dev->pdev);
}

static int vfio_pci_hot_reset_proven(struct vfio_pci_device *dev, const s32 __user *fds, u32 count)
{
	struct vfio_pci_affected affected;
	struct vfio_pci_proof proof;
	int ret;

	ret = vfio_pci_affected_get(dev->pdev, &affected);
	if (ret)
		return ret;
	/* A group for each device is enough; more is not a proof but an attempt at our memory. */
	ret = -EINVAL;
	if (count > affected.count)
		goto out;
	ret = vfio_pci_proof_get(&proof, fds, count);
	if (ret)
		goto out;
	mutex_lock(&dev->vdev.set->lock);
	ret = vfio_pci_hot_reset_locked(dev, &affected, &proof);
	mutex_unlock(&dev->vdev.set->lock);
	vfio_pci_proof_put(&proof);
out:
	vfio_pci_affected_put(&affected);
	return ret;
}

long vfio_pci_hot_reset(struct vfio_pci_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_pci_hot_reset, count);
	struct vfio_pci_hot_reset __user *uarg = arg;
	struct vfio_pci_hot_reset hdr;

	if (copy_from_user(&hdr, arg, minsz))
		return -EFAULT;
	if (hdr.argsz < minsz || hdr.flags || !hdr.count)
		return -EINVAL;
	if (!vfio_pci_has_hot_reset(dev->pdev))
		return -ENODEV;
	if ((hdr.argsz - minsz) / sizeof(s32) < hdr.count)
		return -EINVAL;
	return vfio_pci_hot_reset_proven(dev, uarg->group_fds, hdr.count);
}
