/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * virtio beyond plain packets: checksum and segmentation headers both ways, filters, RSS, single
 * queues, announcements; and headers that lie.
 */
#include <errno.h>
#include <string.h>

#include "fake.h"

#define RXQ	 0
#define TXQ	 1
#define OFFLOADS (PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO))

static void up(uint64_t features, uint64_t offloads)
{
	struct plx_port_config config = {
		.rx_descs = FAKE_DESCS, .tx_descs = FAKE_DESCS, .offloads = offloads};

	fake_init();
	fake.offered |= features;
	UNIT_EQ(fake_open(&config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
	UNIT_EQ(plx_port_start(fake_port), 0);
	CU_ASSERT_FATAL(plx_port_state(fake_port) == PLX_PORT_STARTED);
}

static void up_offloads(void)
{
	up(VIRTIO_NET_F_CSUM | VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6 |
		   VIRTIO_NET_F_GUEST_CSUM,
	   OFFLOADS);
}

static struct plx_pktbuf *tcp_packet(uint16_t len, uint32_t flags)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fake_pool);

	CU_ASSERT_FATAL(p != NULL);
	memset(plx_pktbuf_append(p, len), 0x5a, len);
	p->flags = flags;
	p->l2_len = 14;
	p->l3_len = 20;
	p->l4_len = 20;
	p->mss = 1000;
	return p;
}

/* Send it; the header that the device finds in front of it, in a descriptor of its own or not. */
static const struct virtio_net_hdr *sent_header(struct plx_pktbuf *p, struct fake_buf *buf)
{
	UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
	CU_ASSERT_FATAL(fake_pop(TXQ, buf));
	if (buf->flags & VIRTQ_DESC_F_INDIRECT)
		return fake_va(*(const uint64_t *)fake_va(buf->addr));
	return fake_va(buf->addr);
}

