/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMA map engine: pins a range of a process's memory and remembers it as
 * runs of physical pages, maps the runs into IOMMU domains, unmaps a range, and
 * unpins by run. type1 calls it; nothing else in kernel/ pins a page or walks a
 * domain. It knows nothing of containers, groups or ioctls.
 *
 *	dma_pin(&rec, vaddr, npages, prot)	memory -> record; locked_vm charged
 *	dma_map(domain, iova, &rec, ...)	record -> domain, as often as there are domains
 *	dma_unmap_begin/add/end			domain forgets; returns when the hardware did
 *	dma_unpin(&rec, prot)			only then: pages released; locked_vm uncharged
 *
 * A record is filled by one thread and is constant from then on until unpinned.
 * Unpinning needs no memory and asks no page table.
 */
#ifndef PLX_DMA_ENGINE_H
#define PLX_DMA_ENGINE_H

#include <linux/iommu.h>
#include <linux/types.h>

struct mm_struct;

/* ---- records ---- */

/**
 * enum dma_kind - how the pages of a run are held
 * @DMA_PAGES: each page has a pin of its own
 * @DMA_FOLIOS: hugetlb; each folio has one pin, on its first page
 * @DMA_IO: not held: memory of a device, which the IOMMU maps as long as the record
 */
enum dma_kind { DMA_PAGES, DMA_FOLIOS, DMA_IO };

/**
 * struct dma_run - physically contiguous pages
 * @pfn: first
 * @npages: how many
 * @kind: how they are held
 */
struct dma_run {
	unsigned long pfn;
	unsigned long npages;
	enum dma_kind kind;
};

#define DMA_INLINE_RUNS 2

struct dma_chunk;

/**
 * struct dma_record - what is pinned for one mapping
 * @mm: whose locked_vm is charged; counts a reference (mmgrab)
 * @locked: pages charged there
 * @nr: runs
 * @inline_runs: the first ones
 * @chunks: the others, in order
 * @last: the last chunk, which has room or is full
 *
 * 8 bytes a run: scattered 4 KiB pages cost 0.2 % of what they pin, charged to
 * the memory cgroup of the one who maps.
 */
struct dma_record {
	struct mm_struct *mm;
	unsigned long locked;
	unsigned long nr;
	u64 inline_runs[DMA_INLINE_RUNS];
	struct dma_chunk *chunks;
	struct dma_chunk *last;
};

/**
 * struct dma_iter - a walk over a record
 */
struct dma_iter {
	const struct dma_chunk *chunk;
	const u64 *at, *end;
};

void dma_record_init(struct dma_record *rec, struct mm_struct *mm);
int dma_record_push(struct dma_record *rec, const struct dma_run *run);
void dma_record_free(struct dma_record *rec);
void dma_iter_start(struct dma_iter *it, const struct dma_record *rec);
bool dma_iter_next(struct dma_iter *it, struct dma_run *run);

/* ---- pinning ---- */

/**
 * dma_pin - pin memory of the current process
 * @rec: zeroed; filled on success, and nothing remains of it on failure
 * @vaddr: page aligned
 * @npages: pages
 * @prot: IOMMU_WRITE if the device may write
 *
 * Each page that is not reserved is charged to locked_vm, within RLIMIT_MEMLOCK
 * unless the caller has CAP_IPC_LOCK. A fatal signal ends it early.
 *
 * Return: 0; -EFAULT for what cannot be read (or written), -ENOMEM, -EINTR.
 */
int dma_pin(struct dma_record *rec, unsigned long vaddr, unsigned long npages, int prot);

/**
 * dma_unpin - release what a record holds
 * @rec: no domain maps it any more, and the hardware knows
 * @prot: as pinned
 */
void dma_unpin(struct dma_record *rec, int prot);

/**
 * dma_recharge - move the charge of a record to the current process
 * @rec: pinned
 *
 * Return: 0, -ENOMEM or -EINTR.
 */
int dma_recharge(struct dma_record *rec);

/* dma_account.c: locked_vm */
bool dma_limit_near(struct mm_struct *mm, unsigned long more);
int dma_charge(struct mm_struct *mm, unsigned long npages);
void dma_uncharge(struct mm_struct *mm, unsigned long npages);

/* dma_pfnmap.c: memory of devices, found by page table */
long dma_pfnmap_run(struct mm_struct *mm, unsigned long vaddr, unsigned long npages, int prot,
		    struct dma_run *run);

/* ---- domains ---- */

/**
 * dma_map - map a record into a domain
 * @domain: the domain
 * @iova: where; nothing is mapped there
 * @rec: pinned
 * @prot: IOMMU_READ and/or IOMMU_WRITE
 * @pgsizes: page sizes to use, of those that the domain has
 *
 * Return: 0; on failure nothing is mapped: -ENOMEM, -EINTR, or what the IOMMU says.
 */
int dma_map(struct iommu_domain *domain, unsigned long iova, const struct dma_record *rec, int prot,
	    unsigned long pgsizes);

/**
 * dma_unmap - make a domain forget a range
 * @domain: the domain
 * @iova: start of what was mapped
 * @size: bytes
 * @gather: collects what the hardware must be told; the pages may be released
 *	only after iommu_iotlb_sync() of it
 */
void dma_unmap(struct iommu_domain *domain, unsigned long iova, size_t size,
	       struct iommu_iotlb_gather *gather);

#endif
