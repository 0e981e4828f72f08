/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * noiommu DEVICE: a device that no IOMMU isolates, by its group noiommu-N and the backend that
 * maps nothing. Who may use it: CAP_SYS_RAWIO, also when the open group comes from somebody else.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void drop_rawio(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[2];

	if (syscall(SYS_capget, &header, caps))
		die("capget");
	caps[0].effective &= ~(1U << CAP_SYS_RAWIO);
	if (syscall(SYS_capset, &header, caps))
		die("capset");
}

static int open_group(const char *device)
{
	char path[64];
	int fd;

	snprintf(path, sizeof(path), "/dev/vfio/noiommu-%d", raw_group_number(device));
	fd = open(path, O_RDWR | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int result(int ret)
{
	return ret < 0 ? -errno : ret;
}

/* In a process of its own: what has no CAP_SYS_RAWIO gets. */
static void check_unprivileged(const struct raw *raw)
{
	int container, status;
	pid_t child = fork();

	if (child < 0)
		die("fork");
	if (child) {
		waitpid(child, &status, 0);
		EXPECT(status, 0);
		return;
	}
	drop_rawio();
	EXPECT(result(raw_get_device(raw)), -EPERM);
	EXPECT(result(ioctl(raw->group, VFIO_GROUP_UNSET_CONTAINER)), 0);
	container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	EXPECT(container >= 0, true);
	EXPECT(result(ioctl(raw->group, VFIO_GROUP_SET_CONTAINER, &container)), -EPERM);
	close(raw->group);
	close(raw->container);
	_exit(EXIT_SUCCESS);
}

static void check_container(const struct raw *raw)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map), .flags = 3, .size = 4096};

	EXPECT(ioctl(raw->container, VFIO_CHECK_EXTENSION, VFIO_NOIOMMU_IOMMU), 1);
	EXPECT(ioctl(raw->container, VFIO_CHECK_EXTENSION, VFIO_TYPE1v2_IOMMU), 0);
	EXPECT(result(ioctl(raw->container, VFIO_SET_IOMMU, VFIO_TYPE1v2_IOMMU)), -ENODEV);
	EXPECT(result(ioctl(raw->container, VFIO_IOMMU_MAP_DMA, &map)), -EINVAL);
	EXPECT(result(ioctl(raw->container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU)), 0);
	EXPECT(result(ioctl(raw->container, VFIO_SET_IOMMU, VFIO_NOIOMMU_IOMMU)), -EINVAL);
	EXPECT(result(ioctl(raw->container, VFIO_IOMMU_MAP_DMA, &map)), -ENOTTY);
}

static void check_device(int device)
{
	int32_t fd = eventfd(0, EFD_NONBLOCK);
	eventfd_t count;
	uint32_t value;
	uint64_t bar0;

	EXPECT(config_get(device, 0, 4) != UINT32_MAX, true);
	bar0 = raw_region(device, 0, NULL);
	config_set(device, 4, 2, 0x2);
	EXPECT(pread(device, &value, 4, bar0 + 8), 4);
	EXPECT(irq_set_fds(device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, &fd, VFIO_IRQ_SET_ACTION_TRIGGER),
	       0);
	EXPECT(irq_set_none(device, VFIO_PCI_MSIX_IRQ_INDEX, 1, VFIO_IRQ_SET_ACTION_TRIGGER), 0);
	EXPECT(eventfd_read(fd, &count), 0);
	EXPECT(result(ioctl(device, VFIO_DEVICE_RESET)), 0);
	close(fd);
}

int command_noiommu(int argc, char **argv)
{
	struct raw raw = {.name = argv[0]};

	(void)argc;
	raw.group = open_group(argv[0]);
	EXPECT(raw.group >= 0, true);
	raw.container = open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC);
	EXPECT(result(raw_get_device(&raw)), -EINVAL);
	EXPECT(result(ioctl(raw.group, VFIO_GROUP_SET_CONTAINER, &raw.container)), 0);
	check_container(&raw);
	raw.device = raw_get_device(&raw);
	EXPECT(raw.device >= 0, true);
	check_device(raw.device);
	close(raw.device);
	check_unprivileged(&raw);
	close(raw.group);
	close(raw.container);
	drop_rawio();
	EXPECT(open_group(argv[0]), -EPERM);
	return EXIT_SUCCESS;
}
