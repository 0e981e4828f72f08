/* SPDX-License-Identifier: BSD-3-Clause */
/* Modes, addresses, MTU, statistics, reset, interrupts, events, large receive: see wire.h. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>

#include "frames.h"
#include "wire.h"

void test_promisc_and_allmulti(void)
{
	static const uint8_t group[6] = {0x01, 0, 0x5e, 0, 0, 0xfa},
			     other[6] = {2, 0, 0, 0, 0, 0x78};

	if (HAS(to, ALLMULTI)) {
		check(plx_port_set_allmulti(to, true) == 0, "all multicast");
		/*
		 * QEMU's 82576 knows no VMOLR.MPME, so that its virtual functions get none of it.
		 */
		if (!arrives(group, 0) && !strcmp(plx_port_info(to)->driver, "igbvf"))
			printf("skip - any group arrives # the physical function took it, and did "
			       "nothing\n");
		else
			check(arrives(group, 0), "any group arrives");
		check(stays_away(other, 0), "but not other stations' frames");
		check(plx_port_set_allmulti(to, false) == 0 && stays_away(group, 0),
		      "until it is off");
	}
	if (HAS(to, PROMISC)) {
		check(plx_port_set_promisc(to, true) == 0 && arrives(other, 0) && arrives(group, 0),
		      "promiscuous: everything arrives");
		check(plx_port_set_promisc(to, false) == 0 && stays_away(other, 0),
		      "until it is off");
	}
}

void test_mac_set(void)
{
	static const uint8_t zero[6], group[6] = {1};
	uint8_t old[6], fresh[6] = {2, 0, 0, 0, 0x55, 0x66};

	if (!HAS(to, MAC_SET))
		return;
	memcpy(old, mac_to(), sizeof(old));
	check(plx_port_set_mac(to, fresh) == 0 && arrives(fresh, 0), "a new address");
	check(stays_away(old, 0), "the old one is nobody's");
	check(plx_port_set_mac(to, zero) == -EINVAL && plx_port_set_mac(to, group) == -EINVAL,
	      "zero and group addresses are refused");
	check(plx_port_reset(to) == 0 && plx_port_link_wait(to, 9000) == 0 && arrives(fresh, 0),
	      "it outlives a reset");
	check(plx_port_set_mac(to, old) == 0 && arrives(old, 0), "and the old one back");
}

static void mtu_of(struct plx_port *port, uint16_t mtu)
{
	if (plx_port_stop(port) || plx_port_set_mtu(port, mtu) || plx_port_start(port) ||
	    plx_port_link_wait(port, 9000))
		check(false, "restart with another MTU");
}

/* Buffers of 2 KiB on both sides: a long frame is a chain. */
void test_jumbo(void)
{
	struct plx_pktbuf *p;

	if (!HAS(to, MTU) || !HAS(to, RX_SCATTER) || !HAS(from, TX_SEGS))
		return;
	check(plx_port_set_mtu(to, 9000) == -EBUSY, "the MTU of a running port stays");
	mtu_of(to, 9000);
	mtu_of(from, 9000);
	p = frame_ip(pool, mac_to(), PROTO_UDP, 8972);
	check(p->nsegs > 1, "a packet in several buffers");
	send(p);
	p = receive(ARRIVAL_NS);
	check(p && p->nsegs > 1 && p->pkt_len == ETH_LEN + 9000 && plx_pktbuf_check(p) == 0,
	      "arrives in several buffers");
	if (p) {
		uint8_t last[2] = {0};

		plx_pktbuf_copy_out(p, ETH_LEN + 9000 - 2, last, 2);
		check(last[1] == (uint8_t)(last[0] + 1), "whole");
	}
	plx_pktbuf_free(p);
	mtu_of(to, PLX_MTU_DEFAULT);
	mtu_of(from, PLX_MTU_DEFAULT);
	check(arrives(mac_to(), 0), "and back to the default MTU");
}

