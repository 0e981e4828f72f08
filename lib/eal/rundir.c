/* SPDX-License-Identifier: BSD-3-Clause */
/* Run directories; see rundir.h. telemetry.c and peer.c put their sockets there. */
#include "eal/rundir.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include <pollux/log.h>
#include <pollux/telemetry.h>

PLX_LOG_USE(eal);

#define LOCK	  "lock"
#define CONNECT_S 5

static int base_fd = -1; /* .../pollux */
static int dir_fd = -1;	 /* .../pollux/NAME */
static int lock_fd = -1;
static char own_name[PLX_NAME_LEN];

bool plx_rundir_name_ok(const char *name)
{
	static const char chars[] = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789"
				    "-_.";

	return name && *name && *name != '.' && strlen(name) < PLX_NAME_LEN &&
	       strspn(name, chars) == strlen(name);
}

/* --- Directories ----------------------------------------------------------------------------- */

static const char *parent(void)
{
	return geteuid() == 0 ? "/run" : getenv("XDG_RUNTIME_DIR");
}

/* Open a directory that is ours and in which others have none of these permissions. */
static int open_own(int at, const char *name, mode_t others)
{
	int fd = openat(at, name, O_DIRECTORY | O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	struct stat st;

	/* Of a symbolic link both flags say ENOTDIR. */
	if (fd < 0)
		return errno == ENOTDIR ? -ELOOP : -errno;
	if (fstat(fd, &st) == 0 && st.st_uid == geteuid() && (st.st_mode & others) == 0)
		return fd;
	close(fd);
	return -EACCES;
}

/* The top is shared with plx-bind: others may look, if they made it so. */
static int open_top(int at, const char *name)
{
	return open_own(at, name, 022);
}

static int open_private(int at, const char *name)
{
	return open_own(at, name, 077);
}

static int make_top(int at, const char *name)
{
	if (mkdirat(at, name, 0700) && errno != EEXIST)
		return -errno;
	return open_top(at, name);
}

static int make_private(int at, const char *name)
{
	if (mkdirat(at, name, 0700) && errno != EEXIST)
		return -errno;
	return open_private(at, name);
}

static int open_parent(void)
{
	const char *path = parent();
	int fd;

	if (!path)
		return -ENOENT;
	fd = open(path, O_DIRECTORY | O_RDONLY | O_CLOEXEC);
	return fd < 0 ? -errno : fd;
}

static int in_parent(int (*get)(int at, const char *name))
{
	int at = open_parent(), fd;

	if (at < 0)
		return at;
	fd = get(at, "pollux");
	close(at);
	return fd;
}

/* --- Our own --------------------------------------------------------------------------------- */

static int explain(const char *name, int err)
{
	const char *path = parent();

	if (!path)
		PLX_ERR(eal,
			"name %s: XDG_RUNTIME_DIR is not set, so there is no place for its "
			"run directory; set it, or do without --name",
			name);
	else if (err == -EBUSY)
		PLX_ERR(eal,
			"name %s: a process of that name is running (%s/pollux/%s); end it, "
			"or choose another --name",
			name, path, name);
	else if (err == -ELOOP || err == -EACCES)
		PLX_ERR(eal,
			"name %s: %s/pollux or what is in it is a symbolic link, or not this "
			"user's alone (mode 0700): remove it",
			name, path);
	else
		PLX_ERR(eal,
			"name %s: no run directory in %s/pollux: %s; see to the space and "
			"permissions there, or do without --name",
			name, path, strerror(-err));
	return err;
}

/*
 * The lock tells the living from the dead. It may be removed by its last holder meanwhile. It is of
 * a kind (F_OFD_SETLK in fcntl(2)) that others can ask for without having it for a moment, in which
 * nobody could start.
 */
static int take_lock(void)
{
	struct flock whole = {.l_type = F_WRLCK};
	struct stat ours, there;
	int fd, err;

	for (;;) {
		fd = openat(dir_fd, LOCK, O_CREAT | O_NOFOLLOW | O_RDWR | O_CLOEXEC, 0600);
		if (fd < 0)
			return -errno;
		err = fcntl(fd, F_OFD_SETLK, &whole) ? -errno : 0;
		if (err || fstat(fd, &ours)) {
			close(fd);
			return err == -EAGAIN || err == -EACCES ? -EBUSY : err ? err : -EIO;
		}
		if (fstatat(dir_fd, LOCK, &there, AT_SYMLINK_NOFOLLOW) == 0 &&
		    there.st_ino == ours.st_ino) {
			lock_fd = fd;
			return 0;
		}
		close(fd);
	}
}

/* Call fn with the name of each entry. */
static int each_entry(int dir, int (*fn)(const char *name, void *arg), void *arg)
{
	int fd = openat(dir, ".", O_DIRECTORY | O_RDONLY | O_CLOEXEC), ret = 0;
	DIR *entries = fd < 0 ? NULL : fdopendir(fd);
	struct dirent *entry;

	if (!entries) {
		ret = -errno;
		if (fd >= 0)
			close(fd);
		return ret;
	}
	while (!ret && (entry = readdir(entries)) != NULL)
		if (entry->d_name[0] != '.')
			ret = fn(entry->d_name, arg);
	closedir(entries);
	return ret;
}

/* The lock goes last: until then nobody else may have the name. */
static int remove_entry(const char *name, void *arg)
{
	if (strcmp(name, LOCK))
		unlinkat(dir_fd, name, 0);
	return 0;
}

static void close_fd(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

static int claim(const char *name)
{
	base_fd = in_parent(make_top);
	if (base_fd < 0)
		return base_fd;
	dir_fd = make_private(base_fd, name);
	if (dir_fd < 0)
		return dir_fd;
	return take_lock();
}

int plx_rundir_open(const char *name)
{
	int err;

	if (!plx_rundir_name_ok(name)) {
		PLX_ERR(eal,
			"name \"%s\": up to %d letters, digits, '-', '_' and '.', which must "
			"not be first",
			name, PLX_NAME_LEN - 1);
		return -EINVAL;
	}
	err = claim(name);
	if (err < 0) {
		close_fd(&dir_fd);
		close_fd(&base_fd);
		return explain(name, err);
	}
	snprintf(own_name, sizeof(own_name), "%s", name);
	each_entry(dir_fd, remove_entry, NULL);
	return 0;
}

void plx_rundir_close(void)
{
	if (dir_fd < 0)
		return;
	each_entry(dir_fd, remove_entry, NULL);
	unlinkat(dir_fd, LOCK, 0);
	unlinkat(base_fd, own_name, AT_REMOVEDIR);
	close_fd(&lock_fd);
	close_fd(&dir_fd);
	close_fd(&base_fd);
}

bool plx_rundir_is_open(void)
{
	return dir_fd >= 0;
}

/* --- Sockets --------------------------------------------------------------------------------- */

/* By the directory's fd: the path cannot be led astray, and is short enough. */
static struct sockaddr_un address(int dir, const char *file)
{
	struct sockaddr_un addr = {.sun_family = AF_UNIX};

	snprintf(addr.sun_path, sizeof(addr.sun_path), "/proc/self/fd/%d/%s", dir, file);
	return addr;
}

int plx_rundir_listen(const char *file, int type)
{
	struct sockaddr_un addr = address(dir_fd, file);
	int fd = socket(AF_UNIX, type | SOCK_CLOEXEC | SOCK_NONBLOCK, 0), err;

	if (fd < 0) {
		err = -errno;
		PLX_ERR(eal, "socket %s/%s: %s", own_name, file, strerror(-err));
		return err;
	}
	/* The mode of the socket becomes that of its file, without a look at the umask's luck. */
	if (fchmod(fd, 0600) || bind(fd, (struct sockaddr *)&addr, sizeof(addr)) ||
	    listen(fd, 64)) {
		err = -errno;
		PLX_ERR(eal, "socket %s/pollux/%s/%s: %s; is /proc mounted?", parent(), own_name,
			file, strerror(-err));
		close(fd);
		return err;
	}
	return fd;
}

int plx_rundir_accept(int listen_fd)
{
	int fd, err;

	do
		fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);
	while (fd < 0 && (errno == EINTR || errno == ECONNABORTED));
	if (fd >= 0)
		return fd;
	err = -errno;
	if (err != -EAGAIN)
		PLX_WARN(eal, "run directory %s: somebody who connects has to wait: %s%s", own_name,
			 strerror(-err),
			 err == -EMFILE ? "; raise the limit of open files (ulimit -n)" : "");
	return err;
}

/* One that hangs has a full queue of connections sooner or later. */
static int connect_in_time(int fd, const struct sockaddr_un *addr)
{
	const struct timeval patience = {.tv_sec = CONNECT_S};

	if (setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience)))
		return -errno;
	if (connect(fd, (const struct sockaddr *)addr, sizeof(*addr)) == 0)
		return 0;
	return errno == ECONNREFUSED ? -ENOENT : errno == EAGAIN ? -ETIMEDOUT : -errno;
}

