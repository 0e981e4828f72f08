/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme perf: keep queue pairs full, or feed them at a rate, for some time and measure. One or
 * more controllers, queue pairs and lcores: this file sets up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "perf.h"

#define PAGE 4096u

/* --- Set-up --------------------------------------------------------------------------------- */

static int alloc_requests(struct perf_queue *q)
{
	const struct perf_options *o = &q->perf->options;
	size_t stride = ((size_t)o->block_bytes + PAGE - 1) / PAGE * PAGE;
	unsigned int i;

	q->ios = aligned_alloc(PLX_CACHE_LINE, o->depth * sizeof(*q->ios));
	q->idle = calloc(o->depth, sizeof(struct plx_nvme_req *));
	q->memory = plx_dma_zalloc(stride * o->depth, PAGE, PLX_NODE_ANY);
	if (!q->ios || !q->idle || !q->memory || latency_init(&q->reads) ||
	    latency_init(&q->writes)) {
		target_error(q->target, "no memory for %u requests of %u bytes", o->depth,
			     o->block_bytes);
		return EXIT_FAILURE;
	}
	memset(q->ios, 0, o->depth * sizeof(*q->ios));
	for (i = 0; i < o->depth; i++) {
		plx_nvme_read(&q->ios[i].req, q->target->ns, 0, q->blocks,
			      plx_iova(q->memory + i * stride));
		q->idle[i] = &q->ios[i].req;
	}
	q->n_idle = o->depth;
	return EXIT_SUCCESS;
}

/* What the options ask for against what the namespace is. Return: exit status. */
static int check_fit(struct perf_queue *q)
{
	const struct plx_nvme_ns_info *ns = q->target->ns_info;
	const struct perf_options *o = &q->perf->options;
	uint64_t blocks = o->size_bytes ? o->size_bytes / ns->block_size : ns->blocks;

	if (o->block_bytes % ns->block_size ||
	    o->block_bytes > (uint64_t)ns->max_blocks * ns->block_size) {
		target_error(
			q->target, "--bs %u: give a multiple of the block size, %u, up to %" PRIu64,
			o->block_bytes, ns->block_size, (uint64_t)ns->max_blocks * ns->block_size);
		return EXIT_USAGE;
	}
	q->blocks = o->block_bytes / ns->block_size;
	if (blocks > ns->blocks || blocks < q->blocks) {
		target_error(q->target, "--size: give one I/O to %" PRIu64 " bytes",
			     ns->blocks * ns->block_size);
		return EXIT_USAGE;
	}
	q->positions = blocks / q->blocks;
	return EXIT_SUCCESS;
}

