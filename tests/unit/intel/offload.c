/* SPDX-License-Identifier: BSD-3-Clause */
/* Offloads of Intel's NICs: what descriptors say and ask for, filters, single queues, registers. */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>

#include "fixture.h"
#include "net/igb/igb_regs.h"
#include "runner.h"

#define DONE (INTEL_RXD_DD | INTEL_RXD_EOP)

static void kind_up(const struct intel_family *family, uint64_t offloads)
{
	fixture_up(PLX_PKTBUF_DATA);
	intel_rxq_free(&fx.rxq);
	intel_txq_free(&fx.txq);
	fx.port.base.driver = &family->driver;
	fx.port.base.settings.offloads = offloads;
	fx.port.base.info.rx_descs = DESCS;
	fx.port.base.info.tx_descs = DESCS;
	UNIT_EQ(intel_rxq_alloc(&fx.rxq, DESCS), 0);
	UNIT_EQ(intel_txq_alloc(&fx.txq, DESCS), 0);
	fx.rxq.base.burst = intel_rx_burst_of(&fx.port.base);
	fx.txq.base.burst = family->tx_burst;
	UNIT_EQ(intel_rings_start(&fx.port), 0);
}

/* Receive one frame of 60 bytes; first: the other half of its descriptor. */
static struct plx_pktbuf *receive(uint64_t meta, uint64_t first)
{
	struct intel_rx_desc *desc = &fx.rxq.ring[fx.given++ % DESCS];
	struct plx_pktbuf *p = NULL;

	desc->addr = htole64(first);
	desc->meta = htole64(meta);
	UNIT_EQ(plx_rx_burst(&fx.rxq.base, &p, 1), 1);
	return p;
}

static void rx_flags_are(uint64_t meta, uint64_t first, uint32_t flags)
{
	struct plx_pktbuf *p = receive(meta | DONE | UINT64_C(60) << 32, first);

	UNIT_EQ(p->flags, flags);
	plx_pktbuf_free(p);
}

static void rx_extended(void)
{
	struct plx_pktbuf *p;

	kind_up(&intel_e1000e,
		PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(RSS_HASH));
	rx_flags_are(0, 0, 0);
	rx_flags_are(INTEL_RXD_IPCS | INTEL_RXD_L4CS, 0, PLX_PKT_RX_IP_GOOD | PLX_PKT_RX_L4_GOOD);
	rx_flags_are(INTEL_RXD_IPCS | INTEL_RXD_UDPCS | 1u << 29 | 1u << 30, 0,
		     PLX_PKT_RX_IP_BAD | PLX_PKT_RX_L4_BAD);
	/* "Ignore checksum" beats what the other bits say. */
	rx_flags_are(INTEL_RXD_IPCS | INTEL_RXD_L4CS | INTEL_RXD_IXSM, 0, 0);
	p = receive(INTEL_RXD_VP | DONE | UINT64_C(60) << 32 | UINT64_C(0x2064) << 48,
		    UINT64_C(0xcafebabe) << 32 | 1);
	UNIT_EQ(p->flags, PLX_PKT_RX_VLAN | PLX_PKT_RX_HASH);
	UNIT_EQ(p->vlan, 0x2064);
	UNIT_EQ(p->hash, 0xcafebabe);
	plx_pktbuf_free(p);
	/* Lie: an RSS type that does not exist. */
	rx_flags_are(0, UINT64_MAX, 0);
	UNIT_EQ(fx.rxq.base.stats.lies[PLX_LIE_HEADER], 1);
	fixture_down();
}

/* Lie: a tag is said to be out, though nobody wanted that. */
static void rx_not_wanted(void)
{
	kind_up(&intel_e1000e, PLX_PORT_HAS(RX_CSUM));
	rx_flags_are(INTEL_RXD_VP | INTEL_RXD_IPCS, 1, PLX_PKT_RX_IP_GOOD);
	fixture_down();
	kind_up(&intel_igb, 0);
	CU_ASSERT(fx.rxq.base.burst == intel_rx_burst_advanced);
	rx_flags_are(INTEL_RXD_VP | INTEL_RXD_IPCS, 1, 0);
	fixture_down();
}

