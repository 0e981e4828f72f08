// SPDX-License-Identifier: GPL-2.0-only
/*
 * Containers: an open /dev/vfio/vfio, the groups attached to it, and the address
 * space that an IOMMU backend makes for them.
 *
 * The address space is a binding to a backend. It is published when it is complete,
 * by a count of users that is not zero, and each ioctl in flight is one of them, so
 * no lock is held while a backend works. When the last group leaves, the count drains,
 * and then nobody can see the backend's state any more.
 */
#include <linux/capability.h>
#include <linux/file.h>
#include <linux/iommu.h>
#include <linux/miscdevice.h>
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/slab.h>
#include "vfio_private.h"

/**
 * struct vfio_binding - a container's use of an IOMMU backend
 * @ops: the backend, whose module is held
 * @state: what its open returned
 */
struct vfio_binding {
	const struct vfio_iommu_ops *ops;
	void *state;
};

/**
 * struct vfio_container - one open container
 * @kref: one for the file and one for each attached group
 * @lock: protects all below; held while a backend attaches or detaches a group,
 *	never taken by an ioctl on its way to the backend
 * @groups: attached groups, by vfio_group.container_node
 * @noiommu: what kind they are
 * @binding: NULL before VFIO_SET_IOMMU; each of @users may read it without the lock
 * @users: one for @binding being published and one for each ioctl in flight
 * @idle: @users is zero
 */
struct vfio_container {
	struct kref kref;
	struct mutex lock;
	struct list_head groups;
	bool noiommu;
	struct vfio_binding *binding;
	refcount_t users;
	struct completion idle;
};

static DEFINE_MUTEX(backends_lock);
static LIST_HEAD(backends);

/* ---- backends ---- */

int vfio_iommu_register(struct vfio_iommu_ops *ops)
{
	struct vfio_iommu_ops *other;
	int ret = 0;

	mutex_lock(&backends_lock);
	list_for_each_entry(other, &backends, node)
		if (other == ops)
			ret = -EEXIST;
	if (!ret)
		list_add_tail(&ops->node, &backends);
	mutex_unlock(&backends_lock);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_iommu_register);

void vfio_iommu_unregister(struct vfio_iommu_ops *ops)
{
	mutex_lock(&backends_lock);
	list_del(&ops->node);
	mutex_unlock(&backends_lock);
}
EXPORT_SYMBOL_GPL(vfio_iommu_unregister);

/* Would the container's groups, if it has any, do with this backend? */
static bool vfio_backend_suits(struct vfio_container *container, const struct vfio_iommu_ops *ops)
{
	if (list_empty(&container->groups))
		return true;
	return container->noiommu == (ops->isolation == VFIO_NOT_ISOLATED);
}

/* ---- bindings ---- */

/* No RCU, though most would take it: the count is the container's, which the caller's file holds. */
static struct vfio_binding *vfio_binding_get(struct vfio_container *container)
{
	if (!refcount_inc_not_zero(&container->users))
		return NULL;
	smp_mb__after_atomic(); /* pairs with vfio_binding_publish() */
	return container->binding;
}

static void vfio_binding_put(struct vfio_container *container)
{
	if (refcount_dec_and_test(&container->users))
		complete(&container->idle);
}

/* With the lock held. */
static void vfio_binding_publish(struct vfio_container *container, struct vfio_binding *binding)
{
	reinit_completion(&container->idle);
	WRITE_ONCE(container->binding, binding);
	/* Against vfio_binding_get(): who sees the count sees the binding. */
	smp_wmb();
	refcount_set(&container->users, 1);
}

/* No user is left when it returns. With the lock held. */
static void vfio_binding_withdraw(struct vfio_container *container)
{
	vfio_binding_put(container);
	wait_for_completion(&container->idle);
	WRITE_ONCE(container->binding, NULL);
}

static void vfio_binding_close(struct vfio_binding *binding)
{
	binding->ops->release(binding->state);
	module_put(binding->ops->owner);
	kfree(binding);
}

static struct vfio_binding *vfio_binding_open(const struct vfio_iommu_ops *ops, unsigned long type)
{
	struct vfio_binding *binding;
	int ret = -ENODEV;

