/* SPDX-License-Identifier: BSD-3-Clause */
/* What the command lines of several apps have in common. */
#ifndef POLLUX_APPS_COMMON_H
#define POLLUX_APPS_COMMON_H

#include <argp.h>
#include <stdint.h>

/**
 * Call handler for each signal that asks a program to end. SIGPIPE is ignored: a reader of stdout
 * that goes away is an error of write().
 */
void app_catch_signals(void (*handler)(int number));

/**
 * The number that follows option --name; a usage error, which does not return, unless it is one
 * from min to max. base: as for strtoull().
 */
uint64_t app_parse_number(struct argp_state *state, const char *name, const char *text, int base,
			  uint64_t min, uint64_t max);

#endif /* POLLUX_APPS_COMMON_H */
