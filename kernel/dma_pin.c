// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning a range into a record.
 *
 * What costs is done per folio or per batch, never per page, where the kernel
 * allows it:
 *
 * - hugetlb: one pin for each huge page. Such memory is only ever mapped whole,
 *   so if the page found at an aligned address belongs to a hugetlb folio, the
 *   folio is what is there.
 * - everything else: batches of page pointers from pin_user_pages_fast(), which
 *   takes no mmap lock for memory that is there, but keeps interrupts off while
 *   it walks: 512 pages are some 50 us. Contiguous ones become one run. (Pinning
 *   only the head of a transparent huge page would not do: another page may be
 *   mapped in its middle, and it can be split.)
 * - charging: once for the whole range, or each ACCOUNT_CHUNK pages.
 * - memory that is not there yet: helpers fault it in, from the other end.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "dma_engine.h"

#define PIN_BATCH_SMALL 32 /* on the stack */
#define PIN_BATCH	512
#define ACCOUNT_CHUNK	(SZ_128M >> PAGE_SHIFT)

/*
 * Help is worth its while for so much memory, if so many of a window's faults show that it is cold.
 */
#define COLD_MIN    (SZ_256M >> PAGE_SHIFT)
#define COLD_WINDOW (SZ_8M >> PAGE_SHIFT)
#define COLD_FAULTS 4

/**
 * struct dma_pin - a range on its way into a record
 * @rec: the record
 * @run: pinned, and not yet in the record because it may go on; or no pages
 * @vaddr: next page to pin
 * @left: pages to pin
 * @prot: IOMMU_WRITE
 * @gup_flags: the same for pin_user_pages_fast()
 * @huge: hugetlb is likely at @vaddr: at the start, and behind a hugetlb page
 * @privileged: the limit is in the way, but not for this caller
 * @uncharged: pages pinned and not charged
 * @populate: who helps, or NULL
 * @window_left: @left at the end of the window that is watched for faults
 * @faults: faults of the process at the start of that window
 * @pages: room for a batch
 * @batch: pages in it
 * @many: a large batch, once there was need of it, or NULL
 */
struct dma_pin {
	struct dma_record *rec;
	struct dma_run run;
	unsigned long vaddr;
	unsigned long left;
	int prot;
	unsigned int gup_flags;
	bool huge;
	bool privileged;
	unsigned long uncharged;
	struct dma_populate *populate;
	unsigned long window_left;
	unsigned long faults;
	struct page **pages;
	unsigned int batch;
	struct page **many;
};

/* ---- accounting ---- */

static int pin_charge(struct dma_pin *pin)
{
	int ret = dma_charge(pin->rec->mm, pin->uncharged);

	if (!ret) {
		pin->rec->locked += pin->uncharged;
		pin->uncharged = 0;
	}
	return ret;
}

static int pin_account(struct dma_pin *pin, unsigned long npages)
{
	pin->uncharged += npages;
	if (!pin->privileged && dma_limit_near(pin->rec->mm, pin->uncharged)) {
		pin->privileged = capable(CAP_IPC_LOCK);
		if (!pin->privileged)
			return pin_charge(pin);
	}
	return pin->uncharged >= ACCOUNT_CHUNK ? pin_charge(pin) : 0;
}

/* ---- runs ---- */

/* The run is complete. On failure it stays, to be released by pin_abort(). */
static int pin_flush_run(struct dma_pin *pin)
{
	int ret = 0;

	if (pin->run.npages)
		ret = dma_record_push(pin->rec, &pin->run);
	if (!ret)
		pin->run.npages = 0;
	return ret;
}

/* Pages, pinned by us. On failure they are not taken. */
static __always_inline int pin_take(struct dma_pin *pin, unsigned long pfn, unsigned long npages,
				    enum dma_kind kind)
{
	struct dma_run *run = &pin->run;

	if (pfn == run->pfn + run->npages && kind == run->kind &&
	    run->npages + npages <= DMA_RUN_NPAGES_MAX) {
		run->npages += npages;
		return 0;
	}
	if (run->npages && dma_record_push(pin->rec, run))
		return -ENOMEM;
	*run = (struct dma_run){.pfn = pfn, .npages = npages, .kind = kind};
	return 0;
}

static void pin_advance(struct dma_pin *pin, unsigned long npages)
{
	pin->vaddr += npages << PAGE_SHIFT;
	pin->left -= npages;
}

