/* SPDX-License-Identifier: BSD-3-Clause */
/* The forwarding loops of plx-l2fwd: who polls what, and running it on all lcores. */
#ifndef PLX_L2FWD_FORWARD_H
#define PLX_L2FWD_FORWARD_H

#include <signal.h>

#include <pollux/lcore.h>
#include <pollux/net.h>

#include "options.h"

/** One receive queue and where its packets go; belongs to one lcore. */
struct stream {
	struct plx_rxq *rxq;
	struct plx_txq *txq;
	unsigned int port, queue; /**< it receives from */
	unsigned int lcore;
	uint16_t tx_queue;		 /**< of the peer */
	uint16_t waiting;		 /**< packets in pkts */
	uint8_t macs[12];		 /**< destination and source to write */
	uint64_t dropped;		 /**< the peer's queue was full */
	uint64_t packets, ticks, bursts; /**< with --cycles: of bursts that carried packets */
	struct plx_pktbuf *pkts[BURST_MAX];
} PLX_CACHE_ALIGNED;

struct app {
	struct options options;
	struct plx_pktbuf_pool *pool;
	struct plx_port *ports[PORTS_MAX]; /**< NULL: not used */
	struct stream *streams;
	unsigned int num_streams;
	unsigned int lcores; /**< that have streams */
	uint16_t tx_queues[PORTS_MAX];
	/** What the loops do; written by the main lcore and by signal handlers. */
	volatile sig_atomic_t stop;
	uint32_t pause;	     /**< loops shall stand still ... */
	uint32_t paused;     /**< ... and so many do */
	unsigned int resets; /**< of ports, by the main lcore, while all stand still */
	bool failed;	     /**< a port was lost on the way */
};

/**
 * Spread the receive queues over the lcores, and count the transmit queues that each port needs,
 * one for each lcore that sends to it. Return: 0 or -EINVAL (logged to stderr: too few lcores).
 */
int forward_plan(struct app *app);
/** Look up the handles once the ports are open. */
void forward_attach(struct app *app);
/** Forward until app->stop; control() is called on the main lcore every 10 ms or so. */
void forward_run(struct app *app, void (*control)(struct app *app));
/** Make all loops but the caller's stand still between bursts, and go on. */
void forward_pause(struct app *app);
void forward_resume(struct app *app);

#endif /* PLX_L2FWD_FORWARD_H */
