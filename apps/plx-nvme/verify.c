/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme verify: write the pattern (pattern.h) to a range and check that it is there. Instead of
 * a controller it takes a file or block device, which is then done by the host: so that each of the
 * two drivers can check what the other wrote.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "pattern.h"
#include "verify.h"

/* So many faults are told one by one. */
#define FAULTS_TOLD 10

static int produce(void *arg, void *data, uint64_t lba, uint32_t blocks)
{
	struct verify *v = arg;

	pattern_fill(data, v->block_size, blocks, lba, v->sequence);
	v->written += blocks;
	return 0;
}

static void tell_fault(const struct verify *v, enum pattern_fault fault, const void *block,
		       uint64_t lba)
{
	uint64_t claimed_lba, claimed_sequence;

	pattern_claims(block, &claimed_lba, &claimed_sequence);
	if (fault == PATTERN_NONE)
		target_error(&v->target, "block %" PRIu64 ": %s", lba, pattern_fault_str(fault));
	else
		target_error(&v->target,
			     "block %" PRIu64 ": %s (it says: block %" PRIu64 ", sequence %" PRIu64
			     ")",
			     lba, pattern_fault_str(fault), claimed_lba, claimed_sequence);
}

static int consume(void *arg, void *data, uint64_t lba, uint32_t blocks)
{
	struct verify *v = arg;
	const char *block = data;
	uint32_t i;

	for (i = 0; i < blocks; i++, block += v->block_size) {
		enum pattern_fault fault =
			pattern_check(block, v->block_size, lba + i, v->check_sequence);

		v->read++;
		v->faults[fault]++;
		if (fault != PATTERN_GOOD && v->read - v->faults[PATTERN_GOOD] <= FAULTS_TOLD)
			tell_fault(v, fault, block, lba + i);
	}
	/* Nothing of this read may pass for the next. */
	memset(data, 0, (size_t)blocks * v->block_size);
	return 0;
}

/* --- By the controller ---------------------------------------------------------------------- */

static int check_fit(struct verify *v)
{
	const struct plx_nvme_ns_info *ns = v->target.ns_info;

	v->block_size = ns->block_size;
	if (v->block_bytes % ns->block_size ||
	    v->block_bytes > (uint64_t)ns->max_blocks * ns->block_size) {
		target_error(&v->target,
			     "--bs %u: give a multiple of the block size, %u, up to %" PRIu64,
			     v->block_bytes, ns->block_size,
			     (uint64_t)ns->max_blocks * ns->block_size);
		return EXIT_USAGE;
	}
	return verify_check_range(v, ns->blocks);
}

static int run_stream(struct verify *v)
{
	struct stream_config config = {
		.depth = v->depth,
		.chunk_bytes = v->block_bytes,
		.buffer_offset = v->buffer_offset,
		.interrupt = v->interrupt,
	};
	struct stream s;
	int err = stream_open(&s, &v->target, &config);

	if (err)
		return err;
	if (v->do_write) {
		err = stream_write(&s, v->first, v->count, produce, v);
		if (!err)
			err = stream_flush(&s);
	}
	if (!err && v->do_read)
		err = stream_read(&s, v->first, v->count, consume, v);
	stream_close(&s);
	return err;
}

static int verify_controller(struct verify *v)
{
	int status = target_open(&v->target);

	if (status == EXIT_SUCCESS)
		status = target_open_ns(&v->target);
	if (status == EXIT_SUCCESS)
		status = check_fit(v);
	if (status == EXIT_SUCCESS) {
		v->err = run_stream(v);
		status = verify_report(v);
	}
	return target_close(&v->target, status);
}

/* --- Both ----------------------------------------------------------------------------------- */

