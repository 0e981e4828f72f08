/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * race, close-race, disjoint: threads on one address space. Where they compete, any answer
 * will do; where they do not, all must succeed. At the end nothing is pinned or locked.
 */
#include <errno.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "space.h"

#define AREA_SIZE (16 * MIB)
#define WINDOW	  (32 * MIB)
#define THREADS	  4

struct arena {
	int container;
	char *area;
	double end;
	atomic_ulong done;
};

struct racer {
	struct arena *arena;
	void (*step)(struct racer *racer);
	uint64_t random;
	uint64_t window; /* its own one, for those that do not compete */
};

static void *racer_run(void *arg)
{
	struct racer *racer = arg;

	while (seconds() < racer->arena->end) {
		racer->step(racer);
		atomic_fetch_add(&racer->arena->done, 1);
	}
	return NULL;
}

static uint64_t pick(struct racer *r, uint64_t below)
{
	return random_next(&r->random) % below;
}

static void step_map(struct racer *r)
{
	uint64_t size = (1 + pick(r, pick(r, 4) ? 16 : 1024)) * PAGE;
	uint64_t offset = pick(r, AREA_SIZE - size) & ~(PAGE - 1),
		 iova = IOVA + (pick(r, WINDOW) & ~(PAGE - 1));

	space_map(r->arena->container, r->arena->area + offset, iova, size,
		  1 + (uint32_t)pick(r, 3));
	if (pick(r, 2)) {
		size = pick(r, 4) * MIB + PAGE;
		space_unmap(r->arena->container, iova & ~(MIB - 1), &size, 0);
	}
}

static void step_whole(struct racer *r)
{
	uint64_t size = 0;

	switch (pick(r, 6)) {
	case 0:
		space_unmap(r->arena->container, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL);
		break;
	case 1:
		space_unmap(r->arena->container, 0, &size,
			    VFIO_DMA_UNMAP_FLAG_ALL | VFIO_DMA_UNMAP_FLAG_VADDR);
		space_unmap(r->arena->container, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL);
		break;
	case 2:
		space_dirty(r->arena->container, 1U << pick(r, 2));
		break;
	default:
		size = MIB;
		space_unmap(r->arena->container, IOVA + pick(r, WINDOW / MIB) * MIB, &size, 0);
	}
}

static void step_memory(struct racer *r)
{
	uint64_t size = (1 + pick(r, 64)) * PAGE, offset = pick(r, AREA_SIZE - size) & ~(PAGE - 1);
	char *at = r->arena->area + offset;
	pid_t child;

	switch (pick(r, 5)) {
	case 0:
		madvise(at, size, MADV_DONTNEED);
		break;
	case 1:
		madvise(r->arena->area, AREA_SIZE, pick(r, 2) ? MADV_HUGEPAGE : MADV_NOHUGEPAGE);
		break;
	case 2:
		mprotect(at, size, PROT_READ | (pick(r, 2) ? PROT_WRITE : 0));
		break;
	case 3:
		madvise(at, size, MADV_POPULATE_WRITE);
		break;
	case 4:
		if (pick(r, 16))
			break;
		child = fork();
		if (child == 0)
			_exit(0);
		if (child > 0)
			waitpid(child, NULL, 0);
		break;
	}
}

/* In a window of its own everything succeeds, with the size that it had. */
static void step_own(struct racer *r)
{
	uint64_t size = (1 + pick(r, 256)) * PAGE, got = size;
	uint64_t iova = IOVA + r->window * WINDOW + (pick(r, WINDOW - size) & ~(PAGE - 1));

	EXPECT(space_map(r->arena->container, r->arena->area, iova, size, MAP_RW), 0);
	EXPECT(space_map(r->arena->container, r->arena->area, iova, size, MAP_RW), -EEXIST);
	EXPECT(space_unmap(r->arena->container, iova, &got, 0), 0);
	EXPECT(got, size);
}

