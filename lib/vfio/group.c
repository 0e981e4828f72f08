/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * IOMMU groups: opening /dev/vfio/<group>, saying who keeps it from being opened, and joining it to
 * an address space's container.
 */
#include <pollux/eal.h>
#include <pollux/log.h>

#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pci/holder.h"
#include "pci/sysfs.h"
#include "vfio/as.h"

PLX_LOG_USE(vfio);

/* --- Diagnosis ------------------------------------------------------------------------------- */

struct member_list {
	bool all; /* also those that should not block */
	unsigned int count;
	size_t used;
	char text[512];
};

static int add_member(const struct plx_pci_device *d, void *arg)
{
	struct member_list *list = arg;
	char bdf[PLX_PCI_BDF_LEN];

	if (!list->all && !plx_pci_blocks_group(d))
		return 0;
	if (list->used < sizeof(list->text))
		list->used += (size_t)snprintf(
			list->text + list->used, sizeof(list->text) - list->used,
			"%s%s is bound to %s", list->count ? ", " : "", plx_pci_bdf(&d->addr, bdf),
			d->driver[0] ? d->driver : "no driver");
	list->count++;
	return 0;
}

static void explain_not_viable(const char *bdf, int group)
{
	struct member_list list = {0};

	plx_pci_group_scan(group, add_member, &list);
	if (!list.count) {
		list.all = true;
		plx_pci_group_scan(group, add_member, &list);
	}
	PLX_ERR(vfio,
		"%s: group %d is not viable: %s; bind %s to vfio-pci or unbind %s (`plx-bind "
		"bind` or `unbind`)",
		bdf, group, list.text, list.count > 1 ? "them" : "it",
		list.count > 1 ? "them" : "it");
}

/* Is there somebody else in this process who opens groups? */
static bool other_library(void)
{
	const char *backend = plx_eal_backend();

	return backend && strcmp(backend, "dpdk") == 0;
}

static void explain_busy(const char *bdf, int group)
{
	char holder[128];
	pid_t pid = plx_pci_group_holder(group, holder, sizeof(holder));

	if (pid == getpid())
		PLX_ERR(vfio,
			"%s: its group %d is in another address space of this process; open it in "
			"that one%s",
			bdf, group,
			other_library() ? ", or, if DPDK has it (-a, --allow), leave all of the "
					  "group to DPDK or to us"
					: "");
	else
		PLX_ERR(vfio, "%s: its group %d is held by %s; end that or use another device", bdf,
			group, pid ? holder : "a process that cannot be seen from here");
}

static void explain_open(const char *bdf, int group, const char *path, int err)
{
	if (err == -EACCES || err == -EPERM)
		PLX_ERR(vfio, "%s: no permission to open %s; run as root, or `chown USER %s`", bdf,
			path, path);
	else if (err == -EBUSY)
		explain_busy(bdf, group);
	else
		PLX_ERR(vfio, "%s: cannot open %s: %s", bdf, path, strerror(-err));
}

static void explain_join(const char *bdf, int group, bool first, int err)
{
	if (err == -EPERM)
		PLX_ERR(vfio,
			"%s: group %d: its interrupts are not isolated; switch interrupt "
			"remapping on, or load vfio_iommu_type1 with allow_unsafe_interrupts=1 "
			"where every user of the device is trusted",
			bdf, group);
	else if (err == -EBUSY)
		explain_not_viable(bdf, group);
	else if (err == -EINVAL && !first)
		PLX_ERR(vfio,
			"%s: group %d cannot share the address space of the devices opened "
			"before: its IOMMU cannot address what is mapped there; open it in an "
			"address space of its own",
			bdf, group);
	else
		PLX_ERR(vfio, "%s: group %d cannot join the address space: %s; see dmesg", bdf,
			group, strerror(-err));
}

/* --- Joining --------------------------------------------------------------------------------- */

static int open_group(const char *bdf, int group)
{
	struct vfio_group_status status = {.argsz = sizeof(status)};
	char path[PLX_SYSFS_PATH_LEN];
	int fd, err;

	snprintf(path, sizeof(path), "%s/vfio/%d", plx_pci_roots.dev, group);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		explain_open(bdf, group, path, err);
		return err == -EPERM ? -EACCES : err;
	}
	if (ioctl(fd, VFIO_GROUP_GET_STATUS, &status) < 0) {
		err = -errno;
		explain_open(bdf, group, path, err);
	} else if (!(status.flags & VFIO_GROUP_FLAGS_VIABLE)) {
		err = -EPERM;
		explain_not_viable(bdf, group);
	} else {
		return fd;
	}
	close(fd);
	return err;
}

/* Join the container; the first group brings its IOMMU along. */
static int join(struct plx_as *as, const char *bdf, struct plx_group *group)
{
	bool first = !as->groups;
	int err = 0;

	if (ioctl(group->fd, VFIO_GROUP_SET_CONTAINER, &as->container) < 0) {
		err = -errno;
		explain_join(bdf, group->id, first, err);
		return err;
	}
	if (first && ioctl(as->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU) < 0) {
		err = -errno;
		explain_join(bdf, group->id, first, err);
	}
	if (!err)
		err = plx_as_iommu_up(as);
	if (err) {
		if (first)
			plx_as_iommu_down(as);
		ioctl(group->fd, VFIO_GROUP_UNSET_CONTAINER);
	}
	return err;
}

int plx_group_get(struct plx_as *as, const struct plx_pci_device *device, struct plx_group **out)
{
	char bdf[PLX_PCI_BDF_LEN];
	struct plx_group *group;
	int err;

	for (group = as->groups; group; group = group->next) {
		if (group->id == device->group) {
			group->users++;
			*out = group;
			return 0;
		}
	}
	group = calloc(1, sizeof(*group));
	if (!group)
		return -ENOMEM;
	plx_pci_bdf(&device->addr, bdf);
	group->id = device->group;
	group->users = 1;
	group->fd = open_group(bdf, group->id);
	err = group->fd < 0 ? group->fd : join(as, bdf, group);
	if (err) {
		if (group->fd >= 0)
			close(group->fd);
		free(group);
		return err;
	}
	group->next = as->groups;
	as->groups = group;
	*out = group;
	return 0;
}

void plx_group_put(struct plx_as *as, struct plx_group *group)
{
	struct plx_group **at = &as->groups;

	if (--group->users)
		return;
	while (*at != group)
		at = &(*at)->next;
	*at = group->next;
	if (!as->groups)
		plx_as_iommu_down(as);
	ioctl(group->fd, VFIO_GROUP_UNSET_CONTAINER);
	close(group->fd);
	free(group);
}
