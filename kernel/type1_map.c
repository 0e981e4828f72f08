// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_MAP_DMA: a new mapping, or a new vaddr for an old one.
 */
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "type1.h"

struct kmem_cache *type1_mapping_cache;

/* ---- making a mapping ---- */

static void type1_unmap_domains(struct type1 *t1, struct type1_mapping *mapping,
				struct type1_domain *until)
{
	struct iommu_iotlb_gather gather;
	struct type1_domain *domain;

	list_for_each_entry(domain, &t1->domains, node) {
		if (domain == until)
			break;
		iommu_iotlb_gather_init(&gather);
		dma_unmap(domain->domain, mapping->iova, mapping->last - mapping->iova + 1,
			  &gather);
		iommu_iotlb_sync(domain->domain, &gather);
	}
}

static int type1_map_domains(struct type1 *t1, struct type1_mapping *mapping)
{
	struct type1_domain *domain;
	int ret;

	list_for_each_entry(domain, &t1->domains, node) {
		ret = dma_map(domain->domain, mapping->iova, &mapping->pinned, mapping->prot,
			      type1_map_pgsizes());
		if (ret) {
			type1_unmap_domains(t1, mapping, domain);
			return ret;
		}
	}
	return 0;
}

/**
 * type1_map_all - put all mappings into a domain that is new
 * @t1: closed
 * @domain: to be freed by the caller on failure, with what is mapped already
 *
 * Return: 0 or a negative errno.
 */
int type1_map_all(struct type1 *t1, struct iommu_domain *domain)
{
	struct type1_mapping *mapping;
	int ret = 0;

	for (mapping = type1_find(t1, 0, U64_MAX); mapping && !ret; mapping = type1_next(mapping))
		ret = dma_map(domain, mapping->iova, &mapping->pinned, mapping->prot,
			      type1_map_pgsizes());
	return ret;
}

static int type1_fill(struct type1 *t1, struct type1_mapping *mapping)
{
	u64 npages = (mapping->last - mapping->iova + 1) >> PAGE_SHIFT;
	int ret;

	ret = dma_pin(&mapping->pinned, mapping->vaddr, npages, mapping->prot);
	if (ret)
		return ret;
	ret = type1_map_domains(t1, mapping);
	if (ret)
		dma_unpin(&mapping->pinned, 0);
	return ret;
}

static void type1_warn_limit(void)
{
	pr_warn_ratelimited(
		"vfio: %s (%d): no DMA mapping is left in this container; make fewer and larger ones, or raise dma_entry_limit of vfio_iommu_type1\n",
		current->comm, task_pid_nr(current));
}

/*
 * Take the IOVAs, for a mapping that is to be filled. Waits for what others are making or taking
 * away there. With the lock held, which may be dropped.
 */
static int type1_reserve(struct type1 *t1, struct type1_mapping *mapping)
{
	bool allowed = type1_ranges_allow(&t1->ranges, mapping->iova, mapping->last);
	struct type1_mapping *other;
	int error, ret;

	for (;;) {
		error = !t1->available ? -ENOSPC : allowed ? 0 : -EINVAL;
		/* That there is a mapping already is the first thing to say. */
		other = error ? type1_find(t1, mapping->iova, mapping->last)
			      : type1_insert(t1, mapping);
		if (!other)
			break;
		if (other->state == TYPE1_LIVE)
			return -EEXIST;
		ret = type1_wait_change(t1);
		if (ret)
			return ret;
	}
	if (!error)
		t1->available--;
	return error;
}

/*
 * Make a mapping: live if it is filled, else gone. With the lock held, which is dropped meanwhile.
 */
static int type1_make(struct type1 *t1, struct type1_mapping *mapping) __must_hold(&t1->lock)
{
	int ret = type1_reserve(t1, mapping);

	if (ret)
		return ret;
	spin_unlock(&t1->lock);
	ret = type1_fill(t1, mapping);
	spin_lock(&t1->lock);
	if (ret)
		type1_erase(t1, mapping);
	else
		mapping->state = TYPE1_LIVE;
	type1_changed(t1);
	return ret;
}

