/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * Records: the runs of a mapping, 8 bytes each, in order. The first few are in
 * the record itself; more are in chunks, a small one first, so that neither a
 * small nor an endless mapping wastes or needs much in one piece. Scattered 4 KiB
 * pages cost 0.2 % of what they pin, charged to the memory cgroup of the one who
 * maps. Part of the DMA map engine; pushing and walking are inline because they
 * happen once for each page in the worst case.
 */
#ifndef PLX_DMA_RECORD_H
#define PLX_DMA_RECORD_H

#include <linux/bits.h>
#include <linux/types.h>

struct mm_struct;

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

/* A packed run: 2 bits of kind, 22 of npages - 1 (16 GiB), 40 of pfn (2^52 bytes). */
#define DMA_RUN_NPAGES_SHIFT 2
#define DMA_RUN_NPAGES_MAX   (1UL << 22)
#define DMA_RUN_PFN_SHIFT    24

#define DMA_INLINE_RUNS	     2

/**
 * struct dma_chunk - more runs
 * @next: the chunk behind, or NULL
 * @end: end of @runs
 * @runs: full but in the last chunk
 */
struct dma_chunk {
	struct dma_chunk *next;
	u64 *end;
	u64 runs[];
};

/**
 * struct dma_record - what is pinned for one mapping; stays where it is
 * @mm: whose locked_vm is charged; counts a reference (mmgrab)
 * @locked: pages charged there
 * @at: where the next run goes
 * @end: end of the room there
 * @inline_runs: the first runs
 * @chunks: the others
 * @last: the last chunk
 */
struct dma_record {
	struct mm_struct *mm;
	unsigned long locked;
	u64 *at;
	u64 *end;
	u64 inline_runs[DMA_INLINE_RUNS];
	struct dma_chunk *chunks;
	struct dma_chunk *last;
};

/**
 * struct dma_iter - a walk over a record
 * @rec: the record
 * @chunk: what comes after @end
 * @at: the next run
 * @end: end of the runs there
 */
struct dma_iter {
	const struct dma_record *rec;
	const struct dma_chunk *chunk;
	const u64 *at;
	const u64 *end;
};

void dma_record_init(struct dma_record *rec, struct mm_struct *mm);
void dma_record_free(struct dma_record *rec);
int dma_record_grow(struct dma_record *rec);

/**
 * dma_record_push - append a run
 * @rec: the record
 * @run: at most DMA_RUN_NPAGES_MAX pages
 *
 * Return: 0 or -ENOMEM.
 */
static inline int dma_record_push(struct dma_record *rec, const struct dma_run *run)
{
	if (unlikely(rec->at == rec->end) && dma_record_grow(rec))
		return -ENOMEM;
	*rec->at++ = (u64)run->pfn << DMA_RUN_PFN_SHIFT |
		     (u64)(run->npages - 1) << DMA_RUN_NPAGES_SHIFT | run->kind;
	return 0;
}

static inline void dma_iter_start(struct dma_iter *it, const struct dma_record *rec)
{
	it->rec = rec;
	it->chunk = rec->chunks;
	it->at = rec->inline_runs;
	it->end = rec->chunks ? rec->inline_runs + DMA_INLINE_RUNS : rec->at;
}

static inline bool dma_iter_next(struct dma_iter *it, struct dma_run *run)
{
	u64 packed;

	if (unlikely(it->at == it->end)) {
		if (!it->chunk)
			return false;
		it->at = it->chunk->runs;
		it->end = it->chunk->next ? it->chunk->end : it->rec->at;
		it->chunk = it->chunk->next;
	}
	packed = *it->at++;
	run->pfn = packed >> DMA_RUN_PFN_SHIFT;
	run->npages = (packed >> DMA_RUN_NPAGES_SHIFT & (DMA_RUN_NPAGES_MAX - 1)) + 1;
	run->kind = packed & GENMASK(DMA_RUN_NPAGES_SHIFT - 1, 0);
	return true;
}

#endif
