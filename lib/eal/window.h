/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The window: one range of virtual addresses, reserved and inaccessible, in which the EAL places
 * its segments, so that IOVA = VA below 2^39 (or VA plus one constant where that cannot be had).
 */
#ifndef PLX_EAL_WINDOW_H
#define PLX_EAL_WINDOW_H

#include <pollux/common.h>

struct plx_window {
	char *va;
	size_t size;
	plx_iova_t iova; /**< of va */
};

/**
 * Reserve it.
 * @base: 0: choose; else exactly there
 * @size: 0: as much as can be had, up to 256 GiB; else exactly that
 * Return: 0; -EINVAL (not in pages of 1 GiB, or where no IOVA may be), -EEXIST (something is
 * mapped there), -ENOMEM; each logged.
 */
int plx_window_open(struct plx_window *window, uint64_t base, size_t size);
void plx_window_close(struct plx_window *window);

/** Make a part that was mapped over inaccessible again; what was mapped is gone. */
int plx_window_restore(void *va, size_t len);

#endif /* PLX_EAL_WINDOW_H */
