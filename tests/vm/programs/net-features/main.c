/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * net-features PORT PORT [ID]: every feature that the second port (for reception) or the first (for
 * transmission) says it has, exercised by frames that the first sends to the second. Their wires
 * must be connected; ID is QEMU's name of the second. One line per check, as cases print them.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>

#include "frames.h"
#include "wire.h"

#define SILENCE_NS UINT64_C(200000000)

struct plx_pktbuf_pool *pool;
struct plx_port *from, *to;
static unsigned int failures;

bool check(bool good, const char *what)
{
	printf("%s - %s\n", good ? "ok" : "not ok", what);
	failures += !good;
	return good;
}

bool has(const struct plx_port *port, unsigned int feature)
{
	if (plx_port_info(port)->features & UINT64_C(1) << feature)
		return true;
	printf("skip - %s # %s does not have it\n", plx_port_feature_name(feature),
	       plx_port_info(port)->driver);
	return false;
}

/* --- Frames to and fro ---------------------------------------------------------------------- */

void send(struct plx_pktbuf *p)
{
	uint64_t end = plx_clock_ns() + ARRIVAL_NS;

	while (!plx_tx_burst(plx_port_txq(from, 0), &p, 1))
		if (plx_clock_ns() > end)
			abort();
}

/* The next packet that is ours, or NULL. */
struct plx_pktbuf *receive(uint64_t within_ns)
{
	uint64_t end = plx_clock_ns() + within_ns;
	struct plx_pktbuf *p;

	do {
		if (!plx_rx_burst(plx_port_rxq(to, 0), &p, 1))
			continue;
		if (memcmp((uint8_t *)plx_pktbuf_data(p) + 6, "\x02\0\0\0\0\x01", 6) == 0)
			return p;
		plx_pktbuf_free(p);
	} while (plx_clock_ns() < end);
	return NULL;
}

/* Does such a frame arrive? */
bool arrives(const uint8_t *dst, uint16_t tag)
{
	struct plx_pktbuf *p;

	send(frame_plain(pool, dst, tag, 100));
	p = receive(ARRIVAL_NS);
	plx_pktbuf_free(p);
	return p;
}

/* One that must arrive is sent behind it: devices may be slow, but keep the order. */
bool stays_away(const uint8_t *dst, uint16_t tag)
{
	struct plx_pktbuf *p;
	bool first;

	send(frame_plain(pool, dst, tag, 100));
	send(frame_plain(pool, mac_to(), 0, 101));
	p = receive(ARRIVAL_NS);
	first = p && p->pkt_len == ETH_LEN + 101;
	plx_pktbuf_free(p);
	if (p && !first)
		plx_pktbuf_free(receive(ARRIVAL_NS));
	return first;
}

static bool silence(void)
{
	struct plx_pktbuf *p;

	send(frame_plain(pool, mac_to(), 0, 100));
	p = receive(SILENCE_NS);
	plx_pktbuf_free(p);
	return !p;
}

const uint8_t *mac_to(void)
{
	return plx_port_info(to)->mac;
}

void offloads(struct plx_port *port, uint64_t wanted)
{
	if (plx_port_stop(port) || plx_port_set_offloads(port, wanted) || plx_port_start(port) ||
	    plx_port_link_wait(port, 9000))
		check(false, "restart with other offloads");
}

/* --- Reception ------------------------------------------------------------------------------ */

static void mac_filters(void)
{
	static const uint8_t group[6] = {0x01, 0, 0x5e, 0, 0, 0xfb},
			     other[6] = {2, 0, 0, 0, 0, 0x77};
	int err;

	if (!HAS(to, MAC_FILTER))
		return;
	check(stays_away(group, 0), "multicast of a group not joined stays away");
	check(plx_port_mac_add(to, group) == 0 && arrives(group, 0), "one that is joined arrives");
	check(plx_port_mac_add(to, group) == -EEXIST, "joined twice: EEXIST");
	check(plx_port_mac_remove(to, group) == 0 && stays_away(group, 0),
	      "and no more after that");
	check(stays_away(other, 0), "unicast to another station stays away");
	err = plx_port_mac_add(to, other);
	if (err == -ENOSPC) {
		printf("skip - more unicast addresses # %s has one\n", plx_port_info(to)->driver);
		return;
	}
	check(err == 0 && arrives(other, 0), "unicast to an address that was added arrives");
	check(plx_port_mac_remove(to, other) == 0 && stays_away(other, 0),
	      "and no more after that");
	check(arrives(mac_to(), 0), "its own address still does");
}