void test_statistics(void)
{
	struct plx_port_xstat xstats[128];
	struct plx_port_stats before, after;
	int i, n;

	if (HAS(to, STATS)) {
		plx_port_stats(to, &before);
		check(arrives(mac_to(), 0), "a frame to count");
		plx_port_stats(to, &after);
		check(after.rx.packets > before.rx.packets &&
			      after.rx.bytes >= before.rx.bytes + ETH_LEN + 100,
		      "packets and bytes are counted");
		check(after.rx.packets == plx_port_rxq(to, 0)->stats.packets, "by queue, too");
	}
	if (HAS(to, XSTATS)) {
		n = plx_port_xstats(to, xstats, 128);
		check(n > 0 && n <= 128 && n == plx_port_xstats(to, NULL, 0), "its own counters");
		for (i = 0; i < n; i++)
			if (!xstats[i].name || (strstr(xstats[i].name, "lies") && xstats[i].value))
				check(false, xstats[i].name ? xstats[i].name : "without a name");
	}
}

void test_reset(void)
{
	if (!HAS(to, RESET))
		return;
	check(plx_port_reset(to) == 0 && plx_port_state(to) == PLX_PORT_STARTED &&
		      plx_port_link_wait(to, 9000) == 0 && arrives(mac_to(), 0),
	      "reset, and it receives");
	check(plx_port_reset(from) == 0 && plx_port_link_wait(from, 9000) == 0 &&
		      arrives(mac_to(), 0),
	      "reset, and it sends");
}

void test_rx_interrupt(void)
{
	unsigned int wakeups = 0;
	struct plx_pktbuf *p;

	if (!HAS(to, RX_IRQ))
		return;
	/* What came while it was polled may wake it up once. */
	while (plx_rxq_irq_wait(plx_port_rxq(to, 0), 100) == 1 && wakeups < 5) {
		plx_pktbuf_free(receive(0));
		wakeups++;
	}
	check(wakeups < 5, "no packet, no interrupt");
	send(frame_plain(pool, mac_to(), 0, 100));
	check(plx_rxq_irq_wait(plx_port_rxq(to, 0), 10000) == 1, "a packet interrupts");
	p = receive(ARRIVAL_NS);
	check(p, "and is there");
	plx_pktbuf_free(p);
}

/* Waits for events with one bit set. */
static bool event(unsigned int bit)
{
	uint64_t end = plx_clock_ns() + 10 * ARRIVAL_NS;

	while (plx_clock_ns() < end) {
		if (plx_port_events(to) & bit)
			return true;
		plx_delay_us(10000);
	}
	return false;
}

/* id: what QEMU calls the device. */
static bool set_link(const char *id, const char *state)
{
	char command[128];

	snprintf(command, sizeof(command), "monitor 'set_link %s %s' >/dev/null", id, state);
	return system(command) == 0;
}

void test_link_event(const char *id)
{
	struct plx_port_link link;

	if (!HAS(to, LINK_EVENT) || !id)
		return;
	plx_port_events(to);
	check(set_link(id, "off") && event(PLX_PORT_EVENT_LINK), "the link goes: an event");
	check(plx_port_link(to, &link) == 0 && !link.up, "and it is down");
	check(set_link(id, "on") && event(PLX_PORT_EVENT_LINK), "it comes: an event");
	check(plx_port_link_wait(to, 20000) == 0 && arrives(mac_to(), 0), "and frames arrive");
}

/* Either device may merge nothing: QEMU's vmxnet3 does not by itself. */
void test_lro(void)
{
	struct plx_pktbuf *p;
	unsigned int merged = 0;
	uint32_t bytes = 0;

	if (!HAS(to, LRO) || !(plx_port_info(from)->features & PLX_PORT_HAS(TSO)))
		return;
	offloads(to, PLX_PORT_HAS(LRO) | PLX_PORT_HAS(RX_CSUM));
	offloads(from, PLX_PORT_HAS(TSO) | PLX_PORT_HAS(TX_L4_CSUM));
	p = frame_ip(pool, mac_to(), PROTO_TCP, PARTS * MSS);
	p->flags = PLX_PKT_TX_TSO;
	p->mss = MSS;
	send(p);
	while (bytes < PARTS * MSS && (p = receive(ARRIVAL_NS))) {
		bytes += p->pkt_len - ETH_LEN - IP_LEN - TCP_LEN;
		merged += !!(p->flags & PLX_PKT_RX_LRO);
		check(!(p->flags & PLX_PKT_RX_LRO) || p->mss == MSS, "MSS of what was merged");
		plx_pktbuf_free(p);
	}
	check(bytes == PARTS * MSS, "with large receive on all bytes arrive");
	if (!merged)
		printf("skip - that segments are merged # this device merged none\n");
	offloads(from, 0);
	offloads(to, 0);
}
