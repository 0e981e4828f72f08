/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lies of ABUSE.md C6 that are not of one function: rings rewritten, flags that flicker, a
 * configuration that changes, notifications for nothing. README.md says where each lie is tested.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "fake.h"

#define TXQ			 1
#define VIRTIO_NET_F_HASH_REPORT (UINT64_C(1) << 57)

static struct plx_pktbuf *pkts[FAKE_DESCS];

static void up(uint64_t features, uint64_t offloads, uint32_t mtu)
{
	struct plx_port_config config = {.rx_descs = FAKE_DESCS,
					 .tx_descs = FAKE_DESCS,
					 .offloads = offloads,
					 .mtu = (uint16_t)mtu,
					 .rx_irq = true};

	fake_init();
	fake.offered |= features;
	UNIT_EQ(fake_open(&config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	UNIT_EQ(plx_port_start(fake_port), 0);
}

static uint16_t receive(void)
{
	uint16_t n = plx_rx_burst(fake_rxq(), pkts, 32), i;

	for (i = 0; i < n; i++)
		UNIT_EQ(plx_pktbuf_check(pkts[i]), 0);
	plx_pktbuf_free_burst(pkts, n);
	return n;
}

static void still_works(void)
{
	fake_rx(99, 0x77);
	UNIT_EQ(receive(), 1);
	UNIT_EQ(fake_rxq()->lies_in_row, 0);
}

static struct plx_pktbuf *packet(unsigned int segs)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fake_pool);

	CU_ASSERT_FATAL(p != NULL);
	memset(plx_pktbuf_append(p, 60), 1, 60);
	while (--segs)
		UNIT_EQ(plx_pktbuf_chain(p, packet(1)), 0);
	return p;
}

static uint64_t xstat(enum virtio_net_xstat which)
{
	struct plx_port_xstat xstats[VIRTIO_XSTATS];

	UNIT_EQ(plx_port_xstats(fake_port, xstats, VIRTIO_XSTATS), VIRTIO_XSTATS);
	return xstats[which].value;
}

/* --- Each kind, a thousand times ------------------------------------------------------------ */

/* One used buffer of the next: with another length, id or header. */
static void use_next(uint32_t id_more, uint32_t len, const struct virtio_net_hdr *hdr)
{
	struct fake_buf buf;

	CU_ASSERT_FATAL(fake_pop(0, &buf));
	memcpy(fake_va(buf.addr), hdr, sizeof(*hdr));
	fake_push(0, buf.id + id_more, len);
}

static void tell_lie(enum plx_lie kind)
{
	static const struct virtio_net_hdr good = {.num_buffers = 1}, no_buffers = {0},
					   many_buffers = {.num_buffers = 1000};

	switch (kind) {
	case PLX_LIE_LENGTH:
		use_next(0, 0, &good);
		break;
	case PLX_LIE_INDEX:
		use_next(0x4000, 100, &good);
		break;
	case PLX_LIE_HEADER:
		use_next(0, 100, &no_buffers);
		break;
	default:
		use_next(0, 100, &many_buffers);
	}
}

static void each_kind_breaks_and_reset_mends(void)
{
	static const enum plx_lie kinds[] = {PLX_LIE_LENGTH, PLX_LIE_INDEX, PLX_LIE_HEADER,
					     PLX_LIE_CHAIN};
	unsigned int k, i;

	for (k = 0; k < 4; k++) {
		up(0, 0, 9000);
		for (i = 0; i < PLX_LIES_MAX; i++) {
			CU_ASSERT_FATAL(plx_port_state(fake_port) == PLX_PORT_STARTED);
			tell_lie(kinds[k]);
			UNIT_EQ(receive(), 0);
		}
		UNIT_EQ(fake_rxq()->stats.lies[kinds[k]], PLX_LIES_MAX);
		UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
		UNIT_EQ(plx_port_reset(fake_port), 0);
		UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
		still_works();
		fake_down();
	}
}

/* A good one in between: no row. */
static void good_ones_end_the_row(void)
{
	unsigned int i;

	up(0, 0, 9000);
	for (i = 0; i < 2 * PLX_LIES_MAX; i++) {
		tell_lie(PLX_LIE_LENGTH);
		UNIT_EQ(receive(), 0);
		if (i % 500 == 0)
			still_works();
	}
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
	UNIT_EQ(fake_rxq()->stats.lies[PLX_LIE_LENGTH], 2 * PLX_LIES_MAX);
	fake_down();
}

