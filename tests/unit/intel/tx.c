/* SPDX-License-Identifier: BSD-3-Clause */
/* e1000e transmission against a ring on which the test sets the done bits. */
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fixture.h"
#include "runner.h"

#define SEND_CTL (INTEL_TXD_DTYP_DATA | INTEL_TXD_IFCS | INTEL_TXD_DEXT | INTEL_TXD_EOP)

static struct plx_pktbuf *packet(uint16_t len)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fx.pool);

	CU_ASSERT_FATAL(p && plx_pktbuf_append(p, len));
	return p;
}

static uint16_t send_n(unsigned int n, uint16_t len)
{
	static struct plx_pktbuf *pkts[2 * DESCS];
	unsigned int i;
	uint16_t sent;

	for (i = 0; i < n; i++)
		pkts[i] = packet(len);
	sent = plx_tx_burst(&fx.txq.base, pkts, (uint16_t)n);
	plx_pktbuf_free_burst(&pkts[sent], (uint16_t)(n - sent));
	return sent;
}

static uint64_t ctl(uint32_t index)
{
	return le64toh(fx.txq.ring[index % DESCS].ctl);
}

static void device_done(uint32_t index)
{
	fx.txq.ring[index % DESCS].ctl |= htole64(INTEL_TXD_DD);
}

/* Report every batch up to the tail. */
static void device_done_all(void)
{
	uint32_t i;

	for (i = 0; i < DESCS; i++)
		if (ctl(i) & INTEL_TXD_RS)
			device_done(i);
}

static void start_values(void)
{
	uint64_t iova = plx_iova(fx.txq.ring);

	UNIT_EQ(reg_get(INTEL_TDBAL(0)), (uint32_t)iova);
	UNIT_EQ(reg_get(INTEL_TDBAH(0)), iova >> 32);
	UNIT_EQ(reg_get(INTEL_TDLEN(0)), DESCS * 16);
	UNIT_EQ(reg_get(INTEL_TDT(0)), 0);
	CU_ASSERT(reg_get(INTEL_TCTL) & INTEL_TCTL_EN);
	CU_ASSERT(reg_get(INTEL_TXDCTL(0)) & INTEL_TXDCTL_BIT22);
	CU_ASSERT(reg_get(INTEL_TARC(0)) & INTEL_TARC_ENABLE);
}

static void one_batch(void)
{
	struct plx_pktbuf *pkts[3] = {packet(60), packet(1514), packet(17)};
	uint32_t before = pool_free();

	UNIT_EQ(plx_tx_burst(&fx.txq.base, pkts, 3), 3);
	UNIT_EQ(reg_get(INTEL_TDT(0)), 3);
	UNIT_EQ(le64toh(fx.txq.ring[1].addr), plx_pktbuf_iova(pkts[1]));
	UNIT_EQ(ctl(0), SEND_CTL | 60);
	UNIT_EQ(ctl(1), SEND_CTL | 1514);
	UNIT_EQ(ctl(2), SEND_CTL | INTEL_TXD_RS | 17);
	UNIT_EQ(intel_tx_waiting(&fx.txq), true);
	/* Nothing is freed before the report. */
	UNIT_EQ(plx_tx_burst(&fx.txq.base, NULL, 0), 0);
	UNIT_EQ(pool_free(), before);
	/* Done on a descriptor that was not to be reported is no report. */
	device_done(0);
	plx_tx_burst(&fx.txq.base, NULL, 0);
	UNIT_EQ(pool_free(), before);
	device_done(2);
	UNIT_EQ(intel_tx_waiting(&fx.txq), false);
	plx_tx_burst(&fx.txq.base, NULL, 0);
	UNIT_EQ(pool_free(), before + 3);
	UNIT_EQ(fx.txq.base.stats.packets, 3);
	UNIT_EQ(fx.txq.base.stats.bytes, 1591);
}

static void batches_in_order(void)
{
	uint32_t before = pool_free();

	UNIT_EQ(send_n(4, 60), 4);
	UNIT_EQ(send_n(4, 60), 4);
	/* The second is reported first: the first keeps both. */
	device_done(7);
	plx_tx_burst(&fx.txq.base, NULL, 0);
	UNIT_EQ(pool_free(), before - 8);
	device_done(3);
	plx_tx_burst(&fx.txq.base, NULL, 0);
	UNIT_EQ(pool_free(), before);
}

static void full_ring(void)
{
	UNIT_EQ(send_n(2 * DESCS, 60), DESCS - 1);
	UNIT_EQ(send_n(1, 60), 0);
	UNIT_EQ(reg_get(INTEL_TDT(0)), DESCS - 1);
	device_done_all();
	UNIT_EQ(send_n(5, 60), 5);
	UNIT_EQ(fx.txq.next, 4);
}

static struct plx_pktbuf *chain_of(unsigned int n, uint16_t len)
{
	struct plx_pktbuf *head = packet(len);

