/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio reception: good frames, and used entries that lie (ABUSE.md C6). */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

static struct plx_pktbuf *pkts[FAKE_DESCS];

static uint16_t poll_rx(uint16_t n)
{
	return plx_rx_burst(fake_rxq(), pkts, n);
}

static uint64_t lies(enum plx_lie kind)
{
	return fake_rxq()->stats.lies[kind];
}

static uint64_t all_lies(void)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < PLX_LIE_KINDS; i++)
		sum += lies((enum plx_lie)i);
	return sum;
}

/* The port still receives, in the next buffer. */
static void still_works(void)
{
	fake_rx(99, 0x77);
	UNIT_EQ(poll_rx(8), 1);
	UNIT_EQ(pkts[0]->pkt_len, 99);
	UNIT_EQ(((uint8_t *)plx_pktbuf_data(pkts[0]))[98], 0x77);
	UNIT_EQ(plx_pktbuf_check(pkts[0]), 0);
	plx_pktbuf_free(pkts[0]);
}

static void whole_ring_is_given(void)
{
	struct fake_buf buf;
	unsigned int n = 0;

	fake_up();
	while (fake_pop(0, &buf)) {
		UNIT_EQ(buf.len, PLX_PKTBUF_DATA + VIRTIO_HDR_LEN);
		UNIT_EQ(buf.flags, VIRTQ_DESC_F_WRITE);
		UNIT_EQ((uintptr_t)fake_va(buf.addr) % PLX_CACHE_LINE,
			PLX_CACHE_LINE - VIRTIO_HDR_LEN);
		n++;
	}
	UNIT_EQ(n, FAKE_DESCS);
	UNIT_EQ(fake_pool_free(), FAKE_POOL - FAKE_DESCS);
	UNIT_EQ(fake_kicked(0), true);
	UNIT_EQ(poll_rx(32), 0);
	fake_down();
}

static void good_frames(void)
{
	fake_up();
	fake_rx(60, 0xaa);
	fake_rx(1514, 0xbb);
	fake_rx(PLX_PKTBUF_DATA, 0xcc);
	UNIT_EQ(poll_rx(8), 3);
	UNIT_EQ(pkts[0]->len, 60);
	UNIT_EQ(pkts[0]->pkt_len, 60);
	UNIT_EQ(pkts[0]->port, 5);
	UNIT_EQ(pkts[0]->flags, 0);
	UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[0]), 0xaa);
	UNIT_EQ(((uint8_t *)plx_pktbuf_data(pkts[1]))[1513], 0xbb);
	UNIT_EQ(((uint8_t *)plx_pktbuf_data(pkts[2]))[PLX_PKTBUF_DATA - 1], 0xcc);
	UNIT_EQ(plx_pktbuf_check(pkts[2]), 0);
	UNIT_EQ(fake_rxq()->stats.packets, 3);
	UNIT_EQ(fake_rxq()->stats.bytes, 60 + 1514 + PLX_PKTBUF_DATA);
	plx_pktbuf_free_burst(pkts, 3);
	fake_down();
}

/* Many times around the ring, and around 16 bits of positions. */
static void long_run(void)
{
	unsigned int round, i;

	fake_up();
	for (round = 0; round < 2500; round++) {
		for (i = 0; i < 29; i++)
			fake_rx(64 + i, (uint8_t)(round + i));
		UNIT_EQ(poll_rx(32), 29);
		for (i = 0; i < 29; i++) {
			if (pkts[i]->len != 64 + i ||
			    *(uint8_t *)plx_pktbuf_data(pkts[i]) != (uint8_t)(round + i))
				UNIT_EQ(pkts[i]->len, 64 + i);
			plx_pktbuf_pull(pkts[i], 20);
			pkts[i]->flags = PLX_PKT_TX_TCP;
		}
		plx_pktbuf_free_burst(pkts, 29);
	}
	UNIT_EQ(fake_rxq()->stats.packets, 2500 * 29);
	UNIT_EQ(fake_vrxq()->vq.reorders, 0);
	UNIT_EQ(all_lies(), 0);
	fake_down();
}

