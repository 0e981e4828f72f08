// SPDX-License-Identifier: BSD-3-Clause
/*
 * Commands on type1's mappings. All act on the container in slot C.
 */
#include "conformance.h"

#include <errno.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>

/* m IOVA SIZE [MEMORY [FLAGS [ARGSZ]]] */
static void do_map(const struct command *c)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = number(c, 5, sizeof(map)),
		.flags = number(c, 4, VFIO_DMA_MAP_FLAG_READ | VFIO_DMA_MAP_FLAG_WRITE),
		.vaddr = mem_address(word(c, 3) ? word(c, 3) : "mem"),
		.iova = number(c, 1, 0),
		.size = number(c, 2, 0),
	};

	answer_errno(ioctl(slot_fd("C"), VFIO_IOMMU_MAP_DMA, &map));
}

static void answer_bitmap(const uint64_t *bits, unsigned int nwords)
{
	for (unsigned int i = 0; i < nwords; i++)
		answer("%llx", (unsigned long long)bits[i]);
}

/* u IOVA SIZE [FLAGS [ARGSZ]] */
static void do_unmap(const struct command *c)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = number(c, 4, sizeof(unmap)),
		.flags = number(c, 3, 0),
		.iova = number(c, 1, 0),
		.size = number(c, 2, 0),
	};
	int ret = ioctl(slot_fd("C"), VFIO_IOMMU_UNMAP_DMA, &unmap);

	answer_errno(ret);
	if (!ret)
		answer("size=%#llx", (unsigned long long)unmap.size);
}

/* ud IOVA SIZE [PGSIZE [BITMAP-BYTES [ARGSZ [FLAGS]]]]: with the dirty bitmap, of which two words
 * are shown */
static void do_unmap_dirty(const struct command *c)
{
	static uint64_t bits[1024];
	union {
		struct vfio_iommu_type1_dma_unmap unmap;
		char bytes[sizeof(struct vfio_iommu_type1_dma_unmap) + sizeof(struct vfio_bitmap)];
	} arg = {.unmap = {.argsz = number(c, 5, sizeof(arg)),
			   .flags = number(c, 6, VFIO_DMA_UNMAP_FLAG_GET_DIRTY_BITMAP),
			   .iova = number(c, 1, 0),
			   .size = number(c, 2, 0)}};
	struct vfio_bitmap bitmap = {
		.pgsize = number(c, 3, 4096), .size = number(c, 4, 16), .data = (void *)bits};
	int ret;

	memcpy(arg.unmap.data, &bitmap, sizeof(bitmap));
	memset(bits, 0, sizeof(bits));
	ret = ioctl(slot_fd("C"), VFIO_IOMMU_UNMAP_DMA, &arg);
	answer_errno(ret);
	if (!ret) {
		answer("size=%#llx", (unsigned long long)arg.unmap.size);
		answer_bitmap(bits, 2);
	}
}

/* dirty FLAGS [ARGSZ] */
static void do_dirty(const struct command *c)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {.argsz = number(c, 2, sizeof(dirty)),
						      .flags = number(c, 1, 0)};

	answer_errno(ioctl(slot_fd("C"), VFIO_IOMMU_DIRTY_PAGES, &dirty));
}

/* bitmap IOVA SIZE [PGSIZE [BITMAP-BYTES [DATA [ARGSZ [FILL]]]]] */
static void do_bitmap(const struct command *c)
{
	static uint64_t bits[1024];
	union {
		struct vfio_iommu_type1_dirty_bitmap dirty;
		char bytes[sizeof(struct vfio_iommu_type1_dirty_bitmap) +
			   sizeof(struct vfio_iommu_type1_dirty_bitmap_get)];
	} arg = {.dirty = {.argsz = number(c, 6, sizeof(arg)),
			   .flags = VFIO_IOMMU_DIRTY_PAGES_FLAG_GET_BITMAP}};
	struct vfio_iommu_type1_dirty_bitmap_get get = {.iova = number(c, 1, 0),
							.size = number(c, 2, 0),
							.bitmap = {.pgsize = number(c, 3, 4096),
								   .size = number(c, 4, 16),
								   .data = (void *)bits}};
	int ret;

	if (word(c, 5) && strcmp(word(c, 5), "-"))
		get.bitmap.data = (void *)mem_address(word(c, 5));
	memcpy(arg.dirty.data, &get, sizeof(get));
	memset(bits, number(c, 7, 0), sizeof(bits));
	ret = ioctl(slot_fd("C"), VFIO_IOMMU_DIRTY_PAGES, &arg);
	answer_errno(ret);
	if (!ret)
		answer_bitmap(bits, 3);
}

