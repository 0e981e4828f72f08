/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A namespace for any number of threads: a pool of lanes, each a queue pair with buffers of its
 * own, of which a thread takes one for as long as its request lasts. A request is cut into
 * commands, several in flight at once. A controller that breaks is reset, and what was aborted done
 * again. A thread does its housekeeping: Keep Alive, and notices that the namespace has changed.
 */
#ifndef NBDKIT_POLLUX_POOL_H
#define NBDKIT_POLLUX_POOL_H

#include <pollux/nvme_cmd.h>

struct pool;

struct pool_config {
	uint32_t nsid;
	unsigned int lanes; /* at most so many requests at once; others wait */
	bool interrupt;	    /* sleep while waiting, do not poll */
};

/** Takes over the controller, also when it fails: NULL with errno; the reason has been logged. */
struct pool *pool_open(struct plx_nvme_ctrl *ctrl, const struct pool_config *config);
/** Closes the controller. No thread may be in pool_run(). NULL is allowed. */
void pool_close(struct pool *pool);
/** blocks is new after each notice. */
const struct plx_nvme_ns_info *pool_ns_info(const struct pool *pool);
const struct plx_nvme_ctrl_info *pool_ctrl_info(const struct pool *pool);

enum io_kind {
	IO_READ,
	IO_WRITE,
	IO_ZERO,
	IO_TRIM,
	IO_FLUSH,
};

struct io {
	enum io_kind kind;
	uint16_t flags;	 /* PLX_NVME_FUA, PLX_NVME_DEALLOCATE */
	uint64_t offset; /* bytes, like count: multiples of the block size */
	uint32_t count;	 /* 0 for a flush */
	char *data;	 /* read to, written from */
};

/**
 * From any thread. Return: 0, or a negative errno: -ESTALE when the namespace is gone, or has been
 * formatted otherwise.
 */
int pool_run(struct pool *pool, const struct io *io);

#endif /* NBDKIT_POLLUX_POOL_H */
