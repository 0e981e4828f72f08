/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Memory of the application made DMA-able: plx_mem_register() and plx_mem_unregister(), and the
 * allocator of their IOVAs. These lie outside the window, below 2^39, and agree with the VA modulo
 * the largest page that the memory may be made of, so that the IOMMU can use large entries too.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/vfs.h>
#include <unistd.h>

#include <pollux/log.h>

#include "eal/mem.h"
#include "eal/ranges.h"
#include "eal/segments.h"

PLX_LOG_USE(eal);

#define GIB	   (1ull << 30)
#define MIB	   (1ull << 20)
#define SMALL_PAGE 4096u

/* Behind the window of the default size and place; then before it. */
static const struct plx_range places[] = {
	{320 * GIB, 512 * GIB - 1},
	{4 * GIB, 64 * GIB - 1},
	{64 * GIB, 320 * GIB - 1},
};

struct registration {
	struct plx_run run; /* first, so that a run is its registration */
	struct plx_mem_segment segment;
	struct registration *next;
};

static const struct plx_window *own_window;
static struct plx_ranges iovas;		   /* taken, the window included */
static struct registration *registrations; /* newest first */

int plx_register_init(const struct plx_window *window)
{
	own_window = window;
	return plx_ranges_add(&iovas, window->iova, window->size);
}

uint64_t plx_register_bytes(void)
{
	struct registration *r;
	uint64_t bytes = 0;

	for (r = registrations; r; r = r->next)
		bytes += r->segment.len;
	return bytes;
}

/* --- IOVA ------------------------------------------------------------------------------------ */

static uint64_t alignment_for(size_t len)
{
	if (len >= GIB)
		return GIB;
	return len >= 2 * MIB ? 2 * MIB : SMALL_PAGE;
}

int plx_register_iova_take(const void *va, size_t len, plx_iova_t *iova)
{
	uint64_t align = alignment_for(len);
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (plx_ranges_gap(&iovas, places[i], len, align, (uintptr_t)va, iova) == 0)
			return plx_ranges_add(&iovas, *iova, len);
	return -ENOSPC;
}

void plx_register_iova_release(plx_iova_t iova)
{
	plx_ranges_remove(&iovas, iova);
}

/* --- Registration ---------------------------------------------------------------------------- */

/* Only hugetlb files tell; others may have pages of any size. */
static size_t page_size_of(int fd)
{
	struct statfs fs;

	if (fd >= 0 && fstatfs(fd, &fs) == 0 && fs.f_type == HUGETLBFS_MAGIC)
		return (size_t)fs.f_bsize;
	return SMALL_PAGE;
}

/* All of it is the EAL's, in use or not. */
static bool in_window(const void *va, size_t len)
{
	uintptr_t first = (uintptr_t)va, window = (uintptr_t)own_window->va;

	return first + (len - 1) >= window && first <= window + (own_window->size - 1);
}

static int check_range(void *va, size_t len, size_t page_size)
{
	if (!len || ((uintptr_t)va | len) & (page_size - 1) ||
	    (uintptr_t)va + (len - 1) < (uintptr_t)va) {
		PLX_ERR(eal,
			"registering %p, %zu bytes: empty, wraps around, or is not in pages of %zu "
			"bytes",
			va, len, page_size);
		return -EINVAL;
	}
	if (plx_segments_overlap(va, len) || in_window(va, len)) {
		PLX_ERR(eal,
			"registering %p, %zu bytes: some of it is DMA-able already, or the EAL's "
			"own",
			va, len);
		return -EEXIST;
	}
	/* Does nothing but tell whether all of it is mapped. */
	if (msync(va, len, MS_ASYNC)) {
		PLX_ERR(eal, "registering %p, %zu bytes: not all of it is mapped", va, len);
		return -EFAULT;
	}
	return 0;
}

static struct registration *find(const void *va, size_t len)
{
	struct registration *r = registrations;

	while (r && (r->segment.va != va || r->segment.len != len))
		r = r->next;
	return r;
}

static int dup_fd(int fd)
{
	int copy = -1;

	if (fd >= 0) {
		copy = fcntl(fd, F_DUPFD_CLOEXEC, 0);
		if (copy < 0)
			copy = -errno;
	}
	return copy;
}

static void release(struct registration *r)
{
	plx_ranges_remove(&iovas, r->segment.iova);
	if (r->segment.fd >= 0)
		close(r->segment.fd);
	free(r);
}

static int add(struct registration *r)
{
	struct plx_mem_segment *segment = &r->segment;
	int err = plx_register_iova_take(segment->va, segment->len, &segment->iova);

	if (err) {
		PLX_ERR(eal, "registering %p, %zu bytes: no IOVA below 2^39 is left (%s)",
			segment->va, segment->len, strerror(-err));
		return -ENOMEM;
	}
	r->run = (struct plx_run){segment, 1};
	err = plx_segments_add(&r->run);
	if (err) {
		plx_ranges_remove(&iovas, segment->iova);
		return err;
	}
	r->next = registrations;
	registrations = r;
	return 0;
}

static int register_locked(void *va, size_t len, int fd, off_t fd_offset)
{
	size_t page_size = page_size_of(fd);
	int err = check_range(va, len, page_size), copy = dup_fd(fd);
	struct registration *r = NULL;

	if (!err && fd >= 0 && copy < 0) {
		PLX_ERR(eal, "registering %p, %zu bytes: file %d: %s", va, len, fd,
			strerror(-copy));
		err = copy;
	}
	if (!err) {
		r = calloc(1, sizeof(*r));
		err = r ? 0 : -ENOMEM;
	}
	if (!err) {
		r->segment = (struct plx_mem_segment){
			.va = va,
			.len = len,
			.page_size = page_size,
			.node = PLX_NODE_ANY,
			.fd = copy,
			.fd_offset = fd_offset,
			.kind = PLX_MEM_REGISTERED,
		};
		err = add(r);
	}
	if (err) {
		if (copy >= 0)
			close(copy);
		free(r);
	}
	return err;
}

int plx_mem_register(void *va, size_t len, int fd, off_t fd_offset)
{
	int err = plx_mem_lock();

	if (err)
		return err;
	err = register_locked(va, len, fd, fd_offset);
	plx_mem_unlock();
	return err;
}

static void unregister(struct registration *r)
{
	struct registration **at;

	plx_segments_remove(&r->run);
	for (at = &registrations; *at != r; at = &(*at)->next)
		;
	*at = r->next;
	release(r);
}

int plx_mem_unregister(void *va, size_t len)
{
	struct registration *r;
	int err = plx_mem_lock();

	if (err)
		return err;
	r = find(va, len);
	if (r)
		unregister(r);
	else
		PLX_ERR(eal, "unregistering %p, %zu bytes: not what was registered", va, len);
	plx_mem_unlock();
	return r ? 0 : -ENOENT;
}

size_t plx_register_fini(void)
{
	size_t n = 0;

	for (; registrations; n++)
		unregister(registrations);
	plx_ranges_clear(&iovas);
	return n;
}