/* --- Rings ---------------------------------------------------------------------------------- */

static void tx_used_index(void)
{
	static const int jumps[] = {FAKE_DESCS + 1, -1, 0x8000, 0x7fff};
	struct plx_pktbuf *p;
	struct fake_buf buf;
	uint32_t before;
	unsigned int i;

	up(0, 0, 0);
	before = fake_pool_free();
	if (!fake_is_packed()) {
		p = packet(1);
		UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
		for (i = 0; i < 4; i++) {
			fake_used_idx(TXQ, jumps[i]);
			plx_tx_burst(fake_txq(), NULL, 0);
			UNIT_EQ(fake_txq()->stats.lies[PLX_LIE_INDEX], i + 1);
			UNIT_EQ(fake_pool_free(), before - 1);
		}
		fake_used_idx(TXQ, 0);
		CU_ASSERT_FATAL(fake_pop(TXQ, &buf));
		fake_push(TXQ, buf.id, 0);
		plx_tx_burst(fake_txq(), NULL, 0);
		UNIT_EQ(fake_pool_free(), before);
	}
	fake_down();
}

/* Addresses, lengths, flags, next (a loop) of descriptors and tables: nothing is read back. */
static void tx_device_rewrites(void)
{
	struct fake_buf bufs[8];
	struct plx_pktbuf *p;
	unsigned int i, round;
	uint32_t before;

	up(0, 0, 0);
	before = fake_pool_free();
	for (round = 0; round < 64; round++) {
		for (i = 0; i < 8; i++) {
			p = packet(1 + i % 3);
			UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
			CU_ASSERT_FATAL(fake_pop(TXQ, &bufs[i]));
			if (bufs[i].flags & VIRTQ_DESC_F_INDIRECT)
				memset(fake_va(bufs[i].addr), (int)round, bufs[i].len);
		}
		if (fake_is_packed())
			for (i = 0; i < 8; i++)
				fake_desc(TXQ, bufs[i].id)[0] = ~UINT64_C(0);
		else
			for (i = 0; i < FAKE_DESCS; i++) {
				fake_desc(TXQ, i)[0] = ~UINT64_C(0);
				/* Each is its own next. */
				fake_desc(TXQ, i)[1] = UINT32_MAX |
						       SPLIT_DESC_FLAGS(VIRTQ_DESC_F_NEXT) |
						       SPLIT_DESC_NEXT(i);
			}
		memset((void *)fake.queues[TXQ].setup.driver, 0xa5, 4);
		for (i = 0; i < 8; i++)
			fake_push(TXQ, bufs[i].id, 0xdead);
		plx_tx_burst(fake_txq(), NULL, 0);
		UNIT_EQ(fake_pool_free(), before);
		/* The index is the driver's own, and comes again with the next packet. */
		if (!fake_is_packed())
			fake.queues[TXQ].popped = (uint16_t)fake_vtxq()->vq.tail;
	}
	UNIT_EQ(fake_txq()->stats.packets, 64 * 8);
	fake_down();
}

static void no_notify_for_ever(void)
{
	struct plx_pktbuf *p;
	struct fake_buf buf;
	unsigned int i;

	up(0, 0, 0);
	fake_want_kicks(TXQ, false);
	for (i = 0; i < 3 * FAKE_DESCS; i++) {
		if (i % 16 == 0)
			fake_want_kicks(TXQ, false);
		p = packet(1);
		UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
		CU_ASSERT_FATAL(fake_pop(TXQ, &buf));
		fake_push(TXQ, buf.id, 0);
	}
	UNIT_EQ(fake_kicked(TXQ), false);
	fake_down();
}

/* A device that never uses anything: the ring is full, and nothing waits for it. */
static void never_used(void)
{
	struct plx_pktbuf *p;
	unsigned int i;

	up(0, 0, 0);
	for (i = 0; i < FAKE_DESCS; i++) {
		p = packet(1);
		UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
	}
	for (i = 0; i < 100; i++) {
		p = packet(1);
		UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 0);
		plx_pktbuf_free(p);
	}
	UNIT_EQ(plx_port_stop(fake_port), 0);
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	fake_down();
}

static void notify_without_used(void)
{
	unsigned int i;

	up(0, 0, 0);
	for (i = 0; i < 1000; i++) {
		eventfd_write(fake.vector_fds[0], 1);
		UNIT_EQ(plx_rxq_irq_arm(fake_rxq()), 0);
		UNIT_EQ(receive(), 0);
		plx_rxq_irq_disarm(fake_rxq());
	}
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
	still_works();
	fake_down();
}

