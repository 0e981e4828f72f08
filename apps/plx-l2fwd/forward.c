/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Forwarding loops of plx-l2fwd. Packets of a receive queue all go to one transmit queue, so a
 * burst is received straight into the array that is sent: nothing is copied. A burst that is not
 * full waits for more until the drain timer.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <unistd.h>

#include <pollux/clock.h>

#include "forward.h"

/* How often a loop looks up from its queues. */
#define CONTROL_US 10000
/* In interrupt mode: polls without a packet before it sleeps, and how long at most. */
#define IDLE_POLLS 256
#define SLEEP_MS   100

struct loop {
	struct app *app;
	struct stream *streams;
	unsigned int num_streams;
	unsigned int lcore;
	void (*control)(struct app *app); /* NULL on workers */
	int epoll_fd;			  /* interrupt mode; -1: polling */
	unsigned int resets;		  /* app->resets when epoll_fd was set up */
};

/* --- Plan ----------------------------------------------------------------------------------- */

static uint16_t tx_queue_for(struct app *app, unsigned int port, unsigned int lcore)
{
	unsigned int i;

	for (i = 0; i < app->num_streams; i++) {
		const struct stream *s = &app->streams[i];

		if (app->options.peer[s->port] == (int)port && s->lcore == lcore)
			return s->tx_queue;
	}
	return app->tx_queues[port]++;
}

static unsigned int count_queues(const struct options *o)
{
	unsigned int i, n = 0;

	for (i = 0; i < o->ports; i++)
		if (o->peer[i] != PORT_UNUSED)
			n += o->rx_queues;
	return n;
}

static unsigned int next_worker(unsigned int after)
{
	do
		after = plx_lcore_next(after);
	while (after == plx_lcore_main());
	return after;
}

/* The main lcore first, then the workers. Streams of one lcore are neighbours in the array. */
static void plan_streams(struct app *app, unsigned int per_lcore)
{
	const struct options *o = &app->options;
	unsigned int lcore = plx_lcore_main(), worker = PLX_LCORE_NONE, on_lcore = 0, i;

	app->lcores = 1;
	for (i = 0; i < o->ports * o->rx_queues; i++) {
		unsigned int port = i % o->ports;
		struct stream *s = &app->streams[app->num_streams];

		if (o->peer[port] == PORT_UNUSED)
			continue;
		if (on_lcore == per_lcore) {
			worker = next_worker(worker);
			lcore = worker;
			app->lcores++;
			on_lcore = 0;
		}
		s->port = port;
		s->queue = i / o->ports;
		s->lcore = lcore;
		s->tx_queue = tx_queue_for(app, (unsigned int)o->peer[port], lcore);
		app->num_streams++;
		on_lcore++;
	}
}

int forward_plan(struct app *app)
{
	const struct options *o = &app->options;
	unsigned int queues = count_queues(o), lcores = plx_lcore_count();
	unsigned int per_lcore = (queues + lcores - 1) / lcores;

	if (o->queues_per_lcore && o->queues_per_lcore < per_lcore) {
		fprintf(stderr,
			"plx-l2fwd: %u receive queues, at most %u on an lcore: that takes %u "
			"lcores, and there are %u; see --lcores\n",
			queues, o->queues_per_lcore,
			(queues + o->queues_per_lcore - 1) / o->queues_per_lcore, lcores);
		return -EINVAL;
	}
	app->streams = aligned_alloc(PLX_CACHE_LINE, queues * sizeof(*app->streams));
	if (!app->streams)
		return -ENOMEM;
	memset(app->streams, 0, queues * sizeof(*app->streams));
	plan_streams(app, o->queues_per_lcore ? o->queues_per_lcore : per_lcore);
	return 0;
}

