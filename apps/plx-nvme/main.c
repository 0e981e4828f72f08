/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme: NVMe controllers by Pollux's driver. This file picks the command. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "app.h"

static const struct command commands[] = {
	{"list", "NVMe controllers of this machine, whatever drives them", cmd_list},
	{"identify", "what a controller and its namespaces say of themselves", cmd_identify},
	{"perf", "measure I/O rate and latency", cmd_perf},
	{"verify", "write a pattern, read it back, compare", cmd_verify},
	{"read", "blocks of a namespace to a file", cmd_read},
	{"write", "a file to blocks of a namespace", cmd_write},
	{"zeroes", "make blocks read as zero", cmd_zeroes},
	{"trim", "deallocate blocks", cmd_trim},
	{"uncorrectable", "make blocks unreadable until they are written", cmd_uncorrectable},
	{"scrub", "have the controller read and check blocks", cmd_scrub},
	{"clone", "copy blocks inside the controller", cmd_clone},
	{"protection", "put end-to-end protection to the test", cmd_protection},
	{"format", "format a namespace", cmd_format},
	{"ns", "attach, detach, create, delete namespaces", cmd_ns},
	{"zns", "the zones of a zoned namespace", cmd_zns},
	{"reset", "reset a controller or its subsystem", cmd_reset},
	{"virt", "what it gives to its virtual functions", cmd_virt},
	{"directive", "directives of a namespace, and its streams", cmd_directive},
	{"paths", "namespaces that two controllers have in common", cmd_paths},
	{"events", "what a controller says by itself, as it comes", cmd_events},
	{"log", "a log page: SMART, errors, firmware slots, ...", cmd_log},
	{"feature", "get or set a feature", cmd_feature},
	{"passthru", "send any command", cmd_passthru},
};
#define COMMANDS (sizeof(commands) / sizeof(commands[0]))

struct choice {
	const struct command *command;
	int index; /* of its name in argv */
};

static const struct command *find_command(const char *name)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++)
		if (strcmp(commands[i].name, name) == 0)
			return &commands[i];
	return NULL;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct choice *choice = state->input;

	switch (key) {
	case ARGP_KEY_ARG:
		choice->command = find_command(arg);
		if (!choice->command)
			argp_error(state, "no command \"%.40s\"", arg);
		choice->index = state->next - 1;
		/* The rest is the command's. */
		state->next = state->argc;
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which command?");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* The commands, as argp prints a paragraph after the options. */
static char *help_filter(int key, const char *text, void *input)
{
	char *list = NULL;
	size_t len, i;
	FILE *f;

	if (key != ARGP_KEY_HELP_POST_DOC)
		return (char *)text;
	f = open_memstream(&list, &len);
	if (!f)
		return (char *)text;
	fputs("Commands:\n", f);
	for (i = 0; i < COMMANDS; i++)
		fprintf(f, "  %-14s %s\n", commands[i].name, commands[i].summary);
	fprintf(f, "\n%s", text);
	fclose(f);
	return list;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_option,
		.args_doc = "COMMAND [OPTION...]",
		.doc = "Work with NVMe controllers through Pollux's userspace driver.\v"
		       "`plx-nvme COMMAND --help' tells the options of a command. A controller "
		       "must "
		       "be bound to vfio-pci: `plx-bind bind 0000:01:00.0' does that.\n"
		       "Exit status: 0, 1 (failure), 2 (usage; nothing was touched).",
		.help_filter = help_filter,
	};
	static char version[64], name[64];
	struct choice choice = {0};

	snprintf(version, sizeof(version), "plx-nvme %s", plx_version());
	argp_program_version = version;
	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, ARGP_IN_ORDER, NULL, &choice);
	snprintf(name, sizeof(name), "plx-nvme %s", choice.command->name);
	argv[choice.index] = name;
	return choice.command->run(argc - choice.index, argv + choice.index);
}
