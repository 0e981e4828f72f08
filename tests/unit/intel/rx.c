/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * e1000e reception against descriptors that the test writes: good frames, and lies (ABUSE.md C7).
 */
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fixture.h"
#include "runner.h"

#define DD     INTEL_RXD_DD
#define EOP    INTEL_RXD_EOP
#define OWNED  (DESCS - INTEL_REFILL) /* what the device has after start */
#define LEN(n) ((uint64_t)(n) << INTEL_RXD_LEN_SHIFT)

/* Write back a descriptor as the device does, whether or not it owns it. */
static void device_write(uint32_t index, uint64_t meta)
{
	fx.rxq.ring[index % DESCS].meta = htole64(meta);
}

/* Receive into the next descriptor: data at the address that the driver gave. */
static void device_rx(uint32_t len, uint64_t flags, uint8_t fill)
{
	struct intel_rx_desc *desc = &fx.rxq.ring[fx.given % DESCS];
	char *va = (char *)(uintptr_t)(le64toh(desc->addr) - plx_iova(NULL));

	CU_ASSERT_FATAL(desc->addr != 0);
	memset(va, fill, len <= fx.rxq.buf_size ? len : fx.rxq.buf_size);
	desc->addr = UINT64_MAX; /* RSS hash and checksum land here */
	device_write(fx.given++, LEN(len) | flags);
}

static uint16_t poll_rx(struct plx_pktbuf **pkts, uint16_t n)
{
	return plx_rx_burst(&fx.rxq.base, pkts, n);
}

static uint64_t lies(enum plx_lie kind)
{
	return fx.rxq.base.stats.lies[kind];
}

static void start_values(void)
{
	uint64_t iova = plx_iova(fx.rxq.ring);

	UNIT_EQ(reg_get(INTEL_RDBAL(0)), (uint32_t)iova);
	UNIT_EQ(reg_get(INTEL_RDBAH(0)), iova >> 32);
	UNIT_EQ(reg_get(INTEL_RDLEN(0)), DESCS * 16);
	UNIT_EQ(reg_get(INTEL_RDT(0)), OWNED);
	UNIT_EQ(reg_get(INTEL_RFCTL), INTEL_RFCTL_EXSTEN);
	UNIT_EQ(reg_get(INTEL_RCTL) & (3u << INTEL_RCTL_BSIZE_SHIFT | INTEL_RCTL_BSEX), 0);
	CU_ASSERT(reg_get(INTEL_RCTL) & INTEL_RCTL_EN);
	UNIT_EQ(pool_free(), POOL_BUFS - OWNED);
	UNIT_EQ(intel_rx_pending(&fx.rxq), false);
}

/* A device that still knows the second queue of its last user must not use it. */
static void second_queue_is_emptied(void)
{
	reg_set(INTEL_MRQC, INTEL_MRQC_RSS | INTEL_MRQC_IPV4);
	reg_set(INTEL_RDLEN(1), 4096);
	reg_set(INTEL_RDT(1), 100);
	reg_set(INTEL_TDH(1), 3);
	reg_set(INTEL_TDT(1), 7);
	reg_set(INTEL_TARC(1), INTEL_TARC_ENABLE);
	UNIT_EQ(intel_rings_start(&fx.port), 0);
	UNIT_EQ(reg_get(INTEL_MRQC), 0);
	UNIT_EQ(reg_get(INTEL_RDLEN(1)), 0);
	UNIT_EQ(reg_get(INTEL_RDT(1)), 0);
	UNIT_EQ(reg_get(INTEL_TDH(1)), reg_get(INTEL_TDT(1)));
	UNIT_EQ(reg_get(INTEL_TARC(1)) & INTEL_TARC_ENABLE, 0);
}

static void good_frames(void)
{
	struct plx_pktbuf *pkts[4];

	UNIT_EQ(poll_rx(pkts, 4), 0);
	device_rx(60, DD | EOP, 0xaa);
	device_rx(1514, DD | EOP, 0xbb);
	UNIT_EQ(intel_rx_pending(&fx.rxq), true);
	UNIT_EQ(poll_rx(pkts, 4), 2);
	UNIT_EQ(pkts[0]->len, 60);
	UNIT_EQ(pkts[0]->pkt_len, 60);
	UNIT_EQ(pkts[0]->port, 5);
	UNIT_EQ(pkts[0]->flags, 0);
	UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[0]), 0xaa);
	UNIT_EQ(pkts[1]->len, 1514);
	UNIT_EQ(((uint8_t *)plx_pktbuf_data(pkts[1]))[1513], 0xbb);
	UNIT_EQ(plx_pktbuf_check(pkts[0]), 0);
	UNIT_EQ(plx_pktbuf_check(pkts[1]), 0);
	UNIT_EQ(fx.rxq.base.stats.packets, 2);
	UNIT_EQ(fx.rxq.base.stats.bytes, 1574);
	plx_pktbuf_free_burst(pkts, 2);
}