static void race(struct arena *arena, void (*const *steps)(struct racer *), double duration)
{
	struct racer racers[THREADS];
	pthread_t threads[THREADS];

	arena->end = seconds() + duration;
	for (size_t i = 0; i < THREADS; i++) {
		racers[i] = (struct racer){arena, steps[i], 88172645463325252u + i * 7919, i};
		if (pthread_create(&threads[i], NULL, racer_run, &racers[i]))
			die("pthread_create");
	}
	for (size_t i = 0; i < THREADS; i++)
		pthread_join(threads[i], NULL);
}

static int race_in_space(const char *duration, const char *device,
			 void (*const *steps)(struct racer *))
{
	struct arena arena = {.area = memory_anon(AREA_SIZE)};
	long before = pins();
	uint64_t size = 0;
	struct raw raw;

	raw_open_group(&raw, device);
	arena.container = raw.container;
	race(&arena, steps, strtod(duration, NULL));
	EXPECT(space_unmap(raw.container, 0, &size, VFIO_DMA_UNMAP_FLAG_ALL), 0);
	EXPECT(pins(), before);
	EXPECT(locked_kib(), 0);
	raw_close(&raw);
	printf("%lu steps\n", atomic_load(&arena.done));
	return atomic_load(&arena.done) > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}

int command_maps_race(int argc, char **argv)
{
	static void (*const steps[THREADS])(struct racer *) = {step_map, step_map, step_whole,
							       step_memory};

	(void)argc;
	return race_in_space(argv[0], argv[1], steps);
}

int command_disjoint(int argc, char **argv)
{
	static void (*const steps[THREADS])(struct racer *) = {step_own, step_own, step_own,
							       step_own};

	(void)argc;
	return race_in_space(argv[0], argv[1], steps);
}

/* ---- the end of the group ---- */

static void *map_until_refused(void *arg)
{
	struct racer *r = arg;
	uint64_t size;
	int ret;

	do {
		uint64_t iova = IOVA + (pick(r, WINDOW) & ~(PAGE - 1));

		size = (1 + pick(r, 512)) * PAGE;
		ret = space_map(r->arena->container, r->arena->area, iova, size, MAP_RW);
		if (!pick(r, 8))
			space_unmap(r->arena->container, iova, &size, 0);
		atomic_fetch_add(&r->arena->done, 1);
	} while (!ret || ret == -EEXIST);
	/* Without a group the container knows no maps. */
	EXPECT(ret, -EINVAL);
	return NULL;
}

static void close_round(struct arena *arena, const char *device, unsigned int round)
{
	struct racer racers[2];
	pthread_t threads[2];
	struct raw raw;

	raw_open_group(&raw, device);
	arena->container = raw.container;
	for (size_t i = 0; i < 2; i++) {
		racers[i] = (struct racer){.arena = arena, .random = 123456789 + round * 2 + i};
		if (pthread_create(&threads[i], NULL, map_until_refused, &racers[i]))
			die("pthread_create");
	}
	usleep(round % 7 * 1000);
	if (round % 2)
		EXPECT(ioctl(raw.group, VFIO_GROUP_UNSET_CONTAINER), 0);
	close(raw.group);
	for (size_t i = 0; i < 2; i++)
		pthread_join(threads[i], NULL);
	close(raw.container);
	EXPECT(locked_kib(), 0);
}

int command_close_race(int argc, char **argv)
{
	struct arena arena = {.area = memory_anon(AREA_SIZE)};
	double end = seconds() + strtod(argv[0], NULL);
	unsigned int round = 0;
	long before = pins();

	(void)argc;
	while (seconds() < end)
		close_round(&arena, argv[1], round++);
	EXPECT(pins(), before);
	printf("%u rounds, %lu maps\n", round, atomic_load(&arena.done));
	return round > 3 ? EXIT_SUCCESS : EXIT_FAILURE;
}
