/* SPDX-License-Identifier: BSD-3-Clause */
/* Error and removal events. */
#include <errno.h>
#include <poll.h>

#include "../pci/fake.h"
#include "device.h"
#include "runner.h"
#include "suites.h"

static int readable(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};

	return poll(&p, 1, 0);
}

static void signalled(void)
{
	struct plx_dev dev;

	device_defaults();
	fake_irqs[VFIO_PCI_ERR_IRQ_INDEX] = fake_irqs[VFIO_PCI_REQ_IRQ_INDEX] = 1;
	UNIT_EQ(device_open(&dev), 0);
	UNIT_EQ(readable(plx_dev_event_fd(&dev)), 0);
	UNIT_EQ(plx_dev_events(&dev), 0);
	device_fire(VFIO_PCI_REQ_IRQ_INDEX, 0);
	UNIT_EQ(readable(plx_dev_event_fd(&dev)), 1);
	UNIT_EQ(plx_dev_events(&dev), PLX_DEV_EVENT_REMOVE);
	UNIT_EQ(readable(plx_dev_event_fd(&dev)), 0);
	device_fire(VFIO_PCI_REQ_IRQ_INDEX, 0);
	device_fire(VFIO_PCI_ERR_IRQ_INDEX, 0);
	device_fire(VFIO_PCI_ERR_IRQ_INDEX, 0);
	UNIT_EQ(plx_dev_events(&dev), PLX_DEV_EVENT_REMOVE | PLX_DEV_EVENT_ERROR);
	UNIT_EQ(plx_dev_events(&dev), 0);
	device_close(&dev);
}

static void not_supported(void)
{
	struct plx_dev dev;

	device_defaults();
	UNIT_EQ(device_open(&dev), 0);
	UNIT_STR(fake_calls, "");
	UNIT_EQ(readable(plx_dev_event_fd(&dev)), 0);
	UNIT_EQ(plx_dev_events(&dev), 0);
	device_close(&dev);
}

static void refused(void)
{
	struct plx_dev dev;

	device_defaults();
	fake_irqs[VFIO_PCI_REQ_IRQ_INDEX] = 1;
	fake_irq_error = -EINVAL;
	UNIT_EQ(device_open(&dev), -EINVAL);
	device_close(&dev);
}

CU_TestInfo event_tests[] = {
	{"error and removal", signalled},
	{"a device without events", not_supported},
	{"the kernel refuses", refused},
	CU_TEST_INFO_NULL,
};
