/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the container is in the newer interface, iommufd: an address space (IOAS) and
 * devices attached to it. The peer of container.c; called by it.
 */
#ifndef BENCH_DMA_IOMMUFD_H
#define BENCH_DMA_IOMMUFD_H

#include <stdint.h>

/* Each ends the program with a message when it is refused. */
int iommufd_open(uint32_t *ioas);
int iommufd_attach(int iommufd, uint32_t ioas, const char *bdf);
void iommufd_map(int iommufd, uint32_t ioas, const void *memory, uint64_t iova, uint64_t size);
/* Return: the bytes that were unmapped. */
uint64_t iommufd_unmap(int iommufd, uint32_t ioas, uint64_t iova, uint64_t size);

#endif
