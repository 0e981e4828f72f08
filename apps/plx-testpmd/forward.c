/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The workers of plx-testpmd: each lcore but the main one goes round its streams. Ports forward to
 * each other in pairs (0 and 1, 2 and 3, ...), a last one without a partner to itself; queue n of
 * one goes to queue n of the other.
 */
#include <errno.h>
#include <stdio.h>

#include <pollux/lcore.h>

#include "testpmd.h"

static void tag_all(struct plx_pktbuf **pkts, uint16_t n, uint16_t vlan)
{
	uint16_t i;

	for (i = 0; i < n; i++) {
		pkts[i]->flags |= PLX_PKT_TX_VLAN;
		pkts[i]->vlan = vlan;
	}
}

static void send_burst(struct stream *s, struct plx_txq *txq, struct plx_pktbuf **pkts, uint16_t n)
{
	struct capture *capture = __atomic_load_n(&s->app->capture, __ATOMIC_ACQUIRE);
	const uint16_t vlan = s->app->ports[s->tx_port].tx_vlan;
	uint16_t sent;

	if (plx_unlikely(vlan))
		tag_all(pkts, n, vlan);
	if (capture)
		capture_packets(capture, s->tx_port, s->queue, pkts, n, true);
	sent = plx_tx_burst(txq, pkts, n);
	s->tx += sent;
	if (plx_likely(sent == n))
		return;
	s->dropped += (uint64_t)(n - sent);
	plx_pktbuf_free_burst(&pkts[sent], (uint16_t)(n - sent));
}

/* Return: packets that came or were made. */
static unsigned int stream_once(struct stream *s)
{
	struct app *app = s->app;
	struct plx_rxq *rxq = plx_port_rxq(app->ports[s->rx_port].port, (uint16_t)s->queue);
	struct plx_txq *txq = plx_port_txq(app->ports[s->tx_port].port, (uint16_t)s->queue);
	struct capture *capture = __atomic_load_n(&app->capture, __ATOMIC_ACQUIRE);
	struct plx_pktbuf *pkts[BURST_MAX];
	uint16_t n = plx_rx_burst(rxq, pkts, app->burst), out;
	unsigned int work = n;

	if (n) {
		s->rx += n;
		s->bursts++;
		if (plx_unlikely(capture))
			capture_packets(capture, s->rx_port, s->queue, pkts, n, false);
		if (plx_unlikely(app->verbose))
			show_packets(app, s->rx_port, pkts, n);
		out = app->mode->change ? app->mode->change(s, pkts, n) : n;
		if (out < n)
			plx_pktbuf_free_burst(&pkts[out], (uint16_t)(n - out));
		if (out)
			send_burst(s, txq, pkts, out);
	}
	if (app->mode->make) {
		n = app->mode->make(s, pkts, app->burst);
		if (n)
			send_burst(s, txq, pkts, n);
		work += n;
	} else if (!n) {
		/* Packets that were sent go back to the pool. */
		plx_tx_burst(txq, NULL, 0);
	}
	return work;
}

struct share {
	struct app *app;
	unsigned int first, step;
};

static struct share shares[PLX_LCORE_MAX];

static int worker(void *arg)
{
	struct share *share = arg;
	struct app *app = share->app;
	unsigned int i, work;

	while (!__atomic_load_n(&app->stop, __ATOMIC_RELAXED)) {
		work = 0;
		for (i = share->first; i < app->stream_count; i += share->step)
			work += stream_once(&app->streams[i]);
		plx_lcore_turn(work);
	}
	return 0;
}

/* --- Streams -------------------------------------------------------------------------------- */

static unsigned int partner(const struct app *app, unsigned int port)
{
	unsigned int other = port ^ 1;

	return other < app->port_count && app->ports[other].port ? other : port;
}

static unsigned int queues(const struct app *app, unsigned int rx, unsigned int tx)
{
	unsigned int n = plx_port_info(app->ports[rx].port)->rx_queues;
	unsigned int m = plx_port_info(app->ports[tx].port)->tx_queues;

	return n < m ? n : m;
}

static void plan(struct app *app)
{
	unsigned int port, queue;

	app->stream_count = 0;
	for (port = 0; port < app->port_count; port++) {
		unsigned int other;

		if (!app->ports[port].port)
			continue;
		other = partner(app, port);
		for (queue = 0; queue < queues(app, port, other); queue++)
			if (app->stream_count < STREAMS_MAX)
				app->streams[app->stream_count++] =
					(struct stream){.app = app,
							.rx_port = port,
							.tx_port = other,
							.queue = queue};
	}
}

static int send_first(struct app *app, unsigned int bursts)
{
	struct plx_pktbuf *pkts[BURST_MAX];
	unsigned int i, round;
	uint16_t n;

	for (round = 0; round < bursts; round++) {
		for (i = 0; i < app->stream_count; i++) {
			struct stream *s = &app->streams[i];

			for (n = 0; n < app->burst; n++) {
				pkts[n] = make_packet(app, s->tx_port, n);
				if (!pkts[n])
					break;
			}
			send_burst(s, plx_port_txq(app->ports[s->tx_port].port, (uint16_t)s->queue),
				   pkts, n);
		}
	}
	return 0;
}

int forward_start(struct app *app, unsigned int tx_first)
{
	unsigned int id, n = 0, workers = plx_lcore_count() - 1;
	int err;

	if (app->running)
		return -EALREADY;
	plan(app);
	if (!app->stream_count) {
		printf("there is no port to forward\n");
		return -ENODEV;
	}
	if (!workers) {
		printf("one lcore is for commands: forwarding needs another (--lcores)\n");
		return -EINVAL;
	}
	err = send_first(app, tx_first);
	__atomic_store_n(&app->stop, 0, __ATOMIC_RELAXED);
	PLX_LCORE_FOREACH_WORKER(id)
	{
		if (err || n >= app->stream_count)
			break;
		shares[id] = (struct share){.app = app, .first = n, .step = workers};
		err = plx_lcore_launch(id, worker, &shares[id]);
		n += !err;
	}
	app->running = true;
	if (err)
		forward_stop(app);
	return err;
}

int forward_stop(struct app *app)
{
	unsigned int id;

	if (!app->running)
		return -EALREADY;
	__atomic_store_n(&app->stop, 1, __ATOMIC_RELAXED);
	PLX_LCORE_FOREACH_WORKER(id)
	plx_lcore_wait(id, NULL);
	app->running = false;
	return 0;
}
