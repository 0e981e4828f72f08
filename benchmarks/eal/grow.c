/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * grow [BDF...]: what it costs to allocate 1 GiB from a heap that has to grow for it, while each of
 * the devices is open in an address space of its own. Prints nanoseconds (in the counting machine:
 * instructions).
 */
#include <pollux/eal.h>
#include <pollux/mem.h>
#include <pollux/vfio.h>

#include "report.h"

#define DEVICES_MAX 16
#define PAGE	    ((size_t)2 << 20)
#define LEN	    (((size_t)1 << 30) - PAGE)

static struct plx_as *spaces[DEVICES_MAX];
static struct plx_dev *devices[DEVICES_MAX];

static int open_devices(char **names, int n)
{
	int i;

	for (i = 0; i < n; i++) {
		spaces[i] = plx_as_open(NULL);
		devices[i] = spaces[i] ? plx_dev_open(spaces[i], names[i]) : NULL;
		if (!devices[i])
			return -1;
	}
	return 0;
}

static void close_devices(int n)
{
	int i;

	for (i = 0; i < n; i++) {
		plx_dev_close(devices[i]);
		plx_as_close(spaces[i]);
	}
}

int main(int argc, char **argv)
{
	int n = argc - 1;
	uint64_t start;
	void *va;

	if (n > DEVICES_MAX)
		return 2;
	if (plx_eal_init(NULL) || open_devices(argv + 1, n))
		return EXIT_FAILURE;
	start = now_ns();
	va = plx_dma_alloc(LEN, PAGE, PLX_NODE_ANY);
	if (!va)
		return EXIT_FAILURE;
	printf("grow %llu\n", (unsigned long long)(now_ns() - start));
	plx_dma_free(va);
	close_devices(n);
	return plx_eal_fini() ? EXIT_FAILURE : EXIT_SUCCESS;
}
