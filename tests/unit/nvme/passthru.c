/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/passthru.c: admin commands of the application, features, log pages. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"
#include "runner.h"

#define LEN 40000u

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_cmd *cmd;

static void open_ctrl(void)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 2000};

	fake_defaults();
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	cmd = aligned_alloc(PLX_CACHE_LINE, sizeof(*cmd));
	memset(cmd, 0, sizeof(*cmd));
}

static void close_ctrl(void)
{
	free(cmd);
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static void on_done(struct plx_nvme_req *req)
{
	CU_FAIL("done() of a passthrough");
}

static void data_both_ways(void)
{
	char *buf;
	uint32_t i;

	open_ctrl();
	buf = plx_dma_zalloc(LEN + 4, 4096, PLX_NODE_ANY);
	cmd->req.done = on_done;
	plx_nvme_cmd_clear(cmd, FAKE_VENDOR_OPCODE, 0);
	for (i = 0; i < LEN; i++)
		buf[i + 4] = (char)i;
	cmd->cdw10 = cmd->len = LEN;
	cmd->iova = plx_iova(buf) + 4;
	UNIT_EQ(plx_nvme_admin(ctrl, cmd, 0), 0);
	UNIT_EQ(cmd->req.status, 0);
	UNIT_EQ(cmd->req.result, LEN);
	for (i = 0; i < LEN && buf[i + 4] == (char)(i + 1); i++)
		;
	UNIT_EQ(i, LEN);
	UNIT_EQ(fake.prp_faults, 0);
	UNIT_EQ(ctrl->admin.free_list_count, 1);
	plx_dma_free(buf);
	close_ctrl();
}

static int admin(uint8_t opcode, uint32_t cdw10)
{
	plx_nvme_cmd_clear(cmd, opcode, 0);
	cmd->cdw10 = cdw10;
	return plx_nvme_admin(ctrl, cmd, 0);
}

/* What belongs to the driver never reaches the controller. */
static void refusals(void)
{
	open_ctrl();
	UNIT_EQ(admin(NVME_ADMIN_DELETE_SQ, 1), -EPERM);
	UNIT_EQ(admin(NVME_ADMIN_CREATE_SQ, 1), -EPERM);
	UNIT_EQ(admin(NVME_ADMIN_DELETE_CQ, 1), -EPERM);
	UNIT_EQ(admin(NVME_ADMIN_CREATE_CQ, 1), -EPERM);
	UNIT_EQ(admin(NVME_ADMIN_ASYNC_EVENT, 0), -EPERM);
	UNIT_EQ(admin(NVME_ADMIN_SET_FEATURES, NVME_FEATURE_QUEUES), -EPERM);
	UNIT_EQ(admin(0xff, 0), 0);
	UNIT_EQ(cmd->req.status, PLX_NVME_INVALID_OPCODE);
	cmd->len = ctrl->info.max_transfer + 1;
	UNIT_EQ(plx_nvme_admin(ctrl, cmd, 0), -E2BIG);
	cmd->len = 4;
	cmd->iova = 0x1002;
	UNIT_EQ(plx_nvme_admin(ctrl, cmd, 0), -EINVAL);
	close_ctrl();
}

/* A command that does not end: the controller is stopped before the caller has its buffer back. */
static void timeout(void)
{
	open_ctrl();
	fake.silent_opcode = FAKE_VENDOR_OPCODE;
	plx_nvme_cmd_clear(cmd, FAKE_VENDOR_OPCODE, 0);
	UNIT_EQ(plx_nvme_admin(ctrl, cmd, 50), -ETIMEDOUT);
	UNIT_EQ(cmd->req.status, PLX_NVME_ABORTED);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	UNIT_EQ(plx_nvme_admin(ctrl, cmd, 0), -EIO);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	fake.silent_opcode = -1;
	cmd->cdw10 = 0;
	UNIT_EQ(plx_nvme_admin(ctrl, cmd, 0), 0);
	UNIT_EQ(cmd->req.status, 0);
	close_ctrl();
}

static void features(void)
{
	struct plx_nvme_feature f = {.id = 0x0e, .cdw11 = 77, .save = true, .nsid = 3};
	uint8_t data[64] = {1, 2, 3}, got[64];

	open_ctrl();
	UNIT_EQ(plx_nvme_feature_set(ctrl, &f, data, sizeof(data)), 0);
	UNIT_EQ(le32toh(fake.last_admin.cdw10), 0x8000000eu);
	UNIT_EQ(le32toh(fake.last_admin.nsid), 3);
	UNIT_EQ(fake.feature, 77);
	f.select = PLX_NVME_FEATURE_SAVED;
	UNIT_EQ(plx_nvme_feature_get(ctrl, &f, got, sizeof(got)), 0);
	UNIT_EQ(le32toh(fake.last_admin.cdw10), 0x20e);
	UNIT_EQ(f.value, 77);
	UNIT_EQ(memcmp(got, data, sizeof(got)), 0);
	UNIT_EQ(plx_nvme_feature_get(ctrl, &f, got, 4097), -EINVAL);
	f.id = NVME_FEATURE_QUEUES;
	UNIT_EQ(plx_nvme_feature_set(ctrl, &f, NULL, 0), -EPERM);
	fake.failing_status = 0x10d;
	fake.failing_opcode = NVME_ADMIN_GET_FEATURES;
	UNIT_EQ(plx_nvme_feature_get(ctrl, &f, NULL, 0), -EOPNOTSUPP);
	close_ctrl();
}

/* More than a page: each byte is what the fake has at its offset. */
static void long_log(void)
{
	struct plx_nvme_log_where where = {.offset = 8192, .specific = 5, .nsid = 9};
	static uint8_t log[10000];
	uint32_t i;

	open_ctrl();
	UNIT_EQ(plx_nvme_log_get(ctrl, PLX_NVME_LOG_SMART, &where, log, sizeof(log)), 0);
	for (i = 0; i < sizeof(log); i++)
		if (log[i] != (uint8_t)((8192 + i) >> 8 ^ PLX_NVME_LOG_SMART))
			break;
	UNIT_EQ(i, sizeof(log));
	UNIT_EQ(le32toh(fake.last_admin.nsid), 9);
	UNIT_EQ(le32toh(fake.last_admin.cdw10) >> 8 & 0x7f, 5);
	UNIT_EQ(plx_nvme_log_get(ctrl, 2, NULL, log, 6), -EINVAL);
	UNIT_EQ(plx_nvme_log_get(ctrl, 2, NULL, log, 0), -EINVAL);
	UNIT_EQ(plx_nvme_log_get(ctrl, 2, NULL, log, (1 << 20) + 4), -EINVAL);
	where.offset = 2;
	UNIT_EQ(plx_nvme_log_get(ctrl, 2, &where, log, 4), -EINVAL);
	fake.failing_opcode = NVME_ADMIN_GET_LOG;
	fake.failing_status = PLX_NVME_INVALID_FIELD;
	UNIT_EQ(plx_nvme_log_get(ctrl, 2, NULL, log, 4), -EINVAL);
	close_ctrl();
}

CU_TestInfo passthru_tests[] = {
	{"data both ways", data_both_ways},
	{"refusals", refusals},
	{"timeout", timeout},
	{"features", features},
	{"long log", long_log},
	CU_TEST_INFO_NULL,
};
