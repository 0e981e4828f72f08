/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Filters, offloads, RSS, single queues, descriptor status and registers, over a driver made for
 * the test: what is refused before the driver sees it, and what the driver gets.
 */
#include <errno.h>
#include <string.h>

#include "net/driver.h"
#include "runner.h"
#include "suites.h"

struct fake_port {
	struct plx_port base;
	struct plx_port_settings applied;
	unsigned int applies;
};

static const uint8_t multicast[] = {1, 0, 0x5e, 0, 0, 1}, other[] = {2, 0, 0, 0, 0, 9};

static struct plx_pktbuf_pool *pool;
static struct plx_port *port;
static struct fake_port *fake;
static uint64_t features;
static uint64_t always;
static int apply_err;
static unsigned int stats_calls, asked;

static int fake_open(struct plx_port *p, const char *arg)
{
	fake = (struct fake_port *)p;
	p->info.mac[0] = 2;
	p->info.features = features;
	p->offloads_always = always;
	p->info.rx_queues_max = 4;
	p->info.tx_queues_max = 4;
	p->info.descs_min = 32;
	p->info.descs_max = 1024;
	p->info.mtu_min = 68;
	p->info.mtu_max = 1500;
	p->info.macs_max = 2;
	p->info.rss_types = PLX_RSS_IPV4 | PLX_RSS_IPV4_TCP;
	p->info.rss_key_len = 40;
	p->info.rss_reta_size = 128;
	return 0;
}

static uint16_t fake_rx(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	return n;
}

static uint16_t fake_tx(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	return n;
}

static int fake_rxq_start(struct plx_rxq *rxq)
{
	rxq->burst = fake_rx;
	return 0;
}

static int fake_rxq_stop(struct plx_rxq *rxq)
{
	UNIT_EQ(rxq->burst == plx_rxq_burst_none, true);
	return 0;
}

static int fake_txq_start(struct plx_txq *txq)
{
	txq->burst = fake_tx;
	return 0;
}

static int fake_txq_stop(struct plx_txq *txq)
{
	UNIT_EQ(txq->burst == plx_txq_burst_none, true);
	return 0;
}

static void fake_stats(struct plx_port *p, struct plx_port_stats *stats)
{
	stats->rx_missed = ++stats_calls;
}

static int fake_xstats(struct plx_port *p, struct plx_port_xstat *xstats, unsigned int n)
{
	return 0;
}

/* What telemetry does, whose thread can come at any time. */
static void ask_meanwhile(struct plx_port *p)
{
	const unsigned int before = stats_calls;
	struct plx_port_stats stats;

	UNIT_EQ(plx_port_stats(p, &stats), 0);
	UNIT_EQ(stats.rx_missed, 0);
	UNIT_EQ(plx_port_xstats(p, NULL, 0), -EBUSY);
	UNIT_EQ(stats_calls, before);
	asked++;
}

static int fake_apply(struct plx_port *p)
{
	ask_meanwhile(p);
	fake->applies++;
	fake->applied = p->settings;
	return apply_err;
}

static int fake_start(struct plx_port *p)
{
	unsigned int i;

	for (i = 0; i < p->info.rx_queues; i++)
		fake_rxq_start(p->rxqs[i]);
	for (i = 0; i < p->info.tx_queues; i++)
		fake_txq_start(p->txqs[i]);
	return fake_apply(p);
}

static void fake_none(struct plx_port *p)
{
}

static void fake_stop(struct plx_port *p)
{
	ask_meanwhile(p);
}

static int fake_reset(struct plx_port *p)
{
	ask_meanwhile(p);
	return 0;
}

static enum plx_desc_status fake_rx_status(const struct plx_rxq *rxq, uint16_t offset)
{
	return offset ? PLX_DESC_DEVICE : PLX_DESC_DONE;
}

static enum plx_desc_status fake_tx_status(const struct plx_txq *txq, uint16_t offset)
{
	return PLX_DESC_UNUSED;
}

