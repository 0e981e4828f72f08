/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-capture: what its files share. */
#ifndef PLX_CAPTURE_H
#define PLX_CAPTURE_H

#include <signal.h>
#include <stdio.h>

#include <pollux/eal.h>
#include <pollux/mem.h>
#include <pollux/net.h>
#include <pollux/nvme.h>
#include <pollux/nvme_cmd.h>

#include "format.h"

#define EXIT_USAGE 2

extern volatile sig_atomic_t stopping;

/** Block device below: a namespace by our driver, with one queue pair. */
struct disk {
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ns *ns;
	struct plx_nvme_qpair *qp;
	uint32_t block_size;
	uint64_t blocks;
	uint32_t max_transfer; /* bytes */
	bool sgl;
};
/** Open it. Return: 0 or a negative errno, told of. */
int disk_open(struct disk *disk, const char *name, uint32_t nsid);
void disk_close(struct disk *disk);
/** Read or write whole blocks and wait; buf is of the DMA heap. Return: 0 or a negative errno. */
int disk_wait(struct disk *disk, uint8_t opcode, uint64_t block, uint32_t blocks, void *buf);

/* --- Writing (writer.c) --------------------------------------------------------------------- */

struct writer;

struct writer_stats {
	uint64_t packets;      /* handed over */
	uint64_t bytes;	       /* of these */
	uint64_t acknowledged; /* packets that are on the namespace, and all before them */
	uint64_t failed;       /* packets whose command failed */
	uint64_t full;	       /* packets for which the namespace has no room */
	uint64_t unwritable;   /* what writer_takes() refuses */
	uint64_t chunks;
};

/** Write a superblock and get ready. NULL: told of. */
struct writer *writer_open(struct disk *disk, const char *interface);
/**
 * Wait for all, end with a last record, flush. Return: 0 or a negative errno; all is freed.
 * @dropped: packets lost before they were put
 */
int writer_close(struct writer *w, uint64_t dropped, struct writer_stats *stats);
/**
 * Can one command take the packet? Not if it is too long; with SGLs, if a buffer of it that is not
 * the last holds a length that is no multiple of 4; without, if it is of several buffers.
 */
bool writer_takes(const struct disk *disk, const struct plx_pktbuf *p);
/** Is there a chunk free for another burst? If not, poll. */
bool writer_ready(const struct writer *w);
/**
 * Take a packet, which is freed when it is on the namespace. Only after writer_ready().
 * @dropped: packets lost so far
 */
void writer_put(struct writer *w, struct plx_pktbuf *p, uint64_t time_ns, uint64_t dropped);
/** Send what has been put, if anything: at the end of each burst. */
void writer_push(struct writer *w);
/** Take completions. Return: 0, or -EIO, -ENODEV: the controller is of no use any more. */
int writer_poll(struct writer *w);
/** Nothing more fits the namespace. */
bool writer_is_full(const struct writer *w);
const struct writer_stats *writer_stats(const struct writer *w);

/* --- Commands ------------------------------------------------------------------------------- */

struct record_options {
	struct plx_eal_config eal;
	const char *port, *disk;
	uint32_t nsid;
	uint64_t count;	 /* 0: no limit */
	double duration; /* 0: no limit */
	unsigned int descs;
	bool promisc;
	bool prp;      /* do as on a controller without SGLs */
	bool progress; /* a line a second: what is acknowledged */
};
int record_run(const struct record_options *o);

struct export_options {
	struct plx_eal_config eal;
	const char *disk; /* BDF, or a path */
	uint32_t nsid;
	const char *output; /* NULL: standard output */
};
int export_run(const struct export_options *o);

/* --- pcapng (pcapng.c) ---------------------------------------------------------------------- */

/** Section and interface: Ethernet, nanoseconds. All return 0, or -1 with errno as of stdio. */
int pcapng_begin(FILE *file, const char *interface);
/** dropped: packets lost since the one before. */
int pcapng_packet(FILE *file, uint64_t time_ns, const void *packet, uint32_t length,
		  uint64_t dropped);
int pcapng_end(FILE *file, uint64_t time_ns, uint64_t received, uint64_t dropped);

#endif /* PLX_CAPTURE_H */
