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

/** Nodes that can have a limit of their own. */
#define PLX_LIMIT_NODES 64

/**
 * Parse limits of nodes such as "0=512M,1=1G" into limits[PLX_LIMIT_NODES]; NULL: none.
 * Return: 0, or -EINVAL (not such a list, a node too large or twice, a limit of 0).
 */
int plx_parse_node_limits(const char *text, size_t *limits);

#endif /* PLX_EAL_PARSE_H */
