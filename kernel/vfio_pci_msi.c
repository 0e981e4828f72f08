// SPDX-License-Identifier: GPL-2.0-only
/*
 * MSI and MSI-X: one eventfd for each vector. Vectors are allocated when the index
 * is enabled, as many as the user names then; MSI-X vectors beyond that are added
 * one by one as they are named, where the platform can do that, and stay until the
 * index is disabled. The irq lock is held throughout.
 *
 * The kernel writes messages into the table in a BAR: vfio_pci_memory_force().
 */
#include <linux/interrupt.h>
#include <linux/irqbypass.h>
#include <linux/msi.h>
#include <linux/slab.h>
#include "vfio_pci_private.h"

struct vfio_pci_vector {
	struct eventfd_ctx *ctx; /* NULL: not requested */
	struct irq_bypass_producer producer;
	bool bypass; /* producer is registered */
	int irq;
	char *name;
};

static irqreturn_t vfio_pci_msi_handler(int irq, void *ctx)
{
	eventfd_signal(ctx);
	return IRQ_HANDLED;
}

/* ---- one vector; memory forced on ---- */

static void vfio_pci_vector_off(struct vfio_pci_vector *vector)
{
	if (!vector->ctx)
		return;
	if (vector->bypass)
		irq_bypass_unregister_producer(&vector->producer);
	free_irq(vector->irq, vector->ctx);
	kfree(vector->name);
	eventfd_ctx_put(vector->ctx);
	*vector = (struct vfio_pci_vector){};
}

static int vfio_pci_vector_irq(struct vfio_pci_device *dev, u32 index)
{
	const int irq = pci_irq_vector(dev->pdev, index);
	struct msi_map map;

	if (irq > 0 || dev->irq_index != VFIO_PCI_MSIX_IRQ_INDEX ||
	    !pci_msix_can_alloc_dyn(dev->pdev))
		return irq;
	map = pci_msix_alloc_irq_at(dev->pdev, index, NULL);
	return map.index < 0 ? map.index : map.virq;
}

/*
 * A device that was reset by a register of its own has lost its table; the kernel does not know.
 * Write again what should be there.
 */
static void vfio_pci_vector_rewrite(struct vfio_pci_device *dev, int irq)
{
	struct msi_msg msg;

	if (dev->irq_index != VFIO_PCI_MSIX_IRQ_INDEX)
		return;
	get_cached_msi_msg(irq, &msg);
	pci_write_msi_msg(irq, &msg);
}

/* KVM may take the interrupt over. If it cannot, the handler does it. */
static void vfio_pci_vector_bypass(struct vfio_pci_device *dev, struct vfio_pci_vector *vector)
{
	vector->producer.token = vector->ctx;
	vector->producer.irq = vector->irq;
	vector->bypass = !irq_bypass_register_producer(&vector->producer);
}

/* Takes over the reference to @ctx when it succeeds. */
static int vfio_pci_vector_on(struct vfio_pci_device *dev, u32 index, struct eventfd_ctx *ctx)
{
	struct vfio_pci_vector *vector = &dev->vectors[index];
	int ret, irq;

	irq = vfio_pci_vector_irq(dev, index);
	if (irq < 0)
		return irq;
	vector->name = kasprintf(GFP_KERNEL_ACCOUNT, "vfio-msi%s[%u](%s)",
				 dev->irq_index == VFIO_PCI_MSIX_IRQ_INDEX ? "x" : "", index,
				 pci_name(dev->pdev));
	if (!vector->name)
		return -ENOMEM;
	vfio_pci_vector_rewrite(dev, irq);
	ret = request_irq(irq, vfio_pci_msi_handler, 0, vector->name, ctx);
	if (ret) {
		kfree(vector->name);
		vector->name = NULL;
		return ret;
	}
	vector->irq = irq;
	vector->ctx = ctx;
	vfio_pci_vector_bypass(dev, vector);
	return 0;
}

/* ---- the index as a whole ---- */

/* Return: 0, a negative errno, or the lower number of vectors that there are. */
static int vfio_pci_msi_on(struct vfio_pci_device *dev, u32 index, u32 count)
{
	const unsigned int type = index == VFIO_PCI_MSIX_IRQ_INDEX ? PCI_IRQ_MSIX : PCI_IRQ_MSI;
	u16 command;
	int ret;

	dev->vectors =
		kvcalloc(vfio_pci_irq_count(dev, index), sizeof(*dev->vectors), GFP_KERNEL_ACCOUNT);
	if (!dev->vectors)
		return -ENOMEM;
	command = vfio_pci_memory_force(dev);
	ret = pci_alloc_irq_vectors(dev->pdev, 1, count, type);
	if (ret > 0 && ret < count)
		pci_free_irq_vectors(dev->pdev);
	vfio_pci_memory_unforce(dev, command);
	if (ret != count) {
		kvfree(dev->vectors);
		dev->vectors = NULL;
		return ret;
	}
	dev->irq_index = index;
	return 0;
}

