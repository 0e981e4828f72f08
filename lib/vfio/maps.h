/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of an address space's live mappings, ordered by IOVA; used by as.c. */
#ifndef PLX_VFIO_MAPS_H
#define PLX_VFIO_MAPS_H

#include <pollux/vfio.h>

enum plx_map_owner {
	PLX_MAP_EAL,  /**< follows the EAL's memory */
	PLX_MAP_USER, /**< plx_as_map() */
};

struct plx_map {
	plx_iova_t iova;
	uint64_t len;
	enum plx_map_owner owner;
};

/** All zero is an empty table. */
struct plx_maps {
	struct plx_map *map;
	size_t n, room;
	uint64_t bytes;
};

/** Make room for one more, so that plx_maps_add() cannot fail. Return: 0 or -ENOMEM. */
int plx_maps_reserve(struct plx_maps *maps);
/** Add a mapping that overlaps none, after plx_maps_reserve(). */
void plx_maps_add(struct plx_maps *maps, const struct plx_map *map);
/** The first mapping that overlaps [iova, iova + len), or NULL. */
struct plx_map *plx_maps_find(const struct plx_maps *maps, plx_iova_t iova, uint64_t len);
void plx_maps_remove(struct plx_maps *maps, struct plx_map *map);
void plx_maps_free(struct plx_maps *maps);

#endif /* PLX_VFIO_MAPS_H */
