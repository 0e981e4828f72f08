/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The seam below the EAL: a backend brings memory, threads and the log's outlet. "native" is part
 * of libpollux; another one ("dpdk": libpollux-dpdk) registers itself when it is linked or loaded.
 * One is in use at a time. What is above (the registry of segments, lcores, ports, ...) is the same
 * on all, and the only calls through the seam are on the control path.
 *
 * The memory lock (mem.h) is held in no call through the seam: a backend whose memory has a lock of
 * its own calls back into the registry with that lock held, so the order is always its lock first.
 */
#ifndef PLX_EAL_BACKEND_H
#define PLX_EAL_BACKEND_H

#include <pollux/eal.h>
#include <pollux/lcore.h>
#include <pollux/log.h>
#include <pollux/mem.h>

#include "eal/log.h"
#include "eal/mem.h"
#include "eal/parse.h"
#include "eal/segments.h"

/** What has been decided when a backend starts. */
struct plx_backend_start {
	const struct plx_eal_config *config;
	const char *args;		/**< the backend's own options; "" if none */
	const struct plx_cpu_set *cpus; /**< the lcores */
	unsigned int main_cpu;
	size_t node_count; /**< of the lcores */
};

struct plx_backend {
	const char *name;

	/**
	 * Where the runtime below is up already, it has its lcores: give them and the main one.
	 * NULL, or false: it is not up, and the configuration decides.
	 */
	bool (*running)(struct plx_cpu_set *cpus, unsigned int *main_cpu);
	/**
	 * Bring up what lcores and memory need.
	 * Return: 0 or a negative errno, logged; then nothing is left.
	 */
	int (*start)(const struct plx_backend_start *start);
	/** Undo start(); workers have ended, memory has been closed. NULL: nothing to do. */
	void (*stop)(void);

	/** A thread for an lcore that is not the main one; sets plx_lcore_self in it. */
	int (*worker_start)(unsigned int id);
	/** End it; what runs on it is waited for. */
	void (*worker_stop)(unsigned int id);
	/** plx_lcore_launch() and _wait() of a worker that exists. -EBUSY is not logged. */
	int (*worker_launch)(unsigned int id, plx_lcore_fn_t fn, void *arg);
	int (*worker_wait)(unsigned int id);

	/** Choose where heap memory will be in VA and IOVA; nothing is in the registry yet. */
	int (*mem_reserve)(const struct plx_mem_config *config, struct plx_window *window);
	/** Bring the heap up, its segments into the registry. On failure mem_close() follows. */
	int (*mem_open)(const struct plx_mem_config *config, const struct plx_window *window);
	/** Take its segments out of the registry, and it down. No listener is left. */
	void (*mem_close)(void);
	/**
	 * As plx_dma_alloc(); the request has been checked. *zeroed: the memory is known to be 0.
	 * Return: 0 or a negative errno, logged.
	 */
	int (*mem_alloc)(size_t size, size_t align, int node, void **va, bool *zeroed);
	/** Return: 0; -ENOENT (has not been handed out: not freed, not logged), or else, logged. */
	int (*mem_free)(void *va);
	/** The fields about the heap. */
	void (*mem_stats)(struct plx_mem_stats *stats);

	/** Give free segments back. Return: bytes. NULL: they go by themselves. */
	uint64_t (*mem_trim)(void);
	/** What the owner of that number (owner.h) has. */
	void (*mem_owner)(unsigned int number, struct plx_mem_owner *owner);

	plx_log_outlet_t log; /**< NULL: stderr */

	struct plx_backend *next; /**< the list's */
};

extern const struct plx_backend plx_backend_native;

/** Make a backend known; for the constructor of its library. It must stay where it is. */
PLX_API void plx_backend_register(struct plx_backend *backend);

/**
 * The backend of that name, from its library if need be. NULL: native.
 * Return: 0; -EINVAL (there is no such backend), -ENOENT (its library is not installed); logged.
 */
int plx_backend_find(const char *name, const struct plx_backend **backend);

/** The one in use; native while there is none. */
const struct plx_backend *plx_backend(void);
void plx_backend_set(const struct plx_backend *backend);

/* --- What backends call ---------------------------------------------------------------------- */

/**
 * The registry, for memory that comes and goes by itself: the segments of a run are told to every
 * address space before plx_backend_mem_add() returns, and no device reaches them after _remove().
 * The run must stay where it is until it is removed; it goes as it came.
 * Return: as plx_segments_add().
 */
PLX_API int plx_backend_mem_add(struct plx_run *run);
PLX_API void plx_backend_mem_remove(struct plx_run *run);
/** Of a backend's own runs, the one that [va, va + len) touches first; NULL: none. */
PLX_API struct plx_run *plx_backend_mem_find(const void *va, size_t len);
/** May the caller use memory now? Return: 0; -ENODEV, -EDEADLK as plx_mem_lock(), logged. */
PLX_API int plx_backend_mem_callable(void);
/** As plx_mem_iova(), also while the EAL comes up, and without a log line. */
PLX_API int plx_backend_mem_iova(const void *va, size_t len, plx_iova_t *iova);

/** An IOVA outside the window for [va, va + len), as registered memory gets; and its end. */
PLX_API int plx_backend_iova_take(const void *va, size_t len, plx_iova_t *iova);
PLX_API void plx_backend_iova_release(plx_iova_t iova);

/** What pages this system can give; as in pages.h. */
PLX_API int plx_backend_pages(struct plx_pages *pages, const struct plx_pages_config *config);

#endif /* PLX_EAL_BACKEND_H */
