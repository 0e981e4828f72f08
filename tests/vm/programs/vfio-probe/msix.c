/* SPDX-License-Identifier: BSD-3-Clause */
/* MSI-X of the 82574L (data sheet 10.2.4): software raises a cause, IVAR gives it a vector. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "probe.h"

#define VECTORS	    5
#define CTRL_EXT    0x0018
#define PBA_SUPPORT (1u << 31)
#define ICS	    0x00c8
#define IMS	    0x00d0
#define IMC	    0x00d8
#define EIAC	    0x00dc
#define IVAR	    0x00e4
/* Cause bits of receive queues 0 and 1, transmit queues 0 and 1, and other. */
#define CAUSE(n) (1u << (20 + (n)))
#define WAIT_MS	 5000

int command_msix(int argc, char **argv)
{
	struct plx_dev *dev = open_or_exit(NULL, argv[0]);
	char *bar = map_or_exit(dev, PLX_REGION_BAR0);
	unsigned int i, other;

	EXPECT(plx_dev_info(dev)->num_irqs[PLX_IRQ_MSIX], VECTORS);
	EXPECT(plx_dev_irq_best(dev), PLX_IRQ_MSIX);
	EXPECT(plx_dev_bus_master(dev, true), 0);
	EXPECT(plx_dev_irq_enable(dev, PLX_IRQ_MSIX, VECTORS), 0);
	plx_mmio_write32(bar + IMC, UINT32_MAX);
	plx_mmio_write32(bar + CTRL_EXT, plx_mmio_read32(bar + CTRL_EXT) | PBA_SUPPORT);
	/* Four bits a cause: valid, and the vector. */
	plx_mmio_write32(bar + IVAR, 0x000cba98);
	plx_mmio_write32(bar + EIAC, 0x01f00000);
	plx_mmio_write32(bar + IMS, 0x01f00000);
	for (i = 0; i < VECTORS; i++) {
		plx_mmio_write32(bar + ICS, CAUSE(i));
		EXPECT(plx_dev_irq_wait(dev, i, WAIT_MS), 1);
		for (other = 0; other < VECTORS; other++)
			EXPECT(plx_dev_irq_wait(dev, other, 0), 0);
	}
	plx_dev_close(dev);
	return EXIT_SUCCESS;
}
