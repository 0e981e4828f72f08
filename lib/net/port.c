/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Life of a port: open, start, stop, reset, close, and the queues' memory. The driver does the
 * device's part through its table (driver.h); settings and statistics are in port_ctl.c, interrupts
 * and events in port_event.c, and how a spec becomes a driver in spec.c.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/log.h>
#include <pollux/mem.h>

#include "driver.h"
#include "port.h"

PLX_LOG_COMPONENT(net);

/* --- Configuration -------------------------------------------------------------------------- */

static void config_defaults(struct plx_port *port, const struct plx_port_config *config)
{
	struct plx_port_config *c = &port->config;

	*c = *config;
	c->rx_queues = c->rx_queues ? c->rx_queues : 1;
	c->tx_queues = c->tx_queues ? c->tx_queues : 1;
	c->mtu = c->mtu ? c->mtu : PLX_MTU_DEFAULT;
}

static int check_max(const struct plx_port *port, const char *what, unsigned int value,
		     unsigned int min, unsigned int max)
{
	if (value >= min && value <= max)
		return 0;
	PLX_ERR(net, "%s: %s %u: this device takes %u to %u", port->info.name, what, value, min,
		max);
	return -EINVAL;
}

static int check_needs(const struct plx_port *port, bool wanted, uint64_t feature, const char *what)
{
	if (!wanted || (port->info.features & feature))
		return 0;
	PLX_ERR(net, "%s: %s: not supported by this device (driver %s)", port->info.name, what,
		port->driver->name);
	return -ENOTSUP;
}

/* The number of descriptors that the device can, at or above what was asked for. */
static uint16_t round_descs(const struct plx_port_info *info, unsigned int descs)
{
	unsigned int align = info->descs_align, size = 1;

	descs = descs < info->descs_min ? info->descs_min : descs;
	if (align)
		return (uint16_t)((descs + align - 1) / align * align);
	while (size < descs)
		size *= 2;
	return (uint16_t)size;
}

/* The driver's choice, or all that the device has. */
static uint16_t default_descs(const struct plx_port *port)
{
	uint16_t descs = port->driver->descs_default;

	return descs < port->info.descs_max ? descs : port->info.descs_max;
}

/* Hold the configuration against what the driver found the device to be. */
static int config_check(struct plx_port *port)
{
	struct plx_port_config *c = &port->config;
	struct plx_port_info *info = &port->info;
	int err;

	c->rx_descs = c->rx_descs ? c->rx_descs : default_descs(port);
	c->tx_descs = c->tx_descs ? c->tx_descs : default_descs(port);
	if (check_max(port, "rx queues", c->rx_queues, 1, info->rx_queues_max) ||
	    check_max(port, "tx queues", c->tx_queues, 1, info->tx_queues_max) ||
	    check_max(port, "rx descriptors", c->rx_descs, 1, info->descs_max) ||
	    check_max(port, "tx descriptors", c->tx_descs, 1, info->descs_max) ||
	    check_max(port, "MTU", c->mtu, info->mtu_min, info->mtu_max))
		return -EINVAL;
	if (check_needs(port, c->promisc, PLX_PORT_HAS(PROMISC), "promiscuous mode") ||
	    check_needs(port, c->allmulti, PLX_PORT_HAS(ALLMULTI), "all-multicast mode") ||
	    check_needs(port, c->rx_irq, PLX_PORT_HAS(RX_IRQ), "rx interrupts"))
		return -ENOTSUP;
	if (plx_port_check_buffers(port, c->mtu))
		return -EINVAL;
	err = plx_port_check_offloads(port, c->offloads);
	if (err)
		return err;
	info->rx_queues = c->rx_queues;
	info->tx_queues = c->tx_queues;
	info->rx_descs = round_descs(info, c->rx_descs);
	info->tx_descs = round_descs(info, c->tx_descs);
	info->mtu = c->mtu;
	port->settings.promisc = c->promisc;
	port->settings.allmulti = c->allmulti;
	port->settings.mtu = c->mtu;
	info->offloads = c->offloads | port->offloads_always;
	port->settings.offloads = info->offloads;
	memcpy(port->settings.mac, info->mac, PLX_ETH_ALEN);
	plx_port_rss_defaults(port);
	return 0;
}

