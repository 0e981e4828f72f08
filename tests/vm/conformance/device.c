// SPDX-License-Identifier: BSD-3-Clause
/*
 * Commands on the device in slot D: regions, interrupts, reset, features.
 */
#include "conformance.h"

#include <errno.h>
#include <linux/vfio.h>
#include <setjmp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <unistd.h>

/* ---- information ---- */

/* dinfo [ARGSZ] */
static void do_device_info(const struct command *c)
{
	struct vfio_device_info info = { .argsz = number(c, 1, sizeof(info)) };
	int ret = ioctl(slot_fd("D"), VFIO_DEVICE_GET_INFO, &info);

	answer_errno(ret);
	if (!ret)
		answer("flags=%x regions=%u irqs=%u", info.flags, info.num_regions, info.num_irqs);
}

static void answer_region_caps(const char *buf, const struct vfio_region_info *info)
{
	for (uint32_t offset = info->cap_offset; offset;) {
		const struct vfio_info_cap_header *cap = (const void *)(buf + offset);
		const struct vfio_region_info_cap_sparse_mmap *sparse = (const void *)cap;

		answer("cap%u.%u", cap->id, cap->version);
		for (uint32_t i = 0; cap->id == VFIO_REGION_INFO_CAP_SPARSE_MMAP && i < sparse->nr_areas; i++)
			answer("%llx+%llx", (unsigned long long)sparse->areas[i].offset,
			       (unsigned long long)sparse->areas[i].size);
		offset = cap->next;
	}
}

/* rinfo INDEX [ARGSZ] */
static void do_region_info(const struct command *c)
{
	static _Alignas(8) char buf[4096];
	struct vfio_region_info *info = (void *)buf;
	int ret;

	memset(buf, 0, sizeof(buf));
	info->argsz = number(c, 2, sizeof(buf));
	info->index = number(c, 1, 0);
	ret = ioctl(slot_fd("D"), VFIO_DEVICE_GET_REGION_INFO, info);
	answer_errno(ret);
	if (ret)
		return;
	answer("flags=%x size=%#llx argsz=%u", info->flags, (unsigned long long)info->size,
	       info->argsz == sizeof(buf) ? 0 : info->argsz);
	answer_region_caps(buf, info);
}

/* iinfo INDEX [ARGSZ] */
static void do_irq_info(const struct command *c)
{
	struct vfio_irq_info info = { .argsz = number(c, 2, sizeof(info)), .index = number(c, 1, 0) };
	int ret = ioctl(slot_fd("D"), VFIO_DEVICE_GET_IRQ_INFO, &info);

	answer_errno(ret);
	if (!ret)
		answer("flags=%x count=%u", info.flags, info.count);
}

/* ---- interrupts ---- */

/* irqs FLAGS INDEX START COUNT [argsz=N] [ITEM...]: an item is a slot, none, closed, file, or a number */
static void do_irqs(const struct command *c)
{
	static _Alignas(8) char buf[512];
	struct vfio_irq_set *set = (void *)buf;
	int32_t fds[MAX_WORDS];
	int items = 0;

	memset(buf, 0, sizeof(buf));
	set->flags = number(c, 1, 0);
	set->index = number(c, 2, 0);
	set->start = number(c, 3, 0);
	set->count = number(c, 4, 0);
	set->argsz = 0;
	for (int i = 5; i < c->argc; i++) {
		if (!strncmp(c->argv[i], "argsz=", 6))
			set->argsz = strtoul(c->argv[i] + 6, NULL, 0);
		else
			fds[items++] = !strcmp(c->argv[i], "none") ? -1 : slot_fd(c->argv[i]);
	}
	if (set->flags & VFIO_IRQ_SET_DATA_BOOL)
		for (int i = 0; i < items; i++)
			set->data[i] = fds[i];
	else
		memcpy(set->data, fds, items * sizeof(*fds));
	if (!set->argsz)
		set->argsz = sizeof(*set) + items * (set->flags & VFIO_IRQ_SET_DATA_BOOL ? 1 : 4);
	answer_errno(ioctl(slot_fd("D"), VFIO_DEVICE_SET_IRQS, set));
}

/* ev SLOT: what an eventfd counted */
static void do_event(const struct command *c)
{
	uint64_t count;

	if (read(slot_fd(word(c, 1)), &count, sizeof(count)) < 0)
		answer_errno(-1);
	else
		answer("%llu", (unsigned long long)count);
}

/* sig SLOT: signal an eventfd, and give the kernel time to hear it */
static void do_signal(const struct command *c)
{
	uint64_t one = 1;

	answer_errno(write(slot_fd(word(c, 1)), &one, sizeof(one)));
	usleep(50000);
}

/* ---- access ---- */

/* Where a region is in the file. One that there is not is behind all others. */
static uint64_t region_offset(unsigned int region)
{
	struct vfio_region_info info = { .argsz = sizeof(info), .index = region };

	if (ioctl(slot_fd("D"), VFIO_DEVICE_GET_REGION_INFO, &info))
		return (uint64_t)region << 40;
	return info.offset;
}

/* rd REGION OFFSET WIDTH [LENGTH] */
static void do_read(const struct command *c)
{
	uint64_t value = 0;
	ssize_t ret = pread(slot_fd("D"), &value, number(c, 3, 4), region_offset(number(c, 1, 7)) + number(c, 2, 0));

	if (ret < 0)
		answer_errno(ret);
	else
		answer("%zd:%llx", ret, (unsigned long long)value);
}

