/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening devices, configuration space, interrupts, and loads that may fault, by the bare uAPI. */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <limits.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONFIG_STATUS	  0x06
#define STATUS_CAPS	  0x10
#define CONFIG_CAPS	  0x34
#define CAPS_MAX	  48

void die(const char *what)
{
	perror(what);
	exit(EXIT_FAILURE);
}

void expect(long long actual, long long expected, const char *what, const char *file, int line)
{
	if (actual == expected)
		return;
	printf("%s:%d: %s is %lld (0x%llx), expected %lld (0x%llx)\n", file, line, what, actual,
	       (unsigned long long)actual, expected, (unsigned long long)expected);
	exit(EXIT_FAILURE);
}

int raw_group_number(const char *name)
{
	char link[PATH_MAX], path[128];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group", name);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0)
		die(path);
	link[len] = 0;
	return atoi(basename(link));
}

void raw_open_group(struct raw *raw, const char *name)
{
	char path[64];

	raw->name = name;
	raw->device = -1;
	raw->container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	if (raw->container < 0)
		die("/dev/vfio/vfio");
	snprintf(path, sizeof(path), "/dev/vfio/%d", raw_group_number(name));
	raw->group = open(path, O_RDWR | O_CLOEXEC);
	if (raw->group < 0)
		die(path);
	if (ioctl(raw->group, VFIO_GROUP_SET_CONTAINER, &raw->container))
		die("VFIO_GROUP_SET_CONTAINER");
	if (ioctl(raw->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU))
		die("VFIO_SET_IOMMU");
}

int raw_get_device(const struct raw *raw)
{
	return ioctl(raw->group, VFIO_GROUP_GET_DEVICE_FD, raw->name);
}

void raw_open(struct raw *raw, const char *name)
{
	raw_open_group(raw, name);
	raw->device = raw_get_device(raw);
	if (raw->device < 0)
		die(name);
}

void raw_close(struct raw *raw)
{
	if (raw->device >= 0)
		close(raw->device);
	close(raw->group);
	close(raw->container);
}

uint64_t raw_region(int device, unsigned int index, uint64_t *size)
{
	struct vfio_region_info info = {.argsz = sizeof(info), .index = index};

	if (ioctl(device, VFIO_DEVICE_GET_REGION_INFO, &info))
		die("VFIO_DEVICE_GET_REGION_INFO");
	if (size)
		*size = info.size;
	return info.offset;
}

/* ---- configuration space ---- */

static uint64_t config_offset(int device)
{
	static uint64_t offset;

	if (!offset)
		offset = raw_region(device, VFIO_PCI_CONFIG_REGION_INDEX, NULL);
	return offset;
}

uint32_t config_get(int device, uint16_t pos, size_t width)
{
	uint32_t value = 0;

	if (pread(device, &value, width, config_offset(device) + pos) != (ssize_t)width)
		return UINT32_MAX;
	return value;
}

void config_set(int device, uint16_t pos, size_t width, uint32_t value)
{
	if (pwrite(device, &value, width, config_offset(device) + pos) < 0)
		return;
}

uint16_t config_find_cap(int device, uint8_t id)
{
	uint8_t pos = config_get(device, CONFIG_CAPS, 1);

	if (!(config_get(device, CONFIG_STATUS, 2) & STATUS_CAPS))
		return 0;
	for (int i = 0; pos && i < CAPS_MAX; i++) {
		if (config_get(device, pos, 1) == id)
			return pos;
		pos = config_get(device, pos + 1, 1);
	}
	return 0;
}

/* ---- interrupts ---- */

int irq_set_fds(int device, unsigned int index, unsigned int start, unsigned int count,
		const int32_t *fds, uint32_t action)
{
	const size_t size = sizeof(struct vfio_irq_set) + count * sizeof(*fds);
	struct vfio_irq_set *set = calloc(1, size);
	int ret;

	if (!set)
		die("calloc");
	*set = (struct vfio_irq_set){
		.argsz = size,
		.flags = VFIO_IRQ_SET_DATA_EVENTFD | action,
		.index = index,
		.start = start,
		.count = count,
	};
	memcpy(set->data, fds, count * sizeof(*fds));
	ret = ioctl(device, VFIO_DEVICE_SET_IRQS, set) ? -errno : 0;
	free(set);
	return ret;
}

int irq_set_none(int device, unsigned int index, unsigned int count, uint32_t action)
{
	struct vfio_irq_set set = {
		.argsz = sizeof(set),
		.flags = VFIO_IRQ_SET_DATA_NONE | action,
		.index = index,
		.count = count,
	};

	return ioctl(device, VFIO_DEVICE_SET_IRQS, &set) ? -errno : 0;
}

/* ---- loads ---- */

static __thread sigjmp_buf fault;

static void on_sigbus(int sig)
{
	(void)sig;
	siglongjmp(fault, 1);
}

bool load_safely(const volatile uint32_t *p, uint32_t *value)
{
	struct sigaction action = {.sa_handler = on_sigbus};

	sigaction(SIGBUS, &action, NULL);
	if (sigsetjmp(fault, 1))
		return false;
	*value = *p;
	return true;
}
