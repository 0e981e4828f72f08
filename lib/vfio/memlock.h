/* SPDX-License-Identifier: BSD-3-Clause */
/* Tells a mapping that RLIMIT_MEMLOCK forbids from one for which there is no memory. */
#ifndef PLX_VFIO_MEMLOCK_H
#define PLX_VFIO_MEMLOCK_H

#include <stdbool.h>
#include <stdint.h>

struct plx_memlock {
	uint64_t limit_kib; /**< RLIMIT_MEMLOCK now; UINT64_MAX: none */
	uint64_t used_kib;  /**< VmLck of this process */
	bool exempt;	    /**< CAP_IPC_LOCK: the limit does not hold for us */
};

/** What holds for this process. Return: 0 or a negative errno. */
int plx_memlock_get(struct plx_memlock *lock);
/** The limit in KiB that pinning `bytes` more needs, or 0 if the present one will do. */
uint64_t plx_memlock_needed_kib(const struct plx_memlock *lock, uint64_t bytes);

#endif /* PLX_VFIO_MEMLOCK_H */
