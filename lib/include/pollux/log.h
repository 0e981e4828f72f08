/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux log: levels per component, one sink.
 *
 * Each part of the SDK logs under a component ("eal", "pci", "vfio", "nvme", "net.e1000e", ...). A
 * message is emitted when its level is at or below the component's. The sink is stderr until the
 * application sets its own. The data path never logs.
 *
 *	plx_log_set_levels("info,vfio=debug");	// everything at info, vfio at debug
 *
 * In a library file:	PLX_LOG_COMPONENT(nvme);
 *			PLX_ERR(nvme, "%s: controller fatal status (CSTS.CFS); reset it", name);
 *
 * Thread rules: every function may be called from any thread at any time, also before
 * plx_eal_init().
 */
#ifndef POLLUX_LOG_H
#define POLLUX_LOG_H

#include <stdarg.h>

#include <pollux/common.h>

PLX_BEGIN_DECLS

enum plx_log_level {
	PLX_LOG_OFF = 0,
	PLX_LOG_ERR,   /**< an operation failed: object, cause, remedy */
	PLX_LOG_WARN,  /**< it goes on, but not as was asked for */
	PLX_LOG_INFO,  /**< milestones: a device opened, memory added (the default level is WARN) */
	PLX_LOG_DEBUG, /**< every step of the control path */
};

/** A component; declared with PLX_LOG_COMPONENT(), registered before main() runs. */
struct plx_log_component {
	const char *name;
	int level;			/**< enum plx_log_level */
	struct plx_log_component *next; /**< the registry's; not for others */
};

/**
 * Receives each message as one line without newline; control characters in it have become '?', and
 * it is at most 1023 bytes long. May be called from several threads at once.
 */
typedef void (*plx_log_sink_t)(void *arg, enum plx_log_level level, const char *component,
			       const char *line);

/**
 * Replace the sink; NULL restores stderr ("pollux: vfio: error: ..."). When this returns, the
 * previous sink is not running any more. Not from within a sink; what a sink itself logs is lost.
 */
PLX_API void plx_log_set_sink(plx_log_sink_t sink, void *arg);

/**
 * Set levels from a list such as "warn" or "info,vfio=debug,net.*=off": a bare level is for all
 * components, a trailing * matches by prefix; later entries win. Also holds for components that
 * register later.
 * Return: 0, or -EINVAL if an entry names no level (nothing is changed then). A component that does
 * not exist (yet) is not an error.
 */
PLX_API int plx_log_set_levels(const char *list);

/** Registry and back end of the macros below; not meant to be called by hand. */
PLX_API void plx_log_register(struct plx_log_component *component);
PLX_API void plx_log_unregister(struct plx_log_component *component);
PLX_API void plx_log(const struct plx_log_component *component, enum plx_log_level level,
		     const char *fmt, ...) __attribute__((format(printf, 3, 4)));

/** Define the component NAME (an identifier) that logs as STRING. Once per component. */
#define PLX_LOG_COMPONENT_AS(ident, string)                                                        \
	struct plx_log_component plx_log_component_##ident = {.name = string};                     \
	__attribute__((constructor)) static void plx_log_ctor_##ident(void)                        \
	{                                                                                          \
		plx_log_register(&plx_log_component_##ident);                                      \
	}                                                                                          \
	__attribute__((destructor)) static void plx_log_dtor_##ident(void)                         \
	{                                                                                          \
		plx_log_unregister(&plx_log_component_##ident);                                    \
	}                                                                                          \
	struct plx_log_component plx_log_component_##ident
#define PLX_LOG_COMPONENT(ident) PLX_LOG_COMPONENT_AS(ident, #ident)
/** Use a component that another file defines. */
#define PLX_LOG_USE(ident) extern struct plx_log_component plx_log_component_##ident

#define PLX_LOG(ident, lvl, ...)                                                                   \
	do {                                                                                       \
		if (plx_unlikely((int)(lvl) <= plx_log_component_##ident.level))                   \
			plx_log(&plx_log_component_##ident, (lvl), __VA_ARGS__);                   \
	} while (0)
#define PLX_ERR(ident, ...)   PLX_LOG(ident, PLX_LOG_ERR, __VA_ARGS__)
#define PLX_WARN(ident, ...)  PLX_LOG(ident, PLX_LOG_WARN, __VA_ARGS__)
#define PLX_INFO(ident, ...)  PLX_LOG(ident, PLX_LOG_INFO, __VA_ARGS__)
#define PLX_DEBUG(ident, ...) PLX_LOG(ident, PLX_LOG_DEBUG, __VA_ARGS__)

/**
 * True at most 10 times a second for the given state (all zero to begin with): for messages that a
 * device or peer can provoke at will. How many were held back is in `suppressed` when the first
 * message after them is allowed, which may report it, and 0 from the next one on.
 */
struct plx_log_limit {
	uint64_t window_start_ns;
	uint32_t in_window;
	uint32_t suppressed;
};
PLX_API bool plx_log_allowed(struct plx_log_limit *limit);

PLX_END_DECLS

#endif /* POLLUX_LOG_H */
