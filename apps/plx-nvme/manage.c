/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme format and ns: what changes namespaces for good. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/nvme_admin.h>

#include "app.h"

struct manage {
	struct target target;
	struct plx_nvme_format format;
	struct plx_nvme_ns_create create;
	int action; /* key of the option that was given; 0: none */
	uint32_t nsid;
	bool yes;
};

enum key {
	KEY_YES = 0x100,
	KEY_FORMAT,
	KEY_PROTECTION,
	KEY_EXTENDED,
	KEY_FIRST,
	KEY_ERASE,
	KEY_ATTACH,
	KEY_DETACH,
	KEY_CREATE,
	KEY_DELETE,
};

/* Options that format and ns share. */
#define FORMAT_OPTIONS                                                                             \
	{"lba-format", KEY_FORMAT, "N", 0, "LBA format, as identify lists them (0)", 1},           \
		{"protection", KEY_PROTECTION, "TYPE", 0, "End-to-end protection, 0 to 3 (0)", 1}, \
		{"extended", KEY_EXTENDED, NULL, 0, "Metadata behind each block", 1},              \
		{"first", KEY_FIRST, NULL, 0, "Protection at the start of the metadata", 1},       \
	{                                                                                          \
		"yes", KEY_YES, NULL, 0, "Yes, destroy the data that is there", 1                  \
	}

static int told(struct manage *m, const char *what, int err)
{
	if (err)
		target_error(&m->target, "%s: %s", what, strerror(-err));
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- Options -------------------------------------------------------------------------------- */

static void set_action(struct manage *m, struct argp_state *state, int key, const char *name,
		       const char *arg)
{
	if (m->action)
		argp_error(state, "more than one of --attach, --detach, --create, --delete");
	m->action = key;
	if (key == KEY_CREATE)
		m->create.blocks = parse_number(state, name, arg, 1, INT64_MAX);
	else
		m->nsid = (uint32_t)parse_number(state, name, arg, 1, UINT32_MAX - 1);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct manage *m = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &m->target;
		return 0;
	case KEY_FORMAT:
		m->format.format = (uint8_t)parse_number(state, "lba-format", arg, 0, 63);
		return 0;
	case KEY_PROTECTION:
		m->format.protection = (uint8_t)parse_number(state, "protection", arg, 0, 3);
		return 0;
	case KEY_ERASE:
		m->format.secure_erase = (uint8_t)parse_number(state, "erase", arg, 0, 2);
		return 0;
	case KEY_EXTENDED:
		m->format.metadata_extended = true;
		return 0;
	case KEY_FIRST:
		m->format.protection_first = true;
		return 0;
	case KEY_YES:
		m->yes = true;
		return 0;
	case KEY_ATTACH:
		set_action(m, state, key, "attach", arg);
		return 0;
	case KEY_DETACH:
		set_action(m, state, key, "detach", arg);
		return 0;
	case KEY_CREATE:
		set_action(m, state, key, "create", arg);
		return 0;
	case KEY_DELETE:
		set_action(m, state, key, "delete", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

/* --- format --------------------------------------------------------------------------------- */

static error_t parse_format(int key, char *arg, struct argp_state *state)
{
	struct manage *m = state->input;

	if (key != ARGP_KEY_END)
		return parse_option(key, arg, state);
	if (!m->target.nsid)
		argp_error(state, "which namespace? give --ns");
	if (!m->yes)
		argp_error(state, "this destroys data: give --yes");
	return 0;
}

int cmd_format(int argc, char **argv)
{
	static const struct argp_option options[] = {
		FORMAT_OPTIONS,
		{"erase", KEY_ERASE, "N", 0, "1: erase user data, 2: by its key (0)", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_format,
		.doc = "Format a namespace.\vExit status: 0, 1 (failure), 2 (usage).",
	};
	struct manage m = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &m);
	m.format.timeout_ms = m.target.timeout_s * 1000;
	status = target_open(&m.target);
	if (status == EXIT_SUCCESS)
		status = told(&m, "format",
			      plx_nvme_format(m.target.ctrl, m.target.nsid, &m.format));
	return target_close(&m.target, status);
}

/* --- ns ------------------------------------------------------------------------------------- */

static error_t parse_ns(int key, char *arg, struct argp_state *state)
{
	struct manage *m = state->input;

	if (key != ARGP_KEY_END)
		return parse_option(key, arg, state);
	if (!m->action)
		argp_error(state, "do what? give --attach, --detach, --create or --delete");
	if (m->action == KEY_DELETE && !m->yes)
		argp_error(state, "this destroys data: give --yes");
	return 0;
}

static int create(struct manage *m)
{
	int status;

	m->create.format = m->format.format;
	m->create.protection = m->format.protection;
	m->create.protection_first = m->format.protection_first;
	m->create.metadata_extended = m->format.metadata_extended;
	status = told(m, "create", plx_nvme_ns_create(m->target.ctrl, &m->create, &m->nsid));
	if (status == EXIT_SUCCESS)
		printf("%u\n", m->nsid);
	return finish_stdout(status);
}

static int run_ns(struct manage *m)
{
	switch (m->action) {
	case KEY_ATTACH:
		return told(m, "attach", plx_nvme_ns_attach(m->target.ctrl, m->nsid));
	case KEY_DETACH:
		return told(m, "detach", plx_nvme_ns_detach(m->target.ctrl, m->nsid));
	case KEY_DELETE:
		return told(m, "delete", plx_nvme_ns_delete(m->target.ctrl, m->nsid));
	default:
		return create(m);
	}
}

int cmd_ns(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"attach", KEY_ATTACH, "NSID", 0, "Attach to this controller", 1},
		{"detach", KEY_DETACH, "NSID", 0, "Detach from it", 1},
		{"create", KEY_CREATE, "BLOCKS", 0, "Create one; its id is printed", 1},
		{"delete", KEY_DELETE, "NSID", 0, "Delete it, and its data", 1},
		FORMAT_OPTIONS,
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_ns,
		.doc = "Manage the namespaces of a controller.\vExit status: 0, 1 (failure), 2 "
		       "(usage).",
	};
	struct manage m = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &m);
	status = target_open(&m.target);
	if (status == EXIT_SUCCESS)
		status = run_ns(&m);
	return target_close(&m.target, status);
}
