/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NUMA nodes, by libnuma. Where there is no NUMA support (or it is refused) there is one node, 0,
 * and placement does nothing.
 */
#ifndef PLX_EAL_NUMA_NODES_H
#define PLX_EAL_NUMA_NODES_H

#include <pollux/common.h>

/** Look at the machine; called by plx_eal_init() before all others. */
void plx_numa_init(void);

/** Highest node number plus one; at least 1. */
int plx_numa_count(void);
/** Is there such a node? PLX_NODE_ANY is none. */
bool plx_numa_exists(int node);
/** The node of a CPU, or PLX_NODE_ANY. */
int plx_numa_of_cpu(unsigned int cpu);
/** The node of the CPU that the caller runs on, or PLX_NODE_ANY. */
int plx_numa_here(void);

/**
 * Ask the kernel to take the pages of [va, va + len) from a node where it can. Call before the
 * pages are touched. Return: 0, or a negative errno (logged once per process).
 */
int plx_numa_prefer(void *va, size_t len, int node);

#endif /* PLX_EAL_NUMA_NODES_H */
