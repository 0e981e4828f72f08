/* SPDX-License-Identifier: BSD-3-Clause */
/* Devices from sysfs, also from one that is damaged. */
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include <pollux/pci.h>

#include "fake.h"
#include "runner.h"
#include "suites.h"

#define DEV "sys/devices/pci0000:00/0000:02:00.0/"

static const struct plx_pci_addr addr = {.bus = 2};

static void attributes(void)
{
	struct plx_pci_device d;

	fake_device("0000:02:00.0", 0x8086, 0x10d3, 0x020000, 8, "e1000e");
	fake_file(DEV "numa_node", "1\n");
	fake_file(DEV "driver_override", "vfio-pci\n");
	fake_file(DEV "resource", "0x00000000febc0000 0x00000000febdffff 0x0000000000040200\n"
				  "0x0000000000000000 0x0000000000000000 0x0000000000000000\n"
				  "0x000000000000c000 0x000000000000c01f 0x0000000000040101\n"
				  "0x0000380000000000 0x00003800ffffffff 0x000000000014220c\n");
	UNIT_EQ(plx_pci_get(&addr, &d), 0);
	UNIT_EQ(d.vendor, 0x8086);
	UNIT_EQ(d.device, 0x10d3);
	UNIT_EQ(d.subsystem_vendor, 0x1af4);
	UNIT_EQ(d.subsystem_device, 0x1100);
	UNIT_EQ(d.class_code, 0x020000);
	UNIT_EQ(d.revision, 3);
	UNIT_EQ(d.node, 1);
	UNIT_EQ(d.group, 8);
	UNIT_EQ(d.is_bridge, 0);
	UNIT_STR(d.driver, "e1000e");
	UNIT_STR(d.driver_override, "vfio-pci");
	UNIT_EQ(d.bars[0].start, 0xfebc0000);
	UNIT_EQ(d.bars[0].size, 0x20000);
	UNIT_EQ(PLX_PCI_BAR_IS_IO(&d.bars[0]), 0);
	UNIT_EQ(d.bars[1].size, 0);
	UNIT_EQ(PLX_PCI_BAR_IS_IO(&d.bars[2]), 1);
	UNIT_EQ(d.bars[3].size, 0x100000000);
	UNIT_EQ(d.bars[4].size, 0);
}

static void bare(void)
{
	struct plx_pci_device d;

	fake_remove("sys/devices/pci0000:00/0000:02:00.0");
	fake_device("0000:02:00.0", 0x1b36, 0x000c, 0x060400, -1, NULL);
	UNIT_EQ(plx_pci_get(&addr, &d), 0);
	UNIT_EQ(d.node, PLX_NODE_ANY);
	UNIT_EQ(d.group, -1);
	UNIT_EQ(d.is_bridge, 1);
	UNIT_STR(d.driver, "");
	UNIT_STR(d.driver_override, "");
	UNIT_EQ(d.bars[0].size, 0);
}

static void damaged(void)
{
	struct plx_pci_device d;
	char name[200];

	fake_device("0000:02:00.0", 0x8086, 0x10d3, 0x020000, 8, NULL);
	fake_file(DEV "resource", "0x10 0x0 0x200\nrubbish\n");
	fake_file(DEV "class", "soup\n");
	memset(name, 'x', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	fake_link(DEV "driver", name);
	fake_file(DEV "driver_override", "%s\n", name);
	UNIT_EQ(plx_pci_get(&addr, &d), 0);
	UNIT_EQ(d.bars[0].size, 0);
	UNIT_STR(d.driver, "");
	UNIT_STR(d.driver_override, "");
	fake_file(DEV "vendor", "soup\n");
	UNIT_EQ(plx_pci_get(&addr, &d), -EINVAL);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "0000:02:00.0"));
	fake_remove("sys/devices/pci0000:00/0000:02:00.0");
	UNIT_EQ(plx_pci_get(&addr, &d), -ENODEV);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "0000:02:00.0: no such PCI device"));
	fake_remove("sys/bus/pci/devices/0000:02:00.0");
}

struct seen {
	char text[256];
	int stop_at, count;
};

static int see(const struct plx_pci_device *d, void *arg)
{
	struct seen *seen = arg;
	char bdf[PLX_PCI_BDF_LEN];

	strcat(seen->text, plx_pci_bdf(&d->addr, bdf));
	strcat(seen->text, " ");
	return ++seen->count == seen->stop_at ? 42 : 0;
}

static void scans(void)
{
	struct seen seen = {0};

	fake_device("0000:0a:00.0", 1, 1, 0x010802, 4, "nvme");
	fake_device("0000:00:1f.0", 1, 2, 0x060100, 3, NULL);
	fake_device("0000:09:00.1", 1, 3, 0x020000, 4, NULL);
	fake_file("sys/bus/pci/devices/nonsense", "%s", "");
	fake_link("sys/bus/pci/devices/0000:01:00.0", "sys/devices/pci0000:00/vanished");
	UNIT_EQ(plx_pci_scan(see, &seen), 0);
	UNIT_STR(seen.text, "0000:00:1f.0 0000:09:00.1 0000:0a:00.0 ");
	seen = (struct seen){.stop_at = 2};
	UNIT_EQ(plx_pci_scan(see, &seen), 42);
	UNIT_STR(seen.text, "0000:00:1f.0 0000:09:00.1 ");
	seen = (struct seen){0};
	UNIT_EQ(plx_pci_group_scan(4, see, &seen), 0);
	UNIT_STR(seen.text, "0000:09:00.1 0000:0a:00.0 ");
	UNIT_EQ(plx_pci_group_scan(77, see, &seen), -ENOENT);
	fake_remove("sys/bus/pci/devices");
	UNIT_EQ(plx_pci_scan(see, &seen), -ENOENT);
}

static void matches(void)
{
	static const struct plx_pci_match table[] = {
		{.vendor = 0x8086, .device = 0x10d3},
		{.vendor = 0x8086,
		 .device = PLX_PCI_ANY,
		 .class_code = 0x010800,
		 .class_mask = 0xffff00},
		{.vendor = PLX_PCI_ANY,
		 .device = PLX_PCI_ANY,
		 .class_code = 0x010802,
		 .class_mask = 0xffffff},
		{0},
	};
	struct plx_pci_device d = {.vendor = 0x8086, .device = 0x10d3, .class_code = 0x020000};

	CU_ASSERT_PTR_EQUAL(plx_pci_match_find(table, &d), &table[0]);
	d = (struct plx_pci_device){.vendor = 0x8086, .device = 0x5845, .class_code = 0x010830};
	CU_ASSERT_PTR_EQUAL(plx_pci_match_find(table, &d), &table[1]);
	d = (struct plx_pci_device){.vendor = 0x1b36, .device = 0x0010, .class_code = 0x010802};
	CU_ASSERT_PTR_EQUAL(plx_pci_match_find(table, &d), &table[2]);
	d.class_code = 0x010803;
	CU_ASSERT_PTR_NULL(plx_pci_match_find(table, &d));
	d = (struct plx_pci_device){.vendor = 0x8086, .device = 0x10d2, .class_code = 0x020000};
	CU_ASSERT_PTR_NULL(plx_pci_match_find(table, &d));
}

CU_TestInfo scan_tests[] = {
	{"attributes of a device", attributes},
	{"a device with few attributes", bare},
	{"damaged attributes", damaged},
	{"scans are in order, and can be ended", scans},
	{"match tables", matches},
	CU_TEST_INFO_NULL,
};
