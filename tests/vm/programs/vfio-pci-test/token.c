/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * token PF VFS: makes that many virtual functions. Who opens one must know the token
 * of the physical one, and the other way round as long as a virtual one is open.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define ONE "11111111-2222-3333-4444-555555555555"
#define TWO "22222222-2222-3333-4444-555555555555"

static int get_with(const struct raw *raw, const char *rest)
{
	char name[128];
	int fd;

	snprintf(name, sizeof(name), "%s%s", raw->name, rest);
	fd = ioctl(raw->group, VFIO_GROUP_GET_DEVICE_FD, name);
	return fd < 0 ? -errno : fd;
}

static int set_token(int device, uint8_t first)
{
	struct {
		struct vfio_device_feature hdr;
		uint8_t uuid[16];
	} arg = {
		.hdr = {.argsz = sizeof(arg),
			.flags = VFIO_DEVICE_FEATURE_SET | VFIO_DEVICE_FEATURE_PCI_VF_TOKEN},
		.uuid = {first, first, first, first, 0x22, 0x22, 0x33, 0x33, 0x44, 0x44, 0x55, 0x55, 0x55,
			 0x55, 0x55, 0x55},
	};

	return ioctl(device, VFIO_DEVICE_FEATURE, &arg) ? -errno : 0;
}

static void check_names(const struct raw *vf)
{
	EXPECT(get_with(vf, " vf_token="), -EINVAL);
	EXPECT(get_with(vf, " vf_token=" ONE "0"), -EINVAL);
	EXPECT(get_with(vf, " vf_token=" ONE " vf_token=" ONE), -EINVAL);
	EXPECT(get_with(vf, " other=" ONE), -EINVAL);
	EXPECT(get_with(vf, "x"), -ENODEV);
}

static void make_vfs(const char *pf, const char *count)
{
	char path[128];
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/sriov_numvfs", pf);
	fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || write(fd, count, strlen(count)) < 0)
		die(path);
	close(fd);
}

/* What sysfs says of a device's identity: a VF's own registers are empty. */
static uint32_t sysfs_id(const char *name, const char *which)
{
	char path[128];
	unsigned int id;
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/%s", name, which);
	f = fopen(path, "r");
	if (!f || fscanf(f, "%x", &id) != 1)
		die(path);
	fclose(f);
	return id;
}

static const char *first_vf(const char *pf)
{
	static char link[PATH_MAX];
	char path[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/virtfn0", pf);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		die(path);
	link[len] = 0;
	return basename(link);
}

int command_token(int argc, char **argv)
{
	struct raw pf, vf;
	int device;

	if (argc < 2)
		return 2;
	raw_open_group(&pf, argv[0]);
	pf.device = get_with(&pf, " vf_token=" ONE);
	EXPECT(pf.device >= 0, true);
	make_vfs(argv[0], argv[1]);
	raw_open_group(&vf, first_vf(argv[0]));
	check_names(&vf);
	EXPECT(get_with(&vf, ""), -EACCES);
	EXPECT(get_with(&vf, " vf_token=" TWO), -EACCES);
	vf.device = get_with(&vf, " vf_token=" ONE);
	EXPECT(vf.device >= 0, true);
	EXPECT(config_get(vf.device, 0, 2), sysfs_id(vf.name, "vendor"));
	EXPECT(config_get(vf.device, 2, 2), sysfs_id(vf.name, "device"));
	EXPECT(config_get(vf.device, 4, 2) & 2, 2);
	/* With a VF open, the PF's token is asked for. */
	close(pf.device);
	EXPECT(get_with(&pf, ""), -EACCES);
	EXPECT(get_with(&pf, " vf_token=" TWO), -EACCES);
	pf.device = get_with(&pf, " vf_token=" ONE);
	EXPECT(pf.device >= 0, true);
	EXPECT(set_token(vf.device, 0x22), -ENOTTY);
	EXPECT(set_token(pf.device, 0x22), 0);
	close(vf.device);
	EXPECT(get_with(&vf, " vf_token=" ONE), -EACCES);
	vf.device = get_with(&vf, " vf_token=" TWO);
	EXPECT(vf.device >= 0, true);
	raw_close(&vf);
	device = get_with(&pf, "");
	EXPECT(device >= 0, true);
	close(device);
	raw_close(&pf);
	return EXIT_SUCCESS;
}
