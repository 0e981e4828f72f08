/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lcores (<pollux/lcore.h>): which CPUs they are, their threads, and handing them work. A worker
 * sleeps on its condition variable while it has nothing to run. Launch and wait belong to the main
 * lcore; so there is no lock but each worker's own.
 */
#include "eal/lcores.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "eal/numa_nodes.h"
#include "eal/parse.h"

PLX_LOG_USE(eal);

enum worker_state {
	WORKER_IDLE,	/* nothing launched, or waited for */
	WORKER_RUNNING, /* has something to run, or runs it */
	WORKER_DONE,	/* has returned; not waited for yet */
	WORKER_EXIT,	/* shall end */
};

struct worker {
	pthread_t thread;
	pthread_mutex_t lock;
	pthread_cond_t changed;
	enum worker_state state; /* lock */
	plx_lcore_fn_t fn;	 /* lock */
	void *arg;		 /* lock */
	int ret;		 /* lock */
	unsigned int id;
};

/* A kernel may have more CPUs than PLX_LCORE_MAX: its affinity masks must fit all the same. */
#define MASK_CPUS  8192
#define MASK_BYTES CPU_ALLOC_SIZE(MASK_CPUS)

__thread unsigned int plx_lcore_self = PLX_LCORE_NONE;

/* Written by init and fini only. */
static bool exists[PLX_LCORE_MAX];
static int nodes_of[PLX_LCORE_MAX];
static struct worker *workers[PLX_LCORE_MAX];
static unsigned int count;
static unsigned int main_id = PLX_LCORE_NONE;
static cpu_set_t *saved_affinity;

/* --- Questions ------------------------------------------------------------------------------- */

unsigned int plx_lcore_main(void)
{
	return main_id;
}

unsigned int plx_lcore_count(void)
{
	return count;
}

bool plx_lcore_exists(unsigned int id)
{
	return id < PLX_LCORE_MAX && exists[id];
}

unsigned int plx_lcore_next(unsigned int after)
{
	unsigned int id = after == PLX_LCORE_NONE ? 0 : after + 1;

	for (; id < PLX_LCORE_MAX; id++)
		if (exists[id])
			return id;
	return PLX_LCORE_NONE;
}

int plx_lcore_node(unsigned int id)
{
	return plx_lcore_exists(id) ? nodes_of[id] : PLX_NODE_ANY;
}

size_t plx_lcores_nodes(int *nodes)
{
	unsigned int id;
	size_t n = 0, i;

	PLX_LCORE_FOREACH(id)
	{
		for (i = 0; i < n && nodes[i] != nodes_of[id]; i++)
			;
		if (i == n)
			nodes[n++] = nodes_of[id];
	}
	return n;
}

/* --- Workers --------------------------------------------------------------------------------- */

/* The application's signal handlers run in its own threads; faults stay with whoever causes them.
 */
static void block_signals(sigset_t *before)
{
	sigset_t set;

	sigfillset(&set);
	sigdelset(&set, SIGSEGV);
	sigdelset(&set, SIGBUS);
	sigdelset(&set, SIGILL);
	sigdelset(&set, SIGFPE);
	sigdelset(&set, SIGTRAP);
	sigdelset(&set, SIGSYS);
	sigdelset(&set, SIGPROF);
	pthread_sigmask(SIG_SETMASK, &set, before);
}

static void *worker_main(void *arg)
{
	struct worker *w = arg;
	char name[16];

	plx_lcore_self = w->id;
	snprintf(name, sizeof(name), "plx-lcore-%u", w->id);
	pthread_setname_np(pthread_self(), name);
	pthread_mutex_lock(&w->lock);
	while (w->state != WORKER_EXIT) {
		if (w->state != WORKER_RUNNING) {
			pthread_cond_wait(&w->changed, &w->lock);
			continue;
		}
		pthread_mutex_unlock(&w->lock);
		w->ret = w->fn(w->arg);
		pthread_mutex_lock(&w->lock);
		w->state = WORKER_DONE;
		pthread_cond_broadcast(&w->changed);
	}
	pthread_mutex_unlock(&w->lock);
	return NULL;
}

static int start_thread(struct worker *w)
{
	cpu_set_t *mask = CPU_ALLOC(MASK_CPUS);
	sigset_t signals;
	pthread_attr_t attr;
	int err;

	if (!mask)
		return -ENOMEM;
	CPU_ZERO_S(MASK_BYTES, mask);
	CPU_SET_S(w->id, MASK_BYTES, mask);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, MASK_BYTES, mask);
	block_signals(&signals);
	err = pthread_create(&w->thread, &attr, worker_main, w);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
	pthread_attr_destroy(&attr);
	CPU_FREE(mask);
	if (err) {
		PLX_ERR(eal, "lcore %u: no thread can be started on its CPU: %s%s", w->id,
			strerror(err), err == EAGAIN ? "; raise the limit (ulimit -u)" : "");
		return -err;
	}
	return 0;
}

