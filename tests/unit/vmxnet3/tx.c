/* SPDX-License-Identifier: BSD-3-Clause */
/* vmxnet3 transmission: descriptors as the device reads them, and completions that lie (C7). */
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fixture.h"
#include "runner.h"

static uint64_t lies(enum plx_lie kind)
{
	return fx.txq.base.stats.lies[kind];
}

static struct plx_pktbuf *packet(uint16_t len, uint8_t fill)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fx.pool);

	CU_ASSERT_FATAL(p != NULL);
	memset(plx_pktbuf_append(p, len), fill, len);
	return p;
}

static uint16_t send(struct plx_pktbuf **pkts, uint16_t n)
{
	return plx_tx_burst(&fx.txq.base, pkts, n);
}

static uint16_t send_one(struct plx_pktbuf *p)
{
	return send(&p, 1);
}

static void device_comp(uint64_t index)
{
	uint32_t at = fx.tx_comps % DESCS;
	bool gen = fx.tx_comps / DESCS % 2 == 0;

	fx.txq.comp[at].what = htole64(index);
	fx.txq.comp[at].result = htole64(gen ? VMXNET3_TXC_GEN : 0);
	fx.tx_comps++;
}

static uint64_t meta(uint32_t index)
{
	return le64toh(fx.txq.ring[index].meta);
}

static void *data_at(uint32_t index)
{
	return (void *)(uintptr_t)(le64toh(fx.txq.ring[index].addr) - plx_iova(NULL));
}

static void plain_packets(void)
{
	struct plx_pktbuf *pkts[3] = {packet(60, 1), packet(128, 2), packet(1514, 3)};
	void *buf = plx_pktbuf_data(pkts[2]);
	uint64_t last = VMXNET3_TXD_EOP | VMXNET3_TXD_CQ | VMXNET3_TXD_GEN;

	UNIT_EQ(send(pkts, 3), 3);
	UNIT_EQ(plx_mmio_read32(fx.bar0 + VMXNET3_TXPROD(0)), 3);
	UNIT_EQ(meta(0), last | 60);
	UNIT_EQ(meta(1), last | 128);
	UNIT_EQ(meta(2), last | 1514);
	/* Short ones from the data ring, long ones from where they are. */
	CU_ASSERT_PTR_EQUAL(data_at(0), fx.txq.slots);
	CU_ASSERT_PTR_EQUAL(data_at(1), fx.txq.slots + 128);
	CU_ASSERT_PTR_EQUAL(data_at(2), buf);
	UNIT_EQ(((uint8_t *)data_at(0))[59], 1);
	UNIT_EQ(((uint8_t *)data_at(1))[127], 2);
	UNIT_EQ(fx.txq.base.stats.packets, 3);
	UNIT_EQ(fx.txq.base.stats.bytes, 60 + 128 + 1514);
	device_comp(0);
	device_comp(1);
	UNIT_EQ(send(NULL, 0), 0);
	UNIT_EQ(fx.txq.clean, 2);
	device_comp(2);
	UNIT_EQ(send(NULL, 0), 0);
	UNIT_EQ(fx.txq.clean, 3);
}

/* Round and round: generations flip, the ring is never full, one completion stands for many. */
static void many_packets(void)
{
	struct plx_pktbuf *pkts[100];
	unsigned int round, i;

	for (round = 0; round < 100; round++) {
		uint32_t last;

		for (i = 0; i < 100; i++)
			pkts[i] = packet(60, 0);
		UNIT_EQ(send(pkts, 100), 100);
		last = (fx.txq.next - 1) & fx.txq.mask;
		UNIT_EQ(meta(last) & VMXNET3_TXD_GEN,
			(100 * round + 99) / DESCS % 2 ? 0 : VMXNET3_TXD_GEN);
		device_comp(last);
		UNIT_EQ(send(NULL, 0), 0);
		UNIT_EQ(fx.txq.clean, fx.txq.next);
	}
	UNIT_EQ(lies(PLX_LIE_INDEX), 0);
}

static void full_ring(void)
{
	struct plx_pktbuf *pkts[DESCS];
	unsigned int i;

	for (i = 0; i < DESCS; i++)
		pkts[i] = packet(60, 0);
	UNIT_EQ(send(pkts, DESCS), DESCS - 1);
	UNIT_EQ(send(&pkts[DESCS - 1], 1), 0);
	CU_ASSERT(vmxnet3_tx_waiting(&fx.txq));
	device_comp(0);
	UNIT_EQ(send(&pkts[DESCS - 1], 1), 1);
}

static void segments(void)
{
	struct plx_pktbuf *p = packet(1000, 1), *rest = packet(500, 2);

	UNIT_EQ(plx_pktbuf_chain(p, rest), 0);
	UNIT_EQ(send_one(p), 1);
	UNIT_EQ(meta(0), VMXNET3_TXD_GEN | 1000);
	UNIT_EQ(meta(1), VMXNET3_TXD_GEN | VMXNET3_TXD_EOP | VMXNET3_TXD_CQ | 500);
	UNIT_EQ(fx.txq.gaps, 1);
	UNIT_EQ(fx.txq.base.stats.bytes, 1500);
	/* A completion names the last descriptor, not one in the middle. */
	device_comp(0);
	UNIT_EQ(send(NULL, 0), 0);
	UNIT_EQ(lies(PLX_LIE_CHAIN), 1);
	device_comp(1);
	UNIT_EQ(send(NULL, 0), 0);
	UNIT_EQ(fx.txq.gaps, 0);
	UNIT_EQ(fx.txq.clean, 2);
}

