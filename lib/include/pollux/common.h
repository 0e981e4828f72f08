/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux: what every other public header stands on: visibility, branch hints, and the IOVA type.
 *
 * Conventions of the whole API
 *  - Functions return 0 (or a count) on success and a negative errno on failure; functions that
 *    return a pointer return NULL and set errno.
 *  - Nothing here exits, aborts or prints; each failure has one log line (<pollux/log.h>) that
 *    names the object, the cause and the remedy.
 *  - A configuration struct that is all zero means sensible defaults.
 *  - Strings passed in are not kept after the call unless the function says so.
 */
#ifndef POLLUX_COMMON_H
#define POLLUX_COMMON_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
#define PLX_BEGIN_DECLS extern "C" {
#define PLX_END_DECLS	}
#else
#define PLX_BEGIN_DECLS
#define PLX_END_DECLS
#endif

/** Marks the symbols that libpollux.so exports; everything else is hidden. */
#define PLX_API		  __attribute__((visibility("default")))

#define plx_likely(x)	  __builtin_expect(!!(x), 1)
#define plx_unlikely(x)	  __builtin_expect(!!(x), 0)

#define PLX_CACHE_LINE	  64
#define PLX_CACHE_ALIGNED __attribute__((aligned(PLX_CACHE_LINE)))

/** Any NUMA node; also what a device or segment reports whose node is not known. */
#define PLX_NODE_ANY (-1)

/**
 * An I/O virtual address: what a device puts on the bus. Never dereference one. A type of its own
 * in name, so that a reader and a checker see where an address crosses over to the device.
 */
typedef uint64_t plx_iova_t;

/** No IOVA: what plx_mem_iova() leaves behind on failure. */
#define PLX_IOVA_BAD ((plx_iova_t)-1)

#endif /* POLLUX_COMMON_H */
