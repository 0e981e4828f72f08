/* SPDX-License-Identifier: BSD-3-Clause */
/* The command line of plx-l2fwd, parsed and checked. */
#ifndef PLX_L2FWD_OPTIONS_H
#define PLX_L2FWD_OPTIONS_H

#include <stdbool.h>

#include <pollux/eal.h>

#include "portmap.h"

#define BURST_MAX 512
/** Exit status for what is wrong with the command line: no device has been touched. */
#define EXIT_USAGE 2

struct options {
	struct plx_eal_config eal;
	const char *specs[PORTS_MAX];
	unsigned int ports;
	int peer[PORTS_MAX]; /**< PORT_UNUSED: not opened */
	const char *portmap, *portmask;
	bool no_mac_updating, promisc, interrupt, json, cycles;
	unsigned int rx_queues;	       /**< per port */
	unsigned int queues_per_lcore; /**< 0: as many as it takes */
	unsigned int burst, descs, bufs, mtu;
	unsigned int drain_us;
	unsigned int idle_us;		   /**< without a packet before it sleeps; 0: a few polls */
	unsigned int period_s, duration_s; /**< 0: none; until a signal */
};

/** Parse argv into *options. Exits with EXIT_USAGE and a message if there is anything wrong. */
void options_parse(struct options *options, int argc, char **argv);

#endif /* PLX_L2FWD_OPTIONS_H */
