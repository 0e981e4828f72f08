/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio with VIRTIO_F_IN_ORDER: batches of which one used entry tells, and devices that offer it
 * and do not keep to it. */
#include <stdlib.h>
#include <string.h>

#include "fake.h"

#define TXQ	 1
#define FULL_LEN (PLX_PKTBUF_DATA + VIRTIO_HDR_LEN)

static struct plx_pktbuf *pkts[FAKE_DESCS];

static void up_mtu(uint32_t mtu)
{
	struct plx_port_config config = {
		.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS, .rx_irq = true, .mtu = mtu};

	fake_init();
	fake.offered |= VIRTIO_F_IN_ORDER;
	UNIT_EQ(fake_open(&config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	UNIT_EQ(plx_port_start(fake_port), 0);
	UNIT_EQ(fake.accepted & VIRTIO_F_IN_ORDER, VIRTIO_F_IN_ORDER);
}

static void up(void)
{
	up_mtu(0);
}

/* Take n buffers; the last one. */
static struct fake_buf pop(unsigned int queue, unsigned int n)
{
	struct fake_buf buf = {0};

	while (n--)
		CU_ASSERT_FATAL(fake_pop(queue, &buf));
	return buf;
}

static void use_batch(unsigned int queue, unsigned int n, uint32_t len)
{
	fake_push_batch(queue, n, pop(queue, n).id, len);
}

static void send(unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		pkts[i] = plx_pktbuf_alloc(fake_pool);
		CU_ASSERT_FATAL(pkts[i] != NULL);
		memset(plx_pktbuf_append(pkts[i], 60), 1, 60);
	}
	UNIT_EQ(plx_tx_burst(fake_txq(), pkts, (uint16_t)n), n);
}

static void tx_batches(void)
{
	uint32_t before;
	unsigned int round;

	up();
	before = fake_pool_free();
	srand(3);
	for (round = 0; round < 3000; round++) {
		unsigned int n = 1 + (unsigned int)rand() % 40, first = (unsigned int)rand() % n;

		send(n);
		if (first)
			use_batch(TXQ, first, 0);
		use_batch(TXQ, n - first, 0);
		plx_tx_burst(fake_txq(), NULL, 0);
		if (fake_pool_free() != before)
			UNIT_EQ(fake_pool_free(), before);
	}
	UNIT_EQ(fake_txq()->stats.packets > 3000, true);
	UNIT_EQ(fake_txq()->lies_in_row, 0);
	UNIT_EQ(fake_vtxq()->vq.reorders, 0);
	fake_down();
}

/* Entries that are left out are those of buffers that the device filled (2.7.10). */
static void rx_batches(void)
{
	unsigned int round, i;

	up();
	for (round = 0; round < 1000; round++) {
		use_batch(0, 5, 100 + VIRTIO_HDR_LEN);
		fake_rx(70, 2);
		UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 3), 3);
		/* Sleeping now would be wrong. */
		UNIT_EQ(plx_rxq_irq_arm(fake_rxq()), 1);
		plx_rxq_irq_disarm(fake_rxq());
		UNIT_EQ(plx_rxq_desc_status(fake_rxq(), 0), PLX_DESC_DONE);
		UNIT_EQ(plx_rx_burst(fake_rxq(), &pkts[3], 8), 3);
		for (i = 0; i < 4; i++)
			UNIT_EQ(pkts[i]->len, PLX_PKTBUF_DATA);
		UNIT_EQ(pkts[4]->len, 100);
		UNIT_EQ(pkts[5]->len, 70);
		plx_pktbuf_free_burst(pkts, 6);
	}
	UNIT_EQ(fake_rxq()->stats.packets, 6000);
	UNIT_EQ(fake_rxq()->lies_in_row, 0);
	fake_down();
}

/* A packet's first buffer, with its header. */
static struct fake_buf pop_head(uint16_t num_buffers)
{
	struct fake_buf head = pop(0, 1);

	fake_hdr.num_buffers = num_buffers;
	memcpy(fake_va(head.addr), &fake_hdr, VIRTIO_HDR_LEN);
	fake_hdr.num_buffers = 1;
	return head;
}

