// SPDX-License-Identifier: BSD-3-Clause
/*
 * The words of a command, and the answer to it: what commands call.
 */
#include "conformance.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void answer(const char *format, ...)
{
	va_list ap;

	putchar(' ');
	va_start(ap, format);
	vprintf(format, ap);
	va_end(ap);
}

/* 0 and more: ok; else the name of errno. */
void answer_errno(long ret)
{
	answer("%s", ret >= 0 ? "ok" : strerrorname_np(errno));
}

const char *word(const struct command *c, int index)
{
	return index < c->argc ? c->argv[index] : NULL;
}

uint64_t number(const struct command *c, int index, uint64_t otherwise)
{
	char *end;
	uint64_t value;

	if (index >= c->argc || !strcmp(c->argv[index], "-"))
		return otherwise;
	errno = 0;
	value = c->argv[index][0] == '-' ? (uint64_t)strtoll(c->argv[index], &end, 0) :
					   strtoull(c->argv[index], &end, 0);
	if (errno || *end) {
		fprintf(stderr, "vfio-conformance: %s: not a number\n", c->argv[index]);
		exit(2);
	}
	return value;
}
