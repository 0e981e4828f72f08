/* SPDX-License-Identifier: BSD-3-Clause */
/* What each command of plx-testpmd does, and the table of them; start at its end. */
#include <ctype.h>
#include <errno.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pollux/clock.h>

#include "commands.h"

#define EVENTS_US 100000

/* --- Parameters ----------------------------------------------------------------------------- */

static int parse_number(const char *text, unsigned long min, unsigned long max,
			unsigned long *value)
{
	char *end;

	errno = 0;
	*value = strtoul(text, &end, 0);
	if (isdigit((unsigned char)*text) && !*end && !errno && *value >= min && *value <= max)
		return 0;
	printf("%s: not a number from %lu to %lu\n", text, min, max);
	return -EINVAL;
}

static int parse_on(const char *text, bool *on)
{
	*on = strcmp(text, "on") == 0;
	if (*on || strcmp(text, "off") == 0)
		return 0;
	printf("%s: on or off\n", text);
	return -EINVAL;
}

static int parse_mac(const char *text, struct ether_addr *mac)
{
	if (ether_aton_r(text, mac))
		return 0;
	printf("%s: not a MAC address\n", text);
	return -EINVAL;
}

static int need_stopped(const struct app *app)
{
	if (!app->running)
		return 0;
	printf("stop forwarding first\n");
	return -EBUSY;
}

/* --- start, stop, quit ---------------------------------------------------------------------- */

static int run_start(struct call *c)
{
	return forward_start(c->app, 0);
}

static int run_tx_first(struct call *c)
{
	unsigned long n = 1;
	int err = c->params[0] ? parse_number(c->params[0], 1, 1000, &n) : 0;

	return err ? err : forward_start(c->app, (unsigned int)n);
}

static int run_stop(struct call *c)
{
	int err = forward_stop(c->app);

	if (!err)
		show_forwarding(c->app);
	return err;
}

static int run_quit(struct call *c)
{
	c->app->quit = true;
	return 0;
}

static int run_wait(struct call *c)
{
	unsigned long seconds;
	uint64_t end;
	int err = parse_number(c->params[0], 1, 86400, &seconds);

	if (err)
		return err;
	for (end = plx_clock_ns() + seconds * UINT64_C(1000000000);
	     plx_clock_ns() < end && !c->app->quit;) {
		usleep(EVENTS_US);
		ports_events(c->app);
		fflush(stdout);
	}
	return 0;
}

/* --- show, clear ---------------------------------------------------------------------------- */

#define SHOW(name)                                                                                 \
	static int run_##name(struct call *c)                                                      \
	{                                                                                          \
		name(c->app, c->id);                                                               \
		return 0;                                                                          \
	}

SHOW(show_info)
SHOW(show_stats)
SHOW(show_xstats)
SHOW(show_macs)
SHOW(show_rss)
SHOW(show_regs)

static int run_show_port_features(struct call *c)
{
	show_features(c->app, c->id);
	return 0;
}

static int run_show_summary(struct call *c)
{
	show_summary(c->app);
	return 0;
}

static int run_show_features(struct call *c)
{
	show_matrix();
	return 0;
}

static int run_show_forwarding(struct call *c)
{
	show_forwarding(c->app);
	return 0;
}

static int run_clear_stats(struct call *c)
{
	return plx_port_stats(c->port->port, &c->port->cleared);
}

static int run_clear_xstats(struct call *c)
{
	return port_clear_xstats(c->port);
}

static int run_clear_forwarding(struct call *c)
{
	int err = need_stopped(c->app);
	unsigned int i;

	for (i = 0; !err && i < c->app->stream_count; i++) {
		struct stream *s = &c->app->streams[i];

		s->rx = s->tx = s->dropped = s->bursts = 0;
	}
	return err;
}

static int print_status(int status)
{
	static const char *const names[] = {"unused", "device", "done"};

	if (status < 0)
		return status;
	printf("%s\n", names[status]);
	return 0;
}

static int run_rx_desc(struct call *c)
{
	unsigned long queue, offset;

	if (parse_number(c->params[0], 0, QUEUES_MAX - 1, &queue) ||
	    parse_number(c->params[1], 0, UINT16_MAX, &offset) ||
	    !plx_port_rxq(c->port->port, (uint16_t)queue))
		return -EINVAL;
	return print_status(plx_rxq_desc_status(plx_port_rxq(c->port->port, (uint16_t)queue),
						(uint16_t)offset));
}

