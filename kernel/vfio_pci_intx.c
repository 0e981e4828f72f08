// SPDX-License-Identifier: GPL-2.0-only
/*
 * INTx: one level-triggered line, perhaps shared. A handler cannot make the
 * device lower it, so it masks the line and tells the user, who serves the device
 * and unmasks, by ioctl or by an eventfd.
 *
 * Two things keep the line off, besides: the user's own COMMAND.INTX_DISABLE, and
 * the device being out of reach (in reset, suspended), when it must not be asked
 * whether it interrupts. The line is on only if none of the three says no. It is
 * switched by INTX_DISABLE in the device where that works, and at the interrupt
 * controller otherwise, which is why such a device cannot share its line.
 */
#include <linux/interrupt.h>
#include <linux/slab.h>
#include "vfio_pci_private.h"

/* ---- the line; intx->lock held ---- */

static void vfio_pci_intx_line_off(struct vfio_pci_device *dev)
{
	struct vfio_pci_intx *intx = &dev->intx;

	lockdep_assert_held(&intx->lock);
	if (intx->line_off)
		return;
	if (intx->can_mask)
		pci_intx(dev->pdev, 0);
	else
		disable_irq_nosync(dev->pdev->irq);
	intx->line_off = true;
}

/*
 * On again if nothing speaks against it. Return: true if the device interrupts already; then the
 * line stays masked, and the user must be told.
 */
static bool vfio_pci_intx_line_on(struct vfio_pci_device *dev)
{
	struct vfio_pci_intx *intx = &dev->intx;

	lockdep_assert_held(&intx->lock);
	if (!intx->line_off || intx->masked || intx->disabled || intx->hold)
		return false;
	if (intx->can_mask) {
		if (!pci_check_and_unmask_intx(dev->pdev)) {
			intx->masked = true;
			return true;
		}
	} else {
		enable_irq(dev->pdev->irq);
	}
	intx->line_off = false;
	return false;
}

static irqreturn_t vfio_pci_intx_handler(int irq, void *opaque)
{
	struct vfio_pci_intx *intx = opaque;
	struct vfio_pci_device *dev = intx->dev;
	irqreturn_t ret = IRQ_NONE;
	unsigned long flags;

	spin_lock_irqsave(&intx->lock, flags);
	if (intx->line_off || intx->hold) {
		/* Another device on our line. */
	} else if (!intx->can_mask) {
		vfio_pci_intx_line_off(dev);
		ret = IRQ_HANDLED;
	} else if (pci_check_and_mask_intx(dev->pdev)) {
		intx->line_off = true;
		ret = IRQ_HANDLED;
	}
	if (ret == IRQ_HANDLED)
		intx->masked = true;
	spin_unlock_irqrestore(&intx->lock, flags);

	if (ret == IRQ_HANDLED)
		vfio_pci_trigger_signal(&intx->trigger);
	return ret;
}

/* ---- mask and unmask ---- */

static void vfio_pci_intx_mask(struct vfio_pci_device *dev)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx.lock, flags);
	dev->intx.masked = true;
	vfio_pci_intx_line_off(dev);
	spin_unlock_irqrestore(&dev->intx.lock, flags);
}

static bool vfio_pci_intx_unmask_quietly(struct vfio_pci_device *dev)
{
	unsigned long flags;
	bool pending;

	spin_lock_irqsave(&dev->intx.lock, flags);
	dev->intx.masked = false;
	pending = vfio_pci_intx_line_on(dev);
	spin_unlock_irqrestore(&dev->intx.lock, flags);
	return pending;
}

static void vfio_pci_intx_unmask(struct vfio_pci_device *dev)
{
	if (vfio_pci_intx_unmask_quietly(dev))
		vfio_pci_trigger_signal(&dev->intx.trigger);
}

/*
 * By eventfd. An eventfd must not be signalled out of the wake-up of another, so a pending
 * interrupt is left to the work. So is all if we are in our own handler, because the user gave the
 * same eventfd twice: unmasking there would never let the processor go.
 */
static bool vfio_pci_intx_unmask_signalled(void *opaque)
{
	return in_hardirq() || vfio_pci_intx_unmask_quietly(opaque);
}

static void vfio_pci_intx_unmask_work(void *opaque)
{
	vfio_pci_intx_unmask(opaque);
}

static const struct vfio_listener_ops unmask_ops = {
	.signalled = vfio_pci_intx_unmask_signalled,
	.work = vfio_pci_intx_unmask_work,
};

/* ---- what others do to the line ---- */

/* The user wrote COMMAND.INTX_DISABLE. */
void vfio_pci_intx_set_disabled(struct vfio_pci_device *dev, bool disabled)
{
	struct vfio_pci_intx *intx = &dev->intx;
	bool pending = false;

	mutex_lock(&dev->irq_lock);
	spin_lock_irq(&intx->lock);
	intx->disabled = disabled;
	if (dev->irq_index == VFIO_PCI_INTX_IRQ_INDEX) {
		if (disabled)
			vfio_pci_intx_line_off(dev);
		else
			pending = vfio_pci_intx_line_on(dev);
	}
	spin_unlock_irq(&intx->lock);
	if (pending)
		vfio_pci_trigger_signal(&intx->trigger);
	mutex_unlock(&dev->irq_lock);
}

/*
 * Between hold and resume the handler does not touch the device. Called under device lock or by
 * runtime power management; the irq lock is not taken, so all is under the spin lock.
 */
void vfio_pci_intx_hold(struct vfio_pci_device *dev)
{
	unsigned long flags;

	spin_lock_irqsave(&dev->intx.lock, flags);
	if (dev->intx.name)
		vfio_pci_intx_line_off(dev);
	dev->intx.hold++;
	spin_unlock_irqrestore(&dev->intx.lock, flags);
}

