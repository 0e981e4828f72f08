/* SPDX-License-Identifier: BSD-3-Clause */
/* The secondary's half of <pollux/peer.h>. Replies are checked: the primary may be anything. */
#include "eal/peer.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <unistd.h>

#include <pollux/log.h>
#include <pollux/telemetry.h>

#include "eal/rundir.h"
#include "eal/version.h"

PLX_LOG_USE(eal);

#define ANSWER_S 5
#define MAPS_MAX 65536

struct map {
	struct plx_peer_segment segment;
	ino_t inode; /* another file at the same place is other memory */
	bool seen;
};

struct plx_peer {
	int fd;
	int prot;
	uint64_t next; /* the sequence of the next question */
	char name[PLX_NAME_LEN];
	struct map *maps;
	size_t map_count, map_room;
};

/* --- Talking --------------------------------------------------------------------------------- */

static int ask(struct plx_peer *peer, enum plx_peer_op op, const char *name)
{
	struct plx_peer_request request = {
		.magic = PLX_PEER_MAGIC, .op = op, .sequence = peer->next++};

	snprintf(request.name, sizeof(request.name), "%s", name);
	if (send(peer->fd, &request, sizeof(request), MSG_NOSIGNAL) == sizeof(request))
		return 0;
	if (errno == EAGAIN)
		return -ETIMEDOUT;
	return errno == EPIPE || errno == ECONNRESET || errno == ENOTCONN ? -EPIPE : -errno;
}

/* Take the files of a message. Return: how many. */
static size_t take_fds(struct msghdr *message, int *fds)
{
	struct cmsghdr *head = CMSG_FIRSTHDR(message);
	size_t n;

	if (!head || head->cmsg_level != SOL_SOCKET || head->cmsg_type != SCM_RIGHTS)
		return 0;
	n = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
	memcpy(fds, CMSG_DATA(head), n * sizeof(int));
	return n;
}

static void close_fds(const int *fds, size_t n)
{
	while (n-- > 0)
		close(fds[n]);
}

/* Whatever comes next; *fds has as many files as it has segments. */
static int hear_any(struct plx_peer *peer, struct plx_peer_reply *reply, int *fds)
{
	char control[CMSG_SPACE(PLX_PEER_SEGMENTS * sizeof(int))];
	struct iovec iov = {reply, sizeof(*reply)};
	struct msghdr message = {.msg_iov = &iov,
				 .msg_iovlen = 1,
				 .msg_control = control,
				 .msg_controllen = sizeof(control)};
	ssize_t len;
	size_t n;

	do
		len = recvmsg(peer->fd, &message, MSG_CMSG_CLOEXEC);
	while (len < 0 && errno == EINTR);
	if (len == 0 || (len < 0 && errno == ECONNRESET))
		return -EPIPE;
	if (len < 0)
		return errno == EAGAIN ? -ETIMEDOUT : -errno;
	n = take_fds(&message, fds);
	if (len == sizeof(*reply) && reply->magic == PLX_PEER_MAGIC && reply->err <= 0 &&
	    reply->n == n && !(message.msg_flags & MSG_TRUNC))
		return 0;
	close_fds(fds, n);
	/* The kernel leaves files out when we have no room for them. */
	return message.msg_flags & MSG_CTRUNC ? -EMFILE : -EPROTO;
}

/* One reply to the last question. Whoever lost patience has left those to earlier ones. */
static int hear(struct plx_peer *peer, struct plx_peer_reply *reply, int *fds)
{
	int err = hear_any(peer, reply, fds);

	while (!err && reply->sequence != peer->next - 1) {
		close_fds(fds, reply->n);
		err = hear_any(peer, reply, fds);
	}
	if (err || !reply->err)
		return err;
	close_fds(fds, reply->n);
	return reply->err;
}

/* The same where no files are wanted. */
static int hear_words(struct plx_peer *peer, struct plx_peer_reply *reply)
{
	int fds[PLX_PEER_SEGMENTS], err = hear(peer, reply, fds);

	if (!err)
		close_fds(fds, reply->n);
	return err;
}

/* --- Mapping --------------------------------------------------------------------------------- */

static struct map *find_map(struct plx_peer *peer, const struct plx_peer_segment *s, ino_t inode)
{
	size_t i;

