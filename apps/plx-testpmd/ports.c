/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-testpmd's ports: attach, detach, open again with another configuration, events. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "testpmd.h"

struct test_port *port_find(struct app *app, const char *id)
{
	char *end;
	unsigned long i = strtoul(id, &end, 10);

	if (end != id && !*end && i < app->port_count && app->ports[i].port)
		return &app->ports[i];
	printf("%s: no such port\n", id);
	return NULL;
}

/* The first slot that is free. */
static struct test_port *free_slot(struct app *app)
{
	unsigned int i;

	for (i = 0; i < PORTS_MAX; i++)
		if (!app->ports[i].port)
			return &app->ports[i];
	printf("%u ports are the most\n", PORTS_MAX);
	return NULL;
}

int port_attach(struct app *app, const char *spec, const struct plx_port_config *config)
{
	struct test_port *p = free_slot(app);
	unsigned int id;
	int err;

	if (!p)
		return -ENOSPC;
	id = (unsigned int)(p - app->ports);
	*p = (struct test_port){.config = *config};
	snprintf(p->spec, sizeof(p->spec), "%s", spec);
	p->config.pool = app->pool;
	p->config.tag = (uint16_t)id;
	p->port = plx_port_open(spec, &p->config);
	if (!p->port)
		return -errno;
	err = plx_port_start(p->port);
	if (err) {
		port_detach(p);
		return err;
	}
	if (id >= app->port_count)
		app->port_count = id + 1;
	printf("port %u: %s\n", id, spec);
	return 0;
}

static void forget_xstats(struct test_port *p)
{
	free(p->xstats_cleared);
	p->xstats_cleared = NULL;
	p->xstats = 0;
}

int port_reopen(struct app *app, struct test_port *p)
{
	plx_port_close(p->port);
	p->port = plx_port_open(p->spec, &p->config);
	p->cleared = (struct plx_port_stats){0};
	forget_xstats(p);
	return p->port ? plx_port_start(p->port) : -errno;
}

void port_detach(struct test_port *p)
{
	plx_port_close(p->port);
	p->port = NULL;
	p->tx_vlan = 0;
	forget_xstats(p);
}

/* All there are now, as they are. */
static int read_xstats(const struct test_port *p, struct plx_port_xstat **xstats)
{
	int n = plx_port_xstats(p->port, NULL, 0);

	*xstats = n > 0 ? calloc((size_t)n, sizeof(**xstats)) : NULL;
	if (n > 0 && !*xstats)
		return -ENOMEM;
	return n > 0 ? plx_port_xstats(p->port, *xstats, (unsigned int)n) : n;
}

int port_xstats(const struct test_port *p, struct plx_port_xstat **xstats)
{
	int n = read_xstats(p, xstats), i;

	for (i = 0; i < n && (unsigned int)i < p->xstats; i++)
		(*xstats)[i].value -= p->xstats_cleared[i];
	return n;
}

int port_clear_xstats(struct test_port *p)
{
	struct plx_port_xstat *xstats;
	int n = read_xstats(p, &xstats), i;

	forget_xstats(p);
	if (n > 0)
		p->xstats_cleared = calloc((size_t)n, sizeof(*p->xstats_cleared));
	if (n > 0 && !p->xstats_cleared)
		n = -ENOMEM;
	for (i = 0; i < n; i++)
		p->xstats_cleared[i] = xstats[i].value;
	p->xstats = n > 0 ? (unsigned int)n : 0;
	free(xstats);
	return n < 0 ? n : 0;
}

static void handle_events(struct app *app, unsigned int id, unsigned int events)
{
	struct test_port *p = &app->ports[id];
	struct plx_port_link link;

	if ((events & PLX_PORT_EVENT_LINK) && plx_port_link(p->port, &link) == 0)
		printf("port %u: link %s\n", id, link.up ? "up" : "down");
	if (events & PLX_PORT_EVENT_BROKEN)
		printf("port %u: broken; stop, port reset %u, start\n", id, id);
	if (events & PLX_PORT_EVENT_ERROR)
		printf("port %u: bus error; stop, port reset %u, start\n", id, id);
	if (events & PLX_PORT_EVENT_ANNOUNCE)
		printf("port %u: asked to announce itself\n", id);
	if ((events & PLX_PORT_EVENT_REMOVE) && app->hotplug)
		hotplug_removed(app, id);
	else if (events & PLX_PORT_EVENT_REMOVE)
		printf("port %u: the device was removed; stop, port detach %u\n", id, id);
}

void ports_events(struct app *app)
{
	unsigned int i;

	for (i = 0; i < app->port_count; i++)
		if (app->ports[i].port)
			handle_events(app, i, plx_port_events(app->ports[i].port));
	hotplug_look(app);
}
