/* SPDX-License-Identifier: BSD-3-Clause */
/* The kernel's announcements of PCI devices; hotplug.c receives them. */
#ifndef PLX_PCI_UEVENT_H
#define PLX_PCI_UEVENT_H

#include <pollux/hotplug.h>

/**
 * Parse a message: "ACTION@PATH", then "KEY=VALUE", each ended by a zero byte.
 * Return: is it about a PCI device, one of the four kinds, and whole?
 */
bool plx_uevent_parse(const char *message, size_t len, struct plx_hotplug_event *event);

#endif /* PLX_PCI_UEVENT_H */