void vfio_pci_msi_off(struct vfio_pci_device *dev)
{
	const u32 count = vfio_pci_irq_count(dev, dev->irq_index);
	u16 command;

	command = vfio_pci_memory_force(dev);
	for (u32 i = 0; i < count; i++)
		vfio_pci_vector_off(&dev->vectors[i]);
	pci_free_irq_vectors(dev->pdev);
	/* That switched INTx on, which nobody handles. */
	if (dev->intx.can_mask)
		pci_intx(dev->pdev, 0);
	vfio_pci_memory_unforce(dev, command);
	kvfree(dev->vectors);
	dev->vectors = NULL;
	dev->irq_index = VFIO_PCI_IRQ_NONE;
}

/* ---- SET_IRQS ---- */

static void vfio_pci_msi_put_all(struct eventfd_ctx **ctx, u32 count)
{
	for (u32 i = 0; i < count; i++)
		if (ctx[i])
			eventfd_ctx_put(ctx[i]);
	kvfree(ctx);
}

/* All descriptors are looked up before anything changes, so that a bad one changes nothing. */
static struct eventfd_ctx **vfio_pci_msi_get_all(const s32 *fds, u32 count)
{
	struct eventfd_ctx **ctx;
	int ret;

	ctx = kvcalloc(count, sizeof(*ctx), GFP_KERNEL_ACCOUNT);
	if (!ctx)
		return ERR_PTR(-ENOMEM);
	for (u32 i = 0; i < count; i++) {
		if (fds[i] < 0)
			continue;
		ctx[i] = eventfd_ctx_fdget(fds[i]);
		if (IS_ERR(ctx[i])) {
			ret = PTR_ERR(ctx[i]);
			ctx[i] = NULL;
			vfio_pci_msi_put_all(ctx, i);
			return ERR_PTR(ret);
		}
	}
	return ctx;
}

static int vfio_pci_msi_assign_all(struct vfio_pci_device *dev, u32 start, u32 count,
				   struct eventfd_ctx **ctx)
{
	const u16 command = vfio_pci_memory_force(dev);
	int ret = 0;
	u32 i;

	for (i = 0; i < count && !ret; i++) {
		vfio_pci_vector_off(&dev->vectors[start + i]);
		if (!ctx[i])
			continue;
		ret = vfio_pci_vector_on(dev, start + i, ctx[i]);
		if (!ret)
			ctx[i] = NULL;
	}
	/* No half of a request: none of its vectors is left on. */
	while (ret && i--)
		vfio_pci_vector_off(&dev->vectors[start + i]);
	vfio_pci_memory_unforce(dev, command);
	return ret;
}

static int vfio_pci_msi_set_fds(struct vfio_pci_device *dev, const struct vfio_irq_set *hdr,
				const s32 *fds)
{
	const bool was_on = dev->irq_index == hdr->index;
	struct eventfd_ctx **ctx;
	int ret = 0;

	ctx = vfio_pci_msi_get_all(fds, hdr->count);
	if (IS_ERR(ctx))
		return PTR_ERR(ctx);
	if (!was_on)
		ret = vfio_pci_msi_on(dev, hdr->index, hdr->start + hdr->count);
	if (!ret) {
		ret = vfio_pci_msi_assign_all(dev, hdr->start, hdr->count, ctx);
		if (ret && !was_on)
			vfio_pci_msi_off(dev);
	}
	vfio_pci_msi_put_all(ctx, hdr->count);
	return ret;
}

static void vfio_pci_msi_signal(struct vfio_pci_device *dev, const struct vfio_irq_set *hdr,
				const u8 *wanted)
{
	for (u32 i = 0; i < hdr->count; i++) {
		struct eventfd_ctx *ctx = dev->vectors[hdr->start + i].ctx;

		if (ctx && (!wanted || wanted[i]))
			eventfd_signal(ctx);
	}
}

int vfio_pci_msi_set(struct vfio_pci_device *dev, const struct vfio_irq_set *hdr, const void *data)
{
	const bool on = dev->irq_index == hdr->index;

	if (dev->irq_index != VFIO_PCI_IRQ_NONE && !on)
		return -EINVAL;
	switch (hdr->flags & VFIO_IRQ_SET_DATA_TYPE_MASK) {
	case VFIO_IRQ_SET_DATA_EVENTFD:
		return hdr->count ? vfio_pci_msi_set_fds(dev, hdr, data) : -EINVAL;
	case VFIO_IRQ_SET_DATA_NONE:
		if (!on)
			return -EINVAL;
		if (hdr->count)
			vfio_pci_msi_signal(dev, hdr, NULL);
		else
			vfio_pci_msi_off(dev);
		return 0;
	default:
		if (!on)
			return -EINVAL;
		vfio_pci_msi_signal(dev, hdr, data);
		return 0;
	}
}
