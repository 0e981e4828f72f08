/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * hot-reset DEVICE SIBLING: both on one bus behind a port. Who is affected, what
 * proof is taken, and that both are reset and work afterwards. Without SIBLING: it
 * is nobody's, and the reset is refused.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

#define COMMAND	       0x04
#define COMMAND_MASTER 0x4
#define LATENCY	       0x0d
#define DEVICES_MAX    8

static int hot_reset(int device, int count, int fd0, int fd1)
{
	struct {
		struct vfio_pci_hot_reset hdr;
		int32_t fds[2];
	} reset = {
		.hdr = {.argsz = sizeof(reset.hdr) + count * 4, .count = count},
		.fds = {fd0, fd1},
	};

	return ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &reset) ? -errno : 0;
}

static void check_info(int device)
{
	struct {
		struct vfio_pci_hot_reset_info hdr;
		struct vfio_pci_dependent_device devices[DEVICES_MAX];
	} info = {.hdr = {.argsz = sizeof(info.hdr)}};

	EXPECT(ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -1);
	EXPECT(errno, ENOSPC);
	EXPECT(info.hdr.count, 2);
	info.hdr.argsz = sizeof(info.hdr) + 2 * sizeof(info.devices[0]) - 1;
	EXPECT(ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), -1);
	info.hdr.argsz = sizeof(info.hdr) + 2 * sizeof(info.devices[0]);
	EXPECT(ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), 0);
	EXPECT(info.hdr.count, 2);
	EXPECT(info.devices[0].bus, info.devices[1].bus);
	info.hdr.argsz = UINT32_MAX;
	EXPECT(ioctl(device, VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, &info), 0);
	printf("affected: %02x.%x in group %u, %02x.%x in group %u\n", info.devices[0].bus,
	       info.devices[0].devfn, info.devices[0].group_id, info.devices[1].bus,
	       info.devices[1].devfn, info.devices[1].group_id);
}

static volatile uint32_t *map_bar(int device)
{
	uint32_t *bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device,
			     raw_region(device, 0, NULL));

	if (bar == MAP_FAILED)
		die("mmap");
	return bar;
}

/* Both functions are of one kind; each has a group of its own, or the same. */
static void check_reset(const struct raw *a, const struct raw *b, bool same_group)
{
	const int devices[2] = {a->device, b->device};
	volatile uint32_t *bars[2];
	uint32_t before[2], after;

	for (int i = 0; i < 2; i++) {
		bars[i] = map_bar(devices[i]);
		EXPECT(load_safely(bars[i] + 2, &before[i]), true);
		config_set(devices[i], COMMAND, 2, 0x6);
	}
	EXPECT(hot_reset(a->device, 0, 0, 0), -EINVAL);
	EXPECT(hot_reset(a->device, 1, 1000, 0), -EBADF);
	EXPECT(hot_reset(a->device, 1, a->container, 0), -EINVAL);
	EXPECT(hot_reset(a->device, 1, a->device, 0), -EINVAL);
	EXPECT(hot_reset(a->device, 1000, 0, 0), -EINVAL);
	if (!same_group) {
		EXPECT(hot_reset(a->device, 1, a->group, 0), -EINVAL);
		EXPECT(hot_reset(a->device, 2, a->group, a->group), -EINVAL);
	}
	EXPECT(hot_reset(a->device, same_group ? 1 : 2, a->group, b->group), 0);
	for (int i = 0; i < 2; i++) {
		EXPECT(config_get(devices[i], COMMAND, 2) & 0x6, 0x6);
		EXPECT(load_safely(bars[i] + 2, &after), true);
		EXPECT(after, before[i]);
	}
}

int command_hot_reset(int argc, char **argv)
{
	struct raw a, b;
	char *link_a, *link_b, path[128];
	bool same;

	if (argc < 2) {
		raw_open(&a, argv[0]);
		EXPECT(hot_reset(a.device, 1, a.group, 0), -EINVAL);
		raw_close(&a);
		return EXIT_SUCCESS;
	}
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", argv[0]);
	link_a = realpath(path, NULL);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", argv[1]);
	link_b = realpath(path, NULL);
	same = !strcmp(link_a, link_b);
	raw_open(&a, argv[0]);
	if (same) {
		b = a;
		b.name = argv[1];
		b.device = raw_get_device(&b);
	} else {
		raw_open(&b, argv[1]);
	}
	check_info(a.device);
	check_reset(&a, &b, same);
	close(b.device);
	b.device = -1;
	if (!same)
		raw_close(&b);
	raw_close(&a);
	free(link_a);
	free(link_b);
	return EXIT_SUCCESS;
}
