/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What the targets for rings of descriptors share: a pool, and the application's side. Included
 * once per target, whose input is a list of steps of four bytes.
 */
#ifndef POLLUX_FUZZ_RINGS_H
#define POLLUX_FUZZ_RINGS_H

#include <string.h>

#include <pollux/net.h>

#include "fuzz.h"
#include "net/port.h"

#define DESCS 64
#define BUFS  1024 /* larger than the rings, so that a leak shows, and the pool can run empty */
#define BURST 40
#define STEP  4

static struct plx_pktbuf_pool *pool;

/* What comes out makes sense, whatever the device wrote. */
static void app_receive(struct plx_rxq *rxq, uint16_t n)
{
	struct plx_pktbuf *pkts[BURST];
	uint16_t got = plx_rx_burst(rxq, pkts, n % (BURST + 1)), i;

	CHECK(got <= n % (BURST + 1));
	for (i = 0; i < got; i++)
		CHECK(plx_pktbuf_check(pkts[i]) == 0);
	plx_pktbuf_free_burst(pkts, got);
}

/* Packets of one buffer or two, which ask for anything. */
static struct plx_pktbuf *app_packet(uint16_t value)
{
	struct plx_pktbuf *p = plx_pktbuf_alloc(pool), *more;

	if (!p)
		return NULL;
	memset(plx_pktbuf_append(p, value % 1600), 0, value % 1600);
	if (value & 0x4000) {
		more = plx_pktbuf_alloc(pool);
		if (more && plx_pktbuf_append(more, value % 700) && plx_pktbuf_chain(p, more))
			abort();
	}
	if (value & 0x8000)
		p->flags = (uint32_t)value << 16;
	p->l2_len = (uint8_t)(value % 20);
	p->l3_len = value % 64;
	p->l4_len = (uint8_t)(value >> 4);
	p->mss = value;
	p->vlan = value;
	return p;
}

static void app_transmit(struct plx_txq *txq, uint8_t n, uint16_t value)
{
	struct plx_pktbuf *pkts[BURST];
	uint16_t i, count = n % (BURST + 1), sent;

	for (i = 0; i < count; i++) {
		pkts[i] = app_packet(value);
		if (!pkts[i])
			break;
	}
	sent = plx_tx_burst(txq, pkts, i);
	CHECK(sent <= i);
	plx_pktbuf_free_burst(&pkts[sent], (uint16_t)(i - sent));
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_eal_up();
	pool = fuzz_pool(BUFS);
	return 0;
}

/* A port that is started, with a queue each way, of a driver whose rings the target makes. */
static void ring_port(struct plx_port *port, const struct plx_net_driver *driver,
		      struct plx_rxq **rxqs, struct plx_txq **txqs)
{
	port->driver = driver;
	port->event_fd = -1;
	port->wake_fd = -1;
	port->config.pool = pool;
	port->info.features = driver->features;
	port->info.rx_queues = 1;
	port->info.tx_queues = 1;
	port->info.rx_descs = DESCS;
	port->info.tx_descs = DESCS;
	port->info.node = PLX_NODE_ANY;
	port->rxqs = rxqs;
	port->txqs = txqs;
	port->state = PLX_PORT_STARTED;
	rxqs[0]->port = port;
	txqs[0]->port = port;
}

#endif /* POLLUX_FUZZ_RINGS_H */
