/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of the vmxnet3 driver: the program, and the port that the suites share (fixture.h). */
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

uint32_t pool_free(void)
{
	return plx_mempool_available(&fx.pool->objs);
}

static void fixture_port(uint16_t mtu)
{
	struct plx_port *port = &fx.port.base;

	port->driver = &plx_net_vmxnet3;
	port->event_fd = -1;
	port->wake_fd = -1;
	port->config.pool = fx.pool;
	port->config.tag = 5;
	port->settings.mtu = mtu;
	port->info.rx_queues = 1;
	port->info.tx_queues = 1;
	port->info.rx_descs = DESCS;
	port->info.tx_descs = DESCS;
	port->info.node = PLX_NODE_ANY;
	strcpy(port->info.name, "fake");
	port->rxqs = fx.rxqs;
	port->txqs = fx.txqs;
	fx.rxqs[0] = &fx.rxq.base;
	fx.txqs[0] = &fx.txq.base;
	fx.rxq.base.port = port;
	fx.txq.base.port = port;
	fx.port.bar0 = fx.bar0;
	fx.port.bar1 = fx.bar1;
}

void fixture_up(uint16_t mtu)
{
	struct plx_pktbuf_pool_config config = {.count = POOL_BUFS};

	memset(&fx, 0, sizeof(fx));
	fx.pool = plx_pktbuf_pool_open(&config);
	fx.bar0 = calloc(1, VMXNET3_BAR_SIZE);
	fx.bar1 = calloc(1, VMXNET3_BAR_SIZE);
	CU_ASSERT_FATAL(fx.pool && fx.bar0 && fx.bar1);
	fixture_port(mtu);
	UNIT_EQ(vmxnet3_hw_alloc(&fx.port), 0);
	UNIT_EQ(vmxnet3_rings_alloc(&fx.port), 0);
	fx.port.base.state = PLX_PORT_STARTED;
	fx.rxq.base.burst = vmxnet3_rx_burst;
	fx.txq.base.burst = vmxnet3_tx_burst;
}

void fixture_down(void)
{
	vmxnet3_rings_free(&fx.port);
	vmxnet3_hw_free(&fx.port);
	UNIT_EQ(pool_free(), POOL_BUFS);
	UNIT_EQ(plx_mempool_audit(&fx.pool->objs), 0);
	UNIT_EQ(plx_pktbuf_pool_close(fx.pool), 0);
	free(fx.bar0);
	free(fx.bar1);
}

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"rx", fixture_eal_up, fixture_eal_down, NULL, NULL, rx_tests},
		{"tx", fixture_eal_up, fixture_eal_down, NULL, NULL, tx_tests},
		{"hw", fixture_eal_up, fixture_eal_down, NULL, NULL, hw_tests},
		{"lies", fixture_eal_up, fixture_eal_down, NULL, NULL, lie_tests},
		CU_SUITE_INFO_NULL,
	};

	return unit_run(suites);
}
