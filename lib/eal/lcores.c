/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lcores (<pollux/lcore.h>): which CPUs they are, and handing them work. Their threads are the
 * backend's.
 */
#include "eal/lcores.h"

#include <errno.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "eal/backend.h"
#include "eal/numa_nodes.h"
#include "eal/parse.h"

PLX_LOG_USE(eal);

__thread unsigned int plx_lcore_self = PLX_LCORE_NONE;

/* Written by init and fini only. */
static bool exists[PLX_LCORE_MAX];
static int nodes_of[PLX_LCORE_MAX];
static unsigned int count;
static unsigned int main_id = PLX_LCORE_NONE;
static cpu_set_t *saved_affinity;
static bool own_cpus; /* ids are CPUs, and the threads are for us to pin */

struct plx_lcore_loads plx_lcore_loads[PLX_LCORE_MAX + 1];

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
	int err = check_worker(id);

	if (err)
		return err;
	if (!fn) {
		PLX_ERR(eal, "lcore %u: no function to launch", id);
		return -EINVAL;
	}
	err = plx_backend()->worker_launch(id, fn, arg);
	if (err == -EBUSY)
		PLX_ERR(eal, "lcore %u is still running, or was not waited for: plx_lcore_wait()",
			id);
	return err;
}

int plx_lcore_wait(unsigned int id, int *ret)
{
	int err = check_worker(id), value;

	if (err)
		return err;
	value = plx_backend()->worker_wait(id);
	if (ret)
		*ret = value;
	return 0;
}

/* --- Threads that are no lcores --------------------------------------------------------------- */

/*
 * The application's signal handlers run in its own threads; faults stay with whoever causes them.
 */
void plx_lcores_block_signals(sigset_t *before)
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

int plx_lcores_control_thread(pthread_t *thread, const char *name, void *(*fn)(void *), void *arg)
{
	cpu_set_t *mask = CPU_ALLOC(PLX_MASK_CPUS);
	pthread_attr_t attr;
	sigset_t signals;
	unsigned int id;
	int err;

	if (!mask)
		return -ENOMEM;
	memcpy(mask, saved_affinity, PLX_MASK_BYTES);
	PLX_LCORE_FOREACH(id)
	CPU_CLR_S(id, PLX_MASK_BYTES, mask);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, PLX_MASK_BYTES,
				    CPU_COUNT_S(PLX_MASK_BYTES, mask) ? mask : saved_affinity);
	plx_lcores_block_signals(&signals);
	err = pthread_create(thread, &attr, fn, arg);
	pthread_sigmask(SIG_SETMASK, &signals, NULL);
	pthread_attr_destroy(&attr);
	CPU_FREE(mask);
	if (!err)
		pthread_setname_np(*thread, name);
	return -err;
}

/* --- Which CPUs ------------------------------------------------------------------------------ */

