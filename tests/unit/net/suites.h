/* SPDX-License-Identifier: BSD-3-Clause */
/* The suites of the net program, and the EAL that they share. */
#ifndef POLLUX_TESTS_NET_SUITES_H
#define POLLUX_TESTS_NET_SUITES_H

#include <CUnit/CUnit.h>

/** Bring the EAL up without hugepages; 0, or what CUnit takes as a failed suite. */
int net_eal_up(void);
/** Take it down: fails if something was left open. */
int net_eal_down(void);

extern CU_TestInfo mempool_tests[], pktbuf_tests[], port_tests[], port_ops_tests[], portmap_tests[],
	features_tests[];

#endif /* POLLUX_TESTS_NET_SUITES_H */
