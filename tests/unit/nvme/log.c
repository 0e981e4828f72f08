/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/log.c: each field at its offset of the specification. */
#include <errno.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

/* Each byte of the page is its own offset, plus the upper half of it. */
static void fill(uint8_t *page, size_t len)
{
	size_t i;

	for (i = 0; i < len; i++)
		page[i] = (uint8_t)(i + (i >> 8));
}

static void smart(void)
{
	uint8_t page[PLX_NVME_LOG_SMART_BYTES] = {0};
	struct plx_nvme_smart s;

	fill(page, sizeof(page));
	plx_nvme_log_smart(page, &s);
	UNIT_EQ(s.critical_warning, 0);
	UNIT_EQ(s.temperature_k, 0x0201);
	UNIT_EQ(s.spare_percent, 3);
	UNIT_EQ(s.spare_threshold_percent, 4);
	UNIT_EQ(s.used_percent, 5);
	/* Beyond 64 bits. */
	UNIT_EQ(s.data_units_read, UINT64_MAX);
	UNIT_EQ(s.warning_temperature_minutes, 0xc3c2c1c0);
	UNIT_EQ(s.critical_temperature_minutes, 0xc7c6c5c4);
	UNIT_EQ(s.sensor_k[0], 0xc9c8);
	UNIT_EQ(s.sensor_k[7], 0xd7d6);
	memset(page, 0, sizeof(page));
	page[32] = 1;
	page[48] = 2;
	page[64] = 3;
	page[80] = 4;
	page[96] = 5;
	page[112] = 6;
	page[128] = 7;
	page[144] = 8;
	page[160] = 9;
	page[176] = 10;
	plx_nvme_log_smart(page, &s);
	UNIT_EQ(s.data_units_read, 1);
	UNIT_EQ(s.data_units_written, 2);
	UNIT_EQ(s.host_reads, 3);
	UNIT_EQ(s.host_writes, 4);
	UNIT_EQ(s.busy_minutes, 5);
	UNIT_EQ(s.power_cycles, 6);
	UNIT_EQ(s.power_on_hours, 7);
	UNIT_EQ(s.unsafe_shutdowns, 8);
	UNIT_EQ(s.media_errors, 9);
	UNIT_EQ(s.error_log_entries, 10);
}

static void error(void)
{
	uint8_t entry[PLX_NVME_LOG_ERROR_BYTES];
	struct plx_nvme_error e;

	fill(entry, sizeof(entry));
	plx_nvme_log_error(entry, &e);
	UNIT_EQ(e.count, 0x0706050403020100);
	UNIT_EQ(e.sqid, 0x0908);
	UNIT_EQ(e.cid, 0x0b0a);
	UNIT_EQ(e.status, 0x0d0c >> 1);
	UNIT_EQ(e.parameter, 0x0f0e);
	UNIT_EQ(e.lba, 0x1716151413121110);
	UNIT_EQ(e.nsid, 0x1b1a1918);
}

static void firmware(void)
{
	uint8_t page[PLX_NVME_LOG_FIRMWARE_BYTES] = {0x23};
	struct plx_nvme_firmware f;

	memcpy(page + 8, "1.0     ", 8);
	memcpy(page + 8 + 16, "12345678", 8);
	memcpy(page + 8 + 48, "a\nb\0\0\0\0\0", 8);
	UNIT_EQ(plx_nvme_log_firmware(page, &f), 0);
	UNIT_EQ(f.active, 3);
	UNIT_EQ(f.next, 2);
	UNIT_STR(f.revision[0], "1.0");
	UNIT_STR(f.revision[1], "");
	UNIT_STR(f.revision[2], "12345678");
	UNIT_STR(f.revision[6], "a?b");
	page[0] = 0;
	UNIT_EQ(plx_nvme_log_firmware(page, &f), -EPROTO);
}

static void changed_ns(void)
{
	static uint32_t ids[PLX_NVME_CHANGED_NS_MAX];
	static uint8_t page[PLX_NVME_LOG_CHANGED_NS_BYTES];

	UNIT_EQ(plx_nvme_log_changed_ns(page, ids), 0);
	page[0] = 4;
	page[5] = 1;
	UNIT_EQ(plx_nvme_log_changed_ns(page, ids), 2);
	UNIT_EQ(ids[0], 4);
	UNIT_EQ(ids[1], 256);
	memset(page, 1, sizeof(page));
	UNIT_EQ(plx_nvme_log_changed_ns(page, ids), PLX_NVME_CHANGED_NS_MAX);
	memset(page, 0xff, 4);
	UNIT_EQ(plx_nvme_log_changed_ns(page, ids), -EOVERFLOW);
}

static void effects(void)
{
	static uint8_t page[PLX_NVME_LOG_EFFECTS_BYTES];
	static struct plx_nvme_effects e;

	page[4 * 6] = 1;
	page[4 * 255 + 3] = 2;
	page[1024 + 4] = 3;
	page[1024 + 1020] = 4;
	page[2048] = 5;
	plx_nvme_log_effects(page, &e);
	UNIT_EQ(e.admin[6], 1);
	UNIT_EQ(e.admin[255], 0x02000000);
	UNIT_EQ(e.io[1], 3);
	UNIT_EQ(e.io[255], 4);
	UNIT_EQ(e.io[0], 0);
}

static void names(void)
{
	UNIT_STR(plx_nvme_feature_name(0x06), "volatile write cache");
	UNIT_STR(plx_nvme_feature_name(0x84), "namespace write protection");
	CU_ASSERT_PTR_NULL(plx_nvme_feature_name(0));
	CU_ASSERT_PTR_NULL(plx_nvme_feature_name(0x85));
	CU_ASSERT_PTR_NULL(plx_nvme_feature_name(0xff));
}

CU_TestInfo log_tests[] = {
	{"SMART", smart},	    {"error", error},	  {"firmware", firmware},
	{"changed ns", changed_ns}, {"effects", effects}, {"feature names", names},
	CU_TEST_INFO_NULL,
};
