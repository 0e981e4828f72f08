/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The control queue of the virtio network device (VIRTIO 1.2, 5.1.6.5): one command at a time, each
 * with a bounded wait. A command is two descriptors: what the device reads (class, command, data),
 * and the one byte in which it answers.
 */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/mem.h>

#include "ring.h"
#include "virtio_net.h"

PLX_LOG_USE(virtio);

#define CTRL_TIMEOUT_NS UINT64_C(3000000000)
#define CTRL_POLL_US	20
#define CTRL_SIZE_MAX	64
/* The largest commands: all MAC addresses, or a whole RSS table. */
#define CTRL_DATA_MAX 2048
/* No device answers this, so that an answer that never came shows. */
#define CTRL_NO_ANSWER 0xee

struct virtio_ctrl_command {
	struct virtio_net_ctrl_hdr hdr;
	uint8_t data[CTRL_DATA_MAX];
	uint8_t answer PLX_CACHE_ALIGNED;
};

/* --- Queue ---------------------------------------------------------------------------------- */

/* Behind the last receive and transmit queue that the device has (5.1.2). */
static uint16_t ctrl_index(const struct virtio_port *p)
{
	const uint64_t several = VIRTIO_NET_F_MQ | VIRTIO_NET_F_RSS;

	return (uint16_t)(2 * (p->features & several ? p->config.max_pairs : 1));
}

int virtio_ctrl_alloc(struct virtio_port *p)
{
	struct virtq_config config = {
		.features = p->features, .index = ctrl_index(p), .node = p->base.info.node};
	struct virtio_ctrl *c = &p->ctrl;
	uint32_t size, max;
	int err;

	*c = (struct virtio_ctrl){0};
	if (!(p->features & VIRTIO_NET_F_CTRL_VQ))
		return 0;
	max = p->transport->ops->queue_size_max(p->transport, config.index);
	if (max < 2 || (max & (max - 1) && !(p->features & VIRTIO_F_RING_PACKED))) {
		PLX_ERR(virtio, "%s: control queue %u of %u descriptors: it cannot be used",
			p->base.info.name, config.index, max);
		return -EPROTO;
	}
	for (size = 2; size * 2 <= max && size < CTRL_SIZE_MAX; size *= 2)
		;
	config.size = (uint16_t)size;
	err = virtq_alloc(&c->vq, &config);
	if (err)
		return err;
	c->command = plx_dma_zalloc(sizeof(*c->command), 0, config.node);
	if (!c->command)
		return -ENOMEM;
	c->on = true;
	return 0;
}

void virtio_ctrl_free(struct virtio_port *p)
{
	struct virtio_ctrl *c = &p->ctrl;

	/* There are no packet buffers in it. */
	c->vq.next = c->vq.tail;
	virtq_free(&c->vq);
	plx_dma_free(c->command);
	*c = (struct virtio_ctrl){0};
}

/* --- Commands ------------------------------------------------------------------------------- */

/* The first descriptor of the command at a position. */
static uint32_t split_head(const struct virtq *vq, uint32_t pos)
{
	return 2 * pos & vq->mask;
}

/* Descriptors in the order of the table, as VIRTIO_F_IN_ORDER asks for. */
static void submit_split(struct virtio_ctrl *c, uint32_t len)
{
	struct virtq *vq = &c->vq;
	const uint32_t head = split_head(vq, vq->tail);
	struct split_desc *desc = &vq->split.desc[head];

	vq->split.avail->ring[vq->tail & vq->mask] = htole16((uint16_t)head);
	desc[0].addr = htole64(plx_iova(&c->command->hdr));
	desc[0].meta =
		htole64(len | SPLIT_DESC_FLAGS(VIRTQ_DESC_F_NEXT) | SPLIT_DESC_NEXT(head + 1));
	desc[1].addr = htole64(plx_iova(&c->command->answer));
	desc[1].meta = htole64(1 | SPLIT_DESC_FLAGS(VIRTQ_DESC_F_WRITE));
	ring_publish(vq, VIRTQ_SPLIT, vq->tail + 1);
}

