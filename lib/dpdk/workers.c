/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lcores that are rte_eal's: functions are launched on its threads, which stay when the EAL goes.
 * All but run() is called by the main lcore only.
 */
#include <errno.h>
#include <semaphore.h>

#include <rte_launch.h>
#include <rte_lcore.h>

#include <pollux/log.h>

#include "dpdk.h"

PLX_LOG_USE(dpdk);

struct job {
	plx_lcore_fn_t fn;
	void *arg;
	sem_t done; /* rte_eal_wait_lcore() would spin for as long as the function runs */
	bool launched;
};

static struct job jobs[PLX_LCORE_MAX];

static int run(void *arg)
{
	struct job *job = arg;
	int ret;

	/* It may be a thread that was busy with something else when the EAL came up. */
	plx_lcore_self = rte_lcore_id();
	ret = job->fn(job->arg);
	sem_post(&job->done);
	return ret;
}

static int become_lcore(void *arg)
{
	plx_lcore_self = rte_lcore_id();
	return 0;
}

static int become_none(void *arg)
{
	plx_lcore_self = PLX_LCORE_NONE;
	return 0;
}

int plx_dpdk_worker_start(unsigned int id)
{
	if (sem_init(&jobs[id].done, 0, 0))
		return -errno;
	if (rte_eal_remote_launch(become_lcore, NULL, id) == 0)
		rte_eal_wait_lcore(id);
	else
		PLX_INFO(dpdk,
			 "lcore %u is busy with a function of the application's, and no lcore of "
			 "ours until that returns",
			 id);
	return 0;
}

int plx_dpdk_worker_launch(unsigned int id, plx_lcore_fn_t fn, void *arg)
{
	struct job *job = &jobs[id];
	int err;

	if (job->launched)
		return -EBUSY;
	job->fn = fn;
	job->arg = arg;
	err = rte_eal_remote_launch(run, job, id);
	job->launched = !err;
	return err;
}

int plx_dpdk_worker_wait(unsigned int id)
{
	struct job *job = &jobs[id];

	if (!job->launched)
		return 0;
	while (sem_wait(&job->done) && errno == EINTR)
		;
	job->launched = false;
	return rte_eal_wait_lcore(id);
}

void plx_dpdk_worker_stop(unsigned int id)
{
	plx_dpdk_worker_wait(id);
	if (rte_eal_remote_launch(become_none, NULL, id) == 0)
		rte_eal_wait_lcore(id);
	sem_destroy(&jobs[id].done);
}
