/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/lcores.c: which CPUs, launch and wait. */
#include <pollux/lcore.h>

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

static int cpu_count(void)
{
	cpu_set_t set;

	return sched_getaffinity(0, sizeof(set), &set) ? -1 : CPU_COUNT(&set);
}

/* The n-th CPU that this process may use. */
static unsigned int cpu_number(int n)
{
	unsigned int cpu = 0;
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	while (!CPU_ISSET(cpu, &set) || n-- > 0)
		cpu++;
	return cpu;
}

static int init(const char *lcores, const char *main_lcore)
{
	struct plx_eal_config config = {
		.no_huge = true, .lcores = lcores, .main_lcore = main_lcore};

	return plx_eal_init(&config);
}

static void all_cpus(void)
{
	unsigned int id, n = 0, last = 0;
	int before = cpu_count();

	UNIT_EQ(init(NULL, NULL), 0);
	UNIT_EQ(plx_lcore_count(), before);
	UNIT_EQ(cpu_count(), 1);
	UNIT_EQ(plx_lcore_id(), plx_lcore_main());
	UNIT_EQ((unsigned int)sched_getcpu(), plx_lcore_main());
	PLX_LCORE_FOREACH(id)
	{
		CU_ASSERT(n == 0 || id > last);
		UNIT_EQ(plx_lcore_exists(id), true);
		CU_ASSERT(plx_lcore_node(id) >= 0);
		last = id;
		n++;
	}
	UNIT_EQ(n, plx_lcore_count());
	UNIT_EQ(plx_lcore_exists(PLX_LCORE_MAX), false);
	UNIT_EQ(plx_lcore_exists(PLX_LCORE_NONE), false);
	UNIT_EQ(plx_lcore_node(PLX_LCORE_NONE), PLX_NODE_ANY);
	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(cpu_count(), before);
	UNIT_EQ(plx_lcore_id() == PLX_LCORE_NONE, true);
}

static void one_cpu(void)
{
	char list[16];
	unsigned int id, workers = 0;

	snprintf(list, sizeof(list), "%u", cpu_number(cpu_count() - 1));
	UNIT_EQ(init(list, NULL), 0);
	UNIT_EQ(plx_lcore_count(), 1);
	PLX_LCORE_FOREACH_WORKER(id)
	workers++;
	UNIT_EQ(workers, 0);
	UNIT_EQ(plx_eal_fini(), 0);
}

static void refused(void)
{
	char list[32];

	log_keep();
	snprintf(list, sizeof(list), "%u,%u", cpu_number(0), cpu_number(0));
	UNIT_EQ(init(list, NULL), -EINVAL);
	CU_ASSERT(logged("there twice"));
	UNIT_EQ(init("255", NULL), -EINVAL);
	CU_ASSERT(logged("CPU 255 is not online"));
	UNIT_EQ(init("", NULL), -EINVAL);
	UNIT_EQ(init("0;1", NULL), -EINVAL);
	CU_ASSERT(logged("not a list of CPUs"));
	UNIT_EQ(init(NULL, "255"), -EINVAL);
	CU_ASSERT(logged("main lcore \"255\""));
	UNIT_EQ(init(NULL, "x"), -EINVAL);
	UNIT_EQ(init(NULL, ""), -EINVAL);
	UNIT_EQ(plx_lcore_count(), 0);
	UNIT_EQ(plx_lcore_id() == PLX_LCORE_NONE, true);
	log_print();
}

/* A thread whose affinity was narrowed, as by taskset. */
static int narrowed(void *arg)
{
	unsigned int mine = cpu_number(1), other = cpu_number(0);
	char list[32];
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET(mine, &set);
	if (sched_setaffinity(0, sizeof(set), &set))
		return 77;
	log_keep();
	snprintf(list, sizeof(list), "%u,%u", other, mine);
	if (init(list, NULL) != -EINVAL || !logged("may not run on CPU"))
		return 1;
	/* CPU numbers need not start at 0. */
	if (init(NULL, NULL) || plx_lcore_count() != 1 || plx_lcore_main() != mine)
		return 2;
	return plx_eal_fini() || cpu_count() != 1 ? 3 : 0;
}

