/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vhost-user transport: a virtio network device whose back end is another process, reached over
 * a unix socket. Segments of the EAL are shared with it by file descriptor, so that there is
 * neither VFIO nor privilege. The front end is the device's face: status, configuration and feature
 * bits that the back end knows nothing of are kept here, and what it has to know is sent when the
 * driver sets DRIVER_OK.
 *
 * A back end that goes away, or answers nonsense, is a device that needs a reset: the port breaks,
 * and plx_port_reset() connects again, or says -EAGAIN while nobody is there.
 */
#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/mem.h>

#include "net_regs.h"
#include "transport.h"
#include "vhost_msg.h"

PLX_LOG_USE(virtio);

#define PAIRS_MAX	32
#define SEGMENTS_MAX	256
#define QUEUES_MAX	(2 * PAIRS_MAX)
#define CONNECT_MS	10000
#define CONNECT_POLL_US 20000
#define SOCKET_SEND_MS	3000

/* What of the back end's features the driver is offered: the data path. */
#define FEATURES_BACK_END                                                                          \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED | \
	 VIRTIO_F_IN_ORDER | VIRTIO_NET_F_MRG_RXBUF | VIRTIO_NET_F_CSUM |                          \
	 VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |               \
	 VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_MQ)
/* What is done here. */
#define FEATURES_FRONT_END VIRTIO_NET_F_STATUS

struct vhost_queue {
	struct virtio_queue_setup setup;
	bool on;   /* set up by the driver */
	bool live; /* the back end has it */
	int kick, call;
};

struct vhost_user {
	struct virtio_transport base;
	struct plx_mem_listener listener;
	char path[sizeof(((struct sockaddr_un *)0)->sun_path)];
	bool server, listening;
	bool split; /* rings, although the back end has packed ones */
	int sock, listen_sock;
	uint64_t features, accepted, protocol;
	unsigned int pairs;
	uint8_t status;
	struct plx_mem_segment segments[SEGMENTS_MAX]; /* by address */
	unsigned int segment_count;
	struct vhost_queue queues[QUEUES_MAX];
	unsigned int vectors;
};

static struct vhost_user *vhost_user(struct virtio_transport *t)
{
	return (struct vhost_user *)t;
}

/* --- Connection ----------------------------------------------------------------------------- */

static void disconnect(struct vhost_user *v)
{
	unsigned int i;

	if (v->sock >= 0)
		close(v->sock);
	v->sock = -1;
	for (i = 0; i < QUEUES_MAX; i++)
		v->queues[i].live = false;
	if (v->status)
		v->status |= VIRTIO_STATUS_NEEDS_RESET;
}

/* An exchange that failed ends the connection. */
static int broken(struct vhost_user *v, uint32_t request, int err)
{
	const char *why = strerror(-err);

	if (err == -EPROTO) {
		v->base.lies++;
		why = "its answer is not one to this request";
	}
	PLX_ERR(virtio, "%s: back end at %s: %s: %s; connection closed", v->base.name, v->path,
		vhost_request_name(request), why);
	disconnect(v);
	return err;
}

static int tell(struct vhost_user *v, struct vhost_msg *msg, int fd)
{
	int err = v->sock < 0 ? -ENOTCONN : vhost_msg_send(v->sock, msg, &fd, fd >= 0 ? 1 : 0);

	return err && v->sock >= 0 ? broken(v, msg->request, err) : err;
}

static int tell_u64(struct vhost_user *v, enum vhost_request request, uint64_t value, int fd)
{
	struct vhost_msg msg = {.request = request, .size = sizeof(value), .u64 = value};

	return tell(v, &msg, fd);
}

static int tell_state(struct vhost_user *v, enum vhost_request request, uint32_t index,
		      uint32_t value)
{
	struct vhost_msg msg = {
		.request = request, .size = sizeof(msg.state), .state = {index, value}};

	return tell(v, &msg, -1);
}

