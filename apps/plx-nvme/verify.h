/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme verify: verify.c by a controller, verify_path.c by the host's own driver. */
#ifndef PLX_NVME_VERIFY_H
#define PLX_NVME_VERIFY_H

#include "pattern.h"
#include "stream.h"

struct verify {
	struct target target;
	uint64_t offset, length; /* bytes, as given */
	uint64_t first, count;	 /* the same in blocks */
	uint32_t block_size;	 /* of the namespace, device or file */
	uint32_t block_bytes;	 /* of each I/O */
	uint32_t buffer_offset;
	unsigned int depth;
	uint64_t sequence;	 /* to write */
	uint64_t check_sequence; /* to demand; 0: any */
	bool do_write, do_read, interrupt, yes;
	/* What happened */
	uint64_t written, read, faults[PATTERN_FAULTS];
	int err;
};

/** --range, in blocks of v->block_size, of which there are so many. Return: exit status. */
int verify_check_range(struct verify *v, uint64_t blocks);
/** The result. Return: exit status. */
int verify_report(const struct verify *v);
/** The whole of it on v->target.path. Return: exit status. */
int verify_path(struct verify *v, stream_fn produce, stream_fn consume);

#endif /* PLX_NVME_VERIFY_H */
