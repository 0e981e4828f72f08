/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of lib/eal share; see support.h. */
#include "support.h"

#include <dirent.h>
#include <errno.h>
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sched.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pollux/log.h>

#define THREADS_ALONE 3 /* entries of a folder: ".", ".." and the one thread */

static char log_text[8192];
static unsigned int lines;

static void keep(void *arg, enum plx_log_level level, const char *component, const char *line)
{
	size_t used = strlen(log_text);

	snprintf(log_text + used, sizeof(log_text) - used, "%s: %d: %s\n", component, (int)level,
		 line);
	lines++;
}

void log_keep(void)
{
	plx_log_set_sink(keep, NULL);
	log_clear();
}

void log_print(void)
{
	plx_log_set_sink(NULL, NULL);
}

bool logged(const char *text)
{
	bool found = strstr(log_text, text) != NULL;

	if (!found)
		fprintf(stderr, "\n    no \"%s\" in the log:\n%s", text, log_text);
	return found;
}

void log_clear(void)
{
	log_text[0] = '\0';
	lines = 0;
}

unsigned int log_lines(void)
{
	return lines;
}

int eal_up(void)
{
	struct plx_eal_config config = {.no_huge = true};

	log_keep();
	return plx_eal_init(&config);
}

int eal_down(void)
{
	int err = plx_eal_fini();

	log_print();
	return err;
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static struct held held_once(void)
{
	struct held held = {
		.fds = count_entries("/proc/self/fd"),
		.threads = count_entries("/proc/self/task"),
	};
	char line[512];
	FILE *file = fopen("/proc/self/maps", "r");

	while (file && fgets(line, sizeof(line), file))
		held.maps++;
	if (file)
		fclose(file);
	file = fopen("/proc/self/status", "r");
	while (file && fgets(line, sizeof(line), file))
		sscanf(line, "VmLck: %ld kB", &held.locked_kib);
	if (file)
		fclose(file);
	return held;
}

/* Threads that have been joined stay in /proc for a moment. */
static struct held held_settled(int threads)
{
	struct held now = held_once();
	int tries;

	for (tries = 0; now.threads > threads && tries < 200; tries++) {
		usleep(5000);
		now = held_once();
	}
	return now;
}

struct held held_now(void)
{
	return plx_eal_is_up() ? held_once() : held_settled(THREADS_ALONE);
}

struct held held_after(const struct held *before)
{
	return held_settled(before->threads);
}

const char *one_lcore(void)
{
	static char cpu[16];
	cpu_set_t set;
	int i = 0;

	sched_getaffinity(0, sizeof(set), &set);
	while (!CPU_ISSET(i, &set))
		i++;
	snprintf(cpu, sizeof(cpu), "%d", i);
	return cpu;
}

int in_child(int (*fn)(void *arg), void *arg)
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0)
		_exit(fn(arg));
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		return -1;
	return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

int refuse_syscall(int number, int error)
{
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, offsetof(struct seccomp_data, nr)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned int)number, 0, 1),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | (unsigned int)error),
		BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW),
	};
	struct sock_fprog program = {sizeof(code) / sizeof(code[0]), code};

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) ||
	    prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program))
		return -errno;
	return 0;
}
