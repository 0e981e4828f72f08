/* SPDX-License-Identifier: BSD-3-Clause */
/* The table of mappings, against a plain list. */
#include "vfio/maps.h"

#include <stdlib.h>

#include "runner.h"
#include "suites.h"

static void add(struct plx_maps *maps, plx_iova_t iova, uint64_t len)
{
	struct plx_map map = {iova, len, PLX_MAP_USER};

	UNIT_EQ(plx_maps_reserve(maps), 0);
	plx_maps_add(maps, &map);
}

static void finds(void)
{
	struct plx_maps maps = {0};

	CU_ASSERT_PTR_NULL(plx_maps_find(&maps, 0, UINT64_MAX));
	add(&maps, 0x4000, 0x1000);
	add(&maps, 0x1000, 0x2000);
	add(&maps, 0xfffffffffffff000, 0x1000);
	UNIT_EQ(maps.n, 3);
	UNIT_EQ(maps.bytes, 0x4000);
	CU_ASSERT_PTR_NULL(plx_maps_find(&maps, 0, 0x1000));
	UNIT_EQ(plx_maps_find(&maps, 0, 0x1001)->iova, 0x1000);
	UNIT_EQ(plx_maps_find(&maps, 0x2fff, 1)->iova, 0x1000);
	CU_ASSERT_PTR_NULL(plx_maps_find(&maps, 0x3000, 0x1000));
	UNIT_EQ(plx_maps_find(&maps, 0x3000, 0x2000)->iova, 0x4000);
	CU_ASSERT_PTR_NULL(plx_maps_find(&maps, 0x5000, 0x1000));
	UNIT_EQ(plx_maps_find(&maps, 0x5000, 0xffffffffffffb000)->iova, 0xfffffffffffff000);
	plx_maps_remove(&maps, plx_maps_find(&maps, 0x1000, 1));
	UNIT_EQ(plx_maps_find(&maps, 0, UINT64_MAX)->iova, 0x4000);
	UNIT_EQ(maps.bytes, 0x2000);
	plx_maps_free(&maps);
	UNIT_EQ(maps.n, 0);
}

/* Pages of a small space, at random, beside an array of flags. */
static void random_pages(void)
{
	struct plx_maps maps = {0};
	bool used[256] = {false};
	unsigned int seed = 1, i, j, at, len, first;
	struct plx_map *map;

	for (i = 0; i < 20000; i++) {
		at = (unsigned int)rand_r(&seed) % 256;
		len = 1 + (unsigned int)rand_r(&seed) % (256 - at < 8 ? 256 - at : 8);
		map = plx_maps_find(&maps, at, len);
		for (first = at; first < at + len && !used[first]; first++)
			;
		CU_ASSERT_EQUAL(map != NULL, first < at + len);
		if (!map) {
			add(&maps, at, len);
			for (j = at; j < at + len; j++)
				used[j] = true;
		} else {
			CU_ASSERT(first >= map->iova && first < map->iova + map->len);
			for (j = 0; j < map->len; j++)
				used[map->iova + j] = false;
			plx_maps_remove(&maps, map);
		}
	}
	plx_maps_free(&maps);
}

CU_TestInfo maps_tests[] = {
	{"find by overlap, also at the end of the space", finds},
	{"random pages", random_pages},
	CU_TEST_INFO_NULL,
};