static const struct vfio_info_cap_header *capability(const char *buf, uint32_t size,
						     uint32_t offset, uint16_t id)
{
	const struct vfio_info_cap_header *cap;

	while (offset && offset + sizeof(*cap) <= size) {
		cap = (const void *)(buf + offset);
		if (cap->id == id)
			return cap;
		offset = cap->next;
	}
	return NULL;
}

static void answer_capabilities(const char *buf, const struct vfio_iommu_type1_info *info)
{
	const struct vfio_iommu_type1_info_cap_iova_range *ranges;
	const struct vfio_iommu_type1_info_cap_migration *migration;
	const struct vfio_iommu_type1_info_dma_avail *avail;

	for (uint32_t offset = info->cap_offset; offset;) {
		const struct vfio_info_cap_header *cap = (const void *)(buf + offset);

		answer("cap%u.%u@%u", cap->id, cap->version, offset);
		offset = cap->next;
	}
	migration = (const void *)capability(buf, info->argsz, info->cap_offset,
					     VFIO_IOMMU_TYPE1_INFO_CAP_MIGRATION);
	if (migration)
		answer("migration=%x,%llx,%llx", migration->flags,
		       (unsigned long long)migration->pgsize_bitmap,
		       (unsigned long long)migration->max_dirty_bitmap_size);
	avail = (const void *)capability(buf, info->argsz, info->cap_offset,
					 VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	if (avail)
		answer("avail=%u", avail->avail);
	ranges = (const void *)capability(buf, info->argsz, info->cap_offset,
					  VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE);
	for (uint32_t i = 0; ranges && i < ranges->nr_iovas; i++)
		answer("%llx-%llx", (unsigned long long)ranges->iova_ranges[i].start,
		       (unsigned long long)ranges->iova_ranges[i].end);
}

/* info [ARGSZ] */
static void do_info(const struct command *c)
{
	static _Alignas(8) char buf[4096];
	struct vfio_iommu_type1_info *info = (void *)buf;
	uint32_t argsz = number(c, 1, sizeof(buf));
	int ret;

	memset(buf, 0, sizeof(buf));
	info->argsz = argsz;
	info->cap_offset = 0x55;
	ret = ioctl(slot_fd("C"), VFIO_IOMMU_GET_INFO, info);
	answer_errno(ret);
	if (ret)
		return;
	answer("argsz=%u flags=%x pgsizes=%#llx offset=%u",
	       info->argsz == sizeof(buf) ? 0 : info->argsz, info->flags,
	       (unsigned long long)info->iova_pgsizes, info->cap_offset);
	if (argsz >= sizeof(buf))
		answer_capabilities(buf, info);
}

/* avail: mappings that are left */
static void do_avail(const struct command *c)
{
	static _Alignas(8) char buf[4096];
	struct vfio_iommu_type1_info *info = (void *)buf;
	const struct vfio_iommu_type1_info_dma_avail *avail;

	(void)c;
	memset(buf, 0, sizeof(buf));
	info->argsz = sizeof(buf);
	if (ioctl(slot_fd("C"), VFIO_IOMMU_GET_INFO, info)) {
		answer_errno(-1);
		return;
	}
	avail = (const void *)capability(buf, info->argsz, info->cap_offset,
					 VFIO_IOMMU_TYPE1_INFO_DMA_AVAIL);
	answer("avail=%u", avail ? avail->avail : 0);
}

/* many COUNT IOVA STEP SIZE: maps until one fails */
static void do_many(const struct command *c)
{
	struct vfio_iommu_type1_dma_map map = {.argsz = sizeof(map),
					       .flags = VFIO_DMA_MAP_FLAG_READ |
							VFIO_DMA_MAP_FLAG_WRITE,
					       .vaddr = mem_address("mem"),
					       .iova = number(c, 2, 0),
					       .size = number(c, 4, 4096)};
	uint64_t count = number(c, 1, 1), done;

	for (done = 0; done < count; done++, map.iova += number(c, 3, 4096))
		if (ioctl(slot_fd("C"), VFIO_IOMMU_MAP_DMA, &map))
			break;
	answer("maps=%llu", (unsigned long long)done);
	if (done < count)
		answer_errno(-1);
}

/* locked: VmLck in KiB */
static void do_locked(const struct command *c)
{
	(void)c;
	answer("locked=%ld", locked_kib());
}

const struct command_name dma_commands[] = {
	{"m", do_map},	       {"u", do_unmap},	  {"ud", do_unmap_dirty}, {"dirty", do_dirty},
	{"bitmap", do_bitmap}, {"info", do_info}, {"avail", do_avail},	  {"many", do_many},
	{"locked", do_locked}, {NULL, NULL},
};
