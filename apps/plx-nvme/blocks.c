/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme zeroes, trim, uncorrectable, scrub, clone: commands over a range of blocks that move no
 * data to the host, one transfer's worth after the other.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_cmd.h>

#include "app.h"

#define NO_LBA	   UINT64_MAX
#define PAGE_BYTES 4096

struct blocks;

struct operation {
	const char *name, *doc;
	bool writes;
	void (*fill)(struct blocks *b, struct plx_nvme_cmd *cmd, uint64_t lba, uint32_t n);
};

struct blocks {
	struct target target;
	const struct operation *op;
	uint64_t start, count, to;
	bool yes, deallocate;
	void *page; /* of ranges */
	uint64_t done;
};

/* --- Operations ----------------------------------------------------------------------------- */

static void fill_zeroes(struct blocks *b, struct plx_nvme_cmd *cmd, uint64_t lba, uint32_t n)
{
	plx_nvme_write_zeroes(cmd, b->target.ns, lba, n, b->deallocate ? PLX_NVME_DEALLOCATE : 0);
}

static void fill_trim(struct blocks *b, struct plx_nvme_cmd *cmd, uint64_t lba, uint32_t n)
{
	plx_nvme_dsm_range_set(b->page, lba, n);
	plx_nvme_deallocate(cmd, b->target.ns, 1, plx_iova(b->page));
}

static void fill_uncorrectable(struct blocks *b, struct plx_nvme_cmd *cmd, uint64_t lba, uint32_t n)
{
	plx_nvme_write_uncorrectable(cmd, b->target.ns, lba, n);
}

static void fill_scrub(struct blocks *b, struct plx_nvme_cmd *cmd, uint64_t lba, uint32_t n)
{
	plx_nvme_verify(cmd, b->target.ns, lba, n);
}

static void fill_clone(struct blocks *b, struct plx_nvme_cmd *cmd, uint64_t lba, uint32_t n)
{
	plx_nvme_copy_range_set(b->page, lba, n);
	plx_nvme_copy(cmd, b->target.ns, b->to + (lba - b->start), 1, plx_iova(b->page));
}

static const struct operation zeroes = {"zeroed", "Make blocks read as zero.", true, fill_zeroes};
static const struct operation trim = {"deallocated", "Deallocate blocks.", true, fill_trim};
static const struct operation uncorrectable = {"made uncorrectable",
					       "Make blocks unreadable until they are written.",
					       true, fill_uncorrectable};
static const struct operation scrub = {
	"verified", "Have the controller read blocks and check them, without a transfer.", false,
	fill_scrub};
static const struct operation clone = {"copied", "Copy blocks inside the controller.", true,
				       fill_clone};

/* --- The range ------------------------------------------------------------------------------ */

static int one(struct blocks *b, struct plx_nvme_qpair *qp, uint64_t lba, uint32_t n)
{
	struct plx_nvme_cmd cmd = {0}, *cmds[] = {&cmd};
	int err;

	b->op->fill(b, &cmd, lba, n);
	err = plx_nvme_qpair_submit_cmds(qp, cmds, 1);
	while (err == 1 && plx_nvme_in_flight(&cmd.req)) {
		plx_nvme_qpair_poll(qp, 0);
		err = target_check(&b->target);
		err = err ? err : 1;
	}
	if (err < 0) {
		target_error(&b->target, "%s", strerror(-err));
		return err;
	}
	if (cmd.req.status == 0)
		return 0;
	target_error(&b->target, "%u blocks from %" PRIu64 ": %s", n, lba,
		     plx_nvme_status_str(cmd.req.status));
	return plx_nvme_status_errno(cmd.req.status);
}

/* Blocks of one command. */
static uint32_t chunk_of(const struct blocks *b)
{
	const struct plx_nvme_ns_info *ns = b->target.ns_info;

	if (b->op == &trim)
		return UINT32_MAX;
	if (b->op == &clone)
		return ns->copy_range_max < ns->copy_max ? ns->copy_range_max : ns->copy_max;
	/* Controllers may bound these commands as they bound transfers (MDTS). */
	return ns->max_blocks;
}

static int all(struct blocks *b, struct plx_nvme_qpair *qp)
{
	uint32_t chunk = chunk_of(b);
	int err = 0;

	if (chunk == 0) {
		target_error(&b->target, "namespace %u cannot copy (MSSRL, MCL)", b->target.nsid);
		return -EOPNOTSUPP;
	}

	while (b->done < b->count && !err) {
		uint64_t left = b->count - b->done;
		uint32_t n = left < chunk ? (uint32_t)left : chunk;

		if (app_stop)
			return -EINTR;
		err = one(b, qp, b->start + b->done, n);
		if (!err)
			b->done += n;
	}
	return err;
}

