/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The primary's half of <pollux/peer.h>: published names, and answers to secondaries on the control
 * thread. A secondary that does not read is dropped: it can hold up nobody.
 */
#include "eal/peer.h"

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pollux/eal.h>
#include <pollux/log.h>
#include <pollux/loop.h>

#include "eal/rundir.h"
#include "eal/version.h"

PLX_LOG_USE(eal);

#define PUBLISHED_MAX 256

/* --- Names ----------------------------------------------------------------------------------- */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct published {
	char name[PLX_PUBLISHED_LEN];
	void *va;
	size_t len;
} published[PUBLISHED_MAX]; /* lock */
static size_t published_count;

static struct published *find(const char *name)
{
	size_t i;

	for (i = 0; i < published_count; i++)
		if (strcmp(published[i].name, name) == 0)
			return &published[i];
	return NULL;
}

static bool name_ok(const char *name)
{
	return name && *name && strlen(name) < PLX_PUBLISHED_LEN;
}

int plx_mem_publish(const char *name, void *va, size_t len)
{
	plx_iova_t iova;
	int err;

	if (!name_ok(name))
		return -EINVAL;
	err = plx_mem_iova(va, len, &iova);
	if (err)
		return err;
	pthread_mutex_lock(&lock);
	if (find(name)) {
		err = -EEXIST;
	} else if (published_count == PUBLISHED_MAX) {
		err = -ENOSPC;
	} else {
		struct published *p = &published[published_count++];

		snprintf(p->name, sizeof(p->name), "%s", name);
		p->va = va;
		p->len = len;
	}
	pthread_mutex_unlock(&lock);
	return err;
}

int plx_mem_withdraw(const char *name)
{
	struct published *p;

	if (!plx_eal_is_up())
		return -ENODEV;
	pthread_mutex_lock(&lock);
	p = name_ok(name) ? find(name) : NULL;
	if (p)
		*p = published[--published_count];
	pthread_mutex_unlock(&lock);
	return p ? 0 : -ENOENT;
}

/* --- Answers --------------------------------------------------------------------------------- */

/* One message; the files of its segments with it. Return: 0, or -errno: drop the secondary. */
static int send_reply(int fd, const struct plx_peer_reply *reply, const int *fds)
{
	char control[CMSG_SPACE(PLX_PEER_SEGMENTS * sizeof(int))] = {0};
	struct iovec iov = {(void *)reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &iov, .msg_iovlen = 1};

	if (reply->n) {
		struct cmsghdr *head;

		message.msg_control = control;
		message.msg_controllen = CMSG_SPACE(reply->n * sizeof(int));
		head = CMSG_FIRSTHDR(&message);
		head->cmsg_level = SOL_SOCKET;
		head->cmsg_type = SCM_RIGHTS;
		head->cmsg_len = CMSG_LEN(reply->n * sizeof(int));
		memcpy(CMSG_DATA(head), fds, reply->n * sizeof(int));
	}
	return sendmsg(fd, &message, MSG_NOSIGNAL | MSG_DONTWAIT) < 0 ? -errno : 0;
}

static struct plx_peer_reply new_reply(uint64_t sequence)
{
	struct plx_peer_reply reply = {.magic = PLX_PEER_MAGIC, .sequence = sequence};

	snprintf(reply.version, sizeof(reply.version), "%s", PLX_VERSION);
	return reply;
}

struct listing {
	int fd;
	struct plx_peer_reply reply;
	int fds[PLX_PEER_SEGMENTS];
};

/* Under the memory lock, so that no file is closed meanwhile. */
static int list_segment(const struct plx_mem_segment *segment, void *arg)
{
	struct listing *l = arg;
	int err = 0;

	if (segment->fd < 0)
		return 0;
	if (l->reply.n == PLX_PEER_SEGMENTS) {
		l->reply.more = 1;
		err = send_reply(l->fd, &l->reply, l->fds);
		l->reply.n = 0;
		l->reply.more = 0;
	}
	l->reply.segments[l->reply.n] = (struct plx_peer_segment){
		.va = (uintptr_t)segment->va,
		.len = segment->len,
		.fd_offset = (uint64_t)segment->fd_offset,
	};
	l->fds[l->reply.n++] = segment->fd;
	return err;
}

static int answer_list(int fd, const struct plx_peer_request *request)
{
	struct listing l = {.fd = fd, .reply = new_reply(request->sequence)};
	int err = plx_mem_walk(list_segment, &l);

	return err ? err : send_reply(fd, &l.reply, l.fds);
}

