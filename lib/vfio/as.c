/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Address spaces: life, mappings, and following the EAL's memory. A container has an IOMMU only
 * while a group is in it (group.c tells), so all mappings come and go with the first and last one.
 */
#include "vfio/as.h"

#include <pollux/eal.h>
#include <pollux/log.h>

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "eal/probe.h"
#include "vfio/dev.h"
#include "vfio/memlock.h"

PLX_LOG_COMPONENT(vfio);

/* --- One mapping (all with map_lock) --------------------------------------------------------- */

static bool in_ranges(const struct plx_iommu_info *iommu, plx_iova_t iova, uint64_t len)
{
	size_t i;

	for (i = 0; i < iommu->range_count; i++)
		if (iova >= iommu->ranges[i].first && iova + (len - 1) <= iommu->ranges[i].last)
			return true;
	return !iommu->ranges;
}

static void explain_ranges(const struct plx_as *as, plx_iova_t iova, uint64_t len,
			   enum plx_map_owner owner)
{
	const struct plx_iommu_info *iommu = &as->iommu;
	char text[256] = "";
	size_t i, n = 0;

	for (i = 0; i < iommu->range_count && n < sizeof(text); i++)
		n += (size_t)snprintf(text + n, sizeof(text) - n, "%s0x%" PRIx64 "-0x%" PRIx64,
				      i ? ", " : "", iommu->ranges[i].first, iommu->ranges[i].last);
	PLX_ERR(vfio,
		"IOVA 0x%" PRIx64 "-0x%" PRIx64 " is outside of what the IOMMU can address "
		"(%s); %s",
		iova, iova + (len - 1), text,
		owner == PLX_MAP_EAL ? "place the EAL's memory inside by --va-base"
				     : "map it at another IOVA");
}

/* The kernel answers ENOMEM for both a limit and a lack of memory; the remedies differ. */
static void explain_no_memory(const struct plx_as *as, uint64_t len)
{
	struct plx_memlock lock;
	uint64_t needed = 0, heap_left;

	heap_left = as->heap_bytes > as->maps.bytes ? as->heap_bytes - as->maps.bytes : 0;
	if (plx_memlock_get(&lock) == 0)
		needed = plx_memlock_needed_kib(&lock, len > heap_left ? len : heap_left);
	if (needed)
		PLX_ERR(vfio,
			"mapping %" PRIu64 " KiB for DMA exceeds RLIMIT_MEMLOCK, which is %" PRIu64
			" KiB with %" PRIu64 " KiB used; `ulimit -l %" PRIu64 "` or more would do",
			len / 1024, lock.limit_kib, lock.used_kib, needed);
	else
		PLX_ERR(vfio,
			"mapping %" PRIu64 " KiB for DMA: the kernel is out of memory "
			"(RLIMIT_MEMLOCK is not the cause); free some or map less",
			len / 1024);
}

static void explain_map(const struct plx_as *as, const void *va, plx_iova_t iova, uint64_t len,
			int err)
{
	switch (err) {
	case -ENOMEM:
		explain_no_memory(as, len);
		break;
	case -ENOSPC:
		PLX_ERR(vfio,
			"mapping %" PRIu64 " KiB for DMA: %zu mappings are all that the "
			"kernel allows; use larger pages or raise dma_entry_limit of module "
			"vfio_iommu_type1",
			len / 1024, as->maps.n);
		break;
	case -EFAULT:
		PLX_ERR(vfio,
			"mapping %p, %" PRIu64 " KiB, for DMA: not all of it is memory that "
			"this process may write to",
			va, len / 1024);
		break;
	default:
		PLX_ERR(vfio, "mapping %p, %" PRIu64 " KiB, for DMA at IOVA 0x%" PRIx64 ": %s", va,
			len / 1024, iova, strerror(-err));
	}
}

static int check_map(const struct plx_as *as, const void *va, uint64_t len, plx_iova_t iova,
		     enum plx_map_owner owner)
{
	uint64_t mask = (as->iommu.page_sizes & -as->iommu.page_sizes) - 1;
	const struct plx_map *other;

	if (!as->ready) {
		PLX_ERR(vfio,
			"mapping for DMA needs a device in the address space; open one first");
		return -ENODEV;
	}
	if (!len || ((uintptr_t)va | len | iova) & mask || iova + (len - 1) < iova ||
	    (uintptr_t)va + (len - 1) < (uintptr_t)va) {
		PLX_ERR(vfio,
			"mapping %p, %" PRIu64 " bytes, at IOVA 0x%" PRIx64 ": empty, wraps "
			"around, or is not in pages of %" PRIu64 " bytes",
			va, len, iova, mask + 1);
		return -EINVAL;
	}
	if (!in_ranges(&as->iommu, iova, len)) {
		explain_ranges(as, iova, len, owner);
		return -EINVAL;
	}
	other = plx_maps_find(&as->maps, iova, len);
	if (other) {
		PLX_ERR(vfio,
			"mapping IOVA 0x%" PRIx64 "-0x%" PRIx64 ": 0x%" PRIx64 "-0x%" PRIx64
			" is mapped already; unmap that first",
			iova, iova + (len - 1), other->iova, other->iova + (other->len - 1));
		return -EEXIST;
	}
	return 0;
}

