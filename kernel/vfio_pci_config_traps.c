// SPDX-License-Identifier: GPL-2.0-only
/*
 * Registers of configuration space whose writes do something. Each function gets
 * what the user saw and what it wants, with the config lock held, and leaves in the
 * device and in the shadow what is allowed of it.
 */
#include <linux/pci.h>
#include "vfio_pci_private.h"

/*
 * PCIe 6.0, 7.5.1.1.3. Not: special cycles, write-and-invalidate, palette snooping, fast
 * back-to-back.
 */
#define COMMAND_WRITABLE                                                                           \
	(PCI_COMMAND_IO | PCI_COMMAND_MEMORY | PCI_COMMAND_MASTER | PCI_COMMAND_PARITY |           \
	 PCI_COMMAND_SERR)

/* ---- COMMAND ---- */

/*
 * A device can lose its BARs behind our back, by a reset that is a register of its
 * own. Put them back before decode is switched on, or it would decode address 0.
 */
static void vfio_pci_restore_bars(struct pci_dev *pdev)
{
	struct pci_bus_region region;
	u32 low, have;

	for (int i = 0; i < PCI_STD_NUM_BARS && !pdev->is_virtfn; i++) {
		const struct resource *res = &pdev->resource[i];
		const u16 pos = PCI_BASE_ADDRESS_0 + 4 * i;

		if (!resource_size(res) || (res->flags & IORESOURCE_UNSET))
			continue;
		pcibios_resource_to_bus(pdev->bus, &region, (struct resource *)res);
		pci_read_config_dword(pdev, pos, &have);
		low = (u32)region.start | (have & ~PCI_BASE_ADDRESS_MEM_MASK);
		if (res->flags & IORESOURCE_IO)
			low = (u32)region.start | (have & ~PCI_BASE_ADDRESS_IO_MASK);
		if (have == low || have == U32_MAX)
			continue;
		pci_info_ratelimited(pdev, "BAR %d was lost in a reset by its user, restored\n", i);
		pci_write_config_dword(pdev, pos, low);
		if (res->flags & IORESOURCE_MEM_64)
			pci_write_config_dword(pdev, pos + 4, (u64)region.start >> 32);
	}
}

/* The interrupt handler changes INTX_DISABLE in the same register. */
static void vfio_pci_command_store(struct vfio_pci_device *dev, u16 mask, u16 value)
{
	unsigned long flags;
	u16 now;

	spin_lock_irqsave(&dev->intx.lock, flags);
	pci_read_config_word(dev->pdev, PCI_COMMAND, &now);
	pci_write_config_word(dev->pdev, PCI_COMMAND, (now & ~mask) | (value & mask));
	spin_unlock_irqrestore(&dev->intx.lock, flags);
}

void vfio_pci_trap_command(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want)
{
	const u16 virt = PCI_COMMAND_INTX_DISABLE | (dev->pdev->is_virtfn ? PCI_COMMAND_MEMORY : 0);
	const u16 shadow = vfio_pci_shadow_get(&dev->config, pos, 2);

	down_write(&dev->memory_lock);
	dev->memory_on = want & PCI_COMMAND_MEMORY;
	if (!dev->memory_on)
		vfio_pci_memory_zap(dev);
	else
		vfio_pci_restore_bars(dev->pdev);
	vfio_pci_command_store(dev, COMMAND_WRITABLE & ~virt, want);
	vfio_pci_shadow_set(&dev->config, pos, 2, (shadow & ~virt) | (want & virt));
	up_write(&dev->memory_lock);

	if ((old ^ want) & PCI_COMMAND_INTX_DISABLE)
		vfio_pci_intx_set_disabled(dev, want & PCI_COMMAND_INTX_DISABLE);
}

/* ---- power management control, PCI PM 1.2 section 3.2.4 ---- */

void vfio_pci_trap_power(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want)
{
	const u16 keep = PCI_PM_CTRL_DATA_SEL_MASK;
	const pci_power_t state = (__force pci_power_t)(want & PCI_PM_CTRL_STATE_MASK);
	u16 now;

	down_write(&dev->memory_lock);
	if ((old ^ want) & keep) {
		pci_read_config_word(dev->pdev, pos, &now);
		now &= ~(keep | PCI_PM_CTRL_PME_STATUS);
		pci_write_config_word(dev->pdev, pos, now | (want & keep));
	}
	if ((old ^ want) & PCI_PM_CTRL_STATE_MASK && vfio_pci_power_set(dev, state))
		vfio_pci_shadow_set(&dev->config, pos, 2, want & PCI_PM_CTRL_STATE_MASK);
	up_write(&dev->memory_lock);
}

