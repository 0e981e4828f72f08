/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The route file, and DPDK's longest-prefix match behind it. Lines:
 *	port N ADDRESS/LEN		an address of port N, and its link
 *	route PREFIX/LEN via GATEWAY	the gateway is on the link of a port
 *	route PREFIX/LEN port N		the destinations are on that link themselves
 * `#` begins a comment. Ports must have their addresses before gateways on their links are named.
 */
#include <arpa/inet.h>
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include <rte_errno.h>
#include <rte_lcore.h>
#include <rte_lpm.h>
#include <rte_lpm6.h>
#include <rte_version.h>

#include "l3fwd.h"

#define RULES_MAX 4096
#define TBL8S_V4  4096
#define TBL8S_V6  16384
#define WORDS_MAX 6

static struct rte_lpm *table_v4;
static struct rte_lpm6 *table_v6;
/* The next hop of rule i is number i in the tables. */
static struct hop hops[RULES_MAX];
static struct rule {
	struct address prefix;
	unsigned int len;
} rules[RULES_MAX];
static uint32_t rule_count;
/* The tables know no prefix of length 0. */
static const struct hop *default_v4, *default_v6;

static const char *file_name;
static unsigned int line_number;

/* --- Look up ---------------------------------------------------------------------------------- */

const struct hop *route_v4(const uint8_t dst[4])
{
	uint32_t address, hop;

	memcpy(&address, dst, sizeof(address));
	return rte_lpm_lookup(table_v4, be32toh(address), &hop) ? default_v4 : &hops[hop];
}

static int lpm6_lookup(const uint8_t *dst, uint32_t *hop)
{
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
	struct rte_ipv6_addr address;

	memcpy(address.a, dst, sizeof(address.a));
	return rte_lpm6_lookup(table_v6, &address, hop);
#else
	return rte_lpm6_lookup(table_v6, dst, hop);
#endif
}

static int lpm6_add(const uint8_t *prefix, uint8_t len, uint32_t hop)
{
#if RTE_VERSION >= RTE_VERSION_NUM(24, 11, 0, 0)
	struct rte_ipv6_addr address;

	memcpy(address.a, prefix, sizeof(address.a));
	return rte_lpm6_add(table_v6, &address, len, hop);
#else
	return rte_lpm6_add(table_v6, prefix, len, hop);
#endif
}

const struct hop *route_v6(const uint8_t dst[16])
{
	uint32_t hop;

	return lpm6_lookup(dst, &hop) ? default_v6 : &hops[hop];
}

bool is_ours(const struct address *address)
{
	const struct port *port = app.ports;
	unsigned int i;

	/* Nobody's, and what a port without an address has. */
	if (address_is_none(address))
		return false;
	for (i = 0; i < app.options.ports; i++, port++)
		if (address_equal(address, &port->v4) || address_equal(address, &port->v6) ||
		    address_equal(address, &port->link_local))
			return true;
	return false;
}

static bool same_prefix(const uint8_t *a, const uint8_t *b, unsigned int len)
{
	uint8_t mask = (uint8_t)(0xff00 >> len % 8);

	return memcmp(a, b, len / 8) == 0 &&
	       (len % 8 == 0 || ((a[len / 8] ^ b[len / 8]) & mask) == 0);
}

bool on_link(const struct port *port, const struct address *address)
{
	if (address_is_v4(address))
		return !address_is_none(&port->v4) &&
		       same_prefix(address->bytes + 12, port->v4.bytes + 12, port->v4_len);
	if (address->bytes[0] == 0xfe && (address->bytes[1] & 0xc0) == 0x80)
		return true;
	return !address_is_none(&port->v6) &&
	       same_prefix(address->bytes, port->v6.bytes, port->v6_len);
}

/* --- The file --------------------------------------------------------------------------------- */

static int wrong(const char *what, const char *word)
{
	fprintf(stderr, PREFIX "%s:%u: %s%s%s%s\n", file_name, line_number, what,
		word ? ": \"" : "", word ? word : "", word ? "\"" : "");
	return -1;
}

