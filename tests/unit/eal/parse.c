/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/parse.c: sizes and CPU lists. */
#include "eal/parse.h"

#include <errno.h>
#include <stdint.h>

#include <pollux/eal.h>

#include "runner.h"
#include "suites.h"

static size_t size_of(const char *text)
{
	size_t size = 1;

	UNIT_EQ(plx_parse_size(text, &size), 0);
	return size;
}

static void sizes(void)
{
	UNIT_EQ(size_of("0"), 0);
	UNIT_EQ(size_of("4096"), 4096);
	UNIT_EQ(size_of("4096B"), 4096);
	UNIT_EQ(size_of("2k"), 2048);
	UNIT_EQ(size_of("64M"), 64 << 20);
	UNIT_EQ(size_of("64MB"), 64 << 20);
	UNIT_EQ(size_of("2MiB"), 2 << 20);
	UNIT_EQ(size_of("1G"), 1 << 30);
	UNIT_EQ(size_of("3T"), 3ll << 40);
	UNIT_EQ(size_of("15E"), (long long)(15ull << 60));
	UNIT_EQ(size_of("18446744073709551615"), -1);
}

static void no_sizes(void)
{
	static const char *const bad[] = {"",
					  " 1",
					  "1 ",
					  "-1",
					  "+1",
					  "M",
					  "1X",
					  "1Mi",
					  "1MiX",
					  "1KK",
					  "0x10",
					  "1.5G",
					  "16E",
					  "18446744073709551616",
					  "99999999999999999999G"};
	size_t i, size = 42;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		UNIT_EQ(plx_parse_size(bad[i], &size), -EINVAL);
	UNIT_EQ(plx_parse_size(NULL, &size), -EINVAL);
	UNIT_EQ(size, 42);
}

static void cpu_lists(void)
{
	struct plx_cpu_set set;
	unsigned int twice;

	UNIT_EQ(plx_parse_cpu_list("0", &set, &twice), 0);
	UNIT_EQ(set.count, 1);
	UNIT_EQ(set.has[0], true);
	UNIT_EQ(plx_parse_cpu_list("7,0,2-5,255", &set, &twice), 0);
	UNIT_EQ(set.count, 7);
	UNIT_EQ(set.has[1], false);
	UNIT_EQ(set.has[2] && set.has[3] && set.has[4] && set.has[5] && set.has[7], true);
	UNIT_EQ(set.has[6], false);
	UNIT_EQ(set.has[255], true);
}

static void no_cpu_lists(void)
{
	static const char *const bad[] = {"",	 ",",	  "1,", ",1",  "1,,2",
					  "a",	 "1-",	  "-1", "5-2", "1-2-3",
					  "256", "0-256", "1 ", "0x1", "99999999999999999999"};
	struct plx_cpu_set set;
	unsigned int twice;
	size_t i;

	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		UNIT_EQ(plx_parse_cpu_list(bad[i], &set, &twice), -EINVAL);
	UNIT_EQ(plx_parse_cpu_list("0,3,1-3", &set, &twice), -EEXIST);
	UNIT_EQ(twice, 3);
	UNIT_EQ(plx_parse_cpu("12"), 12);
	UNIT_EQ(plx_parse_cpu("12,"), -EINVAL);
	UNIT_EQ(plx_parse_cpu(""), -EINVAL);
	UNIT_EQ(plx_parse_cpu("256"), -EINVAL);
}

static void node_limit_lists(void)
{
	static const char *const bad[] = {"",	       "0",	"0=",	"=1M", "0=1M,",
					  "0=1M,0=2M", "64=1M", "x=1M", "0=0", "-1=1M"};
	size_t limits[PLX_LIMIT_NODES], i;

	UNIT_EQ(plx_parse_node_limits(NULL, limits), 0);
	UNIT_EQ(limits[0], 0);
	UNIT_EQ(plx_parse_node_limits("0=512M,63=1G", limits), 0);
	UNIT_EQ(limits[0], 512 << 20);
	UNIT_EQ(limits[63], 1 << 30);
	UNIT_EQ(limits[1], 0);
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		UNIT_EQ(plx_parse_node_limits(bad[i], limits), -EINVAL);
}

CU_TestInfo parse_tests[] = {
	{"limits of nodes", node_limit_lists}, {"sizes", sizes},
	{"what is no size", no_sizes},	       {"CPU lists", cpu_lists},
	{"what is no CPU list", no_cpu_lists}, CU_TEST_INFO_NULL,
};