static void burst_is_limited(void)
{
	unsigned int i;

	fake_up();
	for (i = 0; i < 40; i++)
		fake_rx(60, (uint8_t)i);
	UNIT_EQ(poll_rx(0), 0);
	UNIT_EQ(poll_rx(32), 32);
	plx_pktbuf_free_burst(pkts, 32);
	UNIT_EQ(poll_rx(32), 8);
	UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[7]), 39);
	plx_pktbuf_free_burst(pkts, 8);
	fake_down();
}

/* A device that completes in another order than it was given (allowed without IN_ORDER). */
static void out_of_order(void)
{
	static struct fake_buf bufs[FAKE_DESCS];
	unsigned int round, i, n, k;

	fake_up();
	srand(1);
	for (round = 0; round < 400; round++) {
		n = 1 + (unsigned int)rand() % 60;
		for (i = 0; i < n; i++)
			CU_ASSERT_FATAL(fake_pop(0, &bufs[i]));
		for (i = n; i > 1; i--) {
			struct fake_buf tmp = bufs[i - 1];

			k = (unsigned int)rand() % i;
			bufs[i - 1] = bufs[k];
			bufs[k] = tmp;
		}
		for (i = 0; i < n; i++) {
			memset((char *)fake_va(bufs[i].addr) + VIRTIO_HDR_LEN, (int)i, 60);
			fake_push(0, bufs[i].id, 60 + VIRTIO_HDR_LEN);
		}
		for (i = 0; i < n; i += k) {
			k = poll_rx(32);
			CU_ASSERT_FATAL(k > 0);
			UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[0]), i);
			UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[k - 1]), i + k - 1);
			plx_pktbuf_free_burst(pkts, (uint16_t)k);
		}
	}
	UNIT_EQ(all_lies(), 0);
	CU_ASSERT(fake_vrxq()->vq.reorders > 1000);
	fake_down();
}

static void empty_pool_recovers(void)
{
	static struct plx_pktbuf *hold[FAKE_POOL];
	unsigned int n = 0, i;

	fake_up();
	while ((hold[n] = plx_pktbuf_alloc(fake_pool)))
		n++;
	for (i = 0; i < FAKE_DESCS; i++)
		fake_rx(60, (uint8_t)i);
	UNIT_EQ(poll_rx(FAKE_DESCS), FAKE_DESCS);
	CU_ASSERT(fake_rxq()->stats.no_buffers > 0);
	UNIT_EQ(poll_rx(1), 0);
	while (n)
		plx_pktbuf_free(hold[--n]);
	plx_pktbuf_free_burst(pkts, FAKE_DESCS);
	fake_want_kicks(0, true);
	fake_kicked(0);
	UNIT_EQ(poll_rx(1), 0);
	UNIT_EQ(fake_kicked(0), true);
	still_works();
	fake_down();
}

static void kicks_only_if_wanted(void)
{
	unsigned int i, round;

	fake_up();
	for (round = 0; round < 8; round++) {
		bool want = round & 1;

		for (i = 0; i < 32; i++)
			fake_rx(60, 0);
		/* What it wants to hear of is the next buffer after those it has. */
		while (want && fake_pop(0, &(struct fake_buf){0}))
			;
		fake_want_kicks(0, want);
		fake_kicked(0);
		UNIT_EQ(poll_rx(32), 32);
		plx_pktbuf_free_burst(pkts, 32);
		UNIT_EQ(fake_kicked(0), want);
		if (want)
			break;
	}
	fake_down();
}

