/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What happens to a device from outside: the kernel signals errors (AER) and the request to give
 * the device back by an eventfd each; both are in one epoll fd for the application.
 */
#include <pollux/log.h>

#include <errno.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "vfio/dev.h"

PLX_LOG_USE(vfio);

#define SOURCES 2

static const struct {
	unsigned int index;
	enum plx_dev_event event;
} sources[SOURCES] = {
	{VFIO_PCI_ERR_IRQ_INDEX, PLX_DEV_EVENT_ERROR},
	{VFIO_PCI_REQ_IRQ_INDEX, PLX_DEV_EVENT_REMOVE},
};

static int source_init(struct plx_dev *dev, unsigned int i)
{
	struct epoll_event poll_event = {.events = EPOLLIN};
	int fd;

	if (!dev->ops->irq_count(dev, sources[i].index))
		return 0;
	fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);
	if (fd < 0)
		return -errno;
	dev->event_fds[i] = fd;
	if (epoll_ctl(dev->event_poll, EPOLL_CTL_ADD, fd, &poll_event) < 0)
		return -errno;
	return dev->ops->irq_set(dev, sources[i].index, &fd, 1);
}

int plx_dev_events_init(struct plx_dev *dev)
{
	unsigned int i;
	int err = 0;

	dev->event_poll = epoll_create1(EPOLL_CLOEXEC);
	if (dev->event_poll < 0)
		err = -errno;
	for (i = 0; i < SOURCES && !err; i++)
		err = source_init(dev, i);
	if (err)
		PLX_ERR(vfio, "%s: cannot watch for its events: %s", dev->info.name,
			strerror(-err));
	return err;
}

void plx_dev_events_fini(struct plx_dev *dev)
{
	unsigned int i;

	for (i = 0; i < SOURCES; i++) {
		if (dev->event_fds[i] < 0)
			continue;
		dev->ops->irq_set(dev, sources[i].index, NULL, 0);
		close(dev->event_fds[i]);
		dev->event_fds[i] = -1;
	}
	if (dev->event_poll >= 0)
		close(dev->event_poll);
	dev->event_poll = -1;
}

int plx_dev_event_fd(const struct plx_dev *dev)
{
	return dev->event_poll;
}

int plx_dev_events(struct plx_dev *dev)
{
	int events = 0;
	unsigned int i;
	eventfd_t n;

	for (i = 0; i < SOURCES; i++)
		if (dev->event_fds[i] >= 0 && eventfd_read(dev->event_fds[i], &n) == 0)
			events |= sources[i].event;
	return events;
}
