/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grow: many mappings of the same small memory. What a map costs must not grow with how
 * many there are. wide: an address space of any size, behind which there is one huge page.
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <unistd.h>
#include "device.h"
#include "space.h"

#define MEMORY (2 * MIB)
#define TENTHS 10
#define SLOWER_AT_MOST                                                                             \
	4 /* time is noisy here; a cost linear in the number would be ten times as much */

static double map_some(int container, const char *memory, uint64_t first, uint64_t count)
{
	double start = seconds();

	for (uint64_t i = first; i < first + count; i++)
		EXPECT(space_map(container, memory + i * PAGE % MEMORY, ABOVE_4G + i * PAGE, PAGE,
				 MAP_RW),
		       0);
	return (seconds() - start) / (double)count;
}

int command_grow(int argc, char **argv)
{
	uint64_t count = strtoull(argv[0], NULL, 10) / TENTHS, size = 0;
	char *memory = memory_anon(MEMORY);
	double first = 0, each = 0, start;
	long before = pins();
	struct raw raw;

	(void)argc;
	raw_open_group(&raw, argv[1]);
	for (uint64_t i = 0; i < TENTHS; i++) {
		each = map_some(raw.container, memory, i * count, count);
		if (!i)
			first = each;
	}
	EXPECT(pins() - before, (long)(count * TENTHS));
	EXPECT(locked_kib(), (long)(count * TENTHS * PAGE / 1024));
	start = seconds();
	EXPECT(space_unmap(raw.container, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL), 0);
	printf("first tenth %.2f us a map, last tenth %.2f; all unmapped in %.2f s\n", first * 1e6,
	       each * 1e6, seconds() - start);
	EXPECT(size, (long)(count * TENTHS * PAGE));
	EXPECT(pins(), before);
	raw_close(&raw);
	return each < first * SLOWER_AT_MOST ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* ---- wide ---- */

#define TOKEN 0x123456

/* Every GiB is mapped by one call; a device reaches the first page and the last one. */
int command_wide(int argc, char **argv)
{
	uint64_t gibs = strtoull(argv[0], NULL, 10), end = ABOVE_4G + gibs * GIB, size = 0;
	char *memory = memory_wide(GIB, HUGE_FILE, MFD_HUGETLB);
	struct device device;
	long before = pins();

	(void)argc;
	device_open(&device, argv[1]);
	for (uint64_t iova = ABOVE_4G; iova < end; iova += GIB)
		EXPECT(space_map(device.raw.container, memory, iova, GIB, MAP_RW), 0);
	device_write(&device, ABOVE_4G, TOKEN);
	EXPECT(device_bytes_token(*(volatile uint64_t *)memory), TOKEN);
	device_write(&device, end - PAGE, TOKEN + 1);
	EXPECT(device_bytes_token(*(volatile uint64_t *)(memory + GIB - PAGE)), TOKEN + 1);
	EXPECT(space_unmap(device.raw.container, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL), 0);
	EXPECT(size, (long long)(gibs * GIB + DEVICE_PAGES * PAGE));
	EXPECT(pins(), before);
	EXPECT(locked_kib(), 0);
	device_map(&device);
	EXPECT(device_read(&device, end - PAGE), 0);
	device_close(&device);
	return EXIT_SUCCESS;
}
