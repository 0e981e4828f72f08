/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/manage.c, and of handles when namespaces change. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/nvme_pi.h>

#include "fake.h"
#include "runner.h"

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_qpair *qp;

static void open_ctrl(void)
{
	unsigned int i;

	fake_defaults();
	for (i = 0; i < FAKE_NAMESPACES; i++) {
		fake.ns[i].nlbaf = 2;
		fake.ns[i].lbaf[1].lbads = 12;
		fake.ns[i].lbaf[2] = (struct nvme_lbaf){.lbads = 9, .ms = htole16(8)};
	}
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	qp = plx_nvme_qpair_open(ctrl, NULL);
}

static void close_ctrl(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

/* The errno of a plain read of a handle that is not let through, or 0. */
static int plain_read(struct plx_nvme_ns *ns)
{
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	int err;

	/* Beyond its end, so that no data is moved. */
	plx_nvme_read(&req, ns, FAKE_BLOCKS, 1, 0x1000);
	err = plx_nvme_qpair_submit(qp, reqs, 1);
	while (plx_nvme_in_flight(&req))
		fake_poll(qp);
	return err < 0 ? err : 0;
}

static void format(void)
{
	struct plx_nvme_format f = {.format = 1};
	struct plx_nvme_ns *ns;

	open_ctrl();
	ns = plx_nvme_ns_open(ctrl, 2);
	UNIT_EQ(plx_nvme_ns_info(ns)->block_size, 512);
	UNIT_EQ(plx_nvme_format(ctrl, 2, &f), 0);
	UNIT_EQ(plx_nvme_ns_info(ns)->block_size, 4096);
	UNIT_EQ(plx_nvme_ns_block_shift(ns), 12);
	UNIT_EQ(plain_read(ns), 0);
	/* With metadata the handle is for commands only, and without it for all again. */
	f = (struct plx_nvme_format){.format = 2,
				     .protection = 1,
				     .metadata_extended = true,
				     .protection_first = true,
				     .secure_erase = 2};
	UNIT_EQ(plx_nvme_format(ctrl, 2, &f), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 2u | 0x10 | 1 << 5 | 0x100 | 2 << 9);
	UNIT_EQ(plx_nvme_ns_info(ns)->metadata_size, 8);
	CU_ASSERT_TRUE(plx_nvme_ns_info(ns)->protection_first);
	UNIT_EQ(plain_read(ns), -EINVAL);
	CU_ASSERT_PTR_EQUAL(plx_nvme_ns_open_metadata(ctrl, 2), ns);
	f = (struct plx_nvme_format){0};
	UNIT_EQ(plx_nvme_format(ctrl, PLX_NVME_NS_ALL, &f), 0);
	UNIT_EQ(plain_read(ns), 0);
	f.format = 64;
	UNIT_EQ(plx_nvme_format(ctrl, 2, &f), -EINVAL);
	f = (struct plx_nvme_format){.protection = 4};
	UNIT_EQ(plx_nvme_format(ctrl, 2, &f), -EINVAL);
	UNIT_EQ(plx_nvme_format(ctrl, 0, &f), -EINVAL);
	close_ctrl();
}

static void attachment(void)
{
	struct plx_nvme_ns *ns;

	open_ctrl();
	ns = plx_nvme_ns_open(ctrl, 3);
	UNIT_EQ(plain_read(ns), 0);
	UNIT_EQ(plx_nvme_ns_attach(ctrl, 3), -EEXIST);
	UNIT_EQ(plx_nvme_ns_detach(ctrl, 3), 0);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 2), 0);
	UNIT_EQ(plain_read(ns), -ESTALE);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 3));
	UNIT_EQ(plx_nvme_ns_detach(ctrl, 3), -ENOENT);
	UNIT_EQ(plx_nvme_ns_detach(ctrl, 1), -ENODEV);
	UNIT_EQ(plx_nvme_ns_attach(ctrl, 3), 0);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 2), 3);
	/* A new handle; the old one is still refused. */
	UNIT_EQ(plain_read(plx_nvme_ns_open(ctrl, 3)), 0);
	UNIT_EQ(plain_read(ns), -ESTALE);
	/* By someone else. */
	fake.list[1] = htole32(3);
	fake.list[2] = 0;
	UNIT_EQ(plx_nvme_ns_rescan(ctrl), 0);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 1), 3);
	close_ctrl();
}

