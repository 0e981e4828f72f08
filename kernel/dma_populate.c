// SPDX-License-Identifier: GPL-2.0-only
/*
 * Helpers for memory that is not there yet: kernel threads that fault the far end of
 * a range in while the one who maps it pins from the start. Clearing pages is what
 * takes the time then, and more CPUs clear more.
 *
 * They only populate: each page is pinned, counted, charged and recorded by the
 * caller alone, who meets memory that is already there. So nothing that a helper
 * does or fails to do changes the result, and there is nothing of it to undo. They
 * run in the caller's cgroups and on its CPUs, pages are charged to the memory
 * cgroup of the address space, and no page is waited for that somebody else must
 * bring (userfaultfd, a disk): a kernel thread cannot be killed out of that.
 */
#include <linux/cgroup.h>
#include <linux/hugetlb.h>
#include <linux/kthread.h>
#include <linux/mm.h>
#include <linux/moduleparam.h>
#include <linux/slab.h>
#include "dma_engine.h"

#define POPULATE_BATCH 512UL /* pages faulted in under one hold of the mmap lock */
#define HELPERS_MAX    16

static unsigned int pin_helpers = 3;
module_param(pin_helpers, uint, 0644);
MODULE_PARM_DESC(pin_helpers,
		 "Threads that help to fault in large memory being mapped, at most (default: 3)");

/**
 * struct dma_populate - a range being populated
 * @mm: of the caller, who waits for the helpers before it leaves
 * @start: first address
 * @chunks: chunks of POPULATE_BATCH pages not taken yet, from @start on; taken from the end
 * @pinned: address up to which the caller is
 * @gup_flags: as the caller pins
 * @nr: helpers
 * @helpers: with a reference each
 */
struct dma_populate {
	struct mm_struct *mm;
	unsigned long start;
	atomic_long_t chunks;
	unsigned long pinned;
	unsigned int gup_flags;
	unsigned int nr;
	struct task_struct *helpers[HELPERS_MAX];
};

/* Is this memory that is made by clearing it? */
static bool populate_suits(struct mm_struct *mm, unsigned long vaddr)
{
	struct vm_area_struct *vma = vma_lookup(mm, vaddr);

	return vma && (vma_is_anonymous(vma) || is_vm_hugetlb_page(vma));
}

/* Return: whether to go on. */
static bool populate_chunk(struct dma_populate *pop, struct page **pages, unsigned long vaddr)
{
	unsigned long end = vaddr + (POPULATE_BATCH << PAGE_SHIFT);
	long got = 0;

	while (vaddr < end && !kthread_should_stop()) {
		if (mmap_read_lock_killable(pop->mm))
			return false;
		got = populate_suits(pop->mm, vaddr)
			      ? pin_user_pages_remote(pop->mm, vaddr, (end - vaddr) >> PAGE_SHIFT,
						      pop->gup_flags | FOLL_NOWAIT, pages, NULL)
			      : 0;
		mmap_read_unlock(pop->mm);
		if (got <= 0)
			return false;
		unpin_user_pages(pages, got);
		vaddr += got << PAGE_SHIFT;
		cond_resched();
	}
	return true;
}

static void populate_until_met(struct dma_populate *pop, struct page **pages)
{
	unsigned long vaddr;
	long chunk;

	while (!kthread_should_stop()) {
		chunk = atomic_long_dec_return(&pop->chunks);
		if (chunk < 0)
			return;
		vaddr = pop->start + (chunk * POPULATE_BATCH << PAGE_SHIFT);
		if (vaddr <= READ_ONCE(pop->pinned) || !populate_chunk(pop, pages, vaddr))
			return;
	}
}

static int populate_thread(void *data)
{
	struct page **pages = kmalloc_array(POPULATE_BATCH, sizeof(*pages), GFP_KERNEL);

	if (pages)
		populate_until_met(data, pages);
	kfree(pages);

	/* The caller stops each helper that it started: be there until then. */
	for (;;) {
		set_current_state(TASK_IDLE);
		if (kthread_should_stop())
			break;
		schedule();
	}
	__set_current_state(TASK_RUNNING);
	return 0;
}

static bool populate_add_helper(struct dma_populate *pop)
{
	struct task_struct *task;

	task = kthread_create(populate_thread, pop, "vfio-pin-%d", task_pid_nr(current));
	if (IS_ERR(task))
		return false;
	/* If either fails, it would run where the caller may not. */
	if (cgroup_attach_task_all(current, task) ||
	    set_cpus_allowed_ptr(task, current->cpus_ptr)) {
		kthread_stop(task);
		return false;
	}
	set_user_nice(task, task_nice(current));
	pop->helpers[pop->nr++] = get_task_struct(task);
	wake_up_process(task);
	return true;
}

/* A policy of the caller says where its pages go; it does not say so to its helpers. */
static bool populate_has_policy(void)
{
#ifdef CONFIG_NUMA
	return current->mempolicy;
#else
	return false;
#endif
}

/**
 * dma_populate_start - get help for the rest of a range
 * @vaddr: 2 MiB aligned
 * @npages: how many pages there are
 * @gup_flags: how the caller pins them
 *
 * Return: to be given to dma_populate_stop() before the address space may go; NULL
 * if there is no help, which changes nothing but the time that it takes.
 */
struct dma_populate *dma_populate_start(unsigned long vaddr, unsigned long npages,
					unsigned int gup_flags)
{
	unsigned int most = min3(READ_ONCE(pin_helpers), cpumask_weight(current->cpus_ptr) - 1,
				 (unsigned int)HELPERS_MAX);
	struct dma_populate *pop;

	if (!most || populate_has_policy())
		return NULL;
	pop = kzalloc(sizeof(*pop), GFP_KERNEL | __GFP_NOWARN);
	if (!pop)
		return NULL;
	pop->mm = current->mm;
	pop->start = vaddr;
	pop->pinned = vaddr;
	pop->gup_flags = gup_flags;
	atomic_long_set(&pop->chunks, npages / POPULATE_BATCH);
	while (pop->nr < most && populate_add_helper(pop))
		;
	return pop;
}

/* The caller has come up to vaddr: what is before it needs no help any more. */
void dma_populate_advance(struct dma_populate *pop, unsigned long vaddr)
{
	WRITE_ONCE(pop->pinned, vaddr);
}

/**
 * dma_populate_stop - end the help
 * @pop: what dma_populate_start() returned
 *
 * Waits for what each helper is doing, a batch at most.
 */
void dma_populate_stop(struct dma_populate *pop)
{
	if (!pop)
		return;
	for (unsigned int i = 0; i < pop->nr; i++) {
		kthread_stop(pop->helpers[i]);
		put_task_struct(pop->helpers[i]);
	}
	kfree(pop);
}