static void tx_checksum(void)
{
	const struct virtio_net_hdr *hdr;
	struct fake_buf buf;

	up_offloads();
	hdr = sent_header(tcp_packet(100, PLX_PKT_TX_TCP), &buf);
	UNIT_EQ(buf.len, VIRTIO_HDR_LEN + 100);
	UNIT_EQ(hdr->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	UNIT_EQ(hdr->csum_start, 34);
	UNIT_EQ(hdr->csum_offset, 16);
	UNIT_EQ(hdr->gso_type, 0);
	hdr = sent_header(tcp_packet(100, PLX_PKT_TX_UDP), &buf);
	UNIT_EQ(hdr->csum_offset, 6);
	hdr = sent_header(tcp_packet(100, 0), &buf);
	UNIT_EQ(hdr->flags, 0);
	fake_down();
}

static void tx_segmentation(void)
{
	struct plx_pktbuf *p = NULL;
	const struct virtio_net_hdr *hdr;
	struct fake_buf buf;

	up_offloads();
	p = tcp_packet(1900, PLX_PKT_TX_TSO);
	UNIT_EQ(plx_pktbuf_chain(p, tcp_packet(2000, 0)), 0);
	hdr = sent_header(p, &buf);
	UNIT_EQ(buf.flags, VIRTQ_DESC_F_INDIRECT);
	UNIT_EQ(hdr->gso_type, VIRTIO_NET_HDR_GSO_TCPV4);
	UNIT_EQ(hdr->gso_size, 1000);
	UNIT_EQ(hdr->hdr_len, 54);
	UNIT_EQ(hdr->flags, VIRTIO_NET_HDR_F_NEEDS_CSUM);
	hdr = sent_header(tcp_packet(1400, PLX_PKT_TX_TSO | PLX_PKT_TX_IPV6), &buf);
	UNIT_EQ(hdr->gso_type, VIRTIO_NET_HDR_GSO_TCPV6);
	fake_down();
}

/* What a packet asks for and cannot be: dropped, counted, and nothing reaches the device. */
static void tx_contradictions(void)
{
	struct plx_pktbuf *pkts[5];
	struct fake_buf buf;
	unsigned int i;

	up_offloads();
	for (i = 0; i < 5; i++)
		pkts[i] = tcp_packet(60, i ? PLX_PKT_TX_TSO : PLX_PKT_TX_TCP);
	pkts[0]->l3_len = 200;
	pkts[1]->mss = 0;
	pkts[2]->l4_len = 8;
	pkts[3]->mss = 9000;
	pkts[4]->l2_len = 0;
	pkts[4]->l3_len = 0;
	UNIT_EQ(plx_tx_burst(fake_txq(), pkts, 5), 5);
	UNIT_EQ(fake_txq()->stats.dropped, 5);
	UNIT_EQ(fake_pop(TXQ, &buf), false);
	fake_down();
}

/* Without the offload the flags mean nothing. */
static void tx_flags_are_ignored_when_off(void)
{
	const struct virtio_net_hdr *hdr;
	struct fake_buf buf;

	up(VIRTIO_NET_F_CSUM, 0);
	hdr = sent_header(tcp_packet(100, PLX_PKT_TX_TCP), &buf);
	UNIT_EQ(hdr->flags, 0);
	fake_down();
}

static uint32_t rx_flags(void)
{
	struct plx_pktbuf *p;
	uint32_t flags;

	fake_rx(100, 1);
	if (plx_rx_burst(fake_rxq(), &p, 1) == 0)
		return UINT32_MAX;
	flags = p->flags;
	plx_pktbuf_free(p);
	return flags;
}

static void rx_checksum(void)
{
	up_offloads();
	UNIT_EQ(rx_flags(), 0);
	fake_hdr.flags = VIRTIO_NET_HDR_F_DATA_VALID;
	UNIT_EQ(rx_flags(), PLX_PKT_RX_L4_GOOD);
	fake_hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	fake_hdr.csum_start = 34;
	fake_hdr.csum_offset = 16;
	UNIT_EQ(rx_flags(), PLX_PKT_RX_L4_GOOD | PLX_PKT_RX_L4_PARTIAL);
	/* Bits that nobody has defined. */
	fake_hdr.flags = 0xf8;
	UNIT_EQ(rx_flags(), 0);
	fake_down();
}

static void rx_header_lies(void)
{
	up_offloads();
	fake_hdr.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM;
	fake_hdr.csum_start = 90;
	fake_hdr.csum_offset = 9;
	UNIT_EQ(rx_flags(), UINT32_MAX);
	fake_hdr.csum_start = 0xffff;
	fake_hdr.csum_offset = 0xffff;
	UNIT_EQ(rx_flags(), UINT32_MAX);
	fake_hdr = (struct virtio_net_hdr){.gso_type = 0xff, .num_buffers = 1};
	UNIT_EQ(rx_flags(), UINT32_MAX);
	fake_hdr = (struct virtio_net_hdr){.gso_type = 1, .gso_size = 0, .num_buffers = 1};
	UNIT_EQ(rx_flags(), UINT32_MAX);
	UNIT_EQ(fake_rxq()->stats.lies[PLX_LIE_HEADER], 4);
	fake_hdr = (struct virtio_net_hdr){.num_buffers = 1};
	UNIT_EQ(rx_flags(), 0);
	UNIT_EQ(fake_rxq()->lies_in_row, 0);
	fake_down();
}

static void rx_merged_segments(void)
{
	struct plx_pktbuf *p;

	up(VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6,
	   PLX_PORT_HAS(LRO));
	fake_hdr = (struct virtio_net_hdr){.flags = VIRTIO_NET_HDR_F_DATA_VALID,
					   .gso_type = VIRTIO_NET_HDR_GSO_TCPV4 |
						       VIRTIO_NET_HDR_GSO_ECN,
					   .gso_size = 1448,
					   .num_buffers = 1};
	fake_rx(1800, 3);
	UNIT_EQ(plx_rx_burst(fake_rxq(), &p, 1), 1);
	UNIT_EQ(p->flags, PLX_PKT_RX_L4_GOOD | PLX_PKT_RX_LRO);
	UNIT_EQ(p->mss, 1448);
	plx_pktbuf_free(p);
	fake_down();
}

/* --- Control -------------------------------------------------------------------------------- */

static void mac_table(void)
{
	static const uint8_t uni[] = {2, 1, 1, 1, 1, 1}, multi[] = {1, 0, 0x5e, 1, 2, 3};
	static const uint8_t one[] = {
		VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 1, 0, 0, 0, 2, 1};
	static const uint8_t none[] = {
		VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, 0, 0, 0, 0, 0, 0};

	up(0, 0);
	UNIT_EQ(fake.ctrl.commands, 3);
	UNIT_EQ(plx_port_mac_add(fake_port, uni), 0);
	UNIT_EQ(fake.ctrl.commands, 7);
	UNIT_EQ(memcmp(fake.ctrl.seen[6], one, 8), 0);
	UNIT_EQ(plx_port_mac_add(fake_port, multi), 0);
	UNIT_EQ(plx_port_mac_remove(fake_port, uni), 0);
	UNIT_EQ(plx_port_mac_remove(fake_port, multi), 0);
	/* The last one has to be taken from the device, too. */
	fake.ctrl.commands = 0;
	UNIT_EQ(plx_port_set_promisc(fake_port, true), 0);
	UNIT_EQ(memcmp(fake.ctrl.seen[3], none, 8), 0);
	fake_down();
}

static void vlan_commands(void)
{
	static const uint8_t add[] = {VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_ADD, 0x23, 0x01};
	static const uint8_t del[] = {VIRTIO_NET_CTRL_VLAN, VIRTIO_NET_CTRL_VLAN_DEL, 0x23, 0x01};

	up(VIRTIO_NET_F_CTRL_VLAN, PLX_PORT_HAS(VLAN_FILTER));
	UNIT_EQ(plx_port_vlan_add(fake_port, 0x123), 0);
	UNIT_EQ(fake.ctrl.commands, 7);
	UNIT_EQ(memcmp(fake.ctrl.seen[6], add, 4), 0);
	UNIT_EQ(plx_port_vlan_remove(fake_port, 0x123), 0);
	UNIT_EQ(memcmp(fake.ctrl.seen[10], del, 4), 0);
	UNIT_EQ(plx_port_vlan_add(fake_port, 0x123), 0);
	fake.ctrl.commands = 0;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(memcmp(fake.ctrl.seen[3], add, 4), 0);
	fake_down();
}

static void rss_config(uint8_t key_len, uint16_t table)
{
	struct plx_port_config config = {.rx_queues = 2, .tx_queues = 2};

	fake_init();
	fake.offered |= VIRTIO_NET_F_RSS | VIRTIO_NET_F_MQ;
	fake.config[VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS] = 2;
	fake.config[VIRTIO_NET_CFG_RSS_KEY_SIZE] = key_len;
	memcpy(&fake.config[VIRTIO_NET_CFG_RSS_TABLE_LENGTH], &table, 2);
	fake.config[VIRTIO_NET_CFG_HASH_TYPES] = 0x3f;
	UNIT_EQ(fake_open(&config, 0), 0);
	CU_ASSERT_FATAL(fake_port != NULL);
}

static void rss_command(void)
{
	/* Types, mask, unclassified queue. */
	static const uint8_t head[] = {
		VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, 0x3f, 0, 0, 0, 127, 0};
	struct plx_port_rss rss;

	rss_config(40, 128);
	UNIT_EQ(plx_port_info(fake_port)->rss_reta_size, 128);
	UNIT_EQ(plx_port_info(fake_port)->rss_key_len, 40);
	UNIT_EQ(plx_port_start(fake_port), 0);
	UNIT_EQ(memcmp(fake.ctrl.seen[0], head, 8), 0);
	UNIT_EQ(plx_port_rss_get(fake_port, &rss), 0);
	rss.types = PLX_RSS_IPV4_UDP;
	fake.ctrl.commands = 0;
	UNIT_EQ(plx_port_rss_set(fake_port, &rss), 0);
	UNIT_EQ(fake.ctrl.seen[0][2], PLX_RSS_IPV4_UDP);
	fake_down();
}

static void rss_lies(void)
{
	static const struct {
		uint8_t key;
		uint16_t table;
	} lies[] = {{0, 128}, {39, 128}, {40, 0}};
	unsigned int i;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		rss_config(lies[i].key, lies[i].table);
		UNIT_EQ(plx_port_info(fake_port)->features & PLX_PORT_HAS(RSS), 0);
		UNIT_EQ(virtio_port(fake_port)->xstats[VIRTIO_XSTAT_CONFIG_LIES], 1);
		UNIT_EQ(plx_port_start(fake_port), 0);
		fake_down();
	}
	rss_config(255, 65535);
	UNIT_EQ(plx_port_info(fake_port)->rss_reta_size, PLX_RSS_RETA_MAX);
	UNIT_EQ(plx_port_info(fake_port)->rss_key_len, PLX_RSS_KEY_MAX);
	fake_down();
}

