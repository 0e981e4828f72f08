/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kinds of memory that the DMA map benchmarks map, faulted in or not. Used by
 * dma_map.c and dma_time.c.
 */
#ifndef BENCH_DMA_MEMORY_H
#define BENCH_DMA_MEMORY_H

#include <stddef.h>

#define PAGE_4K 4096UL
#define PAGE_2M (2UL << 20)
#define PAGE_1G (1UL << 30)

enum memory_kind {
	MEMORY_4K,
	MEMORY_SHUFFLED, /* 4 KiB pages, physically in no order */
	MEMORY_THP,
	MEMORY_HUGE_2M,
	MEMORY_HUGE_1G,
	MEMORY_MEMFD_4K,
	MEMORY_MEMFD_THP,
	MEMORY_MEMFD_2M,
	MEMORY_MEMFD_1G,
	MEMORY_HUGETLBFS, /* a file in /dev/hugepages */
};

enum memory_state { MEMORY_COLD, MEMORY_FAULTED };

/* Aligned to the largest page size that fits in. NULL if the machine has no such memory. */
void *memory_make(enum memory_kind kind, size_t size, enum memory_state state);
void memory_drop(void *memory, size_t size);

#endif