static void interrupts(void)
{
	fake_up();
	fake_rx(60, 1);
	UNIT_EQ(fake_interrupts(0), false);
	/* What has come already: no sleep. */
	UNIT_EQ(plx_rxq_irq_arm(fake_rxq()), 1);
	UNIT_EQ(plx_rxq_irq_disarm(fake_rxq()), 0);
	UNIT_EQ(poll_rx(8), 1);
	plx_pktbuf_free(pkts[0]);
	fake_interrupts(0);
	UNIT_EQ(plx_rxq_irq_arm(fake_rxq()), 0);
	fake_rx(60, 2);
	UNIT_EQ(fake_interrupts(0), true);
	UNIT_EQ(plx_rxq_irq_disarm(fake_rxq()), 0);
	UNIT_EQ(poll_rx(8), 1);
	plx_pktbuf_free(pkts[0]);
	fake_rx(60, 3);
	UNIT_EQ(fake_interrupts(0), false);
	UNIT_EQ(poll_rx(8), 1);
	plx_pktbuf_free(pkts[0]);
	fake_down();
}

static void runts_are_errors_not_lies(void)
{
	fake_up();
	fake_rx(0, 0);
	fake_rx(13, 0);
	fake_rx(14, 0x11);
	UNIT_EQ(poll_rx(8), 1);
	UNIT_EQ(pkts[0]->len, 14);
	plx_pktbuf_free(pkts[0]);
	UNIT_EQ(fake_rxq()->stats.errors, 2);
	UNIT_EQ(all_lies(), 0);
	fake_down();
}

/* --- Lies ----------------------------------------------------------------------------------- */

static void lie_length(void)
{
	static const uint32_t lens[] = {0, VIRTIO_HDR_LEN - 1, PLX_PKTBUF_DATA + VIRTIO_HDR_LEN + 1,
					65536, UINT32_MAX};
	struct fake_buf buf;
	unsigned int i;

	fake_up();
	for (i = 0; i < 5; i++) {
		CU_ASSERT_FATAL(fake_pop(0, &buf));
		fake_push(0, buf.id, lens[i]);
		UNIT_EQ(poll_rx(8), 0);
		UNIT_EQ(lies(PLX_LIE_LENGTH), i + 1);
	}
	still_works();
	UNIT_EQ(fake_rxq()->lies_in_row, 0);
	fake_down();
}

static void lie_id(void)
{
	static const uint32_t ids[] = {FAKE_DESCS, 0xffff, 0xffffffff, 0x80000000};
	struct fake_buf buf;
	unsigned int i;

	fake_up();
	for (i = 0; i < 4; i++) {
		CU_ASSERT_FATAL(fake_pop(0, &buf));
		fake_push(0, ids[i], 100);
	}
	UNIT_EQ(poll_rx(8), 0);
	/* A packed ring has 16 bits of id: the last is 0 there, which is not in flight any more. */
	UNIT_EQ(lies(PLX_LIE_INDEX), fake_is_packed() ? 3 : 4);
	UNIT_EQ(lies(PLX_LIE_STATE), fake_is_packed() ? 1 : 0);
	still_works();
	fake_down();
}

static void lie_duplicate_id(void)
{
	struct fake_buf first, second;

	fake_up();
	CU_ASSERT_FATAL(fake_pop(0, &first) && fake_pop(0, &second));
	fake_push(0, first.id, 100);
	fake_push(0, first.id, 100);
	UNIT_EQ(poll_rx(8), 1);
	UNIT_EQ(lies(PLX_LIE_STATE), 1);
	plx_pktbuf_free(pkts[0]);
	/* Again in a later burst, when its slot has not been filled again. */
	CU_ASSERT_FATAL(fake_pop(0, &second));
	fake_push(0, first.id, 100);
	UNIT_EQ(poll_rx(8), 0);
	UNIT_EQ(lies(PLX_LIE_STATE), 2);
	still_works();
	fake_down();
}

static void lie_used_index(void)
{
	static const int jumps[] = {FAKE_DESCS + 1, -1, 0x8000, 0x7fff, 1000};
	unsigned int i;

	fake_up();
	if (fake_is_packed()) {
		fake_down();
		return;
	}
	for (i = 0; i < 5; i++) {
		fake_used_idx(0, jumps[i]);
		UNIT_EQ(poll_rx(8), 0);
		UNIT_EQ(lies(PLX_LIE_INDEX), i + 1);
		UNIT_EQ(plx_rxq_irq_arm(fake_rxq()), 1);
		plx_rxq_irq_disarm(fake_rxq());
	}
	fake_used_idx(0, 0);
	still_works();
	fake_down();
}

