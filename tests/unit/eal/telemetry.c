/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/telemetry.c, rundir.c: the document, its socket, and the run directory. */
#include <pollux/telemetry.h>

#include <errno.h>
#include <fcntl.h>
#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <pollux/mempool.h>

#include "eal/rundir.h"
#include "eal/telemetry.h"
#include "runner.h"
#include "suites.h"
#include "support.h"

static char name[PLX_NAME_LEN];
static char top[64], path[128];

static int up(void)
{
	struct plx_eal_config config = {.no_huge = true, .name = name};

	return plx_eal_init(&config);
}

static const char *in_dir(const char *file)
{
	static char text[256];

	snprintf(text, sizeof(text), "%s/%s", path, file);
	return text;
}

static unsigned int mode_of(const char *file)
{
	struct stat st;

	return stat(file, &st) ? 0 : st.st_mode & 0777;
}

/* A place of its own under the place for such things, whoever runs the tests. */
int telemetry_up(void)
{
	log_keep();
	snprintf(name, sizeof(name), "unit-%d", getpid());
	if (geteuid() == 0) {
		snprintf(top, sizeof(top), "/run/pollux");
	} else {
		char dir[] = "/tmp/pollux-unit-XXXXXX";

		if (!mkdtemp(dir))
			return -1;
		setenv("XDG_RUNTIME_DIR", dir, 1);
		snprintf(top, sizeof(top), "%s/pollux", dir);
	}
	snprintf(path, sizeof(path), "%s/%s", top, name);
	return 0;
}

int telemetry_down(void)
{
	log_print();
	return 0;
}

/* --- Document -------------------------------------------------------------------------------- */

static json_t *read_own(void)
{
	char *text = NULL;
	json_t *document;

	UNIT_EQ(plx_telemetry_read(name, &text), 0);
	document = text ? json_loads(text, 0, NULL) : NULL;
	CU_ASSERT_PTR_NOT_NULL_FATAL(document);
	free(text);
	return document;
}

static void document(void)
{
	struct plx_mempool_config config = {.name = "cmds", .count = 64, .size = 128};
	struct plx_mempool *pool;
	json_t *d, *o;

	UNIT_EQ(up(), 0);
	pool = plx_mempool_open(&config);
	plx_lcore_turn(0);
	plx_lcore_turn(1);
	d = read_own();
	UNIT_EQ(json_integer_value(json_object_get(d, "pid")), getpid());
	UNIT_STR(json_string_value(json_object_get(d, "name")), name);
	UNIT_STR(json_string_value(json_object_get(d, "version")), plx_version());
	UNIT_EQ(json_array_size(json_object_get(d, "lcores")), plx_lcore_count());
	o = json_array_get(json_object_get(d, "lcores"), 0);
	CU_ASSERT(json_integer_value(json_object_get(o, "busy_ns")) > 0);
	UNIT_EQ(json_integer_value(json_object_get(o, "idle_ns")), 0);
	o = json_object_get(d, "memory");
	CU_ASSERT(json_integer_value(json_object_get(o, "heap_used_bytes")) >= 64 * 128);
	UNIT_EQ(json_array_size(json_object_get(d, "mempools")), 1);
	o = json_array_get(json_object_get(d, "mempools"), 0);
	UNIT_STR(json_string_value(json_object_get(o, "name")), "cmds");
	UNIT_EQ(json_integer_value(json_object_get(o, "available")), 64);
	UNIT_EQ(json_array_size(json_object_get(d, "ports")), 0);
	json_decref(d);
	UNIT_EQ(plx_mempool_close(pool), 0);
	d = read_own();
	UNIT_EQ(json_array_size(json_object_get(d, "mempools")), 0);
	json_decref(d);
	UNIT_EQ(plx_eal_fini(), 0);
}

/* --- Server ---------------------------------------------------------------------------------- */

static void fill_much(json_t *object, void *arg)
{
	json_object_set_new(object, "name", json_string("much"));
	json_object_set_new(object, "text", json_string(arg));
}

/* All places are taken by clients that read nothing: they lose them. */
static void clients_that_do_not_read(void)
{
	size_t len = (size_t)1 << 20; /* more than a socket takes */
	char *text = calloc(1, len + 1);
	struct plx_telemetry_source source = {.array = "ports", .fill = fill_much, .arg = text};
	int fds[16], i;

	memset(text, 'x', len);
	UNIT_EQ(up(), 0);
	plx_telemetry_add(&source);
	for (i = 0; i < 16; i++) {
		fds[i] = plx_rundir_connect(name, "stats", SOCK_STREAM);
		CU_ASSERT(fds[i] >= 0);
	}
	json_decref(read_own());
	for (i = 0; i < 16; i++)
		close(fds[i]);
	plx_telemetry_remove(&source);
	UNIT_EQ(plx_eal_fini(), 0);
	free(text);
}