/* How many pages follow each other, of max: asked for each page, so a few instructions each. */
static unsigned int pages_in_sequence(struct page **pages, unsigned int max)
{
	struct page *page = pages[0];
	unsigned int i = 0;

	while (i + 8 <= max && pages[i] == page && pages[i + 1] == page + 1 &&
	       pages[i + 2] == page + 2 && pages[i + 3] == page + 3 && pages[i + 4] == page + 4 &&
	       pages[i + 5] == page + 5 && pages[i + 6] == page + 6 && pages[i + 7] == page + 7) {
		page += 8;
		i += 8;
	}
	while (i < max && pages[i] == page) {
		page++;
		i++;
	}
	return i;
}

/* ---- ways to pin ---- */

/* One hugetlb page is pinned: take all of it. Return: its pages, or 0 if it is not all ours. */
static unsigned long pin_huge_pages(struct dma_pin *pin, struct page *page)
{
	struct folio *folio = page_folio(page);
	unsigned long npages = folio_nr_pages(folio);

	if (!folio_test_hugetlb(folio) || page != folio_page(folio, 0))
		return 0;
	if (npages > pin->left || !IS_ALIGNED(pin->vaddr, folio_size(folio)))
		return 0;
	return npages;
}

/* Neither part of a large folio nor reserved, by two loads. */
static __always_inline bool page_is_plain(const struct page *page)
{
	return !(READ_ONCE(page->compound_head) & 1) &&
	       !(READ_ONCE(page->flags) & (BIT(PG_head) | BIT(PG_reserved)));
}

/*
 * Small pages from the first one on into runs, a few instructions each. Return: how many; the next
 * one is something else (or reserved, as the zero page is), or there was no memory for its run.
 */
static unsigned int pin_take_small(struct dma_pin *pin, struct page **pages, unsigned int max)
{
	struct dma_run run = pin->run;
	struct page *next = NULL;
	unsigned int i;

	if (run.npages && run.kind == DMA_PAGES)
		next = pfn_to_page(run.pfn + run.npages - 1) + 1;
	for (i = 0; i < max && page_is_plain(pages[i]); i++) {
		struct page *page = pages[i];

		if (page == next && run.npages < DMA_RUN_NPAGES_MAX) {
			run.npages++;
		} else {
			if (run.npages && dma_record_push(pin->rec, &run))
				break;
			run = (struct dma_run){
				.pfn = page_to_pfn(page), .npages = 1, .kind = DMA_PAGES};
		}
		next = page + 1;
	}
	pin->run = run;
	return i;
}

/* Any page, and those behind it in the same large folio. Return: how many, or -ENOMEM. */
static int pin_take_folio(struct dma_pin *pin, struct page **pages, unsigned int max)
{
	struct folio *folio = page_folio(pages[0]);
	unsigned int n = 1;

	if (folio_test_large(folio))
		n = pages_in_sequence(
			pages, min_t(unsigned long, max,
				     folio_nr_pages(folio) - folio_page_idx(folio, pages[0])));
	pin->huge = folio_test_hugetlb(folio);
	return pin_take(pin, page_to_pfn(pages[0]), n, DMA_PAGES) ?: n;
}

/* Pages of a batch into runs. All but reserved ones, such as the zero page, count as locked. */
static int pin_take_batch(struct dma_pin *pin, unsigned int count)
{
	struct page **pages = pin->pages, **end = pages + count;
	unsigned long locked = 0;
	int n;

	pin->huge = false;
	while (pages < end) {
		n = pin_take_small(pin, pages, end - pages);
		pages += n;
		locked += n;
		if (pages == end)
			break;
		n = pin_take_folio(pin, pages, end - pages);
		if (n < 0) {
			unpin_user_pages(pages, end - pages);
			return n;
		}
		if (likely(!folio_test_reserved(page_folio(*pages))))
			locked += n;
		pages += n;
	}
	pin_advance(pin, count);
	return pin_account(pin, locked);
}

/* Return: pages pinned, or what pin_user_pages_fast() says. */
static int pin_batch(struct dma_pin *pin, unsigned int max)
{
	int ret;

	/* End at 2 MiB of the address, so that hugetlb is met at its start. */
	max = min_t(unsigned long, max, (PMD_SIZE - (pin->vaddr & ~PMD_MASK)) >> PAGE_SHIFT);
	ret = pin_user_pages_fast(pin->vaddr, min_t(unsigned long, max, pin->left), pin->gup_flags,
				  pin->pages);
	/* Beyond the end of the address space is but another address that is not there. */
	return ret == -EOVERFLOW || ret == 0 ? -EFAULT : ret;
}

