/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/directive.c. */
#include <errno.h>
#include <string.h>

#include <pollux/nvme_directive.h>

#include "fake.h"
#include "runner.h"

static struct plx_nvme_ctrl *ctrl;

static void set_up(void)
{
	fake_defaults();
	fake.id.oacs = htole16(NVME_OACS_DIRECTIVES);
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
}

static void tear_down(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static void any_operation(void)
{
	struct plx_nvme_directive_op op = {
		.nsid = 2, .type = 0x45, .operation = 0x67, .specific = 0x1234, .cdw12 = 0xabcdef};
	uint8_t data[16] = {1, 2, 3};

	set_up();
	fake.manage_value = 99;
	UNIT_EQ(plx_nvme_directive_send(ctrl, &op, data, sizeof(data)), 0);
	UNIT_EQ(op.value, 99);
	UNIT_EQ(fake.last_manage.opcode, 0x19);
	UNIT_EQ(le32toh(fake.last_manage.nsid), 2);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 3);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 0x12344567);
	UNIT_EQ(le32toh(fake.last_manage.cdw12), 0xabcdef);
	UNIT_EQ(memcmp(fake.directive, data, sizeof(data)), 0);
	fake.directive[1] = 77;
	UNIT_EQ(plx_nvme_directive_receive(ctrl, &op, data, sizeof(data)), 0);
	UNIT_EQ(fake.last_manage.opcode, 0x1a);
	UNIT_EQ(data[1], 77);
	UNIT_EQ(plx_nvme_directive_receive(ctrl, &op, data, 6), -EINVAL);
	UNIT_EQ(plx_nvme_directive_receive(ctrl, &op, data, 4100), -EINVAL);
	UNIT_EQ(plx_nvme_directive_send(ctrl, &op, NULL, 0), 0);
	UNIT_EQ(fake.last_manage.prp1, 0);
	tear_down();
}

static void which_there_are(void)
{
	struct plx_nvme_directives d;

	set_up();
	fake.directive[0] = 3;
	fake.directive[32] = 1;
	fake.directive[64 + 3] = 0x80;
	UNIT_EQ(plx_nvme_directives_get(ctrl, 1, &d), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 1);
	UNIT_EQ(d.supported, 3);
	UNIT_EQ(d.enabled, 1);
	UNIT_EQ(d.persistent, 0x80000000);
	UNIT_EQ(plx_nvme_directive_enable(ctrl, 1, PLX_NVME_DIRECTIVE_STREAMS), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw12), 0x101);
	UNIT_EQ(plx_nvme_directive_disable(ctrl, 1, PLX_NVME_DIRECTIVE_STREAMS), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw12), 0x100);
	UNIT_EQ(plx_nvme_directive_enable(ctrl, 1, (enum plx_nvme_directive_type)256), -EINVAL);
	tear_down();
}

static void streams(void)
{
	static const uint8_t answer[32] = {
		1, 2, 3, 4, 5, 6, [16] = 7, [19] = 8, [20] = 9, [22] = 10, [24] = 11};
	struct plx_nvme_streams s;
	uint16_t got;

	set_up();
	memcpy(fake.directive, answer, sizeof(answer));
	UNIT_EQ(plx_nvme_streams_get(ctrl, 1, &s), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 0x101);
	UNIT_EQ(s.max, 0x201);
	UNIT_EQ(s.available, 0x403);
	UNIT_EQ(s.open, 0x605);
	UNIT_EQ(s.write_blocks, 0x08000007);
	UNIT_EQ(s.granularity, 9);
	UNIT_EQ(s.allocated, 10);
	UNIT_EQ(s.ns_open, 11);
	fake.manage_value = 3;
	UNIT_EQ(plx_nvme_streams_allocate(ctrl, 1, 4, &got), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 0x103);
	UNIT_EQ(le32toh(fake.last_manage.cdw12), 4);
	UNIT_EQ(got, 3);
	/* More than it was asked for. */
	UNIT_EQ(plx_nvme_streams_allocate(ctrl, 1, 2, &got), 0);
	UNIT_EQ(got, 2);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 1);
	UNIT_EQ(plx_nvme_stream_close(ctrl, 1, 0xbeef), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 0xbeef0101);
	UNIT_EQ(plx_nvme_streams_release(ctrl, 1), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 0x102);
	tear_down();
}

static void a_write_of_a_stream(void)
{
	struct plx_nvme_cmd cmd = {0};

	fake_defaults();
	ctrl = fake_open(NULL);
	plx_nvme_cmd_range(&cmd, 1, plx_nvme_ns_open(ctrl, 1), 0, 8, PLX_NVME_FUA);
	cmd.cdw13 = 0x12;
	plx_nvme_cmd_stream(&cmd, 0x3456);
	UNIT_EQ(cmd.cdw12, 0x40100007);
	UNIT_EQ(cmd.cdw13, 0x34560012);
	tear_down();
}

static void no_directives(void)
{
	struct plx_nvme_directives d;
	uint16_t got = 1;

	fake_defaults();
	ctrl = fake_open(NULL);
	UNIT_EQ(plx_nvme_directives_get(ctrl, 1, &d), -ENOTSUP);
	UNIT_EQ(plx_nvme_streams_allocate(ctrl, 1, 4, &got), -ENOTSUP);
	UNIT_EQ(got, 0);
	tear_down();
}

CU_TestInfo directive_tests[] = {
	{"any operation", any_operation},
	{"which there are", which_there_are},
	{"streams", streams},
	{"a write of a stream", a_write_of_a_stream},
	{"no directives", no_directives},
	CU_TEST_INFO_NULL,
};
