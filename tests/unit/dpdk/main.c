/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of lib/dpdk in a process that has rte_eal up already, without hugepages. With them,
 * and with devices, see tests/vm/cases/dpdk-*. */
#include <stdio.h>
#include <stdlib.h>

#include <rte_eal.h>

#include "dpdk.h"
#include "runner.h"

int dpdk_up(void)
{
	const struct plx_eal_config config = {.backend = "dpdk", .no_huge = true};

	return plx_eal_init(&config);
}

int dpdk_down(void)
{
	return plx_eal_fini();
}

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"join", NULL, NULL, NULL, NULL, join_tests},
		{"bridge", dpdk_up, dpdk_down, NULL, NULL, bridge_tests},
		CU_SUITE_INFO_NULL,
	};
	static char words[][32] = {"unit-dpdk",
				   "--no-huge",
				   "--no-shconf",
				   "-m",
				   "128",
				   "--no-pci",
				   "--no-telemetry",
				   "--iova-mode=va",
				   "--log-level=lib.eal:warning"};
	char *argv[sizeof(words) / sizeof(words[0]) + 1] = {NULL};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++)
		argv[i] = words[i];
	if (rte_eal_init((int)i, argv) < 0)
		return EXIT_FAILURE;
	return unit_run(suites);
}
