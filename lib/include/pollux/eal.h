/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux EAL: bring the runtime up and down.
 *
 *	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
 *	struct plx_eal_config eal = {0};
 *	... argp_parse() with state->child_inputs[0] = &eal in ARGP_KEY_INIT ...
 *	int err = plx_eal_init(&eal);
 *	if (err)
 *		return 1;		// the reason is in the log
 *	...
 *	plx_eal_fini();
 *
 * The EAL is the only global state of the SDK; a process has at most one. After plx_eal_fini() it
 * can be brought up again. fork() after plx_eal_init(): the child must not use the SDK (its memory,
 * pins and lcores stay with the parent); every call that needs the EAL fails with -ENODEV there,
 * plx_eal_init() included.
 *
 * Backends. What is below can be the EAL's own ("native", the default) or DPDK's rte_eal ("dpdk",
 * see <pollux/dpdk.h>); everything above is the same. The variables of the environment are not
 * looked at in a program that runs with more privileges than its caller.
 */
#ifndef POLLUX_EAL_H
#define POLLUX_EAL_H

#include <argp.h>

#include <pollux/common.h>

PLX_BEGIN_DECLS

/** All zero means: every CPU that the calling thread may run on, memory on demand, 2 MiB pages. */
struct plx_eal_config {
	const char *lcores;	/**< CPU list such as "0,2-5"; NULL: the thread's affinity */
	const char *main_lcore; /**< a CPU number of the list; NULL: the first */
	size_t mem_bytes; /**< heap to reserve at once, per node of the lcores; grows beyond */
	size_t mem_limit; /**< the heap never grows beyond; 0: as far as hugepages go */
	/** Limits of single nodes, such as "0=512M,1=1G"; others have none. NULL: none. */
	const char *mem_node_limits;
	size_t page_size;  /**< 0: the default hugepage size; else 2 MiB, 1 GiB, ... */
	bool no_huge;	   /**< no hugetlb: transparent huge pages or small pages, quietly */
	bool require_huge; /**< fail rather than fall back from hugetlb */
	/**
	 * Segments are parts of one file for each size of pages, which grows, instead of a file
	 * each: for vhost-user, whose back ends take few pieces of memory.
	 */
	bool single_file_segments;
	uint64_t va_base; /**< start of the reserved window; 0: chosen for IOVA = VA in 39 bits */
	size_t va_size;	  /**< of the window; 0: 256 GiB, less where that is not to be had */
	const char *log_levels;	  /**< as plx_log_set_levels(); NULL: leave as is */
	const char *backend;	  /**< "native" or "dpdk"; NULL: $POLLUX_EAL, or else "native" */
	const char *backend_args; /**< the backend's own options; NULL: $POLLUX_EAL_ARGS, or none */
	/** Others find this process by it, to read its statistics and memory: <pollux/telemetry.h>
	 * says what it leads to. NULL: no files are made, and no thread for it. */
	const char *name;
};

/**
 * argp(3) parser for the fields above, to be used as a child of the application's own; its input is
 * a struct plx_eal_config, which must be zeroed before. Strings point into argv.
 *	--lcores LIST  --main-lcore CPU  --mem SIZE  --mem-limit SIZE  --page-size SIZE  --no-huge
 *	--require-huge  --va-base ADDR  --log-level LIST  --eal NAME  --eal-args ARGS
 *	--name NAME  --mem-node-limit LIST  --single-file-segments
 */
PLX_API extern const struct argp plx_eal_argp;

/**
 * Bring the EAL up: clock, VA window, memory, lcores. The calling thread becomes the main lcore and
 * is pinned to its CPU; its affinity is restored by plx_eal_fini().
 * @config: NULL is the same as all zero; not kept
 * Memory of @config->mem_bytes is reserved and certain, but its pages are cleared only when they
 * are first handed out or pinned for a device, so that nobody waits for memory not used yet.
 * Without hugepages in the system it falls back to smaller pages with one warning.
 * Return: 0; -EALREADY (up already), -EINVAL (bad list or size, or a contradiction: the log names
 * it), -ENOMEM (hugepages asked for at once are not there: the log says how many there are and how
 * to get more), -EPERM (the system refuses to pin threads), -EAGAIN (or to start them), -ENODEV (a
 * forked child of a process with the EAL up), -ENOENT (the library of that backend is not
 * installed), or what else the system says. Nothing is left then.
 * forked child of a process with the EAL up), -EBUSY (another process has the name), or what else
 * the system says. Nothing is left then.
 */
PLX_API int plx_eal_init(const struct plx_eal_config *config);

/**
 * Take everything down: waits for the lcores, frees all memory, restores the caller's affinity.
 * Call it from the main lcore. Ports, controllers and address spaces must be closed before; while
 * one is open the log says so and -EBUSY is returned, with nothing changed. Objects of the heap and
 * registrations that are left are dropped with a warning.
 * Return: 0; -EBUSY, -EPERM (another thread than the main lcore), -ENODEV (not up, or a forked
 * child).
 */
PLX_API int plx_eal_fini(void);

/** Is the EAL up in this process? */
PLX_API bool plx_eal_is_up(void);

/** The backend in use, "native" or "dpdk"; NULL while the EAL is not up. */
PLX_API const char *plx_eal_backend(void);
/** The name that it was given, or "". */
PLX_API const char *plx_eal_name(void);
/** Nanoseconds since plx_eal_init(); 0 if it is not up. */
PLX_API uint64_t plx_eal_uptime_ns(void);

/** The version of the library, e.g. "0.1.0". */
PLX_API const char *plx_version(void);

/**
 * Parse a size such as "64M", "1G", "4096" or "2MiB" (binary multiples).
 * Return: 0, or -EINVAL (not a size, overflow).
 */
PLX_API int plx_parse_size(const char *text, size_t *size);

PLX_END_DECLS

#endif /* POLLUX_EAL_H */
