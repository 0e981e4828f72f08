/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * dma-test COMMAND ARGUMENT...: what type1 and its DMA map engine must stand, by the
 * bare uAPI, for the cases dma-* of tests/vm.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "space.h"

static const struct {
	const char *name;
	int arguments;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"random", 3, command_random,
	 "SEED COUNT DEVICE: operations in random order; their answers as one number"},
	{"blocked", 2, command_blocked,
	 "ROUNDS DEVICE: what is unmapped is out of a device's reach"},
	{"race", 2, command_maps_race,
	 "SECONDS DEVICE: maps, unmaps and their memory against each other"},
	{"close-race", 2, command_close_race, "SECONDS DEVICE: maps against the end of the group"},
	{"disjoint", 2, command_disjoint, "SECONDS DEVICE: threads with ranges of their own"},
	{"grow", 2, command_grow,
	 "COUNT DEVICE: many mappings; does the last cost more than the first?"},
	{"wide", 2, command_wide, "GIB DEVICE: so large an address space"},
	{"kill-pinning", 2, command_kill_pinning,
	 "GIB DEVICE: kill -9 while so much memory is pinned"},
	{"kill-mapping", 2, command_kill_mapping,
	 "GIB DEVICE: kill -9 while the IOMMU's entries are written"},
	{"exec", 1, command_exec, "DEVICE: unmap after exec"},
	{"after-exec", 1, command_after_exec, "CONTAINER: its second half"},
	{"alloc", 1, command_alloc, "DEVICE: each allocation fails once"},
	{"undone", 1, command_undone,
	 "DEVICE: a map whose allocations fail leaves its neighbours alone"},
};

int main(int argc, char **argv)
{
	for (size_t i = 0; argc > 1 && i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, argv[1]) || argc - 2 != commands[i].arguments)
			continue;
		setvbuf(stdout, NULL, _IOLBF, 0);
		return commands[i].run(argc - 2, argv + 2);
	}
	fprintf(stderr, "usage: dma-test COMMAND ARGUMENT...\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(stderr, "  %s %s\n", commands[i].name, commands[i].help);
	return 2;
}
