/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lies of registers, Identify data, queues and log pages (ABUSE C8) that take a whole controller to
 * tell; those that one function sees are in that function's file. README.md has the list.
 */
#include <errno.h>
#include <sched.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_pi.h>

#include "fake.h"
#include "runner.h"

#define MS UINT64_C(1000000)
/* Controller memory buffer, Base 3.1.3.11 and 3.1.3.12 */
#define FLOOD 100000u

static struct plx_nvme_ctrl *ctrl;
static volatile unsigned int countdown, calls;

static void open_ctrl(void)
{
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
}

static void close_ctrl(void)
{
	plx_nvme_ctrl_close(ctrl);
	UNIT_EQ(fake.prp_faults, 0);
	fake_end();
}

/* Write a block, flush, and read it back: all of it works. */
static void io_works(void)
{
	struct plx_nvme_ns *ns = plx_nvme_ns_open(ctrl, 1);
	struct plx_nvme_qpair *qp = plx_nvme_qpair_open(ctrl, NULL);
	char *memory = plx_dma_zalloc(4096, 4096, PLX_NODE_ANY);
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	unsigned int i;

	CU_ASSERT_FATAL(ns && qp && memory);
	memset(memory, 0x5a, 512);
	for (i = 0; i < 3; i++) {
		plx_nvme_read(&req, ns, 7, 1, plx_iova(memory) + (i == 2 ? 512 : 0));
		req.opcode = i == 0 ? PLX_NVME_WRITE : i == 1 ? PLX_NVME_FLUSH : PLX_NVME_READ;
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
		while (plx_nvme_in_flight(&req))
			fake_poll(qp);
		UNIT_EQ(req.status, 0);
	}
	UNIT_EQ(memcmp(memory, memory + 512, 512), 0);
	plx_nvme_qpair_close(qp);
	plx_dma_free(memory);
}

static void open_fails(const struct plx_nvme_ctrl_config *config, int err, unsigned int most_ms)
{
	uint64_t start = plx_clock_ns();

	CU_ASSERT_PTR_NULL(fake_open(config));
	UNIT_EQ(errno, err);
	CU_ASSERT(plx_clock_ns() - start < most_ms * MS);
	UNIT_EQ(fake.bus_master, false);
	fake_end();
}

/* --- Registers ------------------------------------------------------------------------------ */

static void ready_in_time_255(void)
{
	fake_defaults();
	fake.cap |= NVME_CAP_TO;
	open_ctrl();
	io_works();
	close_ctrl();
}

/* 127 s to wait for, but not for one that says that it has failed. */
static void fatal_in_time_255(void)
{
	fake_defaults();
	fake.cap |= NVME_CAP_TO;
	fake.fatal_on_enable = true;
	open_fails(NULL, EIO, 2000);
}

static uint32_t ready_when_enabled(uint32_t csts)
{
	bool enabled = plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN;

	return enabled ? csts | NVME_CSTS_RDY : csts & ~NVME_CSTS_RDY;
}

/* Ready at once, and does nothing. */
static void ready_but_not_working(void)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 200};

	fake_defaults();
	fake.never_ready = true;
	fake.on_status = ready_when_enabled;
	open_fails(&config, ETIMEDOUT, 5000);
}

static uint32_t flicker(uint32_t csts)
{
	return ++calls & 1 ? csts & ~NVME_CSTS_RDY : csts;
}

/* It may be taken or refused; it does not hang, and nothing is handed back early. */
static void ready_flickers_at_start(void)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 1000};
	uint64_t start = plx_clock_ns();

	fake_defaults();
	fake.on_status = flicker;
	ctrl = fake_open(&config);
	CU_ASSERT(ctrl || errno == EIO || errno == ETIMEDOUT);
	plx_nvme_ctrl_close(ctrl);
	CU_ASSERT(plx_clock_ns() - start < 15000 * MS);
	UNIT_EQ(fake.bus_master, false);
	fake_end();
}

static bool fatal_from_now_on(const struct nvme_sqe *sqe)
{
	if (countdown && --countdown == 0)
		fake.fatal = true;
	return fake.fatal;
}