static int pin_io(struct dma_pin *pin)
{
	struct dma_run run;
	long ret;

	ret = dma_pfnmap_run(pin->rec->mm, pin->vaddr, pin->left, pin->prot, &run);
	if (ret < 0)
		return ret;
	ret = pin_take(pin, run.pfn, run.npages, DMA_IO);
	if (!ret)
		pin_advance(pin, run.npages);
	return ret;
}

/*
 * Room for a large batch, for what is neither small nor hugetlb. If there is no memory for it,
 * small ones are slower and as good.
 */
static void pin_want_batch(struct dma_pin *pin)
{
	if (pin->batch == PIN_BATCH || pin->left <= PIN_BATCH_SMALL)
		return;
	pin->many = kmalloc_array(PIN_BATCH, sizeof(*pin->many), GFP_KERNEL | __GFP_NOWARN);
	if (!pin->many)
		return;
	pin->pages = pin->many;
	pin->batch = PIN_BATCH;
}

static int pin_memory(struct dma_pin *pin)
{
	bool probe = pin->huge && IS_ALIGNED(pin->vaddr, PMD_SIZE) && pin->left >= PTRS_PER_PMD;
	unsigned long npages;
	int ret;

	if (!probe)
		pin_want_batch(pin);
	ret = pin_batch(pin, probe ? 1 : pin->batch);
	if (ret < 0)
		return ret;
	npages = probe ? pin_huge_pages(pin, pin->pages[0]) : 0;
	if (!npages)
		return pin_take_batch(pin, ret);

	if (pin_take(pin, page_to_pfn(pin->pages[0]), npages, DMA_FOLIOS)) {
		unpin_user_page(pin->pages[0]);
		return -ENOMEM;
	}
	pin_advance(pin, npages);
	return pin_account(pin, npages);
}

/* ---- help with memory that is not there yet ---- */

static void pin_watch(struct dma_pin *pin)
{
	pin->faults = current->min_flt;
	pin->window_left = pin->left > COLD_MIN + COLD_WINDOW ? pin->left - COLD_WINDOW : 0;
}

/* At the end of a window. Nothing is populated that the limit would not let us pin. */
static void pin_get_help(struct dma_pin *pin)
{
	unsigned long faults = current->min_flt - pin->faults;
	unsigned long start = ALIGN(pin->vaddr, PMD_SIZE);
	unsigned long ahead = (start - pin->vaddr) >> PAGE_SHIFT;

	pin_watch(pin);
	if (faults < COLD_FAULTS)
		return;
	pin->window_left = 0;
	if (pin->privileged || !dma_limit_near(pin->rec->mm, pin->uncharged + pin->left))
		pin->populate = dma_populate_start(start, pin->left - ahead, pin->gup_flags);
}

static int pin_range(struct dma_pin *pin)
{
	int ret;

	while (pin->left) {
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
		ret = pin_memory(pin);
		if (ret == -EFAULT)
			ret = pin_io(pin);
		if (ret)
			return ret;
		if (pin->populate)
			dma_populate_advance(pin->populate, pin->vaddr);
		else if (pin->left < pin->window_left)
			pin_get_help(pin);
	}
	ret = pin_charge(pin);
	return ret ?: pin_flush_run(pin);
}

/* What is not in the record cannot be left to it. */
static void pin_abort(struct dma_pin *pin)
{
	if (pin->run.npages)
		dma_unpin_run(&pin->run);
	dma_unpin(pin->rec, 0);
}

int dma_pin(struct dma_record *rec, unsigned long vaddr, unsigned long npages, int prot)
{
	struct page *few[PIN_BATCH_SMALL] __uninitialized;
	struct dma_pin pin = {
		.rec = rec,
		.vaddr = vaddr,
		.left = npages,
		.prot = prot,
		.gup_flags = FOLL_LONGTERM | (prot & IOMMU_WRITE ? FOLL_WRITE : 0),
		.huge = true,
		.pages = few,
		.batch = PIN_BATCH_SMALL,
	};
	int ret;

	dma_record_init(rec, current->mm);
	pin_watch(&pin);
	ret = pin_range(&pin);
	dma_populate_stop(pin.populate);
	kfree(pin.many);
	if (ret)
		pin_abort(&pin);
	return ret;
}
