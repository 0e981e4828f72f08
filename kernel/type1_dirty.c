// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_IOMMU_DIRTY_PAGES: which pages may devices have written?
 *
 * Our IOMMUs do not say, and each group's devices write as they like, so the
 * answer is: each page that is mapped. That needs no bitmap of our own; a report
 * writes ones into the user's.
 */
#include <linux/sched/signal.h>
#include <linux/uaccess.h>
#include "type1.h"

#define BITMAP_BYTES_MAX (ALIGN((u64)INT_MAX, 64) / 8)

static const u64 ones[PAGE_SIZE / sizeof(u64)] = {[0 ... PAGE_SIZE / sizeof(u64) - 1] = ~0ULL};

/* Is the user's bitmap large enough, and not too large, for so many pages? */
int type1_dirty_check(u64 npages, const struct vfio_bitmap *bitmap)
{
	if (!npages || !bitmap->size || bitmap->size > BITMAP_BYTES_MAX)
		return -EINVAL;
	/* More pages than any bitmap has room for: the sum below would overflow for some. */
	if (npages > BITMAP_BYTES_MAX * 8 || bitmap->size < ALIGN(npages, 64) / 8)
		return -EINVAL;
	return 0;
}

/* Bits before the first are kept, bits after the last in its word become zero. */
static int type1_write_word(u64 __user *word, unsigned int first, unsigned int count)
{
	u64 bits = GENMASK_ULL(first + count - 1, first), old = 0;

	if (first && get_user(old, word))
		return -EFAULT;
	return put_user(old | bits, word);
}

static int type1_write_ones(u64 __user *word, u64 nwords)
{
	size_t step;

	for (; nwords; nwords -= step, word += step) {
		step = min_t(u64, nwords, ARRAY_SIZE(ones));
		if (copy_to_user(word, ones, step * sizeof(*ones)))
			return -EFAULT;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

/**
 * type1_dirty_report - report a mapping as dirty
 * @bitmap: the user's, checked
 * @base: IOVA of its first bit
 * @first: first byte of the mapping, not before @base
 * @last: last byte
 *
 * Return: 0, -EFAULT or -EINTR.
 */
int type1_dirty_report(const struct vfio_bitmap *bitmap, u64 base, u64 first, u64 last)
{
	u64 __user *words = (u64 __user *)bitmap->data;
	unsigned int shift = __ffs64(bitmap->pgsize), offset;
	u64 bit = (first - base) >> shift;
	u64 end = min((last - base) >> shift, bitmap->size * 8 - 1) + 1;
	int ret = 0;

	offset = bit % 64;
	if (offset) {
		unsigned int count = min(64 - offset, end - bit);

		ret = type1_write_word(&words[bit / 64], offset, count);
		bit += count;
	}
	if (!ret && end > bit)
		ret = type1_write_ones(&words[bit / 64], (end - bit) / 64);
	if (!ret && end > bit && end % 64)
		ret = type1_write_word(&words[end / 64], 0, end % 64);
	return ret;
}

/*
 * The next live mapping from first on: its range, copied under the lock. One that was made after
 * the range was found not to be cut may begin before it, and end behind it.
 */
static bool type1_next_live(struct type1 *t1, u64 first, u64 last, struct type1_range *range)
{
	struct type1_mapping *mapping;

	spin_lock(&t1->lock);
	mapping = type1_find(t1, first, last);
	while (mapping && mapping->iova <= last && mapping->state != TYPE1_LIVE)
		mapping = type1_next(mapping);
	if (mapping && mapping->iova > last)
		mapping = NULL;
	if (mapping)
		*range = (struct type1_range){max(mapping->iova, first), min(mapping->last, last)};
	spin_unlock(&t1->lock);
	return mapping;
}

static int type1_get_bitmap(struct type1 *t1, const struct vfio_iommu_type1_dirty_bitmap_get *get)
{
	u64 last = get->iova + get->size - 1, from = get->iova;
	struct type1_range range;
	bool cut;
	int ret;

	spin_lock(&t1->lock);
	cut = type1_is_cut(t1, get->iova, last);
	spin_unlock(&t1->lock);
	if (cut)
		return -EINVAL;
	while (type1_next_live(t1, from, last, &range)) {
		ret = type1_dirty_report(&get->bitmap, get->iova, range.first, range.last);
		if (ret || range.last >= last)
			return ret;
		from = range.last + 1;
		if (fatal_signal_pending(current))
			return -EINTR;
		cond_resched();
	}
	return 0;
}

static int type1_dirty_get(struct type1 *t1, void __user *arg, size_t size)
{
	struct vfio_iommu_type1_dirty_bitmap_get get;
	u64 pgsize;
	int ret;

	if (size < sizeof(get))
		return -EINVAL;
	if (copy_from_user(&get, arg, sizeof(get)))
		return -EFAULT;
	if (get.iova + get.size < get.iova || !access_ok(get.bitmap.data, get.bitmap.size) ||
	    !get.bitmap.pgsize)
		return -EINVAL;
	ret = type1_dirty_check(get.size >> __ffs64(get.bitmap.pgsize), &get.bitmap);
	if (ret)
		return ret;

	ret = type1_enter(t1);
	if (ret)
		return ret;
	pgsize = type1_pgsize(t1);
	if (get.bitmap.pgsize != pgsize || ((get.iova | get.size) & (pgsize - 1)) || !get.size ||
	    !READ_ONCE(t1->dirty_tracking))
		ret = -EINVAL;
	else
		ret = type1_get_bitmap(t1, &get);
	type1_leave(t1);
	return ret;
}

long type1_ioctl_dirty(struct type1 *t1, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_iommu_type1_dirty_bitmap, flags);
	struct vfio_iommu_type1_dirty_bitmap dirty;

	if (!t1->v2)
		return -EACCES;
	if (copy_from_user(&dirty, arg, minsz))
		return -EFAULT;
	if (dirty.argsz < minsz)
		return -EINVAL;
	switch (dirty.flags) {
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_START:
		WRITE_ONCE(t1->dirty_tracking, true);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_STOP:
		WRITE_ONCE(t1->dirty_tracking, false);
		return 0;
	case VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP:
		return type1_dirty_get(t1, arg + minsz, dirty.argsz - minsz);
	default:
		return -EINVAL;
	}
}
