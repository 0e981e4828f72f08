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

int port_attach(struct app *app, const char *spec, const struct plx_port_config *config)
{
	struct test_port *p = &app->ports[app->port_count];
	int err;

	if (app->port_count == PORTS_MAX) {
		printf("%u ports are the most\n", PORTS_MAX);
		return -ENOSPC;
	}
	*p = (struct test_port){.config = *config};
	snprintf(p->spec, sizeof(p->spec), "%s", spec);
	p->config.pool = app->pool;
	p->config.tag = (uint16_t)app->port_count;
	p->port = plx_port_open(spec, &p->config);
	if (!p->port)
		return -errno;
	err = plx_port_start(p->port);
	if (err) {
		port_detach(p);
		return err;
	}
	printf("port %u: %s\n", app->port_count++, spec);
	return 0;
}

int port_reopen(struct app *app, struct test_port *p)
{
	plx_port_close(p->port);
	p->port = plx_port_open(p->spec, &p->config);
	p->cleared = (struct plx_port_stats){0};
	return p->port ? plx_port_start(p->port) : -errno;
}

void port_detach(struct test_port *p)
{
	plx_port_close(p->port);
	p->port = NULL;
}

static void print_events(unsigned int id, struct test_port *p, unsigned int events)
{
	struct plx_port_link link;

	if ((events & PLX_PORT_EVENT_LINK) && plx_port_link(p->port, &link) == 0)
		printf("port %u: link %s\n", id, link.up ? "up" : "down");
	if (events & PLX_PORT_EVENT_BROKEN)
		printf("port %u: broken; stop, port reset %u, start\n", id, id);
	if (events & PLX_PORT_EVENT_ERROR)
		printf("port %u: bus error; stop, port reset %u, start\n", id, id);
	if (events & PLX_PORT_EVENT_REMOVE)
		printf("port %u: the device was removed; stop, port detach %u\n", id, id);
	if (events & PLX_PORT_EVENT_ANNOUNCE)
		printf("port %u: asked to announce itself\n", id);
}

void ports_events(struct app *app)
{
	unsigned int i;

	for (i = 0; i < app->port_count; i++)
		if (app->ports[i].port)
			print_events(i, &app->ports[i], plx_port_events(app->ports[i].port));
}
