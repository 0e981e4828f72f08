/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lcores beyond those of --lcores (<pollux/lcore.h>): threads of the application that register, how
 * busy each lcore is, and whether the kernel leaves its CPU alone.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "eal/lcores.h"
#include "eal/parse.h"

PLX_LOG_USE(eal);

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static bool registered[PLX_LCORE_MAX]; /* lock */
static struct plx_cpu_set isolated;    /* written by init only */

/* --- Registration ---------------------------------------------------------------------------- */

int plx_lcore_register(void)
{
	unsigned int id = PLX_LCORE_MAX;
	int ret = -ENOSPC;

	if (!plx_eal_is_up()) {
		PLX_ERR(eal, "a thread cannot register: the EAL is not up; call plx_eal_init()");
		return -ENODEV;
	}
	if (plx_lcore_self != PLX_LCORE_NONE)
		return -EALREADY;
	pthread_mutex_lock(&lock);
	while (ret < 0 && id-- > 0)
		if (!plx_lcore_exists(id) && !registered[id])
			ret = (int)id;
	if (ret >= 0) {
		registered[id] = true;
		plx_lcore_self = id;
		memset(&plx_lcore_loads[id], 0, sizeof(plx_lcore_loads[id]));
	}
	pthread_mutex_unlock(&lock);
	if (ret < 0)
		PLX_ERR(eal,
			"a thread cannot register: all %d lcore ids are taken; unregister "
			"threads that end",
			PLX_LCORE_MAX);
	return ret;
}

int plx_lcore_unregister(void)
{
	unsigned int id = plx_lcore_self;
	int ret = -ENOENT;

	if (!plx_eal_is_up())
		return -ENODEV;
	pthread_mutex_lock(&lock);
	if (id < PLX_LCORE_MAX && registered[id]) {
		registered[id] = false;
		plx_lcore_self = PLX_LCORE_NONE;
		ret = 0;
	}
	pthread_mutex_unlock(&lock);
	return ret;
}

bool plx_lcores_is_registered(unsigned int id)
{
	bool is;

	pthread_mutex_lock(&lock);
	is = id < PLX_LCORE_MAX && registered[id];
	pthread_mutex_unlock(&lock);
	return is;
}

/* --- Load ------------------------------------------------------------------------------------ */

struct plx_lcore_load plx_lcore_load(unsigned int id)
{
	struct plx_lcore_load load = {0};

	if (id >= PLX_LCORE_MAX)
		return load;
	load.busy_ticks = __atomic_load_n(&plx_lcore_loads[id].load.busy_ticks, __ATOMIC_RELAXED);
	load.idle_ticks = __atomic_load_n(&plx_lcore_loads[id].load.idle_ticks, __ATOMIC_RELAXED);
	load.last = __atomic_load_n(&plx_lcore_loads[id].load.last, __ATOMIC_RELAXED);
	return load;
}

/* --- Isolation ------------------------------------------------------------------------------- */

bool plx_lcore_is_isolated(unsigned int id)
{
	return plx_lcore_exists(id) && isolated.has[id];
}

static void read_isolated(void)
{
	FILE *file = fopen("/sys/devices/system/cpu/isolated", "re");
	char line[1024] = "";
	unsigned int twice;

	memset(&isolated, 0, sizeof(isolated));
	if (!file)
		return;
	if (fgets(line, sizeof(line), file))
		line[strcspn(line, "\n")] = '\0';
	fclose(file);
	/* CPUs that cannot be lcores may be in it: then it is taken as none. */
	if (line[0] && plx_parse_cpu_list(line, &isolated, &twice))
		memset(&isolated, 0, sizeof(isolated));
}

void plx_lcores_extra_init(void)
{
	unsigned int id, n = 0;

	memset(registered, 0, sizeof(registered));
	memset(plx_lcore_loads, 0, sizeof(plx_lcore_loads));
	read_isolated();
	PLX_LCORE_FOREACH(id)
	n += plx_lcore_is_isolated(id);
	if (n == 0 && plx_lcore_count() > 1)
		PLX_INFO(eal, "no lcore is on a CPU that the kernel keeps free of other work: "
			      "isolcpus=, nohz_full= and rcu_nocbs= on the kernel command line "
			      "steady its latency");
}
