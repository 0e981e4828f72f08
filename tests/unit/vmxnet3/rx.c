/* SPDX-License-Identifier: BSD-3-Clause */
/* vmxnet3 reception against completions that the test writes: good packets, and lies (C7). */
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fixture.h"
#include "runner.h"

#define EOP   VMXNET3_RXC_EOP
#define SOP   VMXNET3_RXC_SOP
#define WHOLE (EOP | SOP | VMXNET3_RXC_NO_CSUM)
#define BODY  (UINT64_C(1) << VMXNET3_RXC_QUEUE_SHIFT) /* ring 1 of queue 0, of one queue */

static uint64_t lies(enum plx_lie kind)
{
	return fx.rxq.base.stats.lies[kind];
}

/* A completion as the device writes it, with the generation that makes it new. */
static void device_comp(uint64_t what, uint64_t result)
{
	uint32_t size = fx.rxq.comp_size, at = fx.rx_comps % size;
	bool gen = fx.rx_comps / size % 2 == 0;

	fx.rxq.comp[at].what = htole64(what);
	fx.rxq.comp[at].result = htole64(result | (gen ? VMXNET3_RXC_GEN : 0));
	fx.rx_comps++;
}

/* Receive into the next buffer of a ring, which must be the device's by its generation. */
static void device_buf(struct vmxnet3_rx_ring *r, uint32_t *at, uint64_t kind, uint32_t len,
		       uint64_t flags, uint8_t fill)
{
	struct vmxnet3_rx_desc *desc = &r->ring[*at % DESCS];
	uint64_t gen = *at / DESCS % 2 == 0 ? VMXNET3_RXD_GEN : 0;
	char *va = (char *)(uintptr_t)(le64toh(desc->addr) - plx_iova(NULL));

	UNIT_EQ(le64toh(desc->meta) & VMXNET3_RXD_GEN, gen);
	memset(va, fill, len <= fx.rxq.buf_size ? len : 0);
	device_comp((*at % DESCS) | kind | flags, len);
	(*at)++;
}

static void device_rx(uint32_t len, uint64_t flags, uint8_t fill)
{
	device_buf(&fx.rxq.heads, &fx.heads, 0, len, flags, fill);
}

static void device_body(uint32_t len, uint64_t flags, uint8_t fill)
{
	device_buf(&fx.rxq.bodies, &fx.bodies, BODY, len, flags, fill);
}

static uint16_t poll_rx(struct plx_pktbuf **pkts, uint16_t n)
{
	return plx_rx_burst(&fx.rxq.base, pkts, n);
}

/* The next packet is good and this long: what went before has done no harm. */
static void expect_good(void)
{
	struct plx_pktbuf *p;

	device_rx(61, WHOLE, 7);
	UNIT_EQ(poll_rx(&p, 1), 1);
	UNIT_EQ(p->len, 61);
	UNIT_EQ(p->nsegs, 1);
	UNIT_EQ(*(uint8_t *)plx_pktbuf_data(p), 7);
	plx_pktbuf_free(p);
}

static void start_values(void)
{
	const struct vmxnet3_rxq_conf *conf = fx.port.rxq_confs;

	UNIT_EQ(le64toh(conf->ring_iova[0]), plx_iova(fx.rxq.heads.ring));
	UNIT_EQ(le32toh(conf->ring_size[0]), DESCS);
	UNIT_EQ(le32toh(conf->comp_ring_size), 2 * DESCS);
	UNIT_EQ(pool_free(), POOL_BUFS - OWNED);
	UNIT_EQ(le64toh(fx.rxq.heads.ring[0].meta), 2048 | VMXNET3_RXD_GEN);
	UNIT_EQ(fx.rxq.bodies.ring[0].meta, 0);
	UNIT_EQ(vmxnet3_rx_pending(&fx.rxq), false);
}

static void good_packets(void)
{
	struct plx_pktbuf *pkts[32];
	unsigned int i, round;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < 32; i++)
			device_rx(64 + i, WHOLE, (uint8_t)i);
		UNIT_EQ(vmxnet3_rx_pending(&fx.rxq), true);
		UNIT_EQ(poll_rx(pkts, 32), 32);
		for (i = 0; i < 32; i++) {
			UNIT_EQ(pkts[i]->len, 64 + i);
			UNIT_EQ(pkts[i]->port, 5);
			UNIT_EQ(pkts[i]->flags, 0);
			UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[i]), i);
			UNIT_EQ(plx_pktbuf_check(pkts[i]), 0);
			plx_pktbuf_pull(pkts[i], 20);
			pkts[i]->flags = PLX_PKT_TX_TCP;
		}
		plx_pktbuf_free_burst(pkts, 32);
	}
	UNIT_EQ(fx.rxq.base.stats.packets, 3200);
}

