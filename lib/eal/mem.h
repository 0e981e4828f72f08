/* SPDX-License-Identifier: BSD-3-Clause */
/* Inside the EAL's memory: what mem.c and register.c share, and what eal.c calls. */
#ifndef PLX_EAL_MEM_H
#define PLX_EAL_MEM_H

#include <pollux/mem.h>

#include "eal/pages.h"
#include "eal/window.h"

struct plx_mem_config {
	struct plx_pages_config pages;
	uint64_t va_base;
	size_t va_size;
	bool single_file;
	size_t limit;		   /**< of the heap; 0: none */
	const size_t *node_limits; /**< of PLX_LIMIT_NODES nodes; 0: none */
	size_t bytes;		   /**< heap to begin with, on each of these nodes */
	const int *nodes;
	size_t node_count;
};

/** Bring memory up. Return: 0, or a negative errno, logged. */
int plx_mem_init(const struct plx_mem_config *config);
/** May it be taken down? Return: 0, or -EBUSY, logged. */
int plx_mem_fini_check(void);
/** Take it down; plx_mem_fini_check() has agreed. */
void plx_mem_fini(void);

/**
 * Take the memory lock, which guards the heap, the registry of segments, and the listeners.
 * Return: 0; -ENODEV (no EAL, or not in this process), -EDEADLK (called from a listener; logged).
 */
int plx_mem_lock(void);
/** The same where the EAL comes up or goes down, or memory comes by itself. */
void plx_mem_lock_always(void);
void plx_mem_unlock(void);

/** register.c: IOVAs outside the window; with the lock. */
int plx_register_init(const struct plx_window *window);
/** Forget what is still registered; how many that were. */
size_t plx_register_fini(void);
uint64_t plx_register_bytes(void);
/** An IOVA for [va, va + len), as for registered memory; 0 or a negative errno. */
int plx_register_iova_take(const void *va, size_t len, plx_iova_t *iova);
void plx_register_iova_release(plx_iova_t iova);

#endif /* PLX_EAL_MEM_H */
