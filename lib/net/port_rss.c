/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Receive-side scaling: key, redirection table and packet types, part of port->settings, which a
 * driver applies at start and when they change.
 */
#include <errno.h>
#include <string.h>

#include "driver.h"
#include "port.h"

/* The key that Microsoft's "Verifying the RSS Hash Calculation" has its examples for. */
static const uint8_t key_default[40] = {
	0x6d, 0x5a, 0x56, 0xda, 0x25, 0x5b, 0x0e, 0xc2, 0x41, 0x67, 0x25, 0x3d, 0x43, 0xa3,
	0x8f, 0xb0, 0xd0, 0xca, 0x2b, 0xcb, 0xae, 0x7b, 0x30, 0xb4, 0x77, 0xcb, 0x2d, 0xa3,
	0x80, 0x30, 0xf2, 0x0c, 0x6a, 0x42, 0xb7, 0x3b, 0xbe, 0xac, 0x01, 0xfa,
};

static const char *const type_names[] = {"ipv4", "ipv4-tcp", "ipv4-udp",
					 "ipv6", "ipv6-tcp", "ipv6-udp"};

const char *plx_rss_type_name(unsigned int bit)
{
	return bit < sizeof(type_names) / sizeof(type_names[0]) ? type_names[bit] : NULL;
}

void plx_port_rss_defaults(struct plx_port *port)
{
	struct plx_port_rss *rss = &port->settings.rss;
	unsigned int i;

	rss->types = port->info.rss_types;
	for (i = 0; i < PLX_RSS_KEY_MAX; i++)
		rss->key[i] = key_default[i % sizeof(key_default)];
	for (i = 0; i < PLX_RSS_RETA_MAX; i++)
		rss->reta[i] = (uint16_t)(i % port->info.rx_queues);
}

int plx_port_rss_get(const struct plx_port *port, struct plx_port_rss *rss)
{
	if (!(port->info.features & PLX_PORT_HAS(RSS)))
		return -ENOTSUP;
	*rss = port->settings.rss;
	return 0;
}

int plx_port_rss_set(struct plx_port *port, const struct plx_port_rss *rss)
{
	struct plx_port_settings settings = port->settings;
	unsigned int i;

	if (!(port->info.features & PLX_PORT_HAS(RSS)))
		return -ENOTSUP;
	if (rss->types & ~port->info.rss_types)
		return -EINVAL;
	for (i = 0; i < port->info.rss_reta_size; i++)
		if (rss->reta[i] >= port->info.rx_queues)
			return -EINVAL;
	settings.rss = *rss;
	return plx_port_settings_try(port, PLX_PORT_HAS(RSS), &settings);
}