/* All CPUs that the caller may run on and that can have an id. */
static void allowed_cpus(struct plx_cpu_set *set)
{
	unsigned int cpu;

	memset(set, 0, sizeof(*set));
	for (cpu = 0; cpu < PLX_LCORE_MAX; cpu++) {
		set->has[cpu] = CPU_ISSET_S(cpu, PLX_MASK_BYTES, saved_affinity);
		set->count += set->has[cpu];
	}
	if ((unsigned int)CPU_COUNT_S(PLX_MASK_BYTES, saved_affinity) > set->count)
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
		if (!set->has[cpu] || CPU_ISSET_S(cpu, PLX_MASK_BYTES, saved_affinity))
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
	cpu_set_t *mask = CPU_ALLOC(PLX_MASK_CPUS);
	int err = 0;

	if (!mask)
		return -ENOMEM;
	CPU_ZERO_S(PLX_MASK_BYTES, mask);
	CPU_SET_S(cpu, PLX_MASK_BYTES, mask);
	if (sched_setaffinity(0, PLX_MASK_BYTES, mask)) {
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

	saved_affinity = CPU_ALLOC(PLX_MASK_CPUS);
	if (!saved_affinity)
		return -ENOMEM;
	CPU_ZERO_S(PLX_MASK_BYTES, saved_affinity);
	if (sched_getaffinity(0, PLX_MASK_BYTES, saved_affinity) == 0)
		return 0;
	err = -errno;
	PLX_ERR(eal, "the CPUs of this process cannot be told: %s; allow sched_getaffinity()",
		strerror(-err));
	return err;
}

/* The runtime below has its lcores already: of these, all or those that were asked for. */
static int choose_running(const char *list, const struct plx_cpu_set *running,
			  struct plx_cpu_set *set)
{
	unsigned int id, twice;

	*set = *running;
	if (!list)
		return 0;
	if (plx_parse_cpu_list(list, set, &twice)) {
		PLX_ERR(eal, "lcores \"%s\": not a list of lcores such as 0,2-5, each once", list);
		return -EINVAL;
	}
	for (id = 0; id < PLX_LCORE_MAX; id++) {
		if (!set->has[id] || running->has[id])
			continue;
		PLX_ERR(eal,
			"lcores \"%s\": %u is no lcore of the %s runtime of this process, which is "
			"up already; name it when that starts",
			list, id, plx_backend()->name);
		return -EINVAL;
	}
	return 0;
}

static int check_running_main(const char *main_cpu, const struct plx_cpu_set *set,
			      unsigned int running_main)
{
	if (set->has[running_main] && (!main_cpu || plx_parse_cpu(main_cpu) == (int)running_main)) {
		main_id = running_main;
		return 0;
	}
	PLX_ERR(eal,
		"main lcore \"%s\": that of the %s runtime of this process, which is up already, "
		"is "
		"%u",
		main_cpu ? main_cpu : "", plx_backend()->name, running_main);
	return -EINVAL;
}

static void adopt(const struct plx_cpu_set *set)
{
	unsigned int cpu;

	for (cpu = 0; cpu < PLX_LCORE_MAX; cpu++) {
		exists[cpu] = set->has[cpu];
		if (exists[cpu])
			nodes_of[cpu] = plx_numa_of_cpu(cpu);
	}
	count = set->count;
}

static int choose(const char *list, const char *main_cpu)
{
	const struct plx_backend *backend = plx_backend();
	struct plx_cpu_set set, running;
	unsigned int running_main;
	int err = 0;

	if (backend->running && backend->running(&running, &running_main)) {
		err = choose_running(list, &running, &set);
		if (!err)
			err = check_running_main(main_cpu, &set, running_main);
	} else {
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
		own_cpus = true;
	}
	if (!err)
		adopt(&set);
	return err;
}

int plx_lcores_choose(const char *list, const char *main_cpu)
{
	int err = save_affinity();

	if (!err)
		err = choose(list, main_cpu);
	if (err)
		plx_lcores_fini();
	else
		plx_lcore_self = main_id;
	return err;
}

void plx_lcores_cpus(struct plx_cpu_set *set)
{
	memcpy(set->has, exists, sizeof(set->has));
	set->count = count;
}

int plx_lcores_start(void)
{
	unsigned int id;
	int err = own_cpus ? pin_self(main_id) : 0;

	PLX_LCORE_FOREACH_WORKER(id)
	if (!err)
		err = plx_backend()->worker_start(id);
	if (err)
		plx_lcores_stop();
	return err;
}

void plx_lcores_stop(void)
{
	unsigned int id;

	PLX_LCORE_FOREACH_WORKER(id)
	plx_backend()->worker_stop(id);
}

void plx_lcores_fini(void)
{
	memset(exists, 0, sizeof(exists));
	if (saved_affinity)
		sched_setaffinity(0, PLX_MASK_BYTES, saved_affinity);
	plx_lcore_self = PLX_LCORE_NONE;
	CPU_FREE(saved_affinity);
	saved_affinity = NULL;
	main_id = PLX_LCORE_NONE;
	own_cpus = false;
	count = 0;
}
