/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux hotplug: PCI devices that come, go, and change hands, as the kernel announces them.
 *
 *	static void on_hotplug(int fd, uint32_t events, void *arg)
 *	{
 *		struct plx_hotplug_event e;
 *
 *		while (plx_hotplug_next(arg, &e) == 1)
 *			if (e.kind == PLX_HOTPLUG_BIND && strcmp(e.driver, "vfio-pci") == 0)
 *				... plx_port_open(), on this thread or another ...
 *	}
 *
 *	struct plx_hotplug *h = plx_hotplug_open();
 *	plx_watch_fd(plx_hotplug_fd(h), EPOLLIN, on_hotplug, h, &watch);
 *
 * Ports and controllers may be opened and closed at any time: that is attaching and detaching. A
 * device in use is not taken away by surprise where the kernel can ask first: its own event
 * (<pollux/vfio.h>, PLX_DEV_EVENT_REMOVE) says so, and the removal waits until it is closed. Where
 * it was pulled out, its registers read all ones, and no access ends the process.
 *
 * Thread rules: a handle belongs to one thread at a time; needs no EAL. Since 0.1.
 */
#ifndef POLLUX_HOTPLUG_H
#define POLLUX_HOTPLUG_H

#include <pollux/pci.h>

PLX_BEGIN_DECLS

struct plx_hotplug;

enum plx_hotplug_kind {
	PLX_HOTPLUG_ADD,    /**< is there; no driver has it yet */
	PLX_HOTPLUG_REMOVE, /**< is gone */
	PLX_HOTPLUG_BIND,   /**< has got a driver */
	PLX_HOTPLUG_UNBIND, /**< has lost its driver */
};

struct plx_hotplug_event {
	enum plx_hotplug_kind kind;
	struct plx_pci_addr addr;
	char driver[64]; /**< of a bind; else "" */
};

/**
 * Listen from now on: look at what is there by plx_pci_scan() after, not before.
 * Return: NULL with errno of socket(2) or bind(2), logged.
 */
PLX_API struct plx_hotplug *plx_hotplug_open(void);
/** NULL is allowed. */
PLX_API void plx_hotplug_close(struct plx_hotplug *hotplug);
/** Readable when there is an event; owned by the handle. */
PLX_API int plx_hotplug_fd(const struct plx_hotplug *hotplug);
/**
 * The next event; never blocks. Only what the kernel itself sends about PCI devices is taken.
 * Return: 1; 0 (none); -EOVERFLOW (events were lost: look at what is there), or else.
 */
PLX_API int plx_hotplug_next(struct plx_hotplug *hotplug, struct plx_hotplug_event *event);
/** "add", "remove", "bind", "unbind". */
PLX_API const char *plx_hotplug_kind_name(enum plx_hotplug_kind kind);

PLX_END_DECLS

#endif /* POLLUX_HOTPLUG_H */
