/* SPDX-License-Identifier: BSD-3-Clause */
/* Address spaces against the real type1: what is mapped, what is refused, and how. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "probe.h"

#define PAGE	4096ul
#define MIB	(1ul << 20)
#define IOVA	0x100000000ull
#define MSI_BAR 0xfee00000ull /* x86: interrupts, not memory */

static struct plx_as *open_bare(void)
{
	struct plx_as_config config = {.no_heap = true};
	struct plx_as *as = plx_as_open(&config);

	if (!as) {
		printf("address space: %s\n", strerrorname_np(errno));
		exit(EXIT_FAILURE);
	}
	return as;
}

static char *get_pages(size_t len, int prot)
{
	char *p = mmap(NULL, len, prot, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	EXPECT(p == MAP_FAILED, 0);
	return p;
}

static uint64_t locked_kib(void)
{
	char line[128];
	uint64_t kib = UINT64_MAX;
	FILE *f = fopen("/proc/self/status", "r");

	while (f && fgets(line, sizeof(line), f))
		sscanf(line, "VmLck: %" SCNu64, &kib);
	if (f)
		fclose(f);
	return kib;
}

static void map_and_refuse(struct plx_as *as)
{
	char *p = get_pages(4 * MIB, PROT_READ | PROT_WRITE);
	struct plx_iova_range ranges[8];
	plx_iova_t edge;
	int n;

	EXPECT(plx_as_map(as, p, 2 * MIB, IOVA, PLX_AS_RW), 0);
	EXPECT(locked_kib(), 2048);
	EXPECT(plx_as_map(as, p, PAGE, IOVA + PAGE, PLX_AS_RW), -EEXIST);
	EXPECT(plx_as_map(as, p, 2 * MIB, IOVA - MIB, PLX_AS_RW), -EEXIST);
	EXPECT(plx_as_map(as, p, PAGE, MSI_BAR, PLX_AS_RW), -EINVAL);
	EXPECT(plx_as_map(as, p + 1, PAGE, IOVA + 8 * MIB, PLX_AS_RW), -EINVAL);
	n = plx_as_ranges(as, ranges, 8);
	EXPECT(n >= 1 && n <= 8, 1);
	/*
	 * Up to the last page of an aperture, which 6.12 cannot unmap at the very end of 64 bits.
	 */
	if (ranges[n - 1].last != UINT64_MAX) {
		edge = ranges[n - 1].last + 1;
		EXPECT(plx_as_map(as, p, PAGE, edge, PLX_AS_RW), -EINVAL);
		EXPECT(plx_as_map(as, p, PAGE, edge - PAGE, PLX_AS_RW), 0);
		EXPECT(plx_as_unmap(as, edge - PAGE, PAGE), 0);
	}
	EXPECT(plx_as_unmap(as, IOVA, MIB), -ENOENT);
	EXPECT(plx_as_unmap(as, IOVA, 2 * MIB), 0);
	EXPECT(plx_as_unmap(as, IOVA, 2 * MIB), -ENOENT);
	EXPECT(locked_kib(), 0);
	munmap(p, 4 * MIB);
}

static void map_not_memory(struct plx_as *as)
{
	char *p = get_pages(16 * PAGE, PROT_READ);

	/* A hole in the middle: nothing of it may stay mapped or pinned. */
	EXPECT(munmap(p + 8 * PAGE, PAGE), 0);
	EXPECT(plx_as_map(as, p, 16 * PAGE, IOVA, PLX_AS_READ), -EFAULT);
	EXPECT(plx_as_map(as, p, 8 * PAGE, IOVA, PLX_AS_RW), -EFAULT);
	EXPECT(locked_kib(), 0);
	EXPECT(plx_as_map(as, p, 8 * PAGE, IOVA, PLX_AS_READ), 0);
	EXPECT(plx_as_unmap(as, IOVA, 8 * PAGE), 0);
	munmap(p, 16 * PAGE);
}

/* As many single pages as the kernel allows, one more is refused with its own errno. */
static void map_to_the_limit(struct plx_as *as)
{
	struct plx_as_stats stats;
	uint32_t i, n;
	char *p = get_pages(PAGE, PROT_READ | PROT_WRITE);

	plx_as_stats_get(as, &stats);
	n = stats.dma_avail;
	printf("the kernel allows %u mappings\n", n);
	if (n > 1000)
		return;
	for (i = 0; i < n; i++)
		EXPECT(plx_as_map(as, p, PAGE, IOVA + i * PAGE, PLX_AS_RW), 0);
	EXPECT(plx_as_map(as, p, PAGE, IOVA + n * PAGE, PLX_AS_RW), -ENOSPC);
	plx_as_stats_get(as, &stats);
	EXPECT(stats.dma_avail, 0);
	EXPECT(stats.mappings, n);
	for (i = 0; i < n; i++)
		EXPECT(plx_as_unmap(as, IOVA + i * PAGE, PAGE), 0);
	munmap(p, PAGE);
}

int command_maps(int argc, char **argv)
{
	struct plx_as *as = open_bare();
	struct plx_dev *dev = open_or_exit(as, argv[0]);
	struct plx_as_stats stats;
	char *p;

	map_and_refuse(as);
	map_not_memory(as);
	map_to_the_limit(as);
	/* What is left mapped goes with the last device, and comes not back by itself. */
	p = get_pages(MIB, PROT_READ | PROT_WRITE);
	EXPECT(plx_as_map(as, p, MIB, IOVA, PLX_AS_RW), 0);
	plx_dev_close(dev);
	EXPECT(locked_kib(), 0);
	EXPECT(plx_as_map(as, p, MIB, IOVA, PLX_AS_RW), -ENODEV);
	dev = open_or_exit(as, argv[0]);
	EXPECT(plx_as_map(as, p, MIB, IOVA, PLX_AS_RW), 0);
	plx_as_stats_get(as, &stats);
	EXPECT(stats.mappings, 1);
	EXPECT(stats.short_unmaps, 0);
	plx_dev_close(dev);
	EXPECT(plx_as_close(as), 0);
	munmap(p, MIB);
	return EXIT_SUCCESS;
}

int command_memlock(int argc, char **argv)
{
	struct plx_as *as = open_bare();
	struct plx_dev *dev = open_or_exit(as, argv[0]);
	size_t len = argc > 1 ? strtoul(argv[1], NULL, 0) * 1024 : MIB;
	char *p = get_pages(len, PROT_READ | PROT_WRITE);
	int err = plx_as_map(as, p, len, IOVA, PLX_AS_RW);

	printf("map %zu KiB: %s, VmLck %" PRIu64 "\n", len / 1024, strerrorname_np(-err),
	       locked_kib());
	plx_dev_close(dev);
	plx_as_close(as);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
