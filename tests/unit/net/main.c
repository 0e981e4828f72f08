/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of lib/net, and of plx-l2fwd's port map. The EAL runs on small pages. */
#include "runner.h"

#include "suites.h"

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"mempool", net_eal_up, net_eal_down, NULL, NULL, mempool_tests},
		{"pktbuf", net_eal_up, net_eal_down, NULL, NULL, pktbuf_tests},
		{"port", net_eal_up, net_eal_down, NULL, NULL, port_tests},
		{"port operations", net_eal_up, net_eal_down, NULL, NULL, port_ops_tests},
		{"portmap", NULL, NULL, NULL, NULL, portmap_tests},
		{"features", NULL, NULL, NULL, NULL, features_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
