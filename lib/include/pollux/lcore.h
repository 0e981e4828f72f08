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

#include <pollux/clock.h>
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

/* --- Threads that are not ours --------------------------------------------------------------- */

/**
 * Make the calling thread an lcore: it gets an id of its own (the highest that is free, no CPU's
 * number) until it unregisters, and a cache in mempools that are opened from then on. It is not
 * pinned, nothing can be launched on it, and PLX_LCORE_FOREACH passes it.
 * Return: the id; -EALREADY (it is one), -ENOSPC (no id is free), -ENODEV (no EAL).
 */
PLX_API int plx_lcore_register(void);
/**
 * Undo it, from the same thread. What its caches hold stays in them until another thread gets the
 * id or the pool is closed; nothing is lost.
 * Return: 0; -ENOENT (it has not registered), -ENODEV.
 */
PLX_API int plx_lcore_unregister(void);

/* --- Per-lcore variables --------------------------------------------------------------------- */

/**
 * A variable that each lcore has for itself, on cache lines of its own; threads that are no lcore
 * share one more:
 *
 *	static PLX_PER_LCORE(struct counters, counts);
 *	plx_per_lcore(counts)->packets++;
 */
#define PLX_PER_LCORE(type, name)                                                                  \
	struct {                                                                                   \
		type value PLX_CACHE_ALIGNED;                                                      \
	} name[PLX_LCORE_MAX + 1]
/** The calling thread's, and that of an lcore: pointers. */
#define plx_per_lcore(name)	   (&(name)[plx_lcore_slot()].value)
#define plx_per_lcore_of(name, id) (&(name)[id].value)

/** The calling thread's index into per-lcore variables. */
static inline unsigned int plx_lcore_slot(void)
{
	return plx_lcore_self < PLX_LCORE_MAX ? plx_lcore_self : PLX_LCORE_MAX;
}

/* --- How busy -------------------------------------------------------------------------------- */

/** Of one lcore, in ticks of plx_tsc(), since it first called plx_lcore_turn(). */
struct plx_lcore_load {
	uint64_t busy_ticks; /**< of turns that found work */
	uint64_t idle_ticks;
	uint64_t last; /**< when the last turn ended */
};
/** The lcores' own; read them by plx_lcore_load(). */
PLX_API extern struct plx_lcore_loads {
	struct plx_lcore_load load PLX_CACHE_ALIGNED;
} plx_lcore_loads[PLX_LCORE_MAX + 1];

/**
 * A polling loop has gone round once and found so many packets, completions, ...: 0 makes the time
 * since the last call idle, all else busy. Costs about ten instructions; telemetry shows the sums.
 */
static inline void plx_lcore_turn(unsigned int work)
{
	struct plx_lcore_load *load = &plx_lcore_loads[plx_lcore_slot()].load;
	uint64_t now = plx_tsc(), ticks = now - load->last;

	ticks = plx_unlikely(!load->last) ? 0 : ticks;
	load->last = now;
	*(work ? &load->busy_ticks : &load->idle_ticks) += ticks;
}
/** The load of an lcore, from any thread; all zero where there is none such. */
PLX_API struct plx_lcore_load plx_lcore_load(unsigned int id);

/**
 * Does the kernel keep other work off this lcore's CPU (isolcpus=, or an isolated cpuset)? With
 * several lcores and none isolated plx_eal_init() hints at it (log level info).
 */
PLX_API bool plx_lcore_is_isolated(unsigned int id);

PLX_END_DECLS

#endif /* POLLUX_LCORE_H */
