/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme list: every NVMe controller on the bus. What a host driver drives is described from its
 * sysfs files; what is bound to vfio-pci is opened for a moment, unless somebody else has it.
 */
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/log.h>
#include <pollux/pci.h>

#include "app.h"

#define CLASS_NVM_MASK	0xffff00
#define CLASS_NVM	0x010800
#define CONTROLLERS_MAX 1024

struct entry {
	struct plx_pci_device pci;
	char bdf[PLX_PCI_BDF_LEN];
	char model[41], serial[21], firmware[9];
	unsigned int namespaces;
	uint64_t bytes;	  /* of all namespaces */
	const char *note; /* why there are no details; NULL: there are */
};

struct list {
	struct target target;
	bool no_open;
	struct entry *entries;
	size_t count;
};

static int add_entry(const struct plx_pci_device *device, void *arg)
{
	struct list *list = arg;
	struct entry *entries;

	if ((device->class_code & CLASS_NVM_MASK) != CLASS_NVM || list->count == CONTROLLERS_MAX)
		return 0;
	entries = realloc(list->entries, (list->count + 1) * sizeof(*entries));
	if (!entries)
		return -ENOMEM;
	list->entries = entries;
	entries[list->count] = (struct entry){.pci = *device};
	plx_pci_bdf(&device->addr, entries[list->count].bdf);
	list->count++;
	return 0;
}

/* --- Details from the kernel's driver ------------------------------------------------------- */

/* The first line of a file below /sys/bus/pci/devices/<bdf>/nvme/, trimmed; "" if there is none. */
static void read_sysfs(const char *path, char *to, size_t len)
{
	FILE *f = fopen(path, "re");
	size_t n;

	to[0] = '\0';
	if (!f)
		return;
	if (!fgets(to, (int)len, f))
		to[0] = '\0';
	fclose(f);
	n = strlen(to);
	while (n && (to[n - 1] == '\n' || to[n - 1] == ' '))
		to[--n] = '\0';
}

static void add_namespace(struct entry *e, const char *dir, const char *name)
{
	char path[512], sectors[32];

	snprintf(path, sizeof(path), "%s/%s/size", dir, name);
	read_sysfs(path, sectors, sizeof(sectors));
	if (!sectors[0])
		return;
	e->namespaces++;
	e->bytes += strtoull(sectors, NULL, 10) * 512;
}

static void describe_by_kernel(struct entry *e)
{
	char parent[128], dir[400] = "", path[512];
	struct dirent *d;
	DIR *dp;

	snprintf(parent, sizeof(parent), "/sys/bus/pci/devices/%s/nvme", e->bdf);
	dp = opendir(parent);
	while (dp && (d = readdir(dp)))
		if (strncmp(d->d_name, "nvme", 4) == 0)
			snprintf(dir, sizeof(dir), "%s/%s", parent, d->d_name);
	if (dp)
		closedir(dp);
	if (!dir[0]) {
		e->note = e->pci.driver[0] ? "no details" : "no driver";
		return;
	}
	snprintf(path, sizeof(path), "%s/model", dir);
	read_sysfs(path, e->model, sizeof(e->model));
	snprintf(path, sizeof(path), "%s/serial", dir);
	read_sysfs(path, e->serial, sizeof(e->serial));
	snprintf(path, sizeof(path), "%s/firmware_rev", dir);
	read_sysfs(path, e->firmware, sizeof(e->firmware));
	dp = opendir(dir);
	while (dp && (d = readdir(dp)))
		if (strncmp(d->d_name, "nvme", 4) == 0)
			add_namespace(e, dir, d->d_name);
	if (dp)
		closedir(dp);
}

/* --- Details by ourselves ------------------------------------------------------------------- */

static void sum_namespaces(struct entry *e, struct plx_nvme_ctrl *ctrl)
{
	struct plx_nvme_ns_info info;
	uint32_t id;

	for (id = plx_nvme_ns_next(ctrl, 0); id; id = plx_nvme_ns_next(ctrl, id)) {
		if (plx_nvme_ns_info_get(ctrl, id, &info))
			continue;
		e->namespaces++;
		e->bytes += info.blocks * info.block_size;
	}
}

static const char *why_not(int err)
{
	switch (err) {
	case EBUSY:
		return "in use by another process";
	case EACCES:
		return "no permission";
	case EPERM:
		return "group not viable";
	default:
		return strerror(err);
	}
}

