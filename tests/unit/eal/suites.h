/* SPDX-License-Identifier: BSD-3-Clause */
/* The suites of the eal program. */
#ifndef POLLUX_TESTS_EAL_SUITES_H
#define POLLUX_TESTS_EAL_SUITES_H

#include <CUnit/CUnit.h>

extern CU_TestInfo argp_tests[], clock_tests[], eal_tests[], heap_tests[], lcores_tests[],
	log_tests[], loop_tests[], mem_tests[], parse_tests[], ranges_tests[], register_tests[],
	refused_tests[], segments_tests[], telemetry_tests[], peer_tests[], window_tests[];

/* Fixture of telemetry.c: a name, and a place for it. */
int telemetry_up(void);
int telemetry_down(void);
int peer_up(void);

#endif /* POLLUX_TESTS_EAL_SUITES_H */
