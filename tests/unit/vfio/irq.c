/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts: types, counts, waiting, and what a reset does to them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include <pollux/clock.h>

#include "../pci/fake.h"
#include "device.h"
#include "runner.h"
#include "suites.h"

static void open_device(struct plx_dev *dev)
{
	device_defaults();
	fake_irqs[VFIO_PCI_INTX_IRQ_INDEX] = 1;
	fake_irqs[VFIO_PCI_MSI_IRQ_INDEX] = 1;
	fake_irqs[VFIO_PCI_MSIX_IRQ_INDEX] = 5;
	fake_regions[PLX_REGION_CONFIG] = (struct plx_dev_region){
		.size = 256, .flags = VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE};
	UNIT_EQ(device_open(dev), 0);
	fake_calls[0] = '\0';
	fake_log();
}

static void best(void)
{
	struct plx_dev dev;

	open_device(&dev);
	UNIT_EQ(plx_dev_irq_best(&dev), PLX_IRQ_MSIX);
	dev.info.num_irqs[PLX_IRQ_MSIX] = 0;
	UNIT_EQ(plx_dev_irq_best(&dev), PLX_IRQ_MSI);
	dev.info.num_irqs[PLX_IRQ_MSI] = 0;
	UNIT_EQ(plx_dev_irq_best(&dev), PLX_IRQ_INTX);
	dev.info.num_irqs[PLX_IRQ_INTX] = 0;
	UNIT_EQ(plx_dev_irq_best(&dev), -ENODEV);
	device_close(&dev);
}

static void too_many_vectors_claimed(void)
{
	struct plx_dev dev;

	device_defaults();
	fake_irqs[VFIO_PCI_MSIX_IRQ_INDEX] = UINT32_MAX;
	UNIT_EQ(device_open(&dev), 0);
	UNIT_EQ(dev.info.num_irqs[PLX_IRQ_MSIX], 2048);
	device_close(&dev);
}

static void fires(void)
{
	struct plx_dev dev;

	open_device(&dev);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 5), 0);
	UNIT_STR(fake_calls, "set 2 5\n");
	UNIT_EQ(plx_dev_irq_wait(&dev, 3, 0), 0);
	device_fire(VFIO_PCI_MSIX_IRQ_INDEX, 3);
	device_fire(VFIO_PCI_MSIX_IRQ_INDEX, 3);
	UNIT_EQ(plx_dev_irq_wait(&dev, 2, 0), 0);
	UNIT_EQ(plx_dev_irq_wait(&dev, 3, -1), 1);
	UNIT_EQ(plx_dev_irq_wait(&dev, 3, 0), 0);
	UNIT_EQ(plx_dev_irq_wait(&dev, 5, 0), -EINVAL);
	UNIT_EQ(fcntl(plx_dev_irq_fd(&dev, 0), F_GETFL) & O_NONBLOCK, O_NONBLOCK);
	UNIT_EQ(fcntl(plx_dev_irq_fd(&dev, 0), F_GETFD), FD_CLOEXEC);
	UNIT_EQ(plx_dev_irq_disable(&dev), 0);
	UNIT_EQ(plx_dev_irq_fd(&dev, 0), -EINVAL);
	UNIT_EQ(plx_dev_irq_wait(&dev, 0, 0), -EINVAL);
	UNIT_STR(fake_calls, "set 2 5\nset 2 0\n");
	device_close(&dev);
}

static void times_out(void)
{
	struct plx_dev dev;
	uint64_t start;

	open_device(&dev);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSI, 1), 0);
	start = plx_clock_ns();
	UNIT_EQ(plx_dev_irq_wait(&dev, 0, 30), 0);
	CU_ASSERT(plx_clock_ns() - start >= 29000000);
	device_close(&dev);
}

