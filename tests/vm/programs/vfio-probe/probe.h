/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the files of vfio-probe share. A command gets the devices named on the command line, not yet
 * opened, and returns the exit status; it prints what it has seen, for a VM case to look at.
 */
#ifndef POLLUX_TESTS_VFIO_PROBE_H
#define POLLUX_TESTS_VFIO_PROBE_H

#include <pollux/eal.h>
#include <pollux/mem.h>
#include <pollux/mmio.h>
#include <pollux/vfio.h>

/** End the program with status 1 and a line unless the two are equal. */
#define EXPECT(actual, expected)                                                                   \
	expect((long long)(actual), (long long)(expected), #actual, __FILE__, __LINE__)
void expect(long long actual, long long expected, const char *what, const char *file, int line);

/** Open, or end the program with status 1. */
struct plx_dev *open_or_exit(struct plx_as *as, const char *name);
/** Map a BAR, or end the program with status 1. */
char *map_or_exit(struct plx_dev *dev, enum plx_region bar);

/* Each: argv[0] is the device, the rest is its own. */
int command_info(int argc, char **argv);
int command_regions(int argc, char **argv);
int command_bar_off(int argc, char **argv);
int command_hold(int argc, char **argv);
int command_reset(int argc, char **argv);
int command_maps(int argc, char **argv);
int command_memlock(int argc, char **argv);
int command_config(int argc, char **argv);
int command_edu_irq(int argc, char **argv);
int command_edu_dma(int argc, char **argv);
int command_edu_stray(int argc, char **argv);
int command_edu_p2p(int argc, char **argv);
int command_msix(int argc, char **argv);

#endif /* POLLUX_TESTS_VFIO_PROBE_H */
