/* SPDX-License-Identifier: BSD-3-Clause */
/* What forwarding apps do about a port that is broken: reset it, also again and again. */
#ifndef POLLUX_APPS_RECOVER_H
#define POLLUX_APPS_RECOVER_H

#include <stdint.h>

#include <pollux/net.h>

/** One for each port, zeroed. */
struct app_recovery {
	uint64_t due_ns;    /**< when to try again; 0: nothing to do */
	unsigned int tries; /**< that have failed, in a row */
	bool away;	    /**< its other end is, and that was said */
};

/**
 * Reset a port; nobody may poll it meanwhile. What becomes of it is said on stderr, behind name
 * ("plx-l2fwd: port 0"). One whose other end is away is tried again for ever, any other five times.
 * Return: 0; -EAGAIN: again when app_recovery_due(); else the port is lost.
 */
int app_recover(struct app_recovery *r, struct plx_port *port, const char *name);
/** Is it time for that? events: what plx_port_events() has said just now. */
bool app_recovery_due(const struct app_recovery *r, unsigned int events);

#endif /* POLLUX_APPS_RECOVER_H */
