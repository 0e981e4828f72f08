// SPDX-License-Identifier: GPL-2.0-only
/*
 * Interrupts: which indexes there are, and SET_IRQS on its way to the file that
 * knows the index. INTx, MSI and MSI-X exclude each other; error and request
 * interrupts, which are the kernel's own, are there besides.
 */
#include <linux/interrupt.h>
#include <linux/nospec.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

/* ---- what the device has ---- */

static u32 vfio_pci_count_msi(struct pci_dev *pdev)
{
	u16 flags;

	if (!pdev->msi_cap)
		return 0;
	pci_read_config_word(pdev, pdev->msi_cap + PCI_MSI_FLAGS, &flags);
	return 1 << min(FIELD_GET(PCI_MSI_FLAGS_QMASK, flags), 5);
}

static void vfio_pci_find_msix(struct vfio_pci_device *dev)
{
	struct pci_dev *pdev = dev->pdev;
	u32 table;
	u16 flags;

	dev->msix_bar = PCI_STD_NUM_BARS;
	dev->msix_count = 0;
	if (!pdev->msix_cap)
		return;
	pci_read_config_word(pdev, pdev->msix_cap + PCI_MSIX_FLAGS, &flags);
	pci_read_config_dword(pdev, pdev->msix_cap + PCI_MSIX_TABLE, &table);
	if (FIELD_GET(PCI_MSIX_TABLE_BIR, table) >= PCI_STD_NUM_BARS)
		return;
	dev->msix_count = FIELD_GET(PCI_MSIX_FLAGS_QSIZE, flags) + 1;
	dev->msix_bar = FIELD_GET(PCI_MSIX_TABLE_BIR, table);
	dev->msix_offset = table & PCI_MSIX_TABLE_OFFSET;
	dev->msix_size = dev->msix_count * PCI_MSIX_ENTRY_SIZE;
}

/*
 * Does COMMAND.INTX_DISABLE work (PCI 2.3 and later)? The device says so by keeping the bit. It is
 * left set: nobody handles the line until the user asks for it.
 */
static bool vfio_pci_can_mask_intx(struct vfio_pci_device *dev)
{
	u16 command;

	if (dev->policy->no_intx_mask || dev->pdev->broken_intx_masking)
		return false;
	pci_intx(dev->pdev, 0);
	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	return command & PCI_COMMAND_INTX_DISABLE;
}

static bool vfio_pci_find_intx(struct pci_dev *pdev)
{
	u8 pin = 0;

	if (pdev->is_virtfn || !pdev->irq || pdev->irq == IRQ_NOTCONNECTED)
		return false;
	pci_read_config_byte(pdev, PCI_INTERRUPT_PIN, &pin);
	return pin;
}

void vfio_pci_irqs_open(struct vfio_pci_device *dev)
{
	dev->irq_index = VFIO_PCI_IRQ_NONE;
	dev->has_intx = vfio_pci_find_intx(dev->pdev);
	dev->intx.can_mask = vfio_pci_can_mask_intx(dev);
	dev->intx.disabled = false;
	dev->intx.masked = false;
	dev->intx.line_off = true;
	dev->msi_count = vfio_pci_count_msi(dev->pdev);
	vfio_pci_find_msix(dev);
}

static void vfio_pci_irqs_off(struct vfio_pci_device *dev)
{
	switch (dev->irq_index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		vfio_pci_intx_off(dev);
		break;
	case VFIO_PCI_MSI_IRQ_INDEX:
	case VFIO_PCI_MSIX_IRQ_INDEX:
		vfio_pci_msi_off(dev);
		break;
	}
}

void vfio_pci_irqs_close(struct vfio_pci_device *dev)
{
	mutex_lock(&dev->irq_lock);
	vfio_pci_irqs_off(dev);
	vfio_pci_trigger_replace(&dev->err, NULL);
	vfio_pci_trigger_replace(&dev->req, NULL);
	mutex_unlock(&dev->irq_lock);
}

/* ---- information ---- */

