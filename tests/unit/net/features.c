/* SPDX-License-Identifier: BSD-3-Clause */
/* drivers/net/FEATURES.md is what `plx-testpmd --features` prints of the drivers' tables. */
#include <stdio.h>
#include <string.h>

#include <pollux/net.h>

#include "runner.h"
#include "suites.h"

#define LINE 512

/* One row of the matrix; feature PLX_PORT_FEATURE_COUNT: the heading. */
static void row(unsigned int feature, char line[LINE])
{
	const char *name = plx_port_feature_name(feature), *driver;
	uint64_t features;
	unsigned int i;
	size_t n;

	n = (size_t)snprintf(line, LINE, "| %s |", name ? name : "feature");
	for (i = 0; (driver = plx_net_driver_get(i, &features)); i++)
		n += (size_t)snprintf(line + n, LINE - n, " %s |",
				      !name			? driver
				      : features >> feature & 1 ? "yes"
								: "");
	snprintf(line + n, LINE - n, "\n");
}

static void matrix_in_docs(void)
{
	FILE *file = fopen(PLX_SOURCE_ROOT "/drivers/net/FEATURES.md", "r");
	char line[LINE], expected[LINE];
	unsigned int i;

	CU_ASSERT_FATAL(file != NULL);
	row(PLX_PORT_FEATURE_COUNT, expected);
	UNIT_STR(fgets(line, LINE, file), expected);
	CU_ASSERT(fgets(line, LINE, file) != NULL);
	for (i = 0; i < PLX_PORT_FEATURE_COUNT; i++) {
		row(i, expected);
		UNIT_STR(fgets(line, LINE, file), expected);
	}
	CU_ASSERT(fgets(line, LINE, file) == NULL);
	fclose(file);
}

CU_TestInfo features_tests[] = {
	{"drivers/net/FEATURES.md is that of the code", matrix_in_docs},
	CU_TEST_INFO_NULL,
};
