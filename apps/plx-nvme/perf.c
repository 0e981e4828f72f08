/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme perf: keep a queue pair full for some time and measure. One thread, one queue pair; each
 * round reaps a batch, notes the latencies, aims the requests anew and submits them as a batch.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "perf.h"

#define PAGE	4096u
#define WAIT_MS 100
#define MIX_ONE (UINT64_C(1) << 32)

/* --- Aim ------------------------------------------------------------------------------------ */

/* SplitMix64: a generator of good quality in a few instructions. */
static inline uint64_t next_random(struct perf *p)
{
	uint64_t z = p->random_state += UINT64_C(0x9e3779b97f4a7c15);

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

static inline uint64_t next_position(struct perf *p)
{
	uint64_t position;

	if (p->options.random)
		return (uint64_t)(((unsigned __int128)next_random(p) * p->positions) >> 64);
	position = p->position++;
	if (p->position == p->positions)
		p->position = 0;
	return position;
}

static inline void aim(struct perf *p, struct plx_nvme_req *req)
{
	bool read = p->read_below == MIX_ONE || (next_random(p) >> 32) < p->read_below;

	req->lba = next_position(p) * p->blocks;
	req->opcode = read ? PLX_NVME_READ : PLX_NVME_WRITE;
}

/* --- Run ------------------------------------------------------------------------------------ */

/* Latencies of what has ended. The first error ends the run. */
static void account(struct perf *p, unsigned int n, uint64_t now)
{
	unsigned int i;

	for (i = 0; i < n; i++) {
		struct perf_io *io = (struct perf_io *)p->ready[i];
		struct latency *l = io->req.opcode == PLX_NVME_READ ? &p->reads : &p->writes;

		if (plx_likely(!io->req.status)) {
			latency_add(l, plx_tsc_to_ns(now - io->start));
			continue;
		}
		if (p->errors++ == 0)
			target_error(&p->target, "%s at block %" PRIu64 ": %s",
				     io->req.opcode == PLX_NVME_READ ? "read" : "write",
				     io->req.lba, plx_nvme_status_str(io->req.status));
		p->failed = true;
	}
}

/* Aim and submit n requests. Return: 0 or a negative errno, told. */
static int submit(struct perf *p, unsigned int n)
{
	uint64_t now;
	unsigned int i;
	int ret;

	for (i = 0; i < n; i++)
		aim(p, p->ready[i]);
	now = plx_tsc();
	for (i = 0; i < n; i++)
		((struct perf_io *)p->ready[i])->start = now;
	for (i = 0; i < n; i += (unsigned int)ret) {
		ret = plx_nvme_qpair_submit(p->qp, p->ready + i, n - i);
		if (ret > 0)
			continue;
		target_error(&p->target, "cannot submit: %s", strerror(-ret));
		return ret;
	}
	return 0;
}

/* Nothing has ended: sleep or spin. Return: 0 or a negative errno. */
static int idle(struct perf *p)
{
	int ret = 0;

	if (p->options.interrupt)
		ret = plx_nvme_qpair_wait(p->qp, WAIT_MS);
	else
		plx_pause();
	return ret < 0 && ret != -EINTR ? ret : 0;
}

/* Until all has ended, or the controller does not let it: then closing the queue ends it. */
static void drain(struct perf *p)
{
	while (plx_nvme_qpair_in_flight(p->qp) && target_check(&p->target) == 0) {
		unsigned int n = plx_nvme_qpair_reap(p->qp, p->ready, p->options.depth);

		account(p, n, plx_tsc());
		if (!n && idle(p))
			break;
	}
}

static void loop(struct perf *p)
{
	uint64_t start = plx_tsc(), now = start, next_second = start + plx_tsc_hz;
	uint64_t end = start + p->options.seconds * plx_tsc_hz;
	unsigned int n, second = 0;
	int err = submit(p, p->options.depth);

	while (!err && !p->failed && !app_stop && now < end) {
		n = plx_nvme_qpair_reap(p->qp, p->ready, p->options.depth);
		now = plx_tsc();
		account(p, n, now);
		err = n ? submit(p, n) : idle(p);
		if (!err)
			err = target_check(&p->target);
		if (plx_unlikely(now >= next_second)) {
			next_second += plx_tsc_hz;
			perf_progress(p, ++second);
		}
	}
	p->seconds = (double)plx_tsc_to_ns(plx_tsc() - start) / 1e9;
	if (err)
		p->failed = true;
	drain(p);
}

static double cpu_seconds(void)
{
	struct rusage usage;

	getrusage(RUSAGE_THREAD, &usage);
	return (double)(usage.ru_utime.tv_sec + usage.ru_stime.tv_sec) +
	       (double)(usage.ru_utime.tv_usec + usage.ru_stime.tv_usec) / 1e6;
}

/* --- Set-up --------------------------------------------------------------------------------- */

static int alloc_requests(struct perf *p)
{
	const struct perf_options *o = &p->options;
	size_t stride = ((size_t)o->block_bytes + PAGE - 1) / PAGE * PAGE;
	unsigned int i;

	p->ios = aligned_alloc(PLX_CACHE_LINE, o->depth * sizeof(*p->ios));
	p->ready = calloc(o->depth, sizeof(struct plx_nvme_req *));
	p->memory = plx_dma_zalloc(stride * o->depth, PAGE, PLX_NODE_ANY);
	if (!p->ios || !p->ready || !p->memory)
		return -ENOMEM;
	memset(p->ios, 0, o->depth * sizeof(*p->ios));
	for (i = 0; i < o->depth; i++) {
		plx_nvme_read(&p->ios[i].req, p->target.ns, 0, p->blocks,
			      plx_iova(p->memory + i * stride));
		p->ready[i] = &p->ios[i].req;
	}
	return latency_init(&p->reads) ? -ENOMEM : latency_init(&p->writes);
}

/* What the options ask for against what the namespace is. Return: exit status. */
static int check_fit(struct perf *p)
{
	const struct plx_nvme_ns_info *ns = p->target.ns_info;
	const struct perf_options *o = &p->options;
	uint64_t blocks = o->size_bytes ? o->size_bytes / ns->block_size : ns->blocks;

	if (o->block_bytes % ns->block_size ||
	    o->block_bytes > (uint64_t)ns->max_blocks * ns->block_size) {
		target_error(&p->target,
			     "--bs %u: give a multiple of the block size, %u, up to %" PRIu64,
			     o->block_bytes, ns->block_size,
			     (uint64_t)ns->max_blocks * ns->block_size);
		return EXIT_USAGE;
	}
	p->blocks = o->block_bytes / ns->block_size;
	if (blocks > ns->blocks || blocks < p->blocks) {
		target_error(&p->target, "--size: give one I/O to %" PRIu64 " bytes",
			     ns->blocks * ns->block_size);
		return EXIT_USAGE;
	}
	p->positions = blocks / p->blocks;
	return EXIT_SUCCESS;
}

static int open_queue(struct perf *p)
{
	struct plx_nvme_qpair_config config = {
		.depth = p->options.depth + 1,
		.max_transfer = p->options.block_bytes,
		.prp_lists = p->options.depth,
		.interrupt = p->options.interrupt,
	};
	struct plx_nvme_qpair_info info;

	p->qp = plx_nvme_qpair_open(p->target.ctrl, &config);
	if (!p->qp) {
		target_error(&p->target, "no queue pair: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	plx_nvme_qpair_info(p->qp, &info);
	if (info.depth - 1 < p->options.depth) {
		target_error(&p->target, "--qd %u: its queues hold %u", p->options.depth,
			     info.depth - 1);
		return EXIT_USAGE;
	}
	return EXIT_SUCCESS;
}

static int measure(struct perf *p)
{
	double cpu;

	if (alloc_requests(p)) {
		target_error(&p->target, "no memory for %u requests of %u bytes", p->options.depth,
			     p->options.block_bytes);
		return EXIT_FAILURE;
	}
	cpu = cpu_seconds();
	loop(p);
	p->cpu_seconds = cpu_seconds() - cpu;
	return perf_report(p);
}

static int run(struct perf *p)
{
	int status = target_open(&p->target);

	if (status == EXIT_SUCCESS)
		status = target_open_ns(&p->target);
	if (status == EXIT_SUCCESS)
		status = check_fit(p);
	if (status == EXIT_SUCCESS)
		status = open_queue(p);
	if (status == EXIT_SUCCESS)
		status = measure(p);
	/* The queue first: the controller may still write to the buffers. */
	plx_nvme_qpair_close(p->qp);
	plx_dma_free(p->memory);
	latency_fini(&p->reads);
	latency_fini(&p->writes);
	free(p->ready);
	free(p->ios);
	return target_close(&p->target, status);
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
	KEY_YES,
};

static const struct argp_option perf_argp_options[] = {
	{"rw", KEY_RW, "MODE", 0, "read, write, randread, randwrite, rw or randrw (randread)", 1},
	{"mix", KEY_MIX, "PERCENT", 0, "Reads in rw and randrw (50)", 1},
	{"bs", KEY_BS, "BYTES", 0, "Bytes of each I/O (4096)", 1},
	{"qd", KEY_QD, "N", 0, "I/Os in flight (32)", 1},
	{"time", KEY_TIME, "S", 0, "For so many seconds (10)", 1},
	{"size", KEY_SIZE, "BYTES", 0, "Only in the first part of the namespace (all)", 2},
	{"seed", KEY_SEED, "N", 0, "Of the random numbers (1)", 2},
	{"interrupt", KEY_INTERRUPT, NULL, 0, "Sleep while waiting, do not poll", 2},
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

static void check_all(struct argp_state *state, struct perf *p)
{
	struct perf_options *o = &p->options;

	if (o->mix >= 0 && o->read_percent != 50)
		argp_error(state, "--mix goes with --rw rw and --rw randrw");
	if (o->mix >= 0)
		o->read_percent = (unsigned int)o->mix;
	if (o->read_percent < 100 && !o->yes)
		argp_error(state, "this overwrites data of the namespace: give --yes");
	p->read_below = MIX_ONE / 100 * o->read_percent;
	if (o->read_percent == 100)
		p->read_below = MIX_ONE;
	p->random_state = o->seed;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct perf *p = state->input;
	struct perf_options *o = &p->options;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &p->target;
		return 0;
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
		.args_doc = "BDF",
		.doc = "Measure I/O rate and latency of a namespace.\v"
		       "Latency is from submission to completion as the program sees it. SIGINT "
		       "ends "
		       "it early with the totals. The first I/O error ends it, too. Exit status: "
		       "0, "
		       "1 (failure), 2 (usage).\n\n"
		       "Example: plx-nvme perf 0000:01:00.0 --rw randread --bs 4k --qd 32 --time 5",
		.children = children,
	};
	struct perf p = {
		.target = {.command = argv[0], .io_queues = 1},
		.options = {.mode = "randread",
			    .random = true,
			    .read_percent = 100,
			    .mix = -1,
			    .block_bytes = 4096,
			    .depth = 32,
			    .seconds = 10,
			    .seed = 1},
	};

	argp_parse(&argp, argc, argv, 0, NULL, &p);
	catch_signals();
	return run(&p);
}
