/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme feature and passthru: features of a controller; any command, as given. */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>
#include <pollux/nvme_admin.h>

#include "file.h"

#define DATA_MAX (1u << 20)

/* --- feature --------------------------------------------------------------------------------- */

struct feature {
	struct target target;
	struct plx_nvme_feature f;
	bool set;
	const char *data;
	size_t len;
	uint8_t bytes[PLX_NVME_FEATURE_DATA_MAX];
};

enum feature_key {
	KEY_SET = 0x100,
	KEY_SELECT,
	KEY_SAVE,
	KEY_FEATURE_CDW12,
};

static enum plx_nvme_feature_select parse_select(struct argp_state *state, const char *text)
{
	static const char *const names[] = {"current", "default", "saved", "capabilities"};
	unsigned int i;

	for (i = 0; i < 4; i++)
		if (strcmp(text, names[i]) == 0)
			return i;
	argp_error(state, "--select: \"%.40s\" is none of current, default, saved, capabilities",
		   text);
	return PLX_NVME_FEATURE_CURRENT;
}

static error_t parse_feature(int key, char *arg, struct argp_state *state)
{
	struct feature *f = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &f->target;
		return 0;
	case 'f':
		f->f.id = (uint8_t)parse_number(state, "id", arg, 1, 255);
		return 0;
	case 'l':
		f->len = parse_bytes(state, "length", arg, 1, sizeof(f->bytes));
		return 0;
	case 'd':
		f->data = arg;
		return 0;
	case KEY_SET:
		f->set = true;
		f->f.cdw11 = (uint32_t)parse_number(state, "set", arg, 0, UINT32_MAX);
		return 0;
	case KEY_SELECT:
		f->f.select = parse_select(state, arg);
		return 0;
	case KEY_SAVE:
		f->f.save = true;
		return 0;
	case KEY_FEATURE_CDW12:
		f->f.cdw12 = (uint32_t)parse_number(state, "cdw12", arg, 0, UINT32_MAX);
		return 0;
	case ARGP_KEY_END:
		if (f->f.id == 0)
			argp_error(state, "which feature? give --id");
		if (f->set && f->len && !f->data)
			argp_error(state, "--set with --length wants --data");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int show_feature(struct feature *f)
{
	const char *name = plx_nvme_feature_name(f->f.id);

	if (f->data && !f->set && file_save(&f->target, f->data, f->bytes, f->len))
		return EXIT_FAILURE;
	if (f->target.json)
		return print_json(json_pack("{s:i, s:s, s:I}", "id", f->f.id, "name",
					    name ? name : "unknown", "value",
					    (json_int_t)f->f.value));
	printf("feature 0x%02x (%s): 0x%08x\n", f->f.id, name ? name : "unknown", f->f.value);
	if (f->len && !f->data)
		file_dump(stdout, f->bytes, f->len);
	return finish_stdout(EXIT_SUCCESS);
}

static int run_feature(struct feature *f)
{
	int err;

	f->f.nsid = f->target.nsid;
	if (f->set && f->len && file_load(&f->target, f->data, f->bytes, f->len))
		return EXIT_FAILURE;
	if (f->set)
		err = plx_nvme_feature_set(f->target.ctrl, &f->f, f->bytes, f->len);
	else
		err = plx_nvme_feature_get(f->target.ctrl, &f->f, f->bytes, f->len);
	if (err) {
		target_error(&f->target, "feature 0x%02x: %s%s", f->f.id, strerror(-err),
			     err == -EPERM ? ": the driver sets it itself" : "");
		return EXIT_FAILURE;
	}
	return f->set ? EXIT_SUCCESS : show_feature(f);
}

int cmd_feature(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"id", 'f', "N", 0, "Which feature", 1},
		{"set", KEY_SET, "VALUE", 0, "Set it (dword 11)", 1},
		{"cdw12", KEY_FEATURE_CDW12, "VALUE", 0, "Dword 12, where the feature has one", 1},
		{"save", KEY_SAVE, NULL, 0, "With --set: beyond resets and power cycles", 1},
		{"select", KEY_SELECT, "WHICH", 0, "current, default, saved, capabilities", 1},
		{"length", 'l', "BYTES", 0, "Of the data that the feature has", 1},
		{"data", 'd', "FILE", 0, "The data (-: stdin, stdout)", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_feature,
		.doc = "Get or set a feature of a controller, or with --ns of a "
		       "namespace.\vExit status: 0, 1 (failure), 2 (usage).",
	};
	struct feature f = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &f);
	status = target_open(&f.target);
	if (status == EXIT_SUCCESS)
		status = run_feature(&f);
	return target_close(&f.target, status);
}

/* --- passthru -------------------------------------------------------------------------------- */

struct passthru {
	struct target target;
	bool io;
	int opcode;
	uint32_t dwords[16];
	uint32_t len;
	const char *in, *out;
};

enum passthru_key {
	KEY_IO = 0x100,
	KEY_OPCODE,
	KEY_LENGTH,
	KEY_IN,
	KEY_OUT,
	KEY_CDW, /* + the dword's number */
};