static void submit_packed(struct virtio_ctrl *c, uint32_t len)
{
	struct virtq *vq = &c->vq;
	const uint32_t pos = vq->tail;
	struct packed_desc *desc = &vq->packed.ring[pos & vq->mask];

	desc[1].addr = htole64(plx_iova(&c->command->answer));
	desc[1].meta = htole64(1 | PACKED_FLAGS(VIRTQ_DESC_F_WRITE) | packed_available(vq, pos));
	desc[0].addr = htole64(plx_iova(&c->command->hdr));
	/* The rest of the chain before its head. */
	plx_dma_wmb();
	PLX_WRITE_ONCE(desc[0].meta,
		       htole64(len | PACKED_FLAGS(VIRTQ_DESC_F_NEXT) | packed_available(vq, pos)));
	ring_publish(vq, VIRTQ_PACKED, pos + 2);
}

/* Wait for the answer. Return: 0, -ETIMEDOUT, or -EIO (what came is no answer to the command). */
static int wait_used(struct virtio_ctrl *c)
{
	uint64_t end = plx_clock_ns() + CTRL_TIMEOUT_NS;
	struct virtq *vq = &c->vq;
	const uint32_t id = vq->is_packed ? 0 : split_head(vq, vq->next);
	struct ring_used used;

	while (!ring_is_used(vq, virtq_format(vq), vq->next)) {
		if (plx_clock_ns() >= end)
			return -ETIMEDOUT;
		plx_delay_us(CTRL_POLL_US);
	}
	/* What says that it was used before what was used. */
	plx_dma_rmb();
	if (ring_used_count(vq, virtq_format(vq)) > virtq_in_flight(vq))
		return -EIO;
	ring_used_get(vq, virtq_format(vq), vq->next, &used);
	vq->next = vq->tail;
	return used.id == id && used.len <= 1 ? 0 : -EIO;
}

static int ctrl_failed(struct virtio_port *p, uint8_t class, uint8_t command, int err)
{
	p->xstats[VIRTIO_XSTAT_CTRL_ERRORS]++;
	if (err == -ETIMEDOUT)
		PLX_ERR(virtio,
			"%s: the device did not answer control command %u.%u in 3 s; reset the "
			"port before further settings",
			p->base.info.name, class, command);
	else
		PLX_ERR(virtio, "%s: the device refuses control command %u.%u (answer 0x%02x)",
			p->base.info.name, class, command, p->ctrl.command->answer);
	return err;
}

int virtio_ctrl_command(struct virtio_port *p, uint8_t class, uint8_t command, const void *data,
			uint32_t len)
{
	struct virtio_ctrl *c = &p->ctrl;
	const uint32_t from = c->vq.tail;
	int err;

	if (!c->on || c->stuck || len > CTRL_DATA_MAX)
		return -EIO;
	c->command->hdr = (struct virtio_net_ctrl_hdr){.class = class, .command = command};
	if (len)
		memcpy(c->command->data, data, len);
	c->command->answer = CTRL_NO_ANSWER;
	len += (uint32_t)sizeof(c->command->hdr);
	if (c->vq.is_packed)
		submit_packed(c, len);
	else
		submit_split(c, len);
	ring_notify(&c->vq, virtq_format(&c->vq), from);
	err = wait_used(c);
	c->stuck = err != 0;
	if (!err && PLX_READ_ONCE(c->command->answer) != VIRTIO_NET_OK)
		err = -EIO;
	return err ? ctrl_failed(p, class, command, err) : 0;
}

static int command_u8(struct virtio_port *p, uint8_t class, uint8_t command, uint8_t value)
{
	return virtio_ctrl_command(p, class, command, &value, sizeof(value));
}

static int apply_rx_mode(struct virtio_port *p)
{
	const struct plx_port_settings *s = &p->base.settings;
	int err;

	if (!(p->features & VIRTIO_NET_F_CTRL_RX))
		return 0;
	err = command_u8(p, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_PROMISC, s->promisc);
	if (!err)
		err = command_u8(p, VIRTIO_NET_CTRL_RX, VIRTIO_NET_CTRL_RX_ALLMULTI, s->allmulti);
	return err;
}

static int apply_mac(struct virtio_port *p)
{
	if (!(p->features & VIRTIO_NET_F_CTRL_MAC_ADDR))
		return 0;
	return virtio_ctrl_command(p, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_ADDR_SET,
				   p->base.settings.mac, PLX_ETH_ALEN);
}

/* --- Queues --------------------------------------------------------------------------------- */

