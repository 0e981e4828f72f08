/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Bringing the EAL up and down (<pollux/eal.h>). The order is backend, lcores (their nodes decide
 * where memory goes), memory, clock; down is the reverse.
 */
#include <pollux/eal.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/telemetry.h>

#include "eal/backend.h"
#include "eal/clock.h"
#include "eal/lcores.h"
#include "eal/loop.h"
#include "eal/mem.h"
#include "eal/numa_nodes.h"
#include "eal/peer.h"
#include "eal/rundir.h"
#include "eal/telemetry.h"
#include "eal/version.h"

PLX_LOG_COMPONENT(eal);

/*
 * Whether the EAL is up is kept in a page that the kernel clears in a forked child: so a child
 * knows that it is one, however it was made (fork(), clone()).
 */
static pthread_mutex_t life_lock = PTHREAD_MUTEX_INITIALIZER; /* init against fini */
static bool *up;					      /* in that page; NULL before */
static bool was_up; /* the same, but a child inherits it; life_lock */

const char *plx_eal_backend(void)
{
	return plx_eal_is_up() ? plx_backend()->name : NULL;
}

static char own_name[PLX_NAME_LEN]; /* "" if none */
static uint64_t up_since_ns;

bool plx_eal_is_up(void)
{
	bool *page = __atomic_load_n(&up, __ATOMIC_ACQUIRE);

	return page && __atomic_load_n(page, __ATOMIC_ACQUIRE);
}

const char *plx_version(void)
{
	return PLX_VERSION;
}

const char *plx_eal_name(void)
{
	return own_name;
}

uint64_t plx_eal_uptime_ns(void)
{
	return plx_eal_is_up() ? plx_clock_ns() - up_since_ns : 0;
}

/* The page lasts as long as the process: someone may be asking. */
static int up_page(void)
{
	size_t size = (size_t)sysconf(_SC_PAGESIZE);
	void *page;
	int err;

	if (up)
		return 0;
	page = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	if (page == MAP_FAILED)
		return -errno;
	if (madvise(page, size, MADV_WIPEONFORK)) {
		err = -errno;
		munmap(page, size);
		return err;
	}
	__atomic_store_n(&up, page, __ATOMIC_RELEASE);
	return 0;
}

static int init_memory(const struct plx_eal_config *config)
{
	int nodes[PLX_LCORE_MAX];
	size_t node_limits[PLX_LIMIT_NODES];
	struct plx_mem_config mem = {
		.pages = {config->page_size, config->no_huge, config->require_huge},
		.va_base = config->va_base,
		.va_size = config->va_size,
		.single_file = config->single_file_segments,
		.limit = config->mem_limit,
		.node_limits = node_limits,
		.bytes = config->mem_bytes,
		.nodes = nodes,
		.node_count = plx_lcores_nodes(nodes),
	};

	if (plx_parse_node_limits(config->mem_node_limits, node_limits)) {
		PLX_ERR(eal,
			"memory limits \"%s\": not a list of nodes and sizes such as 0=512M,1=1G",
			config->mem_node_limits);
		return -EINVAL;
	}
	return plx_mem_init(&mem);
}

/* An environment that somebody less privileged has made decides nothing. */
static const char *choice(const char *configured, const char *variable)
{
	return configured ? configured : secure_getenv(variable);
}

static int start_backend(const struct plx_eal_config *config)
{
	const char *args = choice(config->backend_args, "POLLUX_EAL_ARGS");
	int nodes[PLX_LCORE_MAX];
	struct plx_cpu_set cpus;
	struct plx_backend_start start = {
		.config = config,
		.args = args ? args : "",
		.cpus = &cpus,
		.main_cpu = plx_lcore_main(),
		.node_count = plx_lcores_nodes(nodes),
	};

	plx_lcores_cpus(&cpus);
	return plx_backend()->start(&start);
}

static void stop_backend(void)
{
	if (plx_backend()->stop)
		plx_backend()->stop();
}

