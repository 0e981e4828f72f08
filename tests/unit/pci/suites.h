/* SPDX-License-Identifier: BSD-3-Clause */
/* The suites of the pci program; all but addr and caps run in the machine of fake.h. */
#ifndef POLLUX_TESTS_PCI_SUITES_H
#define POLLUX_TESTS_PCI_SUITES_H

#include <CUnit/CUnit.h>

extern CU_TestInfo addr_tests[], caps_tests[], scan_tests[], hotplug_tests[], use_tests[],
	bind_tests[], state_tests[], config_tests[];

#endif /* POLLUX_TESTS_PCI_SUITES_H */
