/* SPDX-License-Identifier: BSD-3-Clause */
/* Text to values: sizes are public (<pollux/eal.h>), CPU lists are for lcore.c. */
#ifndef PLX_EAL_PARSE_H
#define PLX_EAL_PARSE_H

#include <pollux/common.h>
#include <pollux/lcore.h>

/** A set of CPUs; also how many there are. */
struct plx_cpu_set {
	bool has[PLX_LCORE_MAX];
	unsigned int count;
};

/**
 * Parse a decimal CPU number that ends at the end of the text.
 * Return: the number, or -EINVAL (no number, or not below PLX_LCORE_MAX).
 */
int plx_parse_cpu(const char *text);

/**
 * Parse a CPU list such as "0,2-5".
 * Return: 0; -EINVAL (not a list; a number too large; a range backwards), -EEXIST (a CPU twice; its
 * number is in *twice).
 */
int plx_parse_cpu_list(const char *text, struct plx_cpu_set *set, unsigned int *twice);

#endif /* PLX_EAL_PARSE_H */