static void outside_affinity(void)
{
	if (cpu_count() > 1)
		UNIT_EQ(in_child(narrowed, NULL), 0);
}

static int where(void *arg)
{
	cpu_set_t set;

	sched_getaffinity(0, sizeof(set), &set);
	*(unsigned int *)arg = plx_lcore_id();
	return CPU_COUNT(&set) == 1 ? sched_getcpu() : -1;
}

static void launch_wait(void)
{
	unsigned int id, seen, i;
	int ret;

	UNIT_EQ(init(NULL, NULL), 0);
	for (i = 0; i < 200; i++) {
		PLX_LCORE_FOREACH_WORKER(id)
		{
			UNIT_EQ(plx_lcore_launch(id, where, &seen), 0);
			UNIT_EQ(plx_lcore_wait(id, &ret), 0);
			UNIT_EQ(seen, id);
			UNIT_EQ((unsigned int)ret, id);
			/* Waiting again gives nothing. */
			UNIT_EQ(plx_lcore_wait(id, &ret), 0);
			UNIT_EQ(ret, 0);
		}
	}
	UNIT_EQ(plx_eal_fini(), 0);
}

static int until(void *arg)
{
	while (!__atomic_load_n((int *)arg, __ATOMIC_ACQUIRE))
		plx_pause();
	return -7;
}

static int launch_from_worker(void *arg)
{
	return plx_lcore_launch(plx_lcore_id(), where, arg);
}

static void misuse(void)
{
	unsigned int worker, seen;
	int go = 0, ret = 0;

	UNIT_EQ(init(NULL, NULL), 0);
	log_keep();
	UNIT_EQ(plx_lcore_launch(plx_lcore_main(), where, &seen), -EINVAL);
	UNIT_EQ(plx_lcore_wait(plx_lcore_main(), NULL), -EINVAL);
	UNIT_EQ(plx_lcore_launch(255, where, &seen), -ENODEV);
	UNIT_EQ(plx_lcore_launch(PLX_LCORE_NONE, where, &seen), -ENODEV);
	UNIT_EQ(plx_lcore_wait(255, NULL), -ENODEV);
	if (plx_lcore_count() > 1) {
		worker = plx_lcore_next(plx_lcore_main());
		UNIT_EQ(plx_lcore_launch(worker, NULL, &go), -EINVAL);
		UNIT_EQ(plx_lcore_launch(worker, until, &go), 0);
		UNIT_EQ(plx_lcore_launch(worker, until, &go), -EBUSY);
		__atomic_store_n(&go, 1, __ATOMIC_RELEASE);
		plx_delay_us(20000);
		/* Returned, but not waited for. */
		UNIT_EQ(plx_lcore_launch(worker, until, &go), -EBUSY);
		UNIT_EQ(plx_lcore_wait(worker, &ret), 0);
		UNIT_EQ(ret, -7);
		UNIT_EQ(plx_lcore_launch(worker, launch_from_worker, &seen), 0);
		UNIT_EQ(plx_lcore_wait(worker, &ret), 0);
		UNIT_EQ(ret, -EPERM);
	}
	log_print();
	UNIT_EQ(plx_eal_fini(), 0);
}

static int slow(void *arg)
{
	plx_delay_us(50000);
	/* Memory is there until the last worker has returned. */
	plx_dma_free(plx_dma_zalloc(64, 0, PLX_NODE_ANY));
	__atomic_store_n((int *)arg, 1, __ATOMIC_RELEASE);
	return 0;
}

static void fini_waits(void)
{
	unsigned int worker;
	int done = 0;

	UNIT_EQ(init(NULL, NULL), 0);
	if (plx_lcore_count() > 1) {
		worker = plx_lcore_next(plx_lcore_main());
		UNIT_EQ(plx_lcore_launch(worker, slow, &done), 0);
		UNIT_EQ(plx_eal_fini(), 0);
		UNIT_EQ(done, 1);
		return;
	}
	UNIT_EQ(plx_eal_fini(), 0);
}

