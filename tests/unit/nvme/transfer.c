/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of drivers/nvme/transfer.c: transfers of random length and memory, read from the fake's
 * disk piece by piece; where they are cut, and what is refused.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"
#include "runner.h"

#define BUF_BYTES (4u << 20)
#define PAGE	  4096u
#define BLOCK	  FAKE_BLOCK_SIZE
#define ELEMENTS  64
#define ROUNDS	  30

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_ns *ns;
static struct plx_nvme_qpair *qp;
static struct plx_nvme_cmd *cmd;
static struct plx_nvme_sge sges[ELEMENTS];
static char *buf, *got;

static void open_all(uint32_t sgls, uint16_t boundary)
{
	struct plx_nvme_qpair_config config = {.depth = 8};
	unsigned int i;

	fake_defaults();
	fake.id.sgls = htole32(sgls);
	fake.ns[0].noiob = htole16(boundary);
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	ns = plx_nvme_ns_open(ctrl, 1);
	qp = plx_nvme_qpair_open(ctrl, &config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	buf = plx_dma_zalloc(BUF_BYTES, PAGE, PLX_NODE_ANY);
	got = malloc(FAKE_BLOCKS * BLOCK);
	cmd = aligned_alloc(PLX_CACHE_LINE, sizeof(*cmd));
	memset(cmd, 0, sizeof(*cmd));
	for (i = 0; i < FAKE_BLOCKS * BLOCK; i++)
		fake.disk[0][i] = (char)rand();
}

static void close_all(void)
{
	UNIT_EQ(fake.prp_faults, 0);
	UNIT_EQ(qp->free_list_count, qp->list_count);
	free(cmd);
	free(got);
	plx_dma_free(buf);
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static uint32_t run(void)
{
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, &cmd, 1), 1);
	while (plx_nvme_in_flight(&cmd->req))
		fake_poll(qp);
	return cmd->req.status;
}

/* A list over the buffer, elements apart from each other. Return: bytes in all. */
static uint32_t scatter(uint32_t align, uint32_t max)
{
	uint32_t at = (uint32_t)rand() % PAGE & ~(align - 1), total = 0, i;

	for (i = 0; i < ELEMENTS; i++) {
		uint32_t n = ((uint32_t)rand() % max + align) & ~(align - 1);

		sges[i] = (struct plx_nvme_sge){.iova = plx_iova(buf + at), .len = n};
		total += n;
		at += n + ((uint32_t)rand() % PAGE & ~(align - 1));
	}
	return total;
}

static void gather(size_t len)
{
	char *to = got;
	unsigned int i;

	for (i = 0; len; i++) {
		size_t n = sges[i].len < len ? sges[i].len : len;

		memcpy(to, (char *)(uintptr_t)(sges[i].iova - plx_iova_delta), n);
		to += n;
		len -= n;
	}
}

/* Return: in how many commands. */
static unsigned int read_all(uint64_t lba, uint32_t blocks)
{
	struct plx_nvme_transfer t = {
		.ns = ns,
		.opcode = PLX_NVME_READ,
		.lba = lba,
		.blocks = blocks,
		.sgl = sges,
		.sges = ELEMENTS,
	};
	uint16_t boundary = le16toh(fake.ns[0].noiob);
	unsigned int commands = 0;
	int n;

	memset(buf, 0, BUF_BYTES);
	while ((n = plx_nvme_transfer_next(&t, qp, cmd)) > 0) {
		if (boundary)
			UNIT_EQ((t.lba - 1) / boundary, (t.lba - (uint64_t)n) / boundary);
		UNIT_EQ(run(), 0);
		commands++;
	}
	UNIT_EQ(n, 0);
	UNIT_EQ(t.lba, lba + blocks);
	gather((size_t)blocks * BLOCK);
	CU_ASSERT_EQUAL(memcmp(got, fake.disk[0] + lba * BLOCK, (size_t)blocks * BLOCK), 0);
	return commands;
}