static int open_qpair(struct perf_queue *q)
{
	const struct perf_options *o = &q->perf->options;
	struct plx_nvme_qpair_config config = {
		.depth = o->depth + 1,
		.max_transfer = o->block_bytes,
		.prp_lists = o->depth,
		.interrupt = o->interrupt || o->adaptive,
		.priority = o->priority,
	};
	struct plx_nvme_qpair_info info;

	q->qp = plx_nvme_qpair_open(q->target->ctrl, &config);
	if (!q->qp) {
		target_error(q->target, "no queue pair: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	plx_nvme_qpair_info(q->qp, &info);
	if (info.depth - 1 < o->depth) {
		target_error(q->target, "--qd %u: its queues hold %u", o->depth, info.depth - 1);
		return EXIT_USAGE;
	}
	q->sq_in_cmb = info.sq_in_cmb;
	if (o->adaptive)
		plx_nvme_qpair_mode_set(q->qp, PLX_NVME_MODE_ADAPTIVE);
	return EXIT_SUCCESS;
}

/* Queue pair number `index` of the target: sequential I/O of each begins in a part of its own. */
static int open_queue(struct perf *p, struct target *t, unsigned int index)
{
	const struct perf_options *o = &p->options;
	struct perf_queue *q = &p->queues[p->n_queues++];
	int status;

	q->perf = p;
	q->target = t;
	q->checks = index == 0;
	q->random_state = o->seed + (uint64_t)(q - p->queues) * UINT64_C(0xd1342543de82ef95);
	status = check_fit(q);
	if (status == EXIT_SUCCESS)
		status = open_qpair(q);
	if (status == EXIT_SUCCESS)
		status = alloc_requests(q);
	if (status == EXIT_SUCCESS)
		q->position = q->positions / o->queues * index;
	return status;
}

static void close_queue(struct perf_queue *q)
{
	/* The queue pair first: the controller may still write to the buffers. */
	plx_nvme_qpair_close(q->qp);
	plx_dma_free(q->memory);
	latency_fini(&q->reads);
	latency_fini(&q->writes);
	free(q->idle);
	free(q->ios);
}

static int open_queues(struct perf *p)
{
	size_t n = (size_t)p->n_targets * p->options.queues;
	unsigned int i, j;
	int status = EXIT_SUCCESS;

	p->queues = aligned_alloc(PLX_CACHE_LINE, n * sizeof(*p->queues));
	p->lcores = calloc(PLX_LCORE_MAX, sizeof(*p->lcores));
	if (!p->queues || !p->lcores) {
		target_error(&p->targets[0], "no memory for %zu queue pairs", n);
		return EXIT_FAILURE;
	}
	memset(p->queues, 0, n * sizeof(*p->queues));
	for (i = 0; i < p->options.queues && status == EXIT_SUCCESS; i++)
		for (j = 0; j < p->n_targets && status == EXIT_SUCCESS; j++)
			status = open_queue(p, &p->targets[j], i);
	return status;
}

/* Return: exit status. */
static int give_to_lcore(struct perf_lcore *l, struct perf_queue *q)
{
	const struct perf_options *o = &q->perf->options;

	if (l->n_queues && o->adaptive) {
		target_error(q->target, "--adaptive: give %u --lcores, there are %u",
			     q->perf->n_queues, plx_lcore_count());
		return EXIT_USAGE;
	}
	l->perf = q->perf;
	l->queues[l->n_queues++] = q;
	if (!o->interrupt)
		return EXIT_SUCCESS;
	if (!l->group)
		l->group = plx_nvme_group_open();
	if (l->group && plx_nvme_group_add(l->group, q->qp) == 0)
		return EXIT_SUCCESS;
	target_error(q->target, "no memory for a poll group");
	return EXIT_FAILURE;
}

/* Queue pairs to lcores, in turn, from the main one. Return: exit status. */
static int assign(struct perf *p)
{
	unsigned int id = plx_lcore_main(), i;
	int status = EXIT_SUCCESS;

	for (i = 0; i < p->n_queues && status == EXIT_SUCCESS; i++) {
		p->n_lcores += p->lcores[id].n_queues == 0;
		status = give_to_lcore(&p->lcores[id], &p->queues[i]);
		id = plx_lcore_next(id);
		if (id == PLX_LCORE_NONE)
			id = plx_lcore_next(id);
	}
	return status;
}

static void set_rate(struct perf *p)
{
	unsigned __int128 second = (unsigned __int128)plx_tsc_hz << PERF_RATE_SHIFT;
	unsigned int i;

	for (i = 0; i < p->n_queues && p->options.rate; i++)
		p->queues[i].interval = (uint64_t)(second * p->n_queues / p->options.rate);
}

static int measure(struct perf *p)
{
	unsigned int id;

	set_rate(p);
	p->end = plx_tsc() + p->options.seconds * plx_tsc_hz;
	PLX_LCORE_FOREACH_WORKER(id)
	if (p->lcores[id].n_queues && plx_lcore_launch(id, perf_loop, &p->lcores[id]))
		p->failed = 1;
	perf_loop(&p->lcores[plx_lcore_main()]);
	PLX_LCORE_FOREACH_WORKER(id)
	plx_lcore_wait(id, NULL);
	PLX_LCORE_FOREACH(id)
	{
		p->cpu_seconds += p->lcores[id].cpu_seconds;
		if (p->seconds < p->lcores[id].seconds)
			p->seconds = p->lcores[id].seconds;
	}
	return perf_report(p);
}

static int open_targets(struct perf *p)
{
	int status = EXIT_SUCCESS;
	unsigned int i;

	for (i = 0; i < p->n_targets && status == EXIT_SUCCESS; i++) {
		struct target *t = &p->targets[i];

		t->eal_is_up = i > 0;
		t->io_queues = p->options.queues;
		status = target_open(t);
		if (status == EXIT_SUCCESS)
			status = target_open_ns(t);
	}
	return status;
}

int perf_run(struct perf *p)
{
	int status = open_targets(p);
	unsigned int i;

	if (status == EXIT_SUCCESS)
		status = open_queues(p);
	if (status == EXIT_SUCCESS)
		status = assign(p);
	if (status == EXIT_SUCCESS)
		status = measure(p);
	for (i = 0; p->lcores && i < PLX_LCORE_MAX; i++)
		plx_nvme_group_close(p->lcores[i].group);
	for (i = 0; i < p->n_queues; i++)
		close_queue(&p->queues[i]);
	free(p->queues);
	free(p->lcores);
	for (i = p->n_targets; i-- > 0;)
		status = target_close(&p->targets[i], status);
	return status;
}