static volatile sig_atomic_t handled_by;

static void handler(int sig)
{
	handled_by = (int)gettid();
}

/* Signals to the process are for the threads of the application. */
static void signals(void)
{
	struct sigaction action = {.sa_handler = handler}, before;
	sigset_t block, old;
	int i;

	sigaction(SIGUSR1, &action, &before);
	UNIT_EQ(init(NULL, NULL), 0);
	sigemptyset(&block);
	sigaddset(&block, SIGUSR1);
	pthread_sigmask(SIG_BLOCK, &block, &old);
	for (i = 0; i < 20; i++) {
		handled_by = 0;
		kill(getpid(), SIGUSR1);
		plx_delay_us(500);
		UNIT_EQ(handled_by, 0);
	}
	pthread_sigmask(SIG_SETMASK, &old, NULL);
	UNIT_EQ(handled_by, gettid());
	UNIT_EQ(plx_eal_fini(), 0);
	sigaction(SIGUSR1, &before, NULL);
}

/* Between launches a worker costs nothing. */
static void idle(void)
{
	struct timespec before, after;

	UNIT_EQ(init(NULL, NULL), 0);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &before);
	plx_delay_us(200000);
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &after);
	CU_ASSERT((after.tv_sec - before.tv_sec) * 1000000000L + after.tv_nsec - before.tv_nsec <
		  20000000L);
	UNIT_EQ(plx_eal_fini(), 0);
}

static PLX_PER_LCORE(int, counters);

static void *guest(void *arg)
{
	int *results = arg, id;

	results[0] = plx_lcore_unregister();
	id = plx_lcore_register();
	results[1] = id >= 0 && plx_lcore_id() == (unsigned int)id &&
		     !plx_lcore_exists((unsigned int)id);
	results[2] = plx_lcore_register();
	++*plx_per_lcore(counters);
	results[3] = id >= 0 ? *plx_per_lcore_of(counters, id) : -1;
	plx_lcore_turn(0);
	plx_lcore_turn(0);
	results[4] = id >= 0 && plx_lcore_load((unsigned int)id).idle_ticks > 0;
	results[5] = plx_lcore_unregister();
	results[6] = plx_lcore_id() == PLX_LCORE_NONE;
	return NULL;
}

static void foreign_thread(void)
{
	int results[7];
	pthread_t thread;

	UNIT_EQ(init(NULL, NULL), 0);
	UNIT_EQ(plx_lcore_register(), -EALREADY);
	pthread_create(&thread, NULL, guest, results);
	pthread_join(thread, NULL);
	UNIT_EQ(results[0], -ENOENT);
	UNIT_EQ(results[1], true);
	UNIT_EQ(results[2], -EALREADY);
	UNIT_EQ(results[3], 1);
	UNIT_EQ(results[4], true);
	UNIT_EQ(results[5], 0);
	UNIT_EQ(results[6], true);
	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(plx_lcore_register(), -ENODEV);
}

static void busyness(void)
{
	struct plx_lcore_load load;
	unsigned int i;

	UNIT_EQ(init(NULL, NULL), 0);
	for (i = 0; i < 100; i++)
		plx_lcore_turn(i % 2);
	load = plx_lcore_load(plx_lcore_id());
	CU_ASSERT(load.busy_ticks > 0 && load.idle_ticks > 0);
	load = plx_lcore_load(PLX_LCORE_MAX);
	UNIT_EQ(load.busy_ticks, 0);
	UNIT_EQ(plx_eal_fini(), 0);
}

CU_TestInfo lcores_tests[] = {
	{"a thread that is not ours registers", foreign_thread},
	{"how busy an lcore is", busyness},
	{"all CPUs of the process", all_cpus},
	{"one CPU", one_cpu},
	{"lists that are refused", refused},
	{"outside of the affinity", outside_affinity},
	{"launch and wait", launch_wait},
	{"misuse", misuse},
	{"fini waits for workers", fini_waits},
	{"signals go to the application's threads", signals},
	{"idle workers sleep", idle},
	CU_TEST_INFO_NULL,
};
