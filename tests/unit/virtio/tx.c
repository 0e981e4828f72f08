/* SPDX-License-Identifier: BSD-3-Clause */
/* virtio transmission: plain packets and others, clean-up, and used entries that lie. */
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"

#define TXQ 1

static uint64_t lies(enum plx_lie kind)
{
	return fake_txq()->stats.lies[kind];
}

static uint64_t all_lies(void)
{
	uint64_t sum = 0;
	int i;

	for (i = 0; i < PLX_LIE_KINDS; i++)
		sum += lies((enum plx_lie)i);
	return sum;
}

static struct plx_pktbuf *packet(uint16_t len, uint8_t fill)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fake_pool);

	CU_ASSERT_FATAL(p != NULL);
	memset(plx_pktbuf_append(p, len), fill, len);
	return p;
}

static uint16_t send_one(struct plx_pktbuf *p)
{
	return plx_tx_burst(fake_txq(), &p, 1);
}

/* The device sends all it has been given. Return: how many. */
static unsigned int device_sends(void)
{
	struct fake_buf buf;
	unsigned int n = 0;

	while (fake_pop(TXQ, &buf)) {
		fake_push(TXQ, buf.id, 0);
		n++;
	}
	return n;
}

/* What the device gathers for the next packet: header and data. Return: bytes of data. */
static uint32_t gather(uint8_t *data, uint32_t size, struct virtio_net_hdr *hdr, uint16_t *id)
{
	uint8_t whole[16384];
	struct fake_buf buf;
	uint32_t len = 0, i;

	CU_ASSERT_FATAL(fake_pop(TXQ, &buf));
	*id = buf.id;
	if (buf.flags == VIRTQ_DESC_F_INDIRECT) {
		struct split_desc *table = fake_va(buf.addr);

		UNIT_EQ(buf.len % 16, 0);
		UNIT_EQ((uintptr_t)table % 16, 0);
		for (i = 0; i < buf.len / 16; i++) {
			uint32_t part = (uint32_t)table[i].meta;
			bool last = i == buf.len / 16 - 1;

			if (!fake_is_packed())
				UNIT_EQ(table[i].meta >> 32,
					last ? 0 : 1 | (uint64_t)(i + 1) << 16);
			CU_ASSERT_FATAL(len + part <= sizeof(whole));
			memcpy(&whole[len], fake_va(table[i].addr), part);
			len += part;
		}
	} else {
		UNIT_EQ(buf.flags, 0);
		CU_ASSERT_FATAL(buf.len <= sizeof(whole));
		memcpy(whole, fake_va(buf.addr), buf.len);
		len = buf.len;
	}
	CU_ASSERT_FATAL(len >= VIRTIO_HDR_LEN && len - VIRTIO_HDR_LEN <= size);
	memcpy(hdr, whole, VIRTIO_HDR_LEN);
	memcpy(data, &whole[VIRTIO_HDR_LEN], len - VIRTIO_HDR_LEN);
	return len - VIRTIO_HDR_LEN;
}

static uint32_t send_and_gather(struct plx_pktbuf *p, uint8_t *data, uint32_t size)
{
	static const struct virtio_net_hdr zero;
	struct virtio_net_hdr hdr;
	uint32_t len;
	uint16_t id;

	UNIT_EQ(send_one(p), 1);
	len = gather(data, size, &hdr, &id);
	UNIT_EQ(memcmp(&hdr, &zero, sizeof(hdr)), 0);
	fake_push(TXQ, id, 0);
	return len;
}

static void plain_packets(void)
{
	uint8_t data[2048];
	struct plx_pktbuf *p;

	fake_up();
	p = packet(60, 0xab);
	/* What reception left in the headroom does not go out. */
	memset(p->buf, 0xff, PLX_PKTBUF_HEADROOM);
	UNIT_EQ(send_and_gather(p, data, sizeof(data)), 60);
	UNIT_EQ(data[0], 0xab);
	UNIT_EQ(data[59], 0xab);
	UNIT_EQ(send_and_gather(packet(1522, 1), data, sizeof(data)), 1522);
	UNIT_EQ(send_and_gather(packet(14, 1), data, sizeof(data)), 14);
	UNIT_EQ(fake_txq()->stats.packets, 3);
	UNIT_EQ(fake_txq()->stats.bytes, 60 + 1522 + 14);
	fake_down();
}