	while (--n)
		plx_pktbuf_chain(head, packet(len));
	return head;
}

static void segments(void)
{
	struct plx_pktbuf *pkts[3] = {packet(60), chain_of(3, 500), packet(60)};
	uint32_t before = pool_free();

	UNIT_EQ(plx_tx_burst(&fx.txq.base, pkts, 3), 3);
	UNIT_EQ(fx.txq.next, 5);
	UNIT_EQ(fx.txq.gaps, 2);
	UNIT_EQ(ctl(1) & INTEL_TXD_EOP, 0);
	UNIT_EQ(ctl(2) & INTEL_TXD_EOP, 0);
	CU_ASSERT(ctl(3) & INTEL_TXD_EOP);
	UNIT_EQ(fx.txq.base.stats.packets, 3);
	UNIT_EQ(fx.txq.base.stats.bytes, 1620);
	device_done(4);
	plx_tx_burst(&fx.txq.base, NULL, 0);
	UNIT_EQ(pool_free(), before + 5);
	UNIT_EQ(fx.txq.gaps, 0);
}

static void no_room_for_segments(void)
{
	struct plx_pktbuf *pkts[2] = {packet(60), chain_of(4, 500)};

	UNIT_EQ(send_n(DESCS - 4, 60), DESCS - 4);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, pkts, 2), 1);
	device_done_all();
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &pkts[1], 1), 1);
}

static void shared_packet_stays(void)
{
	struct plx_pktbuf *p = packet(60);

	plx_pktbuf_ref(p);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &p, 1), 1);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &p, 1), 1);
	device_done(0);
	plx_tx_burst(&fx.txq.base, NULL, 0);
	UNIT_EQ(p->refcnt, 1);
	device_done(1);
	plx_tx_burst(&fx.txq.base, NULL, 0);
}

/* Packets that no device could send are freed and counted, those around them go. */
static void bad_packets(void)
{
	struct plx_pktbuf *pkts[8];
	uint32_t before = pool_free();
	unsigned int i;

	pkts[0] = packet(60);
	pkts[1] = plx_pktbuf_alloc(fx.pool); /* empty */
	pkts[2] = packet(16);		     /* too short */
	pkts[3] = chain_of(5, 2000);	     /* too long */
	pkts[4] = chain_of(2, 100);
	pkts[4]->nsegs = 3; /* says 3 segments, has 2 */
	pkts[5] = chain_of(2, 100);
	pkts[5]->pkt_len = 100; /* says 100 bytes, has 200 */
	pkts[6] = chain_of(INTEL_SEGS_MAX + 2, 20);
	pkts[7] = packet(61);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, pkts, 8), 8);
	UNIT_EQ(fx.txq.base.stats.dropped, 6);
	UNIT_EQ(fx.txq.base.stats.packets, 2);
	UNIT_EQ(fx.txq.next, 2);
	UNIT_EQ(pool_free(), before - 2);
	/* Nothing but bad ones: the device is not told of anything. */
	reg_set(INTEL_TDT(0), 0x5555);
	for (i = 0; i < 3; i++)
		pkts[i] = packet(3);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, pkts, 3), 3);
	UNIT_EQ(reg_get(INTEL_TDT(0)), 0x5555);
}

/* A device that reports at random, as long as it likes: each buffer comes back once. */
static void random_reports(void)
{
	unsigned int round, i;

	srandom(11);
	for (round = 0; round < 20000; round++) {
		static struct plx_pktbuf *pkts[32];
		unsigned int n = (unsigned int)random() % 32;
		uint16_t sent;

		for (i = 0; i < n; i++)
			pkts[i] = random() % 8 ? packet(60) : chain_of(1 + random() % 5, 100);
		sent = plx_tx_burst(&fx.txq.base, pkts, (uint16_t)n);
		plx_pktbuf_free_burst(&pkts[sent], (uint16_t)(n - sent));
		for (i = 0; i < 4; i++)
			device_done((uint32_t)random());
		if (random() % 16 == 0)
			device_done_all();
	}
}

WITH_FIXTURE(start_values)
WITH_FIXTURE(one_batch)
WITH_FIXTURE(batches_in_order)
WITH_FIXTURE(full_ring)
WITH_FIXTURE(segments)
WITH_FIXTURE(no_room_for_segments)
WITH_FIXTURE(shared_packet_stays)
WITH_FIXTURE(bad_packets)
WITH_FIXTURE(random_reports)

CU_TestInfo tx_tests[] = {
	{"registers after start", start_values_fx},
	{"one batch, freed by its report", one_batch_fx},
	{"batches are freed in order", batches_in_order_fx},
	{"a full ring", full_ring_fx},
	{"packets of several segments", segments_fx},
	{"no room for all segments", no_room_for_segments_fx},
	{"a shared packet stays", shared_packet_stays_fx},
	{"packets that cannot be sent", bad_packets_fx},
	{"random reports", random_reports_fx},
	CU_TEST_INFO_NULL,
};
