/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/tune.c and shadow.c, and of resets and shutdowns beside the usual ones. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_pi.h>

#include "fake.h"
#include "runner.h"

static struct plx_nvme_ctrl *ctrl;

static void open_with(const struct plx_nvme_ctrl_config *config)
{
	ctrl = fake_open(config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
}

static void tear_down(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

/* Reads, many times around the queue. */
static void io(struct plx_nvme_qpair *qp, unsigned int count)
{
	char *buf = plx_dma_zalloc(4096, 4096, PLX_NODE_ANY);
	uint64_t end = plx_clock_ns() + UINT64_C(20000000000);
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	unsigned int i, ended = 0;

	plx_nvme_read(&req, plx_nvme_ns_open(ctrl, 1), 5, 1, plx_iova(buf));
	for (i = 0; i < count; i++) {
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
		while (plx_nvme_in_flight(&req) && plx_clock_ns() < end)
			plx_nvme_qpair_poll(qp, 0);
		ended += req.status == 0;
	}
	UNIT_EQ(ended, count);
	plx_nvme_qpair_close(qp);
	plx_dma_free(buf);
}

static void round_robin(void)
{
	fake_defaults();
	open_with(NULL);
	UNIT_EQ(NVME_GET(fake.cc_seen, NVME_CC_AMS), 0);
	UNIT_EQ(fake.arbitration, 0);
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, NULL));
	UNIT_EQ(fake.sq_flags, 1 << 16 | 1);
	tear_down();
}

static uint32_t priority(enum plx_nvme_priority wanted)
{
	struct plx_nvme_qpair_config config = {.priority = wanted};

	CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, &config));
	return fake.sq_flags >> 1 & 3;
}

static void weighted_round_robin(void)
{
	struct plx_nvme_ctrl_config config = {.weights = {.high = 256, .medium = 3}};
	struct plx_nvme_qpair_config wrong = {.priority = (enum plx_nvme_priority)4};

	fake_defaults();
	fake.cap |= NVME_CAP_AMS_WRR;
	open_with(&config);
	UNIT_EQ(NVME_GET(fake.cc_seen, NVME_CC_AMS), NVME_CC_AMS_WRR);
	UNIT_EQ(fake.arbitration, 0xff020007);
	UNIT_EQ(priority(PLX_NVME_PRIORITY_MEDIUM), 2);
	UNIT_EQ(priority(PLX_NVME_PRIORITY_URGENT), 0);
	UNIT_EQ(priority(PLX_NVME_PRIORITY_HIGH), 1);
	UNIT_EQ(priority(PLX_NVME_PRIORITY_LOW), 3);
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, &wrong));
	UNIT_EQ(errno, EINVAL);
	fake.arbitration = 0;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(fake.arbitration, 0xff020007);
	UNIT_EQ(NVME_GET(fake.cc_seen, NVME_CC_AMS), NVME_CC_AMS_WRR);
	tear_down();
}

static void refuse(unsigned int low, uint64_t cap, int err)
{
	struct plx_nvme_ctrl_config config = {.weights = {.low = low}};

	fake_defaults();
	fake.cap |= cap;
	CU_ASSERT_PTR_NULL(fake_open(&config));
	UNIT_EQ(errno, err);
	fake_end();
}

static void weights_that_cannot_be(void)
{
	refuse(1, 0, ENOTSUP);
	refuse(257, NVME_CAP_AMS_WRR, EINVAL);
}

static void coalescing(void)
{
	struct plx_nvme_ctrl_config config = {.coalesce_entries = 8, .coalesce_us = 250};
	struct plx_nvme_qpair_config qp_config = {.interrupt = true};

	fake_defaults();
	open_with(&config);
	UNIT_EQ(fake.coalescing, 3 << 8 | 7);
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, &qp_config));
	UNIT_EQ(fake.vector_config, 0);
	qp_config.no_coalescing = true;
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, &qp_config));
	UNIT_EQ(fake.vector_config, 0x10002);
	fake.coalescing = fake.vector_config = 0;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(fake.coalescing, 3 << 8 | 7);
	UNIT_EQ(fake.vector_config, 0x10002);
	tear_down();
	config.coalesce_entries = 10000;
	config.coalesce_us = 1000000;
	fake_defaults();
	open_with(&config);
	UNIT_EQ(fake.coalescing, 0xffff);
	tear_down();
}

