/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: several queue pairs, of any controllers, that one thread polls or sleeps on.
 *
 *	struct plx_nvme_group *group = plx_nvme_group_open();
 *
 *	plx_nvme_group_add(group, qp_a);
 *	plx_nvme_group_add(group, qp_b);
 *	while (running) {
 *		plx_nvme_group_wait(group, -1);		// or not: then it polls
 *		plx_nvme_group_poll(group, 32);
 *		... submit to either ...
 *	}
 *	plx_nvme_group_close(group);
 *
 * A group belongs to one thread, as do its queue pairs. It does not own them: take one out before
 * it is closed. All of it since 0.1.0.
 */
#ifndef POLLUX_NVME_GROUP_H
#define POLLUX_NVME_GROUP_H

#include <pollux/nvme.h>

PLX_BEGIN_DECLS

struct plx_nvme_group;

/** An empty group. NULL with errno ENOMEM. */
PLX_API struct plx_nvme_group *plx_nvme_group_open(void);
/** NULL is allowed. The queue pairs stay open. */
PLX_API void plx_nvme_group_close(struct plx_nvme_group *group);
/** Return: 0, -EEXIST (it is in already), -ENOMEM. Not from a callback. */
PLX_API int plx_nvme_group_add(struct plx_nvme_group *group, struct plx_nvme_qpair *qp);
/** Return: 0, -ENOENT. Not from a callback. */
PLX_API int plx_nvme_group_remove(struct plx_nvme_group *group, struct plx_nvme_qpair *qp);
/**
 * plx_nvme_qpair_poll() for each of them, at most max_each requests of one (0: no limit).
 * Return: how many ended.
 */
PLX_API unsigned int plx_nvme_group_poll(struct plx_nvme_group *group, unsigned int max_each);
/**
 * Sleep until one of them has a completion, or timeout_ms (-1: for ever) has passed. All of them
 * must have been opened with interrupt.
 * Return: 1 (poll now), 0 (timed out), -EINVAL (one has no interrupt), -EINTR, -EIO or -ENODEV (a
 * controller is broken or gone).
 */
PLX_API int plx_nvme_group_wait(struct plx_nvme_group *group, int timeout_ms);

PLX_END_DECLS

#endif /* POLLUX_NVME_GROUP_H */
