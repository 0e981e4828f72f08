/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Is a device in use by this host: a file system or swap on one of its disks, an interface that is
 * up, a process that holds its VFIO group. The kernel lists every disk and interface in
 * /sys/class with a path that runs through the device it belongs to.
 */
#include <pollux/pci.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <mntent.h>
#include <net/if.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>
#include <unistd.h>

#include "pci/holder.h"
#include "pci/sysfs.h"

struct question {
	char path[PATH_MAX]; /* of the device in /sys/devices, with a slash at the end */
	char *detail;
	size_t detail_len;
};

/* Is the object of /sys/class/<class>/<name> part of the device? */
static bool belongs(const struct question *q, const char *class, const char *name)
{
	char link[PLX_SYSFS_PATH_LEN], path[PATH_MAX];

	snprintf(link, sizeof(link), "%s/class/%s/%s", plx_pci_roots.sysfs, class, name);
	return realpath(link, path) && strncmp(path, q->path, strlen(q->path)) == 0;
}

/* Call fn with each name in a directory until it returns true. */
static bool any_entry(const char *path, bool (*fn)(struct question *q, const char *name),
		      struct question *q)
{
	bool found = false;
	struct dirent *e;
	DIR *dir = opendir(path);

	if (!dir)
		return false;
	while (!found && (e = readdir(dir)))
		if (e->d_name[0] != '.')
			found = fn(q, e->d_name);
	closedir(dir);
	return found;
}

/* --- Disks ----------------------------------------------------------------------------------- */

static bool block_number(const char *name, dev_t *number)
{
	unsigned int major, minor;
	char text[32];

	if (plx_sysfs_read(text, sizeof(text), "%s/class/block/%s/dev", plx_pci_roots.sysfs,
			   name) ||
	    sscanf(text, "%u:%u", &major, &minor) != 2)
		return false;
	*number = makedev(major, minor);
	return true;
}

/* Does a mount source such as "/dev/nvme0n1p1" mean this block device? */
static bool is_block(const char *source, const char *name, dev_t number)
{
	struct stat st;
	const char *base = strrchr(source, '/');

	if (stat(source, &st) == 0)
		return S_ISBLK(st.st_mode) && st.st_rdev == number;
	return base && strcmp(base + 1, name) == 0;
}

static bool is_mounted(struct question *q, const char *name, dev_t number)
{
	char path[PLX_SYSFS_PATH_LEN], line[2 * PATH_MAX];
	struct mntent entry;
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/self/mounts", plx_pci_roots.proc);
	f = setmntent(path, "re");
	if (!f)
		return false;
	while (!found && getmntent_r(f, &entry, line, sizeof(line)))
		found = is_block(entry.mnt_fsname, name, number);
	if (found)
		snprintf(q->detail, q->detail_len, "%s is mounted from %s", entry.mnt_dir, name);
	endmntent(f);
	return found;
}

static bool is_swap(struct question *q, const char *name, dev_t number)
{
	char path[PLX_SYSFS_PATH_LEN], line[PATH_MAX];
	bool found = false;
	FILE *f;

	snprintf(path, sizeof(path), "%s/swaps", plx_pci_roots.proc);
	f = fopen(path, "re");
	if (!f)
		return false;
	while (!found && fgets(line, sizeof(line), f)) {
		line[strcspn(line, " \t\n")] = '\0';
		found = is_block(line, name, number);
	}
	fclose(f);
	if (found)
		snprintf(q->detail, q->detail_len, "%s is a swap device", name);
	return found;
}

static bool take_holder(struct question *q, const char *name)
{
	snprintf(q->detail, q->detail_len, "%s is built on its disk", name);
	return true;
}

/*
 * The kernel lends a block device exclusively to one of: a mount in whatever namespace, swap, md,
 * device-mapper, a program that asked for it.
 */
static bool is_claimed(struct question *q, const char *name)
{
	char path[PLX_SYSFS_PATH_LEN];
	int fd;

	snprintf(path, sizeof(path), "%s/%s", plx_pci_roots.dev, name);
	fd = open(path, O_RDONLY | O_EXCL | O_NONBLOCK | O_CLOEXEC);
	if (fd >= 0)
		close(fd);
	if (fd >= 0 || errno != EBUSY)
		return false;
	snprintf(q->detail, q->detail_len, "%s is claimed by the kernel or by a program", name);
	return true;
}

static bool disk_in_use(struct question *q, const char *name)
{
	char holders[PLX_SYSFS_PATH_LEN];
	dev_t number;

	if (!belongs(q, "block", name) || !block_number(name, &number))
		return false;
	snprintf(holders, sizeof(holders), "%s/class/block/%s/holders", plx_pci_roots.sysfs, name);
	return is_mounted(q, name, number) || is_swap(q, name, number) ||
	       any_entry(holders, take_holder, q) || is_claimed(q, name);
}

