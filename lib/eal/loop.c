/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control loop (<pollux/loop.h>): one thread in epoll_wait(). Events name a watch by a number
 * that is never used again, so that an event of a watch that has gone meanwhile finds nothing.
 */
#include "eal/loop.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/timerfd.h>
#include <unistd.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "eal/lcores.h"

PLX_LOG_USE(eal);

#define STOP 0 /* the number of the eventfd that ends the thread */

struct plx_watch {
	uint64_t number;
	int fd;	       /* the caller's, or an alarm's own */
	bool is_alarm; /* fd is ours */
	bool gone;     /* lock: freed by the loop, which is running it */
	plx_watch_fn_t fn;
	void *arg;
	struct plx_watch *next;
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t idle = PTHREAD_COND_INITIALIZER;
/* All with the lock. */
static struct plx_watch *watches;
static struct plx_watch *running;
static uint64_t last_number = STOP;
static int epoll_fd = -1;
static int stop_fd = -1;
static pthread_t thread;

/* --- The thread ------------------------------------------------------------------------------ */

static struct plx_watch *find(uint64_t number)
{
	struct plx_watch *w;

	for (w = watches; w && w->number != number; w = w->next)
		;
	return w;
}

static void destroy(struct plx_watch *w)
{
	if (w->is_alarm)
		close(w->fd);
	free(w);
}

/* Is there anything to call for? Takes the expiry of an alarm. */
static bool is_due(struct plx_watch *w)
{
	uint64_t times;

	if (!w->is_alarm)
		return true;
	return read(w->fd, &times, sizeof(times)) == sizeof(times);
}

static void dispatch(uint64_t number, uint32_t events)
{
	struct plx_watch *w;

	pthread_mutex_lock(&lock);
	w = find(number);
	if (w && is_due(w)) {
		running = w;
		pthread_mutex_unlock(&lock);
		w->fn(w->is_alarm ? -1 : w->fd, w->is_alarm ? 0 : events, w->arg);
		pthread_mutex_lock(&lock);
		running = NULL;
		if (w->gone)
			destroy(w);
		pthread_cond_broadcast(&idle);
	}
	pthread_mutex_unlock(&lock);
}

static void *loop_main(void *arg)
{
	int fd = *(int *)arg;
	struct epoll_event event;

	for (;;) {
		int n = epoll_wait(fd, &event, 1, -1);

		if (n == 1 && event.data.u64 == STOP)
			return NULL;
		if (n == 1)
			dispatch(event.data.u64, event.events);
	}
}

/* --- Starting it ----------------------------------------------------------------------------- */

static int epoll_add(int fd, uint32_t events, uint64_t number)
{
	struct epoll_event event = {.events = events, .data.u64 = number};

	return epoll_ctl(epoll_fd, EPOLL_CTL_ADD, fd, &event) ? -errno : 0;
}

static void close_fds(void)
{
	if (epoll_fd >= 0)
		close(epoll_fd);
	if (stop_fd >= 0)
		close(stop_fd);
	epoll_fd = stop_fd = -1;
}

static int start(void)
{
	int err = 0;

	if (epoll_fd >= 0)
		return 0;
	epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	stop_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (epoll_fd < 0 || stop_fd < 0)
		err = -errno;
	if (!err)
		err = epoll_add(stop_fd, EPOLLIN, STOP);
	if (!err)
		err = plx_lcores_control_thread(&thread, "plx-control", loop_main, &epoll_fd);
	if (err) {
		PLX_ERR(eal, "control loop: cannot be started: %s%s", strerror(-err),
			err == -EMFILE ? "; raise the limit of open files (ulimit -n)" : "");
		close_fds();
	}
	return err;
}

/* --- Watches --------------------------------------------------------------------------------- */

static int add(struct plx_watch *w, uint32_t events)
{
	int err;

	if (!plx_eal_is_up()) {
		PLX_ERR(eal, "control loop: the EAL is not up; call plx_eal_init() first");
		return -ENODEV;
	}
	pthread_mutex_lock(&lock);
	err = start();
	w->number = ++last_number;
	if (!err)
		err = epoll_add(w->fd, events, w->number);
	if (!err) {
		w->next = watches;
		watches = w;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

static struct plx_watch *new_watch(int fd, plx_watch_fn_t fn, void *arg)
{
	struct plx_watch *w = calloc(1, sizeof(*w));

	if (w)
		*w = (struct plx_watch){.fd = fd, .fn = fn, .arg = arg};
	return w;
}

int plx_watch_fd(int fd, uint32_t events, plx_watch_fn_t fn, void *arg, struct plx_watch **watch)
{
	struct plx_watch *w;
	int err;

	if (!fn || fd < 0)
		return -EINVAL;
	w = new_watch(fd, fn, arg);
	if (!w)
		return -ENOMEM;
	*watch = w;
	err = add(w, events);
	if (err) {
		*watch = NULL;
		free(w);
	}
	return err;
}

static struct timespec timespec_us(uint64_t us)
{
	return (struct timespec){
		.tv_sec = (time_t)(us / 1000000),
		.tv_nsec = (long)(us % 1000000) * 1000,
	};
}

int plx_alarm(uint64_t after_us, uint64_t every_us, plx_watch_fn_t fn, void *arg,
	      struct plx_watch **alarm)
{
	struct itimerspec when = {
		.it_value = timespec_us(after_us ? after_us : 1),
		.it_interval = timespec_us(every_us),
	};
	struct plx_watch *w;
	int fd, err;

	if (!fn)
		return -EINVAL;
	fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (fd < 0)
		return -errno;
	w = new_watch(fd, fn, arg);
	err = w ? 0 : -ENOMEM;
	if (!err && timerfd_settime(fd, 0, &when, NULL))
		err = -errno;
	if (!err) {
		w->is_alarm = true;
		*alarm = w;
		err = add(w, EPOLLIN);
	}
	if (err) {
		*alarm = NULL;
		close(fd);
		free(w);
	}
	return err;
}

/* With the lock. */
static void take_out(const struct plx_watch *watch)
{
	struct plx_watch **at;

	for (at = &watches; *at && *at != watch; at = &(*at)->next)
		;
	if (*at)
		*at = watch->next;
	epoll_ctl(epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
}

void plx_unwatch(struct plx_watch *watch)
{
	if (!watch)
		return;
	pthread_mutex_lock(&lock);
	take_out(watch);
	if (running == watch && pthread_equal(pthread_self(), thread)) {
		watch->gone = true;
	} else {
		while (running == watch)
			pthread_cond_wait(&idle, &lock);
		destroy(watch);
	}
	pthread_mutex_unlock(&lock);
}

void plx_loop_stop(void)
{
	if (epoll_fd < 0)
		return;
	eventfd_write(stop_fd, 1);
	pthread_join(thread, NULL);
}

void plx_loop_fini(void)
{
	size_t left = 0;

	while (watches) {
		struct plx_watch *w = watches;

		watches = w->next;
		destroy(w);
		left++;
	}
	close_fds();
	if (left)
		PLX_WARN(eal, "control loop: %zu watches and alarms were never ended", left);
}
