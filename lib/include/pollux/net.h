/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux ports: NICs, as queues that are polled in bursts.
 *
 *	struct plx_port_config config = {.pool = pool};
 *	struct plx_port *port = plx_port_open("0000:00:03.0", &config);
 *	plx_port_start(port);
 *	struct plx_rxq *rxq = plx_port_rxq(port, 0);
 *	struct plx_txq *txq = plx_port_txq(port, 0);
 *	while (!stop) {
 *		uint16_t n = plx_rx_burst(rxq, pkts, 32);
 *		uint16_t sent = plx_tx_burst(txq, pkts, n);
 *		plx_pktbuf_free_burst(&pkts[sent], n - sent);
 *	}
 *	plx_port_stop(port);
 *	plx_port_close(port);
 *
 * A port is closed, stopped, or started. Queue handles are valid from open to close and stay the
 * same over stop, start and reset; on a port that is not started, is broken or is gone, bursts move
 * nothing and return 0.
 *
 * A device is not trusted. What it writes is checked; each nonsense is dropped and counted by kind
 * (plx_queue_stats.lies). After PLX_LIES_MAX of them in a row the port is broken: its queues stand
 * still until plx_port_reset().
 *
 * Thread rules: a queue belongs to one thread at a time (different queues to different threads).
 * All other calls on a port are control path: from one thread at a time, and no thread may poll the
 * port's queues during plx_port_stop(), plx_port_reset() and plx_port_close(). Statistics may be
 * read from any thread while queues are polled.
 */
#ifndef POLLUX_NET_H
#define POLLUX_NET_H

#include <pollux/pktbuf.h>
#include <pollux/vfio.h>

PLX_BEGIN_DECLS

struct plx_port;

#define PLX_PORT_QUEUES_MAX 64
#define PLX_PORT_NAME_LEN   64
#define PLX_ETH_ALEN	    6
/** Ethernet header, VLAN tag, frame check sequence: a frame is at most the MTU plus this. */
#define PLX_ETH_OVERHEAD 22
#define PLX_MTU_DEFAULT	 1500

/* --- Data path ------------------------------------------------------------------------------ */

/** Kinds of nonsense from a device. */
enum plx_lie {
	PLX_LIE_LENGTH, /**< a length of 0, beyond the buffer, or too short for its header */
	PLX_LIE_INDEX,	/**< an index, id or head outside the ring, or one that was not given out */
	PLX_LIE_STATE,	/**< a descriptor done that must not be: not given, twice, out of order */
	PLX_LIE_CHAIN,	/**< a packet without end or beginning, or of too many buffers */
	PLX_LIE_HEADER, /**< a header or offload field that contradicts itself */
	PLX_LIE_REGISTER, /**< a register that reads what it cannot be */
	PLX_LIE_KINDS,
};
/** So many in a row break the port. */
#define PLX_LIES_MAX 1000

/** Of one queue, since open; a reset or stop does not clear it. */
struct plx_queue_stats {
	uint64_t packets;
	uint64_t bytes;	     /**< without frame check sequence */
	uint64_t errors;     /**< rx: frames the device marked bad; tx: it could not send */
	uint64_t dropped;    /**< tx: packets that cannot be sent (too long, too short, too many
			      *	segments) and were freed; rx: packets lost for lack of buffers */
	uint64_t no_buffers; /**< rx: refills that found the pool empty */
	uint64_t lies[PLX_LIE_KINDS];
};

