/* SPDX-License-Identifier: BSD-3-Clause */
/* The window of virtual addresses; see window.h. mem.c opens it and places segments in it. */
#include "eal/window.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <sys/mman.h>

#include <pollux/log.h>

PLX_LOG_USE(eal);

#define GIB (1ull << 30)
/* Of the largest page, so that VA and IOVA agree modulo every page size. */
#define WINDOW_ALIGN	GIB
#define WINDOW_DEFAULT	(256 * GIB)
#define WINDOW_SMALLEST GIB
/* Above the 4 GiB that PCs have full of holes, below a 39-bit aperture with the default size. */
#define PREFERRED_BASE (64 * GIB)
/* Intel SDM vol. 3, "Message Address Register Format": writes there are interrupts, not DMA. */
#define MSI_FIRST 0xfee00000ull
#define MSI_LAST  0xfeefffffull

/* Where to look; each with the room that there is below the next or below 2^39. */
static const struct {
	uint64_t base;
	uint64_t room;
} places[] = {
	{PREFERRED_BASE, 448 * GIB},
	{160 * GIB, 352 * GIB},
	{256 * GIB, 256 * GIB},
	{4 * GIB, 60 * GIB},
};

static void *reserve(uint64_t at, size_t size, int flags)
{
	return mmap((void *)(uintptr_t)at, size, PROT_NONE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE | flags, -1, 0);
}

/* Kernels that do not know MAP_FIXED_NOREPLACE take the address as a hint. */
static int reserve_at(struct plx_window *window, uint64_t base, size_t size)
{
	void *va = reserve(base, size, MAP_FIXED_NOREPLACE);

	if (va == MAP_FAILED)
		return -errno;
	if ((uintptr_t)va != base) {
		munmap(va, size);
		return -EEXIST;
	}
	*window = (struct plx_window){.va = va, .size = size, .iova = base};
	return 0;
}

static int reserve_low(struct plx_window *window, size_t size)
{
	size_t i;

	for (i = 0; i < sizeof(places) / sizeof(places[0]); i++)
		if (size <= places[i].room && reserve_at(window, places[i].base, size) == 0)
			return 0;
	return -ENOMEM;
}

/* Anywhere: IOVAs stay where the devices reach them, a constant away from the VAs. */
static int reserve_anywhere(struct plx_window *window, size_t size)
{
	char *va = reserve(0, size + WINDOW_ALIGN, 0);
	size_t head;

	if (va == MAP_FAILED)
		return -errno;
	head = -(uintptr_t)va & (WINDOW_ALIGN - 1);
	if (head)
		munmap(va, head);
	munmap(va + head + size, WINDOW_ALIGN - head);
	*window = (struct plx_window){.va = va + head, .size = size, .iova = PREFERRED_BASE};
	return 0;
}

/* What is wrong with a place that was asked for, or NULL. */
static const char *place_fault(uint64_t base, uint64_t size)
{
	if (base % WINDOW_ALIGN || size % WINDOW_ALIGN)
		return "base and size must be multiples of 1 GiB";
	if (base && base + size < base)
		return "it wraps around";
	if (base && base <= MSI_LAST && base + size > MSI_FIRST)
		return "devices send interrupts to 0xfee00000, which is in it; choose a base of 4 "
		       "GiB or more";
	return NULL;
}

static int check_place(uint64_t base, uint64_t size)
{
	const char *fault = place_fault(base, size);

	if (!fault)
		return 0;
	PLX_ERR(eal, "window at 0x%" PRIx64 ", 0x%" PRIx64 " bytes: %s", base, size, fault);
	return -EINVAL;
}

static int open_at(struct plx_window *window, uint64_t base, size_t size)
{
	size_t largest = size ? size : WINDOW_DEFAULT, smallest = size ? size : WINDOW_SMALLEST;
	int err = -ENOMEM;

	for (size = largest; err && size >= smallest; size /= 2)
		if (!place_fault(base, size))
			err = reserve_at(window, base, size);
	if (err)
		PLX_ERR(eal,
			"window at 0x%" PRIx64 ": %s; choose another base, or none to leave it to "
			"the EAL",
			base, strerror(-err));
	return err;
}

static int open_somewhere(struct plx_window *window, size_t size)
{
	size_t largest = size ? size : WINDOW_DEFAULT, smallest = size ? size : WINDOW_SMALLEST;
	int err = -ENOMEM;

	/* Much room at another VA is worth more than IOVA = VA: that is only convenient. */
	for (size = largest; err && size >= smallest; size /= 2) {
		err = reserve_low(window, size);
		if (err)
			err = reserve_anywhere(window, size);
	}
	if (err)
		PLX_ERR(eal,
			"no %zu MiB of virtual addresses to be had: %s; is there a limit "
			"(ulimit -v)?",
			smallest >> 20, strerror(-err));
	return err;
}

int plx_window_open(struct plx_window *window, uint64_t base, size_t size)
{
	int err = check_place(base, size);

	if (!err)
		err = base ? open_at(window, base, size) : open_somewhere(window, size);
	if (err)
		return err;
	/*
	 * The children of a process that forks have no business here, and would keep pages alive.
	 */
	madvise(window->va, window->size, MADV_DONTFORK);
	PLX_DEBUG(eal, "window: %zu GiB at %p, IOVA 0x%" PRIx64, window->size >> 30,
		  (void *)window->va, window->iova);
	return 0;
}

void plx_window_close(struct plx_window *window)
{
	if (window->va)
		munmap(window->va, window->size);
	*window = (struct plx_window){0};
}

int plx_window_restore(void *va, size_t len)
{
	if (reserve((uintptr_t)va, len, MAP_FIXED) == MAP_FAILED)
		return -errno;
	return madvise(va, len, MADV_DONTFORK) ? -errno : 0;
}
