/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Interrupts and events of a port, and the end of a port that cannot be trusted any more: lies are
 * counted here, and a port is declared broken or gone here.
 *
 * One epoll fd per port listens to the device's events (removal, bus errors), to the driver's
 * (link) and to an eventfd of our own that announces bits set in port->pending.
 */
#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <pollux/log.h>

#include "driver.h"
#include "port.h"

PLX_LOG_USE(net);

uint16_t plx_rxq_burst_none(struct plx_rxq *rxq, struct plx_pktbuf **pkts, uint16_t n)
{
	return 0;
}

uint16_t plx_txq_burst_none(struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	return 0;
}

/* --- Events --------------------------------------------------------------------------------- */

static int listen_to(struct plx_port *port, int fd)
{
	struct epoll_event event = {.events = EPOLLIN, .data.fd = fd};

	if (fd < 0)
		return 0;
	if (epoll_ctl(port->event_fd, EPOLL_CTL_ADD, fd, &event) && errno != EEXIST)
		return -errno;
	return 0;
}

int plx_port_events_listen(struct plx_port *port)
{
	return port->driver->event_fd ? listen_to(port, port->driver->event_fd(port)) : 0;
}

int plx_port_events_open(struct plx_port *port)
{
	int err;

	port->event_fd = epoll_create1(EPOLL_CLOEXEC);
	port->wake_fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (port->event_fd < 0 || port->wake_fd < 0)
		err = -errno;
	else
		err = listen_to(port, port->wake_fd);
	if (!err && port->dev)
		err = listen_to(port, plx_dev_event_fd(port->dev));
	if (!err)
		err = plx_port_events_listen(port);
	if (err) {
		PLX_ERR(net, "%s: no event fd: %s; raise the limit of open files (ulimit -n)",
			port->info.name, strerror(-err));
		plx_port_events_close(port);
	}
	return err;
}

void plx_port_events_close(struct plx_port *port)
{
	if (port->event_fd >= 0)
		close(port->event_fd);
	if (port->wake_fd >= 0)
		close(port->wake_fd);
	port->event_fd = -1;
	port->wake_fd = -1;
}

int plx_port_event_fd(const struct plx_port *port)
{
	return port->event_fd;
}

void plx_port_notify(struct plx_port *port, unsigned int events)
{
	__atomic_or_fetch(&port->pending, events, __ATOMIC_RELEASE);
	if (port->wake_fd >= 0)
		eventfd_write(port->wake_fd, 1);
}

unsigned int plx_port_events(struct plx_port *port)
{
	unsigned int events = 0;
	eventfd_t count;
	int device;

	if (__atomic_load_n(&port->pending, __ATOMIC_ACQUIRE)) {
		eventfd_read(port->wake_fd, &count);
		events = __atomic_exchange_n(&port->pending, 0, __ATOMIC_ACQ_REL);
	}
	device = port->dev ? plx_dev_events(port->dev) : 0;
	if (device > 0 && (device & PLX_DEV_EVENT_ERROR))
		events |= PLX_PORT_EVENT_ERROR;
	if (device > 0 && (device & PLX_DEV_EVENT_REMOVE))
		events |= PLX_PORT_EVENT_REMOVE;
	if (port->driver->events && plx_port_state(port) != PLX_PORT_GONE) {
		pthread_mutex_lock(&port->stats_lock);
		events |= port->driver->events(port);
		pthread_mutex_unlock(&port->stats_lock);
	}
	return events;
}

/* --- Broken ports --------------------------------------------------------------------------- */

/* Return: true for the one caller that made the transition. */
static bool leave_service(struct plx_port *port, uint32_t state)
{
	uint32_t old = __atomic_exchange_n(&port->state, state, __ATOMIC_ACQ_REL);

	if (old == PLX_PORT_GONE)
		__atomic_store_n(&port->state, PLX_PORT_GONE, __ATOMIC_RELEASE);
	plx_port_halt_queues(port);
	return old != state && old != PLX_PORT_GONE;
}

void plx_port_break(struct plx_port *port, const char *why)
{
	if (!leave_service(port, PLX_PORT_BROKEN))
		return;
	PLX_ERR(net, "%s: broken: %s; its queues stand still until plx_port_reset()",
		port->info.name, why);
	plx_port_notify(port, PLX_PORT_EVENT_BROKEN);
}

void plx_port_gone(struct plx_port *port)
{
	if (!leave_service(port, PLX_PORT_GONE))
		return;
	PLX_ERR(net, "%s: the device is gone (its registers read all ones); close the port",
		port->info.name);
	plx_port_notify(port, PLX_PORT_EVENT_REMOVE);
}

static bool count_lie(struct plx_port *port, struct plx_queue_stats *stats, uint16_t *in_row,
		      enum plx_lie kind)
{
	stats->lies[kind]++;
	if (++*in_row < PLX_LIES_MAX)
		return false;
	*in_row = 0;
	plx_port_break(port, "the device wrote nonsense 1000 times in a row");
	return true;
}

bool plx_rxq_lie(struct plx_rxq *rxq, enum plx_lie kind)
{
	return count_lie(rxq->port, &rxq->stats, &rxq->lies_in_row, kind);
}

bool plx_txq_lie(struct plx_txq *txq, enum plx_lie kind)
{
	return count_lie(txq->port, &txq->stats, &txq->lies_in_row, kind);
}

/* --- Interrupts ----------------------------------------------------------------------------- */

static int irq_check(const struct plx_rxq *rxq)
{
	const struct plx_port *port = rxq->port;

	if (!port->config.rx_irq || !port->driver->irq_arm)
		return -ENOTSUP;
	return plx_port_state(port) == PLX_PORT_STARTED && !rxq->stopped ? 0 : -ENODEV;
}

int plx_rxq_irq_fd(const struct plx_rxq *rxq)
{
	if (!rxq->port->config.rx_irq || !rxq->port->driver->irq_fd)
		return -ENOTSUP;
	return rxq->port->driver->irq_fd(rxq);
}

int plx_rxq_irq_arm(struct plx_rxq *rxq)
{
	int err = irq_check(rxq);

	return err ? err : rxq->port->driver->irq_arm(rxq);
}

int plx_rxq_irq_disarm(struct plx_rxq *rxq)
{
	int err = irq_check(rxq);
	eventfd_t count;
	int fd;

	if (err)
		return err;
	rxq->port->driver->irq_disarm(rxq);
	fd = plx_rxq_irq_fd(rxq);
	if (fd >= 0)
		eventfd_read(fd, &count);
	return 0;
}

int plx_rxq_irq_wait(struct plx_rxq *rxq, int timeout_ms)
{
	struct pollfd fds = {.events = POLLIN};
	int ready = plx_rxq_irq_arm(rxq);

	if (ready < 0)
		return ready;
	fds.fd = plx_rxq_irq_fd(rxq);
	if (!ready) {
		ready = poll(&fds, 1, timeout_ms);
		ready = ready < 0 ? -errno : ready;
	}
	plx_rxq_irq_disarm(rxq);
	return ready;
}
