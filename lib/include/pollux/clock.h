/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux clock: the processor's time-stamp counter, calibrated once by plx_eal_init().
 *
 *	uint64_t t0 = plx_tsc();
 *	work();
 *	printf("%" PRIu64 " ns\n", plx_tsc_to_ns(plx_tsc() - t0));
 *
 * plx_tsc() is one instruction and not ordered against others: use it for intervals that are long
 * against a pipeline. All functions are thread-safe and never block, except plx_delay_us().
 *
 * Accuracy: exact where the processor or the hypervisor tells the counter's frequency; else it is
 * measured while the EAL comes up, within 0.1 % and mostly within 0.01 %.
 */
#ifndef POLLUX_CLOCK_H
#define POLLUX_CLOCK_H

#include <time.h>

#include <pollux/common.h>

PLX_BEGIN_DECLS

/** Ticks per second of plx_tsc(); valid after plx_eal_init(), constant until plx_eal_fini(). */
PLX_API extern uint64_t plx_tsc_hz;
/** Nanoseconds per tick as a 32.32 fixed-point number; see plx_tsc_to_ns(). */
PLX_API extern uint64_t plx_tsc_ns_mult;

/** CLOCK_MONOTONIC in nanoseconds; works before plx_eal_init(). */
static inline uint64_t plx_clock_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/** Read the time-stamp counter. */
static inline uint64_t plx_tsc(void)
{
#if defined(__x86_64__)
	return __builtin_ia32_rdtsc();
#elif defined(__aarch64__)
	uint64_t t;

	__asm__ volatile("mrs %0, cntvct_el0" : "=r"(t));
	return t;
#else
	return plx_clock_ns();
#endif
}

/** Ticks to nanoseconds, without a division. */
static inline uint64_t plx_tsc_to_ns(uint64_t ticks)
{
	return (uint64_t)(((unsigned __int128)ticks * plx_tsc_ns_mult) >> 32);
}

/** Nanoseconds to ticks, rounded down. Control path only: it divides. */
static inline uint64_t plx_ns_to_tsc(uint64_t ns)
{
	return (uint64_t)((unsigned __int128)ns * plx_tsc_hz / 1000000000u);
}

/** A polite spin: tells the processor that this is a polling loop. */
static inline void plx_pause(void)
{
#if defined(__x86_64__)
	__builtin_ia32_pause();
#elif defined(__aarch64__)
	__asm__ volatile("yield" ::: "memory");
#endif
}

/** Wait at least us microseconds: spins below 50, sleeps above. Control path only. */
PLX_API void plx_delay_us(unsigned int us);

PLX_END_DECLS

#endif /* POLLUX_CLOCK_H */
