/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme paths: which namespaces two controllers have in common. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/pci.h>

#include "app.h"

struct paths {
	struct target target, other;
};

static int show(struct paths *p)
{
	json_t *array = json_array();
	struct plx_nvme_ns_info info;
	uint32_t id, there;
	int n = 0;

	for (id = plx_nvme_ns_next(p->target.ctrl, 0); id && n >= 0;
	     id = plx_nvme_ns_next(p->target.ctrl, id)) {
		n = plx_nvme_ns_info_get(p->target.ctrl, id, &info);
		if (!n)
			n = plx_nvme_ns_find(p->other.ctrl, &info, &there);
		if (n == 1 && !p->target.json)
			printf("namespace %u of %s is namespace %u of %s\n", id, p->target.bdf,
			       there, p->other.bdf);
		if (n == 1)
			json_array_append_new(array, json_pack("{s:i, s:i}", "nsid", (int)id,
							       "other_nsid", (int)there));
	}
	if (n < 0)
		target_error(&p->target, "its namespaces: %s", strerror(-n));
	if (n >= 0 && p->target.json)
		return print_json(array);
	json_decref(array);
	return finish_stdout(n < 0 ? EXIT_FAILURE : EXIT_SUCCESS);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct paths *p = state->input;
	struct plx_pci_addr addr;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &p->target;
		return 0;
	case 'o':
		if (plx_pci_parse(arg, &addr))
			argp_error(state, "--other: \"%.40s\" is not a PCI address", arg);
		p->other.bdf = arg;
		return 0;
	case ARGP_KEY_END:
		if (!p->other.bdf)
			argp_error(state, "and which other controller? give --other");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_paths(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"other", 'o', "BDF", 0, "The controller to compare with", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Namespaces that two controllers have in common, by NGUID, UUID or "
		       "EUI64.\vExit status: 0, 1 (failure), 2 (usage).",
	};
	struct paths p = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &p);
	p.other.command = argv[0];
	p.other.eal_is_up = true;
	status = target_open(&p.target);
	if (status == EXIT_SUCCESS)
		status = target_open(&p.other);
	if (status == EXIT_SUCCESS)
		status = show(&p);
	status = target_close(&p.other, status);
	return target_close(&p.target, status);
}
