/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Which steps bind, unbind and restore take, and what is left when one fails. The drivers' files
 * are plain files here: a failing step is one whose file is a folder.
 */
#include <errno.h>
#include <string.h>

#include <pollux/pci.h>

#include "fake.h"
#include "runner.h"
#include "suites.h"

#define BDF	 "0000:02:00.0"
#define OVERRIDE "sys/devices/pci0000:00/" BDF "/driver_override"
#define LINK	 "sys/devices/pci0000:00/" BDF "/driver"
#define DRIVERS	 "sys/bus/pci/drivers/"
#define PAST	 "run/pollux/bind/" BDF

static const struct plx_pci_addr addr = {.bus = 2};

static void start(const char *driver)
{
	fake_remove("sys/devices");
	fake_remove("sys/bus/pci/drivers");
	fake_remove("run/pollux");
	fake_device(BDF, 0x1b36, 0x0010, 0x010802, 4, driver);
	fake_driver("vfio-pci");
	fake_file("sys/bus/pci/drivers_probe", "%s", "");
	fake_log();
}

static void binds(void)
{
	start("nvme");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	UNIT_STR(fake_read(DRIVERS "nvme/unbind"), BDF);
	UNIT_STR(fake_read(DRIVERS "vfio-pci/bind"), BDF);
	CU_ASSERT_EQUAL(strncmp(fake_read(OVERRIDE), "vfio-pci", 8), 0);
	UNIT_STR(fake_read(PAST), "ids=1b36:0010\ndriver=nvme\noverride=\n");
}

static void binds_no_driver(void)
{
	start(NULL);
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	UNIT_STR(fake_read(DRIVERS "vfio-pci/bind"), BDF);
	UNIT_STR(fake_read(PAST), "ids=1b36:0010\ndriver=\noverride=\n");
}

static void bound_already(void)
{
	start("vfio-pci");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	UNIT_STR(fake_read(DRIVERS "vfio-pci/bind"), "");
	UNIT_STR(fake_read(PAST), "(none)");
}

static void past_is_kept(void)
{
	start("nvme");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	fake_link(LINK, DRIVERS "vfio-pci");
	fake_driver("pci-stub");
	UNIT_EQ(plx_pci_bind(&addr, "pci-stub"), 0);
	UNIT_STR(fake_read(PAST), "ids=1b36:0010\ndriver=nvme\noverride=\n");
	/* Someone has since given it to another host driver: that is the past now. */
	fake_driver("nvme2");
	fake_link(LINK, DRIVERS "nvme2");
	fake_file(OVERRIDE, "nvme2\n");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	UNIT_STR(fake_read(PAST), "ids=1b36:0010\ndriver=nvme2\noverride=nvme2\n");
}

static void bad_names(void)
{
	start("nvme");
	UNIT_EQ(plx_pci_bind(&addr, "../nvme"), -EINVAL);
	UNIT_EQ(plx_pci_bind(&addr, ""), -EINVAL);
	UNIT_EQ(plx_pci_bind(&addr, NULL), -EINVAL);
	UNIT_EQ(plx_pci_bind(&addr, "."), -EINVAL);
	UNIT_EQ(plx_pci_bind(&addr, "not-loaded"), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "driver not-loaded is not loaded; `modprobe"));
	UNIT_STR(fake_read(OVERRIDE), "(null)\n");
	UNIT_STR(fake_read(PAST), "(none)");
}

static void rolls_back(void)
{
	start("nvme");
	fake_remove(DRIVERS "vfio-pci/bind");
	fake_dir(DRIVERS "vfio-pci/bind");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), -EISDIR);
	UNIT_STR(fake_read(DRIVERS "nvme/unbind"), BDF);
	UNIT_EQ(fake_read(OVERRIDE)[0], '\n');
	UNIT_STR(fake_read(PAST), "(none)");
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), BDF ": cannot bind it to vfio-pci"));
}

static void stuck_half_way(void)
{
	start("nvme");
	fake_remove(DRIVERS "nvme/unbind");
	fake_dir(DRIVERS "nvme/unbind");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), -EISDIR);
	UNIT_STR(fake_read(DRIVERS "vfio-pci/bind"), "");
	UNIT_EQ(fake_read(OVERRIDE)[0], '\n');
	UNIT_STR(fake_read(PAST), "(none)");
}