static int ask_u64(struct vhost_user *v, enum vhost_request request, uint64_t *value)
{
	struct vhost_msg msg = {.request = request};
	int err = vhost_msg_call(v->sock, &msg, sizeof(*value));

	if (err)
		return broken(v, request, err);
	*value = msg.u64;
	return 0;
}

static struct sockaddr_un address(const struct vhost_user *v)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	memcpy(addr.sun_path, v->path, sizeof(addr.sun_path));
	return addr;
}

static int new_socket(void)
{
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	return fd < 0 ? -errno : fd;
}

/* The socket file is ours from here on; one that somebody listens at stays. */
static int server_listen(struct vhost_user *v)
{
	struct sockaddr_un addr = address(v);
	int err = 0;

	v->listen_sock = new_socket();
	if (v->listen_sock < 0)
		return v->listen_sock;
	if (connect(v->listen_sock, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		err = -EADDRINUSE;
	else if (errno == ECONNREFUSED)
		unlink(v->path);
	close(v->listen_sock);
	v->listen_sock = err ? -1 : new_socket();
	if (!err && bind(v->listen_sock, (struct sockaddr *)&addr, sizeof(addr)))
		err = -errno;
	v->listening = !err;
	if (!err && listen(v->listen_sock, 1))
		err = -errno;
	if (err)
		PLX_ERR(virtio, "%s: cannot listen at %s: %s", v->base.name, v->path,
			strerror(-err));
	return err;
}

static int wait_for_client(struct vhost_user *v, unsigned int timeout_ms)
{
	struct pollfd fds = {.fd = v->listen_sock, .events = POLLIN};

	if (poll(&fds, 1, (int)timeout_ms) != 1)
		return -ETIMEDOUT;
	v->sock = accept4(v->listen_sock, NULL, NULL, SOCK_CLOEXEC);
	return v->sock < 0 ? -errno : 0;
}

static int connect_to_server(struct vhost_user *v, unsigned int timeout_ms)
{
	uint64_t end = plx_clock_ns() + timeout_ms * UINT64_C(1000000);
	struct sockaddr_un addr = address(v);
	int err;

	v->sock = new_socket();
	if (v->sock < 0)
		return v->sock;
	while (connect(v->sock, (struct sockaddr *)&addr, sizeof(addr))) {
		err = -errno;
		if ((err != -ENOENT && err != -ECONNREFUSED) || plx_clock_ns() >= end)
			return err;
		plx_delay_us(CONNECT_POLL_US);
	}
	return 0;
}

static int reach(struct vhost_user *v, unsigned int timeout_ms)
{
	struct timeval timeout = {.tv_sec = SOCKET_SEND_MS / 1000};
	int err = v->server ? wait_for_client(v, timeout_ms) : connect_to_server(v, timeout_ms);

	if (err)
		disconnect(v);
	else
		setsockopt(v->sock, SOL_SOCKET, SO_SNDTIMEO, &timeout, sizeof(timeout));
	return err;
}

/* Who the back end is: features, and how many queues. */
static int greet(struct vhost_user *v)
{
	struct vhost_msg owner = {.request = VHOST_SET_OWNER};
	uint64_t pairs = 1, protocol = 0;
	int err = ask_u64(v, VHOST_GET_FEATURES, &v->features);

	if (!err)
		err = tell(v, &owner, -1);
	v->protocol = 0;
	if (!err && (v->features & VHOST_F_PROTOCOL_FEATURES)) {
		err = ask_u64(v, VHOST_GET_PROTOCOL_FEATURES, &protocol);
		v->protocol = protocol & (VHOST_PROTOCOL_F_MQ | VHOST_PROTOCOL_F_REPLY_ACK);
		if (!err)
			err = tell_u64(v, VHOST_SET_PROTOCOL_FEATURES, v->protocol, -1);
	}
	if (!err && (v->protocol & VHOST_PROTOCOL_F_MQ))
		err = ask_u64(v, VHOST_GET_QUEUE_NUM, &pairs);
	if (err)
		return err;
	if (pairs == 0) {
		v->base.lies++;
		pairs = 1;
	}
	v->pairs = pairs < PAIRS_MAX ? (unsigned int)pairs : PAIRS_MAX;
	return 0;
}

static int open_session(struct vhost_user *v)
{
	int err = reach(v, CONNECT_MS);

	if (!err)
		return greet(v);
	PLX_ERR(virtio,
		"%s: no back end at %s in %u s: %s; start it (DPDK: --vdev net_vhost0,iface=%s%s)",
		v->base.name, v->path, CONNECT_MS / 1000, strerror(-err), v->path,
		v->server ? ",client=1" : "");
	return err;
}

/* Without waiting: the application has other ports. Whoever is not there yet may come later. */
static int open_again(struct vhost_user *v)
{
	int err = reach(v, 0);

	if (err == -ENOENT || err == -ECONNREFUSED || err == -ETIMEDOUT)
		return -EAGAIN;
	if (!err)
		err = greet(v);
	/* It was still on its way out. */
	return err == -ECONNRESET ? -EAGAIN : err;
}

/* Has the other end closed, or said something unasked? */
static void look_after(struct vhost_user *v)
{
	char byte;
	ssize_t got;

	if (v->sock < 0)
		return;
	got = recv(v->sock, &byte, 1, MSG_PEEK | MSG_DONTWAIT);
	if (got < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (got > 0)
		v->base.lies++;
	PLX_WARN(virtio, "%s: the back end at %s %s; plx_port_reset() connects again", v->base.name,
		 v->path, got > 0 ? "speaks unasked" : "has gone away");
	disconnect(v);
}

/* --- Memory --------------------------------------------------------------------------------- */

/* Right behind it in memory, in the same file? */
static bool continues(const struct vhost_region *r, int fd, const struct plx_mem_segment *s)
{
	return fd == s->fd && r->user_addr + r->size == (uintptr_t)s->va &&
	       r->guest_addr + r->size == s->iova &&
	       r->mmap_offset + r->size == (uint64_t)s->fd_offset;
}

/*
 * Segments as the fewest regions, and their files, which are the EAL's. Return: how many, -ENOSPC.
 */
static int compose_regions(const struct vhost_user *v, struct vhost_region *regions, int *fds)
{
	unsigned int i;
	int n = 0;

	for (i = 0; i < v->segment_count; i++) {
		const struct plx_mem_segment *s = &v->segments[i];

		if (n && continues(&regions[n - 1], fds[n - 1], s)) {
			regions[n - 1].size += s->len;
			continue;
		}
		if (n == VHOST_REGIONS_MAX)
			return -ENOSPC;
		fds[n] = s->fd;
		regions[n++] = (struct vhost_region){
			.guest_addr = s->iova,
			.size = s->len,
			.user_addr = (uintptr_t)s->va,
			.mmap_offset = (uint64_t)s->fd_offset,
		};
	}
	return n;
}

static int too_many(const struct vhost_user *v)
{
	PLX_ERR(virtio,
		"%s: vhost-user shares at most %u pieces of memory; start with "
		"--single-file-segments, or reserve the memory at once (--mem)",
		v->base.name, VHOST_REGIONS_MAX);
	return -ENOSPC;
}

static int send_memory(struct vhost_user *v)
{
	struct vhost_msg msg = {.request = VHOST_SET_MEM_TABLE};
	struct vhost_region regions[VHOST_REGIONS_MAX];
	int fds[VHOST_REGIONS_MAX], n = compose_regions(v, regions, fds), err;

	if (n < 0)
		return too_many(v);
	msg.memory.n = (uint32_t)n;
	memcpy(msg.memory.regions, regions, (size_t)n * sizeof(regions[0]));
	msg.size = 2 * (uint32_t)sizeof(uint32_t) +
		   (uint32_t)n * (uint32_t)sizeof(struct vhost_region);
	err = vhost_msg_send_acked(v->sock, &msg, fds, (unsigned int)n,
				   v->protocol & VHOST_PROTOCOL_F_REPLY_ACK);
	return err ? broken(v, msg.request, err) : 0;
}

static bool is_live(const struct vhost_user *v)
{
	return v->sock >= 0 && (v->status & VIRTIO_STATUS_DRIVER_OK);
}

static int add_segment(struct vhost_user *v, const struct plx_mem_segment *segment)
{
	unsigned int i = v->segment_count;

	if (segment->fd < 0) {
		PLX_ERR(virtio,
			"%s: memory %p has no file to share with the back end; register it "
			"with one",
			v->base.name, segment->va);
		return -ENOTSUP;
	}
	if (i == SEGMENTS_MAX)
		return too_many(v);
	for (; i && v->segments[i - 1].va > segment->va; i--)
		v->segments[i] = v->segments[i - 1];
	v->segments[i] = *segment;
	v->segment_count++;
	return 0;
}

static void remove_segment(struct vhost_user *v, const struct plx_mem_segment *segment)
{
	unsigned int i;

	for (i = 0; i < v->segment_count && v->segments[i].va != segment->va; i++)
		;
	if (i == v->segment_count)
		return;
	v->segment_count--;
	for (; i < v->segment_count; i++)
		v->segments[i] = v->segments[i + 1];
}

/* Where the rest has come to be more pieces than may be the log says so, and the back end keeps
 * all. */
static void memory_remove(struct plx_mem_listener *self, const struct plx_mem_segment *segments,
			  size_t n)
{
	struct vhost_user *v = (void *)((char *)self - offsetof(struct vhost_user, listener));

	while (n)
		remove_segment(v, &segments[--n]);
	if (is_live(v) && v->segment_count)
		send_memory(v);
}

static int memory_add(struct plx_mem_listener *self, const struct plx_mem_segment *segments,
		      size_t n)
{
	struct vhost_user *v = (void *)((char *)self - offsetof(struct vhost_user, listener));
	struct vhost_region regions[VHOST_REGIONS_MAX];
	int fds[VHOST_REGIONS_MAX], err = 0;
	size_t i;

	for (i = 0; i < n && !err; i++)
		err = add_segment(v, &segments[i]);
	if (!err && compose_regions(v, regions, fds) < 0)
		err = too_many(v);
	if (!err && is_live(v))
		err = send_memory(v);
	while (err && i)
		remove_segment(v, &segments[--i]);
	return err;
}

/* --- Queues --------------------------------------------------------------------------------- */

static uint32_t vhost_queue_size_max(struct virtio_transport *t, uint16_t index)
{
	return index < 2 * vhost_user(t)->pairs ? VIRTIO_QUEUE_SIZE_MAX : 0;
}

static int vhost_queue_enable(struct virtio_transport *t, struct virtio_queue_setup *setup)
{
	struct vhost_queue *q = &vhost_user(t)->queues[setup->index];

	setup->doorbell = NULL;
	setup->kick_fd = q->kick;
	q->setup = *setup;
	q->on = true;
	return 0;
}

static uint64_t user_addr(const void *va)
{
	return (uintptr_t)va;
}

static int queue_start(struct vhost_user *v, uint32_t index)
{
	/* Packed: position 0 for both, each with a wrap counter that starts at 1. */
	const uint32_t base = v->accepted & VIRTIO_F_RING_PACKED ? 0x80008000u : 0;
	struct vhost_queue *q = &v->queues[index];
	struct vhost_msg addr = {
		.request = VHOST_SET_VRING_ADDR,
		.size = sizeof(addr.addr),
		.addr = {.index = index,
			 .desc = user_addr(q->setup.desc),
			 .avail = user_addr(q->setup.driver),
			 .used = user_addr(q->setup.device)},
	};
	int err = tell_state(v, VHOST_SET_VRING_NUM, index, q->setup.size);

	if (!err)
		err = tell_state(v, VHOST_SET_VRING_BASE, index, base);
	if (!err)
		err = tell(v, &addr, -1);
	if (!err)
		err = tell_u64(v, VHOST_SET_VRING_CALL, index, q->call);
	if (!err)
		err = tell_u64(v, VHOST_SET_VRING_KICK, index, q->kick);
	if (!err)
		q->live = true;
	return err;
}

static int go_live(struct vhost_user *v)
{
	uint64_t features = (v->accepted & v->features & ~FEATURES_FRONT_END) |
			    (v->features & VHOST_F_PROTOCOL_FEATURES);
	uint32_t i;
	int err = tell_u64(v, VHOST_SET_FEATURES, features, -1);

	if (!err)
		err = send_memory(v);
	for (i = 0; i < QUEUES_MAX && !err; i++)
		if (v->queues[i].on)
			err = queue_start(v, i);
	for (i = 0; i < QUEUES_MAX && !err; i++)
		if (v->queues[i].on && (v->features & VHOST_F_PROTOCOL_FEATURES))
			err = tell_state(v, VHOST_SET_VRING_ENABLE, i, 1);
	return err;
}

/* The back end lets go of the rings: on return it does no more DMA, or there is none. */
static void halt(struct vhost_user *v)
{
	uint32_t i;

	for (i = 0; i < QUEUES_MAX; i++) {
		struct vhost_queue *q = &v->queues[i];
		struct vhost_msg msg = {.request = VHOST_GET_VRING_BASE,
					.size = sizeof(msg.state),
					.state = {.index = i}};
		int err;

		q->on = false;
		if (!q->live)
			continue;
		q->live = false;
		err = vhost_msg_call(v->sock, &msg, sizeof(msg.state));
		if (err)
			broken(v, msg.request, err);
	}
}

/* --- Status, features, configuration -------------------------------------------------------- */

static uint8_t vhost_status(struct virtio_transport *t)
{
	struct vhost_user *v = vhost_user(t);

	look_after(v);
	return v->status;
}

static void vhost_set_status(struct virtio_transport *t, uint8_t status)
{
	struct vhost_user *v = vhost_user(t);
	const uint8_t ok = VIRTIO_STATUS_DRIVER_OK;

	if (status == 0)
		halt(v);
	if ((status & ok) && !(v->status & ok) && go_live(v))
		status &= (uint8_t)~ok;
	v->status = status;
}

static uint64_t vhost_features(struct virtio_transport *t)
{
	const struct vhost_user *v = vhost_user(t);
	uint64_t features = (v->features & FEATURES_BACK_END) | FEATURES_FRONT_END;

	if (v->split)
		features &= ~VIRTIO_F_RING_PACKED;
	return v->pairs > 1 ? features : features & ~VIRTIO_NET_F_MQ;
}

static void vhost_set_features(struct virtio_transport *t, uint64_t features)
{
	vhost_user(t)->accepted = features;
}

static uint32_t vhost_config(struct virtio_transport *t, uint32_t offset, unsigned int width)
{
	const struct vhost_user *v = vhost_user(t);

	switch (offset) {
	case VIRTIO_NET_CFG_STATUS:
		return v->sock >= 0 ? VIRTIO_NET_S_LINK_UP : 0;
	case VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS:
		return v->pairs;
	default:
		return 0;
	}
}

static uint8_t vhost_generation(struct virtio_transport *t)
{
	return 0;
}

/* --- Interrupts, reset ---------------------------------------------------------------------- */

/* Each queue has its eventfd anyway; a vector is that of the rx queue with its number. */
static int vhost_vectors(struct virtio_transport *t, unsigned int n)
{
	vhost_user(t)->vectors = n;
	return 0;
}

static int vhost_vector_fd(const struct virtio_transport *t, unsigned int vector)
{
	const struct vhost_user *v = (const struct vhost_user *)t;

	return vector < v->vectors && vector < PAIRS_MAX ? v->queues[2 * vector].call : -EINVAL;
}

/* Changes of the link are what happens to the connection. */
static int vhost_event_fd(const struct virtio_transport *t)
{
	return ((const struct vhost_user *)t)->sock;
}

static int vhost_config_vector(struct virtio_transport *t, int vector)
{
	return 0;
}

/* DMA of a process cannot be forbidden; after a reset it has none. */
static int vhost_dma(struct virtio_transport *t, bool on)
{
	return 0;
}

static int vhost_force_reset(struct virtio_transport *t)
{
	struct vhost_user *v = vhost_user(t);

	halt(v);
	disconnect(v);
	v->status = 0;
	return open_again(v);
}

static void vhost_close(struct virtio_transport *t)
{
	struct vhost_user *v = vhost_user(t);
	unsigned int i;

	v->status = 0;
	plx_mem_unlisten(&v->listener);
	disconnect(v);
	if (v->listen_sock >= 0)
		close(v->listen_sock);
	if (v->listening)
		unlink(v->path);
	for (i = 0; i < QUEUES_MAX; i++) {
		if (v->queues[i].kick >= 0)
			close(v->queues[i].kick);
		if (v->queues[i].call >= 0)
			close(v->queues[i].call);
	}
	free(v);
}

static const struct virtio_transport_ops vhost_ops = {
	.status = vhost_status,
	.set_status = vhost_set_status,
	.features = vhost_features,
	.set_features = vhost_set_features,
	.config = vhost_config,
	.generation = vhost_generation,
	.config_vector = vhost_config_vector,
	.queue_size_max = vhost_queue_size_max,
	.queue_enable = vhost_queue_enable,
	.vectors = vhost_vectors,
	.vector_fd = vhost_vector_fd,
	.event_fd = vhost_event_fd,
	.dma = vhost_dma,
	.force_reset = vhost_force_reset,
	.close = vhost_close,
};

/* --- Opening -------------------------------------------------------------------------------- */

/* "vhost-user=/path[,server][,split]" */
static int parse(struct vhost_user *v, const char *arg)
{
	char *const keys[] = {(char *)"vhost-user", (char *)"server", (char *)"split", NULL};
	char *copy = strdup(arg), *rest = copy, *value;
	int err = copy ? 0 : -ENOMEM;

	while (!err && *rest) {
		switch (getsubopt(&rest, keys, &value)) {
		case 0:
			if (!value || !*value || strlen(value) >= sizeof(v->path))
				err = -EINVAL;
			else
				memcpy(v->path, value, strlen(value) + 1);
			break;
		case 1:
			v->server = true;
			break;
		case 2:
			v->split = true;
			break;
		default:
			err = -EINVAL;
		}
	}
	free(copy);
	if (!err && !v->path[0])
		err = -EINVAL;
	if (err == -EINVAL)
		PLX_ERR(virtio,
			"%s: not a port: write virtio:vhost-user=/path/of/socket[,server][,split], "
			"with a "
			"path shorter than %zu bytes",
			v->base.name, sizeof(v->path));
	return err;
}

static int open_fds(struct vhost_user *v)
{
	unsigned int i;

	for (i = 0; i < QUEUES_MAX; i++) {
		v->queues[i].kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		v->queues[i].call = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
		if (v->queues[i].kick < 0 || v->queues[i].call < 0)
			return -errno;
	}
	return 0;
}

struct virtio_transport *virtio_vhost_open(const char *arg, const char *name)
{
	struct vhost_user *v = calloc(1, sizeof(*v));
	unsigned int i;
	int err;

	if (!v)
		return NULL;
	v->base = (struct virtio_transport){
		.ops = &vhost_ops,
		.name = name,
		.vectors_max = PAIRS_MAX + 1,
		.features_needed = VIRTIO_F_VERSION_1,
		.unfiltered = true,
	};
	v->listener.add = memory_add;
	v->listener.remove = memory_remove;
	v->sock = -1;
	v->listen_sock = -1;
	for (i = 0; i < QUEUES_MAX; i++)
		v->queues[i].kick = v->queues[i].call = -1;
	err = parse(v, arg);
	if (!err)
		err = open_fds(v);
	if (!err && v->server)
		err = server_listen(v);
	if (!err)
		err = open_session(v);
	if (!err)
		err = plx_mem_listen(&v->listener);
	if (!err)
		return &v->base;
	vhost_close(&v->base);
	errno = -err;
	return NULL;
}
