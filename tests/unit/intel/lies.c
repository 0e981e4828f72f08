/* SPDX-License-Identifier: BSD-3-Clause */
/* Lies of ABUSE.md C7 that are not of one file: README.md has the table of all. */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>

#include "fixture.h"
#include "net/igb/igb_regs.h"
#include "net/intel/intel.h"
#include "runner.h"

#define GOOD (INTEL_RXD_DD | INTEL_RXD_EOP)

static const struct intel_family *const families[] = {
	&intel_e1000,
	&intel_e1000e,
	&intel_igb,
	&intel_igbvf,
};
#define FAMILIES (sizeof(families) / sizeof(families[0]))

static void family_up(const struct intel_family *family, uint64_t offloads)
{
	fixture_up(PLX_PKTBUF_DATA);
	intel_rxq_free(&fx.rxq);
	intel_txq_free(&fx.txq);
	fx.port.base.driver = &family->driver;
	fx.port.base.settings.offloads = offloads;
	UNIT_EQ(intel_rxq_alloc(&fx.rxq, DESCS), 0);
	UNIT_EQ(intel_txq_alloc(&fx.txq, DESCS), 0);
	UNIT_EQ(intel_rings_start(&fx.port), 0);
	fx.rxq.base.burst = intel_rx_burst_of(&fx.port.base);
	fx.txq.base.burst = family->tx_burst;
}

/* The next descriptor comes back like this; meta as the extended ones have it. */
static uint16_t receive(uint64_t first, uint64_t meta, struct plx_pktbuf **p)
{
	struct intel_rx_desc *desc = &fx.rxq.ring[fx.rxq.next];

	desc->addr = htole64(first);
	desc->meta = htole64(fx.rxq.done == INTEL_RXD_DD ? meta : meta >> 32 | meta << 32);
	return plx_rx_burst(&fx.rxq.base, p, 1);
}

static void expect_good(void)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fx.pool);

	plx_pktbuf_append(p, 60);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &p, 1), 1);
	UNIT_EQ(receive(0, GOOD | UINT64_C(60) << INTEL_RXD_LEN_SHIFT, &p), 1);
	UNIT_EQ(p->len, 60);
	plx_pktbuf_free(p);
}

/* Heads are the device's business: nobody reads them. */
static void heads(void)
{
	static const uint32_t values[] = {1, DESCS - 1, DESCS, 0x7fffffff, UINT32_MAX, 0};
	unsigned int i, f;

	for (f = 0; f < FAMILIES; f++) {
		family_up(families[f], 0);
		for (i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
			reg_set(families[f]->rx_regs + INTEL_Q_HEAD, values[i]);
			reg_set(families[f]->tx_regs + INTEL_Q_HEAD, values[i]);
			expect_good();
		}
		fixture_down();
	}
}

/*
 * Fields that mean something else, or nothing, to a driver that did not ask: packet type, MRQ and
 * RSS type, header-split length, time stamps, checksum, tag, and the bits in between.
 */
static void fields_not_asked_for(void)
{
	const uint64_t free_bits = 0x7c | UINT64_C(0xfff00) | UINT64_C(0xffff) << 48;
	struct plx_pktbuf *p;
	unsigned int bit, f;

	for (f = 0; f < FAMILIES - 1; f++) {
		family_up(families[f], 0);
		for (bit = 0; bit < 64; bit++) {
			uint64_t meta = GOOD | UINT64_C(99) << INTEL_RXD_LEN_SHIFT;

			UNIT_EQ(receive(UINT64_C(1) << bit, meta, &p), 1);
			UNIT_EQ(p->len, 99);
			UNIT_EQ(p->flags, 0);
			plx_pktbuf_free(p);
			if (!(free_bits >> bit & 1) || f == 0)
				continue;
			UNIT_EQ(receive(~UINT64_C(0), meta | UINT64_C(1) << bit, &p), 1);
			UNIT_EQ(p->len, 99);
			UNIT_EQ(p->flags, 0);
			plx_pktbuf_free(p);
		}
		fixture_down();
	}
}