static int start_worker(unsigned int id)
{
	struct worker *w = calloc(1, sizeof(*w));
	int err;

	if (!w)
		return -ENOMEM;
	w->id = id;
	pthread_mutex_init(&w->lock, NULL);
	pthread_cond_init(&w->changed, NULL);
	err = start_thread(w);
	if (err) {
		free(w);
		return err;
	}
	workers[id] = w;
	return 0;
}

static int wait_for(struct worker *w)
{
	int ret = 0;

	pthread_mutex_lock(&w->lock);
	while (w->state == WORKER_RUNNING)
		pthread_cond_wait(&w->changed, &w->lock);
	if (w->state == WORKER_DONE)
		ret = w->ret;
	w->state = WORKER_IDLE;
	pthread_mutex_unlock(&w->lock);
	return ret;
}

static void stop_worker(struct worker *w)
{
	wait_for(w);
	pthread_mutex_lock(&w->lock);
	w->state = WORKER_EXIT;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
}

/* --- Launch and wait ------------------------------------------------------------------------- */

static int check_worker(unsigned int id)
{
	if (!plx_eal_is_up() || !plx_lcore_exists(id)) {
		PLX_ERR(eal, "lcore %u: there is none; see --lcores", id);
		return -ENODEV;
	}
	if (id == main_id) {
		PLX_ERR(eal, "lcore %u is the main lcore: call the function there yourself", id);
		return -EINVAL;
	}
	if (plx_lcore_id() != main_id) {
		PLX_ERR(eal, "lcore %u: only the main lcore launches and waits", id);
		return -EPERM;
	}
	return 0;
}

int plx_lcore_launch(unsigned int id, plx_lcore_fn_t fn, void *arg)
{
	struct worker *w;
	int err = check_worker(id);

	if (err)
		return err;
	if (!fn) {
		PLX_ERR(eal, "lcore %u: no function to launch", id);
		return -EINVAL;
	}
	w = workers[id];
	pthread_mutex_lock(&w->lock);
	if (w->state == WORKER_IDLE) {
		w->fn = fn;
		w->arg = arg;
		w->state = WORKER_RUNNING;
		pthread_cond_broadcast(&w->changed);
	} else {
		err = -EBUSY;
	}
	pthread_mutex_unlock(&w->lock);
	if (err)
		PLX_ERR(eal, "lcore %u is still running, or was not waited for: plx_lcore_wait()",
			id);
	return err;
}

int plx_lcore_wait(unsigned int id, int *ret)
{
	int err = check_worker(id), value;

	if (err)
		return err;
	value = wait_for(workers[id]);
	if (ret)
		*ret = value;
	return 0;
}

/* --- Which CPUs ------------------------------------------------------------------------------ */

/* All CPUs that the caller may run on and that can have an id. */
static void allowed_cpus(struct plx_cpu_set *set)
{
	unsigned int cpu;

	memset(set, 0, sizeof(*set));
	for (cpu = 0; cpu < PLX_LCORE_MAX; cpu++) {
		set->has[cpu] = CPU_ISSET_S(cpu, MASK_BYTES, saved_affinity);
		set->count += set->has[cpu];
	}
	if ((unsigned int)CPU_COUNT_S(MASK_BYTES, saved_affinity) > set->count)
		PLX_WARN(eal, "CPUs from %u on are left out: they cannot be lcores", PLX_LCORE_MAX);
}

static bool is_online(unsigned int cpu)
{
	char path[64], state = '1';
	FILE *file;

	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u", cpu);
	if (access(path, F_OK))
		return false;
	/* A CPU that cannot be switched off has no such file. */
	snprintf(path, sizeof(path), "/sys/devices/system/cpu/cpu%u/online", cpu);
	file = fopen(path, "re");
	if (file) {
		if (fread(&state, 1, 1, file) != 1)
			state = '0';
		fclose(file);
	}
	return state == '1';
}

