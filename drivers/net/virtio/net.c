/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a virtio network device is and can (VIRTIO 1.2, 5.1.3 and 5.1.4): features, configuration,
 * link. Configuration that cannot be is counted, and either ignored together with its feature or,
 * where nothing works without it, refused.
 */
#include <errno.h>
#include <string.h>
#include <sys/random.h>

#include <pollux/log.h>

#include "virtio_net.h"

PLX_LOG_USE(virtio);

/* Reads of the configuration that must agree on its generation (2.4.1). */
#define GENERATION_TRIES 100

#define FEATURES_ALWAYS                                                                            \
	(VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_ORDER_PLATFORM |                 \
	 VIRTIO_F_INDIRECT_DESC | VIRTIO_F_EVENT_IDX | VIRTIO_F_RING_PACKED | VIRTIO_F_IN_ORDER |  \
	 VIRTIO_NET_F_MAC | VIRTIO_NET_F_STATUS | VIRTIO_NET_F_SPEED_DUPLEX | VIRTIO_F_RING_RESET)
#define FEATURES_CTRL                                                                              \
	(VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX | VIRTIO_NET_F_CTRL_MAC_ADDR |                \
	 VIRTIO_NET_F_GUEST_ANNOUNCE)
/* Where all is received, these need nothing of the device. */
#define FEATURES_UNFILTERED (PLX_PORT_HAS(PROMISC) | PLX_PORT_HAS(ALLMULTI) | PLX_PORT_HAS(MAC_SET))
#define FEATURES_HOST_TSO   (VIRTIO_NET_F_HOST_TSO4 | VIRTIO_NET_F_HOST_TSO6)
#define FEATURES_GUEST_TSO  (VIRTIO_NET_F_GUEST_TSO4 | VIRTIO_NET_F_GUEST_TSO6)

/* PLX_RSS_* has the numbers of 5.1.6.4.3.1. */
#define RSS_TYPES                                                                                  \
	(PLX_RSS_IPV4 | PLX_RSS_IPV4_TCP | PLX_RSS_IPV4_UDP | PLX_RSS_IPV6 | PLX_RSS_IPV6_TCP |    \
	 PLX_RSS_IPV6_UDP)

/* --- Configuration -------------------------------------------------------------------------- */

struct raw_config {
	uint8_t mac[PLX_ETH_ALEN];
	uint32_t max_pairs, mtu;
	uint32_t rss_key, rss_table, rss_types;
};

static void config_read_once(struct virtio_transport *t, struct raw_config *raw)
{
	unsigned int i;

	for (i = 0; i < PLX_ETH_ALEN; i++)
		raw->mac[i] = (uint8_t)t->ops->config(t, VIRTIO_NET_CFG_MAC + i, 1);
	raw->max_pairs = t->ops->config(t, VIRTIO_NET_CFG_MAX_VIRTQUEUE_PAIRS, 2);
	raw->mtu = t->ops->config(t, VIRTIO_NET_CFG_MTU, 2);
	raw->rss_key = t->ops->config(t, VIRTIO_NET_CFG_RSS_KEY_SIZE, 1);
	raw->rss_table = t->ops->config(t, VIRTIO_NET_CFG_RSS_TABLE_LENGTH, 2);
	raw->rss_types = t->ops->config(t, VIRTIO_NET_CFG_HASH_TYPES, 4);
}

static int config_read(struct virtio_transport *t, struct raw_config *raw)
{
	unsigned int tries;

	for (tries = 0; tries < GENERATION_TRIES; tries++) {
		uint8_t generation = t->ops->generation(t);

		config_read_once(t, raw);
		if (t->ops->generation(t) == generation)
			return 0;
	}
	PLX_ERR(virtio, "%s: the configuration changes while it is read, %u times in a row",
		t->name, GENERATION_TRIES);
	return -EPROTO;
}

static void config_lie(struct virtio_port *p, const char *what, uint32_t value, const char *result)
{
	p->xstats[VIRTIO_XSTAT_CONFIG_LIES]++;
	PLX_WARN(virtio, "%s: the device says %s %u, which cannot be; %s", p->base.info.name, what,
		 value, result);
}

