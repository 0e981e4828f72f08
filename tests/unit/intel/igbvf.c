/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A virtual function of the 82576 against a physical function that answers, lies, or says nothing
 * (ABUSE.md C7). The driver's sources are part of this test, with registers and a clock of its own:
 * reading clears bits as in the device, and time passes by looking.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/mmio.h>

static uint32_t device_read(const void *address);
static void device_write(void *address, uint32_t value);
static uint64_t device_time(void);

#define plx_mmio_read32(address)	 device_read(address)
#define plx_mmio_write32(address, value) device_write(address, value)
#define plx_clock_ns()			 device_time()
#define plx_delay_us(us)		 ((void)(us))

#include "net/igbvf/mailbox.c"
#include "net/igbvf/settings.c"
#undef POLL_US
#include "net/igbvf/igbvf.c"

#include "fixture.h"
#include "runner.h"

#define FRAMES_MAX 64
#define SLOW_NS	   UINT64_C(700000000)

/* What the physical function does with a message. */
enum manner {
	PF_ANSWERS,
	PF_REFUSES,
	PF_KEEPS_MEMORY,    /* VFU is never set */
	PF_NEVER_ACKS,	    /* PFACK never comes */
	PF_NEVER_ANSWERS,   /* PFSTS never comes */
	PF_ANSWERS_ELSE,    /* to a message of another type */
	PF_ANSWERS_NEITHER, /* yes nor no */
	PF_ANSWERS_BOTH,
	PF_PINGS_FIRST,	 /* a control message before the answer */
	PF_TALKS_FIRST,	 /* a message of no type, without end */
	PF_TALKS_SLOWLY, /* the same, each time shortly before the time is up */
	PF_FORGETS,	 /* refuses, and does not know us */
	PF_RESETS_LONG,	 /* RSTI for ever */
	PF_MISSES_ONE,	 /* the first message of two */
	PF_IS_GONE,	 /* all ones */
};

static struct {
	enum manner manner;
	uint32_t mailbox, memory[IGBVF_MESSAGE_WORDS];
	uint8_t mac[PLX_ETH_ALEN];
	unsigned int messages, unread; /* unread: further messages that wait */
	uint32_t log[FRAMES_MAX][3];
	uint64_t now_ns, started_ns, next_ns;
} pf;

static struct igbvf_port vf;
static char *bar;

static uint64_t device_time(void)
{
	return pf.now_ns += 10000;
}

static void announce(uint32_t first)
{
	pf.memory[0] = first;
	pf.mailbox |= IGBVF_MAILBOX_PFSTS;
}

static void reply(void)
{
	uint32_t type = pf.memory[0] & IGBVF_MSG_TYPE, yes = IGBVF_MSG_ACK | IGBVF_MSG_CTS;

	if (type == IGBVF_MSG_RESET) {
		memcpy(&pf.memory[1], pf.mac, 4);
		pf.memory[2] = pf.mac[4] | (uint32_t)pf.mac[5] << 8;
	}
	switch (pf.manner) {
	case PF_NEVER_ANSWERS:
	case PF_TALKS_SLOWLY:
		pf.next_ns = pf.now_ns + SLOW_NS;
		return;
	case PF_REFUSES:
		announce(type | IGBVF_MSG_NACK | IGBVF_MSG_CTS);
		return;
	case PF_ANSWERS_ELSE:
		announce((type + 1) | yes);
		return;
	case PF_ANSWERS_NEITHER:
		announce(type | IGBVF_MSG_CTS);
		return;
	case PF_ANSWERS_BOTH:
		announce(type | yes | IGBVF_MSG_NACK);
		return;
	case PF_PINGS_FIRST:
		pf.unread = type;
		announce(IGBVF_MSG_CONTROL | IGBVF_MSG_CTS);
		return;
	case PF_TALKS_FIRST:
		announce(0x7777);
		return;
	case PF_FORGETS:
		announce(type | IGBVF_MSG_NACK);
		return;
	default:
		announce(type | yes);
	}
}

