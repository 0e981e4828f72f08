/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Submission of commands that are more than a plain read, write or flush (qpair.c): any opcode, any
 * dwords, scattered data, fused pairs. They complete like any request, in qpair.c.
 */
#include <errno.h>

#include "nvme/ctrl.h"
#include "nvme/data.h"

uint32_t plx_nvme_ns_id(const struct plx_nvme_ns *ns)
{
	return ns->info.id;
}

uint32_t plx_nvme_ns_block_shift(const struct plx_nvme_ns *ns)
{
	return ns->block_shift;
}

int nvme_cmd_build(struct plx_nvme_qpair *qp, struct plx_nvme_cmd *cmd, struct nvme_sqe *sqe,
		   uint16_t *list)
{
	*sqe = (struct nvme_sqe){
		.opcode = cmd->req.opcode,
		.flags = cmd->fuse,
		.nsid = htole32(cmd->nsid),
		.cdw2_3 = htole64(cmd->cdw2 | (uint64_t)cmd->cdw3 << 32),
		.mptr = htole64(cmd->metadata),
		.cdw10 = htole32(cmd->cdw10),
		.cdw11 = htole32(cmd->cdw11),
		.cdw12 = htole32(cmd->cdw12),
		.cdw13 = htole32(cmd->cdw13),
		.cdw14 = htole32(cmd->cdw14),
		.cdw15 = htole32(cmd->cdw15),
	};
	/* What the log says of a command that is late. */
	cmd->req.lba = cmd->cdw10 | (uint64_t)cmd->cdw11 << 32;
	return nvme_data_describe(qp, cmd, sqe, list);
}

static int check(const struct plx_nvme_qpair *qp, const struct plx_nvme_cmd *cmd)
{
	if (cmd->req.status == PLX_NVME_PENDING)
		return -EBUSY;
	if (cmd->fuse > PLX_NVME_FUSE_SECOND)
		return -EINVAL;
	return qp->free_slot == NVME_NONE ? -EAGAIN : 0;
}

static int submit_one(struct plx_nvme_qpair *qp, struct plx_nvme_cmd *cmd)
{
	struct nvme_sqe sqe;
	uint16_t list;
	int err = check(qp, cmd);

	/* A second half without its first. */
	if (!err && cmd->fuse)
		err = -EINVAL;
	if (!err)
		err = nvme_cmd_build(qp, cmd, &sqe, &list);
	if (err)
		return err;
	nvme_qpair_put(qp, &sqe, &cmd->req, list);
	return 0;
}

static void stamp(struct plx_nvme_cmd *const *cmds, unsigned int n)
{
	uint32_t now = nvme_latency_now();
	unsigned int i;

	for (i = 0; i < n; i++)
		cmds[i]->req.stamp = now;
}

static int build_pair(struct plx_nvme_qpair *qp, struct plx_nvme_cmd *const *cmds,
		      struct nvme_sqe sqes[2], uint16_t lists[2])
{
	int err = nvme_cmd_build(qp, cmds[0], &sqes[0], &lists[0]);

	if (err)
		return err;
	err = nvme_cmd_build(qp, cmds[1], &sqes[1], &lists[1]);
	if (err)
		nvme_data_give_back(qp, lists[0]);
	return err;
}

/* Both halves, next to each other in the queue, with one doorbell for both (Base 3.4.2). */
static int submit_fused(struct plx_nvme_qpair *qp, struct plx_nvme_cmd *const *cmds, unsigned int n)
{
	struct nvme_sqe sqes[2];
	uint16_t lists[2];
	int err;

	if (n < 2 || cmds[0] == cmds[1] || cmds[1]->fuse != PLX_NVME_FUSE_SECOND)
		return -EINVAL;
	err = check(qp, cmds[0]);
	if (!err)
		err = check(qp, cmds[1]);
	if (!err && qp->slots[qp->free_slot].next == NVME_NONE)
		err = -EAGAIN;
	if (!err)
		err = build_pair(qp, cmds, sqes, lists);
	if (err)
		return err;
	nvme_qpair_put(qp, &sqes[0], &cmds[0]->req, lists[0]);
	nvme_qpair_put(qp, &sqes[1], &cmds[1]->req, lists[1]);
	return 0;
}

int plx_nvme_qpair_submit_cmds(struct plx_nvme_qpair *qp, struct plx_nvme_cmd *const *cmds,
			       unsigned int n)
{
	unsigned int i = 0;
	int err = 0;

	if (atomic_load_explicit(qp->state, memory_order_relaxed) != PLX_NVME_READY)
		return nvme_qpair_state_error(qp);
	while (i < n && !err) {
		if (cmds[i]->fuse == PLX_NVME_FUSE_FIRST) {
			err = submit_fused(qp, cmds + i, n - i);
			i += err ? 0 : 2;
		} else {
			err = submit_one(qp, cmds[i]);
			i += err ? 0 : 1;
		}
	}
	if (i == 0)
		return err;
	qp->submitted += i;
	if (qp->latency)
		stamp(cmds, i);
	if (!qp->defer_doorbell)
		nvme_qpair_ring_sq(qp);
	return (int)i;
}
