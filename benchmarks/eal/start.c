/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * One life of our EAL: start [EAL options] [--use SIZE]. Prints how long plx_eal_init() took, how
 * long it took to have SIZE bytes of DMA memory for use and to write to each page of it, and how
 * long it took from plx_eal_fini() until the process was gone.
 */
#include <argp.h>

#include <pollux/eal.h>
#include <pollux/mem.h>

#include "report.h"

#define PAGE  ((size_t)2 << 20)
#define CHUNK ((size_t)128 << 20)

static struct plx_eal_config eal;

static error_t parse(int key, char *arg, struct argp_state *state)
{
	size_t *size = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &eal;
		return 0;
	case 'u':
		return plx_parse_size(arg, size) ? EINVAL : 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int use(size_t len)
{
	size_t done, page;
	char *va;

	for (done = 0; done < len; done += CHUNK) {
		va = plx_dma_alloc(CHUNK, PAGE, PLX_NODE_ANY);
		if (!va)
			return -1;
		for (page = 0; page < CHUNK; page += PAGE)
			va[page] = 1;
	}
	return 0;
}

static int live(struct life *life)
{
	uint64_t start = now_ns();

	if (plx_eal_init(&eal))
		return EXIT_FAILURE;
	life->init_ns = now_ns() - start;
	life->rss_kib = resident_kib();
	start = now_ns();
	if (use(life->use))
		return EXIT_FAILURE;
	life->stopping_at_ns = now_ns();
	life->use_ns = life->stopping_at_ns - start;
	return plx_eal_fini() ? EXIT_FAILURE : EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct argp_option options[] = {{"use", 'u', "SIZE", 0, "Use so much", 0},
						     {0}};
	static const struct argp_child children[] = {{&plx_eal_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {options, parse, NULL, NULL, children, NULL, NULL};
	struct life life = {0};

	argp_parse(&argp, argc, argv, 0, NULL, &life.use);
	eal.log_levels = "error"; /* objects are left to plx_eal_fini() */
	return run_life(live, &life);
}
