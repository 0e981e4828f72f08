/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme perf: keep queue pairs full, or feed them at a rate, for some time and measure. One or
 * more controllers, queue pairs and lcores: this file reads the command line and sets up.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>
#include <pollux/pci.h>

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
		.interrupt = o->interrupt,
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

/* Queue pairs to lcores, in turn, from the main one. Return: exit status. */
static int assign(struct perf *p)
{
	unsigned int id = plx_lcore_main(), i;

	for (i = 0; i < p->n_queues; i++) {
		struct perf_lcore *l = &p->lcores[id];

		p->n_lcores += l->n_queues == 0;
		if (l->n_queues && p->options.interrupt) {
			target_error(&p->targets[0],
				     "--interrupt: an lcore sleeps on one queue pair: give %u "
				     "--lcores, there are %u",
				     p->n_queues, plx_lcore_count());
			return EXIT_USAGE;
		}
		l->perf = p;
		l->queues[l->n_queues++] = &p->queues[i];
		id = plx_lcore_next(id);
		if (id == PLX_LCORE_NONE)
			id = plx_lcore_next(id);
	}
	return EXIT_SUCCESS;
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
		t->shadow_doorbells = p->targets[0].shadow_doorbells;
		status = target_open(t);
		if (status == EXIT_SUCCESS)
			status = target_open_ns(t);
	}
	return status;
}

static int run(struct perf *p)
{
	int status = open_targets(p);
	unsigned int i;

	if (status == EXIT_SUCCESS)
		status = open_queues(p);
	if (status == EXIT_SUCCESS)
		status = assign(p);
	if (status == EXIT_SUCCESS)
		status = measure(p);
	for (i = 0; i < p->n_queues; i++)
		close_queue(&p->queues[i]);
	free(p->queues);
	free(p->lcores);
	for (i = p->n_targets; i-- > 0;)
		status = target_close(&p->targets[i], status);
	return status;
}

/* --- Command line --------------------------------------------------------------------------- */

enum key {
	KEY_RW = 0x100,
	KEY_MIX,
	KEY_BS,
	KEY_QD,
	KEY_TIME,
	KEY_SIZE,
	KEY_SEED,
	KEY_INTERRUPT,
	KEY_QUEUES,
	KEY_RATE,
	KEY_HISTOGRAM,
	KEY_YES,
};

static const struct argp_option perf_argp_options[] = {
	{"rw", KEY_RW, "MODE", 0, "read, write, randread, randwrite, rw or randrw (randread)", 1},
	{"mix", KEY_MIX, "PERCENT", 0, "Reads in rw and randrw (50)", 1},
	{"bs", KEY_BS, "BYTES", 0, "Bytes of each I/O (4096)", 1},
	{"qd", KEY_QD, "N", 0, "I/Os in flight on each queue pair (32)", 1},
	{"queues", KEY_QUEUES, "N", 0, "Queue pairs of each controller, spread over the lcores (1)",
	 1},
	{"rate", KEY_RATE, "N", 0, "At most so many I/Os per second, all together (no limit)", 1},
	{"time", KEY_TIME, "S", 0, "For so many seconds (10)", 1},
	{"size", KEY_SIZE, "BYTES", 0, "Only in the first part of the namespace (all)", 2},
	{"histogram", KEY_HISTOGRAM, NULL, 0, "With --json: the latencies' histograms", 2},
	{"seed", KEY_SEED, "N", 0, "Of the random numbers (1)", 2},
	{"interrupt", KEY_INTERRUPT, NULL, 0,
	 "Sleep while waiting, do not poll; needs an lcore for each queue pair", 2},
	{"yes", KEY_YES, NULL, 0, "Yes, overwrite the namespace (all modes but reads)", 2},
	{0},
};

static void set_mode(struct argp_state *state, struct perf_options *o, const char *mode)
{
	static const struct {
		const char *name;
		bool random;
		unsigned int read_percent;
	} modes[] = {
		{"read", false, 100},	 {"write", false, 0},	 {"rw", false, 50},
		{"randread", true, 100}, {"randwrite", true, 0}, {"randrw", true, 50},
	};
	size_t i;

	for (i = 0; i < sizeof(modes) / sizeof(modes[0]); i++) {
		if (strcmp(modes[i].name, mode))
			continue;
		o->mode = modes[i].name;
		o->random = modes[i].random;
		o->read_percent = modes[i].read_percent;
		return;
	}
	argp_error(state, "--rw: \"%.40s\" is none of read, write, randread, randwrite, rw, randrw",
		   mode);
}