/** A receive queue; drivers embed it as their first member. */
struct plx_rxq {
	uint16_t (*burst)(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
	struct plx_port *port;
	uint16_t id;
	uint16_t lies_in_row;
	bool stopped; /**< by plx_rxq_stop() */
	struct plx_queue_stats stats;
};

/** A transmit queue; drivers embed it as their first member. */
struct plx_txq {
	uint16_t (*burst)(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);
	struct plx_port *port;
	uint16_t id;
	uint16_t lies_in_row;
	bool stopped; /**< by plx_txq_stop() */
	struct plx_queue_stats stats;
};

/**
 * Receive up to n packets, which belong to the caller then. At most one ring's worth of descriptors
 * is looked at. Return: how many.
 */
static inline uint16_t plx_rx_burst(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	return rxq->burst(rxq, pkts, n);
}

/**
 * Send up to n packets. Those that are taken (the first ones) belong to the port, which frees them
 * when they are sent; the others stay the caller's. Buffers of earlier packets that are on the wire
 * are freed on the way; n = 0 does only that. Return: how many were taken.
 */
static inline uint16_t plx_tx_burst(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	return txq->burst(txq, pkts, n);
}

/* --- Life of a port ------------------------------------------------------------------------- */

/** What a port can do; plx_port_info.features, and the driver x feature matrix. */
#define PLX_PORT_FEATURES(X)                                                                       \
	X(LINK_EVENT, "link status event")                                                         \
	X(RX_IRQ, "rx interrupt")                                                                  \
	X(MULTI_QUEUE, "several queues")                                                           \
	X(MTU, "MTU change")                                                                       \
	X(RX_SCATTER, "scattered rx")                                                              \
	X(TX_SEGS, "multi-segment tx")                                                             \
	X(PROMISC, "promiscuous")                                                                  \
	X(ALLMULTI, "all multicast")                                                               \
	X(MAC_SET, "MAC address change")                                                           \
	X(STATS, "basic statistics")                                                               \
	X(XSTATS, "extended statistics")                                                           \
	X(RESET, "reset")                                                                          \
	X(REMOVE_EVENT, "removal event")                                                           \
	X(MAC_FILTER, "unicast and multicast filters")                                             \
	X(VLAN_FILTER, "VLAN filter")                                                              \
	X(VLAN_STRIP, "VLAN strip")                                                                \
	X(VLAN_INSERT, "VLAN insert")                                                              \
	X(RX_CSUM, "rx checksum")                                                                  \
	X(TX_IP_CSUM, "tx IPv4 checksum")                                                          \
	X(TX_L4_CSUM, "tx TCP/UDP checksum")                                                       \
	X(TSO, "TCP segmentation")                                                                 \
	X(LRO, "large receive")                                                                    \
	X(RSS, "receive-side scaling")                                                             \
	X(RSS_HASH, "hash of each packet")                                                         \
	X(QUEUE_RESTART, "queue start and stop")                                                   \
	X(DESC_STATUS, "descriptor status")                                                        \
	X(REGS, "register dump")                                                                   \
	X(ANNOUNCE_EVENT, "announce event")

enum plx_port_feature {
#define PLX_PORT_FEATURE_ENUM(id, text) PLX_PORT_FEATURE_##id,
	PLX_PORT_FEATURES(PLX_PORT_FEATURE_ENUM)
#undef PLX_PORT_FEATURE_ENUM
		PLX_PORT_FEATURE_COUNT,
};
#define PLX_PORT_HAS(id) (UINT64_C(1) << PLX_PORT_FEATURE_##id)

/**
 * Features that are off unless plx_port_config.offloads asks for them, because each costs something
 * for every packet. On reception they set plx_pktbuf.flags PLX_PKT_RX_*; on transmission a packet
 * asks with PLX_PKT_TX_* flags, which mean nothing while the offload is off.
 */
#define PLX_PORT_OFFLOADS                                                                          \
	(PLX_PORT_HAS(VLAN_FILTER) | PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(VLAN_INSERT) |        \
	 PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(TX_IP_CSUM) | PLX_PORT_HAS(TX_L4_CSUM) |             \
	 PLX_PORT_HAS(TSO) | PLX_PORT_HAS(LRO) | PLX_PORT_HAS(RSS_HASH))

/** The name of a feature, as in the matrix; NULL if there is none such. */
PLX_API const char *plx_port_feature_name(unsigned int feature);
/**
 * The matrix, one driver a call: number `index` from 0 on.
 * Return: the driver's name with *features set, or NULL behind the last.
 */
PLX_API const char *plx_net_driver_get(unsigned int index, uint64_t *features);

/** All zero but pool is fine. */
struct plx_port_config {
	struct plx_pktbuf_pool *pool;  /**< rx buffers of all queues; must outlive the port */
	uint16_t rx_queues, tx_queues; /**< 0: 1 */
	uint16_t rx_descs, tx_descs;   /**< per queue; 0: the driver's choice; rounded up to what
					*   the device can */
	uint16_t mtu;		       /**< 0: PLX_MTU_DEFAULT */
	uint16_t tag;		       /**< plx_pktbuf.port of what is received */
	bool promisc, allmulti;
	bool rx_irq;	   /**< prepare rx interrupts: see plx_rxq_irq_wait() */
	struct plx_as *as; /**< NULL: the default one */
	uint64_t offloads; /**< PLX_PORT_HAS() bits out of PLX_PORT_OFFLOADS */
};

struct plx_port_info {
	char name[PLX_PORT_NAME_LEN]; /**< as it was opened: for messages */
	const char *driver;
	uint64_t features; /**< PLX_PORT_HAS() bits: of this device, now */
	uint8_t mac[PLX_ETH_ALEN];
	int node;
	uint16_t rx_queues, tx_queues; /**< open */
	uint16_t rx_queues_max, tx_queues_max;
	uint16_t rx_descs, tx_descs; /**< per queue */
	uint16_t descs_min, descs_max;
	uint16_t descs_align; /**< queue sizes are multiples of it; 0: powers of two */
	uint16_t mtu, mtu_min, mtu_max;
	uint16_t tx_segs_max; /**< buffers of one packet to send */
	uint64_t offloads;    /**< on: plx_port_config.offloads, and what this device never lacks */
	uint16_t macs_max;    /**< addresses that plx_port_mac_add() takes */
	uint16_t rss_key_len; /**< bytes; 0: no RSS */
	uint16_t rss_reta_size;
	uint32_t rss_types; /**< PLX_RSS_* that the device can hash */
};

/**
 * Open a port.
 * @spec: a PCI address ("0000:00:03.0", "00:03.0"), or "driver:argument" for ports that are no PCI
 *	device; what the argument means is said in drivers/net/<driver>/README.md
 * @config: not kept
 * Return: NULL with errno EINVAL (bad spec, no pool, a number out of range: the log names it),
 * ENODEV (no such device, or no driver for it), ENOTSUP (an option that the device has not),
 * ENOMEM, EPROTO (the device does not behave), or as plx_dev_open().
 */
PLX_API struct plx_port *plx_port_open(const char *spec, const struct plx_port_config *config);
/** Stop and close; NULL is allowed. Packets that the port still has are freed. */
PLX_API void plx_port_close(struct plx_port *port);

/** Start: rings filled, queues on. The link may take seconds more. Return: 0; -EALREADY, -ENOMEM
 * (pool too small: the log says what is needed), -ENODEV (gone), -EIO (broken: reset it), -EPROTO.
 */
PLX_API int plx_port_start(struct plx_port *port);
/** Stop: on return the device does no more DMA. Packets still queued are freed. Return: 0. */
PLX_API int plx_port_stop(struct plx_port *port);
/**
 * Reset the device and bring the port to where it was (started or stopped), with the same settings.
 * Return: 0; -ENODEV (gone); -EAGAIN (its other end is another process, and away: call again, as
 * often as you like); or what open or start would say. The port is broken then, and one that was
 * started is started by the reset that succeeds.
 */
PLX_API int plx_port_reset(struct plx_port *port);

enum plx_port_state {
	PLX_PORT_STOPPED,
	PLX_PORT_STARTED,
	PLX_PORT_BROKEN, /**< too many lies, or a reset that failed: plx_port_reset() */
	PLX_PORT_GONE,	 /**< the device was removed: close it */
};
PLX_API enum plx_port_state plx_port_state(const struct plx_port *port);

PLX_API const struct plx_port_info *plx_port_info(const struct plx_port *port);
/** Queue handles; NULL if there is no such queue. */
PLX_API struct plx_rxq *plx_port_rxq(struct plx_port *port, uint16_t id);
PLX_API struct plx_txq *plx_port_txq(struct plx_port *port, uint16_t id);

/* --- Settings; all keep their value over stop, start and reset ------------------------------ */

/** Return (all of these): 0; -ENOTSUP, -EINVAL, -ENODEV (gone), -EIO (refused by the device). */
PLX_API int plx_port_set_promisc(struct plx_port *port, bool on);
PLX_API int plx_port_set_allmulti(struct plx_port *port, bool on);
/** Unicast address; -EINVAL: all zero or multicast. */
PLX_API int plx_port_set_mac(struct plx_port *port, const uint8_t mac[PLX_ETH_ALEN]);
/** Only while stopped (-EBUSY). -EINVAL: outside plx_port_info's limits. */
PLX_API int plx_port_set_mtu(struct plx_port *port, uint16_t mtu);

/** As plx_port_config.offloads; only while stopped (-EBUSY). */
PLX_API int plx_port_set_offloads(struct plx_port *port, uint64_t offloads);

#define PLX_PORT_MACS_MAX 128

/**
 * One more address, unicast or multicast, whose frames are received too.
 * Return: also -EEXIST, -ENOSPC (plx_port_info.macs_max are there), -EINVAL (all zero).
 */
PLX_API int plx_port_mac_add(struct plx_port *port, const uint8_t mac[PLX_ETH_ALEN]);
/** Return: also -ENOENT. */
PLX_API int plx_port_mac_remove(struct plx_port *port, const uint8_t mac[PLX_ETH_ALEN]);
/** Up to n of the added addresses. Return: how many there are. */
PLX_API int plx_port_macs(const struct plx_port *port, uint8_t (*macs)[PLX_ETH_ALEN],
			  unsigned int n);

#define PLX_VLAN_COUNT 4096
/**
 * Receive frames of this VLAN. The list counts while offload VLAN_FILTER is on: of tagged frames
 * only those of listed VLANs are received then; untagged ones always are.
 * Return: also -EINVAL (4095 and more are no VLANs), -EEXIST, -ENOENT.
 */
PLX_API int plx_port_vlan_add(struct plx_port *port, uint16_t vlan);
PLX_API int plx_port_vlan_remove(struct plx_port *port, uint16_t vlan);
PLX_API bool plx_port_vlan_has(const struct plx_port *port, uint16_t vlan);

/* --- Receive-side scaling ------------------------------------------------------------------- */

/** What is hashed (Toeplitz): addresses, and for TCP and UDP ports too. */
#define PLX_RSS_IPV4	 (1u << 0)
#define PLX_RSS_IPV4_TCP (1u << 1)
#define PLX_RSS_IPV4_UDP (1u << 2)
#define PLX_RSS_IPV6	 (1u << 3)
#define PLX_RSS_IPV6_TCP (1u << 4)
#define PLX_RSS_IPV6_UDP (1u << 5)

#define PLX_RSS_KEY_MAX	 64
#define PLX_RSS_RETA_MAX 512

/**
 * How packets are spread over the rx queues. After open: all types the device can, the key that
 * the specification of RSS verifies with, a table that goes round the queues.
 */
struct plx_port_rss {
	uint32_t types;			 /**< 0: everything goes to queue 0 */
	uint8_t key[PLX_RSS_KEY_MAX];	 /**< plx_port_info.rss_key_len bytes of it */
	uint16_t reta[PLX_RSS_RETA_MAX]; /**< rss_reta_size queue numbers of it */
};
/** Return: 0 or -ENOTSUP. */
PLX_API int plx_port_rss_get(const struct plx_port *port, struct plx_port_rss *rss);
/** At any time. Return: also -EINVAL (a type the device has not, a queue that is not open). */
PLX_API int plx_port_rss_set(struct plx_port *port, const struct plx_port_rss *rss);
/** "ipv4-tcp", ...; NULL: no such bit. */
PLX_API const char *plx_rss_type_name(unsigned int bit);

/* --- Single queues -------------------------------------------------------------------------- */

/**
 * Stop one queue of a started port, and start it again; no thread may poll it meanwhile. Its
 * packets are freed; on the others traffic goes on. What arrives for a stopped rx queue is lost.
 * plx_port_start() starts all queues.
 * Return: 0; -ENOTSUP, -EBUSY (the port is not started), -EALREADY, -ENOMEM, -EIO, -ENODEV.
 */
PLX_API int plx_rxq_start(struct plx_rxq *rxq);
PLX_API int plx_rxq_stop(struct plx_rxq *rxq);
PLX_API int plx_txq_start(struct plx_txq *txq);
PLX_API int plx_txq_stop(struct plx_txq *txq);

enum plx_desc_status {
	PLX_DESC_UNUSED, /**< rx: not given to the device; tx: free to be filled */
	PLX_DESC_DEVICE, /**< the device has it */
	PLX_DESC_DONE,	 /**< rx: a packet waits; tx: sent, its buffer not yet freed */
};
/**
 * State of the descriptor `offset` places behind the next one that is received into (rx), or behind
 * the oldest one that is not freed (tx). From the queue's thread.
 * Return: enum plx_desc_status; -EINVAL (beyond the ring), -ENOTSUP, -EBUSY (queue or port
 * stopped).
 */
PLX_API int plx_rxq_desc_status(const struct plx_rxq *rxq, uint16_t offset);
PLX_API int plx_txq_desc_status(const struct plx_txq *txq, uint16_t offset);

/* --- Link, statistics ----------------------------------------------------------------------- */

struct plx_port_link {
	bool up;
	bool full_duplex;
	uint32_t speed_mbps; /**< 0: not known */
};
/** The link as the device reports it now. */
PLX_API int plx_port_link(struct plx_port *port, struct plx_port_link *link);
/** Wait until the link is up. Return: 0 or -ETIMEDOUT, -ENODEV. */
PLX_API int plx_port_link_wait(struct plx_port *port, unsigned int timeout_ms);

/** Sums since open. While another thread starts, stops, resets or sets the port, of the queues
 * only. */
struct plx_port_stats {
	struct plx_queue_stats rx, tx; /**< over all queues */
	uint64_t rx_missed;	       /**< frames the device dropped for lack of descriptors */
	uint64_t rx_errors;	       /**< frames the device dropped as bad (also in no queue) */
	uint64_t tx_errors;
};
PLX_API int plx_port_stats(struct plx_port *port, struct plx_port_stats *stats);

/** One of the driver's own counters. */
struct plx_port_xstat {
	const char *name; /**< lives as long as the port */
	uint64_t value;
};
/**
 * Up to n extended statistics.
 * Return: how many there are in all (call with n = 0 to learn it); -ENOTSUP; -EBUSY (another thread
 * starts, stops, resets or sets the port meanwhile).
 */
PLX_API int plx_port_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n);

