/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * huge DEVICE BAR: a BAR that is memory (ivshmem's), larger than a huge page. Each
 * page is marked by number; then it is read through mappings at every odd offset
 * and of every alignment. Counts the faults that an aligned mapping takes.
 */
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>

#define PAGE 4096ul
#define HUGE (2ul << 20)

static long faults(void)
{
	struct rusage usage;

	getrusage(RUSAGE_SELF, &usage);
	return usage.ru_minflt;
}

static char *map_at(int device, uint64_t offset, size_t len, size_t align_offset)
{
	char *area = mmap(NULL, len + 2 * HUGE, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
	char *at = (char *)(((uintptr_t)area + HUGE - 1) & ~(HUGE - 1)) + align_offset;

	if (area == MAP_FAILED)
		die("mmap");
	if (mmap(at, len, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, device, offset) != at)
		die("mmap of the BAR");
	return at;
}

static void check_numbers(const char *p, size_t first, size_t pages)
{
	for (size_t i = 0; i < pages; i++)
		EXPECT(*(const volatile uint32_t *)(p + i * PAGE), first + i);
}

int command_huge(int argc, char **argv)
{
	static const size_t shifts[] = {0, PAGE, 3 * PAGE, HUGE - PAGE};
	uint64_t size, offset;
	struct raw raw;
	long count;
	char *p;

	if (argc < 2)
		return 2;
	raw_open(&raw, argv[0]);
	offset = raw_region(raw.device, atoi(argv[1]), &size);
	p = map_at(raw.device, offset, size, 0);
	count = faults();
	for (size_t i = 0; i < size / PAGE; i++)
		*(volatile uint32_t *)(p + i * PAGE) = i;
	count = faults() - count;
	munmap(p, size);
	printf("%llu MiB by %ld faults\n", (unsigned long long)(size >> 20), count);
	EXPECT(count <= (long)(size / HUGE), true);
	for (size_t first = 0; first < size / PAGE; first += 37) {
		for (size_t s = 0; s < sizeof(shifts) / sizeof(*shifts); s++) {
			const size_t len = size - first * PAGE;

			p = map_at(raw.device, offset + first * PAGE, len, shifts[s]);
			check_numbers(p, first, len / PAGE > 1024 ? 1024 : len / PAGE);
			munmap(p, len);
		}
	}
	raw_close(&raw);
	return EXIT_SUCCESS;
}
