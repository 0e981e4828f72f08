/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Messages of the vhost-user protocol (QEMU's docs/interop/vhost-user), front-end side: one request
 * at a time over a connected unix socket, file descriptors beside it, replies checked. Used by
 * vhost_user.c. The other end is not trusted: what it sends is bounded here.
 */
#ifndef POLLUX_VIRTIO_VHOST_MSG_H
#define POLLUX_VIRTIO_VHOST_MSG_H

#include <stdbool.h>
#include <stdint.h>

enum vhost_request {
	VHOST_GET_FEATURES = 1,
	VHOST_SET_FEATURES = 2,
	VHOST_SET_OWNER = 3,
	VHOST_SET_MEM_TABLE = 5,
	VHOST_SET_VRING_NUM = 8,
	VHOST_SET_VRING_ADDR = 9,
	VHOST_SET_VRING_BASE = 10,
	VHOST_GET_VRING_BASE = 11,
	VHOST_SET_VRING_KICK = 12,
	VHOST_SET_VRING_CALL = 13,
	VHOST_GET_PROTOCOL_FEATURES = 15,
	VHOST_SET_PROTOCOL_FEATURES = 16,
	VHOST_GET_QUEUE_NUM = 17,
	VHOST_SET_VRING_ENABLE = 18,
};

/** Feature bit: there are protocol features. */
#define VHOST_F_PROTOCOL_FEATURES  (UINT64_C(1) << 30)
#define VHOST_PROTOCOL_F_MQ	   (UINT64_C(1) << 0)
#define VHOST_PROTOCOL_F_REPLY_ACK (UINT64_C(1) << 3)

#define VHOST_REGIONS_MAX	   8

/** Memory that the back end maps: the file is beside the message. */
struct vhost_region {
	uint64_t guest_addr, size, user_addr, mmap_offset;
};

struct vhost_vring_state {
	uint32_t index, value;
};

struct vhost_vring_addr {
	uint32_t index, flags;
	uint64_t desc, used, avail, log; /* by user_addr */
};

struct vhost_msg {
	uint32_t request, flags, size;
	union {
		uint64_t u64;
		struct vhost_vring_state state;
		struct vhost_vring_addr addr;
		struct {
			uint32_t n, padding;
			struct vhost_region regions[VHOST_REGIONS_MAX];
		} memory;
	};
} __attribute__((packed));

/**
 * Send a request; with reply, wait for it, into *msg: its payload must have `reply_size` bytes.
 * @fds: n of them go along
 * Return: 0; -ECONNRESET (closed), -ETIMEDOUT (no answer in 3 s), -EPROTO (what came is no answer),
 * or what the socket says. After any error the connection is of no use.
 */
int vhost_msg_send(int sock, struct vhost_msg *msg, const int *fds, unsigned int n);
int vhost_msg_call(int sock, struct vhost_msg *msg, uint32_t reply_size);
/** As send, and with acknowledge ask for an answer; -EREMOTEIO: it says that it failed. */
int vhost_msg_send_acked(int sock, struct vhost_msg *msg, const int *fds, unsigned int n,
			 bool acknowledge);

/** "SET_MEM_TABLE", ... */
const char *vhost_request_name(uint32_t request);

#endif /* POLLUX_VIRTIO_VHOST_MSG_H */
