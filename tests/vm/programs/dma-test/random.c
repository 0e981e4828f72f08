/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * random: a sequence of operations that depends on the seed alone. Each answer, what a device
 * reads and writes through the IOVAs, and now and then the locked memory, go into one number,
 * which must be the same on the stock modules and on ours.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/uio.h>
#include <sys/wait.h>
#include <unistd.h>
#include "device.h"
#include "space.h"

#define AREA_PAGES  1024UL
#define AREA	    ((char *)0x200000000UL) /* the answers depend on it */
#define SLOTS	    256UL
#define SLOT_PAGES  4UL
#define MAP_PAGES   512UL /* at most */
#define IOVA_PAGES  (SLOTS * SLOT_PAGES + MAP_PAGES)

#define LOOK_EVERY  64
#define CHECK_EVERY 16
#define SWEEP_EVERY 10000

/**
 * struct sequence - where it has come to
 * @device: its container is the one under test
 * @random: state
 * @sum: of the answers
 * @behind: for each page of IOVA which page of the area was mapped there, from 1 on; 0: none
 */
struct sequence {
	struct device device;
	uint64_t random;
	uint64_t sum;
	uint16_t behind[IOVA_PAGES];
};

static uint64_t pick(struct sequence *s, uint64_t below)
{
	return random_next(&s->random) % below;
}

static void note(struct sequence *s, uint64_t value)
{
	s->sum = (s->sum ^ value) * 1099511628211u;
}

static void area_map(unsigned long page, unsigned long npages, int prot)
{
	if (mmap(AREA + page * PAGE, npages * PAGE, prot, MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED,
		 -1, 0) == MAP_FAILED)
		die("mmap of the area");
}

/* ---- what is mapped, seen by the device ---- */

static uint64_t token(struct sequence *s)
{
	return 1 + pick(s, (1UL << DEVICE_TOKEN_BITS) - 1);
}

/* Memory of this process that may not be there, or not be writable. */
static bool area_write(unsigned long page, uint64_t bytes)
{
	struct iovec here = {&bytes, sizeof(bytes)}, there = {AREA + page * PAGE, sizeof(bytes)};

	return process_vm_writev(getpid(), &here, 1, &there, 1, 0) == sizeof(bytes);
}

static bool area_read(unsigned long page, uint64_t *bytes)
{
	struct iovec here = {bytes, sizeof(*bytes)}, there = {AREA + page * PAGE, sizeof(*bytes)};

	return process_vm_readv(getpid(), &here, 1, &there, 1, 0) == sizeof(*bytes);
}

/* Do process and device see what the other one writes? Where nothing is mapped, does the device see
 * anything? */
static void check_page(struct sequence *s, unsigned long iova_page)
{
	uint64_t iova = IOVA + iova_page * PAGE, mine = token(s), its = token(s), bytes = 0;
	unsigned long page = s->behind[iova_page] - 1UL;

	if (!s->behind[iova_page]) {
		note(s, device_read(&s->device, iova));
		return;
	}
	note(s, area_write(page, device_token_bytes(mine)));
	note(s, device_read(&s->device, iova));
	device_write(&s->device, iova, its);
	note(s, area_read(page, &bytes));
	note(s, device_bytes_token(bytes));
}

static void check_all(struct sequence *s)
{
	for (unsigned long i = 0; i < IOVA_PAGES; i++)
		check_page(s, i);
}

/* ---- operations ---- */

static void do_map(struct sequence *s)
{
	uint64_t npages = 1 + pick(s, pick(s, 8) ? 8 : MAP_PAGES), page = pick(s, AREA_PAGES);
	uint64_t first = pick(s, SLOTS) * SLOT_PAGES;
	uint32_t flags = 1 + (uint32_t)pick(s, 3);
	int ret = space_map(s->device.raw.container, AREA + page * PAGE, IOVA + first * PAGE,
			    npages * PAGE, flags);

	note(s, (uint64_t)ret);
	for (uint64_t i = 0; !ret && i < npages; i++)
		s->behind[first + i] = (uint16_t)(page + i + 1);
}