static void request(void)
{
	if (pf.messages < FRAMES_MAX)
		memcpy(pf.log[pf.messages], pf.memory, sizeof(pf.log[0]));
	pf.messages++;
	if (pf.manner == PF_NEVER_ACKS || (pf.manner == PF_MISSES_ONE && pf.messages == 1))
		return;
	pf.mailbox |= IGBVF_MAILBOX_PFACK;
	reply();
}

static void device_write(void *address, uint32_t value)
{
	uint32_t reg = (uint32_t)((char *)address - bar);

	if (reg >= IGBVF_VMBMEM(0) && reg < IGBVF_VMBMEM(IGBVF_MESSAGE_WORDS)) {
		/* Only who owns it writes it. */
		UNIT_EQ(pf.mailbox & IGBVF_MAILBOX_VFU, IGBVF_MAILBOX_VFU);
		pf.memory[(reg - IGBVF_VMBMEM(0)) / 4] = value;
		return;
	}
	if (reg != IGBVF_V2PMAILBOX) {
		memcpy(address, &value, sizeof(value));
		return;
	}
	pf.mailbox &= ~IGBVF_MAILBOX_VFU;
	if ((value & IGBVF_MAILBOX_VFU) && pf.manner != PF_KEEPS_MEMORY)
		pf.mailbox |= IGBVF_MAILBOX_VFU;
	if (value & IGBVF_MAILBOX_REQ)
		request();
	if ((value & IGBVF_MAILBOX_ACK) && pf.manner == PF_TALKS_FIRST)
		announce(0x7777);
	if ((value & IGBVF_MAILBOX_ACK) && pf.unread) {
		announce(pf.unread | IGBVF_MSG_ACK | IGBVF_MSG_CTS);
		pf.unread = 0;
	}
}

static uint32_t device_read(const void *address)
{
	uint32_t reg = (uint32_t)((const char *)address - bar), value;

	if (pf.manner == PF_IS_GONE)
		return UINT32_MAX;
	if (reg >= IGBVF_VMBMEM(0) && reg < IGBVF_VMBMEM(IGBVF_MESSAGE_WORDS))
		return pf.memory[(reg - IGBVF_VMBMEM(0)) / 4];
	if (reg == IGBVF_V2PMAILBOX) {
		if (pf.manner == PF_TALKS_SLOWLY && pf.next_ns && pf.now_ns >= pf.next_ns) {
			announce(0x7777);
			pf.next_ns += SLOW_NS;
		}
		value = pf.mailbox | (pf.manner == PF_RESETS_LONG ? IGBVF_MAILBOX_RSTI : 0);
		pf.mailbox &= ~IGBVF_MAILBOX_CLEARING;
		return value;
	}
	memcpy(&value, address, sizeof(value));
	return value;
}

/* --- Fixture -------------------------------------------------------------------------------- */

static void vf_up(void)
{
	static const uint8_t mac[PLX_ETH_ALEN] = {2, 0, 0, 0, 0, 7};
	struct plx_port *port = &vf.base.base;

	memset(&vf, 0, sizeof(vf));
	memset(&pf, 0, sizeof(pf));
	memcpy(pf.mac, mac, sizeof(mac));
	bar = calloc(1, IGBVF_BAR_SIZE);
	CU_ASSERT_FATAL(bar != NULL);
	vf.base.bar = bar;
	port->driver = &intel_igbvf.driver;
	port->event_fd = -1;
	port->wake_fd = -1;
	port->state = PLX_PORT_STARTED;
	port->settings.mtu = 1500;
	memcpy(port->settings.mac, mac, sizeof(mac));
	strcpy(port->info.name, "vf");
}

static void vf_down(void)
{
	free(bar);
}

#define WITH_VF(test)                                                                              \
	static void test##_vf(void)                                                                \
	{                                                                                          \
		vf_up();                                                                           \
		test();                                                                            \
		vf_down();                                                                         \
	}

/* A call ends in time: 5 s at the most (R4). */
static int timed_reset(enum manner manner)
{
	int err;

	pf.manner = manner;
	pf.started_ns = pf.now_ns;
	err = reset(&vf.base);
	CU_ASSERT(pf.now_ns - pf.started_ns < UINT64_C(5000000000));
	UNIT_EQ(vf.connected, !err);
	return err;
}

