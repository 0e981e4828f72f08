/* SPDX-License-Identifier: BSD-3-Clause */
/* RLIMIT_MEMLOCK against what is locked and what is wanted; see memlock.h. */
#include "vfio/memlock.h"

#include <errno.h>
#include <inttypes.h>
#include <linux/capability.h>
#include <stdio.h>
#include <sys/resource.h>

#include "pci/sysfs.h"

int plx_memlock_get(struct plx_memlock *lock)
{
	char path[PLX_SYSFS_PATH_LEN], line[256];
	uint64_t caps = 0;
	struct rlimit limit;
	FILE *f;

	*lock = (struct plx_memlock){0};
	if (getrlimit(RLIMIT_MEMLOCK, &limit) < 0)
		return -errno;
	lock->limit_kib = limit.rlim_cur == RLIM_INFINITY ? UINT64_MAX : limit.rlim_cur / 1024;
	snprintf(path, sizeof(path), "%s/self/status", plx_pci_roots.proc);
	f = fopen(path, "re");
	if (!f)
		return -errno;
	while (fgets(line, sizeof(line), f)) {
		sscanf(line, "VmLck: %" SCNu64, &lock->used_kib);
		sscanf(line, "CapEff: %" SCNx64, &caps);
	}
	fclose(f);
	lock->exempt = caps >> CAP_IPC_LOCK & 1;
	return 0;
}

uint64_t plx_memlock_needed_kib(const struct plx_memlock *lock, uint64_t bytes)
{
	uint64_t needed = lock->used_kib + bytes / 1024 + (bytes % 1024 != 0);

	if (lock->exempt || needed <= lock->limit_kib)
		return 0;
	return needed;
}
