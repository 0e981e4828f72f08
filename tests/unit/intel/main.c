/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Unit tests of Intel's gigabit NICs: the program, and the port that the suites share (fixture.h).
 */
#include <stdlib.h>
#include <string.h>

#include <pollux/eal.h>

#include "fixture.h"
#include "runner.h"

struct fixture fx;

int fixture_eal_up(void)
{
	struct plx_eal_config config = {.no_huge = true, .log_levels = "off"};

	return plx_eal_init(&config);
}

int fixture_eal_down(void)
{
	return plx_eal_fini();
}

uint32_t reg_get(uint32_t reg)
{
	return plx_mmio_read32(fx.bar + reg);
}

void reg_set(uint32_t reg, uint32_t value)
{
	plx_mmio_write32(fx.bar + reg, value);
}

uint32_t pool_free(void)
{
	return plx_mempool_available(&fx.pool->objs);
}

static void fixture_port(void)
{
	struct plx_port *port = &fx.port.base;

	port->driver = &intel_e1000e.driver;
	port->event_fd = -1;
	port->wake_fd = -1;
	port->config.pool = fx.pool;
	port->config.tag = 5;
	port->info.rx_queues = 1;
	port->info.tx_queues = 1;
	port->info.node = PLX_NODE_ANY;
	strcpy(port->info.name, "fake");
	port->rxqs = fx.rxqs;
	port->txqs = fx.txqs;
	fx.rxqs[0] = &fx.rxq.base;
	fx.txqs[0] = &fx.txq.base;
	fx.rxq.base.port = port;
	fx.txq.base.port = port;
	fx.port.bar = fx.bar;
}

void fixture_up(uint16_t data_size)
{
	struct plx_pktbuf_pool_config config = {.count = POOL_BUFS, .data_size = data_size};

	memset(&fx, 0, sizeof(fx));
	fx.pool = plx_pktbuf_pool_open(&config);
	fx.bar = calloc(1, INTEL_BAR_SIZE);
	CU_ASSERT_FATAL(fx.pool && fx.bar);
	fixture_port();
	UNIT_EQ(intel_rxq_alloc(&fx.rxq, DESCS), 0);
	UNIT_EQ(intel_txq_alloc(&fx.txq, DESCS), 0);
	UNIT_EQ(intel_rings_start(&fx.port), 0);
	fx.port.base.state = PLX_PORT_STARTED;
	fx.rxq.base.burst = intel_rx_burst_extended;
	fx.txq.base.burst = intel_tx_burst_data;
}

void fixture_down(void)
{
	intel_rxq_free(&fx.rxq);
	intel_txq_free(&fx.txq);
	UNIT_EQ(pool_free(), POOL_BUFS);
	UNIT_EQ(plx_mempool_audit(&fx.pool->objs), 0);
	UNIT_EQ(plx_pktbuf_pool_close(fx.pool), 0);
	free(fx.bar);
}

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"rx", fixture_eal_up, fixture_eal_down, NULL, NULL, rx_tests},
		{"tx", fixture_eal_up, fixture_eal_down, NULL, NULL, tx_tests},
		{"hw", fixture_eal_up, fixture_eal_down, NULL, NULL, hw_tests},
		{"kinds", fixture_eal_up, fixture_eal_down, NULL, NULL, kind_tests},
		{"offload", fixture_eal_up, fixture_eal_down, NULL, NULL, offload_tests},
		{"igbvf", fixture_eal_up, fixture_eal_down, NULL, NULL, igbvf_tests},
		{"lies", fixture_eal_up, fixture_eal_down, NULL, NULL, lie_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
