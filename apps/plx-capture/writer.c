/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From packets to commands. The header of a record goes into the headroom of its packet's buffer,
 * and the device fetches both from there: nothing is copied. Chunks are a ring in the order of
 * their blocks; a packet is acknowledged when its chunk and all before it have ended.
 */
#include "capture.h"

#include <endian.h>
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

#include <pollux/clock.h>

#define CHUNKS	      128u /* a power of two; fewer than the queue's depth */
#define CHUNK_PACKETS 32u
#define CHUNK_SGES    (CHUNK_PACKETS * 4 + 1) /* packets may be chains */

struct chunk {
	struct plx_nvme_cmd cmd;
	struct plx_nvme_sge sges[CHUNK_SGES];
	struct plx_pktbuf *packets[CHUNK_PACKETS];
	struct record *last; /* its `next` is still open */
	uint32_t packet_count;
	uint16_t sge_count;
	uint32_t bytes;
	uint32_t last_at; /* where it is in the chunk */
	bool ended;
};

struct writer {
	struct disk *disk;
	uint64_t session;
	uint64_t next_block;
	uint64_t sequence;
	uint64_t head, tail; /* of the ring: [tail, head) are in flight, head is being filled */
	bool full;
	void *zeroes; /* a block, to fill up the last of a chunk */
	struct writer_stats stats;
	struct chunk chunks[CHUNKS];
};

static struct chunk *chunk_at(struct writer *w, uint64_t index)
{
	return &w->chunks[index % CHUNKS];
}

static uint32_t round_up(uint32_t n, uint32_t to)
{
	return (n + to - 1) & ~(to - 1);
}

/* --- Completion ------------------------------------------------------------------------------ */

static void on_done(struct plx_nvme_req *req)
{
	struct chunk *c = req->arg;

	c->ended = true;
}

static void retire(struct writer *w, struct chunk *c)
{
	if (c->cmd.req.status)
		w->stats.failed += c->packet_count;
	else if (!w->stats.failed)
		w->stats.acknowledged += c->packet_count;
	plx_pktbuf_free_burst(c->packets, (uint16_t)c->packet_count);
	c->packet_count = 0;
	c->bytes = 0;
	c->sge_count = 0;
	c->ended = false;
}

int writer_poll(struct writer *w)
{
	plx_nvme_qpair_poll(w->disk->qp, 0);
	while (w->tail != w->head && chunk_at(w, w->tail)->ended)
		retire(w, chunk_at(w, w->tail++));
	switch (plx_nvme_ctrl_state(w->disk->ctrl)) {
	case PLX_NVME_READY:
		return 0;
	case PLX_NVME_GONE:
		return -ENODEV;
	case PLX_NVME_BROKEN:
		break;
	}
	return -EIO;
}

/* --- Filling --------------------------------------------------------------------------------- */

bool writer_ready(const struct writer *w)
{
	/* A burst of 32 takes up to 32 chunks where a chunk is one packet. */
	return w->head - w->tail + CHUNK_PACKETS < CHUNKS;
}

bool writer_is_full(const struct writer *w)
{
	return w->full;
}

const struct writer_stats *writer_stats(const struct writer *w)
{
	return &w->stats;
}

static void add_sge(struct chunk *c, plx_iova_t iova, uint32_t len)
{
	c->sges[c->sge_count++] = (struct plx_nvme_sge){.iova = iova, .len = len};
	c->bytes += len;
}

/* Header and data of the first buffer are one piece; further buffers of a chain follow. */
static void add_packet(struct chunk *c, struct plx_pktbuf *p)
{
	const struct plx_pktbuf *s;

	add_sge(c, plx_pktbuf_iova(p) - sizeof(struct record),
		round_up((uint32_t)sizeof(struct record) + p->len, 4));
	for (s = p->next; s; s = s->next)
		add_sge(c, plx_pktbuf_iova(s), round_up(s->len, 4));
	c->packets[c->packet_count++] = p;
}

