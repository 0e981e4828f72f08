/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Sets of ranges; see ranges.h. A sorted array: there are tens of them, and the control path asks.
 */
#include "eal/ranges.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The index of the first range that ends at or after x. */
static size_t position(const struct plx_ranges *ranges, uint64_t x)
{
	size_t lo = 0, hi = ranges->n;

	while (lo < hi) {
		size_t mid = lo + (hi - lo) / 2;

		if (ranges->range[mid].last < x)
			lo = mid + 1;
		else
			hi = mid;
	}
	return lo;
}

int plx_ranges_add(struct plx_ranges *ranges, uint64_t first, uint64_t len)
{
	uint64_t last = first + (len - 1);
	size_t at = position(ranges, first);

	if (last < first || (at < ranges->n && ranges->range[at].first <= last))
		return -EEXIST;
	if (ranges->n == ranges->room) {
		size_t room = ranges->room ? 2 * ranges->room : 16;
		struct plx_range *bigger = reallocarray(ranges->range, room, sizeof(*bigger));

		if (!bigger)
			return -ENOMEM;
		ranges->range = bigger;
		ranges->room = room;
	}
	memmove(&ranges->range[at + 1], &ranges->range[at],
		(ranges->n - at) * sizeof(*ranges->range));
	ranges->range[at] = (struct plx_range){first, last};
	ranges->n++;
	return 0;
}

void plx_ranges_remove(struct plx_ranges *ranges, uint64_t first)
{
	size_t at = position(ranges, first);

	if (at == ranges->n || ranges->range[at].first != first)
		return;
	ranges->n--;
	memmove(&ranges->range[at], &ranges->range[at + 1],
		(ranges->n - at) * sizeof(*ranges->range));
}

int plx_ranges_gap(const struct plx_ranges *ranges, struct plx_range within, uint64_t len,
		   uint64_t align, uint64_t phase, uint64_t *at)
{
	uint64_t from = within.first, x;
	size_t i = position(ranges, from);

	for (;; i++) {
		x = from + ((phase - from) & (align - 1));
		if (x < from || x > within.last || within.last - x < len - 1)
			return -ENOSPC;
		if (i == ranges->n || ranges->range[i].first > x + (len - 1)) {
			*at = x;
			return 0;
		}
		if (ranges->range[i].last >= from)
			from = ranges->range[i].last + 1;
		if (from == 0)
			return -ENOSPC;
	}
}

void plx_ranges_clear(struct plx_ranges *ranges)
{
	free(ranges->range);
	*ranges = (struct plx_ranges){0};
}
