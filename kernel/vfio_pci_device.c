// SPDX-License-Identifier: GPL-2.0-only
/*
 * A PCI device of ours, from probe to remove, and from a user's open to close. The
 * rest of vfio-pci-core is called from here.
 *
 * A user gets a device that was reset, if it can be, with bus mastering off; and
 * leaves it stopped, reset, and configured as it was found.
 */
#include <linux/module.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/vgaarb.h>
#include "vfio_pci_private.h"

/* ---- open ---- */

/* Not under the feet of those who use its virtual functions: they would be reset as well. */
static int vfio_pci_reset_for_user(struct vfio_pci_device *dev)
{
	int ret;

	if (vfio_pci_vfs_in_use(dev))
		return 0;
	ret = vfio_pci_reset_patiently(dev);
	if (ret == -EAGAIN) {
		pci_warn(dev->pdev, "cannot be reset: something else has it locked\n");
		return ret;
	}
	dev->can_reset = !ret;
	return 0;
}

static int vfio_pci_enable(struct vfio_pci_device *dev)
{
	int ret;

	if (!pci_device_is_present(dev->pdev))
		return -EIO;
	pci_clear_master(dev->pdev);
	ret = pci_enable_device(dev->pdev);
	if (ret)
		return ret;
	ret = vfio_pci_reset_for_user(dev);
	if (ret) {
		pci_disable_device(dev->pdev);
		return ret;
	}
	pci_save_state(dev->pdev);
	dev->saved = pci_store_saved_state(dev->pdev);
	if (!dev->saved)
		pci_dbg(dev->pdev, "its state was not saved\n");
	return 0;
}

static void vfio_pci_open_state(struct vfio_pci_device *dev)
{
	u16 command;

	vfio_pci_irqs_open(dev);
	vfio_pci_regions_open(dev);
	dev->has_vga = IS_ENABLED(CONFIG_VGA_ARB) && !dev->policy->no_vga && pci_is_vga(dev->pdev);
	pci_read_config_word(dev->pdev, PCI_COMMAND, &command);
	down_write(&dev->memory_lock);
	dev->memory_on = dev->pdev->is_virtfn || command & PCI_COMMAND_MEMORY;
	up_write(&dev->memory_lock);
}

static void vfio_pci_restore(struct vfio_pci_device *dev)
{
	dev->needs_reset = vfio_pci_vfs_in_use(dev) || !dev->can_reset || vfio_pci_reset(dev);
	pci_load_and_free_saved_state(dev->pdev, &dev->saved);
	pci_restore_state(dev->pdev);
	pci_disable_device(dev->pdev);
}

int vfio_pci_core_open(struct vfio_device *vdev)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);
	int ret;

	ret = pm_runtime_resume_and_get(&dev->pdev->dev);
	if (ret < 0)
		return ret;
	ret = vfio_pci_enable(dev);
	if (ret)
		goto err_power;
	vfio_pci_open_state(dev);
	ret = vfio_pci_config_open(dev);
	if (ret)
		goto err_enable;
	vfio_pci_token_open(dev);
	return 0;

err_enable:
	vfio_pci_regions_close(dev);
	vfio_pci_restore(dev);
err_power:
	pm_runtime_put(&dev->pdev->dev);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_open);

/* ---- close ---- */

void vfio_pci_core_close(struct vfio_device *vdev)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);

	/* If the user left it asleep, it is woken for its end. */
	if (pm_runtime_resume_and_get(&dev->pdev->dev) < 0)
		pm_runtime_get_noresume(&dev->pdev->dev);
	vfio_pci_low_power_end(dev);
	down_write(&dev->memory_lock);
	vfio_pci_power_set(dev, PCI_D0);
	/* Only if it did not wake, and is dead: the next user's will be another sleep. */
	dev->d3 = false;
	kfree(dev->d3_saved);
	dev->d3_saved = NULL;
	up_write(&dev->memory_lock);

	pci_clear_master(dev->pdev);
	vfio_pci_ioeventfds_close(dev);
	vfio_pci_irqs_close(dev);
	vfio_pci_regions_close(dev);
	vfio_pci_config_close(dev);
	vfio_pci_restore(dev);
	vfio_pci_reset_leftovers(vdev->set);
	vfio_pci_token_close(dev);
	pm_runtime_put_noidle(&dev->pdev->dev);
	pm_runtime_put(&dev->pdev->dev);
}
EXPORT_SYMBOL_GPL(vfio_pci_core_close);