/* --- Extended formats ----------------------------------------------------------------------- */

/* A namespace whose protection information has guards of 64 bits, for whoever understands that. */
static void open_guarded(uint32_t ctratt)
{
	fake_defaults();
	fake.id.ctratt = htole32(ctratt);
	fake.ns[0].lbaf[0].ms = htole16(16);
	fake.ns[0].dps = 1;
	fake.ns_nvm.elbaf[0] = htole32(2 << NVME_ELBAF_PIF_SHIFT);
	open_with(NULL);
}

static void extended_formats(void)
{
	struct plx_nvme_ns_info info;

	open_guarded(0);
	UNIT_EQ(fake.feature_data[NVME_HOST_BEHAVIOR_LBAFEE], 0);
	UNIT_EQ(plx_nvme_ns_info_get(ctrl, 1, &info), 0);
	UNIT_EQ(info.guard_bits, 16);
	tear_down();
	open_guarded(NVME_CTRATT_ELBAS);
	UNIT_EQ(fake.feature_data[NVME_HOST_BEHAVIOR_LBAFEE], 1);
	UNIT_EQ(plx_nvme_ns_info_get(ctrl, 1, &info), 0);
	UNIT_EQ(info.guard_bits, 64);
	fake.feature_data[NVME_HOST_BEHAVIOR_LBAFEE] = 0;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(fake.feature_data[NVME_HOST_BEHAVIOR_LBAFEE], 1);
	fake.ns_nvm.elbaf[0] = htole32(3 << NVME_ELBAF_PIF_SHIFT);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open_metadata(ctrl, 1));
	UNIT_EQ(errno, EPROTO);
	tear_down();
}

static bool refuse_behavior(const struct nvme_sqe *sqe)
{
	if (sqe->opcode != NVME_ADMIN_SET_FEATURES ||
	    le32toh(sqe->cdw10) != NVME_FEATURE_HOST_BEHAVIOR)
		return false;
	fake_complete(0, le16toh(sqe->cid), PLX_NVME_INVALID_FIELD, 0);
	return true;
}

static void extended_formats_refused(void)
{
	struct plx_nvme_ns_info info;

	fake_defaults();
	fake.id.ctratt = htole32(NVME_CTRATT_ELBAS);
	fake.ns[0].lbaf[0].ms = htole16(16);
	fake.ns_nvm.elbaf[0] = htole32(2 << NVME_ELBAF_PIF_SHIFT);
	fake.on_admin = refuse_behavior;
	open_with(NULL);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 1);
	UNIT_EQ(plx_nvme_ns_info_get(ctrl, 1, &info), 0);
	UNIT_EQ(info.guard_bits, 16);
	tear_down();
}

/* --- Shadow doorbells ----------------------------------------------------------------------- */

/* Rung exactly when the value passes the one that was asked for. */
static void shadow_rings(void)
{
	uint32_t value = 0, event = 0;
	struct nvme_shadow s = {.value = &value, .event = &event};

	UNIT_EQ(nvme_shadow_ring(&s, 1), true);
	UNIT_EQ(value, 1);
	UNIT_EQ(nvme_shadow_ring(&s, 2), false);
	event = 4;
	UNIT_EQ(nvme_shadow_ring(&s, 4), false);
	UNIT_EQ(nvme_shadow_ring(&s, 5), true);
	event = 5;
	UNIT_EQ(nvme_shadow_ring(&s, 9), true);
	/* Around the end of the queue, and with an event that cannot be. */
	UNIT_EQ(nvme_shadow_ring(&s, 0), false);
	nvme_shadow_ring(&s, 9);
	event = 9;
	UNIT_EQ(nvme_shadow_ring(&s, 0), true);
	event = UINT32_MAX;
	nvme_shadow_ring(&s, 1);
	UNIT_EQ(value, 1);
	/* What the device writes over it does not matter. */
	value = 77;
	event = 1;
	UNIT_EQ(nvme_shadow_ring(&s, 2), true);
	UNIT_EQ(value, 2);
}

