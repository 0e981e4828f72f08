// SPDX-License-Identifier: GPL-2.0-only
/*
 * Ioeventfds: an eventfd whose signal writes a fixed value to a fixed place of a
 * BAR, so that KVM can ring a doorbell without leaving the kernel. The write needs
 * the memory lock; from the wake-up, which is atomic, it is only tried, and left to
 * a work if the lock is taken.
 */
#include <linux/nospec.h>
#include <linux/pm_runtime.h>
#include <linux/slab.h>
#include <linux/uaccess.h>
#include "vfio_pci_private.h"

struct vfio_pci_ioeventfd_entry {
	struct list_head node;
	struct vfio_listener *listener;
	struct vfio_pci_device *dev;
	void __iomem *io;
	u64 offset, data;
	unsigned int bar;
	size_t width;
	bool at_once; /* one access to memory does it */
};

/* Return: true if the work must do it. */
static bool vfio_pci_ioeventfd_signalled(void *opaque)
{
	struct vfio_pci_ioeventfd_entry *entry = opaque;
	struct vfio_pci_device *dev = entry->dev;

	bool asleep;

	if (!entry->at_once)
		return true;
	if (!down_read_trylock(&dev->memory_lock))
		return true;
	/* Only the work can wake it. */
	asleep = dev->low_power;
	if (vfio_pci_memory_usable(dev) && !asleep)
		vfio_pci_io_write(entry->io + entry->offset, entry->width, entry->data);
	up_read(&dev->memory_lock);
	return asleep;
}

static void vfio_pci_ioeventfd_work(void *opaque)
{
	struct vfio_pci_ioeventfd_entry *entry = opaque;
	struct device *host = &entry->dev->pdev->dev;

	if (pm_runtime_resume_and_get(host) < 0)
		return;
	/* If the user switched decode off, there is nobody to tell. */
	vfio_pci_bar_store(entry->dev, entry->bar, entry->offset, entry->width, entry->data);
	pm_runtime_put(host);
}

static const struct vfio_listener_ops ioeventfd_ops = {
	.signalled = vfio_pci_ioeventfd_signalled,
	.work = vfio_pci_ioeventfd_work,
};

static struct vfio_pci_ioeventfd_entry *
vfio_pci_ioeventfd_find(struct vfio_pci_device *dev, const struct vfio_pci_ioeventfd_entry *key)
{
	struct vfio_pci_ioeventfd_entry *entry;

	list_for_each_entry(entry, &dev->ioeventfds, node)
		if (entry->bar == key->bar && entry->offset == key->offset &&
		    entry->width == key->width && entry->data == key->data)
			return entry;
	return NULL;
}

static void vfio_pci_ioeventfd_remove(struct vfio_pci_device *dev,
				      struct vfio_pci_ioeventfd_entry *entry)
{
	vfio_listener_detach(&entry->listener);
	list_del(&entry->node);
	dev->num_ioeventfds--;
	kfree(entry);
}

static int vfio_pci_ioeventfd_add(struct vfio_pci_device *dev,
				  const struct vfio_pci_ioeventfd_entry *key, int fd)
{
	struct vfio_pci_ioeventfd_entry *entry;
	int ret;

	if (dev->num_ioeventfds >= VFIO_PCI_IOEVENTFDS_MAX)
		return -ENOSPC;
	entry = kmemdup(key, sizeof(*key), GFP_KERNEL_ACCOUNT);
	if (!entry)
		return -ENOMEM;
	ret = vfio_listener_attach(&entry->listener, fd, &ioeventfd_ops, entry);
	if (ret) {
		kfree(entry);
		return ret;
	}
	list_add(&entry->node, &dev->ioeventfds);
	dev->num_ioeventfds++;
	return 0;
}

static int vfio_pci_ioeventfd_set(struct vfio_pci_device *dev,
				  const struct vfio_pci_ioeventfd_entry *key, int fd)
{
	struct vfio_pci_ioeventfd_entry *entry = vfio_pci_ioeventfd_find(dev, key);

	lockdep_assert_held(&dev->ioeventfd_lock);
	if (fd < 0) {
		if (!entry)
			return -ENODEV;
		vfio_pci_ioeventfd_remove(dev, entry);
		return 0;
	}
	/* One whose eventfd was closed makes room. */
	if (entry && !READ_ONCE(entry->listener)) {
		vfio_pci_ioeventfd_remove(dev, entry);
		entry = NULL;
	}
	return entry ? -EEXIST : vfio_pci_ioeventfd_add(dev, key, fd);
}

static int vfio_pci_ioeventfd_check(struct vfio_pci_device *dev,
				    const struct vfio_device_ioeventfd *arg,
				    struct vfio_pci_ioeventfd_entry *key)
{
	const u64 size = vfio_pci_region_size(dev, key->bar);

	if (arg->flags & ~VFIO_DEVICE_IOEVENTFD_SIZE_MASK || hweight32(arg->flags) != 1)
		return -EINVAL;
	if (key->offset >= size || key->width > size - key->offset)
		return -EINVAL;
	if (vfio_pci_in_msix_table(dev, key->bar, key->offset, key->width))
		return -EINVAL;
	if (key->width == sizeof(u64) && !IS_ENABLED(CONFIG_64BIT))
		return -EINVAL;
	return 0;
}

long vfio_pci_ioeventfd(struct vfio_pci_device *dev, void __user *uarg)
{
	const size_t minsz = offsetofend(struct vfio_device_ioeventfd, fd);
	struct vfio_pci_ioeventfd_entry key = {.dev = dev};
	struct vfio_device_ioeventfd arg;
	int ret;

	if (copy_from_user(&arg, uarg, minsz))
		return -EFAULT;
	if (arg.argsz < minsz || VFIO_PCI_REGION(arg.offset) >= PCI_STD_NUM_BARS)
		return -EINVAL;
	key.bar = array_index_nospec(VFIO_PCI_REGION(arg.offset), PCI_STD_NUM_BARS);
	key.offset = arg.offset & VFIO_PCI_OFFSET_MASK;
	key.width = arg.flags & VFIO_DEVICE_IOEVENTFD_SIZE_MASK;
	key.data = arg.data;
	key.at_once = pci_resource_flags(dev->pdev, key.bar) & IORESOURCE_MEM &&
		      IS_ALIGNED(key.offset, key.width ?: 1) && key.width <= sizeof(u32);
	ret = vfio_pci_ioeventfd_check(dev, &arg, &key);
	if (ret)
		return ret;
	key.io = vfio_pci_bar_io(dev, key.bar);
	if (IS_ERR(key.io))
		return PTR_ERR(key.io);

	mutex_lock(&dev->ioeventfd_lock);
	ret = vfio_pci_ioeventfd_set(dev, &key, arg.fd);
	mutex_unlock(&dev->ioeventfd_lock);
	return ret;
}

void vfio_pci_ioeventfds_close(struct vfio_pci_device *dev)
{
	struct vfio_pci_ioeventfd_entry *entry, *next;

	mutex_lock(&dev->ioeventfd_lock);
	list_for_each_entry_safe(entry, next, &dev->ioeventfds, node)
		vfio_pci_ioeventfd_remove(dev, entry);
	mutex_unlock(&dev->ioeventfd_lock);
}
