/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vga DEVICE: the legacy VGA ranges: text memory by all widths, a port, and the
 * holes between the ranges.
 */
#include "raw.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define TEXT	     0xb8000
#define REGION_SIZE  0xc0000
/* IBM VGA: miscellaneous output; sequencer and graphics controller, index and data in one word. */
#define MISC_OUTPUT  0x3c2
#define SEQUENCER    0x3c4
#define GRAPHICS     0x3ce
#define CRTC_INDEX   0x3d4
#define CRTC_DATA    0x3d5
#define CURSOR_LOW   0x0f

static int vga_get(int device, uint64_t offset, size_t width, uint64_t *value)
{
	ssize_t ret;

	*value = 0;
	ret = pread(device, value, width, raw_region(device, VFIO_PCI_VGA_REGION_INDEX, NULL) + offset);
	return ret < 0 ? -errno : (int)ret;
}

static int vga_set(int device, uint64_t offset, size_t width, uint64_t value)
{
	ssize_t ret;

	ret = pwrite(device, &value, width, raw_region(device, VFIO_PCI_VGA_REGION_INDEX, NULL) + offset);
	return ret < 0 ? -errno : (int)ret;
}

/* Colour addresses, memory on; all planes, chained to one linear memory; at 0xa0000-0xbffff. */
static void set_linear(int device)
{
	EXPECT(vga_set(device, MISC_OUTPUT, 1, 0x63), 1);
	EXPECT(vga_set(device, SEQUENCER, 2, 0x0f02), 2);
	EXPECT(vga_set(device, SEQUENCER, 2, 0x0e04), 2);
	EXPECT(vga_set(device, GRAPHICS, 2, 0x0006), 2);
}

int command_vga(int argc, char **argv)
{
	static const uint64_t holes[] = {0, 0x3af, 0x3bc, 0x3e0, 0x9ffff};
	uint64_t size, value;
	struct raw raw;

	raw_open(&raw, argv[0]);
	raw_region(raw.device, VFIO_PCI_VGA_REGION_INDEX, &size);
	EXPECT(size, REGION_SIZE);
	set_linear(raw.device);
	EXPECT(vga_set(raw.device, TEXT, 4, 0x07420741), 4);
	EXPECT(vga_get(raw.device, TEXT, 4, &value), 4);
	EXPECT(value, 0x07420741);
	EXPECT(vga_get(raw.device, TEXT + 1, 2, &value), 2);
	EXPECT(value, 0x4207);
	EXPECT(vga_set(raw.device, CRTC_INDEX, 1, CURSOR_LOW), 1);
	EXPECT(vga_set(raw.device, CRTC_DATA, 1, 0x5a), 1);
	EXPECT(vga_get(raw.device, CRTC_INDEX, 2, &value), 2);
	EXPECT(value, 0x5a0f);
	for (size_t i = 0; i < sizeof(holes) / sizeof(*holes); i++)
		EXPECT(vga_get(raw.device, holes[i], 1, &value), -EINVAL);
	EXPECT(vga_get(raw.device, REGION_SIZE, 1, &value), -EINVAL);
	/* Cut at the end of a range. */
	EXPECT(vga_get(raw.device, 0xbfffe, 8, &value), 2);
	EXPECT(vga_get(raw.device, 0x3df, 4, &value), 1);
	config_set(raw.device, 4, 2, 0);
	EXPECT(vga_get(raw.device, TEXT, 4, &value), -EIO);
	raw_close(&raw);
	return EXIT_SUCCESS;
}
