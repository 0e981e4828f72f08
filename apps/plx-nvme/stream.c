/* SPDX-License-Identifier: BSD-3-Clause */
/* Ranges of blocks through a ring of buffers; see stream.h. */
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "stream.h"

#define PAGE	4096u
#define WAIT_MS 100

/* --- Open and close ------------------------------------------------------------------------- */

static int alloc_buffers(struct stream *s, uint32_t offset)
{
	size_t bytes = (size_t)s->chunk_blocks * s->target->ns_info->block_size;
	size_t stride = (bytes + offset + PAGE - 1) / PAGE * PAGE;
	unsigned int i;

	s->slots = aligned_alloc(PLX_CACHE_LINE, s->depth * sizeof(*s->slots));
	s->memory = plx_dma_alloc(stride * s->depth, PAGE, PLX_NODE_ANY);
	if (!s->slots || !s->memory)
		return -ENOMEM;
	memset(s->slots, 0, s->depth * sizeof(*s->slots));
	for (i = 0; i < s->depth; i++)
		s->slots[i].buf = s->memory + i * stride + offset;
	return 0;
}

int stream_open(struct stream *s, struct target *t, const struct stream_config *config)
{
	struct plx_nvme_qpair_config qp_config = {
		.depth = config->depth + 1,
		.interrupt = config->interrupt,
	};
	struct plx_nvme_qpair_info info;
	int err;

	*s = (struct stream){.target = t, .depth = config->depth, .interrupt = config->interrupt};
	s->chunk_blocks = t->ns_info->max_blocks;
	if (config->chunk_bytes)
		s->chunk_blocks = config->chunk_bytes / t->ns_info->block_size;
	qp_config.max_transfer = s->chunk_blocks * t->ns_info->block_size;
	qp_config.prp_lists = config->depth;
	s->qp = plx_nvme_qpair_open(t->ctrl, &qp_config);
	err = s->qp ? alloc_buffers(s, config->buffer_offset) : -errno;
	if (err) {
		target_error(t, "no queue pair or buffers for %u transfers in flight: %s",
			     config->depth, strerror(-err));
		stream_close(s);
		return err;
	}
	/* A controller may not have queues so deep. */
	plx_nvme_qpair_info(s->qp, &info);
	if (s->depth > info.depth - 1)
		s->depth = info.depth - 1;
	return 0;
}

void stream_close(struct stream *s)
{
	/* The queue first: the controller may still write to the buffers. */
	plx_nvme_qpair_close(s->qp);
	plx_dma_free(s->memory);
	free(s->slots);
}

/* --- Running -------------------------------------------------------------------------------- */

static int submit(struct stream *s, struct plx_nvme_req *req)
{
	struct plx_nvme_req *reqs[] = {req};
	int ret = plx_nvme_qpair_submit(s->qp, reqs, 1);

	if (ret < 0)
		target_error(s->target, "cannot submit at block %" PRIu64 ": %s", req->lba,
			     strerror(-ret));
	return ret < 0 ? ret : 0;
}

static int wait_some(struct stream *s)
{
	int ret = 0;

	if (plx_nvme_qpair_poll(s->qp, 0))
		return 0;
	if (s->interrupt)
		ret = plx_nvme_qpair_wait(s->qp, WAIT_MS);
	else
		plx_pause();
	if (ret < 0 && ret != -EINTR)
		return ret;
	return target_check(s->target);
}

/* Until the request has ended. Return: 0 or an errno, told. */
static int await(struct stream *s, struct plx_nvme_req *req)
{
	int err = 0;

	while (plx_nvme_in_flight(req) && !err)
		err = wait_some(s);
	if (err) {
		target_error(s->target, "block %" PRIu64 ": %s", req->lba, strerror(-err));
		return err;
	}
	if (!req->status)
		return 0;
	target_error(s->target, "block %" PRIu64 ", %u blocks: %s", req->lba, req->blocks,
		     plx_nvme_status_str(req->status));
	return plx_nvme_status_errno(req->status);
}

/* Everything that is in flight; their results do not matter any more. */
static void drain(struct stream *s)
{
	while (plx_nvme_qpair_in_flight(s->qp) && wait_some(s) == 0)
		;
}

struct range {
	uint64_t lba, blocks;
	stream_fn fn;
	void *arg;
	uint8_t opcode;
};

static void fill_req(struct stream *s, struct stream_slot *slot, const struct range *r,
		     uint64_t done)
{
	uint64_t left = r->blocks - done;

	plx_nvme_read(&slot->req, s->target->ns, r->lba + done,
		      left < s->chunk_blocks ? (uint32_t)left : s->chunk_blocks,
		      plx_iova(slot->buf));
	slot->req.opcode = r->opcode;
}

static int start_chunk(struct stream *s, struct stream_slot *slot, const struct range *r,
		       uint64_t done)
{
	int err = 0;

	fill_req(s, slot, r, done);
	if (r->opcode == PLX_NVME_WRITE)
		err = r->fn(r->arg, slot->buf, slot->req.lba, slot->req.blocks);
	return err ? err : submit(s, &slot->req);
}

static int end_chunk(struct stream *s, struct stream_slot *slot, const struct range *r)
{
	int err = await(s, &slot->req);

	if (!err && r->opcode == PLX_NVME_READ)
		err = r->fn(r->arg, slot->buf, slot->req.lba, slot->req.blocks);
	return err;
}

/* Chunks started and ended are counted; so many of them are in flight, at most depth. */
static int run(struct stream *s, const struct range *r)
{
	uint64_t chunks = (r->blocks + s->chunk_blocks - 1) / s->chunk_blocks;
	uint64_t started = 0, ended = 0;
	int err = 0;

	while (ended < chunks && !err) {
		if (app_stop)
			err = -EINTR;
		else if (started < chunks && started - ended < s->depth) {
			err = start_chunk(s, &s->slots[started % s->depth], r,
					  started * s->chunk_blocks);
			started++;
		} else {
			err = end_chunk(s, &s->slots[ended % s->depth], r);
			ended++;
		}
	}
	drain(s);
	return err;
}

int stream_write(struct stream *s, uint64_t lba, uint64_t blocks, stream_fn produce, void *arg)
{
	struct range r = {lba, blocks, produce, arg, PLX_NVME_WRITE};

	return run(s, &r);
}

int stream_read(struct stream *s, uint64_t lba, uint64_t blocks, stream_fn consume, void *arg)
{
	struct range r = {lba, blocks, consume, arg, PLX_NVME_READ};

	return run(s, &r);
}

int stream_flush(struct stream *s)
{
	struct plx_nvme_req *req = &s->slots[0].req;
	int err;

	plx_nvme_flush(req, s->target->ns);
	err = submit(s, req);
	return err ? err : await(s, req);
}
