/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics of the e1000e: registers of 32 bits that reading clears (data sheet 10.2.7), added up
 * in memory at each request and before each reset.
 */
#include <string.h>

#include "e1000e.h"

enum stat {
	RX_CRC_ERRORS,
	RX_ALIGN_ERRORS,
	RX_ERRORS,
	RX_MISSED,
	TX_EXCESS_COLLISIONS,
	TX_LATE_COLLISIONS,
	RX_CARRIER_EXT_ERRORS,
	RX_LENGTH_ERRORS,
	RX_XON,
	RX_XOFF,
	RX_GOOD,
	RX_BROADCAST,
	RX_MULTICAST,
	TX_GOOD,
	RX_NO_BUFFERS,
	RX_UNDERSIZE,
	RX_FRAGMENTS,
	RX_OVERSIZE,
	RX_JABBERS,
	RX_TOTAL,
	TX_TOTAL,
	TX_MULTICAST,
	TX_BROADCAST,
};

static const struct {
	const char *name;
	uint32_t reg;
} stats_table[] = {
	[RX_CRC_ERRORS] = {"rx_crc_errors", E1000E_CRCERRS},
	[RX_ALIGN_ERRORS] = {"rx_align_errors", E1000E_ALGNERRC},
	[RX_ERRORS] = {"rx_errors", E1000E_RXERRC},
	[RX_MISSED] = {"rx_missed", E1000E_MPC},
	[TX_EXCESS_COLLISIONS] = {"tx_excess_collisions", E1000E_ECOL},
	[TX_LATE_COLLISIONS] = {"tx_late_collisions", E1000E_LATECOL},
	[RX_CARRIER_EXT_ERRORS] = {"rx_carrier_extension_errors", E1000E_CEXTERR},
	[RX_LENGTH_ERRORS] = {"rx_length_errors", E1000E_RLEC},
	[RX_XON] = {"rx_xon", E1000E_XONRXC},
	[RX_XOFF] = {"rx_xoff", E1000E_XOFFRXC},
	[RX_GOOD] = {"rx_good", E1000E_GPRC},
	[RX_BROADCAST] = {"rx_broadcast", E1000E_BPRC},
	[RX_MULTICAST] = {"rx_multicast", E1000E_MPRC},
	[TX_GOOD] = {"tx_good", E1000E_GPTC},
	[RX_NO_BUFFERS] = {"rx_no_descriptors", E1000E_RNBC},
	[RX_UNDERSIZE] = {"rx_undersize", E1000E_RUC},
	[RX_FRAGMENTS] = {"rx_fragments", E1000E_RFC},
	[RX_OVERSIZE] = {"rx_oversize", E1000E_ROC},
	[RX_JABBERS] = {"rx_jabbers", E1000E_RJC},
	[RX_TOTAL] = {"rx_total", E1000E_TPR},
	[TX_TOTAL] = {"tx_total", E1000E_TPT},
	[TX_MULTICAST] = {"tx_multicast", E1000E_MPTC},
	[TX_BROADCAST] = {"tx_broadcast", E1000E_BPTC},
};
_Static_assert(sizeof(stats_table) / sizeof(stats_table[0]) == E1000E_STATS, "one each");

void e1000e_stats_update(struct e1000e_port *p)
{
	unsigned int i;

	for (i = 0; i < E1000E_STATS; i++) {
		uint32_t value = e1000e_get(p, stats_table[i].reg);

		/* A counter cannot have got there since the last look; a device that is gone can.
		 */
		if (value == UINT32_MAX)
			p->register_lies++;
		else
			p->stats[i] += value;
	}
}

void e1000e_stats(struct plx_port *port, struct plx_port_stats *stats)
{
	struct e1000e_port *p = e1000e_port(port);

	e1000e_stats_update(p);
	stats->rx_missed += p->stats[RX_MISSED];
	/* Not rx_undersize: QEMU counts there, and delivers, each frame that its network left
	 * short. */
	stats->rx_errors += p->stats[RX_CRC_ERRORS] + p->stats[RX_ALIGN_ERRORS] +
			    p->stats[RX_ERRORS] + p->stats[RX_CARRIER_EXT_ERRORS] +
			    p->stats[RX_LENGTH_ERRORS] + p->stats[RX_FRAGMENTS] +
			    p->stats[RX_OVERSIZE] + p->stats[RX_JABBERS];
	stats->tx_errors += p->stats[TX_EXCESS_COLLISIONS] + p->stats[TX_LATE_COLLISIONS];
}

int e1000e_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n)
{
	struct e1000e_port *p = e1000e_port(port);
	unsigned int i;

	e1000e_stats_update(p);
	for (i = 0; i < E1000E_STATS && i < n; i++) {
		xstats[i].name = stats_table[i].name;
		xstats[i].value = p->stats[i];
	}
	if (n > E1000E_STATS) {
		xstats[i].name = "register_lies";
		xstats[i].value = p->register_lies;
	}
	return E1000E_STATS + 1;
}