/* What the application left in a buffer does not show in the next packet. */
static void buffers_are_rearmed(void)
{
	struct plx_pktbuf *pkts[32];
	unsigned int i, round;

	for (round = 0; round < 100; round++) {
		for (i = 0; i < 32; i++)
			device_rx(64 + i, DD | EOP, (uint8_t)i);
		UNIT_EQ(poll_rx(pkts, 32), 32);
		for (i = 0; i < 32; i++) {
			UNIT_EQ(plx_pktbuf_headroom(pkts[i]), PLX_PKTBUF_HEADROOM);
			UNIT_EQ(pkts[i]->len, 64 + i);
			UNIT_EQ(plx_pktbuf_check(pkts[i]), 0);
			plx_pktbuf_pull(pkts[i], 20);
			pkts[i]->flags = PLX_PKT_TX_TCP;
		}
		plx_pktbuf_free_burst(pkts, 32);
	}
	UNIT_EQ(fx.rxq.base.stats.packets, 3200);
	UNIT_EQ(reg_get(INTEL_RDT(0)), fx.rxq.tail);
}

static void long_packet_in_parts(void)
{
	struct plx_pktbuf *p;

	device_rx(2048, DD, 1);
	device_rx(2048, DD, 2);
	UNIT_EQ(poll_rx(&p, 1), 0);
	device_rx(100, DD | EOP, 3);
	UNIT_EQ(poll_rx(&p, 1), 1);
	UNIT_EQ(p->nsegs, 3);
	UNIT_EQ(p->pkt_len, 4196);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	UNIT_EQ(*(uint8_t *)plx_pktbuf_data(p->next->next), 3);
	UNIT_EQ(fx.rxq.base.stats.bytes, 4196);
	plx_pktbuf_free(p);
	/* One whose end never comes is freed with the ring. */
	device_rx(2048, DD, 1);
	UNIT_EQ(poll_rx(&p, 1), 0);
}

static void buffer_sizes(void)
{
	static const struct {
		uint16_t data_size;
		uint32_t buf_size, rctl;
	} sizes[] = {
		{256, 256, 3u << 16},
		{1000, 512, 2u << 16},
		{2047, 1024, 1u << 16},
		{4096, 4096, 3u << 16 | INTEL_RCTL_BSEX},
		{10000, 8192, 2u << 16 | INTEL_RCTL_BSEX},
		{20000, 16384, 1u << 16 | INTEL_RCTL_BSEX},
	};
	unsigned int i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		fixture_up(sizes[i].data_size);
		UNIT_EQ(fx.rxq.buf_size, sizes[i].buf_size);
		UNIT_EQ(reg_get(INTEL_RCTL) & (3u << 16 | INTEL_RCTL_BSEX), sizes[i].rctl);
		fixture_down();
	}
}

static void pool_too_small_for_ring(void)
{
	struct plx_pktbuf_pool_config config = {.count = 40};
	struct intel_rxq q = {.base.port = &fx.port.base};

	fx.port.base.config.pool = plx_pktbuf_pool_open(&config);
	UNIT_EQ(intel_rxq_alloc(&q, DESCS), -ENOMEM);
	intel_rxq_free(&q);
	UNIT_EQ(plx_pktbuf_pool_close(fx.port.base.config.pool), 0);
	config.count = 64;
	config.data_size = 255;
	fx.port.base.config.pool = plx_pktbuf_pool_open(&config);
	UNIT_EQ(intel_rxq_alloc(&q, DESCS), -EINVAL);
	intel_rxq_free(&q);
	UNIT_EQ(plx_pktbuf_pool_close(fx.port.base.config.pool), 0);
}

