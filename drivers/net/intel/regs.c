/* SPDX-License-Identifier: BSD-3-Clause */
/* Register dump: those that can be read without a side effect (ICR and the counters cannot). */
#include "intel.h"

static const struct {
	const char *name;
	uint32_t offset;
} common[] = {
	{"CTRL", INTEL_CTRL},	      {"STATUS", INTEL_STATUS}, {"EECD", INTEL_EECD},
	{"CTRL_EXT", INTEL_CTRL_EXT}, {"IMS", INTEL_IMS},	{"RCTL", INTEL_RCTL},
	{"TCTL", INTEL_TCTL},	      {"TIPG", INTEL_TIPG},	{"VET", INTEL_VET},
	{"RXCSUM", INTEL_RXCSUM},     {"RAL0", INTEL_RAL(0)},	{"RAH0", INTEL_RAH(0)},
};
#define COMMON (sizeof(common) / sizeof(common[0]))

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
	unsigned int i;

	for (i = 0; i < COMMON + 2 * QUEUE && i < n; i++) {
		unsigned int j = i - (unsigned int)COMMON;

		regs[i].bytes = 4;
		if (i < COMMON) {
			regs[i].name = common[i].name;
			regs[i].offset = common[i].offset;
		} else if (j < QUEUE) {
			regs[i].name = queue[j].rx;
			regs[i].offset = family->rx_regs + queue[j].offset;
		} else {
			regs[i].name = queue[j - QUEUE].tx;
			regs[i].offset = family->tx_regs + queue[j - QUEUE].offset;
		}
		regs[i].value = intel_get(p, regs[i].offset);
	}
	return (int)(COMMON + 2 * QUEUE);
}
