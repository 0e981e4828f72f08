/* SPDX-License-Identifier: BSD-3-Clause */
/* See space.h. */
#include "space.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

int space_map(int container, const void *vaddr, uint64_t iova, uint64_t size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_map map = {
		.argsz = sizeof(map),
		.flags = flags,
		.vaddr = (uintptr_t)vaddr,
		.iova = iova,
		.size = size,
	};

	return ioctl(container, VFIO_IOMMU_MAP_DMA, &map) ? -errno : 0;
}

int space_unmap(int container, uint64_t iova, uint64_t *size, uint32_t flags)
{
	struct vfio_iommu_type1_dma_unmap unmap = {
		.argsz = sizeof(unmap),
		.flags = flags,
		.iova = iova,
		.size = *size,
	};
	int ret = ioctl(container, VFIO_IOMMU_UNMAP_DMA, &unmap) ? -errno : 0;

	*size = unmap.size;
	return ret;
}

int space_dirty(int container, uint32_t flags)
{
	struct vfio_iommu_type1_dirty_bitmap dirty = {.argsz = sizeof(dirty), .flags = flags};

	return ioctl(container, VFIO_IOMMU_DIRTY_PAGES, &dirty) ? -errno : 0;
}

void *memory_anon(size_t size)
{
	void *memory = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (memory == MAP_FAILED)
		die("mmap");
	return memory;
}

void *memory_wide(size_t size, size_t file_size, unsigned int flags)
{
	int fd = memfd_create("dma-test", MFD_CLOEXEC | flags);
	char *memory = mmap(NULL, size + HUGE_FILE, PROT_NONE,
			    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (fd < 0 || ftruncate(fd, (off_t)file_size) || memory == MAP_FAILED)
		die("memory");
	memory = (char *)(((uintptr_t)memory + HUGE_FILE - 1) & ~(HUGE_FILE - 1));
	for (size_t at = 0; at < size; at += file_size)
		if (mmap(memory + at, file_size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 0) == MAP_FAILED)
			die("mmap of the file");
	close(fd);
	return memory;
}

/* The number behind a word in a file of /proc. */
static long proc_number(const char *path, const char *word)
{
	size_t len = strlen(word);
	char line[256];
	long value = -1;
	FILE *f = fopen(path, "re");

	if (!f)
		die(path);
	while (value < 0 && fgets(line, sizeof(line), f))
		if (!strncmp(line, word, len))
			sscanf(line + len, "%ld", &value);
	fclose(f);
	return value;
}

long vmstat(const char *word)
{
	int fd = open("/proc/sys/vm/stat_refresh", O_WRONLY | O_CLOEXEC);

	/* Each CPU counts for itself; this adds them up. */
	if (fd < 0 || write(fd, "1", 1) != 1)
		die("/proc/sys/vm/stat_refresh");
	close(fd);
	return proc_number("/proc/vmstat", word);
}

long pins(void)
{
	return vmstat("nr_foll_pin_acquired ") - vmstat("nr_foll_pin_released ");
}

long locked_kib(void)
{
	return proc_number("/proc/self/status", "VmLck:");
}

double seconds(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (double)now.tv_sec + (double)now.tv_nsec * 1e-9;
}

uint64_t random_next(uint64_t *state)
{
	*state ^= *state << 13;
	*state ^= *state >> 7;
	*state ^= *state << 17;
	return *state;
}
