// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_UNMAP_DMA: mappings go, in batches, each with one flush of the
 * IOMMU before the first of its pages is released; or their vaddrs become
 * invalid. And the end of all mappings when the last group leaves.
 */
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "type1.h"

#define UNMAP_BATCH 512
#define FREE_BATCH  32

/* A gap within as much as one page table covers may be unmapped together with its neighbours. */
#define GAP_SHIFT PMD_SHIFT

/**
 * struct type1_unmap - one request
 * @t1: the space; inside
 * @first: first byte of the range
 * @last: last byte
 * @may_cut: mappings that are only partly inside go as well
 * @bitmap: where to report dirty pages, or NULL
 * @unmapped: bytes done
 * @more: there were mappings behind those of the last batch
 * @erased: the last batch, to be freed when the lock is not held
 */
struct type1_unmap {
	struct type1 *t1;
	u64 first;
	u64 last;
	bool may_cut;
	const struct vfio_bitmap *bitmap;
	u64 unmapped;
	bool more;
	struct type1_mapping *erased;
};

/* ---- a batch ---- */

/* The first mapping of the range; NULL also if version 1 says to leave it alone. */
static struct type1_mapping *type1_first(struct type1_unmap *um)
{
	struct type1_mapping *mapping = type1_find(um->t1, um->first, um->last);

	if (!mapping || mapping->iova >= um->first)
		return mapping;
	/* Version 1: a range that begins inside a mapping unmaps nothing. */
	if (um->first <= type1_mapped_last(mapping))
		return NULL;
	/* It has only taken the gap behind it. */
	mapping = type1_next(mapping);
	return mapping && mapping->iova <= um->last ? mapping : NULL;
}

/*
 * Is the mapping, which begins in the range, to go? That the range cuts none was true when we came;
 * while the lock was dropped, one may have been made that ends behind the range.
 */
static bool type1_takes(const struct type1_unmap *um, const struct type1_mapping *mapping)
{
	return mapping->state == TYPE1_LIVE && mapping->iova <= um->last &&
	       (um->may_cut || mapping->last <= um->last);
}

/* Take the gap between a mapping of the batch and the next one, if it is a short one. */
static void type1_take_gap(struct type1_mapping *mapping, const struct type1_mapping *next)
{
	if (mapping->last >> GAP_SHIFT != next->iova >> GAP_SHIFT)
		return;
	mapping->gap = next->iova - 1 - mapping->last;
	mapping->last += mapping->gap;
}

/*
 * Take live mappings of the range, to be destroyed by us. Waits if the first one
 * is being worked on. With the lock held, which may be dropped.
 *
 * Return: 0 and a batch, empty at the end; or -EINTR.
 */
static int type1_take_batch(struct type1_unmap *um, struct type1_mapping **batch)
{
	struct type1_mapping *mapping, *last = NULL;
	unsigned int count = 0;
	int ret;

	*batch = NULL;
	um->more = false;
	for (;;) {
		mapping = type1_first(um);
		if (!mapping)
			return 0;
		if (mapping->state == TYPE1_LIVE)
			break;
		ret = type1_wait_change(um->t1);
		if (ret)
			return ret;
	}
	while (mapping && type1_takes(um, mapping) && count++ < UNMAP_BATCH) {
		if (last)
			type1_take_gap(last, mapping);
		mapping->state = TYPE1_DYING;
		*batch = mapping;
		batch = &mapping->batch;
		last = mapping;
		if (last->last >= um->last)
			break;
		mapping = type1_next(mapping);
	}
	*batch = NULL;
	um->more = last && last->last < um->last && mapping && mapping->iova <= um->last;
	return 0;
}

/*
 * Report what devices may have written; mappings that cannot be reported stay, and are no longer
 * of the batch.
 */
static int type1_report_batch(struct type1_unmap *um, struct type1_mapping **batch)
{
	struct type1_mapping *rest;
	int ret = 0;

	for (; *batch && !ret; batch = ret ? batch : &(*batch)->batch)
		ret = type1_dirty_report(um->bitmap, um->first, (*batch)->iova,
					 type1_mapped_last(*batch));
	if (!ret)
		return 0;

	spin_lock(&um->t1->lock);
	for (rest = *batch; rest; rest = rest->batch) {
		rest->last -= rest->gap;
		rest->gap = 0;
		rest->state = TYPE1_LIVE;
	}
	type1_changed(um->t1);
	spin_unlock(&um->t1->lock);
	*batch = NULL;
	return ret;
}

/* Mappings and the gaps between them in one go. Return: whether that was all. */
static bool type1_unmap_joined(struct iommu_domain *domain, const struct type1_mapping *first,
			       const struct type1_mapping *last, struct iommu_iotlb_gather *gather)
{
	u64 size = type1_mapped_last(last) - first->iova + 1;

	return dma_unmap_try(domain, first->iova, size, gather) == size;
}

