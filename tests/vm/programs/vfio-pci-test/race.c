/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * race KIND SECONDS DEVICE [SIBLING]: threads that do to one device, at the same
 * time and without any order, what no sane user does. Nothing is checked but that
 * the kernel survives, which its log says, and that each thread came to do its part.
 */
#include "raw.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define COMMAND		0x04
#define COMMAND_MEMORY	0x2
#define COMMAND_INTX	0x400
#define THREADS_MAX	6
#define VECTORS		4

/* QEMU's edu device: what raises and acknowledges its interrupt. */
#define EDU_RAISE 0x60
#define EDU_ACK	  0x64

static struct raw main_raw, sibling_raw;
static atomic_int device = -1, sibling = -1;
static atomic_bool stop;
static const char *sysfs_reset;
static uint64_t bar0;

struct actor {
	const char *name;
	void (*step)(unsigned int *seed);
	unsigned long steps;
};

static void nap(unsigned int *seed, unsigned int max_us)
{
	struct timespec t = {.tv_nsec = (rand_r(seed) % max_us) * 1000L};

	nanosleep(&t, NULL);
}

/* ---- what the threads do ---- */

static void reopen(const struct raw *raw, atomic_int *fd, unsigned int *seed)
{
	const int new = raw_get_device(raw);
	int old;

	if (new < 0 && errno != EAGAIN && errno != ENODEV && errno != EINTR)
		die("reopen");
	old = atomic_exchange(fd, new);
	if (old >= 0)
		close(old);
	nap(seed, 3000);
}

static void step_reopen(unsigned int *seed)
{
	reopen(&main_raw, &device, seed);
}

/* The last file is closed, so that the device is opened anew. */
static void step_close_open(unsigned int *seed)
{
	const int old = atomic_exchange(&device, -1);

	if (old >= 0)
		close(old);
	reopen(&main_raw, &device, seed);
}

static void step_sibling(unsigned int *seed)
{
	const int old = atomic_exchange(&sibling, -1);

	if (old >= 0)
		close(old);
	reopen(&sibling_raw, &sibling, seed);
}

static void step_irqs(unsigned int *seed)
{
	const unsigned int index = rand_r(seed) % VFIO_PCI_NUM_IRQS;
	int32_t fds[VECTORS];

	for (int i = 0; i < VECTORS; i++)
		fds[i] = rand_r(seed) % 4 ? eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC) : -1;
	irq_set_fds(device, index, rand_r(seed) % 2, index == VFIO_PCI_MSIX_IRQ_INDEX ? VECTORS - 1 : 1,
		    fds, VFIO_IRQ_SET_ACTION_TRIGGER);
	if (index == VFIO_PCI_INTX_IRQ_INDEX)
		irq_set_fds(device, index, 0, 1, fds + 1, VFIO_IRQ_SET_ACTION_UNMASK);
	irq_set_none(device, index, 1, VFIO_IRQ_SET_ACTION_TRIGGER);
	for (int i = 0; i < VECTORS; i++)
		if (fds[i] >= 0)
			close(fds[i]);
	if (rand_r(seed) % 2)
		irq_set_none(device, index, 0, VFIO_IRQ_SET_ACTION_TRIGGER);
}

/* Closes an eventfd that listens to unmask while another thread takes it away. */
static void step_unmask_fd(unsigned int *seed)
{
	int32_t fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC), none = -1;

	irq_set_fds(device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &fd, VFIO_IRQ_SET_ACTION_UNMASK);
	eventfd_write(fd, 1);
	if (rand_r(seed) % 2)
		irq_set_fds(device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &none, VFIO_IRQ_SET_ACTION_UNMASK);
	close(fd);
}

static void step_intx_mask(unsigned int *seed)
{
	irq_set_none(device, VFIO_PCI_INTX_IRQ_INDEX, 1,
		     rand_r(seed) % 2 ? VFIO_IRQ_SET_ACTION_MASK : VFIO_IRQ_SET_ACTION_UNMASK);
}

static void step_intx_trigger(unsigned int *seed)
{
	static int32_t none = -1;
	int32_t fd = eventfd(0, EFD_NONBLOCK | EFD_CLOEXEC);

	irq_set_fds(device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &fd, VFIO_IRQ_SET_ACTION_TRIGGER);
	irq_set_none(device, VFIO_PCI_INTX_IRQ_INDEX, 1, VFIO_IRQ_SET_ACTION_TRIGGER);
	close(fd);
	if (rand_r(seed) % 2)
		irq_set_fds(device, VFIO_PCI_INTX_IRQ_INDEX, 0, 1, &none, VFIO_IRQ_SET_ACTION_TRIGGER);
	if (rand_r(seed) % 8 == 0)
		irq_set_none(device, VFIO_PCI_INTX_IRQ_INDEX, 0, VFIO_IRQ_SET_ACTION_TRIGGER);
}

static void step_command_intx(unsigned int *seed)
{
	config_set(device, COMMAND, 2, COMMAND_MEMORY | (rand_r(seed) % 2 ? COMMAND_INTX : 0));
}

static void step_edu_interrupt(unsigned int *seed)
{
	uint32_t one = 1;

	if (pwrite(device, &one, 4, bar0 + EDU_RAISE) < 0)
		return;
	nap(seed, 200);
	if (pwrite(device, &one, 4, bar0 + EDU_ACK) < 0)
		return;
}