int plx_port_check_buffers(const struct plx_port *port, unsigned int mtu)
{
	unsigned int room = port->config.pool->buf_len - PLX_PKTBUF_HEADROOM;

	if (mtu + PLX_ETH_OVERHEAD <= room || (port->info.features & PLX_PORT_HAS(RX_SCATTER)))
		return 0;
	PLX_ERR(net,
		"%s: MTU %u does not fit the pool's buffers of %u bytes, and the device cannot "
		"scatter: use a pool with data_size of %u at least",
		port->info.name, mtu, room, mtu + PLX_ETH_OVERHEAD);
	return -EINVAL;
}

/* --- Queues --------------------------------------------------------------------------------- */

void plx_port_halt_queues(struct plx_port *port)
{
	unsigned int i;

	for (i = 0; i < port->info.rx_queues; i++)
		__atomic_store_n(&port->rxqs[i]->burst, plx_rxq_burst_none, __ATOMIC_RELAXED);
	for (i = 0; i < port->info.tx_queues; i++)
		__atomic_store_n(&port->txqs[i]->burst, plx_txq_burst_none, __ATOMIC_RELAXED);
}

static void *zalloc_aligned(size_t size)
{
	size_t bytes = (size + PLX_CACHE_LINE - 1) & ~(size_t)(PLX_CACHE_LINE - 1);
	void *p = aligned_alloc(PLX_CACHE_LINE, bytes);

	if (p)
		memset(p, 0, bytes);
	return p;
}

static void queues_free(struct plx_port *port)
{
	unsigned int i;

	for (i = 0; port->rxqs && i < port->info.rx_queues; i++)
		free(port->rxqs[i]);
	for (i = 0; port->txqs && i < port->info.tx_queues; i++)
		free(port->txqs[i]);
	free(port->rxqs);
	free(port->txqs);
}

static int queues_alloc(struct plx_port *port)
{
	uint16_t i;

	port->rxqs = calloc(port->info.rx_queues, sizeof(*port->rxqs));
	port->txqs = calloc(port->info.tx_queues, sizeof(*port->txqs));
	if (!port->rxqs || !port->txqs)
		return -ENOMEM;
	for (i = 0; i < port->info.rx_queues; i++) {
		port->rxqs[i] = zalloc_aligned(port->driver->rxq_size);
		if (!port->rxqs[i])
			return -ENOMEM;
		port->rxqs[i]->port = port;
		port->rxqs[i]->id = i;
	}
	for (i = 0; i < port->info.tx_queues; i++) {
		port->txqs[i] = zalloc_aligned(port->driver->txq_size);
		if (!port->txqs[i])
			return -ENOMEM;
		port->txqs[i]->port = port;
		port->txqs[i]->id = i;
	}
	plx_port_halt_queues(port);
	return 0;
}

/* --- Open and close ------------------------------------------------------------------------- */

static int open_device(struct plx_port *port, const char *arg)
{
	int err = port->driver->open(port, arg);

	if (err) {
		PLX_ERR(net, "%s: driver %s could not open it: %s", port->info.name,
			port->driver->name, strerror(-err));
		return err;
	}
	port->info.driver = port->driver->name;
	err = config_check(port);
	if (!err)
		err = queues_alloc(port);
	if (!err)
		err = plx_port_events_open(port);
	if (err) {
		queues_free(port);
		port->driver->close(port);
	}
	return err;
}

struct plx_port *plx_port_open_with(const struct plx_net_driver *driver, struct plx_dev *dev,
				    const char *name, const char *arg,
				    const struct plx_port_config *config)
{
	struct plx_port *port = zalloc_aligned(driver->port_size);
	unsigned int owner;
	int err;

	if (!port) {
		errno = ENOMEM;
		return NULL;
	}
	port->driver = driver;
	port->dev = dev;
	port->event_fd = -1;
	port->wake_fd = -1;
	pthread_mutex_init(&port->stats_lock, NULL);
	snprintf(port->info.name, sizeof(port->info.name), "%s", name);
	config_defaults(port, config);
	owner = plx_mem_owner_enter(port->info.name);
	err = open_device(port, arg);
	plx_mem_owner_leave(owner);
	if (err) {
		free(port);
		errno = -err;
		return NULL;
	}
	plx_port_telemetry_add(port);
	PLX_INFO(net, "%s: open, driver %s, %u rx and %u tx queues", port->info.name, driver->name,
		 port->info.rx_queues, port->info.tx_queues);
	return port;
}