/* What the device writes is all ones, again and again; in a packed ring that is nothing in each
 * second round, in which all zeroes is what a used descriptor has. */
static void lie_all_ones(void)
{
	struct virtio_queue_setup *setup = &fake.queues[0].setup;
	unsigned int i;

	fake_up();
	for (i = 0; i < PLX_LIES_MAX && plx_port_state(fake_port) == PLX_PORT_STARTED; i++) {
		if (fake_is_packed())
			memset((void *)setup->desc, all_lies() / FAKE_DESCS & 1 ? 0 : 0xff,
			       FAKE_DESCS * 16);
		memset((void *)setup->device, 0xff, fake_is_packed() ? 4 : 4 + FAKE_DESCS * 8 + 2);
		UNIT_EQ(poll_rx(32), 0);
	}
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	UNIT_EQ(all_lies(), PLX_LIES_MAX);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
	still_works();
	fake_down();
}

/* Zeroes: in a packed ring a whole round is used then, once the wrap counter is 0. */
static void lie_all_zeroes(void)
{
	struct virtio_queue_setup *setup = &fake.queues[0].setup;
	unsigned int i, k, got = 0;

	fake_up();
	for (i = 0; i < FAKE_DESCS + 40; i++) {
		fake_rx(60, 0);
		UNIT_EQ(poll_rx(1), 1);
		plx_pktbuf_free(pkts[0]);
	}
	memset((void *)setup->device, 0, fake_is_packed() ? 4 : 4 + FAKE_DESCS * 8 + 2);
	if (fake_is_packed())
		memset((void *)setup->desc, 0, FAKE_DESCS * 16);
	for (i = 0; i < 5000 && plx_port_state(fake_port) == PLX_PORT_STARTED; i++) {
		k = poll_rx(32);
		CU_ASSERT(k <= 32);
		plx_pktbuf_free_burst(pkts, (uint16_t)k);
		got += k;
	}
	UNIT_EQ(got, 0);
	CU_ASSERT(all_lies() > 0);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	still_works();
	fake_down();
}

static void thousand_lies_break_and_reset_mends(void)
{
	struct fake_buf buf;
	unsigned int i;

	fake_up();
	for (i = 0; i < PLX_LIES_MAX; i++) {
		UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
		CU_ASSERT_FATAL(fake_pop(0, &buf));
		fake_push(0, buf.id, 0);
		UNIT_EQ(poll_rx(32), 0);
	}
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	CU_ASSERT(plx_port_events(fake_port) & PLX_PORT_EVENT_BROKEN);
	UNIT_EQ(poll_rx(32), 0);
	UNIT_EQ(lies(PLX_LIE_LENGTH), PLX_LIES_MAX);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(fake.force_resets, 1);
	still_works();
	fake_down();
}

/* Nothing that the device writes where it should only read comes back to the driver. */
static void lie_device_rewrites(void)
{
	struct virtio_queue_setup *setup = &fake.queues[0].setup;
	unsigned int i;

	fake_up();
	if (fake_is_packed()) {
		for (i = 0; i < FAKE_DESCS; i++)
			((struct packed_desc *)setup->desc)[i].addr = 0xdeadbeef;
	} else {
		memset((void *)setup->desc, 0xa5, FAKE_DESCS * 16);
		memset((void *)setup->driver, 0xa5, 4 + FAKE_DESCS * 2 + 2);
	}
	memset((void *)setup->driver, 0xa5, 4);
	for (i = 0; i < 20; i++)
		fake_push(0, i, 100 + VIRTIO_HDR_LEN);
	UNIT_EQ(poll_rx(32), 20);
	for (i = 0; i < 20; i++)
		UNIT_EQ(plx_pktbuf_check(pkts[i]), 0);
	plx_pktbuf_free_burst(pkts, 20);
	UNIT_EQ(all_lies(), 0);
	fake_down();
}