static void announce(void)
{
	up(VIRTIO_NET_F_GUEST_ANNOUNCE, 0);
	plx_port_events(fake_port);
	UNIT_EQ(fake.ctrl.commands, 3);
	fake.config[VIRTIO_NET_CFG_STATUS] = VIRTIO_NET_S_LINK_UP | VIRTIO_NET_S_ANNOUNCE;
	UNIT_EQ(plx_port_events(fake_port) & PLX_PORT_EVENT_ANNOUNCE, PLX_PORT_EVENT_ANNOUNCE);
	UNIT_EQ(fake.ctrl.commands, 4);
	UNIT_EQ(fake.ctrl.seen[3][0], VIRTIO_NET_CTRL_ANNOUNCE);
	fake_down();
}

static void needs_reset_and_back(void)
{
	up(0, 0);
	fake.status |= VIRTIO_STATUS_NEEDS_RESET;
	plx_port_events(fake_port);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	plx_port_events(fake_port);
	UNIT_EQ(virtio_port(fake_port)->xstats[VIRTIO_XSTAT_NEEDS_RESET], 1);
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_STARTED);
	UNIT_EQ(rx_flags(), 0);
	fake_down();
}

/* --- Queues --------------------------------------------------------------------------------- */

static void queues_restart(void)
{
	struct plx_pktbuf *p;
	struct fake_buf buf;

	up(VIRTIO_F_RING_RESET, 0);
	UNIT_EQ(rx_flags(), 0);
	UNIT_EQ(plx_rxq_stop(fake_rxq()), 0);
	UNIT_EQ(fake.queues[RXQ].on, false);
	UNIT_EQ(plx_rx_burst(fake_rxq(), &p, 1), 0);
	UNIT_EQ(fake_pool_free(), FAKE_POOL);
	UNIT_EQ(plx_rxq_irq_arm(fake_rxq()) < 0, true);
	UNIT_EQ(plx_rxq_start(fake_rxq()), 0);
	UNIT_EQ(rx_flags(), 0);
	p = tcp_packet(60, 0);
	UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
	UNIT_EQ(plx_txq_stop(fake_txq()), 0);
	UNIT_EQ(plx_txq_start(fake_txq()), 0);
	sent_header(tcp_packet(60, 0), &buf);
	/* Closed with a queue stopped. */
	UNIT_EQ(plx_txq_stop(fake_txq()), 0);
	UNIT_EQ(plx_rxq_stop(fake_rxq()), 0);
	fake_down();
}