static void offload_fields(void)
{
	struct plx_pktbuf *pkts[4];
	uint64_t tcp4 = VMXNET3_RXC_IPV4 | VMXNET3_RXC_TCP;

	/* Nobody has asked. */
	device_comp(fx.heads++ | SOP | EOP,
		    60 | tcp4 | VMXNET3_RXC_IP_GOOD | VMXNET3_RXC_L4_GOOD | VMXNET3_RXC_TAGGED);
	UNIT_EQ(poll_rx(pkts, 1), 1);
	UNIT_EQ(pkts[0]->flags, 0);
	plx_pktbuf_free(pkts[0]);
	fx.rxq.offloads = PLX_PKT_RX_VLAN | PLX_PKT_RX_HASH | PLX_PKT_RX_IP_GOOD;
	device_comp(fx.heads++ | SOP | EOP, 60 | tcp4 | VMXNET3_RXC_IP_GOOD | VMXNET3_RXC_L4_GOOD);
	device_comp(fx.heads++ | SOP | EOP, 60 | tcp4);
	device_comp(fx.heads++ | WHOLE | UINT64_C(2) << VMXNET3_RXC_RSS_SHIFT |
			    UINT64_C(0xdeadbeef) << VMXNET3_RXC_HASH_SHIFT,
		    60);
	device_comp(fx.heads++ | WHOLE, 60 | VMXNET3_RXC_TAGGED | 0x123 << VMXNET3_RXC_TAG_SHIFT);
	UNIT_EQ(poll_rx(pkts, 4), 4);
	UNIT_EQ(pkts[0]->flags, PLX_PKT_RX_IP_GOOD | PLX_PKT_RX_L4_GOOD);
	UNIT_EQ(pkts[1]->flags, PLX_PKT_RX_IP_BAD | PLX_PKT_RX_L4_BAD);
	UNIT_EQ(pkts[2]->flags, PLX_PKT_RX_HASH);
	UNIT_EQ(pkts[2]->hash, 0xdeadbeef);
	UNIT_EQ(pkts[3]->flags, PLX_PKT_RX_VLAN);
	UNIT_EQ(pkts[3]->vlan, 0x123);
	plx_pktbuf_free_burst(pkts, 4);
}

/* The first completion of merged segments says how many, and of what size (revision 2). */
static void device_lro(uint32_t len, uint64_t segs, uint64_t mss)
{
	device_comp(fx.heads++ % DESCS | WHOLE | segs << VMXNET3_RXC_SEGS_SHIFT,
		    len | VMXNET3_RXC_TYPE_LRO | mss << VMXNET3_RXC_MSS_SHIFT);
}

static void merged_segments(void)
{
	struct plx_pktbuf *pkts[4];

	fx.rxq.offloads = PLX_PKT_RX_LRO | PLX_PKT_RX_HASH;
	device_lro(2000, 2, 980);
	device_lro(600, 1, 560);
	UNIT_EQ(poll_rx(pkts, 4), 2);
	UNIT_EQ(pkts[0]->flags, PLX_PKT_RX_LRO);
	UNIT_EQ(pkts[0]->mss, 980);
	UNIT_EQ(pkts[1]->flags, 0);
	plx_pktbuf_free_burst(pkts, 2);
	/* In several buffers: what the last completion has in those places is something else. */
	device_comp(fx.heads++ % DESCS | SOP | UINT64_C(3) << VMXNET3_RXC_SEGS_SHIFT,
		    2048 | VMXNET3_RXC_TYPE_LRO | UINT64_C(1400) << VMXNET3_RXC_MSS_SHIFT);
	device_comp(fx.bodies++ % DESCS | BODY, 2048);
	device_comp(fx.bodies++ % DESCS | BODY | EOP | VMXNET3_RXC_NO_CSUM, 104);
	UNIT_EQ(poll_rx(pkts, 4), 1);
	UNIT_EQ(pkts[0]->flags, PLX_PKT_RX_LRO);
	UNIT_EQ(pkts[0]->mss, 1400);
	UNIT_EQ(pkts[0]->pkt_len, 4200);
	plx_pktbuf_free(pkts[0]);
	UNIT_EQ(lies(PLX_LIE_HEADER), 0);
}