static void intx_is_unmasked(void)
{
	struct plx_dev dev;

	open_device(&dev);
	UNIT_EQ(plx_dev_irq_unmask(&dev), -EINVAL);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_INTX, 1), 0);
	UNIT_EQ(plx_dev_irq_wait(&dev, 0, 0), 0);
	UNIT_STR(fake_calls, "set 0 1\nunmask 0 0\n");
	/* One that has fired already is given first: the driver must quiet the device before. */
	device_fire(VFIO_PCI_INTX_IRQ_INDEX, 0);
	UNIT_EQ(plx_dev_irq_wait(&dev, 0, 0), 1);
	UNIT_STR(fake_calls, "set 0 1\nunmask 0 0\n");
	UNIT_EQ(plx_dev_irq_unmask(&dev), 0);
	UNIT_STR(fake_calls, "set 0 1\nunmask 0 0\nunmask 0 0\n");
	plx_dev_irq_disable(&dev);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSI, 1), 0);
	fake_calls[0] = '\0';
	UNIT_EQ(plx_dev_irq_unmask(&dev), 0);
	UNIT_STR(fake_calls, "");
	device_close(&dev);
}

static void refused(void)
{
	struct plx_dev dev;

	open_device(&dev);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 6), -EINVAL);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 0), -EINVAL);
	UNIT_EQ(plx_dev_irq_enable(&dev, (enum plx_irq_type)3, 1), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "6 vectors of MSI-X: the device has 5"));
	UNIT_STR(fake_calls, "");
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSI, 1), 0);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 1), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "(MSI) are on already"));
	plx_dev_irq_disable(&dev);
	fake_irq_error = -ENOSPC;
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 5), -ENOSPC);
	UNIT_EQ(plx_dev_irq_fd(&dev, 0), -EINVAL);
	fake_irq_error = 0;
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 5), 0);
	device_close(&dev);
}

static void out_of_fds(void)
{
	struct rlimit limit, tight;
	struct plx_dev dev;
	int next;

	open_device(&dev);
	getrlimit(RLIMIT_NOFILE, &limit);
	next = dup(0);
	close(next);
	tight = limit;
	tight.rlim_cur = (rlim_t)next + 2;
	setrlimit(RLIMIT_NOFILE, &tight);
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 5), -EMFILE);
	setrlimit(RLIMIT_NOFILE, &limit);
	UNIT_EQ(dup(0), next); /* none was left open */
	close(next);
	UNIT_STR(fake_calls, "");
	device_close(&dev);
}

static void reset(void)
{
	struct plx_dev dev;

	open_device(&dev);
	UNIT_EQ(plx_dev_reset(&dev), -ENOTSUP);
	dev.info.can_reset = true;
	UNIT_EQ(plx_dev_irq_enable(&dev, PLX_IRQ_MSIX, 2), 0);
	fake_calls[0] = '\0';
	UNIT_EQ(plx_dev_reset(&dev), 0);
	UNIT_STR(fake_calls, "set 2 0\nreset 0 0\n");
	UNIT_EQ(plx_dev_irq_fd(&dev, 0), -EINVAL);
	fake_reset_error = -EIO;
	UNIT_EQ(plx_dev_reset(&dev), -EIO);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "reset failed"));
	device_close(&dev);
}

static void bus_master(void)
{
	struct plx_dev dev;
	uint16_t command = 0x0406, seen;

	open_device(&dev);
	UNIT_EQ(plx_dev_region_write(&dev, PLX_REGION_CONFIG, PLX_PCI_COMMAND, &command, 2), 0);
	UNIT_EQ(plx_dev_bus_master(&dev, false), 0);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_CONFIG, PLX_PCI_COMMAND, &seen, 2), 0);
	UNIT_EQ(seen, 0x0402);
	UNIT_EQ(plx_dev_bus_master(&dev, true), 0);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_CONFIG, PLX_PCI_COMMAND, &seen, 2), 0);
	UNIT_EQ(seen, 0x0406);
	device_close(&dev);
}

CU_TestInfo irq_tests[] = {
	{"the best type", best},
	{"more vectors than MSI-X can have", too_many_vectors_claimed},
	{"a vector fires", fires},
	{"waiting times out", times_out},
	{"INTx is unmasked by waiting", intx_is_unmasked},
	{"bad requests, and a refusal of the kernel", refused},
	{"out of file descriptors", out_of_fds},
	{"reset switches interrupts off", reset},
	{"bus mastering", bus_master},
	CU_TEST_INFO_NULL,
};