/* --- Tests ---------------------------------------------------------------------------------- */

static void connects(void)
{
	uint8_t mac[PLX_ETH_ALEN];

	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	UNIT_EQ(pf.messages, 1);
	UNIT_EQ(pf.log[0][0], IGBVF_MSG_RESET);
	UNIT_EQ(address(&vf.base, mac), 0);
	UNIT_EQ(memcmp(mac, pf.mac, sizeof(mac)), 0);
	UNIT_EQ(device_read(bar + INTEL_CTRL), INTEL_CTRL_RST);
	UNIT_EQ(device_read(bar + IGBVF_EIMC), UINT32_MAX);
}

static void no_address(void)
{
	uint8_t mac[PLX_ETH_ALEN];

	UNIT_EQ(timed_reset(PF_REFUSES), 0);
	UNIT_EQ(address(&vf.base, mac), 0);
	UNIT_EQ(mac[0] & 3, 2);
}

static void settings_to_messages(void)
{
	struct plx_port_settings *s = &vf.base.base.settings;
	static const uint8_t group[] = {1, 0, 0x5e, 0, 0, 0xfb}, other[] = {2, 9, 9, 9, 9, 9};

	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	pf.messages = 0;
	memcpy(s->mac_list[0], group, sizeof(group));
	memcpy(s->mac_list[1], other, sizeof(other));
	s->macs = 2;
	s->allmulti = true;
	s->vlans[1] = 2;
	s->mac[5] = 8;
	UNIT_EQ(igbvf_apply(&vf.base), 0);
	UNIT_EQ(pf.messages, 6);
	UNIT_EQ(pf.log[0][0], IGBVF_MSG_SET_MAC);
	UNIT_EQ(pf.log[0][1], 0x00000002);
	UNIT_EQ(pf.log[0][2], 0x0800);
	UNIT_EQ(pf.log[1][0], IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTER_ADD);
	UNIT_EQ(pf.log[2][0], IGBVF_MSG_MULTICAST | 1u << 16);
	UNIT_EQ(pf.log[2][1], 0xfb0);
	UNIT_EQ(pf.log[3][0], IGBVF_MSG_PROMISC | IGBVF_PROMISC_MULTICAST);
	UNIT_EQ(pf.log[4][0], IGBVF_MSG_LONGEST);
	UNIT_EQ(pf.log[4][1], 1522);
	UNIT_EQ(pf.log[5][0], IGBVF_MSG_VLAN | 1u << 16);
	UNIT_EQ(pf.log[5][1], 65);
	/* What has not changed is not said again; filters are, anew. */
	pf.messages = 0;
	s->vlans[1] = 0;
	s->allmulti = false;
	UNIT_EQ(igbvf_apply(&vf.base), 0);
	UNIT_EQ(pf.messages, 6);
	UNIT_EQ(pf.log[0][0], IGBVF_MSG_SET_MAC | IGBVF_MAC_FILTERS_CLEAR);
	UNIT_EQ(pf.log[3][0], IGBVF_MSG_PROMISC);
	UNIT_EQ(pf.log[5][0], IGBVF_MSG_VLAN);
}

static void too_many_groups(void)
{
	struct plx_port_settings *s = &vf.base.base.settings;
	unsigned int i;

	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	for (i = 0; i <= IGBVF_MULTICAST_MAX; i++)
		s->mac_list[i][0] = 1;
	s->macs = IGBVF_MULTICAST_MAX;
	UNIT_EQ(igbvf_apply(&vf.base), 0);
	s->macs++;
	UNIT_EQ(igbvf_apply(&vf.base), -ENOSPC);
}

static void refusal(void)
{
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	pf.manner = PF_REFUSES;
	vf.base.base.settings.mac[5]++;
	UNIT_EQ(igbvf_apply(&vf.base), -EIO);
	UNIT_EQ(vf.counts[IGBVF_REFUSED], 1);
	UNIT_EQ(vf.connected, true);
	UNIT_EQ(plx_port_state(&vf.base.base), PLX_PORT_STARTED);
}

static void second_try(void)
{
	UNIT_EQ(timed_reset(PF_MISSES_ONE), 0);
	UNIT_EQ(vf.counts[IGBVF_NO_ACK], 1);
	UNIT_EQ(pf.messages, 2);
}