static void queue_that_does_not_stop(void)
{
	up(VIRTIO_F_RING_RESET, 0);
	fake.reset_error = -EIO;
	UNIT_EQ(plx_rxq_stop(fake_rxq()), -EIO);
	UNIT_EQ(plx_port_state(fake_port), PLX_PORT_BROKEN);
	fake.reset_error = 0;
	UNIT_EQ(plx_port_reset(fake_port), 0);
	UNIT_EQ(rx_flags(), 0);
	fake_down();
}

static void descriptor_status(void)
{
	struct plx_pktbuf *p = NULL;
	struct fake_buf buf;

	up(0, 0);
	UNIT_EQ(plx_rxq_desc_status(fake_rxq(), 0), PLX_DESC_DEVICE);
	fake_rx(60, 1);
	UNIT_EQ(plx_rxq_desc_status(fake_rxq(), 0), PLX_DESC_DONE);
	UNIT_EQ(plx_rxq_desc_status(fake_rxq(), 1), PLX_DESC_DEVICE);
	UNIT_EQ(plx_txq_desc_status(fake_txq(), 0), PLX_DESC_UNUSED);
	p = tcp_packet(60, 0);
	UNIT_EQ(plx_tx_burst(fake_txq(), &p, 1), 1);
	UNIT_EQ(plx_txq_desc_status(fake_txq(), 0), PLX_DESC_DEVICE);
	CU_ASSERT_FATAL(fake_pop(TXQ, &buf));
	fake_push(TXQ, buf.id, 0);
	UNIT_EQ(plx_txq_desc_status(fake_txq(), 0), PLX_DESC_DONE);
	fake_down();
}

/* A device that has all gives all that the matrix says; the transport here has no registers. */
static void matrix_is_true(void)
{
	const uint64_t all = VIRTIO_NET_F_CSUM | VIRTIO_NET_F_GUEST_CSUM | VIRTIO_NET_F_HOST_TSO4 |
			     VIRTIO_NET_F_HOST_TSO6 | VIRTIO_NET_F_GUEST_TSO4 |
			     VIRTIO_NET_F_GUEST_TSO6 | VIRTIO_NET_F_CTRL_VLAN |
			     VIRTIO_NET_F_GUEST_ANNOUNCE | VIRTIO_NET_F_MQ | VIRTIO_F_RING_RESET;

	rss_config(40, 128);
	plx_port_close(fake_port);
	UNIT_EQ(plx_pktbuf_pool_close(fake_pool), 0);
	fake.offered |= all;
	UNIT_EQ(fake_open(&(struct plx_port_config){0}, 0), 0);
	UNIT_EQ(plx_port_info(fake_port)->features, plx_net_virtio.features & ~PLX_PORT_HAS(REGS));
	fake_down();
}

CU_TestInfo offload_tests[] = {
	{"the feature matrix is true", matrix_is_true},
	{"tx checksum", tx_checksum},
	{"tx segmentation", tx_segmentation},
	{"tx: requests that contradict themselves", tx_contradictions},
	{"tx: flags without the offload", tx_flags_are_ignored_when_off},
	{"rx checksum", rx_checksum},
	{"lie: checksum and segmentation headers", rx_header_lies},
	{"rx of merged segments", rx_merged_segments},
	{"MAC table", mac_table},
	{"VLAN filter", vlan_commands},
	{"RSS", rss_command},
	{"lie: RSS key and table lengths", rss_lies},
	{"announcement", announce},
	{"DEVICE_NEEDS_RESET, and a reset", needs_reset_and_back},
	{"queues stop and start", queues_restart},
	{"a queue that does not stop", queue_that_does_not_stop},
	{"descriptor status", descriptor_status},
	CU_TEST_INFO_NULL,
};