static int check_mac(struct virtio_port *p, const uint8_t mac[PLX_ETH_ALEN])
{
	static const uint8_t zero[PLX_ETH_ALEN];

	if (!(mac[0] & 1) && memcmp(mac, zero, PLX_ETH_ALEN))
		return 0;
	p->xstats[VIRTIO_XSTAT_CONFIG_LIES]++;
	PLX_ERR(virtio,
		"%s: the device's address is %02x:%02x:%02x:%02x:%02x:%02x, not one of a station",
		p->base.info.name, mac[0], mac[1], mac[2], mac[3], mac[4], mac[5]);
	return -EPROTO;
}

/* A device without an address: make one up, locally administered (5.1.5). */
static int random_mac(uint8_t mac[PLX_ETH_ALEN])
{
	if (getrandom(mac, PLX_ETH_ALEN, GRND_NONBLOCK) != PLX_ETH_ALEN)
		return -EAGAIN;
	mac[0] = (uint8_t)((mac[0] & 0xfe) | 0x02);
	return 0;
}

static int config_mac(struct virtio_port *p, const struct raw_config *raw)
{
	struct virtio_net_config *c = &p->config;

	if (p->offered & VIRTIO_NET_F_MAC) {
		memcpy(c->mac, raw->mac, PLX_ETH_ALEN);
		c->has_mac = true;
		return check_mac(p, c->mac);
	}
	/* One that was made up before a reset stays. */
	return c->mac[0] ? 0 : random_mac(c->mac);
}

/* Key and table as long as the device takes, up to what we can give (5.1.4.1). */
static void config_rss(struct virtio_port *p, const struct raw_config *raw)
{
	struct virtio_net_config *c = &p->config;
	uint32_t table = PLX_RSS_RETA_MAX;

	c->rss_table_len = 0;
	if (!(p->offered & VIRTIO_NET_F_RSS) || !(p->offered & VIRTIO_NET_F_CTRL_VQ))
		return;
	if (raw->rss_key < VIRTIO_NET_RSS_KEY_MIN || raw->rss_table == 0) {
		config_lie(p, raw->rss_table ? "RSS key length" : "RSS table length",
			   raw->rss_table ? raw->rss_key : 0, "no RSS");
		p->ignored |= VIRTIO_NET_F_RSS;
		return;
	}
	while (table > raw->rss_table)
		table /= 2;
	c->rss_table_len = (uint16_t)table;
	c->rss_key_len = (uint8_t)(raw->rss_key < PLX_RSS_KEY_MAX ? raw->rss_key : PLX_RSS_KEY_MAX);
	c->rss_types = raw->rss_types & RSS_TYPES;
}

static int config_check(struct virtio_port *p, const struct raw_config *raw)
{
	struct virtio_net_config *c = &p->config;

	p->ignored = 0;
	c->max_pairs = 1;
	if ((p->offered & (VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS)) &&
	    ((p->offered & VIRTIO_NET_F_CTRL_VQ) || p->transport->unfiltered)) {
		if (raw->max_pairs >= 1 && raw->max_pairs <= VIRTIO_NET_QUEUE_PAIRS_MAX)
			c->max_pairs = (uint16_t)raw->max_pairs;
		else
			config_lie(p, "queue pairs", raw->max_pairs, "using one");
	}
	c->mtu_max = VIRTIO_MTU_MAX;
	if (p->offered & VIRTIO_NET_F_MTU) {
		if (raw->mtu >= VIRTIO_NET_MTU_MIN) {
			c->mtu_max =
				(uint16_t)(raw->mtu < VIRTIO_MTU_MAX ? raw->mtu : VIRTIO_MTU_MAX);
		} else {
			config_lie(p, "MTU", raw->mtu, "ignored");
			p->ignored |= VIRTIO_NET_F_MTU;
		}
	}
	config_rss(p, raw);
	return config_mac(p, raw);
}

/* --- Probing -------------------------------------------------------------------------------- */

