/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of drivers/nvme/cmd.c and data.c: each command against the fake controller's disk, and
 * scattered data of random shapes as PRPs and as SGLs.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_cmd.h>

#include "fake.h"
#include "runner.h"

#define BUF_BYTES (256 * 1024)
#define PAGE	  4096u
#define BLOCK	  FAKE_BLOCK_SIZE
#define ROUNDS	  2000
#define ELEMENTS  12

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_ns *ns;
static struct plx_nvme_qpair *qp;
static struct plx_nvme_cmd *cmd, *second;
static char *buf;

static void open_all(uint32_t sgls)
{
	struct plx_nvme_qpair_config config = {.depth = 16, .prp_lists = 8};

	fake_defaults();
	fake.id.sgls = htole32(sgls);
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	ns = plx_nvme_ns_open(ctrl, 2);
	qp = plx_nvme_qpair_open(ctrl, &config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	buf = plx_dma_zalloc(BUF_BYTES, PAGE, PLX_NODE_ANY);
	cmd = aligned_alloc(PLX_CACHE_LINE, 2 * sizeof(*cmd));
	memset(cmd, 0, 2 * sizeof(*cmd));
	second = cmd + 1;
}

static void close_all(void)
{
	UNIT_EQ(fake.prp_faults, 0);
	UNIT_EQ(qp->free_list_count, qp->list_count);
	free(cmd);
	plx_dma_free(buf);
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

/* Submit one and wait for it. */
static uint32_t run(void)
{
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, &cmd, 1), 1);
	while (plx_nvme_in_flight(&cmd->req))
		fake_poll(qp);
	return cmd->req.status;
}

static char *disk(uint64_t lba)
{
	return fake.disk[1] + lba * BLOCK;
}

static bool all(const char *at, size_t len, char value)
{
	return at[0] == value && memcmp(at, at + 1, len - 1) == 0;
}

/* --- Commands ------------------------------------------------------------------------------- */

static void compare(void)
{
	open_all(0);
	memset(disk(4), 7, 8 * BLOCK);
	memset(buf, 7, 8 * BLOCK);
	plx_nvme_compare(cmd, ns, 4, 8, plx_iova(buf));
	UNIT_EQ(run(), 0);
	buf[8 * BLOCK - 1] = 8;
	UNIT_EQ(run(), PLX_NVME_COMPARE_FAILURE);
	UNIT_EQ(plx_nvme_status_errno(cmd->req.status), -EILSEQ);
	close_all();
}

static void zeroes(void)
{
	open_all(0);
	memset(disk(0), 1, 32 * BLOCK);
	plx_nvme_write_zeroes(cmd, ns, 8, 16, PLX_NVME_DEALLOCATE);
	UNIT_EQ(run(), 0);
	CU_ASSERT_TRUE(all(disk(0), 8 * BLOCK, 1));
	CU_ASSERT_TRUE(all(disk(8), 16 * BLOCK, 0));
	CU_ASSERT_TRUE(all(disk(24), 8 * BLOCK, 1));
	UNIT_EQ(le32toh(fake.last_io.cdw12), 0x0200000fu);
	UNIT_EQ(le32toh(fake.last_io.nsid), 2);
	close_all();
}

static void deallocate(void)
{
	struct plx_nvme_dsm_range *ranges;

	open_all(0);
	memset(disk(0), 1, 64 * BLOCK);
	ranges = (struct plx_nvme_dsm_range *)buf;
	plx_nvme_dsm_range_set(&ranges[0], 2, 1);
	plx_nvme_dsm_range_set(&ranges[1], 40, 24);
	plx_nvme_deallocate(cmd, ns, 2, plx_iova(buf));
	UNIT_EQ(run(), 0);
	CU_ASSERT_TRUE(all(disk(0), 2 * BLOCK, 1));
	CU_ASSERT_TRUE(all(disk(2), BLOCK, 0));
	CU_ASSERT_TRUE(all(disk(3), 37 * BLOCK, 1));
	CU_ASSERT_TRUE(all(disk(40), 24 * BLOCK, 0));
	close_all();
}