	for (i = 0; i < peer->map_count; i++)
		if (memcmp(&peer->maps[i].segment, s, sizeof(*s)) == 0 &&
		    peer->maps[i].inode == inode)
			return &peer->maps[i];
	return NULL;
}

static int make_room(struct plx_peer *peer)
{
	size_t room = peer->map_room ? 2 * peer->map_room : 16;
	struct map *bigger;

	if (peer->map_count < peer->map_room)
		return 0;
	if (peer->map_count >= MAPS_MAX)
		return -EPROTO;
	bigger = reallocarray(peer->maps, room, sizeof(*bigger));
	if (!bigger)
		return -ENOMEM;
	peer->maps = bigger;
	peer->map_room = room;
	return 0;
}

static int map_there(struct plx_peer *peer, const struct plx_peer_segment *s, int fd)
{
	void *want = (void *)(uintptr_t)s->va, *va;

	va = mmap(want, s->len, peer->prot, MAP_SHARED | MAP_FIXED_NOREPLACE, fd,
		  (off_t)s->fd_offset);
	if (va == want) {
		madvise(va, s->len, MADV_DONTDUMP);
		return 0;
	}
	if (va != MAP_FAILED)
		munmap(va, s->len);
	else if (errno != EEXIST)
		return -errno;
	PLX_ERR(eal,
		"peer %s: %p, %" PRIu64 " KiB: something of this process is there, so its memory "
		"cannot be mapped; attach before the EAL of this process comes up and before large "
		"mappings, or give one of the two another --va-base",
		peer->name, want, s->len / 1024);
	return -EADDRINUSE;
}

static int add_segment(struct plx_peer *peer, const struct plx_peer_segment *s, int fd)
{
	struct map *map;
	struct stat st;
	int err;

	if (!s->len || (s->va | s->len | s->fd_offset) % 4096 || s->va + s->len < s->va ||
	    fstat(fd, &st))
		return -EPROTO;
	map = find_map(peer, s, st.st_ino);
	if (!map) {
		err = make_room(peer);
		if (!err)
			err = map_there(peer, s, fd);
		if (err)
			return err;
		map = &peer->maps[peer->map_count++];
		*map = (struct map){.segment = *s, .inode = st.st_ino};
	}
	map->seen = true;
	return 0;
}

static void drop_unseen(struct plx_peer *peer)
{
	size_t i = 0;

	while (i < peer->map_count) {
		struct map *map = &peer->maps[i];

		if (map->seen) {
			map->seen = false;
			i++;
			continue;
		}
		munmap((void *)(uintptr_t)map->segment.va, map->segment.len);
		*map = peer->maps[--peer->map_count];
	}
}

struct heard {
	struct plx_peer_segment segment;
	int fd;
};

static int hear_list(struct plx_peer *peer, struct heard **list, size_t *count)
{
	struct plx_peer_reply reply;
	int fds[PLX_PEER_SEGMENTS], err;
	struct heard *bigger;
	size_t i;

	do {
		err = hear(peer, &reply, fds);
		if (err)
			return err;
		bigger = *count + reply.n <= MAPS_MAX
				 ? reallocarray(*list, *count + reply.n + 1, sizeof(*bigger))
				 : NULL;
		if (!bigger) {
			close_fds(fds, reply.n);
			return -ENOMEM;
		}
		*list = bigger;
		for (i = 0; i < reply.n; i++)
			(*list)[(*count)++] = (struct heard){reply.segments[i], fds[i]};
	} while (reply.more);
	return 0;
}

/*
 * Mark what is known, make room, map what is new: in this order, for one may be where another was.
 */
static int apply(struct plx_peer *peer, const struct heard *list, size_t count)
{
	struct stat st;
	struct map *map;
	size_t i;
	int err = 0;

	for (i = 0; i < count; i++)
		if (!fstat(list[i].fd, &st) &&
		    (map = find_map(peer, &list[i].segment, st.st_ino)) != NULL)
			map->seen = true;
	drop_unseen(peer);
	for (i = 0; i < count && !err; i++)
		err = add_segment(peer, &list[i].segment, list[i].fd);
	for (i = 0; i < peer->map_count; i++)
		peer->maps[i].seen = false;
	return err;
}

