// SPDX-License-Identifier: GPL-2.0-only
/*
 * Accounting: pinned pages count as locked memory of the process that mapped
 * them, against its RLIMIT_MEMLOCK.
 *
 * Pages are charged after they are pinned, when their number is known exactly:
 * an estimate would make other mlock calls of the process fail for nothing.
 * dma_limit_near() lets the one who pins stop in time without any lock.
 */
#include <linux/capability.h>
#include <linux/mm.h>
#include <linux/sched/mm.h>
#include <linux/sched/signal.h>
#include "dma_engine.h"

/* Would charging more pages hit the limit, as far as can be seen without a lock? */
bool dma_limit_near(struct mm_struct *mm, unsigned long more)
{
	return READ_ONCE(mm->locked_vm) + more > rlimit(RLIMIT_MEMLOCK) >> PAGE_SHIFT;
}

static void dma_warn_limit(unsigned long npages)
{
	pr_warn_ratelimited(
		"vfio: %s (%d): RLIMIT_MEMLOCK of %lu KiB does not allow to pin %lu KiB more; raise it (ulimit -l)\n",
		current->comm, task_pid_nr(current), rlimit(RLIMIT_MEMLOCK) >> 10,
		npages << (PAGE_SHIFT - 10));
}

/**
 * dma_charge - charge pages to the current process's limit
 * @mm: of the current process
 * @npages: pages
 *
 * CAP_IPC_LOCK is asked for only if the limit is in the way.
 *
 * Return: 0, -ENOMEM or -EINTR.
 */
int dma_charge(struct mm_struct *mm, unsigned long npages)
{
	bool privileged = false;
	int ret;

	if (!npages)
		return 0;
	if (dma_limit_near(mm, npages))
		privileged = capable(CAP_IPC_LOCK);
	if (mmap_write_lock_killable(mm))
		return -EINTR;
	ret = __account_locked_vm(mm, npages, true, current, privileged);
	mmap_write_unlock(mm);
	if (ret)
		dma_warn_limit(npages);
	return ret;
}

/**
 * dma_uncharge - the opposite
 * @mm: as charged; held by mmgrab only, so the process may be gone or have
 *	executed another program, and then there is nothing to undo
 * @npages: pages
 */
void dma_uncharge(struct mm_struct *mm, unsigned long npages)
{
	bool own = mm == current->mm;

	if (!npages || (!own && !mmget_not_zero(mm)))
		return;
	mmap_write_lock(mm);
	__account_locked_vm(mm, npages, false, current, true);
	mmap_write_unlock(mm);
	if (!own)
		mmput(mm);
}

int dma_recharge(struct dma_record *rec)
{
	struct mm_struct *mm = current->mm;
	int ret;

	if (mm == rec->mm)
		return 0;
	ret = dma_charge(mm, rec->locked);
	if (ret)
		return ret;
	dma_uncharge(rec->mm, rec->locked);
	mmgrab(mm);
	mmdrop(rec->mm);
	rec->mm = mm;
	return 0;
}
