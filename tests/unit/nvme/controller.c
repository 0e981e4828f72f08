/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/controller.c: bring-up, and registers that lie (ABUSE C8, registers). */
#include <errno.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

#define MS UINT64_C(1000000)

static void set_up(void)
{
	fake_defaults();
}

static void tear_down(struct plx_nvme_ctrl *ctrl)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

/* It does not open, for this reason, in this time, and leaves the device off the bus. */
static void refused(int err, unsigned int most_ms)
{
	uint64_t start = plx_clock_ns();
	struct plx_nvme_ctrl *ctrl = fake_open(NULL);

	CU_ASSERT_PTR_NULL(ctrl);
	UNIT_EQ(errno, err);
	CU_ASSERT(plx_clock_ns() - start < most_ms * MS);
	UNIT_EQ(fake.bus_master, false);
	tear_down(ctrl);
}

static void comes_up_and_goes_down(void)
{
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ctrl_info info;
	uint32_t cc;

	set_up();
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	cc = plx_mmio_read32(fake.bar + NVME_CC);
	UNIT_EQ(cc, NVME_CC_EN | NVME_PUT(6, NVME_CC_IOSQES) | NVME_PUT(4, NVME_CC_IOCQES));
	UNIT_EQ(fake.bus_master, true);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.max_depth, 1024);
	UNIT_EQ(info.page_size, 4096);
	UNIT_EQ(info.io_queues, 8);
	UNIT_EQ(info.version, NVME_VERSION(1, 4, 0));
	plx_nvme_ctrl_close(ctrl);
	UNIT_EQ(fake.enables, 1);
	UNIT_EQ(fake.shutdowns, 1);
	UNIT_EQ(fake.bus_master, false);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	fake_end();
}

/* Left enabled by somebody else. */
static void found_enabled(void)
{
	struct plx_nvme_ctrl *ctrl;
	struct plx_dev *dev;

	set_up();
	dev = fake_dev();
	plx_mmio_write32(fake.bar + NVME_CC, NVME_CC_EN);
	plx_mmio_write32(fake.bar + NVME_CSTS, NVME_CSTS_RDY);
	fake_play();
	ctrl = nvme_ctrl_open_dev(dev, NULL);
	CU_ASSERT_PTR_NOT_NULL(ctrl);
	UNIT_EQ(fake.enables, 1);
	tear_down(ctrl);
}

static void wide_doorbell_stride(void)
{
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ctrl_info info;

	set_up();
	fake.cap |= NVME_PUT(5, NVME_CAP_DSTRD);
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.io_queues, 8);
	tear_down(ctrl);
}

static void capabilities_all_ones(void)
{
	set_up();
	fake.cap = UINT64_MAX;
	refused(ENODEV, 100);
}

static void capabilities_zero(void)
{
	set_up();
	fake.cap = 0;
	refused(EPROTO, 100);
}

static void one_entry_queues(void)
{
	set_up();
	fake.cap &= ~NVME_CAP_MQES;
	refused(EPROTO, 100);
}

static void largest_queues(void)
{
	struct plx_nvme_qpair_config config = {.depth = 65536};
	struct plx_nvme_qpair_info info;
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_qpair *qp;

	set_up();
	fake.cap |= NVME_CAP_MQES;
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	qp = plx_nvme_qpair_open(ctrl, &config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	plx_nvme_qpair_info(qp, &info);
	UNIT_EQ(info.depth, 65536);
	tear_down(ctrl);
}

static void two_entry_queues(void)
{
	struct plx_nvme_qpair_info info;
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_qpair *qp;

	set_up();
	fake.cap = (fake.cap & ~NVME_CAP_MQES) | 1;
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	plx_nvme_qpair_info(qp, &info);
	UNIT_EQ(info.depth, 2);
	tear_down(ctrl);
}

static void doorbells_past_the_bar(void)
{
	set_up();
	fake.cap |= NVME_PUT(15, NVME_CAP_DSTRD);
	refused(EPROTO, 100);
}

static void small_bar(void)
{
	set_up();
	fake.bar_size = 0x1000;
	refused(EPROTO, 100);
}

/* Doorbells of two queue pairs fit: it may offer eight. */
static void bar_bounds_the_queues(void)
{
	struct plx_nvme_ctrl_info info;
	struct plx_nvme_ctrl *ctrl;

	set_up();
	fake.bar_size = 0x2000;
	fake.cap |= NVME_PUT(8, NVME_CAP_DSTRD);
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.io_queues, 1);
	tear_down(ctrl);
}