static void unbinds(void)
{
	start("nvme");
	UNIT_EQ(plx_pci_unbind(&addr), 0);
	UNIT_STR(fake_read(DRIVERS "nvme/unbind"), BDF);
	CU_ASSERT_EQUAL(strncmp(fake_read(OVERRIDE), "none", 4), 0);
	UNIT_STR(fake_read(PAST), "ids=1b36:0010\ndriver=nvme\noverride=\n");
	fake_remove(LINK);
	fake_file(OVERRIDE, "none\n");
	fake_file(DRIVERS "nvme/unbind", "%s", "");
	UNIT_EQ(plx_pci_unbind(&addr), 0);
	UNIT_STR(fake_read(DRIVERS "nvme/unbind"), "");
}

static void restores(void)
{
	start("nvme");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	fake_link(LINK, DRIVERS "vfio-pci");
	UNIT_EQ(plx_pci_restore(&addr), 0);
	UNIT_STR(fake_read(DRIVERS "vfio-pci/unbind"), BDF);
	UNIT_STR(fake_read(DRIVERS "nvme/bind"), BDF);
	UNIT_EQ(fake_read(OVERRIDE)[0], '\n');
	UNIT_STR(fake_read(PAST), "(none)");
}

static void restores_unknown(void)
{
	start("vfio-pci");
	UNIT_EQ(plx_pci_restore(&addr), 0);
	UNIT_STR(fake_read(DRIVERS "vfio-pci/unbind"), BDF);
	UNIT_STR(fake_read("sys/bus/pci/drivers_probe"), BDF);
	start("nvme");
	UNIT_EQ(plx_pci_restore(&addr), 0);
	UNIT_STR(fake_read(DRIVERS "nvme/unbind"), "");
	UNIT_STR(fake_read("sys/bus/pci/drivers_probe"), "");
}

static void restore_needs_driver(void)
{
	start("nvme");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	fake_link(LINK, DRIVERS "vfio-pci");
	fake_remove(DRIVERS "nvme");
	UNIT_EQ(plx_pci_restore(&addr), -ENOENT);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "`modprobe nvme`"));
	UNIT_STR(fake_read(PAST), "ids=1b36:0010\ndriver=nvme\noverride=\n");
}

static void failed_restore(void)
{
	start("nvme");
	UNIT_EQ(plx_pci_bind(&addr, "vfio-pci"), 0);
	fake_link(LINK, DRIVERS "vfio-pci");
	fake_file(OVERRIDE, "vfio-pci\n");
	fake_remove(DRIVERS "nvme/bind");
	fake_dir(DRIVERS "nvme/bind");
	fake_log();
	UNIT_EQ(plx_pci_restore(&addr), -EISDIR);
	CU_ASSERT_EQUAL(strncmp(fake_read(OVERRIDE), "vfio-pci", 8), 0);
	UNIT_STR(fake_read(PAST), "ids=1b36:0010\ndriver=nvme\noverride=\n");
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "cannot give it back to its driver"));
}

static void no_device(void)
{
	struct plx_pci_addr other = {.bus = 9};

	start("nvme");
	UNIT_EQ(plx_pci_bind(&other, "vfio-pci"), -ENODEV);
	UNIT_EQ(plx_pci_unbind(&other), -ENODEV);
	UNIT_EQ(plx_pci_restore(&other), -ENODEV);
}

static void blockers(void)
{
	static const struct {
		const char *driver;
		bool blocks, userspace;
	} cases[] = {
		{"", false, false},
		{"vfio-pci", false, true},
		{"mlx5_vfio_pci", false, true},
		{"pci-stub", false, true},
		{"pcieport", false, false},
		{"nvme", true, false},
		{"uio_pci_generic", true, true},
		{"shpchp", true, false},
	};
	struct plx_pci_device d = {0};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		strcpy(d.driver, cases[i].driver);
		UNIT_EQ(plx_pci_blocks_group(&d), cases[i].blocks);
		UNIT_EQ(plx_pci_driver_is_userspace(d.driver), cases[i].userspace);
	}
}

CU_TestInfo bind_tests[] = {
	{"bind: override, unbind, bind, remembered", binds},
	{"bind a device without a driver", binds_no_driver},
	{"bound already", bound_already},
	{"the past is that of the host driver", past_is_kept},
	{"bad and missing drivers change nothing", bad_names},
	{"a failed bind is rolled back", rolls_back},
	{"a failed unbind is rolled back", stuck_half_way},
	{"unbind, twice", unbinds},
	{"restore", restores},
	{"restore where nothing is remembered", restores_unknown},
	{"restore when the driver is not loaded", restore_needs_driver},
	{"a failed restore is rolled back, and can be repeated", failed_restore},
	{"no such device", no_device},
	{"which drivers block a group", blockers},
	CU_TEST_INFO_NULL,
};
