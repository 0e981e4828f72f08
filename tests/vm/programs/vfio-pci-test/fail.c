/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * fail DEVICE: each allocation in the kernel on the way of opening a device, of
 * setting its interrupts and ioeventfds, fails once (fault injection's fail-nth).
 * What fails must fail with an errno and leave the device as usable as before.
 */
#include "nth.h"
#include "raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define NTH_MAX 2000
#define MSIX	3

static struct raw raw;
static int32_t event_fd;
static int32_t msix_fds[MSIX];
static uint64_t bar0;

/* Operations return 0 or -errno, and are undone by what follows them. */
static int op_open(void)
{
	raw.device = raw_get_device(&raw);
	return raw.device < 0 ? -errno : 0;
}

static void undo_open(void)
{
	close(raw.device);
	raw.device = -1;
}

static int op_intx(void)
{
	return irq_set_fds(raw.device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &event_fd,
			   VFIO_IRQ_SET_ACTION_TRIGGER);
}

static void undo_intx(void)
{
	EXPECT(irq_set_none(raw.device, VFIO_PCI_INTX_IRQ_INDEX, 0, VFIO_IRQ_SET_ACTION_TRIGGER),
	       0);
}

static int op_msi(void)
{
	return irq_set_fds(raw.device, VFIO_PCI_MSI_IRQ_INDEX, 0, 1, &event_fd,
			   VFIO_IRQ_SET_ACTION_TRIGGER);
}

static void undo_msi(void)
{
	EXPECT(irq_set_none(raw.device, VFIO_PCI_MSI_IRQ_INDEX, 0, VFIO_IRQ_SET_ACTION_TRIGGER), 0);
}

static void undo_msix(void)
{
	EXPECT(irq_set_none(raw.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, VFIO_IRQ_SET_ACTION_TRIGGER),
	       0);
}

/* The first vector alone, then all: the others are added to vectors that are on. */
static int op_msix(void)
{
	int ret = irq_set_fds(raw.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, 1, msix_fds,
			      VFIO_IRQ_SET_ACTION_TRIGGER);

	if (ret)
		return ret;
	ret = irq_set_fds(raw.device, VFIO_PCI_MSIX_IRQ_INDEX, 0, MSIX, msix_fds,
			  VFIO_IRQ_SET_ACTION_TRIGGER);
	if (ret)
		undo_msix();
	return ret;
}

static int ioeventfd(int fd)
{
	struct vfio_device_ioeventfd arg = {
		.argsz = sizeof(arg),
		.flags = VFIO_DEVICE_IOEVENTFD_32,
		.offset = bar0 + 0x1000,
		.fd = fd,
	};

	return ioctl(raw.device, VFIO_DEVICE_IOEVENTFD, &arg) ? -errno : 0;
}

static int op_ioeventfd(void)
{
	return ioeventfd(event_fd);
}

static void undo_ioeventfd(void)
{
	EXPECT(ioeventfd(-1), 0);
}

static int op_reset(void)
{
	return ioctl(raw.device, VFIO_DEVICE_RESET) ? -errno : 0;
}

static void undo_nothing(void)
{
}

static void fail_each(const char *name, int (*op)(void), void (*undo)(void))
{
	int failed = 0, n, ret;
	bool injected;

	for (n = 1; n < NTH_MAX; n++) {
		nth_arm((unsigned int)n);
		ret = op();
		injected = nth_disarm();
		if (!ret)
			undo();
		failed += !!ret;
		if (!injected)
			break;
	}
	/* The kernel may do without some of them; but the last time nothing failed. */
	EXPECT(ret, 0);
	printf("%s: %d allocations, %d failures\n", name, n - 1, failed);
	EXPECT(op(), 0);
	undo();
}

int command_fail(int argc, char **argv)
{
	event_fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	for (int i = 0; i < MSIX; i++)
		msix_fds[i] = event_fd;
	nth_open();
	raw_open_group(&raw, argv[0]);
	fail_each("open", op_open, undo_open);
	EXPECT(op_open(), 0);
	bar0 = raw_region(raw.device, 0, NULL);
	fail_each("intx", op_intx, undo_intx);
	fail_each("msi", op_msi, undo_msi);
	fail_each("msix", op_msix, undo_msix);
	fail_each("ioeventfd", op_ioeventfd, undo_ioeventfd);
	fail_each("reset", op_reset, undo_nothing);
	raw_close(&raw);
	return EXIT_SUCCESS;
}