/* The hook strikes at every command of the bring-up, until there are no more. */
static void open_fails_anywhere(bool (*hook)(const struct nvme_sqe *sqe), int err)
{
	unsigned int k;

	for (k = 1;; k++) {
		fake_defaults();
		countdown = k;
		fake.on_admin = hook;
		ctrl = fake_open(NULL);
		if (ctrl)
			break;
		UNIT_EQ(errno, err);
		UNIT_EQ(fake.bus_master, false);
		fake_end();
	}
	CU_ASSERT(k > 3);
	fake.on_admin = NULL;
	close_ctrl();
}

static void fatal_at_any_time(void)
{
	open_fails_anywhere(fatal_from_now_on, EIO);
}

static bool gone_from_now_on(const struct nvme_sqe *sqe)
{
	if (countdown && --countdown == 0)
		fake.gone = true;
	return fake.gone;
}

/* All ones after k looks, for every k. */
static void gone_at_any_time(void)
{
	open_fails_anywhere(gone_from_now_on, ENODEV);
}

/* The same at each command of a reset. */
static void gone_during_reset(void)
{
	unsigned int k;
	int err;

	for (k = 1;; k++) {
		fake_defaults();
		open_ctrl();
		CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, NULL));
		countdown = k;
		fake.on_admin = gone_from_now_on;
		err = plx_nvme_ctrl_reset(ctrl);
		fake.on_admin = NULL;
		if (!err)
			break;
		UNIT_EQ(err, -ENODEV);
		UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_GONE);
		UNIT_EQ(fake.bus_master, false);
		close_ctrl();
	}
	CU_ASSERT(k > 3);
	close_ctrl();
}

/* Asked for or not, one that cannot be is not used. */
static void controller_memory(uint32_t location, uint32_t size, uint32_t status)
{
	struct plx_nvme_ctrl_config config = {0};
	struct plx_nvme_ctrl_info info;
	unsigned int asked;

	for (asked = 0; asked < 2; asked++) {
		config.cmb = asked;
		fake_defaults();
		fake.cap |= NVME_CAP_CMBS;
		fake.cmb_location = location;
		fake.cmb_size = size;
		fake.cmb_status = status;
		ctrl = fake_open(&config);
		CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
		plx_nvme_ctrl_info(ctrl, &info);
		UNIT_EQ(info.cmb_bytes, 0);
		UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_REGISTER), asked);
		io_works();
		close_ctrl();
	}
}

/* BAR 0, from 64 GiB on, for submission queues and everything else. */
static void memory_buffer_past_the_bar(void)
{
	controller_memory(0xfffff000, 0x0000101f | 6 << 8, 0);
	controller_memory(0x4000, 0x0000101f, 0);
	controller_memory(0x3000, 0x0000201f, 0);
}

static void memory_buffer_larger_than_the_bar(void)
{
	controller_memory(0, 0xfffff01f | 6 << 8, 0);
}

static void memory_buffer_in_bar_1(void)
{
	controller_memory(1, 0x0000101f, 0);
}

static void memory_buffer_in_bar_7(void)
{
	controller_memory(7, 0x0000101f, 0);
	controller_memory(6, 0x0000101f, 0);
	/* That BAR is not there. */
	controller_memory(2, 0x0000101f, 0);
}

static void memory_buffer_of_no_unit(void)
{
	controller_memory(0x2000, 0x0000101f | 7 << 8, 0);
	controller_memory(0x2000, 0x0000101f | 15 << 8, 0);
}

static void memory_buffer_among_doorbells(void)
{
	controller_memory(0, 0x0000101f, 0);
	controller_memory(0x1000, 0x0000101f, 0);
}

static void memory_buffer_without_address(void)
{
	controller_memory(0x2000, 0x0000201f, NVME_CMBSTS_CBAI);
}

/* --- Identify ------------------------------------------------------------------------------- */

static void namespaces_beyond_any_list(void)
{
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	fake.id.nn = UINT32_MAX;
	open_ctrl();
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.max_namespaces, 0xfffffffd);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 1);
	io_works();
	close_ctrl();
}

/* The id that means "all of them" is not one that the application may be given. */
static void broadcast_id_in_the_list(void)
{
	fake_defaults();
	fake.id.nn = UINT32_MAX;
	fake.list[1] = UINT32_MAX;
	open_ctrl();
	UNIT_EQ(plx_nvme_ns_next(ctrl, 0), 1);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 1), 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_NAMESPACES), 1);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, UINT32_MAX));
	UNIT_EQ(errno, ENOENT);
	close_ctrl();
}