u32 vfio_pci_irq_count(const struct vfio_pci_device *dev, u32 index)
{
	switch (index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return dev->has_intx;
	case VFIO_PCI_MSI_IRQ_INDEX:
		return dev->msi_count;
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return dev->msix_count;
	case VFIO_PCI_ERR_IRQ_INDEX:
		return pci_is_pcie(dev->pdev);
	case VFIO_PCI_REQ_IRQ_INDEX:
		return 1;
	default:
		return 0;
	}
}

static u32 vfio_pci_irq_flags(struct vfio_pci_device *dev, u32 index)
{
	if (index == VFIO_PCI_INTX_IRQ_INDEX)
		return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_MASKABLE | VFIO_IRQ_INFO_AUTOMASKED;
	if (index == VFIO_PCI_MSIX_IRQ_INDEX && dev->pdev->msix_cap &&
	    pci_msix_can_alloc_dyn(dev->pdev))
		return VFIO_IRQ_INFO_EVENTFD;
	return VFIO_IRQ_INFO_EVENTFD | VFIO_IRQ_INFO_NORESIZE;
}

long vfio_pci_get_irq_info(struct vfio_pci_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_irq_info, count);
	struct vfio_irq_info info;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz || info.index >= VFIO_PCI_NUM_IRQS)
		return -EINVAL;
	if (info.index == VFIO_PCI_ERR_IRQ_INDEX && !pci_is_pcie(dev->pdev))
		return -EINVAL;
	info.flags = vfio_pci_irq_flags(dev, info.index);
	info.count = vfio_pci_irq_count(dev, info.index);
	return copy_to_user(arg, &info, minsz) ? -EFAULT : 0;
}

/* ---- SET_IRQS ---- */

/* Only INTx can be masked here: vectors of MSI and MSI-X are masked by giving them no eventfd. */
static bool vfio_pci_irq_action_known(u32 index, u32 action)
{
	switch (action) {
	case VFIO_IRQ_SET_ACTION_TRIGGER:
		return true;
	case VFIO_IRQ_SET_ACTION_MASK:
	case VFIO_IRQ_SET_ACTION_UNMASK:
		return index == VFIO_PCI_INTX_IRQ_INDEX;
	default:
		return false;
	}
}

static int vfio_pci_irq_set_locked(struct vfio_pci_device *dev, const struct vfio_irq_set *hdr,
				   const void *data)
{
	lockdep_assert_held(&dev->irq_lock);
	switch (hdr->index) {
	case VFIO_PCI_INTX_IRQ_INDEX:
		return vfio_pci_intx_set(dev, hdr, data);
	case VFIO_PCI_MSI_IRQ_INDEX:
	case VFIO_PCI_MSIX_IRQ_INDEX:
		return vfio_pci_msi_set(dev, hdr, data);
	case VFIO_PCI_ERR_IRQ_INDEX:
		return vfio_pci_trigger_set(&dev->err, hdr, data);
	default:
		return vfio_pci_trigger_set(&dev->req, hdr, data);
	}
}

long vfio_pci_set_irqs(struct vfio_pci_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_irq_set, count);
	struct vfio_irq_set hdr;
	void *data = NULL;
	u32 num_irqs;
	size_t size;
	int ret;

	if (copy_from_user(&hdr, arg, minsz))
		return -EFAULT;
	num_irqs = vfio_pci_irq_count(dev, hdr.index);
	ret = vfio_irq_set_check(&hdr, num_irqs, VFIO_PCI_NUM_IRQS, &size);
	if (ret)
		return ret;
	hdr.start = array_index_nospec(hdr.start, num_irqs);
	if (!vfio_pci_irq_action_known(hdr.index, hdr.flags & VFIO_IRQ_SET_ACTION_TYPE_MASK))
		return -ENOTTY;
	if (size) {
		data = memdup_user(arg + minsz, size);
		if (IS_ERR(data))
			return PTR_ERR(data);
	}
	mutex_lock(&dev->irq_lock);
	ret = vfio_pci_irq_set_locked(dev, &hdr, data);
	mutex_unlock(&dev->irq_lock);
	kfree(data);
	return ret;
}
