/* SPDX-License-Identifier: BSD-3-Clause */
/* vmxnet3's versions, address, shared area and counters, over registers that are plain memory: a
 * command reads back as itself. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>

#include "fixture.h"
#include "runner.h"

static void reg1_set(uint32_t reg, uint32_t value)
{
	plx_mmio_write32(fx.bar1 + reg, value);
}

static uint32_t reg1_get(uint32_t reg)
{
	return plx_mmio_read32(fx.bar1 + reg);
}

static void versions(void)
{
	static const struct {
		uint32_t vrrs, uvrs;
		int err;
	} cases[] = {
		{1, 1, 0},
		{0xff, 3, 0},
		{0, 1, -EPROTO},
		{1, 0, -EPROTO},
		{0xfffffffe, 1, -EPROTO},
		{UINT32_MAX, 1, -ENODEV},
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		reg1_set(VMXNET3_VRRS, cases[i].vrrs);
		reg1_set(VMXNET3_UVRS, cases[i].uvrs);
		UNIT_EQ(vmxnet3_hw_reset(&fx.port), cases[i].err);
	}
	/* All vectors are masked. */
	for (i = 0; i < VMXNET3_VECTORS_MAX; i++)
		UNIT_EQ(plx_mmio_read32(fx.bar0 + VMXNET3_IMR(i)), 1);
}

/* 03:00:0d:f0:04:00, which is multicast. */
static void address_is_junk(void)
{
	uint8_t mac[PLX_ETH_ALEN];

	UNIT_EQ(vmxnet3_hw_mac(&fx.port, mac), -EPROTO);
	UNIT_EQ(mac[0], 0x03);
	UNIT_EQ(mac[5], 0x00);
}

static void activation_refused(void)
{
	fx.port.base.settings.promisc = true;
	UNIT_EQ(vmxnet3_hw_activate(&fx.port), -EIO);
	UNIT_EQ(fx.port.active, false);
	UNIT_EQ(le32toh(fx.port.shared->magic), VMXNET3_MAGIC);
	UNIT_EQ(le32toh(fx.port.shared->misc.mtu), PLX_MTU_DEFAULT);
	UNIT_EQ(le64toh(fx.port.shared->misc.queues_iova), plx_iova(fx.port.txq_confs));
	UNIT_EQ(le32toh(fx.port.shared->misc.queues_len), 512);
	UNIT_EQ(le32toh(fx.port.shared->filter.mode), VMXNET3_RXM_UCAST | VMXNET3_RXM_BCAST |
							      VMXNET3_RXM_ALL_MULTI |
							      VMXNET3_RXM_PROMISC);
	UNIT_EQ(reg1_get(VMXNET3_DSAL), (uint32_t)plx_iova(fx.port.shared));
	UNIT_EQ(reg1_get(VMXNET3_DSAH), plx_iova(fx.port.shared) >> 32);
	vmxnet3_hw_quiesce(&fx.port);
	UNIT_EQ(reg1_get(VMXNET3_DSAL), 0);
	UNIT_EQ(reg1_get(VMXNET3_DSAH), 0);
}

static void counters(void)
{
	struct plx_port_stats stats = {0};
	struct plx_port_xstat xstats[2 * VMXNET3_STATS + 1];
	unsigned int i;

	fx.port.active = true;
	for (i = 0; i < VMXNET3_STATS; i++) {
		fx.port.rxq_confs->stats[i] = htole64(100 + i);
		fx.port.txq_confs->stats[i] = htole64(200 + i);
	}
	vmxnet3_stats_keep(&fx.port);
	vmxnet3_stats(&fx.port.base, &stats);
	UNIT_EQ(stats.rx_missed, 2 * 108);
	UNIT_EQ(stats.rx_errors, 2 * 109);
	UNIT_EQ(stats.tx_errors, 2 * (208 + 209));
	/* A counter of all ones is a lie, and is not added. */
	fx.port.rxq_confs->stats[8] = UINT64_MAX;
	UNIT_EQ(vmxnet3_xstats(&fx.port.base, NULL, 0), 2 * VMXNET3_STATS + 1);
	UNIT_EQ(vmxnet3_xstats(&fx.port.base, xstats, 2 * VMXNET3_STATS + 1),
		2 * VMXNET3_STATS + 1);
	UNIT_STR(xstats[8].name, "rx_no_descriptors");
	UNIT_EQ(xstats[8].value, 108);
	UNIT_STR(xstats[2 * VMXNET3_STATS].name, "register_lies");
	CU_ASSERT(xstats[2 * VMXNET3_STATS].value > 0);
}

/*
 * The event register says everything at once: a stopped queue breaks the port, the rest is counted.
 */
static void event_register_all_ones(void)
{
	fx.port.active = true;
	fx.port.shared->ecr = UINT32_MAX;
	fx.port.txq_confs->status.stopped = 1;
	plx_net_vmxnet3.events(&fx.port.base);
	UNIT_EQ(fx.port.register_lies, 1);
	UNIT_EQ(reg1_get(VMXNET3_ECR), UINT32_MAX);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
}

WITH_FIXTURE(versions)
WITH_FIXTURE(address_is_junk)
WITH_FIXTURE(activation_refused)
WITH_FIXTURE(counters)
WITH_FIXTURE(event_register_all_ones)

CU_TestInfo hw_tests[] = {
	{"lie: versions 0, unknown, all ones", versions_fx},
	{"lie: the address is multicast", address_is_junk_fx},
	{"lie: activation refused; the shared area", activation_refused_fx},
	{"counters add up; lie: all ones", counters_fx},
	{"lie: events all ones, a stopped queue", event_register_all_ones_fx},
	CU_TEST_INFO_NULL,
};
