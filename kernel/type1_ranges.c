// SPDX-License-Identifier: GPL-2.0-only
/*
 * Which IOVAs may be mapped: what lies in the aperture of each domain, but for
 * the reserved regions of each group (the MSI window, memory that firmware maps
 * one to one). Computed anew when a group comes or goes.
 */
#include <linux/err.h>
#include <linux/slab.h>
#include "type1.h"

/* Remove first..last from all ranges; at most one of them becomes two. */
static int type1_ranges_exclude(struct type1_ranges *ranges, u64 first, u64 last)
{
	struct type1_range *old = ranges->ranges, *new;
	unsigned int nr = 0;

	new = kmalloc_array(ranges->nr + 1, sizeof(*new), GFP_KERNEL_ACCOUNT);
	if (!new)
		return -ENOMEM;
	for (unsigned int i = 0; i < ranges->nr; i++) {
		if (last < old[i].first || first > old[i].last) {
			new[nr++] = old[i];
			continue;
		}
		if (first > old[i].first)
			new[nr++] = (struct type1_range){old[i].first, first - 1};
		if (last < old[i].last)
			new[nr++] = (struct type1_range){last + 1, old[i].last};
	}
	kfree(old);
	ranges->ranges = new;
	ranges->nr = nr;
	return 0;
}

static int type1_ranges_exclude_group(struct type1_ranges *ranges, struct iommu_group *iommu_group)
{
	struct iommu_resv_region *region, *next;
	LIST_HEAD(regions);
	int ret;

	ret = iommu_get_group_resv_regions(iommu_group, &regions);
	list_for_each_entry_safe(region, next, &regions, list) {
		/* Relaxable: firmware says it, and nobody needs it once a user has the device. */
		if (!ret && region->length && region->type != IOMMU_RESV_DIRECT_RELAXABLE)
			ret = type1_ranges_exclude(ranges, region->start,
						   region->start + region->length - 1);
		list_del(&region->list);
		kfree(region);
	}
	return ret;
}

static int type1_ranges_limit(struct type1_ranges *ranges, struct type1_domain *domain)
{
	const struct iommu_domain_geometry *geometry = &domain->domain->geometry;
	int ret = 0;

	if (geometry->aperture_start)
		ret = type1_ranges_exclude(ranges, 0, geometry->aperture_start - 1);
	if (!ret && geometry->aperture_end != U64_MAX)
		ret = type1_ranges_exclude(ranges, geometry->aperture_end + 1, U64_MAX);
	return ret;
}

/**
 * type1_ranges_compute - compute what the domains and groups of a space allow
 * @t1: closed
 * @ranges: out: to be freed by kfree(ranges->ranges)
 *
 * Return: 0 or a negative errno.
 */
int type1_ranges_compute(struct type1 *t1, struct type1_ranges *ranges)
{
	struct type1_domain *domain;
	struct type1_group *group;
	int ret;

	ranges->ranges = kmalloc(sizeof(*ranges->ranges), GFP_KERNEL_ACCOUNT);
	if (!ranges->ranges)
		return -ENOMEM;
	ranges->ranges[0] = (struct type1_range){0, U64_MAX};
	ranges->nr = 1;
	list_for_each_entry(domain, &t1->domains, node) {
		ret = type1_ranges_limit(ranges, domain);
		if (ret)
			goto err;
		list_for_each_entry(group, &domain->groups, node) {
			ret = type1_ranges_exclude_group(ranges, group->iommu_group);
			if (ret)
				goto err;
		}
	}
	return 0;

err:
	kfree(ranges->ranges);
	return ret;
}

bool type1_ranges_allow(const struct type1_ranges *ranges, u64 first, u64 last)
{
	for (unsigned int i = 0; i < ranges->nr; i++)
		if (first >= ranges->ranges[i].first && last <= ranges->ranges[i].last)
			return true;
	return false;
}
