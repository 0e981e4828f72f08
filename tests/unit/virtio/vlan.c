/* SPDX-License-Identifier: BSD-3-Clause */
/* VLAN tags, which the virtio driver takes out and puts in itself. */
#include <endian.h>
#include <string.h>

#include "fake.h"

#define TXQ   1
#define SPLIT 900

static void up(uint64_t features_off)
{
	struct plx_port_config config = {.rx_descs = FAKE_DESCS,
					 .tx_descs = FAKE_DESCS,
					 .offloads = PLX_PORT_HAS(VLAN_STRIP) |
						     PLX_PORT_HAS(VLAN_INSERT) |
						     PLX_PORT_HAS(TX_L4_CSUM)};

	fake_init();
	fake.offered |= VIRTIO_NET_F_CSUM;
	fake.offered &= ~features_off;
	UNIT_EQ(fake_open(&config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	UNIT_EQ(plx_port_start(fake_port), 0);
}

/* --- Strip ---------------------------------------------------------------------------------- */

/* Receive a frame of len bytes, 0, 1, 2 and so on, with a type and a tag where they belong. */
static struct plx_pktbuf *receive(uint32_t len, uint16_t type, uint16_t tag)
{
	const uint16_t fields[2] = {htobe16(type), htobe16(tag)};
	struct plx_pktbuf *p = NULL;
	struct fake_buf buf;
	uint8_t *frame;
	uint32_t i;

	CU_ASSERT_FATAL(fake_pop(0, &buf));
	frame = fake_va(buf.addr);
	memcpy(frame, &fake_hdr, VIRTIO_HDR_LEN);
	frame += VIRTIO_HDR_LEN;
	for (i = 0; i < len; i++)
		frame[i] = (uint8_t)i;
	memcpy(frame + 12, fields, sizeof(fields));
	fake_push(0, buf.id, len + VIRTIO_HDR_LEN);
	UNIT_EQ(plx_rx_burst(fake_rxq(), &p, 1), 1);
	CU_ASSERT_FATAL(p != NULL);
	UNIT_EQ(plx_pktbuf_check(p), 0);
	return p;
}

static void strip(void)
{
	struct plx_pktbuf *p;
	uint8_t *data;

	up(0);
	p = receive(100, 0x8100, 0x6123);
	data = plx_pktbuf_data(p);
	UNIT_EQ(p->flags, PLX_PKT_RX_VLAN);
	UNIT_EQ(p->vlan, 0x6123);
	UNIT_EQ(p->pkt_len, 96);
	UNIT_EQ(data[0], 0);
	UNIT_EQ(data[11], 11);
	UNIT_EQ(data[12], 16);
	UNIT_EQ(data[95], 99);
	plx_pktbuf_free(p);
	p = receive(100, 0x0800, 0x4500);
	UNIT_EQ(p->flags, 0);
	UNIT_EQ(p->pkt_len, 100);
	plx_pktbuf_free(p);
	fake_down();
}

/* What is left must be a frame. */
static void strip_of_short_frames(void)
{
	struct plx_pktbuf *p;

	up(0);
	p = receive(18, 0x8100, 5);
	UNIT_EQ(p->pkt_len, 14);
	UNIT_EQ(p->vlan, 5);
	plx_pktbuf_free(p);
	p = receive(17, 0x8100, 5);
	UNIT_EQ(p->pkt_len, 17);
	UNIT_EQ(p->flags, 0);
	plx_pktbuf_free(p);
	fake_down();
}

/* --- Insert --------------------------------------------------------------------------------- */

static struct plx_pktbuf *packet(uint16_t len, uint16_t headroom)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fake_pool);
	uint8_t *data;
	uint16_t i;

	CU_ASSERT_FATAL(p != NULL);
	p->data_off = headroom;
	data = plx_pktbuf_append(p, len);
	for (i = 0; i < len; i++)
		data[i] = (uint8_t)i;
	p->flags = PLX_PKT_TX_VLAN;
	p->vlan = 0x0456;
	return p;
}

