/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme perf: the command line; see perf.h. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pci.h>

#include "perf.h"

/* --- Options -------------------------------------------------------------------------------- */

enum key {
	KEY_RW = 0x100,
	KEY_MIX,
	KEY_BS,
	KEY_QD,
	KEY_TIME,
	KEY_SIZE,
	KEY_SEED,
	KEY_INTERRUPT,
	KEY_ADAPTIVE,
	KEY_COALESCE,
	KEY_WEIGHTS,
	KEY_PRIORITY,
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
	{"interrupt", KEY_INTERRUPT, NULL, 0, "Sleep while waiting, do not poll", 2},
	{"adaptive", KEY_ADAPTIVE, NULL, 0,
	 "Poll for a while, then sleep; needs an lcore for each queue pair", 2},
	{"coalesce", KEY_COALESCE, "N:US", 0,
	 "An interrupt after N completions, or US microseconds after the first", 2},
	{"weights", KEY_WEIGHTS, "H:M:L", 0,
	 "Weighted round robin: commands in turn from queues of each priority, 1 to 256", 2},
	{"priority", KEY_PRIORITY, "NAME", 0, "Of the queue pairs: urgent, high, medium, low", 2},
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

/* Numbers with a colon between them, as many as it takes, each from 1 to max. */
static void set_numbers(struct argp_state *state, const char *name, const char *text,
			unsigned int *const to[], unsigned int n, unsigned int max)
{
	char *copy = strdup(text), *rest = copy, *word;
	unsigned int i;

	for (i = 0; copy && i < n; i++) {
		word = strsep(&rest, ":");
		if (!word)
			break;
		*to[i] = (unsigned int)parse_number(state, name, word, 1, max);
	}
	if (i < n || rest)
		argp_error(state, "--%s: \"%.40s\" is not %u numbers with colons between", name,
			   text, n);
	free(copy);
}

static void set_coalescing(struct argp_state *state, struct plx_nvme_ctrl_config *c,
			   const char *text)
{
	unsigned int *const to[] = {&c->coalesce_entries, &c->coalesce_us};

	set_numbers(state, "coalesce", text, to, 2, 25500);
	if (c->coalesce_entries < 2 || c->coalesce_entries > 256)
		argp_error(state, "--coalesce: give 2 to 256 completions");
}

static void set_weights(struct argp_state *state, struct plx_nvme_weights *w, const char *text)
{
	unsigned int *const to[] = {&w->high, &w->medium, &w->low};

	set_numbers(state, "weights", text, to, 3, 256);
}

static void set_priority(struct argp_state *state, struct perf_options *o, const char *text)
{
	static const char *const names[] = {
		[PLX_NVME_PRIORITY_MEDIUM] = "medium",
		[PLX_NVME_PRIORITY_URGENT] = "urgent",
		[PLX_NVME_PRIORITY_HIGH] = "high",
		[PLX_NVME_PRIORITY_LOW] = "low",
	};
	unsigned int i;

	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++)
		if (strcmp(names[i], text) == 0)
			break;
	if (i == sizeof(names) / sizeof(names[0]))
		argp_error(state, "--priority: \"%.40s\" is none of urgent, high, medium, low",
			   text);
	o->priority = (enum plx_nvme_priority)i;
	o->has_priority = true;
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
		    plx_pci_compare(&addr, &other) == 0)
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
		p->targets[i].config = first->config;
	}
	if (o->interrupt && o->adaptive)
		argp_error(state, "--interrupt or --adaptive, not both");
	if (first->config.coalesce_us && !o->interrupt && !o->adaptive)
		argp_error(state, "--coalesce goes with --interrupt and --adaptive");
	if (o->has_priority && !first->config.weights.high)
		argp_error(state, "--priority goes with --weights");
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
	case KEY_ADAPTIVE:
		o->adaptive = true;
		return 0;
	case KEY_COALESCE:
		set_coalescing(state, &p->targets[0].config, arg);
		return 0;
	case KEY_WEIGHTS:
		set_weights(state, &p->targets[0].config.weights, arg);
		return 0;
	case KEY_PRIORITY:
		set_priority(state, o, arg);
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
		       "  plx-nvme perf 0000:01:00.0 --qd 1 --rate 1000 --interrupt\n"
		       "  plx-nvme perf 0000:01:00.0 --adaptive --coalesce 8:100",
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
	target_parse(argc, argv, &argp, p);
	catch_signals();
	status = perf_run(p);
	free(p);
	return status;
}
