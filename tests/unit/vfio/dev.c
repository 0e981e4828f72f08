/* SPDX-License-Identifier: BSD-3-Clause */
/* Opening a device that cannot be opened: the errno, and what the user is told. */
#include <errno.h>
#include <string.h>

#include <pollux/vfio.h>

#include "../pci/fake.h"
#include "runner.h"
#include "suites.h"

static void refused(const char *name, int error, const char *text)
{
	struct plx_as_config config = {.no_heap = true};
	struct plx_as *as = plx_as_open(&config);
	const char *log;

	CU_ASSERT_PTR_NOT_NULL_FATAL(as);
	fake_log();
	errno = 0;
	CU_ASSERT_PTR_NULL(plx_dev_open(as, name));
	UNIT_EQ(errno, error);
	log = fake_log();
	if (!strstr(log, text))
		fprintf(stderr, "\n    the log says: %s", log);
	CU_ASSERT_PTR_NOT_NULL(strstr(log, text));
	UNIT_EQ(plx_as_close(as), 0);
}

static void bad_names(void)
{
	refused("nvme0", EINVAL, "\"nvme0\" is not a PCI address such as 0000:02:00.0");
	refused("", EINVAL, "\"\" is not a PCI address");
	refused(NULL, EINVAL, "\"\" is not a PCI address");
	refused("02:00.0", ENODEV, "0000:02:00.0: no such PCI device");
}

static void not_for_us(void)
{
	fake_device("0000:02:00.0", 0x1b36, 0x0010, 0x010802, -1, "vfio-pci");
	refused("02:00.0", ENXIO, "0000:02:00.0: has no IOMMU group; switch the IOMMU on");
	fake_device("0000:03:00.0", 0x1b36, 0x0010, 0x010802, 5, "nvme");
	refused("03:00.0", EMEDIUMTYPE, "is bound to nvme; `plx-bind bind 0000:03:00.0`");
	fake_device("0000:04:00.0", 0x1b36, 0x0010, 0x010802, 6, NULL);
	refused("04:00.0", EMEDIUMTYPE, "is bound to no driver; `plx-bind bind");
	fake_device("0000:05:00.0", 0x1b36, 0x0010, 0x010802, 6, "pci-stub");
	refused("05:00.0", EMEDIUMTYPE, "is bound to pci-stub");
}

static void group_file(void)
{
	fake_device("0000:06:00.0", 0x1b36, 0x0010, 0x010802, 7, "vfio-pci");
	refused("06:00.0", ENOENT, "/dev/vfio/7: No such file");
	fake_file("dev/vfio/7", "%s", "not a device");
	refused("06:00.0", ENOTTY, "0000:06:00.0: cannot open");
}

CU_TestInfo dev_tests[] = {
	{"bad names", bad_names},
	{"no group, or a driver that is not VFIO's", not_for_us},
	{"the group's file", group_file},
	CU_TEST_INFO_NULL,
};
