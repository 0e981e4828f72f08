// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records into IOMMU domains and out again.
 *
 * The domain's own map_pages is called run by run and the hardware is told once,
 * at the end (iommu_map() would do so for each run, which with caching mode on
 * costs more than the rest). The sizes are chosen so that each run gets the
 * largest page table entries that its alignment allows.
 */
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include "dma_engine.h"

/* Entries written, and bytes unmapped, without a chance to be scheduled away or killed. */
#define MAP_STEP_ENTRIES 65536UL
#define UNMAP_STEP	 (4UL << 30)

/* What a call of the driver costs, in entries. */
#define MAP_CALL_ENTRIES 256

/* No entry may span two unmap steps: 1 GiB at most (the AMD IOMMU has all powers of two). */
#define MAP_PGSIZES GENMASK(30, 0)

/* The largest entries that size and alignment allow (0: none), and how many until larger ones. */
static size_t fit_entries(unsigned long pgsizes, unsigned long iova, phys_addr_t paddr, size_t size,
			  size_t *count)
{
	unsigned long align = iova | paddr, fit;
	size_t pgsize, larger, ahead;

	/* One entry for all, such as a huge page mapped by itself. */
	if (is_power_of_2(size) && (pgsizes & size) && !(align & (size - 1))) {
		*count = 1;
		return size;
	}
	fit = pgsizes & GENMASK(__fls(size), 0);
	if (align)
		fit &= GENMASK(__ffs(align), 0);
	if (!fit)
		return 0;
	pgsize = BIT(__fls(fit));
	pgsizes &= ~GENMASK(__fls(pgsize), 0);
	larger = pgsizes ? BIT(__ffs(pgsizes)) : 0;
	if (larger && !((iova ^ paddr) & (larger - 1))) {
		ahead = larger - (iova & (larger - 1));
		if (ahead + larger <= size)
			size = ahead;
	}
	*count = size >> __ffs(pgsize);
	return pgsize;
}

/**
 * struct map_cursor - a record on its way into a domain
 * @domain: the domain
 * @iova: where the next entry goes
 * @tried: bytes from there on that map_pages failed to map
 * @prot: of each entry
 * @pgsizes: to choose from
 * @call_max: bytes of one call; the Intel driver looks for large entries by itself, so a call must
 *	not have room for one that is not wanted
 * @entries: written since the last pause
 */
struct map_cursor {
	struct iommu_domain *domain;
	unsigned long iova;
	size_t tried;
	int prot;
	unsigned long pgsizes;
	size_t call_max;
	unsigned long entries;
};

/* After each call of the driver. Return: 0, or -EINTR now and then. */
static __always_inline int map_pause(struct map_cursor *cur, unsigned long entries)
{
	cur->entries += entries + MAP_CALL_ENTRIES;
	if (likely(cur->entries < MAP_STEP_ENTRIES))
		return 0;
	cur->entries = 0;
	cond_resched();
	return fatal_signal_pending(current) ? -EINTR : 0;
}

static int map_run(struct map_cursor *cur, const struct dma_run *run)
{
	phys_addr_t paddr = PFN_PHYS(run->pfn);
	size_t left = run->npages << PAGE_SHIFT;
	size_t pgsize, count, mapped;
	int ret = 0;

	while (left && !ret) {
		pgsize = fit_entries(cur->pgsizes, cur->iova, paddr, min(left, cur->call_max),
				     &count);
		if (!pgsize)
			return -EINVAL;
		count = min(count, MAP_STEP_ENTRIES);
		mapped = 0;
		ret = cur->domain->ops->map_pages(cur->domain, cur->iova, paddr, pgsize, count,
						  cur->prot, GFP_KERNEL_ACCOUNT, &mapped);
		cur->iova += mapped;
		paddr += mapped;
		left -= mapped;
		if (!ret && !mapped)
			ret = -EIO;
		if (ret)
			cur->tried = pgsize * count - mapped;
		else
			ret = map_pause(cur, count);
	}
	return ret;
}

/* A page that is alone: the most frequent run of scattered memory. */
static int map_page(struct map_cursor *cur, unsigned long pfn)
{
	size_t mapped = 0;
	int ret;

	ret = cur->domain->ops->map_pages(cur->domain, cur->iova, PFN_PHYS(pfn), PAGE_SIZE, 1,
					  cur->prot, GFP_KERNEL_ACCOUNT, &mapped);
	cur->iova += mapped;
	if (!ret && !mapped)
		ret = -EIO;
	if (ret)
		cur->tried = PAGE_SIZE - mapped;
	else
		ret = map_pause(cur, 1);
	return ret;
}