/*
 * Unmap the mappings of a batch from the first on that have no gap between them that
 * is not ours. Return: the first one behind them.
 */
static struct type1_mapping *type1_unmap_span(struct iommu_domain *domain,
					      struct type1_mapping *mapping,
					      struct iommu_iotlb_gather *gather)
{
	struct type1_mapping *last = mapping, *end;

	while (last->batch && last->batch->iova == last->last + 1)
		last = last->batch;
	end = last->batch;
	if (last == mapping) {
		dma_unmap(domain, mapping->iova, type1_mapped_last(mapping) - mapping->iova + 1,
			  gather);
		return end;
	}
	if (type1_unmap_joined(domain, mapping, last, gather))
		return end;
	/*
	 * It stopped at a gap, or did not count it: make sure of each mapping that is still there. Intel's
	 * driver unmaps up to a whole page table where there is nothing, so it must not be asked then.
	 */
	for (; mapping != end; mapping = mapping->batch)
		if (iommu_iova_to_phys(domain, mapping->iova))
			dma_unmap_try(domain, mapping->iova,
				      type1_mapped_last(mapping) - mapping->iova + 1, gather);
	return end;
}

static void type1_unmap_batch(struct type1 *t1, struct type1_mapping *batch)
{
	struct iommu_iotlb_gather gather;
	struct type1_mapping *mapping;
	struct type1_domain *domain;

	list_for_each_entry(domain, &t1->domains, node) {
		iommu_iotlb_gather_init(&gather);
		for (mapping = batch; mapping;)
			mapping = type1_unmap_span(domain->domain, mapping, &gather);
		iommu_iotlb_sync(domain->domain, &gather);
	}
}

static void type1_unpin_batch(struct type1_mapping *batch)
{
	struct dma_unpin un __uninitialized;
	struct type1_mapping *mapping;

	dma_unpin_start(&un);
	for (mapping = batch; mapping; mapping = mapping->batch)
		dma_unpin_add(&un, &mapping->pinned, mapping->prot);
	dma_unpin_finish(&un);
}

static noinline void type1_free_many(struct type1_mapping *mapping)
{
	void *some[FREE_BATCH] __uninitialized;
	size_t n = 0;

	while (mapping) {
		some[n++] = mapping;
		mapping = mapping->batch;
		if (n == FREE_BATCH || !mapping) {
			kmem_cache_free_bulk(type1_mapping_cache, n, some);
			n = 0;
		}
	}
}

static void type1_free_erased(struct type1_unmap *um)
{
	struct type1_mapping *mapping = um->erased;

	if (!mapping)
		return;
	um->erased = NULL;
	if (!mapping->batch)
		kmem_cache_free(type1_mapping_cache, mapping);
	else
		type1_free_many(mapping);
}

/* The IOMMU has forgotten these, and their pages are released. With the lock held. */
static void type1_erase_batch(struct type1_unmap *um, struct type1_mapping *batch)
{
	struct type1_mapping *mapping;

	for (mapping = batch; mapping; mapping = mapping->batch) {
		um->unmapped += type1_mapped_last(mapping) - mapping->iova + 1;
		um->t1->vaddr_invalid -= mapping->vaddr_invalid;
		type1_erase(um->t1, mapping);
	}
	um->erased = batch;
	type1_changed(um->t1);
}

/* With the lock held, which is dropped for each batch. */
static int type1_unmap(struct type1_unmap *um) __must_hold(&um->t1->lock)
{
	struct type1_mapping *batch;
	int ret = 0;

	if (!um->may_cut && type1_is_cut(um->t1, um->first, um->last))
		return -EINVAL;
	do {
		ret = type1_take_batch(um, &batch);
		if (!batch)
			return ret;
		spin_unlock(&um->t1->lock);
		type1_free_erased(um);
		if (um->bitmap)
			ret = type1_report_batch(um, &batch);
		if (batch) {
			type1_unmap_batch(um->t1, batch);
			type1_unpin_batch(batch);
		}
		spin_lock(&um->t1->lock);
		type1_erase_batch(um, batch);
		if (fatal_signal_pending(current))
			ret = -EINTR;
	} while (!ret && um->more);
	return ret;
}

/**
 * type1_release_all - release all memory
 * @t1: closed for ever; no domain is left
 */
void type1_release_all(struct type1 *t1)
{
	struct type1_mapping *mapping, *next;
	struct dma_unpin un;

	dma_unpin_start(&un);
	rbtree_postorder_for_each_entry_safe(mapping, next, &t1->mappings, node) {
		dma_unpin_add(&un, &mapping->pinned, mapping->prot);
		kmem_cache_free(type1_mapping_cache, mapping);
		cond_resched();
	}
	dma_unpin_finish(&un);
	t1->mappings = RB_ROOT;
}

