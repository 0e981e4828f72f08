/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux telemetry: every statistic of a process as one JSON document, and where others find it.
 *
 * A process whose EAL was given a name (plx_eal_config.name, --name) has a run directory,
 *
 *	/run/pollux/NAME/		of root; of others $XDG_RUNTIME_DIR/pollux/NAME/
 *		lock			held as long as the process lives
 *		stats			unix socket: connect, read the document until its end
 *		memory			unix socket of <pollux/peer.h>
 *
 * with mode 0700, its files with 0600. Names are looked up without following symbolic links. What a
 * process that died has left is cleaned up by the next one of that name. `plx-top` shows the
 * documents of all processes; so does
 *
 *	socat - UNIX:/run/pollux/NAME/stats | jq .ports
 *
 * The document is an object: version, pid, name, uptime_s; lcores, mempools, address_spaces, ports,
 * controllers: arrays of objects, each with a name; memory: an object. Counters are sums since open
 * and only grow; members are added but not renamed within a major version.
 *
 * Thread rules: any thread; control path (locks, allocates, reads device registers). Since 0.1.
 */
#ifndef POLLUX_TELEMETRY_H
#define POLLUX_TELEMETRY_H

#include <pollux/common.h>

PLX_BEGIN_DECLS

/** The longest name of a process, with its end. */
#define PLX_NAME_LEN 33

/**
 * The document of this process, to be freed by the caller.
 * Return: NULL with errno ENODEV (no EAL) or ENOMEM.
 */
PLX_API char *plx_telemetry_json(void);

/**
 * The document of the process with this name; *json is to be freed by the caller. Needs no EAL.
 * Return: 0; -EINVAL (no such name can be), -ENOENT (there is no such process, or it has ended),
 * -EACCES (it is another user's), -ELOOP (a symbolic link where a directory should be), -ETIMEDOUT
 * (it does not answer within 5 s), -EMSGSIZE (more than 64 MiB).
 */
PLX_API int plx_telemetry_read(const char *name, char **json);

/**
 * Call fn with the name of each process of this user that is running, until it returns non-zero.
 * Return: what fn returned last, or 0; -EACCES and others, if the run directory cannot be read.
 */
PLX_API int plx_telemetry_list(int (*fn)(const char *name, void *arg), void *arg);

PLX_END_DECLS

#endif /* POLLUX_TELEMETRY_H */
