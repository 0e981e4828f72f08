// SPDX-License-Identifier: GPL-2.0-only
/*
 * Memory of devices in a process's address space: a BAR that was mapped through
 * a vfio device file, to be the target of another device's DMA. There are no
 * struct pages to pin, so the page table is read; the mapping in the IOMMU keeps
 * pointing there whatever happens to the page table later.
 */
#include <linux/mm.h>
#include <linux/mmzone.h>
#include "dma_engine.h"

/* Pages looked up under one hold of the mmap lock: some 50 us. */
#define PFNMAP_BATCH 512

/*
 * Only what the kernel does not use as memory may be mapped without being pinned:
 * no struct page, or one that is reserved. Whether there are struct pages can
 * change only from one subsection to the next.
 */
static bool pfn_range_is_io(unsigned long pfn, unsigned long npages)
{
	unsigned long end = pfn + npages;

	while (pfn < end) {
		if (!pfn_valid(pfn))
			pfn = min(end,
				  ALIGN_DOWN(pfn, PAGES_PER_SUBSECTION) + PAGES_PER_SUBSECTION);
		else if (PageReserved(pfn_to_page(pfn)))
			pfn++;
		else
			return false;
	}
	return true;
}

/* Pages from vaddr on that one page table entry is sure to cover. */
static unsigned long pfnmap_entry_pages(const struct follow_pfnmap_args *args)
{
	/* A walk that ended without a PTE ended at a PMD at the latest. */
	if (!args->ptep)
		return (PMD_SIZE - (args->address & ~PMD_MASK)) >> PAGE_SHIFT;
	return 1;
}

/*
 * Fault one page in. Return: 0 to look again under the same lock, -EAGAIN if the
 * lock was dropped on the way and is taken again, other: error.
 */
static int pfnmap_fault(struct mm_struct *mm, unsigned long vaddr, int prot)
{
	bool unlocked = false;
	int ret;

	ret = fixup_user_fault(mm, vaddr, prot & IOMMU_WRITE ? FAULT_FLAG_WRITE : 0, &unlocked);
	if (!ret && unlocked)
		return -EAGAIN;
	return ret;
}

/* One page table entry. Return: its pages (<= npages), 0: fault it in, or -EFAULT. */
static long pfnmap_lookup(struct vm_area_struct *vma, unsigned long vaddr, unsigned long npages,
			  int prot, unsigned long *pfn)
{
	struct follow_pfnmap_args args = {.vma = vma, .address = vaddr};
	long ret;

	if (follow_pfnmap_start(&args))
		return 0;
	*pfn = args.pfn;
	ret = min(npages, pfnmap_entry_pages(&args));
	if ((prot & IOMMU_WRITE) && !args.writable)
		ret = -EFAULT;
	follow_pfnmap_end(&args);
	if (ret > 0 && !pfn_range_is_io(*pfn, ret))
		ret = -EFAULT;
	return ret;
}

/* Extend run by what follows it. Return: pages found, 0 if it is at its end, or an error. */
static long pfnmap_extend(struct mm_struct *mm, unsigned long vaddr, unsigned long npages, int prot,
			  struct dma_run *run)
{
	unsigned long pfn, left;
	struct vm_area_struct *vma;
	long ret;

	vma = vma_lookup(mm, vaddr);
	if (!vma || !(vma->vm_flags & VM_PFNMAP))
		return run->npages ? 0 : -EFAULT;
	left = min(npages, (vma->vm_end - vaddr) >> PAGE_SHIFT);
	ret = pfnmap_lookup(vma, vaddr, left, prot, &pfn);
	if (ret == 0) {
		ret = pfnmap_fault(mm, vaddr, prot);
		if (ret)
			return ret;
		ret = pfnmap_lookup(vma, vaddr, left, prot, &pfn);
	}
	if (ret < 0)
		return ret;
	if (ret == 0)
		return -EFAULT;
	if (run->npages && pfn != run->pfn + run->npages)
		return 0;
	if (!run->npages)
		run->pfn = pfn;
	run->npages += ret;
	return ret;
}

/**
 * dma_pfnmap_run - find device memory behind a virtual address
 * @mm: the current process's
 * @vaddr: where pinning failed
 * @npages: how many pages are wanted at most
 * @prot: IOMMU_WRITE if it must be writable
 * @run: out: a physically contiguous run, not longer than @npages
 *
 * Return: pages in @run; -EFAULT if @vaddr is no such memory; -EINTR.
 */
long dma_pfnmap_run(struct mm_struct *mm, unsigned long vaddr, unsigned long npages, int prot,
		    struct dma_run *run)
{
	unsigned int lookups = 0;
	long ret;

	*run = (struct dma_run){.kind = DMA_IO};
	if (mmap_read_lock_killable(mm))
		return -EINTR;
	do {
		ret = pfnmap_extend(mm, vaddr, npages, prot, run);
		if (ret > 0) {
			vaddr += ret << PAGE_SHIFT;
			npages -= ret;
		}
	} while (ret == -EAGAIN || (ret > 0 && npages && ++lookups < PFNMAP_BATCH));
	mmap_read_unlock(mm);
	/* What was found before an error is good; the next call meets the error again. */
	return run->npages ?: ret;
}
