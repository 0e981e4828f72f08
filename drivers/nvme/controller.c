/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The controller as a state machine of registers: capabilities, disable, enable, shutdown, in the
 * order of the Base Specification's initialization (3.5.1) and shutdown (3.6.1). Each wait is
 * bounded by what the controller itself names (CAP.TO, RTD3E) or by a constant. Called by
 * ctrl_life.c.
 */
#include <errno.h>
#include <inttypes.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

#define POLL_US 20
/* On top of CAP.TO: a controller that is just in time must not be called late by our clock. */
#define READY_SLACK_MS 500

/* --- Waiting -------------------------------------------------------------------------------- */

static uint32_t ready_timeout_ms(const struct plx_nvme_ctrl *ctrl)
{
	uint32_t units = (uint32_t)NVME_GET(ctrl->info.capabilities, NVME_CAP_TO);

	return units * NVME_CAP_TO_UNIT_MS + READY_SLACK_MS;
}

/*
 * Wait until the masked bits of CSTS have a value. `stop` are bits that end the wait at once.
 * Return: 0, -ENODEV, -EIO (stopped), -ETIMEDOUT.
 */
static int wait_csts(struct plx_nvme_ctrl *ctrl, uint32_t mask, uint32_t want, uint32_t stop,
		     uint32_t timeout_ms)
{
	uint64_t end = plx_clock_ns() + timeout_ms * UINT64_C(1000000);
	bool last;

	for (;;) {
		uint32_t csts;

		last = plx_clock_ns() >= end;
		csts = nvme_get32(ctrl, NVME_CSTS);
		if (!nvme_ctrl_answers(ctrl, csts))
			return nvme_ctrl_gone(ctrl);
		if (csts & stop)
			return -EIO;
		if ((csts & mask) == want)
			return 0;
		if (last)
			return -ETIMEDOUT;
		plx_delay_us(POLL_US);
	}
}

/* --- Capabilities --------------------------------------------------------------------------- */

static int refuse(struct plx_nvme_ctrl *ctrl, int err, const char *what)
{
	if (err == -EPROTO)
		ctrl->lies[PLX_NVME_LIE_REGISTER]++;
	PLX_ERR(nvme,
		"%s: %s (CAP 0x%016" PRIx64 "); this driver cannot use it, leave it to the host's",
		ctrl->info.name, what, ctrl->info.capabilities);
	return err;
}

static int check_pages(struct plx_nvme_ctrl *ctrl, uint64_t cap)
{
	uint32_t min = (uint32_t)NVME_GET(cap, NVME_CAP_MPSMIN);
	uint32_t max = (uint32_t)NVME_GET(cap, NVME_CAP_MPSMAX);
	uint64_t host = (uint64_t)sysconf(_SC_PAGESIZE);

	if (min > max)
		return refuse(ctrl, -EPROTO, "its smallest memory page is above its largest");
	if (UINT64_C(1) << (NVME_PAGE_SHIFT_BASE + min) > host)
		return refuse(ctrl, -ENOTSUP, "its smallest memory page is larger than the host's");
	ctrl->info.page_size = 1u << (NVME_PAGE_SHIFT_BASE + min);
	return 0;
}

static int check_doorbells(struct plx_nvme_ctrl *ctrl, uint64_t cap)
{
	uint64_t stride = UINT64_C(4) << NVME_GET(cap, NVME_CAP_DSTRD), pairs = 0;

	if (ctrl->bar_size > NVME_DOORBELLS)
		pairs = (ctrl->bar_size - NVME_DOORBELLS) / (2 * stride);
	if (pairs < 2)
		return refuse(ctrl, -EPROTO,
			      "BAR 0 has no room for the doorbells of one I/O queue");
	ctrl->info.io_queues = pairs > NVME_QUEUES_MAX ? NVME_QUEUES_MAX : (uint32_t)pairs - 1;
	return 0;
}

int nvme_ctrl_probe(struct plx_nvme_ctrl *ctrl)
{
	uint64_t cap = plx_mmio_read64_lo_hi(ctrl->bar + NVME_CAP);
	int err;

	ctrl->info.capabilities = cap;
	ctrl->info.version = nvme_get32(ctrl, NVME_VS);
	if (cap == UINT64_MAX || nvme_get32(ctrl, NVME_CSTS) == NVME_GONE)
		return nvme_ctrl_gone(ctrl);
	if (NVME_GET(cap, NVME_CAP_MQES) == 0)
		return refuse(ctrl, -EPROTO, "its queues have one entry");
	if (!(cap & (NVME_CAP_CSS_NVM | NVME_CAP_CSS_SETS)))
		return refuse(ctrl, -ENOTSUP, "it does not have the NVM command set");
	if (ctrl->info.version == 0 || ctrl->info.version == NVME_GONE)
		return refuse(ctrl, -EPROTO, "it does not tell its version");
	err = check_pages(ctrl, cap);
	if (!err)
		err = check_doorbells(ctrl, cap);
	ctrl->info.max_depth = (uint32_t)NVME_GET(cap, NVME_CAP_MQES) + 1;
	return err;
}

