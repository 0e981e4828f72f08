/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme zns: the zones of a zoned namespace: report, change their state, append a file. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_zns.h>

#include "file.h"

#define REPORT_ZONES 63 /* with the header, one page */
#define PAGE_BYTES   4096

struct zns {
	struct target target;
	struct plx_nvme_zns_info info;
	enum plx_nvme_zone_action action; /* 0: report */
	enum plx_nvme_zone_which which;
	uint64_t start;
	const char *data; /* file to append */
	size_t data_size;
	bool yes, has_start;
	struct plx_nvme_qpair *qp;
};

enum key {
	KEY_YES = 0x100,
	KEY_ALL,
	KEY_APPEND,
	KEY_SIZE,
};

/* Submit, and wait for its end. */
static int run_cmd(struct zns *z, struct plx_nvme_cmd *cmd, const char *what)
{
	struct plx_nvme_cmd *cmds[] = {cmd};
	int err = plx_nvme_qpair_submit_cmds(z->qp, cmds, 1);

	while (err == 1 && plx_nvme_in_flight(&cmd->req)) {
		plx_nvme_qpair_poll(z->qp, 0);
		err = target_check(&z->target);
		err = err ? err : 1;
	}
	if (err < 0) {
		target_error(&z->target, "%s: %s", what, strerror(-err));
		return err;
	}
	if (cmd->req.status)
		target_error(&z->target, "%s: %s", what, plx_nvme_status_str(cmd->req.status));
	return plx_nvme_status_errno(cmd->req.status);
}

/* --- Report --------------------------------------------------------------------------------- */

static void show_zone(const struct zns *z, const struct plx_nvme_zone *zone, json_t *array)
{
	const char *state = plx_nvme_zone_state_str(zone->state);

	if (array)
		json_array_append_new(array, json_pack("{s:I, s:I, s:I, s:s}", "lba",
						       (json_int_t)zone->lba, "capacity",
						       (json_int_t)zone->capacity, "written",
						       (json_int_t)zone->written, "state", state));
	else
		printf("%12" PRIu64 "  %12" PRIu64 " of %12" PRIu64 "  %s\n", zone->lba,
		       zone->written, zone->capacity, state);
}

/* Zones from lba on, a page of them. *next: the zone behind the last; 0 at the end. */
static int report_page(struct zns *z, void *page, uint64_t *next, json_t *array)
{
	struct plx_nvme_zone zones[REPORT_ZONES];
	struct plx_nvme_cmd cmd = {0};
	uint64_t from = *next;
	int err, i, n;

	plx_nvme_zone_report(&cmd, z->target.ns, from, PLX_NVME_ZONES_ALL, plx_iova(page),
			     PLX_NVME_ZONE_REPORT_BYTES(REPORT_ZONES));
	err = run_cmd(z, &cmd, "report");
	if (err)
		return err;
	n = plx_nvme_zones_parse(z->target.ns, page, PAGE_BYTES, zones, REPORT_ZONES);
	if (n < 0) {
		target_error(&z->target, "its report of zones cannot be: %s", strerror(-n));
		return n;
	}
	*next = n == REPORT_ZONES ? zones[n - 1].lba + z->info.zone_blocks : 0;
	if (*next && *next <= from) {
		target_error(&z->target, "its report of zones from block %" PRIu64 " ends before",
			     from);
		return -EPROTO;
	}
	for (i = 0; i < n; i++)
		show_zone(z, &zones[i], array);
	if (*next >= z->target.ns_info->blocks)
		*next = 0;
	return 0;
}

static int report(struct zns *z, void *page)
{
	json_t *array = z->target.json ? json_array() : NULL;
	uint64_t next = z->start;
	int err;

	if (!array)
		printf("%" PRIu64 " zones of %" PRIu64 " blocks; open at most %u, active %u (0: no "
		       "limit); an append: %u blocks\n",
		       z->info.zones, z->info.zone_blocks, z->info.max_open, z->info.max_active,
		       z->info.append_max_blocks);
	do
		err = report_page(z, page, &next, array);
	while (!err && next && !app_stop);
	if (err) {
		json_decref(array);
		return EXIT_FAILURE;
	}
	if (!array)
		return finish_stdout(EXIT_SUCCESS);
	return print_json(json_pack(
		"{s:I, s:I, s:I, s:I, s:I, s:o}", "zones", (json_int_t)z->info.zones, "zone_blocks",
		(json_int_t)z->info.zone_blocks, "max_open", (json_int_t)z->info.max_open,
		"max_active", (json_int_t)z->info.max_active, "append_max_blocks",
		(json_int_t)z->info.append_max_blocks, "list", array));
}

/* --- Change --------------------------------------------------------------------------------- */