static uint8_t *put16(uint8_t *at, uint16_t value)
{
	value = htole16(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

static uint8_t *put32(uint8_t *at, uint32_t value)
{
	value = htole32(value);
	memcpy(at, &value, sizeof(value));
	return at + sizeof(value);
}

/* struct virtio_net_rss_config (5.1.6.5.7.1). Without types, packets go to queue 0. */
static int apply_rss(struct virtio_port *p)
{
	const struct plx_port_rss *rss = &p->base.settings.rss;
	const unsigned int table = p->config.rss_table_len;
	uint8_t data[CTRL_DATA_MAX], *at = data;
	unsigned int i;

	at = put32(at, rss->types);
	at = put16(at, (uint16_t)(table - 1));
	at = put16(at, 0);
	for (i = 0; i < table; i++)
		at = put16(at, rss->reta[i]);
	at = put16(at, p->base.info.tx_queues);
	*at++ = p->config.rss_key_len;
	memcpy(at, rss->key, p->config.rss_key_len);
	at += p->config.rss_key_len;
	return virtio_ctrl_command(p, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_RSS_CONFIG, data,
				   (uint32_t)(at - data));
}

static int apply_pairs(struct virtio_port *p)
{
	uint16_t pairs = htole16(p->base.info.rx_queues);

	if (p->features & VIRTIO_NET_F_RSS)
		return apply_rss(p);
	if (!(p->features & VIRTIO_NET_F_MQ) || p->transport->unfiltered)
		return 0;
	return virtio_ctrl_command(p, VIRTIO_NET_CTRL_MQ, VIRTIO_NET_CTRL_MQ_VQ_PAIRS_SET, &pairs,
				   sizeof(pairs));
}

/* --- Filters -------------------------------------------------------------------------------- */

/* One of the two tables: number, addresses. Return: its end. */
static uint8_t *put_macs(uint8_t *at, const struct plx_port_settings *s, unsigned int multicast)
{
	uint32_t count = 0;
	uint8_t *start = at;
	unsigned int i;

	at += sizeof(count);
	for (i = 0; i < s->macs; i++) {
		if ((s->mac_list[i][0] & 1) != multicast)
			continue;
		memcpy(at, s->mac_list[i], PLX_ETH_ALEN);
		at += PLX_ETH_ALEN;
		count++;
	}
	put32(start, count);
	return at;
}

static int apply_macs(struct virtio_port *p)
{
	uint8_t data[2 * sizeof(uint32_t) + PLX_PORT_MACS_MAX * PLX_ETH_ALEN], *end;

	/* A device that was never told of any has none. */
	if (!(p->features & VIRTIO_NET_F_CTRL_RX) || (!p->base.settings.macs && !p->ctrl.macs))
		return 0;
	p->ctrl.macs = true;
	end = put_macs(data, &p->base.settings, 0);
	end = put_macs(end, &p->base.settings, 1);
	return virtio_ctrl_command(p, VIRTIO_NET_CTRL_MAC, VIRTIO_NET_CTRL_MAC_TABLE_SET, data,
				   (uint32_t)(end - data));
}

/* Tell the device of each VLAN that is on the list and that it does not know, or the reverse. */
static int apply_vlans(struct virtio_port *p)
{
	const struct plx_port_settings *s = &p->base.settings;
	unsigned int vlan;
	int err;

	if (!(p->features & VIRTIO_NET_F_CTRL_VLAN))
		return 0;
	for (vlan = 0; vlan < PLX_VLAN_COUNT; vlan++) {
		uint64_t bit = UINT64_C(1) << (vlan % 64), *known = &p->ctrl.vlans[vlan / 64];
		uint16_t id = htole16((uint16_t)vlan);
		bool on = plx_settings_vlan(s, vlan);

		if (on == !!(*known & bit))
			continue;
		err = virtio_ctrl_command(p, VIRTIO_NET_CTRL_VLAN,
					  on ? VIRTIO_NET_CTRL_VLAN_ADD : VIRTIO_NET_CTRL_VLAN_DEL,
					  &id, sizeof(id));
		if (err)
			return err;
		*known ^= bit;
	}
	return 0;
}

int virtio_ctrl_announced(struct virtio_port *p)
{
	return virtio_ctrl_command(p, VIRTIO_NET_CTRL_ANNOUNCE, VIRTIO_NET_CTRL_ANNOUNCE_ACK, NULL,
				   0);
}

int virtio_ctrl_apply(struct virtio_port *p)
{
	int err = apply_pairs(p);

	if (!err)
		err = apply_rx_mode(p);
	if (!err)
		err = apply_mac(p);
	if (!err)
		err = apply_macs(p);
	if (!err)
		err = apply_vlans(p);
	return err;
}
