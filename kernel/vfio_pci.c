// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module vfio-pci: the PCI driver that hands any device to users. It has no device
 * of its own accord: they come by ids=, by new_id, or by driver_override.
 */
#include <linux/module.h>
#include <linux/pci.h>
#include <linux/string.h>
#include "vfio_pci_core.h"

static char ids[1024];
module_param_string(ids, ids, sizeof(ids), 0);
MODULE_PARM_DESC(ids,
		 "Devices to take, as vendor:device[:subvendor[:subdevice[:class[:mask]]]],...");

static bool nointxmask;
module_param(nointxmask, bool, 0444);
MODULE_PARM_DESC(nointxmask, "Do not use PCI 2.3 masking of INTx; lines cannot be shared then");

static bool disable_vga;
module_param(disable_vga, bool, 0444);
MODULE_PARM_DESC(disable_vga, "Give no access to the legacy VGA ranges");

static bool disable_idle_d3;
module_param(disable_idle_d3, bool, 0444);
MODULE_PARM_DESC(disable_idle_d3, "Leave devices that nobody uses in D0");

static bool enable_sriov;
module_param(enable_sriov, bool, 0644);
MODULE_PARM_DESC(enable_sriov, "Allow virtual functions of devices that users have");

static struct vfio_pci_policy policy;

static const struct vfio_device_ops vfio_pci_ops = {
	.name = "vfio-pci",
	.owner = THIS_MODULE,
	.release = vfio_pci_core_release,
	.open = vfio_pci_core_open,
	.close = vfio_pci_core_close,
	.ioctl = vfio_pci_core_ioctl,
	.feature = vfio_pci_core_feature,
	.read = vfio_pci_core_read,
	.write = vfio_pci_core_write,
	.mmap = vfio_pci_core_mmap,
	.request = vfio_pci_core_request,
	.match = vfio_pci_core_match,
};

static int vfio_pci_probe(struct pci_dev *pdev, const struct pci_device_id *id)
{
	return vfio_pci_core_probe(pdev, &vfio_pci_ops, &policy);
}

static void vfio_pci_remove(struct pci_dev *pdev)
{
	vfio_pci_core_remove(pdev);
}

static int vfio_pci_sriov_configure(struct pci_dev *pdev, int num_vfs)
{
	if (!enable_sriov)
		return -ENOENT;
	return vfio_pci_core_sriov_configure(pdev, num_vfs);
}

static const struct pci_device_id vfio_pci_table[] = {
	{PCI_DRIVER_OVERRIDE_DEVICE_VFIO(PCI_ANY_ID, PCI_ANY_ID)}, {}};
MODULE_DEVICE_TABLE(pci, vfio_pci_table);

static struct pci_driver vfio_pci_driver = {
	.name = "vfio-pci",
	.id_table = vfio_pci_table,
	.probe = vfio_pci_probe,
	.remove = vfio_pci_remove,
	.sriov_configure = vfio_pci_sriov_configure,
	.err_handler = &vfio_pci_core_err_handlers,
	.driver.pm = pm_ptr(&vfio_pci_core_pm_ops),
	.driver_managed_dma = true,
};

static void __init vfio_pci_add_id(const char *text)
{
	u32 vendor, device, subvendor = PCI_ANY_ID, subdevice = PCI_ANY_ID, class = 0, mask = 0;
	int fields, ret;

	fields = sscanf(text, "%x:%x:%x:%x:%x:%x", &vendor, &device, &subvendor, &subdevice, &class,
			&mask);
	if (fields < 2) {
		pr_warn("vfio-pci: ids=: \"%s\" is not vendor:device[...]\n", text);
		return;
	}
	ret = pci_add_dynid(&vfio_pci_driver, vendor, device, subvendor, subdevice, class, mask, 0);
	if (ret)
		pr_warn("vfio-pci: ids=: \"%s\" was not added: %d\n", text, ret);
}

static int __init vfio_pci_init(void)
{
	char *rest = ids, *text;
	int ret;

	vfio_core_is_ours();
	policy = (struct vfio_pci_policy){
		.no_intx_mask = nointxmask,
		.no_vga = disable_vga,
		.no_idle_d3 = disable_idle_d3,
	};
	ret = pci_register_driver(&vfio_pci_driver);
	if (ret)
		return ret;
	while ((text = strsep(&rest, ",")))
		if (*text)
			vfio_pci_add_id(text);
	return 0;
}

static void __exit vfio_pci_exit(void)
{
	pci_unregister_driver(&vfio_pci_driver);
}

module_init(vfio_pci_init);
module_exit(vfio_pci_exit);

MODULE_DESCRIPTION("VFIO for any PCI device (Pollux)");
MODULE_AUTHOR("The Pollux authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("pollux");