/* ---- commands ---- */

static long vfio_pci_command(struct vfio_pci_device *dev, unsigned int cmd, void __user *arg)
{
	switch (cmd) {
	case VFIO_DEVICE_GET_INFO:
		return vfio_pci_get_info(dev, arg);
	case VFIO_DEVICE_GET_REGION_INFO:
		return vfio_pci_get_region_info(dev, arg);
	case VFIO_DEVICE_GET_IRQ_INFO:
		return vfio_pci_get_irq_info(dev, arg);
	case VFIO_DEVICE_SET_IRQS:
		return vfio_pci_set_irqs(dev, arg);
	case VFIO_DEVICE_RESET:
		return dev->can_reset ? vfio_pci_reset_patiently(dev) : -EINVAL;
	case VFIO_DEVICE_GET_PCI_HOT_RESET_INFO:
		return vfio_pci_get_hot_reset_info(dev, arg);
	case VFIO_DEVICE_PCI_HOT_RESET:
		return vfio_pci_hot_reset(dev, arg);
	case VFIO_DEVICE_IOEVENTFD:
		return vfio_pci_ioeventfd(dev, arg);
	default:
		return -ENOTTY;
	}
}

/* Each access wakes the device, and holds it awake until it is done. */
long vfio_pci_core_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);
	long ret;

	if (pm_runtime_resume_and_get(&dev->pdev->dev) < 0)
		return -EIO;
	ret = vfio_pci_command(dev, cmd, (void __user *)arg);
	pm_runtime_put(&dev->pdev->dev);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_ioctl);

static int vfio_pci_do_feature(struct vfio_pci_device *dev, u32 flags, void __user *data,
			       size_t size)
{
	switch (flags & VFIO_DEVICE_FEATURE_MASK) {
	case VFIO_DEVICE_FEATURE_PCI_VF_TOKEN:
		return vfio_pci_token_feature(dev, flags, data, size);
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY:
		return vfio_pci_low_power_enter(dev, flags, data, size, false);
	case VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP:
		return vfio_pci_low_power_enter(dev, flags, data, size, true);
	case VFIO_DEVICE_FEATURE_LOW_POWER_EXIT:
		return vfio_pci_low_power_exit(dev, flags, size);
	default:
		return -ENOTTY;
	}
}

int vfio_pci_core_feature(struct vfio_device *vdev, u32 flags, void __user *data, size_t size)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);
	int ret;

	if (pm_runtime_resume_and_get(&dev->pdev->dev) < 0)
		return -EIO;
	ret = vfio_pci_do_feature(dev, flags, data, size);
	pm_runtime_put(&dev->pdev->dev);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_feature);

void vfio_pci_core_request(struct vfio_device *vdev, unsigned int count)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);

	if (!vfio_pci_trigger_signal(&dev->req) && !count && READ_ONCE(vdev->open_count))
		pci_notice(dev->pdev,
			   "is wanted back, but its user asked for no request interrupt\n");
}
EXPORT_SYMBOL_GPL(vfio_pci_core_request);

/* ---- probe and remove ---- */

