// SPDX-License-Identifier: GPL-2.0-only
/*
 * Listeners: the kernel side of an eventfd that userspace signals, as KVM does
 * to unmask an INTx. Device backends call it.
 *
 * A listener is owned by its slot as long as the slot points to it. Whoever
 * takes it out of the slot, under slots_lock, must queue its end: either the
 * backend (detach) or the eventfd that is closed (EPOLLHUP). The end runs on a
 * work queue of its own, because the wake-up that reports EPOLLHUP holds the
 * lock of the very wait queue that the listener must leave. Detach flushes that
 * queue, so it also waits for an end that a close began a moment before.
 */
#include <linux/eventfd.h>
#include <linux/export.h>
#include <linux/file.h>
#include <linux/poll.h>
#include <linux/slab.h>
#include <linux/workqueue.h>
#include "vfio_private.h"

struct vfio_listener {
	const struct vfio_listener_ops *ops;
	void *opaque;
	struct vfio_listener **slot;
	struct eventfd_ctx *eventfd;
	wait_queue_entry_t wait;
	poll_table poll;
	struct work_struct work;  /* calls ops->work; on the system's queue */
	struct work_struct flush; /* waits for work; on ends */
	struct work_struct end;	  /* frees the listener; on ends */
};

static DEFINE_SPINLOCK(slots_lock);
static struct workqueue_struct *ends;

static void vfio_listener_work(struct work_struct *work)
{
	struct vfio_listener *l = container_of(work, struct vfio_listener, work);

	l->ops->work(l->opaque);
}

static void vfio_listener_flush_work(struct work_struct *work)
{
	struct vfio_listener *l = container_of(work, struct vfio_listener, flush);

	flush_work(&l->work);
}

static void vfio_listener_end(struct work_struct *work)
{
	struct vfio_listener *l = container_of(work, struct vfio_listener, end);
	u64 count;

	/* No wake-up comes after this, so nothing can queue the work again. */
	eventfd_ctx_remove_wait_queue(l->eventfd, &l->wait, &count);
	flush_work(&l->flush);
	flush_work(&l->work);
	eventfd_ctx_put(l->eventfd);
	kfree(l);
}

static void vfio_listener_fire(struct vfio_listener *l)
{
	bool more = !l->ops->signalled || l->ops->signalled(l->opaque);

	if (more && l->ops->work)
		schedule_work(&l->work);
}

static int vfio_listener_wake(wait_queue_entry_t *wait, unsigned int mode, int sync, void *key)
{
	struct vfio_listener *l = container_of(wait, struct vfio_listener, wait);
	__poll_t events = key_to_poll(key);
	unsigned long flags;
	u64 count;

	if (events & EPOLLIN) {
		eventfd_ctx_do_read(l->eventfd, &count);
		vfio_listener_fire(l);
	}
	if (events & EPOLLHUP) {
		spin_lock_irqsave(&slots_lock, flags);
		if (*l->slot == l) {
			*l->slot = NULL;
			queue_work(ends, &l->end);
		}
		spin_unlock_irqrestore(&slots_lock, flags);
	}
	return 0;
}

static void vfio_listener_enqueue(struct file *file, wait_queue_head_t *head, poll_table *poll)
{
	struct vfio_listener *l = container_of(poll, struct vfio_listener, poll);

	add_wait_queue(head, &l->wait);
}

static struct vfio_listener *vfio_listener_new(struct vfio_listener **slot,
					       const struct vfio_listener_ops *ops, void *opaque)
{
	struct vfio_listener *l = kzalloc(sizeof(*l), GFP_KERNEL_ACCOUNT);

	if (!l)
		return NULL;
	l->ops = ops;
	l->opaque = opaque;
	l->slot = slot;
	INIT_WORK(&l->work, vfio_listener_work);
	INIT_WORK(&l->flush, vfio_listener_flush_work);
	INIT_WORK(&l->end, vfio_listener_end);
	init_waitqueue_func_entry(&l->wait, vfio_listener_wake);
	init_poll_funcptr(&l->poll, vfio_listener_enqueue);
	return l;
}

int vfio_listener_attach(struct vfio_listener **slot, int fd, const struct vfio_listener_ops *ops,
			 void *opaque)
{
	struct vfio_listener *l;
	struct file *file;
	int ret;

	l = vfio_listener_new(slot, ops, opaque);
	if (!l)
		return -ENOMEM;
	/* The file is held until we are in its wait queue, so that no EPOLLHUP is missed. */
	file = fget(fd);
	ret = -EBADF;
	if (!file)
		goto err_free;
	l->eventfd = eventfd_ctx_fileget(file);
	ret = PTR_ERR_OR_ZERO(l->eventfd);
	if (ret)
		goto err_file;

	spin_lock_irq(&slots_lock);
	ret = *slot ? -EBUSY : 0;
	if (!ret)
		*slot = l;
	spin_unlock_irq(&slots_lock);
	if (ret)
		goto err_eventfd;

	if (vfs_poll(file, &l->poll) & EPOLLIN)
		vfio_listener_fire(l);
	fput(file);
	return 0;

err_eventfd:
	eventfd_ctx_put(l->eventfd);
err_file:
	fput(file);
err_free:
	kfree(l);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_listener_attach);

void vfio_listener_detach(struct vfio_listener **slot)
{
	unsigned long flags;

	spin_lock_irqsave(&slots_lock, flags);
	if (*slot) {
		queue_work(ends, &(*slot)->end);
		*slot = NULL;
	}
	spin_unlock_irqrestore(&slots_lock, flags);
	flush_workqueue(ends);
}
EXPORT_SYMBOL_GPL(vfio_listener_detach);

void vfio_listener_flush(struct vfio_listener **slot)
{
	unsigned long flags;

	spin_lock_irqsave(&slots_lock, flags);
	if (*slot)
		queue_work(ends, &(*slot)->flush);
	spin_unlock_irqrestore(&slots_lock, flags);
	flush_workqueue(ends);
}
EXPORT_SYMBOL_GPL(vfio_listener_flush);

int __init vfio_listener_init(void)
{
	ends = alloc_workqueue("vfio-listener", 0, 0);
	return ends ? 0 : -ENOMEM;
}

void vfio_listener_exit(void)
{
	destroy_workqueue(ends);
}
