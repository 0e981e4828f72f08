/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The clock (<pollux/clock.h>): how fast the time-stamp counter runs. In order of preference:
 *  1. the processor says it: CPUID leaf 15H (Intel SDM vol. 3, "Determining the Processor Base
 *     Frequency"), CNTFRQ_EL0 on arm64: exact;
 *  2. the hypervisor says it: leaf 40000010H ("timing leaf" of VMware, taken up by KVM): 1 kHz;
 *  3. we measure it over what plx_eal_init() takes, and longer if that is too short against what
 *     reading two clocks at one moment takes: within 0.1 %, and mostly within 0.01 %.
 * Not asked: the kernel's own factors in a perf event's user page. The first event of a system
 * makes the kernel patch its scheduler's code, and interrupt every CPU for it, the isolated ones
 * too.
 */
#include "eal/clock.h"

#include <errno.h>
#if defined(__x86_64__)
#include <cpuid.h>
#endif

#include <pollux/log.h>

PLX_LOG_USE(eal);

#define NS_PER_SEC     1000000000u
#define MEASURE_MIN_NS 200000u
#define MEASURE_MAX_NS 20000000u
/* The interval, in widths of its two ends: each is off by half a width, so 1/4000 in all. */
#define MEASURE_WIDTHS 2000u
#define MARK_TRIES     8
#define SPIN_BELOW_US  50

uint64_t plx_tsc_hz = NS_PER_SEC;
uint64_t plx_tsc_ns_mult = 1ull << 32;

struct plx_clock_mark plx_clock_mark(void)
{
	struct plx_clock_mark best = {.width = UINT64_MAX};
	int i;

	/* The narrowest bracket is the one that no interrupt and no preemption fell into. */
	for (i = 0; i < MARK_TRIES; i++) {
		uint64_t before = plx_tsc(), ns = plx_clock_ns(), after = plx_tsc();

		if (after - before < best.width) {
			best.width = after - before;
			best.tsc = before + best.width / 2;
			best.ns = ns;
		}
	}
	return best;
}

/* --- The processor's and the hypervisor's word ----------------------------------------------- */

#if defined(__x86_64__)
#define LEAF_TSC	   0x15
#define LEAF_HYPERVISOR	   0x40000000
#define LEAF_TIMING	   0x40000010
#define ECX_HYPERVISOR_BIT (1u << 31)

static uint64_t told_by_processor(void)
{
	unsigned int denominator, numerator, crystal_hz, edx;

	if (!__get_cpuid(LEAF_TSC, &denominator, &numerator, &crystal_hz, &edx) || !denominator ||
	    !numerator)
		return 0;
	return (uint64_t)crystal_hz * numerator / denominator;
}

static uint64_t told_by_hypervisor(void)
{
	unsigned int eax, ebx, ecx, edx;

	if (!__get_cpuid(1, &eax, &ebx, &ecx, &edx) || !(ecx & ECX_HYPERVISOR_BIT))
		return 0;
	__cpuid(LEAF_HYPERVISOR, eax, ebx, ecx, edx);
	if (eax < LEAF_TIMING || eax > LEAF_TIMING + 0xff)
		return 0;
	__cpuid(LEAF_TIMING, eax, ebx, ecx, edx);
	return (uint64_t)eax * 1000;
}
#elif defined(__aarch64__)
static uint64_t told_by_processor(void)
{
	uint64_t hz;

	__asm__ volatile("mrs %0, cntfrq_el0" : "=r"(hz));
	return hz;
}

static uint64_t told_by_hypervisor(void)
{
	return 0;
}
#else
static uint64_t told_by_processor(void)
{
	return NS_PER_SEC; /* plx_tsc() is CLOCK_MONOTONIC */
}

static uint64_t told_by_hypervisor(void)
{
	return 0;
}
#endif

/* --- Measurement ----------------------------------------------------------------------------- */

static uint64_t measured(const struct plx_clock_mark *since)
{
	struct plx_clock_mark now;
	uint64_t ns, ticks;

	do {
		now = plx_clock_mark();
		ns = now.ns - since->ns;
		ticks = now.tsc - since->tsc;
	} while (ns < MEASURE_MIN_NS ||
		 (ns < MEASURE_MAX_NS && ticks < MEASURE_WIDTHS * (since->width + now.width)));
	return (uint64_t)((unsigned __int128)ticks * NS_PER_SEC / ns);
}

void plx_clock_init(const struct plx_clock_mark *since)
{
	const char *source = "the processor";
	uint64_t hz = told_by_processor();

	if (!hz) {
		source = "the hypervisor";
		hz = told_by_hypervisor();
	}
	if (!hz) {
		source = "measurement";
		hz = measured(since);
	}
	if (!hz) {
		/* A counter that stands still measures nothing; do not divide by it. */
		PLX_WARN(eal,
			 "the time-stamp counter does not advance; plx_tsc() is of no use here");
		hz = NS_PER_SEC;
	}
	plx_tsc_hz = hz;
	plx_tsc_ns_mult = (uint64_t)(((unsigned __int128)NS_PER_SEC << 32) / hz);
	PLX_DEBUG(eal, "time-stamp counter: %llu kHz, by %s", (unsigned long long)hz / 1000,
		  source);
}

void plx_delay_us(unsigned int us)
{
	uint64_t end = plx_clock_ns() + (uint64_t)us * 1000;
	struct timespec until = {.tv_sec = (time_t)(end / NS_PER_SEC),
				 .tv_nsec = (long)(end % NS_PER_SEC)};

	if (us < SPIN_BELOW_US) {
		while (plx_clock_ns() < end)
			plx_pause();
		return;
	}
	while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
		;
}