static int map_runs(struct map_cursor *cur, const struct dma_record *rec)
{
	bool has_pages = cur->pgsizes & PAGE_SIZE;
	struct dma_iter it;
	struct dma_run run;
	int ret = 0;

	dma_iter_start(&it, rec);
	while (!ret && dma_iter_next(&it, &run)) {
		if (run.npages == 1 && has_pages)
			ret = map_page(cur, run.pfn);
		else
			ret = map_run(cur, &run);
	}
	return ret;
}

/*
 * A driver that fails may have written entries that it does not report, from the start on. Only
 * what is there may be asked for: the Intel driver widens a request for what is not, and would
 * take away what others have mapped behind.
 */
static void map_undo_tried(struct map_cursor *cur, struct iommu_iotlb_gather *gather)
{
	struct iommu_domain *domain = cur->domain;
	size_t pgsize = BIT(__ffs(domain->pgsize_bitmap)), got;

	while (cur->tried && iommu_iova_to_phys(domain, cur->iova)) {
		got = domain->ops->unmap_pages(domain, cur->iova, pgsize, 1, gather);
		if (!got)
			break;
		cur->iova += got;
		cur->tried -= min(cur->tried, got);
		cond_resched();
	}
}

static void map_undo(struct map_cursor *cur, unsigned long iova)
{
	struct iommu_iotlb_gather gather;

	iommu_iotlb_gather_init(&gather);
	if (cur->iova != iova)
		dma_unmap(cur->domain, iova, cur->iova - iova, &gather);
	map_undo_tried(cur, &gather);
	if (gather.start <= gather.end)
		iommu_iotlb_sync(cur->domain, &gather);
}

int dma_map(struct iommu_domain *domain, unsigned long iova, const struct dma_record *rec, int prot,
	    unsigned long pgsizes)
{
	struct map_cursor cur = {
		.domain = domain,
		.iova = iova,
		.prot = prot | IOMMU_CACHE,
		.pgsizes = domain->pgsize_bitmap & pgsizes & MAP_PGSIZES,
		.call_max = SIZE_MAX,
	};
	unsigned long unwanted = domain->pgsize_bitmap & ~pgsizes & ~(2 * PAGE_SIZE - 1);
	int ret;

	if (unwanted)
		cur.call_max = BIT(__ffs(unwanted)) - PAGE_SIZE;

	ret = map_runs(&cur, rec);
	if (!ret && domain->ops->iotlb_sync_map)
		ret = domain->ops->iotlb_sync_map(domain, iova, cur.iova - iova);
	if (ret)
		map_undo(&cur, iova);
	return ret;
}

/*
 * As iommu_unmap_fast() does for each step, with a shorter search for sizes: less than any large
 * entry covers is small entries, whatever the alignment.
 */
static __always_inline size_t unmap_step(struct iommu_domain *domain, unsigned long iova,
					 size_t size, struct iommu_iotlb_gather *gather)
{
	size_t pgsize = PAGE_SIZE, count = size >> PAGE_SHIFT;

	if (size >= PMD_SIZE || !(domain->pgsize_bitmap & PAGE_SIZE)) {
		pgsize = fit_entries(domain->pgsize_bitmap & MAP_PGSIZES, iova, iova, size, &count);
		if (!pgsize)
			return 0;
	}
	return domain->ops->unmap_pages(domain, iova, pgsize, count, gather);
}

size_t dma_unmap_try(struct iommu_domain *domain, unsigned long iova, size_t size,
		     struct iommu_iotlb_gather *gather)
{
	size_t done = 0, step, got;

	for (;;) {
		/* Steps end where whole page tables end, so that these are freed at once. */
		step = min(size - done, UNMAP_STEP - (iova & (UNMAP_STEP - 1)));
		got = unmap_step(domain, iova, step, gather);
		done += got;
		iova += got;
		if (done >= size || !got)
			return done;
		cond_resched();
	}
}

void dma_unmap(struct iommu_domain *domain, unsigned long iova, size_t size,
	       struct iommu_iotlb_gather *gather)
{
	size_t done = 0;

	if (size <= PMD_SIZE)
		done = unmap_step(domain, iova, size, gather);
	if (likely(done >= size))
		return;
	done += dma_unmap_try(domain, iova + done, size - done, gather);
	/* Never leave an entry behind: try page by page what it says is not there. */
	while (WARN_ON_ONCE(done < size)) {
		done += PAGE_SIZE;
		if (done < size)
			done += dma_unmap_try(domain, iova + done, size - done, gather);
	}
}
