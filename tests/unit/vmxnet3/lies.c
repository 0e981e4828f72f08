/* SPDX-License-Identifier: BSD-3-Clause */
/* Lies of ABUSE.md C7 that are not of one file: README.md has the table of all. */
#include <errno.h>
#include <string.h>

#include "fixture.h"
#include "runner.h"

static uint64_t rx_gen(void)
{
	return fx.rxq.comp_gen;
}

/* The next completion, of a whole packet in the next buffer. */
static uint16_t receive(uint64_t what, uint64_t result, struct plx_pktbuf **p)
{
	struct vmxnet3_rx_comp *comp = &fx.rxq.comp[fx.rxq.comp_next];

	comp->what = htole64(what | fx.rxq.heads.next | VMXNET3_RXC_SOP | VMXNET3_RXC_EOP);
	comp->result = htole64((result & ~VMXNET3_RXC_GEN) | rx_gen());
	return plx_rx_burst(&fx.rxq.base, p, 1);
}

static void expect_good(void)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(fx.pool);
	struct vmxnet3_tx_comp *comp = &fx.txq.comp[fx.txq.comp_next];
	uint32_t at = fx.txq.next;

	plx_pktbuf_append(p, 60);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, &p, 1), 1);
	comp->what = htole64(at);
	comp->result = htole64(fx.txq.comp_gen);
	UNIT_EQ(plx_tx_burst(&fx.txq.base, NULL, 0), 0);
	UNIT_EQ(fx.txq.clean, fx.txq.next);
	UNIT_EQ(receive(0, 60, &p), 1);
	UNIT_EQ(p->len, 60);
	plx_pktbuf_free(p);
}

/* Nothing of it is read again while the port runs, but events, states and counters. */
static void shared_area_rewritten(void)
{
	memset(fx.port.shared, 0xff, sizeof(*fx.port.shared));
	memset(fx.port.rss, 0xff, sizeof(*fx.port.rss));
	memset(fx.port.txq_confs, 0xff, 2 * sizeof(*fx.port.txq_confs));
	expect_good();
	memset(fx.port.shared, 0, sizeof(*fx.port.shared));
	memset(fx.port.txq_confs, 0, 2 * sizeof(*fx.port.txq_confs));
	expect_good();
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
}

/* Descriptors are the driver's to write: what the device puts there is not read. */
static void descriptors_rewritten(void)
{
	memset(fx.rxq.heads.ring, 0xff, DESCS * sizeof(*fx.rxq.heads.ring));
	memset(fx.txq.ring, 0xff, DESCS * sizeof(*fx.txq.ring));
	memset(fx.txq.slots, 0xff, (size_t)DESCS * VMXNET3_TX_SLOT);
	expect_good();
}

static void fields_not_asked_for(void)
{
	struct plx_pktbuf *p;
	unsigned int bit;

	for (bit = 15; bit < 63; bit++) {
		UNIT_EQ(receive(0, 99 | UINT64_C(1) << bit, &p), 1);
		UNIT_EQ(p->len, 99);
		UNIT_EQ(p->flags, 0);
		plx_pktbuf_free(p);
	}
	for (bit = 26; bit < 64; bit++) {
		UNIT_EQ(receive(UINT64_C(1) << bit, 99, &p), 1);
		UNIT_EQ(p->flags, 0);
		plx_pktbuf_free(p);
	}
}

/* A hash type that is none of RSS's, checksums called good, a tag of 0: what the device says. */
static void fields_asked_for(void)
{
	struct plx_pktbuf *p;

	fx.rxq.offloads = PLX_PKT_RX_VLAN | PLX_PKT_RX_IP_GOOD;
	UNIT_EQ(receive(0,
			64 | VMXNET3_RXC_TAGGED | VMXNET3_RXC_IPV4 | VMXNET3_RXC_TCP |
				VMXNET3_RXC_IP_GOOD | VMXNET3_RXC_L4_GOOD,
			&p),
		1);
	UNIT_EQ(p->flags, PLX_PKT_RX_VLAN | PLX_PKT_RX_IP_GOOD | PLX_PKT_RX_L4_GOOD);
	UNIT_EQ(p->vlan, 0);
	UNIT_EQ(p->len, 64);
	plx_pktbuf_free(p);
}

/* The command register, which also reports the link, reads as what was written: here, as memory
 * does. The lowest bit of that command happens to be 0, so the link is down. */
static void link_flaps(void)
{
	unsigned int i, events = 0;

	fx.port.active = true;
	for (i = 0; i < 1000; i++) {
		fx.port.link_up = i % 2;
		events += plx_net_vmxnet3.events(&fx.port.base) == PLX_PORT_EVENT_LINK;
		UNIT_EQ(plx_net_vmxnet3.events(&fx.port.base), 0);
	}
	UNIT_EQ(events, 500);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
}

/* All events at once, again and again, with no queue stopped. */
static void events_for_ever(void)
{
	unsigned int i;

	fx.port.active = true;
	for (i = 0; i < 1000; i++) {
		fx.port.shared->ecr = VMXNET3_ECR_LINK | VMXNET3_ECR_DIC | VMXNET3_ECR_DEBUG;
		UNIT_EQ(plx_net_vmxnet3.events(&fx.port.base), 0);
	}
	UNIT_EQ(fx.port.register_lies, 0);
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
	fx.port.shared->ecr = ~VMXNET3_ECR_ALL;
	plx_net_vmxnet3.events(&fx.port.base);
	UNIT_EQ(fx.port.register_lies, 1);
}

static void all_ones(void)
{
	memset(fx.bar1, 0xff, VMXNET3_BAR_SIZE);
	UNIT_EQ(vmxnet3_hw_reset(&fx.port), -ENODEV);
}

static void broken_and_back(void)
{
	struct plx_pktbuf *p;
	unsigned int i;

	for (i = 0; i < PLX_LIES_MAX; i++) {
		UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_STARTED);
		UNIT_EQ(receive(0, 0, &p), 0);
	}
	UNIT_EQ(plx_port_state(&fx.port.base), PLX_PORT_BROKEN);
	UNIT_EQ(fx.rxq.base.stats.lies[PLX_LIE_LENGTH], PLX_LIES_MAX);
	vmxnet3_rings_free(&fx.port);
	UNIT_EQ(vmxnet3_rings_alloc(&fx.port), 0);
	fx.port.base.state = PLX_PORT_STARTED;
	fx.rxq.base.burst = vmxnet3_rx_burst;
	fx.txq.base.burst = vmxnet3_tx_burst;
	expect_good();
}

WITH_FIXTURE(shared_area_rewritten)
WITH_FIXTURE(descriptors_rewritten)
WITH_FIXTURE(fields_not_asked_for)
WITH_FIXTURE(fields_asked_for)
WITH_FIXTURE(link_flaps)
WITH_FIXTURE(events_for_ever)
WITH_FIXTURE(all_ones)
WITH_FIXTURE(broken_and_back)

CU_TestInfo lie_tests[] = {
	{"lie: the shared area and the queue table are rewritten", shared_area_rewritten_fx},
	{"lie: descriptors and the data ring are rewritten", descriptors_rewritten_fx},
	{"lie: fields that nobody asked for", fields_not_asked_for_fx},
	{"lie: checksums called good, a tag of 0", fields_asked_for_fx},
	{"lie: the link flaps", link_flaps_fx},
	{"lie: events for ever, events that there are not", events_for_ever_fx},
	{"all ones: the device is gone", all_ones_fx},
	{"1000 lies break the port, a reset brings it back", broken_and_back_fx},
	CU_TEST_INFO_NULL,
};
