/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * power DEVICE: it sleeps while nobody has it open, and while its user allows it;
 * an access wakes it, and with a wake-up eventfd says so and keeps it awake.
 */
#include "raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* VLAN Ether Type, 82574 data sheet 10.2.2.12: a register without effect here. */
#define E1000_VET 0x38

static const char *name;

static bool has_status(const char *want)
{
	char path[128], is[32] = "";
	FILE *f;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/power/runtime_status", name);
	for (int tries = 0; tries < 100; tries++) {
		f = fopen(path, "r");
		if (!f || !fgets(is, sizeof(is), f))
			die(path);
		fclose(f);
		is[strcspn(is, "\n")] = 0;
		if (!strcmp(is, want))
			return true;
		usleep(20000);
	}
	printf("%s: %s, expected %s\n", path, is, want);
	return false;
}

static int set_feature(int device, uint32_t feature, int fd)
{
	struct {
		struct vfio_device_feature hdr;
		struct vfio_device_low_power_entry_with_wakeup entry;
	} arg = {
		.hdr = {.argsz = sizeof(arg), .flags = VFIO_DEVICE_FEATURE_SET | feature},
		.entry = {.wakeup_eventfd = fd},
	};

	return ioctl(device, VFIO_DEVICE_FEATURE, &arg) ? -errno : 0;
}

static void check_entry(int device, volatile uint32_t *bar)
{
	uint32_t value;

	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, -1), 0);
	EXPECT(has_status("suspended"), true);
	EXPECT(load_safely(bar + 2, &value), false);
	EXPECT(has_status("suspended"), true);
	EXPECT(config_get(device, 0, 4) != UINT32_MAX, true);
	EXPECT(has_status("suspended"), true);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, -1), -EINVAL);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, -1), 0);
	EXPECT(has_status("active"), true);
	EXPECT(load_safely(bar + 2, &value), true);
}

static void check_wakeup(int device, volatile uint32_t *bar)
{
	int fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t count;
	uint32_t value;

	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, 1000), -EBADF);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY_WITH_WAKEUP, fd), 0);
	EXPECT(has_status("suspended"), true);
	EXPECT(eventfd_read(fd, &count), -1);
	EXPECT(config_get(device, 0, 4) != UINT32_MAX, true);
	EXPECT(eventfd_read(fd, &count), 0);
	EXPECT(count, 1);
	EXPECT(has_status("active"), true);
	EXPECT(load_safely(bar + 2, &value), true);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, -1), 0);
	EXPECT(load_safely(bar + 2, &value), true);
	close(fd);
}

/*
 * A doorbell rung by eventfd while it sleeps wakes it, and is not lost. Linux's own writes to the
 * sleeping device.
 */
static void check_ioeventfd(int device)
{
	const uint64_t bar = raw_region(device, 0, NULL);
	struct vfio_device_ioeventfd arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = bar + E1000_VET,
		.fd = eventfd(0, EFD_NONBLOCK),
	};
	const char *modules = getenv("PLX_MODULES");
	uint32_t value = 0;

	if (!modules || strcmp(modules, "pollux"))
		return;
	EXPECT(pread(device, &value, 4, bar + E1000_VET), 4);
	arg.data = value ^ 0x1111;
	EXPECT(ioctl(device, VFIO_DEVICE_IOEVENTFD, &arg), 0);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, -1), 0);
	EXPECT(has_status("suspended"), true);
	EXPECT(eventfd_write(arg.fd, 1), 0);
	for (int tries = 0; tries < 200 && value != arg.data; tries++) {
		usleep(20000);
		EXPECT(pread(device, &value, 4, bar + E1000_VET), 4);
	}
	EXPECT(value, arg.data);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, -1), 0);
	close(arg.fd);
}

/* An interrupt that is on keeps working over a sleep. */
static void check_irq(int device)
{
	int32_t fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t count;

	EXPECT(irq_set_fds(device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &fd, VFIO_IRQ_SET_ACTION_TRIGGER), 0);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, -1), 0);
	EXPECT(has_status("suspended"), true);
	EXPECT(set_feature(device, VFIO_DEVICE_FEATURE_LOW_POWER_EXIT, -1), 0);
	EXPECT(irq_set_none(device, VFIO_PCI_INTX_IRQ_INDEX, 1, VFIO_IRQ_SET_ACTION_TRIGGER), 0);
	EXPECT(eventfd_read(fd, &count), 0);
	close(fd);
}

int command_power(int argc, char **argv)
{
	volatile uint32_t *bar;
	struct raw raw;

	name = argv[0];
	EXPECT(has_status("suspended"), true);
	raw_open(&raw, name);
	EXPECT(has_status("active"), true);
	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, raw.device,
		   raw_region(raw.device, 0, NULL));
	if (bar == MAP_FAILED)
		die("mmap");
	check_entry(raw.device, bar);
	check_wakeup(raw.device, bar);
	check_irq(raw.device);
	check_ioeventfd(raw.device);
	/* Closed while it sleeps. */
	EXPECT(set_feature(raw.device, VFIO_DEVICE_FEATURE_LOW_POWER_ENTRY, -1), 0);
	munmap((void *)bar, 4096);
	close(raw.device);
	EXPECT(has_status("suspended"), true);
	raw.device = raw_get_device(&raw);
	EXPECT(has_status("active"), true);
	raw_close(&raw);
	EXPECT(has_status("suspended"), true);
	return EXIT_SUCCESS;
}