static void check_odd(struct plx_pktbuf *p, uint32_t len)
{
	uint8_t data[16384], copy[16384];

	UNIT_EQ(p->pkt_len, len);
	UNIT_EQ(plx_pktbuf_copy_out(p, 0, copy, len), 0);
	UNIT_EQ(send_and_gather(p, data, sizeof(data)), len);
	UNIT_EQ(memcmp(data, copy, len), 0);
}

static void nothing(struct plx_pktbuf_ext *ext)
{
	(*(int *)ext->arg)++;
}

static struct plx_pktbuf *chain(unsigned int n, uint16_t len)
{
	struct plx_pktbuf *p = packet(len, 1);
	unsigned int i;

	for (i = 1; i < n; i++)
		UNIT_EQ(plx_pktbuf_chain(p, packet(len, (uint8_t)(i + 1))), 0);
	return p;
}

/* Packets that need a table of their own, or a copy. */
static void odd_packets(void)
{
	struct plx_pktbuf_ext ext = {.free = nothing, .refcnt = 1};
	char *memory = plx_dma_zalloc(2048, 0, PLX_NODE_ANY);
	struct plx_pktbuf *p;
	int freed = 0;

	ext.arg = &freed;
	memset(memory, 0x3c, 2048);
	/* Several segments. */
	check_odd(chain(3, 100), 300);
	check_odd(chain(VIRTIO_TX_SEGS_MAX, 20), 20 * VIRTIO_TX_SEGS_MAX);
	/* No headroom. */
	p = packet(100, 5);
	plx_pktbuf_prepend(p, PLX_PKTBUF_HEADROOM - VIRTIO_HDR_LEN + 1);
	check_odd(p, 100 + PLX_PKTBUF_HEADROOM - VIRTIO_HDR_LEN + 1);
	/* Shared: its headroom is somebody else's too. */
	p = packet(100, 6);
	memset(p->buf, 0x66, PLX_PKTBUF_HEADROOM);
	plx_pktbuf_ref(p);
	check_odd(p, 100);
	UNIT_EQ(p->buf[PLX_PKTBUF_HEADROOM - 1], 0x66);
	plx_tx_burst(fake_txq(), NULL, 0);
	plx_pktbuf_free(p);
	/* Memory of the application. */
	p = plx_pktbuf_alloc(fake_pool);
	UNIT_EQ(plx_pktbuf_attach(p, memory + 500, 700, &ext), 0);
	check_odd(p, 700);
	UNIT_EQ(memory[499], 0x3c);
	plx_tx_burst(fake_txq(), NULL, 0);
	UNIT_EQ(freed, 1);
	plx_dma_free(memory);
	UNIT_EQ(fake_txq()->stats.dropped, 0);
}

static void odd_packets_indirect(void)
{
	fake_up();
	CU_ASSERT(fake.accepted & VIRTIO_F_INDIRECT_DESC);
	odd_packets();
	fake_down();
}

static void odd_packets_copied(void)
{
	struct plx_port_config config = {.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS};

	fake_init();
	fake.offered &= ~VIRTIO_F_INDIRECT_DESC;
	UNIT_EQ(fake_open(&config, 0), 0);
	UNIT_EQ(plx_port_start(fake_port), 0);
	odd_packets();
	fake_down();
}

static void bad_packets_are_dropped(void)
{
	struct plx_pktbuf *p;

	fake_up();
	UNIT_EQ(send_one(packet(13, 0)), 1);
	UNIT_EQ(send_one(packet(0, 0)), 1);
	UNIT_EQ(send_one(packet(1523, 0)), 1);
	UNIT_EQ(send_one(chain(VIRTIO_TX_SEGS_MAX + 1, 20)), 1);
	UNIT_EQ(send_one(chain(2, 800)), 1);
	p = chain(2, 100);
	p->next->len = 0;
	UNIT_EQ(send_one(p), 1);
	p = chain(2, 100);
	p->pkt_len = 500;
	UNIT_EQ(send_one(p), 1);
	p = chain(2, 100);
	p->nsegs = 3;
	UNIT_EQ(send_one(p), 1);
	UNIT_EQ(fake_txq()->stats.dropped, 8);
	UNIT_EQ(fake_txq()->stats.packets, 0);
	UNIT_EQ(device_sends(), 0);
	fake_down();
}