void *nvme_ctrl_doorbell(struct plx_nvme_ctrl *ctrl, uint16_t qid, unsigned int completion)
{
	uint64_t stride = UINT64_C(4) << NVME_GET(ctrl->info.capabilities, NVME_CAP_DSTRD);

	return ctrl->bar + NVME_DOORBELLS + (2 * (uint64_t)qid + completion) * stride;
}

/* --- Disable, enable, shut down ------------------------------------------------------------- */

int nvme_ctrl_disable(struct plx_nvme_ctrl *ctrl)
{
	uint32_t timeout_ms = ready_timeout_ms(ctrl);
	uint32_t cc = nvme_get32(ctrl, NVME_CC);
	int err;

	if (cc == NVME_GONE)
		return nvme_ctrl_gone(ctrl);
	if (cc & NVME_CC_EN)
		nvme_set32(ctrl, NVME_CC, cc & ~(NVME_CC_EN | NVME_CC_SHN));
	err = wait_csts(ctrl, NVME_CSTS_RDY, 0, 0, timeout_ms);
	if (err == -ETIMEDOUT) {
		ctrl->lies[PLX_NVME_LIE_REGISTER]++;
		PLX_ERR(nvme, "%s: still ready %u ms after it was disabled (CSTS.RDY)",
			ctrl->info.name, timeout_ms);
	}
	ctrl->enabled = err != 0;
	return err;
}

static void set_admin_queue(struct plx_nvme_ctrl *ctrl)
{
	const struct plx_nvme_qpair *admin = &ctrl->admin;

	nvme_set32(ctrl, NVME_AQA,
		   NVME_PUT(admin->sq_size - 1, NVME_AQA_ASQS) |
			   NVME_PUT(admin->cq_size - 1, NVME_AQA_ACQS));
	plx_mmio_write64_lo_hi(ctrl->bar + NVME_ASQ, plx_iova(admin->sq));
	plx_mmio_write64_lo_hi(ctrl->bar + NVME_ACQ, plx_iova(admin->cq));
}

static int not_ready(struct plx_nvme_ctrl *ctrl, int err)
{
	if (err == -EIO)
		PLX_ERR(nvme,
			"%s: fatal status while it was enabled (CSTS.CFS); power-cycle the device",
			ctrl->info.name);
	else if (err == -ETIMEDOUT)
		PLX_ERR(nvme,
			"%s: not ready %u ms after it was enabled (CAP.TO); power-cycle the device",
			ctrl->info.name, ready_timeout_ms(ctrl));
	return err;
}

int nvme_ctrl_enable(struct plx_nvme_ctrl *ctrl)
{
	uint64_t start = plx_clock_ns();
	uint32_t page = (uint32_t)__builtin_ctz(ctrl->info.page_size) - NVME_PAGE_SHIFT_BASE;
	uint32_t sets = nvme_ctrl_has_sets(ctrl) ? NVME_CC_CSS_SETS : NVME_CC_CSS_NVM;
	int err;

	set_admin_queue(ctrl);
	ctrl->enabled = true;
	/* The rings must be in memory before the controller may read them. */
	plx_dma_wmb();
	nvme_set32(ctrl, NVME_CC,
		   NVME_CC_EN | NVME_PUT(page, NVME_CC_MPS) | NVME_PUT(sets, NVME_CC_CSS) |
			   NVME_PUT(nvme_tune_weighted(ctrl) ? NVME_CC_AMS_WRR : 0, NVME_CC_AMS) |
			   NVME_PUT(NVME_SQES_REQUIRED, NVME_CC_IOSQES) |
			   NVME_PUT(NVME_CQES_REQUIRED, NVME_CC_IOCQES));
	err = wait_csts(ctrl, NVME_CSTS_RDY, NVME_CSTS_RDY, NVME_CSTS_CFS, ready_timeout_ms(ctrl));
	if (err)
		return not_ready(ctrl, err);
	ctrl->info.ready_us = (plx_clock_ns() - start) / 1000;
	return 0;
}

void nvme_ctrl_shutdown(struct plx_nvme_ctrl *ctrl, uint32_t how)
{
	uint32_t cc = nvme_get32(ctrl, NVME_CC);
	int err;

	if (cc == NVME_GONE || !(cc & NVME_CC_EN))
		return;
	cc &= ~NVME_CC_SHN;
	nvme_set32(ctrl, NVME_CC, cc | NVME_PUT(how, NVME_CC_SHN));
	err = wait_csts(ctrl, NVME_CSTS_SHST, NVME_PUT(NVME_CSTS_SHST_DONE, NVME_CSTS_SHST), 0,
			ctrl->shutdown_ms);
	if (err == -ETIMEDOUT) {
		ctrl->lies[PLX_NVME_LIE_REGISTER]++;
		PLX_WARN(nvme,
			 "%s: its shutdown did not end in %u ms; it may have to recover at the "
			 "next start",
			 ctrl->info.name, ctrl->shutdown_ms);
	}
}
