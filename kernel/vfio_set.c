// SPDX-License-Identifier: GPL-2.0-only
/*
 * Sets of devices that open, close and reset together. A set exists as long as
 * it has members.
 */
#include <linux/slab.h>
#include "vfio_private.h"

static DEFINE_MUTEX(sets_lock);
static LIST_HEAD(sets);

static struct vfio_device_set *vfio_set_find(void *id)
{
	struct vfio_device_set *set;

	list_for_each_entry(set, &sets, node)
		if (set->id == id)
			return set;
	return NULL;
}

static struct vfio_device_set *vfio_set_create(void *id)
{
	struct vfio_device_set *set = kzalloc(sizeof(*set), GFP_KERNEL);

	if (!set)
		return NULL;
	set->id = id;
	mutex_init(&set->lock);
	INIT_LIST_HEAD(&set->members);
	list_add(&set->node, &sets);
	return set;
}

int vfio_device_assign_set(struct vfio_device *vdev, void *id)
{
	struct vfio_device_set *set;

	if (WARN_ON(vdev->set))
		return -EBUSY;
	mutex_lock(&sets_lock);
	set = vfio_set_find(id);
	if (!set)
		set = vfio_set_create(id);
	if (set)
		set->users++;
	mutex_unlock(&sets_lock);
	if (!set)
		return -ENOMEM;

	mutex_lock(&set->lock);
	vdev->set = set;
	list_add_tail(&vdev->set_node, &set->members);
	mutex_unlock(&set->lock);
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_device_assign_set);

void vfio_device_leave_set(struct vfio_device *vdev)
{
	struct vfio_device_set *set = vdev->set;

	if (!set)
		return;
	mutex_lock(&set->lock);
	list_del(&vdev->set_node);
	mutex_unlock(&set->lock);

	mutex_lock(&sets_lock);
	if (--set->users == 0)
		list_del(&set->node);
	else
		set = NULL;
	mutex_unlock(&sets_lock);
	kfree(set);
}
