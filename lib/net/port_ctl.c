/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Settings, link and statistics of a port. A setting is remembered in port->settings and applied by
 * the driver, at once if the port runs, else at its next start.
 */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/log.h>
#include <pollux/mmio.h>

#include "driver.h"
#include "port.h"

PLX_LOG_USE(net);

#define LINK_POLL_US 10000

static const char *const feature_names[] = {
#define FEATURE_NAME(id, text) [PLX_PORT_FEATURE_##id] = text,
	PLX_PORT_FEATURES(FEATURE_NAME)};

static const char *const lie_names[] = {
	[PLX_LIE_LENGTH] = "length", [PLX_LIE_INDEX] = "index",	  [PLX_LIE_STATE] = "state",
	[PLX_LIE_CHAIN] = "chain",   [PLX_LIE_HEADER] = "header", [PLX_LIE_REGISTER] = "register",
};

const char *plx_port_feature_name(unsigned int feature)
{
	return feature < PLX_PORT_FEATURE_COUNT ? feature_names[feature] : NULL;
}

const char *plx_lie_name(unsigned int kind)
{
	return kind < PLX_LIE_KINDS ? lie_names[kind] : NULL;
}

const struct plx_port_info *plx_port_info(const struct plx_port *port)
{
	return &port->info;
}

/* --- Settings ------------------------------------------------------------------------------- */

int plx_port_settings_try(struct plx_port *port, uint64_t feature,
			  const struct plx_port_settings *settings)
{
	struct plx_port_settings old = port->settings;
	int err;

	if (!(port->info.features & feature))
		return -ENOTSUP;
	if (plx_port_state(port) == PLX_PORT_GONE)
		return -ENODEV;
	port->settings = *settings;
	if (!port->started)
		return 0;
	plx_port_stats_pause(port);
	err = port->driver->apply(port);
	if (err) {
		/* What was in force before has to be again; that it fails as well is the first
		 * error. */
		port->settings = old;
		port->driver->apply(port);
	}
	plx_port_stats_resume(port);
	return err;
}

int plx_port_set_promisc(struct plx_port *port, bool on)
{
	struct plx_port_settings settings = port->settings;

	settings.promisc = on;
	return plx_port_settings_try(port, PLX_PORT_HAS(PROMISC), &settings);
}

int plx_port_set_allmulti(struct plx_port *port, bool on)
{
	struct plx_port_settings settings = port->settings;

	settings.allmulti = on;
	return plx_port_settings_try(port, PLX_PORT_HAS(ALLMULTI), &settings);
}

int plx_port_set_mac(struct plx_port *port, const uint8_t mac[PLX_ETH_ALEN])
{
	static const uint8_t zero[PLX_ETH_ALEN];
	struct plx_port_settings settings = port->settings;
	int err;

	if ((mac[0] & 1) || memcmp(mac, zero, sizeof(zero)) == 0)
		return -EINVAL;
	memcpy(settings.mac, mac, PLX_ETH_ALEN);
	err = plx_port_settings_try(port, PLX_PORT_HAS(MAC_SET), &settings);
	if (!err)
		memcpy(port->info.mac, mac, PLX_ETH_ALEN);
	return err;
}

int plx_port_set_mtu(struct plx_port *port, uint16_t mtu)
{
	struct plx_port_settings settings = port->settings;
	int err;

	if (port->started)
		return -EBUSY;
	if (mtu < port->info.mtu_min || mtu > port->info.mtu_max)
		return -EINVAL;
	err = plx_port_check_buffers(port, mtu);
	if (err)
		return err;
	settings.mtu = mtu;
	err = plx_port_settings_try(port, PLX_PORT_HAS(MTU), &settings);
	if (!err)
		port->info.mtu = mtu;
	return err;
}

