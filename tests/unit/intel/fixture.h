/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * An e1000e port over registers that are plain memory: the test plays the device. Each test gets a
 * fresh pool and fresh rings, and at its end every packet buffer must be back, once.
 */
#ifndef POLLUX_TESTS_INTEL_FIXTURE_H
#define POLLUX_TESTS_INTEL_FIXTURE_H

#include <CUnit/CUnit.h>

#include "net/intel/intel.h"

#define DESCS	  128
#define POOL_BUFS 1024

struct fixture {
	struct plx_pktbuf_pool *pool;
	struct intel_port port;
	struct intel_rxq rxq;
	struct intel_txq txq;
	struct plx_rxq *rxqs[1];
	struct plx_txq *txqs[1];
	char *bar;
	uint32_t given; /* descriptors the "device" has filled so far */
};

extern struct fixture fx;

int fixture_eal_up(void);
int fixture_eal_down(void);
/** data_size: of the pool's buffers. */
void fixture_up(uint16_t data_size);
void fixture_down(void);

/** A register as the driver left it; and what it shall read. */
uint32_t reg_get(uint32_t reg);
void reg_set(uint32_t reg, uint32_t value);
/** From now on these bits of a register read as 0 and 1; reg 0: no more. */
void reg_stuck(uint32_t reg, uint32_t zero, uint32_t one);
/** Free buffers in the pool, for the balance. */
uint32_t pool_free(void);

#define WITH_FIXTURE(test)                                                                         \
	static void test##_fx(void)                                                                \
	{                                                                                          \
		fixture_up(PLX_PKTBUF_DATA);                                                       \
		test();                                                                            \
		fixture_down();                                                                    \
	}

extern CU_TestInfo rx_tests[], tx_tests[], hw_tests[], kind_tests[], offload_tests[], igbvf_tests[],
	lie_tests[];

#endif /* POLLUX_TESTS_INTEL_FIXTURE_H */
