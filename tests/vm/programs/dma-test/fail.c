/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * alloc: each allocation in the kernel on the way from opening a container to a map fails
 * once (fault injection's fail-nth). Nothing may be pinned or locked afterwards.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>
#include "nth.h"
#include "space.h"

#define NTH_MAX 3000
#define AREA	(8 * MIB)

static const char *group_path;
static char *area;

static int use_space(int container, int group)
{
	uint64_t size = AREA / 2;
	int ret;

	if (ioctl(group, VFIO_GROUP_SET_CONTAINER, &container) ||
	    ioctl(container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		return -errno;
	/* Every other page, so that the record grows by chunks; then a piece of it all. */
	ret = space_map(container, area, IOVA, AREA / 2, MAP_RW);
	if (!ret)
		ret = space_map(container, area + AREA / 2, IOVA + GIB, PAGE,
				VFIO_DMA_MAP_FLAG_READ);
	/* A bitmap for each mapping. */
	if (!ret)
		ret = space_dirty(container, VFIO_IOMMU_DIRTY_PAGES_FLAG_START);
	if (!ret)
		ret = space_unmap(container, IOVA, &size, 0);
	return ret;
}

/* With the n-th allocation failing (0: none). Return: as use_space(); whether it came. */
static int use_everything(unsigned int n, bool *injected)
{
	int container, group = -1, ret;

	nth_arm(n);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	ret = container < 0 ? -errno : 0;
	if (!ret) {
		group = open(group_path, O_RDWR | O_CLOEXEC);
		ret = group < 0 ? -errno : use_space(container, group);
	}
	*injected = nth_disarm() && n > 0;
	if (group >= 0)
		close(group);
	if (container >= 0)
		close(container);
	return ret;
}

/* Touched in steps, so that pages are not adjacent. */
static void area_make(void)
{
	area = memory_anon(AREA);
	madvise(area, AREA, MADV_NOHUGEPAGE);
	for (size_t step = 0; step < 4; step++)
		for (size_t at = step * PAGE; at < AREA; at += 4 * PAGE)
			area[at] = 1;
}

int command_alloc(int argc, char **argv)
{
	unsigned int n, failed = 0;
	bool injected = true;
	char path[64], link[256];
	long before = pins();
	ssize_t len;
	int ret = 0;

	(void)argc;
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", argv[0]);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		die(path);
	link[len] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	group_path = path;
	area_make();
	nth_open();
	EXPECT(use_everything(0, &injected), 0);
	injected = true;
	for (n = 1; injected && n < NTH_MAX; n++) {
		ret = use_everything(n, &injected);
		failed += !!ret;
		EXPECT(pins(), before);
		EXPECT(locked_kib(), 0);
	}
	EXPECT(ret, 0);
	EXPECT(injected, false);
	printf("%u allocations, %u failures\n", n - 1, failed);
	return failed > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