/* The first controller is left to the options that all commands share. */
static error_t add_target(struct argp_state *state, struct perf *p, const char *bdf)
{
	struct plx_pci_addr addr, other;
	unsigned int i;

	if (!p->targets[0].bdf)
		return ARGP_ERR_UNKNOWN;
	if (plx_pci_parse(bdf, &addr))
		argp_error(state, "\"%.40s\" is not a PCI address such as 0000:01:00.0", bdf);
	for (i = 0; i < p->n_targets; i++)
		if (plx_pci_parse(p->targets[i].bdf, &other) == 0 &&
		    memcmp(&addr, &other, sizeof(addr)) == 0)
			argp_error(state, "%s twice", bdf);
	if (p->n_targets == PERF_TARGETS_MAX)
		argp_error(state, "more than %u controllers", PERF_TARGETS_MAX);
	p->targets[p->n_targets++].bdf = bdf;
	return 0;
}

static void check_all(struct argp_state *state, struct perf *p)
{
	struct perf_options *o = &p->options;
	struct target *first = &p->targets[0];
	unsigned int i;

	for (i = 1; i < p->n_targets; i++) {
		p->targets[i].command = first->command;
		p->targets[i].nsid = first->nsid;
		p->targets[i].timeout_s = first->timeout_s;
	}
	if (o->histogram && !first->json)
		argp_error(state, "--histogram goes with --json");
	if (o->mix >= 0 && o->read_percent != 50)
		argp_error(state, "--mix goes with --rw rw and --rw randrw");
	if (o->mix >= 0)
		o->read_percent = (unsigned int)o->mix;
	if (o->read_percent < 100 && !o->yes)
		argp_error(state, "this overwrites data of the namespace: give --yes");
	p->read_below = PERF_MIX_ONE / 100 * o->read_percent;
	if (o->read_percent == 100)
		p->read_below = PERF_MIX_ONE;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct perf *p = state->input;
	struct perf_options *o = &p->options;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &p->targets[0];
		return 0;
	case ARGP_KEY_ARG:
		return add_target(state, p, arg);
	case KEY_RW:
		set_mode(state, o, arg);
		return 0;
	case KEY_MIX:
		o->mix = (int)parse_number(state, "mix", arg, 0, 100);
		return 0;
	case KEY_BS:
		o->block_bytes = (uint32_t)parse_bytes(state, "bs", arg, 512, 1u << 21);
		return 0;
	case KEY_QD:
		o->depth = (unsigned int)parse_number(state, "qd", arg, 1, 65535);
		return 0;
	case KEY_TIME:
		o->seconds = (unsigned int)parse_number(state, "time", arg, 1, 31536000);
		return 0;
	case KEY_SIZE:
		o->size_bytes = parse_bytes(state, "size", arg, 512, INT64_MAX);
		return 0;
	case KEY_SEED:
		o->seed = parse_number(state, "seed", arg, 0, UINT64_MAX);
		return 0;
	case KEY_INTERRUPT:
		o->interrupt = true;
		return 0;
	case KEY_QUEUES:
		o->queues = (unsigned int)parse_number(state, "queues", arg, 1, PERF_QUEUES_MAX);
		return 0;
	case KEY_RATE:
		o->rate = parse_number(state, "rate", arg, 1, 1000000000);
		return 0;
	case KEY_HISTOGRAM:
		o->histogram = true;
		return 0;
	case KEY_YES:
		o->yes = true;
		return 0;
	case ARGP_KEY_END:
		check_all(state, p);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_perf(int argc, char **argv)
{
	static const struct argp_child children[] = {{&target_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {
		.options = perf_argp_options,
		.parser = parse_option,
		.args_doc = "BDF...",
		.doc = "Measure I/O rate and latency of namespaces.\v"
		       "Latency is from submission to completion as the program sees it. Queue "
		       "pairs are spread over the lcores (--lcores) in turn. SIGINT ends it early "
		       "with the totals. The first I/O error ends it, too. Exit status: 0, 1 "
		       "(failure), 2 (usage).\n\n"
		       "Examples:\n"
		       "  plx-nvme perf 0000:01:00.0 --rw randread --bs 4k --qd 32 --time 5\n"
		       "  plx-nvme perf 0000:01:00.0 0000:02:00.0 --queues 2 --lcores 2-5\n"
		       "  plx-nvme perf 0000:01:00.0 --qd 1 --rate 1000 --interrupt",
		.children = children,
	};
	struct perf *p = calloc(1, sizeof(*p));
	int status;

	if (!p) {
		fprintf(stderr, "%s: out of memory\n", argv[0]);
		return EXIT_FAILURE;
	}
	p->n_targets = 1;
	p->targets[0].command = argv[0];
	p->options = (struct perf_options){.mode = "randread",
					   .random = true,
					   .read_percent = 100,
					   .mix = -1,
					   .block_bytes = 4096,
					   .depth = 32,
					   .queues = 1,
					   .seconds = 10,
					   .seed = 1};
	argp_parse(&argp, argc, argv, 0, NULL, p);
	catch_signals();
	status = run(p);
	free(p);
	return status;
}
