/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/event.c and keep_alive.c. */
#include <errno.h>
#include <string.h>

#include "fake.h"
#include "runner.h"

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_event last;
static uint32_t last_changed[4];
static unsigned int heard;

static void on_event(struct plx_nvme_ctrl *from, const struct plx_nvme_event *event, void *arg)
{
	CU_ASSERT_PTR_EQUAL(from, ctrl);
	CU_ASSERT_PTR_EQUAL(arg, &last);
	last = *event;
	if (event->namespace_count && event->namespace_count <= 4)
		memcpy(last_changed, event->namespaces, event->namespace_count * sizeof(uint32_t));
	heard++;
}

static void open_quiet(const struct plx_nvme_ctrl_config *config)
{
	ctrl = fake_open(config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	heard = 0;
}

static void set_up(void)
{
	fake_defaults();
	open_quiet(NULL);
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, &last), 0);
}

static void tear_down(void)
{
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static uint64_t deadline(void)
{
	return plx_clock_ns() + UINT64_C(5000000000);
}

/* The device says it, and it is heard once. */
static void say(unsigned int type, unsigned int info, unsigned int page)
{
	uint64_t end = deadline();
	unsigned int before = heard;
	int n = 0;

	fake.event = (int)(type | info << 8 | page << 16);
	while (n == 0 && plx_clock_ns() < end)
		n = plx_nvme_ctrl_poll(ctrl);
	UNIT_EQ(n, 1);
	UNIT_EQ(heard, before + 1);
}

static void wait_held(unsigned int want)
{
	uint64_t end = deadline();

	while (fake.events_held != want && plx_clock_ns() < end)
		plx_nvme_ctrl_poll(ctrl);
	UNIT_EQ(fake.events_held, want);
}

static void events_are_heard(void)
{
	unsigned int i;

	set_up();
	UNIT_EQ(fake.event_mask, 0x31f);
	for (i = 0; i < 10; i++) {
		wait_held(4);
		say(PLX_NVME_EVENT_HEALTH, 2, PLX_NVME_LOG_SMART);
		UNIT_EQ(last.type, PLX_NVME_EVENT_HEALTH);
		UNIT_EQ(last.info, 2);
		UNIT_EQ(last.log_page, PLX_NVME_LOG_SMART);
	}
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_EVENT), 0);
	tear_down();
}

static void changed_namespaces(void)
{
	set_up();
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_ns_open(ctrl, 3));
	fake.changed[0] = htole32(3);
	fake.list[2] = 0;
	say(PLX_NVME_EVENT_NOTICE, PLX_NVME_NOTICE_NAMESPACES, PLX_NVME_LOG_CHANGED_NS);
	UNIT_EQ(last.namespace_count, 1);
	UNIT_EQ(last_changed[0], 3);
	UNIT_EQ(last.namespaces_all, false);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 2), 0);
	fake.changed[0] = UINT32_MAX;
	fake.list[2] = htole32(3);
	say(PLX_NVME_EVENT_NOTICE, PLX_NVME_NOTICE_NAMESPACES, PLX_NVME_LOG_CHANGED_NS);
	UNIT_EQ(last.namespace_count, 0);
	UNIT_EQ(last.namespaces_all, true);
	UNIT_EQ(plx_nvme_ns_next(ctrl, 2), 3);
	tear_down();
}

/* What cannot be found out is told, and no handle is lost by it. */
static void namespaces_that_cannot_be_read(void)
{
	struct plx_nvme_ns *ns;

	set_up();
	ns = plx_nvme_ns_open(ctrl, 3);
	fake.changed[0] = htole32(3);
	fake.list[2] = 0;
	fake.failing_opcode = NVME_ADMIN_IDENTIFY;
	fake.failing_status = PLX_NVME_INTERNAL_ERROR;
	say(PLX_NVME_EVENT_NOTICE, PLX_NVME_NOTICE_NAMESPACES, PLX_NVME_LOG_CHANGED_NS);
	UNIT_EQ(last.error, -EIO);
	UNIT_EQ(last.namespace_count, 1);
	CU_ASSERT_PTR_EQUAL(plx_nvme_ns_open(ctrl, 3), ns);
	fake.failing_opcode = NVME_ADMIN_GET_LOG;
	say(PLX_NVME_EVENT_NOTICE, PLX_NVME_NOTICE_NAMESPACES, PLX_NVME_LOG_CHANGED_NS);
	UNIT_EQ(last.error, -EIO);
	UNIT_EQ(last.namespaces_all, true);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 3));
	fake.failing_opcode = -1;
	say(PLX_NVME_EVENT_NOTICE, PLX_NVME_NOTICE_NAMESPACES, PLX_NVME_LOG_CHANGED_NS);
	UNIT_EQ(last.error, 0);
	tear_down();
}

