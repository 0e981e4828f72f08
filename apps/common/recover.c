/* SPDX-License-Identifier: BSD-3-Clause */
/* See recover.h. */
#include "recover.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pollux/clock.h>

#define AGAIN_NS  UINT64_C(250000000)
#define TRIES_MAX 5

static int later(struct app_recovery *r)
{
	r->due_ns = plx_clock_ns() + AGAIN_NS;
	return -EAGAIN;
}

bool app_recovery_due(const struct app_recovery *r, unsigned int events)
{
	/* What a reset that failed has made the port say is known already. */
	if (r->due_ns)
		return plx_clock_ns() >= r->due_ns;
	return events & (PLX_PORT_EVENT_BROKEN | PLX_PORT_EVENT_ERROR);
}

int app_recover(struct app_recovery *r, struct plx_port *port, const char *name)
{
	int err = plx_port_reset(port);

	if (err == -EAGAIN) {
		if (!r->away)
			fprintf(stderr, "%s: its other end is away; waiting for it\n", name);
		r->away = true;
		return later(r);
	}
	if (err && err != -ENODEV && ++r->tries < TRIES_MAX)
		return later(r);
	*r = (struct app_recovery){0};
	if (err)
		fprintf(stderr, "%s: cannot be reset: %s; giving up\n", name, strerror(-err));
	else
		fprintf(stderr, "%s: was reset\n", name);
	return err;
}
