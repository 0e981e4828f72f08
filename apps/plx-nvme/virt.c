/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme virt: what a primary controller gives to its virtual functions. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/nvme_event.h>
#include <pollux/nvme_virt.h>

#include "app.h"

#define SECONDARIES_MAX 256
#define HOLD_US		20000

struct virt {
	struct target target;
	uint16_t id;		       /* of the secondary controller; 0: none is to change */
	int count[PLX_NVME_RESOURCES]; /* -1: as it is */
	bool online, offline, hold;
};

static const char *const kinds[PLX_NVME_RESOURCES] = {
	[PLX_NVME_RESOURCE_QUEUES] = "queues",
	[PLX_NVME_RESOURCE_INTERRUPTS] = "interrupts",
};

/* --- Changes -------------------------------------------------------------------------------- */

static int told(const struct virt *v, const char *what, int err)
{
	if (err)
		target_error(&v->target, "secondary controller %u: %s: %s", v->id, what,
			     strerror(-err));
	return err;
}

static int assign(const struct virt *v, enum plx_nvme_resource kind)
{
	uint16_t got = 0;
	int err;

	if (v->count[kind] < 0)
		return 0;
	err = plx_nvme_virt_assign(v->target.ctrl, v->id, kind, (uint16_t)v->count[kind], &got);
	if (!err && got != v->count[kind])
		target_error(&v->target, "secondary controller %u: %u %s, not %d", v->id, got,
			     kinds[kind], v->count[kind]);
	return told(v, kinds[kind], err);
}

/* What is online cannot be changed. */
static int change(const struct virt *v)
{
	int err = 0;
	unsigned int kind;

	if (v->offline)
		err = told(v, "offline", plx_nvme_virt_offline(v->target.ctrl, v->id));
	for (kind = 0; kind < PLX_NVME_RESOURCES && !err; kind++)
		err = assign(v, (enum plx_nvme_resource)kind);
	if (v->online && !err)
		err = told(v, "online", plx_nvme_virt_online(v->target.ctrl, v->id));
	return err;
}

/* --- Report --------------------------------------------------------------------------------- */

static json_t *resource_json(const struct plx_nvme_virt_resource *r)
{
	return json_pack("{s:b, s:I, s:I, s:i, s:i, s:i, s:i}", "supported", r->supported,
			 "flexible", (json_int_t)r->flexible, "secondary", (json_int_t)r->secondary,
			 "primary", r->primary, "primary_own", r->primary_own, "secondary_max",
			 r->secondary_max, "granularity", r->granularity);
}

static json_t *secondaries_json(const struct plx_nvme_secondary *list, int n)
{
	json_t *a = json_array();
	int i;

	for (i = 0; i < n; i++)
		json_array_append_new(a,
				      json_pack("{s:i, s:i, s:i, s:i, s:b}", "id", list[i].id, "vf",
						list[i].vf, "queues", list[i].queues, "interrupts",
						list[i].interrupts, "online", list[i].online));
	return a;
}

static void print_table(const struct plx_nvme_virt *virt, const struct plx_nvme_secondary *list,
			int n)
{
	unsigned int kind;
	int i;

	printf("primary controller %u\n", virt->id);
	for (kind = 0; kind < PLX_NVME_RESOURCES; kind++) {
		const struct plx_nvme_virt_resource *r = &virt->resources[kind];

		printf("  %-10s %u its own; flexible: %u, %u for itself, %u given away, at most %u "
		       "each\n",
		       kinds[kind], r->primary_own, r->flexible, r->primary, r->secondary,
		       r->secondary_max);
	}
	for (i = 0; i < n; i++)
		printf("secondary controller %u: virtual function %u, %u queues, %u interrupts, "
		       "%s\n",
		       list[i].id, list[i].vf, list[i].queues, list[i].interrupts,
		       list[i].online ? "online" : "offline");
}

