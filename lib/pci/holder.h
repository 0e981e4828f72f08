/* SPDX-License-Identifier: BSD-3-Clause */
/* Which process has a VFIO group open; used by lib/pci (in use?) and lib/vfio (why EBUSY?). */
#ifndef PLX_PCI_HOLDER_H
#define PLX_PCI_HOLDER_H

#include <stddef.h>
#include <sys/types.h>

/**
 * Look through /proc for a process that has /dev/vfio/<group> open.
 * @text: gets "process 1234 (qemu-system-x86)", or "this process"
 * Return: its id, or 0 if none was found. Without CAP_SYS_PTRACE only the processes of the caller's
 * own user are seen.
 */
pid_t plx_pci_group_holder(int group, char *text, size_t len);

#endif /* PLX_PCI_HOLDER_H */