static void mixed_burst(void)
{
	struct plx_pktbuf *pkts[8];
	unsigned int i;

	fake_up();
	for (i = 0; i < 8; i++)
		pkts[i] = i == 3 ? packet(5, 0) : i == 5 ? chain(2, 50) : packet(60, 0);
	UNIT_EQ(plx_tx_burst(fake_txq(), pkts, 8), 8);
	UNIT_EQ(fake_txq()->stats.packets, 7);
	UNIT_EQ(fake_txq()->stats.bytes, 6 * 60 + 100);
	UNIT_EQ(device_sends(), 7);
	fake_down();
}

static void full_ring(void)
{
	struct plx_pktbuf *pkts[FAKE_DESCS + 8];
	unsigned int i;

	fake_up();
	for (i = 0; i < FAKE_DESCS + 8; i++)
		pkts[i] = packet(60, (uint8_t)i);
	UNIT_EQ(plx_tx_burst(fake_txq(), pkts, FAKE_DESCS + 8), FAKE_DESCS);
	UNIT_EQ(plx_tx_burst(fake_txq(), &pkts[FAKE_DESCS], 8), 0);
	UNIT_EQ(device_sends(), FAKE_DESCS);
	UNIT_EQ(plx_tx_burst(fake_txq(), &pkts[FAKE_DESCS], 8), 8);
	UNIT_EQ(device_sends(), 8);
	UNIT_EQ(plx_tx_burst(fake_txq(), NULL, 0), 0);
	UNIT_EQ(fake_pool_free(), FAKE_POOL - FAKE_DESCS);
	fake_down();
}

/* Sent packets come back without more traffic than a burst. */
static void clean_up(void)
{
	struct plx_pktbuf *pkts[32];
	uint32_t before;
	unsigned int i, round;

	fake_up();
	before = fake_pool_free();
	for (round = 0; round < 3000; round++) {
		for (i = 0; i < 27; i++)
			pkts[i] = packet(60, (uint8_t)i);
		UNIT_EQ(plx_tx_burst(fake_txq(), pkts, 27), 27);
		UNIT_EQ(device_sends(), 27);
		CU_ASSERT(before - fake_pool_free() < 3 * 32);
	}
	plx_tx_burst(fake_txq(), NULL, 0);
	UNIT_EQ(fake_pool_free(), before);
	UNIT_EQ(all_lies(), 0);
	UNIT_EQ(fake_vtxq()->vq.reorders, 0);
	fake_down();
}

static void out_of_order(void)
{
	struct fake_buf bufs[64];
	struct plx_pktbuf *pkts[64];
	unsigned int round, i, k, n;
	uint32_t before;

	fake_up();
	before = fake_pool_free();
	srand(3);
	for (round = 0; round < 400; round++) {
		n = 1 + (unsigned int)rand() % 60;
		for (i = 0; i < n; i++)
			pkts[i] = i % 7 ? packet((uint16_t)(60 + i), 0)
					: chain(2, (uint16_t)(30 + i));
		UNIT_EQ(plx_tx_burst(fake_txq(), pkts, (uint16_t)n), n);
		for (i = 0; i < n; i++)
			CU_ASSERT_FATAL(fake_pop(TXQ, &bufs[i]));
		for (i = n; i > 0; i--) {
			k = (unsigned int)rand() % i;
			fake_push(TXQ, bufs[k].id, 0);
			bufs[k] = bufs[i - 1];
		}
		/* The contents are of the packet, whatever its descriptor has been used for. */
		plx_tx_burst(fake_txq(), NULL, 0);
		check_odd(packet(77, (uint8_t)round), 77);
	}
	plx_tx_burst(fake_txq(), NULL, 0);
	UNIT_EQ(fake_pool_free(), before);
	UNIT_EQ(all_lies(), 0);
	CU_ASSERT(fake_vtxq()->vq.reorders > 1000);
	fake_down();
}

static void kicks_only_if_wanted(void)
{
	fake_up();
	fake_kicked(TXQ);
	fake_want_kicks(TXQ, false);
	UNIT_EQ(send_one(packet(60, 0)), 1);
	UNIT_EQ(fake_kicked(TXQ), false);
	device_sends();
	fake_want_kicks(TXQ, true);
	UNIT_EQ(send_one(packet(60, 0)), 1);
	UNIT_EQ(fake_kicked(TXQ), true);
	device_sends();
	fake_down();
}