int plx_peer_sync(struct plx_peer *peer)
{
	struct heard *list = NULL;
	size_t count = 0;
	int err = ask(peer, PLX_PEER_LIST, "");

	if (!err)
		err = hear_list(peer, &list, &count);
	if (!err)
		err = apply(peer, list, count);
	while (count-- > 0)
		close(list[count].fd);
	free(list);
	return err;
}

/* --- Public ---------------------------------------------------------------------------------- */

static int greet(struct plx_peer *peer)
{
	struct timeval patience = {.tv_sec = ANSWER_S};
	struct plx_peer_reply reply = {0};
	int err;

	setsockopt(peer->fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	err = ask(peer, PLX_PEER_HELLO, PLX_VERSION);
	/* One that has no place for us says so, and hangs up. */
	if (!err || err == -EPIPE)
		err = hear_words(peer, &reply);
	if (err == -EPROTONOSUPPORT)
		PLX_ERR(eal,
			"peer %s: is of version %.15s, and this is %s: use programs of one version",
			peer->name, reply.version, PLX_VERSION);
	else if (err == -EUSERS)
		PLX_ERR(eal, "peer %s: %d processes are attached already; detach one", peer->name,
			PLX_PEERS_MAX);
	return err;
}

static int attach(struct plx_peer *peer, const char *name)
{
	int err;

	peer->fd = plx_rundir_connect(name, "memory", SOCK_SEQPACKET);
	if (peer->fd < 0) {
		PLX_ERR(eal,
			"peer \"%s\": %s; start it before, as the same user, with --name, and see "
			"`plx-top` for who is there",
			name ? name : "", strerror(-peer->fd));
		return peer->fd;
	}
	snprintf(peer->name, sizeof(peer->name), "%s", name);
	err = greet(peer);
	return err ? err : plx_peer_sync(peer);
}

struct plx_peer *plx_peer_attach(const char *name, enum plx_peer_access access)
{
	struct plx_peer *peer;
	int err;

	if (access != PLX_PEER_READ && access != PLX_PEER_WRITE) {
		errno = EINVAL;
		return NULL;
	}
	peer = calloc(1, sizeof(*peer));
	if (!peer)
		return NULL;
	peer->prot = access == PLX_PEER_WRITE ? PROT_READ | PROT_WRITE : PROT_READ;
	err = attach(peer, name);
	if (!err)
		return peer;
	plx_peer_detach(peer);
	errno = -err;
	return NULL;
}

void plx_peer_detach(struct plx_peer *peer)
{
	if (!peer)
		return;
	drop_unseen(peer);
	free(peer->maps);
	if (peer->fd >= 0)
		close(peer->fd);
	free(peer);
}

int plx_peer_lookup(struct plx_peer *peer, const char *name, void **va, size_t *len)
{
	struct plx_peer_reply reply;
	int err = ask(peer, PLX_PEER_LOOKUP, name);
	size_t i;

	if (!err)
		err = hear_words(peer, &reply);
	if (!err)
		err = plx_peer_sync(peer);
	if (err)
		return err;
	for (i = 0; i < peer->map_count; i++) {
		const struct plx_peer_segment *s = &peer->maps[i].segment;

		if (reply.va < s->va || reply.va - s->va >= s->len)
			continue;
		*va = (void *)(uintptr_t)reply.va;
		*len = reply.len;
		return 0;
	}
	return -ENOENT;
}

int plx_peer_stats(struct plx_peer *peer, char **json)
{
	/* Another process may have the name by now. */
	if (!plx_peer_is_alive(peer))
		return -EPIPE;
	return plx_telemetry_read(peer->name, json);
}

bool plx_peer_is_alive(struct plx_peer *peer)
{
	char byte;
	ssize_t n = recv(peer->fd, &byte, 1, MSG_PEEK | MSG_DONTWAIT);

	return n > 0 || (n < 0 && (errno == EAGAIN || errno == EINTR));
}

uint64_t plx_peer_mapped_bytes(const struct plx_peer *peer)
{
	uint64_t bytes = 0;
	size_t i;

	for (i = 0; i < peer->map_count; i++)
		bytes += peer->maps[i].segment.len;
	return bytes;
}