static void shadow_doorbells(void)
{
	struct plx_nvme_ctrl_config config = {.shadow_doorbells = true};
	struct plx_nvme_qpair_config qp_config = {.depth = 4};
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	fake.id.oacs = htole16(NVME_OACS_DOORBELL_BUFFER);
	open_with(&config);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.shadow_doorbells, true);
	CU_ASSERT_PTR_NOT_NULL((void *)fake.shadow);
	io(plx_nvme_qpair_open(ctrl, &qp_config), 50);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	CU_ASSERT_PTR_NOT_NULL((void *)fake.shadow);
	io(plx_nvme_qpair_open(ctrl, &qp_config), 50);
	tear_down();
}

static void shadow_not_there(void)
{
	struct plx_nvme_ctrl_config config = {.shadow_doorbells = true};
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	open_with(&config);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.shadow_doorbells, false);
	CU_ASSERT_PTR_NULL((void *)fake.shadow);
	io(plx_nvme_qpair_open(ctrl, NULL), 5);
	tear_down();
}

/* Too many queues for a page of doorbells; a reset that gives fewer does not move theirs there. */
static void lie_shadow_after_reset(void)
{
	struct plx_nvme_ctrl_config config = {.io_queues = 10, .shadow_doorbells = true};
	struct plx_nvme_ctrl_info info;
	unsigned int i;

	fake_defaults();
	fake.id.oacs = htole16(NVME_OACS_DOORBELL_BUFFER);
	fake.cap = (fake.cap & ~NVME_CAP_DSTRD) | NVME_PUT(UINT64_C(6), NVME_CAP_DSTRD);
	fake.queues_result = 9 << 16 | 9;
	open_with(&config);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.io_queues, 10);
	UNIT_EQ(info.shadow_doorbells, false);
	for (i = 0; i < 10; i++)
		CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, NULL));
	fake.queues_result = 0;
	plx_nvme_ctrl_reset(ctrl);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.io_queues, 1);
	UNIT_EQ(info.shadow_doorbells, false);
	CU_ASSERT_PTR_NULL((void *)fake.shadow);
	tear_down();
}

/* --- Resets and shutdowns -------------------------------------------------------------------- */

static void subsystem_reset(void)
{
	struct plx_nvme_qpair *qp;

	fake_defaults();
	open_with(NULL);
	UNIT_EQ(plx_nvme_subsystem_reset(ctrl), -ENOTSUP);
	tear_down();
	fake_defaults();
	fake.cap |= NVME_CAP_NSSRS;
	open_with(NULL);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	UNIT_EQ(plx_nvme_subsystem_reset(ctrl), 0);
	UNIT_EQ(fake.subsystem_resets, 1);
	io(qp, 5);
	tear_down();
}

static void shutdowns(void)
{
	fake_defaults();
	open_with(NULL);
	plx_nvme_ctrl_close(ctrl);
	UNIT_EQ(fake.shutdown_kind, NVME_CC_SHN_NORMAL);
	fake_end();
	fake_defaults();
	open_with(NULL);
	plx_nvme_ctrl_close_abrupt(ctrl);
	UNIT_EQ(fake.shutdown_kind, NVME_CC_SHN_ABRUPT);
	fake_end();
	plx_nvme_ctrl_close_abrupt(NULL);
}

CU_TestInfo tune_tests[] = {
	{"round robin", round_robin},
	{"weighted round robin", weighted_round_robin},
	{"weights that cannot be", weights_that_cannot_be},
	{"coalescing", coalescing},
	{"a shadow rings", shadow_rings},
	{"extended formats", extended_formats},
	{"lie: extended formats refused", extended_formats_refused},
	{"shadow doorbells", shadow_doorbells},
	{"shadow doorbells that are not there", shadow_not_there},
	{"lie: fewer queues after a reset, and shadow doorbells", lie_shadow_after_reset},
	{"subsystem reset", subsystem_reset},
	{"shutdowns", shutdowns},
	CU_TEST_INFO_NULL,
};
