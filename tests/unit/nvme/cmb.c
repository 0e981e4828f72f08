/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/cmb.c; the lies about it are in lies.c. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"
#include "runner.h"

#define PAGES 4u
#define AT    0x4000u

static struct plx_nvme_ctrl *ctrl;

/* PAGES pages behind the doorbells, for submission queues only. */
static void open_with_memory(uint64_t cap, uint32_t flags, bool wanted)
{
	struct plx_nvme_ctrl_config config = {.cmb = wanted};

	fake_defaults();
	fake.cap |= cap;
	fake.bar_size = AT + PAGES * 4096;
	fake.cmb_location = AT;
	fake.cmb_size = PAGES << 12 | flags;
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
}

static void tear_down(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static uint32_t cmb_bytes(void)
{
	struct plx_nvme_ctrl_info info;

	plx_nvme_ctrl_info(ctrl, &info);
	return info.cmb_bytes;
}

static struct plx_nvme_qpair *open_queue(unsigned int depth)
{
	struct plx_nvme_qpair_config config = {.depth = depth};
	struct plx_nvme_qpair *qp = plx_nvme_qpair_open(ctrl, &config);

	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	return qp;
}

static bool in_cmb(const struct plx_nvme_qpair *qp)
{
	struct plx_nvme_qpair_info info;

	plx_nvme_qpair_info(qp, &info);
	return info.sq_in_cmb;
}

/* A write and a read back, several times around the queue. */
static void io_works(struct plx_nvme_qpair *qp)
{
	struct plx_nvme_ns *ns = plx_nvme_ns_open(ctrl, 1);
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	char *buf = plx_dma_zalloc(4096, 4096, PLX_NODE_ANY);
	unsigned int i;

	for (i = 0; i < 200; i++) {
		if (i % 2)
			plx_nvme_read(&req, ns, i / 2, 1, plx_iova(buf));
		else
			plx_nvme_write(&req, ns, i / 2, 1, plx_iova(buf));
		memset(buf, i % 2 ? 0 : (int)i, FAKE_BLOCK_SIZE);
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
		while (plx_nvme_in_flight(&req))
			fake_poll(qp);
		UNIT_EQ(req.status, 0);
		UNIT_EQ((uint8_t)buf[FAKE_BLOCK_SIZE - 1], i & 0xfe);
	}
	plx_dma_free(buf);
}

static void queues_in_it(void)
{
	struct plx_nvme_qpair *qp, *second, *third;
	size_t host;

	open_with_memory(NVME_CAP_CMBS, NVME_CMBSZ_SQS, true);
	UNIT_EQ(cmb_bytes(), PAGES * 4096);
	/* Two pages, one, and two that are not there any more. */
	qp = open_queue(128);
	second = open_queue(64);
	third = open_queue(128);
	CU_ASSERT_TRUE(in_cmb(qp) && in_cmb(second) && !in_cmb(third));
	host = third->memory_bytes;
	UNIT_EQ(qp->memory_bytes, host - 128 * sizeof(struct nvme_sqe));
	fake.cmb_reads = 0;
	io_works(qp);
	CU_ASSERT(fake.cmb_reads >= 200);
	io_works(second);
	fake.cmb_reads = 0;
	io_works(third);
	UNIT_EQ(fake.cmb_reads, 0);
	/* What is given back is there for others. */
	plx_nvme_qpair_close(qp);
	plx_nvme_qpair_close(third);
	third = open_queue(128);
	CU_ASSERT_TRUE(in_cmb(third));
	io_works(third);
	io_works(second);
	tear_down();
}

static void over_a_reset(void)
{
	struct plx_nvme_qpair *qp;

	open_with_memory(NVME_CAP_CMBS, NVME_CMBSZ_SQS, true);
	qp = open_queue(64);
	/* A reset of the function forgets where it was. */
	plx_mmio_write64(fake.bar + NVME_CMBMSC, 0);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	fake.cmb_reads = 0;
	io_works(qp);
	CU_ASSERT(fake.cmb_reads >= 200);
	/* It does not take it any more. */
	plx_mmio_write32(fake.bar + NVME_CMBSTS, NVME_CMBSTS_CBAI);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), -EPROTO);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	plx_mmio_write32(fake.bar + NVME_CMBSTS, 0);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	io_works(qp);
	tear_down();
}

/* Not asked for; no such thing; not for submission queues; of no size. */
static void without_it(void)
{
	open_with_memory(NVME_CAP_CMBS, NVME_CMBSZ_SQS, false);
	UNIT_EQ(cmb_bytes(), 0);
	UNIT_EQ(plx_mmio_read64(fake.bar + NVME_CMBMSC), 0);
	CU_ASSERT_FALSE(in_cmb(open_queue(64)));
	tear_down();
	open_with_memory(0, NVME_CMBSZ_SQS, true);
	UNIT_EQ(cmb_bytes(), 0);
	UNIT_EQ(plx_mmio_read64(fake.bar + NVME_CMBMSC), 0);
	tear_down();
	open_with_memory(NVME_CAP_CMBS, 0x1e, true);
	UNIT_EQ(cmb_bytes(), 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_REGISTER), 0);
	io_works(open_queue(64));
	tear_down();
}

CU_TestInfo cmb_tests[] = {
	{"queues in it", queues_in_it},
	{"over a reset", over_a_reset},
	{"without it", without_it},
	CU_TEST_INFO_NULL,
};
