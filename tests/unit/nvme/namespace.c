/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/namespace.c: the list of active ones, and handles. */
#include <errno.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

static struct plx_nvme_ctrl *ctrl;

static void open_ctrl(void)
{
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
}

static void close_ctrl(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static uint32_t count(void)
{
	uint32_t n = 0, id;

	for (id = plx_nvme_ns_next(ctrl, 0); id; id = plx_nvme_ns_next(ctrl, id))
		n++;
	return n;
}

static void active_ones(void)
{
	struct plx_nvme_ns_info info;

	fake_defaults();
	open_ctrl();
	UNIT_EQ(count(), 3);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 1), 2);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 3), 0);
	UNIT_EQ(plx_nvme_ns_info_get(ctrl, 2, &info), 0);
	UNIT_EQ(info.id, 2);
	UNIT_EQ(info.blocks, FAKE_BLOCKS);
	UNIT_EQ(plx_nvme_ns_info_get(ctrl, 9, &info), -ENOENT);
	close_ctrl();
}

static void handle_is_the_same(void)
{
	struct plx_nvme_ns *ns;

	fake_defaults();
	open_ctrl();
	ns = plx_nvme_ns_open(ctrl, 3);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ns);
	CU_ASSERT_PTR_EQUAL(plx_nvme_ns_open(ctrl, 3), ns);
	UNIT_EQ(plx_nvme_ns_info(ns)->id, 3);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 4));
	UNIT_EQ(errno, ENOENT);
	close_ctrl();
}

static void unusable_format(void)
{
	fake_defaults();
	fake.ns[0].lbaf[0].ms = htole16(8);
	open_ctrl();
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 1));
	UNIT_EQ(errno, ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_ns_open(ctrl, 2));
	close_ctrl();
}

static void list_with(uint32_t a, uint32_t b, uint32_t c, uint32_t want)
{
	fake_defaults();
	fake.list[0] = htole32(a);
	fake.list[1] = htole32(b);
	fake.list[2] = htole32(c);
	open_ctrl();
	UNIT_EQ(count(), want);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_NAMESPACES), 1);
	close_ctrl();
}

static void unsorted_list(void)
{
	list_with(1, 3, 2, 2);
}

static void repeated_id(void)
{
	list_with(2, 2, 2, 1);
}

static void id_above_nn(void)
{
	list_with(1, 300, 301, 1);
}

static void endless_list(void)
{
	fake_defaults();
	fake.list_endless = true;
	fake.id.nn = UINT32_MAX;
	open_ctrl();
	UNIT_EQ(count(), NVME_NAMESPACES_MAX);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_NAMESPACES), 1);
	close_ctrl();
}

static void empty_list(void)
{
	fake_defaults();
	memset(fake.list, 0, sizeof(fake.list));
	open_ctrl();
	UNIT_EQ(count(), 0);
	close_ctrl();
}

/* Version 1.0 has no list. */
static void before_the_list(void)
{
	fake_defaults();
	fake.vs = NVME_VERSION(1, 0, 0);
	fake.id.nn = htole32(3);
	open_ctrl();
	UNIT_EQ(count(), 3);
	close_ctrl();
}

CU_TestInfo namespace_tests[] = {
	{"active ones", active_ones},	      {"the handle is the same", handle_is_the_same},
	{"unusable format", unusable_format}, {"lie: unsorted list", unsorted_list},
	{"lie: repeated id", repeated_id},    {"lie: id above NN", id_above_nn},
	{"lie: endless list", endless_list},  {"empty list", empty_list},
	{"before the list", before_the_list}, CU_TEST_INFO_NULL,
};
