/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside an address space. Three files share it: as.c (life, mappings), group.c (IOMMU groups and
 * the container's IOMMU), kernel.c (devices).
 *
 * Locks, in this order: attach_lock, the EAL's memory lock (taken by plx_mem_listen() and held by
 * it around our listener's callbacks), map_lock.
 */
#ifndef PLX_VFIO_AS_H
#define PLX_VFIO_AS_H

#include <pthread.h>

#include <pollux/mem.h>
#include <pollux/vfio.h>

#include "eal/telemetry.h"
#include "vfio/container.h"
#include "vfio/maps.h"

/** An IOMMU group that an address space owns; held by each device opened from it. */
struct plx_group {
	int id;
	int fd;
	unsigned int users;
	struct plx_group *next;
};

struct plx_as {
	struct plx_as_config config;
	int container;

	struct plx_telemetry_source telemetry;

	pthread_mutex_t attach_lock;
	struct plx_group *groups; /* attach_lock */
	struct plx_dev *devs;	  /* attach_lock */
	bool listening;		  /* attach_lock */
	struct plx_mem_listener listener;

	pthread_mutex_t map_lock;
	bool ready;		     /* map_lock: the container has its IOMMU */
	struct plx_iommu_info iommu; /* map_lock */
	struct plx_maps maps;	     /* map_lock */
	struct plx_as_stats stats;   /* map_lock: the counters only */
	uint64_t heap_bytes;	     /* map_lock: what the EAL had when it was mapped */
};

/** The container has got its IOMMU (or one more group): map the EAL's memory if not yet done. */
int plx_as_iommu_up(struct plx_as *as);
/** The last group is about to leave, and the container's IOMMU with it: unmap everything. */
void plx_as_iommu_down(struct plx_as *as);

/**
 * Take a device's group into the address space, or count one more user of it. With attach_lock.
 * Return: 0, or a negative errno as plx_dev_open() has them, logged.
 */
int plx_group_get(struct plx_as *as, const struct plx_pci_device *device, struct plx_group **group);
/** Give it back; the last user releases it. With attach_lock. */
void plx_group_put(struct plx_as *as, struct plx_group *group);

#endif /* PLX_VFIO_AS_H */