	binding = kzalloc(sizeof(*binding), GFP_KERNEL_ACCOUNT);
	if (!binding)
		return ERR_PTR(-ENOMEM);
	if (!try_module_get(ops->owner))
		goto err_free;
	binding->ops = ops;
	if (ops->check_extension(NULL, type) <= 0)
		goto err_module;
	binding->state = ops->open(type);
	ret = PTR_ERR_OR_ZERO(binding->state);
	if (ret)
		goto err_module;
	return binding;

err_module:
	module_put(ops->owner);
err_free:
	kfree(binding);
	return ERR_PTR(ret);
}

/* Attach all groups, or none. */
static int vfio_binding_attach_groups(struct vfio_binding *binding,
				      struct vfio_container *container)
{
	struct vfio_group *group;
	int ret = 0;

	list_for_each_entry(group, &container->groups, container_node) {
		ret = binding->ops->attach_group(binding->state, group->iommu_group);
		if (ret)
			goto err_detach;
	}
	return 0;

err_detach:
	list_for_each_entry_continue_reverse(group, &container->groups, container_node)
		binding->ops->detach_group(binding->state, group->iommu_group);
	return ret;
}

/* ---- attach and detach of groups ---- */

/* The device lock keeps the driver there. It is only tried: binding takes the group's under it. */
static int vfio_warn_blocker(struct device *dev, void *data)
{
	struct device_driver *drv;

	if (!device_trylock(dev))
		return 0;
	drv = dev->driver;
	if (drv && !(dev_is_pci(dev) && to_pci_driver(drv)->driver_managed_dma))
		dev_warn_ratelimited(dev,
				     "IOMMU group %d is not viable: this device is bound to %s; "
				     "bind it to vfio-pci or unbind it\n",
				     *(int *)data, drv->name);
	device_unlock(dev);
	return 0;
}

static int vfio_container_claim(struct vfio_group *group)
{
	int ret;

	if (group->noiommu)
		return 0;
	ret = iommu_group_claim_dma_owner(group->iommu_group, group);
	if (ret)
		iommu_group_for_each_dev(group->iommu_group, &group->id, vfio_warn_blocker);
	return ret;
}

static void vfio_container_unclaim(struct vfio_group *group)
{
	if (!group->noiommu)
		iommu_group_release_dma_owner(group->iommu_group);
}

/**
 * vfio_container_attach - attach a group
 * @container: to this container
 * @group: its lock is held; it is attached nowhere
 *
 * The group becomes viable by claiming its DMA: from here on no driver of the
 * host can bind one of its members.
 *
 * Return: 0, or -EPERM, or what the backend says.
 */
int vfio_container_attach(struct vfio_container *container, struct vfio_group *group)
{
	struct vfio_binding *binding;
	int ret;

	lockdep_assert_held(&group->lock);
	if (group->noiommu && !capable(CAP_SYS_RAWIO))
		return -EPERM;

	mutex_lock(&container->lock);
	ret = -EPERM;
	if (!list_empty(&container->groups) && container->noiommu != group->noiommu)
		goto out;
	ret = vfio_container_claim(group);
	if (ret)
		goto out;
	binding = container->binding;
	if (binding) {
		ret = binding->ops->attach_group(binding->state, group->iommu_group);
		if (ret) {
			vfio_container_unclaim(group);
			goto out;
		}
	}
	container->noiommu = group->noiommu;
	group->container = container;
	list_add_tail(&group->container_node, &container->groups);
	kref_get(&container->kref);
out:
	mutex_unlock(&container->lock);
	return ret;
}

static void vfio_container_free(struct kref *kref)
{
	struct vfio_container *container = container_of(kref, struct vfio_container, kref);

	mutex_destroy(&container->lock);
	kfree(container);
}

/**
 * vfio_container_detach - detach a group
 * @group: attached; its lock is held and none of its devices is open
 *
 * With the last group goes the address space: waits for ioctls in flight.
 */
void vfio_container_detach(struct vfio_group *group)
{
	struct vfio_container *container = group->container;
	struct vfio_binding *binding;
	bool last;

	lockdep_assert_held(&group->lock);
	mutex_lock(&container->lock);
	list_del(&group->container_node);
	last = list_empty(&container->groups);
	binding = container->binding;
	if (binding && last)
		vfio_binding_withdraw(container);
	if (binding)
		binding->ops->detach_group(binding->state, group->iommu_group);
	if (binding && last)
		vfio_binding_close(binding);
	vfio_container_unclaim(group);
	mutex_unlock(&container->lock);

	group->container = NULL;
	kref_put(&container->kref, vfio_container_free);
}

