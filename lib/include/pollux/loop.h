/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux control loop: file descriptors and alarms, for what is not worth a polling lcore.
 *
 *	static void link_changed(int fd, uint32_t events, void *arg) { ... plx_port_events(arg) ...
 *}
 *
 *	struct plx_watch *watch;
 *	int err = plx_watch_fd(plx_port_event_fd(port), EPOLLIN, link_changed, port, &watch);
 *	...
 *	plx_unwatch(watch);
 *	plx_port_close(port);
 *
 * One thread, "plx-control", sleeps in epoll_wait(2). It starts with the first watch, and runs on
 * the CPUs of the process that are no lcores (on all of them, if none is left).
 *
 * Thread rules: all functions may be called from any thread between plx_eal_init() and
 * plx_eal_fini(), callbacks included. Callbacks run on the control thread, one at a time and never
 * at once; they may use the control path of the whole SDK, and whoever blocks in one holds up all
 * others, telemetry too. Since 0.1.
 */
#ifndef POLLUX_LOOP_H
#define POLLUX_LOOP_H

#include <sys/epoll.h>

#include <pollux/common.h>

PLX_BEGIN_DECLS

/** A file descriptor that is watched, or an alarm that is set. */
struct plx_watch;

/** fd is -1 for an alarm; events are those of epoll(7), 0 for an alarm. */
typedef void (*plx_watch_fn_t)(int fd, uint32_t events, void *arg);

/**
 * Call fn whenever fd is ready (level-triggered). The fd stays the caller's, and must stay open
 * until plx_unwatch() has returned.
 * @events: EPOLLIN, EPOLLOUT, ...; errors and hang-ups are always reported
 * Return: 0 with *watch set; -EINVAL (no fn), -EEXIST (watched already), -EPERM (a file that
 * cannot be waited for), -ENODEV (no EAL), -EMFILE, -ENOMEM, -EAGAIN (no thread to be had).
 */
PLX_API int plx_watch_fd(int fd, uint32_t events, plx_watch_fn_t fn, void *arg,
			 struct plx_watch **watch);
/**
 * Call fn in after_us microseconds (at least 1 is waited), and then each every_us; 0: once only.
 * Periods that passed while the loop was busy are skipped. Clock steps do not matter.
 * Return: as plx_watch_fd().
 */
PLX_API int plx_alarm(uint64_t after_us, uint64_t every_us, plx_watch_fn_t fn, void *arg,
		      struct plx_watch **alarm);
/**
 * End a watch or an alarm, also one that has fired for the last time; NULL is allowed. When it
 * returns fn is not running and will not run any more; called from that very fn, it returns at once
 * and the fn ends as usual.
 */
PLX_API void plx_unwatch(struct plx_watch *watch);

PLX_END_DECLS

#endif /* POLLUX_LOOP_H */
