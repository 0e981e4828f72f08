/* SPDX-License-Identifier: BSD-3-Clause */
/* Statistics on stdout: a table, or one JSON object a line. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>

#include <jansson.h>

#include "l3fwd.h"

static void table(unsigned int number, const struct port *port, const struct plx_port_stats *stats)
{
	printf("port %u, %s: rx %" PRIu64 ", tx %" PRIu64 "\n ", number,
	       plx_port_info(port->port)->name, stats->rx.packets, stats->tx.packets);
#define COUNTER_PRINT(name) printf(" " #name " %" PRIu64, port->count.name);
	COUNTERS(COUNTER_PRINT)
#undef COUNTER_PRINT
	putchar('\n');
}

static json_t *object(const struct port *port, const struct plx_port_stats *stats)
{
	json_t *o = json_pack("{s:s, s:I, s:I}", "name", plx_port_info(port->port)->name,
			      "rx_packets", (json_int_t)stats->rx.packets, "tx_packets",
			      (json_int_t)stats->tx.packets);

#define COUNTER_SET(name) json_object_set_new(o, #name, json_integer((json_int_t)port->count.name));
	COUNTERS(COUNTER_SET)
#undef COUNTER_SET
	return o;
}

int report(bool final)
{
	json_t *ports = app.options.json ? json_array() : NULL, *line;
	struct plx_port_stats stats;
	unsigned int i;

	for (i = 0; i < app.options.ports; i++) {
		if (plx_port_stats(app.ports[i].port, &stats))
			continue;
		if (ports)
			json_array_append_new(ports, object(&app.ports[i], &stats));
		else
			table(i, &app.ports[i], &stats);
	}
	if (ports) {
		line = json_pack("{s:b, s:o}", "final", (int) final, "ports", ports);
		json_dumpf(line, stdout, JSON_COMPACT);
		putchar('\n');
		json_decref(line);
	}
	if (fflush(stdout) == 0)
		return 0;
	fprintf(stderr, PREFIX "statistics cannot be written: %s\n", strerror(errno));
	return -1;
}
