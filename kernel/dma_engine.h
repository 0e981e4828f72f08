/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * The DMA map engine: pins a range of a process's memory and remembers it as
 * runs of physical pages, maps the runs into IOMMU domains, unmaps a range, and
 * unpins by run. type1 calls it; nothing else in kernel/ pins a page or walks a
 * domain. It knows nothing of containers, groups or ioctls.
 *
 *	dma_pin(&rec, vaddr, npages, prot)	memory -> record; locked_vm charged
 *	dma_map(domain, iova, &rec, ...)	record -> domain, as often as there are domains
 *	dma_unmap(domain, iova, size, ...)	domain forgets; then iommu_iotlb_sync()
 *	dma_unpin(&rec, prot)			only then: pages released; locked_vm uncharged
 *
 * A record is filled by one thread and is constant from then on until unpinned.
 * Unpinning needs no memory and asks no page table.
 */
#ifndef PLX_DMA_ENGINE_H
#define PLX_DMA_ENGINE_H

#include <linux/iommu.h>
#include <linux/types.h>
#include "dma_record.h"

struct folio;

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

/* ---- unpinning ---- */

/**
 * struct dma_unpin - records being released together
 * @mm: whose charge @locked is; counts a reference (mmgrab)
 * @locked: pages to take from it
 * @dirty: the device may have written what is released now
 * @nr: folios waiting
 * @folios: each loses one pin
 *
 * Declare it __uninitialized: kernels that clear the stack would clear 256 bytes for each unmap.
 */
struct dma_unpin {
	struct mm_struct *mm;
	unsigned long locked;
	bool dirty;
	unsigned int nr;
	struct folio *folios[32];
};

static inline void dma_unpin_start(struct dma_unpin *un)
{
	un->mm = NULL;
	un->locked = 0;
	un->nr = 0;
}

/**
 * dma_unpin_add - release what a record holds
 * @un: started; released for certain when it is finished
 * @rec: no domain maps it any more, and the hardware knows
 * @prot: as pinned
 */
void dma_unpin_add(struct dma_unpin *un, struct dma_record *rec, int prot);
void dma_unpin_finish(struct dma_unpin *un);

/* One record; and a run that is in none, and was not written. */
void dma_unpin(struct dma_record *rec, int prot);
void dma_unpin_run(const struct dma_run *run);

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

/* dma_populate.c: threads that fault in what is being pinned */
struct dma_populate;
struct dma_populate *dma_populate_start(unsigned long vaddr, unsigned long npages,
					unsigned int gup_flags);
void dma_populate_advance(struct dma_populate *pop, unsigned long vaddr);
void dma_populate_stop(struct dma_populate *pop);

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

/**
 * dma_unmap_try - the same for a range with holes
 * @domain: the domain
 * @iova: something is mapped there
 * @size: bytes; each 2 MiB of them has something mapped
 * @gather: as above
 *
 * Return: bytes from @iova on that are done; some IOMMUs stop at a hole.
 */
size_t dma_unmap_try(struct iommu_domain *domain, unsigned long iova, size_t size,
		     struct iommu_iotlb_gather *gather);

#endif
