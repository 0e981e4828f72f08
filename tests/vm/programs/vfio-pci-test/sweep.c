/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * sweep DEVICE: writes four patterns in widths 1, 2 and 4 to every byte of
 * configuration space as its user, and looks from the host's side (sysfs) that no
 * bit changed in the device which is not the user's: see may_change(). It says so
 * from the specification, and knows nothing of the kernel's tables.
 */
#include "raw.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#define CONFIG_MAX   4096
#define CONFIG_LOW   256
#define HEADER	     0x40
#define CAP_PM	     0x01
#define CAP_MSI	     0x05
#define CAP_VENDOR   0x09
#define CAP_EXP	     0x10
#define EXT_VENDOR   0x0b

static uint8_t may[CONFIG_MAX], before[CONFIG_MAX], now[CONFIG_MAX];
static unsigned long writes, wrong;

static void allow(uint16_t pos, size_t width, uint32_t mask)
{
	for (size_t i = 0; i < width; i++)
		may[pos + i] = mask >> (8 * i);
}

static void allow_none(uint16_t pos, uint16_t end)
{
	if (end > pos)
		memset(may + pos, 0, end - pos);
}

static uint16_t word(uint16_t pos)
{
	return before[pos] | before[pos + 1] << 8;
}

/* Length of what is the capability's; of others, all up to the next one. */
static uint16_t cap_end(uint16_t pos, uint8_t id, uint16_t next)
{
	uint16_t len = next - pos;

	if (id == CAP_PM)
		len = 8;
	else if (id == CAP_MSI)
		len = word(pos + 2) & 0x100 ? (word(pos + 2) & 0x80 ? 24 : 20) :
					      (word(pos + 2) & 0x80 ? 14 : 10);
	else if (id == CAP_VENDOR)
		len = before[pos + 2];
	else if (id == CAP_EXP)
		len = (word(pos + 2) & 0xf) >= 2 ? 0x3c : 0x14;
	else if (id == 0x11)
		len = 12;
	return pos + len < next ? pos + len : next;
}

static void allow_cap(uint16_t pos, uint16_t next)
{
	const uint8_t id = before[pos];
	const uint16_t end = cap_end(pos, id, next);

	allow_none(pos, end);
	if (id == CAP_PM)
		allow(pos + 4, 2, 0x1e03); /* power state, data select */
	else if (id == CAP_EXP)
		allow(pos + 8, 2, 0x7810); /* relaxed ordering, no snoop, read request size */
	else if (id == CAP_VENDOR)
		for (uint16_t i = pos + 3; i < end; i++)
			may[i] = 0xff;
	if (id == CAP_EXP && end - pos > 0x28)
		allow(pos + 0x28, 2, 0x035f); /* completion timeout, atomics, ID-based order */
}

/* The start of the next capability in the address space, whichever the order of the list. */
static uint16_t next_start(const uint8_t *starts, uint16_t pos, uint16_t limit)
{
	for (pos += 4; pos < limit; pos += 4)
		if (starts[pos])
			return pos;
	return limit;
}

static uint16_t ext_end(uint16_t pos, uint16_t next)
{
	uint16_t len = next - pos;

	switch (word(pos)) {
	case 0x01: /* advanced error reporting */
		len = 0x48;
		break;
	case 0x03: /* device serial number */
		len = 0x0c;
		break;
	case 0x0e: /* alternative routing-ID */
	case 0x0f: /* address translation services */
		len = 8;
		break;
	case 0x10: /* SR-IOV */
		len = 0x40;
		break;
	}
	return len < next - pos ? pos + len : next;
}

static void may_change(void)
{
	uint8_t starts[CONFIG_MAX] = {0};
	uint16_t pos;

	memset(may, 0xff, sizeof(may));
	allow_none(0, HEADER);
	allow(4, 2, 0x0547);   /* I/O, memory, master, parity, SERR, INTx disable */
	allow(0xc, 2, 0xffff); /* cache line, latency timer */
	for (pos = before[0x34]; pos >= HEADER && !starts[pos]; pos = before[pos + 1])
		starts[pos] = 1;
	for (pos = HEADER; pos < CONFIG_LOW; pos += 4)
		if (starts[pos])
			allow_cap(pos, next_start(starts, pos, CONFIG_LOW));
	for (pos = CONFIG_LOW; pos >= CONFIG_LOW && word(pos) && !starts[pos];
	     pos = word(pos + 2) >> 4)
		starts[pos] = 1;
	for (pos = CONFIG_LOW; pos < CONFIG_MAX; pos += 4)
		if (starts[pos] && word(pos) != EXT_VENDOR)
			allow_none(pos, ext_end(pos, next_start(starts, pos, CONFIG_MAX)));
}

static void look(int sysfs, uint16_t from, size_t len, uint16_t pos, size_t width, uint32_t pattern)
{
	if (pread(sysfs, now + from, len, from) != (ssize_t)len)
		die("sysfs config");
	for (uint16_t i = from; i < from + len; i++) {
		const uint8_t changed = (now[i] ^ before[i]) & ~may[i];

		/* Status bits that the device sets itself are not the user's doing. */
		if (!changed || i == 6 || i == 7)
			continue;
		if (wrong++ < 20)
			printf("%zu bytes of %08x to %03x: byte %03x was %02x, is %02x\n", width,
			       pattern, pos, i, before[i], now[i]);
		before[i] = now[i];
	}
}

static void sweep_at(int device, int sysfs, uint16_t pos, uint16_t size)
{
	static const uint32_t patterns[] = {0, 0xffffffff, 0x55555555, 0xaaaaaaaa};

	for (size_t width = 1; width <= 4; width *= 2) {
		if (pos + width > size)
			continue;
		for (size_t p = 0; p < 4; p++) {
			config_set(device, pos, width, patterns[p]);
			look(sysfs, pos & ~3, (pos & ~3) + 8 <= size ? 8 : 4, pos, width,
			     patterns[p]);
			writes++;
		}
	}
}

int command_sweep(int argc, char **argv)
{
	char path[128];
	uint64_t size64;
	struct raw raw;
	int sysfs;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/config", argv[0]);
	sysfs = open(path, O_RDONLY | O_CLOEXEC);
	if (sysfs < 0)
		die(path);
	raw_open(&raw, argv[0]);
	raw_region(raw.device, VFIO_PCI_CONFIG_REGION_INDEX, &size64);
	if (pread(sysfs, before, size64, 0) != (ssize_t)size64)
		die(path);
	may_change();
	for (uint16_t pos = 0; pos < size64; pos++) {
		sweep_at(raw.device, sysfs, pos, size64);
		if (pos % 64 == 63)
			look(sysfs, 0, size64, pos, 0, 0);
	}
	raw_close(&raw);
	/* Closed, and as it was: what the user could change is put back. */
	raw_open(&raw, argv[0]);
	EXPECT(config_get(raw.device, 0, 2), before[0] | before[1] << 8);
	EXPECT(config_get(raw.device, 4, 2) & 4, 0);
	raw_close(&raw);
	printf("%s: %lu writes to %lu bytes, %lu bytes changed that must not\n", argv[0], writes,
	       (unsigned long)size64, wrong);
	close(sysfs);
	return wrong ? EXIT_FAILURE : EXIT_SUCCESS;
}
