/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What Intel's gigabit NICs have in common, and where they differ (struct intel_family). The
 * drivers e1000, e1000e and igb are one family each; this folder is all the rest: hw.c (reset,
 * address, link), ring.c (rings and their memory), rx.c and tx.c (data path), stats.c, and port.c
 * (life of a port, as lib/net calls it).
 */
#ifndef POLLUX_INTEL_H
#define POLLUX_INTEL_H

#include <pollux/mmio.h>

#include "net/driver.h"
#include "net/rx_chain.h"
#include "net/tx_bufs.h"
#include "net/tx_watch.h"

#include "intel_regs.h"

#define INTEL_QUEUES_MAX 16
#define INTEL_DESCS_MIN	 64
#define INTEL_DESCS_MAX	 4096
#define INTEL_MTU_MAX	 9000
/* Ethernet header and VLAN tag: what a frame in memory has beside its MTU. */
#define INTEL_FRAME_MAX (INTEL_MTU_MAX + 18)
/* With TSO: the largest IP packet and its Ethernet header. */
#define INTEL_TSO_MAX (65535 + 18)
/* Shorter frames can hang the transmitter; TCTL.PSP pads the others to 64. */
#define INTEL_FRAME_MIN 17
/* Buffers of one packet, either way. */
#define INTEL_SEGS_MAX 40
/* Buffers are taken from the pool in bursts of this many; rings are multiples of it. */
#define INTEL_REFILL 32

struct intel_rxq {
	struct plx_rxq base;
	struct intel_rx_desc *ring;
	struct plx_pktbuf **bufs; /* behind each descriptor; valid from next to tail */
	uint32_t next;		  /* the descriptor to look at */
	uint32_t tail;		  /* the device owns next to tail - 1; what RDT holds */
	uint32_t mask;
	uint32_t buf_size; /* as RCTL.BSIZE, or SRRCTL's */
	uint64_t done;	   /* in a descriptor as it is in memory: the device is done with it */
	uint64_t rearm;	   /* plx_pktbuf.rearm of a fresh packet of this port */
	struct plx_pktbuf_pool *pool;
	void *rdt;
	struct plx_rx_chain chain;
	uint32_t offloads; /* PLX_PKT_RX_* that are on: any of those of a kind */
};

/* How a packet with offloads is sent. */
struct intel_tx_plan {
	bool has_context;
	uint64_t context[2];
	uint64_t ctl;	 /* of its data descriptors, beside what all have */
	uint32_t paylen; /* advanced descriptors only */
};

struct intel_txq {
	struct plx_txq base;
	struct intel_tx_desc *ring;
	struct plx_pktbuf *
		*bufs;	     /* to free with the descriptor; NULL before the last of a packet */
	uint16_t *batch_end; /* by first descriptor of a batch: its last, which has RS set */
	uint32_t next;	     /* the descriptor to fill */
	uint32_t clean;	     /* first descriptor of the oldest batch on the wire */
	uint32_t mask;
	uint32_t gaps;	     /* NULLs among the bufs on the wire */
	uint32_t offloads;   /* PLX_PKT_TX_* that are on */
	bool vlan_in_device; /* the device inserts tags; it does so while it strips them */
	void *tdt;
	struct plx_tx_watch watch;
};

/* Registers that are added up, of physical functions; no other has more. */
#define INTEL_STATS	23
#define INTEL_STATS_MAX INTEL_STATS

struct intel_port {
	struct plx_port base;
	char *bar;
	bool irqs;			      /* vectors are on: see struct intel_family */
	bool link_up;			      /* as last reported */
	uint64_t stats[INTEL_STATS_MAX];      /* by index into intel_control.stats */
	uint32_t stats_seen[INTEL_STATS_MAX]; /* those that go on counting: as last read */
	uint64_t register_lies;
};

struct intel_named_reg {
	const char *name;
	uint32_t offset;
};

/*
 * A device outside of its queues. Physical functions are alike (intel_physical); a virtual one has
 * little of its own and asks its physical function for the rest.
 */
