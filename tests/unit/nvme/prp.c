/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of drivers/nvme/prp.h: what a transfer looks like to the controller, for every alignment.
 */
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "nvme/prp.h"
#include "runner.h"

#define PAGE  4096u
#define LISTS 2
#define BASE  UINT64_C(0x7f0000)

static struct plx_nvme_qpair qp;

static void set_up(void)
{
	qp = (struct plx_nvme_qpair){
		.page_shift = 12,
		.list_shift = 8, /* 32 entries */
		.lists = calloc(LISTS, 256),
		.lists_iova = 0x100000,
		.free_lists = calloc(LISTS, sizeof(uint16_t)),
		.free_list_count = LISTS,
		.max_transfer = 32 * PAGE,
	};
	qp.free_lists[0] = 1;
	qp.free_lists[1] = 2;
}

static void tear_down(void)
{
	free(qp.lists);
	free(qp.free_lists);
}

/* The entry for page i of a transfer, wherever it is kept. */
static uint64_t entry(const uint64_t prp[2], uint16_t list, uint64_t pages, uint64_t i)
{
	if (i == 0)
		return le64toh(prp[0]);
	if (pages <= 2)
		return le64toh(prp[1]);
	return le64toh(qp.lists[((list - 1) << 5) + i - 1]);
}

/* Every page exactly once, in order, the first with its offset. */
static void check_transfer(uint64_t iova, uint64_t len)
{
	uint64_t pages = (iova % PAGE + len + PAGE - 1) / PAGE, i, prp[2];
	uint16_t list = NVME_NO_LIST;

	UNIT_EQ(nvme_prp_fill(&qp, iova, len, prp, &list), 0);
	UNIT_EQ(list != NVME_NO_LIST, pages > 2);
	if (pages == 1)
		UNIT_EQ(prp[1], 0);
	if (pages > 2)
		UNIT_EQ(le64toh(prp[1]), qp.lists_iova + 256 * (list - 1));
	for (i = 0; i < pages; i++)
		UNIT_EQ(entry(prp, list, pages, i), i == 0 ? iova : (iova / PAGE + i) * PAGE);
	if (list != NVME_NO_LIST)
		qp.free_lists[qp.free_list_count++] = list;
}

static void every_alignment(void)
{
	static const uint64_t lens[] = {1, 512, 4092, 4096, 4100, 8192, 8196, 65536, 32 * PAGE};
	uint64_t offset;
	size_t i;

	set_up();
	for (offset = 0; offset < PAGE; offset += 4)
		for (i = 0; i < sizeof(lens) / sizeof(lens[0]); i++)
			check_transfer(BASE + offset, lens[i]);
	tear_down();
}

static void lists_run_out(void)
{
	uint16_t list[LISTS + 1] = {NVME_NO_LIST, NVME_NO_LIST, NVME_NO_LIST};
	uint64_t prp[2];

	set_up();
	UNIT_EQ(nvme_prp_fill(&qp, BASE, 3 * PAGE, prp, &list[0]), 0);
	UNIT_EQ(nvme_prp_fill(&qp, BASE, 3 * PAGE, prp, &list[1]), 0);
	CU_ASSERT_NOT_EQUAL(list[0], list[1]);
	UNIT_EQ(nvme_prp_fill(&qp, BASE, 3 * PAGE, prp, &list[2]), -EAGAIN);
	UNIT_EQ(list[2], NVME_NO_LIST);
	UNIT_EQ(nvme_prp_fill(&qp, BASE, 2 * PAGE, prp, &list[2]), 0);
	tear_down();
}

static void wrapping_range_is_refused(void)
{
	uint16_t list = NVME_NO_LIST;
	uint64_t prp[2];

	set_up();
	UNIT_EQ(nvme_prp_fill(&qp, UINT64_MAX - 4095, 3 * PAGE, prp, &list), -EINVAL);
	UNIT_EQ(qp.free_list_count, LISTS);
	tear_down();
}

CU_TestInfo prp_tests[] = {
	{"every alignment and length", every_alignment},
	{"lists run out", lists_run_out},
	{"a range that wraps is refused", wrapping_range_is_refused},
	CU_TEST_INFO_NULL,
};
