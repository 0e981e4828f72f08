/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Admin commands on behalf of the application: any by passthrough, features and log pages by way of
 * the driver's own page. Called by the application only (<pollux/nvme_admin.h>).
 */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_admin.h>

#include "nvme/ctrl.h"
#include "nvme/data.h"

PLX_LOG_USE(nvme);

#define LOG_CHUNK NVME_IDENTIFY_BYTES
#define LOG_MAX	  (1u << 20)

/* --- Any command ---------------------------------------------------------------------------- */

/* Queues, events and doorbells are the driver's own business. */
static bool is_ours(const struct plx_nvme_cmd *cmd)
{
	switch (cmd->req.opcode) {
	case NVME_ADMIN_DELETE_SQ:
	case NVME_ADMIN_CREATE_SQ:
	case NVME_ADMIN_DELETE_CQ:
	case NVME_ADMIN_CREATE_CQ:
	case NVME_ADMIN_ASYNC_EVENT:
	case NVME_ADMIN_DOORBELL_BUFFER:
		return true;
	case NVME_ADMIN_SET_FEATURES:
		return (cmd->cdw10 & 0xff) == NVME_FEATURE_QUEUES;
	default:
		return false;
	}
}

static int run_passthrough(struct plx_nvme_ctrl *ctrl, struct plx_nvme_cmd *cmd,
			   uint32_t timeout_ms)
{
	struct nvme_sqe sqe;
	struct nvme_admin_command command = {
		.sqe = &sqe,
		.what = "a command passed through",
		.timeout_ms = timeout_ms,
	};
	int err = nvme_ctrl_state_error(ctrl);

	if (!err)
		err = nvme_cmd_build(&ctrl->admin, cmd, &sqe, &command.list);
	if (err)
		return err;
	err = nvme_admin_exec(ctrl, &command, &cmd->req);
	if (err == -EAGAIN)
		nvme_data_give_back(&ctrl->admin, command.list);
	else if (err)
		nvme_ctrl_stop(ctrl);
	if (err)
		cmd->req.status = PLX_NVME_ABORTED;
	return err;
}

int plx_nvme_admin(struct plx_nvme_ctrl *ctrl, struct plx_nvme_cmd *cmd, uint32_t timeout_ms)
{
	void (*done)(struct plx_nvme_req * req) = cmd->req.done;
	int err;

	if (is_ours(cmd))
		return -EPERM;
	if (cmd->fuse)
		return -EINVAL;
	if (cmd->len > ctrl->info.max_transfer)
		return -E2BIG;
	/* The admin queue is polled under the lock, where the caller's function has no place. */
	cmd->req.done = NULL;
	pthread_mutex_lock(&ctrl->lock);
	err = run_passthrough(ctrl, cmd, timeout_ms);
	pthread_mutex_unlock(&ctrl->lock);
	cmd->req.done = done;
	return err;
}

/* --- Commands whose data is in the driver's page --------------------------------------------- */

static struct nvme_sqe feature_sqe(const struct plx_nvme_ctrl *ctrl, uint8_t opcode,
				   const struct plx_nvme_feature *feature)
{
	return (struct nvme_sqe){
		.opcode = opcode,
		.nsid = htole32(feature->nsid),
		.prp1 = htole64(plx_iova(ctrl->page)),
		.cdw11 = htole32(feature->cdw11),
		.cdw12 = htole32(feature->cdw12),
	};
}

int plx_nvme_feature_get(struct plx_nvme_ctrl *ctrl, struct plx_nvme_feature *feature, void *data,
			 size_t len)
{
	struct nvme_sqe sqe = feature_sqe(ctrl, NVME_ADMIN_GET_FEATURES, feature);
	int err;

	if (len > PLX_NVME_FEATURE_DATA_MAX || feature->select > PLX_NVME_FEATURE_CAPABILITIES)
		return -EINVAL;
	sqe.cdw10 = htole32((uint32_t)feature->select << NVME_FEATURE_SELECT_SHIFT | feature->id);
	pthread_mutex_lock(&ctrl->lock);
	memset(ctrl->page, 0, NVME_IDENTIFY_BYTES);
	err = nvme_admin_status(ctrl, &sqe, "Get Features", 0, &feature->value);
	if (!err && len)
		memcpy(data, ctrl->page, len);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_feature_set(struct plx_nvme_ctrl *ctrl, struct plx_nvme_feature *feature,
			 const void *data, size_t len)
{
	struct nvme_sqe sqe = feature_sqe(ctrl, NVME_ADMIN_SET_FEATURES, feature);
	int err;

	if (len > PLX_NVME_FEATURE_DATA_MAX)
		return -EINVAL;
	if (feature->id == NVME_FEATURE_QUEUES)
		return -EPERM;
	sqe.cdw10 = htole32((feature->save ? NVME_FEATURE_SAVE : 0) | feature->id);
	pthread_mutex_lock(&ctrl->lock);
	memset(ctrl->page, 0, NVME_IDENTIFY_BYTES);
	if (len)
		memcpy(ctrl->page, data, len);
	err = nvme_admin_status(ctrl, &sqe, "Set Features", 0, &feature->value);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

/* --- Log pages ------------------------------------------------------------------------------ */

/* Base 5.16, figures 196 to 200 */
static int get_chunk(struct plx_nvme_ctrl *ctrl, uint8_t log,
		     const struct plx_nvme_log_where *where, uint64_t offset, uint32_t len)
{
	uint32_t dwords = len / 4 - 1;
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_GET_LOG,
		.nsid = htole32(where->nsid ? where->nsid : UINT32_MAX),
		.prp1 = htole64(plx_iova(ctrl->page)),
		.cdw10 = htole32(log | (uint32_t)where->specific << NVME_LOG_SPECIFIC_SHIFT |
				 (where->retain ? NVME_LOG_RETAIN : 0) |
				 (dwords & 0xffff) << NVME_LOG_DWORDS_SHIFT),
		.cdw11 = htole32(dwords >> 16),
		.cdw12_13 = htole64(offset),
		.cdw14 = htole32((uint32_t)where->csi << NVME_LOG_CSI_SHIFT),
	};

	memset(ctrl->page, 0, len);
	return nvme_admin_status(ctrl, &sqe, "Get Log Page", 0, NULL);
}

static int get_all(struct plx_nvme_ctrl *ctrl, uint8_t log, const struct plx_nvme_log_where *where,
		   void *buf, size_t len)
{
	size_t at, n;
	int err = 0;

	for (at = 0; at < len && !err; at += n) {
		n = len - at < LOG_CHUNK ? len - at : LOG_CHUNK;
		err = get_chunk(ctrl, log, where, where->offset + at, (uint32_t)n);
		if (!err)
			memcpy((char *)buf + at, ctrl->page, n);
	}
	return err;
}

int nvme_log_read(struct plx_nvme_ctrl *ctrl, uint8_t log, void *buf, size_t len)
{
	static const struct plx_nvme_log_where whole = {0};

	return get_all(ctrl, log, &whole, buf, len);
}

int plx_nvme_log_get(struct plx_nvme_ctrl *ctrl, uint8_t log,
		     const struct plx_nvme_log_where *where, void *buf, size_t len)
{
	static const struct plx_nvme_log_where whole = {0};
	int err;

	if (!where)
		where = &whole;
	if (len == 0 || len % 4 || len > LOG_MAX || where->offset % 4 || where->specific > 0x7f)
		return -EINVAL;
	pthread_mutex_lock(&ctrl->lock);
	err = get_all(ctrl, log, where, buf, len);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}
