/* SPDX-License-Identifier: BSD-3-Clause */
/* The capture itself: one lcore takes bursts from the port and hands them to the writer. */
#include "capture.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pollux/clock.h>
#include <pollux/lcore.h>

#define BURST	     32
#define LINK_WAIT_MS 5000
#define POOL_SPARE   8192 /* packets that wait for the namespace */
#define LOOK_UP_NS   UINT64_C(100000000)
#define NO_END	     UINT64_MAX

struct capture {
	const struct record_options *o;
	struct disk disk;
	struct writer *writer;
	struct plx_pktbuf_pool *pool;
	struct plx_port *port;
	struct plx_rxq *rxq;
	uint64_t lost;	 /* before the writer, as of the last look */
	uint64_t stalls; /* turns in which the namespace was not ready */
};

static uint64_t realtime_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* --- Opening --------------------------------------------------------------------------------- */

/* A record starts in the headroom, and ends on a block: the buffer must reach so far. */
static uint16_t data_size(uint32_t block_size)
{
	uint32_t len = (uint32_t)sizeof(struct record) + PLX_MTU_DEFAULT + PLX_ETH_OVERHEAD;

	len = (len + block_size - 1) / block_size * block_size;
	return (uint16_t)(len < PLX_PKTBUF_DATA ? PLX_PKTBUF_DATA : len);
}

static int open_port(struct capture *c)
{
	struct plx_pktbuf_pool_config pool = {
		.name = "capture",
		.count = POOL_SPARE + c->o->descs,
		.data_size = data_size(c->disk.block_size),
	};
	struct plx_port_config config = {
		.rx_descs = (uint16_t)c->o->descs,
		.promisc = c->o->promisc,
	};
	int err;

	c->pool = plx_pktbuf_pool_open(&pool);
	if (!c->pool)
		return -errno;
	config.pool = c->pool;
	c->port = plx_port_open(c->o->port, &config);
	if (!c->port)
		return -errno;
	err = plx_port_start(c->port);
	if (err)
		return err;
	if (plx_port_link_wait(c->port, LINK_WAIT_MS))
		fprintf(stderr, "plx-capture: %s: no link yet\n", c->o->port);
	c->rxq = plx_port_rxq(c->port, 0);
	return 0;
}

static int open_all(struct capture *c)
{
	int err = disk_open(&c->disk, c->o->disk, c->o->nsid);

	if (!err)
		err = open_port(c);
	if (err)
		return err;
	c->disk.sgl = c->disk.sgl && !c->o->prp;
	c->writer = writer_open(&c->disk, c->o->port);
	return c->writer ? 0 : -EIO;
}

/* Packets in flight come back before their pool goes. */
static int close_all(struct capture *c)
{
	plx_port_close(c->port);
	disk_close(&c->disk);
	return c->pool ? plx_pktbuf_pool_close(c->pool) : 0;
}

/* --- Running --------------------------------------------------------------------------------- */

/* Every packet that arrived and was not put: by the device, and for lack of buffers. */
static uint64_t lost_before(struct capture *c)
{
	struct plx_port_stats s;

	plx_port_stats(c->port, &s);
	return s.rx_missed + s.rx.dropped + s.rx.errors + s.rx_errors;
}

/* "acknowledged N": whatever happens from here on, the first N packets are readable. */
static void progress(const struct capture *c)
{
	const struct writer_stats *s = writer_stats(c->writer);

	if (c->o->progress) {
		printf("acknowledged %" PRIu64 " packets, %" PRIu64 " dropped\n", s->acknowledged,
		       c->lost + s->full + s->failed + s->unwritable);
		fflush(stdout);
	}
}

static void take_burst(struct capture *c)
{
	struct plx_pktbuf *pkts[BURST];
	uint16_t n, i;
	uint64_t now;

	if (plx_unlikely(!writer_ready(c->writer))) {
		c->stalls++;
		plx_lcore_turn(1);
		return;
	}
	n = plx_rx_burst(c->rxq, pkts, BURST);
	plx_lcore_turn(n);
	if (!n)
		return;
	now = realtime_ns();
	for (i = 0; i < n; i++)
		writer_put(c->writer, pkts[i], now, c->lost);
	writer_push(c->writer);
}

static bool is_over(struct capture *c, uint64_t end_ns)
{
	const struct writer_stats *s = writer_stats(c->writer);

	return stopping || (c->o->count && s->packets >= c->o->count) ||
	       writer_is_full(c->writer) || plx_clock_ns() >= end_ns ||
	       plx_port_events(c->port) & (PLX_PORT_EVENT_BROKEN | PLX_PORT_EVENT_REMOVE);
}

static int run(struct capture *c)
{
	const uint64_t look_up = plx_ns_to_tsc(LOOK_UP_NS);
	uint64_t start = plx_clock_ns(), last = plx_tsc(), looks = 0, end = NO_END;
	int err = 0;

	if (c->o->duration > 0)
		end = start + (uint64_t)(c->o->duration * 1e9);
	while (!err) {
		take_burst(c);
		err = writer_poll(c->writer);
		if (plx_likely(plx_tsc() - last < look_up) &&
		    !(c->o->count && writer_stats(c->writer)->packets >= c->o->count))
			continue;
		last = plx_tsc();
		c->lost = lost_before(c);
		if (++looks % 10 == 0)
			progress(c);
		if (is_over(c, end))
			break;
	}
	return err;
}

static void report(const struct capture *c, const struct writer_stats *s, double seconds)
{
	printf("captured %" PRIu64 " packets, %" PRIu64
	       " bytes in %.2f s (%.0f packets/s) by %" PRIu64 " commands; acknowledged %" PRIu64
	       "\n"
	       "dropped %" PRIu64 ": %" PRIu64 " by the port, %" PRIu64
	       " for lack of room, %" PRIu64 " by failed commands, %" PRIu64
	       " unwritable; the namespace held up %" PRIu64 " turns\n",
	       s->packets, s->bytes, seconds, (double)s->packets / seconds, s->chunks,
	       s->acknowledged, c->lost + s->full + s->failed + s->unwritable, c->lost, s->full,
	       s->failed, s->unwritable, c->stalls);
}

static int capture(struct capture *c)
{
	struct writer_stats stats;
	uint64_t start;
	int err = open_all(c), closed;

	if (err)
		return err;
	printf("capturing %s to %s, %s\n", c->o->port, c->o->disk,
	       c->disk.sgl ? "many packets a command (SGL)" : "one packet a command (PRP)");
	fflush(stdout);
	start = plx_clock_ns();
	err = run(c);
	c->lost = lost_before(c);
	plx_port_stop(c->port);
	closed = writer_close(c->writer, c->lost, &stats);
	report(c, &stats, (double)(plx_clock_ns() - start) / 1e9);
	err = err ? err : closed;
	if (err)
		fprintf(stderr, "plx-capture: %s: %s; what was acknowledged is there\n", c->o->disk,
			strerror(-err));
	return err ? err : stats.failed ? -EIO : 0;
}

int record_run(const struct record_options *o)
{
	struct capture c = {.o = o};
	int err;

	if (plx_eal_init(&o->eal))
		return EXIT_FAILURE;
	err = capture(&c);
	if (close_all(&c))
		err = -EBUSY;
	if (fflush(stdout) || ferror(stdout))
		err = -EIO;
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
