/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What an IOMMU backend (type1, no-IOMMU) programs against. A backend registers
 * a table of operations and nothing else; the core finds it by asking each for
 * the type that the user gave to VFIO_SET_IOMMU.
 *
 * Lifetime of a backend's state, as made by ops->open for one container:
 *
 * - it exists from VFIO_SET_IOMMU until the last group leaves the container;
 * - each ioctl in flight holds it: when the last group leaves, the core first
 *   makes new ioctls fail, then waits for those inside, and only then calls
 *   detach_group for the last group and release;
 * - open, attach_group, detach_group and release of one state are serialised by
 *   the core (by the container's mutex), but ioctls run in parallel to attach
 *   and detach of further groups, and to each other.
 */
#ifndef PLX_VFIO_IOMMU_H
#define PLX_VFIO_IOMMU_H

#include <linux/list.h>
#include <linux/types.h>

struct iommu_group;
struct module;

/**
 * enum vfio_isolation - what a backend needs of the groups that it serves
 * @VFIO_ISOLATED: groups behind an IOMMU
 * @VFIO_NOT_ISOLATED: no-IOMMU groups
 */
enum vfio_isolation { VFIO_ISOLATED, VFIO_NOT_ISOLATED };

/**
 * struct vfio_iommu_ops - what an IOMMU backend does for a container
 * @name: of the backend, for messages
 * @owner: held while a container uses the backend
 * @isolation: containers offer the backend only groups of this kind
 * @check_extension: does the backend offer extension @ext? @state is NULL before
 *	VFIO_SET_IOMMU. Return 0 or a positive number, as VFIO_CHECK_EXTENSION does.
 * @open: make the state for a container whose user chose @type, for which
 *	check_extension() was positive. Return it or an ERR_PTR.
 * @release: free it; each group was detached
 * @attach_group: let the devices of @group use the address space; they are owned
 *	by the caller (iommu_group_claim_dma_owner) until after detach_group. May
 *	take long, for each mapping is made for them, and return -EINTR when the
 *	caller is killed. Return 0 or a negative errno, and they cannot use it.
 * @detach_group: the opposite; must not fail, and must not give up for a signal
 * @ioctl: any ioctl on the container file but those of the core. The argument is
 *	the user's; no lock is held. Return -ENOTTY for unknown commands.
 */
struct vfio_iommu_ops {
	const char *name;
	struct module *owner;
	enum vfio_isolation isolation;
	int (*check_extension)(void *state, unsigned long ext);
	void *(*open)(unsigned long type);
	void (*release)(void *state);
	int (*attach_group)(void *state, struct iommu_group *group);
	void (*detach_group)(void *state, struct iommu_group *group);
	long (*ioctl)(void *state, unsigned int cmd, unsigned long arg);

	/* private: under the core's mutex of backends */
	struct list_head node;
};

/**
 * vfio_iommu_register - offer a backend to containers
 * @ops: static; belongs to the core until unregistered
 *
 * Return: 0 or -EEXIST.
 */
int vfio_iommu_register(struct vfio_iommu_ops *ops);

/**
 * vfio_iommu_unregister - take it back
 * @ops: registered; no container uses it, since users hold @ops->owner
 */
void vfio_iommu_unregister(struct vfio_iommu_ops *ops);

#endif