static int fake_regs(struct plx_port *p, struct plx_port_reg *regs, unsigned int n)
{
	if (n)
		regs[0] = (struct plx_port_reg){.name = "STATUS", .offset = 8, .bytes = 4};
	return 1;
}

static const struct plx_net_driver fake_driver = {
	.name = "fake",
	.port_size = sizeof(struct fake_port),
	.rxq_size = sizeof(struct plx_rxq),
	.txq_size = sizeof(struct plx_txq),
	.descs_default = 64,
	.open = fake_open,
	.close = fake_none,
	.start = fake_start,
	.stop = fake_stop,
	.reset = fake_reset,
	.stats = fake_stats,
	.xstats = fake_xstats,
	.apply = fake_apply,
	.rxq_start = fake_rxq_start,
	.rxq_stop = fake_rxq_stop,
	.txq_start = fake_txq_start,
	.txq_stop = fake_txq_stop,
	.rxq_desc_status = fake_rx_status,
	.txq_desc_status = fake_tx_status,
	.regs = fake_regs,
};

static void open_port(uint64_t has, uint64_t offloads)
{
	struct plx_port_config config = {
		.pool = pool, .rx_queues = 3, .tx_queues = 2, .offloads = offloads};

	features = has;
	apply_err = 0;
	errno = 0;
	port = plx_port_open_with(&fake_driver, NULL, "fake0", NULL, &config);
}

