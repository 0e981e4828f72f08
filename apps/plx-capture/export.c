/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From the namespace (by our driver, or by a file or block device) to pcapng, while reading.
 * Nothing that is read is believed before it has been checked (format.c).
 */
#include "capture.h"

#include <endian.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define WINDOW_BYTES (8u << 20)
#define READ_BYTES   (128u << 10)

/* A window of bytes over the source. */
struct source {
	struct disk disk; /* ctrl NULL: fd */
	int fd;
	uint64_t size;
	uint8_t *window; /* of the DMA heap, or of malloc() */
	uint64_t start;	 /* where it begins */
	size_t len;	 /* valid bytes in it */
	uint32_t block_size;
};

struct totals {
	uint64_t packets, missing, dropped;
	uint64_t next_sequence;
	uint64_t last_ns;
	bool ended; /* in order */
};

/* --- Reading --------------------------------------------------------------------------------- */

static int fill_from_disk(struct source *s, uint64_t from, size_t want)
{
	size_t got = 0;

	while (got < want) {
		uint32_t bytes = (uint32_t)(want - got < READ_BYTES ? want - got : READ_BYTES);
		int err;

		bytes = bytes < s->disk.max_transfer ? bytes : s->disk.max_transfer;
		err = disk_wait(&s->disk, PLX_NVME_READ, (from + got) / s->block_size,
				bytes / s->block_size, s->window + got);
		if (err)
			return err;
		got += bytes;
	}
	return 0;
}

static int fill_from_file(struct source *s, uint64_t from, size_t want)
{
	size_t got = 0;

	while (got < want) {
		ssize_t n = pread(s->fd, s->window + got, want - got, (off_t)(from + got));

		if (n <= 0)
			return n ? -errno : -EIO; /* it has become shorter */
		got += (size_t)n;
	}
	return 0;
}

/*
 * Bytes [at, at + len). Return: 0; -ENODATA: behind the end; or why they cannot be read, told of.
 */
static int bytes_at(struct source *s, uint64_t at, size_t len, const void **bytes)
{
	uint64_t from = at / s->block_size * s->block_size;
	size_t want = WINDOW_BYTES;
	int err;

	if (at + len > s->size || at + len < at)
		return -ENODATA;
	if (at >= s->start && at + len <= s->start + s->len) {
		*bytes = s->window + (at - s->start);
		return 0;
	}
	if (want > s->size - from)
		want = (size_t)(s->size - from);
	/* Far from the last: somebody searches, and needs little. */
	s->len = 0;
	err = s->disk.ctrl ? fill_from_disk(s, from, want) : fill_from_file(s, from, want);
	if (err) {
		fprintf(stderr, "plx-capture: reading at %" PRIu64 ": %s\n", from, strerror(-err));
		return err;
	}
	s->start = from;
	s->len = want;
	*bytes = s->window + (at - from);
	return 0;
}

static int open_disk(struct source *s, const struct export_options *o)
{
	int err = disk_open(&s->disk, o->disk, o->nsid);

	if (err)
		return err;
	s->block_size = s->disk.block_size;
	s->size = s->disk.blocks * s->disk.block_size;
	s->window = plx_dma_alloc(WINDOW_BYTES, 4096, PLX_NODE_ANY);
	return s->window ? 0 : -ENOMEM;
}

static int open_file(struct source *s, const struct export_options *o)
{
	off_t size;

	s->fd = open(o->disk, O_RDONLY | O_CLOEXEC);
	size = s->fd < 0 ? -1 : lseek(s->fd, 0, SEEK_END);
	if (size < 0) {
		int err = -errno;

		fprintf(stderr, "plx-capture: %s: %s\n", o->disk, strerror(-err));
		return err;
	}
	s->size = (uint64_t)size;
	s->block_size = 512; /* until the superblock tells */
	s->window = malloc(WINDOW_BYTES);
	return s->window ? 0 : -ENOMEM;
}

static void close_source(struct source *s)
{
	if (s->disk.ctrl) {
		plx_dma_free(s->window);
		disk_close(&s->disk);
		return;
	}
	free(s->window);
	if (s->fd >= 0)
		close(s->fd);
}

/* --- Chunks ---------------------------------------------------------------------------------- */

static int export_record(struct source *s, FILE *out, uint64_t at, const struct record *r,
			 struct totals *t)
{
	uint64_t sequence = le64toh(r->sequence), dropped = le64toh(r->dropped);
	uint32_t length = le32toh(r->length);
	uint64_t more = dropped > t->dropped ? dropped - t->dropped : 0;
	const void *packet;
	int err;