void vfio_pci_intx_resume(struct vfio_pci_device *dev)
{
	unsigned long flags;
	bool pending = false;

	spin_lock_irqsave(&dev->intx.lock, flags);
	dev->intx.hold--;
	if (dev->intx.name)
		pending = vfio_pci_intx_line_on(dev);
	spin_unlock_irqrestore(&dev->intx.lock, flags);
	if (pending)
		vfio_pci_trigger_signal(&dev->intx.trigger);
}

/* ---- on and off; irq lock held ---- */

static int vfio_pci_intx_request(struct vfio_pci_device *dev, const char *name)
{
	struct vfio_pci_intx *intx = &dev->intx;
	const unsigned long flags = intx->can_mask ? IRQF_SHARED : IRQF_NO_AUTOEN;

	/* Off until the handler is there, whichever way. */
	spin_lock_irq(&intx->lock);
	if (intx->can_mask)
		pci_intx(dev->pdev, 0);
	intx->line_off = true;
	intx->masked = false;
	spin_unlock_irq(&intx->lock);
	return request_irq(dev->pdev->irq, vfio_pci_intx_handler, flags, name, intx);
}

static int vfio_pci_intx_on(struct vfio_pci_device *dev, struct eventfd_ctx *ctx)
{
	struct vfio_pci_intx *intx = &dev->intx;
	bool pending;
	char *name;
	int ret;

	name = kasprintf(GFP_KERNEL_ACCOUNT, "vfio-intx(%s)", pci_name(dev->pdev));
	if (!name)
		return -ENOMEM;
	ret = vfio_pci_intx_request(dev, name);
	if (ret) {
		kfree(name);
		return ret;
	}
	vfio_pci_trigger_replace(&intx->trigger, ctx);
	dev->irq_index = VFIO_PCI_INTX_IRQ_INDEX;
	spin_lock_irq(&intx->lock);
	intx->name = name;
	pending = vfio_pci_intx_line_on(dev);
	spin_unlock_irq(&intx->lock);
	if (pending)
		vfio_pci_trigger_signal(&intx->trigger);
	return 0;
}

void vfio_pci_intx_off(struct vfio_pci_device *dev)
{
	struct vfio_pci_intx *intx = &dev->intx;
	char *name = intx->name;

	vfio_listener_detach(&intx->unmask);
	spin_lock_irq(&intx->lock);
	vfio_pci_intx_line_off(dev);
	intx->name = NULL;
	spin_unlock_irq(&intx->lock);
	free_irq(dev->pdev->irq, intx);
	kfree(name);
	vfio_pci_trigger_replace(&intx->trigger, NULL);
	dev->irq_index = VFIO_PCI_IRQ_NONE;
}

/* ---- SET_IRQS ---- */

static int vfio_pci_intx_set_trigger(struct vfio_pci_device *dev, s32 fd)
{
	const bool on = dev->irq_index == VFIO_PCI_INTX_IRQ_INDEX;
	struct eventfd_ctx *ctx = NULL;
	int ret;

	if (fd < 0 && !on)
		return 0;
	if (fd >= 0) {
		ctx = eventfd_ctx_fdget(fd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	if (on) {
		vfio_pci_trigger_replace(&dev->intx.trigger, ctx);
		return 0;
	}
	ret = vfio_pci_intx_on(dev, ctx);
	if (ret)
		eventfd_ctx_put(ctx);
	return ret;
}

static int vfio_pci_intx_set_unmask(struct vfio_pci_device *dev, s32 fd)
{
	if (fd >= 0)
		return vfio_listener_attach(&dev->intx.unmask, fd, &unmask_ops, dev);
	vfio_listener_detach(&dev->intx.unmask);
	return 0;
}

static void vfio_pci_intx_act(struct vfio_pci_device *dev, u32 action)
{
	if (action == VFIO_IRQ_SET_ACTION_MASK)
		vfio_pci_intx_mask(dev);
	else if (action == VFIO_IRQ_SET_ACTION_UNMASK)
		vfio_pci_intx_unmask(dev);
	else
		vfio_pci_trigger_signal(&dev->intx.trigger);
}

int vfio_pci_intx_set(struct vfio_pci_device *dev, const struct vfio_irq_set *hdr, const void *data)
{
	const u32 action = hdr->flags & VFIO_IRQ_SET_ACTION_TYPE_MASK;
	const u32 type = hdr->flags & VFIO_IRQ_SET_DATA_TYPE_MASK;
	const bool on = dev->irq_index == VFIO_PCI_INTX_IRQ_INDEX;

	if (dev->irq_index != VFIO_PCI_IRQ_NONE && !on)
		return -EINVAL;
	if (!hdr->count) {
		if (!on || type != VFIO_IRQ_SET_DATA_NONE || action != VFIO_IRQ_SET_ACTION_TRIGGER)
			return -EINVAL;
		vfio_pci_intx_off(dev);
		return 0;
	}
	if (type == VFIO_IRQ_SET_DATA_EVENTFD) {
		if (action == VFIO_IRQ_SET_ACTION_TRIGGER)
			return vfio_pci_intx_set_trigger(dev, *(const s32 *)data);
		if (!on)
			return -EINVAL;
		if (action == VFIO_IRQ_SET_ACTION_UNMASK)
			return vfio_pci_intx_set_unmask(dev, *(const s32 *)data);
		return -ENOTTY;
	}
	if (!on)
		return -EINVAL;
	if (type == VFIO_IRQ_SET_DATA_NONE || *(const u8 *)data)
		vfio_pci_intx_act(dev, action);
	return 0;
}