/** A register, for a dump. */
struct plx_port_reg {
	const char *name; /**< as the data sheet has it */
	uint32_t offset;
	uint8_t bytes; /**< 1, 2, 4 or 8 */
	uint64_t value;
};
/**
 * Up to n registers, read now; only such as can be read without a side effect.
 * Return: how many there are in all, or -ENOTSUP, -ENODEV.
 */
PLX_API int plx_port_regs(struct plx_port *port, struct plx_port_reg *regs, unsigned int n);

/** "length", "index", ...: for tables. NULL: no such kind. */
PLX_API const char *plx_lie_name(unsigned int kind);

/* --- Interrupts ----------------------------------------------------------------------------- */

/**
 * Sleep until a queue has packets. The port must have been opened with rx_irq and be started.
 * @timeout_ms: -1: for ever
 * Return: 1 (poll it), 0 (time-out), -EINTR, -ENOTSUP, -ENODEV.
 */
PLX_API int plx_rxq_irq_wait(struct plx_rxq *rxq, int timeout_ms);
/**
 * The parts of it, for an application with its own epoll loop: arm; if that returns 1 there are
 * packets already: poll the queue; else sleep on the fd. When it is readable, disarm (which clears
 * the eventfd) and poll. Arm costs a register write.
 * Return: arm: 1 or 0; disarm: 0; fd: the eventfd, owned by the port and valid until its reset or
 * close; else -ENOTSUP, -ENODEV.
 */