static struct type1_mapping *type1_mapping_alloc(const struct vfio_iommu_type1_dma_map *map,
						 int prot)
{
	struct type1_mapping *mapping = kmem_cache_alloc(type1_mapping_cache, GFP_KERNEL_ACCOUNT);

	if (!mapping)
		return NULL;
	mapping->iova = map->iova;
	mapping->last = map->iova + map->size - 1;
	mapping->gap = 0;
	mapping->vaddr = map->vaddr;
	mapping->prot = prot;
	mapping->state = TYPE1_PENDING;
	mapping->vaddr_invalid = false;
	return mapping;
}

/* ---- a new vaddr ---- */

static int type1_set_vaddr(struct type1 *t1, const struct vfio_iommu_type1_dma_map *map)
{
	u64 last = map->iova + map->size - 1;
	struct type1_mapping *mapping = type1_find(t1, map->iova, last);
	int ret;

	if (!mapping)
		return -ENOENT;
	if (!mapping->vaddr_invalid || mapping->iova != map->iova || mapping->last != last)
		return -EINVAL;
	ret = dma_recharge(&mapping->pinned);
	if (ret)
		return ret;
	mapping->vaddr = map->vaddr;
	mapping->vaddr_invalid = false;
	t1->vaddr_invalid--;
	return 0;
}

/* ---- the ioctl ---- */

/* The page size is that of the domains: call inside or closed. */
static bool type1_map_is_sane(struct type1 *t1, const struct vfio_iommu_type1_dma_map *map)
{
	if (!map->size || ((map->size | map->iova | map->vaddr) & (type1_pgsize(t1) - 1)))
		return false;
	return map->iova + map->size - 1 >= map->iova && map->vaddr + map->size - 1 >= map->vaddr;
}

static int type1_do_set_vaddr(struct type1 *t1, const struct vfio_iommu_type1_dma_map *map)
{
	int ret = type1_close(t1);

	if (ret)
		return ret;
	ret = type1_map_is_sane(t1, map) ? type1_set_vaddr(t1, map) : -EINVAL;
	type1_open(t1);
	return ret;
}

static int type1_do_map(struct type1 *t1, const struct vfio_iommu_type1_dma_map *map, int prot)
{
	struct type1_mapping *mapping = type1_mapping_alloc(map, prot);
	int ret;

	if (!mapping)
		return -ENOMEM;
	ret = type1_enter_locked(t1);
	if (ret) {
		spin_unlock(&t1->lock);
	} else {
		ret = type1_map_is_sane(t1, map) ? type1_make(t1, mapping) : -EINVAL;
		type1_leave_locked(t1);
	}
	if (!ret)
		return 0;
	if (ret == -ENOSPC)
		type1_warn_limit();
	kmem_cache_free(type1_mapping_cache, mapping);
	return ret;
}

long type1_ioctl_map(struct type1 *t1, void __user *arg)
{
	const u32 access = VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE;
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dma_map, size);
	struct vfio_iommu_type1_dma_map map;
	int prot = 0;

	if (copy_from_user(&map, arg, minsz))
		return -EFAULT;
	if (map.argsz < minsz || (map.flags & ~(access | VFIO_DMA_MAP_FLAG_VADDR)))
		return -EINVAL;
	/* One of the two: access for a new mapping, or a vaddr for an old one. */
	if (!(map.flags & access) == !(map.flags & VFIO_DMA_MAP_FLAG_VADDR))
		return -EINVAL;
	if (map.flags & VFIO_DMA_MAP_FLAG_VADDR)
		return type1_do_set_vaddr(t1, &map);
	if (map.flags & VFIO_DMA_MAP_FLAG_READ)
		prot |= IOMMU_READ;
	if (map.flags & VFIO_DMA_MAP_FLAG_WRITE)
		prot |= IOMMU_WRITE;
	return type1_do_map(t1, &map, prot);
}