bool vfio_container_has_iommu(struct vfio_container *container)
{
	return READ_ONCE(container->binding);
}

/* ---- the file ---- */

static long vfio_container_check_extension(struct vfio_container *container, unsigned long ext)
{
	struct vfio_binding *binding = vfio_binding_get(container);
	struct vfio_iommu_ops *ops;
	long ret = 0;

	if (binding) {
		ret = binding->ops->check_extension(binding->state, ext);
		vfio_binding_put(container);
		return ret;
	}
	mutex_lock(&container->lock);
	mutex_lock(&backends_lock);
	list_for_each_entry(ops, &backends, node) {
		if (!vfio_backend_suits(container, ops))
			continue;
		ret = ops->check_extension(NULL, ext);
		if (ret > 0)
			break;
	}
	mutex_unlock(&backends_lock);
	mutex_unlock(&container->lock);
	return ret;
}

static struct vfio_binding *vfio_container_bind(struct vfio_container *container,
						unsigned long type)
{
	struct vfio_binding *binding = ERR_PTR(-ENODEV);
	struct vfio_iommu_ops *ops;
	int ret;

	lockdep_assert_held(&container->lock);
	mutex_lock(&backends_lock);
	list_for_each_entry(ops, &backends, node) {
		if (!vfio_backend_suits(container, ops))
			continue;
		binding = vfio_binding_open(ops, type);
		if (IS_ERR(binding))
			continue;
		ret = vfio_binding_attach_groups(binding, container);
		if (!ret)
			break;
		vfio_binding_close(binding);
		binding = ERR_PTR(ret);
	}
	mutex_unlock(&backends_lock);
	return binding;
}

static long vfio_container_set_iommu(struct vfio_container *container, unsigned long type)
{
	struct vfio_binding *binding;
	long ret = -EINVAL;

	mutex_lock(&container->lock);
	if (!list_empty(&container->groups) && !vfio_container_has_iommu(container)) {
		binding = vfio_container_bind(container, type);
		ret = PTR_ERR_OR_ZERO(binding);
		if (!ret)
			vfio_binding_publish(container, binding);
	}
	mutex_unlock(&container->lock);
	return ret;
}

static long vfio_container_fops_ioctl(struct file *file, unsigned int cmd, unsigned long arg)
{
	struct vfio_container *container = file->private_data;
	struct vfio_binding *binding;
	long ret;

	switch (cmd) {
	case VFIO_GET_API_VERSION:
		return VFIO_API_VERSION;
	case VFIO_CHECK_EXTENSION:
		return vfio_container_check_extension(container, arg);
	case VFIO_SET_IOMMU:
		return vfio_container_set_iommu(container, arg);
	}
	binding = vfio_binding_get(container);
	if (!binding)
		return -EINVAL;
	ret = binding->ops->ioctl(binding->state, cmd, arg);
	vfio_binding_put(container);
	return ret;
}

static int vfio_container_fops_open(struct inode *inode, struct file *file)
{
	struct vfio_container *container;

	container = kzalloc(sizeof(*container), GFP_KERNEL_ACCOUNT);
	if (!container)
		return -ENOMEM;
	kref_init(&container->kref);
	mutex_init(&container->lock);
	INIT_LIST_HEAD(&container->groups);
	init_completion(&container->idle);
	file->private_data = container;
	return 0;
}

static int vfio_container_fops_release(struct inode *inode, struct file *file)
{
	struct vfio_container *container = file->private_data;

	kref_put(&container->kref, vfio_container_free);
	return 0;
}

static const struct file_operations vfio_container_fops = {
	.owner = THIS_MODULE,
	.open = vfio_container_fops_open,
	.release = vfio_container_fops_release,
	.unlocked_ioctl = vfio_container_fops_ioctl,
	.compat_ioctl = compat_ptr_ioctl,
};

/* NULL if the file is something else; the caller holds the file. */
struct vfio_container *vfio_container_from_file(struct file *file)
{
	return file->f_op == &vfio_container_fops ? file->private_data : NULL;
}

static struct miscdevice vfio_node = {
	.minor = VFIO_MINOR,
	.name = "vfio",
	.nodename = "vfio/vfio",
	.fops = &vfio_container_fops,
	.mode = 0666,
};

int __init vfio_container_init(void)
{
	return misc_register(&vfio_node);
}

void vfio_container_exit(void)
{
	misc_deregister(&vfio_node);
}
