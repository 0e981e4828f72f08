/* SPDX-License-Identifier: BSD-3-Clause */
/* The journal, and a check of all that it knows by the host's own driver. See integrity.h. */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "integrity.h"
#include "plx-nvme/pattern.h"

#define CHUNK (1u << 20)

static size_t journal_bytes(uint64_t blocks)
{
	return sizeof(struct journal) + blocks * sizeof(struct block_state);
}

struct journal *journal_open(const char *path, uint64_t blocks, uint64_t block_size)
{
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);
	struct journal *j = MAP_FAILED;

	if (fd >= 0 && ftruncate(fd, (off_t)journal_bytes(blocks)) == 0)
		j = mmap(NULL, journal_bytes(blocks), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (j == MAP_FAILED) {
		fprintf(stderr, "nvme-integrity: %s: %s\n", path, strerror(errno));
		j = NULL;
	} else {
		j->blocks = blocks;
		j->block_size = block_size;
	}
	if (fd >= 0)
		close(fd);
	return j;
}

bool journal_check(struct journal *j, uint64_t lba, const void *block)
{
	struct block_state *s = &j->state[lba];
	enum pattern_fault fault;
	uint64_t claimed, sequence;

	if (s->issued == 0)
		return true;
	fault = pattern_check(block, j->block_size, lba, 0);
	if (fault == PATTERN_NONE && s->acked == 0)
		return true;
	pattern_claims(block, &claimed, &sequence);
	if (fault == PATTERN_GOOD && sequence >= s->acked && sequence <= s->issued) {
		s->acked = s->issued = (uint32_t)sequence;
		return true;
	}
	fprintf(stderr,
		"nvme-integrity: block %" PRIu64 ": %s (it says: block %" PRIu64
		", sequence %" PRIu64 "; wanted: %u to %u)\n",
		lba, pattern_fault_str(fault), claimed, sequence, s->acked, s->issued);
	return false;
}

/* Its size is in its head. */
static struct journal *journal_find(const char *path)
{
	struct journal head;
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	bool good = fd >= 0 && read(fd, &head, sizeof(head)) == (ssize_t)sizeof(head);

	if (fd >= 0)
		close(fd);
	if (good && head.blocks)
		return journal_open(path, head.blocks, head.block_size);
	fprintf(stderr, "nvme-integrity: %s: no journal\n", path);
	return NULL;
}

static int check_fd(struct journal *j, int fd, char *buf)
{
	uint64_t bytes = j->blocks * j->block_size, at, known = 0, bad = 0;

	for (at = 0; at < bytes; at += CHUNK) {
		size_t want = bytes - at < CHUNK ? bytes - at : CHUNK, i;

		if (pread(fd, buf, want, (off_t)at) != (ssize_t)want) {
			fprintf(stderr, "nvme-integrity: read at %" PRIu64 ": %s\n", at,
				strerror(errno));
			return EXIT_FAILURE;
		}
		for (i = 0; i < want; i += j->block_size) {
			uint64_t lba = (at + i) / j->block_size;

			known += j->state[lba].issued != 0;
			bad += !journal_check(j, lba, buf + i);
		}
	}
	printf("checked by the host: %" PRIu64 " blocks written, %" PRIu64 " wrong\n", known, bad);
	return bad ? EXIT_FAILURE : EXIT_SUCCESS;
}

int check(const struct options *options)
{
	struct journal *j = journal_find(options->journal);
	int fd = j ? open(options->device, O_RDONLY | O_DIRECT | O_CLOEXEC) : -1;
	int status = EXIT_FAILURE;
	char *buf;

	if (j && fd < 0)
		fprintf(stderr, "nvme-integrity: %s: %s\n", options->device, strerror(errno));
	buf = aligned_alloc(BLOCK_SIZE_MAX, CHUNK);
	if (fd >= 0 && buf)
		status = check_fd(j, fd, buf);
	free(buf);
	if (fd >= 0)
		close(fd);
	if (j)
		munmap(j, journal_bytes(j->blocks));
	return status;
}