/* Revision 1 says nothing: a packet longer than the MTU is several. */
static void merged_segments_unsaid(void)
{
	struct plx_pktbuf *p;

	fx.rxq.offloads = PLX_PKT_RX_LRO;
	fx.port.base.settings.mtu = 1500;
	device_rx(2000, WHOLE, 0);
	UNIT_EQ(poll_rx(&p, 1), 1);
	UNIT_EQ(p->flags, PLX_PKT_RX_LRO);
	UNIT_EQ(p->mss, 1400);
	plx_pktbuf_free(p);
	device_rx(1514, WHOLE, 0);
	UNIT_EQ(poll_rx(&p, 1), 1);
	UNIT_EQ(p->flags, 0);
	plx_pktbuf_free(p);
}

static void long_packet_in_parts(void)
{
	struct plx_pktbuf *p;

	UNIT_EQ(pool_free(), POOL_BUFS - 2 * OWNED);
	device_rx(2048, SOP, 1);
	device_body(2048, 0, 2);
	UNIT_EQ(poll_rx(&p, 1), 0);
	device_body(100, EOP, 3);
	UNIT_EQ(poll_rx(&p, 1), 1);
	UNIT_EQ(p->nsegs, 3);
	UNIT_EQ(p->pkt_len, 4196);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	UNIT_EQ(*(uint8_t *)plx_pktbuf_data(p->next->next), 3);
	plx_pktbuf_free(p);
	/* One whose end never comes is freed with the ring. */
	device_rx(2048, SOP, 1);
	UNIT_EQ(poll_rx(&p, 1), 0);
}

static void empty_pool_recovers(void)
{
	static struct plx_pktbuf *hold[POOL_BUFS], *pkts[DESCS];
	uint32_t n = 0, i;

	while ((hold[n] = plx_pktbuf_alloc(fx.pool)))
		n++;
	for (i = 0; i < OWNED; i++)
		device_rx(60, WHOLE, 0);
	UNIT_EQ(poll_rx(pkts, DESCS), OWNED);
	CU_ASSERT(fx.rxq.base.stats.no_buffers > 0);
	for (i = 0; i < n; i++)
		plx_pktbuf_free(hold[i]);
	plx_pktbuf_free_burst(pkts, OWNED);
	UNIT_EQ(poll_rx(pkts, 1), 0);
	expect_good();
}

static void tail_register_on_request(void)
{
	struct plx_pktbuf *p;

	plx_mmio_write32(fx.bar0 + VMXNET3_RXPROD(0), 77);
	UNIT_EQ(poll_rx(&p, 1), 0);
	UNIT_EQ(plx_mmio_read32(fx.bar0 + VMXNET3_RXPROD(0)), 77);
	fx.port.rxq_confs->update_prod = 1;
	UNIT_EQ(poll_rx(&p, 1), 0);
	UNIT_EQ(plx_mmio_read32(fx.bar0 + VMXNET3_RXPROD(0)), OWNED);
}

/* --- Lies ----------------------------------------------------------------------------------- */

static void lie_length(void)
{
	struct plx_pktbuf *p;

	device_rx(0, WHOLE, 0);
	device_rx(2049, WHOLE, 0);
	device_rx(0x3fff, WHOLE, 0);
	UNIT_EQ(poll_rx(&p, 1), 0);
	UNIT_EQ(lies(PLX_LIE_LENGTH), 3);
	expect_good();
}

static void lie_index(void)
{
	struct plx_pktbuf *p;

	device_comp(DESCS | WHOLE, 60);		 /* past the ring */
	device_comp((fx.heads + 1) | WHOLE, 60); /* not the next one */
	device_comp(0xfff | WHOLE, 60);
	device_comp(BODY | WHOLE, 60); /* of a ring that has no buffers */
	device_comp((UINT64_C(2) << VMXNET3_RXC_QUEUE_SHIFT) | WHOLE, 60);
	device_comp((UINT64_C(0x3ff) << VMXNET3_RXC_QUEUE_SHIFT) | WHOLE, 60);
	UNIT_EQ(poll_rx(&p, 1), 0);
	UNIT_EQ(lies(PLX_LIE_INDEX), 6);
	expect_good();
}