static int parse_list(const char *list, struct plx_cpu_set *set)
{
	unsigned int twice, cpu;
	int err = plx_parse_cpu_list(list, set, &twice);

	if (err == -EEXIST) {
		PLX_ERR(eal, "lcores \"%s\": CPU %u is there twice; name each once", list, twice);
		return -EINVAL;
	}
	if (err) {
		PLX_ERR(eal, "lcores \"%s\": not a list of CPUs below %d such as 0,2-5", list,
			PLX_LCORE_MAX);
		return err;
	}
	for (cpu = 0; cpu < PLX_LCORE_MAX; cpu++) {
		if (!set->has[cpu] || CPU_ISSET_S(cpu, MASK_BYTES, saved_affinity))
			continue;
		if (!is_online(cpu))
			PLX_ERR(eal,
				"lcores \"%s\": CPU %u is not online; choose from "
				"/sys/devices/system/cpu/online",
				list, cpu);
		else
			PLX_ERR(eal,
				"lcores \"%s\": this process may not run on CPU %u; leave it out "
				"or "
				"widen the affinity (taskset -c) or the cpuset",
				list, cpu);
		return -EINVAL;
	}
	return 0;
}

static int parse_main(const char *main_cpu, const struct plx_cpu_set *set, unsigned int *id)
{
	int cpu = 0;

	if (!main_cpu) {
		while (!set->has[cpu])
			cpu++;
	} else {
		cpu = plx_parse_cpu(main_cpu);
		if (cpu < 0 || !set->has[cpu]) {
			PLX_ERR(eal, "main lcore \"%s\": not a CPU of the lcores", main_cpu);
			return -EINVAL;
		}
	}
	*id = (unsigned int)cpu;
	return 0;
}

/* --- Life ------------------------------------------------------------------------------------ */

static int pin_self(unsigned int cpu)
{
	cpu_set_t *mask = CPU_ALLOC(MASK_CPUS);
	int err = 0;

	if (!mask)
		return -ENOMEM;
	CPU_ZERO_S(MASK_BYTES, mask);
	CPU_SET_S(cpu, MASK_BYTES, mask);
	if (sched_setaffinity(0, MASK_BYTES, mask)) {
		err = -errno;
		PLX_ERR(eal,
			"lcore %u: the main thread cannot be pinned to its CPU: %s; allow "
			"sched_setaffinity() to this process",
			cpu, strerror(-err));
	}
	CPU_FREE(mask);
	return err;
}

static int save_affinity(void)
{
	int err;

	saved_affinity = CPU_ALLOC(MASK_CPUS);
	if (!saved_affinity)
		return -ENOMEM;
	CPU_ZERO_S(MASK_BYTES, saved_affinity);
	if (sched_getaffinity(0, MASK_BYTES, saved_affinity) == 0)
		return 0;
	err = -errno;
	PLX_ERR(eal, "the CPUs of this process cannot be told: %s; allow sched_getaffinity()",
		strerror(-err));
	return err;
}

static int choose(const char *list, const char *main_cpu)
{
	struct plx_cpu_set set;
	unsigned int cpu;
	int err = 0;

	if (list)
		err = parse_list(list, &set);
	else
		allowed_cpus(&set);
	if (!err && set.count == 0) {
		PLX_ERR(eal, "this process may run on no CPU below %d", PLX_LCORE_MAX);
		err = -EINVAL;
	}
	if (!err)
		err = parse_main(main_cpu, &set, &main_id);
	if (err)
		return err;
	for (cpu = 0; cpu < PLX_LCORE_MAX; cpu++) {
		exists[cpu] = set.has[cpu];
		if (exists[cpu])
			nodes_of[cpu] = plx_numa_of_cpu(cpu);
	}
	count = set.count;
	return 0;
}

int plx_lcores_init(const char *list, const char *main_cpu)
{
	unsigned int id;
	int err = save_affinity();

	if (!err)
		err = choose(list, main_cpu);
	if (!err)
		err = pin_self(main_id);
	if (!err)
		plx_lcore_self = main_id;
	PLX_LCORE_FOREACH_WORKER(id)
	if (!err)
		err = start_worker(id);
	if (err)
		plx_lcores_fini();
	return err;
}

void plx_lcores_stop(void)
{
	unsigned int id;

	for (id = 0; id < PLX_LCORE_MAX; id++) {
		if (workers[id])
			stop_worker(workers[id]);
		workers[id] = NULL;
	}
}

void plx_lcores_fini(void)
{
	plx_lcores_stop();
	memset(exists, 0, sizeof(exists));
	if (plx_lcore_self != PLX_LCORE_NONE)
		sched_setaffinity(0, MASK_BYTES, saved_affinity);
	plx_lcore_self = PLX_LCORE_NONE;
	CPU_FREE(saved_affinity);
	saved_affinity = NULL;
	main_id = PLX_LCORE_NONE;
	count = 0;
}
