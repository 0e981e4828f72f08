/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocked: when an unmap has returned, the device can neither read nor write what was there. It
 * could until then, so that the IOMMU has the translation in its caches.
 *
 * undone: a map that fails in the middle leaves nothing of itself, and all of its neighbours.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "device.h"
#include "nth.h"
#include "space.h"

#define AREA_PAGES 1024UL
#define IOVA_PAGES 4096UL
#define PIECES	   8UL /* mappings of a round, at most */
#define NTH_MAX	   100U

struct round {
	struct device device;
	uint64_t random;
	char *area;
};

static uint64_t pick(struct round *r, uint64_t below)
{
	return random_next(&r->random) % below;
}

static uint64_t token(struct round *r)
{
	return 1 + pick(r, (1UL << DEVICE_TOKEN_BITS) - 1);
}

static volatile uint64_t *cell(struct round *r, uint64_t page)
{
	return (volatile uint64_t *)(r->area + page * PAGE);
}

/* The device sees this page, and writes it. */
static void reach(struct round *r, uint64_t iova, uint64_t page)
{
	uint64_t value = token(r);

	*cell(r, page) = device_token_bytes(value);
	EXPECT(device_read(&r->device, iova), (long long)value);
	value = token(r);
	device_write(&r->device, iova, value);
	EXPECT(device_bytes_token(*cell(r, page)), (long long)value);
}

/* It does neither. */
static void miss(struct round *r, uint64_t iova, uint64_t page)
{
	uint64_t bytes = *cell(r, page);

	EXPECT(device_read(&r->device, iova), 0);
	device_write(&r->device, iova, token(r));
	EXPECT(*cell(r, page), (long long)bytes);
}

/* Some mappings side by side, with gaps or without, of equal size; one unmap over them. */
static void one_round(struct round *r)
{
	uint64_t npages = 1 + pick(r, pick(r, 4) ? 4 : AREA_PAGES / PIECES),
		 gap = pick(r, 2) * npages;
	uint64_t pieces = 1 + pick(r, PIECES), stride = npages + gap, size = pieces * stride * PAGE;
	uint64_t iova = IOVA + pick(r, IOVA_PAGES - pieces * stride) * PAGE, look = pick(r, npages);

	for (uint64_t i = 0; i < pieces; i++)
		EXPECT(space_map(r->device.raw.container, r->area + i * npages * PAGE,
				 iova + i * stride * PAGE, npages * PAGE, MAP_RW),
		       0);
	for (uint64_t i = 0; i < pieces; i++)
		reach(r, iova + (i * stride + look) * PAGE, i * npages + look);
	EXPECT(space_unmap(r->device.raw.container, iova, &size, 0), 0);
	EXPECT(size, (long long)(pieces * npages * PAGE));
	for (uint64_t i = 0; i < pieces; i++)
		miss(r, iova + (i * stride + look) * PAGE, i * npages + look);
}

int command_blocked(int argc, char **argv)
{
	unsigned long rounds = strtoul(argv[0], NULL, 10);
	struct round r = {.random = 88172645463325252u, .area = memory_anon(AREA_PAGES * PAGE)};
	long before = pins();

	(void)argc;
	memset(r.area, 0, AREA_PAGES * PAGE);
	device_open(&r.device, argv[1]);
	for (unsigned long i = 0; i < rounds; i++)
		one_round(&r);
	device_close(&r.device);
	EXPECT(pins(), before);
	printf("%lu rounds\n", rounds);
	return EXIT_SUCCESS;
}

/* ---- undone ---- */

/*
 * The n-th allocation of a map fails. There is nothing else in its GiB, at whose end it is, and a
 * neighbour in the first page of the next: an IOMMU driver that is asked to forget what has no page
 * table may forget as much as the table would cover, from there on. Return: whether it came to n
 * allocations; failed: whether that failed the map.
 */
static bool undone_round(struct round *r, unsigned int n, bool *failed)
{
	const uint64_t base = ABOVE_4G + 3UL * n * GIB, iova = base + 2 * GIB - MIB;
	const uint64_t neighbours[] = {base + GIB - PAGE, base + 2 * GIB};
	const int container = r->device.raw.container;
	uint64_t size = 3 * GIB;
	bool injected;
	long before;

	for (uint64_t i = 0; i < 2; i++)
		EXPECT(space_map(container, r->area + i * PAGE, neighbours[i], PAGE, MAP_RW), 0);
	before = pins();
	nth_arm(n);
	*failed = space_map(container, r->area + 2 * PAGE, iova, PIECES * PAGE, MAP_RW);
	injected = nth_disarm();

	for (uint64_t i = 0; i < 2; i++)
		reach(r, neighbours[i], i);
	if (*failed) {
		miss(r, iova, 2);
		EXPECT(pins(), before);
	} else {
		reach(r, iova, 2);
	}
	EXPECT(space_unmap(container, base, &size, 0), 0);
	EXPECT(size, (long long)((2 + (*failed ? 0 : PIECES)) * PAGE));
	return injected;
}

int command_undone(int argc, char **argv)
{
	struct round r = {.random = 88172645463325252u, .area = memory_anon(AREA_PAGES * PAGE)};
	unsigned int n = 1, failures = 0;
	bool failed = true;

	(void)argc;
	memset(r.area, 0, AREA_PAGES * PAGE);
	device_open(&r.device, argv[0]);
	nth_open();
	for (; n < NTH_MAX && undone_round(&r, n, &failed); n++)
		failures += failed;
	device_close(&r.device);
	/* The last round came to its end: all allocations have failed once. */
	EXPECT(n < NTH_MAX, true);
	EXPECT(failed, false);
	printf("%u allocations, %u failures\n", n - 1, failures);
	return failures > 0 ? EXIT_SUCCESS : EXIT_FAILURE;
}
