/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the lcores, called by eal.c; the rest is <pollux/lcore.h>. */
#ifndef PLX_EAL_LCORES_H
#define PLX_EAL_LCORES_H

#include <pollux/lcore.h>

/**
 * Choose the CPUs, pin the caller to the main one, and start a thread on each other.
 * @list, @main_cpu: as in struct plx_eal_config
 * Return: 0; -EINVAL (bad list, CPU not online or not allowed), -EPERM, -EAGAIN (no more threads);
 * logged.
 */
int plx_lcores_init(const char *list, const char *main_cpu);
/** Wait for the functions that run, and end the threads. */
void plx_lcores_stop(void);
/** Stop, and give the caller its affinity back. */
void plx_lcores_fini(void);

/** The nodes of all lcores, each once, into nodes[PLX_LCORE_MAX]. Return: how many. */
size_t plx_lcores_nodes(int *nodes);

#endif /* PLX_EAL_LCORES_H */