/* What the device reads, header first, wherever it lies. Return: its length. */
static uint32_t device_reads(uint8_t *to)
{
	struct fake_buf buf;
	uint32_t n = 1, i, len = 0;
	const uint64_t *table;

	CU_ASSERT_FATAL(fake_pop(TXQ, &buf));
	if (!(buf.flags & VIRTQ_DESC_F_INDIRECT)) {
		memcpy(to, fake_va(buf.addr), buf.len);
		return buf.len;
	}
	table = fake_va(buf.addr);
	n = buf.len / 16;
	for (i = 0; i < n; i++) {
		uint32_t part = (uint32_t)table[2 * i + 1];

		memcpy(to + len, fake_va(table[2 * i]), part);
		len += part;
	}
	return len;
}

/* The packet went out with its tag, byte for byte; its header. */
static struct virtio_net_hdr sent(struct plx_pktbuf *p)
{
	static uint8_t frame[4096];
	uint32_t len = p->pkt_len, i, got, bad = 0;
	struct virtio_net_hdr hdr;

	UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
	got = device_reads(frame);
	UNIT_EQ(got, VIRTIO_HDR_LEN + len + 4);
	memcpy(&hdr, frame, VIRTIO_HDR_LEN);
	for (i = 0; i < len; i++)
		bad += frame[VIRTIO_HDR_LEN + i + (i < 12 ? 0 : 4)] != (uint8_t)i;
	UNIT_EQ(bad, 0);
	UNIT_EQ(memcmp(&frame[VIRTIO_HDR_LEN + 12], "\x81\x00\x04\x56", 4), 0);
	return hdr;
}

static struct plx_pktbuf *two_buffers(uint16_t first)
{
	struct plx_pktbuf *p = packet(SPLIT, PLX_PKTBUF_HEADROOM),
			  *tail = plx_pktbuf_alloc(fake_pool);
	uint8_t *data = plx_pktbuf_append(tail, (uint16_t)(SPLIT - first));
	uint16_t i;

	for (i = first; i < SPLIT; i++)
		data[i - first] = (uint8_t)i;
	p->len = first;
	p->pkt_len = first;
	UNIT_EQ(plx_pktbuf_chain(p, tail), 0);
	return p;
}

static void insert(uint64_t features_off)
{
	struct virtio_net_hdr hdr;
	struct plx_pktbuf *p;

	up(features_off);
	sent(packet(60, PLX_PKTBUF_HEADROOM));
	/* Room for the header but not for the tag, and for neither. */
	sent(packet(60, VIRTIO_HDR_LEN));
	sent(packet(60, 0));
	sent(two_buffers(500));
	sent(two_buffers(13));
	p = packet(100, PLX_PKTBUF_HEADROOM);
	p->flags |= PLX_PKT_TX_UDP;
	p->l2_len = 14;
	p->l3_len = 20;
	hdr = sent(p);
	UNIT_EQ(hdr.csum_start, 38);
	p = packet(100, 0);
	p->flags |= PLX_PKT_TX_UDP;
	p->l2_len = 14;
	p->l3_len = 20;
	hdr = sent(p);
	UNIT_EQ(hdr.csum_start, 38);
	UNIT_EQ(fake_txq()->stats.dropped, 0);
	fake_down();
}

static void insert_indirect(void)
{
	insert(0);
}

static void insert_copied(void)
{
	insert(VIRTIO_F_INDIRECT_DESC);
}

/* Too long with the tag; too short for the addresses in the first buffer. */
static void insert_refused(void)
{
	struct plx_pktbuf *p;
	struct fake_buf buf;

	up(0);
	p = packet(PLX_MTU_DEFAULT + PLX_ETH_OVERHEAD - 3, PLX_PKTBUF_HEADROOM);
	UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
	p = two_buffers(12);
	UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
	UNIT_EQ(fake_txq()->stats.dropped, 2);
	UNIT_EQ(fake_pop(TXQ, &buf), false);
	sent(packet(PLX_MTU_DEFAULT + PLX_ETH_OVERHEAD - 4, PLX_PKTBUF_HEADROOM));
	fake_down();
}

CU_TestInfo vlan_tests[] = {
	{"strip", strip},
	{"strip of short frames", strip_of_short_frames},
	{"insert, indirect", insert_indirect},
	{"insert, copied", insert_copied},
	{"insert refused", insert_refused},
	CU_TEST_INFO_NULL,
};
