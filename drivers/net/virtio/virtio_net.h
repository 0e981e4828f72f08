/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The virtio network driver's own structures, shared by its files: net.c (features, configuration,
 * link), queues.c (queues and their memory), rx.c and tx.c (data path), ctrl.c (control queue), and
 * port.c (the driver table). Below them: device.h, transport.h, virtq.h.
 */
#ifndef POLLUX_VIRTIO_NET_H
#define POLLUX_VIRTIO_NET_H

#include "net/driver.h"

#include "device.h"
#include "net_regs.h"
#include "virtq.h"

/* Buffers are taken from the pool in bursts of this many; rings are multiples of it. */
#define VIRTIO_REFILL	 32
#define VIRTIO_DESCS_MIN 64
#define VIRTIO_DESCS_MAX 4096
/* Shorter than an Ethernet header is no frame. */
#define VIRTIO_FRAME_MIN 14u
/* A VLAN tag: behind the addresses; its type (IEEE 802.1Q). */
#define VIRTIO_TAG_AT	12u
#define VIRTIO_TAG_LEN	4u
#define VIRTIO_TAG_TYPE 0x8100
/* The MTU of a device that does not say: anything else would be a guess too. */
#define VIRTIO_MTU_MAX 9216
/* Buffers of one packet to send, and of one that was received. */
#define VIRTIO_TX_SEGS_MAX 40
#define VIRTIO_RX_SEGS_MAX 64
#define VIRTIO_HDR_LEN	   ((uint32_t)sizeof(struct virtio_net_hdr))

struct virtio_rxq {
	struct plx_rxq base;
	struct virtq vq;
	uint64_t rearm;	     /* plx_pktbuf.rearm of a fresh packet of this port */
	uint64_t iova_delta; /* from a pktbuf to the IOVA of its header */
	uint32_t room;	     /* for packet data in each buffer */
	uint32_t span;	     /* that less the smallest frame */
	uint32_t refill_at;  /* with no more than this in flight a refill fits */
	bool mergeable;	     /* VIRTIO_NET_F_MRG_RXBUF is on */
	bool headers;	     /* VIRTIO_NET_F_GUEST_CSUM is on: they say something */
	bool strip;	     /* VLAN tags are taken out */
	bool offload;	     /* either of them */
	uint32_t hdr_offset; /* from a pktbuf to its header */
	struct plx_pktbuf_pool *pool;
};

/*
 * What a packet needs that is not plain: a header of its own and a descriptor table, or where the
 * device has no indirect descriptors the header and a copy of the packet.
 */
struct virtio_tx_extra {
	struct virtio_net_hdr hdr;
	uint8_t start[VIRTIO_TAG_AT + VIRTIO_TAG_LEN]; /* of the packet, if a tag is inserted */
	uint32_t unused;
	union {
		struct split_desc split[VIRTIO_TX_SEGS_MAX + 1];
		struct packed_desc packed[VIRTIO_TX_SEGS_MAX + 1];
	};
};
_Static_assert(offsetof(struct virtio_tx_extra, split) % 16 == 0, "2.7.5.3: tables are aligned");

struct virtio_txq {
	struct plx_txq base;
	struct virtq vq;
	uint32_t frame_max;
	uint32_t span; /* that less the smallest frame */
	/* Packets in flight from this position on are plain, and of this pool. */
	uint32_t plain_from;
	struct plx_pktbuf_pool *pool;
	bool indirect;	       /* VIRTIO_F_INDIRECT_DESC is on */
	uint32_t flags;	       /* PLX_PKT_TX_* that are heeded; 0: headers are all zero */
	char *extras;	       /* by id; DMA memory */
	uint32_t extra_stride; /* bytes of one */
};

/* What the device said of itself (5.1.4), checked. */
struct virtio_net_config {
	uint8_t mac[PLX_ETH_ALEN];
	bool has_mac;
	uint16_t max_pairs;
	uint16_t mtu_max;
	uint8_t rss_key_len;
	uint16_t rss_table_len; /* a power of two; 0: no RSS */
	uint32_t rss_types;
};

/* The control queue (5.1.6.5): one command at a time. */
struct virtio_ctrl {
	struct virtq vq;
	struct virtio_ctrl_command *command; /* DMA memory */
	bool on;
	bool stuck; /* a command was never answered: the device may yet write to it */
	bool macs;  /* the device was told of addresses */
	uint64_t vlans[PLX_VLAN_COUNT / 64]; /* that the device was told of */
};

