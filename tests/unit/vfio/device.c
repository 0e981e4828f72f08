/* SPDX-License-Identifier: BSD-3-Clause */
/* A device on a transport made of a file; see device.h. */
#include "device.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/mman.h>
#include <unistd.h>

struct plx_dev_region fake_regions[PLX_DEV_REGIONS];
unsigned int fake_irqs[5];
int fake_region_error, fake_irq_error, fake_reset_error;
char fake_calls[512];

static int fds[5][64];

static void note(const char *what, unsigned int a, unsigned int b)
{
	size_t used = strlen(fake_calls);

	snprintf(fake_calls + used, sizeof(fake_calls) - used, "%s %u %u\n", what, a, b);
}

static int region_info(struct plx_dev *dev, unsigned int index, struct plx_dev_region *region)
{
	const struct plx_dev_region *from = &fake_regions[index];

	if (fake_region_error)
		return fake_region_error;
	*region = *from;
	if (from->area_count) {
		region->areas = calloc(from->area_count, sizeof(*region->areas));
		memcpy(region->areas, from->areas, from->area_count * sizeof(*region->areas));
	}
	return 0;
}

static int region_read(struct plx_dev *dev, const struct plx_dev_region *region, uint64_t offset,
		       void *buf, size_t len)
{
	return pread(dev->fd, buf, len, (off_t)(region->start + offset)) == (ssize_t)len ? 0 : -EIO;
}

static int region_write(struct plx_dev *dev, const struct plx_dev_region *region, uint64_t offset,
			const void *buf, size_t len)
{
	return pwrite(dev->fd, buf, len, (off_t)(region->start + offset)) == (ssize_t)len ? 0
											  : -EIO;
}

static int region_mmap(struct plx_dev *dev, const struct plx_dev_region *region,
		       const struct plx_vfio_area *area, void *at)
{
	note("mmap", (unsigned int)(area->offset / FAKE_PAGE),
	     (unsigned int)(area->size / FAKE_PAGE));
	return mmap(at, area->size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, dev->fd,
		    (off_t)(region->start + area->offset)) == MAP_FAILED
		       ? -errno
		       : 0;
}

static unsigned int irq_count(struct plx_dev *dev, unsigned int index)
{
	return fake_irqs[index];
}

static int irq_set(struct plx_dev *dev, unsigned int index, const int *new_fds, unsigned int count)
{
	unsigned int i;

	note("set", index, count);
	if (fake_irq_error)
		return fake_irq_error;
	for (i = 0; i < 64; i++)
		fds[index][i] = i < count ? new_fds[i] : -1;
	return 0;
}

static int irq_unmask(struct plx_dev *dev)
{
	note("unmask", 0, 0);
	return 0;
}

static int reset(struct plx_dev *dev)
{
	note("reset", 0, 0);
	return fake_reset_error;
}

static void close_device(struct plx_dev *dev)
{
	close(dev->fd);
}

static const struct plx_dev_ops ops = {
	.region_info = region_info,
	.region_read = region_read,
	.region_write = region_write,
	.region_mmap = region_mmap,
	.irq_count = irq_count,
	.irq_set = irq_set,
	.irq_unmask = irq_unmask,
	.reset = reset,
	.close = close_device,
};

void device_defaults(void)
{
	memset(fake_regions, 0, sizeof(fake_regions));
	memset(fake_irqs, 0, sizeof(fake_irqs));
	fake_region_error = fake_irq_error = fake_reset_error = 0;
	fake_calls[0] = '\0';
}

int device_open(struct plx_dev *dev)
{
	int err;

	*dev = (struct plx_dev){.ops = &ops, .event_poll = -1, .event_fds = {-1, -1}};
	strcpy(dev->info.name, "0000:02:00.0");
	dev->info.num_regions = PLX_DEV_REGIONS;
	dev->fd = memfd_create("device", MFD_CLOEXEC);
	if (dev->fd < 0 || ftruncate(dev->fd, 64 * FAKE_PAGE) < 0)
		return -errno;
	err = plx_dev_regions_init(dev);
	if (err)
		return err;
	plx_dev_irqs_init(dev);
	return plx_dev_events_init(dev);
}

void device_close(struct plx_dev *dev)
{
	plx_dev_irq_disable(dev);
	plx_dev_events_fini(dev);
	plx_dev_regions_fini(dev);
	dev->ops->close(dev);
}

void device_fire(unsigned int index, unsigned int vector)
{
	eventfd_write(fds[index][vector], 1);
}
