/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The INFO ioctls of VFIO and the capability chains behind their answers. Parsers are pure: a
 * buffer in, values out. Its callers are container.c and kernel.c.
 */
#ifndef PLX_VFIO_INFO_H
#define PLX_VFIO_INFO_H

#include <linux/vfio.h>

#include <pollux/vfio.h>

/** An answer longer than this is a lie. */
#define PLX_VFIO_INFO_MAX (1u << 20)

/** Puts an INFO question, with argsz first in buf, to whoever answers. 0 or a negative errno. */
typedef int (*plx_vfio_ask_t)(void *ctx, void *buf);

/**
 * Ask with a buffer that grows until the answer fits.
 * @fixed, @fixed_len: the structure of the request, argsz included; the answer's fixed part is
 *	written back to it
 * @answer: gets the whole answer, to be freed by the caller, and @size its length
 * Return: 0; -EPROTO (the answer never fits); -ENOMEM; or what the answerer said.
 */
int plx_vfio_info_ask(plx_vfio_ask_t ask, void *ctx, void *fixed, size_t fixed_len, void **answer,
		      size_t *size);
/** The same by ioctl(fd, request). */
int plx_vfio_info_get(int fd, unsigned long request, void *fixed, size_t fixed_len, void **answer,
		      size_t *size);

/**
 * Find capability id in an answer of `size` bytes whose chain starts at offset `first`.
 * Return: a capability with at least `len` bytes before the end of the answer, or NULL.
 */
const void *plx_vfio_info_cap(const void *info, size_t size, uint32_t first, uint16_t id,
			      size_t len);

/** A part of a region that may be mmapped. */
struct plx_vfio_area {
	uint64_t offset, size;
};

/**
 * The areas of a sparse-mmap capability, ascending and merged where they touch.
 * @areas: gets an array to be freed by the caller; NULL when *n is 0
 * Return: 0; -ENOENT (no such capability); -EPROTO (an area past the end of the region, or not in
 * pages, or more areas than the answer has room for); -ENOMEM.
 */
int plx_vfio_parse_sparse(const void *info, size_t size, uint32_t first, uint64_t region_size,
			  struct plx_vfio_area **areas, size_t *n);

/** As plx_vfio_parse_sparse(), for the usable IOVA ranges of an IOMMU. */
int plx_vfio_parse_ranges(const void *info, size_t size, uint32_t first,
			  struct plx_iova_range **ranges, size_t *n);

#endif /* PLX_VFIO_INFO_H */
