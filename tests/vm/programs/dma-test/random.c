/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * random: a sequence of operations that depends on the seed alone. Each answer, and now
 * and then the locked memory, goes into one number, which must be the same on the stock
 * modules and on ours.
 */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "space.h"

#define AREA_PAGES 1024UL
#define AREA	   ((char *)0x200000000UL) /* the answers depend on it */
#define SLOTS	   256UL
#define LOOK_EVERY 64

struct sequence {
	int container;
	uint64_t random;
	uint64_t sum;
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

static void do_map(struct sequence *s)
{
	uint64_t npages = 1 + pick(s, pick(s, 8) ? 8 : 512), page = pick(s, AREA_PAGES);
	uint64_t iova = IOVA + pick(s, SLOTS) * 4 * PAGE;
	uint32_t flags = 1 + (uint32_t)pick(s, 3);

	note(s, (uint64_t)space_map(s->container, AREA + page * PAGE, iova, npages * PAGE, flags));
}

static void do_unmap(struct sequence *s)
{
	uint64_t iova = IOVA + pick(s, SLOTS) * 4 * PAGE, size = (1 + pick(s, 64)) * 4 * PAGE;
	uint32_t flags = 0;

	if (pick(s, 64) == 0) {
		flags = VFIO_DMA_UNMAP_FLAG_ALL;
		iova = size = 0;
	}
	note(s, (uint64_t)space_unmap(s->container, iova, &size, flags));
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

/* What a process does with memory while it is mapped for DMA. */
static void do_memory(struct sequence *s)
{
	uint64_t page = pick(s, AREA_PAGES - 64), npages = 1 + pick(s, 64);
	char *at = AREA + page * PAGE;

	switch (pick(s, 6)) {
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
		note(s, (uint64_t)space_dirty(s->container, 1U << pick(s, 2)));
	else if (i % 16 == 0)
		do_fork(s);
	if (i % LOOK_EVERY == 0)
		note(s, (uint64_t)locked_kib());
}

int command_random(int argc, char **argv)
{
	unsigned long count = strtoul(argv[1], NULL, 10);
	struct sequence s = {.random = strtoul(argv[0], NULL, 10) * 2 + 1,
			     .sum = 14695981039346656037u};
	long before = pins();
	struct raw raw;

	(void)argc;
	raw_open_group(&raw, argv[2]);
	s.container = raw.container;
	area_map(0, AREA_PAGES, PROT_READ | PROT_WRITE);
	for (unsigned long i = 0; i < count; i++)
		step(&s, i);
	raw_close(&raw);
	EXPECT(locked_kib(), 0);
	EXPECT(pins(), before);
	printf("%016llx\n", (unsigned long long)s.sum);
	return EXIT_SUCCESS;
}
