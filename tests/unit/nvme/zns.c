/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/zns.c, and of the namespace identifiers in identify.c. */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

#define ZONE 512u

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_ns *ns;

/* Namespace 2 is zoned: 8 zones of 512 blocks. */
static void zoned(void)
{
	fake_defaults();
	fake.cap |= NVME_CAP_CSS_SETS;
	fake.command_set[1] = PLX_NVME_CSI_ZNS;
	fake.zns.mar = htole32(5);
	fake.zns.mor = UINT32_MAX;
	fake.zns.ozcs = htole16(NVME_ZNS_READ_ACROSS);
	fake.zns.lbafe[0].zsze = htole64(ZONE);
	fake.zns.lbafe[0].zdes = 2;
	fake.zasl = 3;
}

static void set_up(void)
{
	zoned();
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	ns = plx_nvme_ns_open(ctrl, 2);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ns);
}

static void tear_down(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static void identified(void)
{
	struct plx_nvme_zns_info info;
	uint32_t cc;

	set_up();
	cc = plx_mmio_read32(fake.bar + NVME_CC);
	UNIT_EQ(NVME_GET(cc, NVME_CC_CSS), NVME_CC_CSS_SETS);
	UNIT_EQ(plx_nvme_zns_info(ns, &info), 0);
	UNIT_EQ(info.zone_blocks, ZONE);
	UNIT_EQ(info.zones, FAKE_BLOCKS / ZONE);
	UNIT_EQ(info.max_open, 0);
	UNIT_EQ(info.max_active, 6);
	UNIT_EQ(info.append_max_blocks, (4096 << 3) / 512);
	UNIT_EQ(info.extension_bytes, 128);
	UNIT_EQ(info.reads_cross, true);
	UNIT_EQ(plx_nvme_ns_info(ns)->uuid[15], 2);
	ns = plx_nvme_ns_open(ctrl, 1);
	UNIT_EQ(plx_nvme_zns_info(ns, &info), -ENOTSUP);
	UNIT_EQ(plx_nvme_ns_info(ns)->command_set, PLX_NVME_CSI_NVM);
	UNIT_EQ(plx_nvme_zones_parse(ns, &info, sizeof(info), NULL, 0), -ENOTSUP);
	/* What is open is still zoned after a new look. */
	ns = plx_nvme_ns_open(ctrl, 2);
	UNIT_EQ(plx_nvme_ns_rescan(ctrl), 0);
	UNIT_EQ(plx_nvme_zns_info(ns, &info), 0);
	tear_down();
}

static void refuse(int err, uint64_t lies)
{
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 2));
	UNIT_EQ(errno, err);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), lies);
	tear_down();
}

static void lies_of_identify(void)
{
	zoned();
	fake.zns.lbafe[0].zsze = 0;
	refuse(EPROTO, 1);
	zoned();
	fake.zns.lbafe[0].zsze = htole64(FAKE_BLOCKS + 1);
	refuse(EPROTO, 1);
	/* A command set that is not known. */
	zoned();
	fake.command_set[1] = 1;
	refuse(ENOTSUP, 0);
	zoned();
	fake.ns_id_length = 200;
	refuse(EPROTO, 1);
}

/* Lists of descriptors of every length: no byte beyond the page is looked at. */
static void lies_of_identifiers(void)
{
	struct plx_nvme_ns_info info = {0};
	uint8_t *list = malloc(NVME_IDENTIFY_BYTES);
	unsigned int len, type;

	set_up();
	for (type = 5; type < 256; type += 50)
		for (len = 0; len < 256; len++) {
			size_t at;

			memset(list, 0, NVME_IDENTIFY_BYTES);
			for (at = 0; at + 1 < NVME_IDENTIFY_BYTES; at += len + 4) {
				list[at] = (uint8_t)type;
				list[at + 1] = (uint8_t)len;
			}
			nvme_parse_ns_ids(ctrl, list, &info);
			UNIT_EQ(info.command_set, 0);
		}
	free(list);
	tear_down();
}

static void commands(void)
{
	struct plx_nvme_cmd cmd = {0};

	set_up();
	plx_nvme_zone_manage(&cmd, ns, 0x100000200, PLX_NVME_ZONE_RESET, PLX_NVME_ZONE_ONE);
	UNIT_EQ(cmd.req.opcode, 0x79);
	UNIT_EQ(cmd.nsid, 2);
	UNIT_EQ(cmd.cdw10, 0x200);
	UNIT_EQ(cmd.cdw11, 1);
	UNIT_EQ(cmd.cdw13, 4);
	plx_nvme_zone_manage(&cmd, ns, 0, PLX_NVME_ZONE_FINISH, PLX_NVME_ZONE_ALL);
	UNIT_EQ(cmd.cdw13, 0x102);
	plx_nvme_zone_report(&cmd, ns, 512, PLX_NVME_ZONES_FULL, 0x1000, 4096);
	UNIT_EQ(cmd.req.opcode, 0x7a);
	UNIT_EQ(cmd.cdw10, 512);
	UNIT_EQ(cmd.cdw12, 1023);
	UNIT_EQ(cmd.cdw13, 0x10500);
	UNIT_EQ(cmd.len, 4096);
	plx_nvme_zone_append(&cmd, ns, 512, 8, 0x1000);
	UNIT_EQ(cmd.req.opcode, 0x7d);
	UNIT_EQ(cmd.cdw12, 7);
	UNIT_EQ(cmd.len, 4096);
	tear_down();
}

