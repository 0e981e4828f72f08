/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * eal-probe: brings the EAL up, does what its options say in their order, prints what it found, and
 * takes it down. The eal-* cases run it in a guest with hugepages of their choice.
 */
#include <argp.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/lcore.h>
#include <pollux/mem.h>

#define STEPS_MAX   64
#define OBJECTS_MAX 64

enum {
	OPT_ALLOC = 1,
	OPT_FREE,
	OPT_HOLD,
	OPT_CYCLES,
	OPT_CLOCK,
	OPT_CRASH,
	OPT_LCORES_RUN,
};

static const struct argp_option options[] = {
	{"alloc", OPT_ALLOC, "SIZE[,ALIGN[,NODE]]", 0, "Allocate, check that it is zero, write", 0},
	{"free", OPT_FREE, NULL, 0, "Free all that was allocated", 0},
	{"run", OPT_LCORES_RUN, NULL, 0, "Run a function on each worker", 0},
	{"clock", OPT_CLOCK, NULL, 0, "Compare the clocks over 0.2 s", 0},
	{"cycles", OPT_CYCLES, "N", 0, "Take the EAL down and up again N times", 0},
	{"hold", OPT_HOLD, NULL, 0, "Print \"holding\" and wait to be killed", 0},
	{"crash", OPT_CRASH, NULL, 0, "End by SIGABRT, with a core dump", 0},
	{0},
};

struct step {
	int what;
	const char *arg;
};

struct probe {
	struct plx_eal_config eal;
	struct step steps[STEPS_MAX];
	unsigned int step_count;
	unsigned char *objects[OBJECTS_MAX];
	unsigned int object_count;
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct probe *probe = state->input;

	if (key == ARGP_KEY_INIT) {
		state->child_inputs[0] = &probe->eal;
		return 0;
	}
	if (key < OPT_ALLOC || key > OPT_LCORES_RUN)
		return ARGP_ERR_UNKNOWN;
	if (probe->step_count == STEPS_MAX)
		argp_error(state, "more than %d steps", STEPS_MAX);
	probe->steps[probe->step_count++] = (struct step){key, arg};
	return 0;
}

static int print_segment(const struct plx_mem_segment *segment, void *arg)
{
	printf("segment %zu MiB page_size %zu node %d kind %s iova_is_va %d\n", segment->len >> 20,
	       segment->page_size, segment->node, plx_mem_kind_name(segment->kind),
	       segment->iova == (uintptr_t)segment->va);
	return 0;
}

static void print_memory(void)
{
	struct plx_mem_stats stats;

	plx_mem_stats_get(&stats);
	plx_mem_walk(print_segment, NULL);
	printf("heap %" PRIu64 " MiB used %" PRIu64 " objects %" PRIu64 " kind %s page_size %zu\n",
	       stats.heap_bytes >> 20, stats.heap_used_bytes, stats.heap_allocations,
	       plx_mem_kind_name(stats.kind), stats.page_size);
}

/* "SIZE[,ALIGN[,NODE]]" */
static int parse_object(const char *text, size_t *size, size_t *align, int *node)
{
	char copy[64], *rest = copy, *part;

	snprintf(copy, sizeof(copy), "%s", text);
	*align = 0;
	*node = PLX_NODE_ANY;
	if (plx_parse_size(strsep(&rest, ","), size))
		return -EINVAL;
	part = strsep(&rest, ",");
	if (part && plx_parse_size(part, align))
		return -EINVAL;
	part = strsep(&rest, ",");
	if (part)
		*node = atoi(part);
	return 0;
}

