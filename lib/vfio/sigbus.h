/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Reading and writing a BAR whose device has gone raises SIGBUS where the kernel has taken the
 * mapping away (VFIO zaps it on removal and on bus errors). Ranges that are guarded get memory of
 * all ones instead, as a bus that does not answer reads: the driver finds the device gone by what
 * it reads, and the process lives. A SIGBUS anywhere else goes to whoever had the handler before.
 */
#ifndef PLX_VFIO_SIGBUS_H
#define PLX_VFIO_SIGBUS_H

#include <stddef.h>

/**
 * Guard [va, va + len), whole pages, until plx_sigbus_unguard(). The first one installs the
 * handler. Return: 0, or -ENOMEM, -ENOSPC (too many; the range is as it would be without), or what
 * sigaction(2) says.
 */
int plx_sigbus_guard(void *va, size_t len);
/** End it. The last one puts the former handler back, unless somebody has put in another since. */
void plx_sigbus_unguard(void *va);
/** Accesses that were caught so far. */
unsigned long plx_sigbus_caught(void);

#endif /* PLX_VFIO_SIGBUS_H */