void forward_attach(struct app *app)
{
	unsigned int i;

	for (i = 0; i < app->num_streams; i++) {
		struct stream *s = &app->streams[i];
		unsigned int peer = (unsigned int)app->options.peer[s->port];

		s->rxq = plx_port_rxq(app->ports[s->port], (uint16_t)s->queue);
		s->txq = plx_port_txq(app->ports[peer], s->tx_queue);
		s->macs[0] = 0x02;
		s->macs[5] = (uint8_t)peer;
		memcpy(&s->macs[6], plx_port_info(app->ports[peer])->mac, PLX_ETH_ALEN);
	}
}

/* --- Data path ------------------------------------------------------------------------------ */

static inline void update_macs(const struct stream *s, struct plx_pktbuf **pkts, unsigned int n)
{
	unsigned int i;

	for (i = 0; i < n; i++)
		memcpy(plx_pktbuf_data(pkts[i]), s->macs, sizeof(s->macs));
}

static inline void flush(struct stream *s)
{
	uint16_t n = s->waiting, sent = plx_tx_burst(s->txq, s->pkts, n);

	s->waiting = 0;
	if (plx_unlikely(sent < n)) {
		s->dropped += (uint64_t)(n - sent);
		plx_pktbuf_free_burst(&s->pkts[sent], (uint16_t)(n - sent));
	}
}

/* One burst. Return: packets received. */
static inline uint16_t forward(struct stream *s, uint16_t burst, bool update, bool wait)
{
	struct plx_pktbuf **pkts = &s->pkts[s->waiting];
	uint16_t n = plx_rx_burst(s->rxq, pkts, (uint16_t)(burst - s->waiting));

	if (n == 0)
		return 0;
	if (update)
		update_macs(s, pkts, n);
	s->waiting = (uint16_t)(s->waiting + n);
	if (!wait || s->waiting == burst)
		flush(s);
	return n;
}

/* The same, and how long it took if there was anything. */
static uint16_t forward_measured(struct stream *s, uint16_t burst, bool update, bool wait)
{
	uint64_t start = plx_tsc();
	uint16_t n = forward(s, burst, update, wait);

	if (n) {
		s->ticks += plx_tsc() - start;
		s->packets += n;
		s->bursts++;
	}
	return n;
}

static void flush_all(struct loop *loop)
{
	unsigned int i;

	for (i = 0; i < loop->num_streams; i++)
		if (loop->streams[i].waiting)
			flush(&loop->streams[i]);
}

/* --- Sleeping ------------------------------------------------------------------------------- */

static int watch(struct loop *loop)
{
	unsigned int i;

	loop->resets = loop->app->resets;
	loop->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	if (loop->epoll_fd < 0)
		return -errno;
	for (i = 0; i < loop->num_streams; i++) {
		struct epoll_event event = {.events = EPOLLIN};

		if (epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, plx_rxq_irq_fd(loop->streams[i].rxq),
			      &event))
			return -errno;
	}
	return 0;
}

static void unwatch(struct loop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
}

/* Free what has been sent, arm all queues, and sleep unless one has packets already. */
static void sleep_until_packets(struct loop *loop)
{
	struct epoll_event event;
	bool ready = false;
	unsigned int i;

	flush_all(loop);
	for (i = 0; i < loop->num_streams; i++) {
		plx_tx_burst(loop->streams[i].txq, NULL, 0);
		ready |= plx_rxq_irq_arm(loop->streams[i].rxq) > 0;
	}
	if (!ready && !loop->app->stop)
		epoll_wait(loop->epoll_fd, &event, 1, SLEEP_MS);
	for (i = 0; i < loop->num_streams; i++)
		plx_rxq_irq_disarm(loop->streams[i].rxq);
}

/* --- Loops ---------------------------------------------------------------------------------- */

/* Stand still while the main lcore does something to the ports. */
static void stand_still(struct loop *loop)
{
	struct app *app = loop->app;

	flush_all(loop);
	__atomic_add_fetch(&app->paused, 1, __ATOMIC_ACQ_REL);
	while (__atomic_load_n(&app->pause, __ATOMIC_ACQUIRE))
		plx_delay_us(100);
	__atomic_sub_fetch(&app->paused, 1, __ATOMIC_ACQ_REL);
}