static int run_tx_desc(struct call *c)
{
	unsigned long queue, offset;

	if (parse_number(c->params[0], 0, QUEUES_MAX - 1, &queue) ||
	    parse_number(c->params[1], 0, UINT16_MAX, &offset) ||
	    !plx_port_txq(c->port->port, (uint16_t)queue))
		return -EINVAL;
	return print_status(plx_txq_desc_status(plx_port_txq(c->port->port, (uint16_t)queue),
						(uint16_t)offset));
}

/* --- set ------------------------------------------------------------------------------------ */

static int run_set_fwd(struct call *c)
{
	const struct mode *mode = mode_find(c->params[0]);
	int err = need_stopped(c->app);

	if (err)
		return err;
	if (!mode) {
		printf("%s: no such mode; there are:\n", c->params[0]);
		for (mode = modes; mode->name; mode++)
			printf("  %-10s %s\n", mode->name, mode->help);
		return -EINVAL;
	}
	c->app->mode = mode;
	return 0;
}

static int run_set_burst(struct call *c)
{
	unsigned long n;
	int err = parse_number(c->params[0], 1, BURST_MAX, &n);

	if (!err)
		err = need_stopped(c->app);
	if (!err)
		c->app->burst = (uint16_t)n;
	return err;
}

static int run_set_verbose(struct call *c)
{
	unsigned long n;
	int err = parse_number(c->params[0], 0, 2, &n);

	if (!err)
		c->app->verbose = (unsigned int)n;
	return err;
}

/* "64" or "128,1000": bytes of each segment. The first must hold the headers. */
static int run_set_txpkts(struct call *c)
{
	uint16_t lens[TX_SEGS_MAX];
	unsigned int n = 0;
	char *copy, *rest, *word;
	int err = need_stopped(c->app);

	copy = err ? NULL : strdup(c->params[0]);
	for (rest = copy; !err && (word = strsep(&rest, ","));) {
		unsigned long len;

		err = n == TX_SEGS_MAX ? -EINVAL
				       : parse_number(word, n ? 1 : 42, PLX_PKTBUF_DATA, &len);
		if (!err)
			lens[n++] = (uint16_t)len;
	}
	free(copy);
	if (err || !n)
		return err ? err : -ENOMEM;
	memcpy(c->app->tx_lens, lens, sizeof(lens));
	c->app->tx_segs = n;
	return 0;
}

static int run_set_promisc(struct call *c)
{
	bool on;
	int err = parse_on(c->params[0], &on);

	return err ? err : plx_port_set_promisc(c->port->port, on);
}

static int run_set_allmulti(struct call *c)
{
	bool on;
	int err = parse_on(c->params[0], &on);

	return err ? err : plx_port_set_allmulti(c->port->port, on);
}

/* --- port ----------------------------------------------------------------------------------- */

static int run_port_start(struct call *c)
{
	return plx_port_start(c->port->port);
}

static int run_port_stop(struct call *c)
{
	int err = need_stopped(c->app);

	return err ? err : plx_port_stop(c->port->port);
}

static int run_port_reset(struct call *c)
{
	int err = need_stopped(c->app);

	return err ? err : plx_port_reset(c->port->port);
}

static int run_port_detach(struct call *c)
{
	int err = need_stopped(c->app);

	if (!err)
		port_detach(c->port);
	return err;
}

static int run_port_attach(struct call *c)
{
	const struct plx_port_config config = {0};
	int err = need_stopped(c->app);

	return err ? err : port_attach(c->app, c->params[0], &config);
}

static int run_port_mtu(struct call *c)
{
	struct plx_port *port = c->port->port;
	unsigned long mtu;
	bool started = plx_port_state(port) == PLX_PORT_STARTED;
	int again, err = parse_number(c->params[0], 1, UINT16_MAX, &mtu);

	if (!err)
		err = need_stopped(c->app);
	if (err)
		return err;
	plx_port_stop(port);
	err = plx_port_set_mtu(port, (uint16_t)mtu);
	again = started ? plx_port_start(port) : 0;
	return err ? err : again;
}

