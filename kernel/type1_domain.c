// SPDX-License-Identifier: GPL-2.0-only
/*
 * Domains and groups: which group's devices translate by which page tables.
 *
 * A group whose IOMMU is of the same kind as that of a group before it shares its
 * domain; another kind gets a domain of its own, into which all mappings go.
 */
#include <linux/sched.h>
#include <linux/slab.h>
#include "type1.h"

/* ---- domains ---- */

/* Called for each device of a group; the first one stands for all. */
static int type1_alloc_for_device(struct device *dev, void *data)
{
	struct iommu_domain **domain = data;

	*domain = iommu_paging_domain_alloc(dev);
	return 1;
}

/* A domain with one group attached. */
static struct type1_domain *type1_domain_create(struct type1 *t1, struct type1_group *group)
{
	struct iommu_domain *iommu_domain = ERR_PTR(-EIO);
	struct type1_domain *domain;
	int ret;

	domain = kzalloc(sizeof(*domain), GFP_KERNEL_ACCOUNT);
	if (!domain)
		return ERR_PTR(-ENOMEM);
	INIT_LIST_HEAD(&domain->groups);
	iommu_group_for_each_dev(group->iommu_group, &iommu_domain, type1_alloc_for_device);
	ret = PTR_ERR_OR_ZERO(iommu_domain);
	if (ret)
		goto err_free;
	domain->domain = iommu_domain;
	if (t1->nesting) {
		ret = iommu_enable_nesting(iommu_domain);
		if (ret)
			goto err_domain;
	}
	ret = iommu_attach_group(iommu_domain, group->iommu_group);
	if (ret)
		goto err_domain;
	if (iommu_domain->ops->enforce_cache_coherency)
		domain->coherent = iommu_domain->ops->enforce_cache_coherency(iommu_domain);
	list_add_tail(&group->node, &domain->groups);
	return domain;

err_domain:
	iommu_domain_free(iommu_domain);
err_free:
	kfree(domain);
	return ERR_PTR(ret);
}

/* No group is attached. What is mapped goes with the page tables. */
static void type1_domain_free(struct type1_domain *domain)
{
	iommu_domain_free(domain->domain);
	kfree(domain);
}

static void type1_update_pgsizes(struct type1 *t1)
{
	struct type1_domain *domain;

	t1->pgsizes = U64_MAX;
	list_for_each_entry(domain, &t1->domains, node)
		t1->pgsizes &= domain->domain->pgsize_bitmap;
	/* Memory is pinned by whole pages: smaller sizes are offered as one page. */
	if (t1->pgsizes & ~PAGE_MASK)
		t1->pgsizes = (t1->pgsizes & PAGE_MASK) | PAGE_SIZE;
}

static void type1_set_ranges(struct type1 *t1, struct type1_ranges *ranges)
{
	kfree(t1->ranges.ranges);
	t1->ranges = *ranges;
}

/* ---- attach ---- */

static bool type1_has_group(struct type1 *t1, struct iommu_group *iommu_group)
{
	struct type1_domain *domain;
	struct type1_group *group;

	list_for_each_entry(domain, &t1->domains, node)
		list_for_each_entry(group, &domain->groups, node)
			if (group->iommu_group == iommu_group)
				return true;
	return false;
}

static int type1_check_msi(struct iommu_group *iommu_group)
{
	if (iommu_group_has_isolated_msi(iommu_group) || type1_allow_unsafe_interrupts())
		return 0;
	pr_warn("vfio: IOMMU group %d: interrupts are not isolated; enable interrupt remapping in the firmware, or load vfio_iommu_type1 with allow_unsafe_interrupts=1\n",
		iommu_group_id(iommu_group));
	return -EPERM;
}

/* Are all mappings within what would be allowed? */
static int type1_check_mappings(struct type1 *t1, const struct type1_ranges *ranges)
{
	struct type1_mapping *mapping;

	if (!ranges->nr)
		return -EINVAL;
	for (mapping = type1_find(t1, 0, U64_MAX); mapping; mapping = type1_next(mapping)) {
		if (!type1_ranges_allow(ranges, mapping->iova, mapping->last))
			return -EINVAL;
		cond_resched();
	}
	return 0;
}

/* Where the IOMMU driver puts the window of the MSI doorbells, if software is to choose. */
static int type1_map_msi(struct type1_domain *domain, struct iommu_group *iommu_group)
{
	struct iommu_resv_region *region, *next;
	bool hardware = false, software = false;
	phys_addr_t base = 0;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(iommu_group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		if (region->type == IOMMU_RESV_MSI)
			hardware = true;
		if (region->type == IOMMU_RESV_SW_MSI) {
			software = true;
			base = region->start;
		}
		list_del(&region->list);
		kfree(region);
	}
	if (ret || hardware || !software)
		return ret;
	ret = iommu_get_msi_cookie(domain->domain, base);
	return ret == -ENODEV ? 0 : ret;
}

