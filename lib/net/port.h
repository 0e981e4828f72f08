/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of lib/net share among themselves, beyond what drivers see (driver.h). */
#ifndef POLLUX_LIB_NET_PORT_H
#define POLLUX_LIB_NET_PORT_H

#include <pollux/net.h>

/** All bursts stand still. */
void plx_port_halt_queues(struct plx_port *port);
/** Do packets of this MTU fit the pool's buffers, or can the device scatter? 0 or -EINVAL. */
int plx_port_check_buffers(const struct plx_port *port, unsigned int mtu);

/** Put settings in force: at once if the port runs, else at its next start. */
int plx_port_settings_try(struct plx_port *port, uint64_t feature,
			  const struct plx_port_settings *settings);
/** 0, or -EINVAL/-ENOTSUP (logged): offloads that are none, or that the device has not. */
int plx_port_check_offloads(const struct plx_port *port, uint64_t offloads);
/**
 * Around calls of the driver that start, stop, reset or set up the device: nobody asks it for
 * counters from the return of the first to the call of the second.
 */
void plx_port_stats_pause(struct plx_port *port);
void plx_port_stats_resume(struct plx_port *port);
/** Show the port in telemetry, until plx_telemetry_remove(). */
void plx_port_telemetry_add(struct plx_port *port);
/** What plx_port_rss says of the time after open. */
void plx_port_rss_defaults(struct plx_port *port);

/** The event fd and what it listens to; close takes what open left, also half of it. */
int plx_port_events_open(struct plx_port *port);
void plx_port_events_close(struct plx_port *port);
/** Listen to the driver's event fd, which is a new one after a reset. */
int plx_port_events_listen(struct plx_port *port);

#endif /* POLLUX_LIB_NET_PORT_H */