enum virtio_net_xstat {
	VIRTIO_XSTAT_CONFIG_LIES, /* configuration that cannot be */
	VIRTIO_XSTAT_CTRL_ERRORS, /* commands refused or not answered */
	VIRTIO_XSTAT_ANNOUNCES,	  /* announcements asked for */
	VIRTIO_XSTAT_NEEDS_RESET, /* DEVICE_NEEDS_RESET seen */
	VIRTIO_XSTATS_OF_PORT,
	VIRTIO_XSTAT_TRANSPORT_LIES = VIRTIO_XSTATS_OF_PORT,
	/* Sums over the queues. */
	VIRTIO_XSTAT_RX_KICKS,
	VIRTIO_XSTAT_TX_KICKS,
	VIRTIO_XSTAT_RX_REORDERS,
	VIRTIO_XSTAT_TX_REORDERS,
	VIRTIO_XSTATS,
};

struct virtio_port {
	struct plx_port base;
	struct virtio_transport *transport;
	uint64_t offered;
	uint64_t ignored;  /* offered, but with configuration that cannot be */
	uint64_t features; /* accepted; 0 while stopped */
	struct virtio_net_config config;
	struct virtio_ctrl ctrl;
	unsigned int vectors; /* switched on: one for each rx queue if rx_irq, and the last: changes
			       */
	bool link_up;	      /* as last reported */
	uint64_t xstats[VIRTIO_XSTATS_OF_PORT];
};

extern const struct plx_net_driver plx_net_virtio;

static inline struct virtio_port *virtio_port(struct plx_port *port)
{
	return (struct virtio_port *)port;
}

/* port.c */
/** Open a port's device over a transport, which belongs to the port then; closed on failure. */
int virtio_port_attach(struct virtio_port *p, struct virtio_transport *transport);

/* net.c */
/** Read what the device is: offered features and configuration into *p and the port's info. */
int virtio_net_probe(struct virtio_port *p);
/** The features to accept for an MTU and offloads (PLX_PORT_HAS() bits). */
uint64_t virtio_net_features(const struct virtio_port *p, uint32_t mtu, uint64_t offloads);
int virtio_net_link(struct virtio_port *p, struct plx_port_link *link);

/* queues.c */
int virtio_queues_alloc(struct virtio_port *p);
/** The device must be reset. Takes what a failed alloc left. */
void virtio_queues_free(struct virtio_port *p);
int virtio_queues_enable(struct virtio_port *p);
/** One queue of a running device (VIRTIO_F_RING_RESET). */
int virtio_rxq_start(struct plx_rxq *rxq);
int virtio_rxq_stop(struct plx_rxq *rxq);
int virtio_txq_start(struct plx_txq *txq);
int virtio_txq_stop(struct plx_txq *txq);
/** One queue; for tests too. 0, -ENOMEM (logged), -EINVAL. */
int virtio_rxq_alloc(struct virtio_rxq *q, const struct virtq_config *config);
int virtio_txq_alloc(struct virtio_txq *q, const struct virtq_config *config);
void virtio_txq_free(struct virtio_txq *q);

/* rx.c, tx.c */
typedef uint16_t (*virtio_rx_fn_t)(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
typedef uint16_t (*virtio_tx_fn_t)(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);
/** The burst function of a queue that was set up. */
virtio_rx_fn_t virtio_rx_burst_for(const struct virtio_rxq *q);
virtio_tx_fn_t virtio_tx_burst_for(const struct virtio_txq *q);
/**
 * The device does not keep to the order of the ring: use the burst function that can do without.
 */
void virtio_rx_any_order(struct virtio_rxq *q);
void virtio_tx_any_order(struct virtio_txq *q);
/** Give the device VIRTIO_REFILL buffers, without a notification. 0 or -ENOMEM. */
int virtio_rx_refill(struct virtio_rxq *q);

/* stats.c */
int virtio_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n);

/* ctrl.c */
int virtio_ctrl_alloc(struct virtio_port *p);
void virtio_ctrl_free(struct virtio_port *p);
/**
 * Send a command and wait for the answer, at most 3 s.
 * Return: 0; -EIO (refused, no sense, or an earlier one was never answered), -ETIMEDOUT; logged.
 */
int virtio_ctrl_command(struct virtio_port *p, uint8_t class, uint8_t command, const void *data,
			uint32_t len);
/** Tell the device that its ANNOUNCE was seen. */
int virtio_ctrl_announced(struct virtio_port *p);
/** port->settings to the device, as far as it can take them. */
int virtio_ctrl_apply(struct virtio_port *p);

#endif /* POLLUX_VIRTIO_NET_H */
