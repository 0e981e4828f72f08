/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A VFIO container by its ioctls alone, the same for stock modules and ours, or
 * what it is in iommufd; and a clock. Used by dma_map.c and dma_time.c.
 */
#ifndef BENCH_DMA_CONTAINER_H
#define BENCH_DMA_CONTAINER_H

#include <stddef.h>
#include <stdint.h>

enum container_kind { CONTAINER_VFIO, CONTAINER_IOMMUFD };

struct container {
	enum container_kind kind;
	int fd;
	uint32_t ioas;
	int groups[4]; /* with iommufd: devices */
	int nr_groups;
};

/* All functions end the program with a message when VFIO refuses. */
void container_open(struct container *c, enum container_kind kind);
void container_add(struct container *c, const char *bdf);

/* Only of a VFIO container: the page sizes of its domain, a BAR's memory. */
uint64_t container_pgsizes(struct container *c);
void *container_map_bar(struct container *c, const char *bdf, unsigned int bar, size_t *size);

void container_map(struct container *c, const void *memory, uint64_t iova, uint64_t size);
void container_unmap(struct container *c, uint64_t iova, uint64_t size);
void container_unmap_all(struct container *c);
void container_close(struct container *c);

uint64_t clock_ns(void);
void die(const char *what);

#endif