static void copy(void)
{
	struct plx_nvme_copy_range *ranges;

	open_all(0);
	memset(disk(0), 1, 4 * BLOCK);
	memset(disk(10), 2, 4 * BLOCK);
	ranges = (struct plx_nvme_copy_range *)buf;
	plx_nvme_copy_range_set(&ranges[0], 10, 3);
	plx_nvme_copy_range_set(&ranges[1], 1, 2);
	plx_nvme_copy(cmd, ns, 100, 2, plx_iova(buf));
	UNIT_EQ(run(), 0);
	CU_ASSERT_TRUE(all(disk(100), 3 * BLOCK, 2));
	CU_ASSERT_TRUE(all(disk(103), 2 * BLOCK, 1));
	CU_ASSERT_TRUE(all(disk(105), BLOCK, 0));
	close_all();
}

/* As the specification has them in the entry. */
static void dwords(void)
{
	open_all(0);
	plx_nvme_verify(cmd, ns, 0x123456789, 65536);
	UNIT_EQ(run(), PLX_NVME_LBA_OUT_OF_RANGE | PLX_NVME_DO_NOT_RETRY);
	UNIT_EQ(fake.last_io.opcode, 0x0c);
	UNIT_EQ(le64toh(fake.last_io.slba), 0x123456789);
	UNIT_EQ(le32toh(fake.last_io.cdw12), 0xffff);
	plx_nvme_write_uncorrectable(cmd, ns, 3, 1);
	cmd->cdw2 = 1;
	cmd->cdw3 = 2;
	cmd->cdw13 = 3;
	cmd->cdw14 = 4;
	cmd->cdw15 = 5;
	cmd->metadata = 0x1000;
	UNIT_EQ(run(), PLX_NVME_INVALID_OPCODE);
	UNIT_EQ(fake.last_io.opcode, 0x04);
	UNIT_EQ(le64toh(fake.last_io.cdw2_3), UINT64_C(2) << 32 | 1);
	UNIT_EQ(le32toh(fake.last_io.cdw13), 3);
	UNIT_EQ(le64toh(fake.last_io.cdw14_15), UINT64_C(5) << 32 | 4);
	UNIT_EQ(le64toh(fake.last_io.mptr), 0x1000);
	UNIT_EQ(fake.last_io.prp1 | fake.last_io.prp2, 0);
	close_all();
}

/* --- Refusals ------------------------------------------------------------------------------- */

static int submit(void)
{
	return plx_nvme_qpair_submit_cmds(qp, &cmd, 1);
}

static void refusals(void)
{
	struct plx_nvme_sge sge[2] = {{0x10000, PAGE, 0}, {0x30200, PAGE, 0}};

	open_all(0);
	plx_nvme_compare(cmd, ns, 0, 8, 0x1001);
	UNIT_EQ(submit(), -EINVAL);
	cmd->iova = UINT64_MAX - 4095;
	UNIT_EQ(submit(), -EINVAL);
	/* Inside the last page, which has no next one. */
	cmd->len = 8;
	UNIT_EQ(submit(), -EINVAL);
	cmd->len = (128 << 10) + 1;
	UNIT_EQ(submit(), -E2BIG);
	cmd->sgl = sge;
	cmd->sges = 2;
	cmd->len = 2 * PAGE + 1;
	UNIT_EQ(submit(), -EINVAL);
	/* A joint that is not on a page, and no SGL. */
	cmd->len = 2 * PAGE;
	UNIT_EQ(submit(), -EINVAL);
	cmd->sgl_offset = PAGE;
	cmd->len = 4;
	UNIT_EQ(submit(), -EINVAL);
	cmd->sgl = NULL;
	cmd->fuse = PLX_NVME_FUSE_SECOND;
	UNIT_EQ(submit(), -EINVAL);
	cmd->fuse = PLX_NVME_FUSE_FIRST;
	UNIT_EQ(submit(), -EINVAL);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 0);
	cmd->fuse = 0;
	cmd->req.status = PLX_NVME_PENDING;
	UNIT_EQ(submit(), -EBUSY);
	close_all();
}

