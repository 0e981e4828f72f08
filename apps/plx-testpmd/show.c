/* SPDX-License-Identifier: BSD-3-Clause */
/* What plx-testpmd prints of ports and packets. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testpmd.h"

#define MAC_FORMAT  "%02x:%02x:%02x:%02x:%02x:%02x"
#define MAC_ARGS(m) (m)[0], (m)[1], (m)[2], (m)[3], (m)[4], (m)[5]
#define DUMP_MAX    64u

static const char *const state_names[] = {
	[PLX_PORT_STOPPED] = "stopped",
	[PLX_PORT_STARTED] = "started",
	[PLX_PORT_BROKEN] = "broken",
	[PLX_PORT_GONE] = "gone",
};

static void print_features(uint64_t features)
{
	unsigned int i, column = 0;

	for (i = 0; i < PLX_PORT_FEATURE_COUNT; i++) {
		if (!(features >> i & 1))
			continue;
		printf("%s%s", column == 0 ? "    " : ", ", plx_port_feature_name(i));
		column = (column + 1) % 5;
		if (column == 0)
			printf("\n");
	}
	printf(column ? "\n" : "");
}

void show_features(struct app *app, unsigned int id)
{
	printf("port %u:\n", id);
	print_features(plx_port_info(app->ports[id].port)->features);
}

void show_info(struct app *app, unsigned int id)
{
	struct plx_port *port = app->ports[id].port;
	const struct plx_port_info *info = plx_port_info(port);
	struct plx_port_link link = {0};

	plx_port_link(port, &link);
	printf("port %u: %s, driver %s, %s\n", id, info->name, info->driver,
	       state_names[plx_port_state(port)]);
	printf("  MAC address " MAC_FORMAT ", MTU %u (%u to %u)\n", MAC_ARGS(info->mac), info->mtu,
	       info->mtu_min, info->mtu_max);
	printf("  link %s, %u Mbit/s, %s duplex\n", link.up ? "up" : "down", link.speed_mbps,
	       link.full_duplex ? "full" : "half");
	printf("  rx queues %u of %u, %u descriptors; tx queues %u of %u, %u descriptors (%u to "
	       "%u)\n",
	       info->rx_queues, info->rx_queues_max, info->rx_descs, info->tx_queues,
	       info->tx_queues_max, info->tx_descs, info->descs_min, info->descs_max);
	printf("  tx segments %u, MAC filters %u, RSS table %u, RSS key %u bytes\n",
	       info->tx_segs_max, info->macs_max, info->rss_reta_size, info->rss_key_len);
	printf("  features:\n");
	print_features(info->features);
	printf("  offloads on:\n");
	print_features(info->offloads);
}

static void print_queue(const char *what, const struct plx_queue_stats *now,
			const struct plx_queue_stats *then)
{
	unsigned int i;

	printf("  %s: packets %" PRIu64 ", bytes %" PRIu64 ", errors %" PRIu64 ", dropped %" PRIu64
	       ", no buffers %" PRIu64,
	       what, now->packets - then->packets, now->bytes - then->bytes,
	       now->errors - then->errors, now->dropped - then->dropped,
	       now->no_buffers - then->no_buffers);
	for (i = 0; i < PLX_LIE_KINDS; i++)
		if (now->lies[i] != then->lies[i])
			printf(", lies (%s) %" PRIu64, plx_lie_name(i),
			       now->lies[i] - then->lies[i]);
	printf("\n");
}

void show_stats(struct app *app, unsigned int id)
{
	static const struct plx_queue_stats none;
	const struct plx_port_stats *cleared = &app->ports[id].cleared;
	struct plx_port *port = app->ports[id].port;
	const struct plx_port_info *info = plx_port_info(port);
	struct plx_port_stats stats;
	char name[32];
	uint16_t i;

	plx_port_stats(port, &stats);
	printf("port %u:\n", id);
	print_queue("rx", &stats.rx, &cleared->rx);
	print_queue("tx", &stats.tx, &cleared->tx);
	printf("  missed %" PRIu64 ", rx errors %" PRIu64 ", tx errors %" PRIu64 "\n",
	       stats.rx_missed - cleared->rx_missed, stats.rx_errors - cleared->rx_errors,
	       stats.tx_errors - cleared->tx_errors);
	for (i = 0; info->rx_queues > 1 && i < info->rx_queues; i++) {
		snprintf(name, sizeof(name), "rx queue %u, since open", i);
		print_queue(name, &plx_port_rxq(port, i)->stats, &none);
	}
	for (i = 0; info->tx_queues > 1 && i < info->tx_queues; i++) {
		snprintf(name, sizeof(name), "tx queue %u, since open", i);
		print_queue(name, &plx_port_txq(port, i)->stats, &none);
	}
}

void show_xstats(struct app *app, unsigned int id)
{
	struct plx_port_xstat *xstats;
	int n = port_xstats(&app->ports[id], &xstats), i;

	printf("port %u:%s\n", id, n > 0 ? "" : " none");
	for (i = 0; i < n; i++)
		printf("  %s: %" PRIu64 "\n", xstats[i].name, xstats[i].value);
	free(xstats);
}

void show_summary(struct app *app)
{
	unsigned int id;

	printf("%-4s %-24s %-9s %-17s %-5s %-8s %s\n", "port", "device", "driver", "MAC address",
	       "link", "state", "queues");
	for (id = 0; id < app->port_count; id++) {
		struct plx_port *port = app->ports[id].port;
		const struct plx_port_info *info;
		struct plx_port_link link = {0};

		if (!port)
			continue;
		info = plx_port_info(port);
		plx_port_link(port, &link);
		printf("%-4u %-24.24s %-9s " MAC_FORMAT " %-5s %-8s %u/%u\n", id, info->name,
		       info->driver, MAC_ARGS(info->mac), link.up ? "up" : "down",
		       state_names[plx_port_state(port)], info->rx_queues, info->tx_queues);
	}
}

void show_macs(struct app *app, unsigned int id)
{
	uint8_t macs[PLX_PORT_MACS_MAX][PLX_ETH_ALEN];
	int n = plx_port_macs(app->ports[id].port, macs, PLX_PORT_MACS_MAX), i;

	printf("port %u: %d addresses beside its own\n", id, n);
	for (i = 0; i < n; i++)
		printf("  " MAC_FORMAT "\n", MAC_ARGS(macs[i]));
}

void show_rss(struct app *app, unsigned int id)
{
	const struct plx_port_info *info = plx_port_info(app->ports[id].port);
	struct plx_port_rss rss;
	unsigned int i;

	if (plx_port_rss_get(app->ports[id].port, &rss)) {
		printf("port %u: no RSS\n", id);
		return;
	}
	printf("port %u: types", id);
	for (i = 0; plx_rss_type_name(i); i++)
		if (rss.types >> i & 1)
			printf(" %s", plx_rss_type_name(i));
	printf("\n  key ");
	for (i = 0; i < info->rss_key_len; i++)
		printf("%02x", rss.key[i]);
	printf("\n  table");
	for (i = 0; i < info->rss_reta_size; i++)
		printf("%s%u", i % 32 ? " " : "\n    ", rss.reta[i]);
	printf("\n");
}

void show_regs(struct app *app, unsigned int id)
{
	struct plx_port *port = app->ports[id].port;
	int n = plx_port_regs(port, NULL, 0), i;
	struct plx_port_reg *regs = n > 0 ? calloc((size_t)n, sizeof(*regs)) : NULL;

	printf("port %u:%s\n", id, regs ? "" : " none");
	if (regs)
		n = plx_port_regs(port, regs, (unsigned int)n);
	for (i = 0; regs && i < n; i++)
		printf("  %05x %-24s 0x%0*" PRIx64 "\n", regs[i].offset, regs[i].name,
		       2 * regs[i].bytes, regs[i].value);
	free(regs);
}

void show_forwarding(struct app *app)
{
	unsigned int i;

	printf("mode %s, burst %u, %s\n", app->mode->name, app->burst,
	       app->running ? "running" : "stopped");
	for (i = 0; i < app->stream_count; i++) {
		const struct stream *s = &app->streams[i];

		printf("  port %u queue %u -> port %u: rx %" PRIu64 ", tx %" PRIu64
		       ", dropped %" PRIu64 ", %" PRIu64 " bursts\n",
		       s->rx_port, s->queue, s->tx_port, s->rx, s->tx, s->dropped, s->bursts);
	}
}

/* Markdown, as it is kept in drivers/net/README.md. */
void show_matrix(void)
{
	uint64_t features;
	const char *name;
	unsigned int d, i;

	printf("| feature |");
	for (d = 0; (name = plx_net_driver_get(d, &features)); d++)
		printf(" %s |", name);
	printf("\n|---|");
	for (i = 0; i < d; i++)
		printf("---|");
	printf("\n");
	for (i = 0; i < PLX_PORT_FEATURE_COUNT; i++) {
		printf("| %s |", plx_port_feature_name(i));
		for (d = 0; plx_net_driver_get(d, &features); d++)
			printf(" %s |", features >> i & 1 ? "yes" : "");
		printf("\n");
	}
}

static void dump(const struct plx_pktbuf *p)
{
	const uint8_t *data = plx_pktbuf_data(p);
	unsigned int i, n = p->len < DUMP_MAX ? p->len : DUMP_MAX;

	for (i = 0; i < n; i++)
		printf("%s%02x", i % 16 ? " " : "\n    ", data[i]);
	printf("\n");
}

void show_packets(const struct app *app, unsigned int port, struct plx_pktbuf *const *pkts,
		  unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		const struct plx_pktbuf *p = pkts[i];
		const uint8_t *data = plx_pktbuf_data(p);

		if (p->len < 14)
			continue;
		printf("port %u: " MAC_FORMAT " -> " MAC_FORMAT " type 0x%02x%02x, %u bytes in %u, "
		       "flags 0x%x\n",
		       port, MAC_ARGS(data + 6), MAC_ARGS(data), data[12], data[13], p->pkt_len,
		       p->nsegs, p->flags);
		if (app->verbose > 1)
			dump(p);
	}
}
