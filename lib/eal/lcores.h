/* SPDX-License-Identifier: BSD-3-Clause */
/* Life of the lcores, called by eal.c; the rest is <pollux/lcore.h>. */
#ifndef PLX_EAL_LCORES_H
#define PLX_EAL_LCORES_H

#include <pthread.h>
#include <sched.h>
#include <signal.h>

#include <pollux/lcore.h>

#include "eal/parse.h"

/* A kernel may have more CPUs than PLX_LCORE_MAX: its affinity masks must fit all the same. */
#define PLX_MASK_CPUS  8192
#define PLX_MASK_BYTES CPU_ALLOC_SIZE(PLX_MASK_CPUS)

/**
 * Choose the lcores; the caller is the main one.
 * @list, @main_cpu: as in struct plx_eal_config
 * Return: 0; -EINVAL (bad list, CPU not online or not allowed), or else; logged.
 */
int plx_lcores_choose(const char *list, const char *main_cpu);
/** What was chosen. */
void plx_lcores_cpus(struct plx_cpu_set *set);
/**
 * Pin the caller, and start a thread on each other.
 * Return: 0; -EPERM, -EAGAIN (no more threads), or else; logged.
 */
int plx_lcores_start(void);
/** Wait for the functions that run, and end the threads. */
void plx_lcores_stop(void);
/** Give the caller its affinity back; they have been stopped. */
void plx_lcores_fini(void);

/**
 * Start a thread that is no lcore: on the CPUs that the process had and that are no lcores (on all
 * of them if none is left), with signals blocked as in workers. Between choose and fini.
 * Return: 0 or a negative errno.
 */
int plx_lcores_control_thread(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg);
/** Block all signals but faults in the calling thread: for threads that it is about to start. */
void plx_lcores_block_signals(sigset_t *before);

/** lcore_threads.c: forget registered threads and loads, look for isolated CPUs. By init. */
void plx_lcores_extra_init(void);
/** Has a thread registered for this id? */
bool plx_lcores_is_registered(unsigned int id);

/** The nodes of all lcores, each once, into nodes[PLX_LCORE_MAX]. Return: how many. */
size_t plx_lcores_nodes(int *nodes);

#endif /* PLX_EAL_LCORES_H */