/* A packet of four buffers, as entries for 1 + 1 + 2, 1 + 3, 2 + 2 and 4 of them. */
static void rx_merged_batches(void)
{
	static const uint8_t entries[][3] = {{1, 1, 2}, {1, 3}, {2, 2}, {4}};
	unsigned int round, i;

	up_mtu(9000);
	CU_ASSERT(fake.accepted & VIRTIO_NET_F_MRG_RXBUF);
	for (round = 0; round < 400; round++) {
		const uint8_t *n = entries[round % 4];
		struct fake_buf head = pop_head(4);

		for (i = 0; i < 3 && n[i]; i++) {
			unsigned int more = n[i] - (i == 0);
			bool last = i == 2 || !n[i + 1];

			fake_push_batch(0, n[i], more ? pop(0, more).id : head.id,
					last ? 9 : FULL_LEN);
		}
		fake_rx(70, 2);
		UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 8), 2);
		UNIT_EQ(pkts[0]->nsegs, 4);
		UNIT_EQ(pkts[0]->pkt_len, PLX_PKTBUF_DATA + 2 * FULL_LEN + 9);
		UNIT_EQ(plx_pktbuf_check(pkts[0]), 0);
		UNIT_EQ(pkts[1]->pkt_len, 70);
		plx_pktbuf_free_burst(pkts, 2);
	}
	UNIT_EQ(fake_rxq()->stats.packets, 800);
	UNIT_EQ(fake_rxq()->lies_in_row, 0);
	fake_down();
}

static void control_queue(void)
{
	unsigned int i;

	up();
	for (i = 0; i < 100; i++)
		UNIT_EQ(plx_port_set_promisc(fake_port, i & 1), 0);
	UNIT_EQ(fake.ctrl.commands, 303);
	UNIT_EQ(fake.ctrl.out_of_order, 0);
	fake_down();
}

static uint64_t rx_lies(enum plx_lie kind)
{
	return fake_rxq()->stats.lies[kind];
}

static void still_receives(void)
{
	fake_rx(99, 0x77);
	UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 8), 1);
	UNIT_EQ(pkts[0]->len, 99);
	plx_pktbuf_free(pkts[0]);
}

/* Another buffer than the next, alone: that is a batch longer than what was used. */
static void lie_out_of_order(void)
{
	struct fake_buf first, second;

	up();
	CU_ASSERT_FATAL(fake_pop(0, &first) && fake_pop(0, &second));
	if (fake_is_packed()) {
		/* All in flight: the one before the next is a batch of more than the ring. */
		fake_push(0, (first.id - 1u) & (FAKE_DESCS - 1), 100);
		UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 2), 2);
		plx_pktbuf_free_burst(pkts, 2);
		UNIT_EQ(rx_lies(PLX_LIE_STATE), 0);
		fake_down();
		return;
	}
	fake_push(0, second.id, 100);
	UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 8), 0);
	UNIT_EQ(rx_lies(PLX_LIE_STATE), 1);
	fake_push(0, first.id, 100);
	UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 8), 0);
	UNIT_EQ(rx_lies(PLX_LIE_STATE), 2);
	still_receives();
	fake_down();
}

static void lie_no_such_id(void)
{
	static const uint32_t ids[] = {FAKE_DESCS, 0x7fff, 0xffff};
	unsigned int i;

	up();
	for (i = 0; i < 3; i++) {
		pop(0, 1);
		fake_push(0, ids[i], 100);
		UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 8), 0);
		UNIT_EQ(rx_lies(PLX_LIE_INDEX), i + 1);
	}
	still_receives();
	fake_down();
}

/* The entries behind the first are for fewer buffers than the packet has, or for none there is. */
static void lie_merged_too_short(void)
{
	struct fake_buf head;

	up_mtu(9000);
	head = pop_head(4);
	fake_push(0, head.id, FULL_LEN);
	use_batch(0, 2, FULL_LEN);
	UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 1), 0);
	UNIT_EQ(rx_lies(PLX_LIE_CHAIN), 1);
	fake_down();
	up_mtu(9000);
	head = pop_head(3);
	fake_push(0, head.id, FULL_LEN);
	pop(0, 1);
	fake_push(0, FAKE_DESCS, FULL_LEN);
	UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 1), 0);
	UNIT_EQ(rx_lies(PLX_LIE_CHAIN), 1);
	fake_down();
}

/* More packets than were sent. */
static void lie_batch_too_long(void)
{
	uint32_t before;

	up();
	before = fake_pool_free();
	send(4);
	fake_push(TXQ, pop(TXQ, 4).id + 1, 0);
	plx_tx_burst(fake_txq(), NULL, 0);
	UNIT_EQ(fake_txq()->stats.lies[PLX_LIE_STATE] > 0, true);
	UNIT_EQ(fake_pool_free() <= before, true);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(fake_pool_free(), before);
	fake_down();
}

CU_TestInfo in_order_tests[] = {
	{"tx: batches", tx_batches},
	{"rx: batches", rx_batches},
	{"rx: merged packets by batches", rx_merged_batches},
	{"control queue", control_queue},
	{"lie: out of order", lie_out_of_order},
	{"lie: no such id", lie_no_such_id},
	{"lie: a batch too short for its packet", lie_merged_too_short},
	{"lie: a batch too long", lie_batch_too_long},
	CU_TEST_INFO_NULL,
};