/* wr REGION OFFSET WIDTH VALUE */
static void do_write(const struct command *c)
{
	uint64_t value = number(c, 4, 0);
	ssize_t ret = pwrite(slot_fd("D"), &value, number(c, 3, 4), region_offset(number(c, 1, 7)) + number(c, 2, 0));

	if (ret < 0)
		answer_errno(ret);
	else
		answer("%zd", ret);
}

/* barmap REGION OFFSET LENGTH [PROT [shared|private]] */
static void do_barmap(const struct command *c)
{
	int prot = number(c, 4, PROT_READ | PROT_WRITE);
	int flags = word(c, 5) && !strcmp(word(c, 5), "private") ? MAP_PRIVATE : MAP_SHARED;
	void *p = mmap(NULL, number(c, 3, 4096), prot, flags, slot_fd("D"),
		       region_offset(number(c, 1, 0)) + number(c, 2, 0));

	answer_errno(p == MAP_FAILED ? -1 : 0);
	if (p != MAP_FAILED) {
		mem_bar = p;
		mem_bar_size = number(c, 3, 4096);
	}
}

static void do_barunmap(const struct command *c)
{
	(void)c;
	answer_errno(munmap(mem_bar, mem_bar_size));
	mem_bar = NULL;
}

static sigjmp_buf fault;

static void on_fault(int sig)
{
	siglongjmp(fault, sig);
}

/* ld OFFSET: a load from what barmap mapped */
static void do_load(const struct command *c)
{
	struct sigaction action = { .sa_handler = on_fault };
	int sig;

	sigaction(SIGBUS, &action, NULL);
	sigaction(SIGSEGV, &action, NULL);
	sig = sigsetjmp(fault, 1);
	if (sig)
		answer("%s", sig == SIGBUS ? "SIGBUS" : "SIGSEGV");
	else
		answer("%x", *(volatile uint32_t *)((char *)mem_bar + number(c, 1, 0)));
	signal(SIGBUS, SIG_DFL);
	signal(SIGSEGV, SIG_DFL);
}

/* ---- reset and features ---- */

static void do_reset(const struct command *c)
{
	(void)c;
	answer_errno(ioctl(slot_fd("D"), VFIO_DEVICE_RESET));
}

/* hotinfo [ARGSZ] */
static void do_hot_info(const struct command *c)
{
	static _Alignas(8) char buf[4096];
	struct vfio_pci_hot_reset_info *info = (void *)buf;
	int ret;

	memset(buf, 0, sizeof(buf));
	info->argsz = number(c, 1, sizeof(buf));
	ret = ioctl(slot_fd("D"), VFIO_DEVICE_GET_PCI_HOT_RESET_INFO, info);
	answer_errno(ret);
	answer("flags=%x count=%u", info->flags, info->count);
}

/* hotreset COUNT [FD...] */
static void do_hot_reset(const struct command *c)
{
	static _Alignas(8) char buf[512];
	struct vfio_pci_hot_reset *reset = (void *)buf;

	memset(buf, 0, sizeof(buf));
	reset->argsz = sizeof(*reset) + 4 * (c->argc - 2);
	reset->count = number(c, 1, 0);
	for (int i = 2; i < c->argc; i++)
		reset->group_fds[i - 2] = slot_fd(c->argv[i]);
	answer_errno(ioctl(slot_fd("D"), VFIO_DEVICE_PCI_HOT_RESET, reset));
}

/* feature FLAGS [ARGSZ] */
static void do_feature(const struct command *c)
{
	static _Alignas(8) char buf[512];
	struct vfio_device_feature *feature = (void *)buf;

	memset(buf, 0, sizeof(buf));
	feature->flags = number(c, 1, 0);
	feature->argsz = number(c, 2, sizeof(*feature) + 16);
	answer_errno(ioctl(slot_fd("D"), VFIO_DEVICE_FEATURE, feature));
}

/* ioeventfd REGION OFFSET FLAGS FD [DATA [ARGSZ]] */
static void do_ioeventfd(const struct command *c)
{
	struct vfio_device_ioeventfd io = {
		.argsz = number(c, 6, sizeof(io)),
		.flags = number(c, 3, 4),
		.offset = region_offset(number(c, 1, 0)) + number(c, 2, 0),
		.data = number(c, 5, 0),
		.fd = !word(c, 4) || !strcmp(word(c, 4), "none") ? -1 : slot_fd(word(c, 4)),
	};

	answer_errno(ioctl(slot_fd("D"), VFIO_DEVICE_IOEVENTFD, &io));
}

const struct command_name device_commands[] = {
	{ "dinfo", do_device_info }, { "rinfo", do_region_info }, { "iinfo", do_irq_info },   { "irqs", do_irqs },
	{ "ev", do_event },	     { "sig", do_signal },	  { "rd", do_read },	      { "wr", do_write },
	{ "barmap", do_barmap },     { "barunmap", do_barunmap }, { "ld", do_load },	      { "reset", do_reset },
	{ "hotinfo", do_hot_info },  { "hotreset", do_hot_reset }, { "feature", do_feature }, { "ioeventfd", do_ioeventfd },
	{ NULL, NULL },
};