static int map_one(struct plx_as *as, const void *va, uint64_t len, plx_iova_t iova,
		   enum plx_as_prot prot, enum plx_map_owner owner)
{
	struct plx_map map = {iova, len, owner};
	int err = check_map(as, va, len, iova, owner);

	if (!err)
		err = plx_maps_reserve(&as->maps);
	if (err)
		return err;
	as->stats.map_calls++;
	err = plx_container_map(as->container, va, len, iova, prot);
	if (err) {
		explain_map(as, va, iova, len, err);
		return err;
	}
	PLX_PROBE(as_map, va, iova, len);
	plx_maps_add(&as->maps, &map);
	return 0;
}

/*
 * The kernel answers success with a size of 0 where nothing was mapped: whoever trusts that reuses
 * an IOVA which still reaches other memory.
 */
static int unmap_one(struct plx_as *as, struct plx_map *map)
{
	plx_iova_t iova = map->iova;
	uint64_t len = map->len, unmapped;
	int err;

	PLX_PROBE(as_unmap, iova, len);
	as->stats.unmap_calls++;
	err = plx_container_unmap(as->container, iova, len, &unmapped);
	plx_maps_remove(&as->maps, map);
	if (err) {
		PLX_ERR(vfio,
			"unmapping IOVA 0x%" PRIx64 "-0x%" PRIx64 ": %s; close the devices "
			"before reusing that memory",
			iova, iova + (len - 1), strerror(-err));
	} else if (unmapped != len) {
		as->stats.short_unmaps++;
		PLX_ERR(vfio,
			"unmapping IOVA 0x%" PRIx64 "-0x%" PRIx64 ": the kernel unmapped %" PRIu64
			" of %" PRIu64 " bytes; close the devices before reusing that "
			"memory",
			iova, iova + (len - 1), unmapped, len);
		err = -EIO;
	}
	return err;
}

/* --- The EAL's memory ------------------------------------------------------------------------ */

static struct plx_as *from_listener(struct plx_mem_listener *listener)
{
	return (struct plx_as *)((char *)listener - offsetof(struct plx_as, listener));
}

static uint64_t run_len(const struct plx_mem_segment *segments, size_t n)
{
	uint64_t len = 0;
	size_t i;

	for (i = 0; i < n; i++)
		len += segments[i].len;
	return len;
}

static int heap_add(struct plx_mem_listener *self, const struct plx_mem_segment *segments, size_t n)
{
	struct plx_as *as = from_listener(self);
	int err;

	pthread_mutex_lock(&as->map_lock);
	err = map_one(as, segments[0].va, run_len(segments, n), segments[0].iova, PLX_AS_RW,
		      PLX_MAP_EAL);
	pthread_mutex_unlock(&as->map_lock);
	return err;
}

/* Whatever overlaps goes, so that no device reaches the memory whichever way it was added. */
static void heap_remove(struct plx_mem_listener *self, const struct plx_mem_segment *segments,
			size_t n)
{
	struct plx_as *as = from_listener(self);
	uint64_t len = run_len(segments, n);
	struct plx_map *map;

	pthread_mutex_lock(&as->map_lock);
	while ((map = plx_maps_find(&as->maps, segments[0].iova, len)))
		unmap_one(as, map);
	pthread_mutex_unlock(&as->map_lock);
}

static int add_len(const struct plx_mem_segment *segment, void *arg)
{
	*(uint64_t *)arg += segment->len;
	return 0;
}

/* --- The container's IOMMU comes and goes (with attach_lock) --------------------------------- */

int plx_as_iommu_up(struct plx_as *as)
{
	struct plx_iommu_info iommu = {0};
	uint64_t heap_bytes = 0;
	int err;

	if (!as->config.no_heap && !as->listening)
		plx_mem_walk(add_len, &heap_bytes);
	err = plx_container_info(as->container, &iommu);
	if (err)
		return err;
	pthread_mutex_lock(&as->map_lock);
	plx_container_info_free(&as->iommu);
	as->iommu = iommu;
	as->ready = true;
	if (!as->listening)
		as->heap_bytes = heap_bytes;
	pthread_mutex_unlock(&as->map_lock);
	if (as->config.no_heap || as->listening)
		return 0;
	err = plx_mem_listen(&as->listener);
	as->listening = !err;
	return err;
}

void plx_as_iommu_down(struct plx_as *as)
{
	if (as->listening)
		plx_mem_unlisten(&as->listener);
	as->listening = false;
	pthread_mutex_lock(&as->map_lock);
	while (as->maps.n)
		unmap_one(as, &as->maps.map[as->maps.n - 1]);
	as->ready = false;
	plx_container_info_free(&as->iommu);
	pthread_mutex_unlock(&as->map_lock);
}

/* --- Telemetry ------------------------------------------------------------------------------ */