static void step_load(unsigned int *seed)
{
	uint32_t value;
	uint32_t *bar;

	bar = mmap(NULL, 4096, PROT_READ | PROT_WRITE, MAP_SHARED, device, bar0);
	if (bar == MAP_FAILED)
		return;
	for (int i = 0; i < 20; i++) {
		load_safely(bar + 2, &value);
		if (pread(device, &value, 4, bar0 + 8) < 0 && errno != EIO)
			break;
	}
	munmap(bar, 4096);
}

static void step_decode(unsigned int *seed)
{
	config_set(device, COMMAND, 2, rand_r(seed) % 2 ? COMMAND_MEMORY : 0);
}

static void step_d3(unsigned int *seed)
{
	const uint16_t pm = config_find_cap(device, 1);

	if (!pm)
		return;
	config_set(device, pm + 4, 2, rand_r(seed) % 2 ? 3 : 0);
	nap(seed, 2000);
}

static void step_reset(unsigned int *seed)
{
	if (ioctl(device, VFIO_DEVICE_RESET) && errno != EAGAIN && errno != EINVAL)
		die("VFIO_DEVICE_RESET");
	nap(seed, 20000);
}

static void step_sysfs_reset(unsigned int *seed)
{
	const int fd = open(sysfs_reset, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, "1", 1) < 0 && errno != EAGAIN && errno != ENOTTY)
		die(sysfs_reset);
	close(fd);
	nap(seed, 50000);
}

static void step_hot_reset(unsigned int *seed)
{
	struct {
		struct vfio_pci_hot_reset hdr;
		int32_t fds[2];
	} reset = {
		.hdr = {.argsz = sizeof(reset), .count = main_raw.group == sibling_raw.group ? 1 : 2},
		.fds = {main_raw.group, sibling_raw.group},
	};

	if (ioctl(device, VFIO_DEVICE_PCI_HOT_RESET, &reset) && errno != EAGAIN && errno != EBADF)
		die("VFIO_DEVICE_PCI_HOT_RESET");
	nap(seed, 50000);
}

/* ---- kinds ---- */

static const struct {
	const char *name;
	void (*steps[THREADS_MAX])(unsigned int *seed);
} kinds[] = {
	{"irq-close", {step_irqs, step_irqs, step_close_open, step_unmask_fd}},
	{"irq-reopen", {step_irqs, step_reopen, step_reset, step_command_intx}},
	{"intx", {step_intx_trigger, step_intx_mask, step_unmask_fd, step_command_intx, step_edu_interrupt}},
	{"fault", {step_load, step_load, step_decode, step_d3, step_reset, step_sysfs_reset}},
	{"hot-reset", {step_load, step_sibling, step_hot_reset, step_decode}},
	{"open", {step_close_open, step_irqs, step_load}},
};

static void *run_actor(void *opaque)
{
	struct actor *actor = opaque;
	unsigned int seed = (uintptr_t)actor;

	while (!stop) {
		/* Between close and open there is no device; whoever meets -1 gets EBADF. */
		if (device >= 0 || actor->step == step_close_open) {
			actor->step(&seed);
			actor->steps++;
		} else {
			nap(&seed, 100);
		}
	}
	return NULL;
}

static int run_kind(size_t kind, unsigned int seconds)
{
	struct actor actors[THREADS_MAX] = {0};
	pthread_t threads[THREADS_MAX];
	int n = 0, idle = 0;

	for (; n < THREADS_MAX && kinds[kind].steps[n]; n++) {
		actors[n].step = kinds[kind].steps[n];
		if (pthread_create(&threads[n], NULL, run_actor, &actors[n]))
			die("pthread_create");
	}
	sleep(seconds);
	stop = true;
	printf("%s:", kinds[kind].name);
	for (int i = 0; i < n; i++) {
		pthread_join(threads[i], NULL);
		printf(" %lu", actors[i].steps);
		idle += !actors[i].steps;
	}
	printf(" steps\n");
	return idle ? EXIT_FAILURE : EXIT_SUCCESS;
}

/* Two functions of one device, or of one bus, may share a group. */
static void open_sibling(const char *name)
{
	char a[128], b[128];

	snprintf(a, sizeof(a), "/sys/bus/pci/devices/%s/iommu_group", main_raw.name);
	snprintf(b, sizeof(b), "/sys/bus/pci/devices/%s/iommu_group", name);
	if (!strcmp(realpath(a, NULL), realpath(b, NULL))) {
		sibling_raw = main_raw;
		sibling_raw.name = name;
	} else {
		raw_open_group(&sibling_raw, name);
	}
}

int command_race(int argc, char **argv)
{
	char path[128];

	if (argc < 3)
		return 2;
	raw_open(&main_raw, argv[2]);
	device = main_raw.device;
	bar0 = raw_region(device, 0, NULL);
	config_get(device, 0, 4);
	if (argc > 3)
		open_sibling(argv[3]);
	snprintf(path, sizeof(path), "/sys/bus/pci/devices/%s/reset", argv[2]);
	sysfs_reset = path;
	for (size_t i = 0; i < sizeof(kinds) / sizeof(*kinds); i++)
		if (!strcmp(kinds[i].name, argv[0]))
			return run_kind(i, atoi(argv[1]));
	fprintf(stderr, "race: %s: no such kind\n", argv[0]);
	return 2;
}