static void ping_before_answer(void)
{
	UNIT_EQ(timed_reset(PF_PINGS_FIRST), 0);
	UNIT_EQ(vf.counts[IGBVF_PINGS], 1);
}

static void lie_in_reset(void)
{
	static const struct {
		enum manner manner;
		enum igbvf_count count;
		unsigned int times;
		int err;
	} cases[] = {
		{PF_KEEPS_MEMORY, IGBVF_NOT_GRANTED, 2, -ETIMEDOUT},
		{PF_NEVER_ACKS, IGBVF_NO_ACK, 2, -ETIMEDOUT},
		{PF_NEVER_ANSWERS, IGBVF_NO_ANSWER, 2, -ETIMEDOUT},
		{PF_ANSWERS_ELSE, IGBVF_WRONG_ANSWER, 2, -ETIMEDOUT},
		{PF_ANSWERS_NEITHER, IGBVF_WRONG_ANSWER, 2, -ETIMEDOUT},
		{PF_ANSWERS_BOTH, IGBVF_WRONG_ANSWER, 2, -ETIMEDOUT},
		{PF_TALKS_FIRST, IGBVF_WRONG_ANSWER, 2 * MESSAGES_AT_ONCE, -ETIMEDOUT},
		{PF_TALKS_SLOWLY, IGBVF_WRONG_ANSWER, 2, -ETIMEDOUT},
		{PF_RESETS_LONG, IGBVF_STUCK_RESET, 1, -ETIMEDOUT},
	};
	unsigned int i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		memset(vf.counts, 0, sizeof(vf.counts));
		UNIT_EQ(timed_reset(cases[i].manner), cases[i].err);
		UNIT_EQ(vf.counts[cases[i].count], cases[i].times);
		/* One that behaves is believed again. */
		UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	}
}

static void gone(void)
{
	UNIT_EQ(timed_reset(PF_IS_GONE), -ENODEV);
}

static void lie_address(void)
{
	static const uint8_t junk[][PLX_ETH_ALEN] = {
		{0xff, 0xff, 0xff, 0xff, 0xff, 0xff}, {0}, {1, 2, 3, 4, 5, 6}};
	uint8_t mac[PLX_ETH_ALEN];
	unsigned int i;

	for (i = 0; i < sizeof(junk) / sizeof(junk[0]); i++) {
		memcpy(pf.mac, junk[i], sizeof(junk[i]));
		UNIT_EQ(timed_reset(PF_ANSWERS), 0);
		UNIT_EQ(vf.counts[IGBVF_BAD_MAC], i + 1);
		UNIT_EQ(address(&vf.base, mac), 0);
		CU_ASSERT(intel_mac_valid(mac));
	}
}

/* After one question without answer nothing more is asked, so that a call has one time-out. */
static void silence_later(void)
{
	unsigned int i;

	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	pf.manner = PF_NEVER_ANSWERS;
	for (i = 0; i < PLX_VLAN_COUNT / 64; i++)
		vf.base.base.settings.vlans[i] = UINT64_MAX;
	pf.started_ns = pf.now_ns;
	UNIT_EQ(igbvf_apply(&vf.base), -ETIMEDOUT);
	CU_ASSERT(pf.now_ns - pf.started_ns < UINT64_C(5000000000));
	UNIT_EQ(vf.connected, false);
	pf.messages = 0;
	vf.base.base.started = true;
	UNIT_EQ(intel_igbvf.control->apply(&vf.base), -ENOTCONN);
	UNIT_EQ(pf.messages, 0);
	/* A start asks anew. */
	vf.base.base.started = false;
	pf.manner = PF_ANSWERS;
	memset(vf.base.base.settings.vlans, 0, sizeof(vf.base.base.settings.vlans));
	UNIT_EQ(intel_igbvf.control->apply(&vf.base), 0);
}

static void pings(void)
{
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	announce(IGBVF_MSG_CONTROL | IGBVF_MSG_CTS);
	igbvf_listen(&vf);
	UNIT_EQ(vf.counts[IGBVF_PINGS], 1);
	igbvf_listen(&vf);
	UNIT_EQ(vf.counts[IGBVF_PINGS], 1);
	UNIT_EQ(plx_port_state(&vf.base.base), PLX_PORT_STARTED);
}

