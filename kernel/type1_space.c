// SPDX-License-Identifier: GPL-2.0-only
/*
 * The address space of a container as a place: who is inside, and the tree of
 * its mappings. The rules are in type1.h.
 */
#include <linux/sched/signal.h>
#include "type1.h"

/* ---- entering and closing ---- */

/* Takes the lock in any case. Return: 0, or -EINTR and not inside. */
int type1_enter_locked(struct type1 *t1) __acquires(&t1->lock)
{
	int ret = 0;

	spin_lock(&t1->lock);
	while (unlikely(t1->closed) && !ret) {
		spin_unlock(&t1->lock);
		ret = wait_event_killable(t1->wait, !READ_ONCE(t1->closed));
		spin_lock(&t1->lock);
	}
	if (unlikely(ret))
		return -EINTR;
	t1->inside++;
	return 0;
}

/* Drops the lock, too. */
void type1_leave_locked(struct type1 *t1) __releases(&t1->lock)
{
	bool last = --t1->inside == 0 && t1->closed;

	spin_unlock(&t1->lock);
	if (last)
		wake_up_all(&t1->wait);
}

/* Return: 0 or -EINTR. */
int type1_enter(struct type1 *t1)
{
	int ret = type1_enter_locked(t1);

	spin_unlock(&t1->lock);
	return ret;
}

void type1_leave(struct type1 *t1)
{
	spin_lock(&t1->lock);
	type1_leave_locked(t1);
}

static void type1_bar(struct type1 *t1, bool closed)
{
	spin_lock(&t1->lock);
	t1->closed = closed;
	spin_unlock(&t1->lock);
}

/**
 * type1_close - be alone in the space
 * @t1: the space; the caller is not inside
 *
 * Return: 0, or -EINTR and it is as it was.
 */
int type1_close(struct type1 *t1)
{
	if (mutex_lock_killable(&t1->closing))
		return -EINTR;
	type1_bar(t1, true);
	if (!wait_event_killable(t1->wait, !READ_ONCE(t1->inside)))
		return 0;
	type1_open(t1);
	return -EINTR;
}

/* The same for those who cannot turn back. */
void type1_close_final(struct type1 *t1)
{
	mutex_lock(&t1->closing);
	type1_bar(t1, true);
	wait_event(t1->wait, !READ_ONCE(t1->inside));
}

void type1_open(struct type1 *t1)
{
	type1_bar(t1, false);
	wake_up_all(&t1->wait);
	mutex_unlock(&t1->closing);
}

/* ---- the tree; callers hold t1->lock, or closed the space ---- */

static struct type1_mapping *type1_entry(struct rb_node *node)
{
	return rb_entry_safe(node, struct type1_mapping, node);
}

/* The first mapping that has a byte in first..last, or NULL. */
struct type1_mapping *type1_find(struct type1 *t1, u64 first, u64 last)
{
	struct rb_node *node = t1->mappings.rb_node;
	struct type1_mapping *found = NULL;

	while (node) {
		struct type1_mapping *mapping = type1_entry(node);

		if (mapping->last < first) {
			node = node->rb_right;
		} else {
			if (mapping->iova <= last)
				found = mapping;
			node = node->rb_left;
		}
	}
	return found;
}

struct type1_mapping *type1_next(struct type1_mapping *mapping)
{
	return type1_entry(rb_next(&mapping->node));
}

/* Return: NULL, or a mapping that has some of the bytes, and nothing is inserted. */
struct type1_mapping *type1_insert(struct type1 *t1, struct type1_mapping *mapping)
{
	struct rb_node **link = &t1->mappings.rb_node, *parent = NULL;

	while (*link) {
		struct type1_mapping *other = type1_entry(*link);

		parent = *link;
		if (mapping->last < other->iova)
			link = &parent->rb_left;
		else if (mapping->iova > other->last)
			link = &parent->rb_right;
		else
			return other;
	}
	rb_link_node(&mapping->node, parent, link);
	rb_insert_color(&mapping->node, &t1->mappings);
	return NULL;
}

void type1_erase(struct type1 *t1, struct type1_mapping *mapping)
{
	rb_erase(&mapping->node, &t1->mappings);
	t1->available++;
}

/* Does first..last begin or end inside a mapping? */
bool type1_is_cut(struct type1 *t1, u64 first, u64 last)
{
	struct type1_mapping *mapping = type1_find(t1, first, last);

	if (!mapping)
		return false;
	if (mapping->iova < first && first <= type1_mapped_last(mapping))
		return true;
	/* One mapping is most often all of it. */
	if (type1_mapped_last(mapping) == last)
		return false;
	mapping = type1_find(t1, last, last);
	return mapping && last < type1_mapped_last(mapping);
}

/* ---- states of mappings; with t1->lock held ---- */

void type1_changed(struct type1 *t1)
{
	lockdep_assert_held(&t1->lock);
	t1->changes++;
	if (t1->waiting)
		wake_up_all(&t1->wait);
}

/* Drops the lock until some mapping has changed its state, then takes it again. Return: 0 or
 * -EINTR. */
int type1_wait_change(struct type1 *t1) __releases(&t1->lock) __acquires(&t1->lock)
{
	unsigned long seen = t1->changes;
	int ret;

	lockdep_assert_held(&t1->lock);
	t1->waiting++;
	spin_unlock(&t1->lock);
	ret = wait_event_killable(t1->wait, READ_ONCE(t1->changes) != seen);
	spin_lock(&t1->lock);
	t1->waiting--;
	return ret ? -EINTR : 0;
}