/* Notification areas of junk decide about notifications only. */
static void lie_event_junk(void)
{
	struct virtio_queue_setup *setup = &fake.queues[0].setup;
	unsigned int i, round;

	fake_up();
	srand(2);
	for (round = 0; round < 500; round++) {
		uint16_t junk[2] = {(uint16_t)rand(), (uint16_t)rand()};

		if (fake_is_packed()) {
			memcpy((void *)setup->device, junk, 4);
		} else {
			struct split_used *used = (struct split_used *)setup->device;

			used->flags = junk[0];
			memcpy(&used->ring[FAKE_DESCS], &junk[1], 2);
		}
		for (i = 0; i < 32; i++)
			fake_rx(60, (uint8_t)i);
		UNIT_EQ(poll_rx(32), 32);
		plx_pktbuf_free_burst(pkts, 32);
		fake_kicked(0);
	}
	UNIT_EQ(all_lies(), 0);
	fake_down();
}

/* --- Mergeable buffers ---------------------------------------------------------------------- */

static void up_jumbo(void)
{
	struct plx_port_config config = {
		.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS, .tag = 5, .mtu = 9000};

	fake_init();
	UNIT_EQ(fake_open(&config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	UNIT_EQ(plx_port_start(fake_port), 0);
	CU_ASSERT(fake.accepted & VIRTIO_NET_F_MRG_RXBUF);
}

/* A packet over n buffers, the last of which has `last` bytes. */
static void merged(unsigned int n, uint32_t last)
{
	static struct fake_buf bufs[FAKE_DESCS];
	unsigned int i;

	for (i = 0; i < n; i++) {
		CU_ASSERT_FATAL(fake_pop(0, &bufs[i]));
		memset(fake_va(bufs[i].addr), (int)i, bufs[i].len);
	}
	fake_hdr.num_buffers = (uint16_t)n;
	memcpy(fake_va(bufs[0].addr), &fake_hdr, VIRTIO_HDR_LEN);
	fake_hdr.num_buffers = 1;
	/* A packed ring shows the first one last. */
	if (fake_is_packed()) {
		uint16_t start = fake.queues[0].used;

		for (i = n; i-- > 0;) {
			fake.queues[0].used = (uint16_t)(start + i);
			fake_push(0, bufs[i].id, i == n - 1 ? last : bufs[i].len);
		}
		fake.queues[0].used = (uint16_t)(start + n);
		return;
	}
	for (i = 0; i < n; i++)
		fake_push(0, bufs[i].id, i == n - 1 ? last : bufs[i].len);
}

static void merged_packets(void)
{
	unsigned int round;

	up_jumbo();
	for (round = 0; round < 300; round++) {
		merged(4, 1000);
		fake_rx(60, 0x55);
		merged(2, 1);
		UNIT_EQ(poll_rx(2), 2);
		UNIT_EQ(pkts[0]->nsegs, 4);
		UNIT_EQ(pkts[0]->pkt_len, PLX_PKTBUF_DATA + 2 * (PLX_PKTBUF_DATA + 12) + 1000);
		UNIT_EQ(plx_pktbuf_check(pkts[0]), 0);
		UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[0]->next), 1);
		UNIT_EQ(((uint8_t *)plx_pktbuf_data(pkts[0]->next))[PLX_PKTBUF_DATA + 11], 1);
		UNIT_EQ(*(uint8_t *)plx_pktbuf_data(pkts[0]->next->next->next), 3);
		UNIT_EQ(pkts[1]->nsegs, 1);
		UNIT_EQ(pkts[1]->pkt_len, 60);
		plx_pktbuf_free_burst(pkts, 2);
		UNIT_EQ(poll_rx(8), 1);
		UNIT_EQ(pkts[0]->nsegs, 2);
		UNIT_EQ(plx_pktbuf_check(pkts[0]), 0);
		plx_pktbuf_free(pkts[0]);
	}
	UNIT_EQ(all_lies(), 0);
	UNIT_EQ(fake_rxq()->stats.packets, 900);
	fake_down();
}

