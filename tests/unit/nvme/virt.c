/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/virt.c. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_virt.h>

#include "fake.h"
#include "runner.h"

static struct plx_nvme_ctrl *ctrl;

static void set_up(void)
{
	fake_defaults();
	fake.id.oacs = htole16(NVME_OACS_VIRTUALIZATION);
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
}

static void tear_down(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static void capabilities(void)
{
	struct plx_nvme_virt virt;

	set_up();
	fake.primary = (struct nvme_primary_caps){
		.cntlid = htole16(7),
		.portid = htole16(9),
		.crt = 2,
		.vq = {.frt = htole32(16),
		       .rfa = htole32(4),
		       .rfap = htole16(2),
		       .prt = htole16(3),
		       .frsm = htole16(8),
		       .gran = htole16(2)},
		.vi = {.frt = htole32(70000), .frsm = htole16(5)},
	};
	UNIT_EQ(plx_nvme_virt_get(ctrl, &virt), 0);
	UNIT_EQ(virt.id, 7);
	UNIT_EQ(virt.port, 9);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_QUEUES].supported, false);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_QUEUES].flexible, 16);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_QUEUES].secondary, 4);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_QUEUES].primary, 2);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_QUEUES].primary_own, 3);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_QUEUES].secondary_max, 8);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_QUEUES].granularity, 2);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_INTERRUPTS].supported, true);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_INTERRUPTS].flexible, 70000);
	UNIT_EQ(virt.resources[PLX_NVME_RESOURCE_INTERRUPTS].secondary_max, 5);
	tear_down();
}

static void fill(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		fake.secondaries[i] = (struct nvme_secondary){
			.scid = htole16((uint16_t)(10 + 3 * i)),
			.pcid = htole16(7),
			.scs = i & 1,
			.vfn = htole16((uint16_t)(i + 1)),
			.nvq = htole16(2),
			.nvi = htole16(1),
		};
}

static void secondaries(void)
{
	struct plx_nvme_secondary list[150];

	set_up();
	UNIT_EQ(plx_nvme_secondary_list(ctrl, list, 150), 0);
	/* More than a page of them, and more than there is room for. */
	fill(140);
	UNIT_EQ(plx_nvme_secondary_list(ctrl, list, 150), 140);
	UNIT_EQ(list[0].id, 10);
	UNIT_EQ(list[0].online, false);
	UNIT_EQ(list[139].id, 10 + 3 * 139);
	UNIT_EQ(list[139].online, true);
	UNIT_EQ(list[139].vf, 140);
	UNIT_EQ(list[139].primary, 7);
	UNIT_EQ(list[139].queues, 2);
	UNIT_EQ(list[139].interrupts, 1);
	memset(list, 0, sizeof(list));
	UNIT_EQ(plx_nvme_secondary_list(ctrl, list, 2), 140);
	UNIT_EQ(list[1].id, 13);
	UNIT_EQ(list[2].id, 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 0);
	tear_down();
}

static void lie_lists(void)
{
	struct plx_nvme_secondary list[150];

	set_up();
	fill(3);
	fake.secondaries[2].scid = fake.secondaries[1].scid;
	UNIT_EQ(plx_nvme_secondary_list(ctrl, list, 150), -EPROTO);
	/* The same page again and again. */
	fill(127);
	fake.list_endless = true;
	UNIT_EQ(plx_nvme_secondary_list(ctrl, list, 150), -EPROTO);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 2);
	tear_down();
}

static bool too_many(const struct nvme_sqe *sqe)
{
	uint8_t *page = (uint8_t *)(uintptr_t)(le64toh(sqe->prp1) - plx_iova_delta);
	unsigned int i;

	if (sqe->opcode != NVME_ADMIN_IDENTIFY)
		return false;
	page[0] = 255;
	for (i = 0; i < NVME_SECONDARIES; i++)
		page[32 + 32 * i] = (uint8_t)(i + 1);
	fake_complete(0, le16toh(sqe->cid), 0, 0);
	return true;
}

static void lie_more_than_a_page(void)
{
	struct plx_nvme_secondary list[300];

	set_up();
	fake.on_admin = too_many;
	UNIT_EQ(plx_nvme_secondary_list(ctrl, list, 300), -EPROTO);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 1);
	fake.on_admin = NULL;
	tear_down();
}

static void changes(void)
{
	uint16_t got = 0;

	set_up();
	fake.manage_value = 2;
	UNIT_EQ(plx_nvme_virt_assign(ctrl, 0x123, PLX_NVME_RESOURCE_INTERRUPTS, 3, &got), 0);
	UNIT_EQ(got, 2);
	UNIT_EQ(fake.last_manage.opcode, 0x1c);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 0x01230108);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 3);
	UNIT_EQ(plx_nvme_virt_allocate(ctrl, PLX_NVME_RESOURCE_QUEUES, 5, NULL), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 0x00070001);
	UNIT_EQ(plx_nvme_virt_online(ctrl, 4), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 0x00040009);
	UNIT_EQ(plx_nvme_virt_offline(ctrl, 4), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 0x00040007);
	UNIT_EQ(plx_nvme_virt_assign(ctrl, 1, (enum plx_nvme_resource)2, 1, &got), -EINVAL);
	UNIT_EQ(plx_nvme_virt_allocate(ctrl, (enum plx_nvme_resource)2, 1, &got), -EINVAL);
	fake.failing_opcode = NVME_ADMIN_VIRTUALIZATION;
	fake.failing_status = PLX_NVME_INVALID_FIELD;
	UNIT_EQ(plx_nvme_virt_assign(ctrl, 1, PLX_NVME_RESOURCE_QUEUES, 1, &got), -EINVAL);
	UNIT_EQ(got, 0);
	tear_down();
}

static void no_virtual_functions(void)
{
	struct plx_nvme_secondary list[1];
	struct plx_nvme_virt virt;

	fake_defaults();
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	UNIT_EQ(plx_nvme_virt_get(ctrl, &virt), -ENOTSUP);
	UNIT_EQ(plx_nvme_secondary_list(ctrl, list, 1), -ENOTSUP);
	UNIT_EQ(plx_nvme_virt_online(ctrl, 1), -ENOTSUP);
	tear_down();
}

CU_TestInfo virt_tests[] = {
	{"capabilities", capabilities},
	{"secondary controllers", secondaries},
	{"lie: lists", lie_lists},
	{"lie: more than a page", lie_more_than_a_page},
	{"changes", changes},
	{"no virtual functions", no_virtual_functions},
	CU_TEST_INFO_NULL,
};
