/* SPDX-License-Identifier: BSD-3-Clause */
/* The life of a device, and what is done through its configuration space; see dev.h. */
#include "vfio/dev.h"

#include <pollux/log.h>

#include <endian.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "vfio/as.h"

PLX_LOG_USE(vfio);

/* --- Configuration space --------------------------------------------------------------------- */

static int config_read(void *ctx, uint32_t offset, uint32_t len, uint32_t *value)
{
	uint32_t raw = 0;
	int err;

	if ((len != 1 && len != 2 && len != 4) || offset % len)
		return -EINVAL;
	err = plx_dev_region_read(ctx, PLX_REGION_CONFIG, offset, &raw, len);
	*value = le32toh(raw);
	return err;
}

static int config_write(void *ctx, uint32_t offset, uint32_t len, uint32_t value)
{
	uint32_t raw = htole32(value);

	if ((len != 1 && len != 2 && len != 4) || offset % len)
		return -EINVAL;
	return plx_dev_region_write(ctx, PLX_REGION_CONFIG, offset, &raw, len);
}

const struct plx_pci_config *plx_dev_config(struct plx_dev *dev)
{
	return &dev->config;
}

/* Ids as the device gives them: behind a transport there may be no sysfs to ask. */
static int read_ids(struct plx_dev *dev)
{
	struct plx_pci_device *pci = &dev->info.pci;
	uint32_t ids, class_revision, subsystem;
	uint64_t size = dev->regions[PLX_REGION_CONFIG].size;
	int err;

	dev->config = (struct plx_pci_config){
		.read = config_read,
		.write = config_write,
		.ctx = dev,
		.size = size >= 4096 ? 4096 : 256,
	};
	if (size < 256) {
		PLX_ERR(vfio, "%s: has no PCI configuration space; not a PCI device?",
			dev->info.name);
		return -EPROTO;
	}
	err = config_read(dev, PLX_PCI_VENDOR_ID, 4, &ids);
	if (!err)
		err = config_read(dev, 0x08, 4, &class_revision);
	if (!err)
		err = config_read(dev, 0x2c, 4, &subsystem);
	if (err || (ids & 0xffff) == 0xffff) {
		PLX_ERR(vfio,
			"%s: does not answer (configuration space %s); remove and rescan it, "
			"or power-cycle the machine",
			dev->info.name, err ? strerror(-err) : "reads all ones");
		return err ? err : -EIO;
	}
	pci->vendor = (uint16_t)ids;
	pci->device = (uint16_t)(ids >> 16);
	pci->revision = (uint8_t)class_revision;
	pci->class_code = class_revision >> 8;
	pci->subsystem_vendor = (uint16_t)subsystem;
	pci->subsystem_device = (uint16_t)(subsystem >> 16);
	return 0;
}

static int set_command(struct plx_dev *dev, uint32_t mask, uint32_t bits)
{
	uint32_t command;
	int err = config_read(dev, PLX_PCI_COMMAND, 2, &command);

	if (err || (command & mask) == bits)
		return err;
	return config_write(dev, PLX_PCI_COMMAND, 2, (command & ~mask) | bits);
}

int plx_dev_bus_master(struct plx_dev *dev, bool on)
{
	return set_command(dev, PLX_PCI_COMMAND_MASTER, on ? PLX_PCI_COMMAND_MASTER : 0);
}

int plx_dev_reset(struct plx_dev *dev)
{
	int err;

	if (!dev->info.can_reset)
		return -ENOTSUP;
	plx_dev_irq_disable(dev);
	/* The kernel restores the Command register that it finds: no DMA before or after. */
	err = plx_dev_bus_master(dev, false);
	if (!err)
		err = dev->ops->reset(dev);
	if (err)
		PLX_ERR(vfio, "%s: reset failed: %s", dev->info.name, strerror(-err));
	return err;
}

/* --- Life ------------------------------------------------------------------------------------ */

