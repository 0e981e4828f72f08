/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port of Intel's receives: its address and others, multicast, VLANs (82574 data sheet
 * 10.2.5). Exact filters hold unicast addresses; multicast goes through a hash of 12 bits, so that
 * frames of other groups may come along. Called when settings change.
 */
#include <errno.h>
#include <string.h>

#include <pollux/log.h>

#include "intel.h"

PLX_LOG_USE(intel);

static void set_exact(struct intel_port *p, unsigned int i, const uint8_t *mac)
{
	intel_set(p, INTEL_RAL(i),
		  mac[0] | (uint32_t)mac[1] << 8 | (uint32_t)mac[2] << 16 | (uint32_t)mac[3] << 24);
	intel_set(p, INTEL_RAH(i), INTEL_RAH_AV | mac[4] | (uint32_t)mac[5] << 8);
}

uint32_t intel_multicast_hash(const uint8_t *mac)
{
	return (mac[4] >> 4 | (uint32_t)mac[5] << 4) & 0xfff;
}

static int set_addresses(struct intel_port *p)
{
	const struct plx_port_settings *settings = &p->base.settings;
	uint32_t hashes[INTEL_MTA_COUNT] = {0};
	unsigned int i, exact = 1;

	set_exact(p, 0, settings->mac);
	for (i = 0; i < settings->macs; i++) {
		const uint8_t *mac = settings->mac_list[i];
		uint32_t hash = intel_multicast_hash(mac);

		if (mac[0] & 1) {
			hashes[hash >> 5] |= 1u << (hash & 31);
		} else if (exact < INTEL_EXACT_MAX) {
			set_exact(p, exact++, mac);
		} else {
			PLX_ERR(intel, "%s: the device filters %u unicast addresses, no more",
				p->base.info.name, INTEL_EXACT_MAX - 1);
			return -ENOSPC;
		}
	}
	for (i = exact; i < INTEL_EXACT_MAX; i++) {
		intel_set(p, INTEL_RAH(i), 0);
		intel_set(p, INTEL_RAL(i), 0);
	}
	for (i = 0; i < INTEL_MTA_COUNT; i++)
		intel_set(p, INTEL_MTA(i), hashes[i]);
	return 0;
}

static void set_vlans(struct intel_port *p)
{
	const uint64_t *vlans = p->base.settings.vlans;
	unsigned int i;

	for (i = 0; i < INTEL_VFTA_COUNT; i++)
		intel_set(p, INTEL_VFTA(i), (uint32_t)(vlans[i / 2] >> (i % 2 ? 32 : 0)));
}

static void set_modes(struct intel_port *p)
{
	const struct plx_port_settings *settings = &p->base.settings;
	const uint32_t old_rctl = intel_get(p, INTEL_RCTL), old_ctrl = intel_get(p, INTEL_CTRL);
	uint32_t rctl = old_rctl, ctrl = old_ctrl;

	rctl &= ~(INTEL_RCTL_UPE | INTEL_RCTL_MPE | INTEL_RCTL_LPE | INTEL_RCTL_VFE);
	if (settings->promisc)
		rctl |= INTEL_RCTL_UPE | INTEL_RCTL_MPE;
	if (settings->allmulti)
		rctl |= INTEL_RCTL_MPE;
	if (settings->mtu > PLX_MTU_DEFAULT)
		rctl |= INTEL_RCTL_LPE;
	if ((settings->offloads & PLX_PORT_HAS(VLAN_FILTER)) && !settings->promisc)
		rctl |= INTEL_RCTL_VFE;
	/* A write has effects even without a change: QEMU's e1000 stops receiving for a second. */
	if (rctl != old_rctl)
		intel_set(p, INTEL_RCTL, rctl);
	ctrl &= ~INTEL_CTRL_VME;
	if (settings->offloads & PLX_PORT_HAS(VLAN_STRIP))
		ctrl |= INTEL_CTRL_VME;
	if (ctrl != old_ctrl)
		intel_set(p, INTEL_CTRL, ctrl);
}

int intel_filter_apply(struct intel_port *p)
{
	int err = set_addresses(p);

	if (err)
		return err;
	intel_set(p, INTEL_VET, INTEL_VET_8021Q);
	set_vlans(p);
	set_modes(p);
	if (intel_family(p)->rss)
		intel_family(p)->rss(p);
	return 0;
}

/* --- RSS ------------------------------------------------------------------------------------ */

uint32_t intel_rss_fields(const struct intel_port *p)
{
	static const uint32_t fields[] = {
		INTEL_MRQC_IPV4, INTEL_MRQC_IPV4_TCP, INTEL_MRQC_IPV4_UDP,
		INTEL_MRQC_IPV6, INTEL_MRQC_IPV6_TCP, INTEL_MRQC_IPV6_UDP,
	};
	uint32_t types = p->base.settings.rss.types, mrqc = 0;
	unsigned int i;

	if (p->base.info.rx_queues < 2 && !(p->base.settings.offloads & PLX_PORT_HAS(RSS_HASH)))
		return 0;
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (types & 1u << i)
			mrqc |= fields[i];
	return mrqc;
}

void intel_rss_tables(struct intel_port *p, unsigned int shift)
{
	const struct plx_port_rss *rss = &p->base.settings.rss;
	unsigned int i, j;

	for (i = 0; i < INTEL_RSSRK_COUNT; i++) {
		const uint8_t *key = &rss->key[4 * i];

		intel_set(p, INTEL_RSSRK(i),
			  key[0] | (uint32_t)key[1] << 8 | (uint32_t)key[2] << 16 |
				  (uint32_t)key[3] << 24);
	}
	for (i = 0; i < INTEL_RETA_COUNT; i++) {
		uint32_t entries = 0;

		for (j = 0; j < 4; j++)
			entries |= (uint32_t)rss->reta[4 * i + j] << shift << 8 * j;
		intel_set(p, INTEL_RETA(i), entries);
	}
}