static void create_and_delete(void)
{
	struct plx_nvme_ns_create c = {.blocks = 1000,
				       .capacity = 900,
				       .format = 2,
				       .shared = true,
				       .metadata_extended = true,
				       .protection = 2};
	uint32_t nsid = 0;

	open_ctrl();
	UNIT_EQ(plx_nvme_ns_create(ctrl, &c, &nsid), 0);
	UNIT_EQ(nsid, 77);
	UNIT_EQ(le64toh(fake.created.nsze), 1000);
	UNIT_EQ(le64toh(fake.created.ncap), 900);
	UNIT_EQ(fake.created.flbas, 0x12);
	UNIT_EQ(fake.created.dps, 2);
	UNIT_EQ(fake.created.nmic, 1);
	c.capacity = 0;
	UNIT_EQ(plx_nvme_ns_create(ctrl, &c, &nsid), 0);
	UNIT_EQ(le64toh(fake.created.ncap), 1000);
	c.blocks = 0;
	UNIT_EQ(plx_nvme_ns_create(ctrl, &c, &nsid), -EINVAL);
	UNIT_EQ(plx_nvme_ns_delete(ctrl, 77), 0);
	UNIT_EQ(le32toh(fake.last_manage.nsid), 77);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 1);
	close_ctrl();
}

static void firmware(void)
{
	static uint8_t image[12292];
	size_t i;

	open_ctrl();
	for (i = 0; i < sizeof(image); i++)
		image[i] = (uint8_t)(i ^ i >> 8);
	UNIT_EQ(plx_nvme_firmware_download(ctrl, image, sizeof(image)), 0);
	UNIT_EQ(memcmp(image, fake.firmware, sizeof(image)), 0);
	UNIT_EQ(plx_nvme_firmware_download(ctrl, image, 6), -EINVAL);
	UNIT_EQ(plx_nvme_firmware_download(ctrl, image, 0), -EINVAL);
	UNIT_EQ(plx_nvme_firmware_commit(ctrl, 2, PLX_NVME_FIRMWARE_STORE_ACTIVATE), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 2 | 1 << 3);
	fake.commit_status = 0x111;
	UNIT_EQ(plx_nvme_firmware_commit(ctrl, 0, PLX_NVME_FIRMWARE_ACTIVATE), 1);
	fake.commit_status = 0x107;
	UNIT_EQ(plx_nvme_firmware_commit(ctrl, 0, PLX_NVME_FIRMWARE_ACTIVATE), -EINVAL);
	UNIT_EQ(plx_nvme_firmware_commit(ctrl, 8, PLX_NVME_FIRMWARE_ACTIVATE), -EINVAL);
	close_ctrl();
}

static void sanitize(void)
{
	struct plx_nvme_sanitize s = {.action = PLX_NVME_SANITIZE_OVERWRITE,
				      .passes = 16,
				      .pattern = 0xdeadbeef,
				      .no_deallocate = true};
	struct plx_nvme_sanitize_status status;

	open_ctrl();
	UNIT_EQ(plx_nvme_sanitize(ctrl, &s), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 3 | 0x200);
	UNIT_EQ(le32toh(fake.last_manage.cdw11), 0xdeadbeef);
	s = (struct plx_nvme_sanitize){.action = PLX_NVME_SANITIZE_BLOCK_ERASE,
				       .unrestricted_exit = true};
	UNIT_EQ(plx_nvme_sanitize(ctrl, &s), 0);
	UNIT_EQ(le32toh(fake.last_manage.cdw10), 2 | 0x8 | 0x10);
	s.passes = 17;
	UNIT_EQ(plx_nvme_sanitize(ctrl, &s), -EINVAL);
	s = (struct plx_nvme_sanitize){0};
	UNIT_EQ(plx_nvme_sanitize(ctrl, &s), -EINVAL);
	/* The fake's logs: each byte is the log's id. */
	UNIT_EQ(plx_nvme_sanitize_status(ctrl, &status), 0);
	UNIT_EQ(status.progress, 0x8181);
	UNIT_EQ(status.state, 1);
	close_ctrl();
}

CU_TestInfo manage_tests[] = {
	{"format", format},
	{"attachment", attachment},
	{"create and delete", create_and_delete},
	{"firmware", firmware},
	{"sanitize", sanitize},
	CU_TEST_INFO_NULL,
};