static void lie_unasked(void)
{
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	announce(IGBVF_MSG_RESET | IGBVF_MSG_ACK);
	igbvf_listen(&vf);
	announce(0xffff);
	igbvf_listen(&vf);
	UNIT_EQ(vf.counts[IGBVF_UNASKED], 2);
	UNIT_EQ(plx_port_state(&vf.base.base), PLX_PORT_STARTED);
}

static void expect_broken_and_back(void)
{
	UNIT_EQ(vf.counts[IGBVF_PF_RESETS], 1);
	UNIT_EQ(vf.connected, false);
	UNIT_EQ(plx_port_state(&vf.base.base), PLX_PORT_BROKEN);
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
}

static void pf_reset_begins(void)
{
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	/* As long as that takes, nobody would answer: the port is broken when it is over. */
	pf.manner = PF_RESETS_LONG;
	UNIT_EQ(igbvf_listen(&vf), false);
	UNIT_EQ(igbvf_listen(&vf), false);
	UNIT_EQ(plx_port_state(&vf.base.base), PLX_PORT_STARTED);
	pf.manner = PF_ANSWERS;
	UNIT_EQ(igbvf_listen(&vf), false);
	pf.mailbox |= IGBVF_MAILBOX_RSTD;
	UNIT_EQ(igbvf_listen(&vf), true);
	expect_broken_and_back();
}

static void pf_reset_done(void)
{
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	pf.mailbox |= IGBVF_MAILBOX_RSTD;
	igbvf_listen(&vf);
	expect_broken_and_back();
}

static void pf_has_forgotten(void)
{
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	announce(IGBVF_MSG_CONTROL);
	UNIT_EQ(igbvf_listen(&vf), false);
	UNIT_EQ(igbvf_listen(&vf), false);
	UNIT_EQ(plx_port_state(&vf.base.base), PLX_PORT_STARTED);
	/* And nothing more. */
	pf.now_ns += AWAY_NS;
	UNIT_EQ(igbvf_listen(&vf), true);
	expect_broken_and_back();
}

static void pf_forgets_at_question(void)
{
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	pf.manner = PF_FORGETS;
	UNIT_EQ(igbvf_apply(&vf.base), -EIO);
	expect_broken_and_back();
}

static void counters_have_names(void)
{
	struct plx_port_xstat xstats[64] = {0};
	int n = intel_igbvf.driver.xstats(&vf.base.base, xstats, 64), i;

	UNIT_EQ(n, STATS + 1 + IGBVF_COUNTS);
	for (i = 0; i < n; i++)
		CU_ASSERT(xstats[i].name != NULL);
}

/* Counters that go on counting when read: what they gain, over their end, too. */
static void counters_roll(void)
{
	struct plx_port_xstat xstats[64] = {0};
	uint32_t value = UINT32_MAX - 1;

	device_write(bar + IGBVF_VFGPRC, value);
	UNIT_EQ(timed_reset(PF_ANSWERS), 0);
	device_write(bar + IGBVF_VFGPRC, 5);
	vf.base.base.driver->xstats(&vf.base.base, xstats, 64);
	vf.base.base.driver->xstats(&vf.base.base, xstats, 64);
	UNIT_STR(xstats[0].name, "rx_good");
	UNIT_EQ(xstats[0].value, 7);
	device_write(bar + IGBVF_VFGPRC, UINT32_MAX);
	vf.base.base.driver->xstats(&vf.base.base, xstats, 64);
	UNIT_EQ(xstats[0].value, 7);
	UNIT_EQ(vf.base.register_lies, 1);
}

/* Receive a frame of which the physical function has taken a tag out. */
static struct plx_pktbuf *receive_tagged(struct plx_pktbuf_pool *pool, uint16_t tag)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(pool);

	CU_ASSERT_FATAL(p != NULL);
	memset(plx_pktbuf_append(p, 60), 0x11, 60);
	p->flags = PLX_PKT_RX_VLAN | PLX_PKT_RX_IP_GOOD;
	p->vlan = tag;
	tags(&vf.base.base, &p, 1);
	return p;
}

