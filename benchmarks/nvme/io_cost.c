/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What does an I/O cost in the driver? Batches of requests are submitted in one burst and, when the
 * controller has done them, reaped in one burst; counted are the TSC ticks of these two calls. In
 * the instruction-count VM (1 tick = 1 guest instruction) that is instructions per I/O. What the
 * application does to fill in its requests is not counted, nor is the reading of the clock. Called
 * by icount.bench.
 */
#include <argp.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/mem.h>
#include <pollux/nvme.h>

#define BATCH_MAX  1024
#define TIMEOUT_NS UINT64_C(60000000000)

struct options {
	struct plx_eal_config eal;
	const char *bdf;
	unsigned int batch, bytes, batches, wait_us;
	bool write;
};

struct result {
	uint64_t submit_ticks, complete_ticks, ios, submits, reaps;
};

struct bench {
	struct options options;
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ns *ns;
	struct plx_nvme_qpair *qp;
	char *memory;
	struct plx_nvme_req *requests, *reqs[BATCH_MAX];
};

static void fill(struct bench *b, unsigned int round)
{
	const struct options *o = &b->options;
	uint32_t block = plx_nvme_ns_info(b->ns)->block_size, blocks = o->bytes / block;
	unsigned int i;

	for (i = 0; i < o->batch; i++) {
		plx_iova_t iova = plx_iova(b->memory + (size_t)i * o->bytes);
		uint64_t lba = ((uint64_t)round % 64 * o->batch + i) * blocks;

		if (o->write)
			plx_nvme_write(b->reqs[i], b->ns, lba, blocks, iova);
		else
			plx_nvme_read(b->reqs[i], b->ns, lba, blocks, iova);
	}
}

/* Reap all of a batch; looks that find nothing are not counted. */
static int complete(struct bench *b, struct result *r)
{
	uint64_t give_up = plx_clock_ns() + TIMEOUT_NS;
	unsigned int done = 0, n, i;

	while (done < b->options.batch) {
		uint64_t start = plx_tsc(), end;

		n = plx_nvme_qpair_reap(b->qp, b->reqs + done, b->options.batch - done);
		end = plx_tsc();
		if (n == 0) {
			if (plx_clock_ns() > give_up)
				return -ETIMEDOUT;
			continue;
		}
		r->complete_ticks += end - start;
		r->reaps++;
		done += n;
	}
	for (i = 0; i < done; i++)
		if (b->reqs[i]->status)
			return -EIO;
	return 0;
}

/* Ticks between two readings of the clock with nothing in between. */
static uint64_t clock_cost(void)
{
	uint64_t least = UINT64_MAX;
	unsigned int i;

	for (i = 0; i < 1000; i++) {
		uint64_t start = plx_tsc(), ticks = plx_tsc() - start;

		if (ticks < least)
			least = ticks;
	}
	return least;
}

static int run(struct bench *b, unsigned int batches, struct result *r)
{
	unsigned int round;
	int err = 0, ret;

	for (round = 0; round < batches && !err; round++) {
		uint64_t start;

		fill(b, round);
		start = plx_tsc();
		ret = plx_nvme_qpair_submit(b->qp, b->reqs, b->options.batch);
		r->submit_ticks += plx_tsc() - start;
		r->submits++;
		if (ret != (int)b->options.batch)
			return ret < 0 ? ret : -EAGAIN;
		/* Until the controller is done, most likely: a batch is to be reaped at once. */
		plx_delay_us(b->options.wait_us);
		err = complete(b, r);
		r->ios += b->options.batch;
	}
	return err;
}

static int open_all(struct bench *b)
{
	const struct options *o = &b->options;
	struct plx_nvme_qpair_config config = {
		.depth = o->batch + 1, .max_transfer = o->bytes, .prp_lists = o->batch};
	unsigned int i;

	b->ctrl = plx_nvme_ctrl_open(o->bdf, NULL);
	b->ns = b->ctrl ? plx_nvme_ns_open(b->ctrl, plx_nvme_ns_next(b->ctrl, 0)) : NULL;
	b->qp = b->ns ? plx_nvme_qpair_open(b->ctrl, &config) : NULL;
	b->memory = b->qp ? plx_dma_zalloc((size_t)o->batch * o->bytes, 4096, PLX_NODE_ANY) : NULL;
	if (!b->memory)
		return -errno;
	b->requests = aligned_alloc(PLX_CACHE_LINE, o->batch * sizeof(*b->requests));
	if (!b->requests)
		return -ENOMEM;
	memset(b->requests, 0, o->batch * sizeof(*b->requests));
	for (i = 0; i < o->batch; i++)
		b->reqs[i] = &b->requests[i];
	return 0;
}

static int measure(struct bench *b, struct result *r)
{
	struct result warm_up = {0};
	int err = open_all(b);

	if (!err)
		err = run(b, b->options.batches / 10 + 1, &warm_up);
	if (!err)
		err = run(b, b->options.batches, r);
	r->submit_ticks -= r->submits * clock_cost();
	r->complete_ticks -= r->reaps * clock_cost();
	plx_nvme_ctrl_close(b->ctrl);
	plx_dma_free(b->memory);
	free(b->requests);
	return err;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;
	size_t bytes;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &o->eal;
		return 0;
	case 'q':
		o->batch = (unsigned int)strtoul(arg, NULL, 10);
		return 0;
	case 'n':
		o->batches = (unsigned int)strtoul(arg, NULL, 10);
		return 0;
	case 'b':
		if (plx_parse_size(arg, &bytes) || bytes > 1u << 21)
			argp_usage(state);
		o->bytes = (unsigned int)bytes;
		return 0;
	case 'd':
		o->wait_us = (unsigned int)strtoul(arg, NULL, 10);
		return 0;
	case 'w':
		o->write = true;
		return 0;
	case ARGP_KEY_ARG:
		o->bdf = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->bdf || o->batch < 1 || o->batch > BATCH_MAX || !o->batches || !o->bytes)
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"batch", 'q', "N", 0, "I/Os per burst (32)", 0},
		{"batches", 'n', "N", 0, "Bursts (2000)", 0},
		{"bs", 'b', "BYTES", 0, "Bytes of each I/O (4096)", 0},
		{"wait", 'd', "US", 0, "Between submission and completion (200)", 0},
		{"write", 'w', NULL, 0, "Write; this destroys data", 0},
		{0}};
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.args_doc = "BDF",
		.doc = "Instructions (or TSC ticks) per I/O in the driver; "
		       "one JSON object.",
		.children = children};
	struct bench b = {.options = {.batch = 32, .batches = 2000, .bytes = 4096, .wait_us = 200}};
	struct result r = {0};
	int err;

	argp_parse(&argp, argc, argv, 0, NULL, &b.options);
	if (plx_eal_init(&b.options.eal))
		return EXIT_FAILURE;
	err = measure(&b, &r);
	if (err)
		fprintf(stderr, "io_cost: %s\n", strerror(-err));
	else
		printf("{\"ns_per_io\": %.2f, \"submit\": %.2f, \"complete\": %.2f, \"ios\": "
		       "%" PRIu64 ", \"ios_per_reap\": %.1f}\n",
		       (double)plx_tsc_to_ns(r.submit_ticks + r.complete_ticks) / (double)r.ios,
		       (double)plx_tsc_to_ns(r.submit_ticks) / (double)r.ios,
		       (double)plx_tsc_to_ns(r.complete_ticks) / (double)r.ios, r.ios,
		       (double)r.ios / (double)r.reaps);
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