static void rx_legacy(void)
{
	const uint64_t done = UINT64_C(3) << 32 | 60;
	struct plx_pktbuf *p;

	kind_up(&intel_e1000, PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(RX_CSUM));
	p = receive(done | UINT64_C(0x60) << 32, 0); /* TCPCS, IPCS */
	UNIT_EQ(p->flags, PLX_PKT_RX_IP_GOOD | PLX_PKT_RX_L4_GOOD);
	plx_pktbuf_free(p);
	p = receive(done | UINT64_C(0x60) << 32 | UINT64_C(0x60) << 40, 0); /* TCPE, IPE */
	UNIT_EQ(p->flags, PLX_PKT_RX_IP_BAD | PLX_PKT_RX_L4_BAD);
	plx_pktbuf_free(p);
	p = receive(done | UINT64_C(8) << 32 | UINT64_C(0x123) << 48, 0);
	UNIT_EQ(p->flags, PLX_PKT_RX_VLAN);
	UNIT_EQ(p->vlan, 0x123);
	plx_pktbuf_free(p);
	fixture_down();
}

/* Ethernet, IPv4, TCP or UDP, len bytes in all. */
static struct plx_pktbuf *packet(uint16_t len, uint32_t flags)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fx.pool);
	uint8_t *data = plx_pktbuf_append(p, len);

	memset(data, 0xee, len);
	p->l2_len = 14;
	p->l3_len = 20;
	p->l4_len = 20;
	p->mss = 500;
	p->flags = flags;
	return p;
}

static void send(struct plx_pktbuf *p)
{
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &p, 1), 1);
}

static uint64_t word(uint32_t index, unsigned int half)
{
	return le64toh(half ? fx.txq.ring[index].ctl : fx.txq.ring[index].addr);
}

static void tx_context(void)
{
	const uint64_t all =
		PLX_PORT_HAS(TX_IP_CSUM) | PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO);

	kind_up(&intel_e1000e, all);
	send(packet(100, PLX_PKT_TX_IP | PLX_PKT_TX_UDP));
	/* IPCSS, IPCSO, IPCSE; TUCSS, TUCSO, TUCSE. */
	UNIT_EQ(word(0, 0), 14 | 24 << 8 | 33 << 16 | UINT64_C(34) << 32 | UINT64_C(40) << 40);
	UNIT_EQ(word(0, 1), INTEL_TXD_DEXT | INTEL_TXC_IPV4);
	UNIT_EQ(word(1, 1) & (INTEL_TXD_IXSM | INTEL_TXD_TXSM), INTEL_TXD_IXSM | INTEL_TXD_TXSM);
	UNIT_EQ(fx.txq.gaps, 1);
	send(packet(1554, PLX_PKT_TX_TSO));
	UNIT_EQ(word(2, 1), INTEL_TXD_DEXT | INTEL_TXC_IPV4 | INTEL_TXC_TCP | INTEL_TXC_TSE | 1500 |
				    UINT64_C(54) << 40 | UINT64_C(500) << 48);
	UNIT_EQ(word(3, 1) & INTEL_TXD_TSE, INTEL_TXD_TSE);
	UNIT_EQ(fx.txq.next, 4);
	fixture_down();
}

static void tx_context_advanced(void)
{
	kind_up(&intel_igb, PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO) |
				    PLX_PORT_HAS(VLAN_INSERT) | PLX_PORT_HAS(VLAN_STRIP));
	send(packet(1554, PLX_PKT_TX_TSO | PLX_PKT_TX_VLAN));
	UNIT_EQ(word(0, 0), 20 | 14 << 9);
	UNIT_EQ(word(0, 1), INTEL_TXD_DEXT | INTEL_TXC_ADV | INTEL_TXC_ADV_IPV4 |
				    INTEL_TXC_ADV_TCP | UINT64_C(20) << 40 | UINT64_C(500) << 48);
	UNIT_EQ(word(1, 1) >> INTEL_TXD_PAYLEN_SHIFT, 1500);
	UNIT_EQ(word(1, 1) & (INTEL_TXD_TSE_ADV | INTEL_TXD_VLE),
		INTEL_TXD_TSE_ADV | INTEL_TXD_VLE);
	fixture_down();
}

/* The header as the device expects it: no lengths, pseudo-header without length. */
static void tso_header(void)
{
	struct plx_pktbuf *p;
	uint8_t *ip;

	kind_up(&intel_e1000e, PLX_PORT_HAS(TSO));
	p = packet(1554, PLX_PKT_TX_TSO);
	ip = (uint8_t *)plx_pktbuf_data(p) + 14;
	memcpy(ip + 12, "\x0a\0\0\x01\x0a\0\0\x02", 8);
	send(p);
	UNIT_EQ(ip[2] << 8 | ip[3], 0);
	UNIT_EQ(ip[10] << 8 | ip[11], 0);
	UNIT_EQ(ip[36] << 8 | ip[37], 0x0a00 + 1 + 0x0a00 + 2 + 6);
	fixture_down();
}