void writer_push(struct writer *w)
{
	struct chunk *c = chunk_at(w, w->head);
	struct plx_nvme_cmd *cmd = &c->cmd, *cmds[] = {cmd};
	const uint32_t block_size = w->disk->block_size, len = round_up(c->bytes, block_size);
	int ret;

	if (!c->bytes)
		return;
	record_seal(c->last);
	if (w->disk->sgl && len > c->bytes)
		c->sges[c->sge_count++] =
			(struct plx_nvme_sge){.iova = plx_iova(w->zeroes), .len = len - c->bytes};
	plx_nvme_cmd_range(cmd, PLX_NVME_WRITE, w->disk->ns, w->next_block, len / block_size, 0);
	cmd->len = len;
	if (w->disk->sgl) {
		cmd->sgl = c->sges;
		cmd->sges = c->sge_count;
	} else {
		/* What is behind the packet in its own buffer fills up the block. */
		cmd->iova = c->sges[0].iova;
	}
	w->next_block += len / block_size;
	w->stats.chunks++;
	w->head++;
	while ((ret = plx_nvme_qpair_submit_cmds(w->disk->qp, cmds, 1)) == -EAGAIN)
		if (writer_poll(w))
			break;
	/* A command that was refused has failed, and counts as such. */
	if (ret != 1) {
		cmd->req.status = PLX_NVME_ABORTED;
		c->ended = true;
	}
}

/* Must the open chunk go first? */
static bool overflows(const struct writer *w, const struct chunk *c, const struct plx_pktbuf *p)
{
	uint32_t needed = c->bytes + (uint32_t)sizeof(struct record) + p->pkt_len + 4 * p->nsegs;

	return c->packet_count && (!w->disk->sgl || c->packet_count == CHUNK_PACKETS ||
				   c->sge_count + p->nsegs + 1u > CHUNK_SGES ||
				   needed + w->disk->block_size > w->disk->max_transfer);
}

/* Without SGLs a command takes one buffer, and what fills up the block must be in it, too. */
static bool fits_its_buffer(const struct disk *disk, const struct plx_pktbuf *p)
{
	uint32_t len = (uint32_t)sizeof(struct record) + p->len;

	return !p->next && round_up(len, disk->block_size) - sizeof(struct record) <=
				   (uint32_t)p->buf_len - p->data_off;
}

/* Pieces are multiples of 4: bytes that fill one up may be behind the packet, and not inside. */
static bool is_joined(const struct plx_pktbuf *p)
{
	for (; p->next; p = p->next)
		if (p->len % 4)
			return false;
	return true;
}

bool writer_takes(const struct disk *disk, const struct plx_pktbuf *p)
{
	uint32_t len = (uint32_t)sizeof(struct record) + p->pkt_len + 4 * p->nsegs;

	return p->pkt_len <= PACKET_MAX && len + disk->block_size <= disk->max_transfer &&
	       p->nsegs < CHUNK_SGES && (disk->sgl ? is_joined(p) : fits_its_buffer(disk, p));
}

/* Does it fit the namespace, with a last record behind it? */
static bool fits(const struct writer *w, uint32_t bytes)
{
	uint64_t blocks = (bytes + w->disk->block_size - 1) / w->disk->block_size;

	return w->next_block + blocks + 1 <= w->disk->blocks;
}

static void fill_record(struct writer *w, struct record *r, uint64_t time_ns, uint64_t dropped,
			uint32_t length)
{
	*r = (struct record){
		.magic = htole32(RECORD_MAGIC),
		.session = htole64(w->session),
		.block = htole64(w->next_block),
		.sequence = htole64(w->sequence++),
		.time_ns = htole64(time_ns),
		.dropped = htole64(dropped),
		.length = htole32(length),
	};
}

