/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-testpmd --hotplug: NICs that come are attached as soon as vfio-pci has them, those that go
 * are let go. Forwarding pauses for the moment in which the ports change.
 */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pollux/hotplug.h>

#include "testpmd.h"

#define CLASS_NETWORK 0x02 /* PCI Code and ID Assignment 1.11, 1.3 */

int hotplug_start(struct app *app, const struct plx_port_config *config)
{
	app->hotplug_config = *config;
	app->hotplug = plx_hotplug_open();
	return app->hotplug ? 0 : -errno;
}

void hotplug_stop(struct app *app)
{
	plx_hotplug_close(app->hotplug);
	app->hotplug = NULL;
}

static bool is_attached(const struct app *app, const struct plx_pci_addr *addr)
{
	struct plx_pci_addr own;
	unsigned int i;

	for (i = 0; i < app->port_count; i++)
		if (app->ports[i].port && plx_pci_parse(app->ports[i].spec, &own) == 0 &&
		    plx_pci_compare(&own, addr) == 0)
			return true;
	return false;
}

static void go_on(struct app *app)
{
	if (forward_start(app, 0))
		printf("forwarding has ended\n");
}

static int take(const struct plx_pci_device *device, void *arg)
{
	struct app *app = arg;
	bool was_running = app->running;
	char bdf[PLX_PCI_BDF_LEN];

	if (device->class_code >> 16 != CLASS_NETWORK || strcmp(device->driver, "vfio-pci") != 0 ||
	    is_attached(app, &device->addr))
		return 0;
	if (was_running)
		forward_stop(app);
	port_attach(app, plx_pci_bdf(&device->addr, bdf), &app->hotplug_config);
	if (was_running)
		go_on(app);
	return 0;
}

void hotplug_removed(struct app *app, unsigned int id)
{
	bool was_running = app->running;

	if (was_running)
		forward_stop(app);
	port_detach(&app->ports[id]);
	printf("port %u: the device was removed, and is detached\n", id);
	if (was_running)
		go_on(app);
}

void hotplug_look(struct app *app)
{
	struct plx_hotplug_event event;
	struct plx_pci_device device;
	int ret;

	if (!app->hotplug)
		return;
	while ((ret = plx_hotplug_next(app->hotplug, &event)) == 1)
		if (event.kind == PLX_HOTPLUG_BIND && plx_pci_get(&event.addr, &device) == 0)
			take(&device, app);
	/* Events were lost: what is there is there. */
	if (ret == -EOVERFLOW)
		plx_pci_scan(take, app);
}
