/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a primary and its secondaries say to each other over the socket "memory" of the run
 * directory (SOCK_SEQPACKET): a request, and one or more replies. Both run on one machine and are
 * of one version, so the structs are sent as they are.
 */
#ifndef PLX_EAL_PEER_H
#define PLX_EAL_PEER_H

#include <pollux/peer.h>

#define PLX_PEER_MAGIC	  0x504c5850u
#define PLX_PEER_SEGMENTS 16 /* in one reply, with their files */

enum plx_peer_op {
	PLX_PEER_HELLO, /* name: the version */
	PLX_PEER_LIST,	/* segments */
	PLX_PEER_LOOKUP,
};

struct plx_peer_request {
	uint32_t magic;
	uint32_t op;
	uint64_t sequence; /* the replies have it, too */
	char name[PLX_PUBLISHED_LEN];
};

struct plx_peer_segment {
	uint64_t va, len, fd_offset;
};

struct plx_peer_reply {
	uint32_t magic;
	int32_t err;
	uint32_t more; /* replies that follow: 0 or 1 */
	uint32_t n;    /* segments, each with a file */
	uint64_t sequence;
	char version[16];
	uint64_t va, len; /* of a lookup */
	struct plx_peer_segment segments[PLX_PEER_SEGMENTS];
};

/** Serve secondaries. Return: 0 or a negative errno, logged. By eal.c. */
int plx_peers_start(void);
/** The control thread has ended. */
void plx_peers_stop(void);

#endif /* PLX_EAL_PEER_H */
