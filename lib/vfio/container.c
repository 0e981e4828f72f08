/* SPDX-License-Identifier: BSD-3-Clause */
/* ioctls of /dev/vfio/vfio with the type1 (version 2) IOMMU; see container.h and <linux/vfio.h>. */
#include "vfio/container.h"

#include <pollux/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "pci/sysfs.h"
#include "vfio/info.h"

PLX_LOG_USE(vfio);

static void explain_open(const char *path, int err)
{
	if (err == -ENOENT || err == -ENODEV || err == -ENXIO)
		PLX_ERR(vfio, "%s: the kernel has no VFIO loaded; `modprobe vfio-pci`", path);
	else if (err == -EACCES || err == -EPERM)
		PLX_ERR(vfio, "%s: no permission; `chmod 0666 %s` or run as root", path, path);
	else
		PLX_ERR(vfio, "%s: %s", path, strerror(-err));
}

int plx_container_open(void)
{
	char path[PLX_SYSFS_PATH_LEN];
	int fd, err;

	snprintf(path, sizeof(path), "%s/vfio/vfio", plx_pci_roots.dev);
	fd = open(path, O_RDWR | O_CLOEXEC);
	if (fd < 0) {
		err = -errno;
		explain_open(path, err);
		return err == -ENODEV || err == -ENXIO ? -ENOENT : err;
	}
	if (ioctl(fd, VFIO_GET_API_VERSION) != VFIO_API_VERSION) {
		PLX_ERR(vfio, "%s: speaks another version of the VFIO API than %d", path,
			VFIO_API_VERSION);
	} else if (ioctl(fd, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU) <= 0) {
		PLX_ERR(vfio, "%s: has no type1 (version 2) IOMMU; `modprobe vfio_iommu_type1`",
			path);
	} else {
		return fd;
	}
	close(fd);
	return -EPROTONOSUPPORT;
}

void plx_container_info_free(struct plx_iommu_info *info)
{
	free(info->ranges);
	*info = (struct plx_iommu_info){0};
}

int plx_container_info(int container, struct plx_iommu_info *info)
{
	struct vfio_iommu_type1_info fixed = {0};
	const struct vfio_iommu_type1_info_dma_avail *avail;
	uint32_t first;
	size_t size;
	void *buf;
	int err;

	plx_container_info_free(info);
	err = plx_vfio_info_get(container, VFIO_IOMMU_GET_INFO, &fixed, sizeof(fixed), &buf, &size);
	if (err) {
		PLX_ERR(vfio, "IOMMU: the kernel does not describe it: %s", strerror(-err));
		return err;
	}
	info->page_sizes = (uint64_t)sysconf(_SC_PAGESIZE);
	if (fixed.flags & VFIO_IOMMU_INFO_PGSIZES && fixed.iova_pgsizes)
		info->page_sizes = fixed.iova_pgsizes;
	first = fixed.flags & VFIO_IOMMU_INFO_CAPS ? fixed.cap_offset : 0;
	avail = plx_vfio_info_cap(buf, size, first, VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL,
				  sizeof(*avail));
	info->dma_avail = avail ? avail->avail : UINT32_MAX;
	err = plx_vfio_parse_ranges(buf, size, first, &info->ranges, &info->range_count);
	free(buf);
	if (err == -ENOENT)
		return 0;
	if (err)
		PLX_ERR(vfio, "IOMMU: its list of usable IOVA ranges makes no sense: %s",
			strerror(-err));
	return err;
}

int plx_container_map(int container, const void *va, uint64_t len, plx_iova_t iova,
		      enum plx_as_prot prot)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = (prot & PLX_AS_READ ? VFIO_DMA_MAP_FLAG_READ : 0) |
			 (prot & PLX_AS_WRITE ? VFIO_DMA_MAP_FLAG_WRITE : 0),
		.vaddr = (uintptr_t)va,
		.iova = iova,
		.size = len,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) < 0 ? -errno : 0;
}

int plx_container_unmap(int container, plx_iova_t iova, uint64_t len, uint64_t *unmapped)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.iova = iova,
		.size = len,
	};

	*unmapped = 0;
	if (ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) < 0)
		return -errno;
	*unmapped = unmap.size;
	return 0;
}