static int alloc(struct probe *probe, const char *text)
{
	size_t size, align, i, dirty = 0;
	unsigned char *va;
	int node;

	if (probe->object_count == OBJECTS_MAX || parse_object(text, &size, &align, &node)) {
		fprintf(stderr, "eal-probe: bad object \"%s\"\n", text);
		return -EINVAL;
	}
	va = plx_dma_zalloc(size, align, node);
	if (!va) {
		printf("alloc %s failed: %s\n", text, strerror(errno));
		return -errno;
	}
	for (i = 0; i < size; i += 64)
		dirty += va[i] != 0;
	memset(va, 0xa5, size);
	probe->objects[probe->object_count++] = va;
	printf("alloc %s %s\n", text,
	       dirty ? "DIRTY" : (align && (uintptr_t)va % align ? "UNALIGNED" : "ok"));
	return dirty ? -EIO : 0;
}

static void free_all(struct probe *probe)
{
	while (probe->object_count)
		plx_dma_free(probe->objects[--probe->object_count]);
}

static int own_id(void *arg)
{
	return (int)plx_lcore_id();
}

static int run_workers(void)
{
	unsigned int id;
	int ret;

	PLX_LCORE_FOREACH_WORKER(id)
	{
		if (plx_lcore_launch(id, own_id, NULL) || plx_lcore_wait(id, &ret) ||
		    ret != (int)id)
			return -EIO;
		printf("worker %u ok\n", id);
	}
	printf("main lcore %u of %u\n", plx_lcore_main(), plx_lcore_count());
	return 0;
}

static void compare_clocks(void)
{
	uint64_t ns = plx_clock_ns(), tsc = plx_tsc();
	double off;

	plx_delay_us(200000);
	tsc = plx_tsc() - tsc;
	ns = plx_clock_ns() - ns;
	off = ((double)plx_tsc_to_ns(tsc) / (double)ns - 1) * 1e6;
	printf("clock %" PRIu64 " kHz, %.0f ppm off: %s\n", plx_tsc_hz / 1000, off,
	       off > -1000 && off < 1000 ? "ok" : "WRONG");
}

static int count_entries(const char *path)
{
	DIR *dir = opendir(path);
	int n = 0;

	while (dir && readdir(dir))
		n++;
	if (dir)
		closedir(dir);
	return n;
}

static int cycle(struct probe *probe, int n)
{
	int err = 0, fds, maps;

	free_all(probe);
	/* What the first time leaves behind is not a leak. */
	plx_eal_fini();
	plx_eal_init(&probe->eal);
	fds = count_entries("/proc/self/fd");
	maps = count_entries("/proc/self/map_files");
	while (!err && n-- > 0) {
		err = plx_eal_fini();
		if (!err)
			err = plx_eal_init(&probe->eal);
		if (!err)
			plx_dma_free(plx_dma_zalloc(3 << 20, 0, PLX_NODE_ANY));
	}
	fds -= count_entries("/proc/self/fd");
	maps -= count_entries("/proc/self/map_files");
	printf("files %+d maps of files %+d\n", -fds, -maps);
	return err;
}

static int do_step(struct probe *probe, const struct step *step)
{
	switch (step->what) {
	case OPT_ALLOC:
		return alloc(probe, step->arg);
	case OPT_FREE:
		free_all(probe);
		return 0;
	case OPT_LCORES_RUN:
		return run_workers();
	case OPT_CLOCK:
		compare_clocks();
		return 0;
	case OPT_CYCLES:
		return cycle(probe, atoi(step->arg));
	case OPT_HOLD:
		puts("holding");
		pause();
		return 0;
	default:
		abort();
	}
}

int main(int argc, char **argv)
{
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {options,  parse, NULL, "What the EAL does here.",
					 children, NULL,  NULL};
	struct probe probe = {0};
	unsigned int i;
	int err;

	setvbuf(stdout, NULL, _IOLBF, 0);
	argp_err_exit_status = 2;
	argp_parse(&argp, argc, argv, 0, NULL, &probe);
	err = plx_eal_init(&probe.eal);
	if (err) {
		printf("init failed: %s\n", strerror(-err));
		return EXIT_FAILURE;
	}
	for (i = 0; i < probe.step_count && !err; i++)
		err = do_step(&probe, &probe.steps[i]);
	print_memory();
	free_all(&probe);
	if (plx_eal_fini())
		err = -EBUSY;
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