#define LONG  10 /* commands that need a list; there are 8 */
#define SHORT 6

/* No list is left, then no slot; what was taken ends. */
static void full(void)
{
	struct plx_nvme_cmd *many = aligned_alloc(PLX_CACHE_LINE, (LONG + SHORT) * sizeof(*many));
	struct plx_nvme_cmd *list[LONG + SHORT];
	unsigned int i;

	open_all(0);
	fake.io_silent = true;
	for (i = 0; i < LONG + SHORT; i++) {
		list[i] = memset(&many[i], 0, sizeof(many[i]));
		plx_nvme_compare(list[i], ns, 0, i < LONG ? 32 : 8, plx_iova(buf));
	}
	UNIT_EQ(qp->list_count, 8);
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, list, LONG + SHORT), 8);
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, list + 8, 2), -EAGAIN);
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, list + LONG, SHORT), SHORT);
	list[8]->fuse = PLX_NVME_FUSE_FIRST;
	list[9]->fuse = PLX_NVME_FUSE_SECOND;
	list[8]->len = list[9]->len = PAGE;
	/* One slot, and two are needed. */
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, list + 8, 2), -EAGAIN);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 8 + SHORT);
	plx_nvme_qpair_close(qp);
	UNIT_EQ(list[0]->req.status, PLX_NVME_ABORTED);
	UNIT_EQ(list[LONG + SHORT - 1]->req.status, PLX_NVME_ABORTED);
	UNIT_EQ(list[8]->req.status, 0);
	free(many);
	fake.io_silent = false;
	qp = plx_nvme_qpair_open(ctrl, NULL);
	close_all();
}

static void fused(void)
{
	struct plx_nvme_cmd *pair[2];

	open_all(0);
	memset(buf, 9, PAGE);
	plx_nvme_compare(cmd, ns, 0, 8, plx_iova(buf + PAGE));
	plx_nvme_cmd_range(second, PLX_NVME_WRITE, ns, 0, 8, 0);
	second->iova = plx_iova(buf);
	second->len = PAGE;
	cmd->fuse = PLX_NVME_FUSE_FIRST;
	second->fuse = PLX_NVME_FUSE_SECOND;
	pair[0] = cmd;
	pair[1] = second;
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, pair, 2), 2);
	while (plx_nvme_qpair_in_flight(qp))
		fake_poll(qp);
	UNIT_EQ(cmd->req.status | second->req.status, 0);
	UNIT_EQ(fake.last_io.flags, PLX_NVME_FUSE_SECOND);
	UNIT_EQ(qp->sq_doorbells, 1);
	CU_ASSERT_TRUE(all(disk(0), PAGE, 9));
	close_all();
}

/* --- Scattered data ------------------------------------------------------------------------- */

static struct plx_nvme_sge sges[ELEMENTS];

/*
 * Elements all over the buffer, len bytes in all; joints on pages, if so asked. Return: how many.
 */
static uint16_t scatter(uint32_t len, bool pages, uint32_t align)
{
	uint32_t slice = BUF_BYTES / ELEMENTS & ~(PAGE - 1), i, left = len, max, n;

	for (i = 0; i < ELEMENTS && left; i++) {
		char *at = buf + (ELEMENTS - 1 - i) * slice;

		max = slice - PAGE;
		if (i == 0 || !pages)
			at += (uint32_t)rand() % PAGE & ~(align - 1);
		n = (uint32_t)rand() % max & ~(align - 1);
		if (pages)
			n = (((uint32_t)rand() % 4 + 1) * PAGE) -
			    (i == 0 ? (uintptr_t)at & (PAGE - 1) : 0);
		n = n ? n : align;
		n = n < left ? n : left;
		sges[i] = (struct plx_nvme_sge){.iova = plx_iova(at), .len = n};
		left -= n;
	}
	return left ? 0 : (uint16_t)i;
}

