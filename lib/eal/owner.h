/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Who memory is allocated for: a name that each thread carries while it opens a port, a controller,
 * a pool. Names become small numbers, which the heap of each backend keeps with each piece.
 */
#ifndef PLX_EAL_OWNER_H
#define PLX_EAL_OWNER_H

#include <pollux/mem.h>

/** Numbers are below this; 0 is everything without a name, and what comes when all are taken. */
#define PLX_OWNERS 256

/** The calling thread's. */
PLX_API uint8_t plx_owner(void);
/** The name of a number, or NULL: there is none such (yet). */
const char *plx_owner_name(unsigned int number);
/** Forget all names; nothing is allocated any more. */
void plx_owners_fini(void);

#endif /* PLX_EAL_OWNER_H */