/* What the offloads that are on need of the device. */
static uint64_t offload_features(uint64_t offloads)
{
	uint64_t wanted = 0;

	if (offloads & (PLX_PORT_HAS(TX_L4_CSUM) | PLX_PORT_HAS(TSO)))
		wanted |= VIRTIO_NET_F_CSUM;
	if (offloads & PLX_PORT_HAS(TSO))
		wanted |= FEATURES_HOST_TSO;
	if (offloads & (PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(LRO)))
		wanted |= VIRTIO_NET_F_GUEST_CSUM;
	if (offloads & PLX_PORT_HAS(LRO))
		wanted |= FEATURES_GUEST_TSO | VIRTIO_NET_F_MRG_RXBUF;
	if (offloads & PLX_PORT_HAS(VLAN_FILTER))
		wanted |= VIRTIO_NET_F_CTRL_VLAN;
	return wanted;
}

uint64_t virtio_net_features(const struct virtio_port *p, uint32_t mtu, uint64_t offloads)
{
	const struct plx_port *port = &p->base;
	uint64_t wanted = FEATURES_ALWAYS | VIRTIO_NET_F_MTU | offload_features(offloads);
	uint32_t room = port->config.pool->buf_len - PLX_PKTBUF_HEADROOM;

	if (p->offered & VIRTIO_NET_F_CTRL_VQ)
		wanted |= FEATURES_CTRL;
	if (p->config.max_pairs > 1 && port->config.rx_queues > 1)
		wanted |= VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS;
	/* Each packet costs a look at its header then: only where buffers are too small. */
	if (mtu + PLX_ETH_OVERHEAD > room)
		wanted |= VIRTIO_NET_F_MRG_RXBUF;
	return p->offered & wanted & ~p->ignored;
}

static void fill_info(struct virtio_port *p)
{
	static const struct {
		uint64_t virtio, port;
	} map[] = {
		{VIRTIO_NET_F_STATUS, PLX_PORT_HAS(LINK_EVENT)},
		{VIRTIO_NET_F_MRG_RXBUF, PLX_PORT_HAS(RX_SCATTER)},
		{VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX,
		 PLX_PORT_HAS(PROMISC) | PLX_PORT_HAS(ALLMULTI)},
		{VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_MAC_ADDR, PLX_PORT_HAS(MAC_SET)},
		{VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_MQ, PLX_PORT_HAS(MULTI_QUEUE)},
		{VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_RX, PLX_PORT_HAS(MAC_FILTER)},
		{VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_CTRL_VLAN, PLX_PORT_HAS(VLAN_FILTER)},
		{VIRTIO_NET_F_CTRL_VQ | VIRTIO_NET_F_GUEST_ANNOUNCE | VIRTIO_NET_F_STATUS,
		 PLX_PORT_HAS(ANNOUNCE_EVENT)},
		{VIRTIO_NET_F_CSUM, PLX_PORT_HAS(TX_L4_CSUM)},
		{VIRTIO_NET_F_CSUM | FEATURES_HOST_TSO | VIRTIO_F_INDIRECT_DESC, PLX_PORT_HAS(TSO)},
		{VIRTIO_NET_F_GUEST_CSUM, PLX_PORT_HAS(RX_CSUM)},
		{VIRTIO_NET_F_GUEST_CSUM | FEATURES_GUEST_TSO | VIRTIO_NET_F_MRG_RXBUF,
		 PLX_PORT_HAS(LRO)},
	};
	struct plx_port_info *info = &p->base.info;
	unsigned int i;

	info->features = PLX_PORT_HAS(MTU) | PLX_PORT_HAS(TX_SEGS) | PLX_PORT_HAS(STATS) |
			 PLX_PORT_HAS(XSTATS) | PLX_PORT_HAS(RESET) | PLX_PORT_HAS(REMOVE_EVENT) |
			 PLX_PORT_HAS(DESC_STATUS) | PLX_PORT_HAS(VLAN_STRIP) |
			 PLX_PORT_HAS(VLAN_INSERT);
	if (p->transport->vectors_max > 1)
		info->features |= PLX_PORT_HAS(RX_IRQ);
	for (i = 0; i < sizeof(map) / sizeof(map[0]); i++)
		if ((p->offered & map[i].virtio) == map[i].virtio)
			info->features |= map[i].port;
	if (p->transport->unfiltered)
		info->features |= FEATURES_UNFILTERED;
	if (p->transport->unfiltered && (p->offered & VIRTIO_NET_F_MQ))
		info->features |= PLX_PORT_HAS(MULTI_QUEUE);
	if ((p->offered & VIRTIO_F_RING_RESET) && p->transport->ops->queue_reset)
		info->features |= PLX_PORT_HAS(QUEUE_RESTART);
	if (p->transport->ops->regs)
		info->features |= PLX_PORT_HAS(REGS);
	if (p->config.rss_table_len) {
		info->features |= PLX_PORT_HAS(RSS) | PLX_PORT_HAS(MULTI_QUEUE);
		info->rss_key_len = p->config.rss_key_len;
		info->rss_reta_size = p->config.rss_table_len;
		info->rss_types = p->config.rss_types;
	}
	info->macs_max = PLX_PORT_MACS_MAX;
	memcpy(info->mac, p->config.mac, PLX_ETH_ALEN);
	info->rx_queues_max = p->config.max_pairs < PLX_PORT_QUEUES_MAX ? p->config.max_pairs
									: PLX_PORT_QUEUES_MAX;
	info->tx_queues_max = info->rx_queues_max;
	info->mtu_min = VIRTIO_NET_MTU_MIN;
	info->mtu_max = p->config.mtu_max;
	info->tx_segs_max = VIRTIO_TX_SEGS_MAX;
}

