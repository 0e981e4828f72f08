/* SPDX-License-Identifier: GPL-2.0-only */
/*
 * What a PCI driver that hands its devices to users programs against: vfio-pci,
 * and drivers for one kind of device that want most of what vfio-pci does. The
 * library vfio-pci-core owns all of a device's VFIO state; the driver owns the
 * struct pci_driver, its module and its parameters.
 *
 *	probe:	vfio_pci_core_probe(pdev, &my_ops, &my_policy)
 *	remove:	vfio_pci_core_remove(pdev)
 *	and in the struct pci_driver: vfio_pci_core_err_handlers,
 *	vfio_pci_core_pm_ops, .driver_managed_dma = true
 */
#ifndef PLX_VFIO_PCI_CORE_H
#define PLX_VFIO_PCI_CORE_H

#include <linux/pci.h>
#include "vfio_core.h"

/**
 * struct vfio_pci_policy - what the administrator chose by module parameters
 * @no_intx_mask: do not use COMMAND.INTX_DISABLE; INTx lines cannot be shared
 * @no_vga: no legacy VGA ranges
 * @no_idle_d3: leave unused devices in D0
 */
struct vfio_pci_policy {
	bool no_intx_mask;
	bool no_vga;
	bool no_idle_d3;
};

/**
 * vfio_pci_core_probe - offer a device to users
 * @pdev: the device; its driver data is the library's from here on
 * @ops: the operations below with the driver's name and owner; constant
 * @policy: constant, read at any time until vfio_pci_core_remove()
 *
 * Return: 0 or a negative errno.
 */
int vfio_pci_core_probe(struct pci_dev *pdev, const struct vfio_device_ops *ops,
			const struct vfio_pci_policy *policy);

/**
 * vfio_pci_core_remove - take a device away from users; waits until none has it open
 * @pdev: probed
 */
void vfio_pci_core_remove(struct pci_dev *pdev);

/**
 * vfio_pci_core_sriov_configure - enable or disable virtual functions
 * @pdev: probed
 * @num_vfs: as in struct pci_driver.sriov_configure
 *
 * New functions are kept for the driver of @pdev, and opened only by users who
 * know the physical function's token.
 */
int vfio_pci_core_sriov_configure(struct pci_dev *pdev, int num_vfs);

/* The operations of a device, see struct vfio_device_ops. */
void vfio_pci_core_release(struct vfio_device *vdev);
int vfio_pci_core_open(struct vfio_device *vdev);
void vfio_pci_core_close(struct vfio_device *vdev);
long vfio_pci_core_ioctl(struct vfio_device *vdev, unsigned int cmd, unsigned long arg);
int vfio_pci_core_feature(struct vfio_device *vdev, u32 flags, void __user *data, size_t size);
ssize_t vfio_pci_core_read(struct vfio_device *vdev, char __user *buf, size_t count, loff_t *pos);
ssize_t vfio_pci_core_write(struct vfio_device *vdev, const char __user *buf, size_t count,
			    loff_t *pos);
int vfio_pci_core_mmap(struct vfio_device *vdev, struct vm_area_struct *vma);
void vfio_pci_core_request(struct vfio_device *vdev, unsigned int count);
int vfio_pci_core_match(struct vfio_device *vdev, char *buf);

extern const struct pci_error_handlers vfio_pci_core_err_handlers;
extern const struct dev_pm_ops vfio_pci_core_pm_ops;

#endif
