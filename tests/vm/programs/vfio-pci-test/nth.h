/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The kernel's fault injection for one thread: its n-th allocation from now fails. Switch it off
 * before closing anything: the kernel's IOMMU core warns when it cannot give a device back.
 */
#ifndef NTH_H
#define NTH_H

#include <stdbool.h>

/** Once, in the thread that the others are called in. Ends the program where the kernel cannot. */
void nth_open(void);
void nth_arm(unsigned int n);
/** Return: whether the n-th allocation came, and failed. */
bool nth_disarm(void);

#endif
