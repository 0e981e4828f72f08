/* SPDX-License-Identifier: BSD-3-Clause */
/* What is on the bus: struct plx_pci_device filled from sysfs, one device, all, or a group's. */
#include <pollux/log.h>
#include <pollux/pci.h>

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pci/sysfs.h"

PLX_LOG_COMPONENT(pci);

#define DEVICE_FMT	   "%s/bus/pci/devices/%s/"
#define HEADER_TYPE_MASK   0x7f
#define HEADER_TYPE_BRIDGE 1
#define CLASS_PCI_BRIDGE   0x0604

static int read_ids(struct plx_pci_device *d, const char *bdf)
{
	static const char *const names[] = {"vendor",		"device", "subsystem_vendor",
					    "subsystem_device", "class",  "revision"};
	int64_t v[6] = {0};
	unsigned int i;
	int err;

	for (i = 0; i < 6; i++) {
		err = plx_sysfs_read_number(&v[i], DEVICE_FMT "%s", plx_pci_roots.sysfs, bdf,
					    names[i]);
		if (err && i < 2)
			return err;
	}
	d->vendor = (uint16_t)v[0];
	d->device = (uint16_t)v[1];
	d->subsystem_vendor = (uint16_t)v[2];
	d->subsystem_device = (uint16_t)v[3];
	d->class_code = (uint32_t)v[4] & 0xffffff;
	d->revision = (uint8_t)v[5];
	return 0;
}

/* "start end flags" a line, the BARs first; a device without the file has none. */
static void read_bars(struct plx_pci_device *d, const char *bdf)
{
	char path[PLX_SYSFS_PATH_LEN], line[128];
	uint64_t start, end, flags;
	unsigned int i;
	FILE *f;

	snprintf(path, sizeof(path), DEVICE_FMT "resource", plx_pci_roots.sysfs, bdf);
	f = fopen(path, "re");
	if (!f)
		return;
	for (i = 0; i < PLX_PCI_BAR_COUNT && fgets(line, sizeof(line), f); i++) {
		if (sscanf(line, "%" SCNx64 " %" SCNx64 " %" SCNx64, &start, &end, &flags) != 3)
			break;
		if (!flags || end < start)
			continue;
		d->bars[i] = (struct plx_pci_bar){start, end - start + 1, flags};
	}
	fclose(f);
}

static bool read_is_bridge(const struct plx_pci_device *d, const char *bdf)
{
	char path[PLX_SYSFS_PATH_LEN];
	uint8_t type = 0xff;
	int fd;

	snprintf(path, sizeof(path), DEVICE_FMT "config", plx_pci_roots.sysfs, bdf);
	fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd >= 0) {
		if (pread(fd, &type, 1, PLX_PCI_HEADER_TYPE) != 1)
			type = 0xff;
		close(fd);
	}
	if (type == 0xff)
		return d->class_code >> 8 == CLASS_PCI_BRIDGE;
	return (type & HEADER_TYPE_MASK) == HEADER_TYPE_BRIDGE;
}

static void read_text(char *buf, size_t len, const char *bdf, const char *name)
{
	if (plx_sysfs_read(buf, len, DEVICE_FMT "%s", plx_pci_roots.sysfs, bdf, name) ||
	    strcmp(buf, "(null)") == 0)
		buf[0] = '\0';
}

