/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme log: log pages decoded, for people and as JSON; others as bytes. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/nvme_admin.h>

#include "file.h"

#define KELVIN 273

struct log {
	struct target target;
	const char *what;
	const char *data; /* file for the bytes */
	uint32_t id;	  /* when it is not one of the known */
	uint32_t len;
	uint8_t *page;
};

struct kind {
	const char *name;
	uint8_t id;
	uint32_t len;
	json_t *(*json)(const uint8_t *page, uint32_t len);
};

/* --- From bytes to JSON ---------------------------------------------------------------------- */

static json_t *number(uint64_t value)
{
	/* JSON integers are signed here. */
	return json_integer(value > INT64_MAX ? INT64_MAX : (json_int_t)value);
}

static json_t *smart_json(const uint8_t *page, uint32_t len)
{
	struct plx_nvme_smart s;
	json_t *o, *sensors = json_array();
	unsigned int i;

	plx_nvme_log_smart(page, &s);
	for (i = 0; i < 8; i++)
		if (s.sensor_k[i])
			json_array_append_new(sensors, json_integer(s.sensor_k[i] - KELVIN));
	o = json_pack("{s:i, s:i, s:i, s:i, s:i, s:o, s:o, s:o, s:o}", "critical_warning",
		      s.critical_warning, "temperature_celsius", s.temperature_k - KELVIN,
		      "spare_percent", s.spare_percent, "spare_threshold_percent",
		      s.spare_threshold_percent, "used_percent", s.used_percent, "data_units_read",
		      number(s.data_units_read), "data_units_written", number(s.data_units_written),
		      "host_reads", number(s.host_reads), "host_writes", number(s.host_writes));
	json_object_update_new(
		o,
		json_pack("{s:o, s:o, s:o, s:o, s:o, s:o, s:I, s:I, s:o}", "busy_minutes",
			  number(s.busy_minutes), "power_cycles", number(s.power_cycles),
			  "power_on_hours", number(s.power_on_hours), "unsafe_shutdowns",
			  number(s.unsafe_shutdowns), "media_errors", number(s.media_errors),
			  "error_log_entries", number(s.error_log_entries),
			  "warning_temperature_minutes", (json_int_t)s.warning_temperature_minutes,
			  "critical_temperature_minutes",
			  (json_int_t)s.critical_temperature_minutes, "sensors_celsius", sensors));
	return o;
}

static json_t *error_json(const uint8_t *page, uint32_t len)
{
	json_t *array = json_array();
	uint32_t at;

	for (at = 0; at + PLX_NVME_LOG_ERROR_BYTES <= len; at += PLX_NVME_LOG_ERROR_BYTES) {
		struct plx_nvme_error e;

		plx_nvme_log_error(page + at, &e);
		if (e.count == 0)
			continue;
		json_array_append_new(
			array, json_pack("{s:o, s:s, s:i, s:i, s:i, s:o, s:I}", "count",
					 number(e.count), "status", plx_nvme_status_str(e.status),
					 "sqid", e.sqid, "cid", e.cid, "parameter", e.parameter,
					 "lba", number(e.lba), "nsid", (json_int_t)e.nsid));
	}
	return json_pack("{s:o}", "errors", array);
}

static json_t *firmware_json(const uint8_t *page, uint32_t len)
{
	struct plx_nvme_firmware f;
	json_t *slots = json_object();
	unsigned int i;
	char name[2] = "1";

	if (plx_nvme_log_firmware(page, &f))
		fprintf(stderr, "plx-nvme log: it names no active slot\n");
	for (i = 0; i < 7; i++, name[0]++)
		if (f.revision[i][0])
			json_object_set_new(slots, name, json_string(f.revision[i]));
	return json_pack("{s:i, s:i, s:o}", "active", f.active, "next", f.next, "slots", slots);
}

static json_t *changed_json(const uint8_t *page, uint32_t len)
{
	uint32_t ids[PLX_NVME_CHANGED_NS_MAX];
	json_t *array = json_array();
	int n = plx_nvme_log_changed_ns(page, ids), i;

	for (i = 0; i < n; i++)
		json_array_append_new(array, json_integer(ids[i]));
	return json_pack("{s:b, s:o}", "too_many", n == -EOVERFLOW, "namespaces", array);
}

static json_t *effects_of(const uint32_t *effects)
{
	static const char *const names[] = {"supported", "changes data", "changes namespace",
					    "changes namespaces", "changes controller"};
	json_t *o = json_object();
	unsigned int i, bit;

	for (i = 0; i < 256; i++) {
		json_t *list = json_array();
		char opcode[8];

		for (bit = 0; bit < sizeof(names) / sizeof(names[0]); bit++)
			if (effects[i] & 1u << bit)
				json_array_append_new(list, json_string(names[bit]));
		snprintf(opcode, sizeof(opcode), "0x%02x", i);
		if (effects[i] & PLX_NVME_EFFECT_SUPPORTED)
			json_object_set(o, opcode, list);
		json_decref(list);
	}
	return o;
}

