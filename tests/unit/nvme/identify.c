/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/identify.c: structures bounded (ABUSE C8, Identify). */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_ns_info ns;

static void set_up(void)
{
	fake_defaults();
	ctrl = calloc(1, sizeof(*ctrl));
	ctrl->info.page_size = 4096;
	ns = (struct plx_nvme_ns_info){.id = 1};
}

static void tear_down(void)
{
	free(ctrl);
	fake_end();
}

static int parse_ctrl(void)
{
	return nvme_parse_ctrl(ctrl, &fake.id);
}

static int parse_ns(void)
{
	return nvme_parse_ns(ctrl, &fake.ns[0], &ns);
}

/* --- Controller ----------------------------------------------------------------------------- */

static void names(void)
{
	set_up();
	memcpy(fake.id.fr, "A\x01\xff  \0 B", 8);
	UNIT_EQ(parse_ctrl(), 0);
	UNIT_STR(ctrl->info.serial, "PLX0001");
	UNIT_STR(ctrl->info.model, "Fake Controller");
	UNIT_STR(ctrl->info.firmware, "A??  ? B");
	UNIT_EQ(ctrl->info.vendor, 0x1b36);
	UNIT_EQ(ctrl->info.id, 7);
	UNIT_EQ(ctrl->info.volatile_cache, true);
	tear_down();
}

static void text_without_end(void)
{
	set_up();
	memset(fake.id.sn, 'S', sizeof(fake.id.sn));
	memset(fake.id.subnqn, 'n', sizeof(fake.id.subnqn));
	UNIT_EQ(parse_ctrl(), 0);
	UNIT_EQ(strlen(ctrl->info.serial), 20);
	UNIT_EQ(strlen(ctrl->info.subnqn), 223);
	tear_down();
}

static void transfer_limit(void)
{
	static const struct {
		uint8_t mdts;
		uint32_t bytes;
	} cases[] = {
		{0, 2u << 20}, {1, 8192},      {5, 128u << 10}, {8, 1u << 20},
		{9, 2u << 20}, {10, 2u << 20}, {31, 2u << 20},	{255, 2u << 20},
	};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up();
		fake.id.mdts = cases[i].mdts;
		UNIT_EQ(parse_ctrl(), 0);
		UNIT_EQ(ctrl->info.max_transfer, cases[i].bytes);
		tear_down();
	}
}

static void entry_sizes(void)
{
	static const uint8_t bad_sqes[] = {0x00, 0x77, 0x55, 0x67, 0xff, 0x56 & 0x0f};
	size_t i;

	for (i = 0; i < sizeof(bad_sqes); i++) {
		set_up();
		fake.id.sqes = bad_sqes[i];
		UNIT_EQ(parse_ctrl(), -EPROTO);
		UNIT_EQ(ctrl->lies[PLX_NVME_LIE_IDENTIFY], 1);
		tear_down();
	}
	set_up();
	fake.id.cqes = 0x55;
	UNIT_EQ(parse_ctrl(), -EPROTO);
	fake.id.cqes = 0x64;
	fake.id.sqes = 0x86;
	UNIT_EQ(parse_ctrl(), 0);
	tear_down();
}

static void no_namespaces(void)
{
	set_up();
	fake.id.nn = 0;
	UNIT_EQ(parse_ctrl(), -EPROTO);
	fake.id.nn = UINT32_MAX;
	UNIT_EQ(parse_ctrl(), 0);
	tear_down();
}

static void shutdown_time_is_bounded(void)
{
	set_up();
	fake.id.rtd3e = 0;
	UNIT_EQ(parse_ctrl(), 0);
	UNIT_EQ(ctrl->shutdown_ms, 1000);
	fake.id.rtd3e = UINT32_MAX;
	UNIT_EQ(parse_ctrl(), 0);
	UNIT_EQ(ctrl->shutdown_ms, 5000);
	tear_down();
}

/* --- Namespace ------------------------------------------------------------------------------ */

static void ns_as_specified(void)
{
	set_up();
	ctrl->info.max_transfer = 128 * 1024;
	fake.ns[0].nlbaf = 1;
	fake.ns[0].flbas = 1;
	fake.ns[0].lbaf[1].lbads = 12;
	fake.ns[0].noiob = htole16(16);
	fake.ns[0].mssrl = htole16(127);
	fake.ns[0].mcl = htole32(300);
	fake.ns[0].msrc = 255;
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.blocks, FAKE_BLOCKS);
	UNIT_EQ(ns.boundary_blocks, 16);
	UNIT_EQ(ns.copy_range_max, 127);
	UNIT_EQ(ns.copy_max, 300);
	UNIT_EQ(ns.copy_ranges_max, 256);
	UNIT_EQ(ns.block_size, 4096);
	UNIT_EQ(ns.max_blocks, 32);
	UNIT_EQ(ns.format, 1);
	UNIT_EQ(ns.format_count, 2);
	UNIT_EQ(ns.formats[0].block_size, 512);
	UNIT_EQ(ctrl->lies[PLX_NVME_LIE_IDENTIFY], 0);
	tear_down();
}

static void inactive(void)
{
	set_up();
	fake.ns[0].nsze = 0;
	UNIT_EQ(parse_ns(), -ENOENT);
	tear_down();
}

static void block_sizes(void)
{
	static const uint8_t bad[] = {0, 1, 8, 17, 31, 32, 63, 64, 255};
	size_t i;

	for (i = 0; i < sizeof(bad); i++) {
		set_up();
		fake.ns[0].lbaf[0].lbads = bad[i];
		UNIT_EQ(parse_ns(), -EPROTO);
		UNIT_EQ(ctrl->lies[PLX_NVME_LIE_IDENTIFY], 1);
		tear_down();
	}
}

