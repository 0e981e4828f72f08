/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading and writing the kernel's one-line files; see sysfs.h. */
#include "pci/sysfs.h"

#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct plx_pci_roots plx_pci_roots = {
	.sysfs = "/sys",
	.proc = "/proc",
	.dev = "/dev",
	.run = "/run",
};

__attribute__((format(printf, 2, 0))) static int sysfs_open(int flags, const char *fmt,
							    va_list args)
{
	char path[PLX_SYSFS_PATH_LEN];
	int n = vsnprintf(path, sizeof(path), fmt, args);
	int fd;

	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	fd = open(path, flags | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static void cut_line(char *line)
{
	size_t n = strcspn(line, "\n");

	while (n > 0 && (line[n - 1] == ' ' || line[n - 1] == '\t'))
		n--;
	line[n] = '\0';
}

__attribute__((format(printf, 3, 0))) static int sysfs_vread(char *buf, size_t len, const char *fmt,
							     va_list args)
{
	int fd = sysfs_open(O_RDONLY, fmt, args);
	ssize_t n;
	int err;

	if (fd < 0)
		return fd;
	n = read(fd, buf, len);
	err = n < 0 ? -errno : 0;
	close(fd);
	if (err)
		return err;
	if ((size_t)n == len && !memchr(buf, '\n', len))
		return -E2BIG;
	buf[(size_t)n < len ? (size_t)n : len - 1] = '\0';
	cut_line(buf);
	return 0;
}

int plx_sysfs_read(char *buf, size_t len, const char *fmt, ...)
{
	va_list args;
	int err;

	va_start(args, fmt);
	err = sysfs_vread(buf, len, fmt, args);
	va_end(args);
	return err;
}

int plx_sysfs_read_number(int64_t *value, const char *fmt, ...)
{
	char text[32], *end;
	va_list args;
	int err;

	va_start(args, fmt);
	err = sysfs_vread(text, sizeof(text), fmt, args);
	va_end(args);
	if (err)
		return err;
	errno = 0;
	*value = strtoll(text, &end, strncmp(text, "0x", 2) == 0 ? 16 : 10);
	return errno || end == text || *end ? -EINVAL : 0;
}

int plx_sysfs_write(const char *text, const char *fmt, ...)
{
	va_list args;
	ssize_t n;
	int fd, err;

	va_start(args, fmt);
	fd = sysfs_open(O_WRONLY, fmt, args);
	va_end(args);
	if (fd < 0)
		return fd;
	n = write(fd, text, strlen(text));
	err = n < 0 ? -errno : 0;
	close(fd);
	return err;
}

int plx_sysfs_link(char *buf, size_t len, const char *fmt, ...)
{
	char path[PLX_SYSFS_PATH_LEN], target[PLX_SYSFS_PATH_LEN];
	const char *base;
	va_list args;
	ssize_t n;

	va_start(args, fmt);
	n = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	if (n < 0 || (size_t)n >= sizeof(path))
		return -ENAMETOOLONG;
	n = readlink(path, target, sizeof(target) - 1);
	if (n < 0)
		return -errno;
	target[n] = '\0';
	base = strrchr(target, '/');
	base = base ? base + 1 : target;
	if (strlen(base) >= len)
		return -E2BIG;
	strcpy(buf, base);
	return 0;
}

bool plx_sysfs_exists(const char *fmt, ...)
{
	char path[PLX_SYSFS_PATH_LEN];
	va_list args;
	int n;

	va_start(args, fmt);
	n = vsnprintf(path, sizeof(path), fmt, args);
	va_end(args);
	return n >= 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0;
}