static void used_without_notify(void)
{
	up(0, 0, 0);
	UNIT_EQ(plx_rxq_irq_arm(fake_rxq()), 0);
	/* No interrupt comes; whoever polls, or arms again, sees it all the same. */
	fake_rx(60, 1);
	UNIT_EQ(plx_rxq_irq_arm(fake_rxq()), 1);
	UNIT_EQ(receive(), 1);
	fake_down();
}

static void batch_of_four_with_one_bad(void)
{
	struct fake_buf buf;
	unsigned int bad;

	up(0, 0, 0);
	for (bad = 0; bad < 4; bad++) {
		unsigned int i;

		for (i = 0; i < 4; i++) {
			CU_ASSERT_FATAL(fake_pop(0, &buf));
			fake_push(0, buf.id, i == bad ? 0 : 100);
		}
		UNIT_EQ(receive(), 3);
		UNIT_EQ(fake_rxq()->stats.lies[PLX_LIE_LENGTH], bad + 1);
	}
	fake_down();
}

/* --- Packed: the wrap bit ------------------------------------------------------------------- */

static void wrap_bits(void)
{
	struct fake_buf buf;
	unsigned int round;

	up(0, 0, 0);
	if (!fake_is_packed()) {
		fake_down();
		return;
	}
	for (round = 0; round < 3 * FAKE_DESCS; round++) {
		const bool odd = round / FAKE_DESCS & 1;
		uint64_t *desc = fake_desc(0, round % FAKE_DESCS);
		/* Early: of the round to come. One bit only: AVAIL, USED. */
		const uint64_t not_used[] = {odd ? PACKED_F_AVAIL | PACKED_F_USED : 0,
					     PACKED_F_AVAIL, PACKED_F_USED};
		unsigned int i;

		CU_ASSERT_FATAL(fake_pop(0, &buf));
		for (i = 0; i < 3; i++) {
			desc[1] = 100 | PACKED_ID(buf.id) | PACKED_FLAGS(not_used[i]);
			UNIT_EQ(receive(), 0);
		}
		fake_push(0, buf.id, 100);
		UNIT_EQ(receive(), 1);
	}
	UNIT_EQ(fake_rxq()->lies_in_row, 0);
	UNIT_EQ(fake_rxq()->stats.packets, 3 * FAKE_DESCS);
	fake_down();
}

static void wrap_bits_flicker(void)
{
	struct virtio_queue_setup *setup = &fake.queues[0].setup;
	unsigned int i;

	up(0, 0, 0);
	srand(4);
	for (i = 0; i < 20000 && fake_is_packed(); i++) {
		uint64_t *desc = fake_desc(0, (unsigned int)rand() % FAKE_DESCS);

		desc[1] ^= PACKED_FLAGS(rand() & 1 ? PACKED_F_AVAIL : PACKED_F_USED);
		CU_ASSERT(receive() <= 32);
		if (plx_port_state(fake_port) != PLX_PORT_STARTED)
			UNIT_EQ(plx_port_reset(fake_port), 0);
	}
	CU_ASSERT_PTR_NOT_NULL(setup->desc);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	still_works();
	fake_down();
}

/* --- Headers -------------------------------------------------------------------------------- */

/* Flags of the one packet with that header; UINT32_MAX: it is dropped. */
static uint32_t flags_of(struct virtio_net_hdr hdr, uint16_t *mss)
{
	struct plx_pktbuf *p;
	uint32_t flags;

	fake_hdr = hdr;
	fake_hdr.num_buffers = 1;
	fake_rx(1000, 1);
	if (!plx_rx_burst(fake_rxq(), &p, 1))
		return UINT32_MAX;
	flags = p->flags;
	*mss = p->mss;
	plx_pktbuf_free(p);
	return flags;
}

static void gso_sizes(void)
{
	struct virtio_net_hdr hdr = {.gso_type = VIRTIO_NET_HDR_GSO_TCPV4};
	uint16_t mss = 0;

	up(VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6,
	   PLX_PORT_HAS(LRO), 0);
	UNIT_EQ(flags_of(hdr, &mss), UINT32_MAX);
	hdr.gso_size = 65535;
	UNIT_EQ(flags_of(hdr, &mss), UINT32_MAX);
	UNIT_EQ(fake_rxq()->stats.lies[PLX_LIE_HEADER], 2);
	/* One segment is not several merged into one. */
	hdr.gso_size = 1000;
	UNIT_EQ(flags_of(hdr, &mss), 0);
	hdr.gso_size = 999;
	UNIT_EQ(flags_of(hdr, &mss), PLX_PKT_RX_LRO);
	UNIT_EQ(mss, 999);
	/* Its length of headers is for those who would believe it. */
	hdr.hdr_len = 65535;
	UNIT_EQ(flags_of(hdr, &mss), PLX_PKT_RX_LRO);
	fake_down();
}

