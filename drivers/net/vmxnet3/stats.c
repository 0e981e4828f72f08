/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of vmxnet3: ten counters per queue, which the device writes into the queue table when
 * told to, and begins anew at each activation. Added up over queues and activations.
 */
#include <string.h>

#include "vmxnet3.h"

enum tx_stat {
	TX_TSO_PACKETS,
	TX_TSO_BYTES,
	TX_UNICAST,
	TX_UNICAST_BYTES,
	TX_MULTICAST,
	TX_MULTICAST_BYTES,
	TX_BROADCAST,
	TX_BROADCAST_BYTES,
	TX_ERRORS,
	TX_DISCARDS,
};

enum rx_stat {
	RX_LRO_PACKETS,
	RX_LRO_BYTES,
	RX_UNICAST,
	RX_UNICAST_BYTES,
	RX_MULTICAST,
	RX_MULTICAST_BYTES,
	RX_BROADCAST,
	RX_BROADCAST_BYTES,
	RX_NO_BUFFERS,
	RX_ERRORS,
};

static const char *const tx_names[VMXNET3_STATS] = {
	[TX_TSO_PACKETS] = "tx_tso_packets", [TX_TSO_BYTES] = "tx_tso_bytes",
	[TX_UNICAST] = "tx_unicast",	     [TX_UNICAST_BYTES] = "tx_unicast_bytes",
	[TX_MULTICAST] = "tx_multicast",     [TX_MULTICAST_BYTES] = "tx_multicast_bytes",
	[TX_BROADCAST] = "tx_broadcast",     [TX_BROADCAST_BYTES] = "tx_broadcast_bytes",
	[TX_ERRORS] = "tx_errors",	     [TX_DISCARDS] = "tx_discards",
};

static const char *const rx_names[VMXNET3_STATS] = {
	[RX_LRO_PACKETS] = "rx_lro_packets",   [RX_LRO_BYTES] = "rx_lro_bytes",
	[RX_UNICAST] = "rx_unicast",	       [RX_UNICAST_BYTES] = "rx_unicast_bytes",
	[RX_MULTICAST] = "rx_multicast",       [RX_MULTICAST_BYTES] = "rx_multicast_bytes",
	[RX_BROADCAST] = "rx_broadcast",       [RX_BROADCAST_BYTES] = "rx_broadcast_bytes",
	[RX_NO_BUFFERS] = "rx_no_descriptors", [RX_ERRORS] = "rx_errors",
};

/* A counter that reads all ones is none. */
static void add(struct vmxnet3_port *p, uint64_t sums[VMXNET3_STATS], const uint64_t *values)
{
	unsigned int i;

	for (i = 0; i < VMXNET3_STATS; i++) {
		uint64_t value = le64toh(PLX_READ_ONCE(values[i]));

		if (value == UINT64_MAX)
			p->register_lies++;
		else
			sums[i] += value;
	}
}

static void add_queues(struct vmxnet3_port *p, uint64_t rx[VMXNET3_STATS],
		       uint64_t tx[VMXNET3_STATS])
{
	unsigned int i;

	if (!p->active || vmxnet3_hw_command(p, VMXNET3_CMD_GET_STATS) == UINT32_MAX)
		return;
	for (i = 0; i < p->base.info.rx_queues; i++)
		add(p, rx, p->rxq_confs[i].stats);
	for (i = 0; i < p->base.info.tx_queues; i++)
		add(p, tx, p->txq_confs[i].stats);
}

void vmxnet3_stats_keep(struct vmxnet3_port *p)
{
	add_queues(p, p->rx_stats, p->tx_stats);
}

static void sums_now(struct vmxnet3_port *p, uint64_t rx[VMXNET3_STATS], uint64_t tx[VMXNET3_STATS])
{
	memcpy(rx, p->rx_stats, sizeof(p->rx_stats));
	memcpy(tx, p->tx_stats, sizeof(p->tx_stats));
	add_queues(p, rx, tx);
}

void vmxnet3_stats(struct plx_port *port, struct plx_port_stats *stats)
{
	uint64_t rx[VMXNET3_STATS], tx[VMXNET3_STATS];

	sums_now(vmxnet3_port(port), rx, tx);
	stats->rx_missed += rx[RX_NO_BUFFERS];
	stats->rx_errors += rx[RX_ERRORS];
	stats->tx_errors += tx[TX_ERRORS] + tx[TX_DISCARDS];
}

int vmxnet3_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n)
{
	struct vmxnet3_port *p = vmxnet3_port(port);
	uint64_t rx[VMXNET3_STATS], tx[VMXNET3_STATS];
	unsigned int i;

	sums_now(p, rx, tx);
	for (i = 0; i < VMXNET3_STATS && i < n; i++)
		xstats[i] = (struct plx_port_xstat){rx_names[i], rx[i]};
	for (i = 0; i < VMXNET3_STATS && i + VMXNET3_STATS < n; i++)
		xstats[i + VMXNET3_STATS] = (struct plx_port_xstat){tx_names[i], tx[i]};
	if (n > 2 * VMXNET3_STATS)
		xstats[2 * VMXNET3_STATS] =
			(struct plx_port_xstat){"register_lies", p->register_lies};
	return 2 * VMXNET3_STATS + 1;
}