static void page_larger_than_the_hosts(void)
{
	set_up();
	fake.cap |= NVME_PUT(3, NVME_CAP_MPSMIN);
	refused(ENOTSUP, 100);
}

static void smallest_page_above_largest(void)
{
	set_up();
	fake.cap &= ~NVME_CAP_MPSMAX;
	fake.cap |= NVME_PUT(1, NVME_CAP_MPSMIN);
	refused(EPROTO, 100);
}

static void no_nvm_command_set(void)
{
	set_up();
	fake.cap &= ~NVME_CAP_CSS_NVM;
	fake.cap |= NVME_CAP_CSS_NO_IO;
	refused(ENOTSUP, 100);
}

static void version_zero(void)
{
	set_up();
	fake.vs = 0;
	refused(EPROTO, 100);
}

static void version_all_ones(void)
{
	set_up();
	fake.vs = UINT32_MAX;
	refused(EPROTO, 100);
}

static void not_an_nvme_controller(void)
{
	struct plx_dev *dev;

	set_up();
	dev = fake_dev();
	dev->info.pci.class_code = 0x020000;
	CU_ASSERT_PTR_NULL(nvme_ctrl_open_dev(dev, NULL));
	UNIT_EQ(errno, ENOTSUP);
	fake_end();
}

static void never_ready(void)
{
	set_up();
	fake.never_ready = true;
	refused(ETIMEDOUT, 2000);
}

/* TO 0: it still gets a while. */
static void ready_time_zero(void)
{
	set_up();
	fake.cap &= ~NVME_CAP_TO;
	fake.never_ready = true;
	refused(ETIMEDOUT, 1500);
}

static void ready_without_enable(void)
{
	struct plx_dev *dev;

	set_up();
	fake.never_unready = true;
	dev = fake_dev();
	plx_mmio_write32(fake.bar + NVME_CSTS, NVME_CSTS_RDY);
	fake_play();
	CU_ASSERT_PTR_NULL(nvme_ctrl_open_dev(dev, NULL));
	UNIT_EQ(errno, ETIMEDOUT);
	fake_end();
}

static void fatal_on_enable(void)
{
	set_up();
	fake.fatal_on_enable = true;
	refused(EIO, 500);
}

static void gone_from_the_start(void)
{
	set_up();
	fake.gone = true;
	refused(ENODEV, 500);
}

static void shutdown_never_ends(void)
{
	uint64_t start;
	struct plx_nvme_ctrl *ctrl;

	set_up();
	fake.never_shut_down = true;
	fake.id.rtd3e = htole32(1000);
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	start = plx_clock_ns();
	plx_nvme_ctrl_close(ctrl);
	CU_ASSERT(plx_clock_ns() - start < 2000 * MS);
	UNIT_EQ(fake.bus_master, false);
	fake_end();
}

CU_TestInfo controller_tests[] = {
	{"comes up and goes down", comes_up_and_goes_down},
	{"found enabled", found_enabled},
	{"wide doorbell stride", wide_doorbell_stride},
	{"two-entry queues", two_entry_queues},
	{"largest queues", largest_queues},
	{"lie: CAP all ones", capabilities_all_ones},
	{"lie: CAP zero", capabilities_zero},
	{"lie: one-entry queues", one_entry_queues},
	{"lie: doorbells past the BAR", doorbells_past_the_bar},
	{"lie: small BAR", small_bar},
	{"the BAR bounds the queues", bar_bounds_the_queues},
	{"a page larger than the host's", page_larger_than_the_hosts},
	{"lie: smallest page above largest", smallest_page_above_largest},
	{"no NVM command set", no_nvm_command_set},
	{"lie: version zero", version_zero},
	{"lie: version all ones", version_all_ones},
	{"not an NVMe controller", not_an_nvme_controller},
	{"lie: never ready", never_ready},
	{"lie: time to ready zero", ready_time_zero},
	{"lie: ready without enable", ready_without_enable},
	{"fatal status on enable", fatal_on_enable},
	{"gone from the start", gone_from_the_start},
	{"lie: shutdown never ends", shutdown_never_ends},
	CU_TEST_INFO_NULL,
};
