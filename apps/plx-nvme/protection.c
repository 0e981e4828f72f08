/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme protection: end-to-end protection of a namespace put to the test: what is written with
 * right protection information is taken and comes back; each kind of wrong one is found by the
 * controller, on writes and on reads, and by the library.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_pi.h>

#include "app.h"

#define BLOCKS	 32u
#define APP_TAG	 0x5158
#define BAD	 (BLOCKS - 2) /* the block that is spoilt */
#define NO_CHECK 0

struct protection {
	struct target target;
	uint64_t start;
	bool yes;

	struct plx_nvme_qpair *qp;
	struct plx_nvme_pi pi;
	uint8_t *data, *metadata; /* metadata: behind the data; also when it is extended, unused */
	size_t data_bytes, metadata_bytes;
	unsigned int checked, failed;
};

static const struct {
	const char *name;
	uint16_t check;
	int status;
} fields[] = {
	{"guard", PLX_NVME_PI_CHECK_GUARD, PLX_NVME_GUARD_CHECK},
	{"application tag", PLX_NVME_PI_CHECK_APP, PLX_NVME_APP_TAG_CHECK},
	{"reference tag", PLX_NVME_PI_CHECK_REF, PLX_NVME_REF_TAG_CHECK},
};

/* The lowest byte of a field, in the protection information. */
static unsigned int byte_of(const struct plx_nvme_pi *pi, uint16_t check)
{
	switch (check) {
	case PLX_NVME_PI_CHECK_GUARD:
		return pi->guard_bits / 8u - 1;
	case PLX_NVME_PI_CHECK_APP:
		return pi->guard_bits / 8u + 1;
	default:
		return plx_nvme_pi_bytes(pi) - 1;
	}
}

static void expect(struct protection *p, const char *what, const char *field, uint32_t got,
		   uint32_t want)
{
	p->checked++;
	if (got == want)
		return;
	p->failed++;
	fprintf(stderr, "%s: %s: %s%s%s: %s\n", p->target.command, p->target.bdf, what,
		field ? ", wrong " : "", field ? field : "", plx_nvme_status_str(got));
}

/* --- I/O ------------------------------------------------------------------------------------ */

/* Return: the status, or PLX_NVME_ABORTED. */
static uint32_t run(struct protection *p, uint8_t opcode, uint16_t checks)
{
	struct plx_nvme_cmd cmd = {0}, *cmds[] = {&cmd};

	p->pi.checks = checks;
	plx_nvme_cmd_metadata(&cmd, &p->pi, opcode, p->target.ns, p->start, BLOCKS,
			      plx_iova(p->data), plx_iova(p->metadata));
	if (plx_nvme_qpair_submit_cmds(p->qp, cmds, 1) != 1)
		return PLX_NVME_ABORTED;
	while (plx_nvme_in_flight(&cmd.req) && !target_check(&p->target))
		plx_nvme_qpair_poll(p->qp, 0);
	return cmd.req.status & ~(uint32_t)PLX_NVME_DO_NOT_RETRY;
}

/* Data that is different each time, and its protection. */
static void fill(struct protection *p)
{
	size_t i;

	for (i = 0; i < p->data_bytes; i++)
		p->data[i] = (uint8_t)rand();
	memset(p->metadata, 0xa5, p->metadata_bytes);
	plx_nvme_pi_generate(&p->pi, p->data, p->metadata, BLOCKS);
}

static void clear(struct protection *p)
{
	memset(p->data, 0, p->data_bytes);
	memset(p->metadata, 0, p->metadata_bytes);
}

static uint32_t verify(const struct protection *p)
{
	return (uint32_t)plx_nvme_pi_verify(&p->pi, p->data, p->metadata, BLOCKS, NULL);
}

/* The first byte of the protection information of the block that is spoilt. */
static uint8_t *tuple(const struct protection *p)
{
	const struct plx_nvme_pi *pi = &p->pi;
	size_t at = pi->first ? 0 : pi->metadata_size - plx_nvme_pi_bytes(pi);

	if (pi->extended)
		return p->data + BAD * (pi->block_size + pi->metadata_size) + pi->block_size + at;
	return p->metadata + BAD * pi->metadata_size + at;
}

/* --- Checks --------------------------------------------------------------------------------- */

static uint16_t all_checks(const struct protection *p)
{
	return p->pi.type == 3 ? PLX_NVME_PI_CHECK_GUARD | PLX_NVME_PI_CHECK_APP
			       : PLX_NVME_PI_CHECK_ALL;
}

static int check_good(struct protection *p)
{
	uint8_t *sent = malloc(p->data_bytes);

	if (!sent)
		return -ENOMEM;
	fill(p);
	memcpy(sent, p->data, p->data_bytes);
	expect(p, "write", NULL, run(p, PLX_NVME_WRITE, all_checks(p)), 0);
	clear(p);
	expect(p, "read", NULL, run(p, PLX_NVME_READ, all_checks(p)), 0);
	expect(p, "what was read, by the library", NULL, verify(p), 0);
	expect(p, "the data that was read", NULL,
	       memcmp(sent, p->data, p->data_bytes) ? PLX_NVME_COMPARE_FAILURE : 0, 0);
	free(sent);
	return 0;
}

/* The controller makes the protection information itself. */
static void check_made_by_controller(struct protection *p)
{
	fill(p);
	expect(p, "write, made by the controller", NULL, run(p, PLX_NVME_WRITE, PLX_NVME_PI_ACTION),
	       0);
	clear(p);
	expect(p, "read of it", NULL, run(p, PLX_NVME_READ, all_checks(p)), 0);
	expect(p, "what was read of it, by the library", NULL, verify(p), 0);
}