static json_t *effects_json(const uint8_t *page, uint32_t len)
{
	static struct plx_nvme_effects e;

	plx_nvme_log_effects(page, &e);
	return json_pack("{s:o, s:o}", "admin", effects_of(e.admin), "io", effects_of(e.io));
}

static const struct kind kinds[] = {
	{"smart", PLX_NVME_LOG_SMART, PLX_NVME_LOG_SMART_BYTES, smart_json},
	{"error", PLX_NVME_LOG_ERROR, 0, error_json},
	{"firmware", PLX_NVME_LOG_FIRMWARE, PLX_NVME_LOG_FIRMWARE_BYTES, firmware_json},
	{"changed-ns", PLX_NVME_LOG_CHANGED_NS, PLX_NVME_LOG_CHANGED_NS_BYTES, changed_json},
	{"effects", PLX_NVME_LOG_EFFECTS, PLX_NVME_LOG_EFFECTS_BYTES, effects_json},
};

/* --- JSON for people -------------------------------------------------------------------------- */

static void print_flat(const char *name, const json_t *value, int indent)
{
	char *text;
	const char *key;
	json_t *item;
	size_t i;

	if (json_is_object(value)) {
		printf("%*s%s\n", indent, "", name);
		json_object_foreach((json_t *)value, key, item) print_flat(key, item, indent + 2);
	} else if (json_is_array(value) && json_is_object(json_array_get(value, 0))) {
		json_array_foreach(value, i, item) print_flat(name, item, indent);
	} else if (json_is_string(value)) {
		printf("%*s%-*s %s\n", indent, "", 32 - indent, name, json_string_value(value));
	} else {
		text = json_dumps(value, JSON_ENCODE_ANY);
		printf("%*s%-*s %s\n", indent, "", 32 - indent, name, text ? text : "?");
		free(text);
	}
}

/* --- Command -------------------------------------------------------------------------------- */

static int show_known(struct log *l, const struct kind *kind)
{
	json_t *o = kind->json(l->page, l->len);

	if (l->target.json)
		return print_json(o);
	print_flat(kind->name, o, 0);
	json_decref(o);
	return finish_stdout(EXIT_SUCCESS);
}

static int show(struct log *l)
{
	const struct kind *kind = NULL;
	struct plx_nvme_log_where where = {.nsid = l->target.nsid};
	size_t i;
	int err;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (l->what && strcmp(kinds[i].name, l->what) == 0)
			kind = &kinds[i];
	if (kind) {
		l->id = kind->id;
		l->len = kind->len ? kind->len
				   : l->target.info.error_entries * PLX_NVME_LOG_ERROR_BYTES;
	}
	l->page = calloc(1, l->len);
	if (!l->page)
		return EXIT_FAILURE;
	err = plx_nvme_log_get(l->target.ctrl, (uint8_t)l->id, &where, l->page, l->len);
	if (err) {
		target_error(&l->target, "log page 0x%02x: %s", l->id, strerror(-err));
		return EXIT_FAILURE;
	}
	if (l->data)
		return file_save(&l->target, l->data, l->page, l->len) ? EXIT_FAILURE : 0;
	if (kind)
		return show_known(l, kind);
	file_dump(stdout, l->page, l->len);
	return finish_stdout(EXIT_SUCCESS);
}

static void parse_what(struct log *l, struct argp_state *state, const char *what)
{
	size_t i;

	l->what = what;
	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (strcmp(kinds[i].name, what) == 0)
			return;
	l->what = NULL;
	l->id = (uint32_t)parse_number(state, "page", what, 0, 255);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct log *l = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &l->target;
		return 0;
	case 'p':
		parse_what(l, state, arg);
		return 0;
	case 'l':
		l->len = (uint32_t)parse_bytes(state, "length", arg, 4, 1 << 20) & ~3u;
		return 0;
	case 'd':
		l->data = arg;
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_log(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"page", 'p', "PAGE", 0,
		 "smart (the default), error, firmware, changed-ns, effects, or a number", 1},
		{"length", 'l', "BYTES", 0, "Of a page given by number (512)", 1},
		{"data", 'd', "FILE", 0, "Write the bytes to a file (-: stdout)", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Show a log page of a controller.\vExit status: 0, 1 (failure), 2 (usage).",
	};
	struct log l = {.target = {.command = argv[0]}, .what = "smart", .len = 512};
	int status;

	target_parse(argc, argv, &argp, &l);
	status = target_open(&l.target);
	if (status == EXIT_SUCCESS)
		status = show(&l);
	free(l.page);
	return target_close(&l.target, status);
}
