/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Poll groups: an array of queue pairs that one thread polls or sleeps on (<pollux/nvme_group.h>).
 */
#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/nvme_group.h>

#include "nvme/ctrl.h"

#define ROOM_MIN 8

struct plx_nvme_group {
	struct plx_nvme_qpair **qpairs;
	struct pollfd *fds; /* as many */
	unsigned int count, room;
};

struct plx_nvme_group *plx_nvme_group_open(void)
{
	return calloc(1, sizeof(struct plx_nvme_group));
}

void plx_nvme_group_close(struct plx_nvme_group *group)
{
	if (!group)
		return;
	free(group->qpairs);
	free(group->fds);
	free(group);
}

static int grow(struct plx_nvme_group *group)
{
	unsigned int room = group->room ? 2 * group->room : ROOM_MIN;
	void *p = reallocarray(group->qpairs, room, sizeof(struct plx_nvme_qpair *));

	if (!p)
		return -ENOMEM;
	group->qpairs = p;
	p = reallocarray(group->fds, room, sizeof(*group->fds));
	if (!p)
		return -ENOMEM;
	group->fds = p;
	group->room = room;
	return 0;
}

static unsigned int find(const struct plx_nvme_group *group, const struct plx_nvme_qpair *qp)
{
	unsigned int i = 0;

	while (i < group->count && group->qpairs[i] != qp)
		i++;
	return i;
}

int plx_nvme_group_add(struct plx_nvme_group *group, struct plx_nvme_qpair *qp)
{
	if (find(group, qp) < group->count)
		return -EEXIST;
	if (group->count == group->room && grow(group))
		return -ENOMEM;
	group->qpairs[group->count++] = qp;
	return 0;
}

int plx_nvme_group_remove(struct plx_nvme_group *group, struct plx_nvme_qpair *qp)
{
	unsigned int i = find(group, qp);

	if (i == group->count)
		return -ENOENT;
	group->qpairs[i] = group->qpairs[--group->count];
	return 0;
}

unsigned int plx_nvme_group_poll(struct plx_nvme_group *group, unsigned int max_each)
{
	unsigned int i, n = 0;

	for (i = 0; i < group->count; i++)
		n += plx_nvme_qpair_poll(group->qpairs[i], max_each);
	return n;
}

/* --- Sleeping ------------------------------------------------------------------------------- */

/*
 * 1: a queue pair has something, which is found before any sleep. An error of one is the group's.
 */
static int look(const struct plx_nvme_group *group)
{
	unsigned int i;
	int err;

	for (i = 0; i < group->count; i++) {
		if (group->qpairs[i]->vector < 0)
			return -EINVAL;
		if (nvme_qpair_ready(group->qpairs[i]))
			return 1;
		err = nvme_qpair_state_error(group->qpairs[i]);
		if (err && err != -EAGAIN)
			return err;
	}
	return 0;
}

/* Eventfds may change by a reset, so they are looked up each time. */
static int arm(struct plx_nvme_group *group)
{
	unsigned int i;
	int err;

	for (i = 0; i < group->count; i++) {
		struct plx_nvme_qpair *qp = group->qpairs[i];

		/* With an entry not acknowledged there would be no interrupt for the next. */
		nvme_qpair_ring_cq(qp);
		err = plx_dev_irq_unmask(qp->ctrl->dev);
		if (err)
			return err;
		group->fds[i].fd = plx_nvme_qpair_fd(qp);
		group->fds[i].events = POLLIN;
	}
	return 0;
}

static int sleep_once(struct plx_nvme_group *group, int ms)
{
	unsigned int i;
	int ret = arm(group);

	if (!ret)
		ret = poll(group->fds, group->count, ms) < 0 ? -errno : 0;
	for (i = 0; i < group->count && !ret; i++) {
		struct plx_nvme_qpair *qp = group->qpairs[i];

		if (group->fds[i].revents & POLLIN)
			ret = plx_dev_irq_wait(qp->ctrl->dev, (unsigned int)qp->vector, 0);
		ret = ret < 0 ? ret : 0;
		nvme_qpair_tick_if_due(qp);
	}
	return ret;
}

int plx_nvme_group_wait(struct plx_nvme_group *group, int timeout_ms)
{
	uint64_t now = plx_clock_ns(), end = nvme_wait_end(now, timeout_ms);
	int ret;

	for (;;) {
		ret = look(group);
		if (ret || now >= end)
			return ret;
		ret = sleep_once(group, nvme_wait_slice_ms(now, end));
		if (ret)
			return ret;
		now = plx_clock_ns();
	}
}
