// SPDX-License-Identifier: BSD-3-Clause
/*
 * Debian 12's headers are older than iommufd: the few structures needed are spelled
 * here as in <linux/iommufd.h> and <linux/vfio.h> of Linux 6.12.
 */
#include "iommufd.h"
#include <dirent.h>
#include <fcntl.h>
#include <linux/types.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include "container.h"

#define IOMMU_IOAS_ALLOC      _IO(';', 0x81)
#define IOMMU_IOAS_MAP	      _IO(';', 0x85)
#define IOMMU_IOAS_UNMAP      _IO(';', 0x86)

#define MAP_FIXED_IOVA	      (1 << 0)
#define MAP_WRITEABLE	      (1 << 1)
#define MAP_READABLE	      (1 << 2)

#define DEVICE_BIND_IOMMUFD   _IO(VFIO_TYPE, VFIO_BASE + 18)
#define DEVICE_ATTACH_IOMMUFD _IO(VFIO_TYPE, VFIO_BASE + 19)

struct ioas_alloc {
	__u32 size;
	__u32 flags;
	__u32 out_ioas_id;
};

struct ioas_map {
	__u32 size;
	__u32 flags;
	__u32 ioas_id;
	__u32 reserved;
	__aligned_u64 user_va;
	__aligned_u64 length;
	__aligned_u64 iova;
};

struct ioas_unmap {
	__u32 size;
	__u32 ioas_id;
	__aligned_u64 iova;
	__aligned_u64 length;
};

struct device_bind {
	__u32 argsz;
	__u32 flags;
	__s32 iommufd;
	__u32 out_devid;
};

struct device_attach {
	__u32 argsz;
	__u32 flags;
	__u32 pt_id;
};

int iommufd_open(uint32_t *ioas)
{
	struct ioas_alloc alloc = {.size = sizeof(alloc)};
	int fd = open("/dev/iommu", O_RDWR | O_CLOEXEC);

	if (fd < 0)
		die("/dev/iommu");
	if (ioctl(fd, IOMMU_IOAS_ALLOC, &alloc))
		die("IOMMU_IOAS_ALLOC");
	*ioas = alloc.out_ioas_id;
	return fd;
}

/* /dev/vfio/devices/vfioN, which sysfs names below the device. */
static int device_open(const char *bdf)
{
	char path[300];
	struct dirent *entry;
	DIR *dir;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/vfio-dev", bdf);
	dir = opendir(path);
	if (!dir)
		die(path);
	while ((entry = readdir(dir)) && strncmp(entry->d_name, "vfio", 4))
		;
	if (!entry)
		die(path);
	snprintf(path, sizeof(path), "/dev/vfio/devices/%s", entry->d_name);
	closedir(dir);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

int iommufd_attach(int iommufd, uint32_t ioas, const char *bdf)
{
	struct device_bind bind = {.argsz = sizeof(bind), .iommufd = iommufd};
	struct device_attach attach = {.argsz = sizeof(attach), .pt_id = ioas};
	int device = device_open(bdf);

	if (ioctl(device, DEVICE_BIND_IOMMUFD, &bind))
		die("VFIO_DEVICE_BIND_IOMMUFD");
	if (ioctl(device, DEVICE_ATTACH_IOMMUFD, &attach))
		die("VFIO_DEVICE_ATTACH_IOMMUFD_PT");
	return device;
}

void iommufd_map(int iommufd, uint32_t ioas, const void *memory, uint64_t iova, uint64_t size)
{
	struct ioas_map map = {
		.size = sizeof(map),
		.flags = MAP_FIXED_IOVA | MAP_WRITEABLE | MAP_READABLE,
		.ioas_id = ioas,
		.user_va = (uintptr_t)memory,
		.length = size,
		.iova = iova,
	};

	if (ioctl(iommufd, IOMMU_IOAS_MAP, &map))
		die("IOMMU_IOAS_MAP");
}

uint64_t iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size)
{
	struct ioas_unmap unmap = {
		.size = sizeof(unmap), .ioas_id = ioas, .iova = iova, .length = size};

	if (ioctl(iommufd, IOMMU_IOAS_UNMAP, &unmap))
		die("IOMMU_IOAS_UNMAP");
	return unmap.length;
}