void plx_port_close(struct plx_port *port)
{
	struct plx_dev *dev;

	if (!port)
		return;
	dev = port->dev;
	plx_telemetry_remove(&port->telemetry);
	plx_port_stop(port);
	port->driver->close(port);
	plx_port_events_close(port);
	queues_free(port);
	free(port);
	if (dev)
		plx_dev_close(dev);
}

/* --- Start, stop, reset --------------------------------------------------------------------- */

static int state_errno(enum plx_port_state state)
{
	switch (state) {
	case PLX_PORT_STARTED:
		return -EALREADY;
	case PLX_PORT_BROKEN:
		return -EIO;
	case PLX_PORT_GONE:
		return -ENODEV;
	case PLX_PORT_STOPPED:
		break;
	}
	return 0;
}

enum plx_port_state plx_port_state(const struct plx_port *port)
{
	return (enum plx_port_state)__atomic_load_n(&port->state, __ATOMIC_ACQUIRE);
}

/* Move from one state to another, unless a data-path thread has declared it broken or gone. */
static void state_move(struct plx_port *port, uint32_t from, uint32_t to)
{
	__atomic_compare_exchange_n(&port->state, &from, to, false, __ATOMIC_ACQ_REL,
				    __ATOMIC_ACQUIRE);
}

int plx_port_start(struct plx_port *port)
{
	int err = state_errno(plx_port_state(port));
	unsigned int owner, i;

	if (err)
		return err;
	for (i = 0; i < port->info.rx_queues; i++) {
		port->rxqs[i]->lies_in_row = 0;
		port->rxqs[i]->stopped = false;
	}
	for (i = 0; i < port->info.tx_queues; i++) {
		port->txqs[i]->lies_in_row = 0;
		port->txqs[i]->stopped = false;
	}
	owner = plx_mem_owner_enter(port->info.name);
	plx_port_stats_pause(port);
	err = port->driver->start(port);
	plx_port_stats_resume(port);
	plx_mem_owner_leave(owner);
	if (err) {
		plx_port_halt_queues(port);
		PLX_ERR(net, "%s: could not start: %s", port->info.name, strerror(-err));
		return err;
	}
	port->started = true;
	state_move(port, PLX_PORT_STOPPED, PLX_PORT_STARTED);
	return 0;
}

int plx_port_stop(struct plx_port *port)
{
	port->resume = false;
	if (!port->started)
		return 0;
	plx_port_halt_queues(port);
	plx_port_stats_pause(port);
	port->driver->stop(port);
	plx_port_stats_resume(port);
	port->started = false;
	state_move(port, PLX_PORT_STARTED, PLX_PORT_STOPPED);
	return 0;
}

int plx_port_reset(struct plx_port *port)
{
	const bool resume = port->started || port->resume;
	int err;

	if (plx_port_state(port) == PLX_PORT_GONE)
		return -ENODEV;
	plx_port_stop(port);
	plx_port_stats_pause(port);
	err = port->driver->reset(port);
	plx_port_stats_resume(port);
	if (!err)
		err = plx_port_events_listen(port);
	if (err) {
		plx_port_break(port, "it does not come out of reset");
		port->resume = resume;
		return err;
	}
	__atomic_store_n(&port->state, PLX_PORT_STOPPED, __ATOMIC_RELEASE);
	if (!resume)
		return 0;
	err = plx_port_start(port);
	if (err) {
		plx_port_break(port, "it does not start after a reset");
		port->resume = true;
	}
	return err;
}

struct plx_rxq *plx_port_rxq(struct plx_port *port, uint16_t id)
{
	return id < port->info.rx_queues ? port->rxqs[id] : NULL;
}

struct plx_txq *plx_port_txq(struct plx_port *port, uint16_t id)
{
	return id < port->info.tx_queues ? port->txqs[id] : NULL;
}
