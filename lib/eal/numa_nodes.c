/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * NUMA nodes, by libnuma; used by mem.c for placement and by lcore.c. mbind() itself is called, as
 * libnuma's wrappers print to stderr when they fail.
 */
#include "eal/numa_nodes.h"

#include <errno.h>
#include <numa.h>
#include <numaif.h>
#include <sched.h>
#include <string.h>

#include <pollux/log.h>

PLX_LOG_USE(eal);

static bool available;
static int count = 1;
static bool warned;

void plx_numa_init(void)
{
	available = numa_available() == 0;
	count = available ? numa_max_node() + 1 : 1;
	warned = false;
	if (!available)
		PLX_INFO(eal, "no NUMA support from the kernel: memory is not placed by node");
}

int plx_numa_count(void)
{
	return count;
}

bool plx_numa_exists(int node)
{
	if (node < 0 || node >= count)
		return false;
	return !available || numa_bitmask_isbitset(numa_nodes_ptr, (unsigned int)node);
}

int plx_numa_of_cpu(unsigned int cpu)
{
	int node = available ? numa_node_of_cpu((int)cpu) : 0;

	return node < 0 ? PLX_NODE_ANY : node;
}

int plx_numa_here(void)
{
	unsigned int cpu, node;

	if (count == 1)
		return 0;
	return getcpu(&cpu, &node) ? PLX_NODE_ANY : (int)node;
}

int plx_numa_prefer(void *va, size_t len, int node)
{
	struct bitmask *mask;
	int err = 0;

	/* With one node there is no choice, and the call would be wasted. */
	if (node < 0 || count == 1)
		return 0;
	mask = numa_allocate_nodemask();
	numa_bitmask_setbit(mask, (unsigned int)node);
	if (mbind(va, len, MPOL_PREFERRED, mask->maskp, mask->size + 1, 0))
		err = -errno;
	numa_bitmask_free(mask);
	if (err && !warned) {
		warned = true;
		PLX_WARN(eal,
			 "memory cannot be placed on NUMA node %d (mbind: %s); it comes from where "
			 "the kernel takes it: allow mbind() and the node to this process",
			 node, strerror(-err));
	}
	return err;
}