/* Open the port again with one number of its configuration changed; on failure with the old one. */
static int reconfigure(struct call *c, uint16_t *field, uint16_t *twin, unsigned long max)
{
	const struct plx_port_config old = c->port->config;
	unsigned long value;
	int err = parse_number(c->params[0], 1, max, &value);

	if (!err)
		err = need_stopped(c->app);
	if (err)
		return err;
	*field = (uint16_t)value;
	if (twin)
		*twin = (uint16_t)value;
	err = port_reopen(c->app, c->port);
	if (!err)
		return 0;
	c->port->config = old;
	if (port_reopen(c->app, c->port))
		printf("port %u is closed now\n", c->id);
	return err;
}

static int run_config_queues(struct call *c)
{
	return reconfigure(c, &c->port->config.rx_queues, &c->port->config.tx_queues, QUEUES_MAX);
}

static int run_config_rxq(struct call *c)
{
	return reconfigure(c, &c->port->config.rx_queues, NULL, QUEUES_MAX);
}

static int run_config_txq(struct call *c)
{
	return reconfigure(c, &c->port->config.tx_queues, NULL, QUEUES_MAX);
}

static int run_config_rxd(struct call *c)
{
	return reconfigure(c, &c->port->config.rx_descs, NULL, UINT16_MAX);
}

static int run_config_txd(struct call *c)
{
	return reconfigure(c, &c->port->config.tx_descs, NULL, UINT16_MAX);
}

/* "all", "none", or types with commas between them. */
static int run_config_rss(struct call *c)
{
	struct plx_port_rss rss;
	char *copy, *rest, *word;
	int err = plx_port_rss_get(c->port->port, &rss);

	if (err)
		return err;
	rss.types = strcmp(c->params[0], "all") ? 0 : plx_port_info(c->port->port)->rss_types;
	if (strcmp(c->params[0], "all") == 0 || strcmp(c->params[0], "none") == 0)
		return plx_port_rss_set(c->port->port, &rss);
	copy = strdup(c->params[0]);
	for (rest = copy; !err && (word = strsep(&rest, ","));) {
		unsigned int bit = 0;

		while (plx_rss_type_name(bit) && strcmp(plx_rss_type_name(bit), word))
			bit++;
		if (plx_rss_type_name(bit))
			rss.types |= 1u << bit;
		else
			err = -EINVAL;
	}
	free(copy);
	return err ? err : plx_port_rss_set(c->port->port, &rss);
}

/* With the port stopped meanwhile. */
static int switch_offload(struct call *c, uint64_t offload, bool on)
{
	struct plx_port *port = c->port->port;
	uint64_t offloads = plx_port_info(port)->offloads;
	bool started = plx_port_state(port) == PLX_PORT_STARTED;
	int again, err = need_stopped(c->app);

	if (err)
		return err;
	plx_port_stop(port);
	err = plx_port_set_offloads(port, on ? offloads | offload : offloads & ~offload);
	again = started ? plx_port_start(port) : 0;
	return err ? err : again;
}

static int run_config_offload(struct call *c)
{
	static const struct {
		const char *name;
		uint64_t bit;
	} names[] = {
		{"rx_csum", PLX_PORT_HAS(RX_CSUM)},
		{"tx_ip_csum", PLX_PORT_HAS(TX_IP_CSUM)},
		{"tx_l4_csum", PLX_PORT_HAS(TX_L4_CSUM)},
		{"tso", PLX_PORT_HAS(TSO)},
		{"lro", PLX_PORT_HAS(LRO)},
		{"vlan_filter", PLX_PORT_HAS(VLAN_FILTER)},
		{"vlan_strip", PLX_PORT_HAS(VLAN_STRIP)},
		{"vlan_insert", PLX_PORT_HAS(VLAN_INSERT)},
		{"rss_hash", PLX_PORT_HAS(RSS_HASH)},
	};
	bool on;
	unsigned int i;
	int err = parse_on(c->params[1], &on);

	if (err)
		return err;
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i].name, c->params[0]) == 0)
			return switch_offload(c, names[i].bit, on);
	printf("%s: no such offload\n", c->params[0]);
	return -EINVAL;
}

static int queue_call(struct call *c, int (*rx)(struct plx_rxq *), int (*tx)(struct plx_txq *))
{
	unsigned long queue;
	int err = parse_number(c->params[0], 0, QUEUES_MAX - 1, &queue);
	struct plx_rxq *rxq;
	struct plx_txq *txq;

	if (!err)
		err = need_stopped(c->app);
	if (err)
		return err;
	rxq = plx_port_rxq(c->port->port, (uint16_t)queue);
	txq = plx_port_txq(c->port->port, (uint16_t)queue);
	if (rx ? !rxq : !txq)
		return -EINVAL;
	return rx ? rx(rxq) : tx(txq);
}