static void do_unmap(struct sequence *s)
{
	uint64_t first = pick(s, SLOTS) * SLOT_PAGES, npages = (1 + pick(s, 64)) * SLOT_PAGES;
	uint64_t size = npages * PAGE;
	int ret;

	if (pick(s, 64) == 0) {
		size = 0;
		ret = space_unmap(s->device.raw.container, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL);
		memset(s->behind, 0, sizeof(s->behind));
		device_map(&s->device);
	} else {
		ret = space_unmap(s->device.raw.container, IOVA + first * PAGE, &size, 0);
		for (uint64_t i = first; !ret && i < first + npages && i < IOVA_PAGES; i++)
			s->behind[i] = 0;
	}
	note(s, (uint64_t)ret);
	note(s, size);
}

static void do_fork(struct sequence *s)
{
	pid_t child = fork();
	int status = -1;

	if (child == 0) {
		for (unsigned long i = 0; i < AREA_PAGES; i += 7)
			if (madvise(AREA + i * PAGE, PAGE, MADV_POPULATE_WRITE))
				break;
		_exit(0);
	}
	if (child < 0 || waitpid(child, &status, 0) != child)
		die("fork");
	note(s, (uint64_t)status);
}

/* Large pages, if there are any, which what follows will split. */
static void do_renew(struct sequence *s)
{
	unsigned long page = pick(s, 2) * AREA_PAGES / 2;

	area_map(page, AREA_PAGES / 2, PROT_READ | PROT_WRITE);
	madvise(AREA + page * PAGE, AREA_PAGES / 2 * PAGE, MADV_HUGEPAGE);
	note(s, (uint64_t)madvise(AREA + page * PAGE, AREA_PAGES / 2 * PAGE, MADV_POPULATE_WRITE));
}

/* What a process does with memory while it is mapped for DMA. */
static void do_memory(struct sequence *s)
{
	uint64_t page = pick(s, AREA_PAGES - 64), npages = 1 + pick(s, 64);
	char *at = AREA + page * PAGE, *to = AREA + pick(s, AREA_PAGES - 64) * PAGE;

	switch (pick(s, 9)) {
	case 0:
		area_map(page, npages, PROT_READ | PROT_WRITE);
		break;
	case 1:
		note(s, (uint64_t)mprotect(at, npages * PAGE, PROT_READ));
		break;
	case 2:
		note(s, (uint64_t)mprotect(at, npages * PAGE, PROT_READ | PROT_WRITE));
		break;
	case 3:
		note(s, (uint64_t)madvise(at, npages * PAGE, MADV_DONTNEED));
		break;
	case 4:
		munmap(at, npages * PAGE);
		break;
	case 5:
		madvise(AREA, AREA_PAGES * PAGE, pick(s, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		break;
	case 6:
		note(s, mremap(at, npages * PAGE, npages * PAGE, MREMAP_MAYMOVE | MREMAP_FIXED,
			       to) == MAP_FAILED
				? (uint64_t)errno
				: 0);
		break;
	case 7:
		note(s, area_write(page, device_token_bytes(token(s))));
		break;
	case 8:
		if (pick(s, 4) == 0)
			do_renew(s);
		break;
	}
}

static void step(struct sequence *s, unsigned long i)
{
	uint64_t what = pick(s, 100);

	if (what < 50)
		do_map(s);
	else if (what < 85)
		do_unmap(s);
	else if (what < 98)
		do_memory(s);
	else if (what < 99)
		note(s, (uint64_t)space_dirty(s->device.raw.container, 1U << pick(s, 2)));
	else if (i % 16 == 0)
		do_fork(s);
	if (i % LOOK_EVERY == 0)
		note(s, (uint64_t)locked_kib());
	if (i % CHECK_EVERY == 0)
		check_page(s, pick(s, IOVA_PAGES));
	if (i % SWEEP_EVERY == SWEEP_EVERY - 1)
		check_all(s);
}

int command_random(int argc, char **argv)
{
	unsigned long count = strtoul(argv[1], NULL, 10);
	struct sequence s = {.random = strtoul(argv[0], NULL, 10) * 2 + 1,
			     .sum = 14695981039346656037u};
	long before = pins();

	(void)argc;
	area_map(0, AREA_PAGES, PROT_READ | PROT_WRITE);
	device_open(&s.device, argv[2]);
	for (unsigned long i = 0; i < count; i++)
		step(&s, i);
	device_close(&s.device);
	EXPECT(locked_kib(), 0);
	EXPECT(pins(), before);
	printf("%016llx\n", (unsigned long long)s.sum);
	return EXIT_SUCCESS;
}
