/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The vmxnet3 driver's own structures, shared by its files: hw.c (commands, shared area, link),
 * ring.c (rings and their memory), rx.c and tx.c (data path), stats.c, and port.c (the table).
 */
#ifndef POLLUX_VMXNET3_H
#define POLLUX_VMXNET3_H

#include <pollux/mmio.h>

#include "net/driver.h"
#include "net/rx_chain.h"
#include "net/tx_bufs.h"
#include "net/tx_watch.h"

#include "vmxnet3_regs.h"

#define VMXNET3_QUEUES_MAX 8
#define VMXNET3_DESCS_MIN  64
#define VMXNET3_DESCS_MAX  4096
#define VMXNET3_MTU_MIN	   60
#define VMXNET3_MTU_MAX	   9000
#define VMXNET3_FRAME_MIN  14
/* Ethernet header and two VLAN tags. */
#define VMXNET3_FRAME_MAX (VMXNET3_MTU_MAX + 22)
/* With TSO: the largest IP packet and its Ethernet header. */
#define VMXNET3_TSO_MAX (65535 + 18)
/* Descriptors of one packet: what the interface definition allows, plain and with TSO. */
#define VMXNET3_SEGS_MAX     16
#define VMXNET3_TSO_SEGS_MAX 24
/* Buffers of one received packet: an MTU of 9000 in the smallest buffers that are taken. */
#define VMXNET3_RX_SEGS_MAX 40
#define VMXNET3_BUF_MIN	    256
/* Buffers are taken from the pool in bursts of this many; rings are multiples of it. */
#define VMXNET3_REFILL 32

/* Vector i is that of rx queue i; then one for events, and one that stays masked, for tx. */
#define VMXNET3_VECTOR_EVENT VMXNET3_QUEUES_MAX
#define VMXNET3_VECTOR_TX    (VMXNET3_QUEUES_MAX + 1)
#define VMXNET3_VECTORS	     (VMXNET3_QUEUES_MAX + 2)

/* One of the two descriptor rings of an rx queue: heads, bodies. */
struct vmxnet3_rx_ring {
	struct vmxnet3_rx_desc *ring;
	struct plx_pktbuf **bufs; /* behind each descriptor; valid from next to tail */
	uint32_t next;		  /* the descriptor that completes next */
	uint32_t tail;		  /* the device owns next to tail - 1 */
	uint32_t mask;
	uint64_t meta; /* of a descriptor filled in now: length, kind and gen */
	void *prod;    /* RXPROD or RXPROD2 */
};

struct vmxnet3_rxq {
	struct plx_rxq base;
	struct vmxnet3_rx_comp *comp;
	uint32_t comp_next, comp_size;
	uint64_t comp_gen; /* VMXNET3_RXC_GEN or 0: what a new completion has */
	struct vmxnet3_rx_ring heads, bodies;
	uint32_t buf_size;
	uint64_t rearm; /* plx_pktbuf.rearm of a fresh packet of this port */
	struct plx_pktbuf_pool *pool;
	const struct vmxnet3_rxq_conf *conf; /* the device sets update_prod in it */
	struct plx_rx_chain chain;
	uint64_t first_what, first_result; /* of the chain's first completion, while LRO is on */
	bool scatter;			   /* the ring of bodies has buffers */
	uint32_t offloads;		   /* PLX_PKT_RX_* that are on: any of those of a kind */
};

struct vmxnet3_txq {
	struct plx_txq base;
	struct vmxnet3_tx_desc *ring;
	struct plx_pktbuf **bufs; /* to free; NULL before the last descriptor of a packet */
	char *slots;		  /* data ring */
	uint64_t slots_iova;
	struct vmxnet3_tx_comp *comp;
	uint32_t comp_next;
	uint64_t comp_gen;
	uint32_t next;	/* the descriptor to fill */
	uint32_t clean; /* the oldest one on the wire */
	uint32_t mask;
	uint64_t gen;	   /* VMXNET3_TXD_GEN or 0: of the descriptor at next */
	uint32_t gaps;	   /* NULLs among the bufs on the wire */
	uint32_t offloads; /* PLX_PKT_TX_* that are on */
	void *prod;
	struct plx_tx_watch watch;
};

