/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux peers: a second process looks into the memory of a first one, and at its statistics.
 *
 * The first process (the primary) brings its EAL up with a name (plx_eal_config.name) and publishes
 * what others shall find:
 *
 *	plx_mem_publish("flows", table, size);
 *
 * The second (a secondary) needs no EAL:
 *
 *	struct plx_peer *peer = plx_peer_attach("fw", PLX_PEER_READ);
 *	struct flow *flows;
 *	int err = plx_peer_lookup(peer, "flows", (void **)&flows, &size);
 *
 * The primary's segments are mapped at the same addresses, so pointers in them hold. Nothing is
 * shared but memory: a lock or a ring in it is the application's, and so is what becomes of it when
 * either process dies. The primary never waits for a secondary, and does not notice one that dies;
 * of a primary that died the memory stays readable until plx_peer_detach(), and calls that need it
 * return -EPIPE. Both are of one user (or the secondary is root's), and of one version.
 *
 * Thread rules: a peer belongs to one thread at a time; control path. Since 0.1.
 */
#ifndef POLLUX_PEER_H
#define POLLUX_PEER_H

#include <pollux/mem.h>

PLX_BEGIN_DECLS

struct plx_peer;

/** Secondaries that a primary serves at a time. */
#define PLX_PEERS_MAX 64
/** The longest name of something published, with its end. */
#define PLX_PUBLISHED_LEN 64

enum plx_peer_access {
	PLX_PEER_READ,	/**< writing to the memory is a fault */
	PLX_PEER_WRITE, /**< the secondary may write to all of it: with care */
};

/**
 * Attach to the process with this name and map its segments (hugepages of the heap, and registered
 * memory with a file).
 * Return: NULL with errno EINVAL (the name or access), ENOENT (no such process), EACCES (another
 * user's), EPROTONOSUPPORT (another version: the log tells both), EADDRINUSE (something of this
 * process is where the memory must be: the log says what to do), EUSERS (PLX_PEERS_MAX are
 * attached), EPIPE (it died meanwhile), ETIMEDOUT (it does not answer for 5 s), EMFILE, ENOMEM.
 */
PLX_API struct plx_peer *plx_peer_attach(const char *name, enum plx_peer_access access);
/** Unmap all and let go; NULL is allowed. */
PLX_API void plx_peer_detach(struct plx_peer *peer);

/**
 * Map what the primary has added since, unmap what it has given back: before a pointer that is
 * newer than the last sync is followed.
 * Return: 0; -EPIPE (the primary has ended: all stays as it is), -ETIMEDOUT (it does not answer for
 * 5 s: the same), -EADDRINUSE, -ENOMEM, -EMFILE.
 */
PLX_API int plx_peer_sync(struct plx_peer *peer);
/**
 * Find what the primary has published; syncs. Return: 0; -ENOENT, -EPIPE, or as plx_peer_sync().
 */
PLX_API int plx_peer_lookup(struct plx_peer *peer, const char *name, void **va, size_t *len);
/**
 * The statistics of the primary, as plx_telemetry_read(). Return: as that; -EPIPE: it has ended.
 */
PLX_API int plx_peer_stats(struct plx_peer *peer, char **json);
/** Does the primary live? Asks the kernel, not the primary. */
PLX_API bool plx_peer_is_alive(struct plx_peer *peer);
/** Bytes of the primary's memory that are mapped. */
PLX_API uint64_t plx_peer_mapped_bytes(const struct plx_peer *peer);

/**
 * In the primary: let secondaries find [va, va + len), memory of the heap or registered with a
 * file, by a name, until it is withdrawn. Any thread. Return: 0; -EINVAL (name), -EEXIST, -EFAULT
 * (not such memory), -ENOSPC (256 are published), -ENODEV (no EAL).
 */
PLX_API int plx_mem_publish(const char *name, void *va, size_t len);
/** Return: 0, -ENOENT, -ENODEV. */
PLX_API int plx_mem_withdraw(const char *name);

PLX_END_DECLS

#endif /* POLLUX_PEER_H */
