/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/loop.c: watches and alarms on the control thread. */
#include <pollux/loop.h>

#include <errno.h>
#include <pthread.h>
#include <semaphore.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <pollux/lcore.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

struct seen {
	sem_t fired;
	unsigned int times;
	int fd;
	uint32_t events;
	unsigned int lcore;
	char thread[16];
	struct plx_watch *watch; /* to be ended in the callback */
};

static void note(int fd, uint32_t events, void *arg)
{
	struct seen *seen = arg;
	eventfd_t n;

	seen->times++;
	seen->fd = fd;
	seen->events = events;
	seen->lcore = plx_lcore_id();
	pthread_getname_np(pthread_self(), seen->thread, sizeof(seen->thread));
	if (fd >= 0)
		eventfd_read(fd, &n);
	sem_post(&seen->fired);
}

static void fd_ready(void)
{
	int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	struct plx_watch *watch, *other;
	struct seen seen = {0};

	sem_init(&seen.fired, 0, 0);
	UNIT_EQ(plx_watch_fd(fd, EPOLLIN, note, &seen, &watch), 0);
	UNIT_EQ(plx_watch_fd(fd, EPOLLIN, note, &seen, &other), -EEXIST);
	eventfd_write(fd, 1);
	sem_wait(&seen.fired);
	UNIT_EQ(seen.fd, fd);
	UNIT_EQ(seen.events, EPOLLIN);
	UNIT_EQ(seen.lcore, PLX_LCORE_NONE);
	UNIT_STR(seen.thread, "plx-control");
	plx_unwatch(watch);
	eventfd_write(fd, 1);
	UNIT_EQ(seen.times, 1);
	close(fd);
	sem_destroy(&seen.fired);
}

static void alarm_once(void)
{
	struct plx_watch *alarm;
	struct seen seen = {0};

	sem_init(&seen.fired, 0, 0);
	UNIT_EQ(plx_alarm(0, 0, note, &seen, &alarm), 0);
	sem_wait(&seen.fired);
	UNIT_EQ(seen.fd, -1);
	UNIT_EQ(seen.events, 0);
	plx_unwatch(alarm);
	UNIT_EQ(seen.times, 1);
	/* One that is far off never comes. */
	UNIT_EQ(plx_alarm(UINT64_C(3600) * 1000000, 0, note, &seen, &alarm), 0);
	plx_unwatch(alarm);
	UNIT_EQ(seen.times, 1);
	sem_destroy(&seen.fired);
}

static void alarm_repeats(void)
{
	struct plx_watch *alarm;
	struct seen seen = {0};
	int i;

	sem_init(&seen.fired, 0, 0);
	UNIT_EQ(plx_alarm(100, 100, note, &seen, &alarm), 0);
	for (i = 0; i < 5; i++)
		sem_wait(&seen.fired);
	plx_unwatch(alarm);
	CU_ASSERT(seen.times >= 5);
	sem_destroy(&seen.fired);
}

static void end_myself(int fd, uint32_t events, void *arg)
{
	struct seen *seen = arg;

	plx_unwatch(seen->watch);
	seen->times++;
	sem_post(&seen->fired);
}

static void ended_by_its_callback(void)
{
	struct seen seen = {0};

	sem_init(&seen.fired, 0, 0);
	UNIT_EQ(plx_alarm(1000, 1, end_myself, &seen, &seen.watch), 0);
	sem_wait(&seen.fired);
	usleep(2000);
	UNIT_EQ(seen.times, 1);
	sem_destroy(&seen.fired);
}

static void refusals(void)
{
	struct plx_watch *watch;
	struct seen seen = {0};

	UNIT_EQ(plx_watch_fd(0, EPOLLIN, NULL, NULL, &watch), -EINVAL);
	UNIT_EQ(plx_watch_fd(-1, EPOLLIN, note, &seen, &watch), -EINVAL);
	UNIT_EQ(plx_watch_fd(12345, EPOLLIN, note, &seen, &watch), -EBADF);
	UNIT_EQ(plx_alarm(1, 1, NULL, NULL, &watch), -EINVAL);
	plx_unwatch(NULL);
}

static void not_up(void)
{
	struct plx_watch *watch = (void *)1;
	struct seen seen = {0};

	eal_down();
	log_keep();
	log_clear();
	UNIT_EQ(plx_alarm(1, 0, note, &seen, &watch), -ENODEV);
	UNIT_EQ(logged("the EAL is not up"), true);
	CU_ASSERT_PTR_NULL(watch);
	eal_up();
}

static void left_over(void)
{
	struct plx_watch *watch;
	struct seen seen = {0};

	sem_init(&seen.fired, 0, 0);
	UNIT_EQ(plx_alarm(UINT64_C(3600) * 1000000, 0, note, &seen, &watch), 0);
	log_clear();
	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(logged("1 watches and alarms were never ended"), true);
	eal_up();
	sem_destroy(&seen.fired);
}

CU_TestInfo loop_tests[] = {
	{"a file descriptor that is ready", fd_ready},
	{"an alarm comes once", alarm_once},
	{"an alarm comes again", alarm_repeats},
	{"a watch that is ended by its own callback", ended_by_its_callback},
	{"what cannot be watched is refused", refusals},
	{"without an EAL", not_up},
	{"fini ends what is left", left_over},
	CU_TEST_INFO_NULL,
};
