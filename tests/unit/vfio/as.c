/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address spaces over an IOMMU made of a table: this program has its own functions of container.h,
 * which the linker takes in place of the library's.
 */
#include "vfio/as.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/mem.h>

#include "../pci/fake.h"
#include "runner.h"
#include "suites.h"

#define PAGE 4096u

/* --- The IOMMU ------------------------------------------------------------------------------- */

static struct {
	struct plx_maps maps;
	unsigned int maps_made, unmaps_made;
	int map_error;	       /* of the next map */
	int64_t unmap_missing; /* bytes that the next unmap keeps quiet about */
	uint32_t room;
	const struct plx_iova_range *ranges;
	size_t range_count;
} iommu;

int plx_container_open(void)
{
	return open("/dev/null", O_RDWR | O_CLOEXEC);
}

int plx_container_info(int container, struct plx_iommu_info *info)
{
	size_t len = iommu.range_count * sizeof(*info->ranges);

	*info = (struct plx_iommu_info){
		.page_sizes = 0x40201000,
		.dma_avail = iommu.room - (uint32_t)iommu.maps.n,
		.range_count = iommu.range_count,
		.ranges = malloc(len),
	};
	memcpy(info->ranges, iommu.ranges, len);
	return 0;
}

void plx_container_info_free(struct plx_iommu_info *info)
{
	free(info->ranges);
	*info = (struct plx_iommu_info){0};
}

int plx_container_map(int container, const void *va, uint64_t len, plx_iova_t iova,
		      enum plx_as_prot prot)
{
	struct plx_map map = {iova, len, PLX_MAP_USER};
	int err = iommu.map_error;

	iommu.maps_made++;
	iommu.map_error = 0;
	if (err)
		return err;
	if (plx_maps_find(&iommu.maps, iova, len))
		return -EEXIST;
	if (iommu.maps.n == iommu.room)
		return -ENOSPC;
	UNIT_EQ(plx_maps_reserve(&iommu.maps), 0);
	plx_maps_add(&iommu.maps, &map);
	return 0;
}

int plx_container_unmap(int container, plx_iova_t iova, uint64_t len, uint64_t *unmapped)
{
	struct plx_map *map;

	iommu.unmaps_made++;
	*unmapped = 0;
	while ((map = plx_maps_find(&iommu.maps, iova, len))) {
		if (map->iova < iova || map->iova + map->len > iova + len)
			return -EINVAL; /* type1 version 2 does not split */
		*unmapped += map->len;
		plx_maps_remove(&iommu.maps, map);
	}
	*unmapped -= (uint64_t)iommu.unmap_missing;
	iommu.unmap_missing = 0;
	return 0;
}

static const struct plx_iova_range vtd_39[] = {
	{0, 0xfedfffff},
	{0xfef00000, 0x7fffffffff},
};

static struct plx_as *open_as(bool no_heap)
{
	struct plx_as_config config = {.no_heap = no_heap};
	struct plx_as *as = plx_as_open(&config);

	plx_maps_free(&iommu.maps);
	memset(&iommu, 0, sizeof(iommu));
	iommu.room = 100;
	iommu.ranges = vtd_39;
	iommu.range_count = 2;
	fake_log();
	CU_ASSERT_PTR_NOT_NULL_FATAL(as);
	return as;
}

int as_up(void)
{
	struct plx_eal_config config = {.no_huge = true, .mem_limit = 256u << 20};

	return fake_up() || plx_eal_init(&config);
}

int as_down(void)
{
	plx_maps_free(&iommu.maps);
	return plx_eal_fini() || fake_down();
}

/* --- Tests ----------------------------------------------------------------------------------- */

static char *const somewhere = (char *)0x10000000;

static void no_device_yet(void)
{
	struct plx_as *as = open_as(true);
	struct plx_iova_range range;

	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0, PLX_AS_RW), -ENODEV);
	UNIT_EQ(plx_as_ranges(as, &range, 1), -ENODEV);
	UNIT_EQ(plx_as_close(as), 0);
	UNIT_EQ(plx_as_close(NULL), 0);
}

static void maps(void)
{
	struct plx_as *as = open_as(true);
	struct plx_as_stats stats;

	UNIT_EQ(plx_as_iommu_up(as), 0);
	UNIT_EQ(plx_as_map(as, somewhere, 4 * PAGE, 0x10000, PLX_AS_RW), 0);
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x20000, PLX_AS_READ), 0);
	plx_as_stats_get(as, &stats);
	UNIT_EQ(stats.mappings, 2);
	UNIT_EQ(stats.mapped_bytes, 5 * PAGE);
	UNIT_EQ(stats.map_calls, 2);
	UNIT_EQ(stats.dma_avail, 98);
	UNIT_EQ(stats.page_sizes, 0x40201000);
	UNIT_EQ(plx_as_unmap(as, 0x10000, 4 * PAGE), 0);
	plx_as_stats_get(as, &stats);
	UNIT_EQ(stats.mappings, 1);
	UNIT_EQ(stats.unmap_calls, 1);
	plx_as_iommu_down(as);
	UNIT_EQ(iommu.maps.n, 0);
	UNIT_EQ(plx_as_close(as), 0);
}

