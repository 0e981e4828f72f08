/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What the files of vfio.ko share: groups, containers, and how they come and
 * go. Backends see include/vfio_core.h and include/vfio_iommu.h only.
 *
 * Lock order, outermost first:
 *
 *	group->lock > container->lock > backends_lock
 *	groups_lock > group->devices_lock
 *	device set's lock; group->devices_lock; sets_lock: innermost, alone
 *
 * No lock is held across ops->open, ops->close (but the set's), an ioctl of a
 * backend, or a copy from or to the user.
 */
#ifndef PLX_VFIO_PRIVATE_H
#define PLX_VFIO_PRIVATE_H

#include <linux/cdev.h>
#include <linux/kref.h>
#include "vfio_core.h"
#include "vfio_iommu.h"

struct vfio_container;

/**
 * struct vfio_group - one IOMMU group as users see it: /dev/vfio/<N>
 * @class_dev: counts references: one for being registered (as long as there are
 *	members), one for each open file of the node, one for each device
 * @cdev: the node
 * @noiommu: nothing isolates its devices; constant
 * @id: number of the IOMMU group; constant
 * @node: in the list of groups; under groups_lock
 * @nr_devices: registered members, also those that are being unregistered;
 *	under groups_lock
 * @devices_lock: protects @devices
 * @devices: members that can be looked up, by vfio_device.group_node
 * @lock: protects all below
 * @iommu_group: NULL when the last member is gone; users may still have the node
 *	open then, but can do nothing with it
 * @opened: the one open file of the node; device files hold a reference to it, so
 *	the group outlives them
 * @open_files: device files open; the container cannot be unset meanwhile
 * @container: where it is attached, or NULL; counts a reference there
 * @container_node: in container->groups; under container->lock
 */
struct vfio_group {
	struct device class_dev;
	struct cdev cdev;
	bool noiommu;
	int id;

	struct list_head node;
	unsigned int nr_devices;

	struct mutex devices_lock;
	struct list_head devices;

	struct mutex lock;
	struct iommu_group *iommu_group;
	struct file *opened;
	unsigned int open_files;
	struct vfio_container *container;
	struct list_head container_node;
};

/* vfio_group.c */
int vfio_group_init(void);
void vfio_group_exit(void);
int vfio_group_add_device(struct vfio_device *vdev);
void vfio_group_hide_device(struct vfio_device *vdev);
void vfio_group_remove_device(struct vfio_device *vdev);

/* vfio_group_file.c */
extern const struct file_operations vfio_group_fops;
int vfio_group_use(struct vfio_group *group);
void vfio_group_unuse(struct vfio_group *group);

/* vfio_container.c */
int vfio_container_init(void);
void vfio_container_exit(void);
struct vfio_container *vfio_container_from_file(struct file *file);
int vfio_container_attach(struct vfio_container *container, struct vfio_group *group);
void vfio_container_detach(struct vfio_group *group);
bool vfio_container_has_iommu(struct vfio_container *container);

/* vfio_device_file.c */
extern const struct file_operations vfio_device_fops;
int vfio_device_open_fd(struct vfio_device *vdev);

/* vfio_device.c */
int vfio_device_fs_init(void);
void vfio_device_fs_exit(void);
bool vfio_device_get(struct vfio_device *vdev);
void vfio_device_unget(struct vfio_device *vdev);

/* vfio_set.c */
void vfio_device_leave_set(struct vfio_device *vdev);

/* vfio_noiommu.c */
bool vfio_noiommu_enabled(void);
struct iommu_group *vfio_noiommu_group_create(struct device *dev);
void vfio_noiommu_group_destroy(struct device *dev);
int vfio_noiommu_init(void);
void vfio_noiommu_exit(void);

/* vfio_listener.c */
int vfio_listener_init(void);
void vfio_listener_exit(void);

#endif
