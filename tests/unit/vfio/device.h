/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A device on a transport made of a file: its regions are pieces of a memfd, its interrupts fire
 * when a test says so. For region.c, irq.c and event.c.
 */
#ifndef POLLUX_TESTS_VFIO_DEVICE_H
#define POLLUX_TESTS_VFIO_DEVICE_H

#include "vfio/dev.h"

#define FAKE_PAGE 4096u

/** Set before device_open(): what the transport says of each region and interrupt. */
extern struct plx_dev_region fake_regions[PLX_DEV_REGIONS];
extern unsigned int fake_irqs[5];
/** Errors that the transport gives. */
extern int fake_region_error, fake_irq_error, fake_reset_error;
/** What the transport was asked, in order: "unmask ", "set 2 4 ", "reset " ... */
extern char fake_calls[512];

void device_defaults(void);
/** Return: what plx_dev_regions_init() or plx_dev_events_init() said. */
int device_open(struct plx_dev *dev);
void device_close(struct plx_dev *dev);
/** Fire vector of an index as the kernel does, by its eventfd. */
void device_fire(unsigned int index, unsigned int vector);

#endif /* POLLUX_TESTS_VFIO_DEVICE_H */
