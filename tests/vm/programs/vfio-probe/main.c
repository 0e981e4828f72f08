/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-probe: lib/vfio against the real kernel, one aspect a command, for the cases of tests/vm.
 * Usage: vfio-probe [EAL options] -- COMMAND DEVICE [ARGUMENT...]
 */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "probe.h"

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"info", command_info, "DEVICE...: open all in one address space, twice; print them"},
	{"regions", command_regions, "82574L: BARs by load, by call, and by I/O port"},
	{"bar-off", command_bar_off, "82574L: a BAR whose memory is switched off under its user"},
	{"hold", command_hold, "DEVICE: keep it open, print its events, until SIGTERM or removal"},
	{"reset", command_reset, "NVME: what a reset leaves and what it does not"},
	{"maps", command_maps, "DEVICE: map and unmap, right and wrong"},
	{"memlock", command_memlock, "DEVICE KIB: map that much; print errno"},
	{"config", command_config, "DEVICE: configuration space by lib/pci, both ways"},
	{"edu-irq", command_edu_irq, "EDU intx|msi COUNT: raise and take interrupts"},
	{"edu-dma", command_edu_dma, "EDU: patterns through the device and back"},
	{"edu-stray", command_edu_stray, "EDU: DMA where nothing is mapped any more"},
	{"edu-p2p", command_edu_p2p, "EDU EDU E1000E: from the first to registers of the others"},
	{"msix", command_msix, "82574L: each MSI-X vector by itself"},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

void expect(long long actual, long long expected, const char *what, const char *file, int line)
{
	if (actual == expected)
		return;
	printf("%s:%d: %s is %lld (0x%llx), expected %lld (0x%llx)\n", file, line, what, actual,
	       (unsigned long long)actual, expected, (unsigned long long)expected);
	exit(EXIT_FAILURE);
}

struct plx_dev *open_or_exit(struct plx_as *as, const char *name)
{
	struct plx_dev *dev = plx_dev_open(as, name);

	if (!dev) {
		printf("%s: open: %s\n", name, strerrorname_np(errno));
		exit(EXIT_FAILURE);
	}
	return dev;
}

char *map_or_exit(struct plx_dev *dev, enum plx_region bar)
{
	char *p = plx_dev_region_map(dev, bar, 0, 0);

	if (!p) {
		printf("%s: map BAR%d: %s\n", plx_dev_info(dev)->name, bar, strerrorname_np(errno));
		exit(EXIT_FAILURE);
	}
	return p;
}

struct arguments {
	struct plx_eal_config eal;
	int first; /* of the command */
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct arguments *a = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &a->eal;
		return 0;
	case ARGP_KEY_ARG:
		a->first = state->next - 1;
		state->next = state->argc;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_child children[] = {{&plx_eal_argp, 0, NULL, 0}, {0}};
	static const struct argp argp = {NULL, parse, "COMMAND DEVICE...", NULL, children,
					 NULL, NULL};
	struct arguments a = {.first = argc};
	size_t i;
	int status;

	setvbuf(stdout, NULL, _IOLBF, 0);
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &a);
	for (i = 0; i < COMMANDS; i++)
		if (a.first + 1 < argc && strcmp(argv[a.first], commands[i].name) == 0)
			break;
	if (i == COMMANDS) {
		for (i = 0; i < COMMANDS; i++)
			fprintf(stderr, "vfio-probe %s %s\n", commands[i].name, commands[i].help);
		return 2;
	}
	EXPECT(plx_eal_init(&a.eal), 0);
	status = commands[i].run(argc - a.first - 1, argv + a.first + 1);
	EXPECT(plx_eal_fini(), 0);
	if (status == 0)
		printf("%s: ok\n", commands[i].name);
	return status;
}
