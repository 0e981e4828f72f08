/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of lib/pci. */
#include "fake.h"
#include "runner.h"
#include "suites.h"

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"addr", NULL, NULL, NULL, NULL, addr_tests},
		{"caps", NULL, NULL, NULL, NULL, caps_tests},
		{"config", fake_up, fake_down, NULL, NULL, config_tests},
		{"scan", fake_up, fake_down, NULL, NULL, scan_tests},
		{"hotplug", NULL, NULL, NULL, NULL, hotplug_tests},
		{"use", fake_up, fake_down, NULL, NULL, use_tests},
		{"state", fake_up, fake_down, NULL, NULL, state_tests},
		{"bind", fake_up, fake_down, NULL, NULL, bind_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
