/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The seam between lib/net and the NIC drivers: one constant table per driver, listed in
 * drivers/net/drivers.c. lib/net checks arguments, keeps the state machine and the settings, and
 * calls the table on the control path only; the data path goes through the burst pointers of the
 * queues.
 *
 * Life of a port, and what may be relied on in each call:
 *
 *	open	port (zeroed, port_size bytes), port->info.name, ->config (defaults filled in, not
 *		yet checked against the device) and ->dev (NULL for "driver:argument" specs) are
 *		set. Reset the device, read what it is, fill info: features, mac, node, queue,
 *		descriptor and MTU limits, tx_segs_max. Enable interrupt vectors here if
 *		config.rx_irq (or for link events). On failure undo everything. lib/net closes
 *		->dev. (lib/net now checks config against the limits, sets info.rx_queues,
 *		rx_descs, mtu ... and allocates rxqs[i] (rxq_size bytes each, zeroed,
 *		cache-aligned) and txqs[i].)
 *	start	allocate rings, fill them with buffers from rxq_pool(), apply port->settings, switch
 *		the device on, set each queue's burst pointer last. On failure undo everything.
 *	stop	make sure that the device does no more DMA (reset it if it will not stop), free
 *		rings and buffers. Must not fail, on a device that hangs or is gone too. lib/net
 *		has set the burst pointers back before.
 *	reset	after stop: bring the device from any state to what open left. Limits may not
 *		change.
 *	close	after stop: undo open.
 */
#ifndef POLLUX_LIB_NET_DRIVER_H
#define POLLUX_LIB_NET_DRIVER_H

#include <pthread.h>

#include <pollux/net.h>

#include "eal/telemetry.h"

struct plx_net_driver {
	const char *name;
	uint64_t features;		 /**< all that it can, on a device that has it all */
	const struct plx_pci_match *pci; /**< NULL: no PCI devices */
	size_t port_size;		 /**< of its struct, which starts with struct plx_port */
	size_t rxq_size, txq_size; /**< of its structs, which start with struct plx_rxq, plx_txq */
	uint16_t descs_default;

	/** arg: what follows "driver:" in the spec; NULL for a PCI device. */
	int (*open)(struct plx_port *port, const char *arg);
	void (*close)(struct plx_port *port);
	int (*start)(struct plx_port *port);
	void (*stop)(struct plx_port *port);
	int (*reset)(struct plx_port *port);

	int (*link)(struct plx_port *port, struct plx_port_link *link);
	/** Add the device's own counters to *stats (queue counters are in it already). */
	void (*stats)(struct plx_port *port, struct plx_port_stats *stats);
	int (*xstats)(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n);

	/**
	 * Apply port->settings to the running device, all of them; on failure the old ones are put
	 * back and stay in force as far as the device lets them.
	 */
	int (*apply)(struct plx_port *port);

	/** One queue of a started port (QUEUE_RESTART). lib/net has set the burst pointer back
	 * before a stop; a start sets it. */
	int (*rxq_start)(struct plx_rxq *rxq);
	int (*rxq_stop)(struct plx_rxq *rxq);
	int (*txq_start)(struct plx_txq *txq);
	int (*txq_stop)(struct plx_txq *txq);
	/** offset is below the ring's size, the port started (DESC_STATUS). */
	enum plx_desc_status (*rxq_desc_status)(const struct plx_rxq *rxq, uint16_t offset);
	enum plx_desc_status (*txq_desc_status)(const struct plx_txq *txq, uint16_t offset);
	/** As plx_port_regs() (REGS). */
	int (*regs)(struct plx_port *port, struct plx_port_reg *regs, unsigned int n);

	/** See plx_rxq_irq_arm(); the vector's eventfd is lib/net's business. */
	int (*irq_arm)(struct plx_rxq *rxq);
	void (*irq_disarm)(struct plx_rxq *rxq);
	/** The eventfd of a queue's vector, or a negative errno. */
	int (*irq_fd)(const struct plx_rxq *rxq);

