/* SPDX-License-Identifier: BSD-3-Clause */
/* Register dump: those that can be read without a side effect (ICR and the counters cannot). */
#include "intel.h"

static const struct {
	const char *rx, *tx;
	uint32_t offset;
} queue[] = {
	{"RDBAL0", "TDBAL0", INTEL_Q_BAL}, {"RDBAH0", "TDBAH0", INTEL_Q_BAH},
	{"RDLEN0", "TDLEN0", INTEL_Q_LEN}, {"RDH0", "TDH0", INTEL_Q_HEAD},
	{"RDT0", "TDT0", INTEL_Q_TAIL},	   {"RXDCTL0", "TXDCTL0", INTEL_Q_XDCTL},
};
#define QUEUE (sizeof(queue) / sizeof(queue[0]))

int intel_regs(struct plx_port *port, struct plx_port_reg *regs, unsigned int n)
{
	const struct intel_port *p = intel_port(port);
	const struct intel_family *family = intel_family(p);
	const unsigned int common = family->control->regs_count;
	unsigned int i;

	for (i = 0; i < common + 2 * QUEUE && i < n; i++) {
		unsigned int j = i - common;

		regs[i].bytes = 4;
		if (i < common) {
			regs[i].name = family->control->regs[i].name;
			regs[i].offset = family->control->regs[i].offset;
		} else if (j < QUEUE) {
			regs[i].name = queue[j].rx;
			regs[i].offset = family->rx_regs + queue[j].offset;
		} else {
			regs[i].name = queue[j - QUEUE].tx;
			regs[i].offset = family->tx_regs + queue[j - QUEUE].offset;
		}
		regs[i].value = intel_get(p, regs[i].offset);
	}
	return (int)(common + 2 * QUEUE);
}
