/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/argp.c: the EAL's options as a child of another parser. */
#include <pollux/eal.h>

#include <errno.h>
#include <string.h>

#include "runner.h"
#include "suites.h"

static error_t parse_own(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

static int parse(struct plx_eal_config *config, int argc, char **argv)
{
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {.parser = parse_own, .children = children};

	*config = (struct plx_eal_config){0};
	return argp_parse(&argp, argc, argv, ARGP_NO_EXIT | ARGP_NO_ERRS, NULL, config);
}

static int parse_one(const char *option)
{
	char text[64], name[] = "test", *argv[] = {name, text, NULL};
	struct plx_eal_config config;

	strcpy(text, option);
	return parse(&config, 2, argv);
}

static void nothing(void)
{
	char name[] = "test", *argv[] = {name, NULL};
	struct plx_eal_config config, zero = {0};

	UNIT_EQ(parse(&config, 1, argv), 0);
	UNIT_EQ(memcmp(&config, &zero, sizeof(zero)), 0);
}

static void all(void)
{
	char args[][32] = {"test",
			   "--lcores=0,1",
			   "--main-lcore",
			   "1",
			   "--mem=64M",
			   "--mem-limit=1G",
			   "--page-size=2M",
			   "--no-huge",
			   "--require-huge",
			   "--va-base=0x2000000000",
			   "--log-level=info",
			   "--eal=dpdk",
			   "--eal-args=-a x",
			   "--single-file-segments"};
	char *argv[sizeof(args) / sizeof(args[0]) + 1] = {NULL};
	struct plx_eal_config config;
	size_t i;

	for (i = 0; i < sizeof(args) / sizeof(args[0]); i++)
		argv[i] = args[i];
	UNIT_EQ(parse(&config, (int)i, argv), 0);
	UNIT_STR(config.lcores, "0,1");
	UNIT_STR(config.main_lcore, "1");
	UNIT_EQ(config.mem_bytes, 64 << 20);
	UNIT_EQ(config.mem_limit, 1 << 30);
	UNIT_EQ(config.page_size, 2 << 20);
	UNIT_EQ(config.no_huge, true);
	UNIT_EQ(config.require_huge, true);
	UNIT_EQ(config.va_base, 0x2000000000);
	UNIT_STR(config.log_levels, "info");
	UNIT_STR(config.backend, "dpdk");
	UNIT_STR(config.backend_args, "-a x");
	UNIT_EQ(config.single_file_segments, true);
}

static void bad(void)
{
	UNIT_EQ(parse_one("--mem=a lot"), EINVAL);
	UNIT_EQ(parse_one("--mem="), EINVAL);
	UNIT_EQ(parse_one("--mem-limit=-1"), EINVAL);
	UNIT_EQ(parse_one("--page-size=2X"), EINVAL);
	UNIT_EQ(parse_one("--va-base=here"), EINVAL);
	UNIT_EQ(parse_one("--va-base=-1"), EINVAL);
	UNIT_EQ(parse_one("--va-base= -1"), EINVAL);
	UNIT_EQ(parse_one("--va-base="), EINVAL);
	UNIT_EQ(parse_one("--va-base=0x10000000000000000"), EINVAL);
	UNIT_EQ(parse_one("--no-huge=yes"), EINVAL);
	UNIT_EQ(parse_one("--lcores"), EINVAL);
}

CU_TestInfo argp_tests[] = {
	{"no option leaves all zero", nothing},
	{"each option", all},
	{"bad values are errors", bad},
	CU_TEST_INFO_NULL,
};
