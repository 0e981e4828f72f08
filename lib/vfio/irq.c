/* SPDX-License-Identifier: BSD-3-Clause */
/* Interrupts of a device as eventfds: one type at a time, an eventfd for each vector. */
#include <pollux/log.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vfio/dev.h"

PLX_LOG_USE(vfio);

static const unsigned int irq_index[PLX_DEV_IRQ_TYPES] = {
	[PLX_IRQ_INTX] = VFIO_PCI_INTX_IRQ_INDEX,
	[PLX_IRQ_MSI] = VFIO_PCI_MSI_IRQ_INDEX,
	[PLX_IRQ_MSIX] = VFIO_PCI_MSIX_IRQ_INDEX,
};
static const char *const irq_name[PLX_DEV_IRQ_TYPES] = {"INTx", "MSI", "MSI-X"};

void plx_dev_irqs_init(struct plx_dev *dev)
{
	unsigned int i, n;

	for (i = 0; i < PLX_DEV_IRQ_TYPES; i++) {
		n = dev->ops->irq_count(dev, irq_index[i]);
		dev->info.num_irqs[i] = n < PLX_DEV_IRQ_MAX ? n : PLX_DEV_IRQ_MAX;
	}
}

int plx_dev_irq_best(const struct plx_dev *dev)
{
	int type;

	for (type = PLX_IRQ_MSIX; type >= PLX_IRQ_INTX; type--)
		if (dev->info.num_irqs[type])
			return type;
	return -ENODEV;
}

static void close_fds(int *fds, unsigned int n)
{
	while (n--)
		close(fds[n]);
	free(fds);
}

static int *open_fds(unsigned int n)
{
	int *fds = calloc(n, sizeof(*fds));
	unsigned int i;
	int err;

	for (i = 0; fds && i < n; i++) {
		fds[i] = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
		if (fds[i] < 0) {
			err = errno;
			close_fds(fds, i);
			errno = err;
			return NULL;
		}
	}
	return fds;
}

int plx_dev_irq_enable(struct plx_dev *dev, enum plx_irq_type type, unsigned int count)
{
	int *fds, err;

	if ((unsigned int)type >= PLX_DEV_IRQ_TYPES || !count || count > dev->info.num_irqs[type]) {
		PLX_ERR(vfio, "%s: %u vectors of %s: the device has %u", dev->info.name, count,
			(unsigned int)type < PLX_DEV_IRQ_TYPES ? irq_name[type] : "no such type",
			(unsigned int)type < PLX_DEV_IRQ_TYPES ? dev->info.num_irqs[type] : 0);
		return -EINVAL;
	}
	if (dev->irq_count) {
		PLX_ERR(vfio, "%s: its interrupts (%s) are on already; switch them off first",
			dev->info.name, irq_name[dev->irq_type]);
		return -EINVAL;
	}
	fds = open_fds(count);
	if (!fds) {
		err = -errno;
		PLX_ERR(vfio, "%s: %u eventfds: %s", dev->info.name, count, strerror(-err));
		return err;
	}
	err = dev->ops->irq_set(dev, irq_index[type], fds, count);
	if (err) {
		PLX_ERR(vfio, "%s: the kernel does not switch on %u vectors of %s: %s",
			dev->info.name, count, irq_name[type], strerror(-err));
		close_fds(fds, count);
		return err;
	}
	dev->irq_type = type;
	dev->irq_count = count;
	dev->irq_fds = fds;
	return 0;
}

int plx_dev_irq_disable(struct plx_dev *dev)
{
	int err;

	if (!dev->irq_count)
		return 0;
	err = dev->ops->irq_set(dev, irq_index[dev->irq_type], NULL, 0);
	close_fds(dev->irq_fds, dev->irq_count);
	dev->irq_fds = NULL;
	dev->irq_count = 0;
	return err;
}

int plx_dev_irq_fd(const struct plx_dev *dev, unsigned int vector)
{
	return vector < dev->irq_count ? dev->irq_fds[vector] : -EINVAL;
}

int plx_dev_irq_unmask(struct plx_dev *dev)
{
	if (!dev->irq_count)
		return -EINVAL;
	return dev->irq_type == PLX_IRQ_INTX ? dev->ops->irq_unmask(dev) : 0;
}

/* Return: 1 fired, 0 not, or a negative errno. */
static int take(int fd)
{
	eventfd_t n;

	if (eventfd_read(fd, &n) == 0)
		return 1;
	return errno == EAGAIN ? 0 : -errno;
}

int plx_dev_irq_wait(struct plx_dev *dev, unsigned int vector, int timeout_ms)
{
	struct pollfd poll_fd = {.events = POLLIN};
	int ret;

	poll_fd.fd = plx_dev_irq_fd(dev, vector);
	if (poll_fd.fd < 0)
		return -EINVAL;
	ret = take(poll_fd.fd);
	if (ret)
		return ret;
	ret = plx_dev_irq_unmask(dev);
	if (ret)
		return ret;
	ret = poll(&poll_fd, 1, timeout_ms);
	if (ret <= 0)
		return ret < 0 ? -errno : 0;
	return take(poll_fd.fd);
}