/* A descriptor that was not given: all of the ring completes, and then some. */
static void lie_not_given(void)
{
	static struct plx_pktbuf *pkts[2 * DESCS], *hold[POOL_BUFS];
	uint32_t n = 0, i;

	while ((hold[n] = plx_pktbuf_alloc(fx.pool)))
		n++;
	for (i = 0; i < OWNED; i++)
		device_rx(60, WHOLE, 0);
	device_comp(OWNED | WHOLE, 60);
	UNIT_EQ(poll_rx(pkts, 2 * DESCS), OWNED);
	UNIT_EQ(lies(PLX_LIE_INDEX), 1);
	plx_pktbuf_free_burst(pkts, OWNED);
	plx_pktbuf_free_burst(hold, (uint16_t)n);
}

/* Counts and sizes of merged segments that cannot be: counted, and not believed. */
static void lie_lro(void)
{
	static const struct {
		uint64_t segs, mss;
	} cases[] = {{0, 1000}, {0, 0}, {255, 0}, {2, 2001}, {255, 65535}, {2, 100}};
	struct plx_pktbuf *p;
	unsigned int i;

	fx.rxq.offloads = PLX_PKT_RX_LRO;
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		device_lro(2000, cases[i].segs, cases[i].mss);
		UNIT_EQ(poll_rx(&p, 1), 1);
		UNIT_EQ(p->flags, 0);
		UNIT_EQ(lies(PLX_LIE_HEADER), i + 1);
		plx_pktbuf_free(p);
	}
	expect_good();
}

/* The generation of the last round, again and again: nothing new, and nothing is handed out. */
static void lie_gen_flips(void)
{
	static struct plx_pktbuf *pkts[DESCS];
	unsigned int i, round, total = 0;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < fx.rxq.comp_size; i++)
			fx.rxq.comp[i].result ^= VMXNET3_RXC_GEN;
		UNIT_EQ(poll_rx(pkts, DESCS), 0);
		total += fx.rxq.comp_size;
		CU_ASSERT(lies(PLX_LIE_INDEX) + lies(PLX_LIE_CHAIN) + lies(PLX_LIE_LENGTH) <=
			  total);
		if (plx_port_state(&fx.port.base) == PLX_PORT_BROKEN)
			break;
	}
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
}

static void lie_chain(void)
{
	struct plx_pktbuf *p;
	unsigned int i;

	/* No start. */
	device_rx(60, EOP, 0);
	UNIT_EQ(poll_rx(&p, 1), 0);
	UNIT_EQ(lies(PLX_LIE_CHAIN), 1);
	/* A start in the middle of a packet: the first is dropped, the second is good. */
	device_rx(2048, SOP, 0);
	device_rx(62, WHOLE, 0);
	UNIT_EQ(poll_rx(&p, 1), 1);
	UNIT_EQ(p->len, 62);
	UNIT_EQ(lies(PLX_LIE_CHAIN), 2);
	plx_pktbuf_free(p);
	/* No end. */
	device_rx(2048, SOP, 0);
	for (i = 0; i < VMXNET3_RX_SEGS_MAX; i++)
		device_body(2048, 0, 0);
	UNIT_EQ(poll_rx(&p, 1), 0);
	UNIT_EQ(lies(PLX_LIE_CHAIN), 3);
	device_body(10, EOP, 0);
	expect_good();
	UNIT_EQ(lies(PLX_LIE_CHAIN), 4);
}

/* The device ran out of buffers in a packet: no lie, but no packet either. */
static void error_bit(void)
{
	struct plx_pktbuf *p;

	device_rx(2048, SOP, 0);
	device_body(2048 | VMXNET3_RXC_ERR, EOP, 0);
	UNIT_EQ(poll_rx(&p, 1), 0);
	UNIT_EQ(fx.rxq.base.stats.errors, 1);
	expect_good();
}

/* Nonsense for ever: at most a ring per poll, then the port is broken, with no buffer lost. */
static void lies_break_port(uint64_t what, uint64_t result)
{
	static struct plx_pktbuf *pkts[DESCS];
	unsigned int polls, i;

	for (polls = 0; polls < 50 && plx_port_state(&fx.port.base) == PLX_PORT_STARTED; polls++) {
		for (i = 0; i < fx.rxq.comp_size; i++)
			device_comp(what, result);
		UNIT_EQ(poll_rx(pkts, DESCS), 0);
	}
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
	UNIT_EQ(poll_rx(pkts, DESCS), 0);
	CU_ASSERT(polls < 10);
}

static void bad_queue_breaks(void)
{
	lies_break_port(VMXNET3_RXC_QUEUE | WHOLE, 60);
}

