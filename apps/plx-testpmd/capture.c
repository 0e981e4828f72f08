/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Captured packets, as a pcapng file (draft-ietf-opsawg-pcapng): one section, one interface per
 * port, each packet an Enhanced Packet Block that says whether it came or went, and on which queue.
 */
#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "testpmd.h"

#define BLOCK_SECTION	 0x0a0d0d0au
#define BLOCK_INTERFACE	 1u
#define BLOCK_PACKET	 6u
#define BYTE_ORDER_MARK	 0x1a2b3c4du
#define LINK_ETHERNET	 1
#define OPTION_END	 0
#define OPTION_IF_NAME	 2
#define OPTION_TSRESOL	 9
#define OPTION_EPB_FLAGS 2
#define OPTION_EPB_QUEUE 6
#define FLAG_INBOUND	 1u
#define FLAG_OUTBOUND	 2u
#define SNAP_LEN	 65536u
#define ALL_PORTS	 PORTS_MAX
#define ALL_QUEUES	 QUEUES_MAX

struct capture {
	FILE *file;
	pthread_mutex_t lock;
	unsigned int port;  /* ALL_PORTS: any */
	unsigned int queue; /* ALL_QUEUES: any */
	uint64_t packets;
	bool failed;
	uint8_t data[SNAP_LEN];
};

static void put(struct capture *c, const void *data, size_t len)
{
	static const uint8_t padding[4];
	size_t pad = -len & 3;

	if (fwrite(data, 1, len, c->file) != len || fwrite(padding, 1, pad, c->file) != pad)
		c->failed = true;
}

static void put32(struct capture *c, uint32_t value)
{
	put(c, &value, sizeof(value));
}

static void put_option(struct capture *c, uint16_t code, const void *data, uint16_t len)
{
	const uint16_t head[2] = {code, len};

	put(c, head, sizeof(head));
	put(c, data, len);
}

static uint32_t padded(size_t len)
{
	return (uint32_t)((len + 3) & ~(size_t)3);
}

static void put_section(struct capture *c)
{
	const uint32_t len = 28;

	put32(c, BLOCK_SECTION);
	put32(c, len);
	put32(c, BYTE_ORDER_MARK);
	put32(c, 1); /* version 1.0 */
	put32(c, UINT32_MAX);
	put32(c, UINT32_MAX);
	put32(c, len);
}

static void put_interface(struct capture *c, const char *name)
{
	const uint8_t nanoseconds = 9;
	const uint16_t name_len = (uint16_t)strlen(name);
	const uint32_t len = 16 + 4 + padded(name_len) + 8 + 4 + 4;

	put32(c, BLOCK_INTERFACE);
	put32(c, len);
	put32(c, LINK_ETHERNET);
	put32(c, SNAP_LEN);
	put_option(c, OPTION_IF_NAME, name, name_len);
	put_option(c, OPTION_TSRESOL, &nanoseconds, 1);
	put_option(c, OPTION_END, "", 0);
	put32(c, len);
}

static void put_packet(struct capture *c, unsigned int port, unsigned int queue,
		       const struct plx_pktbuf *p, uint64_t now, bool sent)
{
	const uint32_t got = p->pkt_len < SNAP_LEN ? p->pkt_len : SNAP_LEN;
	const uint32_t flags = sent ? FLAG_OUTBOUND : FLAG_INBOUND, number = queue;
	const uint32_t len = 28 + padded(got) + 8 + 8 + 4 + 4;

	if (plx_pktbuf_copy_out(p, 0, c->data, got))
		return;
	put32(c, BLOCK_PACKET);
	put32(c, len);
	put32(c, port);
	put32(c, (uint32_t)(now >> 32));
	put32(c, (uint32_t)now);
	put32(c, got);
	put32(c, p->pkt_len);
	put(c, c->data, got);
	put_option(c, OPTION_EPB_FLAGS, &flags, sizeof(flags));
	put_option(c, OPTION_EPB_QUEUE, &number, sizeof(number));
	put_option(c, OPTION_END, "", 0);
	put32(c, len);
	c->packets++;
}

void capture_packets(struct capture *c, unsigned int port, unsigned int queue,
		     struct plx_pktbuf *const *pkts, unsigned int n, bool sent)
{
	struct timespec ts;
	unsigned int i;

	if ((c->port != ALL_PORTS && c->port != port) ||
	    (c->queue != ALL_QUEUES && c->queue != queue))
		return;
	clock_gettime(CLOCK_REALTIME, &ts);
	pthread_mutex_lock(&c->lock);
	for (i = 0; i < n && !c->failed; i++)
		put_packet(c, port, queue, pkts[i],
			   (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec, sent);
	pthread_mutex_unlock(&c->lock);
}

int capture_start(struct app *app, unsigned int port, unsigned int queue, const char *path)
{
	struct capture *c;
	unsigned int i;

	if (app->capture)
		return -EBUSY;
	c = calloc(1, sizeof(*c));
	if (!c)
		return -ENOMEM;
	c->file = fopen(path, "we");
	if (!c->file) {
		int err = -errno;

		free(c);
		return err;
	}
	c->port = port;
	c->queue = queue;
	pthread_mutex_init(&c->lock, NULL);
	put_section(c);
	for (i = 0; i < PORTS_MAX; i++)
		put_interface(c, i < app->port_count ? app->ports[i].spec : "-");
	__atomic_store_n(&app->capture, c, __ATOMIC_RELEASE);
	return 0;
}

/* Only while no worker runs: one may be writing. */
int capture_stop(struct app *app)
{
	struct capture *c = app->capture;
	int err;

	if (!c)
		return -ENOENT;
	if (app->running) {
		printf("stop forwarding first\n");
		return -EBUSY;
	}
	app->capture = NULL;
	err = fclose(c->file) || c->failed ? -EIO : 0;
	printf("%llu packets captured%s\n", (unsigned long long)c->packets,
	       err ? "; the file is not complete (disk full?)" : "");
	pthread_mutex_destroy(&c->lock);
	free(c);
	return err;
}