int verify_check_range(struct verify *v, uint64_t blocks)
{
	uint64_t total = blocks * v->block_size;
	uint64_t rest = v->offset < total ? total - v->offset : 0;
	uint64_t length = v->length ? v->length : rest;

	if (v->offset % v->block_size || length % v->block_size || length == 0 || length > rest) {
		target_error(&v->target,
			     "--range %" PRIu64 ":%" PRIu64
			     ": give multiples of the block size, %u, within %" PRIu64 " bytes",
			     v->offset, v->length, v->block_size, total);
		return EXIT_USAGE;
	}
	v->first = v->offset / v->block_size;
	v->count = length / v->block_size;
	return EXIT_SUCCESS;
}

static json_t *to_json(const struct verify *v)
{
	const uint64_t *faults = v->faults;
	uint64_t good = faults[PATTERN_GOOD];
	json_t *o = json_pack("{s:s, s:I, s:I, s:I, s:I, s:I}", "target",
			      v->target.path ? v->target.path : v->target.bdf, "offset",
			      (json_int_t)(v->first * v->block_size), "length",
			      (json_int_t)(v->count * v->block_size), "block_size",
			      (json_int_t)v->block_size, "sequence", (json_int_t)v->sequence,
			      "written_bytes", (json_int_t)(v->written * v->block_size));

	json_object_update_new(o, json_pack("{s:I, s:I, s:I, s:I, s:I, s:I}", "verified_bytes",
					    (json_int_t)(good * v->block_size), "errors",
					    (json_int_t)(v->read - good), "no_pattern",
					    (json_int_t)faults[PATTERN_NONE], "damaged",
					    (json_int_t)faults[PATTERN_DAMAGED], "misplaced",
					    (json_int_t)faults[PATTERN_LBA], "stale",
					    (json_int_t)faults[PATTERN_SEQUENCE]));
	return o;
}

static void print_table(const struct verify *v)
{
	unsigned int i;

	printf("%s: blocks %" PRIu64 " to %" PRIu64 " of %u bytes",
	       v->target.path ? v->target.path : v->target.bdf, v->first, v->first + v->count - 1,
	       v->block_size);
	if (v->do_write)
		printf(", written %" PRIu64 " with sequence %" PRIu64, v->written, v->sequence);
	for (i = 0; i < PATTERN_FAULTS && v->do_read; i++)
		if (i == PATTERN_GOOD || v->faults[i])
			printf(", %" PRIu64 " %s", v->faults[i],
			       pattern_fault_str((enum pattern_fault)i));
	putchar('\n');
}

int verify_report(const struct verify *v)
{
	bool good = !v->err && (!v->do_write || v->written == v->count) &&
		    (!v->do_read || v->faults[PATTERN_GOOD] == v->count);
	int status;

	if (v->target.json) {
		status = print_json(to_json(v));
	} else {
		print_table(v);
		status = finish_stdout(EXIT_SUCCESS);
	}
	return good ? status : EXIT_FAILURE;
}

/* --- Command line --------------------------------------------------------------------------- */

enum key {
	KEY_BS = 0x100,
	KEY_QD,
	KEY_RANGE,
	KEY_SEQUENCE,
	KEY_WRITE_ONLY,
	KEY_READ_ONLY,
	KEY_OFFSET,
	KEY_BLOCK_SIZE,
	KEY_INTERRUPT,
	KEY_YES,
};

static const struct argp_option verify_argp_options[] = {
	{"range", KEY_RANGE, "OFFSET:LENGTH", 0,
	 "Bytes, such as 1M:64M; LENGTH 0 is to the end (0:0)", 1},
	{"bs", KEY_BS, "BYTES", 0, "Bytes of each I/O (64k)", 1},
	{"qd", KEY_QD, "N", 0, "I/Os in flight (8)", 1},
	{"buffer-offset", KEY_OFFSET, "BYTES", 0,
	 "Where in a page the buffers begin, a multiple of 4 (0)", 1},
	{"sequence", KEY_SEQUENCE, "N", 0,
	 "Mark of this run: written, or demanded by --read-only (the time; any)", 2},
	{"write-only", KEY_WRITE_ONLY, NULL, 0, "Write, do not read back", 2},
	{"read-only", KEY_READ_ONLY, NULL, 0, "Check what was written before", 2},
	{"block-size", KEY_BLOCK_SIZE, "BYTES", 0,
	 "Of the blocks in a file (512); of a device it is known", 2},
	{"interrupt", KEY_INTERRUPT, NULL, 0, "Sleep while waiting, do not poll", 2},
	{"yes", KEY_YES, NULL, 0, "Yes, overwrite the blocks", 2},
	{0},
};

