/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Single queues of a port: start and stop while the others go on, and the state of descriptors. The
 * order of a stop is: burst pointer back, then the driver; a start is the driver's, burst pointer
 * last.
 */
#include <errno.h>

#include "driver.h"
#include "port.h"

static int queue_check(const struct plx_port *port)
{
	if (!(port->info.features & PLX_PORT_HAS(QUEUE_RESTART)))
		return -ENOTSUP;
	switch (plx_port_state(port)) {
	case PLX_PORT_STARTED:
		return 0;
	case PLX_PORT_BROKEN:
		return -EIO;
	case PLX_PORT_GONE:
		return -ENODEV;
	case PLX_PORT_STOPPED:
		break;
	}
	return -EBUSY;
}

int plx_rxq_start(struct plx_rxq *rxq)
{
	int err = queue_check(rxq->port);

	if (err)
		return err;
	if (!rxq->stopped)
		return -EALREADY;
	rxq->lies_in_row = 0;
	err = rxq->port->driver->rxq_start(rxq);
	if (!err)
		rxq->stopped = false;
	return err;
}

int plx_rxq_stop(struct plx_rxq *rxq)
{
	int err = queue_check(rxq->port);

	if (err)
		return err;
	if (rxq->stopped)
		return -EALREADY;
	__atomic_store_n(&rxq->burst, plx_rxq_burst_none, __ATOMIC_RELAXED);
	rxq->stopped = true;
	return rxq->port->driver->rxq_stop(rxq);
}

int plx_txq_start(struct plx_txq *txq)
{
	int err = queue_check(txq->port);

	if (err)
		return err;
	if (!txq->stopped)
		return -EALREADY;
	txq->lies_in_row = 0;
	err = txq->port->driver->txq_start(txq);
	if (!err)
		txq->stopped = false;
	return err;
}

int plx_txq_stop(struct plx_txq *txq)
{
	int err = queue_check(txq->port);

	if (err)
		return err;
	if (txq->stopped)
		return -EALREADY;
	__atomic_store_n(&txq->burst, plx_txq_burst_none, __ATOMIC_RELAXED);
	txq->stopped = true;
	return txq->port->driver->txq_stop(txq);
}

static int status_check(const struct plx_port *port, bool stopped, uint16_t offset, uint16_t descs)
{
	if (!(port->info.features & PLX_PORT_HAS(DESC_STATUS)))
		return -ENOTSUP;
	if (offset >= descs)
		return -EINVAL;
	return stopped || plx_port_state(port) != PLX_PORT_STARTED ? -EBUSY : 0;
}

int plx_rxq_desc_status(const struct plx_rxq *rxq, uint16_t offset)
{
	const struct plx_port *port = rxq->port;
	int err = status_check(port, rxq->stopped, offset, port->info.rx_descs);

	return err ? err : (int)port->driver->rxq_desc_status(rxq, offset);
}

int plx_txq_desc_status(const struct plx_txq *txq, uint16_t offset)
{
	const struct plx_port *port = txq->port;
	int err = status_check(port, txq->stopped, offset, port->info.tx_descs);

	return err ? err : (int)port->driver->txq_desc_status(txq, offset);
}