/* All of these asked for: a checksum that is called good on any bytes, a tag of 0, a hash of no
 * type. The data is as it came, and the flags say what the device said. */
static void fields_asked_for(void)
{
	const uint64_t len = UINT64_C(64) << INTEL_RXD_LEN_SHIFT;
	struct plx_pktbuf *p;

	family_up(&intel_e1000e,
		  PLX_PORT_HAS(RX_CSUM) | PLX_PORT_HAS(VLAN_STRIP) | PLX_PORT_HAS(RSS_HASH));
	UNIT_EQ(receive(0, GOOD | len | INTEL_RXD_VP | INTEL_RXD_IPCS | INTEL_RXD_L4CS, &p), 1);
	UNIT_EQ(p->flags, PLX_PKT_RX_VLAN | PLX_PKT_RX_IP_GOOD | PLX_PKT_RX_L4_GOOD);
	UNIT_EQ(p->vlan, 0);
	UNIT_EQ(p->len, 64);
	plx_pktbuf_free(p);
	UNIT_EQ(receive(0xf, GOOD | len, &p), 1);
	UNIT_EQ(p->flags & PLX_PKT_RX_HASH, 0);
	UNIT_EQ(fx.rxq.base.stats.lies[PLX_LIE_HEADER], 1);
	plx_pktbuf_free(p);
	fixture_down();
}

/* The physical function has taken a tag out, of a frame of any length: it is back. */
static void tag_put_back(void)
{
	struct plx_pktbuf *p;
	uint32_t len;

	family_up(&intel_igbvf, 0);
	fx.port.base.settings.vlans[1] = UINT64_C(1) << 0x24;
	for (len = 1; len <= 2048; len++) {
		UNIT_EQ(receive(0,
				GOOD | INTEL_RXD_VP | (uint64_t)len << INTEL_RXD_LEN_SHIFT |
					UINT64_C(0x2064) << INTEL_RXD_VLAN_SHIFT,
				&p),
			1);
		UNIT_EQ(p->len, len < 12 ? len : len + 4);
		UNIT_EQ(p->flags, 0);
		UNIT_EQ(plx_pktbuf_check(p), 0);
		if (len >= 12)
			UNIT_EQ(memcmp((char *)plx_pktbuf_data(p) + 12, "\x81\x00\x20\x64", 4), 0);
		plx_pktbuf_free(p);
	}
	fixture_down();
}

static void link_flaps(void)
{
	unsigned int i, events = 0;

	family_up(&intel_e1000e, 0);
	fx.port.base.started = true;
	for (i = 0; i < 1000; i++) {
		reg_set(INTEL_STATUS, i % 2 ? 0 : INTEL_STATUS_LU);
		events += intel_events(&fx.port.base) == PLX_PORT_EVENT_LINK;
		UNIT_EQ(intel_events(&fx.port.base), 0);
	}
	UNIT_EQ(events, 1000);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
	fixture_down();
}

/* Nothing is reported for more than 5 s: broken, but not while the link is down. */
static void transmitter_hangs(void)
{
	struct plx_pktbuf *p;

	family_up(&intel_e1000e, 0);
	fx.port.base.started = true;
	p = plx_pktbuf_alloc(fx.pool);
	plx_pktbuf_append(p, 60);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &p, 1), 1);
	intel_events(&fx.port.base);
	fx.txq.watch.since_ns = plx_clock_ns() - UINT64_C(6000000000);
	intel_events(&fx.port.base);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
	reg_set(INTEL_STATUS, INTEL_STATUS_LU);
	intel_events(&fx.port.base);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
	fx.txq.watch.since_ns = plx_clock_ns() - UINT64_C(6000000000);
	intel_events(&fx.port.base);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
	fixture_down();
}

