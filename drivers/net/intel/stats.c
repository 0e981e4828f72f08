/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Statistics: registers of 32 bits that reading clears (data sheet 10.2.7), added up
 * in memory at each request and before each reset.
 */
#include <string.h>

#include "intel.h"

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
	INTEL_STATS_CHECK,
};
_Static_assert((int)INTEL_STATS_CHECK == INTEL_STATS, "one each");

const struct intel_named_reg intel_stats_table[INTEL_STATS] = {
	[RX_CRC_ERRORS] = {"rx_crc_errors", INTEL_CRCERRS},
	[RX_ALIGN_ERRORS] = {"rx_align_errors", INTEL_ALGNERRC},
	[RX_ERRORS] = {"rx_errors", INTEL_RXERRC},
	[RX_MISSED] = {"rx_missed", INTEL_MPC},
	[TX_EXCESS_COLLISIONS] = {"tx_excess_collisions", INTEL_ECOL},
	[TX_LATE_COLLISIONS] = {"tx_late_collisions", INTEL_LATECOL},
	[RX_CARRIER_EXT_ERRORS] = {"rx_carrier_extension_errors", INTEL_CEXTERR},
	[RX_LENGTH_ERRORS] = {"rx_length_errors", INTEL_RLEC},
	[RX_XON] = {"rx_xon", INTEL_XONRXC},
	[RX_XOFF] = {"rx_xoff", INTEL_XOFFRXC},
	[RX_GOOD] = {"rx_good", INTEL_GPRC},
	[RX_BROADCAST] = {"rx_broadcast", INTEL_BPRC},
	[RX_MULTICAST] = {"rx_multicast", INTEL_MPRC},
	[TX_GOOD] = {"tx_good", INTEL_GPTC},
	[RX_NO_BUFFERS] = {"rx_no_descriptors", INTEL_RNBC},
	[RX_UNDERSIZE] = {"rx_undersize", INTEL_RUC},
	[RX_FRAGMENTS] = {"rx_fragments", INTEL_RFC},
	[RX_OVERSIZE] = {"rx_oversize", INTEL_ROC},
	[RX_JABBERS] = {"rx_jabbers", INTEL_RJC},
	[RX_TOTAL] = {"rx_total", INTEL_TPR},
	[TX_TOTAL] = {"tx_total", INTEL_TPT},
	[TX_MULTICAST] = {"tx_multicast", INTEL_MPTC},
	[TX_BROADCAST] = {"tx_broadcast", INTEL_BPTC},
};

void intel_stats_update(struct intel_port *p)
{
	const struct intel_control *control = intel_family(p)->control;
	unsigned int i;

	for (i = 0; i < control->stats_count; i++) {
		uint32_t value = intel_get(p, control->stats[i].offset);

		/*
		 * A counter cannot have got there since the last look; a device that is gone can.
		 */
		if (value == UINT32_MAX) {
			p->register_lies++;
			continue;
		}
		p->stats[i] += value - p->stats_seen[i];
		p->stats_seen[i] = control->stats_go_on ? value : 0;
	}
}

void intel_stats(struct plx_port *port, struct plx_port_stats *stats)
{
	struct intel_port *p = intel_port(port);

	intel_stats_update(p);
	stats->rx_missed += p->stats[RX_MISSED];
	/* Not rx_undersize: QEMU counts there, and delivers, each frame that its network left
	 * short. */
	stats->rx_errors += p->stats[RX_CRC_ERRORS] + p->stats[RX_ALIGN_ERRORS] +
			    p->stats[RX_ERRORS] + p->stats[RX_CARRIER_EXT_ERRORS] +
			    p->stats[RX_LENGTH_ERRORS] + p->stats[RX_FRAGMENTS] +
			    p->stats[RX_OVERSIZE] + p->stats[RX_JABBERS];
	stats->tx_errors += p->stats[TX_EXCESS_COLLISIONS] + p->stats[TX_LATE_COLLISIONS];
}

int intel_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n)
{
	struct intel_port *p = intel_port(port);
	const struct intel_control *control = intel_family(p)->control;
	unsigned int i;

	intel_stats_update(p);
	for (i = 0; i < control->stats_count && i < n; i++) {
		xstats[i].name = control->stats[i].name;
		xstats[i].value = p->stats[i];
	}
	if (n > control->stats_count) {
		xstats[i].name = "register_lies";
		xstats[i].value = p->register_lies;
	}
	return (int)control->stats_count + 1;
}
