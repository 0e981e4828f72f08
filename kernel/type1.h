/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Type1: one I/O address space for all groups of a container, made of the
 * mappings that the user asks for. What its files share.
 *
 * Who may do what when
 * --------------------
 * - Each ioctl that looks at domains or maps enters the space first and leaves it
 *   after (type1_enter, type1_leave). Any number may be inside; no lock is held.
 * - Who changes what those inside rely on (the domains, the IOVA ranges, all
 *   mappings at once) closes the space: waits until nobody is inside, and keeps
 *   them out until it opens it again. Attaching and detaching groups do, and
 *   the ioctls that update vaddrs or switch dirty tracking.
 * - Mappings are in a tree under a spinlock, held for a look-up or a batch of
 *   them. A mapping that is being made or taken away is in the tree, so that
 *   nobody else takes its IOVAs, but belongs to the one that works on it:
 *
 *	MAP:	insert PENDING -> pin, map -> LIVE	(or erase, on failure)
 *	UNMAP:	LIVE -> DYING -> unmap, flush, unpin -> erase
 *
 *   Only LIVE mappings are anybody's; who meets another one waits until that is
 *   done, or looks away. DYING ones that are close together take the gap between
 *   them, too, so that the IOMMU can be told to forget all in one go.
 */
#ifndef PLX_VFIO_TYPE1_H
#define PLX_VFIO_TYPE1_H

#include <linux/iommu.h>
#include <linux/mutex.h>
#include <linux/rbtree.h>
#include <linux/spinlock.h>
#include <linux/wait.h>
#include "dma_engine.h"
#include "vfio_core.h"

enum type1_state { TYPE1_PENDING, TYPE1_LIVE, TYPE1_DYING };

/**
 * struct type1_mapping - one mapping that the user made
 * @node: in type1->mappings; under type1->lock
 * @iova: first byte
 * @last: last byte; while DYING, of a short gap behind it, too
 * @gap: bytes of that gap
 * @vaddr: what the user mapped
 * @prot: IOMMU_READ, IOMMU_WRITE
 * @state: changes under type1->lock
 * @vaddr_invalid: the user took back vaddr and will give another; changes only
 *	while the space is closed
 * @batch: links DYING mappings of one unmap
 * @pinned: its memory
 */
struct type1_mapping {
	struct rb_node node;
	u64 iova;
	u64 last;
	u64 gap;
	u64 vaddr;
	u8 prot;
	u8 state;
	bool vaddr_invalid;
	struct type1_mapping *batch;
	struct dma_record pinned;
};

/**
 * struct type1_range - IOVAs that may be mapped
 * @first: byte
 * @last: byte
 */
struct type1_range {
	u64 first;
	u64 last;
};

/**
 * struct type1_ranges - ranges in ascending order
 * @nr: how many
 * @ranges: kmalloc'ed array
 */
struct type1_ranges {
	unsigned int nr;
	struct type1_range *ranges;
};

/**
 * struct type1_group - an attached group
 * @node: in type1_domain.groups
 * @iommu_group: the group
 */
struct type1_group {
	struct list_head node;
	struct iommu_group *iommu_group;
};

/**
 * struct type1_domain - IOMMU page tables; groups behind like IOMMUs share one
 * @node: in type1.domains
 * @domain: of the IOMMU
 * @groups: attached to it
 * @coherent: no DMA can bypass the caches
 */
struct type1_domain {
	struct list_head node;
	struct iommu_domain *domain;
	struct list_head groups;
	bool coherent;
};

/**
 * struct type1 - the address space of a container
 * @v2: VFIO_TYPE1v2_IOMMU semantics of unmap; constant
 * @nesting: VFIO_TYPE1_NESTING_IOMMU; constant
 * @lock: protects @mappings, their states, and all up to @waiting
 * @mappings: tree by IOVA; they do not overlap
 * @available: mappings that may still be made
 * @inside: ioctls inside
 * @closed: nobody may enter
 * @changes: counts changes of states
 * @waiting: how many wait for one
 * @wait: for changes of states, @inside and @closed
 * @closing: held by the one who closed the space
 * @domains: changed only while closed, as all below
 * @ranges: what all domains and groups allow
 * @pgsizes: page sizes that all domains have
 * @vaddr_invalid: mappings with an invalid vaddr; grows only while closed
 * @dirty_tracking: the user wants to know what devices may have written
 */
struct type1 {
	bool v2;
	bool nesting;
	spinlock_t lock;
	struct rb_root mappings;
	unsigned int available;
	unsigned int inside;
	bool closed;
	unsigned long changes;
	unsigned int waiting;
	wait_queue_head_t wait;
	struct mutex closing;
	struct list_head domains;
	struct type1_ranges ranges;
	u64 pgsizes;
	u64 vaddr_invalid;
	bool dirty_tracking;
};

/* The last byte that is really mapped. */
static inline u64 type1_mapped_last(const struct type1_mapping *mapping)
{
	return mapping->last - mapping->gap;
}

static inline u64 type1_pgsize(const struct type1 *t1)
{
	return BIT_ULL(__ffs64(t1->pgsizes));
}

/* type1_space.c */
int type1_enter(struct type1 *t1);
void type1_leave(struct type1 *t1);
int type1_enter_locked(struct type1 *t1);
void type1_leave_locked(struct type1 *t1);
int type1_close(struct type1 *t1);
void type1_close_final(struct type1 *t1);
void type1_open(struct type1 *t1);
struct type1_mapping *type1_find(struct type1 *t1, u64 first, u64 last);
struct type1_mapping *type1_next(struct type1_mapping *mapping);
struct type1_mapping *type1_insert(struct type1 *t1, struct type1_mapping *mapping);
void type1_erase(struct type1 *t1, struct type1_mapping *mapping);
bool type1_is_cut(struct type1 *t1, u64 first, u64 last);
void type1_changed(struct type1 *t1);
int type1_wait_change(struct type1 *t1);

/* type1_map.c */
extern struct kmem_cache *type1_mapping_cache;
long type1_ioctl_map(struct type1 *t1, void __user *arg);
int type1_map_all(struct type1 *t1, struct iommu_domain *domain);

/* type1_unmap.c */
long type1_ioctl_unmap(struct type1 *t1, void __user *arg);
void type1_release_all(struct type1 *t1);

/* type1_dirty.c */
long type1_ioctl_dirty(struct type1 *t1, void __user *arg);
int type1_dirty_check(u64 npages, const struct vfio_bitmap *bitmap);
int type1_dirty_report(const struct vfio_bitmap *bitmap, u64 base, u64 first, u64 last);

/* type1_info.c */
long type1_ioctl_info(struct type1 *t1, void __user *arg);

/* type1_ranges.c */
int type1_ranges_compute(struct type1 *t1, struct type1_ranges *ranges);
bool type1_ranges_allow(const struct type1_ranges *ranges, u64 first, u64 last);

/* type1_domain.c */
int type1_attach_group(void *state, struct iommu_group *iommu_group);
void type1_detach_group(void *state, struct iommu_group *iommu_group);

/* type1_main.c */
unsigned long type1_map_pgsizes(void);
bool type1_allow_unsafe_interrupts(void);

#endif
