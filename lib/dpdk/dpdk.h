/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of libpollux-dpdk share. */
#ifndef PLX_DPDK_DPDK_H
#define PLX_DPDK_DPDK_H

#include "eal/backend.h"

/** start.c: rte_eal up by our options, or found up. */
int plx_dpdk_start(const struct plx_backend_start *start);
/** Is rte_eal up in this process? */
bool plx_dpdk_running(struct plx_cpu_set *cpus, unsigned int *main_cpu);
/** Did plx_dpdk_start() bring it up? */
bool plx_dpdk_is_ours(void);

/** workers.c */
int plx_dpdk_worker_start(unsigned int id);
void plx_dpdk_worker_stop(unsigned int id);
int plx_dpdk_worker_launch(unsigned int id, plx_lcore_fn_t fn, void *arg);
int plx_dpdk_worker_wait(unsigned int id);

/** memory.c: rte_eal's memory in the registry of segments. */
int plx_dpdk_mem_reserve(const struct plx_mem_config *config, struct plx_window *window);
int plx_dpdk_follow(void);
void plx_dpdk_unfollow(void);
/** Bytes in the registry, and the smallest page of it. */
uint64_t plx_dpdk_mem_bytes(void);
size_t plx_dpdk_page_size(void);
/**
 * The IOVA of memory from which a device reads or writes a packet, without a lock where it is
 * rte_eal's. Return: 0 or -EFAULT.
 */
int plx_dpdk_iova(const void *va, size_t len, plx_iova_t *iova);

/** heap.c: the DMA heap by rte_malloc. */
int plx_dpdk_heap_open(size_t limit);
void plx_dpdk_heap_close(void);
int plx_dpdk_alloc(size_t size, size_t align, int node, void **va, bool *zeroed);
int plx_dpdk_free(void *va);
void plx_dpdk_heap_stats(struct plx_mem_stats *stats);
/** number < PLX_OWNERS */
void plx_dpdk_heap_owner(unsigned int number, struct plx_mem_owner *owner);

#endif /* PLX_DPDK_DPDK_H */