static void check_field(struct protection *p, unsigned int i)
{
	const char *name = fields[i].name;
	uint32_t want = (uint32_t)fields[i].status;

	fill(p);
	tuple(p)[byte_of(&p->pi, fields[i].check)] ^= 0x10;
	expect(p, "before the write, by the library", name, verify(p), want);
	expect(p, "write", name, run(p, PLX_NVME_WRITE, fields[i].check), want);
	expect(p, "write, not checked", name, run(p, PLX_NVME_WRITE, NO_CHECK), 0);
	expect(p, "read", name, run(p, PLX_NVME_READ, fields[i].check), want);
	clear(p);
	expect(p, "read, not checked", name, run(p, PLX_NVME_READ, NO_CHECK), 0);
	expect(p, "after the read, by the library", name, verify(p), want);
}

static int check_all(struct protection *p)
{
	unsigned int i;
	int err = check_good(p);

	if (err)
		return err;
	check_made_by_controller(p);
	for (i = 0; i < sizeof(fields) / sizeof(fields[0]); i++)
		if (fields[i].check & all_checks(p))
			check_field(p, i);
	/* Nothing that is wrong stays. */
	return check_good(p);
}

/* --- Command -------------------------------------------------------------------------------- */

static int report(const struct protection *p)
{
	const struct plx_nvme_pi *pi = &p->pi;
	int status = p->failed ? EXIT_FAILURE : EXIT_SUCCESS, printed;

	if (p->target.json) {
		printed = print_json(json_pack("{s:i, s:i, s:i, s:b, s:b, s:i, s:i}", "type",
					       pi->type, "guard_bits", pi->guard_bits,
					       "metadata_size", pi->metadata_size, "extended",
					       pi->extended, "first", pi->first, "checked",
					       (int)p->checked, "failed", (int)p->failed));
		return status ? status : printed;
	}
	printf("protection type %u, guard of %u bits, metadata of %u bytes %s, information %s: %u "
	       "checked, %u failed\n",
	       pi->type, pi->guard_bits, pi->metadata_size,
	       pi->extended ? "in the block" : "of its own", pi->first ? "first" : "last",
	       p->checked, p->failed);
	return finish_stdout(status);
}

static int open_namespace(struct protection *p)
{
	struct target *t = &p->target;
	uint32_t id = t->nsid ? t->nsid : plx_nvme_ns_next(t->ctrl, 0);

	t->ns = plx_nvme_ns_open_metadata(t->ctrl, id);
	if (!t->ns) {
		target_error(t, "cannot open namespace %u: %s", id, strerror(errno));
		return EXIT_FAILURE;
	}
	t->ns_info = plx_nvme_ns_info(t->ns);
	plx_nvme_pi_init(&p->pi, t->ns_info, 0);
	if (p->pi.type == 0) {
		target_error(t, "namespace %u has no protection; format it with one", id);
		return EXIT_FAILURE;
	}
	if (p->start >= t->ns_info->blocks || t->ns_info->blocks - p->start < BLOCKS) {
		target_error(t, "--start-block %" PRIu64 ": %u blocks are needed, it has %" PRIu64,
			     p->start, BLOCKS, t->ns_info->blocks);
		return EXIT_USAGE;
	}
	p->pi.app_tag = APP_TAG;
	p->pi.ref_tag = p->start;
	return EXIT_SUCCESS;
}

static int test(struct protection *p)
{
	int status = open_namespace(p), err;

	if (status != EXIT_SUCCESS)
		return status;
	p->metadata_bytes = (size_t)BLOCKS * p->pi.metadata_size;
	p->data_bytes =
		(size_t)BLOCKS * p->pi.block_size + (p->pi.extended ? p->metadata_bytes : 0);
	p->data = plx_dma_zalloc(p->data_bytes + p->metadata_bytes, 4096, PLX_NODE_ANY);
	p->qp = plx_nvme_qpair_open(p->target.ctrl, NULL);
	if (!p->data || !p->qp) {
		target_error(&p->target, "no queue pair or memory: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	p->metadata = p->data + p->data_bytes;
	err = check_all(p);
	plx_nvme_qpair_close(p->qp);
	return err ? EXIT_FAILURE : report(p);
}

enum key {
	KEY_YES = 0x100,
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct protection *p = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &p->target;
		return 0;
	case 's':
		p->start = parse_number(state, "start-block", arg, 0, UINT64_MAX - 1);
		return 0;
	case KEY_YES:
		p->yes = true;
		return 0;
	case ARGP_KEY_END:
		if (!p->yes)
			argp_error(state, "this destroys data: give --yes");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_protection(int argc, char **argv)
{
	static const struct argp_option options[] = {
		{"start-block", 's', "N", 0, "First of 32 blocks that are written (0)", 1},
		{"yes", KEY_YES, NULL, 0, "Yes, destroy the data that is there", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Put the end-to-end protection of a namespace to the test.\vExit status: 0, "
		       "1 (failure), 2 (usage).",
	};
	struct protection p = {.target = {.command = argv[0]}};
	int status;

	target_parse(argc, argv, &argp, &p);
	status = target_open(&p.target);
	if (status == EXIT_SUCCESS)
		status = test(&p);
	plx_dma_free(p.data);
	return target_close(&p.target, status);
}
