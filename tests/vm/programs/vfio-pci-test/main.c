/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * vfio-pci-test COMMAND ARGUMENT...: what kernel/vfio_pci*.c must stand, by the bare
 * uAPI, for the cases kpci-* of tests/vm.
 */
#include "raw.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
	const char *name;
	int (*run)(int argc, char **argv);
	const char *help;
} commands[] = {
	{"sweep", command_sweep, "DEVICE: write everywhere in configuration space"},
	{"race", command_race, "KIND SECONDS DEVICE [SIBLING]: threads against each other"},
	{"hot-reset", command_hot_reset, "DEVICE [SIBLING]: reset of the bus they share"},
	{"huge", command_huge, "DEVICE BAR: mappings of every alignment"},
	{"power", command_power, "DEVICE: sleep and wake-up"},
	{"fail", command_fail, "DEVICE: each allocation fails once"},
	{"vga", command_vga, "DEVICE: the legacy ranges"},
	{"token", command_token, "PF COUNT: virtual functions and their tokens"},
	{"rom", command_rom, "FILE LENGTH DEVICE: its expansion ROM"},
	{"noiommu", command_noiommu, "DEVICE: without an IOMMU"},
};

int main(int argc, char **argv)
{
	int ret;

	for (size_t i = 0; argc > 2 && i < sizeof(commands) / sizeof(*commands); i++) {
		if (strcmp(commands[i].name, argv[1]))
			continue;
		setvbuf(stdout, NULL, _IOLBF, 0);
		ret = commands[i].run(argc - 2, argv + 2);
		if (ret != 2)
			return ret;
	}
	fprintf(stderr, "usage: vfio-pci-test COMMAND ARGUMENT...\n");
	for (size_t i = 0; i < sizeof(commands) / sizeof(*commands); i++)
		fprintf(stderr, "  %s %s\n", commands[i].name, commands[i].help);
	return 2;
}