static int run_rxq_start(struct call *c)
{
	return queue_call(c, plx_rxq_start, NULL);
}

static int run_rxq_stop(struct call *c)
{
	return queue_call(c, plx_rxq_stop, NULL);
}

static int run_txq_start(struct call *c)
{
	return queue_call(c, NULL, plx_txq_start);
}

static int run_txq_stop(struct call *c)
{
	return queue_call(c, NULL, plx_txq_stop);
}

/* --- Addresses, VLANs, capture -------------------------------------------------------------- */

static int run_mac_add(struct call *c)
{
	struct ether_addr mac;
	int err = parse_mac(c->params[0], &mac);

	return err ? err : plx_port_mac_add(c->port->port, mac.ether_addr_octet);
}

static int run_mac_remove(struct call *c)
{
	struct ether_addr mac;
	int err = parse_mac(c->params[0], &mac);

	return err ? err : plx_port_mac_remove(c->port->port, mac.ether_addr_octet);
}

static int run_mac_set(struct call *c)
{
	struct ether_addr mac;
	int err = parse_mac(c->params[0], &mac);

	return err ? err : plx_port_set_mac(c->port->port, mac.ether_addr_octet);
}

/* "all", or one VLAN. */
static int each_vlan(struct call *c, int (*change)(struct plx_port *port, uint16_t vlan))
{
	unsigned long vlan;
	int err = 0;

	if (strcmp(c->params[0], "all")) {
		err = parse_number(c->params[0], 0, PLX_VLAN_COUNT - 2, &vlan);
		return err ? err : change(c->port->port, (uint16_t)vlan);
	}
	for (vlan = 0; !err && vlan < PLX_VLAN_COUNT - 1; vlan++) {
		err = change(c->port->port, (uint16_t)vlan);
		/* Those that are as they shall be already. */
		if (err == -EEXIST || err == -ENOENT)
			err = 0;
	}
	return err;
}

static int run_vlan_add(struct call *c)
{
	return each_vlan(c, plx_port_vlan_add);
}

static int run_vlan_remove(struct call *c)
{
	return each_vlan(c, plx_port_vlan_remove);
}

static int run_vlan_strip(struct call *c)
{
	bool on;
	int err = parse_on(c->params[0], &on);

	return err ? err : switch_offload(c, PLX_PORT_HAS(VLAN_STRIP), on);
}

static int run_vlan_filter(struct call *c)
{
	bool on;
	int err = parse_on(c->params[0], &on);

	return err ? err : switch_offload(c, PLX_PORT_HAS(VLAN_FILTER), on);
}

static int run_tx_vlan_set(struct call *c)
{
	unsigned long vlan;
	int err = parse_number(c->params[0], 1, PLX_VLAN_COUNT - 2, &vlan);

	if (!err)
		err = switch_offload(c, PLX_PORT_HAS(VLAN_INSERT), true);
	if (!err)
		c->port->tx_vlan = (uint16_t)vlan;
	return err;
}

static int run_tx_vlan_reset(struct call *c)
{
	int err = switch_offload(c, PLX_PORT_HAS(VLAN_INSERT), false);

	if (!err)
		c->port->tx_vlan = 0;
	return err;
}

static int run_capture_start(struct call *c)
{
	return capture_start(c->app, c->id, QUEUES_MAX, c->params[0]);
}

static int run_capture_queue(struct call *c)
{
	unsigned long queue;
	int err = parse_number(c->params[0], 0, QUEUES_MAX - 1, &queue);

	return err ? err : capture_start(c->app, c->id, (unsigned int)queue, c->params[1]);
}

static int run_capture_all(struct call *c)
{
	return capture_start(c->app, PORTS_MAX, QUEUES_MAX, c->params[0]);
}

static int run_capture_stop(struct call *c)
{
	return capture_stop(c->app);
}

static int run_help(struct call *c);

/* --- Table ---------------------------------------------------------------------------------- */

