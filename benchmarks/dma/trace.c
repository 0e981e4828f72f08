/* SPDX-License-Identifier: BSD-3-Clause */
/* See trace.h: commands to QEMU's monitor, which the rig gives to the guest as a port. */
#include "trace.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include "container.h"

#define MONITOR "/dev/plx/monitor"

/* One command, and lines of answers and events up to its own. */
static void monitor_ask(int monitor, const char *json)
{
	char line[4096];
	size_t n = 0;

	if (write(monitor, json, strlen(json)) != (ssize_t)strlen(json))
		die(MONITOR);
	while (n < sizeof(line) - 1) {
		if (read(monitor, &line[n], 1) != 1)
			die(MONITOR);
		if (line[n++] != '\n')
			continue;
		line[n] = 0;
		if (strstr(line, "unknown command") || strstr(line, "\"error\""))
			die(json);
		if (strstr(line, "\"return\""))
			return;
		n = 0;
	}
	die("an endless answer of " MONITOR);
}

static int monitor_open(void)
{
	static int monitor = -1;

	if (monitor >= 0)
		return monitor;
	monitor = open(MONITOR, O_RDWR | O_CLOEXEC);
	if (monitor < 0)
		die(MONITOR);
	monitor_ask(monitor, "{\"execute\":\"qmp_capabilities\"}\n");
	return monitor;
}

static void monitor_command(const char *command)
{
	char json[256];

	snprintf(
		json, sizeof(json),
		"{\"execute\":\"human-monitor-command\",\"arguments\":{\"command-line\":\"%s\"}}\n",
		command);
	monitor_ask(monitor_open(), json);
}

void trace_start(void)
{
	monitor_command("singlestep on");
	monitor_command("log exec,nochain");
}

void trace_stop(void)
{
	monitor_command("log none");
	monitor_command("singlestep off");
}