/* A receiver whose filter is always on gets tagged frames of listed VLANs only. */
static bool filter_always(void)
{
	return plx_port_info(to)->offloads & PLX_PORT_HAS(VLAN_FILTER);
}

static void vlan_listed(uint16_t vlan)
{
	if (filter_always() && plx_port_vlan_add(to, vlan))
		check(false, "list a VLAN");
}

static void vlan_unlisted(uint16_t vlan)
{
	if (filter_always() && plx_port_vlan_remove(to, vlan))
		check(false, "list a VLAN no more");
}

static void vlan_strip(void)
{
	struct plx_pktbuf *p;

	if (!HAS(to, VLAN_STRIP))
		return;
	vlan_listed(0x064);
	offloads(to, PLX_PORT_HAS(VLAN_STRIP));
	send(frame_plain(pool, mac_to(), 0x2064, 100));
	p = receive(ARRIVAL_NS);
	if (!check(p, "a tagged frame arrives with VLAN strip on"))
		return;
	check((p->flags & PLX_PKT_RX_VLAN) && p->vlan == 0x2064, "its tag is beside it");
	check(p->pkt_len == ETH_LEN + 100 && get16((uint8_t *)plx_pktbuf_data(p) + 12) == TYPE_TEST,
	      "and no more in it");
	plx_pktbuf_free(p);
	offloads(to, 0);
	send(frame_plain(pool, mac_to(), 0x2064, 100));
	p = receive(ARRIVAL_NS);
	check(p && p->flags == 0 && p->pkt_len == ETH_LEN + 4 + 100, "off, the tag stays");
	plx_pktbuf_free(p);
	vlan_unlisted(0x064);
}

static void vlan_filter(void)
{
	if (!HAS(to, VLAN_FILTER))
		return;
	if (!filter_always())
		check(arrives(mac_to(), 100), "without the filter a tagged frame arrives");
	offloads(to, PLX_PORT_HAS(VLAN_FILTER));
	check(stays_away(mac_to(), 100), "with it, one of a VLAN not listed stays away");
	check(arrives(mac_to(), 0), "an untagged one arrives");
	check(plx_port_vlan_add(to, 100) == 0 && arrives(mac_to(), 100),
	      "one of a listed VLAN, too");
	check(stays_away(mac_to(), 101), "but not of its neighbour");
	check(plx_port_vlan_remove(to, 100) == 0 && stays_away(mac_to(), 100),
	      "until it is removed");
	offloads(to, 0);
}

/* Good stays good, bad is never called good. */
static void rx_csum(void)
{
	struct plx_pktbuf *p;

	if (!HAS(to, RX_CSUM))
		return;
	offloads(to, PLX_PORT_HAS(RX_CSUM));
	p = frame_ip(pool, mac_to(), PROTO_UDP, 100);
	frame_finish(p);
	send(p);
	p = receive(ARRIVAL_NS);
	check(p && !(p->flags & (PLX_PKT_RX_L4_BAD | PLX_PKT_RX_IP_BAD)),
	      "a good UDP packet is not called bad");
	if (p && !(p->flags & PLX_PKT_RX_L4_GOOD))
		printf("skip - that it is called good # this device said nothing of it\n");
	plx_pktbuf_free(p);
	p = frame_ip(pool, mac_to(), PROTO_UDP, 100);
	frame_finish(p);
	((uint8_t *)plx_pktbuf_data(p))[ETH_LEN + IP_LEN + 6] ^= 0x55;
	send(p);
	p = receive(ARRIVAL_NS);
	check(p && !(p->flags & PLX_PKT_RX_L4_GOOD),
	      "one with a wrong checksum is not called good");
	plx_pktbuf_free(p);
	offloads(to, 0);
}

static void rss_hash(void)
{
	struct plx_port_rss rss;
	struct plx_pktbuf *p;

	if (!HAS(to, RSS_HASH))
		return;
	offloads(to, PLX_PORT_HAS(RSS_HASH));
	check(plx_port_rss_get(to, &rss) == 0, "RSS settings");
	p = frame_ip(pool, mac_to(), PROTO_TCP, 100);
	frame_finish(p);
	send(p);
	p = receive(ARRIVAL_NS);
	if (p && !(p->flags & PLX_PKT_RX_HASH))
		printf("skip - the hash # this device gave none\n");
	else
		check(p && p->hash == frame_hash(plx_pktbuf_data(p), rss.key),
		      "the hash is that of the key, addresses and ports");
	plx_pktbuf_free(p);
	rss.types |= 1u << 31;
	check(plx_port_rss_set(to, &rss) == -EINVAL, "a hash type that it has not is refused");
	offloads(to, 0);
}

