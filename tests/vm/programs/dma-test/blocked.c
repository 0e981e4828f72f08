/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * blocked: when an unmap has returned, the device can neither read nor write what was there. It
 * could until then, so that the IOMMU has the translation in its caches.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "device.h"
#include "space.h"

#define AREA_PAGES 1024UL
#define IOVA_PAGES 4096UL
#define PIECES	   8UL /* mappings of a round, at most */

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
