/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of lib/vfio. */
#include "../pci/fake.h"
#include "runner.h"
#include "suites.h"

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"info", NULL, NULL, NULL, NULL, info_tests},
		{"maps", NULL, NULL, NULL, NULL, maps_tests},
		{"memlock", fake_up, fake_down, NULL, NULL, memlock_tests},
		{"as", as_up, as_down, NULL, NULL, as_tests},
		{"dev", fake_up, fake_down, NULL, NULL, dev_tests},
		{"region", fake_up, fake_down, NULL, NULL, region_tests},
		{"sigbus", NULL, NULL, NULL, NULL, sigbus_tests},
		{"irq", fake_up, fake_down, NULL, NULL, irq_tests},
		{"event", fake_up, fake_down, NULL, NULL, event_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