static int init_started(const struct plx_eal_config *config)
{
	int err = plx_lcores_start();

	if (err)
		return err;
	err = init_memory(config);
	if (err)
		plx_lcores_stop();
	return err;
}

static int init_on_backend(const struct plx_eal_config *config)
{
	int err = plx_lcores_choose(config->lcores, config->main_lcore);

	if (err)
		return err;
	err = start_backend(config);
	if (!err) {
		err = init_started(config);
		if (err)
			stop_backend();
	}
	if (err)
		plx_lcores_fini();
	return err;
}

/* Where others find this process; last, for they may ask at once. */
static int go_public(const char *name)
{
	int err;

	if (!name)
		return 0;
	err = plx_rundir_open(name);
	if (err)
		return err;
	snprintf(own_name, sizeof(own_name), "%s", name);
	err = plx_telemetry_start();
	return err ? err : plx_peers_start();
}

static void take_down(void)
{
	/* Workers, and the control thread, may still use memory until they have been waited for. */
	plx_lcores_stop();
	plx_loop_stop();
	plx_peers_stop();
	plx_telemetry_stop();
	plx_loop_fini();
	plx_rundir_close();
	own_name[0] = '\0';
	__atomic_store_n(up, false, __ATOMIC_RELEASE);
	was_up = false;
	plx_mem_fini();
	stop_backend();
	plx_lcores_fini();
	plx_backend_set(NULL);
}

static int check_state(void)
{
	if (plx_eal_is_up()) {
		PLX_ERR(eal, "the EAL is up already; call plx_eal_fini() before another "
			     "plx_eal_init()");
		return -EALREADY;
	}
	if (was_up) {
		PLX_ERR(eal, "this is a forked child of a process with the EAL up, which cannot "
			     "have its own: fork before plx_eal_init(), or exec");
		return -ENODEV;
	}
	return 0;
}

static int init_locked(const struct plx_eal_config *config)
{
	struct plx_clock_mark since = plx_clock_mark();
	const struct plx_backend *backend;
	int err = check_state();

	if (err)
		return err;
	if (config->log_levels && plx_log_set_levels(config->log_levels)) {
		PLX_ERR(eal, "log levels \"%s\": not a list such as info,vfio=debug",
			config->log_levels);
		return -EINVAL;
	}
	err = plx_backend_find(choice(config->backend, "POLLUX_EAL"), &backend);
	if (!err)
		err = up_page();
	if (err)
		return err;
	plx_numa_init();
	plx_backend_set(backend);
	err = init_on_backend(config);
	if (err) {
		plx_backend_set(NULL);
		return err;
	}
	plx_clock_init(&since);
	plx_lcores_extra_init();
	was_up = true;
	up_since_ns = plx_clock_ns();
	__atomic_store_n(up, true, __ATOMIC_RELEASE);
	err = go_public(config->name);
	if (err)
		take_down();
	return err;
}

int plx_eal_init(const struct plx_eal_config *config)
{
	static const struct plx_eal_config defaults;
	int err;

	pthread_mutex_lock(&life_lock);
	err = init_locked(config ? config : &defaults);
	pthread_mutex_unlock(&life_lock);
	return err;
}

static int fini_locked(void)
{
	int err;

	if (!plx_eal_is_up()) {
		PLX_ERR(eal, "the EAL is not up in this process: nothing to take down");
		return -ENODEV;
	}
	if (plx_lcore_id() != plx_lcore_main()) {
		PLX_ERR(eal, "plx_eal_fini() was called by another thread than plx_eal_init()");
		return -EPERM;
	}
	err = plx_mem_fini_check();
	if (err)
		return err;
	take_down();
	return 0;
}

int plx_eal_fini(void)
{
	int err;

	pthread_mutex_lock(&life_lock);
	err = fini_locked();
	pthread_mutex_unlock(&life_lock);
	return err;
}
