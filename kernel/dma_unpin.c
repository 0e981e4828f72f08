// SPDX-License-Identifier: GPL-2.0-only
/*
 * Unpinning records: pages are released by run, those that are alone in batches,
 * and the charges of many records of one process are taken back at once.
 */
#include <linux/mm.h>
#include <linux/pagemap.h>
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include "dma_engine.h"

/* Pages of one folio released without a chance to be scheduled away. */
#define UNPIN_PIECE (SZ_256M >> PAGE_SHIFT)

static void unpin_flush_folios(struct dma_unpin *un)
{
	if (un->nr)
		unpin_folios(un->folios, un->nr);
	un->nr = 0;
}

static void unpin_flush_charge(struct dma_unpin *un)
{
	dma_uncharge(un->mm, un->locked);
	mmdrop(un->mm);
	un->mm = NULL;
	un->locked = 0;
}

/* A folio that the device may have written must be dirty before it is let go. */
static __always_inline void unpin_page(struct dma_unpin *un, struct folio *folio, struct page *page)
{
	if (unlikely(un->dirty && !folio_test_dirty(folio))) {
		unpin_user_page_range_dirty_lock(page, 1, true);
		return;
	}
	un->folios[un->nr++] = folio;
	if (unlikely(un->nr == ARRAY_SIZE(un->folios))) {
		unpin_flush_folios(un);
		cond_resched();
	}
}

/* Pages of one large folio from the given one on, of max. Return: how many. */
static unsigned long unpin_part(struct dma_unpin *un, struct folio *folio, struct page *page,
				unsigned long max)
{
	unsigned long n = folio_nr_pages(folio) - folio_page_idx(folio, page);

	n = min3(n, max, UNPIN_PIECE);
	if (n == 1) {
		unpin_page(un, folio, page);
		return 1;
	}
	unpin_user_page_range_dirty_lock(page, n, un->dirty);
	cond_resched();
	return n;
}

static void unpin_pages(struct dma_unpin *un, unsigned long pfn, unsigned long npages)
{
	unsigned long end = pfn + npages;

	while (pfn < end) {
		struct page *page = pfn_to_page(pfn);
		struct folio *folio = page_folio(page);

		if (folio_test_large(folio)) {
			pfn += unpin_part(un, folio, page, end - pfn);
		} else {
			unpin_page(un, folio, page);
			pfn++;
		}
	}
}

static __always_inline void unpin_whole_folios(struct dma_unpin *un, unsigned long pfn,
					       unsigned long npages)
{
	unsigned long end = pfn + npages;

	while (pfn < end) {
		struct page *page = pfn_to_page(pfn);
		struct folio *folio = page_folio(page);

		pfn += folio_nr_pages(folio);
		unpin_page(un, folio, page);
	}
}

/* A page that is alone, the most frequent run of scattered memory, is let go without a call. */
static __always_inline void unpin_run(struct dma_unpin *un, const struct dma_run *run)
{
	struct page *page;

	if (run->kind == DMA_PAGES && run->npages == 1) {
		page = pfn_to_page(run->pfn);
		unpin_page(un, page_folio(page), page);
	} else if (run->kind == DMA_PAGES) {
		unpin_pages(un, run->pfn, run->npages);
	} else if (run->kind == DMA_FOLIOS) {
		unpin_whole_folios(un, run->pfn, run->npages);
	}
}

void dma_unpin_add(struct dma_unpin *un, struct dma_record *rec, int prot)
{
	struct dma_iter it;
	struct dma_run run;

	un->dirty = prot & IOMMU_WRITE;
	dma_iter_start(&it, rec);
	while (dma_iter_next(&it, &run))
		unpin_run(un, &run);
	dma_record_free(rec);
	if (un->mm == rec->mm) {
		mmdrop(rec->mm);
	} else {
		if (un->mm)
			unpin_flush_charge(un);
		un->mm = rec->mm;
	}
	un->locked += rec->locked;
}

void dma_unpin_finish(struct dma_unpin *un)
{
	unpin_flush_folios(un);
	if (un->mm)
		unpin_flush_charge(un);
}

void dma_unpin(struct dma_record *rec, int prot)
{
	struct dma_unpin un __uninitialized;

	dma_unpin_start(&un);
	dma_unpin_add(&un, rec, prot);
	dma_unpin_finish(&un);
}

void dma_unpin_run(const struct dma_run *run)
{
	struct dma_unpin un __uninitialized;

	dma_unpin_start(&un);
	un.dirty = false;
	unpin_run(&un, run);
	unpin_flush_folios(&un);
}