static void format_index_past_the_list(void)
{
	set_up();
	fake.ns[0].flbas = 1;
	UNIT_EQ(parse_ns(), -EPROTO);
	fake.ns[0].flbas = 0;
	fake.ns[0].nlbaf = 64;
	UNIT_EQ(parse_ns(), -EPROTO);
	fake.ns[0].nlbaf = 255;
	UNIT_EQ(parse_ns(), -EPROTO);
	tear_down();
}

/* More than 16 formats: two more bits of the index. */
static void format_index_high_bits(void)
{
	set_up();
	fake.ns[0].nlbaf = 63;
	fake.ns[0].flbas = 0x0f | 0x60;
	fake.ns[0].lbaf[63].lbads = 9;
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.format, 63);
	/* With fewer they are reserved. */
	fake.ns[0].nlbaf = 0;
	fake.ns[0].flbas = 0x60;
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.format, 0);
	tear_down();
}

static void impossible_size(void)
{
	set_up();
	fake.ns[0].nsze = UINT64_MAX;
	UNIT_EQ(parse_ns(), -EPROTO);
	tear_down();
}

static void capacity_above_size(void)
{
	set_up();
	fake.ns[0].ncap = htole64(FAKE_BLOCKS + 1);
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ctrl->lies[PLX_NVME_LIE_IDENTIFY], 1);
	tear_down();
}

static void metadata_is_not_done(void)
{
	set_up();
	ctrl->info.max_transfer = 128 * 1024;
	fake.ns[0].lbaf[0].ms = UINT16_MAX;
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.max_blocks, 0);
	fake.ns[0].lbaf[0].ms = 0;
	fake.ns[0].dps = 3;
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.max_blocks, 0);
	tear_down();
}

static void blocks_of_a_request(void)
{
	set_up();
	ctrl->info.max_transfer = NVME_TRANSFER_MAX;
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.max_blocks, 4096);
	fake.ns[0].nsze = fake.ns[0].ncap = htole64(7);
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.max_blocks, 7);
	tear_down();
}

/* Any structures whatever. */
static void random_structures(void)
{
	unsigned int round;
	size_t i;

	set_up();
	srand(1);
	ctrl->info.max_transfer = 128 * 1024;
	for (round = 0; round < 20000; round++) {
		uint8_t *bytes = (uint8_t *)&fake.ns[0];

		for (i = 0; i < 384; i++)
			bytes[i] = (uint8_t)rand();
		if (parse_ns() == 0)
			CU_ASSERT(ns.block_size >= 512 && ns.block_size <= 65536 &&
				  ns.max_blocks <= 256);
		bytes = (uint8_t *)&fake.id;
		for (i = 0; i < 1024; i++)
			bytes[i] = (uint8_t)rand();
		parse_ctrl();
		ctrl->info.max_transfer = 128 * 1024;
	}
	tear_down();
}

/* --- Guards --------------------------------------------------------------------------------- */

static struct nvme_id_ns_nvm nvm;

static int parse_guards(uint32_t elbaf, uint8_t protection)
{
	fake.ns[0].nlbaf = 1;
	fake.ns[0].dps = protection;
	fake.ns[0].lbaf[0].ms = htole16(16);
	fake.ns[0].lbaf[1].lbads = 12;
	UNIT_EQ(parse_ns(), 0);
	UNIT_EQ(ns.guard_bits, 16);
	nvm = (struct nvme_id_ns_nvm){.elbaf = {htole32(elbaf), htole32(2 << 7 | 48)}};
	return nvme_parse_ns_nvm(ctrl, &nvm, &ns);
}

static void guards(void)
{
	static const struct {
		uint32_t elbaf;
		uint8_t guard, tag; /* guard 0: it cannot be */
	} cases[] = {
		{0, 16, 0},	     {32, 16, 32},	    {33, 0, 0},
		{1 << 7, 0, 0},	     {1 << 7 | 16, 32, 16}, {1 << 7 | 64, 32, 64},
		{1 << 7 | 65, 0, 0}, {2 << 7, 64, 0},	    {2 << 7 | 48, 64, 48},
		{2 << 7 | 49, 0, 0}, {3 << 7, 0, 0},	    {3 << 7 | 1, 0, 0},
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		set_up();
		UNIT_EQ(parse_guards(cases[i].elbaf, 1), cases[i].guard ? 0 : -EPROTO);
		UNIT_EQ(ns.guard_bits, cases[i].guard);
		UNIT_EQ(ns.storage_tag_bits, cases[i].tag);
		UNIT_EQ(ns.formats[1].guard_bits, 64);
		UNIT_EQ(ctrl->lies[PLX_NVME_LIE_IDENTIFY], cases[i].guard ? 0 : 1);
		/* Where there is no protection it does not matter. */
		UNIT_EQ(parse_guards(cases[i].elbaf, 0), 0);
		tear_down();
	}
}

CU_TestInfo identify_tests[] = {
	{"names", names},
	{"lie: text without end", text_without_end},
	{"transfer limit", transfer_limit},
	{"lie: entry sizes", entry_sizes},
	{"lie: number of namespaces", no_namespaces},
	{"lie: shutdown time", shutdown_time_is_bounded},
	{"namespace as specified", ns_as_specified},
	{"inactive namespace", inactive},
	{"lie: block sizes", block_sizes},
	{"lie: format index past the list", format_index_past_the_list},
	{"format index of more than 16", format_index_high_bits},
	{"lie: impossible size", impossible_size},
	{"lie: capacity above size", capacity_above_size},
	{"metadata is not done", metadata_is_not_done},
	{"blocks of a request", blocks_of_a_request},
	{"guards", guards},
	{"lie: random structures", random_structures},
	CU_TEST_INFO_NULL,
};
