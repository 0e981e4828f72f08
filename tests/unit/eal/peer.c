/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * lib/eal/peer.c, peer_server.c: a secondary in this process, a primary in another. The faults of
 * two processes: either is killed at any time, wrong version, user, name, addresses, too many.
 */
#include "eal/peer.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include <pollux/telemetry.h>

#include "eal/rundir.h"
#include "eal/version.h"
#include "runner.h"
#include "suites.h"
#include "support.h"

#define PATTERN 0x5ca1ab1e

static char name[PLX_NAME_LEN];

/* --- Primary --------------------------------------------------------------------------------- */

struct primary {
	pid_t pid;
	int to, from;
};

/* What it does: 'g' grows the heap, 'p' publishes, 'w' withdraws, else it ends. */
static int primary_main(int commands, int answers)
{
	struct plx_eal_config config = {
		.no_huge = true, .name = name, .lcores = one_lcore(), .mem_bytes = (size_t)4 << 20};
	uint32_t *word, *more = NULL;
	char command = 0;

	if (plx_eal_init(&config))
		return 1;
	word = plx_dma_zalloc(4096, 4096, PLX_NODE_ANY);
	*word = PATTERN;
	if (plx_mem_publish("word", word, 4096) || plx_mem_publish("word", word, 1) != -EEXIST ||
	    plx_mem_publish("", word, 1) != -EINVAL ||
	    plx_mem_publish("stack", &command, 1) != -EFAULT)
		return 1;
	while (write(answers, "", 1) == 1 && read(commands, &command, 1) == 1) {
		if (command == 'g') {
			more = plx_dma_zalloc((size_t)40 << 20, 4096, PLX_NODE_ANY);
			*more = PATTERN + 1;
			if (plx_mem_publish("more", more, (size_t)40 << 20))
				return 1;
		} else if (command == 'w') {
			if (plx_mem_withdraw("more") || plx_mem_withdraw("more") != -ENOENT)
				return 1;
		} else {
			break;
		}
	}
	return plx_eal_fini() ? 1 : 0;
}

static struct primary start_primary(void)
{
	struct primary p = {.pid = -1};
	int to[2], from[2];
	char byte;

	if (pipe2(to, O_CLOEXEC) || pipe2(from, O_CLOEXEC))
		return p;
	p.pid = fork();
	if (p.pid == 0) {
		close(to[1]);
		close(from[0]);
		_exit(primary_main(to[0], from[1]));
	}
	close(to[0]);
	close(from[1]);
	p.to = to[1];
	p.from = from[0];
	UNIT_EQ(read(p.from, &byte, 1), 1);
	return p;
}

static void tell(const struct primary *p, char command)
{
	char byte;

	UNIT_EQ(write(p->to, &command, 1), 1);
	UNIT_EQ(read(p->from, &byte, 1), 1);
}

static int reap(struct primary *p)
{
	int status = -1;

	close(p->to);
	close(p->from);
	waitpid(p->pid, &status, 0);
	return status;
}

/* Ends in order, with nothing left. */
static void end_primary(struct primary *p)
{
	UNIT_EQ(write(p->to, "q", 1), 1);
	UNIT_EQ(reap(p), 0);
}