/* Armed anew after a reset, and only as long as they are wanted. */
static void over_a_reset(void)
{
	set_up();
	wait_held(4);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	wait_held(4);
	UNIT_EQ(fake.event_mask, 0x31f);
	say(PLX_NVME_EVENT_ERROR, 3, PLX_NVME_LOG_ERROR);
	UNIT_EQ(plx_nvme_events_off(ctrl), 0);
	UNIT_EQ(fake.event_mask, 0);
	fake.event = 1;
	while (fake.event >= 0)
		UNIT_EQ(plx_nvme_ctrl_poll(ctrl), 0);
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), 0);
	UNIT_EQ(heard, 1);
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, &last), 0);
	wait_held(4);
	say(PLX_NVME_EVENT_VENDOR, 9, 0);
	UNIT_EQ(plx_nvme_events_off(ctrl), 0);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(fake.events_held, 0);
	tear_down();
}

/* What has failed has not been asked for: the next call asks. */
static void refused_at_first(void)
{
	fake_defaults();
	open_quiet(NULL);
	fake.failing_opcode = NVME_ADMIN_SET_FEATURES;
	fake.failing_status = PLX_NVME_INTERNAL_ERROR;
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, &last), -EIO);
	fake.failing_opcode = -1;
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, &last), 0);
	UNIT_EQ(fake.event_mask, 0x31f);
	wait_held(4);
	say(PLX_NVME_EVENT_VENDOR, 9, 0);
	tear_down();
}

static void lie_types_and_limits(void)
{
	fake_defaults();
	fake.id.aerl = 0;
	open_quiet(NULL);
	UNIT_EQ(plx_nvme_events_on(ctrl, NULL, NULL), -EINVAL);
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, &last), 0);
	wait_held(1);
	say(4, 0xff, 0xff);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_EVENT), 1);
	UNIT_STR(plx_nvme_event_str(&last), "unknown type 4: 0xff");
	wait_held(1);
	/* A request that ends with an error is not sent again. */
	fake.event_status = FAKE_EVENT_LIMIT;
	fake.event = 0;
	wait_held(0);
	while (fake.event >= 0)
		plx_nvme_ctrl_poll(ctrl);
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), 0);
	UNIT_EQ(fake.events_held, 0);
	UNIT_EQ(heard, 1);
	tear_down();
}

static void short_admin_queue(void)
{
	fake_defaults();
	fake.cap = (fake.cap & ~NVME_CAP_MQES) | 1;
	open_quiet(NULL);
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, &last), -ENOTSUP);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	tear_down();
}

static void words(void)
{
	struct plx_nvme_event e = {.type = PLX_NVME_EVENT_HEALTH, .info = 1};

	UNIT_STR(plx_nvme_event_str(&e), "health: temperature threshold");
	e = (struct plx_nvme_event){.type = PLX_NVME_EVENT_NOTICE};
	UNIT_STR(plx_nvme_event_str(&e), "notice: namespaces changed");
	e.info = 0xf0;
	UNIT_STR(plx_nvme_event_str(&e), "notice 2: 0xf0");
	e = (struct plx_nvme_event){.type = PLX_NVME_EVENT_VENDOR, .info = 1};
	UNIT_STR(plx_nvme_event_str(&e), "vendor 7: 0x01");
	e.type = 255;
	UNIT_STR(plx_nvme_event_str(&e), "unknown type 255: 0x01");
}

static void housekeeping_finds_trouble(void)
{
	set_up();
	fake.fatal = true;
	while (!(plx_mmio_read32(fake.bar + NVME_CSTS) & NVME_CSTS_CFS))
		;
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), -EIO);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	UNIT_EQ(plx_nvme_events_on(ctrl, on_event, &last), -EIO);
	fake.fatal = false;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), 0);
	fake.gone = true;
	while (plx_nvme_ctrl_poll(ctrl) != -ENODEV)
		;
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_GONE);
	tear_down();
}

/* --- Keep Alive ----------------------------------------------------------------------------- */