/* ---- invalid vaddrs ---- */

/* All or none. The space is closed. */
static int type1_invalidate(struct type1 *t1, u64 first, u64 last, u64 *size)
{
	struct type1_mapping *start = type1_find(t1, first, last), *mapping;

	if (!t1->v2 && start && start->iova < first)
		return 0;
	for (mapping = start; mapping && mapping->iova <= last; mapping = type1_next(mapping)) {
		if (mapping->vaddr_invalid)
			return -EINVAL;
		cond_resched();
	}
	for (mapping = start; mapping && mapping->iova <= last; mapping = type1_next(mapping)) {
		mapping->vaddr_invalid = true;
		t1->vaddr_invalid++;
		*size += mapping->last - mapping->iova + 1;
		cond_resched();
	}
	return 0;
}

/* ---- the ioctl ---- */

/* Find the range that is meant. The page size is that of the domains: call inside or closed. */
static int type1_unmap_range(struct type1 *t1, const struct vfio_iommu_type1_dma_unmap *unmap,
			     struct type1_unmap *um)
{
	u64 pgmask = type1_pgsize(t1) - 1;

	if (unmap->flags & VFIO_DMA_UNMAP_FLAG_ALL) {
		if (unmap->iova || unmap->size)
			return -EINVAL;
		um->last = U64_MAX;
		return 0;
	}
	if (!unmap->size || ((unmap->iova | unmap->size) & pgmask))
		return -EINVAL;
	um->first = unmap->iova;
	um->last = unmap->iova + unmap->size - 1;
	return um->last < um->first ? -EINVAL : 0;
}

static int type1_do_invalidate(struct type1 *t1, const struct vfio_iommu_type1_dma_unmap *unmap,
			       struct type1_unmap *um)
{
	int ret = type1_close(t1);

	if (ret)
		return ret;
	ret = type1_unmap_range(t1, unmap, um);
	if (!ret && !um->may_cut && type1_is_cut(t1, um->first, um->last))
		ret = -EINVAL;
	if (!ret)
		ret = type1_invalidate(t1, um->first, um->last, &um->unmapped);
	type1_open(t1);
	return ret;
}

static int type1_do_unmap(struct type1 *t1, const struct vfio_iommu_type1_dma_unmap *unmap,
			  struct type1_unmap *um)
{
	int ret = type1_enter_locked(t1);

	if (ret) {
		spin_unlock(&t1->lock);
		return ret;
	}
	ret = type1_unmap_range(t1, unmap, um);
	if (!ret && um->bitmap &&
	    (!READ_ONCE(t1->dirty_tracking) || um->bitmap->pgsize != type1_pgsize(t1)))
		ret = -EINVAL;
	if (!ret)
		ret = type1_unmap(um);
	type1_leave_locked(t1);
	type1_free_erased(um);
	return ret;
}

static int type1_read_bitmap(const struct vfio_iommu_type1_dma_unmap *unmap, void __user *arg,
			     struct vfio_bitmap *bitmap)
{
	if (copy_from_user(bitmap, arg, sizeof(*bitmap)))
		return -EFAULT;
	if (!access_ok(bitmap->data, bitmap->size) || !bitmap->pgsize)
		return -EINVAL;
	return type1_dirty_check(unmap->size >> __ffs64(bitmap->pgsize), bitmap);
}

long type1_ioctl_unmap(struct type1 *t1, void __user *arg)
{
	const u32 known = VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP | VFIO_DMA_UNMAP_FLAG_ALL |
			  VFIO_DMA_UNMAP_FLAG_VADDR;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_unmap, size);
	struct vfio_iommu_type1_dma_unmap __user *uarg = arg;
	struct type1_unmap um = {.t1 = t1};
	struct vfio_iommu_type1_dma_unmap unmap;
	struct vfio_bitmap bitmap;
	int ret;

	if (copy_from_user(&unmap, arg, minsz))
		return -EFAULT;
	if (unmap.argsz < minsz || (unmap.flags & ~known))
		return -EINVAL;
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP) {
		if (unmap.flags & (VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR) ||
		    unmap.argsz < minsz + sizeof(bitmap))
			return -EINVAL;
		ret = type1_read_bitmap(&unmap, arg + minsz, &bitmap);
		if (ret)
			return ret;
		um.bitmap = &bitmap;
	}
	um.may_cut = !t1->v2 || (unmap.flags & VFIO_DMA_UNMAP_FLAG_ALL);
	if (unmap.flags & VFIO_DMA_UNMAP_FLAG_VADDR)
		ret = type1_do_invalidate(t1, &unmap, &um);
	else
		ret = type1_do_unmap(t1, &unmap, &um);
	if (ret)
		return ret;
	return put_user(um.unmapped, &uarg->size);
}