static void setup(void)
{
	struct plx_pktbuf_pool_config config = {.count = 64};

	pool = plx_pktbuf_pool_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	open_port(UINT64_MAX, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(port);
	UNIT_EQ(plx_port_start(port), 0);
}

static void teardown(void)
{
	plx_port_close(port);
	UNIT_EQ(plx_pktbuf_pool_close(pool), 0);
}

static void macs_are_a_list(void)
{
	static const uint8_t zero[PLX_ETH_ALEN], third[] = {2, 0, 0, 0, 0, 3};
	uint8_t macs[2][PLX_ETH_ALEN];

	setup();
	UNIT_EQ(plx_port_mac_add(port, zero), -EINVAL);
	UNIT_EQ(plx_port_mac_remove(port, other), -ENOENT);
	UNIT_EQ(plx_port_mac_add(port, multicast), 0);
	UNIT_EQ(plx_port_mac_add(port, multicast), -EEXIST);
	UNIT_EQ(plx_port_mac_add(port, other), 0);
	UNIT_EQ(plx_port_mac_add(port, third), -ENOSPC);
	UNIT_EQ(fake->applied.macs, 2);
	UNIT_EQ(plx_port_mac_remove(port, multicast), 0);
	UNIT_EQ(fake->applied.macs, 1);
	UNIT_EQ(plx_port_macs(port, macs, 2), 1);
	UNIT_EQ(memcmp(macs[0], other, PLX_ETH_ALEN), 0);
	teardown();
}

static void vlans_are_a_set(void)
{
	setup();
	UNIT_EQ(plx_port_vlan_add(port, 4095), -EINVAL);
	UNIT_EQ(plx_port_vlan_remove(port, 5), -ENOENT);
	UNIT_EQ(plx_port_vlan_add(port, 5), 0);
	UNIT_EQ(plx_port_vlan_add(port, 4094), 0);
	UNIT_EQ(plx_port_vlan_add(port, 5), -EEXIST);
	UNIT_EQ(fake->applied.vlans[0], 1u << 5);
	UNIT_EQ(fake->applied.vlans[63], UINT64_C(1) << 62);
	UNIT_EQ(plx_port_vlan_remove(port, 5), 0);
	UNIT_EQ(plx_port_vlan_has(port, 5), false);
	UNIT_EQ(plx_port_vlan_has(port, 4094), true);
	UNIT_EQ(plx_port_vlan_has(port, 4095), false);
	teardown();
}

static void refused_setting_is_undone(void)
{
	setup();
	apply_err = -EIO;
	fake->applies = 0;
	UNIT_EQ(plx_port_vlan_add(port, 7), -EIO);
	UNIT_EQ(plx_port_vlan_has(port, 7), false);
	UNIT_EQ(fake->applies, 2);
	UNIT_EQ(fake->applied.vlans[0], 0);
	teardown();
}

/* What the device never lacks is on, whatever is asked for. */
static void offloads_always_on(void)
{
	setup();
	plx_port_close(port);
	always = PLX_PORT_HAS(VLAN_FILTER);
	open_port(UINT64_MAX, PLX_PORT_HAS(RX_CSUM));
	CU_ASSERT_PTR_NOT_NULL_FATAL(port);
	UNIT_EQ(plx_port_info(port)->offloads, PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(VLAN_FILTER));
	UNIT_EQ(plx_port_set_offloads(port, 0), 0);
	UNIT_EQ(plx_port_info(port)->offloads, PLX_PORT_HAS(VLAN_FILTER));
	UNIT_EQ(port->settings.offloads, PLX_PORT_HAS(VLAN_FILTER));
	always = 0;
	teardown();
}

static void offloads_are_checked(void)
{
	setup();
	UNIT_EQ(plx_port_set_offloads(port, PLX_PORT_HAS(TSO)), -EBUSY);
	plx_port_stop(port);
	UNIT_EQ(plx_port_set_offloads(port, PLX_PORT_HAS(PROMISC)), -EINVAL);
	UNIT_EQ(plx_port_set_offloads(port, PLX_PORT_HAS(TSO)), 0);
	UNIT_EQ(plx_port_info(port)->offloads, PLX_PORT_HAS(TSO));
	plx_port_close(port);
	open_port(PLX_PORT_HAS(MTU), PLX_PORT_HAS(RX_CSUM));
	CU_ASSERT_PTR_NULL(port);
	UNIT_EQ(errno, ENOTSUP);
	open_port(UINT64_MAX, PLX_PORT_HAS(RX_CSUM));
	CU_ASSERT_PTR_NOT_NULL_FATAL(port);
	UNIT_EQ(port->settings.offloads, PLX_PORT_HAS(RX_CSUM));
	teardown();
}

static void rss_has_defaults_and_limits(void)
{
	struct plx_port_rss rss;

	setup();
	UNIT_EQ(plx_port_rss_get(port, &rss), 0);
	UNIT_EQ(rss.types, PLX_RSS_IPV4 | PLX_RSS_IPV4_TCP);
	UNIT_EQ(rss.key[0], 0x6d);
	UNIT_EQ(rss.reta[4], 1);
	rss.types = PLX_RSS_IPV6;
	UNIT_EQ(plx_port_rss_set(port, &rss), -EINVAL);
	rss.types = PLX_RSS_IPV4;
	rss.reta[127] = 3;
	UNIT_EQ(plx_port_rss_set(port, &rss), -EINVAL);
	rss.reta[127] = 2;
	UNIT_EQ(plx_port_rss_set(port, &rss), 0);
	UNIT_EQ(fake->applied.rss.types, PLX_RSS_IPV4);
	UNIT_EQ(fake->applied.rss.reta[127], 2);
	CU_ASSERT_STRING_EQUAL(plx_rss_type_name(4), "ipv6-tcp");
	CU_ASSERT_PTR_NULL(plx_rss_type_name(6));
	teardown();
}

static void one_queue_stops_alone(void)
{
	struct plx_pktbuf *pkt;
	struct plx_rxq *rxq;
	struct plx_txq *txq;

	setup();
	rxq = plx_port_rxq(port, 1);
	txq = plx_port_txq(port, 1);
	UNIT_EQ(plx_rxq_start(rxq), -EALREADY);
	UNIT_EQ(plx_rxq_stop(rxq), 0);
	UNIT_EQ(plx_rxq_stop(rxq), -EALREADY);
	UNIT_EQ(plx_rx_burst(rxq, &pkt, 1), 0);
	UNIT_EQ(plx_rx_burst(plx_port_rxq(port, 0), &pkt, 1), 1);
	UNIT_EQ(plx_rxq_desc_status(rxq, 0), -EBUSY);
	UNIT_EQ(plx_rxq_start(rxq), 0);
	UNIT_EQ(plx_rx_burst(rxq, &pkt, 1), 1);
	UNIT_EQ(plx_txq_stop(txq), 0);
	UNIT_EQ(plx_tx_burst(txq, &pkt, 1), 0);
	UNIT_EQ(plx_txq_stop(txq), -EALREADY);
	plx_port_stop(port);
	UNIT_EQ(plx_txq_start(txq), -EBUSY);
	UNIT_EQ(plx_port_start(port), 0);
	UNIT_EQ(plx_tx_burst(txq, &pkt, 1), 1);
	teardown();
}

static void status_and_registers(void)
{
	struct plx_port_reg reg;

	setup();
	UNIT_EQ(plx_rxq_desc_status(plx_port_rxq(port, 0), 0), PLX_DESC_DONE);
	UNIT_EQ(plx_rxq_desc_status(plx_port_rxq(port, 0), 63), PLX_DESC_DEVICE);
	UNIT_EQ(plx_rxq_desc_status(plx_port_rxq(port, 0), 64), -EINVAL);
	UNIT_EQ(plx_txq_desc_status(plx_port_txq(port, 0), 3), PLX_DESC_UNUSED);
	UNIT_EQ(plx_port_regs(port, NULL, 0), 1);
	UNIT_EQ(plx_port_regs(port, &reg, 1), 1);
	UNIT_EQ(reg.offset, 8);
	teardown();
}

static void no_counters_while_the_device_is_set_up(void)
{
	struct plx_port_stats stats;

	setup();
	asked = 0;
	UNIT_EQ(plx_port_set_promisc(port, true), 0);
	UNIT_EQ(asked, 1);
	UNIT_EQ(plx_port_reset(port), 0);
	UNIT_EQ(asked, 4);
	UNIT_EQ(plx_port_stop(port), 0);
	UNIT_EQ(asked, 5);
	stats_calls = 0;
	UNIT_EQ(plx_port_stats(port, &stats), 0);
	UNIT_EQ(stats.rx_missed, 1);
	UNIT_EQ(plx_port_xstats(port, NULL, 0), 0);
	teardown();
}

static void nothing_without_the_feature(void)
{
	struct plx_port_rss rss;

	setup();
	plx_port_close(port);
	open_port(0, 0);
	CU_ASSERT_PTR_NOT_NULL_FATAL(port);
	UNIT_EQ(plx_port_start(port), 0);
	UNIT_EQ(plx_port_mac_add(port, other), -ENOTSUP);
	UNIT_EQ(plx_port_mac_remove(port, other), -ENOTSUP);
	UNIT_EQ(plx_port_vlan_add(port, 1), -ENOTSUP);
	UNIT_EQ(plx_port_rss_get(port, &rss), -ENOTSUP);
	UNIT_EQ(plx_rxq_stop(plx_port_rxq(port, 0)), -ENOTSUP);
	UNIT_EQ(plx_txq_stop(plx_port_txq(port, 0)), -ENOTSUP);
	UNIT_EQ(plx_rxq_desc_status(plx_port_rxq(port, 0), 0), -ENOTSUP);
	UNIT_EQ(port->settings.macs, 0);
	teardown();
}

CU_TestInfo port_ops_tests[] = {
	{"MAC addresses are a list with a limit", macs_are_a_list},
	{"VLANs are a set", vlans_are_a_set},
	{"a setting that the device refuses is undone", refused_setting_is_undone},
	{"offloads that are always on", offloads_always_on},
	{"offloads are checked, and change while stopped", offloads_are_checked},
	{"RSS: defaults, types and queues", rss_has_defaults_and_limits},
	{"one queue stops while the others go on", one_queue_stops_alone},
	{"descriptor status and registers", status_and_registers},
	{"no counters while the device is set up", no_counters_while_the_device_is_set_up},
	{"-ENOTSUP without the feature", nothing_without_the_feature},
	CU_TEST_INFO_NULL,
};
