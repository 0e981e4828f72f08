/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's VFIO container and its type1 IOMMU: ioctls and nothing else. Used by as.c. */
#ifndef PLX_VFIO_CONTAINER_H
#define PLX_VFIO_CONTAINER_H

#include <pollux/vfio.h>

/** What an IOMMU can do. */
struct plx_iommu_info {
	uint64_t page_sizes;
	struct plx_iova_range *ranges; /**< NULL: the kernel does not say */
	size_t range_count;
	uint32_t dma_avail; /**< UINT32_MAX: the kernel does not say */
};

/** Open /dev/vfio/vfio and check what it is. Return: an fd or a negative errno, logged. */
int plx_container_open(void);
/** Read the IOMMU's properties, replacing what *info had. Return: 0 or a negative errno, logged. */
int plx_container_info(int container, struct plx_iommu_info *info);
void plx_container_info_free(struct plx_iommu_info *info);

/** Return: 0 or the kernel's answer. */
int plx_container_map(int container, const void *va, uint64_t len, plx_iova_t iova,
		      enum plx_as_prot prot);
/** @unmapped: gets the bytes that the kernel says it unmapped. Return: 0 or the kernel's answer. */
int plx_container_unmap(int container, plx_iova_t iova, uint64_t len, uint64_t *unmapped);

#endif /* PLX_VFIO_CONTAINER_H */
