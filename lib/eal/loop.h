/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the control loop, called by eal.c; the rest is <pollux/loop.h>. */
#ifndef PLX_EAL_LOOP_H
#define PLX_EAL_LOOP_H

#include <pollux/loop.h>

/** End the control thread, if there is one: no callback runs from here on. */
void plx_loop_stop(void);
/** After plx_loop_stop(): watches that are left are dropped with a warning. */
void plx_loop_fini(void);

#endif /* PLX_EAL_LOOP_H */
