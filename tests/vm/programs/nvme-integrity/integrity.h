/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme-integrity: random I/O over a whole namespace in which each block tells what it should be
 * (apps/plx-nvme/pattern.h), and a journal of what may be on the disk, which outlives the process.
 * main.c is the command line, work.c the I/O, check.c a look by the host's own driver.
 */
#ifndef NVME_INTEGRITY_H
#define NVME_INTEGRITY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#define BLOCK_SIZE_MAX 4096u

/* Sequence numbers of a block: any from the one last acknowledged to the one last submitted. */
struct block_state {
	uint32_t acked, issued; /* 0: never */
};

struct journal {
	uint64_t blocks, block_size;
	uint64_t sequence; /* the last that was given out */
	struct block_state state[];
};

struct options {
	const char *device; /* BDF, or PATH with --check */
	const char *journal;
	unsigned int qd, queues, seconds, reset_ms, seed;
	size_t size; /* bytes of the namespace that are used; 0: all */
	bool churn, errors, check;
};

/** Map a journal, made if there is none. NULL: told. */
struct journal *journal_open(const char *path, uint64_t blocks, uint64_t block_size);
/**
 * Is this what may be there? Then nothing else may be there from now on. Told if not. Only while no
 * write of the block is in flight.
 */
bool journal_check(struct journal *j, uint64_t lba, const void *block);

/** Return: exit status. */
int work(const struct options *options);
int check(const struct options *options);

#endif /* NVME_INTEGRITY_H */