static uint64_t cpu_ms(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &ts);
	return (uint64_t)ts.tv_sec * 1000 + (uint64_t)ts.tv_nsec / 1000000;
}

static size_t read_to_end(int fd)
{
	char buffer[65536];
	size_t len = 0;
	ssize_t n;

	while ((n = read(fd, buffer, sizeof(buffer))) > 0)
		len += (size_t)n;
	close(fd);
	return len;
}

/* A connection that cannot be taken waits, and nobody spins meanwhile. */
static void no_file_descriptor_left(void)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};
	struct rlimit before, none;
	int waits = socket(AF_UNIX, SOCK_STREAM, 0), next = socket(AF_UNIX, SOCK_STREAM, 0);
	uint64_t cpu;

	UNIT_EQ(up(), 0);
	snprintf(addr.sun_path, sizeof(addr.sun_path), "%.90s/stats", path);
	getrlimit(RLIMIT_NOFILE, &before);
	none = (struct rlimit){3, before.rlim_max};
	log_clear();
	UNIT_EQ(setrlimit(RLIMIT_NOFILE, &none), 0);
	UNIT_EQ(connect(waits, (struct sockaddr *)&addr, sizeof(addr)), 0);
	cpu = cpu_ms();
	usleep(400000);
	CU_ASSERT(cpu_ms() - cpu < 100);
	UNIT_EQ(setrlimit(RLIMIT_NOFILE, &before), 0);
	UNIT_EQ(logged("has to wait: Too many open files"), true);
	UNIT_EQ(log_lines(), 1);
	UNIT_EQ(connect(next, (struct sockaddr *)&addr, sizeof(addr)), 0);
	CU_ASSERT(read_to_end(next) > 100);
	CU_ASSERT(read_to_end(waits) > 100);
	UNIT_EQ(plx_eal_fini(), 0);
}

/* --- Run directory --------------------------------------------------------------------------- */

static void modes(void)
{
	mode_t before = umask(0);

	UNIT_EQ(up(), 0);
	umask(before);
	UNIT_EQ(mode_of(top), 0700);
	UNIT_EQ(mode_of(path), 0700);
	UNIT_EQ(mode_of(in_dir("stats")), 0600);
	UNIT_EQ(mode_of(in_dir("lock")), 0600);
	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(access(path, F_OK), -1);
}

static void bad_names(void)
{
	static const char *const bad[] = {
		"", ".", "..", "a/b", "a b", ".x", "123456789012345678901234567890123"};
	struct plx_eal_config config = {.no_huge = true};
	struct held before = held_now(), after;
	char *json;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		config.name = bad[i];
		UNIT_EQ(plx_eal_init(&config), -EINVAL);
		UNIT_EQ(plx_telemetry_read(bad[i], &json), -EINVAL);
	}
	after = held_after(&before);
	UNIT_EQ(after.fds, before.fds);
	UNIT_EQ(after.threads, before.threads);
	UNIT_EQ(plx_telemetry_read("nobody-has-this-name", &json), -ENOENT);
}

/* Two processes of one name: the second is refused, and harms nothing. */
static int second(void *arg)
{
	/* A new process image's worth of state: a child of ours may not init. */
	return up() == -EBUSY ? 0 : 1;
}

static int hold_name(int ready)
{
	if (up())
		return 1;
	if (write(ready, "", 1) != 1)
		return 1;
	pause();
	return 0;
}

static pid_t start_holder(void)
{
	int pipe_fds[2];
	pid_t pid;
	char byte;

	if (pipe(pipe_fds))
		return -1;
	pid = fork();
	if (pid == 0)
		_exit(hold_name(pipe_fds[1]));
	close(pipe_fds[1]);
	if (read(pipe_fds[0], &byte, 1) != 1)
		pid = -1;
	close(pipe_fds[0]);
	return pid;
}

static void two_of_a_name(void)
{
	pid_t holder = start_holder();

	CU_ASSERT_FATAL(holder > 0);
	log_clear();
	UNIT_EQ(up(), -EBUSY);
	UNIT_EQ(logged("a process of that name is running"), true);
	UNIT_EQ(in_child(second, NULL), 0);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
}

/* It is stopped: nobody takes what is in the queue of its socket, which is full by and by. */
static void one_that_hangs(void)
{
	pid_t holder = start_holder();
	int fds[256], n = 0, fd;

	CU_ASSERT_FATAL(holder > 0);
	kill(holder, SIGSTOP);
	while (n < 256 && (fd = plx_rundir_connect(name, "stats", SOCK_STREAM)) >= 0)
		fds[n++] = fd;
	UNIT_EQ(fd, -ETIMEDOUT);
	while (n > 0)
		close(fds[--n]);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
}

static int count(const char *found, void *arg)
{
	*(int *)arg += strcmp(found, name) == 0;
	return 0;
}