/* Version 1.0, which has no list, and more ids than anybody could ask for. */
static void endless_ids_before_the_list(void)
{
	fake_defaults();
	fake.vs = NVME_VERSION(1, 0, 0);
	fake.id.nn = UINT32_MAX;
	open_ctrl();
	UNIT_EQ(ctrl->namespace_count, NVME_NAMESPACES_MAX);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_NAMESPACES), 1);
	io_works();
	close_ctrl();
}

static void metadata_of_65535_bytes(void)
{
	fake_defaults();
	fake.ns[0].lbaf[0].ms = UINT16_MAX;
	fake.ns[0].flbas = NVME_FLBAS_EXTENDED;
	open_ctrl();
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 1));
	UNIT_EQ(errno, ENOTSUP);
	close_ctrl();
}

static void metadata_capabilities_junk(void)
{
	fake_defaults();
	fake.ns[0].mc = fake.ns[0].dpc = 0xff;
	open_ctrl();
	io_works();
	close_ctrl();
}

/* It claims every optional command and knows none: the request says so, nothing breaks. */
static bool knows_no_option(unsigned int qid, const struct nvme_sqe *sqe)
{
	if (sqe->opcode <= PLX_NVME_READ)
		return false;
	fake_complete(qid, le16toh(sqe->cid), PLX_NVME_INVALID_OPCODE | PLX_NVME_DO_NOT_RETRY, 0);
	return true;
}

static void claims_every_command(void)
{
	struct plx_nvme_cmd cmd = {0}, *cmds[] = {&cmd};
	struct plx_nvme_qpair *qp;
	struct plx_nvme_ns *ns;

	fake_defaults();
	fake.id.oncs = UINT16_MAX;
	fake.on_io = knows_no_option;
	open_ctrl();
	ns = plx_nvme_ns_open(ctrl, 1);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	plx_nvme_cmd_range(&cmd, PLX_NVME_WRITE_ZEROES, ns, 0, 1, 0);
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, cmds, 1), 1);
	while (plx_nvme_in_flight(&cmd.req))
		fake_poll(qp);
	UNIT_EQ(cmd.req.status & PLX_NVME_STATUS_MASK, PLX_NVME_INVALID_OPCODE);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	io_works();
	close_ctrl();
}

/* What was told at open stays: nobody may see the cache come and go. */
static void volatile_cache_flips(void)
{
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	open_ctrl();
	fake.id.vwc = 0;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.volatile_cache, true);
	io_works();
	UNIT_EQ(fake.flushes, 1);
	close_ctrl();
}

static void sgl_support_junk(void)
{
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	fake.id.sgls = UINT32_MAX;
	open_ctrl();
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.sgl, false);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 1);
	io_works();
	UNIT_EQ(fake.sgls, 0);
	close_ctrl();
}

static void id_byte(size_t at, uint8_t value, size_t n)
{
	fake_defaults();
	memset((uint8_t *)&fake.id + at, value, n);
	open_ctrl();
	io_works();
	close_ctrl();
}

static void power_states_255(void)
{
	id_byte(offsetof(struct nvme_id_ctrl, npss), 0xff, 1);
}

static void event_limit_255(void)
{
	id_byte(offsetof(struct nvme_id_ctrl, aerl), 0xff, 1);
}

static void abort_limit_0(void)
{
	id_byte(offsetof(struct nvme_id_ctrl, acl), 0, 1);
}

static void keep_alive_junk(void)
{
	id_byte(offsetof(struct nvme_id_ctrl, kas), 0xff, 2);
}

/* Every Identify but those of controller, namespace and list: descriptors without an end. */
static bool descriptors(const struct nvme_sqe *sqe, uint8_t fill)
{
	uint32_t cns = le32toh(sqe->cdw10) & 0xff;
	void *page = (void *)(uintptr_t)(le64toh(sqe->prp1) - plx_iova_delta);

	if (sqe->opcode != NVME_ADMIN_IDENTIFY || cns <= NVME_CNS_ACTIVE_NS)
		return false;
	memset(page, fill, NVME_IDENTIFY_BYTES);
	/* NIDT 2, NIDL: nothing, or past the end of the page (Base 5.17.2.3). */
	*(uint8_t *)page = 2;
	fake_complete(0, le16toh(sqe->cid), 0, 0);
	return true;
}

