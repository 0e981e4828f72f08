/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme directive: which directives a namespace has, and its streams. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/nvme_directive.h>

#include "app.h"

struct directive {
	struct target target;
	int streams; /* to allocate, 0: to give back; -1: neither */
};

static const struct {
	enum plx_nvme_directive_type type;
	const char *name;
} types[] = {
	{PLX_NVME_DIRECTIVE_IDENTIFY, "identify"},
	{PLX_NVME_DIRECTIVE_STREAMS, "streams"},
	{PLX_NVME_DIRECTIVE_PLACEMENT, "data placement"},
};

static json_t *names(uint32_t bits)
{
	json_t *a = json_array();
	size_t i;

	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (bits >> types[i].type & 1)
			json_array_append_new(a, json_string(types[i].name));
	return a;
}

static int told(const struct directive *d, const char *what, int err)
{
	if (err)
		target_error(&d->target, "namespace %u: %s: %s", d->target.nsid, what,
			     strerror(-err));
	return err;
}

static int change_streams(const struct directive *d)
{
	struct plx_nvme_ctrl *ctrl = d->target.ctrl;
	uint32_t nsid = d->target.nsid;
	uint16_t got;
	int err;

	if (d->streams < 0)
		return 0;
	if (d->streams == 0)
		return told(d, "giving its streams back", plx_nvme_streams_release(ctrl, nsid));
	err = told(d, "switching streams on",
		   plx_nvme_directive_enable(ctrl, nsid, PLX_NVME_DIRECTIVE_STREAMS));
	return err ? err
		   : told(d, "allocating streams",
			  plx_nvme_streams_allocate(ctrl, nsid, (uint16_t)d->streams, &got));
}

static json_t *streams_json(const struct plx_nvme_streams *s)
{
	return json_pack("{s:i, s:i, s:i, s:i, s:i, s:I, s:i}", "max", s->max, "available",
			 s->available, "open", s->open, "allocated", s->allocated, "ns_open",
			 s->ns_open, "write_blocks", (json_int_t)s->write_blocks, "granularity",
			 s->granularity);
}

static void print_names(const char *what, uint32_t bits)
{
	size_t i;

	printf("  %-12s", what);
	for (i = 0; i < sizeof(types) / sizeof(types[0]); i++)
		if (bits >> types[i].type & 1)
			printf(" %s", types[i].name);
	putchar('\n');
}

static int report(const struct directive *d)
{
	struct plx_nvme_directives all;
	struct plx_nvme_streams s = {0};
	bool streams;
	int err = told(d, "its directives",
		       plx_nvme_directives_get(d->target.ctrl, d->target.nsid, &all));

	if (err)
		return EXIT_FAILURE;
	streams = all.enabled >> PLX_NVME_DIRECTIVE_STREAMS & 1;
	if (streams &&
	    told(d, "its streams", plx_nvme_streams_get(d->target.ctrl, d->target.nsid, &s)))
		return EXIT_FAILURE;
	if (d->target.json)
		return print_json(json_pack("{s:o, s:o, s:o, s:o}", "supported",
					    names(all.supported), "enabled", names(all.enabled),
					    "persistent", names(all.persistent), "streams",
					    streams ? streams_json(&s) : json_null()));
	printf("namespace %u\n", d->target.nsid);
	print_names("supported", all.supported);
	print_names("enabled", all.enabled);
	if (streams)
		printf("  streams      %u of %u available, %u allocated to it, best written in "
		       "%u blocks\n",
		       s.available, s.max, s.allocated, s.write_blocks);
	return finish_stdout(EXIT_SUCCESS);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct directive *d = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &d->target;
		return 0;
	case 's':
		d->streams = (int)parse_number(state, "streams", arg, 0, UINT16_MAX);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_directive(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"streams", 's', "N", 0, "Switch streams on and allocate N; 0: give them back", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Show the directives of a namespace (--ns; 1), and change its streams.\v"
		       "Exit status: 0, 1 (failure), 2 (usage).",
	};
	struct directive d = {.target = {.command = argv[0]}, .streams = -1};
	int status;

	target_parse(argc, argv, &argp, &d);
	if (!d.target.nsid)
		d.target.nsid = 1;
	status = target_open(&d.target);
	if (status == EXIT_SUCCESS && change_streams(&d))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS)
		status = report(&d);
	return target_close(&d.target, status);
}
