/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/log.c: levels, sink, and the rate limit. */
#include <pollux/log.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

#include "runner.h"
#include "suites.h"

static struct plx_log_component net_a = {.name = "net.a"}, net_b = {.name = "net.b"},
				other = {.name = "other"};
static char last[2048];
static unsigned int lines;

static void keep(void *arg, enum plx_log_level level, const char *component, const char *line)
{
	snprintf(last, sizeof(last), "%s/%d/%s/%s", (const char *)arg, (int)level, component, line);
	lines++;
	/* A sink that logs must not recurse. */
	plx_log(&other, PLX_LOG_ERR, "from the sink");
}

static void levels(void)
{
	plx_log_register(&net_a);
	UNIT_EQ(net_a.level, PLX_LOG_WARN);
	UNIT_EQ(plx_log_set_levels("info,net.*=debug,net.b=off"), 0);
	UNIT_EQ(net_a.level, PLX_LOG_DEBUG);
	/* What registers later is held to it, too. */
	plx_log_register(&net_b);
	plx_log_register(&other);
	UNIT_EQ(net_b.level, PLX_LOG_OFF);
	UNIT_EQ(other.level, PLX_LOG_INFO);
	UNIT_EQ(plx_log_set_levels("net.a=error"), 0);
	UNIT_EQ(net_a.level, PLX_LOG_ERR);
	UNIT_EQ(net_b.level, PLX_LOG_OFF);
	UNIT_EQ(other.level, PLX_LOG_INFO);
	plx_log_unregister(&net_b);
	plx_log_register(&net_b);
	UNIT_EQ(net_b.level, PLX_LOG_OFF);
	UNIT_EQ(plx_log_set_levels("WARN"), 0);
	UNIT_EQ(net_b.level, PLX_LOG_WARN);
}

static void bad_levels(void)
{
	static const char *const bad[] = {"",		"loud",		"info,",
					  ",info",	"net.a=",	"=info",
					  "net.a=loud", "info,net.a=7", "info net.a=debug"};
	size_t i;

	UNIT_EQ(plx_log_set_levels("error"), 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		UNIT_EQ(plx_log_set_levels(bad[i]), -EINVAL);
	UNIT_EQ(plx_log_set_levels(NULL), -EINVAL);
	UNIT_EQ(net_a.level, PLX_LOG_ERR);
	UNIT_EQ(plx_log_set_levels("there.is.none=debug"), 0);
	UNIT_EQ(plx_log_set_levels("warning"), 0);
}

static void sink(void)
{
	char mark[] = "mark";

	plx_log_set_sink(keep, mark);
	lines = 0;
	errno = ERANGE;
	plx_log(&net_a, PLX_LOG_WARN, "%d of %s\n", 7, "x");
	UNIT_EQ(errno, ERANGE);
	UNIT_STR(last, "mark/2/net.a/7 of x");
	UNIT_EQ(lines, 1);
	/* What a device says must not steer a terminal, nor fake a line. */
	plx_log(&net_a, PLX_LOG_ERR, "serial \033[2J\r\n%s", "a\tb\x7f");
	UNIT_STR(last, "mark/1/net.a/serial ?[2J??a?b?");
	plx_log_set_sink(NULL, NULL);
}

static void long_lines(void)
{
	char text[3000], mark[] = "";

	memset(text, 'a', sizeof(text));
	text[sizeof(text) - 1] = '\0';
	plx_log_set_sink(keep, mark);
	plx_log(&net_a, PLX_LOG_ERR, "%s", text);
	UNIT_EQ(strlen(last), strlen("/1/net.a/") + 1023);
	UNIT_STR(last + strlen(last) - 4, "a...");
	plx_log_set_sink(NULL, NULL);
}

static void *log_much(void *arg)
{
	int i;

	for (i = 0; i < 2000; i++)
		plx_log(&net_a, PLX_LOG_ERR, "line %d", i);
	return NULL;
}

static void count(void *arg, enum plx_log_level level, const char *component, const char *line)
{
	__atomic_fetch_add((unsigned int *)arg, 1, __ATOMIC_RELAXED);
}

/* The counter of a sink is gone when set_sink() returns: ASan would see a late call. */
static void replaced_under_load(void)
{
	unsigned int first = 0, second = 0, seen;
	pthread_t threads[3];
	int i;

	plx_log_set_sink(count, &first);
	for (i = 0; i < 3; i++)
		UNIT_EQ(pthread_create(&threads[i], NULL, log_much, NULL), 0);
	while (__atomic_load_n(&first, __ATOMIC_RELAXED) < 100)
		;
	plx_log_set_sink(count, &second);
	seen = first;
	for (i = 0; i < 3; i++)
		pthread_join(threads[i], NULL);
	UNIT_EQ(first, seen);
	UNIT_EQ(first + second, 6000);
	plx_log_set_sink(NULL, NULL);
}

static void rate_limit(void)
{
	struct plx_log_limit limit = {0};
	int i, allowed = 0;

	for (i = 0; i < 1000; i++)
		allowed += plx_log_allowed(&limit);
	UNIT_EQ(allowed, 10);
	UNIT_EQ(limit.suppressed, 990);
	/* A second later the first message may tell how many were held back. */
	limit.window_start_ns -= 1000000000u;
	UNIT_EQ(plx_log_allowed(&limit), true);
	UNIT_EQ(limit.suppressed, 990);
	UNIT_EQ(plx_log_allowed(&limit), true);
	UNIT_EQ(limit.suppressed, 0);
}

static void forget(void)
{
	plx_log_unregister(&net_a);
	plx_log_unregister(&net_b);
	plx_log_unregister(&other);
	plx_log_unregister(&other);
	UNIT_EQ(plx_log_set_levels("warn"), 0);
	UNIT_EQ(net_a.level, PLX_LOG_WARN);
	UNIT_EQ(plx_log_set_levels("debug"), 0);
	UNIT_EQ(net_a.level, PLX_LOG_WARN);
	UNIT_EQ(plx_log_set_levels("warn"), 0);
}

CU_TestInfo log_tests[] = {
	{"levels by component", levels},
	{"bad levels change nothing", bad_levels},
	{"sink, and what is not printable", sink},
	{"long lines are cut", long_lines},
	{"sink replaced under load", replaced_under_load},
	{"rate limit", rate_limit},
	{"unregistered components", forget},
	CU_TEST_INFO_NULL,
};
