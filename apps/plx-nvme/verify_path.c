/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme verify on a file or block device, by the host: one I/O at a time, direct. */
#include <errno.h>
#include <fcntl.h>
#include <linux/fs.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/stat.h>
#include <unistd.h>

#include "verify.h"

#define PAGE		4096
#define BLOCK_SIZE_FILE 512

static int fail(const struct verify *v, const char *what)
{
	int err = -errno;

	target_error(&v->target, "%s: %s: %s", v->target.path, what, strerror(-err));
	return err;
}

/* Block size and number of blocks. */
static int find_size(struct verify *v, int fd, uint64_t *blocks)
{
	uint64_t bytes = 0;
	struct stat st;
	int size = 0;

	if (fstat(fd, &st))
		return fail(v, "stat");
	if (!S_ISBLK(st.st_mode)) {
		if (!v->block_size)
			v->block_size = BLOCK_SIZE_FILE;
		*blocks = (uint64_t)st.st_size / v->block_size;
		return 0;
	}
	if (ioctl(fd, BLKSSZGET, &size) || ioctl(fd, BLKGETSIZE64, &bytes))
		return fail(v, "size");
	v->block_size = (uint32_t)size;
	*blocks = bytes / v->block_size;
	return 0;
}

/* All of it, or an error. */
static int transfer(struct verify *v, int fd, uint8_t opcode, char *buf, size_t len, off_t offset)
{
	while (len) {
		ssize_t n = opcode == PLX_NVME_READ ? pread(fd, buf, len, offset)
						    : pwrite(fd, buf, len, offset);

		if (n == 0)
			errno = EIO;
		if (n <= 0)
			return fail(v, opcode == PLX_NVME_READ ? "read" : "write");
		buf += n;
		len -= (size_t)n;
		offset += n;
	}
	return 0;
}

static int run(struct verify *v, int fd, void *buf, uint8_t opcode, stream_fn fn)
{
	uint32_t chunk = v->block_bytes / v->block_size;
	uint64_t done, n;
	int err = 0;

	for (done = 0; done < v->count && !err; done += n) {
		n = v->count - done < chunk ? v->count - done : chunk;
		if (app_stop)
			return -EINTR;
		if (opcode == PLX_NVME_WRITE)
			fn(v, buf, v->first + done, (uint32_t)n);
		err = transfer(v, fd, opcode, buf, n * v->block_size,
			       (off_t)((v->first + done) * v->block_size));
		if (!err && opcode == PLX_NVME_READ)
			fn(v, buf, v->first + done, (uint32_t)n);
	}
	if (!err && opcode == PLX_NVME_WRITE && fsync(fd))
		err = fail(v, "fsync");
	return err;
}

static int verify_fd(struct verify *v, int fd, stream_fn produce, stream_fn consume)
{
	uint64_t blocks = 0;
	void *buf;
	int status;

	if (find_size(v, fd, &blocks))
		return EXIT_FAILURE;
	status = verify_check_range(v, blocks);
	if (status == EXIT_SUCCESS && v->block_bytes % v->block_size) {
		target_error(&v->target, "--bs %u: not a multiple of the block size, %u",
			     v->block_bytes, v->block_size);
		status = EXIT_USAGE;
	}
	if (status)
		return status;
	buf = aligned_alloc(PAGE, ((size_t)v->block_bytes + PAGE - 1) / PAGE * PAGE);
	if (!buf) {
		target_error(&v->target, "no memory for %u bytes", v->block_bytes);
		return EXIT_FAILURE;
	}
	if (v->do_write)
		v->err = run(v, fd, buf, PLX_NVME_WRITE, produce);
	if (!v->err && v->do_read)
		v->err = run(v, fd, buf, PLX_NVME_READ, consume);
	free(buf);
	return verify_report(v);
}

int verify_path(struct verify *v, stream_fn produce, stream_fn consume)
{
	int flags = (v->do_write ? O_RDWR : O_RDONLY) | O_CLOEXEC;
	int fd = open(v->target.path, flags | O_DIRECT), status;

	/* Not every file system does direct I/O. */
	if (fd < 0 && errno == EINVAL)
		fd = open(v->target.path, flags);
	if (fd < 0) {
		fail(v, "open");
		return EXIT_FAILURE;
	}
	status = verify_fd(v, fd, produce, consume);
	close(fd);
	return status;
}
