/* SPDX-License-Identifier: BSD-3-Clause */
/* The suites of the vfio program. */
#ifndef POLLUX_TESTS_VFIO_SUITES_H
#define POLLUX_TESTS_VFIO_SUITES_H

#include <CUnit/CUnit.h>

int as_up(void);
int as_down(void);

extern CU_TestInfo dev_tests[], info_tests[], maps_tests[], memlock_tests[], as_tests[],
	region_tests[], sigbus_tests[], irq_tests[], event_tests[];

#endif /* POLLUX_TESTS_VFIO_SUITES_H */