static void bad_index_breaks(void)
{
	lies_break_port(VMXNET3_RXC_INDEX, 60);
}

/* All ones is one new ring at most: the generation does not flip. */
static void all_ones(void)
{
	static struct plx_pktbuf *pkts[DESCS];
	unsigned int i;

	memset(fx.rxq.comp, 0xff, fx.rxq.comp_size * sizeof(*fx.rxq.comp));
	for (i = 0; i < 10; i++)
		UNIT_EQ(poll_rx(pkts, DESCS), 0);
	UNIT_EQ(lies(PLX_LIE_INDEX), 2 * DESCS);
}

/* Random completions: no crash, no leak, and every packet that comes out is consistent. */
static void random_completions(void)
{
	static struct plx_pktbuf *pkts[DESCS];
	unsigned int round, i;

	srandom(7);
	for (round = 0; round < 3000; round++) {
		uint16_t n;

		for (i = 0; i < 16; i++) {
			uint64_t what = (uint64_t)random() << 32 ^ (uint64_t)random();
			uint64_t result = (uint64_t)random() << 33 ^ (uint64_t)random();

			if (random() % 4) {
				const struct vmxnet3_rx_ring *r =
					random() % 3 ? &fx.rxq.heads : &fx.rxq.bodies;

				what = (r->next + i) % DESCS | (what & (SOP | EOP)) |
				       (r == &fx.rxq.bodies ? BODY : 0);
				result = (uint64_t)random() % 2100;
			}
			fx.rxq.comp[(fx.rxq.comp_next + i) % fx.rxq.comp_size].what = what;
			fx.rxq.comp[(fx.rxq.comp_next + i) % fx.rxq.comp_size].result =
				result ^ fx.rxq.comp_gen;
		}
		n = poll_rx(pkts, (uint16_t)(random() % DESCS));
		for (i = 0; i < n; i++)
			UNIT_EQ(plx_pktbuf_check(pkts[i]), 0);
		plx_pktbuf_free_burst(pkts, n);
		fx.rxq.base.lies_in_row = 0;
	}
}

WITH_FIXTURE(start_values)
WITH_FIXTURE(good_packets)
WITH_FIXTURE(offload_fields)
WITH_FIXTURE_MTU(merged_segments, JUMBO)
WITH_FIXTURE_MTU(merged_segments_unsaid, JUMBO)
WITH_FIXTURE_MTU(lie_lro, JUMBO)
WITH_FIXTURE(lie_gen_flips)
WITH_FIXTURE_MTU(long_packet_in_parts, JUMBO)
WITH_FIXTURE(empty_pool_recovers)
WITH_FIXTURE(tail_register_on_request)
WITH_FIXTURE(lie_length)
WITH_FIXTURE(lie_index)
WITH_FIXTURE(lie_not_given)
WITH_FIXTURE_MTU(lie_chain, JUMBO)
WITH_FIXTURE_MTU(error_bit, JUMBO)
WITH_FIXTURE(bad_queue_breaks)
WITH_FIXTURE(bad_index_breaks)
WITH_FIXTURE(all_ones)
WITH_FIXTURE_MTU(random_completions, JUMBO)

CU_TestInfo rx_tests[] = {
	{"what the device is told", start_values_fx},
	{"good packets, buffers rearmed", good_packets_fx},
	{"checksums, hash, tag", offload_fields_fx},
	{"a long packet in parts", long_packet_in_parts_fx},
	{"an empty pool recovers", empty_pool_recovers_fx},
	{"RXPROD only when asked for", tail_register_on_request_fx},
	{"lie: length 0, beyond the buffer", lie_length_fx},
	{"lie: index past the ring, not the next; unknown queue", lie_index_fx},
	{"lie: a descriptor that was not given", lie_not_given_fx},
	{"segments merged into one", merged_segments_fx},
	{"segments merged, and nothing said of it", merged_segments_unsaid_fx},
	{"lie: merged segments, 0 or 255 of them, sizes that do not fit", lie_lro_fx},
	{"lie: generations flip for ever", lie_gen_flips_fx},
	{"lie: no start, start in the middle, no end", lie_chain_fx},
	{"an error in the middle of a packet", error_bit_fx},
	{"lie: unknown queue for ever breaks the port", bad_queue_breaks_fx},
	{"lie: bad index for ever breaks the port", bad_index_breaks_fx},
	{"lie: all ones", all_ones_fx},
	{"random completions", random_completions_fx},
	CU_TEST_INFO_NULL,
};