static void describe_by_driver(struct entry *e)
{
	struct plx_nvme_ctrl *ctrl = plx_nvme_ctrl_open(e->bdf, NULL);
	struct plx_nvme_ctrl_info info;

	if (!ctrl) {
		e->note = why_not(errno);
		return;
	}
	plx_nvme_ctrl_info(ctrl, &info);
	snprintf(e->model, sizeof(e->model), "%s", info.model);
	snprintf(e->serial, sizeof(e->serial), "%s", info.serial);
	snprintf(e->firmware, sizeof(e->firmware), "%s", info.firmware);
	sum_namespaces(e, ctrl);
	plx_nvme_ctrl_close(ctrl);
}

static bool is_ours(const struct entry *e)
{
	return strcmp(e->pci.driver, "vfio-pci") == 0;
}

/* Opening needs an EAL; a list is worth having without one. */
static void describe_all(struct list *list)
{
	bool up = false, tried = list->no_open;
	size_t i;

	for (i = 0; i < list->count; i++) {
		struct entry *e = &list->entries[i];

		if (!is_ours(e)) {
			describe_by_kernel(e);
			continue;
		}
		if (!tried)
			up = plx_eal_init(&list->target.eal) == 0;
		tried = true;
		if (up)
			describe_by_driver(e);
		else
			e->note = list->no_open ? "not opened" : "EAL not up";
	}
	if (up)
		plx_eal_fini();
}

/* --- Output --------------------------------------------------------------------------------- */

static void print_table(const struct list *list)
{
	size_t i;

	if (list->count == 0) {
		puts("no NVMe controllers");
		return;
	}
	printf("%-13s %-9s %5s %4s  %-32s %-20s %-8s %3s %10s\n", "BDF", "DRIVER", "GROUP", "NODE",
	       "MODEL", "SERIAL", "FIRMWARE", "NS", "GiB");
	for (i = 0; i < list->count; i++) {
		const struct entry *e = &list->entries[i];

		printf("%-13s %-9s %5d %4d  ", e->bdf, e->pci.driver[0] ? e->pci.driver : "-",
		       e->pci.group, e->pci.node);
		if (e->note)
			printf("(%s)\n", e->note);
		else
			printf("%-32s %-20s %-8s %3u %10.2f\n", e->model, e->serial, e->firmware,
			       e->namespaces, (double)e->bytes / (1024 * MIB));
	}
}

static json_t *to_json(const struct list *list)
{
	json_t *array = json_array();
	size_t i;

	for (i = 0; i < list->count; i++) {
		const struct entry *e = &list->entries[i];
		json_t *o = json_pack("{s:s, s:s, s:i, s:i, s:i, s:i}", "bdf", e->bdf, "driver",
				      e->pci.driver, "group", e->pci.group, "node", e->pci.node,
				      "vendor", e->pci.vendor, "device", e->pci.device);

		if (e->note)
			json_object_set_new(o, "note", json_string(e->note));
		else
			json_object_update_new(o, json_pack("{s:s, s:s, s:s, s:i, s:I}", "model",
							    e->model, "serial", e->serial,
							    "firmware", e->firmware, "namespaces",
							    (int)e->namespaces, "bytes",
							    (json_int_t)e->bytes));
		json_array_append_new(array, o);
	}
	return array;
}

/* --- Command -------------------------------------------------------------------------------- */

enum key {
	KEY_NO_OPEN = 0x100,
	KEY_JSON,
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct list *list = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &list->target.eal;
		return 0;
	case KEY_NO_OPEN:
		list->no_open = true;
		return 0;
	case KEY_JSON:
		list->target.json = true;
		return 0;
	case ARGP_KEY_ARG:
		argp_error(state, "unexpected argument \"%.40s\"", arg);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_list(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"no-open", KEY_NO_OPEN, NULL, 0,
		 "Do not open what is bound to vfio-pci (opening a controller resets it)", 1},
		{"json", KEY_JSON, NULL, 0, "Print JSON", 1},
		{0},
	};
	static const struct argp_child children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "List the NVMe controllers of this machine.\v"
		       "A controller bound to vfio-pci is opened for a moment to ask it for its "
		       "name, unless another process has it. Exit status: 0, 1 (failure), 2 "
		       "(usage).",
		.children = children,
	};
	struct list list = {.target = {.command = argv[0]}};
	int err, status;

	argp_parse(&argp, argc, argv, 0, NULL, &list);
	/* What cannot be opened is noted in its line. */
	if (!list.target.eal.log_levels)
		list.target.eal.log_levels = "off";
	err = plx_pci_scan(add_entry, &list);
	if (err) {
		target_error(&list.target, "cannot scan the PCI bus: %s", strerror(-err));
		free(list.entries);
		return EXIT_FAILURE;
	}
	describe_all(&list);
	if (list.target.json) {
		status = print_json(to_json(&list));
	} else {
		print_table(&list);
		status = finish_stdout(EXIT_SUCCESS);
	}
	free(list.entries);
	return status;
}