static bool descriptors_of_nothing(const struct nvme_sqe *sqe)
{
	return descriptors(sqe, 0);
}

static bool descriptors_past_the_page(const struct nvme_sqe *sqe)
{
	return descriptors(sqe, 0xff);
}

static void endless_descriptors(void)
{
	fake_defaults();
	fake.on_admin = descriptors_of_nothing;
	open_ctrl();
	io_works();
	close_ctrl();
}

static void descriptor_past_the_page(void)
{
	fake_defaults();
	fake.on_admin = descriptors_past_the_page;
	open_ctrl();
	io_works();
	close_ctrl();
}

/* --- Queues --------------------------------------------------------------------------------- */

/* It may still create them, and write to the rings: it is stopped before they are freed. */
static void create_never_ends(int opcode)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 200};

	fake_defaults();
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	fake.silent_opcode = opcode;
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, NULL));
	UNIT_EQ(errno, ETIMEDOUT);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	fake.silent_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	io_works();
	close_ctrl();
}

static void create_cq_never_ends(void)
{
	create_never_ends(NVME_ADMIN_CREATE_CQ);
}

static void create_sq_never_ends(void)
{
	create_never_ends(NVME_ADMIN_CREATE_SQ);
}

/* The same where it has been there before: a reset creates it anew. */
static void recreate_never_ends(void)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 200};
	struct plx_nvme_qpair *qp;

	fake_defaults();
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	fake.silent_opcode = NVME_ADMIN_CREATE_SQ;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), -ETIMEDOUT);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	plx_nvme_qpair_close(qp);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	fake.silent_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	io_works();
	close_ctrl();
}

/* The submission queue is refused, and then the completion queue kept. */
static bool keeps_completion_queues(const struct nvme_sqe *sqe)
{
	if (sqe->opcode != NVME_ADMIN_CREATE_SQ && sqe->opcode != NVME_ADMIN_DELETE_CQ)
		return false;
	fake_complete(0, le16toh(sqe->cid), PLX_NVME_INTERNAL_ERROR, 0);
	return true;
}

static void completion_queue_stays(void)
{
	fake_defaults();
	open_ctrl();
	fake.on_admin = keeps_completion_queues;
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, NULL));
	UNIT_EQ(errno, EIO);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	fake.on_admin = NULL;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	io_works();
	close_ctrl();
}

static void delete_cq_never_ends(void)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 200};
	struct plx_nvme_qpair *qp;

	fake_defaults();
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	fake.silent_opcode = NVME_ADMIN_DELETE_CQ;
	plx_nvme_qpair_close(qp);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	fake.silent_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	io_works();
	close_ctrl();
}

/* Fewer queues than before a reset, and it means it. */
static void queues_refused_after_reset(void)
{
	fake_defaults();
	open_ctrl();
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, NULL));
	fake.queues_result = 0;
	fake.failing_opcode = NVME_ADMIN_CREATE_CQ;
	fake.failing_status = 0x101;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), -EIO);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	fake.failing_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	close_ctrl();
}

/* --- Log pages ------------------------------------------------------------------------------ */

static void error_count_all_ones(void)
{
	uint8_t entry[PLX_NVME_LOG_ERROR_BYTES];
	struct plx_nvme_error error;

	memset(entry, 0xff, sizeof(entry));
	plx_nvme_log_error(entry, &error);
	UNIT_EQ(error.count, UINT64_MAX);
	UNIT_EQ(error.status, 0x7fff);
}

/* No slot is active, one that there is not is next, and no revision is text. */
static void firmware_log_junk(void)
{
	uint8_t page[PLX_NVME_LOG_FIRMWARE_BYTES];
	struct plx_nvme_firmware firmware;
	unsigned int slot;

	memset(page, 0xff, sizeof(page));
	page[0] = 0xf8;
	UNIT_EQ(plx_nvme_log_firmware(page, &firmware), -EPROTO);
	UNIT_EQ(firmware.next, 7);
	for (slot = 0; slot < 7; slot++)
		UNIT_STR(firmware.revision[slot], "????????");
}

