/* SPDX-License-Identifier: BSD-3-Clause */
/* Hotplug events (<pollux/hotplug.h>) by the kernel's uevent netlink socket. */
#include <pollux/hotplug.h>

#include <errno.h>
#include <linux/netlink.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include <pollux/log.h>

#include "pci/uevent.h"

PLX_LOG_USE(pci);

#define GROUP_KERNEL  1
#define MESSAGE_MAX   8192 /* UEVENT_BUFFER_SIZE of the kernel is 2048 */
#define RECEIVE_BYTES (1 << 20)

struct plx_hotplug {
	int fd;
};

static const char *const kind_names[] = {
	[PLX_HOTPLUG_ADD] = "add",
	[PLX_HOTPLUG_REMOVE] = "remove",
	[PLX_HOTPLUG_BIND] = "bind",
	[PLX_HOTPLUG_UNBIND] = "unbind",
};
#define KINDS (sizeof(kind_names) / sizeof(kind_names[0]))

const char *plx_hotplug_kind_name(enum plx_hotplug_kind kind)
{
	return (unsigned int)kind < KINDS ? kind_names[kind] : NULL;
}

/* --- Messages -------------------------------------------------------------------------------- */

/* The value of "KEY=value", or NULL: another key. */
static const char *value_of(const char *text, const char *key)
{
	size_t len = strlen(key);

	return strncmp(text, key, len) == 0 && text[len] == '=' ? text + len + 1 : NULL;
}

static bool parse_kind(const char *action, enum plx_hotplug_kind *kind)
{
	unsigned int i;

	for (i = 0; i < KINDS && strcmp(action, kind_names[i]); i++)
		;
	*kind = (enum plx_hotplug_kind)i;
	return i < KINDS;
}

bool plx_uevent_parse(const char *message, size_t len, struct plx_hotplug_event *event)
{
	const char *text, *end = message + len, *value;
	bool has_kind = false, has_addr = false, is_pci = false;

	*event = (struct plx_hotplug_event){.kind = PLX_HOTPLUG_ADD};
	if (!len || end[-1])
		return false;
	for (text = message; text < end; text += strlen(text) + 1) {
		if ((value = value_of(text, "ACTION")) != NULL)
			has_kind = parse_kind(value, &event->kind);
		else if ((value = value_of(text, "SUBSYSTEM")) != NULL)
			is_pci = strcmp(value, "pci") == 0;
		else if ((value = value_of(text, "PCI_SLOT_NAME")) != NULL)
			has_addr = plx_pci_parse(value, &event->addr) == 0;
		else if ((value = value_of(text, "DRIVER")) != NULL)
			snprintf(event->driver, sizeof(event->driver), "%s", value);
	}
	if (event->kind != PLX_HOTPLUG_BIND)
		event->driver[0] = '\0';
	return has_kind && has_addr && is_pci;
}

/* Return: length of a message of the kernel's; 0: nothing, or somebody else's; or -errno. */
static ssize_t receive(int fd, char *message, size_t room, bool *again)
{
	struct sockaddr_nl sender = {0};
	struct iovec iov = {message, room};
	struct msghdr head = {.msg_name = &sender,
			      .msg_namelen = sizeof(sender),
			      .msg_iov = &iov,
			      .msg_iovlen = 1};
	ssize_t n = recvmsg(fd, &head, MSG_DONTWAIT);

	*again = n >= 0 || errno == EINTR;
	if (n < 0 && errno == ENOBUFS)
		return -EOVERFLOW;
	if (n < 0)
		return errno == EAGAIN || errno == EINTR ? 0 : -errno;
	return sender.nl_pid == 0 && !(head.msg_flags & MSG_TRUNC) ? n : 0;
}

int plx_hotplug_next(struct plx_hotplug *hotplug, struct plx_hotplug_event *event)
{
	char message[MESSAGE_MAX];
	bool again = true;
	ssize_t n;

	while (again) {
		n = receive(hotplug->fd, message, sizeof(message), &again);
		if (n < 0)
			return (int)n;
		if (n > 0 && plx_uevent_parse(message, (size_t)n, event))
			return 1;
	}
	return 0;
}

/* --- Life ------------------------------------------------------------------------------------ */

static int open_socket(void)
{
	struct sockaddr_nl addr = {.nl_family = AF_NETLINK, .nl_groups = GROUP_KERNEL};
	int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK,
			NETLINK_KOBJECT_UEVENT);
	int room = RECEIVE_BYTES, err;

	if (fd < 0)
		return -errno;
	/* A slot of many functions announces them at once. */
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &room, sizeof(room));
	if (bind(fd, (struct sockaddr *)&addr, sizeof(addr)) == 0)
		return fd;
	err = -errno;
	close(fd);
	return err;
}

struct plx_hotplug *plx_hotplug_open(void)
{
	struct plx_hotplug *hotplug = calloc(1, sizeof(*hotplug));

	if (!hotplug)
		return NULL;
	hotplug->fd = open_socket();
	if (hotplug->fd >= 0)
		return hotplug;
	errno = -hotplug->fd;
	PLX_ERR(pci,
		"hotplug: the kernel's events cannot be heard: %s; are netlink sockets "
		"allowed here?",
		strerror(errno));
	free(hotplug);
	return NULL;
}

void plx_hotplug_close(struct plx_hotplug *hotplug)
{
	if (!hotplug)
		return;
	close(hotplug->fd);
	free(hotplug);
}

int plx_hotplug_fd(const struct plx_hotplug *hotplug)
{
	return hotplug->fd;
}
