/* SPDX-License-Identifier: BSD-3-Clause */
/* See common.h. */
#include "common.h"

#include <ctype.h>
#include <errno.h>
#include <signal.h>
#include <stdlib.h>

void app_catch_signals(void (*handler)(int number))
{
	static const int ends[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT};
	struct sigaction action = {.sa_handler = handler};
	unsigned int i;

	for (i = 0; i < sizeof(ends) / sizeof(ends[0]); i++)
		sigaction(ends[i], &action, NULL);
	action.sa_handler = SIG_IGN;
	sigaction(SIGPIPE, &action, NULL);
}

uint64_t app_parse_number(struct argp_state *state, const char *name, const char *text, int base,
			  uint64_t min, uint64_t max)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, base);
	if (!isdigit((unsigned char)*text) || *end || errno || value < min || value > max)
		argp_error(state, "--%s: \"%.40s\" is not a number from %llu to %llu", name, text,
			   (unsigned long long)min, (unsigned long long)max);
	return value;
}
