/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a port spec to a driver: "0000:00:03.0" is looked up on the bus and matched against the
 * drivers' tables before the device is opened, so that nothing is touched when no driver fits;
 * "driver:argument" names the driver.
 */
#include <errno.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "driver.h"

PLX_LOG_USE(net);

static const struct plx_net_driver *driver_for_pci(const struct plx_pci_device *device)
{
	const struct plx_net_driver *const *d;

	for (d = plx_net_drivers; *d; d++)
		if ((*d)->pci && plx_pci_match_find((*d)->pci, device))
			return *d;
	return NULL;
}

static const struct plx_net_driver *driver_by_name(const char *name, size_t len)
{
	const struct plx_net_driver *const *d;

	for (d = plx_net_drivers; *d; d++)
		if (strlen((*d)->name) == len && memcmp((*d)->name, name, len) == 0)
			return *d;
	return NULL;
}

const char *plx_net_driver_get(unsigned int index, uint64_t *features)
{
	unsigned int i;

	for (i = 0; plx_net_drivers[i]; i++) {
		if (i != index)
			continue;
		*features = plx_net_drivers[i]->features;
		return plx_net_drivers[i]->name;
	}
	return NULL;
}

static struct plx_port *open_pci(const struct plx_pci_addr *addr,
				 const struct plx_port_config *config)
{
	const struct plx_net_driver *driver;
	struct plx_pci_device device;
	char bdf[PLX_PCI_BDF_LEN];
	struct plx_port *port;
	struct plx_dev *dev;
	int err;

	err = plx_pci_get(addr, &device);
	if (err) {
		errno = -err;
		return NULL;
	}
	plx_pci_bdf(addr, bdf);
	driver = driver_for_pci(&device);
	if (!driver) {
		PLX_ERR(net,
			"%s: no driver for %04x:%04x; drivers/net/README.md lists what there is",
			bdf, device.vendor, device.device);
		errno = ENODEV;
		return NULL;
	}
	dev = plx_dev_open(config->as, bdf);
	if (!dev)
		return NULL;
	port = plx_port_open_with(driver, dev, bdf, NULL, config);
	if (!port) {
		err = errno;
		plx_dev_close(dev);
		errno = err;
	}
	return port;
}

static struct plx_port *open_named(const char *spec, const struct plx_port_config *config)
{
	const char *colon = strchr(spec, ':');
	const struct plx_net_driver *driver;

	driver = colon ? driver_by_name(spec, (size_t)(colon - spec)) : NULL;
	if (!driver) {
		PLX_ERR(net,
			"\"%.64s\": neither a PCI address (0000:00:03.0) nor driver:argument with "
			"a "
			"known driver",
			spec);
		errno = EINVAL;
		return NULL;
	}
	return plx_port_open_with(driver, NULL, spec, colon + 1, config);
}

struct plx_port *plx_port_open(const char *spec, const struct plx_port_config *config)
{
	struct plx_pci_addr addr;

	if (!plx_eal_is_up()) {
		PLX_ERR(net, "%.64s: the EAL is not up: call plx_eal_init() first", spec);
		errno = ENODEV;
		return NULL;
	}
	if (!config || !config->pool) {
		PLX_ERR(net, "%.64s: no packet-buffer pool: set plx_port_config.pool", spec);
		errno = EINVAL;
		return NULL;
	}
	if (plx_pci_parse(spec, &addr) == 0)
		return open_pci(&addr, config);
	return open_named(spec, config);
}