static struct vfio_pci_device *vfio_pci_alloc(struct pci_dev *pdev,
					      const struct vfio_device_ops *ops,
					      const struct vfio_pci_policy *policy)
{
	struct vfio_pci_device *dev = kzalloc(sizeof(*dev), GFP_KERNEL);
	int ret;

	if (!dev)
		return ERR_PTR(-ENOMEM);
	ret = vfio_device_init(&dev->vdev, &pdev->dev, ops);
	if (ret) {
		kfree(dev);
		return ERR_PTR(ret);
	}
	dev->pdev = pdev;
	dev->policy = policy;
	dev->intx.dev = dev;
	dev->irq_index = VFIO_PCI_IRQ_NONE;
	dev->msix_bar = PCI_STD_NUM_BARS;
	spin_lock_init(&dev->intx.lock);
	mutex_init(&dev->bar_lock);
	mutex_init(&dev->config.lock);
	mutex_init(&dev->irq_lock);
	mutex_init(&dev->ioeventfd_lock);
	INIT_LIST_HEAD(&dev->ioeventfds);
	init_rwsem(&dev->memory_lock);
	lockdep_register_key(&dev->memory_key);
	lockdep_set_class(&dev->memory_lock, &dev->memory_key);
	return dev;
}

void vfio_pci_core_release(struct vfio_device *vdev)
{
	struct vfio_pci_device *dev = vfio_pci_from_vdev(vdev);

	vfio_pci_sriov_release(dev);
	lockdep_unregister_key(&dev->memory_key);
	kfree(dev);
}
EXPORT_SYMBOL_GPL(vfio_pci_core_release);

/* The PCI core holds the device awake while it has no driver that knows about sleep. */
static void vfio_pci_allow_sleep(struct vfio_pci_device *dev)
{
	pm_runtime_allow(&dev->pdev->dev);
	if (!dev->policy->no_idle_d3)
		pm_runtime_put(&dev->pdev->dev);
}

static void vfio_pci_forbid_sleep(struct vfio_pci_device *dev)
{
	if (!dev->policy->no_idle_d3)
		pm_runtime_get_noresume(&dev->pdev->dev);
	pm_runtime_forbid(&dev->pdev->dev);
}

static int vfio_pci_setup(struct vfio_pci_device *dev)
{
	void *id = vfio_pci_set_id(dev->pdev);
	int ret;

	ret = vfio_pci_sriov_probe(dev);
	if (!ret && id)
		ret = vfio_device_assign_set(&dev->vdev, id);
	return ret;
}

int vfio_pci_core_probe(struct pci_dev *pdev, const struct vfio_device_ops *ops,
			const struct vfio_pci_policy *policy)
{
	struct vfio_pci_device *dev;
	int ret;

	if (pdev->hdr_type != PCI_HEADER_TYPE_NORMAL)
		return -EINVAL;
	dev = vfio_pci_alloc(pdev, ops, policy);
	if (IS_ERR(dev))
		return PTR_ERR(dev);
	pci_set_drvdata(pdev, dev);
	ret = vfio_pci_setup(dev);
	if (ret)
		goto err;
	vfio_pci_allow_sleep(dev);
	ret = vfio_device_register(&dev->vdev);
	if (!ret)
		return 0;
	vfio_pci_forbid_sleep(dev);
err:
	pci_set_drvdata(pdev, NULL);
	vfio_device_put(&dev->vdev);
	return ret;
}
EXPORT_SYMBOL_GPL(vfio_pci_core_probe);

void vfio_pci_core_remove(struct pci_dev *pdev)
{
	struct vfio_pci_device *dev = pci_get_drvdata(pdev);

	vfio_pci_sriov_disable(dev);
	vfio_device_unregister(&dev->vdev);
	if (dev->needs_reset)
		vfio_pci_reset_removed(dev);
	vfio_pci_forbid_sleep(dev);
	pci_set_drvdata(pdev, NULL);
	vfio_device_put(&dev->vdev);
}
EXPORT_SYMBOL_GPL(vfio_pci_core_remove);

/* ---- module ---- */

static int __init vfio_pci_core_init(void)
{
	vfio_core_is_ours();
	return 0;
}

static void __exit vfio_pci_core_exit(void)
{
}

module_init(vfio_pci_core_init);
module_exit(vfio_pci_core_exit);

MODULE_DESCRIPTION("VFIO for PCI devices: the library (Pollux)");
MODULE_AUTHOR("The Pollux authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("pollux");
