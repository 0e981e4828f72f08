/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * rom FILE LENGTH DEVICE: the expansion ROM is that of the file up to LENGTH, and
 * ones behind it; with a LENGTH of 0 there is none.
 */
#include "raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define ROM_MAX (1 << 20)

static uint8_t *rom_expected(const char *path, size_t length, uint64_t size)
{
	uint8_t *data = malloc(ROM_MAX);
	FILE *file = fopen(path, "rb");

	if (!data || !file || size > ROM_MAX)
		die(path);
	memset(data, 0xff, ROM_MAX);
	EXPECT(fread(data, 1, length, file), length);
	fclose(file);
	return data;
}

/* The whole at once, and from odd places in odd pieces. */
static void rom_compare(int device, const uint8_t *expected, uint64_t size)
{
	uint64_t start = raw_region(device, VFIO_PCI_ROM_REGION_INDEX, NULL), offset, piece;
	uint8_t *data = malloc(size);

	if (!data)
		die("memory");
	EXPECT(pread(device, data, size, (off_t)start), size);
	EXPECT(memcmp(data, expected, size), 0);
	for (offset = 1, piece = 1; offset + piece < size; offset += 61, piece = piece % 13 + 1) {
		EXPECT(pread(device, data, piece, (off_t)(start + offset)), piece);
		EXPECT(memcmp(data, expected + offset, piece), 0);
	}
	EXPECT(pread(device, data, 16, (off_t)(start + size - 4)), 4);
	free(data);
}

int command_rom(int argc, char **argv)
{
	struct raw raw;
	size_t length;
	uint8_t *expected;
	uint64_t size;
	uint16_t command;

	if (argc != 3)
		return 2;
	length = strtoul(argv[1], NULL, 10);
	raw_open(&raw, argv[2]);
	command = (uint16_t)config_get(raw.device, 4, 2);
	/* That a device decodes nothing does not hide its ROM. */
	config_set(raw.device, 4, 2, command & ~2U);
	raw_region(raw.device, VFIO_PCI_ROM_REGION_INDEX, &size);
	EXPECT(config_get(raw.device, 4, 2), command & ~2U);
	EXPECT(size != 0, length != 0);
	config_set(raw.device, 4, 2, command | 2U);
	if (length) {
		expected = rom_expected(argv[0], length, size);
		rom_compare(raw.device, expected, size);
		free(expected);
	}
	EXPECT(config_get(raw.device, 0x30, 4) & 1, 0);
	raw_close(&raw);
	return EXIT_SUCCESS;
}
