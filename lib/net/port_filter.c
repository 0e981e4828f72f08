/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What a port receives beyond its own address: the lists of MAC addresses and of VLANs. They are
 * part of port->settings; the driver gets them whole, and finds out by itself what has changed.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"
#include "port.h"

/* 4095 is reserved (IEEE 802.1Q, table 9-2). */
#define VLAN_LAST 4094

/* --- MAC addresses -------------------------------------------------------------------------- */

/* Its place in the list; settings->macs if it is not there. */
static unsigned int mac_find(const struct plx_port_settings *settings, const uint8_t *mac)
{
	unsigned int i;

	for (i = 0; i < settings->macs; i++)
		if (memcmp(settings->mac_list[i], mac, PLX_ETH_ALEN) == 0)
			break;
	return i;
}

int plx_port_mac_add(struct plx_port *port, const uint8_t mac[PLX_ETH_ALEN])
{
	static const uint8_t zero[PLX_ETH_ALEN];
	struct plx_port_settings settings = port->settings;

	if (memcmp(mac, zero, PLX_ETH_ALEN) == 0)
		return -EINVAL;
	if (mac_find(&settings, mac) < settings.macs)
		return -EEXIST;
	if ((port->info.features & PLX_PORT_HAS(MAC_FILTER)) &&
	    (settings.macs >= port->info.macs_max || settings.macs >= PLX_PORT_MACS_MAX))
		return -ENOSPC;
	memcpy(settings.mac_list[settings.macs++], mac, PLX_ETH_ALEN);
	return plx_port_settings_try(port, PLX_PORT_HAS(MAC_FILTER), &settings);
}

int plx_port_mac_remove(struct plx_port *port, const uint8_t mac[PLX_ETH_ALEN])
{
	struct plx_port_settings settings = port->settings;
	unsigned int i = mac_find(&settings, mac);

	if (i == settings.macs)
		return port->info.features & PLX_PORT_HAS(MAC_FILTER) ? -ENOENT : -ENOTSUP;
	settings.macs--;
	memmove(settings.mac_list[i], settings.mac_list[i + 1],
		(settings.macs - i) * sizeof(settings.mac_list[0]));
	return plx_port_settings_try(port, PLX_PORT_HAS(MAC_FILTER), &settings);
}

int plx_port_macs(const struct plx_port *port, uint8_t (*macs)[PLX_ETH_ALEN], unsigned int n)
{
	unsigned int there = port->settings.macs;

	if (n)
		memcpy(macs, port->settings.mac_list, (n < there ? n : there) * PLX_ETH_ALEN);
	return (int)there;
}

/* --- VLANs ---------------------------------------------------------------------------------- */

bool plx_port_vlan_has(const struct plx_port *port, uint16_t vlan)
{
	return vlan <= VLAN_LAST && plx_settings_vlan(&port->settings, vlan);
}

static int vlan_toggle(struct plx_port *port, uint16_t vlan)
{
	struct plx_port_settings settings = port->settings;

	settings.vlans[vlan / 64] ^= UINT64_C(1) << (vlan % 64);
	return plx_port_settings_try(port, PLX_PORT_HAS(VLAN_FILTER), &settings);
}

int plx_port_vlan_add(struct plx_port *port, uint16_t vlan)
{
	if (vlan > VLAN_LAST)
		return -EINVAL;
	return plx_port_vlan_has(port, vlan) ? -EEXIST : vlan_toggle(port, vlan);
}

int plx_port_vlan_remove(struct plx_port *port, uint16_t vlan)
{
	if (vlan > VLAN_LAST)
		return -EINVAL;
	return plx_port_vlan_has(port, vlan) ? vlan_toggle(port, vlan) : -ENOENT;
}
