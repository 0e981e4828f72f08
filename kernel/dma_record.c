// SPDX-License-Identifier: GPL-2.0-only
/*
 * The beginning, growth and end of records; see dma_record.h.
 */
#include <linux/sched.h>
#include <linux/sched/mm.h>
#include <linux/slab.h>
#include "dma_record.h"

#define CHUNK_SMALL 256
#define CHUNK_LARGE 4096

void dma_record_init(struct dma_record *rec, struct mm_struct *mm)
{
	mmgrab(mm);
	rec->mm = mm;
	rec->locked = 0;
	rec->at = rec->inline_runs;
	rec->end = rec->inline_runs + DMA_INLINE_RUNS;
	rec->chunks = NULL;
	rec->last = NULL;
}

/* But for its reference of the address space, which the caller takes over. */
void dma_record_free(struct dma_record *rec)
{
	struct dma_chunk *chunk, *next;

	for (chunk = rec->chunks; chunk; chunk = next) {
		next = chunk->next;
		kfree(chunk);
		cond_resched();
	}
}

/**
 * dma_record_grow - make room for the next run
 * @rec: full
 *
 * Return: 0, or -ENOMEM and nothing has changed.
 */
int dma_record_grow(struct dma_record *rec)
{
	size_t size = rec->last ? CHUNK_LARGE : CHUNK_SMALL;
	struct dma_chunk *chunk = kmalloc(size, GFP_KERNEL_ACCOUNT);

	if (!chunk)
		return -ENOMEM;
	chunk->next = NULL;
	chunk->end = chunk->runs + (size - sizeof(*chunk)) / sizeof(chunk->runs[0]);
	if (rec->last)
		rec->last->next = chunk;
	else
		rec->chunks = chunk;
	rec->last = chunk;
	rec->at = chunk->runs;
	rec->end = chunk->end;
	return 0;
}
