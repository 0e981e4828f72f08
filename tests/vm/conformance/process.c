// SPDX-License-Identifier: BSD-3-Clause
/*
 * Commands on the process and the host: limits, capabilities, module parameters.
 */
#include "conformance.h"

#include <errno.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* limit KIB: the soft RLIMIT_MEMLOCK */
static void do_limit(const struct command *c)
{
	struct rlimit limit = { number(c, 1, 0) << 10, RLIM_INFINITY };

	if (number(c, 1, 0) == UINT64_MAX)
		limit.rlim_cur = RLIM_INFINITY;
	answer_errno(setrlimit(RLIMIT_MEMLOCK, &limit));
}

/* capability NUMBER on|off: the effective set */
static void do_capability(const struct command *c)
{
	struct __user_cap_header_struct header = { _LINUX_CAPABILITY_VERSION_3, 0 };
	struct __user_cap_data_struct data[2];
	unsigned int cap = number(c, 1, 0);

	if (syscall(SYS_capget, &header, data)) {
		answer_errno(-1);
		return;
	}
	if (!strcmp(word(c, 2), "on"))
		data[cap / 32].effective |= 1u << cap % 32;
	else
		data[cap / 32].effective &= ~(1u << cap % 32);
	answer_errno(syscall(SYS_capset, &header, data));
}

/* param MODULE NAME VALUE */
static void do_param(const struct command *c)
{
	char path[256];
	FILE *f;

	snprintf(path, sizeof(path), "/sys/module/%s/parameters/%s", word(c, 1), word(c, 2));
	f = fopen(path, "we");
	if (!f) {
		answer_errno(-1);
		return;
	}
	fprintf(f, "%s\n", word(c, 3));
	answer_errno(fclose(f));
}

/* munmap MEMORY SIZE */
static void do_munmap(const struct command *c)
{
	answer_errno(munmap((void *)mem_address(word(c, 1)), number(c, 2, 4096)));
}

/* touch MEMORY SIZE VALUE */
static void do_touch(const struct command *c)
{
	memset((void *)mem_address(word(c, 1)), number(c, 3, 1), number(c, 2, 4096));
	answer("touched");
}

/* fork: does a child that exits disturb anything? */
static void do_fork(const struct command *c)
{
	pid_t pid;

	(void)c;
	fflush(stdout);
	pid = fork();
	if (pid == 0)
		_exit(0);
	answer_errno(waitpid(pid, NULL, 0));
}

/* driver DEVICE-INDEX DRIVER: bind it by driver_override, as another process would */
static void do_driver(const struct command *c)
{
	const char *bdf = devices[number(c, 1, 0)];
	char path[256];
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver_override", bdf);
	f = fopen(path, "we");
	if (f) {
		fprintf(f, "%s\n", word(c, 2));
		fclose(f);
	}
	f = fopen("/sys/bus/pci/drivers_probe", "we");
	ret = f ? fprintf(f, "%s", bdf) : -1;
	if (f && fclose(f))
		ret = -1;
	answer_errno(ret);
}

/* bound DEVICE-INDEX: to which driver? */
static void do_bound(const struct command *c)
{
	char path[256], link[256];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver", devices[number(c, 1, 0)]);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0) {
		answer("unbound");
		return;
	}
	link[len] = 0;
	answer("%s", strrchr(link, '/') + 1);
}

/* unbind DEVICE-INDEX */
static void do_unbind(const struct command *c)
{
	const char *bdf = devices[number(c, 1, 0)];
	char path[256];
	FILE *f;
	int ret;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/driver/unbind", bdf);
	f = fopen(path, "we");
	ret = f ? fprintf(f, "%s", bdf) : -1;
	if (f && fclose(f))
		ret = -1;
	answer_errno(ret);
}

const struct command_name process_commands[] = {
	{ "limit", do_limit },	 { "capability", do_capability }, { "param", do_param }, { "munmap", do_munmap },
	{ "touch", do_touch },	 { "fork", do_fork },		  { "driver", do_driver }, { "bound", do_bound },
	{ "unbind", do_unbind }, { NULL, NULL },
};
