/* SPDX-License-Identifier: BSD-3-Clause */
/* vhost-user messages on a socket; see vhost_msg.h. */
#include "vhost_msg.h"

#include <errno.h>
#include <poll.h>
#include <stddef.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pollux/clock.h>

#define HEADER_LEN	  offsetof(struct vhost_msg, u64)
#define VERSION		  1u
#define FLAG_VERSION_MASK 3u
#define FLAG_REPLY	  4u
#define FLAG_NEED_REPLY	  8u
#define TIMEOUT_NS	  UINT64_C(3000000000)

_Static_assert(HEADER_LEN == 12, "request, flags, size");
_Static_assert(sizeof(struct vhost_vring_addr) == 40, "as the protocol has it");

static const char *const request_names[] = {
	[VHOST_GET_FEATURES] = "GET_FEATURES",
	[VHOST_SET_FEATURES] = "SET_FEATURES",
	[VHOST_SET_OWNER] = "SET_OWNER",
	[VHOST_SET_MEM_TABLE] = "SET_MEM_TABLE",
	[VHOST_SET_VRING_NUM] = "SET_VRING_NUM",
	[VHOST_SET_VRING_ADDR] = "SET_VRING_ADDR",
	[VHOST_SET_VRING_BASE] = "SET_VRING_BASE",
	[VHOST_GET_VRING_BASE] = "GET_VRING_BASE",
	[VHOST_SET_VRING_KICK] = "SET_VRING_KICK",
	[VHOST_SET_VRING_CALL] = "SET_VRING_CALL",
	[VHOST_GET_PROTOCOL_FEATURES] = "GET_PROTOCOL_FEATURES",
	[VHOST_SET_PROTOCOL_FEATURES] = "SET_PROTOCOL_FEATURES",
	[VHOST_GET_QUEUE_NUM] = "GET_QUEUE_NUM",
	[VHOST_SET_VRING_ENABLE] = "SET_VRING_ENABLE",
};

const char *vhost_request_name(uint32_t request)
{
	const unsigned int n = sizeof(request_names) / sizeof(request_names[0]);

	return request < n && request_names[request] ? request_names[request] : "?";
}

/* --- Sending -------------------------------------------------------------------------------- */

int vhost_msg_send(int sock, struct vhost_msg *msg, const int *fds, unsigned int n)
{
	union {
		char space[CMSG_SPACE(VHOST_REGIONS_MAX * sizeof(int))];
		struct cmsghdr align;
	} control;
	struct iovec iov = {.iov_base = msg, .iov_len = HEADER_LEN + msg->size};
	struct msghdr hdr = {.msg_iov = &iov, .msg_iovlen = 1};
	ssize_t sent;

	msg->flags |= VERSION;
	if (n) {
		struct cmsghdr *cmsg = &control.align;

		memset(&control, 0, sizeof(control));
		hdr.msg_control = &control;
		hdr.msg_controllen = CMSG_SPACE(n * sizeof(int));
		cmsg->cmsg_level = SOL_SOCKET;
		cmsg->cmsg_type = SCM_RIGHTS;
		cmsg->cmsg_len = CMSG_LEN(n * sizeof(int));
		memcpy(CMSG_DATA(cmsg), fds, n * sizeof(int));
	}
	do {
		sent = sendmsg(sock, &hdr, MSG_NOSIGNAL);
	} while (sent < 0 && errno == EINTR);
	if (sent < 0)
		return errno == EPIPE ? -ECONNRESET : errno == EAGAIN ? -ETIMEDOUT : -errno;
	return (size_t)sent == iov.iov_len ? 0 : -EPROTO;
}

/* --- Receiving ------------------------------------------------------------------------------ */

static int wait_readable(int sock, uint64_t end)
{
	struct pollfd fds = {.fd = sock, .events = POLLIN};
	uint64_t now = plx_clock_ns();
	int ready = poll(&fds, 1, now < end ? (int)((end - now) / 1000000) + 1 : 0);

	if (ready < 0)
		return errno == EINTR ? 0 : -errno;
	return ready ? 0 : -ETIMEDOUT;
}

/* File descriptors that a back end sends along uninvited are not received: there is no room. */
static int receive(int sock, void *to, size_t len, uint64_t end)
{
	char *at = to;

	while (len) {
		ssize_t got = recv(sock, at, len, MSG_DONTWAIT);
		int err;

		if (got == 0)
			return -ECONNRESET;
		if (got > 0) {
			at += got;
			len -= (size_t)got;
			continue;
		}
		if (errno != EAGAIN && errno != EINTR)
			return -errno;
		err = wait_readable(sock, end);
		if (err)
			return err;
	}
	return 0;
}

static int receive_reply(int sock, struct vhost_msg *msg, uint32_t request, uint32_t size)
{
	uint64_t end = plx_clock_ns() + TIMEOUT_NS;
	int err = receive(sock, msg, HEADER_LEN, end);

	if (err)
		return err;
	if (msg->request != request || msg->size != size ||
	    (msg->flags & FLAG_VERSION_MASK) != VERSION || !(msg->flags & FLAG_REPLY))
		return -EPROTO;
	return receive(sock, &msg->u64, size, end);
}

int vhost_msg_call(int sock, struct vhost_msg *msg, uint32_t reply_size)
{
	const uint32_t request = msg->request;
	int err = vhost_msg_send(sock, msg, NULL, 0);

	return err ? err : receive_reply(sock, msg, request, reply_size);
}

int vhost_msg_send_acked(int sock, struct vhost_msg *msg, const int *fds, unsigned int n,
			 bool acknowledge)
{
	struct vhost_msg reply;
	int err;

	if (acknowledge)
		msg->flags |= FLAG_NEED_REPLY;
	err = vhost_msg_send(sock, msg, fds, n);
	if (err || !acknowledge)
		return err;
	err = receive_reply(sock, &reply, msg->request, sizeof(reply.u64));
	if (err)
		return err;
	return reply.u64 ? -EREMOTEIO : 0;
}
