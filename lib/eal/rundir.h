/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Run directories (<pollux/telemetry.h> says what is in them): made and removed for this process,
 * looked into for others. Directories are opened one by one, never through a symbolic link, and
 * must be ours alone.
 */
#ifndef PLX_EAL_RUNDIR_H
#define PLX_EAL_RUNDIR_H

#include <sys/epoll.h>

#include <pollux/common.h>

/** Is it a name that a process may have? Letters, digits, '-', '_' and '.', not first. */
bool plx_rundir_name_ok(const char *name);

/**
 * Make the run directory of this process and lock it; whatever a dead one has left is removed.
 * Return: 0; -EINVAL (the name), -EBUSY (another process has it), or what else the system says;
 * logged.
 */
int plx_rundir_open(const char *name);
/** Remove it with all that is in it. */
void plx_rundir_close(void);
/** Is there one? */
bool plx_rundir_is_open(void);

/** A listening socket in it, mode 0600; type as for socket(2). Return: fd or -errno, logged. */
int plx_rundir_listen(const char *file, int type);
/**
 * Take a connection to such a socket. It is to be watched with PLX_RUNDIR_EVENTS, and taken from
 * until this fails: a process with no file descriptor left cannot take what waits, and would be
 * told of it for ever. Whoever waits then is taken with the next that comes, or by
 * plx_rundir_accept() at another time. Return: fd, -EAGAIN: nobody waits, or else, logged.
 */
int plx_rundir_accept(int listen_fd);
#define PLX_RUNDIR_EVENTS (EPOLLIN | EPOLLET)
/**
 * Connect to a socket of another process. Return: fd; -EINVAL, -ENOENT (no such process, or it has
 * ended), -ETIMEDOUT (it takes no connection for 5 s, and so for what is sent), -EACCES, -ELOOP;
 * not logged.
 */
int plx_rundir_connect(const char *name, const char *file, int type);
/** As plx_telemetry_list(). */
int plx_rundir_list(int (*fn)(const char *name, void *arg), void *arg);

#endif /* PLX_EAL_RUNDIR_H */