/* --- Transmission --------------------------------------------------------------------------- */

static void vlan_insert(void)
{
	struct plx_pktbuf *p;
	uint8_t *data;

	if (!HAS(from, VLAN_INSERT))
		return;
	vlan_listed(0x065);
	offloads(from, PLX_PORT_HAS(VLAN_INSERT));
	p = frame_plain(pool, mac_to(), 0, 100);
	p->flags = PLX_PKT_TX_VLAN;
	p->vlan = 0x3065;
	send(p);
	p = receive(ARRIVAL_NS);
	if (!check(p && p->pkt_len == ETH_LEN + 4 + 100,
		   "a frame with a tag to insert is longer")) {
		plx_pktbuf_free(p);
		return;
	}
	data = plx_pktbuf_data(p);
	check(get16(data + 12) == TYPE_VLAN && get16(data + 14) == 0x3065 &&
		      get16(data + 16) == TYPE_TEST,
	      "and the tag is where it belongs");
	plx_pktbuf_free(p);
	offloads(from, 0);
	vlan_unlisted(0x065);
}

static void tx_csum_of(uint8_t proto, uint32_t flags, const char *what)
{
	struct plx_pktbuf *p = frame_ip(pool, mac_to(), proto, 333);
	uint8_t *data = plx_pktbuf_data(p);

	if (flags & PLX_PKT_TX_IP)
		memset(data + ETH_LEN + 10, 0, 2);
	p->flags = flags;
	send(p);
	p = receive(ARRIVAL_NS);
	data = p ? plx_pktbuf_data(p) : NULL;
	check(p && frame_ip_good(data) && (flags == PLX_PKT_TX_IP || frame_l4_good(data)), what);
	plx_pktbuf_free(p);
}

static void tx_csum(void)
{
	bool l4 = HAS(from, TX_L4_CSUM), ip = HAS(from, TX_IP_CSUM);
	uint32_t both = ip ? PLX_PKT_TX_IP : 0;

	offloads(from, (l4 ? PLX_PORT_HAS(TX_L4_CSUM) : 0) | (ip ? PLX_PORT_HAS(TX_IP_CSUM) : 0));
	if (ip)
		tx_csum_of(PROTO_UDP, PLX_PKT_TX_IP, "IPv4 header checksum");
	if (l4) {
		tx_csum_of(PROTO_UDP, PLX_PKT_TX_UDP | both, "UDP checksum");
		tx_csum_of(PROTO_TCP, PLX_PKT_TX_TCP | both, "TCP checksum");
	}
	offloads(from, 0);
}

static void tso(void)
{
	struct plx_pktbuf *p;
	unsigned int i;

	if (!HAS(from, TSO))
		return;
	offloads(from,
		 PLX_PORT_HAS(TSO) | (plx_port_info(from)->features & PLX_PORT_HAS(TX_L4_CSUM)));
	p = frame_ip(pool, mac_to(), PROTO_TCP, PARTS * MSS);
	p->flags = PLX_PKT_TX_TSO;
	p->mss = MSS;
	send(p);
	for (i = 0; i < PARTS; i++) {
		const uint8_t *data;

		p = receive(ARRIVAL_NS);
		if (!check(p && p->pkt_len == ETH_LEN + IP_LEN + TCP_LEN + MSS,
			   "TSO: a part arrives"))
			break;
		data = plx_pktbuf_data(p);
		check(get32(data + ETH_LEN + IP_LEN + 4) == 100 + i * MSS &&
			      data[ETH_LEN + IP_LEN + TCP_LEN] == (uint8_t)(i * MSS),
		      "its sequence number and data");
		check(frame_ip_good(data) && frame_l4_good(data), "its checksums");
		plx_pktbuf_free(p);
	}
	while ((p = receive(SILENCE_NS)))
		plx_pktbuf_free(p);
	offloads(from, 0);
}

/* --- Queues, registers ---------------------------------------------------------------------- */

static bool rx_status_is(uint16_t offset, int status)
{
	uint64_t end = plx_clock_ns() + ARRIVAL_NS;

	while (plx_rxq_desc_status(plx_port_rxq(to, 0), offset) != status)
		if (plx_clock_ns() > end)
			return false;
	return true;
}

