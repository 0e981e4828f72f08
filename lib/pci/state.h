/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a device was bound to before we took it: one small file a device in /run/pollux/bind, which
 * survives us but not a reboot. Used by bind.c only.
 */
#ifndef PLX_PCI_STATE_H
#define PLX_PCI_STATE_H

#include <pollux/pci.h>

/** The life of a device before us. */
struct plx_pci_past {
	char driver[64];	  /**< "" : was not bound */
	char driver_override[64]; /**< "" : was not set */
};

/**
 * Open (and make) the folder, and lock it against other processes until plx_pci_state_close().
 * Return: an fd, or a negative errno, logged: -EACCES, or -EPERM when somebody else owns it or may
 * write to it.
 */
int plx_pci_state_open(void);
void plx_pci_state_close(int dir);

/** Remember, replacing what was there. Return: 0 or a negative errno. */
int plx_pci_state_save(int dir, const struct plx_pci_device *device);
/** Return: 0; -ENOENT (nothing is remembered of this device); another negative errno. */
int plx_pci_state_load(int dir, const struct plx_pci_device *device, struct plx_pci_past *past);
void plx_pci_state_forget(int dir, const struct plx_pci_device *device);

#endif /* PLX_PCI_STATE_H */