static int open_files(pid_t pid)
{
	char path[64];
	DIR *dir;
	int n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	dir = opendir(path);
	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

/* --- Tests ----------------------------------------------------------------------------------- */

static void sees_memory_and_statistics(void)
{
	struct held before = held_now(), after;
	struct primary p = start_primary();
	struct plx_peer *peer = plx_peer_attach(name, PLX_PEER_READ);
	uint32_t *word;
	char *json;
	size_t len;
	void *va;

	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	UNIT_EQ(plx_peer_mapped_bytes(peer), 4 << 20);
	UNIT_EQ(plx_peer_lookup(peer, "word", &va, &len), 0);
	word = va;
	UNIT_EQ(*word, PATTERN);
	UNIT_EQ(len, 4096);
	UNIT_EQ(plx_peer_lookup(peer, "more", &va, &len), -ENOENT);
	tell(&p, 'g');
	UNIT_EQ(plx_peer_lookup(peer, "more", &va, &len), 0);
	UNIT_EQ(*(uint32_t *)va, PATTERN + 1);
	CU_ASSERT(plx_peer_mapped_bytes(peer) >= 44 << 20);
	tell(&p, 'w');
	UNIT_EQ(plx_peer_lookup(peer, "more", &va, &len), -ENOENT);
	UNIT_EQ(plx_peer_stats(peer, &json), 0);
	CU_ASSERT_PTR_NOT_NULL(json ? strstr(json, "\"heap_used_bytes\"") : NULL);
	free(json);
	UNIT_EQ(plx_peer_is_alive(peer), true);
	end_primary(&p);
	plx_peer_detach(peer);
	after = held_after(&before);
	UNIT_EQ(after.fds, before.fds);
#ifndef UNDER_ASAN /* maps memory of its own as it goes */
	CU_ASSERT(after.maps <= before.maps + 2);
#endif
}

static int write_there(void *arg)
{
	*(volatile uint32_t *)arg = 1;
	return 0;
}

static void access_is_what_was_asked_for(void)
{
	struct primary p = start_primary();
	struct plx_peer *peer = plx_peer_attach(name, PLX_PEER_READ);
	size_t len;
	void *va;

	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	UNIT_EQ(plx_peer_lookup(peer, "word", &va, &len), 0);
#ifndef UNDER_ASAN
	UNIT_EQ(in_child(write_there, va), 128 + SIGSEGV);
#endif
	plx_peer_detach(peer);
	peer = plx_peer_attach(name, PLX_PEER_WRITE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	UNIT_EQ(plx_peer_lookup(peer, "word", &va, &len), 0);
	UNIT_EQ(write_there(va), 0);
	plx_peer_detach(peer);
	CU_ASSERT_PTR_NULL(plx_peer_attach(name, (enum plx_peer_access)7));
	UNIT_EQ(errno, EINVAL);
	end_primary(&p);
}

static void secondary_first(void)
{
	log_clear();
	CU_ASSERT_PTR_NULL(plx_peer_attach(name, PLX_PEER_READ));
	UNIT_EQ(errno, ENOENT);
	UNIT_EQ(logged("start it before"), true);
	CU_ASSERT_PTR_NULL(plx_peer_attach("../etc", PLX_PEER_READ));
	UNIT_EQ(errno, EINVAL);
}

static void primary_killed(void)
{
	struct primary p = start_primary();
	struct plx_peer *peer = plx_peer_attach(name, PLX_PEER_READ);
	char *json;
	size_t len;
	void *va;

	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	UNIT_EQ(plx_peer_lookup(peer, "word", &va, &len), 0);
	kill(p.pid, SIGKILL);
	reap(&p);
	UNIT_EQ(plx_peer_is_alive(peer), false);
	UNIT_EQ(*(uint32_t *)va, PATTERN);
	UNIT_EQ(plx_peer_sync(peer), -EPIPE);
	UNIT_EQ(plx_peer_lookup(peer, "word", &va, &len), -EPIPE);
	UNIT_EQ(plx_peer_stats(peer, &json), -EPIPE);
	plx_peer_detach(peer);
	/* The name is free again. */
	p = start_primary();
	peer = plx_peer_attach(name, PLX_PEER_READ);
	CU_ASSERT_PTR_NOT_NULL(peer);
	plx_peer_detach(peer);
	end_primary(&p);
}

/* One of the six calls, again and again, until it is killed. */
static void call_for_ever(int which)
{
	struct plx_peer *peer = NULL;
	char *json = NULL;
	size_t len;
	void *va;

	for (;;) {
		if (!peer)
			peer = plx_peer_attach(name, PLX_PEER_READ);
		if (!peer)
			_exit(1);
		switch (which) {
		case 0: /* attach */
		case 1: /* detach */
			plx_peer_detach(peer);
			peer = NULL;
			break;
		case 2:
			plx_peer_sync(peer);
			break;
		case 3:
			plx_peer_lookup(peer, "word", &va, &len);
			break;
		case 4:
			plx_peer_stats(peer, &json);
			free(json);
			json = NULL;
			break;
		case 5:
			plx_peer_is_alive(peer);
			break;
		}
	}
}

static void secondaries_killed(void)
{
	struct primary p = start_primary();
	struct plx_peer *peer;
	int which, i, status, files = open_files(p.pid), tries;

	for (which = 0; which < 6; which++) {
		for (i = 0; i < 10; i++) {
			pid_t pid = fork();

			if (pid == 0)
				call_for_ever(which);
			usleep((useconds_t)(1000 + 700 * i));
			kill(pid, SIGKILL);
			waitpid(pid, &status, 0);
			UNIT_EQ(WIFSIGNALED(status), true);
		}
		peer = plx_peer_attach(name, PLX_PEER_READ);
		CU_ASSERT_PTR_NOT_NULL(peer);
		plx_peer_detach(peer);
	}
	/* It notices by and by that they are gone. */
	for (tries = 0; open_files(p.pid) > files && tries < 1000; tries++)
		usleep(10000);
	UNIT_EQ(open_files(p.pid), files);
	end_primary(&p);
}

static void another_version(void)
{
	struct plx_peer_request request = {
		.magic = PLX_PEER_MAGIC, .op = PLX_PEER_HELLO, .name = "9.9.9"};
	struct primary p = start_primary();
	struct plx_peer_reply reply = {0};
	int fd = plx_rundir_connect(name, "memory", SOCK_SEQPACKET);

	UNIT_EQ(send(fd, &request, sizeof(request), 0), sizeof(request));
	UNIT_EQ(recv(fd, &reply, sizeof(reply), 0), sizeof(reply));
	UNIT_EQ(reply.err, -EPROTONOSUPPORT);
	UNIT_STR(reply.version, plx_version());
	/* Nonsense ends the connection, and nothing else. */
	request.op = 99;
	UNIT_EQ(send(fd, &request, sizeof(request), 0), sizeof(request));
	CU_ASSERT(recv(fd, &reply, sizeof(reply), 0) <= 0);
	close(fd);
	end_primary(&p);
}

static void stop(pid_t pid)
{
	kill(pid, SIGSTOP);
	UNIT_EQ(waitpid(pid, NULL, WUNTRACED), pid);
}

/* Each of whom has asked already when it is told, as plx_peer_attach() does. */
static void one_too_many(void)
{
	struct plx_peer_request request = {
		.magic = PLX_PEER_MAGIC, .op = PLX_PEER_HELLO, .name = PLX_VERSION};
	struct primary p = start_primary();
	struct plx_peer_reply reply = {0};
	int fds[PLX_PEERS_MAX + 1], i;

	for (i = 0; i <= PLX_PEERS_MAX; i++) {
		if (i == PLX_PEERS_MAX)
			stop(p.pid);
		fds[i] = plx_rundir_connect(name, "memory", SOCK_SEQPACKET);
		CU_ASSERT_FATAL(fds[i] >= 0);
		UNIT_EQ(send(fds[i], &request, sizeof(request), 0), sizeof(request));
		if (i == PLX_PEERS_MAX)
			kill(p.pid, SIGCONT);
		UNIT_EQ(recv(fds[i], &reply, sizeof(reply), 0), sizeof(reply));
		UNIT_EQ(reply.err, i < PLX_PEERS_MAX ? 0 : -EUSERS);
	}
	while (i-- > 0)
		close(fds[i]);
	end_primary(&p);
}

/* An answer that came too late is none to the next question. */
static void a_late_answer(void)
{
	struct primary p = start_primary();
	struct plx_peer *peer = plx_peer_attach(name, PLX_PEER_READ);
	void *va = NULL;
	size_t len = 0;

	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	tell(&p, 'g');
	stop(p.pid);
	UNIT_EQ(plx_peer_lookup(peer, "more", &va, &len), -ETIMEDOUT);
	kill(p.pid, SIGCONT);
	UNIT_EQ(plx_peer_lookup(peer, "word", &va, &len), 0);
	UNIT_EQ(len, 4096);
	UNIT_EQ(va ? *(uint32_t *)va : 0, PATTERN);
	UNIT_EQ(plx_peer_lookup(peer, "nothing", &va, &len), -ENOENT);
	plx_peer_detach(peer);
	end_primary(&p);
}

static int attach_as_nobody(void *arg)
{
	setenv("XDG_RUNTIME_DIR", "/run", 1);
	if (setgid(65534) || setuid(65534))
		return 1;
	return plx_peer_attach(name, PLX_PEER_READ) || errno != EACCES;
}

static void another_user(void)
{
	struct primary p;

	if (geteuid() != 0)
		return; /* needs to become somebody else */
	p = start_primary();
	UNIT_EQ(in_child(attach_as_nobody, NULL), 0);
	end_primary(&p);
}

static void thirty_two(void)
{
	struct primary p = start_primary();
	pid_t pids[32];
	int i, status, ready[2], done[2];
	char byte;

	UNIT_EQ(pipe(ready), 0);
	UNIT_EQ(pipe(done), 0);
	for (i = 0; i < 32; i++) {
		pids[i] = fork();
		if (pids[i] == 0) {
			struct plx_peer *peer = plx_peer_attach(name, PLX_PEER_READ);
			ssize_t n = write(ready[1], "", 1);

			close(done[1]);
			n = read(done[0], &byte, 1); /* until all are there */
			plx_peer_detach(peer);
			_exit(peer && n >= 0 ? 0 : 1);
		}
	}
	for (i = 0; i < 32; i++)
		UNIT_EQ(read(ready[0], &byte, 1), 1);
	close(done[1]);
	for (i = 0; i < 32; i++) {
		waitpid(pids[i], &status, 0);
		UNIT_EQ(status, 0);
	}
	close(ready[0]);
	close(ready[1]);
	close(done[0]);
	end_primary(&p);
}

static void addresses_taken(void)
{
	struct primary p = start_primary();
	struct plx_peer *peer = plx_peer_attach(name, PLX_PEER_READ);
	size_t len;
	void *va, *taken;

	CU_ASSERT_PTR_NOT_NULL_FATAL(peer);
	UNIT_EQ(plx_peer_lookup(peer, "word", &va, &len), 0);
	plx_peer_detach(peer);
	taken = mmap(va, 4096, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	CU_ASSERT_FATAL(taken == va);
	log_clear();
	CU_ASSERT_PTR_NULL(plx_peer_attach(name, PLX_PEER_READ));
	UNIT_EQ(errno, EADDRINUSE);
	UNIT_EQ(logged("something of this process is there"), true);
	munmap(taken, 4096);
	peer = plx_peer_attach(name, PLX_PEER_READ);
	CU_ASSERT_PTR_NOT_NULL(peer);
	plx_peer_detach(peer);
	end_primary(&p);
}

int peer_up(void)
{
	telemetry_up();
	snprintf(name, sizeof(name), "peer-%d", getpid());
	return 0;
}

CU_TestInfo peer_tests[] = {
	{"a secondary sees memory and statistics", sees_memory_and_statistics},
	{"it may do what it asked for", access_is_what_was_asked_for},
	{"the secondary comes first", secondary_first},
	{"the primary is killed", primary_killed},
	{"secondaries are killed in each of six calls", secondaries_killed},
	{"another version", another_version},
	{"one too many", one_too_many},
	{"a late answer", a_late_answer},
	{"another user", another_user},
	{"32 secondaries", thirty_two},
	{"the addresses are taken", addresses_taken},
	CU_TEST_INFO_NULL,
};