	/**
	 * Called from plx_port_events(): events the device itself reports (link, needs reset);
	 * NULL: none. And the fd that tells of them, -1: none (called once, after open).
	 */
	unsigned int (*events)(struct plx_port *port);
	int (*event_fd)(const struct plx_port *port);
};

/** What the application can change at run time; applied by start and apply. */
struct plx_port_settings {
	bool promisc, allmulti;
	uint8_t mac[PLX_ETH_ALEN]; /**< after open: info.mac */
	uint16_t mtu;
	uint16_t macs;	   /**< addresses in mac_list */
	uint64_t offloads; /**< subset of info.features; changes only while stopped */
	uint8_t mac_list[PLX_PORT_MACS_MAX][PLX_ETH_ALEN];
	uint64_t vlans[PLX_VLAN_COUNT / 64]; /**< bit by VLAN */
	struct plx_port_rss rss;	     /**< valid if the device has RSS */
};

static inline bool plx_settings_vlan(const struct plx_port_settings *s, unsigned int vlan)
{
	return s->vlans[vlan / 64] >> (vlan % 64) & 1;
}

struct plx_port {
	const struct plx_net_driver *driver;
	struct plx_dev *dev; /**< NULL: not a device of lib/vfio */
	struct plx_port_config config;
	struct plx_port_settings settings;
	struct plx_port_info info;
	uint64_t offloads_always; /**< on whether or not they are asked for; set by open */
	struct plx_rxq **rxqs;	  /**< info.rx_queues of them */
	struct plx_txq **txqs;
	uint32_t state;	  /**< enum plx_port_state; written by data-path threads too, atomically */
	uint32_t pending; /**< PLX_PORT_EVENT_* not yet taken, atomic */
	bool started;	  /**< what reset brings back */
	bool resume;	  /**< it was started before a reset that failed */
	int event_fd;	  /**< epoll: all below */
	int wake_fd;	  /**< eventfd: written when a bit of pending is set */
	/**
	 * Telemetry asks for the driver's counters on a thread of its own: held by stats, xstats,
	 * events and link, one at a time. What may take long or frees memory (start, stop, reset,
	 * apply) does not hold it, but has stats_off set meanwhile.
	 */
	pthread_mutex_t stats_lock;
	bool stats_off; /**< under stats_lock: the driver is not to be asked for counters */
	struct plx_telemetry_source telemetry;
};

/** All drivers, with a NULL at the end; drivers/net/drivers.c. */
extern const struct plx_net_driver *const plx_net_drivers[];

/** As plx_port_open(), with the driver given: what it calls, and what tests call. */
struct plx_port *plx_port_open_with(const struct plx_net_driver *driver, struct plx_dev *dev,
				    const char *name, const char *arg,
				    const struct plx_port_config *config);

/** Bursts of a queue that stands still: return 0. */
uint16_t plx_rxq_burst_none(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t plx_txq_burst_none(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);

/**
 * The port is beyond use (from any thread, data path too): state, event, log line, and all bursts
 * stand still. why: "5 of 32 completions ..." goes into the log.
 */
void plx_port_break(struct plx_port *port, const char *why);
/** The device has gone: registers read all ones. As plx_port_break(), with event REMOVE. */
void plx_port_gone(struct plx_port *port);
/** Set event bits and make the event fd readable. */
void plx_port_notify(struct plx_port *port, unsigned int events);

/**
 * Count a lie; the PLX_LIES_MAX'th in a row breaks the port. A burst that saw a good descriptor
 * sets lies_in_row to 0 once, at its end. Return: true when the port is broken now: leave the
 * burst.
 */
bool plx_rxq_lie(struct plx_rxq *rxq, enum plx_lie kind);
bool plx_txq_lie(struct plx_txq *txq, enum plx_lie kind);

#endif /* POLLUX_LIB_NET_DRIVER_H */
