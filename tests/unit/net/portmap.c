/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-l2fwd's port map and port mask: what is taken, and that each mistake is named. */
#include <errno.h>
#include <string.h>

#include "../../../apps/plx-l2fwd/portmap.h"
#include "runner.h"
#include "suites.h"

static char why[160];
static int peer[PORTS_MAX];

static void good_maps(void)
{
	UNIT_EQ(portmap_parse("(0,1)", 2, 3, peer, why, sizeof(why)), 0);
	UNIT_EQ(peer[0], 1);
	UNIT_EQ(peer[1], 0);
	UNIT_EQ(peer[2], PORT_UNUSED);
	UNIT_EQ(portmap_parse(" ( 0 , 3 ) (2,1) ", 4, 0xf, peer, why, sizeof(why)), 0);
	UNIT_EQ(peer[3], 0);
	UNIT_EQ(peer[1], 2);
	UNIT_EQ(portmap_parse("(30,31)", 32, 0xc0000000, peer, why, sizeof(why)), 0);
	UNIT_EQ(peer[31], 30);
}

static void bad_maps(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"", "is not of the form"},
		{"0,1", "is not of the form"},
		{"(0,1", "is not of the form"},
		{"(0 1)", "is not of the form"},
		{"(0,1)x", "is not of the form"},
		{"(0,-1)", "is not of the form"},
		{"(0,99999999999999999999)", "is not of the form"},
		{"(,)", "is not of the form"},
		{"(0,0)", "paired with itself"},
		{"(0,4)", "there is no port 4"},
		{"(0,1)(1,2)", "port 1 is in two pairs"},
		{"(0,1)(2,0)", "port 0 is in two pairs"},
		{"(0,1)", "port 2 is in no pair"},
	};
	unsigned int i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		UNIT_EQ(portmap_parse(bad[i].text, 4, 0xf, peer, why, sizeof(why)), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, bad[i].why));
	}
	UNIT_EQ(portmap_parse("(0,1)", 4, 5, peer, why, sizeof(why)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "not in the port mask"));
}

static void default_pairs(void)
{
	UNIT_EQ(portmap_default(4, 0xf, peer, why, sizeof(why)), 0);
	UNIT_EQ(peer[0], 1);
	UNIT_EQ(peer[2], 3);
	UNIT_EQ(portmap_default(4, 0x9, peer, why, sizeof(why)), 0);
	UNIT_EQ(peer[0], 3);
	UNIT_EQ(peer[1], PORT_UNUSED);
	UNIT_EQ(portmap_default(3, 0x7, peer, why, sizeof(why)), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(why, "port 2 has no partner"));
	UNIT_EQ(portmap_default(1, 0x1, peer, why, sizeof(why)), -EINVAL);
}

static void masks(void)
{
	static const struct {
		const char *text, *why;
	} bad[] = {
		{"0", "no port is left"},     {"", "not a hexadecimal"},
		{"xyz", "not a hexadecimal"}, {"10", "more than the 4"},
		{"-1", "not a hexadecimal"},  {" 3", "not a hexadecimal"},
		{"3 ", "not a hexadecimal"},  {"fffffffffffffffff", "not a hexadecimal"},
	};
	uint32_t mask;
	unsigned int i;

	UNIT_EQ(portmask_parse("f", 4, &mask, why, sizeof(why)), 0);
	UNIT_EQ(mask, 0xf);
	UNIT_EQ(portmask_parse("0x5", 4, &mask, why, sizeof(why)), 0);
	UNIT_EQ(mask, 5);
	UNIT_EQ(portmask_parse("ffffffff", 32, &mask, why, sizeof(why)), 0);
	UNIT_EQ(mask, UINT32_MAX);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		UNIT_EQ(portmask_parse(bad[i].text, 4, &mask, why, sizeof(why)), -EINVAL);
		CU_ASSERT_PTR_NOT_NULL(strstr(why, bad[i].why));
	}
}

CU_TestInfo portmap_tests[] = {
	{"good port maps", good_maps},
	{"each bad port map is named", bad_maps},
	{"default pairs", default_pairs},
	{"port masks", masks},
	CU_TEST_INFO_NULL,
};