static error_t parse_passthru(int key, char *arg, struct argp_state *state)
{
	struct passthru *p = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &p->target;
		return 0;
	case KEY_IO:
		p->io = true;
		return 0;
	case KEY_OPCODE:
		p->opcode = (int)parse_number(state, "opcode", arg, 0, 255);
		return 0;
	case KEY_LENGTH:
		p->len = (uint32_t)parse_bytes(state, "length", arg, 1, DATA_MAX);
		return 0;
	case KEY_IN:
		p->in = arg;
		return 0;
	case KEY_OUT:
		p->out = arg;
		return 0;
	case KEY_CDW + 2 ... KEY_CDW + 15:
		p->dwords[key - KEY_CDW] = (uint32_t)parse_number(state, "cdw", arg, 0, UINT32_MAX);
		return 0;
	case ARGP_KEY_END:
		if (p->opcode < 0)
			argp_error(state, "which command? give --opcode");
		if ((p->in || p->out) && !p->len)
			argp_error(state, "how much data? give --length");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run_io(struct passthru *p, struct plx_nvme_cmd *cmd)
{
	struct plx_nvme_qpair_config config = {.depth = 2};
	struct plx_nvme_qpair *qp = plx_nvme_qpair_open(p->target.ctrl, &config);
	int err;

	if (!qp)
		return -errno;
	err = plx_nvme_qpair_submit_cmds(qp, &cmd, 1);
	while (err == 1 && plx_nvme_in_flight(&cmd->req) && !target_check(&p->target))
		plx_nvme_qpair_poll(qp, 0);
	plx_nvme_qpair_close(qp);
	return err < 0 ? err : 0;
}

static int run_command(struct passthru *p, void *buf)
{
	struct plx_nvme_cmd cmd = {0};
	const uint32_t *d = p->dwords;
	int err;

	plx_nvme_cmd_clear(&cmd, (uint8_t)p->opcode, p->target.nsid);
	cmd.cdw2 = d[2];
	cmd.cdw3 = d[3];
	cmd.cdw10 = d[10];
	cmd.cdw11 = d[11];
	cmd.cdw12 = d[12];
	cmd.cdw13 = d[13];
	cmd.cdw14 = d[14];
	cmd.cdw15 = d[15];
	cmd.len = p->len;
	cmd.iova = p->len ? plx_iova(buf) : 0;
	err = p->io ? run_io(p, &cmd)
		    : plx_nvme_admin(p->target.ctrl, &cmd, p->target.timeout_s * 1000);
	if (err) {
		target_error(&p->target, "not submitted or not ended: %s", strerror(-err));
		return EXIT_FAILURE;
	}
	fprintf(stderr, "%s: status %s, result 0x%" PRIx64 "\n", p->target.command,
		plx_nvme_status_str(cmd.req.status), cmd.req.result);
	return cmd.req.status ? EXIT_FAILURE : EXIT_SUCCESS;
}

static int run_passthru(struct passthru *p)
{
	void *buf = NULL;
	int status;

	if (p->len) {
		buf = plx_dma_zalloc(p->len, 4096, PLX_NODE_ANY);
		if (!buf) {
			target_error(&p->target, "no memory for %u bytes", p->len);
			return EXIT_FAILURE;
		}
	}
	if (p->in && file_load(&p->target, p->in, buf, p->len))
		status = EXIT_FAILURE;
	else
		status = run_command(p, buf);
	if (status == EXIT_SUCCESS && p->out)
		status = file_save(&p->target, p->out, buf, p->len) ? EXIT_FAILURE : status;
	else if (status == EXIT_SUCCESS && p->len && !p->in)
		file_dump(stdout, buf, p->len);
	plx_dma_free(buf);
	return finish_stdout(status);
}

int cmd_passthru(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"opcode", KEY_OPCODE, "N", 0, "Of the command", 1},
		{"io", KEY_IO, NULL, 0, "An I/O command, by a queue pair; else an admin command",
		 1},
		{"length", KEY_LENGTH, "BYTES", 0, "Of its data", 1},
		{"in", KEY_IN, "FILE", 0, "Data to the controller (-: stdin)", 1},
		{"out", KEY_OUT, "FILE", 0, "Data from it; else it is shown in hexadecimal", 1},
		{"cdw2", KEY_CDW + 2, "N", 0, "Dwords of the command", 2},
		{"cdw3", KEY_CDW + 3, "N", 0, NULL, 2},
		{"cdw10", KEY_CDW + 10, "N", 0, NULL, 2},
		{"cdw11", KEY_CDW + 11, "N", 0, NULL, 2},
		{"cdw12", KEY_CDW + 12, "N", 0, NULL, 2},
		{"cdw13", KEY_CDW + 13, "N", 0, NULL, 2},
		{"cdw14", KEY_CDW + 14, "N", 0, NULL, 2},
		{"cdw15", KEY_CDW + 15, "N", 0, NULL, 2},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_passthru,
		.doc = "Send any command to a controller, as it is. --ns is its namespace id (0). "
		       "It may destroy data.\v"
		       "Exit status: 0, 1 (the command failed, or was not taken), 2 (usage).",
	};
	struct passthru p = {.target = {.command = argv[0]}, .opcode = -1};
	int status;

	target_parse(argc, argv, &argp, &p);
	status = target_open(&p.target);
	if (status == EXIT_SUCCESS)
		status = run_passthru(&p);
	return target_close(&p.target, status);
}
