/* SPDX-License-Identifier: BSD-3-Clause */
/* Text to values: sizes such as "64M" and CPU lists such as "0,2-5". No state, no log. */
#include "eal/parse.h"

#include <pollux/eal.h>

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>

/* "", "K", "KB", "KiB", ...: the power of two, or -EINVAL. */
static int parse_unit(const char *text)
{
	static const char units[] = "KMGTPE";
	const char *unit = *text ? strchr(units, toupper((unsigned char)*text)) : NULL;
	int shift = 0;

	if (unit) {
		shift = 10 * (int)(unit - units + 1);
		text++;
		if (*text == 'i' && text[1] != 'B')
			return -EINVAL;
		if (*text == 'i')
			text++;
	}
	if (*text == 'B' || *text == 'b')
		text++;
	return *text ? -EINVAL : shift;
}

int plx_parse_size(const char *text, size_t *size)
{
	unsigned long long value;
	char *end;
	int shift;

	/* strtoull() takes a sign and blanks, and we do not. */
	if (!text || !isdigit((unsigned char)*text))
		return -EINVAL;
	errno = 0;
	value = strtoull(text, &end, 10);
	shift = parse_unit(end);
	if (errno || shift < 0 || value > (SIZE_MAX >> shift))
		return -EINVAL;
	*size = (size_t)value << shift;
	return 0;
}

/* A decimal number below PLX_LCORE_MAX; *text moves behind it. */
static int take_cpu(const char **text)
{
	unsigned long value;
	char *end;

	if (!isdigit((unsigned char)**text))
		return -EINVAL;
	errno = 0;
	value = strtoul(*text, &end, 10);
	if (errno || value >= PLX_LCORE_MAX)
		return -EINVAL;
	*text = end;
	return (int)value;
}

int plx_parse_cpu(const char *text)
{
	int cpu = take_cpu(&text);

	return *text ? -EINVAL : cpu;
}

static int take_range(const char **text, struct plx_cpu_set *set, unsigned int *twice)
{
	int first = take_cpu(text), last = first;

	if (first >= 0 && **text == '-') {
		(*text)++;
		last = take_cpu(text);
	}
	if (first < 0 || last < first)
		return -EINVAL;
	for (; first <= last; first++) {
		if (set->has[first]) {
			*twice = (unsigned int)first;
			return -EEXIST;
		}
		set->has[first] = true;
		set->count++;
	}
	return 0;
}

int plx_parse_cpu_list(const char *text, struct plx_cpu_set *set, unsigned int *twice)
{
	int err;

	memset(set, 0, sizeof(*set));
	for (;;) {
		err = take_range(&text, set, twice);
		if (err)
			return err;
		if (*text == '\0')
			return 0;
		if (*text++ != ',')
			return -EINVAL;
	}
}

/* "0=512M" */
static int take_node_limit(char *text, size_t *limits)
{
	char *sign = strchr(text, '=');
	size_t limit;
	int node;

	if (!sign)
		return -EINVAL;
	*sign = '\0';
	node = plx_parse_cpu(text);
	if (node < 0 || node >= PLX_LIMIT_NODES || limits[node] ||
	    plx_parse_size(sign + 1, &limit) || !limit)
		return -EINVAL;
	limits[node] = limit;
	return 0;
}

int plx_parse_node_limits(const char *text, size_t *limits)
{
	char *copy, *next, *item;
	int err = 0;

	memset(limits, 0, PLX_LIMIT_NODES * sizeof(*limits));
	if (!text)
		return 0;
	copy = strdup(text);
	if (!copy)
		return -ENOMEM;
	for (next = copy; !err && (item = strsep(&next, ",")) != NULL;)
		err = take_node_limit(item, limits);
	free(copy);
	return err;
}