static int manage(struct zns *z)
{
	struct plx_nvme_cmd cmd = {0};

	plx_nvme_zone_manage(&cmd, z->target.ns, z->start, z->action, z->which);
	return run_cmd(z, &cmd, "zone") ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int append_all(struct zns *z, char *buf)
{
	uint32_t block = z->target.ns_info->block_size, n;
	struct plx_nvme_cmd cmd = {0};
	size_t at;
	uint64_t lba;

	for (at = 0; at < z->data_size; at += (size_t)n * block) {
		size_t left = (z->data_size - at) / block;

		n = left < z->info.append_max_blocks ? (uint32_t)left : z->info.append_max_blocks;
		plx_nvme_zone_append(&cmd, z->target.ns, z->start, n, plx_iova(buf + at));
		if (run_cmd(z, &cmd, "append"))
			return EXIT_FAILURE;
		if (plx_nvme_zone_appended(&cmd, z->target.ns, &lba)) {
			target_error(&z->target, "it appended outside the zone, at %" PRIu64, lba);
			return EXIT_FAILURE;
		}
		printf("%u blocks at %" PRIu64 "\n", n, lba);
	}
	return finish_stdout(EXIT_SUCCESS);
}

static int append(struct zns *z)
{
	uint32_t block = z->target.ns_info->block_size;
	char *buf;
	int status;

	if (z->data_size == 0 || z->data_size % block || z->info.append_max_blocks == 0) {
		target_error(&z->target, "--size %zu: not a multiple of its blocks of %u bytes",
			     z->data_size, block);
		return EXIT_USAGE;
	}
	buf = plx_dma_alloc(z->data_size, PAGE_BYTES, PLX_NODE_ANY);
	if (!buf) {
		target_error(&z->target, "no memory for %zu bytes", z->data_size);
		return EXIT_FAILURE;
	}
	status = file_load(&z->target, z->data, buf, z->data_size) ? EXIT_FAILURE
								   : append_all(z, buf);
	plx_dma_free(buf);
	return status;
}

static int run(struct zns *z)
{
	void *page = plx_dma_zalloc(PAGE_BYTES, PAGE_BYTES, PLX_NODE_ANY);
	int status = EXIT_FAILURE;

	z->qp = plx_nvme_qpair_open(z->target.ctrl, NULL);
	if (!page || !z->qp)
		target_error(&z->target, "no queue pair: %s", strerror(errno));
	else if (z->data)
		status = append(z);
	else
		status = z->action ? manage(z) : report(z, page);
	plx_nvme_qpair_close(z->qp);
	plx_dma_free(page);
	return status;
}

/* --- Command -------------------------------------------------------------------------------- */

static const struct {
	const char *name;
	enum plx_nvme_zone_action action; /* 0: report */
} actions[] = {
	{"report", (enum plx_nvme_zone_action)0}, {"open", PLX_NVME_ZONE_OPEN},
	{"close", PLX_NVME_ZONE_CLOSE},		  {"finish", PLX_NVME_ZONE_FINISH},
	{"reset", PLX_NVME_ZONE_RESET},		  {"offline", PLX_NVME_ZONE_TAKE_OFFLINE},
};

static void set_action(struct zns *z, struct argp_state *state, const char *name)
{
	size_t i;

	for (i = 0; i < sizeof(actions) / sizeof(actions[0]); i++) {
		if (strcmp(actions[i].name, name))
			continue;
		z->action = actions[i].action;
		return;
	}
	argp_error(state,
		   "--action: \"%.40s\" is none of report, open, close, finish, reset, offline",
		   name);
}

static void check_options(const struct zns *z, struct argp_state *state)
{
	bool one = z->action && z->which == PLX_NVME_ZONE_ONE;

	if ((one || z->data) && !z->has_start)
		argp_error(state, "which zone? give --start-block, or --all");
	if ((z->data ||
	     (z->action && z->action != PLX_NVME_ZONE_OPEN && z->action != PLX_NVME_ZONE_CLOSE)) &&
	    !z->yes)
		argp_error(state, "this changes data: give --yes");
	if (z->data && !z->data_size)
		argp_error(state, "how much of the file? give --size");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct zns *z = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &z->target;
		return 0;
	case 'a':
		set_action(z, state, arg);
		return 0;
	case 's':
		z->start = parse_number(state, "start-block", arg, 0, UINT64_MAX - 1);
		z->has_start = true;
		return 0;
	case KEY_ALL:
		z->which = PLX_NVME_ZONE_ALL;
		return 0;
	case KEY_APPEND:
		z->data = arg;
		return 0;
	case KEY_SIZE:
		z->data_size = parse_bytes(state, "size", arg, 1, 1u << 30);
		return 0;
	case KEY_YES:
		z->yes = true;
		return 0;
	case ARGP_KEY_END:
		check_options(z, state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_zns(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"action", 'a', "ACTION", 0,
		 "report (the default), open, close, finish, reset or offline", 1},
		{"start-block", 's', "N", 0, "First block of the zone (report: from there on)", 1},
		{"all", KEY_ALL, NULL, 0, "The action is for all zones", 1},
		{"append", KEY_APPEND, "FILE", 0, "Append a file (-: stdin) to the zone", 1},
		{"size", KEY_SIZE, "BYTES", 0, "of it", 1},
		{"yes", KEY_YES, NULL, 0, "Yes, change the data that is there", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "The zones of a zoned namespace.\vExit status: 0, 1 (failure), 2 (usage).",
	};
	struct zns z = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &z);
	catch_signals();
	status = target_open(&z.target);
	if (status == EXIT_SUCCESS)
		status = target_open_ns(&z.target);
	if (status == EXIT_SUCCESS && plx_nvme_zns_info(z.target.ns, &z.info)) {
		target_error(&z.target, "namespace %u is not zoned", z.target.nsid);
		status = EXIT_FAILURE;
	}
	if (status == EXIT_SUCCESS)
		status = run(&z);
	return target_close(&z.target, status);
}