/* ---- MSI control, PCIe 6.0 section 7.7.1.2 ---- */

/*
 * The kernel's MSI is switched by SET_IRQS; here the user sees its wish, as far as it could come
 * true: enabled only while MSI is on, and no more vectors than the device has.
 */
void vfio_pci_trap_msi_control(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want)
{
	const u16 wish = PCI_MSI_FLAGS_ENABLE | PCI_MSI_FLAGS_QSIZE;
	u16 flags = (old & ~wish) | (want & wish);

	if (READ_ONCE(dev->irq_index) != VFIO_PCI_MSI_IRQ_INDEX)
		flags &= ~PCI_MSI_FLAGS_ENABLE;
	if (FIELD_GET(PCI_MSI_FLAGS_QSIZE, flags) > FIELD_GET(PCI_MSI_FLAGS_QMASK, flags))
		flags &= ~PCI_MSI_FLAGS_QSIZE;
	vfio_pci_shadow_set(&dev->config, pos, 2, flags);
}

/* ---- function level reset, by PCI Express or by Advanced Features ---- */

static void vfio_pci_trap_flr(struct vfio_pci_device *dev)
{
	const int ret = vfio_pci_reset_patiently(dev);

	if (ret)
		dev_warn_ratelimited(&dev->pdev->dev,
				     "function level reset asked for by its user failed: %d\n",
				     ret);
}

/*
 * Payload size is what the path to the device agreed on: the user sees its wish. So
 * it does with the read request size, which takes effect where it is valid.
 */
void vfio_pci_trap_device_control(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want)
{
	const u16 shown = PCI_EXP_DEVCTL_PAYLOAD | PCI_EXP_DEVCTL_READRQ;
	const u16 hard = PCI_EXP_DEVCTL_RELAX_EN | PCI_EXP_DEVCTL_NOSNOOP_EN;
	const u32 readrq = 128u << FIELD_GET(PCI_EXP_DEVCTL_READRQ, want);
	const u16 cap_pos = pos - PCI_EXP_DEVCTL;
	u32 devcap;

	pcie_capability_clear_and_set_word(dev->pdev, PCI_EXP_DEVCTL, hard, want & hard);
	if ((old ^ want) & PCI_EXP_DEVCTL_READRQ && readrq <= 4096)
		pcie_set_readrq(dev->pdev, readrq);
	vfio_pci_shadow_set(&dev->config, pos, 2, want & shown);

	devcap = vfio_pci_shadow_get(&dev->config, cap_pos + PCI_EXP_DEVCAP, 4);
	if (want & PCI_EXP_DEVCTL_BCR_FLR && devcap & PCI_EXP_DEVCAP_FLR)
		vfio_pci_trap_flr(dev);
}

void vfio_pci_trap_af_control(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want)
{
	const u8 cap = vfio_pci_shadow_get(&dev->config, pos - PCI_AF_CTRL + PCI_AF_CAP, 1);

	vfio_pci_shadow_set(&dev->config, pos, 1, 0);
	if (want & PCI_AF_CTRL_FLR && cap & PCI_AF_CAP_FLR)
		vfio_pci_trap_flr(dev);
}

/* ---- vital product data, PCI 3.0 appendix I: the kernel serialises functions sharing it ---- */

void vfio_pci_trap_vpd_address(struct vfio_pci_device *dev, u16 pos, u32 old, u32 want)
{
	const u16 data_pos = pos - PCI_VPD_ADDR + PCI_VPD_DATA;
	const u16 address = want & PCI_VPD_ADDR_MASK;
	__le32 data;

	vfio_pci_shadow_set(&dev->config, pos, 2, want);
	/* A device may have it so near the end that there is no room for the data. */
	if (!IS_ALIGNED(address, 4) || data_pos + 4 > dev->config.size)
		return;
	if (want & PCI_VPD_ADDR_F) {
		data = cpu_to_le32(vfio_pci_shadow_get(&dev->config, data_pos, 4));
		if (pci_write_vpd(dev->pdev, address, 4, &data) != 4)
			return;
		vfio_pci_shadow_set(&dev->config, pos, 2, address);
	} else {
		if (pci_read_vpd(dev->pdev, address, 4, &data) != 4)
			return;
		vfio_pci_shadow_set(&dev->config, data_pos, 4, le32_to_cpu(data));
		vfio_pci_shadow_set(&dev->config, pos, 2, address | PCI_VPD_ADDR_F);
	}
}
