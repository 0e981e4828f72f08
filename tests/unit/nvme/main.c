/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of the NVMe driver, and of what plx-nvme measures and verifies with. */
#include <pollux/log.h>

#include "fake.h"
#include "runner.h"

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"prp", NULL, NULL, NULL, NULL, prp_tests},
		{"status", NULL, NULL, NULL, NULL, status_tests},
		{"identify", NULL, NULL, NULL, NULL, identify_tests},
		{"qpair", fake_eal_up, fake_eal_down, NULL, NULL, qpair_tests},
		{"controller", fake_eal_up, fake_eal_down, NULL, NULL, controller_tests},
		{"namespace", fake_eal_up, fake_eal_down, NULL, NULL, namespace_tests},
		{"ctrl_life", fake_eal_up, fake_eal_down, NULL, NULL, ctrl_life_tests},
		{"event", fake_eal_up, fake_eal_down, NULL, NULL, event_tests},
		{"recover", fake_eal_up, fake_eal_down, NULL, NULL, recover_tests},
		{"zns", fake_eal_up, fake_eal_down, NULL, NULL, zns_tests},
		{"tune", fake_eal_up, fake_eal_down, NULL, NULL, tune_tests},
		{"virt", fake_eal_up, fake_eal_down, NULL, NULL, virt_tests},
		{"directive", fake_eal_up, fake_eal_down, NULL, NULL, directive_tests},
		{"cmb", fake_eal_up, fake_eal_down, NULL, NULL, cmb_tests},
		{"group", fake_eal_up, fake_eal_down, NULL, NULL, group_tests},
		{"cmd", fake_eal_up, fake_eal_down, NULL, NULL, cmd_tests},
		{"transfer", fake_eal_up, fake_eal_down, NULL, NULL, transfer_tests},
		{"pi", fake_eal_up, fake_eal_down, NULL, NULL, pi_tests},
		{"manage", fake_eal_up, fake_eal_down, NULL, NULL, manage_tests},
		{"passthru", fake_eal_up, fake_eal_down, NULL, NULL, passthru_tests},
		{"lies", fake_eal_up, fake_eal_down, NULL, NULL, lies_tests},
		{"lies_io", fake_eal_up, fake_eal_down, NULL, NULL, lies_io_tests},
		{"log", NULL, NULL, NULL, NULL, log_tests},
		{"pool", fake_eal_up, fake_eal_down, NULL, NULL, pool_tests},
		{"latency", NULL, NULL, NULL, NULL, latency_tests},
		{"pattern", NULL, NULL, NULL, NULL, pattern_tests},
		CU_SUITE_INFO_NULL,
	};

	/* Thousands of lies would be told of. */
	plx_log_set_levels("off");
	return unit_run(suites);
}
