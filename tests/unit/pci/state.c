/* SPDX-License-Identifier: BSD-3-Clause */
/* What is remembered in /run/pollux/bind, and who may tamper with it. */
#include "pci/state.h"

#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "fake.h"
#include "runner.h"
#include "suites.h"

static const struct plx_pci_device device = {
	.addr = {.bus = 2},
	.vendor = 0x1b36,
	.device = 0x0010,
	.driver = "nvme",
	.driver_override = "",
};

static void round_trip(void)
{
	struct plx_pci_past past;
	struct stat st;
	int dir = plx_pci_state_open();

	CU_ASSERT_FATAL(dir >= 0);
	UNIT_EQ(plx_pci_state_load(dir, &device, &past), -ENOENT);
	UNIT_EQ(plx_pci_state_save(dir, &device), 0);
	UNIT_EQ(plx_pci_state_load(dir, &device, &past), 0);
	UNIT_STR(past.driver, "nvme");
	UNIT_STR(past.driver_override, "");
	UNIT_EQ(stat(fake_path("run/pollux/bind"), &st), 0);
	UNIT_EQ(st.st_mode & 07777, 0700);
	UNIT_EQ(stat(fake_path("run/pollux/bind/0000:02:00.0"), &st), 0);
	UNIT_EQ(st.st_mode & 07777, 0600);
	plx_pci_state_forget(dir, &device);
	UNIT_EQ(plx_pci_state_load(dir, &device, &past), -ENOENT);
	plx_pci_state_close(dir);
}

static void another_device(void)
{
	struct plx_pci_device other = device;
	struct plx_pci_past past;
	int dir = plx_pci_state_open();

	CU_ASSERT_FATAL(dir >= 0);
	UNIT_EQ(plx_pci_state_save(dir, &device), 0);
	other.device = 0x0011;
	UNIT_EQ(plx_pci_state_load(dir, &other, &past), -ENOENT);
	plx_pci_state_forget(dir, &device);
	plx_pci_state_close(dir);
}

static void damaged(void)
{
	static const char *const texts[] = {
		"",
		"ids=1b36:0010\n",
		"ids=1b36:0010\ndriver=nvme\n",
		"ids=1b36:0010\ndriver=../../evil\noverride=\n",
		"ids=1b36:0010\ndriver=nvme\noverride=",
		"driver=nvme\noverride=\n",
		"ids=1b36:0010\ndriver="
		"xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx"
		"\noverride=\n",
	};
	struct plx_pci_past past;
	unsigned int i;
	int dir = plx_pci_state_open();

	CU_ASSERT_FATAL(dir >= 0);
	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		fake_file("run/pollux/bind/0000:02:00.0", "%s", texts[i]);
		UNIT_EQ(plx_pci_state_load(dir, &device, &past), -EBADMSG);
	}
	plx_pci_state_forget(dir, &device);
	plx_pci_state_close(dir);
}

static void links(void)
{
	struct plx_pci_past past;
	int dir = plx_pci_state_open();

	CU_ASSERT_FATAL(dir >= 0);
	fake_file("run/elsewhere", "ids=1b36:0010\ndriver=evil\noverride=\n");
	fake_link("run/pollux/bind/0000:02:00.0", "run/elsewhere");
	UNIT_EQ(plx_pci_state_load(dir, &device, &past), -ELOOP);
	fake_link("run/pollux/bind/.new", "run/elsewhere");
	UNIT_EQ(plx_pci_state_save(dir, &device), 0);
	UNIT_EQ(plx_pci_state_load(dir, &device, &past), 0);
	UNIT_STR(past.driver, "nvme");
	UNIT_STR(fake_read("run/elsewhere"), "ids=1b36:0010\ndriver=evil\noverride=\n");
	plx_pci_state_forget(dir, &device);
	plx_pci_state_close(dir);
}

static void foreign_folder(void)
{
	fake_remove("run/pollux/bind");
	fake_dir("run/attic");
	fake_link("run/pollux/bind", "run/attic");
	UNIT_EQ(plx_pci_state_open(), -EPERM);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "run/pollux/bind: belongs to another user"));
	fake_remove("run/pollux/bind");
	fake_file("run/pollux/bind", "%s", "a file");
	UNIT_EQ(plx_pci_state_open(), -EPERM);
	fake_remove("run/pollux/bind");
	fake_dir("run/pollux/bind");
	UNIT_EQ(chmod(fake_path("run/pollux/bind"), 0777), 0);
	UNIT_EQ(plx_pci_state_open(), -EPERM);
	fake_log();
	fake_remove("run/pollux");
	if (geteuid() == 0) {
		fake_dir("run/pollux");
		UNIT_EQ(chown(fake_path("run/pollux"), 65534, 65534), 0);
		UNIT_EQ(plx_pci_state_open(), -EPERM);
		fake_remove("run/pollux");
	}
}

CU_TestInfo state_tests[] = {
	{"save, load, forget; modes 0700 and 0600", round_trip},
	{"another device at the address", another_device},
	{"damaged files", damaged},
	{"links are not followed", links},
	{"folders of others are refused", foreign_folder},
	CU_TEST_INFO_NULL,
};