/* What is not forwarding: the timers, and on the main lcore the application's control. */
static void look_up(struct loop *loop)
{
	struct app *app = loop->app;

	if (loop->control)
		loop->control(app);
	else if (__atomic_load_n(&app->pause, __ATOMIC_ACQUIRE))
		stand_still(loop);
	/* A port that was reset has new interrupt fds. */
	if (app->options.interrupt && loop->resets != app->resets) {
		unwatch(loop);
		app->failed |= watch(loop) != 0;
	}
}

static int loop_run(void *arg)
{
	struct loop *loop = arg;
	struct app *app = loop->app;
	const struct options *o = &app->options;
	const uint16_t burst = (uint16_t)o->burst;
	const bool update = !o->no_mac_updating, wait = o->drain_us > 0;
	const uint64_t drain = plx_ns_to_tsc(o->drain_us * UINT64_C(1000));
	const uint64_t control = plx_ns_to_tsc(CONTROL_US * UINT64_C(1000));
	const uint64_t patience = plx_ns_to_tsc(o->idle_us * UINT64_C(1000));
	uint64_t last_drain = plx_tsc(), last_control = last_drain, last_packet = last_drain;
	unsigned int idle = 0, i;

	while (!app->stop) {
		uint64_t now = plx_tsc();
		unsigned int n = 0;

		for (i = 0; i < loop->num_streams; i++) {
			struct stream *s = &loop->streams[i];

			n += o->cycles ? forward_measured(s, burst, update, wait)
				       : forward(s, burst, update, wait);
		}
		if (wait && now - last_drain > drain) {
			last_drain = now;
			flush_all(loop);
		}
		plx_lcore_turn(n);
		idle = n ? 0 : idle + 1;
		last_packet = n ? now : last_packet;
		if (loop->epoll_fd >= 0 && idle > IDLE_POLLS && now - last_packet >= patience) {
			sleep_until_packets(loop);
			plx_lcore_turn(0);
			idle = 0;
			/* What woke it gets the same patience again. */
			last_packet = plx_tsc();
		}
		if (now - last_control > control) {
			last_control = now;
			look_up(loop);
		}
	}
	flush_all(loop);
	return 0;
}

static int loop_init(struct loop *loop, struct app *app, unsigned int lcore)
{
	unsigned int i;

	*loop = (struct loop){.app = app, .lcore = lcore, .epoll_fd = -1};
	for (i = 0; i < app->num_streams; i++) {
		if (app->streams[i].lcore != lcore)
			continue;
		if (!loop->num_streams++)
			loop->streams = &app->streams[i];
	}
	return app->options.interrupt ? watch(loop) : 0;
}

void forward_pause(struct app *app)
{
	__atomic_store_n(&app->pause, 1, __ATOMIC_RELEASE);
	while (__atomic_load_n(&app->paused, __ATOMIC_ACQUIRE) < app->lcores - 1 && !app->stop)
		plx_delay_us(100);
}

void forward_resume(struct app *app)
{
	__atomic_store_n(&app->pause, 0, __ATOMIC_RELEASE);
}

void forward_run(struct app *app, void (*control)(struct app *app))
{
	static struct loop loops[PLX_LCORE_MAX];
	unsigned int main_lcore = plx_lcore_main(), id;

	PLX_LCORE_FOREACH_WORKER(id)
	{
		if (loop_init(&loops[id], app, id))
			app->failed = true;
		if (loops[id].num_streams)
			plx_lcore_launch(id, loop_run, &loops[id]);
	}
	if (loop_init(&loops[main_lcore], app, main_lcore))
		app->failed = true;
	loops[main_lcore].control = control;
	loop_run(&loops[main_lcore]);
	PLX_LCORE_FOREACH(id)
	{
		if (id != main_lcore)
			plx_lcore_wait(id, NULL);
		unwatch(&loops[id]);
	}
}