PLX_API int plx_rxq_irq_arm(struct plx_rxq *rxq);
PLX_API int plx_rxq_irq_disarm(struct plx_rxq *rxq);
PLX_API int plx_rxq_irq_fd(const struct plx_rxq *rxq);

/* --- Events --------------------------------------------------------------------------------- */

#define PLX_PORT_EVENT_LINK   (1u << 0) /**< the link has changed: plx_port_link() */
#define PLX_PORT_EVENT_BROKEN (1u << 1) /**< plx_port_reset() */
#define PLX_PORT_EVENT_ERROR  (1u << 2) /**< the bus reported an error (AER): plx_port_reset() */
#define PLX_PORT_EVENT_REMOVE (1u << 3) /**< the device goes or is gone: stop polling, close */
/** The network has moved below the port (migration): tell it where you are (gratuitous ARP). */
#define PLX_PORT_EVENT_ANNOUNCE (1u << 4)

/** A pollable fd, readable when there may be events; owned by the port. */
PLX_API int plx_port_event_fd(const struct plx_port *port);
/**
 * Take pending events. Return: PLX_PORT_EVENT_* bits. Never blocks; cheap enough for every 10 ms.
 */
PLX_API unsigned int plx_port_events(struct plx_port *port);

PLX_END_DECLS

#endif /* POLLUX_NET_H */
