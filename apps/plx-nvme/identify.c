/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme identify: a controller and its namespaces, for people and as JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "app.h"

/* Bytes as hexadecimal digits. */
static const char *hex(const uint8_t *bytes, size_t n, char *to)
{
	size_t i;

	for (i = 0; i < n; i++)
		snprintf(to + 2 * i, 3, "%02x", bytes[i]);
	return to;
}

static const char *version_str(uint32_t version, char to[32])
{
	snprintf(to, 32, "%u.%u.%u", version >> 16, version >> 8 & 0xff, version & 0xff);
	return to;
}

/* --- Tables --------------------------------------------------------------------------------- */

static void print_ctrl(const struct plx_nvme_ctrl_info *i)
{
	char version[32], oui[8];

	printf("%-24s %s\n", "controller", i->name);
	printf("  %-22s %s\n", "model", i->model);
	printf("  %-22s %s\n", "serial", i->serial);
	printf("  %-22s %s\n", "firmware", i->firmware);
	printf("  %-22s %s\n", "subsystem", i->subnqn);
	printf("  %-22s %04x (subsystem %04x, OUI %s)\n", "vendor", i->vendor, i->subsystem_vendor,
	       hex(i->ieee_oui, 3, oui));
	printf("  %-22s %u\n", "controller id", i->id);
	printf("  %-22s %s\n", "NVMe version", version_str(i->version, version));
	printf("  %-22s 0x%016" PRIx64 "\n", "capabilities", i->capabilities);
	printf("  %-22s %u bytes (MDTS %u)\n", "largest transfer", i->max_transfer, i->mdts);
	printf("  %-22s %u (of %u possible)\n", "namespaces", i->namespaces, i->max_namespaces);
	printf("  %-22s %u, %u entries each\n", "I/O queue pairs", i->io_queues, i->max_depth);
	printf("  %-22s %s\n", "volatile write cache", i->volatile_cache ? "yes" : "no");
	printf("  %-22s %s\n", "SGL", i->sgl ? "yes" : "no");
	printf("  %-22s 0x%04x\n", "optional NVM commands", i->oncs);
	printf("  %-22s 0x%04x\n", "optional admin commands", i->oacs);
	printf("  %-22s %.1f ms\n", "time to ready", (double)i->ready_us / 1000);
}

static void print_ns(const struct plx_nvme_ns_info *n)
{
	char id[33];
	unsigned int f;

	printf("%-24s %u\n", "namespace", n->id);
	printf("  %-22s %" PRIu64 " blocks of %u bytes, %.2f GiB\n", "size", n->blocks,
	       n->block_size, (double)n->blocks * n->block_size / (1024 * MIB));
	printf("  %-22s %" PRIu64 " blocks, %" PRIu64 " in use\n", "capacity", n->capacity,
	       n->utilization);
	printf("  %-22s %u bytes%s, protection type %u\n", "metadata per block", n->metadata_size,
	       n->metadata_extended ? ", in the block" : "", n->protection);
	if (n->max_blocks)
		printf("  %-22s %u blocks\n", "largest transfer", n->max_blocks);
	else
		printf("  %-22s not by this driver\n", "I/O");
	printf("  %-22s %s\n", "NGUID", hex(n->nguid, sizeof(n->nguid), id));
	printf("  %-22s %s\n", "EUI-64", hex(n->eui64, sizeof(n->eui64), id));
	for (f = 0; f < n->format_count; f++)
		if (n->formats[f].block_size)
			printf("  LBA format %-11u %u bytes, metadata %u%s\n", f,
			       n->formats[f].block_size, n->formats[f].metadata_size,
			       f == n->format ? " (in use)" : "");
}

/* --- JSON ----------------------------------------------------------------------------------- */