struct intel_control {
	uint32_t bar_size;
	/** Quiesce and reset, up to the state that open leaves. 0 or -errno. */
	int (*reset)(struct intel_port *p);
	/** Its address, after a reset. 0 or -EPROTO. */
	int (*address)(struct intel_port *p, uint8_t mac[PLX_ETH_ALEN]);
	/** What port->settings say. 0 or -errno. */
	int (*apply)(struct intel_port *p);
	/** Before the queues are on: link, firmware. */
	void (*claim)(struct intel_port *p);
	/** Receiver and transmitter, when their queues are on. */
	void (*receiver_on)(struct intel_port *p);
	void (*transmitter_on)(struct intel_port *p);
	/** From events(); false: it cannot send now. NULL: nothing to watch. */
	bool (*watch)(struct intel_port *p);
	const struct intel_named_reg *stats;
	unsigned int stats_count;
	bool stats_go_on;		    /* reading does not clear them */
	const struct intel_named_reg *regs; /* for a dump: reading has no side effect */
	unsigned int regs_count;
};

extern const struct intel_control intel_physical;

/*
 * One family. The table of its driver is the first member, so that port->driver leads here. Hooks
 * are called on the control path only.
 */
struct intel_family {
	struct plx_net_driver driver;
	const struct intel_control *control;
	uint16_t queues_max;
	bool pcie;	   /* reset: master disable before, NVM Auto_RD after it */
	bool nvm_optional; /* it may be absent: Auto_RD does not come then */
	bool legacy_rx;	   /* legacy rx descriptors */
	bool tags_taken;   /* VLAN tags are taken out whether or not we ask; none is put in */
	uint32_t rx_regs, tx_regs,
		queue_stride; /* registers of queue 0, and from one to the next */
	uint16_t (*rx_burst)(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
	/** The same with rx offloads. */
	uint16_t (*rx_burst_offload)(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
	uint16_t (*tx_burst)(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);

	/* Vectors: MSI-X with one per rx queue and the last for the rest, or INTx: one for all. */
	enum plx_irq_type irq_type;
	unsigned int vectors;
	/** Causes to vectors, link changes on, reception off; the vectors are enabled. */
	void (*irqs_start)(struct intel_port *p);
	void (*irq_arm)(struct intel_port *p, unsigned int queue);
	void (*irq_disarm)(struct intel_port *p, unsigned int queue);
	/** The vector of the rest has fired: clear its causes, and those only. */
	void (*irq_ack)(struct intel_port *p);

	/** The PHY is shared with firmware: own it (0 or -errno), disown it. NULL: it is not. */
	int (*phy_own)(struct intel_port *p);
	void (*phy_disown)(struct intel_port *p);
	/** The largest buffer size that the device takes, at or below room; 0: none. */
	uint32_t (*buf_size)(uint32_t room);
	/** Modes of reception and transmission, before the queues; empties queues not used. */
	void (*modes)(struct intel_port *p);
	/** Hash types, key and table from port->settings; NULL: none. */
	void (*rss)(struct intel_port *p);
	uint32_t rss_types; /* PLX_RSS_* */
	/** What one queue wants beside address, length, head and tail. 0 or -errno. */
	int (*rxq_start)(struct intel_port *p, struct intel_rxq *q);
	int (*txq_start)(struct intel_port *p, struct intel_txq *q);
	/** Switch one queue off while the others go on; NULL: it cannot. */
	int (*rxq_off)(struct intel_port *p, unsigned int id);
	int (*txq_off)(struct intel_port *p, unsigned int id);
};

extern const struct intel_family intel_e1000, intel_e1000e, intel_igb, intel_igbvf;

static inline const struct intel_family *intel_family(const struct intel_port *p)
{
	return (const struct intel_family *)p->base.driver;
}

/* What all families put into their driver tables, and all physical functions. */
#define INTEL_FEATURES_ALL                                                                         \
	(PLX_PORT_HAS(LINK_EVENT) | PLX_PORT_HAS(RX_IRQ) | PLX_PORT_HAS(MTU) |                     \
	 PLX_PORT_HAS(RX_SCATTER) | PLX_PORT_HAS(TX_SEGS) | PLX_PORT_HAS(ALLMULTI) |               \
	 PLX_PORT_HAS(MAC_SET) | PLX_PORT_HAS(STATS) | PLX_PORT_HAS(XSTATS) |                      \
	 PLX_PORT_HAS(RESET) | PLX_PORT_HAS(REMOVE_EVENT) | PLX_PORT_HAS(MAC_FILTER) |             \
	 PLX_PORT_HAS(VLAN_FILTER) | PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(VLAN_INSERT) |        \
	 PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(TX_IP_CSUM) | PLX_PORT_HAS(TX_L4_CSUM) |             \
	 PLX_PORT_HAS(TSO) | PLX_PORT_HAS(DESC_STATUS) | PLX_PORT_HAS(REGS))
#define INTEL_FEATURES (INTEL_FEATURES_ALL | PLX_PORT_HAS(PROMISC))

#define INTEL_DRIVER                                                                               \
	.port_size = sizeof(struct intel_port), .open = intel_open, .stats = intel_stats,          \
	.xstats = intel_xstats, INTEL_DRIVER_ALL

#define INTEL_DRIVER_ALL                                                                           \
	.rxq_size = sizeof(struct intel_rxq), .txq_size = sizeof(struct intel_txq),                \
	.descs_default = 512, .close = intel_close, .start = intel_start, .stop = intel_stop,      \
	.reset = intel_reset, .link = intel_link, .apply = intel_apply, .irq_arm = intel_irq_arm,  \
	.irq_disarm = intel_irq_disarm, .irq_fd = intel_irq_fd, .events = intel_events,            \
	.event_fd = intel_event_fd, .regs = intel_regs, .rxq_start = intel_rxq_start,              \
	.rxq_stop = intel_rxq_stop, .txq_start = intel_txq_start, .txq_stop = intel_txq_stop,      \
	.rxq_desc_status = intel_rxq_desc_status, .txq_desc_status = intel_txq_desc_status

static inline struct intel_port *intel_port(struct plx_port *port)
{
	return (struct intel_port *)port;
}

static inline uint32_t intel_get(const struct intel_port *p, uint32_t reg)
{
	return plx_mmio_read32(p->bar + reg);
}

static inline void intel_set(struct intel_port *p, uint32_t reg, uint32_t value)
{
	plx_mmio_write32(p->bar + reg, value);
}

/* port.c */
int intel_open(struct plx_port *port, const char *arg);
void intel_close(struct plx_port *port);
int intel_start(struct plx_port *port);
void intel_stop(struct plx_port *port);
int intel_reset(struct plx_port *port);
int intel_link(struct plx_port *port, struct plx_port_link *link);
int intel_apply(struct plx_port *port);
int intel_irq_arm(struct plx_rxq *rxq);
void intel_irq_disarm(struct plx_rxq *rxq);
int intel_irq_fd(const struct plx_rxq *rxq);
unsigned int intel_events(struct plx_port *port);
int intel_event_fd(const struct plx_port *port);

/* queue.c */
typedef uint16_t (*intel_rx_burst_fn)(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
/** The burst function for the offloads that are on. */
intel_rx_burst_fn intel_rx_burst_of(const struct plx_port *port);
/**
 * Queues of devices that say themselves when one is on: by its RXDCTL or TXDCTL. value: the rest of
 * that register. 0, -ENODEV, -ETIMEDOUT.
 */
int intel_queue_enable(struct intel_port *p, uint32_t reg, uint32_t value, const char *what,
		       unsigned int id);
int intel_queue_disable(struct intel_port *p, uint32_t reg);
int intel_rxq_start(struct plx_rxq *rxq);
int intel_rxq_stop(struct plx_rxq *rxq);
int intel_txq_start(struct plx_txq *txq);
int intel_txq_stop(struct plx_txq *txq);
enum plx_desc_status intel_rxq_desc_status(const struct plx_rxq *rxq, uint16_t offset);
enum plx_desc_status intel_txq_desc_status(const struct plx_txq *txq, uint16_t offset);

/* filter.c */
/** Bits 47:36 of a multicast address, by which it is filtered (10.2.5.21, RCTL.MO being 0). */
uint32_t intel_multicast_hash(const uint8_t *mac);
/** Addresses, VLANs, modes and RSS from port->settings into the registers. 0 or -ENOSPC. */
int intel_filter_apply(struct intel_port *p);
/** The fields of MRQC for the hash types that are set; 0: RSS is off. */
uint32_t intel_rss_fields(const struct intel_port *p);
/** Key and table; an entry of the table has the queue from bit `shift` on. */
void intel_rss_tables(struct intel_port *p, unsigned int shift);

/* regs.c */
int intel_regs(struct plx_port *port, struct plx_port_reg *regs, unsigned int n);

/* tx_offload.c */
/** May change the packet (lengths of zero, a tag). false: what it asks for cannot be done. */
bool intel_tx_plan(const struct intel_txq *q, struct plx_pktbuf *p, bool advanced,
		   struct intel_tx_plan *plan);

/* hw.c */
/** Wait until the masked bits of a register have a value. 0, -ENODEV or -ETIMEDOUT. */
int intel_hw_wait(const struct intel_port *p, uint32_t reg, uint32_t mask, uint32_t want,
		  unsigned int timeout_us);
/** Quiesce and reset (software initialization, steps up to link set-up). 0, -ENODEV, -ETIMEDOUT. */
int intel_hw_reset(struct intel_port *p);
/** The address that the NVM gave to RAL/RAH 0. 0 or -EPROTO. */
int intel_hw_mac(struct intel_port *p, uint8_t mac[PLX_ETH_ALEN]);
/** Is it one that a station can have? */
bool intel_mac_valid(const uint8_t mac[PLX_ETH_ALEN]);
/** Bring the link up; it comes when auto-negotiation is done. */
void intel_hw_link_up(struct intel_port *p);
int intel_hw_link(struct intel_port *p, struct plx_port_link *link);

/* ring.c */
int intel_rings_alloc(struct intel_port *p);
void intel_rings_free(struct intel_port *p);
/** Buffer sizes of RCTL.BSIZE: powers of two from 256 to 16384. */
uint32_t intel_buf_size_rctl(uint32_t room);
/** One queue into the registers and on. 0 or -errno. */
int intel_rx_queue_on(struct intel_port *p, struct intel_rxq *q);
int intel_tx_queue_on(struct intel_port *p, struct intel_txq *q);
/** Rings into the registers, receiver and transmitter on. */
int intel_rings_start(struct intel_port *p);
/** descs: a power of two. 0, -ENOMEM, -EINVAL; free takes what a failed alloc left. */
int intel_rxq_alloc(struct intel_rxq *q, uint32_t descs);
void intel_rxq_free(struct intel_rxq *q);
int intel_txq_alloc(struct intel_txq *q, uint32_t descs);
void intel_txq_free(struct intel_txq *q);

/* rx.c, tx.c */
uint16_t intel_rx_burst_extended(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t intel_rx_burst_extended_offload(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t intel_rx_burst_legacy(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t intel_rx_burst_legacy_offload(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t intel_rx_burst_advanced(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t intel_rx_burst_advanced_offload(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t intel_tx_burst_data(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t intel_tx_burst_advanced(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);
/** Hand buffers for one run of INTEL_REFILL descriptors to the device. 0 or -ENOMEM. */
int intel_rx_refill(struct intel_rxq *q);
/** Is there a received descriptor? */
bool intel_rx_pending(const struct intel_rxq *q);
/** Are descriptors on the wire, the oldest batch of which is not done? */
bool intel_tx_waiting(const struct intel_txq *q);

/* stats.c */
extern const struct intel_named_reg intel_stats_table[INTEL_STATS];
void intel_stats_update(struct intel_port *p);
void intel_stats(struct plx_port *port, struct plx_port_stats *stats);
int intel_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n);

#endif /* POLLUX_INTEL_H */
