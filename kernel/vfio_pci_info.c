// SPDX-License-Identifier: GPL-2.0-only
/*
 * VFIO_DEVICE_GET_INFO, and its one capability: which atomic operations the device
 * can complete in the host's memory, that is, which of them every switch on the way
 * routes and the root port completes (PCIe 6.0, 6.15 and 7.5.3.15).
 */
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

static const struct {
	u32 devcap2;
	u32 flag;
} completers[] = {
	{PCI_EXP_DEVCAP2_ATOMIC_COMP32, VFIO_PCI_ATOMIC_COMP32},
	{PCI_EXP_DEVCAP2_ATOMIC_COMP64, VFIO_PCI_ATOMIC_COMP64},
	{PCI_EXP_DEVCAP2_ATOMIC_COMP128, VFIO_PCI_ATOMIC_COMP128},
};

/* Does a switch port pass atomic operations on, towards the root? */
static bool vfio_pci_atomics_pass(struct pci_dev *port, u32 devcap2)
{
	u16 devctl2 = 0;

	if (!(devcap2 & PCI_EXP_DEVCAP2_ATOMIC_ROUTE))
		return false;
	if (pci_pcie_type(port) != PCI_EXP_TYPE_UPSTREAM)
		return true;
	pcie_capability_read_word(port, PCI_EXP_DEVCTL2, &devctl2);
	return !(devctl2 & PCI_EXP_DEVCTL2_ATOMIC_EGRESS_BLOCK);
}

static u32 vfio_pci_atomics(struct pci_dev *pdev)
{
	struct pci_dev *port = pci_upstream_bridge(pci_physfn(pdev));
	u32 devcap2 = 0, flags = 0;

	if (!pci_is_pcie(pdev) || pci_pcie_type(pdev) == PCI_EXP_TYPE_RC_END)
		return 0;
	for (; port; port = pci_upstream_bridge(port)) {
		if (pcie_capability_read_dword(port, PCI_EXP_DEVCAP2, &devcap2))
			return 0;
		if (pci_pcie_type(port) == PCI_EXP_TYPE_ROOT_PORT)
			break;
		if (!vfio_pci_atomics_pass(port, devcap2))
			return 0;
	}
	for (size_t i = 0; port && i < ARRAY_SIZE(completers); i++)
		if (devcap2 & completers[i].devcap2)
			flags |= completers[i].flag;
	return flags;
}

static int vfio_pci_add_atomics(struct vfio_pci_device *dev, struct vfio_info_caps *caps)
{
	const u32 flags = vfio_pci_atomics(dev->pdev);
	struct vfio_device_info_cap_pci_atomic_comp *cap;

	if (!flags)
		return 0;
	cap = vfio_info_caps_add(caps, sizeof(*cap), VFIO_DEVICE_INFO_CAP_PCI_ATOMIC_COMP, 1);
	if (IS_ERR(cap))
		return PTR_ERR(cap);
	cap->flags = flags;
	return 0;
}

long vfio_pci_get_info(struct vfio_pci_device *dev, void __user *arg)
{
	const size_t minsz = offsetofend(struct vfio_device_info, num_irqs);
	struct vfio_device_info info = {};
	struct vfio_info_caps caps = {};
	size_t room;
	int ret;

	if (copy_from_user(&info, arg, minsz))
		return -EFAULT;
	if (info.argsz < minsz)
		return -EINVAL;
	room = min_t(size_t, info.argsz, sizeof(info));
	info.flags = VFIO_DEVICE_FLAGS_PCI | (dev->can_reset ? VFIO_DEVICE_FLAGS_RESET : 0);
	info.num_regions = VFIO_PCI_NUM_REGIONS;
	info.num_irqs = VFIO_PCI_NUM_IRQS;
	ret = vfio_pci_add_atomics(dev, &caps);
	if (ret)
		return ret;
	if (caps.size)
		info.flags |= VFIO_DEVICE_FLAGS_CAPS;
	ret = vfio_info_caps_to_user(&caps, arg, &info.argsz, sizeof(info), &info.cap_offset);
	if (ret)
		return ret;
	return copy_to_user(arg, &info, room) ? -EFAULT : 0;
}