	if (sequence > t->next_sequence)
		t->missing += sequence - t->next_sequence;
	t->next_sequence = sequence + 1;
	t->last_ns = le64toh(r->time_ns);
	t->dropped += more;
	if (le16toh(r->flags) & RECORD_FLAG_END) {
		t->ended = true;
		return 0;
	}
	err = bytes_at(s, at + sizeof(*r), length, &packet);
	if (err)
		return err;
	t->packets++;
	return pcapng_packet(out, t->last_ns, packet, length, more) ? -EIO : 0;
}

/*
 * All records of the chunk at a block. Return: its length in blocks, 0: there is none, or -errno.
 */
static int64_t export_chunk(struct source *s, FILE *out, uint64_t session, uint64_t block,
			    struct totals *t)
{
	uint64_t start = block * s->block_size, at = start;

	for (;;) {
		struct record r;
		const void *there;
		int err = bytes_at(s, at, sizeof(r), &there);

		if (err && err != -ENODATA)
			return err;
		if (!err)
			memcpy(&r, there, sizeof(r)); /* aligned to 4 bytes only */
		if (err || !record_ok(&r, session, block))
			return at == start ? 0 : (int64_t)((at - start) / s->block_size + 1);
		err = export_record(s, out, at, &r, t);
		if (err)
			return err;
		if (!r.next) {
			at += sizeof(r) + le32toh(r.length);
			return (int64_t)((at - start + s->block_size - 1) / s->block_size);
		}
		at += le32toh(r.next);
		if (at - start > CHUNK_BYTES_MAX)
			return -EPROTO;
	}
}

static int export_all(struct source *s, FILE *out, const struct superblock *sb, struct totals *t)
{
	uint64_t block = le64toh(sb->first), window = le64toh(sb->window), empty = 0;

	while (!t->ended && empty <= window && (block + 1) * s->block_size <= s->size) {
		int64_t blocks =
			stopping ? -EINTR : export_chunk(s, out, le64toh(sb->session), block, t);

		if (blocks < 0)
			return (int)blocks;
		empty = blocks ? 0 : empty + 1;
		block += blocks ? (uint64_t)blocks : 1;
	}
	return pcapng_end(out, t->last_ns, t->packets + t->missing + t->dropped, t->dropped) ? -EIO
											     : 0;
}

static int export_source(struct source *s, const struct export_options *o, FILE *out)
{
	struct totals t = {0};
	struct superblock sb;
	const void *there;
	int err = bytes_at(s, 0, sizeof(sb), &there);

	if (err && err != -ENODATA)
		return err;
	if (err || !superblock_ok(there)) {
		fprintf(stderr,
			"plx-capture: %s: there is no capture on it (or not of version %d)\n",
			o->disk, FORMAT_VERSION);
		return -ENOENT;
	}
	memcpy(&sb, there, sizeof(sb));
	if (s->disk.ctrl && s->block_size != le32toh(sb.block_size)) {
		fprintf(stderr, "plx-capture: %s: was formatted to other blocks since\n", o->disk);
		return -EPROTO;
	}
	s->block_size = le32toh(sb.block_size);
	err = pcapng_begin(out, sb.interface) ? -EIO : export_all(s, out, &sb, &t);
	fprintf(stderr,
		"exported %" PRIu64 " packets of %s; dropped in the capture %" PRIu64
		", missing on the namespace %" PRIu64 "; %s\n",
		t.packets, sb.interface, t.dropped, t.missing,
		err	  ? strerror(-err)
		: t.ended ? "ended in order"
			  : "not ended in order");
	return err;
}

int export_run(const struct export_options *o)
{
	bool by_driver = !strchr(o->disk, '/');
	struct source s = {.fd = -1};
	FILE *out = o->output ? fopen(o->output, "we") : stdout;
	int err;

	if (!out) {
		fprintf(stderr, "plx-capture: %s: %s\n", o->output, strerror(errno));
		return EXIT_FAILURE;
	}
	err = by_driver ? plx_eal_init(&o->eal) : 0;
	if (!err) {
		err = by_driver ? open_disk(&s, o) : open_file(&s, o);
		if (!err)
			err = export_source(&s, o, out);
		close_source(&s);
		if (by_driver && plx_eal_fini())
			err = -EBUSY;
	}
	if (fflush(out) || ferror(out) || (o->output && fclose(out))) {
		fprintf(stderr, "plx-capture: the output cannot be written: %s\n", strerror(errno));
		err = -EIO;
	}
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