static volatile pid_t stopped;

static void let_it_go_on(int number)
{
	kill(stopped, SIGCONT);
}

/* The signal comes while the answer is waited for, and the answer after it. */
static void signal_while_waiting(void)
{
	struct sigaction action = {.sa_handler = let_it_go_on}, before;
	char *json;

	stopped = start_holder();
	CU_ASSERT_FATAL(stopped > 0);
	sigaction(SIGALRM, &action, &before);
	kill(stopped, SIGSTOP);
	UNIT_EQ(waitpid(stopped, NULL, WUNTRACED), stopped);
	alarm(1);
	UNIT_EQ(plx_telemetry_read(name, &json), 0);
	free(json);
	alarm(0);
	sigaction(SIGALRM, &before, NULL);
	kill(stopped, SIGKILL);
	waitpid(stopped, NULL, 0);
}

/* Whoever lists looks at the lock, and must not have it even for a moment. */
static void listed_while_it_starts(void)
{
	pid_t parent = getpid(), lister = fork();
	int i, n = 0, failed = 0;

	if (lister == 0)
		while (getppid() == parent)
			plx_telemetry_list(count, &n);
	if (lister == 0)
		_exit(0);
	CU_ASSERT_FATAL(lister > 0);
	for (i = 0; i < 5000; i++) {
		failed += plx_rundir_open(name) != 0;
		plx_rundir_close();
	}
	UNIT_EQ(failed, 0);
	kill(lister, SIGKILL);
	waitpid(lister, NULL, 0);
}

static void left_by_the_dead(void)
{
	pid_t holder = start_holder();
	int n = 0;
	char *json;

	CU_ASSERT_FATAL(holder > 0);
	UNIT_EQ(plx_telemetry_list(count, &n), 0);
	UNIT_EQ(n, 1);
	kill(holder, SIGKILL);
	waitpid(holder, NULL, 0);
	UNIT_EQ(access(in_dir("stats"), F_OK), 0);
	UNIT_EQ(plx_telemetry_read(name, &json), -ENOENT);
	n = 0;
	UNIT_EQ(plx_telemetry_list(count, &n), 0);
	UNIT_EQ(n, 0);
	UNIT_EQ(up(), 0);
	json_decref(read_own());
	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(access(path, F_OK), -1);
}

static void symbolic_link(void)
{
	char target[] = "/tmp/pollux-elsewhere-XXXXXX";
	char *json;

	CU_ASSERT_PTR_NOT_NULL_FATAL(mkdtemp(target));
	UNIT_EQ(symlink(target, path), 0);
	log_clear();
	UNIT_EQ(up(), -ELOOP);
	UNIT_EQ(logged("symbolic link"), true);
	UNIT_EQ(plx_telemetry_read(name, &json), -ELOOP);
	UNIT_EQ(rmdir(target), 0); /* nothing was put there */
	unlink(path);
}

static void open_to_others(void)
{
	UNIT_EQ(mkdir(path, 0700), 0);
	chmod(path, 0755);
	log_clear();
	UNIT_EQ(up(), -EACCES);
	UNIT_EQ(logged("mode 0700"), true);
	UNIT_EQ(rmdir(path), 0);
}

static void hundred_times(void)
{
	struct held before, after;
	int i;

	UNIT_EQ(up(), 0);
	json_decref(read_own());
	UNIT_EQ(plx_eal_fini(), 0);
	before = held_now();
	for (i = 0; i < 100; i++) {
		UNIT_EQ(up(), 0);
		if (i % 10 == 0)
			json_decref(read_own());
		UNIT_EQ(plx_eal_fini(), 0);
	}
	after = held_after(&before);
	UNIT_EQ(after.fds, before.fds);
#ifndef UNDER_ASAN /* maps memory of its own as it goes */
	/* Stacks that glibc keeps for the next thread are the only thing that may vary. */
	CU_ASSERT(after.maps <= before.maps + 2);
#endif
	UNIT_EQ(after.threads, before.threads);
	UNIT_EQ(after.locked_kib, before.locked_kib);
}

CU_TestInfo telemetry_tests[] = {
	{"the document", document},
	{"clients that do not read", clients_that_do_not_read},
	{"no file descriptor left", no_file_descriptor_left},
	{"modes of the run directory", modes},
	{"names that cannot be", bad_names},
	{"a second process of the name", two_of_a_name},
	{"a process that hangs holds up nobody", one_that_hangs},
	{"a signal while the answer is waited for", signal_while_waiting},
	{"a process starts while others are listed", listed_while_it_starts},
	{"what a dead process left", left_by_the_dead},
	{"a symbolic link is not followed", symbolic_link},
	{"a directory open to others", open_to_others},
	{"a hundred times with a name", hundred_times},
	CU_TEST_INFO_NULL,
};
