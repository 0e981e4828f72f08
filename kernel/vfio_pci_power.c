// SPDX-License-Identifier: GPL-2.0-only
/*
 * Power: the user's own (D3hot by the power management capability), and runtime
 * power management: devices that nobody has open sleep, and so do those whose user
 * allows it by the low-power features, until the next access to them.
 */
#include <linux/pm_runtime.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

/* ---- the user's D states; memory lock held for writing ---- */

/* PCI PM 1.2, 3.2.4: without No_Soft_Reset, D3hot to D0 loses the configuration. */
static bool vfio_pci_d3_loses_state(struct pci_dev *pdev)
{
	u16 pmcsr;

	pci_read_config_word(pdev, pdev->pm_cap + PCI_PM_CTRL, &pmcsr);
	return !(pmcsr & PCI_PM_CTRL_NO_SOFT_RESET);
}

static bool vfio_pci_power_down(struct vfio_pci_device *dev, pci_power_t state)
{
	struct pci_dev *pdev = dev->pdev;

	/* Virtual functions live and die with the power of the physical one. */
	if (dev->num_vfs)
		return false;
	vfio_pci_memory_zap(dev);
	if (!dev->d3_saved && vfio_pci_d3_loses_state(pdev)) {
		pci_save_state(pdev);
		dev->d3_saved = pci_store_saved_state(pdev);
	}
	dev->d3 = true;
	if (!pci_set_power_state(pdev, state) && pdev->current_state == state)
		return true;
	vfio_pci_power_set(dev, PCI_D0);
	return false;
}

static bool vfio_pci_power_up(struct vfio_pci_device *dev)
{
	struct pci_dev *pdev = dev->pdev;

	if (pci_set_power_state(pdev, PCI_D0))
		return false;
	if (dev->d3_saved) {
		pci_load_and_free_saved_state(pdev, &dev->d3_saved);
		pci_restore_state(pdev);
	}
	dev->d3 = false;
	if (pdev->pm_cap && dev->config.shadow &&
	    pdev->pm_cap + PCI_PM_CTRL + 2 <= dev->config.size)
		vfio_pci_shadow_set(&dev->config, pdev->pm_cap + PCI_PM_CTRL, 2, 0);
	return true;
}

/* Return: whether the device has the state now. */
bool vfio_pci_power_set(struct vfio_pci_device *dev, pci_power_t state)
{
	lockdep_assert_held_write(&dev->memory_lock);
	if (state == PCI_D0)
		return !dev->d3 || vfio_pci_power_up(dev);
	return vfio_pci_power_down(dev, state);
}

/* ---- low power features ---- */

static int vfio_pci_low_power_start(struct vfio_pci_device *dev, struct eventfd_ctx *wakeup)
{
	int ret = -EINVAL;

	down_write(&dev->memory_lock);
	if (!dev->low_power) {
		vfio_pci_memory_zap(dev);
		dev->low_power = true;
		dev->wakeup = wakeup;
		/* Our caller holds another reference: the device goes to sleep when that is put. */
		pm_runtime_put_noidle(&dev->pdev->dev);
		ret = 0;
	}
	up_write(&dev->memory_lock);
	return ret;
}

int vfio_pci_low_power_enter(struct vfio_pci_device *dev, u32 flags, void __user *data, size_t size,
			     bool wakeup)
{
	struct vfio_device_low_power_entry_with_wakeup entry = {.wakeup_eventfd = -1};
	struct eventfd_ctx *ctx = NULL;
	int ret;

	ret = vfio_feature_check(flags, size, VFIO_DEVICE_FEATURE_SET, wakeup ? sizeof(entry) : 0);
	if (ret != 1)
		return ret;
	if (wakeup) {
		if (copy_from_user(&entry, data, sizeof(entry)))
			return -EFAULT;
		ctx = eventfd_ctx_fdget(entry.wakeup_eventfd);
		if (IS_ERR(ctx))
			return PTR_ERR(ctx);
	}
	ret = vfio_pci_low_power_start(dev, ctx);
	if (ret && ctx)
		eventfd_ctx_put(ctx);
	return ret;
}

/* Also when the device is closed. The caller holds a reference to the device's power. */
void vfio_pci_low_power_end(struct vfio_pci_device *dev)
{
	struct eventfd_ctx *wakeup = NULL;

	down_write(&dev->memory_lock);
	if (dev->low_power) {
		dev->low_power = false;
		wakeup = dev->wakeup;
		dev->wakeup = NULL;
		pm_runtime_get_noresume(&dev->pdev->dev);
	}
	up_write(&dev->memory_lock);
	if (wakeup)
		eventfd_ctx_put(wakeup);
}

int vfio_pci_low_power_exit(struct vfio_pci_device *dev, u32 flags, size_t size)
{
	const int ret = vfio_feature_check(flags, size, VFIO_DEVICE_FEATURE_SET, 0);

	if (ret == 1)
		vfio_pci_low_power_end(dev);
	return min(ret, 0);
}

/* ---- runtime power management calls back; the PCI core saves, sleeps, wakes and restores ---- */

static int vfio_pci_runtime_suspend(struct device *device)
{
	struct vfio_pci_device *dev = dev_get_drvdata(device);

	/* In D3hot by the user's wish it would be saved as such, and woken to D0. */
	down_write(&dev->memory_lock);
	vfio_pci_power_set(dev, PCI_D0);
	up_write(&dev->memory_lock);
	vfio_pci_intx_hold(dev);
	return 0;
}

/* With a wake-up eventfd, the first wake-up ends low power. */
static int vfio_pci_runtime_resume(struct device *device)
{
	struct vfio_pci_device *dev = dev_get_drvdata(device);
	struct eventfd_ctx *wakeup;

	down_write(&dev->memory_lock);
	wakeup = dev->wakeup;
	if (wakeup) {
		dev->wakeup = NULL;
		dev->low_power = false;
		pm_runtime_get_noresume(device);
	}
	up_write(&dev->memory_lock);
	vfio_pci_intx_resume(dev);
	if (wakeup) {
		eventfd_signal(wakeup);
		eventfd_ctx_put(wakeup);
	}
	return 0;
}

const struct dev_pm_ops vfio_pci_core_pm_ops = {
	RUNTIME_PM_OPS(vfio_pci_runtime_suspend, vfio_pci_runtime_resume, NULL)};
EXPORT_SYMBOL_GPL(vfio_pci_core_pm_ops);
