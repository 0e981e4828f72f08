/* SPDX-License-Identifier: BSD-3-Clause */
/* Is a device in use: disks, interfaces, VFIO groups. */
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <pollux/pci.h>

#include "fake.h"
#include "runner.h"
#include "suites.h"

#define DISK  "sys/devices/pci0000:00/0000:02:00.0/nvme/nvme0/nvme0n1"
#define NIC   "sys/devices/pci0000:00/0000:03:00.0/net/eth7"
#define OTHER "sys/devices/pci0000:00/0000:02:00.1/block/vdq"

static struct plx_pci_device get(const char *bdf)
{
	struct plx_pci_device d = {0};
	struct plx_pci_addr addr;

	plx_pci_parse(bdf, &addr);
	plx_pci_get(&addr, &d);
	return d;
}

static void check(const char *bdf, enum plx_pci_use expected, const char *expected_detail)
{
	struct plx_pci_device d = get(bdf);
	char detail[256] = "untouched";

	UNIT_EQ(plx_pci_in_use(&d, detail, sizeof(detail)), expected);
	UNIT_STR(detail, expected_detail);
	UNIT_EQ(plx_pci_in_use(&d, NULL, 0), expected);
}

static void make_machine(void)
{
	fake_device("0000:02:00.0", 0x1b36, 0x0010, 0x010802, 4, "nvme");
	fake_device("0000:02:00.1", 0x1af4, 0x1001, 0x010000, 5, "virtio-pci");
	fake_device("0000:03:00.0", 0x8086, 0x10d3, 0x020000, 6, "e1000e");
	fake_file(DISK "/dev", "259:0\n");
	fake_dir(DISK "/holders");
	fake_file(DISK "/nvme0n1p1/dev", "259:1\n");
	fake_dir(DISK "/nvme0n1p1/holders");
	fake_link("sys/class/block/nvme0n1", DISK);
	fake_link("sys/class/block/nvme0n1p1", DISK "/nvme0n1p1");
	fake_file(OTHER "/dev", "253:0\n");
	fake_link("sys/class/block/vdq", OTHER);
	fake_file(NIC "/flags", "0x1002\n");
	fake_link("sys/class/net/eth7", NIC);
	fake_dir("sys/class/net");
	fake_file("proc/self/mounts", "proc /proc proc rw 0 0\n");
	fake_file("proc/swaps", "Filename\t\t\t\tType\t\tSize\t\tUsed\t\tPriority\n");
}

static void idle(void)
{
	make_machine();
	check("0000:02:00.0", PLX_PCI_USE_NONE, "");
	check("0000:02:00.1", PLX_PCI_USE_NONE, "");
	check("0000:03:00.0", PLX_PCI_USE_NONE, "");
}

static void mounted(void)
{
	make_machine();
	fake_file("proc/self/mounts", "/dev/pollux-unit/nvme0n1p1 /mnt/a\\040b ext4 rw 0 0\n");
	check("0000:02:00.0", PLX_PCI_USE_MOUNTED, "/mnt/a b is mounted from nvme0n1p1");
	check("0000:02:00.1", PLX_PCI_USE_NONE, "");
}

static void swap(void)
{
	make_machine();
	fake_file("proc/swaps", "Filename\t\t\t\tType\n/dev/pollux-unit/vdq partition\t1\t0\t-2\n");
	check("0000:02:00.1", PLX_PCI_USE_MOUNTED, "vdq is a swap device");
	check("0000:02:00.0", PLX_PCI_USE_NONE, "");
}

static void built_on(void)
{
	make_machine();
	fake_dir(DISK "/nvme0n1p1/holders/dm-3");
	check("0000:02:00.0", PLX_PCI_USE_MOUNTED, "dm-3 is built on its disk");
	fake_remove(DISK "/nvme0n1p1/holders/dm-3");
	check("0000:02:00.0", PLX_PCI_USE_NONE, "");
}

static void interface(void)
{
	make_machine();
	fake_file(NIC "/flags", "0x1003\n");
	check("0000:03:00.0", PLX_PCI_USE_NET_UP, "interface eth7 is up");
	check("0000:02:00.0", PLX_PCI_USE_NONE, "");
}

static void other_namespace(void)
{
	make_machine();
	fake_remove(NIC);
	fake_remove("sys/class/net/eth7");
	check("0000:03:00.0", PLX_PCI_USE_NETNS, "its interface is in another network namespace");
	fake_remove("sys/devices/pci0000:00/0000:03:00.0/net");
	check("0000:03:00.0", PLX_PCI_USE_NONE, "");
	fake_dir("sys/devices/pci0000:00/0000:03:00.0/virtio3/net");
	check("0000:03:00.0", PLX_PCI_USE_NETNS, "its interface is in another network namespace");
	fake_remove("sys/devices/pci0000:00/0000:03:00.0/virtio3");
}

static void vfio_group(void)
{
	char expected[64];

	make_machine();
	fake_link("proc/4242/fd/3", "/dev/null");
	fake_link("proc/4242/fd/7", "dev/vfio/6");
	fake_file("proc/4242/comm", "plx-l2fwd\n");
	check("0000:03:00.0", PLX_PCI_USE_VFIO_OPEN, "process 4242 (plx-l2fwd) holds its group 6");
	check("0000:02:00.0", PLX_PCI_USE_NONE, "");
	fake_remove("proc/4242");
	snprintf(expected, sizeof(expected), "proc/%d/fd/9", (int)getpid());
	fake_link(expected, "dev/vfio/4");
	check("0000:02:00.0", PLX_PCI_USE_VFIO_OPEN, "this process holds its group 4");
	snprintf(expected, sizeof(expected), "proc/%d", (int)getpid());
	fake_remove(expected);
}

static void share(void)
{
	make_machine();
	fake_dir("sys/devices/pci0000:00/0000:02:00.1/virtio0");
	fake_link("sys/fs/virtiofs/0/device", "sys/devices/pci0000:00/0000:02:00.1/virtio0");
	fake_file("sys/fs/virtiofs/0/tag", "homes\n");
	check("0000:02:00.1", PLX_PCI_USE_NONE, "");
	fake_file("proc/self/mounts", "homes /home virtiofs rw 0 0\n");
	check("0000:02:00.1", PLX_PCI_USE_MOUNTED, "/home is mounted from share homes");
	check("0000:02:00.0", PLX_PCI_USE_NONE, "");
}

static void no_room_for_detail(void)
{
	struct plx_pci_device d;
	char detail[8];

	make_machine();
	fake_file(NIC "/flags", "0x1003\n");
	d = get("0000:03:00.0");
	UNIT_EQ(plx_pci_in_use(&d, detail, sizeof(detail)), PLX_PCI_USE_NET_UP);
	UNIT_STR(detail, "interfa");
}

CU_TestInfo use_tests[] = {
	{"idle devices", idle},
	{"a partition is mounted", mounted},
	{"a disk is swap", swap},
	{"device-mapper or md on a partition", built_on},
	{"an interface is up", interface},
	{"an interface in another network namespace", other_namespace},
	{"a process has the group open", vfio_group},
	{"a virtiofs share is mounted", share},
	{"detail is cut off", no_room_for_detail},
	CU_TEST_INFO_NULL,
};