static void closes_with_packets_queued(void)
{
	unsigned int i;

	fake_up();
	for (i = 0; i < 100; i++)
		UNIT_EQ(send_one(i % 3 ? packet(60, 0) : chain(3, 60)), 1);
	fake_down();
}

/* --- Lies ----------------------------------------------------------------------------------- */

static void lie_id(void)
{
	static const uint32_t ids[] = {FAKE_DESCS, 0xffffffff, 5};
	struct fake_buf buf;
	unsigned int i;
	uint32_t before;

	fake_up();
	before = fake_pool_free();
	for (i = 0; i < 3; i++) {
		UNIT_EQ(send_one(packet(60, 0)), 1);
		CU_ASSERT_FATAL(fake_pop(TXQ, &buf));
		fake_push(TXQ, ids[i], 0);
		UNIT_EQ(plx_tx_burst(fake_txq(), NULL, 0), 0);
	}
	UNIT_EQ(lies(PLX_LIE_INDEX), 2);
	UNIT_EQ(lies(PLX_LIE_STATE), 1);
	UNIT_EQ(fake_pool_free(), before);
	check_odd(packet(60, 9), 60);
	fake_down();
}

static void lie_duplicate_id(void)
{
	struct fake_buf first, second;
	uint32_t before;

	fake_up();
	before = fake_pool_free();
	UNIT_EQ(send_one(packet(60, 0)), 1);
	UNIT_EQ(send_one(packet(60, 0)), 1);
	CU_ASSERT_FATAL(fake_pop(TXQ, &first) && fake_pop(TXQ, &second));
	fake_push(TXQ, second.id, 0);
	fake_push(TXQ, second.id, 0);
	plx_tx_burst(fake_txq(), NULL, 0);
	UNIT_EQ(lies(PLX_LIE_STATE), 1);
	UNIT_EQ(fake_pool_free(), before);
	check_odd(packet(60, 9), 60);
	fake_down();
}

static void lie_used_before_given(void)
{
	unsigned int i;

	fake_up();
	for (i = 0; i < 10; i++)
		fake_push(TXQ, i, 0);
	/* A packed ring's descriptors are not looked at unless they are in flight. */
	UNIT_EQ(plx_tx_burst(fake_txq(), NULL, 0), 0);
	UNIT_EQ(lies(PLX_LIE_INDEX), fake_is_packed() ? 0 : 1);
	UNIT_EQ(send_one(packet(60, 0)), 1);
	UNIT_EQ(plx_tx_burst(fake_txq(), NULL, 0), 0);
	UNIT_EQ(lies(PLX_LIE_INDEX), fake_is_packed() ? 0 : 2);
	UNIT_EQ(all_lies(), fake_is_packed() ? 0 : 2);
	fake_down();
}

static void lies_break_and_reset_mends(void)
{
	struct fake_buf buf;
	unsigned int i;

	fake_up();
	for (i = 0; i < PLX_LIES_MAX; i++) {
		UNIT_EQ(send_one(packet(60, 0)), 1);
		CU_ASSERT_FATAL(fake_pop(TXQ, &buf));
		fake_push(TXQ, 4000, 0);
		plx_tx_burst(fake_txq(), NULL, 0);
	}
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	UNIT_EQ(lies(PLX_LIE_INDEX), PLX_LIES_MAX);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	check_odd(packet(60, 9), 60);
	UNIT_EQ(fake_txq()->lies_in_row, 0);
	fake_down();
}

CU_TestInfo tx_tests[] = {
	{"plain packets", plain_packets},
	{"odd packets, indirect", odd_packets_indirect},
	{"odd packets, copied", odd_packets_copied},
	{"bad packets are dropped", bad_packets_are_dropped},
	{"a mixed burst", mixed_burst},
	{"a full ring", full_ring},
	{"clean-up", clean_up},
	{"out of order", out_of_order},
	{"notifications only if wanted", kicks_only_if_wanted},
	{"closes with packets queued", closes_with_packets_queued},
	{"lie: id", lie_id},
	{"lie: duplicate id", lie_duplicate_id},
	{"lie: used before given", lie_used_before_given},
	{"1000 lies break it, a reset mends it", lies_break_and_reset_mends},
	CU_TEST_INFO_NULL,
};
