/* SPDX-License-Identifier: BSD-3-Clause */
/* Parsers for the port map and the port mask of plx-l2fwd; see portmap.h. */
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

#include "portmap.h"

#define FAIL(...) (snprintf(why, why_len, __VA_ARGS__), -EINVAL)

static void clear(int peer[PORTS_MAX])
{
	unsigned int i;

	for (i = 0; i < PORTS_MAX; i++)
		peer[i] = PORT_UNUSED;
}

/* Move past c and blanks around it. */
static bool skip_char(const char **text, char c)
{
	while (isspace((unsigned char)**text))
		++*text;
	if (**text != c)
		return false;
	++*text;
	while (isspace((unsigned char)**text))
		++*text;
	return true;
}

/* At most 4 digits: no overflow, and no sign. */
static bool parse_port(const char **text, unsigned int *port)
{
	unsigned int digits;

	*port = 0;
	for (digits = 0; isdigit((unsigned char)**text) && digits < 4; digits++)
		*port = *port * 10 + (unsigned int)(*(*text)++ - '0');
	return digits > 0 && !isdigit((unsigned char)**text);
}

static int add_pair(unsigned int a, unsigned int b, unsigned int ports, uint32_t mask,
		    int peer[PORTS_MAX], char *why, size_t why_len)
{
	unsigned int top = a > b ? a : b;

	if (top >= ports)
		return FAIL("port map: there is no port %u: %u ports are given, from 0 on", top,
			    ports);
	if (a == b)
		return FAIL("port map: port %u is paired with itself", a);
	if (!(mask & UINT32_C(1) << a) || !(mask & UINT32_C(1) << b))
		return FAIL("port map: (%u,%u): one of them is not in the port mask", a, b);
	if (peer[a] != PORT_UNUSED || peer[b] != PORT_UNUSED)
		return FAIL("port map: port %u is in two pairs", peer[a] != PORT_UNUSED ? a : b);
	peer[a] = (int)b;
	peer[b] = (int)a;
	return 0;
}

static int check_all_paired(unsigned int ports, uint32_t mask, const int peer[PORTS_MAX], char *why,
			    size_t why_len)
{
	unsigned int i;

	for (i = 0; i < ports; i++)
		if ((mask & UINT32_C(1) << i) && peer[i] == PORT_UNUSED)
			return FAIL("port map: port %u is in no pair", i);
	return 0;
}

int portmap_parse(const char *text, unsigned int ports, uint32_t mask, int peer[PORTS_MAX],
		  char *why, size_t why_len)
{
	const char *at = text;
	int err;

	clear(peer);
	do {
		unsigned int a, b;

		if (!skip_char(&at, '(') || !parse_port(&at, &a) || !skip_char(&at, ',') ||
		    !parse_port(&at, &b) || !skip_char(&at, ')'))
			return FAIL("port map: \"%.40s\" is not of the form (0,1)(2,3)", text);
		err = add_pair(a, b, ports, mask, peer, why, why_len);
		if (err)
			return err;
	} while (*at);
	return check_all_paired(ports, mask, peer, why, why_len);
}

int portmap_default(unsigned int ports, uint32_t mask, int peer[PORTS_MAX], char *why,
		    size_t why_len)
{
	int first = PORT_UNUSED;
	unsigned int i;

	clear(peer);
	for (i = 0; i < ports; i++) {
		if (!(mask & UINT32_C(1) << i))
			continue;
		if (first == PORT_UNUSED) {
			first = (int)i;
			continue;
		}
		peer[first] = (int)i;
		peer[i] = first;
		first = PORT_UNUSED;
	}
	if (first != PORT_UNUSED)
		return FAIL("port %d has no partner: give an even number of ports", first);
	return 0;
}

int portmask_parse(const char *text, unsigned int ports, uint32_t *mask, char *why, size_t why_len)
{
	unsigned long long value;
	char *end;

	errno = 0;
	value = strtoull(text, &end, 16);
	if (!isxdigit((unsigned char)*text) || *end || errno)
		return FAIL("port mask: \"%.40s\" is not a hexadecimal number", text);
	if (value == 0)
		return FAIL("port mask: no port is left");
	if (value >> ports)
		return FAIL("port mask: %llx names more than the %u ports that are given", value,
			    ports);
	*mask = (uint32_t)value;
	return 0;
}
