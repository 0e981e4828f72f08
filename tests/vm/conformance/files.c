// SPDX-License-Identifier: BSD-3-Clause
/*
 * Slots for file descriptors, named by a letter, and the commands on containers
 * and groups.
 */
#include "conformance.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <linux/vfio.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

const char *devices[NR_DEVICES];
static int slots[MAX_SLOTS] = {[0 ... MAX_SLOTS - 1] = -1};

static int *slot(const char *w)
{
	if (!w || w[0] < 'A' || w[0] > 'Z' || w[1]) {
		fprintf(stderr, "vfio-conformance: %s: not a slot\n", w ? w : "(nothing)");
		exit(2);
	}
	return &slots[w[0] - 'A'];
}

/* A slot's descriptor, or a number as it is, or one of a few special ones. */
int slot_fd(const char *w)
{
	if (!w || (w[0] >= 'A' && w[0] <= 'Z'))
		return *slot(w);
	if (!strcmp(w, "closed"))
		return 1000;
	if (!strcmp(w, "file"))
		return STDIN_FILENO;
	return atoi(w);
}

int slot_put(const char *w, int fd)
{
	if (fd >= 0 && *slot(w) >= 0)
		close(*slot(w));
	if (fd >= 0)
		*slot(w) = fd;
	return fd;
}

static void slot_close(int *fd)
{
	if (*fd >= 0)
		close(*fd);
	*fd = -1;
}

/* Devices before groups before containers: the order of letters in the cases. */
void slots_close(void)
{
	static const char order[] = "DEFGHICBAJKLMNOPQRSTUVWXYZ";

	for (const char *p = order; *p; p++)
		slot_close(&slots[*p - 'A']);
}

static void do_close(const struct command *c)
{
	slot_close(slot(word(c, 1)));
	answer("closed");
}

static void do_container(const struct command *c)
{
	answer_errno(slot_put(word(c, 1), open("/dev/vfio/vfio", O_RDWR | O_CLOEXEC)));
}

static void do_eventfd(const struct command *c)
{
	answer_errno(slot_put(word(c, 1), eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC)));
}

/* group SLOT [DEVICE-INDEX] */
static void do_group(const struct command *c)
{
	char path[PATH_MAX], link[PATH_MAX];
	ssize_t len;

	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/iommu_group",
		 devices[number(c, 2, 0)]);
	len = readlink(path, link, sizeof(link) - 1);
	if (len < 0) {
		answer("no-group");
		return;
	}
	link[len] = 0;
	snprintf(path, sizeof(path), "/dev/vfio/%s", strrchr(link, '/') + 1);
	answer_errno(slot_put(word(c, 1), open(path, O_RDWR | O_CLOEXEC)));
}

/* set GROUP-SLOT FD */
static void do_set(const struct command *c)
{
	int fd = slot_fd(word(c, 2));

	answer_errno(ioctl(slot_fd(word(c, 1)), VFIO_GROUP_SET_CONTAINER, &fd));
}

static void do_unset(const struct command *c)
{
	answer_errno(ioctl(slot_fd(word(c, 1)), VFIO_GROUP_UNSET_CONTAINER));
}

/* status GROUP-SLOT [ARGSZ] */
static void do_status(const struct command *c)
{
	struct vfio_group_status status = {.argsz = number(c, 2, sizeof(status)), .flags = 0xff};
	int ret = ioctl(slot_fd(word(c, 1)), VFIO_GROUP_GET_STATUS, &status);

	answer_errno(ret);
	if (!ret)
		answer("flags=%x", status.flags);
}

static void do_iommu(const struct command *c)
{
	answer_errno(ioctl(slot_fd(word(c, 1)), VFIO_SET_IOMMU, number(c, 2, VFIO_TYPE1v2_IOMMU)));
}

static void do_extension(const struct command *c)
{
	int ret = ioctl(slot_fd(word(c, 1)), VFIO_CHECK_EXTENSION, number(c, 2, 0));

	if (ret < 0)
		answer_errno(ret);
	else
		answer("%d", ret);
}

/* ioctl SLOT NUMBER [ARGUMENT]: anything */
static void do_ioctl(const struct command *c)
{
	int ret = ioctl(slot_fd(word(c, 1)), _IO(VFIO_TYPE, VFIO_BASE + number(c, 2, 0)),
			number(c, 3, 0));

	if (ret > 0)
		answer("%d", ret);
	else
		answer_errno(ret);
}

/* device SLOT GROUP-SLOT [DEVICE-INDEX | bad | empty | long | null | suffix] */
static void do_device(const struct command *c)
{
	static char longest[8192];
	const char *which = word(c, 3) ? word(c, 3) : "0", *name;
	char suffixed[64];

	memset(longest, 'a', sizeof(longest) - 1);
	if (!strcmp(which, "bad")) {
		name = "0000:ff:1f.7";
	} else if (!strcmp(which, "empty")) {
		name = "";
	} else if (!strcmp(which, "long")) {
		name = longest;
	} else if (!strcmp(which, "null")) {
		name = NULL;
	} else if (!strcmp(which, "suffix")) {
		snprintf(suffixed, sizeof(suffixed), "%sx", devices[0]);
		name = suffixed;
	} else if (!strcmp(which, "token")) {
		snprintf(suffixed, sizeof(suffixed), "%s vf_token=1", devices[0]);
		name = suffixed;
	} else {
		name = devices[atoi(which)];
	}
	answer_errno(
		slot_put(word(c, 1), ioctl(slot_fd(word(c, 2)), VFIO_GROUP_GET_DEVICE_FD, name)));
}

/* rw SLOT: read, write and mmap of a file that has none */
static void do_rw(const struct command *c)
{
	char byte = 0;
	void *p;

	answer_errno(read(slot_fd(word(c, 1)), &byte, 1));
	answer_errno(write(slot_fd(word(c, 1)), &byte, 1));
	answer_errno(lseek(slot_fd(word(c, 1)), 0, SEEK_SET));
	p = mmap(NULL, 4096, PROT_READ, MAP_SHARED, slot_fd(word(c, 1)), 0);
	answer_errno(p == MAP_FAILED ? -1 : 0);
	if (p != MAP_FAILED)
		munmap(p, 4096);
}

static void do_all(int type, bool device)
{
	char t[8];
	struct command container = {2, {"container", "C"}}, group = {2, {"group", "G"}},
		       set = {3, {"set", "G", "C"}}, iommu = {3, {"iommu", "C", t}},
		       dev = {3, {"device", "D", "G"}};

	snprintf(t, sizeof(t), "%d", type);
	do_container(&container);
	do_group(&group);
	do_set(&set);
	do_iommu(&iommu);
	if (device)
		do_device(&dev);
}

static void do_v1(const struct command *c)
{
	(void)c;
	do_all(VFIO_TYPE1_IOMMU, false);
}

static void do_v2(const struct command *c)
{
	(void)c;
	do_all(VFIO_TYPE1v2_IOMMU, false);
}

static void do_dev(const struct command *c)
{
	(void)c;
	do_all(VFIO_TYPE1v2_IOMMU, true);
}

const struct command_name group_commands[] = {
	{"close", do_close},	 {"container", do_container},
	{"eventfd", do_eventfd}, {"group", do_group},
	{"set", do_set},	 {"unset", do_unset},
	{"status", do_status},	 {"iommu", do_iommu},
	{"ext", do_extension},	 {"ioctl", do_ioctl},
	{"device", do_device},	 {"rw", do_rw},
	{"v1", do_v1},		 {"v2", do_v2},
	{"dev", do_dev},	 {NULL, NULL},
};
