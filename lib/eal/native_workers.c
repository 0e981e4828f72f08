/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The native backend's threads: one for each lcore but the main one. A worker sleeps on its
 * condition variable while it has nothing to run. Launch and wait belong to the main lcore; so
 * there is no lock but each worker's own.
 */
#include "eal/native.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/log.h>

#include "eal/lcores.h"

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

static struct worker *workers[PLX_LCORE_MAX]; /* written by start and stop only */

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
	cpu_set_t *mask = CPU_ALLOC(PLX_MASK_CPUS);
	sigset_t signals;
	pthread_attr_t attr;
	int err;

	if (!mask)
		return -ENOMEM;
	CPU_ZERO_S(PLX_MASK_BYTES, mask);
	CPU_SET_S(w->id, PLX_MASK_BYTES, mask);
	pthread_attr_init(&attr);
	pthread_attr_setaffinity_np(&attr, PLX_MASK_BYTES, mask);
	plx_lcores_block_signals(&signals);
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

int plx_native_worker_start(unsigned int id)
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

void plx_native_worker_stop(unsigned int id)
{
	struct worker *w = workers[id];

	if (!w)
		return;
	wait_for(w);
	pthread_mutex_lock(&w->lock);
	w->state = WORKER_EXIT;
	pthread_cond_broadcast(&w->changed);
	pthread_mutex_unlock(&w->lock);
	pthread_join(w->thread, NULL);
	pthread_cond_destroy(&w->changed);
	pthread_mutex_destroy(&w->lock);
	free(w);
	workers[id] = NULL;
}

int plx_native_worker_launch(unsigned int id, plx_lcore_fn_t fn, void *arg)
{
	struct worker *w = workers[id];
	int err = 0;

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
	return err;
}

int plx_native_worker_wait(unsigned int id)
{
	return wait_for(workers[id]);
}