static void gather(char *to, uint32_t skip, uint32_t len)
{
	uint32_t i;

	for (i = 0; len; i++, skip = 0) {
		uint32_t n = sges[i].len - skip < len ? sges[i].len - skip : len;

		memcpy(to, (char *)(uintptr_t)(sges[i].iova - plx_iova_delta) + skip, n);
		to += n;
		len -= n;
	}
}

static void one_scattered(uint32_t align, bool pages)
{
	static char got[64 * BLOCK];
	uint32_t blocks = (uint32_t)rand() % 64 + 1, skip = 0, i;
	uint16_t n = scatter(blocks * BLOCK, pages, align);

	if (!n)
		return;
	/* The first bytes are not meant, and are there in addition. */
	if (!pages) {
		skip = align;
		sges[0].len += skip;
		for (i = 1; i < n; i++)
			CU_ASSERT_NOT_EQUAL(sges[i].iova, sges[0].iova);
	}
	for (i = 0; i < blocks * BLOCK; i++)
		disk(0)[i] = (char)rand();
	memset(buf, 0, BUF_BYTES);
	plx_nvme_cmd_range(cmd, PLX_NVME_READ, ns, 0, blocks, 0);
	cmd->len = blocks * BLOCK;
	cmd->sgl = sges;
	cmd->sges = n;
	cmd->sgl_offset = skip;
	UNIT_EQ(run(), 0);
	gather(got, skip, blocks * BLOCK);
	CU_ASSERT_EQUAL(memcmp(got, disk(0), blocks * BLOCK), 0);
}

static void scattered_prp(void)
{
	unsigned int i;

	open_all(0);
	srand(1);
	for (i = 0; i < ROUNDS; i++)
		one_scattered(4, true);
	UNIT_EQ(fake.sgls, 0);
	close_all();
}

static void scattered_sgl(void)
{
	unsigned int i;

	open_all(1);
	srand(2);
	for (i = 0; i < ROUNDS; i++)
		one_scattered(1, false);
	CU_ASSERT_TRUE(fake.sgls > ROUNDS / 4);
	close_all();
}

/* SGLs of dwords only: bytes are refused, dwords are not. */
static void sgl_dwords(void)
{
	struct plx_nvme_sge two[2];

	open_all(2);
	two[0] = (struct plx_nvme_sge){plx_iova(buf), 510, 0};
	two[1] = (struct plx_nvme_sge){plx_iova(buf + 1024), 514, 0};
	plx_nvme_cmd_range(cmd, PLX_NVME_READ, ns, 0, 2, 0);
	cmd->len = 1024;
	cmd->sgl = two;
	cmd->sges = 2;
	UNIT_EQ(submit(), -EINVAL);
	two[0].len = two[1].len = 512;
	UNIT_EQ(run(), 0);
	UNIT_EQ(fake.sgls, 1);
	close_all();
}

/* Contiguous and long: one descriptor instead of a list of pages. */
static void sgl_is_shorter(void)
{
	open_all(1);
	plx_nvme_compare(cmd, ns, 0, 16, plx_iova(buf));
	UNIT_EQ(run(), 0);
	UNIT_EQ(fake.sgls, 0);
	plx_nvme_compare(cmd, ns, 0, 128, plx_iova(buf));
	UNIT_EQ(run(), 0);
	UNIT_EQ(fake.sgls, 1);
	close_all();
}

CU_TestInfo cmd_tests[] = {
	{"compare", compare},
	{"write zeroes", zeroes},
	{"deallocate", deallocate},
	{"copy", copy},
	{"dwords", dwords},
	{"refusals", refusals},
	{"full", full},
	{"fused", fused},
	{"scattered PRPs", scattered_prp},
	{"scattered SGLs", scattered_sgl},
	{"SGLs of dwords", sgl_dwords},
	{"the SGL is shorter", sgl_is_shorter},
	CU_TEST_INFO_NULL,
};