static void fill_telemetry(json_t *object, void *arg)
{
	struct plx_as *as = arg;
	struct plx_as_stats stats;

	plx_as_stats_get(as, &stats);
	json_object_set_new(object, "name", json_sprintf("container %d", as->container));
	plx_telemetry_set(object, "mappings", stats.mappings);
	plx_telemetry_set(object, "mapped_bytes", stats.mapped_bytes);
	plx_telemetry_set(object, "map_calls", stats.map_calls);
	plx_telemetry_set(object, "unmap_calls", stats.unmap_calls);
	plx_telemetry_set(object, "short_unmaps", stats.short_unmaps);
	plx_telemetry_set(object, "dma_avail", stats.dma_avail);
}

/* --- Public ---------------------------------------------------------------------------------- */

struct plx_as *plx_as_open(const struct plx_as_config *config)
{
	struct plx_as *as;
	int fd;

	if (!(config && config->no_heap) && !plx_eal_is_up()) {
		PLX_ERR(vfio, "address space: the EAL is not up; call plx_eal_init() first");
		errno = ENODEV;
		return NULL;
	}
	fd = plx_container_open();
	if (fd < 0) {
		errno = -fd;
		return NULL;
	}
	as = calloc(1, sizeof(*as));
	if (!as) {
		close(fd);
		errno = ENOMEM;
		return NULL;
	}
	if (config)
		as->config = *config;
	as->container = fd;
	pthread_mutex_init(&as->attach_lock, NULL);
	pthread_mutex_init(&as->map_lock, NULL);
	as->listener.add = heap_add;
	as->listener.remove = heap_remove;
	as->telemetry.array = "address_spaces";
	as->telemetry.fill = fill_telemetry;
	as->telemetry.arg = as;
	plx_telemetry_add(&as->telemetry);
	return as;
}

int plx_as_close(struct plx_as *as)
{
	if (!as)
		return 0;
	if (as->devs) {
		PLX_ERR(vfio, "address space: %s is still open; close it first",
			as->devs->info.name);
		return -EBUSY;
	}
	plx_telemetry_remove(&as->telemetry);
	close(as->container);
	plx_maps_free(&as->maps);
	pthread_mutex_destroy(&as->map_lock);
	pthread_mutex_destroy(&as->attach_lock);
	free(as);
	return 0;
}

static pthread_mutex_t default_lock = PTHREAD_MUTEX_INITIALIZER;
static struct plx_as *default_as;  /* default_lock */
static unsigned int default_users; /* default_lock */

struct plx_as *plx_as_default_get(void)
{
	struct plx_as *as;

	pthread_mutex_lock(&default_lock);
	if (!default_as)
		default_as = plx_as_open(NULL);
	as = default_as;
	if (as)
		default_users++;
	pthread_mutex_unlock(&default_lock);
	return as;
}

void plx_as_default_put(struct plx_as *as)
{
	pthread_mutex_lock(&default_lock);
	if (as && as == default_as && --default_users == 0) {
		plx_as_close(as);
		default_as = NULL;
	}
	pthread_mutex_unlock(&default_lock);
}

int plx_as_map(struct plx_as *as, void *va, size_t len, plx_iova_t iova, enum plx_as_prot prot)
{
	int err;

	if (!(prot & PLX_AS_RW) || prot & ~PLX_AS_RW)
		return -EINVAL;
	pthread_mutex_lock(&as->map_lock);
	err = map_one(as, va, len, iova, prot, PLX_MAP_USER);
	pthread_mutex_unlock(&as->map_lock);
	return err;
}

int plx_as_unmap(struct plx_as *as, plx_iova_t iova, size_t len)
{
	struct plx_map *map;
	int err = -ENOENT;

	pthread_mutex_lock(&as->map_lock);
	map = len ? plx_maps_find(&as->maps, iova, len) : NULL;
	if (map && map->iova == iova && map->len == len && map->owner == PLX_MAP_USER)
		err = unmap_one(as, map);
	else
		PLX_ERR(vfio,
			"unmapping IOVA 0x%" PRIx64 ", %zu bytes: plx_as_map() mapped no such "
			"range",
			iova, len);
	pthread_mutex_unlock(&as->map_lock);
	return err;
}

int plx_as_ranges(struct plx_as *as, struct plx_iova_range *ranges, size_t n)
{
	int count = -ENODEV;

	pthread_mutex_lock(&as->map_lock);
	if (as->ready) {
		count = (int)as->iommu.range_count;
		if (n > as->iommu.range_count)
			n = as->iommu.range_count;
		if (n)
			memcpy(ranges, as->iommu.ranges, n * sizeof(*ranges));
	}
	pthread_mutex_unlock(&as->map_lock);
	return count;
}

void plx_as_stats_get(struct plx_as *as, struct plx_as_stats *stats)
{
	struct plx_iommu_info now = {0};

	pthread_mutex_lock(&as->map_lock);
	*stats = as->stats;
	stats->mappings = as->maps.n;
	stats->mapped_bytes = as->maps.bytes;
	stats->page_sizes = as->iommu.page_sizes;
	stats->dma_avail = UINT32_MAX;
	if (as->ready && plx_container_info(as->container, &now) == 0)
		stats->dma_avail = now.dma_avail;
	plx_container_info_free(&now);
	pthread_mutex_unlock(&as->map_lock);
}
