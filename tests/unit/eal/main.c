/* SPDX-License-Identifier: BSD-3-Clause */
/* Unit tests of lib/eal. All run without hugepages; with them see tests/vm/cases/eal-*. */
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

/*
 * What is about the native backend's start, threads and memory; for others see tests/unit/dpdk. And
 * those that fork: rte_eal comes up once in a process, and a child of that cannot have its own.
 */
static const char *const native_only[] = {"eal",      "refused",  "lcores",    "mem",
					  "segments", "register", "telemetry", "peer"};
#define NATIVE_ONLY (sizeof(native_only) / sizeof(native_only[0]))

/* On another backend (POLLUX_EAL) what is the same on all of them. */
static void leave_out_native(CU_SuiteInfo *suites)
{
	const char *backend = getenv("POLLUX_EAL");
	CU_SuiteInfo *from, *to = suites;
	size_t i;

	if (!backend || strcmp(backend, "native") == 0)
		return;
	for (from = suites; from->pName; from++) {
		for (i = 0; i < NATIVE_ONLY && strcmp(from->pName, native_only[i]) != 0; i++)
			;
		if (i == NATIVE_ONLY)
			*to++ = *from;
	}
	*to = *from;
}

int main(void)
{
	CU_SuiteInfo suites[] = {
		{"parse", NULL, NULL, NULL, NULL, parse_tests},
		{"log", NULL, NULL, NULL, NULL, log_tests},
		{"ranges", NULL, NULL, NULL, NULL, ranges_tests},
		{"heap", NULL, NULL, NULL, NULL, heap_tests},
		{"window", NULL, NULL, NULL, NULL, window_tests},
		{"argp", NULL, NULL, NULL, NULL, argp_tests},
		{"eal", NULL, NULL, NULL, NULL, eal_tests},
		{"refused", NULL, NULL, NULL, NULL, refused_tests},
		{"lcores", NULL, NULL, NULL, NULL, lcores_tests},
		{"clock", eal_up, eal_down, NULL, NULL, clock_tests},
		{"loop", eal_up, eal_down, NULL, NULL, loop_tests},
		{"mem", eal_up, eal_down, NULL, NULL, mem_tests},
		{"segments", eal_up, eal_down, NULL, NULL, segments_tests},
		{"register", eal_up, eal_down, NULL, NULL, register_tests},
		{"telemetry", telemetry_up, telemetry_down, NULL, NULL, telemetry_tests},
		{"peer", peer_up, telemetry_down, NULL, NULL, peer_tests},
		CU_SUITE_INFO_NULL,
	};

	leave_out_native(suites);
	return unit_run(suites);
}
