// SPDX-License-Identifier: BSD-3-Clause
/*
 * Making memory of a kind: anonymous, or a shared mapping of a memfd or hugetlbfs
 * file; at an aligned address, so that the kernel can use huge pages.
 */
#include <errno.h>
#include <fcntl.h>
#include <linux/memfd.h>
#include <linux/mman.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "memory.h"

#define HUGETLBFS_FILE "/dev/hugepages/pollux-bench"

/* What tells one kind from the other. */
static const struct {
	int map_flags;
	int advice; /* for madvise(), or -1 */
	unsigned int memfd_flags;
	enum { ANONYMOUS, MEMFD, FILE_2M } from;
} kinds[] = {
	[MEMORY_4K] = {0, MADV_NOHUGEPAGE, 0, ANONYMOUS},
	[MEMORY_SHUFFLED] = {0, MADV_NOHUGEPAGE, 0, ANONYMOUS},
	[MEMORY_THP] = {0, MADV_HUGEPAGE, 0, ANONYMOUS},
	[MEMORY_HUGE_2M] = {MAP_HUGETLB | MAP_HUGE_2MB, -1, 0, ANONYMOUS},
	[MEMORY_HUGE_1G] = {MAP_HUGETLB | MAP_HUGE_1GB, -1, 0, ANONYMOUS},
	[MEMORY_MEMFD_4K] = {0, MADV_NOHUGEPAGE, 0, MEMFD},
	[MEMORY_MEMFD_THP] = {0, MADV_HUGEPAGE, 0, MEMFD},
	[MEMORY_MEMFD_2M] = {0, -1, MFD_HUGETLB | MFD_HUGE_2MB, MEMFD},
	[MEMORY_MEMFD_1G] = {0, -1, MFD_HUGETLB | MFD_HUGE_1GB, MEMFD},
	[MEMORY_HUGETLBFS] = {0, -1, 0, FILE_2M},
};

static int memory_file(enum memory_kind kind, size_t size)
{
	int fd;

	if (kinds[kind].from == MEMFD) {
		fd = memfd_create("pollux-bench", MFD_CLOEXEC | kinds[kind].memfd_flags);
	} else {
		fd = open(HUGETLBFS_FILE, O_CREAT | O_RDWR | O_CLOEXEC, 0600);
		unlink(HUGETLBFS_FILE);
	}
	if (fd >= 0 && ftruncate(fd, (off_t)size)) {
		close(fd);
		return -1;
	}
	return fd;
}

/* Address space aligned so that 1 GiB pages fit; it stays reserved up to the end of size. */
static void *reserve(size_t size)
{
	size_t align = size >= PAGE_1G ? PAGE_1G : PAGE_2M;
	char *all = mmap(NULL, size + align, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE,
			 -1, 0);
	char *aligned;

	if (all == MAP_FAILED)
		return NULL;
	aligned = (char *)(((uintptr_t)all + align - 1) & ~(align - 1));
	if (aligned > all)
		munmap(all, (size_t)(aligned - all));
	munmap(aligned + size, (size_t)(all + align - aligned));
	return aligned;
}

static void touch_in_order(char *memory, size_t size)
{
	for (size_t at = 0; at < size; at += PAGE_4K)
		memory[at] = 1;
}

/* The kernel hands out pages in order: asking in another order shuffles them. */
static int touch_shuffled(char *memory, size_t size)
{
	size_t npages = size / PAGE_4K;
	uint32_t *order = malloc(npages * sizeof(*order));
	uint64_t random = 88172645463325252;

	if (!order)
		return -1;
	for (size_t i = 0; i < npages; i++) {
		size_t j;

		random ^= random << 13;
		random ^= random >> 7;
		random ^= random << 17;
		j = random % (i + 1);
		order[i] = order[j];
		order[j] = (uint32_t)i;
	}
	for (size_t i = 0; i < npages; i++)
		memory[order[i] * PAGE_4K] = 1;
	free(order);
	return 0;
}

static void *memory_map(enum memory_kind kind, size_t size)
{
	int flags = MAP_FIXED | kinds[kind].map_flags, fd = -1;
	void *at, *memory;

	if (kinds[kind].from == ANONYMOUS) {
		flags |= MAP_PRIVATE | MAP_ANONYMOUS;
	} else {
		flags |= MAP_SHARED;
		fd = memory_file(kind, size);
		if (fd < 0)
			return NULL;
	}
	at = reserve(size);
	memory = at ? mmap(at, size, PROT_READ | PROT_WRITE, flags, fd, 0) : MAP_FAILED;
	if (fd >= 0)
		close(fd);
	if (at && memory == MAP_FAILED)
		munmap(at, size);
	return memory == MAP_FAILED ? NULL : memory;
}

void *memory_make(enum memory_kind kind, size_t size, enum memory_state state)
{
	char *memory = memory_map(kind, size);

	if (!memory)
		return NULL;
	if (kinds[kind].advice >= 0)
		madvise(memory, size, kinds[kind].advice);
	if (state == MEMORY_COLD)
		return memory;
	if (kind == MEMORY_SHUFFLED && touch_shuffled(memory, size)) {
		munmap(memory, size);
		return NULL;
	}
	touch_in_order(memory, size);
	return memory;
}

void memory_drop(void *memory, size_t size)
{
	munmap(memory, size);
}