static void lie_num_buffers(void)
{
	static const uint16_t nums[] = {0, 2, VIRTIO_RX_SEGS_MAX + 1, FAKE_DESCS + 1, 0xffff};
	unsigned int i;

	up_jumbo();
	for (i = 0; i < 5; i++) {
		fake_hdr.num_buffers = nums[i];
		fake_rx(60, 0);
		UNIT_EQ(poll_rx(8), 0);
		UNIT_EQ(all_lies(), i + 1);
	}
	UNIT_EQ(lies(PLX_LIE_HEADER), 1);
	UNIT_EQ(lies(PLX_LIE_CHAIN), 4);
	fake_hdr.num_buffers = 1;
	still_works();
	fake_down();
}

/* A bad buffer in the middle takes its packet with it, and nothing else. */
static void lie_in_merged(void)
{
	static const uint32_t lens[] = {0, PLX_PKTBUF_DATA + VIRTIO_HDR_LEN + 1, UINT32_MAX};
	unsigned int i;

	up_jumbo();
	for (i = 0; i < 3; i++) {
		merged(3, lens[i]);
		fake_rx(70, 0);
		UNIT_EQ(poll_rx(8), 1);
		UNIT_EQ(pkts[0]->pkt_len, 70);
		plx_pktbuf_free(pkts[0]);
		UNIT_EQ(lies(PLX_LIE_LENGTH), i + 1);
	}
	still_works();
	fake_down();
}

/* The longest: 64 KiB and more in the buffers that one packet may have. */
static void long_chain(void)
{
	up_jumbo();
	merged(VIRTIO_RX_SEGS_MAX, 5);
	UNIT_EQ(poll_rx(8), 1);
	UNIT_EQ(pkts[0]->nsegs, VIRTIO_RX_SEGS_MAX);
	UNIT_EQ(pkts[0]->pkt_len > 65536, true);
	UNIT_EQ(plx_pktbuf_check(pkts[0]), 0);
	plx_pktbuf_free(pkts[0]);
	fake_down();
}

/* A first buffer with the header and nothing else is a runt, whatever shall follow. */
static void lie_header_only(void)
{
	up_jumbo();
	fake_hdr.num_buffers = 2;
	fake_rx(0, 0);
	fake_hdr.num_buffers = 1;
	UNIT_EQ(poll_rx(8), 0);
	UNIT_EQ(fake_rxq()->stats.errors, 1);
	still_works();
	fake_down();
}

CU_TestInfo rx_tests[] = {
	{"the whole ring is given", whole_ring_is_given},
	{"good frames", good_frames},
	{"a long run", long_run},
	{"bursts are limited", burst_is_limited},
	{"out of order", out_of_order},
	{"an empty pool recovers", empty_pool_recovers},
	{"notifications only if wanted", kicks_only_if_wanted},
	{"interrupts", interrupts},
	{"runts are errors, not lies", runts_are_errors_not_lies},
	{"lie: length", lie_length},
	{"lie: id", lie_id},
	{"lie: duplicate id", lie_duplicate_id},
	{"lie: used index", lie_used_index},
	{"lie: all ones", lie_all_ones},
	{"lie: all zeroes", lie_all_zeroes},
	{"1000 lies break it, a reset mends it", thousand_lies_break_and_reset_mends},
	{"lie: device rewrites", lie_device_rewrites},
	{"lie: event junk", lie_event_junk},
	{"mergeable buffers", merged_packets},
	{"lie: num_buffers", lie_num_buffers},
	{"lie: in a merged packet", lie_in_merged},
	{"a chain of 64 KiB", long_chain},
	{"lie: a buffer with the header only", lie_header_only},
	CU_TEST_INFO_NULL,
};