/* Move the new domain's group to a domain that there is already, if one suits. */
static int type1_join(struct type1 *t1, struct type1_domain *domain, struct type1_group *group)
{
	struct type1_domain *other;

	list_for_each_entry(other, &t1->domains, node) {
		if (other == domain || other->domain->ops != domain->domain->ops ||
		    other->coherent != domain->coherent)
			continue;
		iommu_detach_group(domain->domain, group->iommu_group);
		if (!iommu_attach_group(other->domain, group->iommu_group)) {
			list_move_tail(&group->node, &other->groups);
			return 1;
		}
		if (iommu_attach_group(domain->domain, group->iommu_group)) {
			/* It is attached nowhere: nothing is left to detach. */
			list_del_init(&group->node);
			return -EIO;
		}
	}
	return 0;
}

/* Bring the domain, new and with one group, into use, or the group into another's. */
static int type1_adopt(struct type1 *t1, struct type1_domain *domain, struct type1_group *group)
{
	int ret;

	ret = type1_check_msi(group->iommu_group);
	if (ret)
		return ret;
	ret = type1_join(t1, domain, group);
	if (ret)
		return ret;
	ret = type1_map_all(t1, domain->domain);
	if (ret)
		return ret;
	return type1_map_msi(domain, group->iommu_group);
}

static int type1_attach(struct type1 *t1, struct type1_group *group)
{
	struct type1_ranges ranges = {};
	struct type1_domain *domain;
	int ret;

	/* A new domain may need what cannot be found through an invalid vaddr. */
	if (t1->vaddr_invalid)
		return -EBUSY;
	if (type1_has_group(t1, group->iommu_group))
		return -EINVAL;
	domain = type1_domain_create(t1, group);
	if (IS_ERR(domain))
		return PTR_ERR(domain);

	list_add_tail(&domain->node, &t1->domains);
	ret = type1_ranges_compute(t1, &ranges);
	if (ret)
		goto err_domain;
	ret = type1_check_mappings(t1, &ranges);
	if (!ret)
		ret = type1_adopt(t1, domain, group);
	if (ret < 0)
		goto err_ranges;
	if (ret > 0) {
		list_del(&domain->node);
		type1_domain_free(domain);
	}
	type1_set_ranges(t1, &ranges);
	type1_update_pgsizes(t1);
	return 0;

err_ranges:
	kfree(ranges.ranges);
err_domain:
	list_del(&domain->node);
	if (!list_empty(&domain->groups))
		iommu_detach_group(domain->domain, group->iommu_group);
	type1_domain_free(domain);
	return ret;
}

int type1_attach_group(void *state, struct iommu_group *iommu_group)
{
	struct type1 *t1 = state;
	struct type1_group *group;
	int ret;

	group = kzalloc(sizeof(*group), GFP_KERNEL_ACCOUNT);
	if (!group)
		return -ENOMEM;
	group->iommu_group = iommu_group;
	ret = type1_close(t1);
	if (ret)
		goto err_free;
	ret = type1_attach(t1, group);
	type1_open(t1);
	if (ret)
		goto err_free;
	return 0;

err_free:
	kfree(group);
	return ret;
}

/* ---- detach ---- */

static struct type1_domain *type1_domain_of(struct type1 *t1, struct iommu_group *iommu_group,
					    struct type1_group **found)
{
	struct type1_domain *domain;
	struct type1_group *group;

	list_for_each_entry(domain, &t1->domains, node) {
		list_for_each_entry(group, &domain->groups, node) {
			if (group->iommu_group == iommu_group) {
				*found = group;
				return domain;
			}
		}
	}
	return NULL;
}

/* If there is no memory for new ranges, the old ones are narrower and do no harm. */
static void type1_widen(struct type1 *t1)
{
	struct type1_ranges ranges;

	if (!type1_ranges_compute(t1, &ranges))
		type1_set_ranges(t1, &ranges);
	type1_update_pgsizes(t1);
}

static void type1_detach(struct type1 *t1, struct type1_domain *domain, struct type1_group *group)
{
	iommu_detach_group(domain->domain, group->iommu_group);
	list_del(&group->node);
	kfree(group);
	if (list_empty(&domain->groups)) {
		list_del(&domain->node);
		type1_domain_free(domain);
	}
	/* Only now that no device can reach the memory, it is released. */
	if (list_empty(&t1->domains))
		type1_release_all(t1);
	else
		type1_widen(t1);
}

void type1_detach_group(void *state, struct iommu_group *iommu_group)
{
	struct type1 *t1 = state;
	struct type1_domain *domain;
	struct type1_group *group;

	type1_close_final(t1);
	domain = type1_domain_of(t1, iommu_group, &group);
	if (!WARN_ON(!domain))
		type1_detach(t1, domain, group);
	type1_open(t1);
}