static void changed_namespaces_overflow(void)
{
	static uint32_t ids[PLX_NVME_CHANGED_NS_MAX];
	static uint8_t page[PLX_NVME_LOG_CHANGED_NS_BYTES];

	memset(page, 0xff, sizeof(page));
	UNIT_EQ(plx_nvme_log_changed_ns(page, ids), -EOVERFLOW);
	/* No zero at the end. */
	memset(page, 0x7f, sizeof(page));
	UNIT_EQ(plx_nvme_log_changed_ns(page, ids), PLX_NVME_CHANGED_NS_MAX);
}

/*
 * Each event request is answered at once: a poll takes its share, and other commands get through.
 */
static bool flood(const struct nvme_sqe *sqe)
{
	if (sqe->opcode == NVME_ADMIN_ASYNC_EVENT)
		fake_complete(0, le16toh(sqe->cid), 0, PLX_NVME_EVENT_VENDOR);
	return sqe->opcode == NVME_ADMIN_ASYNC_EVENT;
}

static void on_event(struct plx_nvme_ctrl *c, const struct plx_nvme_event *event, void *arg)
{
	calls++;
}

static void event_flood(void)
{
	struct plx_nvme_ns_info info;

	calls = 0;
	fake_defaults();
	fake.id.aerl = 0xff;
	fake.on_admin = flood;
	open_ctrl();
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, NULL), 0);
	while (calls < FLOOD) {
		unsigned int before = calls;
		int n = plx_nvme_ctrl_poll(ctrl);

		if (n < 0 || n > NVME_EVENTS_MAX || calls - before != (unsigned int)n)
			break;
		if (n == 0)
			sched_yield();
		else if (calls % 1000 < (unsigned int)n)
			UNIT_EQ(plx_nvme_ns_info_get(ctrl, 1, &info), 0);
	}
	CU_ASSERT(calls >= FLOOD);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	close_ctrl();
}

CU_TestInfo lies_tests[] = {
	{"ready in time, CAP.TO 255", ready_in_time_255},
	{"fatal status, CAP.TO 255", fatal_in_time_255},
	{"ready at once, and not working", ready_but_not_working},
	{"ready flickers at start", ready_flickers_at_start},
	{"fatal status at any time", fatal_at_any_time},
	{"all ones at any time", gone_at_any_time},
	{"all ones at any time of a reset", gone_during_reset},
	{"CMB past the BAR", memory_buffer_past_the_bar},
	{"CMB larger than the BAR", memory_buffer_larger_than_the_bar},
	{"CMB in BAR 1", memory_buffer_in_bar_1},
	{"CMB in BAR 7", memory_buffer_in_bar_7},
	{"CMB in units that there are not", memory_buffer_of_no_unit},
	{"CMB among the doorbells", memory_buffer_among_doorbells},
	{"CMB without an address", memory_buffer_without_address},
	{"NN 2^32 - 1", namespaces_beyond_any_list},
	{"broadcast id in the list", broadcast_id_in_the_list},
	{"NN 2^32 - 1 before there was a list", endless_ids_before_the_list},
	{"metadata of 65535 bytes", metadata_of_65535_bytes},
	{"MC and DPC junk", metadata_capabilities_junk},
	{"ONCS claims all", claims_every_command},
	{"VWC flips", volatile_cache_flips},
	{"SGLS junk", sgl_support_junk},
	{"NPSS 255", power_states_255},
	{"AERL 255", event_limit_255},
	{"abort limit 0", abort_limit_0},
	{"KAS junk", keep_alive_junk},
	{"descriptor list of NIDL 0", endless_descriptors},
	{"descriptor past the page", descriptor_past_the_page},
	{"Create CQ never ends", create_cq_never_ends},
	{"Create SQ never ends", create_sq_never_ends},
	{"Create SQ never ends after a reset", recreate_never_ends},
	{"a completion queue that stays", completion_queue_stays},
	{"Delete CQ never ends", delete_cq_never_ends},
	{"queues refused after a reset", queues_refused_after_reset},
	{"event flood", event_flood},
	{"error log count 2^64 - 1", error_count_all_ones},
	{"firmware log junk", firmware_log_junk},
	{"changed namespaces overflow", changed_namespaces_overflow},
	CU_TEST_INFO_NULL,
};
