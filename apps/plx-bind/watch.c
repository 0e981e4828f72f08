/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-bind watch: a line for each PCI device that comes, goes, or changes hands. */
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/hotplug.h>

#include "plx-bind.h"

static volatile sig_atomic_t ended;

static void on_signal(int number)
{
	ended = number;
}

static void print_event(const struct plx_hotplug_event *e, const struct options *options)
{
	const char *kind = plx_hotplug_kind_name(e->kind);
	char bdf[PLX_PCI_BDF_LEN];

	plx_pci_bdf(&e->addr, bdf);
	if (options->json)
		printf("{\"event\":\"%s\",\"device\":\"%s\",\"driver\":\"%s\"}\n", kind, bdf,
		       e->driver);
	else
		printf("%-6s %s%s%s\n", kind, bdf, e->driver[0] ? " " : "", e->driver);
}

static int print_all(struct plx_hotplug *hotplug, const struct options *options)
{
	struct plx_hotplug_event e;
	int ret;

	while ((ret = plx_hotplug_next(hotplug, &e)) == 1)
		print_event(&e, options);
	if (ret == -EOVERFLOW) {
		fprintf(stderr, "plx-bind: events were lost; see `plx-bind status`\n");
		ret = 0;
	}
	return fflush(stdout) || ferror(stdout) ? -EIO : ret;
}

int watch_run(const struct options *options)
{
	struct sigaction action = {.sa_handler = on_signal};
	struct plx_hotplug *hotplug = plx_hotplug_open();
	struct pollfd wait = {.events = POLLIN};
	int err = 0;

	if (!hotplug)
		return EXIT_FAILURE;
	sigaction(SIGINT, &action, NULL);
	sigaction(SIGTERM, &action, NULL);
	wait.fd = plx_hotplug_fd(hotplug);
	fprintf(stderr, "plx-bind: watching\n");
	while (!ended && !err) {
		if (poll(&wait, 1, -1) > 0)
			err = print_all(hotplug, options);
		else if (errno != EINTR)
			err = -errno;
	}
	plx_hotplug_close(hotplug);
	if (err)
		fprintf(stderr, "plx-bind: watching ends: %s\n", strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
