// SPDX-License-Identifier: GPL-2.0-only
/*
 * Module vfio: brings the parts of the core up and down in order.
 */
#include <linux/miscdevice.h>
#include <linux/module.h>
#include "vfio_private.h"

void stock_vfio_loaded__modprobe_r_vfio_pci_vfio_iommu_type1(void)
{
}
EXPORT_SYMBOL_GPL(stock_vfio_loaded__modprobe_r_vfio_pci_vfio_iommu_type1);

static const struct {
	int (*init)(void);
	void (*exit)(void);
} parts[] = {
	{vfio_listener_init, vfio_listener_exit},   {vfio_device_fs_init, vfio_device_fs_exit},
	{vfio_group_init, vfio_group_exit},	    {vfio_noiommu_init, vfio_noiommu_exit},
	{vfio_container_init, vfio_container_exit},
};

static void vfio_exit_parts(int count)
{
	while (count--)
		parts[count].exit();
}

static int __init vfio_init(void)
{
	int ret;

	for (int i = 0; i < ARRAY_SIZE(parts); i++) {
		ret = parts[i].init();
		if (ret) {
			vfio_exit_parts(i);
			return ret;
		}
	}
	return 0;
}

static void __exit vfio_exit(void)
{
	vfio_exit_parts(ARRAY_SIZE(parts));
}

module_init(vfio_init);
module_exit(vfio_exit);

MODULE_DESCRIPTION("VFIO: user level device drivers (Pollux)");
MODULE_AUTHOR("The Pollux authors");
MODULE_LICENSE("GPL");
MODULE_VERSION("pollux");
MODULE_ALIAS_MISCDEV(VFIO_MINOR);
MODULE_ALIAS("devname:vfio/vfio");
MODULE_SOFTDEP("post: vfio_iommu_type1");