/* The application keeps all buffers: nothing is lost, and it goes on when they come back. */
static void empty_pool_recovers(void)
{
	static struct plx_pktbuf *hold[POOL_BUFS], *pkts[DESCS];
	uint32_t n = 0, i;

	while ((hold[n] = plx_pktbuf_alloc(fx.pool)))
		n++;
	for (i = 0; i < OWNED; i++)
		device_rx(60, DD | EOP, 0);
	UNIT_EQ(poll_rx(pkts, DESCS), OWNED);
	CU_ASSERT(fx.rxq.base.stats.no_buffers > 0);
	UNIT_EQ(fx.rxq.next, fx.rxq.tail);
	/* The device owns none now: what is in the ring from before is not looked at. */
	UNIT_EQ(poll_rx(&pkts[OWNED], 1), 0);
	UNIT_EQ(intel_rx_pending(&fx.rxq), false);
	for (i = 0; i < n; i++)
		plx_pktbuf_free(hold[i]);
	plx_pktbuf_free_burst(pkts, OWNED);
	UNIT_EQ(poll_rx(pkts, 1), 0);
	UNIT_EQ(reg_get(INTEL_RDT(0)), fx.rxq.tail);
	device_rx(77, DD | EOP, 0);
	UNIT_EQ(poll_rx(pkts, 1), 1);
	UNIT_EQ(pkts[0]->len, 77);
	plx_pktbuf_free(pkts[0]);
}

/* --- Lies ----------------------------------------------------------------------------------- */

static void lie_length(void)
{
	static const uint32_t lengths[] = {0, 2049, 4096, 65535};
	struct plx_pktbuf *p;
	unsigned int i;

	for (i = 0; i < 4; i++) {
		device_rx(lengths[i], DD | EOP, 0);
		device_rx(60, DD | EOP, 0);
		UNIT_EQ(poll_rx(&p, 1), 1);
		UNIT_EQ(lies(PLX_LIE_LENGTH), i + 1);
		UNIT_EQ(p->len, 60);
		plx_pktbuf_free(p);
	}
	/* A length of 1 is short, but inside the buffer. */
	device_rx(1, DD | EOP, 0);
	UNIT_EQ(poll_rx(&p, 1), 1);
	plx_pktbuf_free(p);
}

static void lie_partial_middle(void)
{
	struct plx_pktbuf *p;

	device_rx(2048, DD, 0);
	device_rx(100, DD, 0);
	device_rx(100, DD | EOP, 0);
	device_rx(60, DD | EOP, 0);
	UNIT_EQ(poll_rx(&p, 1), 1);
	UNIT_EQ(lies(PLX_LIE_LENGTH), 1);
	UNIT_EQ(p->len, 60);
	plx_pktbuf_free(p);
}

static void lie_error_bits(void)
{
	static const unsigned int bits[] = {24, 25, 26, 28, 31};
	struct plx_pktbuf *pkts[8];
	unsigned int i;

	for (i = 0; i < 5; i++)
		device_rx(60, DD | EOP | UINT64_C(1) << bits[i], 0);
	UNIT_EQ(poll_rx(pkts, 8), 0);
	UNIT_EQ(fx.rxq.base.stats.errors, 5);
	UNIT_EQ(lies(PLX_LIE_HEADER), 5);
	/* Wrong checksums inside the packet are the application's business. */
	device_rx(60, DD | EOP | UINT64_C(1) << 29 | UINT64_C(1) << 30, 0);
	UNIT_EQ(poll_rx(pkts, 8), 1);
	plx_pktbuf_free(pkts[0]);
}

static void lie_done_beyond_tail(void)
{
	static struct plx_pktbuf *pkts[2 * DESCS];
	uint32_t i, n;

	/* All descriptors, also those that it was not given. */
	for (i = 0; i < DESCS; i++)
		device_write(i, DD | EOP | LEN(60));
	n = poll_rx(pkts, 2 * DESCS);
	UNIT_EQ(n, OWNED);
	UNIT_EQ(lies(PLX_LIE_STATE), 1);
	plx_pktbuf_free_burst(pkts, (uint16_t)n);
	/* They were rearmed, and what the device wrote there is gone. */
	UNIT_EQ(poll_rx(pkts, 2 * DESCS), 0);
	fx.given = OWNED;
	device_rx(61, DD | EOP, 0);
	UNIT_EQ(poll_rx(pkts, 1), 1);
	UNIT_EQ(pkts[0]->len, 61);
	plx_pktbuf_free(pkts[0]);
}

