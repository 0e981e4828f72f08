// SPDX-License-Identifier: GPL-2.0-only
/*
 * Records: the runs of a mapping, 8 bytes each, in order of the mapping. The
 * first few are in the record itself; more are in chunks, a small one first, so
 * that neither a small nor an endless mapping wastes or needs much in one piece.
 */
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "dma_engine.h"

/* A packed run: 2 bits of kind, 22 of npages - 1 (16 GiB), 40 of pfn (2^52 bytes). */
#define RUN_KIND_MASK	 GENMASK_ULL(1, 0)
#define RUN_NPAGES_SHIFT 2
#define RUN_NPAGES_MAX	 (1UL << 22)
#define RUN_PFN_SHIFT	 24

#define CHUNK_SMALL	 256
#define CHUNK_LARGE	 4096

struct dma_chunk {
	struct dma_chunk *next;
	u32 used;
	u32 room;
	u64 runs[];
};

static u64 dma_run_pack(const struct dma_run *run)
{
	return (u64)run->pfn << RUN_PFN_SHIFT | (u64)(run->npages - 1) << RUN_NPAGES_SHIFT |
	       run->kind;
}

static struct dma_run dma_run_unpack(u64 packed)
{
	return (struct dma_run){
		.pfn = packed >> RUN_PFN_SHIFT,
		.npages = (packed >> RUN_NPAGES_SHIFT & (RUN_NPAGES_MAX - 1)) + 1,
		.kind = packed & RUN_KIND_MASK,
	};
}

void dma_record_init(struct dma_record *rec, struct mm_struct *mm)
{
	mmgrab(mm);
	rec->mm = mm;
	rec->locked = 0;
	rec->nr = 0;
	rec->chunks = NULL;
	rec->last = NULL;
}

void dma_record_free(struct dma_record *rec)
{
	struct dma_chunk *chunk, *next;

	for (chunk = rec->chunks; chunk; chunk = next) {
		next = chunk->next;
		kfree(chunk);
	}
	mmdrop(rec->mm);
}

static struct dma_chunk *dma_chunk_add(struct dma_record *rec)
{
	size_t size = rec->last ? CHUNK_LARGE : CHUNK_SMALL;
	struct dma_chunk *chunk = kmalloc(size, GFP_KERNEL_ACCOUNT);

	if (!chunk)
		return NULL;
	chunk->next = NULL;
	chunk->used = 0;
	chunk->room = (size - sizeof(*chunk)) / sizeof(chunk->runs[0]);
	if (rec->last)
		rec->last->next = chunk;
	else
		rec->chunks = chunk;
	rec->last = chunk;
	return chunk;
}

/* Where the run before the next one is, or NULL. */
static u64 *dma_record_tail(struct dma_record *rec)
{
	if (rec->last)
		return &rec->last->runs[rec->last->used - 1];
	return rec->nr ? &rec->inline_runs[rec->nr - 1] : NULL;
}

static bool dma_record_merge(struct dma_record *rec, const struct dma_run *run)
{
	u64 *tail = dma_record_tail(rec);
	struct dma_run last;

	if (!tail)
		return false;
	last = dma_run_unpack(*tail);
	if (last.kind != run->kind || last.pfn + last.npages != run->pfn ||
	    last.npages + run->npages > RUN_NPAGES_MAX)
		return false;
	last.npages += run->npages;
	*tail = dma_run_pack(&last);
	return true;
}

/**
 * dma_record_push - append a run
 * @rec: the record
 * @run: at most 16 GiB; joined with the one before if it continues it
 *
 * Return: 0 or -ENOMEM.
 */
int dma_record_push(struct dma_record *rec, const struct dma_run *run)
{
	struct dma_chunk *chunk = rec->last;

	if (dma_record_merge(rec, run))
		return 0;
	if (rec->nr < DMA_INLINE_RUNS) {
		rec->inline_runs[rec->nr++] = dma_run_pack(run);
		return 0;
	}
	if (!chunk || chunk->used == chunk->room)
		chunk = dma_chunk_add(rec);
	if (!chunk)
		return -ENOMEM;
	chunk->runs[chunk->used++] = dma_run_pack(run);
	rec->nr++;
	return 0;
}

void dma_iter_start(struct dma_iter *it, const struct dma_record *rec)
{
	it->chunk = rec->chunks;
	it->at = rec->inline_runs;
	it->end = rec->inline_runs + min_t(unsigned long, rec->nr, DMA_INLINE_RUNS);
}

bool dma_iter_next(struct dma_iter *it, struct dma_run *run)
{
	if (it->at == it->end) {
		if (!it->chunk)
			return false;
		it->at = it->chunk->runs;
		it->end = it->at + it->chunk->used;
		it->chunk = it->chunk->next;
	}
	*run = dma_run_unpack(*it->at++);
	return true;
}