static int appended_at(uint64_t where)
{
	struct plx_nvme_cmd cmd = {0};
	uint64_t lba;

	plx_nvme_zone_append(&cmd, ns, ZONE, 8, 0x1000);
	cmd.req.result = where;
	return plx_nvme_zone_appended(&cmd, ns, &lba);
}

static void lies_of_append(void)
{
	set_up();
	UNIT_EQ(appended_at(ZONE), 0);
	UNIT_EQ(appended_at(2 * ZONE - 8), 0);
	UNIT_EQ(appended_at(ZONE - 1), -EPROTO);
	UNIT_EQ(appended_at(2 * ZONE - 7), -EPROTO);
	UNIT_EQ(appended_at(2 * ZONE), -EPROTO);
	UNIT_EQ(appended_at(UINT64_MAX), -EPROTO);
	tear_down();
}

/* --- Reports -------------------------------------------------------------------------------- */

struct report {
	uint64_t count;
	uint8_t reserved[56];
	struct nvme_zone zones[3];
};

static struct report good_report(void)
{
	return (struct report){
		.count = htole64(3),
		.zones = {{.zt = 2, .zs = 0x10, .zcap = htole64(500)},
			  {.zt = 2,
			   .zs = 0x20,
			   .zcap = htole64(500),
			   .zslba = htole64(ZONE),
			   .wp = htole64(ZONE + 7)},
			  {.zt = 2,
			   .zs = 0xe0,
			   .zcap = htole64(500),
			   .zslba = htole64(2 * ZONE),
			   .wp = UINT64_MAX}},
	};
}

static int parse(const struct report *r, size_t len)
{
	struct plx_nvme_zone zones[3];

	return plx_nvme_zones_parse(ns, r, len, zones, 3);
}

static void reports(void)
{
	struct report r = good_report();
	struct plx_nvme_zone zones[3];

	set_up();
	UNIT_EQ(plx_nvme_zones_parse(ns, &r, sizeof(r), zones, 3), 3);
	UNIT_EQ(zones[0].written, 0);
	UNIT_EQ(zones[0].state, PLX_NVME_ZONE_IS_EMPTY);
	UNIT_EQ(zones[1].lba, ZONE);
	UNIT_EQ(zones[1].capacity, 500);
	UNIT_EQ(zones[1].written, 7);
	UNIT_EQ(zones[1].type, 2);
	UNIT_EQ(zones[2].written, 500);
	UNIT_STR(plx_nvme_zone_state_str(zones[2].state), "full");
	UNIT_STR(plx_nvme_zone_state_str(0), "unknown");
	UNIT_STR(plx_nvme_zone_state_str(255), "unknown");
	UNIT_EQ(plx_nvme_zones_parse(ns, &r, sizeof(r), zones, 2), 2);
	tear_down();
}

static void lies_of_reports(void)
{
	struct report r = good_report();

	set_up();
	UNIT_EQ(parse(&r, 63), -EINVAL);
	UNIT_EQ(parse(&r, sizeof(r) - 64), -EPROTO);
	r.count = UINT64_MAX;
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	r = good_report();
	r.zones[1].wp = htole64(ZONE + 501);
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	r.zones[1].wp = htole64(ZONE - 1);
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	r = good_report();
	r.zones[2].zslba = htole64(ZONE);
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	r = good_report();
	r.zones[2].zslba = htole64(FAKE_BLOCKS);
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	/* What is left behind the last whole zone is none. */
	ns->info.blocks = FAKE_BLOCKS + 1;
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	r = good_report();
	r.zones[2].zslba = htole64(2 * ZONE + 1);
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	r = good_report();
	r.zones[0].zcap = htole64(ZONE + 1);
	UNIT_EQ(parse(&r, sizeof(r)), -EPROTO);
	tear_down();
}

CU_TestInfo zns_tests[] = {
	{"identified", identified},
	{"lies of identify", lies_of_identify},
	{"lies of identifiers", lies_of_identifiers},
	{"commands", commands},
	{"lies of append", lies_of_append},
	{"reports", reports},
	{"lies of reports", lies_of_reports},
	CU_TEST_INFO_NULL,
};
