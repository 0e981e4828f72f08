/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The same by DPDK: grow_dpdk EAL-OPTION... -- [BDF...]. The first device is in the default
 * container, which follows rte_malloc() by itself; each other one has a container of its own, which
 * an application maps by hand.
 */
#include <linux/vfio.h>

#include <rte_eal.h>
#include <rte_malloc.h>
#include <rte_vfio.h>

#include "report.h"

#define DEVICES_MAX 16
#define PAGE	    ((size_t)2 << 20)
#define LEN	    (((size_t)1 << 30) - PAGE)
#define SYSFS	    "/sys/bus/pci/devices"

static int containers[DEVICES_MAX];

static int open_devices(char **names, int n)
{
	struct vfio_device_info info = {.argsz = sizeof(info)};
	int i, group, fd;

	for (i = 0; i < n; i++) {
		if (i > 0) {
			containers[i] = rte_vfio_container_create();
			if (containers[i] < 0 ||
			    rte_vfio_get_group_num(SYSFS, names[i], &group) != 1 ||
			    rte_vfio_container_group_bind(containers[i], group) < 0)
				return -1;
		}
		if (rte_vfio_setup_device(SYSFS, names[i], &fd, &info))
			return -1;
	}
	return 0;
}

int main(int argc, char **argv)
{
	int used = rte_eal_init(argc, argv), n, i;
	uint64_t start;
	char *va;

	if (used < 0)
		return EXIT_FAILURE;
	n = argc - used - 1;
	if (n > DEVICES_MAX || open_devices(argv + used + 1, n))
		return EXIT_FAILURE;
	start = now_ns();
	va = rte_malloc(NULL, LEN, PAGE);
	if (!va)
		return EXIT_FAILURE;
	for (i = 1; i < n; i++)
		if (rte_vfio_container_dma_map(containers[i], (uintptr_t)va, (uintptr_t)va, LEN))
			return EXIT_FAILURE;
	printf("grow %llu\n", (unsigned long long)(now_ns() - start));
	fflush(stdout);
	/* The kernel takes it all back. */
	_exit(EXIT_SUCCESS);
}
