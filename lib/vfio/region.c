/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Regions of a device. A region is mapped once, whole, when first asked for: addresses are reserved
 * for all of it and its mappable areas placed in them, so that offsets hold everywhere.
 */
#include <pollux/log.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "vfio/dev.h"
#include "vfio/sigbus.h"

PLX_LOG_USE(vfio);

/* The kernel maps a BAR with huge pages where address and offset are aligned alike. */
#define MAP_ALIGN_MAX ((size_t)1 << 30)

int plx_dev_regions_init(struct plx_dev *dev)
{
	unsigned int i;
	int err;

	for (i = 0; i < PLX_DEV_REGIONS && i < dev->info.num_regions; i++) {
		err = dev->ops->region_info(dev, i, &dev->regions[i]);
		if (err == -EPROTO || err == -ENOMEM) {
			PLX_ERR(vfio, "%s: region %u: its description makes no sense: %s",
				dev->info.name, i, strerror(-err));
			return err;
		}
		/* Any other answer says that there is no such region (VGA of a NIC). */
		if (err)
			dev->regions[i] = (struct plx_dev_region){0};
	}
	return 0;
}

void plx_dev_regions_fini(struct plx_dev *dev)
{
	unsigned int i;

	for (i = 0; i < PLX_DEV_REGIONS; i++) {
		struct plx_dev_region *region = &dev->regions[i];

		if (region->base) {
			plx_sigbus_unguard(region->base);
			munmap(region->base, region->size);
		}
		free(region->areas);
		*region = (struct plx_dev_region){0};
	}
}

static struct plx_dev_region *get_region(const struct plx_dev *dev, enum plx_region index)
{
	if ((unsigned int)index >= PLX_DEV_REGIONS || !dev->regions[index].size)
		return NULL;
	return (struct plx_dev_region *)&dev->regions[index];
}

uint64_t plx_dev_region_size(const struct plx_dev *dev, enum plx_region index)
{
	const struct plx_dev_region *region = get_region(dev, index);

	return region ? region->size : 0;
}

/* --- Mapping --------------------------------------------------------------------------------- */

static size_t round_up(size_t n, size_t to)
{
	return (n + to - 1) / to * to;
}

/* Reserve addresses, aligned to the largest page that could map so much. */
static char *reserve(size_t len)
{
	size_t page = (size_t)sysconf(_SC_PAGESIZE), align = page, head;
	char *p;

	while (align < MAP_ALIGN_MAX && align * 2 <= len)
		align *= 2;
	len = round_up(len, page);
	p = mmap(NULL, len + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	if (p == MAP_FAILED)
		return NULL;
	head = round_up((uintptr_t)p, align) - (uintptr_t)p;
	if (head)
		munmap(p, head);
	munmap(p + head + len, align - head);
	return p + head;
}

static int map_areas(struct plx_dev *dev, struct plx_dev_region *region)
{
	char *base = reserve(region->size);
	int err = base ? 0 : -errno;
	size_t i;

	for (i = 0; i < region->area_count && !err; i++)
		err = dev->ops->region_mmap(dev, region, &region->areas[i],
					    base + region->areas[i].offset);
	if (err && base)
		munmap(base, region->size);
	if (err)
		return err;
	region->base = base;
	/* Without it all works but surprise removal: the warning is enough. */
	plx_sigbus_guard(base, round_up(region->size, (size_t)sysconf(_SC_PAGESIZE)));
	return 0;
}

static bool is_mappable(const struct plx_dev_region *region, uint64_t offset, uint64_t len)
{
	size_t i;

	for (i = 0; i < region->area_count; i++)
		if (offset >= region->areas[i].offset &&
		    offset + len <= region->areas[i].offset + region->areas[i].size)
			return true;
	return false;
}

void *plx_dev_region_map(struct plx_dev *dev, enum plx_region index, uint64_t offset, uint64_t len)
{
	struct plx_dev_region *region = get_region(dev, index);
	int err = 0;

	if (!region || offset >= region->size || len > region->size - offset) {
		PLX_ERR(vfio,
			"%s: region %d, offset 0x%" PRIx64 ", %" PRIu64 " bytes: it has %" PRIu64,
			dev->info.name, index, offset, len, region ? region->size : 0);
		errno = EINVAL;
		return NULL;
	}
	if (!len)
		len = region->size - offset;
	if (!is_mappable(region, offset, len))
		err = -ENOTSUP;
	else if (!region->base)
		err = map_areas(dev, region);
	if (err) {
		PLX_ERR(vfio,
			"%s: region %d, offset 0x%" PRIx64 ", %" PRIu64 " bytes: cannot be "
			"mapped: %s",
			dev->info.name, index, offset, len, strerror(-err));
		errno = -err;
		return NULL;
	}
	return region->base + offset;
}

/* --- Access by system call ------------------------------------------------------------------- */

static int check_access(const struct plx_dev_region *region, uint64_t offset, size_t len,
			uint32_t flag)
{
	if (!region || !len || offset >= region->size || len > region->size - offset)
		return -EINVAL;
	return region->flags & flag ? 0 : -EACCES;
}

int plx_dev_region_read(struct plx_dev *dev, enum plx_region index, uint64_t offset, void *buf,
			size_t len)
{
	const struct plx_dev_region *region = get_region(dev, index);
	int err = check_access(region, offset, len, VFIO_REGION_INFO_FLAG_READ);

	return err ? err : dev->ops->region_read(dev, region, offset, buf, len);
}

int plx_dev_region_write(struct plx_dev *dev, enum plx_region index, uint64_t offset,
			 const void *buf, size_t len)
{
	const struct plx_dev_region *region = get_region(dev, index);
	int err = check_access(region, offset, len, VFIO_REGION_INFO_FLAG_WRITE);

	return err ? err : dev->ops->region_write(dev, region, offset, buf, len);
}