static int report(const struct virt *v)
{
	static struct plx_nvme_secondary list[SECONDARIES_MAX];
	struct plx_nvme_virt virt;
	int err = plx_nvme_virt_get(v->target.ctrl, &virt);
	int n = err ? err : plx_nvme_secondary_list(v->target.ctrl, list, SECONDARIES_MAX);

	if (n < 0) {
		target_error(&v->target, "its virtual functions: %s", strerror(-n));
		return EXIT_FAILURE;
	}
	if (n > SECONDARIES_MAX)
		n = SECONDARIES_MAX;
	if (v->target.json)
		return print_json(json_pack(
			"{s:i, s:o, s:o, s:o}", "primary", virt.id, "queues",
			resource_json(&virt.resources[PLX_NVME_RESOURCE_QUEUES]), "interrupts",
			resource_json(&virt.resources[PLX_NVME_RESOURCE_INTERRUPTS]), "secondaries",
			secondaries_json(list, n)));
	print_table(&virt, list, n);
	return finish_stdout(EXIT_SUCCESS);
}

/* Closed, it would take them all offline. Return: exit status. */
static int hold(struct virt *v)
{
	fprintf(stderr, "%s: holding\n", v->target.command);
	while (!app_stop) {
		if (plx_nvme_ctrl_poll(v->target.ctrl) < 0 || target_check(&v->target))
			return EXIT_FAILURE;
		plx_delay_us(HOLD_US);
	}
	return EXIT_SUCCESS;
}

/* --- Command -------------------------------------------------------------------------------- */

enum key {
	KEY_SECONDARY = 0x100,
	KEY_QUEUES,
	KEY_INTERRUPTS,
	KEY_ONLINE,
	KEY_OFFLINE,
	KEY_HOLD,
};

static void check_all(struct argp_state *state, const struct virt *v)
{
	bool changes = v->online || v->offline || v->count[PLX_NVME_RESOURCE_QUEUES] >= 0 ||
		       v->count[PLX_NVME_RESOURCE_INTERRUPTS] >= 0;

	if (changes && !v->id)
		argp_error(state, "of which secondary controller? give --secondary");
	if (v->id && !changes)
		argp_error(state, "do what with it? give --queues, --interrupts, --online or "
				  "--offline");
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct virt *v = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &v->target;
		return 0;
	case KEY_SECONDARY:
		v->id = (uint16_t)parse_number(state, "secondary", arg, 1, UINT16_MAX);
		return 0;
	case KEY_QUEUES:
		v->count[PLX_NVME_RESOURCE_QUEUES] =
			(int)parse_number(state, "queues", arg, 0, UINT16_MAX);
		return 0;
	case KEY_INTERRUPTS:
		v->count[PLX_NVME_RESOURCE_INTERRUPTS] =
			(int)parse_number(state, "interrupts", arg, 0, UINT16_MAX);
		return 0;
	case KEY_ONLINE:
		v->online = true;
		return 0;
	case KEY_OFFLINE:
		v->offline = true;
		return 0;
	case KEY_HOLD:
		v->hold = true;
		return 0;
	case ARGP_KEY_END:
		check_all(state, v);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_virt(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"secondary", KEY_SECONDARY, "ID", 0, "Change this secondary controller", 1},
		{"queues", KEY_QUEUES, "N", 0, "Give it so many queue pairs, the admin's included",
		 1},
		{"interrupts", KEY_INTERRUPTS, "N", 0, "Give it so many interrupts", 1},
		{"offline", KEY_OFFLINE, NULL, 0, "Take it offline, before the others", 1},
		{"online", KEY_ONLINE, NULL, 0, "Put it online, after the others", 1},
		{"hold", KEY_HOLD, NULL, 0, "Stay until a signal: then all go offline", 2},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Show, and change, what a controller gives to its virtual functions.\v"
		       "Exit status: 0, 1 (failure), 2 (usage).",
	};
	struct virt v = {.target = {.command = argv[0]}, .count = {-1, -1}};
	int status;

	target_parse(argc, argv, &argp, &v);
	catch_signals();
	status = target_open(&v.target);
	if (status == EXIT_SUCCESS && change(&v))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS)
		status = report(&v);
	if (status == EXIT_SUCCESS && v.hold)
		status = hold(&v);
	return target_close(&v.target, status);
}