/* While tags are not stripped the device does not insert them: they go into the packet. */
static void tag_in_packet(void)
{
	struct plx_pktbuf *p;
	uint8_t *data;

	kind_up(&intel_e1000e, PLX_PORT_HAS(VLAN_INSERT));
	p = packet(100, PLX_PKT_TX_VLAN);
	p->vlan = 0x3065;
	send(p);
	UNIT_EQ(word(0, 1) & INTEL_TXD_VLE, 0);
	UNIT_EQ(p->pkt_len, 104);
	data = plx_pktbuf_data(p);
	UNIT_EQ(memcmp(data + 12, "\x81\x00\x30\x65", 4), 0);
	UNIT_EQ(data[0], 0xee);
	/* A packet that is shared must not change: it is not sent. */
	p = packet(100, PLX_PKT_TX_VLAN);
	plx_pktbuf_ref(p);
	send(p);
	UNIT_EQ(fx.txq.base.stats.dropped, 1);
	plx_pktbuf_free(p);
	fixture_down();
}

static void what_cannot_be_offloaded(void)
{
	struct plx_pktbuf *p[5];
	unsigned int i;

	kind_up(&intel_e1000e, PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO));
	for (i = 0; i < 5; i++)
		p[i] = packet(200, i < 3 ? PLX_PKT_TX_TSO : PLX_PKT_TX_TCP);
	p[0]->mss = 0;
	p[1]->l4_len = 8;
	p[2]->l3_len = 190;
	p[3]->l2_len = 0;
	p[4]->l3_len = 500;
	UNIT_EQ(plx_tx_burst(&fx.txq.base, p, 5), 5);
	UNIT_EQ(fx.txq.base.stats.dropped, 5);
	UNIT_EQ(fx.txq.next, 0);
	/* Off: the flags mean nothing. */
	fx.txq.offloads = 0;
	send(packet(200, PLX_PKT_TX_TSO | PLX_PKT_TX_VLAN));
	UNIT_EQ(fx.txq.next, 1);
	fixture_down();
}

/* --- Filters, queues, registers ------------------------------------------------------------- */

static void filters(void)
{
	struct plx_port_settings *s = &fx.port.base.settings;
	unsigned int i;

	kind_up(&intel_e1000e, PLX_PORT_HAS(VLAN_FILTER));
	s->macs = 2;
	memcpy(s->mac_list[0], "\x02\0\0\0\0\x77", 6);
	memcpy(s->mac_list[1], "\x01\0\x5e\0\x12\xfb", 6);
	s->vlans[100 / 64] = UINT64_C(1) << 100 % 64;
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_RAL(1)), 2);
	UNIT_EQ(reg_get(INTEL_RAH(1)), INTEL_RAH_AV | 0x7700);
	UNIT_EQ(reg_get(INTEL_RAH(2)), 0);
	/* Bits 47:36 of the address: 0xfb1. */
	UNIT_EQ(reg_get(INTEL_MTA(0xfb1 >> 5)), 1u << (0xfb1 & 31));
	UNIT_EQ(reg_get(INTEL_VFTA(3)), 1u << 4);
	CU_ASSERT(reg_get(INTEL_RCTL) & INTEL_RCTL_VFE);
	UNIT_EQ(reg_get(INTEL_CTRL) & INTEL_CTRL_VME, 0);
	s->macs = 0;
	s->offloads = PLX_PORT_HAS(VLAN_STRIP);
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_RAH(1)), 0);
	UNIT_EQ(reg_get(INTEL_MTA(0xfb1 >> 5)), 0);
	UNIT_EQ(reg_get(INTEL_RCTL) & INTEL_RCTL_VFE, 0);
	CU_ASSERT(reg_get(INTEL_CTRL) & INTEL_CTRL_VME);
	s->macs = INTEL_EXACT_MAX;
	for (i = 0; i < INTEL_EXACT_MAX; i++)
		s->mac_list[i][0] = 2;
	UNIT_EQ(intel_filter_apply(&fx.port), -ENOSPC);
	s->macs = 0;
	fixture_down();
}