int plx_rundir_connect(const char *name, const char *file, int type)
{
	struct sockaddr_un addr;
	int base, dir, fd, err;

	if (!plx_rundir_name_ok(name))
		return -EINVAL;
	base = in_parent(open_top);
	if (base < 0)
		return base;
	dir = open_private(base, name);
	close(base);
	if (dir < 0)
		return dir;
	fd = socket(AF_UNIX, type | SOCK_CLOEXEC, 0);
	addr = address(dir, file);
	err = fd < 0 ? -errno : connect_in_time(fd, &addr);
	close(dir);
	if (!err)
		return fd;
	if (fd >= 0)
		close(fd);
	return err;
}

/* --- All ------------------------------------------------------------------------------------- */

struct listing {
	int base;
	int (*fn)(const char *name, void *arg);
	void *arg;
};

static bool is_alive(int base, const char *name)
{
	int dir = open_private(base, name), fd = -1;
	struct flock whole = {.l_type = F_WRLCK};
	bool alive;

	if (dir >= 0)
		fd = openat(dir, LOCK, O_NOFOLLOW | O_RDONLY | O_CLOEXEC);
	alive = fd >= 0 && fcntl(fd, F_OFD_GETLK, &whole) == 0 && whole.l_type != F_UNLCK;
	if (fd >= 0)
		close(fd);
	if (dir >= 0)
		close(dir);
	return alive;
}

static int list_one(const char *name, void *arg)
{
	const struct listing *l = arg;

	return plx_rundir_name_ok(name) && is_alive(l->base, name) ? l->fn(name, l->arg) : 0;
}

int plx_rundir_list(int (*fn)(const char *name, void *arg), void *arg)
{
	struct listing l = {.base = in_parent(open_top), .fn = fn, .arg = arg};
	int ret;

	if (l.base < 0)
		return l.base == -ENOENT ? 0 : l.base;
	ret = each_entry(l.base, list_one, &l);
	close(l.base);
	return ret;
}