/* --- virtiofs -------------------------------------------------------------------------------- */

/* A shared folder of the machine's host, by its tag; the kernel lists them since 6.9. */
static bool share_in_use(struct question *q, const char *name)
{
	char link[PLX_SYSFS_PATH_LEN], path[PATH_MAX], tag[64], line[2 * PATH_MAX];
	struct mntent entry;
	bool found = false;
	FILE *f;

	snprintf(link, sizeof(link), "%s/fs/virtiofs/%s/device", plx_pci_roots.sysfs, name);
	if (!realpath(link, path) || strncmp(path, q->path, strlen(q->path)) != 0 ||
	    plx_sysfs_read(tag, sizeof(tag), "%s/fs/virtiofs/%s/tag", plx_pci_roots.sysfs, name))
		return false;
	snprintf(path, sizeof(path), "%s/self/mounts", plx_pci_roots.proc);
	f = setmntent(path, "re");
	if (!f)
		return false;
	while (!found && getmntent_r(f, &entry, line, sizeof(line)))
		found = strcmp(entry.mnt_type, "virtiofs") == 0 &&
			strcmp(entry.mnt_fsname, tag) == 0;
	if (found)
		snprintf(q->detail, q->detail_len, "%s is mounted from share %s", entry.mnt_dir,
			 tag);
	endmntent(f);
	return found;
}

/* --- Network interfaces ---------------------------------------------------------------------- */

static bool interface_up(struct question *q, const char *name)
{
	int64_t flags;

	if (!belongs(q, "net", name) ||
	    plx_sysfs_read_number(&flags, "%s/class/net/%s/flags", plx_pci_roots.sysfs, name) ||
	    !(flags & IFF_UP))
		return false;
	snprintf(q->detail, q->detail_len, "interface %s is up", name);
	return true;
}

static bool always(struct question *q, const char *name)
{
	return true;
}

/*
 * An interface in another network namespace: its folder is there, but shows nothing. What it does
 * there cannot be seen from here.
 */
static bool interface_elsewhere(struct question *q, const char *name)
{
	char path[PLX_SYSFS_PATH_LEN];
	bool found = false;

	if (strcmp(name, "net") != 0 && strncmp(name, "virtio", strlen("virtio")) != 0)
		return false;
	if ((size_t)snprintf(path, sizeof(path), "%s%s%s", q->path, name,
			     name[0] == 'v' ? "/net" : "") < sizeof(path))
		found = plx_sysfs_exists("%s", path) && !any_entry(path, always, q);
	if (found)
		snprintf(q->detail, q->detail_len, "its interface is in another network namespace");
	return found;
}

/* --------------------------------------------------------------------------------------------- */

enum plx_pci_use plx_pci_in_use(const struct plx_pci_device *device, char *detail,
				size_t detail_len)
{
	char link[PLX_SYSFS_PATH_LEN], bdf[PLX_PCI_BDF_LEN], unused[1];
	struct question q = {.detail = detail, .detail_len = detail_len};
	size_t n;

	if (!detail || !detail_len) {
		q.detail = unused;
		q.detail_len = sizeof(unused);
	}
	q.detail[0] = '\0';
	if (device->group >= 0 && plx_pci_group_holder(device->group, q.detail, q.detail_len)) {
		n = strlen(q.detail);
		snprintf(q.detail + n, q.detail_len - n, " holds its group %d", device->group);
		return PLX_PCI_USE_VFIO_OPEN;
	}
	snprintf(link, sizeof(link), "%s/bus/pci/devices/%s", plx_pci_roots.sysfs,
		 plx_pci_bdf(&device->addr, bdf));
	if (!realpath(link, q.path) || strlen(q.path) + 2 > sizeof(q.path))
		return PLX_PCI_USE_NONE;
	strcat(q.path, "/");
	snprintf(link, sizeof(link), "%s/class/block", plx_pci_roots.sysfs);
	if (any_entry(link, disk_in_use, &q))
		return PLX_PCI_USE_MOUNTED;
	snprintf(link, sizeof(link), "%s/fs/virtiofs", plx_pci_roots.sysfs);
	if (any_entry(link, share_in_use, &q))
		return PLX_PCI_USE_MOUNTED;
	snprintf(link, sizeof(link), "%s/class/net", plx_pci_roots.sysfs);
	if (any_entry(link, interface_up, &q))
		return PLX_PCI_USE_NET_UP;
	if (any_entry(q.path, interface_elsewhere, &q))
		return PLX_PCI_USE_NETNS;
	return PLX_PCI_USE_NONE;
}