int plx_port_check_offloads(const struct plx_port *port, uint64_t offloads)
{
	unsigned int i;

	for (i = 0; i < 64; i++) {
		uint64_t bit = UINT64_C(1) << i;

		if (!(offloads & bit) || (port->info.features & PLX_PORT_OFFLOADS & bit))
			continue;
		if (!(PLX_PORT_OFFLOADS & bit)) {
			PLX_ERR(net, "%s: bit %u is not an offload", port->info.name, i);
			return -EINVAL;
		}
		PLX_ERR(net, "%s: offload \"%s\": not supported by this device (driver %s)",
			port->info.name, feature_names[i], port->driver->name);
		return -ENOTSUP;
	}
	return 0;
}

int plx_port_set_offloads(struct plx_port *port, uint64_t offloads)
{
	int err;

	if (port->started)
		return -EBUSY;
	err = plx_port_check_offloads(port, offloads);
	if (err)
		return err;
	port->settings.offloads = offloads | port->offloads_always;
	port->info.offloads = port->settings.offloads;
	return 0;
}

/* --- Link ----------------------------------------------------------------------------------- */

int plx_port_link(struct plx_port *port, struct plx_port_link *link)
{
	int err;

	memset(link, 0, sizeof(*link));
	if (plx_port_state(port) == PLX_PORT_GONE)
		return -ENODEV;
	pthread_mutex_lock(&port->stats_lock);
	err = port->driver->link(port, link);
	pthread_mutex_unlock(&port->stats_lock);
	return err;
}

int plx_port_link_wait(struct plx_port *port, unsigned int timeout_ms)
{
	uint64_t end = plx_clock_ns() + timeout_ms * UINT64_C(1000000);
	struct plx_port_link link;

	for (;;) {
		int err = plx_port_link(port, &link);

		if (err || link.up)
			return err;
		if (plx_clock_ns() >= end)
			return -ETIMEDOUT;
		plx_delay_us(LINK_POLL_US);
	}
}

/* --- Statistics ----------------------------------------------------------------------------- */

static void stats_set_off(struct plx_port *port, bool off)
{
	pthread_mutex_lock(&port->stats_lock);
	port->stats_off = off;
	pthread_mutex_unlock(&port->stats_lock);
}

void plx_port_stats_pause(struct plx_port *port)
{
	stats_set_off(port, true);
}

void plx_port_stats_resume(struct plx_port *port)
{
	stats_set_off(port, false);
}

static void add_queue(struct plx_queue_stats *sum, const struct plx_queue_stats *queue)
{
	unsigned int i;

	sum->packets += PLX_READ_ONCE(queue->packets);
	sum->bytes += PLX_READ_ONCE(queue->bytes);
	sum->errors += PLX_READ_ONCE(queue->errors);
	sum->dropped += PLX_READ_ONCE(queue->dropped);
	sum->no_buffers += PLX_READ_ONCE(queue->no_buffers);
	for (i = 0; i < PLX_LIE_KINDS; i++)
		sum->lies[i] += PLX_READ_ONCE(queue->lies[i]);
}

int plx_port_stats(struct plx_port *port, struct plx_port_stats *stats)
{
	unsigned int i;

	memset(stats, 0, sizeof(*stats));
	for (i = 0; i < port->info.rx_queues; i++)
		add_queue(&stats->rx, &port->rxqs[i]->stats);
	for (i = 0; i < port->info.tx_queues; i++)
		add_queue(&stats->tx, &port->txqs[i]->stats);
	pthread_mutex_lock(&port->stats_lock);
	if (port->driver->stats && !port->stats_off)
		port->driver->stats(port, stats);
	pthread_mutex_unlock(&port->stats_lock);
	return 0;
}

int plx_port_xstats(struct plx_port *port, struct plx_port_xstat *xstats, unsigned int n)
{
	int ret = -EBUSY;

	if (!port->driver->xstats)
		return -ENOTSUP;
	pthread_mutex_lock(&port->stats_lock);
	if (!port->stats_off)
		ret = port->driver->xstats(port, xstats, n);
	pthread_mutex_unlock(&port->stats_lock);
	return ret;
}

int plx_port_regs(struct plx_port *port, struct plx_port_reg *regs, unsigned int n)
{
	if (!port->driver->regs)
		return -ENOTSUP;
	if (plx_port_state(port) == PLX_PORT_GONE)
		return -ENODEV;
	return port->driver->regs(port, regs, n);
}