void writer_put(struct writer *w, struct plx_pktbuf *p, uint64_t time_ns, uint64_t dropped)
{
	struct chunk *c = chunk_at(w, w->head);
	struct record *r;

	if (overflows(w, c, p)) {
		writer_push(w);
		c = chunk_at(w, w->head);
	}
	if (!writer_takes(w->disk, p)) {
		w->stats.unwritable++;
		plx_pktbuf_free(p);
		return;
	}
	if (w->full || !fits(w, c->bytes + (uint32_t)sizeof(*r) + p->pkt_len + 4 * p->nsegs)) {
		w->full = true;
		w->stats.full++;
		plx_pktbuf_free(p);
		return;
	}
	/* The record before leads to this one, and is whole by that. */
	if (c->packet_count) {
		c->last->next = htole32(c->bytes - c->last_at);
		record_seal(c->last);
	}
	c->last_at = c->bytes;
	r = (struct record *)((char *)plx_pktbuf_data(p) - sizeof(*r));
	fill_record(w, r, time_ns, dropped, p->pkt_len);
	c->last = r;
	add_packet(c, p);
	w->stats.packets++;
	w->stats.bytes += p->pkt_len;
}

/* --- Life ------------------------------------------------------------------------------------ */

static uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_REALTIME, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

static int write_superblock(struct writer *w, const char *interface)
{
	struct superblock *sb = w->zeroes;
	int err;

	*sb = (struct superblock){
		.magic = htole32(SUPERBLOCK_MAGIC),
		.version = htole32(FORMAT_VERSION),
		.session = htole64(w->session),
		.start_ns = htole64(now_ns()),
		.first = htole64(1),
		.window = htole64((uint64_t)CHUNKS * w->disk->max_transfer / w->disk->block_size),
		.block_size = htole32(w->disk->block_size),
	};
	snprintf(sb->interface, sizeof(sb->interface), "%s", interface);
	superblock_seal(sb);
	err = disk_wait(w->disk, PLX_NVME_WRITE, 0, 1, sb);
	if (!err)
		err = disk_wait(w->disk, PLX_NVME_FLUSH, 0, 0, NULL);
	memset(sb, 0, sizeof(*sb));
	return err;
}

struct writer *writer_open(struct disk *disk, const char *interface)
{
	struct writer *w = aligned_alloc(PLX_CACHE_LINE, round_up(sizeof(*w), PLX_CACHE_LINE));
	unsigned int i;
	int err = -ENOMEM;

	if (!w)
		return NULL;
	memset(w, 0, sizeof(*w));
	w->disk = disk;
	w->next_block = 1;
	w->zeroes = plx_dma_zalloc(disk->block_size, disk->block_size, PLX_NODE_ANY);
	for (i = 0; i < CHUNKS; i++) {
		w->chunks[i].cmd.req.done = on_done;
		w->chunks[i].cmd.req.arg = &w->chunks[i];
	}
	if (w->zeroes && getrandom(&w->session, sizeof(w->session), 0) == sizeof(w->session))
		err = write_superblock(w, interface);
	if (!err)
		return w;
	fprintf(stderr, "plx-capture: the superblock cannot be written: %s\n", strerror(-err));
	plx_dma_free(w->zeroes);
	free(w);
	return NULL;
}

/* The last record is a block of its own. */
static int write_end(struct writer *w, uint64_t dropped)
{
	struct record *r = w->zeroes;

	fill_record(w, r, now_ns(), dropped, 0);
	r->flags = htole16(RECORD_FLAG_END);
	record_seal(r);
	return disk_wait(w->disk, PLX_NVME_WRITE, w->next_block, 1, r);
}

/* What is in flight on a controller that is of no use ends with its queue pair. */
static void give_up(struct writer *w)
{
	plx_nvme_qpair_close(w->disk->qp);
	w->disk->qp = NULL;
	while (w->tail != w->head)
		retire(w, chunk_at(w, w->tail++));
}

int writer_close(struct writer *w, uint64_t dropped, struct writer_stats *stats)
{
	int err = 0;

	writer_push(w);
	while (w->tail != w->head && !err)
		err = writer_poll(w);
	dropped += w->stats.full + w->stats.failed + w->stats.unwritable;
	if (!err && w->next_block < w->disk->blocks)
		err = write_end(w, dropped);
	if (!err)
		err = disk_wait(w->disk, PLX_NVME_FLUSH, 0, 0, NULL);
	if (err)
		give_up(w);
	*stats = w->stats;
	plx_dma_free(w->zeroes);
	free(w);
	return err;
}