static void offloads(void)
{
	struct plx_pktbuf *p[3] = {packet(200, 0), packet(200, 0), packet(2000, 0)};
	unsigned int i;

	fx.txq.offloads = PLX_PKT_TX_VLAN | PLX_PKT_TX_TCP | PLX_PKT_TX_UDP | PLX_PKT_TX_TSO;
	for (i = 0; i < 3; i++) {
		p[i]->l2_len = 14;
		p[i]->l3_len = 20;
	}
	p[0]->flags = PLX_PKT_TX_UDP;
	p[1]->flags = PLX_PKT_TX_VLAN;
	p[1]->vlan = 0x345;
	p[2]->flags = PLX_PKT_TX_TSO;
	p[2]->l4_len = 20;
	p[2]->mss = 1000;
	UNIT_EQ(send(p, 3), 3);
	UNIT_EQ(meta(0) >> 42 & 3, 2);
	UNIT_EQ(meta(0) >> 32 & 0x3ff, 34);
	UNIT_EQ(meta(0) >> 18 & 0x3fff, 40);
	UNIT_EQ(meta(1) >> 47, 1 | 0x345 << 1);
	UNIT_EQ(meta(2) >> 42 & 3, 3);
	UNIT_EQ(meta(2) >> 32 & 0x3ff, 54);
	UNIT_EQ(meta(2) >> 18 & 0x3fff, 1000);
}

static void what_cannot_be_sent(void)
{
	struct plx_pktbuf *p[7], *part;
	unsigned int i;

	fx.txq.offloads = PLX_PKT_TX_TCP | PLX_PKT_TX_TSO;
	for (i = 0; i < 7; i++)
		p[i] = packet(60, 0);
	p[0]->len = 13;
	p[0]->pkt_len = 13;
	p[1]->pkt_len = 61;
	p[1]->nsegs = 2;
	p[2]->flags = PLX_PKT_TX_TSO; /* no lengths */
	p[3]->flags = PLX_PKT_TX_TCP;
	p[3]->l2_len = 60; /* the header is all there is */
	p[4]->flags = PLX_PKT_TX_TSO;
	p[4]->l2_len = 14;
	p[4]->l3_len = 20;
	p[4]->mss = 8; /* no TCP header */
	for (i = 0; i < VMXNET3_SEGS_MAX; i++)
		UNIT_EQ(plx_pktbuf_chain(p[5], packet(60, 0)), 0);
	part = packet(0, 0);
	UNIT_EQ(plx_pktbuf_chain(p[6], part), 0);
	UNIT_EQ(send(p, 7), 7);
	UNIT_EQ(fx.txq.base.stats.dropped, 7);
	UNIT_EQ(fx.txq.base.stats.packets, 0);
	UNIT_EQ(fx.txq.next, 0);
}

/* --- Lies ----------------------------------------------------------------------------------- */

static void lie_index(void)
{
	struct plx_pktbuf *p[2] = {packet(60, 0), packet(60, 0)};

	UNIT_EQ(send(p, 2), 2);
	device_comp(2);	    /* not sent yet */
	device_comp(DESCS); /* past the ring */
	device_comp(0xfff);
	UNIT_EQ(send(NULL, 0), 0);
	UNIT_EQ(lies(PLX_LIE_INDEX), 3);
	UNIT_EQ(fx.txq.clean, 0);
	device_comp(0);
	device_comp(0); /* twice */
	UNIT_EQ(send(NULL, 0), 0);
	UNIT_EQ(lies(PLX_LIE_INDEX), 4);
	device_comp(1);
	UNIT_EQ(send(NULL, 0), 0);
	UNIT_EQ(fx.txq.clean, 2);
}

static void lies_break_port(void)
{
	unsigned int polls, i;

	UNIT_EQ(send_one(packet(60, 0)), 1);
	for (polls = 0; polls < 50 && plx_port_state(&fx.port.base) == PLX_PORT_STARTED; polls++) {
		for (i = 0; i < DESCS; i++)
			device_comp(77);
		UNIT_EQ(send(NULL, 0), 0);
	}
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
	CU_ASSERT(polls < 10);
}

static void random_completions(void)
{
	unsigned int round, i;

	srandom(7);
	for (round = 0; round < 3000; round++) {
		struct plx_pktbuf *p = packet(60, 0);

		if (random() % 3 == 0)
			UNIT_EQ(plx_pktbuf_chain(p, packet(60, 0)), 0);
		if (!send_one(p))
			plx_pktbuf_free(p);
		for (i = 0; i < 4; i++) {
			uint32_t at = (fx.txq.comp_next + i) & fx.txq.mask;

			fx.txq.comp[at].what = (uint64_t)random() % (DESCS + 5);
			fx.txq.comp[at].result = random() % 4 ? fx.txq.comp_gen : 0;
		}
		fx.txq.base.lies_in_row = 0;
	}
}

WITH_FIXTURE(plain_packets)
WITH_FIXTURE(many_packets)
WITH_FIXTURE(full_ring)
WITH_FIXTURE(segments)
WITH_FIXTURE(offloads)
WITH_FIXTURE(what_cannot_be_sent)
WITH_FIXTURE(lie_index)
WITH_FIXTURE(lies_break_port)
WITH_FIXTURE(random_completions)

CU_TestInfo tx_tests[] = {
	{"plain packets, data ring", plain_packets_fx},
	{"round and round", many_packets_fx},
	{"a full ring", full_ring_fx},
	{"several segments", segments_fx},
	{"checksum, tag, TSO", offloads_fx},
	{"what cannot be sent is freed and counted", what_cannot_be_sent_fx},
	{"lie: index not sent, past the ring, twice", lie_index_fx},
	{"lie: for ever breaks the port", lies_break_port_fx},
	{"random completions", random_completions_fx},
	CU_TEST_INFO_NULL,
};