static void bad_maps(void)
{
	struct plx_as *as = open_as(true);

	UNIT_EQ(plx_as_iommu_up(as), 0);
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1000, 0), -EINVAL);
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1000, (enum plx_as_prot)4), -EINVAL);
	UNIT_EQ(plx_as_map(as, somewhere, 0, 0x1000, PLX_AS_RW), -EINVAL);
	UNIT_EQ(plx_as_map(as, somewhere + 1, PAGE, 0x1000, PLX_AS_RW), -EINVAL);
	UNIT_EQ(plx_as_map(as, somewhere, PAGE - 1, 0x1000, PLX_AS_RW), -EINVAL);
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1001, PLX_AS_RW), -EINVAL);
	UNIT_EQ(plx_as_map(as, somewhere, 2 * PAGE, -(uint64_t)PAGE, PLX_AS_RW), -EINVAL);
	UNIT_EQ(plx_as_map(as, (void *)-(uintptr_t)PAGE, 2 * PAGE, 0x1000, PLX_AS_RW), -EINVAL);
	UNIT_EQ(iommu.maps_made, 0);
	UNIT_EQ(plx_as_map(as, somewhere, 2 * PAGE, 0x10000, PLX_AS_RW), 0);
	fake_log();
	UNIT_EQ(plx_as_map(as, somewhere, 2 * PAGE, 0x11000, PLX_AS_RW), -EEXIST);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "0x10000-0x11fff is mapped already"));
	plx_as_iommu_down(as);
	plx_as_close(as);
}

static void outside_ranges(void)
{
	static const plx_iova_t outside[] = {0xfee00000, 0xfedff000, 0xfeeff000, 0x8000000000,
					     0x7ffffff000};
	struct plx_as *as = open_as(true);
	struct plx_iova_range two[2], one;
	unsigned int i;

	UNIT_EQ(plx_as_iommu_up(as), 0);
	for (i = 0; i < 5; i++)
		UNIT_EQ(plx_as_map(as, somewhere, 2 * PAGE, outside[i], PLX_AS_RW), -EINVAL);
	UNIT_EQ(iommu.maps_made, 0);
	CU_ASSERT_PTR_NOT_NULL(
		strstr(fake_log(), "(0x0-0xfedfffff, 0xfef00000-0x7fffffffff); map it at another"));
	UNIT_EQ(plx_as_map(as, somewhere, 2 * PAGE, 0x7fffffe000, PLX_AS_RW), 0);
	UNIT_EQ(plx_as_ranges(as, &one, 1), 2);
	UNIT_EQ(one.last, 0xfedfffff);
	UNIT_EQ(plx_as_ranges(as, two, 2), 2);
	UNIT_EQ(two[1].last, 0x7fffffffff);
	UNIT_EQ(plx_as_ranges(as, NULL, 0), 2);
	plx_as_iommu_down(as);
	plx_as_close(as);
}

static void kernel_refuses(void)
{
	struct plx_as *as = open_as(true);

	UNIT_EQ(plx_as_iommu_up(as), 0);
	iommu.room = 0;
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1000, PLX_AS_RW), -ENOSPC);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "dma_entry_limit"));
	iommu.map_error = -EFAULT;
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1000, PLX_AS_RW), -EFAULT);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "may write to"));
	fake_file("proc/self/status", "VmLck: 0 kB\nCapEff: 0000000000004000\n");
	iommu.map_error = -ENOMEM;
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1000, PLX_AS_RW), -ENOMEM);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "out of memory"));
	/* More locked than any limit. */
	fake_file("proc/self/status", "VmLck: 18014398509481000 kB\nCapEff: 0\n");
	iommu.map_error = -ENOMEM;
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1000, PLX_AS_RW), -ENOMEM);
	iommu.map_error = -EIO;
	UNIT_EQ(plx_as_map(as, somewhere, PAGE, 0x1000, PLX_AS_RW), -EIO);
	UNIT_EQ(as->maps.n, 0);
	plx_as_iommu_down(as);
	plx_as_close(as);
}