static void random_transfers(uint32_t sgls, uint16_t boundary, uint32_t align)
{
	unsigned int round;

	open_all(sgls, boundary);
	srand(sgls + boundary);
	for (round = 0; round < ROUNDS; round++) {
		uint32_t blocks = scatter(align, round % 2 ? 60000 : 3000) / BLOCK;
		uint32_t n = (uint32_t)rand() % (blocks < 2048 ? blocks : 2048) + 1;

		read_all((uint32_t)rand() % (FAKE_BLOCKS - n), n < blocks ? n : blocks);
	}
	close_all();
}

/* Elements of whole blocks, wherever they lie: a cut at each joint that PRPs cannot have. */
static void by_prp(void)
{
	random_transfers(0, 0, BLOCK);
}

static void by_prp_at_boundaries(void)
{
	random_transfers(0, 24, BLOCK);
}

static void by_sgl(void)
{
	random_transfers(1, 0, 1);
}

static void by_sgl_at_boundaries(void)
{
	random_transfers(1, 100, 1);
}

static void by_sgl_of_dwords(void)
{
	random_transfers(2, 0, 4);
}

/* As few commands as can be. */
static void not_more_than_needed(void)
{
	unsigned int i;

	open_all(0, 0);
	for (i = 0; i < ELEMENTS; i++)
		sges[i] = (struct plx_nvme_sge){plx_iova(buf + 2 * i * PAGE), PAGE, 0};
	/* MDTS is 128 KiB. */
	UNIT_EQ(read_all(1, 256), 1);
	UNIT_EQ(read_all(1, 257), 2);
	UNIT_EQ(read_all(0, 512), 2);
	for (i = 0; i < ELEMENTS; i++)
		sges[i].iova += 512;
	UNIT_EQ(read_all(0, 512), 64);
	close_all();
}

static void refusals(void)
{
	struct plx_nvme_transfer t = {.ns = ns, .opcode = PLX_NVME_READ, .sgl = sges, .sges = 2};

	open_all(0, 0);
	t.ns = ns;
	/* A block over a joint that is not on a page: what is before it is taken. */
	sges[0] = (struct plx_nvme_sge){plx_iova(buf), 1024 + 100, 0};
	sges[1] = (struct plx_nvme_sge){plx_iova(buf + 2 * PAGE), PAGE, 0};
	t.blocks = 4;
	UNIT_EQ(plx_nvme_transfer_next(&t, qp, cmd), 2);
	UNIT_EQ(plx_nvme_transfer_next(&t, qp, cmd), -EINVAL);
	/* Memory that ends before the blocks do. */
	t = (struct plx_nvme_transfer){.ns = ns, .sgl = sges + 1, .sges = 1, .blocks = 9};
	UNIT_EQ(plx_nvme_transfer_next(&t, qp, cmd), 8);
	UNIT_EQ(plx_nvme_transfer_next(&t, qp, cmd), -EINVAL);
	/* Not on a dword; nothing in the element. */
	sges[0] = (struct plx_nvme_sge){plx_iova(buf) + 2, PAGE, 0};
	t = (struct plx_nvme_transfer){.ns = ns, .sgl = sges, .sges = 1, .blocks = 1};
	UNIT_EQ(plx_nvme_transfer_next(&t, qp, cmd), -EINVAL);
	sges[0].len = 0;
	UNIT_EQ(plx_nvme_transfer_next(&t, qp, cmd), -EINVAL);
	t.blocks = 0;
	UNIT_EQ(plx_nvme_transfer_next(&t, qp, cmd), 0);
	close_all();
}

CU_TestInfo transfer_tests[] = {
	{"by PRP", by_prp},
	{"by PRP, at boundaries", by_prp_at_boundaries},
	{"by SGL of bytes", by_sgl},
	{"by SGL, at boundaries", by_sgl_at_boundaries},
	{"by SGL of dwords", by_sgl_of_dwords},
	{"not more than needed", not_more_than_needed},
	{"refusals", refusals},
	CU_TEST_INFO_NULL,
};
