/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A set of ranges of numbers that do not overlap, and the gaps between them: what mem.c has placed
 * in the window, and which IOVAs are taken.
 */
#ifndef PLX_EAL_RANGES_H
#define PLX_EAL_RANGES_H

#include <pollux/common.h>

struct plx_range {
	uint64_t first;
	uint64_t last; /* included */
};

/** All zero is an empty set. */
struct plx_ranges {
	struct plx_range *range; /* ascending */
	size_t n;
	size_t room;
};

/** Add [first, first + len), len > 0. Return: 0, -EEXIST (overlap, or wraps around), -ENOMEM. */
int plx_ranges_add(struct plx_ranges *ranges, uint64_t first, uint64_t len);
/** Take out the range that begins at first, if there is one. */
void plx_ranges_remove(struct plx_ranges *ranges, uint64_t first);
/**
 * The lowest x with [x, x + len) free and within [lo, hi], and x = phase modulo align.
 * Return: 0 or -ENOSPC.
 */
int plx_ranges_gap(const struct plx_ranges *ranges, struct plx_range within, uint64_t len,
		   uint64_t align, uint64_t phase, uint64_t *at);
/** Forget all. */
void plx_ranges_clear(struct plx_ranges *ranges);

#endif /* PLX_EAL_RANGES_H */
