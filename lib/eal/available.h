/* SPDX-License-Identifier: BSD-3-Clause */
/* How much ordinary memory there is for this process. */
#ifndef PLX_EAL_AVAILABLE_H
#define PLX_EAL_AVAILABLE_H

#include <stdint.h>

/**
 * Bytes that can be taken without swapping and without the OOM killer: what the kernel estimates
 * for the system, or what the limits of this process's memory cgroups (version 2) leave if less.
 * UINT64_MAX where it cannot be told.
 */
uint64_t plx_memory_available(void);

#endif /* PLX_EAL_AVAILABLE_H */
