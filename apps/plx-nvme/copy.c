/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme read and write: blocks of a namespace to and from a file. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "stream.h"

#define DEPTH 16

struct copy {
	struct target target;
	bool is_write;
	const char *path; /* NULL: stdin, stdout */
	uint64_t start;
	uint64_t bytes; /* 0: to the end of the namespace, or of the file */
	bool yes, no_flush, interrupt;
	int fd;
	uint64_t done;
};

/* --- The file ------------------------------------------------------------------------------- */

static int open_file(struct copy *c)
{
	if (!c->path) {
		c->fd = c->is_write ? STDIN_FILENO : STDOUT_FILENO;
		return 0;
	}
	c->fd = c->is_write ? open(c->path, O_RDONLY | O_CLOEXEC)
			    : open(c->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
	if (c->fd >= 0)
		return 0;
	target_error(&c->target, "%s: %s", c->path, strerror(errno));
	return -errno;
}

static int close_file(struct copy *c)
{
	if (!c->path || c->fd < 0)
		return 0;
	if (close(c->fd) == 0)
		return 0;
	target_error(&c->target, "%s: %s", c->path, strerror(errno));
	return -errno;
}

static const char *file_name(const struct copy *c)
{
	if (c->path)
		return c->path;
	return c->is_write ? "stdin" : "stdout";
}

static int to_file(void *arg, void *data, uint64_t lba, uint32_t blocks)
{
	struct copy *c = arg;
	size_t left = (size_t)blocks * c->target.ns_info->block_size;
	char *from = data;

	while (left) {
		ssize_t n = write(c->fd, from, left);

		if (n < 0 && errno == EINTR && !app_stop)
			continue;
		if (n <= 0) {
			target_error(&c->target, "%s: %s", file_name(c), strerror(errno));
			return -EIO;
		}
		from += n;
		left -= (size_t)n;
		c->done += (uint64_t)n;
	}
	return 0;
}

static int from_file(void *arg, void *data, uint64_t lba, uint32_t blocks)
{
	struct copy *c = arg;
	size_t left = (size_t)blocks * c->target.ns_info->block_size;
	char *to = data;

	while (left) {
		ssize_t n = read(c->fd, to, left);

		if (n < 0 && errno == EINTR && !app_stop)
			continue;
		if (n <= 0) {
			target_error(&c->target, "%s: %s, %zu bytes short", file_name(c),
				     n ? strerror(errno) : "ends early", left);
			return -EIO;
		}
		to += n;
		left -= (size_t)n;
		c->done += (uint64_t)n;
	}
	return 0;
}

/* --- The range ------------------------------------------------------------------------------ */

/* How much a write has, when --data-size does not say. */
static int size_of_input(struct copy *c)
{
	struct stat st;

	if (fstat(c->fd, &st) == 0 && S_ISREG(st.st_mode)) {
		c->bytes = (uint64_t)st.st_size;
		return 0;
	}
	target_error(&c->target, "%s: how much of it? give --data-size", file_name(c));
	return -EINVAL;
}

/* Return: 0 with *blocks, or an exit status, told. */
static int find_range(struct copy *c, uint64_t *blocks)
{
	const struct plx_nvme_ns_info *ns = c->target.ns_info;

	if (c->start >= ns->blocks) {
		target_error(&c->target, "--start-block %" PRIu64 ": the namespace has %" PRIu64,
			     c->start, ns->blocks);
		return EXIT_USAGE;
	}
	if (!c->bytes && c->is_write && size_of_input(c))
		return EXIT_USAGE;
	if (!c->bytes && !c->is_write)
		c->bytes = (ns->blocks - c->start) * ns->block_size;
	*blocks = c->bytes / ns->block_size;
	if (c->bytes % ns->block_size || *blocks == 0) {
		target_error(&c->target,
			     "%" PRIu64 " bytes are not a number of blocks of %u bytes; pad the "
			     "file or give --data-size",
			     c->bytes, ns->block_size);
		return EXIT_USAGE;
	}
	if (*blocks > ns->blocks - c->start) {
		target_error(&c->target,
			     "%" PRIu64 " blocks from %" PRIu64 ": the namespace has %" PRIu64,
			     *blocks, c->start, ns->blocks);
		return EXIT_USAGE;
	}
	return EXIT_SUCCESS;
}

static int copy(struct copy *c, uint64_t blocks)
{
	struct stream_config config = {.depth = DEPTH, .interrupt = c->interrupt};
	struct stream s;
	int err = stream_open(&s, &c->target, &config);

	if (err)
		return EXIT_FAILURE;
	if (c->is_write) {
		err = stream_write(&s, c->start, blocks, from_file, c);
		if (!err && c->target.info.volatile_cache && !c->no_flush)
			err = stream_flush(&s);
	} else {
		err = stream_read(&s, c->start, blocks, to_file, c);
	}
	stream_close(&s);
	fprintf(stderr, "%s: %s: %" PRIu64 " bytes %s%s\n", c->target.command, c->target.bdf,
		c->done, c->is_write ? "written" : "read", err ? ", not all of them" : "");
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* --- Commands ------------------------------------------------------------------------------- */

enum key {
	KEY_YES = 0x100,
	KEY_NO_FLUSH,
	KEY_INTERRUPT,
};

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct copy *c = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &c->target;
		return 0;
	case 's':
		c->start = parse_number(state, "start-block", arg, 0, UINT64_MAX - 1);
		return 0;
	case 'z':
		c->bytes = parse_bytes(state, "data-size", arg, 512, INT64_MAX);
		return 0;
	case 'd':
		c->path = arg;
		return 0;
	case KEY_YES:
		c->yes = true;
		return 0;
	case KEY_NO_FLUSH:
		c->no_flush = true;
		return 0;
	case KEY_INTERRUPT:
		c->interrupt = true;
		return 0;
	case ARGP_KEY_END:
		if (c->is_write && !c->yes)
			argp_error(state, "this overwrites data of the namespace: give --yes");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int run(struct copy *c)
{
	uint64_t blocks = 0;
	int status = target_open(&c->target);

	if (status == EXIT_SUCCESS)
		status = target_open_ns(&c->target);
	if (status == EXIT_SUCCESS && open_file(c))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS)
		status = find_range(c, &blocks);
	if (status == EXIT_SUCCESS)
		status = copy(c, blocks);
	if (close_file(c))
		status = EXIT_FAILURE;
	return target_close(&c->target, status);
}

#define COMMON_OPTIONS                                                                             \
	{"start-block", 's', "LBA", 0, "First block (0)", 1},                                      \
	{                                                                                          \
		"interrupt", KEY_INTERRUPT, NULL, 0, "Sleep while waiting, do not poll", 2         \
	}

int cmd_read(int argc, char **argv)
{
	static const struct argp_option options[] = {
		COMMON_OPTIONS,
		{"data-size", 'z', "BYTES", 0, "How much (to the end of the namespace)", 1},
		{"data", 'd', "FILE", 0, "To this file (stdout)", 1},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Read blocks of a namespace into a file.\v"
		       "Exit status: 0 (all was read), 1 (failure), 2 (usage).",
	};
	struct copy c = {.target = {.command = argv[0], .io_queues = 1}, .fd = -1};

	target_parse(argc, argv, &argp, &c);
	catch_signals();
	return run(&c);
}

int cmd_write(int argc, char **argv)
{
	static const struct argp_option options[] = {
		COMMON_OPTIONS,
		{"data-size", 'z', "BYTES", 0, "How much (the size of the file)", 1},
		{"data", 'd', "FILE", 0, "From this file (stdin)", 1},
		{"no-flush", KEY_NO_FLUSH, NULL, 0, "Do not flush the volatile cache at the end",
		 2},
		{"yes", KEY_YES, NULL, 0, "Yes, overwrite the blocks", 2},
		{0},
	};
	static const struct argp argp = {
		.options = options,
		.parser = parse_option,
		.doc = "Write a file to blocks of a namespace.\v"
		       "Exit status: 0 (all was written and is durable), 1 (failure), 2 (usage).",
	};
	struct copy c = {
		.target = {.command = argv[0], .io_queues = 1}, .is_write = true, .fd = -1};

	target_parse(argc, argv, &argp, &c);
	catch_signals();
	return run(&c);
}
