/* SPDX-License-Identifier: BSD-3-Clause */
/* What the tests of lib/dpdk share. */
#ifndef POLLUX_TESTS_DPDK_DPDK_H
#define POLLUX_TESTS_DPDK_DPDK_H

#include <CUnit/CUnit.h>

#include <pollux/dpdk.h>
#include <pollux/eal.h>

extern CU_TestInfo join_tests[], bridge_tests[];

/** Suite fixture: the EAL on the rte_eal of this process. */
int dpdk_up(void);
int dpdk_down(void);

#endif /* POLLUX_TESTS_DPDK_DPDK_H */