static bool tx_status_is(uint16_t offset, int status)
{
	uint64_t end = plx_clock_ns() + ARRIVAL_NS;

	while (plx_txq_desc_status(plx_port_txq(from, 0), offset) != status)
		if (plx_clock_ns() > end)
			return false;
	return true;
}

static void desc_status(void)
{
	uint16_t last = (uint16_t)(plx_port_info(to)->rx_descs - 1);
	struct plx_txq *txq = plx_port_txq(from, 0);
	struct plx_pktbuf *p;

	if (!HAS(to, DESC_STATUS))
		return;
	check(rx_status_is(0, PLX_DESC_DEVICE), "the device has the next rx descriptor");
	check(plx_rxq_desc_status(plx_port_rxq(to, 0), (uint16_t)(last + 1)) == -EINVAL,
	      "beyond the ring: EINVAL");
	while (plx_txq_desc_status(txq, 0) != PLX_DESC_UNUSED)
		plx_tx_burst(txq, NULL, 0);
	send(frame_plain(pool, mac_to(), 0, 100));
	check(tx_status_is(0, PLX_DESC_DONE), "a tx descriptor is done");
	check(rx_status_is(0, PLX_DESC_DONE), "and the rx descriptor");
	plx_tx_burst(txq, NULL, 0);
	check(tx_status_is(0, PLX_DESC_UNUSED), "and unused after the clean-up");
	p = receive(ARRIVAL_NS);
	check(p && rx_status_is(0, PLX_DESC_DEVICE),
	      "the next rx descriptor is the device's again");
	plx_pktbuf_free(p);
}

static void queue_restart(void)
{
	struct plx_rxq *rxq = plx_port_rxq(to, 0);
	struct plx_txq *txq = plx_port_txq(from, 0);

	if (HAS(to, QUEUE_RESTART)) {
		check(plx_rxq_stop(rxq) == 0 && plx_rxq_stop(rxq) == -EALREADY,
		      "an rx queue stops");
		check(silence(), "and receives nothing");
		check(plx_rxq_start(rxq) == 0 && arrives(mac_to(), 0), "until it is started");
	}
	if (HAS(from, QUEUE_RESTART)) {
		check(plx_txq_stop(txq) == 0 && plx_txq_stop(txq) == -EALREADY, "a tx queue stops");
		check(plx_txq_start(txq) == 0 && arrives(mac_to(), 0),
		      "and sends when started again");
	}
}

static void registers(void)
{
	struct plx_port_reg regs[256];
	int i, n;

	if (!HAS(to, REGS))
		return;
	n = plx_port_regs(to, regs, 256);
	check(n > 0 && n <= 256 && n == plx_port_regs(to, NULL, 0), "registers");
	for (i = 0; i < n; i++)
		if (!regs[i].name || !regs[i].bytes)
			check(false, "a register without name or size");
	check(arrives(mac_to(), 0), "reading them has no effect on traffic");
}

static struct plx_port *open_port(const char *spec)
{
	struct plx_port_config config = {.pool = pool, .rx_irq = true};
	struct plx_port *port = plx_port_open(spec, &config);

	if (!port || plx_port_start(port) || plx_port_link_wait(port, 9000)) {
		check(false, "open and start");
		exit(1);
	}
	return port;
}

int main(int argc, char **argv)
{
	struct plx_pktbuf_pool_config config = {.name = "features", .count = 8192};

	if (argc < 3 || argc > 4 || plx_eal_init(NULL))
		return 2;
	pool = plx_pktbuf_pool_open(&config);
	from = open_port(argv[1]);
	to = open_port(argv[2]);
	check(arrives(mac_to(), 0), "a frame arrives");
	mac_filters();
	test_promisc_and_allmulti();
	test_mac_set();
	test_statistics();
	test_rx_interrupt();
	test_link_event(argv[3]);
	vlan_strip();
	vlan_filter();
	rx_csum();
	rss_hash();
	vlan_insert();
	tx_csum();
	tso();
	test_lro();
	desc_status();
	queue_restart();
	registers();
	test_jumbo();
	test_reset();
	test_rss_queues(argv[2]);
	plx_port_close(from);
	plx_port_close(to);
	check(plx_pktbuf_pool_close(pool) == 0, "every packet buffer is back");
	return plx_eal_fini() || failures ? 1 : 0;
}