const struct command commands[] = {
	{"help", "this", run_help},
	{"start", "forward", run_start},
	{"start tx_first", "send a burst on each queue, then forward", run_tx_first},
	{"start tx_first N", "send N bursts first", run_tx_first},
	{"stop", "stop forwarding", run_stop},
	{"quit", "close all, leave", run_quit},
	{"wait SECONDS", "for scripts", run_wait},
	{"show port info PORT", "what a port is", run_show_info},
	{"show port stats PORT", "packets, bytes, errors", run_show_stats},
	{"show port xstats PORT", "the driver's counters", run_show_xstats},
	{"show port features PORT", "what it can", run_show_port_features},
	{"show port macs PORT", "addresses received", run_show_macs},
	{"show port rss PORT", "types, key, table", run_show_rss},
	{"show port regs PORT", "registers", run_show_regs},
	{"show port summary all", "a line for each", run_show_summary},
	{"show features all", "driver x feature", run_show_features},
	{"show fwd stats all", "packets by stream", run_show_forwarding},
	{"show port PORT rxq QUEUE desc OFFSET status", "unused, device, done", run_rx_desc},
	{"show port PORT txq QUEUE desc OFFSET status", "unused, device, done", run_tx_desc},
	{"clear port stats PORT", "count from here", run_clear_stats},
	{"clear port xstats PORT", "", run_clear_xstats},
	{"clear fwd stats all", "", run_clear_forwarding},
	{"set fwd MODE", "io, mac, macswap, rxonly, txonly, flowgen, csum, icmpecho, 5tswap",
	 run_set_fwd},
	{"set burst N", "packets per burst", run_set_burst},
	{"set promisc PORT ON", "receive everything", run_set_promisc},
	{"set allmulti PORT ON", "receive all multicast", run_set_allmulti},
	{"set verbose LEVEL", "1: a line for each packet received; 2: and its bytes",
	 run_set_verbose},
	{"set txpkts LENGTHS", "bytes of each segment, such as 64 or 128,1000", run_set_txpkts},
	{"port start PORT", "", run_port_start},
	{"port stop PORT", "", run_port_stop},
	{"port reset PORT", "bring it back", run_port_reset},
	{"port close PORT", "as detach", run_port_detach},
	{"port attach SPEC", "one more port", run_port_attach},
	{"port detach PORT", "close it", run_port_detach},
	{"port config mtu PORT MTU", "", run_port_mtu},
	{"port config PORT queues N", "rx and tx queues; opens it again", run_config_queues},
	{"port config PORT rxq N", "rx queues; opens it again", run_config_rxq},
	{"port config PORT txq N", "tx queues; opens it again", run_config_txq},
	{"port config PORT rxd N", "rx descriptors; opens it again", run_config_rxd},
	{"port config PORT txd N", "tx descriptors; opens it again", run_config_txd},
	{"port config PORT rss TYPES", "all, none, or ipv4,ipv4-tcp,...", run_config_rss},
	{"port config PORT offload NAME ON",
	 "rx_csum, tx_ip_csum, tx_l4_csum, tso, lro, vlan_filter, vlan_strip, vlan_insert, "
	 "rss_hash",
	 run_config_offload},
	{"port PORT rxq QUEUE start", "", run_rxq_start},
	{"port PORT rxq QUEUE stop", "", run_rxq_stop},
	{"port PORT txq QUEUE start", "", run_txq_start},
	{"port PORT txq QUEUE stop", "", run_txq_stop},
	{"mac_addr add PORT MAC", "receive for it too", run_mac_add},
	{"mac_addr remove PORT MAC", "", run_mac_remove},
	{"mac_addr set PORT MAC", "the port's own", run_mac_set},
	{"rx_vlan add VLAN PORT", "receive it while the filter is on; or all", run_vlan_add},
	{"rx_vlan rm VLAN PORT", "", run_vlan_remove},
	{"vlan set strip ON PORT", "take tags out of what is received", run_vlan_strip},
	{"vlan set filter ON PORT", "receive the tagged frames of listed VLANs only",
	 run_vlan_filter},
	{"tx_vlan set PORT VLAN", "put a tag into all that is sent", run_tx_vlan_set},
	{"tx_vlan reset PORT", "", run_tx_vlan_reset},
	{"capture start PORT FILE", "packets of a port into a pcapng file", run_capture_start},
	{"capture queue PORT QUEUE FILE", "packets of one queue", run_capture_queue},
	{"capture all FILE", "packets of all ports", run_capture_all},
	{"capture stop", "close the file", run_capture_stop},
};
const unsigned int command_count = sizeof(commands) / sizeof(commands[0]);

static int run_help(struct call *c)
{
	unsigned int i;

	for (i = 0; i < command_count; i++)
		printf("%-46s %s\n", commands[i].pattern, commands[i].help);
	return 0;
}
