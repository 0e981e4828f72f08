// SPDX-License-Identifier: GPL-2.0-only
/*
 * The memory lock, and mappings of BARs, which live under it: pages are inserted
 * by faults, as readers of the lock, and zapped by whoever, as writer, makes the
 * device's memory unusable. A fault that comes then waits for the lock, and
 * finds that the answer is SIGBUS. So no process ever reaches a device that
 * does not decode its address, which on many machines is a fatal bus error.
 *
 * Called by the core (mmap), by page faults, and by config, reset and power.
 */
#include <linux/mm.h>
#include <linux/nospec.h>
#include <linux/pfn_t.h>
#include "vfio_pci_private.h"

bool vfio_pci_memory_usable(const struct vfio_pci_device *dev)
{
	lockdep_assert_held(&dev->memory_lock);
	return dev->memory_on && !dev->d3 && !pci_dev_is_disconnected(dev->pdev);
}

void vfio_pci_memory_zap(struct vfio_pci_device *dev)
{
	lockdep_assert_held_write(&dev->memory_lock);
	vfio_device_zap(&dev->vdev, 0, VFIO_PCI_START(PCI_STD_NUM_BARS));
}

/*
 * The kernel writes to the MSI-X table, which is in a BAR: decode must be on
 * while it does, whatever the user chose. Takes the memory lock.
 */
u16 vfio_pci_memory_force(struct vfio_pci_device *dev)
{
	u16 command;

	down_write(&dev->memory_lock);
	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	if (!(command & PCI_COMMAND_MEMORY))
		pci_write_config_word(dev->pdev, PCI_COMMAND, command | PCI_COMMAND_MEMORY);
	return command;
}

/* Other bits may have changed since: enabling MSI sets INTX_DISABLE. */
void vfio_pci_memory_unforce(struct vfio_pci_device *dev, u16 command)
{
	u16 now;

	if (!(command & PCI_COMMAND_MEMORY)) {
		pci_read_config_word(dev->pdev, PCI_COMMAND, &now);
		pci_write_config_word(dev->pdev, PCI_COMMAND, now & ~PCI_COMMAND_MEMORY);
	}
	up_write(&dev->memory_lock);
}

/* ---- page faults ---- */

static unsigned long vfio_pci_vma_pfn(struct vm_area_struct *vma, unsigned long addr)
{
	struct vfio_pci_device *dev = vma->vm_private_data;
	const u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	const u64 offset = pos & VFIO_PCI_OFFSET_MASK;

	return (pci_resource_start(dev->pdev, VFIO_PCI_REGION(pos)) + offset +
		(addr - vma->vm_start)) >>
	       PAGE_SHIFT;
}

/*
 * The page asked for, and those behind it under the same page table: whoever maps a BAR for DMA
 * wants them all, one by one.
 */
static vm_fault_t vfio_pci_insert_pages(struct vm_fault *vmf)
{
	struct vm_area_struct *vma = vmf->vma;
	const unsigned long first = vmf->address & PAGE_MASK;
	const unsigned long end = min(vma->vm_end, ALIGN(first + 1, PMD_SIZE));
	vm_fault_t ret;

	ret = vmf_insert_pfn(vma, first, vfio_pci_vma_pfn(vma, first));
	for (unsigned long addr = first + PAGE_SIZE; addr < end; addr += PAGE_SIZE) {
		if (ret != VM_FAULT_NOPAGE)
			return ret;
		if (vmf_insert_pfn(vma, addr, vfio_pci_vma_pfn(vma, addr)) != VM_FAULT_NOPAGE)
			break;
	}
	return ret;
}

static vm_fault_t vfio_pci_insert_huge(struct vm_fault *vmf, unsigned int order)
{
	struct vm_area_struct *vma = vmf->vma;
	const unsigned long size = PAGE_SIZE << order;
	const unsigned long addr = vmf->address & ~(size - 1);
	unsigned long pfn;

	if (addr < vma->vm_start || vma->vm_end - addr < size)
		return VM_FAULT_FALLBACK;
	pfn = vfio_pci_vma_pfn(vma, addr);
	if (!IS_ALIGNED(pfn, BIT(order)))
		return VM_FAULT_FALLBACK;
#ifdef CONFIG_ARCH_SUPPORTS_PMD_PFNMAP
	if (order == PMD_ORDER)
		return vmf_insert_pfn_pmd(vmf, __pfn_to_pfn_t(pfn, PFN_DEV),
					  vma->vm_flags & VM_WRITE);
#endif
#ifdef CONFIG_ARCH_SUPPORTS_PUD_PFNMAP
	if (order == PUD_ORDER)
		return vmf_insert_pfn_pud(vmf, __pfn_to_pfn_t(pfn, PFN_DEV),
					  vma->vm_flags & VM_WRITE);
#endif
	return VM_FAULT_FALLBACK;
}

static vm_fault_t vfio_pci_huge_fault(struct vm_fault *vmf, unsigned int order)
{
	struct vfio_pci_device *dev = vmf->vma->vm_private_data;
	vm_fault_t ret = VM_FAULT_SIGBUS;

	down_read(&dev->memory_lock);
	if (vfio_pci_memory_usable(dev) && !dev->low_power)
		ret = order ? vfio_pci_insert_huge(vmf, order) : vfio_pci_insert_pages(vmf);
	up_read(&dev->memory_lock);
	return ret;
}

static vm_fault_t vfio_pci_fault(struct vm_fault *vmf)
{
	return vfio_pci_huge_fault(vmf, 0);
}

static const struct vm_operations_struct vfio_pci_vm_ops = {
	.fault = vfio_pci_fault,
#ifdef CONFIG_ARCH_SUPPORTS_HUGE_PFNMAP
	.huge_fault = vfio_pci_huge_fault,
#endif
};

int vfio_pci_core_mmap(struct vfio_device *vdev, struct vm_area_struct *vma)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);
	const u64 pos = (u64)vma->vm_pgoff << PAGE_SHIFT;
	const u64 offset = pos & VFIO_PCI_OFFSET_MASK;
	u64 bar = VFIO_PCI_REGION(pos), size;
	int ret;

	if (bar >= PCI_STD_NUM_BARS || !(vma->vm_flags & VM_SHARED))
		return -EINVAL;
	bar = array_index_nospec(bar, PCI_STD_NUM_BARS);
	if (!dev->bars[bar].mappable)
		return -EINVAL;
	size = PAGE_ALIGN(pci_resource_len(dev->pdev, bar));
	if (offset >= size || vma->vm_end - vma->vm_start > size - offset)
		return -EINVAL;
	ret = vfio_pci_bar_claim(dev, bar);
	if (ret)
		return ret;

	vma->vm_private_data = dev;
	vma->vm_page_prot = pgprot_noncached(vma->vm_page_prot);
	vma->vm_ops = &vfio_pci_vm_ops;
	vm_flags_set(vma, VM_ALLOW_ANY_UNCACHED | VM_IO | VM_PFNMAP | VM_DONTEXPAND | VM_DONTDUMP);
	return 0;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_mmap);