/* Queues that do not say that they are on: no start; not off: the port is broken. */
static void queues_do_not_switch(void)
{
	unsigned int f;

	for (f = 2; f < FAMILIES; f++) {
		const struct intel_family *family = families[f];
		uint32_t rx = family->rx_regs + INTEL_Q_XDCTL, tx = family->tx_regs + INTEL_Q_XDCTL;

		family_up(family, 0);
		reg_stuck(rx, INTEL_XDCTL_ENABLE, 0);
		UNIT_EQ(intel_rings_start(&fx.port), -ETIMEDOUT);
		reg_stuck(tx, INTEL_XDCTL_ENABLE, 0);
		UNIT_EQ(intel_rings_start(&fx.port), -ETIMEDOUT);
		UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
		reg_stuck(rx, 0, INTEL_XDCTL_ENABLE);
		UNIT_EQ(intel_rxq_stop(&fx.rxq.base), -ETIMEDOUT);
		UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
		reg_stuck(rx, 0, UINT32_MAX);
		UNIT_EQ(intel_rings_start(&fx.port), -ENODEV);
		reg_stuck(0, 0, 0);
		fixture_down();
	}
}

/* The PHY of the 82574 stays the firmware's. */
static void ownership_never_granted(void)
{
	family_up(&intel_e1000e, 0);
	reg_stuck(INTEL_EXTCNF_CTRL, INTEL_EXTCNF_CTRL_MDIO_SW, 0);
	UNIT_EQ(intel_e1000e.phy_own(&fx.port), -ETIMEDOUT);
	/* The port comes up without it; the link may stay down. */
	intel_hw_link_up(&fx.port);
	UNIT_EQ(reg_get(INTEL_MDIC), 0);
	reg_stuck(0, 0, 0);
	fixture_down();
}

/* Registers that the driver has no use for, and those that it reads, with junk in them. */
static void registers_of_junk(void)
{
	uint32_t reg;

	family_up(&intel_e1000e, 0);
	fx.port.base.started = true;
	/* ICR, and NVM words, PHY ids, FEXTNVM and IVAR as they are in BAR 0. */
	for (reg = INTEL_ICR; reg < INTEL_RCTL; reg += 4)
		reg_set(reg, UINT32_MAX);
	reg_set(0x5bb4, UINT32_MAX);
	reg_set(0x0014, UINT32_MAX);
	intel_e1000e.irq_ack(&fx.port);
	intel_events(&fx.port.base);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
	expect_good();
	fixture_down();
}

/* After 1000 lies the port is broken; rings made anew, as by a reset, work. */
static void broken_and_back(void)
{
	struct plx_pktbuf *p;
	unsigned int f, i;

	for (f = 0; f < FAMILIES; f++) {
		family_up(families[f], 0);
		for (i = 0; i < PLX_LIES_MAX; i++) {
			UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
			UNIT_EQ(receive(0, GOOD, &p), 0);
		}
		UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
		UNIT_EQ(fx.rxq.base.stats.lies[PLX_LIE_LENGTH], PLX_LIES_MAX);
		intel_rxq_free(&fx.rxq);
		UNIT_EQ(intel_rxq_alloc(&fx.rxq, DESCS), 0);
		UNIT_EQ(intel_rings_start(&fx.port), 0);
		fx.port.base.state = PLX_PORT_STARTED;
		fx.rxq.base.burst = intel_rx_burst_of(&fx.port.base);
		fx.txq.base.burst = families[f]->tx_burst;
		expect_good();
		fixture_down();
	}
}

CU_TestInfo lie_tests[] = {
	{"lie: heads jump, go back, past the ring, all ones", heads},
	{"lie: fields that nobody asked for", fields_not_asked_for},
	{"lie: checksums called good, a tag of 0, RSS type 15", fields_asked_for},
	{"a tag that was taken out is put back", tag_put_back},
	{"lie: the link flaps", link_flaps},
	{"lie: the transmitter hangs", transmitter_hangs},
	{"lie: queues do not switch on, or off", queues_do_not_switch},
	{"lie: the PHY is never granted", ownership_never_granted},
	{"lie: ICR all ones, junk in NVM, PHY, FEXTNVM, IVAR", registers_of_junk},
	{"1000 lies break the port, a reset brings it back", broken_and_back},
	CU_TEST_INFO_NULL,
};
