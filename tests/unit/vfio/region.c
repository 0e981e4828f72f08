/* SPDX-License-Identifier: BSD-3-Clause */
/* Regions: mapping by sparse areas, access by call, reset. */
#include <errno.h>
#include <string.h>

#include "../pci/fake.h"
#include "device.h"
#include "runner.h"
#include "suites.h"

#define RW   (VFIO_REGION_INFO_FLAG_READ | VFIO_REGION_INFO_FLAG_WRITE)
#define PAGE FAKE_PAGE

static struct plx_vfio_area whole = {0, 4 * PAGE};
static struct plx_vfio_area holes[] = {{0, PAGE}, {2 * PAGE, 2 * PAGE}};

static void open_device(struct plx_dev *dev)
{
	device_defaults();
	fake_regions[PLX_REGION_BAR0] =
		(struct plx_dev_region){.size = 4 * PAGE,
					.flags = RW | VFIO_REGION_INFO_FLAG_MMAP,
					.areas = &whole,
					.area_count = 1};
	fake_regions[PLX_REGION_BAR1] =
		(struct plx_dev_region){.size = 5 * PAGE,
					.start = 8 * PAGE,
					.flags = RW | VFIO_REGION_INFO_FLAG_MMAP,
					.areas = holes,
					.area_count = 2};
	fake_regions[PLX_REGION_BAR2] =
		(struct plx_dev_region){.size = 32, .start = 16 * PAGE, .flags = RW};
	fake_regions[PLX_REGION_ROM] = (struct plx_dev_region){
		.size = PAGE, .start = 17 * PAGE, .flags = VFIO_REGION_INFO_FLAG_READ};
	fake_regions[PLX_REGION_CONFIG] =
		(struct plx_dev_region){.size = 256, .start = 18 * PAGE, .flags = RW};
	UNIT_EQ(device_open(dev), 0);
	fake_calls[0] = '\0';
}

static void maps_once(void)
{
	struct plx_dev dev;
	uint32_t value = 0x12345678, seen = 0;
	char *all, *part;

	open_device(&dev);
	UNIT_EQ(plx_dev_region_size(&dev, PLX_REGION_BAR0), 4 * PAGE);
	all = plx_dev_region_map(&dev, PLX_REGION_BAR0, 0, 0);
	part = plx_dev_region_map(&dev, PLX_REGION_BAR0, 2 * PAGE + 4, 8);
	CU_ASSERT_PTR_NOT_NULL_FATAL(all);
	CU_ASSERT_PTR_EQUAL(part, all + 2 * PAGE + 4);
	UNIT_STR(fake_calls, "mmap 0 4\n");
	memcpy(part, &value, 4);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_BAR0, 2 * PAGE + 4, &seen, 4), 0);
	UNIT_EQ(seen, value);
	device_close(&dev);
}

static void maps_holes(void)
{
	struct plx_dev dev;
	char *a, *b;

	open_device(&dev);
	a = plx_dev_region_map(&dev, PLX_REGION_BAR1, 0, PAGE);
	b = plx_dev_region_map(&dev, PLX_REGION_BAR1, 2 * PAGE, 2 * PAGE);
	CU_ASSERT_PTR_NOT_NULL_FATAL(a);
	CU_ASSERT_PTR_EQUAL(b, a + 2 * PAGE);
	UNIT_STR(fake_calls, "mmap 0 1\nmmap 2 2\n");
	b[0] = 1;
	fake_log();
	errno = 0;
	CU_ASSERT_PTR_NULL(plx_dev_region_map(&dev, PLX_REGION_BAR1, 0, 0));
	UNIT_EQ(errno, ENOTSUP);
	CU_ASSERT_PTR_NULL(plx_dev_region_map(&dev, PLX_REGION_BAR1, PAGE, 4));
	UNIT_EQ(errno, ENOTSUP);
	CU_ASSERT_PTR_NULL(plx_dev_region_map(&dev, PLX_REGION_BAR1, PAGE - 4, 8));
	UNIT_EQ(errno, ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "0000:02:00.0: region 1"));
	device_close(&dev);
}

static void bad_maps(void)
{
	static const struct {
		int region;
		uint64_t offset, len;
		int error;
	} cases[] = {
		{PLX_REGION_BAR0, 4 * PAGE, 0, EINVAL},
		{PLX_REGION_BAR0, 0, 4 * PAGE + 1, EINVAL},
		{PLX_REGION_BAR0, PAGE, UINT64_MAX, EINVAL},
		{PLX_REGION_BAR0, UINT64_MAX, 2, EINVAL},
		{PLX_REGION_BAR3, 0, 0, EINVAL},
		{PLX_REGION_VGA + 1, 0, 0, EINVAL},
		{-1, 0, 0, EINVAL},
		{PLX_REGION_BAR2, 0, 0, ENOTSUP},
	};
	struct plx_dev dev;
	unsigned int i;

	open_device(&dev);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		errno = 0;
		CU_ASSERT_PTR_NULL(plx_dev_region_map(&dev, (enum plx_region)cases[i].region,
						      cases[i].offset, cases[i].len));
		UNIT_EQ(errno, cases[i].error);
	}
	UNIT_STR(fake_calls, "");
	device_close(&dev);
}

static void accesses(void)
{
	struct plx_dev dev;
	uint64_t value = 0x1122334455667788, seen = 0;

	open_device(&dev);
	UNIT_EQ(plx_dev_region_write(&dev, PLX_REGION_BAR2, 24, &value, 8), 0);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_BAR2, 24, &seen, 8), 0);
	UNIT_EQ(seen, value);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_BAR2, 25, &seen, 8), -EINVAL);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_BAR2, 32, &seen, 1), -EINVAL);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_BAR2, UINT64_MAX, &seen, 1), -EINVAL);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_BAR2, 0, &seen, 0), -EINVAL);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_BAR5, 0, &seen, 1), -EINVAL);
	UNIT_EQ(plx_dev_region_write(&dev, PLX_REGION_ROM, 0, &value, 4), -EACCES);
	UNIT_EQ(plx_dev_region_read(&dev, PLX_REGION_ROM, 0, &seen, 4), 0);
	device_close(&dev);
}

static void descriptions_that_lie(void)
{
	struct plx_dev dev;

	device_defaults();
	fake_region_error = -EPROTO;
	UNIT_EQ(device_open(&dev), -EPROTO);
	CU_ASSERT_PTR_NOT_NULL(strstr(fake_log(), "region 0: its description makes no sense"));
	plx_dev_regions_fini(&dev);
	dev.ops->close(&dev);
	/* No such region is no error. */
	device_defaults();
	fake_region_error = -EINVAL;
	UNIT_EQ(device_open(&dev), 0);
	UNIT_EQ(plx_dev_region_size(&dev, PLX_REGION_BAR0), 0);
	device_close(&dev);
}

CU_TestInfo region_tests[] = {
	{"mapped once, same addresses", maps_once},
	{"areas that may not be mapped", maps_holes},
	{"bad requests", bad_maps},
	{"access by call", accesses},
	{"descriptions that lie", descriptions_that_lie},
	CU_TEST_INFO_NULL,
};
