// SPDX-License-Identifier: GPL-2.0-only
/*
 * Eventfds that the kernel signals from anywhere: interrupt handlers, error
 * recovery, removal. Readers use RCU, so that signalling takes no lock and cannot
 * meet an eventfd that was put; who replaces one holds the irq lock.
 */
#include "vfio_pci_private.h"

/* Return: whether there was an eventfd to signal. */
bool vfio_pci_trigger_signal(struct vfio_pci_trigger *trigger)
{
	struct eventfd_ctx *ctx;

	rcu_read_lock();
	ctx = rcu_dereference(trigger->ctx);
	if (ctx)
		eventfd_signal(ctx);
	rcu_read_unlock();
	return ctx;
}

/* Takes over the reference to @ctx, which may be NULL. */
void vfio_pci_trigger_replace(struct vfio_pci_trigger *trigger, struct eventfd_ctx *ctx)
{
	struct eventfd_ctx *old = rcu_replace_pointer(trigger->ctx, ctx, true);

	if (!old)
		return;
	synchronize_rcu();
	eventfd_ctx_put(old);
}

static int vfio_pci_trigger_set_fd(struct vfio_pci_trigger *trigger, s32 fd)
{
	struct eventfd_ctx *ctx = NULL;

	if (fd >= 0) {
		ctx = eventfd_ctx_fdget(fd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	vfio_pci_trigger_replace(trigger, ctx);
	return 0;
}

/* SET_IRQS with action TRIGGER on an index of one such interrupt: error or request. */
int vfio_pci_trigger_set(struct vfio_pci_trigger *trigger, const struct vfio_irq_set *hdr,
			 const void *data)
{
	const bool on = rcu_access_pointer(trigger->ctx);

	switch (hdr->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_NONE:
		if (!on)
			return -EINVAL;
		if (hdr->count)
			vfio_pci_trigger_signal(trigger);
		else
			vfio_pci_trigger_replace(trigger, NULL);
		return 0;
	case VFIO_IRQ_SET_DATA_BOOL:
		if (!on || !hdr->count)
			return -EINVAL;
		if (*(const u8 *)data)
			vfio_pci_trigger_signal(trigger);
		return 0;
	default:
		return hdr->count ? vfio_pci_trigger_set_fd(trigger, *(const s32 *)data) : -EINVAL;
	}
}
