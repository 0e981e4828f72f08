/* SPDX-License-Identifier: BSD-3-Clause */
/* Calibration of the time-stamp counter, called by eal.c. */
#ifndef PLX_EAL_CLOCK_H
#define PLX_EAL_CLOCK_H

#include <pollux/clock.h>

/** Both clocks at one moment. */
struct plx_clock_mark {
	uint64_t tsc;
	uint64_t ns;
	uint64_t width; /**< ticks that it took: tsc is off by half of that at most */
};

/** Read both clocks as close to each other as can be had. */
struct plx_clock_mark plx_clock_mark(void);

/**
 * Set plx_tsc_hz and plx_tsc_ns_mult.
 * @since: a mark taken when plx_eal_init() began. Used only where neither the processor nor the
 * hypervisor tells the frequency: then this waits until enough time has gone since, a fraction of a
 * millisecond on hardware.
 */
void plx_clock_init(const struct plx_clock_mark *since);

#endif /* PLX_EAL_CLOCK_H */