static int read_device(const struct plx_pci_addr *addr, struct plx_pci_device *d)
{
	char bdf[PLX_PCI_BDF_LEN], group[32];
	int64_t node;
	int err;

	memset(d, 0, sizeof(*d));
	d->addr = *addr;
	plx_pci_bdf(addr, bdf);
	err = read_ids(d, bdf);
	if (err)
		return err == -ENOENT || err == -ENOTDIR ? -ENODEV : err;
	if (plx_sysfs_read_number(&node, DEVICE_FMT "numa_node", plx_pci_roots.sysfs, bdf))
		node = PLX_NODE_ANY;
	d->node = node < 0 ? PLX_NODE_ANY : (int)node;
	d->group = -1;
	if (!plx_sysfs_link(group, sizeof(group), DEVICE_FMT "iommu_group", plx_pci_roots.sysfs,
			    bdf))
		d->group = atoi(group);
	if (plx_sysfs_link(d->driver, sizeof(d->driver), DEVICE_FMT "driver", plx_pci_roots.sysfs,
			   bdf))
		d->driver[0] = '\0';
	read_text(d->driver_override, sizeof(d->driver_override), bdf, "driver_override");
	read_bars(d, bdf);
	d->is_bridge = read_is_bridge(d, bdf);
	return 0;
}

int plx_pci_get(const struct plx_pci_addr *addr, struct plx_pci_device *device)
{
	char bdf[PLX_PCI_BDF_LEN];
	int err = read_device(addr, device);

	if (err == -ENODEV)
		PLX_ERR(pci, "%s: no such PCI device; `plx-bind status` lists those there are",
			plx_pci_bdf(addr, bdf));
	else if (err)
		PLX_ERR(pci, "%s: cannot read its attributes in %s: %s", plx_pci_bdf(addr, bdf),
			plx_pci_roots.sysfs, strerror(-err));
	return err;
}

static int by_addr(const void *a, const void *b)
{
	return plx_pci_compare(a, b);
}

/* The addresses that a directory has entries for, sorted; the caller frees *addrs. */
static ssize_t list_dir(const char *path, struct plx_pci_addr **addrs)
{
	size_t n = 0, room = 0;
	struct plx_pci_addr *list = NULL, *more;
	struct dirent *e;
	DIR *dir = opendir(path);

	if (!dir)
		return -errno;
	while ((e = readdir(dir))) {
		if (n == room) {
			room = room ? 2 * room : 64;
			more = reallocarray(list, room, sizeof(*list));
			if (!more) {
				free(list);
				closedir(dir);
				return -ENOMEM;
			}
			list = more;
		}
		if (plx_pci_parse(e->d_name, &list[n]) == 0)
			n++;
	}
	closedir(dir);
	if (n)
		qsort(list, n, sizeof(*list), by_addr);
	*addrs = list;
	return (ssize_t)n;
}

static int scan_dir(const char *path, int (*fn)(const struct plx_pci_device *device, void *arg),
		    void *arg)
{
	struct plx_pci_addr *addrs = NULL;
	struct plx_pci_device device;
	ssize_t i, n = list_dir(path, &addrs);
	int ret = 0;

	if (n < 0)
		return (int)n;
	for (i = 0; i < n && !ret; i++)
		if (read_device(&addrs[i], &device) == 0)
			ret = fn(&device, arg);
	free(addrs);
	return ret;
}

int plx_pci_scan(int (*fn)(const struct plx_pci_device *device, void *arg), void *arg)
{
	char path[PLX_SYSFS_PATH_LEN];

	snprintf(path, sizeof(path), "%s/bus/pci/devices", plx_pci_roots.sysfs);
	return scan_dir(path, fn, arg);
}

int plx_pci_group_scan(int group, int (*fn)(const struct plx_pci_device *device, void *arg),
		       void *arg)
{
	char path[PLX_SYSFS_PATH_LEN];

	snprintf(path, sizeof(path), "%s/kernel/iommu_groups/%d/devices", plx_pci_roots.sysfs,
		 group);
	return scan_dir(path, fn, arg);
}

const struct plx_pci_match *plx_pci_match_find(const struct plx_pci_match *table,
					       const struct plx_pci_device *device)
{
	for (; table->vendor || table->device || table->class_code || table->class_mask; table++) {
		if (table->vendor != PLX_PCI_ANY && table->vendor != device->vendor)
			continue;
		if (table->device != PLX_PCI_ANY && table->device != device->device)
			continue;
		if ((device->class_code & table->class_mask) ==
		    (table->class_code & table->class_mask))
			return table;
	}
	return NULL;
}