static void expect_frame(struct plx_pktbuf *p, bool flagged, const uint8_t *tag)
{
	const uint8_t *data = plx_pktbuf_data(p);

	UNIT_EQ(!!(p->flags & PLX_PKT_RX_VLAN), flagged);
	CU_ASSERT(p->flags & PLX_PKT_RX_IP_GOOD);
	UNIT_EQ(p->len, tag ? 64 : 60);
	UNIT_EQ(p->pkt_len, p->len);
	if (tag)
		UNIT_EQ(memcmp(data + 12, tag, 4), 0);
	UNIT_EQ(data[11], 0x11);
	UNIT_EQ(data[tag ? 16 : 12], 0x11);
	plx_pktbuf_free(p);
}

/* Tags of our VLANs come back into the frame or are told of; one of the host's port VLAN is
 * neither.
 */
static void tags_of_whom(void)
{
	static const uint8_t ours[] = {0x81, 0, 0x60, 65}, priority[] = {0x81, 0, 0x60, 0};
	struct plx_pktbuf_pool_config config = {.count = 64};
	struct plx_pktbuf_pool *pool = plx_pktbuf_pool_open(&config);

	CU_ASSERT_FATAL(pool != NULL);
	expect_frame(receive_tagged(pool, 3 << 13 | 65), false, NULL);
	expect_frame(receive_tagged(pool, 3 << 13), false, priority);
	vf.base.base.settings.vlans[1] = 2;
	expect_frame(receive_tagged(pool, 3 << 13 | 65), false, ours);
	expect_frame(receive_tagged(pool, 3 << 13 | 64), false, NULL);
	vf.base.base.settings.offloads = PLX_PORT_HAS(VLAN_STRIP);
	expect_frame(receive_tagged(pool, 3 << 13 | 65), true, NULL);
	expect_frame(receive_tagged(pool, 3 << 13 | 64), false, NULL);
	UNIT_EQ(plx_pktbuf_pool_close(pool), 0);
}

WITH_VF(tags_of_whom)
WITH_VF(connects)
WITH_VF(no_address)
WITH_VF(settings_to_messages)
WITH_VF(too_many_groups)
WITH_VF(refusal)
WITH_VF(second_try)
WITH_VF(ping_before_answer)
WITH_VF(lie_in_reset)
WITH_VF(gone)
WITH_VF(lie_address)
WITH_VF(silence_later)
WITH_VF(pings)
WITH_VF(lie_unasked)
WITH_VF(pf_reset_begins)
WITH_VF(pf_reset_done)
WITH_VF(pf_has_forgotten)
WITH_VF(pf_forgets_at_question)
WITH_VF(counters_have_names)
WITH_VF(counters_roll)

CU_TestInfo igbvf_tests[] = {
	{"reset and address", connects_vf},
	{"no address given: a random one", no_address_vf},
	{"settings to messages, only what changed", settings_to_messages_vf},
	{"30 multicast groups, no more", too_many_groups_vf},
	{"a refusal", refusal_vf},
	{"a lost message is sent again", second_try_vf},
	{"a ping before the answer", ping_before_answer_vf},
	{"lie: mailbox never granted, no ack, no or wrong answer, reset for ever", lie_in_reset_vf},
	{"all ones: the device is gone", gone_vf},
	{"lie: addresses that are none", lie_address_vf},
	{"lie: no answer later: one time-out, then nothing is asked", silence_later_vf},
	{"VLAN tags: ours and the host's", tags_of_whom_vf},
	{"pings", pings_vf},
	{"lie: messages that nobody has asked for", lie_unasked_vf},
	{"the physical function is being reset", pf_reset_begins_vf},
	{"the physical function was reset", pf_reset_done_vf},
	{"the physical function says that it has forgotten us", pf_has_forgotten_vf},
	{"it says so when asked", pf_forgets_at_question_vf},
	{"counters have names", counters_have_names_vf},
	{"counters go over their end; lie: all ones", counters_roll_vf},
	CU_TEST_INFO_NULL,
};
