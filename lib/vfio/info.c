/* SPDX-License-Identifier: BSD-3-Clause */
/* VFIO's INFO ioctls and their capability chains; see info.h. */
#include "vfio/info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

/* The answer's size may change between two calls; it does not do so for ever. */
#define INFO_TRIES 4

int plx_vfio_info_ask(plx_vfio_ask_t ask, void *ctx, void *fixed, size_t fixed_len, void **answer,
		      size_t *size)
{
	size_t room = fixed_len;
	char *buf = NULL, *more;
	uint32_t argsz;
	int i, err = -EPROTO;

	for (i = 0; i < INFO_TRIES; i++) {
		more = realloc(buf, room);
		if (!more) {
			err = -ENOMEM;
			break;
		}
		buf = more;
		memset(buf, 0, room);
		memcpy(buf, fixed, fixed_len);
		argsz = (uint32_t)room;
		memcpy(buf, &argsz, sizeof(argsz));
		err = ask(ctx, buf);
		if (err)
			break;
		memcpy(&argsz, buf, sizeof(argsz));
		if (argsz <= room) {
			memcpy(fixed, buf, fixed_len);
			*answer = buf;
			*size = room;
			return 0;
		}
		err = -EPROTO;
		if (argsz > PLX_VFIO_INFO_MAX)
			break;
		room = argsz;
	}
	free(buf);
	return err;
}

struct ioctl_ctx {
	int fd;
	unsigned long request;
};

static int ask_by_ioctl(void *ctx, void *buf)
{
	const struct ioctl_ctx *c = ctx;

	return ioctl(c->fd, c->request, buf) < 0 ? -errno : 0;
}

int plx_vfio_info_get(int fd, unsigned long request, void *fixed, size_t fixed_len, void **answer,
		      size_t *size)
{
	struct ioctl_ctx ctx = {fd, request};

	return plx_vfio_info_ask(ask_by_ioctl, &ctx, fixed, fixed_len, answer, size);
}

const void *plx_vfio_info_cap(const void *info, size_t size, uint32_t first, uint16_t id,
			      size_t len)
{
	struct vfio_info_cap_header header;
	size_t steps, at = first;

	/* No chain is longer than the headers that fit. */
	for (steps = size / sizeof(header); at && steps; steps--) {
		if (at > size || size - at < sizeof(header))
			return NULL;
		memcpy(&header, (const char *)info + at, sizeof(header));
		if (header.id == id)
			return size - at >= len ? (const char *)info + at : NULL;
		at = header.next;
	}
	return NULL;
}

/* Where the `count` records of `len` bytes behind a capability are, if the answer has them all. */
static const char *records(const void *info, size_t size, const void *cap, size_t cap_len,
			   uint32_t count, size_t len)
{
	const char *start = (const char *)cap + cap_len;
	size_t room = size - (size_t)(start - (const char *)info);

	return count <= room / len ? start : NULL;
}

static int by_offset(const void *a, const void *b)
{
	const struct plx_vfio_area *x = a, *y = b;

	return (x->offset > y->offset) - (x->offset < y->offset);
}

/* Of sorted areas, make one of those that touch or overlap. */
static size_t merge_areas(struct plx_vfio_area *areas, size_t n)
{
	uint64_t end, last_end;
	size_t i, out = 0;

	for (i = 1; i < n; i++) {
		end = areas[i].offset + areas[i].size;
		last_end = areas[out].offset + areas[out].size;
		if (areas[i].offset > last_end)
			areas[++out] = areas[i];
		else if (end > last_end)
			areas[out].size = end - areas[out].offset;
	}
	return n ? out + 1 : 0;
}

int plx_vfio_parse_sparse(const void *info, size_t size, uint32_t first, uint64_t region_size,
			  struct plx_vfio_area **areas, size_t *n)
{
	uint64_t page = (uint64_t)sysconf(_SC_PAGESIZE);
	struct vfio_region_info_cap_sparse_mmap cap;
	struct vfio_region_sparse_mmap_area raw;
	const void *at;
	const char *p;
	uint32_t i;

	*areas = NULL;
	*n = 0;
	at = plx_vfio_info_cap(info, size, first, VFIO_REGION_INFO_CAP_SPARSE_MMAP, sizeof(cap));
	if (!at)
		return -ENOENT;
	memcpy(&cap, at, sizeof(cap));
	p = records(info, size, at, sizeof(cap), cap.nr_areas, sizeof(raw));
	if (!p)
		return -EPROTO;
	if (!cap.nr_areas)
		return 0;
	*areas = calloc(cap.nr_areas, sizeof(**areas));
	if (!*areas)
		return -ENOMEM;
	for (i = 0; i < cap.nr_areas; i++, p += sizeof(raw)) {
		memcpy(&raw, p, sizeof(raw));
		if (!raw.size)
			continue;
		if (raw.offset > region_size || raw.size > region_size - raw.offset ||
		    raw.offset % page || raw.size % page) {
			free(*areas);
			*areas = NULL;
			return -EPROTO;
		}
		(*areas)[(*n)++] = (struct plx_vfio_area){raw.offset, raw.size};
	}
	qsort(*areas, *n, sizeof(**areas), by_offset);
	*n = merge_areas(*areas, *n);
	return 0;
}

static int by_first(const void *a, const void *b)
{
	const struct plx_iova_range *x = a, *y = b;

	return (x->first > y->first) - (x->first < y->first);
}

int plx_vfio_parse_ranges(const void *info, size_t size, uint32_t first,
			  struct plx_iova_range **ranges, size_t *n)
{
	struct vfio_iommu_type1_info_cap_iova_range cap;
	struct vfio_iova_range raw;
	const void *at;
	const char *p;
	uint32_t i;

	*ranges = NULL;
	*n = 0;
	at = plx_vfio_info_cap(info, size, first, VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE,
			       sizeof(cap));
	if (!at)
		return -ENOENT;
	memcpy(&cap, at, sizeof(cap));
	p = records(info, size, at, sizeof(cap), cap.nr_iovas, sizeof(raw));
	if (!p)
		return -EPROTO;
	if (!cap.nr_iovas)
		return 0;
	*ranges = calloc(cap.nr_iovas, sizeof(**ranges));
	if (!*ranges)
		return -ENOMEM;
	for (i = 0; i < cap.nr_iovas; i++, p += sizeof(raw)) {
		memcpy(&raw, p, sizeof(raw));
		if (raw.end < raw.start) {
			free(*ranges);
			*ranges = NULL;
			return -EPROTO;
		}
		(*ranges)[(*n)++] = (struct plx_iova_range){raw.start, raw.end};
	}
	qsort(*ranges, *n, sizeof(**ranges), by_first);
	return 0;
}
