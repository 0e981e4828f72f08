// SPDX-License-Identifier: BSD-3-Clause
/*
 * The ioctls of a container. A benchmark that is refused something has no result,
 * so every error ends it.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>
#include "container.h"
#include "iommufd.h"

void die(const char *what)
{
	fprintf(stderr, "dma benchmark: %s: %s\n", what, strerror(errno));
	exit(1);
}

uint64_t clock_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

void container_open(struct container *c, enum container_kind kind)
{
	*c = (struct container){.kind = kind};
	if (kind == CONTAINER_IOMMUFD) {
		c->fd = iommufd_open(&c->ioas);
		return;
	}
	c->fd = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (c->fd < 0)
		die("/dev/vfio/vfio");
}

static int group_open(const char *bdf)
{
	char path[128], target[256], *number;
	ssize_t len;
	int fd;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", bdf);
	len = readlink(path, target, sizeof(target) - 1);
	if (len < 0)
		die(path);
	target[len] = 0;
	number = strrchr(target, '/') + 1;
	snprintf(path, sizeof(path), "/dev/vfio/%s", number);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0)
		die(path);
	return fd;
}

void container_add(struct container *c, const char *bdf)
{
	int group;

	if (c->kind == CONTAINER_IOMMUFD) {
		c->groups[c->nr_groups++] = iommufd_attach(c->fd, c->ioas, bdf);
		return;
	}
	group = group_open(bdf);
	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &c->fd))
		die("VFIO_GROUP_SET_CONTAINER");
	if (!c->nr_groups && ioctl(c->fd, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
	c->groups[c->nr_groups++] = group;
}

uint64_t container_pgsizes(struct container *c)
{
	struct vfio_iommu_type1_info info = {.argsz = sizeof(info)};

	if (ioctl(c->fd, VFIO_IOMMU_GET_INFO, &info))
		die("VFIO_IOMMU_GET_INFO");
	return info.iova_pgsizes;
}

void container_map(struct container *c, const void *memory, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE,
		.vaddr = (uintptr_t)memory,
		.iova = iova,
		.size = size,
	};

	if (c->kind == CONTAINER_IOMMUFD)
		iommufd_map(c->fd, c->ioas, memory, iova, size);
	else if (ioctl(c->fd, VFIO_IOMMU_MAP_DMA, &map))
		die("VFIO_IOMMU_MAP_DMA");
}

void container_unmap(struct container *c, uint64_t iova, uint64_t size)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap), .iova = iova, .size = size};

	if (c->kind == CONTAINER_IOMMUFD)
		unmap.size = iommufd_unmap(c->fd, c->ioas, iova, size);
	else if (ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap))
		die("VFIO_IOMMU_UNMAP_DMA");
	if (unmap.size != size) {
		errno = ERANGE;
		die("VFIO_IOMMU_UNMAP_DMA");
	}
}

void container_unmap_all(struct container *c)
{
	struct vfio_iommu_type1_dma_unmap unmap = {.argsz = sizeof(unmap),
						   .flags = VFIO_DMA_UNMAP_FLAG_ALL};

	if (c->kind == CONTAINER_IOMMUFD)
		iommufd_unmap(c->fd, c->ioas, 0, UINT64_MAX);
	else if (ioctl(c->fd, VFIO_IOMMU_UNMAP_DMA, &unmap))
		die("VFIO_IOMMU_UNMAP_DMA of all");
}

void *container_map_bar(struct container *c, const char *bdf, unsigned int bar, size_t *size)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = bar};
	void *memory;
	int device;

	container_add(c, bdf);
	device = ioctl(c->groups[c->nr_groups - 1], VFIO_GROUP_GET_DEVICE_FD, bdf);
	if (device < 0)
		die(bdf);
	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		die("VFIO_DEVICE_GET_REGION_INFO");
	memory = mmap(NULL, info.size, PROT_READ | PROT_WRITE, MAP_SHARED, device,
		      (off_t)info.offset);
	if (memory == MAP_FAILED)
		die("mmap of the BAR");
	close(device);
	*size = info.size;
	return memory;
}

void container_close(struct container *c)
{
	for (int i = 0; i < c->nr_groups; i++)
		close(c->groups[i]);
	close(c->fd);
}
