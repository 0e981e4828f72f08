/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * USDT probes: places that bpftrace, perf and gdb can hook while a program runs
 *(README-tracing.md).
 *
 *	PLX_PROBE(nvme_submit, qp->id, n);
 *
 * is the probe pollux:nvme_submit with two arguments (at most twelve: integers and pointers). It
 * costs one no-op, and what it takes to have the arguments at hand: pass what is at hand anyway.
 * Without <sys/sdt.h> (meson option usdt) it is nothing, and the arguments are not evaluated.
 */
#ifndef PLX_EAL_PROBE_H
#define PLX_EAL_PROBE_H

#ifdef PLX_USDT
#define SDT_USE_VARIADIC
#include <sys/sdt.h>
#define PLX_PROBE(...) STAP_PROBEV(pollux, __VA_ARGS__)
#else
#define PLX_PROBE(...) ((void)0)
#endif

#endif /* PLX_EAL_PROBE_H */
