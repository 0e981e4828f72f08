/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: what a controller says by itself (asynchronous events: errors, health, changed
 * namespaces), and the housekeeping that an open controller wants from time to time.
 *
 *	static void on_event(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_event *event,
 *			     void *arg)
 *	{
 *		printf("%s\n", plx_nvme_event_str(event));
 *		if (event->log_page == PLX_NVME_LOG_SMART)
 *			... plx_nvme_log_get() it: only then will there be another of this type
 *	}
 *
 *	plx_nvme_events_on(ctrl, on_event, NULL);
 *	while (running) {
 *		... I/O ...
 *		plx_nvme_ctrl_poll(ctrl);	// some times a second, from any thread
 *	}
 *
 * All of it since 0.1.0.
 */
#ifndef POLLUX_NVME_EVENT_H
#define POLLUX_NVME_EVENT_H

#include <pollux/nvme.h>

PLX_BEGIN_DECLS

/** Types of event (Base 5.2.1). */
enum plx_nvme_event_type {
	PLX_NVME_EVENT_ERROR = 0,
	PLX_NVME_EVENT_HEALTH = 1,
	PLX_NVME_EVENT_NOTICE = 2,
	PLX_NVME_EVENT_COMMAND_SET = 6,
	PLX_NVME_EVENT_VENDOR = 7,
};

/** plx_nvme_event.info of a notice. */
enum plx_nvme_event_notice {
	PLX_NVME_NOTICE_NAMESPACES = 0, /**< the list of active namespaces, or what one is */
	PLX_NVME_NOTICE_FIRMWARE = 1,	/**< firmware activation starts */
};

struct plx_nvme_event {
	uint8_t type;	  /**< enum plx_nvme_event_type; others as the controller gave them */
	uint8_t info;	  /**< depends on the type: plx_nvme_event_str() */
	uint8_t log_page; /**< that tells more; reading it lets the next event of this type come */
	/**
	 * PLX_NVME_NOTICE_NAMESPACES: which ones changed. The driver has read the log page, and
	 * has looked at the list and at the open handles anew. A handle takes on a new size; that
	 * of a namespace that is gone, or has another format or identity than when it was opened,
	 * is refused from now on (-ESTALE): open it again. The array is the driver's, and valid in
	 * the callback only.
	 */
	const uint32_t *namespaces;
	unsigned int namespace_count;
	bool namespaces_all; /**< more than the log page holds: look at all of them */
	/**
	 * Not 0: an admin command of that failed. What it would have told is not known: the list,
	 * or the handle, is as it was. plx_nvme_ns_rescan() tries again.
	 */
	int error;
};

/** The event in words, such as "health: spare below threshold"; a static string, per thread. */
PLX_API const char *plx_nvme_event_str(const struct plx_nvme_event *event);

/**
 * Called by plx_nvme_ctrl_poll(), without a lock held: any function may be called from it but
 * plx_nvme_ctrl_poll() itself and those that close the controller.
 */
typedef void (*plx_nvme_event_fn)(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_event *event,
				  void *arg);

/**
 * Ask for events: all critical warnings, and all notices that the controller has. Goes on over
 * resets. A second call only changes the callback.
 * Return: 0; -ENOTSUP (its admin queue is too short), or as for any admin command: -EIO, -ENODEV,
 * -ETIMEDOUT, what the status comes nearest to.
 */
PLX_API int plx_nvme_events_on(struct plx_nvme_ctrl *ctrl, plx_nvme_event_fn fn, void *arg);
/** No more events. Return: as plx_nvme_events_on(). */
PLX_API int plx_nvme_events_off(struct plx_nvme_ctrl *ctrl);

/**
 * Housekeeping of an open controller: delivers events, sends Keep Alive when it is time, and finds
 * out that the controller is broken or gone when no I/O would. Short (some register reads) but for
 * a notice about namespaces, which takes admin commands. To be called at least twice per
 * plx_nvme_ctrl_info.keep_alive_ms, if that is not 0, and as often as events are to be heard of.
 * From any thread but not from two at once; not from a callback.
 * Return: events delivered; -EIO (broken), -ENODEV (gone).
 */
PLX_API int plx_nvme_ctrl_poll(struct plx_nvme_ctrl *ctrl);

PLX_END_DECLS

#endif /* POLLUX_NVME_EVENT_H */