static void wrong_unmaps(void)
{
	struct plx_as *as = open_as(true);
	struct plx_as_stats stats;

	UNIT_EQ(plx_as_iommu_up(as), 0);
	UNIT_EQ(plx_as_map(as, somewhere, 4 * PAGE, 0x10000, PLX_AS_RW), 0);
	UNIT_EQ(plx_as_unmap(as, 0x10000, 2 * PAGE), -ENOENT);
	UNIT_EQ(plx_as_unmap(as, 0x10000, 8 * PAGE), -ENOENT);
	UNIT_EQ(plx_as_unmap(as, 0x11000, PAGE), -ENOENT);
	UNIT_EQ(plx_as_unmap(as, 0x90000, PAGE), -ENOENT);
	UNIT_EQ(plx_as_unmap(as, 0x10000, 0), -ENOENT);
	UNIT_EQ(iommu.unmaps_made, 0);
	/* The kernel reports less than was asked: the silent-corruption bug of VFIO.md. */
	iommu.unmap_missing = PAGE;
	fake_log();
	UNIT_EQ(plx_as_unmap(as, 0x10000, 4 * PAGE), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "unmapped 12288 of 16384 bytes"));
	plx_as_stats_get(as, &stats);
	UNIT_EQ(stats.short_unmaps, 1);
	plx_as_iommu_down(as);
	plx_as_close(as);
}

/* The EAL's memory is there when the IOMMU is, follows the heap, and goes with the IOMMU. */
/* Without hugepages rte_eal's does not grow; with them see tests/vm/cases/dpdk-memory. */
static bool heap_grows(void)
{
	return strcmp(plx_eal_backend(), "native") == 0;
}

static void follows_heap(void)
{
	struct plx_mem_stats mem;
	struct plx_as *as;
	unsigned int calls;
	void *a, *b;

	a = plx_dma_alloc(PAGE, PAGE, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	as = open_as(false);
	UNIT_EQ(iommu.maps.n, 0);
	UNIT_EQ(plx_as_iommu_up(as), 0);
	plx_mem_stats_get(&mem);
	UNIT_EQ(iommu.maps.bytes, mem.heap_bytes + mem.registered_bytes);
	CU_ASSERT_PTR_NOT_NULL(plx_maps_find(&iommu.maps, plx_iova(a), PAGE));
	calls = iommu.maps_made;
	UNIT_EQ(plx_as_iommu_up(as), 0); /* one more group: nothing is mapped twice */
	UNIT_EQ(iommu.maps_made, calls);
	b = plx_dma_alloc(heap_grows() ? mem.heap_bytes + PAGE : PAGE, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	UNIT_EQ(iommu.maps_made, calls + heap_grows());
	CU_ASSERT_PTR_NOT_NULL(plx_maps_find(&iommu.maps, plx_iova(b), PAGE));
	plx_as_iommu_down(as);
	UNIT_EQ(iommu.maps.n, 0);
	plx_dma_free(a);
	plx_dma_free(b);
	plx_as_close(as);
}

static void refuses_heap(void)
{
	struct plx_as *as;
	void *a;

	if (!heap_grows())
		return;
	as = open_as(false);
	UNIT_EQ(plx_as_iommu_up(as), 0);
	iommu.map_error = -ENOMEM;
	fake_file("proc/self/status", "VmLck: 0 kB\nCapEff: 0000000000004000\n");
	a = plx_dma_alloc(128u << 20, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NULL(a);
	UNIT_EQ(errno, ENOMEM);
	a = plx_dma_alloc(128u << 20, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL(a);
	plx_dma_free(a);
	plx_as_iommu_down(as);
	plx_as_close(as);
}

static void heap_out_of_range(void)
{
	static const struct plx_iova_range tiny = {0, 0xffff};
	struct plx_as *as = open_as(false);
	void *a = plx_dma_alloc(PAGE, 0, PLX_NODE_ANY);

	iommu.ranges = &tiny;
	iommu.range_count = 1;
	UNIT_EQ(plx_as_iommu_up(as), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "(0x0-0xffff); place the EAL's memory inside by "
						  "--va-base"));
	UNIT_EQ(iommu.maps.n, 0);
	plx_as_iommu_down(as);
	plx_dma_free(a);
	plx_as_close(as);
}

static void default_space(void)
{
	struct plx_as *one = plx_as_default_get(), *two = plx_as_default_get(), *three;

	CU_ASSERT_PTR_NOT_NULL_FATAL(one);
	CU_ASSERT_PTR_EQUAL(one, two);
	plx_as_default_put(one);
	three = plx_as_default_get();
	CU_ASSERT_PTR_EQUAL(three, two);
	plx_as_default_put(three);
	plx_as_default_put(two);
	plx_as_default_put(NULL);
}

CU_TestInfo as_tests[] = {
	{"nothing is mapped without a device", no_device_yet},
	{"map, unmap, count", maps},
	{"bad requests do not reach the kernel", bad_maps},
	{"usable ranges are held, and named", outside_ranges},
	{"each refusal of the kernel has its remedy", kernel_refuses},
	{"unmaps are exact and their size is checked", wrong_unmaps},
	{"the EAL's memory is mapped and followed", follows_heap},
	{"a map that fails refuses the allocation", refuses_heap},
	{"memory outside of the aperture", heap_out_of_range},
	{"the default address space is counted", default_space},
	CU_TEST_INFO_NULL,
};
