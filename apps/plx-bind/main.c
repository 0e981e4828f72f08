/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-bind: hand PCI devices to userspace and back. This file is the command line. */
#include <argp.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/eal.h>
#include <pollux/log.h>

#include "plx-bind.h"

static const char doc[] =
	"Hand PCI devices to userspace drivers (VFIO), and give them back.\v"
	"Commands:\n"
	"  status   IOMMU groups with their members, who drives each, and whether VFIO\n"
	"           can open the group: if not, which member is in the way. A group is\n"
	"           opened as a whole: each member must be bound to vfio-pci, pci-stub,\n"
	"           pcieport, or nothing. DEVICE limits the list to its group.\n"
	"  bind     Bind each DEVICE to vfio-pci (or to --driver), loading its module.\n"
	"           What it was bound to is remembered in /run/pollux/bind.\n"
	"  unbind   Leave each DEVICE without a driver, until bind or restore.\n"
	"  restore  Give each DEVICE back to the driver that it had before bind or\n"
	"           unbind; also after a crash of this or of the using program.\n"
	"  watch    Print each device that comes, goes, or changes hands, until ^C.\n"
	"\n"
	"DEVICE is a PCI address, 0000:02:00.0 or 02:00.0. If one is in use - a mounted "
	"disk, an interface that is up, a process that has its group open - nothing is "
	"done unless --force is given. A device whose group is open is then asked for, and "
	"waited for.\n"
	"\n"
	"Exit status: 0 done; 1 failed or refused; 2 wrong usage or no such device; "
	"128 + N stopped by signal N: the devices listed have been moved, the others not "
	"touched.\n"
	"\n"
	"Examples:\n"
	"  plx-bind status\n"
	"  plx-bind bind 0000:02:00.0 0000:03:00.0\n"
	"  plx-bind status --json | jq '.[] | select(.usable)'\n"
	"  plx-bind restore 02:00.0 03:00.0\n";

static const struct argp_option argp_options[] = {
	{"driver", 'd', "NAME", 0, "bind: to this driver, not to vfio-pci", 0},
	{"force", 'f', NULL, 0, "Also take a device that is in use", 0},
	{"json", 'j', NULL, 0, "status, watch: print JSON", 0},
	{0},
};

static const char *const command_names[] = {
	[COMMAND_STATUS] = "status",   [COMMAND_BIND] = "bind",	  [COMMAND_UNBIND] = "unbind",
	[COMMAND_RESTORE] = "restore", [COMMAND_WATCH] = "watch",
};
#define COMMANDS (sizeof(command_names) / sizeof(command_names[0]))

static void parse_command(struct options *options, const char *arg, struct argp_state *state)
{
	size_t i;

	for (i = 0; i < COMMANDS; i++) {
		if (strcmp(arg, command_names[i]) == 0) {
			options->command = (enum command)i;
			return;
		}
	}
	argp_error(state, "unknown command \"%s\"", arg);
}

static void parse_device(struct options *options, const char *arg, struct argp_state *state)
{
	struct plx_pci_addr addr, *more;
	size_t i;

	if (plx_pci_parse(arg, &addr))
		argp_error(state, "\"%s\" is not a PCI address such as 0000:02:00.0", arg);
	for (i = 0; i < options->count; i++)
		if (plx_pci_compare(&options->addrs[i], &addr) == 0)
			argp_error(state, "%s is named twice", arg);
	more = reallocarray(options->addrs, options->count + 1, sizeof(*more));
	if (!more)
		argp_failure(state, EXIT_FAILURE, ENOMEM, "arguments");
	more[options->count++] = addr;
	options->addrs = more;
}

static void check_options(const struct options *options, struct argp_state *state)
{
	const char *name = command_names[options->command];

	if (options->command == COMMAND_WATCH && (options->count || options->force))
		argp_error(state, "watch: takes no device, and forces nothing");
	if (options->command != COMMAND_STATUS && options->command != COMMAND_WATCH &&
	    !options->count)
		argp_error(state, "%s: name at least one device", name);
	if (options->json && options->command != COMMAND_STATUS &&
	    options->command != COMMAND_WATCH)
		argp_error(state, "%s: --json is for status and watch", name);
	if (options->driver && options->command != COMMAND_BIND)
		argp_error(state, "%s: --driver is for bind", name);
	if (options->force && options->command == COMMAND_STATUS)
		argp_error(state, "status changes nothing: there is nothing to force");
}

static error_t parse(int key, char *arg, struct argp_state *state)
{
	struct options *options = state->input;

	switch (key) {
	case 'd':
		if (!arg[0] || arg[0] == '.' || arg[0] == '-' || strchr(arg, '/'))
			argp_error(state, "\"%s\" is not the name of a driver", arg);
		options->driver = arg;
		return 0;
	case 'f':
		options->force = true;
		return 0;
	case 'j':
		options->json = true;
		return 0;
	case ARGP_KEY_ARG:
		if (state->arg_num == 0)
			parse_command(options, arg, state);
		else
			parse_device(options, arg, state);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_usage(state);
		return 0;
	case ARGP_KEY_SUCCESS:
		check_options(options, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static void print_version(FILE *stream, struct argp_state *state)
{
	fprintf(stream, "plx-bind %s\n", plx_version());
}

void (*argp_program_version_hook)(FILE *stream, struct argp_state *state) = print_version;

/* The library's lines as our own. */
static void print_log(void *arg, enum plx_log_level level, const char *component, const char *line)
{
	fprintf(stderr, "plx-bind: %s\n", line);
}

int main(int argc, char **argv)
{
	static const struct argp argp = {argp_options, parse, "COMMAND [DEVICE...]", doc, NULL,
					 NULL,	       NULL};
	struct options options = {.command = COMMAND_STATUS};
	int status;

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, &options);
	plx_log_set_sink(print_log, NULL);
	if (options.command == COMMAND_BIND && !options.driver)
		options.driver = "vfio-pci";
	if (options.command == COMMAND_STATUS)
		status = status_run(&options);
	else if (options.command == COMMAND_WATCH)
		status = watch_run(&options);
	else
		status = change_run(&options);
	free(options.addrs);
	if (fflush(stdout) || ferror(stdout)) {
		fprintf(stderr, "plx-bind: cannot write the output: %s\n", strerror(errno));
		return status ? status : EXIT_FAILURE;
	}
	return status;
}
