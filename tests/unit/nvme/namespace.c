/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/namespace.c: the list of active ones, and handles. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_pi.h>

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

/* --- Looking anew --------------------------------------------------------------------------- */

static struct plx_nvme_ns *open_first(void)
{
	struct plx_nvme_ns *ns;

	fake_defaults();
	open_ctrl();
	ns = plx_nvme_ns_open(ctrl, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ns);
	return ns;
}

static int rescan(enum nvme_rescan why)
{
	int err;

	pthread_mutex_lock(&ctrl->lock);
	err = nvme_namespaces_rescan(ctrl, why);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

/* What submit says of a read, which is not polled for. */
static int submit(struct plx_nvme_ns *ns)
{
	static struct plx_nvme_req req;
	struct plx_nvme_req *reqs[] = {&req};
	struct plx_nvme_qpair *qp = plx_nvme_qpair_open(ctrl, NULL);
	void *buf = plx_dma_alloc(4096, 4096, PLX_NODE_ANY);
	int ret;

	req.status = 0;
	plx_nvme_read(&req, ns, 0, 1, plx_iova(buf));
	ret = plx_nvme_qpair_submit(qp, reqs, 1);
	plx_nvme_qpair_close(qp);
	plx_dma_free(buf);
	return ret;
}

static void a_size_is_taken_on(void)
{
	struct plx_nvme_ns *ns = open_first();

	fake.ns[0].nsze = htole64(100);
	fake.ns[0].ncap = htole64(90);
	fake.ns[0].nuse = htole64(80);
	UNIT_EQ(rescan(NVME_RESCAN_HEARD), 0);
	UNIT_EQ(plx_nvme_ns_info(ns)->blocks, 100);
	UNIT_EQ(plx_nvme_ns_info(ns)->capacity, 90);
	UNIT_EQ(plx_nvme_ns_info(ns)->utilization, 80);
	UNIT_EQ(plx_nvme_ns_info(ns)->max_blocks, 100);
	CU_ASSERT_PTR_EQUAL(plx_nvme_ns_open(ctrl, 1), ns);
	UNIT_EQ(submit(ns), 1);
	close_ctrl();
}

/* A block that became longer would be written beyond the memory that others have for it. */
static void changed_under_a_handle(void (*change)(void))
{
	struct plx_nvme_transfer t = {.blocks = 1};
	struct plx_nvme_cmd cmd = {0};
	struct plx_nvme_ns *ns = open_first();

	change();
	UNIT_EQ(rescan(NVME_RESCAN_HEARD), 0);
	UNIT_EQ(plx_nvme_ns_info(ns)->block_size, 512);
	UNIT_EQ(plx_nvme_ns_block_shift(ns), 9);
	UNIT_EQ(submit(ns), -ESTALE);
	t.ns = ns;
	UNIT_EQ(plx_nvme_transfer_next(&t, &ctrl->admin, &cmd), -ESTALE);
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_ns_open_metadata(ctrl, 1));
	CU_ASSERT_PTR_NOT_EQUAL(plx_nvme_ns_open_metadata(ctrl, 1), ns);
	/* It does not come back. */
	UNIT_EQ(rescan(NVME_RESCAN_HEARD), 0);
	UNIT_EQ(rescan(NVME_RESCAN_ASKED), 0);
	UNIT_EQ(submit(ns), -ESTALE);
	close_ctrl();
}

static void longer_blocks(void)
{
	fake.ns[0].lbaf[0].lbads = 12;
}

static void with_metadata(void)
{
	fake.ns[0].lbaf[0].ms = htole16(8);
}

static void of_another_identity(void)
{
	fake.ns[0].nguid[3] = 1;
}

static void another_format_is_not(void)
{
	changed_under_a_handle(longer_blocks);
	changed_under_a_handle(with_metadata);
	changed_under_a_handle(of_another_identity);
}

static void it_is_when_asked_for(void)
{
	struct plx_nvme_ns *ns = open_first();

	longer_blocks();
	UNIT_EQ(plx_nvme_ns_rescan(ctrl), 0);
	UNIT_EQ(plx_nvme_ns_info(ns)->block_size, 4096);
	UNIT_EQ(submit(ns), 1);
	close_ctrl();
}

/* Nothing is known: nothing is taken away. */
static void a_list_that_cannot_be_read(void)
{
	struct plx_nvme_ns *ns = open_first();

	fake.failing_opcode = NVME_ADMIN_IDENTIFY;
	fake.failing_status = PLX_NVME_INTERNAL_ERROR;
	fake.list[2] = 0;
	UNIT_EQ(rescan(NVME_RESCAN_HEARD), -EIO);
	UNIT_EQ(plx_nvme_ns_rescan(ctrl), -EIO);
	fake.failing_opcode = -1;
	UNIT_EQ(count(), 3);
	UNIT_EQ(submit(ns), 1);
	UNIT_EQ(plx_nvme_ns_rescan(ctrl), 0);
	UNIT_EQ(count(), 2);
	CU_ASSERT_PTR_EQUAL(plx_nvme_ns_open(ctrl, 1), ns);
	close_ctrl();
}

static bool fail_namespace_2(const struct nvme_sqe *sqe)
{
	if (sqe->opcode != NVME_ADMIN_IDENTIFY || le32toh(sqe->cdw10) != NVME_CNS_NS ||
	    le32toh(sqe->nsid) != 2)
		return false;
	fake_complete(0, le16toh(sqe->cid), PLX_NVME_INTERNAL_ERROR, 0);
	return true;
}

static void one_that_cannot_be_identified(void)
{
	struct plx_nvme_ns *ns = open_first(), *two = plx_nvme_ns_open(ctrl, 2);

	fake.ns[0].nsze = htole64(100);
	fake.on_admin = fail_namespace_2;
	UNIT_EQ(rescan(NVME_RESCAN_HEARD), -EIO);
	fake.on_admin = NULL;
	UNIT_EQ(plx_nvme_ns_info(ns)->blocks, 100);
	UNIT_EQ(submit(ns), 1);
	UNIT_EQ(submit(two), 1);
	CU_ASSERT_PTR_EQUAL(plx_nvme_ns_open(ctrl, 2), two);
	/* What cannot be is known well enough. */
	fake.ns[1].lbaf[0].lbads = 99;
	UNIT_EQ(rescan(NVME_RESCAN_HEARD), -EPROTO);
	UNIT_EQ(submit(ns), 1);
	UNIT_EQ(submit(two), -ESTALE);
	close_ctrl();
}

CU_TestInfo namespace_tests[] = {
	{"active ones", active_ones},
	{"the handle is the same", handle_is_the_same},
	{"unusable format", unusable_format},
	{"lie: unsorted list", unsorted_list},
	{"lie: repeated id", repeated_id},
	{"lie: id above NN", id_above_nn},
	{"lie: endless list", endless_list},
	{"empty list", empty_list},
	{"before the list", before_the_list},
	{"a notice: a size is taken on", a_size_is_taken_on},
	{"a notice: another format is not", another_format_is_not},
	{"another format when asked for", it_is_when_asked_for},
	{"a list that cannot be read", a_list_that_cannot_be_read},
	{"one that cannot be identified", one_that_cannot_be_identified},
	CU_TEST_INFO_NULL,
};