static int parse_address(const char *text, struct address *address)
{
	uint8_t bytes[16];

	if (inet_pton(AF_INET, text, bytes) == 1)
		*address = address_v4(bytes);
	else if (inet_pton(AF_INET6, text, bytes) == 1)
		*address = address_v6(bytes);
	else
		return wrong("not an IPv4 or IPv6 address", text);
	return 0;
}

static int parse_number(const char *text, unsigned int max, unsigned int *value)
{
	char *end;
	unsigned long n;

	errno = 0;
	n = strtoul(text, &end, 10);
	if (!isdigit((unsigned char)*text) || *end || errno || n > max)
		return -1;
	*value = (unsigned int)n;
	return 0;
}

static int parse_prefix(char *text, struct address *address, unsigned int *len)
{
	char *slash = strchr(text, '/');

	if (!slash)
		return wrong("no /LENGTH behind the address", text);
	*slash = '\0';
	if (parse_address(text, address))
		return -1;
	if (parse_number(slash + 1, address_is_v4(address) ? 32 : 128, len))
		return wrong("not a length of a prefix of that family", slash + 1);
	return 0;
}

static int parse_port(const char *text, unsigned int *port)
{
	if (parse_number(text, PORTS_MAX, port) || *port >= app.options.ports)
		return wrong("there is no such port on the command line, the first is 0", text);
	return 0;
}

/* The bits behind the prefix are 0? */
static bool is_network(const struct address *address, unsigned int len)
{
	struct address none = {{0}};
	unsigned int first = address_is_v4(address) ? 96 + len : len, bit;

	for (bit = first; bit < 128; bit++)
		if ((address->bytes[bit / 8] ^ none.bytes[bit / 8]) & (0x80 >> bit % 8))
			return false;
	return true;
}

static int add_route(const struct address *prefix, unsigned int len, const struct hop *hop)
{
	uint32_t i;

	if (rule_count == RULES_MAX)
		return wrong("too many routes", NULL);
	for (i = 0; i < rule_count; i++)
		if (rules[i].len == len && address_equal(&rules[i].prefix, prefix) &&
		    address_is_v4(&rules[i].prefix) == address_is_v4(prefix))
			return wrong("a second route to the same prefix", NULL);
	rules[rule_count] = (struct rule){*prefix, len};
	hops[rule_count++] = *hop;
	return 0;
}

static int add_link(unsigned int number, const struct address *address, unsigned int len)
{
	struct port *port = &app.ports[number];
	struct address network = *address;
	struct hop hop = {.port = (uint8_t)number};
	bool v4 = address_is_v4(address);
	unsigned int bit, first = v4 ? 96 + len : len;

	if (!address_is_none(v4 ? &port->v4 : &port->v6))
		return wrong("a second address of that family for the port", NULL);
	if (len == 0)
		return wrong("the link of a port cannot be everything", "/0");
	if (is_ours(address))
		return wrong("another port has that address", NULL);
	*(v4 ? &port->v4 : &port->v6) = *address;
	*(v4 ? &port->v4_len : &port->v6_len) = len;
	for (bit = first; bit < 128; bit++)
		network.bytes[bit / 8] &= (uint8_t) ~(0x80 >> bit % 8);
	return add_route(&network, len, &hop);
}

static int port_line(char **words, unsigned int n)
{
	struct address address;
	unsigned int port, len;

	if (n != 3)
		return wrong("expected: port NUMBER ADDRESS/LENGTH", NULL);
	if (parse_port(words[1], &port) || parse_prefix(words[2], &address, &len))
		return -1;
	return add_link(port, &address, len);
}

static int find_link(const struct address *gateway, struct hop *hop)
{
	unsigned int i;

	for (i = 0; i < app.options.ports; i++) {
		const struct port *port = &app.ports[i];

		if (address_is_none(address_is_v4(gateway) ? &port->v4 : &port->v6) ||
		    !on_link(port, gateway))
			continue;
		*hop = (struct hop){.port = (uint8_t)i, .gateway = *gateway};
		return 0;
	}
	return -1;
}