static void lie_endless_chain(void)
{
	struct plx_pktbuf *pkts[32];
	unsigned int i;

	for (i = 0; i < INTEL_SEGS_MAX; i++)
		device_rx(2048, DD, 0);
	while (fx.rxq.next != fx.given % DESCS)
		UNIT_EQ(poll_rx(pkts, 32), 0);
	UNIT_EQ(lies(PLX_LIE_CHAIN), 0);
	device_rx(2048, DD, 0);
	UNIT_EQ(poll_rx(pkts, 32), 0);
	UNIT_EQ(lies(PLX_LIE_CHAIN), 1);
	/* The rest is skipped up to its end, and the next one is good. */
	device_rx(2048, DD, 0);
	device_rx(10, DD | EOP, 0);
	device_rx(60, DD | EOP, 0);
	UNIT_EQ(poll_rx(pkts, 32), 1);
	UNIT_EQ(pkts[0]->len, 60);
	UNIT_EQ(pkts[0]->nsegs, 1);
	plx_pktbuf_free(pkts[0]);
}

/* Nonsense for ever: at most a ring per poll, then the port is broken, with no buffer lost. */
static void lies_break_port(uint64_t meta)
{
	static struct plx_pktbuf *pkts[DESCS];
	unsigned int polls, i;

	for (polls = 0; polls < 200 && plx_port_state(&fx.port.base) == PLX_PORT_STARTED; polls++) {
		uint32_t before = fx.rxq.next;

		for (i = 0; i < DESCS; i++)
			device_write(i, meta);
		UNIT_EQ(poll_rx(pkts, DESCS), 0);
		CU_ASSERT(((fx.rxq.next - before) & fx.rxq.mask) < DESCS);
	}
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
	UNIT_EQ(poll_rx(pkts, DESCS), 0);
	CU_ASSERT(polls < 60);
}

static void all_ones_breaks(void)
{
	lies_break_port(UINT64_MAX);
}

static void zero_length_breaks(void)
{
	lies_break_port(DD | EOP);
}

static void no_end_breaks(void)
{
	lies_break_port(DD | LEN(2048));
}

/* Random descriptors: no crash, no leak, and every packet that comes out is consistent. */
static void random_descriptors(void)
{
	static struct plx_pktbuf *pkts[DESCS];
	unsigned int round, i;

	srandom(7);
	for (round = 0; round < 3000; round++) {
		uint16_t n;

		for (i = 0; i < 16; i++) {
			uint64_t meta = (uint64_t)random() << 32 ^ (uint64_t)random();

			if (random() % 2)
				meta = DD | (random() % 4 ? EOP : 0) | LEN(random() % 3000);
			device_write((uint32_t)random(), meta);
		}
		n = poll_rx(pkts, (uint16_t)(random() % DESCS));
		for (i = 0; i < n; i++)
			UNIT_EQ(plx_pktbuf_check(pkts[i]), 0);
		plx_pktbuf_free_burst(pkts, n);
		fx.rxq.base.lies_in_row = 0;
	}
}

WITH_FIXTURE(start_values)
WITH_FIXTURE(second_queue_is_emptied)
WITH_FIXTURE(good_frames)
WITH_FIXTURE(buffers_are_rearmed)
WITH_FIXTURE(long_packet_in_parts)
WITH_FIXTURE(pool_too_small_for_ring)
WITH_FIXTURE(empty_pool_recovers)
WITH_FIXTURE(lie_length)
WITH_FIXTURE(lie_partial_middle)
WITH_FIXTURE(lie_error_bits)
WITH_FIXTURE(lie_done_beyond_tail)
WITH_FIXTURE(lie_endless_chain)
WITH_FIXTURE(all_ones_breaks)
WITH_FIXTURE(zero_length_breaks)
WITH_FIXTURE(no_end_breaks)
WITH_FIXTURE(random_descriptors)

CU_TestInfo rx_tests[] = {
	{"registers after start", start_values_fx},
	{"a second queue of the last user is emptied", second_queue_is_emptied_fx},
	{"good frames", good_frames_fx},
	{"buffers are rearmed", buffers_are_rearmed_fx},
	{"a long packet in parts", long_packet_in_parts_fx},
	{"buffer sizes", buffer_sizes},
	{"a pool too small for the ring", pool_too_small_for_ring_fx},
	{"an empty pool recovers", empty_pool_recovers_fx},
	{"lie: length 0, beyond the buffer", lie_length_fx},
	{"lie: a buffer in the middle partly filled", lie_partial_middle_fx},
	{"lie: error bits", lie_error_bits_fx},
	{"lie: done on descriptors not given", lie_done_beyond_tail_fx},
	{"lie: a chain longer than any packet", lie_endless_chain_fx},
	{"lie: all ones for ever breaks the port", all_ones_breaks_fx},
	{"lie: length 0 for ever breaks the port", zero_length_breaks_fx},
	{"lie: no end for ever breaks the port", no_end_breaks_fx},
	{"random descriptors", random_descriptors_fx},
	CU_TEST_INFO_NULL,
};