static json_t *ctrl_json(const struct plx_nvme_ctrl_info *i)
{
	char version[32], oui[8];
	json_t *o = json_pack("{s:s, s:s, s:s, s:s, s:s, s:i, s:i, s:s, s:i, s:s}", "bdf", i->name,
			      "model", i->model, "serial", i->serial, "firmware", i->firmware,
			      "subnqn", i->subnqn, "vid", i->vendor, "ssvid", i->subsystem_vendor,
			      "oui", hex(i->ieee_oui, 3, oui), "cntlid", i->id, "version",
			      version_str(i->version, version));

	json_object_update_new(
		o, json_pack("{s:I, s:I, s:i, s:I, s:I, s:i, s:i}", "ver", (json_int_t)i->version,
			     "cap", (json_int_t)i->capabilities, "mdts", i->mdts, "max_transfer",
			     (json_int_t)i->max_transfer, "nn", (json_int_t)i->max_namespaces,
			     "oncs", i->oncs, "oacs", i->oacs));
	json_object_set_new(o, "shadow_doorbells", json_boolean(i->shadow_doorbells));
	json_object_set_new(o, "cmb_bytes", json_integer(i->cmb_bytes));
	json_object_update_new(o, json_pack("{s:b, s:b, s:i, s:i, s:i, s:I}", "volatile_cache",
					    i->volatile_cache, "sgl", i->sgl, "io_queues",
					    (int)i->io_queues, "max_depth", (int)i->max_depth,
					    "page_size", (int)i->page_size, "ready_us",
					    (json_int_t)i->ready_us));
	return o;
}

static json_t *ns_json(const struct plx_nvme_ns_info *n)
{
	char nguid[33], eui64[17];
	json_t *formats = json_array(), *o;
	unsigned int f;

	for (f = 0; f < n->format_count; f++)
		json_array_append_new(formats,
				      json_pack("{s:I, s:i, s:i}", "block_size",
						(json_int_t)n->formats[f].block_size,
						"metadata_size", n->formats[f].metadata_size,
						"performance", n->formats[f].performance));
	o = json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:i, s:b, s:i, s:I, s:i}", "nsid",
		      (json_int_t)n->id, "blocks", (json_int_t)n->blocks, "capacity",
		      (json_int_t)n->capacity, "utilization", (json_int_t)n->utilization,
		      "block_size", (json_int_t)n->block_size, "size_bytes",
		      (json_int_t)(n->blocks * n->block_size), "metadata_size", n->metadata_size,
		      "metadata_extended", n->metadata_extended, "protection", n->protection,
		      "max_blocks", (json_int_t)n->max_blocks, "format", n->format);
	json_object_update_new(o, json_pack("{s:o, s:s, s:s}", "formats", formats, "nguid",
					    hex(n->nguid, sizeof(n->nguid), nguid), "eui64",
					    hex(n->eui64, sizeof(n->eui64), eui64)));
	return o;
}

/* --- Command -------------------------------------------------------------------------------- */

/* One namespace, or all active ones. A namespace that cannot be identified fails the command. */
static int show_namespaces(struct target *t, json_t *array)
{
	uint32_t id = t->nsid ? t->nsid : plx_nvme_ns_next(t->ctrl, 0);
	int status = EXIT_SUCCESS;

	while (id) {
		struct plx_nvme_ns_info info;

		if (plx_nvme_ns_info_get(t->ctrl, id, &info))
			status = EXIT_FAILURE;
		else if (t->json)
			json_array_append_new(array, ns_json(&info));
		else
			print_ns(&info);
		id = t->nsid ? 0 : plx_nvme_ns_next(t->ctrl, id);
	}
	return status;
}

static int show(struct target *t)
{
	json_t *array = json_array(), *o;
	int status, printed;

	if (!t->json)
		print_ctrl(&t->info);
	status = show_namespaces(t, array);
	if (!t->json) {
		json_decref(array);
		return finish_stdout(status);
	}
	o = ctrl_json(&t->info);
	json_object_set_new(o, "namespaces", array);
	printed = print_json(o);
	return status ? status : printed;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	if (key != ARGP_KEY_INIT)
		return ARGP_ERR_UNKNOWN;
	state->child_inputs[0] = state->input;
	return 0;
}

int cmd_identify(int argc, char **argv)
{
	static const struct argp argp = {
		.parser = parse_option,
		.doc = "Show what a controller and its namespaces say of themselves.\v"
		       "With --ns only that namespace is shown. Exit status: 0, 1 (failure), 2 "
		       "(usage).",
	};
	struct target t = {.command = argv[0]};
	int status;

	target_parse(argc, argv, &argp, &t);
	status = target_open(&t);
	if (status == EXIT_SUCCESS)
		status = show(&t);
	return target_close(&t, status);
}