struct vmxnet3_port {
	struct plx_port base;
	char *bar0, *bar1;
	uint32_t revision; /* of the interface: 1 or 2 */
	struct vmxnet3_shared *shared;
	struct vmxnet3_txq_conf *txq_confs; /* the queue table: rx behind tx */
	struct vmxnet3_rxq_conf *rxq_confs;
	struct vmxnet3_rss_conf *rss;
	uint8_t (*mcast)[PLX_ETH_ALEN]; /* list of multicast addresses that the device reads */
	bool irqs;
	bool active;
	bool link_up; /* as last reported */
	uint64_t register_lies;
	/* Of earlier activations: each starts the device's counters anew. */
	uint64_t rx_stats[VMXNET3_STATS], tx_stats[VMXNET3_STATS];
};

extern const struct plx_net_driver plx_net_vmxnet3;

static inline struct vmxnet3_port *vmxnet3_port(struct plx_port *port)
{
	return (struct vmxnet3_port *)port;
}

/* hw.c */
/** Versions agreed and the device quiet, in its state after power-on. 0, -ENODEV, -EPROTO. */
int vmxnet3_hw_reset(struct vmxnet3_port *p);
/** A command and its result; UINT32_MAX when the device is gone. */
uint32_t vmxnet3_hw_command(struct vmxnet3_port *p, uint32_t command);
int vmxnet3_hw_mac(struct vmxnet3_port *p, uint8_t mac[PLX_ETH_ALEN]);
/** Shared area and queue table, all of the port's queues. 0 or -ENOMEM. */
int vmxnet3_hw_alloc(struct vmxnet3_port *p);
void vmxnet3_hw_free(struct vmxnet3_port *p);
/** The queue table must be filled in. 0, -ENODEV, -EIO (the device refuses). */
int vmxnet3_hw_activate(struct vmxnet3_port *p);
/** No more DMA from here on. */
void vmxnet3_hw_quiesce(struct vmxnet3_port *p);
/** Address, filters and RSS from port->settings; the device must be active. 0 or -ENOSPC. */
int vmxnet3_hw_apply(struct vmxnet3_port *p);
int vmxnet3_hw_regs(struct plx_port *port, struct plx_port_reg *regs, unsigned int n);
int vmxnet3_hw_link(struct vmxnet3_port *p, struct plx_port_link *link);

/* ring.c */
int vmxnet3_rings_alloc(struct vmxnet3_port *p);
void vmxnet3_rings_free(struct vmxnet3_port *p);
/** descs: a power of two; conf: the queue's, filled in. free takes what a failed alloc left. */
int vmxnet3_rxq_alloc(struct vmxnet3_rxq *q, uint32_t descs, struct vmxnet3_rxq_conf *conf);
void vmxnet3_rxq_free(struct vmxnet3_rxq *q);
int vmxnet3_txq_alloc(struct vmxnet3_txq *q, uint32_t descs, struct vmxnet3_txq_conf *conf);
void vmxnet3_txq_free(struct vmxnet3_txq *q);

/* rx.c, tx.c */
uint16_t vmxnet3_rx_burst(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n);
uint16_t vmxnet3_tx_burst(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n);
/** Buffers for one run of VMXNET3_REFILL descriptors. 0 or -ENOMEM. */
int vmxnet3_rx_refill(struct vmxnet3_rxq *q, struct vmxnet3_rx_ring *r);
enum plx_desc_status vmxnet3_rxq_desc_status(const struct plx_rxq *rxq, uint16_t offset);
enum plx_desc_status vmxnet3_txq_desc_status(const struct plx_txq *txq, uint16_t offset);
bool vmxnet3_rx_pending(const struct vmxnet3_rxq *q);
bool vmxnet3_tx_waiting(const struct vmxnet3_txq *q);

static inline bool vmxnet3_rx_wants_refill(const struct vmxnet3_rx_ring *r)
{
	return ((r->next - r->tail - 1) & r->mask) >= VMXNET3_REFILL;
}

/* stats.c */
/** Add what the device counts since it was activated to the sums; before it is quiesced. */
void vmxnet3_stats_keep(struct vmxnet3_port *p);
void vmxnet3_stats(struct plx_port *port, struct plx_port_stats *stats);
int vmxnet3_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n);

#endif /* POLLUX_VMXNET3_H */