static int answer_lookup(int fd, const struct plx_peer_request *request)
{
	struct plx_peer_reply reply = new_reply(request->sequence);
	const struct published *p;

	pthread_mutex_lock(&lock);
	p = find(request->name);
	reply.err = p ? 0 : -ENOENT;
	if (p) {
		reply.va = (uintptr_t)p->va;
		reply.len = p->len;
	}
	pthread_mutex_unlock(&lock);
	return send_reply(fd, &reply, NULL);
}

static int answer_hello(int fd, const struct plx_peer_request *request)
{
	struct plx_peer_reply reply = new_reply(request->sequence);

	reply.err = strcmp(request->name, PLX_VERSION) ? -EPROTONOSUPPORT : 0;
	return send_reply(fd, &reply, NULL);
}

static int answer(int fd)
{
	struct plx_peer_request request;
	ssize_t n = recv(fd, &request, sizeof(request), MSG_DONTWAIT);

	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	if (n != sizeof(request) || request.magic != PLX_PEER_MAGIC)
		return -EPROTO;
	request.name[sizeof(request.name) - 1] = '\0';
	switch (request.op) {
	case PLX_PEER_HELLO:
		return answer_hello(fd, &request);
	case PLX_PEER_LIST:
		return answer_list(fd, &request);
	case PLX_PEER_LOOKUP:
		return answer_lookup(fd, &request);
	}
	return -EPROTO;
}

/* --- Secondaries ----------------------------------------------------------------------------- */

struct secondary {
	int fd;
	struct plx_watch *watch;
	struct secondary *next;
};

/* Used by the control thread; by start and stop while nothing is watched. */
static int listen_fd = -1;
static struct plx_watch *listen_watch;
static struct secondary *secondaries;
static size_t secondary_count;

static void drop(struct secondary *s)
{
	struct secondary **at;

	for (at = &secondaries; *at != s; at = &(*at)->next)
		;
	*at = s->next;
	secondary_count--;
	plx_unwatch(s->watch);
	close(s->fd);
	free(s);
}

static void on_request(int fd, uint32_t events, void *arg)
{
	if (answer(fd))
		drop(arg);
}

/* May it look into our memory? The directory's mode says so, too. */
static int check_user(int fd)
{
	struct ucred user;
	socklen_t len = sizeof(user);

	if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &user, &len))
		return -errno;
	return user.uid == geteuid() || user.uid == 0 ? 0 : -EACCES;
}

static int add(int fd)
{
	struct secondary *s;
	int err = check_user(fd);

	if (!err && secondary_count >= PLX_PEERS_MAX)
		err = -EUSERS;
	if (err)
		return err;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -ENOMEM;
	s->fd = fd;
	err = plx_watch_fd(fd, EPOLLIN, on_request, s, &s->watch);
	if (err) {
		free(s);
		return err;
	}
	s->next = secondaries;
	secondaries = s;
	secondary_count++;
	return 0;
}

/*
 * Say why, and hang up. What is not read when a socket is closed makes the other side lose what it
 * was told: nothing more may come, and what has come is taken.
 */
static void turn_away(int fd, int err)
{
	struct plx_peer_reply reply = new_reply(0); /* the first that it asks */
	struct plx_peer_request request;

	reply.err = err;
	shutdown(fd, SHUT_RD);
	while (recv(fd, &request, sizeof(request), MSG_DONTWAIT) > 0)
		;
	send_reply(fd, &reply, NULL);
	close(fd);
}

static void on_connect(int listener, uint32_t events, void *arg)
{
	int fd, err;

	while ((fd = plx_rundir_accept(listener)) >= 0) {
		err = add(fd);
		if (err)
			turn_away(fd, err);
	}
}

int plx_peers_start(void)
{
	int err;

	listen_fd = plx_rundir_listen("memory", SOCK_SEQPACKET);
	if (listen_fd < 0)
		return listen_fd;
	err = plx_watch_fd(listen_fd, PLX_RUNDIR_EVENTS, on_connect, NULL, &listen_watch);
	if (err)
		plx_peers_stop();
	return err;
}

void plx_peers_stop(void)
{
	plx_unwatch(listen_watch);
	listen_watch = NULL;
	while (secondaries)
		drop(secondaries);
	if (listen_fd >= 0)
		close(listen_fd);
	listen_fd = -1;
	pthread_mutex_lock(&lock);
	published_count = 0;
	pthread_mutex_unlock(&lock);
}
