/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A vmxnet3 port over registers that are plain memory: the test plays the device. Each test gets a
 * fresh pool and fresh rings, and at its end every packet buffer must be back, once.
 */
#ifndef POLLUX_TESTS_VMXNET3_FIXTURE_H
#define POLLUX_TESTS_VMXNET3_FIXTURE_H

#include <CUnit/CUnit.h>

#include "net/vmxnet3/vmxnet3.h"

#define DESCS	  128
#define POOL_BUFS 1024
#define OWNED	  (DESCS - VMXNET3_REFILL) /* what the device has after start, of each ring */
#define JUMBO	  9000

struct fixture {
	struct plx_pktbuf_pool *pool;
	struct vmxnet3_port port;
	struct vmxnet3_rxq rxq;
	struct vmxnet3_txq txq;
	struct plx_rxq *rxqs[1];
	struct plx_txq *txqs[1];
	char *bar0, *bar1;
	/* Where the "device" stands: completions written, buffers taken from heads and bodies. */
	uint32_t rx_comps, heads, bodies;
	uint32_t tx_comps;
};

extern struct fixture fx;

int fixture_eal_up(void);
int fixture_eal_down(void);
void fixture_up(uint16_t mtu);
void fixture_down(void);
uint32_t pool_free(void);

#define WITH_FIXTURE_MTU(test, mtu)                                                                \
	static void test##_fx(void)                                                                \
	{                                                                                          \
		fixture_up(mtu);                                                                   \
		test();                                                                            \
		fixture_down();                                                                    \
	}
#define WITH_FIXTURE(test) WITH_FIXTURE_MTU(test, PLX_MTU_DEFAULT)

extern CU_TestInfo rx_tests[], tx_tests[], hw_tests[], lie_tests[];

#endif /* POLLUX_TESTS_VMXNET3_FIXTURE_H */
