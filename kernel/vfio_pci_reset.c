// SPDX-License-Identifier: GPL-2.0-only
/*
 * Reset of one function, and what happens to a device of ours in any reset: those
 * that its user asks for, those of the whole bus, and the administrator's in sysfs
 * all come through the two callbacks below, which hold the memory lock from
 * before until after and zap the mappings first.
 *
 * The PCI core takes the device lock and blocks configuration accesses before it
 * calls us. Hence the order: device lock, configuration access, memory lock; and
 * nobody waits for one of the former while holding the latter.
 */
#include <linux/delay.h>
#include <linux/pm_runtime.h>
#include "vfio_pci_private.h"

#define PATIENCE_MS    20
#define PATIENCE_TRIES 25

static void vfio_pci_reset_prepare(struct pci_dev *pdev)
{
	struct vfio_pci_device *dev = pci_get_drvdata(pdev);

	down_write(&dev->memory_lock);
	vfio_pci_memory_zap(dev);
	vfio_pci_intx_hold(dev);
	vfio_pci_power_set(dev, PCI_D0);
}

/* The PCI core has restored what it saved after reset_prepare. */
static void vfio_pci_reset_done(struct pci_dev *pdev)
{
	struct vfio_pci_device *dev = pci_get_drvdata(pdev);

	vfio_pci_intx_resume(dev);
	up_write(&dev->memory_lock);
}

/* Under the device lock, from the AER service. */
static pci_ers_result_t vfio_pci_error_detected(struct pci_dev *pdev, pci_channel_state_t state)
{
	struct vfio_pci_device *dev = pci_get_drvdata(pdev);

	vfio_pci_trigger_signal(&dev->err);
	return PCI_ERS_RESULT_CAN_RECOVER;
}

const struct pci_error_handlers vfio_pci_core_err_handlers = {
	.error_detected = vfio_pci_error_detected,
	.reset_prepare = vfio_pci_reset_prepare,
	.reset_done = vfio_pci_reset_done,
};
EXPORT_SYMBOL_GPL(vfio_pci_core_err_handlers);

/*
 * The function's best method. Where that is a reset of the bus it is alone on, the bridge must be
 * locked as well, and first.
 */
int vfio_pci_reset(struct vfio_pci_device *dev)
{
	struct pci_dev *bridge = pci_upstream_bridge(dev->pdev);
	int ret;

	if (bridge && !pci_dev_trylock(bridge))
		return -EAGAIN;
	ret = pci_try_reset_function(dev->pdev);
	if (bridge)
		pci_dev_unlock(bridge);
	return ret;
}

/* -EAGAIN means that somebody has the device locked for a moment: probing, a reset by sysfs. */
int vfio_pci_reset_patiently(struct vfio_pci_device *dev)
{
	int ret = -EAGAIN;

	for (int i = 0; i < PATIENCE_TRIES; i++) {
		ret = vfio_pci_reset(dev);
		if (ret != -EAGAIN)
			break;
		msleep(PATIENCE_MS);
	}
	return ret;
}

/*
 * The driver is being removed, under the device lock, for which a reset at close could not wait.
 * No user is left, and no driver has it yet.
 */
void vfio_pci_reset_removed(struct vfio_pci_device *dev)
{
	struct pci_dev *pdev = dev->pdev, *bridge = pci_upstream_bridge(pdev);

	device_lock_assert(&pdev->dev);
	if (!dev->can_reset || pci_dev_is_disconnected(pdev))
		return;
	if (bridge && !pci_dev_trylock(bridge))
		return;
	pci_cfg_access_lock(pdev);
	vfio_pci_reset_prepare(pdev);
	pci_save_state(pdev);
	if (!__pci_reset_function_locked(pdev))
		dev->needs_reset = false;
	pci_restore_state(pdev);
	vfio_pci_reset_done(pdev);
	pci_cfg_access_unlock(pdev);
	if (bridge)
		pci_dev_unlock(bridge);
}