/* Without HASH_REPORT there is no such field: what stands there is the packet. */
static void hash_report(void)
{
	up(VIRTIO_NET_F_HASH_REPORT, 0, 0);
	UNIT_EQ(fake.accepted & VIRTIO_NET_F_HASH_REPORT, 0);
	fake_rx(100, 0xff);
	UNIT_EQ(plx_rx_burst(fake_rxq(), pkts, 8), 1);
	UNIT_EQ(pkts[0]->len, 100);
	UNIT_EQ(pkts[0]->flags, 0);
	plx_pktbuf_free(pkts[0]);
	fake_down();
}

/* --- Configuration and status --------------------------------------------------------------- */

static void needs_reset_at_any_time(void)
{
	struct plx_port_config config = {.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS};

	/* While it starts. */
	fake_init();
	UNIT_EQ(fake_open(&config, 0), 0);
	fake.needs_reset = true;
	UNIT_EQ(plx_port_start(fake_port), -EPROTO);
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	fake.needs_reset = false;
	UNIT_EQ(plx_port_start(fake_port), 0);
	/* While it runs, before and after traffic; again after each reset. */
	for (unsigned int i = 0; i < 10; i++) {
		fake.status |= VIRTIO_STATUS_NEEDS_RESET;
		plx_port_events(fake_port);
		UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
		UNIT_EQ(xstat(VIRTIO_XSTAT_NEEDS_RESET), i + 1);
		UNIT_EQ(plx_port_reset(fake_port), 0);
		still_works();
	}
	/* While it is stopped: the next start resets it anyway. */
	UNIT_EQ(plx_port_stop(fake_port), 0);
	fake.status |= VIRTIO_STATUS_NEEDS_RESET;
	plx_port_events(fake_port);
	UNIT_EQ(plx_port_start(fake_port), 0);
	still_works();
	fake_down();
}

static void pairs_change(void)
{
	up(VIRTIO_NET_F_MQ, 0, 0);
	fake.config[VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS] = 2;
	UNIT_EQ(plx_port_reset(fake_port), -EPROTO);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	fake.config[VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS] = 1;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	still_works();
	fake_down();
}

/* As often as anyone looks, or much oftener: the application hears of what it sees. */
static void link_flaps(void)
{
	unsigned int i, told = 0;

	up(0, 0, 0);
	plx_port_events(fake_port);
	for (i = 0; i < 1000; i++) {
		fake.config[VIRTIO_NET_CFG_STATUS] ^= VIRTIO_NET_S_LINK_UP;
		eventfd_write(fake.vector_fds[1], 1);
		told += plx_port_events(fake_port) == PLX_PORT_EVENT_LINK;
	}
	UNIT_EQ(told, 1000);
	for (i = 0; i < 1000; i++) {
		fake.config[VIRTIO_NET_CFG_STATUS] ^= VIRTIO_NET_S_LINK_UP;
		eventfd_write(fake.vector_fds[1], 1);
	}
	UNIT_EQ(plx_port_events(fake_port), 0);
	still_works();
	fake_down();
}

CU_TestInfo lies_tests[] = {
	{"each kind 1000 times breaks it, a reset mends it", each_kind_breaks_and_reset_mends},
	{"good ones end the row", good_ones_end_the_row},
	{"tx used index", tx_used_index},
	{"device rewrites what is sent", tx_device_rewrites},
	{"NO_NOTIFY for ever", no_notify_for_ever},
	{"never used", never_used},
	{"notify without used", notify_without_used},
	{"used without notify", used_without_notify},
	{"a batch of four with one bad", batch_of_four_with_one_bad},
	{"wrap bit early, late, one of two", wrap_bits},
	{"wrap bits flicker", wrap_bits_flicker},
	{"segment sizes, header length", gso_sizes},
	{"hash report", hash_report},
	{"needs reset at any time", needs_reset_at_any_time},
	{"queue pairs change", pairs_change},
	{"link flaps", link_flaps},
	CU_TEST_INFO_NULL,
};