static void rss_registers(void)
{
	struct plx_port_rss *rss = &fx.port.base.settings.rss;

	kind_up(&intel_igb, PLX_PORT_HAS(RSS_HASH));
	rss->types = PLX_RSS_IPV4 | PLX_RSS_IPV6_UDP;
	rss->key[0] = 0x6d;
	rss->key[3] = 0xda;
	rss->reta[5] = 3;
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_MRQC), IGB_MRQC_RSS | 1u << 17 | 3u << 23);
	UNIT_EQ(reg_get(INTEL_RSSRK(0)), 0xda00006d);
	UNIT_EQ(reg_get(INTEL_RETA(1)), 3u << 8);
	fixture_down();
	kind_up(&intel_e1000e, PLX_PORT_HAS(RSS_HASH));
	rss->types = PLX_RSS_IPV4_TCP;
	rss->reta[2] = 1;
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_MRQC), INTEL_MRQC_RSS | INTEL_MRQC_IPV4_TCP);
	UNIT_EQ(reg_get(INTEL_RETA(0)), 0x80u << 16);
	rss->types = 0;
	UNIT_EQ(intel_filter_apply(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_MRQC), 0);
	fixture_down();
}

static void desc_status(void)
{
	struct plx_pktbuf *p;
	uint32_t owned;

	kind_up(&intel_e1000, 0);
	owned = (fx.rxq.tail - fx.rxq.next) & fx.rxq.mask;
	UNIT_EQ(intel_rxq_desc_status(&fx.rxq.base, 0), PLX_DESC_DEVICE);
	UNIT_EQ(intel_rxq_desc_status(&fx.rxq.base, (uint16_t)owned), PLX_DESC_UNUSED);
	fx.rxq.ring[0].meta = htole64(UINT64_C(3) << 32 | 60);
	UNIT_EQ(intel_rxq_desc_status(&fx.rxq.base, 0), PLX_DESC_DONE);
	UNIT_EQ(plx_rx_burst(&fx.rxq.base, &p, 1), 1);
	plx_pktbuf_free(p);
	send(packet(100, 0));
	send(packet(100, 0));
	fx.txq.ring[0].ctl |= htole64(INTEL_TXD_DD);
	UNIT_EQ(intel_txq_desc_status(&fx.txq.base, 0), PLX_DESC_DONE);
	UNIT_EQ(intel_txq_desc_status(&fx.txq.base, 1), PLX_DESC_DEVICE);
	UNIT_EQ(intel_txq_desc_status(&fx.txq.base, 2), PLX_DESC_UNUSED);
	fixture_down();
}

static void queue_restart(void)
{
	kind_up(&intel_igb, 0);
	send(packet(100, 0));
	UNIT_EQ(intel_rxq_stop(&fx.rxq.base), 0);
	UNIT_EQ(intel_txq_stop(&fx.txq.base), 0);
	UNIT_EQ(reg_get(IGB_RXDCTL(0)), 0);
	UNIT_EQ(reg_get(IGB_TXDCTL(0)), 0);
	UNIT_EQ(pool_free(), POOL_BUFS);
	UNIT_EQ(intel_rxq_start(&fx.rxq.base), 0);
	UNIT_EQ(intel_txq_start(&fx.txq.base), 0);
	CU_ASSERT(reg_get(IGB_RXDCTL(0)) & INTEL_XDCTL_ENABLE);
	UNIT_EQ(reg_get(IGB_RDBAL(0) + INTEL_Q_TAIL), fx.rxq.tail);
	fixture_down();
}

static void registers(void)
{
	struct plx_port_reg regs[64];
	int i, n;

	kind_up(&intel_igb, 0);
	n = intel_regs(&fx.port.base, NULL, 0);
	CU_ASSERT_FATAL(n > 0 && n <= 64);
	UNIT_EQ(intel_regs(&fx.port.base, regs, 64), n);
	UNIT_STR(regs[0].name, "CTRL");
	for (i = 0; i < n; i++)
		if (strcmp(regs[i].name, "RDT0") == 0)
			UNIT_EQ(regs[i].value, fx.rxq.tail);
	fixture_down();
}

CU_TestInfo offload_tests[] = {
	{"rx, extended: checksums, tag, hash; lie: RSS type 15", rx_extended},
	{"lie: a tag, checksums that nobody asked for", rx_not_wanted},
	{"rx, legacy: checksums, tag", rx_legacy},
	{"tx: context descriptors", tx_context},
	{"tx: advanced context descriptors", tx_context_advanced},
	{"TSO: the header", tso_header},
	{"a tag in the packet", tag_in_packet},
	{"what cannot be done is dropped and counted", what_cannot_be_offloaded},
	{"filters", filters},
	{"RSS registers", rss_registers},
	{"descriptor status", desc_status},
	{"single queues", queue_restart},
	{"registers", registers},
	CU_TEST_INFO_NULL,
};