/* From here on the transport is open. */
static int dev_init(struct plx_dev *dev)
{
	int err = plx_dev_regions_init(dev);

	if (!err)
		err = read_ids(dev);
	/* The kernel has reset the device when it was opened. */
	if (!err)
		err = set_command(dev, PLX_PCI_COMMAND_MASTER | PLX_PCI_COMMAND_MEMORY,
				  PLX_PCI_COMMAND_MEMORY);
	if (err)
		return err;
	plx_dev_irqs_init(dev);
	return plx_dev_events_init(dev);
}

static void dev_fini(struct plx_dev *dev)
{
	plx_dev_events_fini(dev);
	plx_dev_regions_fini(dev);
	dev->ops->close(dev);
}

static bool already_open(const struct plx_as *as, const struct plx_pci_addr *addr)
{
	const struct plx_dev *dev;

	for (dev = as->devs; dev; dev = dev->next)
		if (plx_pci_compare(&dev->info.pci.addr, addr) == 0)
			return true;
	return false;
}

/* With attach_lock. */
static int dev_open(struct plx_dev *dev, const struct plx_pci_addr *addr)
{
	int err;

	if (already_open(dev->as, addr)) {
		PLX_ERR(vfio, "%s: is open already in this process; name each device once",
			dev->info.name);
		return -EBUSY;
	}
	err = plx_pci_get(addr, &dev->info.pci);
	if (!err)
		err = plx_dev_kernel_open(dev);
	if (err)
		return err;
	err = dev_init(dev);
	if (err) {
		dev_fini(dev);
		return err;
	}
	dev->next = dev->as->devs;
	dev->as->devs = dev;
	PLX_INFO(vfio, "%s: %04x:%04x open, group %d, %u MSI-X, %u MSI, %u INTx", dev->info.name,
		 dev->info.pci.vendor, dev->info.pci.device, dev->info.pci.group,
		 dev->info.num_irqs[PLX_IRQ_MSIX], dev->info.num_irqs[PLX_IRQ_MSI],
		 dev->info.num_irqs[PLX_IRQ_INTX]);
	return 0;
}

static struct plx_dev *dev_alloc(struct plx_as *as, const struct plx_pci_addr *addr)
{
	struct plx_dev *dev = calloc(1, sizeof(*dev));
	char bdf[PLX_PCI_BDF_LEN];

	if (!dev)
		return NULL;
	dev->fd = dev->event_poll = dev->event_fds[0] = dev->event_fds[1] = -1;
	snprintf(dev->info.name, sizeof(dev->info.name), "%s", plx_pci_bdf(addr, bdf));
	dev->as_is_default = !as;
	dev->as = as ? as : plx_as_default_get();
	if (!dev->as) {
		free(dev);
		return NULL;
	}
	return dev;
}

static void dev_free(struct plx_dev *dev)
{
	if (dev->as_is_default)
		plx_as_default_put(dev->as);
	free(dev);
}

struct plx_dev *plx_dev_open(struct plx_as *as, const char *name)
{
	struct plx_pci_addr addr;
	struct plx_dev *dev;
	int err;

	if (plx_pci_parse(name, &addr)) {
		PLX_ERR(vfio, "\"%s\" is not a PCI address such as 0000:02:00.0", name ? name : "");
		errno = EINVAL;
		return NULL;
	}
	dev = dev_alloc(as, &addr);
	if (!dev)
		return NULL;
	pthread_mutex_lock(&dev->as->attach_lock);
	err = dev_open(dev, &addr);
	pthread_mutex_unlock(&dev->as->attach_lock);
	if (err) {
		dev_free(dev);
		errno = -err;
		return NULL;
	}
	return dev;
}

void plx_dev_close(struct plx_dev *dev)
{
	struct plx_dev **at;

	if (!dev)
		return;
	plx_dev_bus_master(dev, false);
	plx_dev_irq_disable(dev);
	pthread_mutex_lock(&dev->as->attach_lock);
	for (at = &dev->as->devs; *at != dev; at = &(*at)->next)
		;
	*at = dev->next;
	dev_fini(dev);
	pthread_mutex_unlock(&dev->as->attach_lock);
	dev_free(dev);
}

const struct plx_dev_info *plx_dev_info(const struct plx_dev *dev)
{
	return &dev->info;
}

struct plx_as *plx_dev_as(const struct plx_dev *dev)
{
	return dev->as;
}