static int check_range(struct blocks *b)
{
	uint64_t size = b->target.ns_info->blocks;

	if (b->start >= size || b->count > size - b->start) {
		target_error(&b->target,
			     "%" PRIu64 " blocks from %" PRIu64 ": the namespace has %" PRIu64,
			     b->count, b->start, size);
		return EXIT_USAGE;
	}
	if (b->count == 0)
		b->count = size - b->start;
	if (b->op == &clone && (b->to >= size || b->count > size - b->to)) {
		target_error(&b->target, "--to %" PRIu64 ": the namespace has %" PRIu64 " blocks",
			     b->to, size);
		return EXIT_USAGE;
	}
	return EXIT_SUCCESS;
}

static int run(struct blocks *b)
{
	struct plx_nvme_qpair_config config = {.depth = 2};
	struct plx_nvme_qpair *qp;
	int status = target_open_ns(&b->target), err;

	if (status == EXIT_SUCCESS)
		status = check_range(b);
	if (status != EXIT_SUCCESS)
		return status;
	qp = plx_nvme_qpair_open(b->target.ctrl, &config);
	b->page = plx_dma_zalloc(PAGE_BYTES, PAGE_BYTES, PLX_NODE_ANY);
	if (!qp || !b->page) {
		target_error(&b->target, "no queue pair: %s", strerror(errno));
		plx_dma_free(b->page);
		return EXIT_FAILURE;
	}
	err = all(b, qp);
	plx_nvme_qpair_close(qp);
	plx_dma_free(b->page);
	fprintf(stderr, "%s: %s: %" PRIu64 " blocks %s%s\n", b->target.command, b->target.bdf,
		b->done, b->op->name, err ? ", not all of them" : "");
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- Commands ------------------------------------------------------------------------------- */

enum key {
	KEY_YES = 0x100,
	KEY_TO,
	KEY_DEALLOCATE,
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct blocks *b = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &b->target;
		return 0;
	case 's':
		b->start = parse_number(state, "start-block", arg, 0, UINT64_MAX - 1);
		return 0;
	case 'c':
		b->count = parse_number(state, "blocks", arg, 1, UINT64_MAX - 1);
		return 0;
	case KEY_TO:
		b->to = parse_number(state, "to", arg, 0, UINT64_MAX - 1);
		return 0;
	case KEY_DEALLOCATE:
		b->deallocate = true;
		return 0;
	case KEY_YES:
		b->yes = true;
		return 0;
	case ARGP_KEY_END:
		if (b->op == &clone && b->to == NO_LBA)
			argp_error(state, "where to? give --to");
		if (b->op != &clone && b->to != NO_LBA)
			argp_error(state, "--to goes with clone");
		if (b->op != &zeroes && b->deallocate)
			argp_error(state, "--deallocate goes with zeroes");
		if (b->op->writes && !b->yes)
			argp_error(state, "this destroys data: give --yes");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int cmd_blocks(int argc, char **argv, const struct operation *op)
{
	static const struct argp_option options[] = {
		{"start-block", 's', "N", 0, "First block (0)", 1},
		{"blocks", 'c', "N", 0, "How many (to the end)", 1},
		{"to", KEY_TO, "N", 0, "clone: first block of the copy", 1},
		{"deallocate", KEY_DEALLOCATE, NULL, 0, "zeroes: may deallocate them", 1},
		{"yes", KEY_YES, NULL, 0, "Yes, destroy the data that is there", 1},
		{0},
	};
	char doc[160];
	struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = doc,
	};
	struct blocks b = {.target = {.command = argv[0]}, .op = op, .to = NO_LBA};
	int status;

	snprintf(doc, sizeof(doc), "%s\vExit status: 0, 1 (failure), 2 (usage).", op->doc);
	target_parse(argc, argv, &argp, &b);
	catch_signals();
	status = target_open(&b.target);
	if (status == EXIT_SUCCESS)
		status = run(&b);
	return target_close(&b.target, status);
}

int cmd_zeroes(int argc, char **argv)
{
	return cmd_blocks(argc, argv, &zeroes);
}

int cmd_trim(int argc, char **argv)
{
	return cmd_blocks(argc, argv, &trim);
}

int cmd_uncorrectable(int argc, char **argv)
{
	return cmd_blocks(argc, argv, &uncorrectable);
}

int cmd_scrub(int argc, char **argv)
{
	return cmd_blocks(argc, argv, &scrub);
}

int cmd_clone(int argc, char **argv)
{
	return cmd_blocks(argc, argv, &clone);
}
