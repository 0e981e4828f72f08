/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A range of blocks moved through a ring of buffers, in chunks of at most one transfer, several in
 * flight, handed to the caller in order. What is longer than one transfer is split here: the driver
 * does not. Used by verify.c and copy.c.
 */
#ifndef PLX_NVME_STREAM_H
#define PLX_NVME_STREAM_H

#include "app.h"

struct stream_slot {
	struct plx_nvme_req req;
	void *buf;
};

struct stream {
	struct target *target;
	struct plx_nvme_qpair *qp;
	unsigned int depth;	   /* chunks in flight */
	uint32_t chunk_blocks;	   /* of each but the last */
	char *memory;		   /* of all buffers */
	struct stream_slot *slots; /* chunk n is in slot n modulo depth */
	bool interrupt;
};

struct stream_config {
	unsigned int depth;
	uint32_t chunk_bytes;	/* a multiple of the block size; 0: the largest transfer */
	uint32_t buffer_offset; /* of each buffer from a page; a multiple of 4 */
	bool interrupt;
};

/** A chunk of blocks; data is NULL for none. Return non-zero to stop with that. */
typedef int (*stream_fn)(void *arg, void *data, uint64_t lba, uint32_t blocks);

/** Return: 0, or a negative errno, told on stderr. */
int stream_open(struct stream *s, struct target *t, const struct stream_config *config);
void stream_close(struct stream *s);
/**
 * Write a range; produce() fills each chunk, in order.
 * Return: 0; what produce() returned; -EINTR (signal); the errno of a failed command, told.
 */
int stream_write(struct stream *s, uint64_t lba, uint64_t blocks, stream_fn produce, void *arg);
/** Read a range; consume() gets each chunk, in order. Return: as stream_write(). */
int stream_read(struct stream *s, uint64_t lba, uint64_t blocks, stream_fn consume, void *arg);
/** Flush the namespace. */
int stream_flush(struct stream *s);

#endif /* PLX_NVME_STREAM_H */
