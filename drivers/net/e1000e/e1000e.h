/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The e1000e driver's own structures, shared by its files: hw.c (reset, address, link), ring.c
 * (rings and their memory), rx.c and tx.c (data path), stats.c, and port.c (the driver table).
 */
#ifndef POLLUX_E1000E_H
#define POLLUX_E1000E_H

#include <pollux/mmio.h>

#include "net/driver.h"

#include "e1000e_regs.h"

#define E1000E_QUEUES_MAX 2
#define E1000E_DESCS_MIN  64
#define E1000E_DESCS_MAX  4096
#define E1000E_MTU_MAX	  9000
/* Ethernet header and VLAN tag: what a frame in memory has beside its MTU. */
#define E1000E_FRAME_MAX (E1000E_MTU_MAX + 18)
/* Shorter frames can hang the transmitter; TCTL.PSP pads the others to 64. */
#define E1000E_FRAME_MIN 17
/* Buffers of one packet, either way. */
#define E1000E_SEGS_MAX 40
/* Buffers are taken from the pool in bursts of this many; rings are multiples of it. */
#define E1000E_REFILL 32

struct e1000e_rxq {
	struct plx_rxq base;
	struct e1000e_rx_desc *ring;
	struct plx_pktbuf **bufs; /* behind each descriptor; valid from next to tail */
	uint32_t next;		  /* the descriptor to look at */
	uint32_t tail;		  /* the device owns next to tail - 1; what RDT holds */
	uint32_t mask;
	uint32_t buf_size; /* as RCTL.BSIZE */
	uint64_t rearm;	   /* plx_pktbuf.rearm of a fresh packet of this port */
	struct plx_pktbuf_pool *pool;
	void *rdt;
	/* A packet of several buffers that has not ended yet; skip: the rest of it is dropped. */
	struct plx_pktbuf *head, *last;
	bool skip;
};

struct e1000e_txq {
	struct plx_txq base;
	struct e1000e_tx_desc *ring;
	struct plx_pktbuf *
		*bufs;	     /* to free with the descriptor; NULL before the last of a packet */
	uint16_t *batch_end; /* by first descriptor of a batch: its last, which has RS set */
	uint32_t next;	     /* the descriptor to fill */
	uint32_t clean;	     /* first descriptor of the oldest batch on the wire */
	uint32_t mask;
	uint32_t gaps; /* NULLs among the bufs on the wire */
	void *tdt;
	/* Hang watch (events): where clean stood, since when. */
	uint32_t watch_clean;
	uint64_t watch_since_ns;
};

/* Registers that are added up, by index into a table in stats.c. */
#define E1000E_STATS 23

struct e1000e_port {
	struct plx_port base;
	char *bar;
	bool irqs;     /* MSI-X is on: vector q for rx queue q, then one for the rest */
	bool link_up;  /* as last reported */
	uint32_t seen; /* link: reported at all */
	uint64_t stats[E1000E_STATS];
	uint64_t register_lies;
};

extern const struct plx_net_driver plx_net_e1000e;

static inline struct e1000e_port *e1000e_port(struct plx_port *port)
{
	return (struct e1000e_port *)port;
}

static inline uint32_t e1000e_get(const struct e1000e_port *p, uint32_t reg)
{
	return plx_mmio_read32(p->bar + reg);
}

static inline void e1000e_set(struct e1000e_port *p, uint32_t reg, uint32_t value)
{
	plx_mmio_write32(p->bar + reg, value);
}

/* hw.c */
/** Quiesce and reset (software initialization, steps up to link set-up). 0, -ENODEV, -ETIMEDOUT. */
int e1000e_hw_reset(struct e1000e_port *p);
/** The address that the NVM gave to RAL/RAH 0. 0 or -EPROTO. */
int e1000e_hw_mac(struct e1000e_port *p, uint8_t mac[PLX_ETH_ALEN]);
/** Address, filters and modes from port->settings into the registers. */
void e1000e_hw_apply(struct e1000e_port *p);
/** Bring the link up; it comes when auto-negotiation is done. */
void e1000e_hw_link_up(struct e1000e_port *p);
int e1000e_hw_link(struct e1000e_port *p, struct plx_port_link *link);

/* ring.c */
int e1000e_rings_alloc(struct e1000e_port *p);
void e1000e_rings_free(struct e1000e_port *p);
/** Rings into the registers, receiver and transmitter on. */
int e1000e_rings_start(struct e1000e_port *p);
/** descs: a power of two. 0, -ENOMEM, -EINVAL; free takes what a failed alloc left. */
int e1000e_rxq_alloc(struct e1000e_rxq *q, uint32_t descs);
void e1000e_rxq_free(struct e1000e_rxq *q);
int e1000e_txq_alloc(struct e1000e_txq *q, uint32_t descs);
void e1000e_txq_free(struct e1000e_txq *q);

/* rx.c, tx.c */
uint16_t e1000e_rx_burst(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t e1000e_tx_burst(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);
/** Hand buffers for one run of E1000E_REFILL descriptors to the device. 0 or -ENOMEM. */
int e1000e_rx_refill(struct e1000e_rxq *q);
/** Is there a received descriptor? */
bool e1000e_rx_pending(const struct e1000e_rxq *q);
/** Are descriptors on the wire, the oldest batch of which is not done? */
bool e1000e_tx_waiting(const struct e1000e_txq *q);

/* stats.c */
void e1000e_stats_update(struct e1000e_port *p);
void e1000e_stats(struct plx_port *port, struct plx_port_stats *stats);
int e1000e_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n);

#endif /* POLLUX_E1000E_H */
