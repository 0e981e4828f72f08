/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Names of devices from the system's list of PCI ids, where libpciaccess was there to build with.
 */
#include <stdio.h>

#include "plx-bind.h"

#ifdef HAVE_PCIACCESS
#include <pciaccess.h>

const char *device_name(const struct plx_pci_device *device, char *buf, size_t len)
{
	struct pci_id_match match = {
		.vendor_id = device->vendor,
		.device_id = device->device,
		.subvendor_id = device->subsystem_vendor,
		.subdevice_id = device->subsystem_device,
	};
	const char *name = NULL, *vendor = NULL, *subname, *subvendor;

	pci_get_strings(&match, &name, &vendor, &subname, &subvendor);
	snprintf(buf, len, "%s%s%s", vendor ? vendor : "", vendor && name ? " " : "",
		 name ? name : "");
	return buf;
}
#else
const char *device_name(const struct plx_pci_device *device, char *buf, size_t len)
{
	snprintf(buf, len, "%s", "");
	return buf;
}
#endif
