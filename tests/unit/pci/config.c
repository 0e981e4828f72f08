/* SPDX-License-Identifier: BSD-3-Clause */
/* Configuration space through a sysfs file. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pollux/pci.h>

#include "fake.h"
#include "runner.h"
#include "suites.h"

#define CONFIG_FILE "sys/devices/pci0000:00/0000:02:00.0/config"

static const struct plx_pci_addr addr = {.bus = 2};

static void write_space(size_t len)
{
	FILE *f;
	size_t i;

	fake_device("0000:02:00.0", 0x8086, 0x10d3, 0x020000, -1, NULL);
	fake_file(CONFIG_FILE, "%s", "");
	f = fopen(fake_path(CONFIG_FILE), "w");
	for (i = 0; f && i < len; i++)
		fputc((int)(i & 0xff), f);
	if (f)
		fclose(f);
}

static void widths(void)
{
	struct plx_pci_config config;
	uint32_t value;

	write_space(4096);
	UNIT_EQ(plx_pci_config_open(&addr, &config), 0);
	UNIT_EQ(config.size, 4096);
	UNIT_EQ(config.read(config.ctx, 0x10, 1, &value), 0);
	UNIT_EQ(value, 0x10);
	UNIT_EQ(config.read(config.ctx, 0x10, 2, &value), 0);
	UNIT_EQ(value, 0x1110);
	UNIT_EQ(config.read(config.ctx, 0x10, 4, &value), 0);
	UNIT_EQ(value, 0x13121110);
	UNIT_EQ(config.write(config.ctx, 0x04, 2, 0xabcd), 0);
	UNIT_EQ(config.read(config.ctx, 0x04, 4, &value), 0);
	UNIT_EQ(value, 0x0706abcd);
	UNIT_EQ(config.read(config.ctx, 0x11, 2, &value), -EINVAL);
	UNIT_EQ(config.read(config.ctx, 0x10, 3, &value), -EINVAL);
	UNIT_EQ(config.read(config.ctx, 0x10, 0, &value), -EINVAL);
	UNIT_EQ(config.read(config.ctx, 0x1000, 4, &value), -EINVAL);
	UNIT_EQ(config.write(config.ctx, 0x12, 4, 0), -EINVAL);
	plx_pci_config_close(&config);
}

static void short_space(void)
{
	struct plx_pci_config config;
	uint32_t value;

	write_space(64); /* what those without CAP_SYS_ADMIN get to see */
	UNIT_EQ(plx_pci_config_open(&addr, &config), 0);
	UNIT_EQ(config.size, 256);
	UNIT_EQ(config.read(config.ctx, 0x3c, 4, &value), 0);
	UNIT_EQ(config.read(config.ctx, 0x40, 4, &value), -EACCES);
	plx_pci_config_close(&config);
}

static void no_device(void)
{
	struct plx_pci_addr other = {.bus = 3};
	struct plx_pci_config config;

	UNIT_EQ(plx_pci_config_open(&other, &config), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "0000:03:00.0"));
}

CU_TestInfo config_tests[] = {
	{"widths, byte order, alignment", widths},
	{"a space that is cut off", short_space},
	{"no such device", no_device},
	CU_TEST_INFO_NULL,
};