static int route_line(char **words, unsigned int n)
{
	struct address prefix, gateway;
	struct hop hop = {0};
	unsigned int len, port;

	if (n != 4)
		return wrong("expected: route PREFIX/LENGTH via GATEWAY, or ... port NUMBER", NULL);
	if (parse_prefix(words[1], &prefix, &len))
		return -1;
	if (!is_network(&prefix, len))
		return wrong("bits behind the length are set", words[1]);
	if (strcmp(words[2], "port") == 0) {
		if (parse_port(words[3], &port))
			return -1;
		hop.port = (uint8_t)port;
		return add_route(&prefix, len, &hop);
	}
	if (strcmp(words[2], "via") != 0)
		return wrong("expected \"via\" or \"port\"", words[2]);
	if (parse_address(words[3], &gateway))
		return -1;
	if (address_is_v4(&prefix) != address_is_v4(&gateway))
		return wrong("the gateway is of the other family", words[3]);
	if (is_ours(&gateway))
		return wrong("the gateway is ourselves", words[3]);
	if (find_link(&gateway, &hop))
		return wrong("the gateway is not on the link of any port so far", words[3]);
	return add_route(&prefix, len, &hop);
}

static int parse_line(char *line)
{
	char *words[WORDS_MAX], *rest = line, *word;
	unsigned int n = 0;

	line[strcspn(line, "#\r\n")] = '\0';
	while ((word = strsep(&rest, " \t")) != NULL) {
		if (!*word)
			continue;
		if (n == WORDS_MAX)
			return wrong("too many words", word);
		words[n++] = word;
	}
	if (n == 0)
		return 0;
	if (strcmp(words[0], "port") == 0)
		return port_line(words, n);
	if (strcmp(words[0], "route") == 0)
		return route_line(words, n);
	return wrong("expected \"port\" or \"route\"", words[0]);
}

static int parse_file(FILE *file)
{
	char *line = NULL;
	size_t room = 0;
	int err = 0;

	while (!err && getline(&line, &room, file) >= 0) {
		line_number++;
		err = parse_line(line);
	}
	if (!err && ferror(file))
		err = wrong("cannot be read", strerror(errno));
	if (!err && rule_count == 0)
		err = wrong("no port has an address", NULL);
	free(line);
	return err;
}

static int open_tables(void)
{
	struct rte_lpm_config v4 = {.max_rules = RULES_MAX, .number_tbl8s = TBL8S_V4};
	struct rte_lpm6_config v6 = {.max_rules = RULES_MAX, .number_tbl8s = TBL8S_V6};

	table_v4 = rte_lpm_create("plx-l3fwd", SOCKET_ID_ANY, &v4);
	table_v6 = table_v4 ? rte_lpm6_create("plx-l3fwd", SOCKET_ID_ANY, &v6) : NULL;
	if (table_v6)
		return 0;
	fprintf(stderr,
		PREFIX "no memory for DPDK's routing tables (%s): they take about 180 MiB of "
		       "hugepages\n",
		rte_strerror(rte_errno));
	return -1;
}

int routes_read(const char *path)
{
	FILE *file = fopen(path, "re");
	int err;

	file_name = path;
	line_number = 0;
	if (!file) {
		fprintf(stderr, PREFIX "%s: %s\n", path, strerror(errno));
		return -1;
	}
	err = parse_file(file);
	fclose(file);
	return err;
}

static int install(uint32_t i)
{
	const struct rule *rule = &rules[i];
	bool v4 = address_is_v4(&rule->prefix);
	uint32_t network;

	if (rule->len == 0) {
		*(v4 ? &default_v4 : &default_v6) = &hops[i];
		return 0;
	}
	memcpy(&network, rule->prefix.bytes + 12, sizeof(network));
	return v4 ? rte_lpm_add(table_v4, be32toh(network), (uint8_t)rule->len, i)
		  : lpm6_add(rule->prefix.bytes, (uint8_t)rule->len, i);
}

int routes_install(void)
{
	int err = open_tables();
	uint32_t i;

	for (i = 0; i < rule_count && !err; i++) {
		err = install(i);
		if (err)
			fprintf(stderr, PREFIX "%s: route %u: DPDK's table does not take it: %s\n",
				file_name, i + 1, rte_strerror(-err));
	}
	return err;
}

void routes_free(void)
{
	rte_lpm_free(table_v4);
	rte_lpm6_free(table_v6);
}
