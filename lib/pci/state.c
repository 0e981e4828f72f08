/* SPDX-License-Identifier: BSD-3-Clause */
/* The files in /run/pollux/bind; see state.h. Links are not followed, writes are atomic. */
#include "pci/state.h"

#include <pollux/log.h>

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "pci/sysfs.h"

PLX_LOG_USE(pci);

#define STATE_TEXT_LEN 256
#define TEMP_NAME      ".new"
#define DIR_FLAGS      (O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)

/* Open a folder below parent, making it where it is missing; only we may be able to write to it. */
static int open_dir(int parent, const char *name, mode_t mode)
{
	struct stat st;
	int fd, err;

	if (mkdirat(parent, name, mode) < 0 && errno != EEXIST)
		return -errno;
	fd = openat(parent, name, DIR_FLAGS);
	if (fd < 0)
		return errno == ENOTDIR || errno == ELOOP ? -EPERM : -errno;
	err = fstat(fd, &st) < 0 ? -errno : 0;
	if (!err && (st.st_uid != geteuid() || st.st_mode & (S_IWGRP | S_IWOTH)))
		err = -EPERM;
	if (err) {
		close(fd);
		return err;
	}
	return fd;
}

static int open_path(void)
{
	int run, pollux, bind;

	run = open(plx_pci_roots.run, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run < 0)
		return -errno;
	pollux = open_dir(run, "pollux", 0700);
	close(run);
	if (pollux < 0)
		return pollux;
	bind = open_dir(pollux, "bind", 0700);
	close(pollux);
	return bind;
}

int plx_pci_state_open(void)
{
	int fd = open_path(), err;

	if (fd >= 0 && flock(fd, LOCK_EX) == 0)
		return fd;
	err = fd < 0 ? fd : -errno;
	if (fd >= 0)
		close(fd);
	if (err == -EPERM)
		PLX_ERR(pci,
			"%s/pollux/bind: belongs to another user, is writable by others, or "
			"is no folder; remove it",
			plx_pci_roots.run);
	else
		PLX_ERR(pci, "%s/pollux/bind: cannot keep the present driver there: %s%s",
			plx_pci_roots.run, strerror(-err), err == -EACCES ? "; run as root" : "");
	return err;
}

void plx_pci_state_close(int dir)
{
	close(dir);
}

int plx_pci_state_save(int dir, const struct plx_pci_device *device)
{
	char text[STATE_TEXT_LEN], bdf[PLX_PCI_BDF_LEN];
	int fd, n, err = 0;

	n = snprintf(text, sizeof(text), "ids=%04x:%04x\ndriver=%s\noverride=%s\n", device->vendor,
		     device->device, device->driver, device->driver_override);
	unlinkat(dir, TEMP_NAME, 0); /* of a process that was killed here */
	fd = openat(dir, TEMP_NAME, O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600);
	if (fd < 0)
		return -errno;
	if (write(fd, text, (size_t)n) != n)
		err = errno ? -errno : -EIO;
	if (close(fd) < 0 && !err)
		err = -errno;
	if (!err && renameat(dir, TEMP_NAME, dir, plx_pci_bdf(&device->addr, bdf)) < 0)
		err = -errno;
	if (err)
		unlinkat(dir, TEMP_NAME, 0);
	return err;
}

/* The value of "key=value\n" into buf, if the text has it in whole and it fits. */
static bool parse_value(const char *text, const char *key, char *buf, size_t len)
{
	const char *at = strstr(text, key);
	size_t n;

	if (!at)
		return false;
	at += strlen(key);
	n = strcspn(at, "\n");
	if (at[n] != '\n' || n >= len || memchr(at, '/', n))
		return false;
	memcpy(buf, at, n);
	buf[n] = '\0';
	return true;
}

int plx_pci_state_load(int dir, const struct plx_pci_device *device, struct plx_pci_past *past)
{
	char text[STATE_TEXT_LEN], bdf[PLX_PCI_BDF_LEN], ids[16], expected[16];
	ssize_t n;
	int fd;

	fd = openat(dir, plx_pci_bdf(&device->addr, bdf), O_RDONLY | O_NOFOLLOW | O_CLOEXEC);
	if (fd < 0)
		return -errno;
	n = read(fd, text, sizeof(text) - 1);
	close(fd);
	if (n < 0)
		return -errno;
	text[n] = '\0';
	snprintf(expected, sizeof(expected), "%04x:%04x", device->vendor, device->device);
	if (!parse_value(text, "ids=", ids, sizeof(ids)) ||
	    !parse_value(text, "\ndriver=", past->driver, sizeof(past->driver)) ||
	    !parse_value(text, "\noverride=", past->driver_override, sizeof(past->driver_override)))
		return -EBADMSG;
	/* Another device has come to this address: what was before is not about it. */
	return strcmp(ids, expected) == 0 ? 0 : -ENOENT;
}

void plx_pci_state_forget(int dir, const struct plx_pci_device *device)
{
	char bdf[PLX_PCI_BDF_LEN];

	unlinkat(dir, plx_pci_bdf(&device->addr, bdf), 0);
}
