/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Capability lists in configuration space (PCI Local Bus 3.0, 6.7; PCIe Base 7.6.3). The lists come
 * from the device: every step is bounded.
 */
#include <pollux/pci.h>

#include <errno.h>

#define CAPS_START	0x40u
#define CAPS_END	0x100u
#define CAPS_STEPS	((CAPS_END - CAPS_START) / 4)
#define CAP_ID_GONE	0xffu /* all ones: nobody answers */

#define EXT_CAPS_START	0x100u
#define EXT_CAPS_END	0x1000u
#define EXT_CAPS_STEPS	((EXT_CAPS_END - EXT_CAPS_START) / 4)
#define EXT_CAP_ID(hdr) ((uint16_t)(hdr))
#define EXT_CAP_NEXT(h) ((h) >> 20 & 0xffcu)

/* Where the list starts; 0 if there is none. */
static int first_cap(const struct plx_pci_config *config, uint32_t *at)
{
	uint32_t status;
	int err;

	*at = 0;
	err = config->read(config->ctx, PLX_PCI_STATUS, 2, &status);
	if (err || status == 0xffff || !(status & PLX_PCI_STATUS_CAPS))
		return err;
	return config->read(config->ctx, PLX_PCI_CAP_POINTER, 1, at);
}

int plx_pci_cap_find(const struct plx_pci_config *config, uint8_t id, uint32_t after)
{
	uint32_t at, header;
	unsigned int steps;
	int err;

	if (after && (after < CAPS_START || after >= CAPS_END))
		return -EINVAL;
	if (after)
		err = config->read(config->ctx, after + 1, 1, &at);
	else
		err = first_cap(config, &at);
	for (steps = 0; !err; steps++) {
		at &= 0xfcu;
		if (at < CAPS_START)
			return 0;
		if (steps == CAPS_STEPS)
			return -ELOOP;
		err = config->read(config->ctx, at, 2, &header);
		if (err)
			break;
		if ((header & 0xff) == CAP_ID_GONE)
			return 0;
		if ((header & 0xff) == id)
			return (int)at;
		at = header >> 8;
	}
	return err;
}

int plx_pci_ext_cap_find(const struct plx_pci_config *config, uint16_t id, uint32_t after)
{
	uint32_t at = EXT_CAPS_START, header;
	bool skip = after != 0;
	unsigned int steps;
	int err;

	if (after && (after < EXT_CAPS_START || after > EXT_CAPS_END - 4 || after & 3))
		return -EINVAL;
	if (after)
		at = after;
	for (steps = 0; at >= EXT_CAPS_START && at + 4 <= config->size; steps++) {
		if (steps == EXT_CAPS_STEPS)
			return -ELOOP;
		err = config->read(config->ctx, at, 4, &header);
		if (err)
			return err;
		if (header == 0 || header == ~0u)
			return 0;
		if (EXT_CAP_ID(header) == id && !skip)
			return (int)at;
		skip = false;
		at = EXT_CAP_NEXT(header);
	}
	return 0;
}
