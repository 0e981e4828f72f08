// SPDX-License-Identifier: GPL-2.0-only
/*
 * Pinning a range into a record, and unpinning a record.
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
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/signal.h>
#include <linux/slab.h>
#include "dma_engine.h"

#define PIN_BATCH_SMALL 32 /* on the stack */
#define PIN_BATCH	512
#define ACCOUNT_CHUNK	(SZ_128M >> PAGE_SHIFT)
#define UNPIN_PIECE	(SZ_256M >> PAGE_SHIFT)

/**
 * struct dma_pin - a range on its way into a record
 * @rec: the record
 * @vaddr: next page to pin
 * @left: pages to pin
 * @prot: IOMMU_WRITE
 * @gup_flags: the same for pin_user_pages_fast()
 * @huge: hugetlb is likely at @vaddr: at the start, and behind a hugetlb page
 * @privileged: the limit is in the way, but not for this caller
 * @uncharged: pages pinned and not charged
 * @pages: room for a batch
 * @batch: pages in it
 */
struct dma_pin {
	struct dma_record *rec;
	unsigned long vaddr;
	unsigned long left;
	int prot;
	unsigned int gup_flags;
	bool huge;
	bool privileged;
	unsigned long uncharged;
	struct page **pages;
	unsigned int batch;
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

static void pin_advance(struct dma_pin *pin, unsigned long npages)
{
	pin->vaddr += npages << PAGE_SHIFT;
	pin->left -= npages;
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

/*
 * The pages of a batch that are contiguous from the first on, and how many of them
 * count as locked: all but reserved ones, such as the zero page.
 */
static unsigned int pin_contiguous(struct page **pages, unsigned int count, unsigned long *locked)
{
	unsigned long pfn = page_to_pfn(pages[0]);
	unsigned int i = 0, end;

	*locked = 0;
	while (i < count && page_to_pfn(pages[i]) == pfn + i) {
		struct folio *folio = page_folio(pages[i]);
		bool counts = !folio_test_reserved(folio);

		/* The rest of the folio, as far as its pages follow each other. */
		end = min_t(unsigned long, count,
			    i + folio_nr_pages(folio) - folio_page_idx(folio, pages[i]));
		do {
			*locked += counts;
			i++;
		} while (i < end && pages[i] == pages[i - 1] + 1);
	}
	return i;
}

static int pin_push_batch(struct dma_pin *pin, unsigned int count)
{
	unsigned int done = 0;
	int ret;

	while (done < count) {
		unsigned long locked;
		struct dma_run run = {.pfn = page_to_pfn(pin->pages[done]), .kind = DMA_PAGES};

		run.npages = pin_contiguous(pin->pages + done, count - done, &locked);
		ret = dma_record_push(pin->rec, &run);
		if (ret) {
			unpin_user_pages(pin->pages + done, count - done);
			return ret;
		}
		done += run.npages;
		ret = pin_account(pin, locked);
		if (ret) {
			unpin_user_pages(pin->pages + done, count - done);
			return ret;
		}
	}
	pin->huge = folio_test_hugetlb(page_folio(pin->pages[count - 1]));
	pin_advance(pin, count);
	return 0;
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
	ret = dma_record_push(pin->rec, &run);
	if (!ret)
		pin_advance(pin, run.npages);
	return ret;
}

static int pin_memory(struct dma_pin *pin)
{
	bool probe = pin->huge && IS_ALIGNED(pin->vaddr, PMD_SIZE) && pin->left >= PTRS_PER_PMD;
	struct dma_run run;
	int ret;

	ret = pin_batch(pin, probe ? 1 : pin->batch);
	if (ret < 0)
		return ret;
	run.npages = probe ? pin_huge_pages(pin, pin->pages[0]) : 0;
	if (!run.npages)
		return pin_push_batch(pin, ret);

	run.pfn = page_to_pfn(pin->pages[0]);
	run.kind = DMA_FOLIOS;
	ret = dma_record_push(pin->rec, &run);
	if (ret) {
		unpin_user_page(pin->pages[0]);
		return ret;
	}
	pin_advance(pin, run.npages);
	return pin_account(pin, run.npages);
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
	}
	return pin_charge(pin);
}

int dma_pin(struct dma_record *rec, unsigned long vaddr, unsigned long npages, int prot)
{
	struct page *few[PIN_BATCH_SMALL], **many = NULL;
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

	/* If there is no memory for a large batch, small ones are slower and as good. */
	if (npages > PIN_BATCH_SMALL)
		many = kmalloc_array(PIN_BATCH, sizeof(*many), GFP_KERNEL | __GFP_NOWARN);
	if (many) {
		pin.pages = many;
		pin.batch = PIN_BATCH;
	}
	dma_record_init(rec, current->mm);
	ret = pin_range(&pin);
	kfree(many);
	if (ret)
		dma_unpin(rec, 0);
	return ret;
}

/* ---- unpinning ---- */

static void unpin_pages(unsigned long pfn, unsigned long npages, bool dirty)
{
	while (npages) {
		unsigned long piece = min(npages, UNPIN_PIECE);

		unpin_user_page_range_dirty_lock(pfn_to_page(pfn), piece, dirty);
		pfn += piece;
		npages -= piece;
		cond_resched();
	}
}

static void unpin_folios_of(unsigned long pfn, unsigned long npages, bool dirty)
{
	unsigned long end = pfn + npages;

	while (pfn < end) {
		struct page *page = pfn_to_page(pfn);

		pfn += folio_nr_pages(page_folio(page));
		unpin_user_page_range_dirty_lock(page, 1, dirty);
	}
	cond_resched();
}

void dma_unpin(struct dma_record *rec, int prot)
{
	bool dirty = prot & IOMMU_WRITE;
	struct dma_iter it;
	struct dma_run run;

	dma_iter_start(&it, rec);
	while (dma_iter_next(&it, &run)) {
		if (run.kind == DMA_PAGES)
			unpin_pages(run.pfn, run.npages, dirty);
		else if (run.kind == DMA_FOLIOS)
			unpin_folios_of(run.pfn, run.npages, dirty);
	}
	dma_uncharge(rec->mm, rec->locked);
	dma_record_free(rec);
}
