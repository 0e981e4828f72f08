/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux lcores: threads pinned to one CPU each, that run polling loops.
 *
 * plx_eal_init() turns the calling thread into the main lcore and starts one thread for each other
 * CPU that was asked for. An lcore's id is its CPU number; they need not be contiguous. A worker
 * sleeps until a function is launched on it. Signals are blocked in workers (but faults): handlers
 * run in the application's own threads.
 *
 *	unsigned int id;
 *	PLX_LCORE_FOREACH_WORKER(id)
 *		plx_lcore_launch(id, poll_loop, &queues[id]);
 *	poll_loop(&queues[plx_lcore_id()]);
 *	PLX_LCORE_FOREACH_WORKER(id)
 *		plx_lcore_wait(id, NULL);
 */
#ifndef POLLUX_LCORE_H
#define POLLUX_LCORE_H

#include <pollux/common.h>

PLX_BEGIN_DECLS

/** Ids are below this. */
#define PLX_LCORE_MAX 256
/** What plx_lcore_id() gives in a thread that is no lcore. */
#define PLX_LCORE_NONE (~0u)

/** The calling thread's lcore id; read it with plx_lcore_id(). */
PLX_API extern __thread unsigned int plx_lcore_self __attribute__((tls_model("initial-exec")));

static inline unsigned int plx_lcore_id(void)
{
	return plx_lcore_self;
}

/** The id of the main lcore. */
PLX_API unsigned int plx_lcore_main(void);
/** How many lcores there are, the main one included. */
PLX_API unsigned int plx_lcore_count(void);
/** Is id an lcore of this process? */
PLX_API bool plx_lcore_exists(unsigned int id);
/** The next id after `after` (start with PLX_LCORE_NONE), or PLX_LCORE_NONE at the end. */
PLX_API unsigned int plx_lcore_next(unsigned int after);
/** The NUMA node of an lcore, or PLX_NODE_ANY. */
PLX_API int plx_lcore_node(unsigned int id);

#define PLX_LCORE_FOREACH(id)                                                                      \
	for ((id) = plx_lcore_next(PLX_LCORE_NONE); (id) != PLX_LCORE_NONE;                        \
	     (id) = plx_lcore_next(id))
#define PLX_LCORE_FOREACH_WORKER(id)                                                               \
	PLX_LCORE_FOREACH(id)                                                                      \
	if ((id) != plx_lcore_main())

typedef int (*plx_lcore_fn_t)(void *arg);

/**
 * Run fn(arg) on a worker lcore; returns at once.
 * Return: 0; -ENODEV (no such lcore), -EINVAL (fn is NULL, or the main lcore: call the function
 * yourself), -EPERM (called by another thread than the main lcore), -EBUSY (still running or not
 * waited for).
 */
PLX_API int plx_lcore_launch(unsigned int id, plx_lcore_fn_t fn, void *arg);
/**
 * Wait until the function on a worker has returned; *ret (may be NULL) gets its value.
 * Return: 0, also when nothing had been launched (*ret = 0 then); -ENODEV, -EINVAL, -EPERM as
 * above.
 */
PLX_API int plx_lcore_wait(unsigned int id, int *ret);

PLX_END_DECLS

#endif /* POLLUX_LCORE_H */