static void set_range(struct argp_state *state, struct verify *v, char *text)
{
	char *colon = strchr(text, ':');

	if (!colon)
		argp_error(state, "--range: \"%.40s\" is not OFFSET:LENGTH", text);
	*colon = '\0';
	v->offset = parse_bytes(state, "range", text, 0, INT64_MAX);
	v->length = parse_bytes(state, "range", colon + 1, 0, INT64_MAX);
}

static void check_all(struct argp_state *state, struct verify *v)
{
	if (!v->do_write && !v->do_read)
		argp_error(state, "--write-only and --read-only leave nothing to do");
	if (v->do_write && !v->yes)
		argp_error(state, "this overwrites data: give --yes, or --read-only");
	if (v->buffer_offset % 4)
		argp_error(state, "--buffer-offset %u: not a multiple of 4", v->buffer_offset);
	/* What was just written is demanded back. */
	v->check_sequence = v->sequence;
	if (!v->sequence && v->do_write)
		v->sequence = v->check_sequence = (uint64_t)time(NULL);
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct verify *v = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &v->target;
		return 0;
	case KEY_RANGE:
		set_range(state, v, arg);
		return 0;
	case KEY_BS:
		v->block_bytes = (uint32_t)parse_bytes(state, "bs", arg, 512, 1u << 21);
		return 0;
	case KEY_QD:
		v->depth = (unsigned int)parse_number(state, "qd", arg, 1, 65535);
		return 0;
	case KEY_SEQUENCE:
		v->sequence = parse_number(state, "sequence", arg, 1, INT64_MAX);
		return 0;
	case KEY_WRITE_ONLY:
		v->do_read = false;
		return 0;
	case KEY_READ_ONLY:
		v->do_write = false;
		return 0;
	case KEY_OFFSET:
		v->buffer_offset = (uint32_t)parse_number(state, "buffer-offset", arg, 0, 4095);
		return 0;
	case KEY_BLOCK_SIZE:
		v->block_size = (uint32_t)parse_bytes(state, "block-size", arg, 512, 65536);
		return 0;
	case KEY_INTERRUPT:
		v->interrupt = true;
		return 0;
	case KEY_YES:
		v->yes = true;
		return 0;
	case ARGP_KEY_END:
		check_all(state, v);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int cmd_verify(int argc, char **argv)
{
	static const struct argp argp = {
		.options = verify_argp_options,
		.parser = parse_option,
		.args_doc = "BDF|PATH",
		.doc = "Write blocks that carry their address, a sequence number and a CRC32C, "
		       "read "
		       "them back, and check them.\v"
		       "With a PATH (it has a `/') the same is done to a file or block device by "
		       "ordinary system calls. Exit status: 0 (every block is good), 1 (not), 2 "
		       "(usage).\n\n"
		       "Example: plx-nvme verify 0000:01:00.0 --write-only --sequence 7 --yes; "
		       "then, "
		       "with the host's driver: plx-nvme verify /dev/nvme0n1 --read-only "
		       "--sequence 7",
	};
	struct verify v = {
		.target = {.command = argv[0], .io_queues = 1, .takes_path = true},
		.do_write = true,
		.do_read = true,
		.block_bytes = 65536,
		.depth = 8,
	};

	target_parse(argc, argv, &argp, &v);
	catch_signals();
	return v.target.path ? verify_path(&v, produce, consume) : verify_controller(&v);
}