/* The largest power of two that all rx and tx queues can have. */
static int probe_sizes(struct virtio_port *p)
{
	struct virtio_transport *t = p->transport;
	unsigned int i, pairs = p->base.config.rx_queues;
	uint32_t size = VIRTIO_DESCS_MAX;

	/* More than there are: lib/net says so. */
	if (pairs > p->config.max_pairs)
		pairs = p->config.max_pairs;
	for (i = 0; i < 2 * pairs; i++) {
		uint32_t max = t->ops->queue_size_max(t, (uint16_t)i);

		if (max < VIRTIO_DESCS_MIN || max > VIRTIO_QUEUE_SIZE_MAX ||
		    (max & (max - 1) && !(p->offered & VIRTIO_F_RING_PACKED))) {
			PLX_ERR(virtio,
				"%s: queue %u has room for %u descriptors: this driver needs a "
				"power of two of at least %u",
				p->base.info.name, i, max, VIRTIO_DESCS_MIN);
			return -EPROTO;
		}
		while (size > max)
			size /= 2;
	}
	p->base.info.descs_min = VIRTIO_DESCS_MIN;
	p->base.info.descs_max = (uint16_t)size;
	return 0;
}

int virtio_net_probe(struct virtio_port *p)
{
	struct virtio_transport *t = p->transport;
	struct raw_config raw;
	int err = virtio_begin(t, &p->offered);

	if (!err)
		err = config_read(t, &raw);
	if (!err)
		err = config_check(p, &raw);
	if (!err)
		err = virtio_accept(
			t, p->offered,
			virtio_net_features(p, p->base.config.mtu, p->base.config.offloads));
	if (!err)
		err = probe_sizes(p);
	if (err) {
		virtio_reset(t);
		return err;
	}
	fill_info(p);
	return virtio_reset(t);
}

/* --- Link ----------------------------------------------------------------------------------- */

int virtio_net_link(struct virtio_port *p, struct plx_port_link *link)
{
	struct virtio_transport *t = p->transport;
	uint32_t speed;

	link->up = true;
	link->full_duplex = true;
	if (p->offered & VIRTIO_NET_F_STATUS)
		link->up = t->ops->config(t, VIRTIO_NET_CFG_STATUS, 2) & VIRTIO_NET_S_LINK_UP;
	if (p->offered & VIRTIO_NET_F_SPEED_DUPLEX) {
		speed = t->ops->config(t, VIRTIO_NET_CFG_SPEED, 4);
		link->speed_mbps = speed <= VIRTIO_NET_SPEED_MAX ? speed : 0;
		link->full_duplex =
			t->ops->config(t, VIRTIO_NET_CFG_DUPLEX, 1) == VIRTIO_NET_DUPLEX_FULL;
	}
	if (t->ops->status(t) != VIRTIO_STATUS_GONE)
		return 0;
	plx_port_gone(&p->base);
	return -ENODEV;
}
