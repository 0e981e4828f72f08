/* SPDX-License-Identifier: BSD-3-Clause */
/* Type1's ioctls for dma-test's commands, and what the kernel says is pinned and locked. */
#ifndef DMA_TEST_SPACE_H
#define DMA_TEST_SPACE_H

#include <stddef.h>
#include <stdint.h>
#include "raw.h"

#define PAGE	 4096UL
#define MIB	 (1UL << 20)
#define GIB	 (1UL << 30)
#define IOVA	 GIB
#define ABOVE_4G (8 * GIB) /* the window of the MSIs is below */

/* Each returns 0 or -errno. */
int space_map(int container, const void *vaddr, uint64_t iova, uint64_t size, uint32_t flags);
int space_unmap(int container, uint64_t iova, uint64_t *size, uint32_t flags);
int space_dirty(int container, uint32_t flags);

#define MAP_RW (VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE)

void *memory_anon(size_t size);

/* A large range of addresses over a small file, made with these flags of memfd_create(). */
void *memory_wide(size_t size, size_t file_size, unsigned int flags);
#define HUGE_FILE (2 * MIB)

long vmstat(const char *word); /* such as "nr_iommu_pages " */
long pins(void);
long locked_kib(void);
double seconds(void);
uint64_t random_next(uint64_t *state);

int command_random(int argc, char **argv);
int command_blocked(int argc, char **argv);
int command_maps_race(int argc, char **argv);
int command_close_race(int argc, char **argv);
int command_disjoint(int argc, char **argv);
int command_grow(int argc, char **argv);
int command_wide(int argc, char **argv);
int command_kill_pinning(int argc, char **argv);
int command_kill_mapping(int argc, char **argv);
int command_exec(int argc, char **argv);
int command_after_exec(int argc, char **argv);
int command_alloc(int argc, char **argv);
int command_undone(int argc, char **argv);

#endif
