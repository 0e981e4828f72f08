/* SPDX-License-Identifier: BSD-3-Clause */
/* The parts of the native backend (backend.h): threads in native_workers.c, memory in native.c. */
#ifndef PLX_EAL_NATIVE_H
#define PLX_EAL_NATIVE_H

#include <pollux/lcore.h>

int plx_native_worker_start(unsigned int id);
void plx_native_worker_stop(unsigned int id);
int plx_native_worker_launch(unsigned int id, plx_lcore_fn_t fn, void *arg);
int plx_native_worker_wait(unsigned int id);

#endif /* PLX_EAL_NATIVE_H */
