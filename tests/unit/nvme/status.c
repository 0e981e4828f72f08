/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/status.c. */
#include <errno.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

static void in_words(void)
{
	UNIT_STR(plx_nvme_status_str(0), "success (0x0)");
	UNIT_STR(plx_nvme_status_str(0x4080), "LBA out of range (0x80, do not retry)");
	UNIT_STR(plx_nvme_status_str(0x3281), "unrecovered read error (0x281)");
	UNIT_STR(plx_nvme_status_str(0x7f1), "vendor specific status code 0xf1 (0x7f1)");
	CU_ASSERT_PTR_NOT_NULL(strstr(plx_nvme_status_str(PLX_NVME_ABORTED), "aborted"));
	UNIT_STR(plx_nvme_status_str(PLX_NVME_PENDING), "in flight");
}

static void as_errno(void)
{
	uint32_t status;

	UNIT_EQ(plx_nvme_status_errno(0), 0);
	UNIT_EQ(plx_nvme_status_errno(0x4001), -EOPNOTSUPP);
	UNIT_EQ(plx_nvme_status_errno(PLX_NVME_ABORTED), -ECANCELED);
	/* None but success is 0. */
	for (status = 1; status < 0x8000; status++)
		if (status & PLX_NVME_STATUS_MASK)
			CU_ASSERT(plx_nvme_status_errno(status) < 0);
}

CU_TestInfo status_tests[] = {
	{"in words", in_words},
	{"as errno", as_errno},
	CU_TEST_INFO_NULL,
};
