/* SPDX-License-Identifier: BSD-3-Clause */
/* A sorted array of mappings; see maps.h. The kernel allows 65,535, a handful is usual. */
#include "vfio/maps.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

int plx_maps_reserve(struct plx_maps *maps)
{
	size_t room = maps->room ? 2 * maps->room : 16;
	struct plx_map *more;

	if (maps->n < maps->room)
		return 0;
	more = reallocarray(maps->map, room, sizeof(*more));
	if (!more)
		return -ENOMEM;
	maps->map = more;
	maps->room = room;
	return 0;
}

/* The index of the first mapping that ends after iova. */
static size_t lower_bound(const struct plx_maps *maps, plx_iova_t iova)
{
	size_t low = 0, high = maps->n, mid;

	while (low < high) {
		mid = low + (high - low) / 2;
		if (maps->map[mid].iova + (maps->map[mid].len - 1) < iova)
			low = mid + 1;
		else
			high = mid;
	}
	return low;
}

void plx_maps_add(struct plx_maps *maps, const struct plx_map *map)
{
	size_t at = lower_bound(maps, map->iova);

	memmove(&maps->map[at + 1], &maps->map[at], (maps->n - at) * sizeof(*map));
	maps->map[at] = *map;
	maps->n++;
	maps->bytes += map->len;
}

struct plx_map *plx_maps_find(const struct plx_maps *maps, plx_iova_t iova, uint64_t len)
{
	size_t at = lower_bound(maps, iova);

	if (at == maps->n || maps->map[at].iova > iova + (len - 1))
		return NULL;
	return &maps->map[at];
}

void plx_maps_remove(struct plx_maps *maps, struct plx_map *map)
{
	size_t at = (size_t)(map - maps->map);

	maps->bytes -= map->len;
	maps->n--;
	memmove(map, map + 1, (maps->n - at) * sizeof(*map));
}

void plx_maps_free(struct plx_maps *maps)
{
	free(maps->map);
	memset(maps, 0, sizeof(*maps));
}