static uint32_t open_keep_alive(unsigned int ours_ms, uint32_t theirs_ms)
{
	struct plx_nvme_ctrl_config config = {.keep_alive_ms = ours_ms};
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	fake.id.kas = htole16(1);
	fake.keep_alive_ms = theirs_ms;
	open_quiet(&config);
	plx_nvme_ctrl_info(ctrl, &info);
	return info.keep_alive_ms;
}

static void poll_for_ms(unsigned int ms)
{
	uint64_t end = plx_clock_ns() + ms * UINT64_C(1000000);

	while (plx_clock_ns() < end && !plx_nvme_ctrl_poll(ctrl))
		plx_delay_us(500);
}

static void keep_alive_as_wanted(void)
{
	UNIT_EQ(open_keep_alive(0, 0), 0);
	poll_for_ms(50);
	UNIT_EQ(fake.keep_alives, 0);
	tear_down();
	/* The controller's own limit. */
	UNIT_EQ(open_keep_alive(0, 600), 600);
	poll_for_ms(700);
	CU_ASSERT(fake.keep_alives >= 1);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	tear_down();
	UNIT_EQ(open_keep_alive(900, 0), 900);
	UNIT_EQ(fake.keep_alive_ms, 900);
	fake.keep_alive_ms = 0;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(fake.keep_alive_ms, 900);
	tear_down();
}

/* It has a timer, and does not tell: only who wants one hears of it. */
static void keep_alive_not_told(void)
{
	struct plx_nvme_ctrl_config config = {.keep_alive_ms = 900};
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	fake.id.kas = htole16(1);
	fake.failing_opcode = NVME_ADMIN_GET_FEATURES;
	fake.failing_status = PLX_NVME_INVALID_FIELD;
	open_quiet(NULL);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.keep_alive_ms, 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_IDENTIFY), 1);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), 0);
	tear_down();
	fake_defaults();
	fake.id.kas = htole16(1);
	fake.failing_opcode = NVME_ADMIN_SET_FEATURES;
	fake.failing_status = PLX_NVME_INVALID_FIELD;
	CU_ASSERT_PTR_NULL(fake_open(&config));
	UNIT_EQ(errno, EINVAL);
	fake_end();
}

static void keep_alive_unanswered(void)
{
	UNIT_EQ(open_keep_alive(200, 0), 200);
	fake.silent_opcode = NVME_ADMIN_KEEP_ALIVE;
	poll_for_ms(5000);
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), -EIO);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	fake.silent_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	poll_for_ms(300);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	tear_down();
}

/* Sent as soon as the admin queue has room for it; that it has none is no error. */
static void keep_alive_of_a_full_queue(void)
{
	struct nvme_sqe sqe = {.opcode = FAKE_VENDOR_OPCODE};
	struct plx_nvme_req reqs[NVME_ADMIN_DEPTH] = {0};
	unsigned int n = 0;

	UNIT_EQ(open_keep_alive(900, 0), 900);
	fake.silent_opcode = FAKE_VENDOR_OPCODE;
	while (nvme_qpair_post(&ctrl->admin, &sqe, &reqs[n], NVME_NO_LIST) == 0)
		n++;
	UNIT_EQ(n, NVME_ADMIN_DEPTH - 1);
	plx_delay_us(400000);
	UNIT_EQ(plx_nvme_ctrl_poll(ctrl), 0);
	UNIT_EQ(fake.keep_alives, 0);
	/* One of them ends. */
	fake.event_cids[0] = ctrl->admin.slots[0].cid;
	fake.events_held = 1;
	fake.event = 0;
	poll_for_ms(100);
	UNIT_EQ(fake.keep_alives, 1);
	tear_down();
}

CU_TestInfo event_tests[] = {
	{"events are heard", events_are_heard},
	{"changed namespaces", changed_namespaces},
	{"namespaces that cannot be read", namespaces_that_cannot_be_read},
	{"over a reset", over_a_reset},
	{"refused at first", refused_at_first},
	{"lie: types and limits", lie_types_and_limits},
	{"a short admin queue", short_admin_queue},
	{"words", words},
	{"housekeeping finds trouble", housekeeping_finds_trouble},
	{"keep alive as wanted", keep_alive_as_wanted},
	{"lie: keep alive not told", keep_alive_not_told},
	{"lie: keep alive unanswered", keep_alive_unanswered},
	{"keep alive of a full queue", keep_alive_of_a_full_queue},
	CU_TEST_INFO_NULL,
};
