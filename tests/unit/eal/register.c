/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/register.c: memory of the application. */
#include <pollux/mem.h>

#include <errno.h>
#include <fcntl.h>
#include <sys/mman.h>
#include <unistd.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

#define PAGE ((size_t)4096)
#define MIB  ((size_t)1 << 20)
#define GIB  ((size_t)1 << 30)

static char *map(size_t len)
{
	void *va = mmap(NULL, len, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	CU_ASSERT_FATAL(va != MAP_FAILED);
	return va;
}

static plx_iova_t iova_of(const void *va, size_t len)
{
	plx_iova_t iova;

	UNIT_EQ(plx_mem_iova(va, len, &iova), 0);
	return iova;
}

static struct plx_mem_stats stats(void)
{
	struct plx_mem_stats s;

	plx_mem_stats_get(&s);
	return s;
}

static void registered(void)
{
	char *va = map(16 * PAGE);
	plx_iova_t iova;

	UNIT_EQ(plx_mem_iova(va, 1, &iova), -EFAULT);
	UNIT_EQ(plx_mem_register(va + PAGE, 8 * PAGE, -1, 0), 0);
	UNIT_EQ(stats().registered_bytes, 8 * PAGE);
	iova = iova_of(va + PAGE, 8 * PAGE);
	UNIT_EQ(iova % PAGE, 0);
	UNIT_EQ(iova_of(va + 2 * PAGE + 5, 10), iova + PAGE + 5);
	CU_ASSERT(iova + 8 * PAGE <= 512 * GIB);
	/* Beyond its ends it is not. */
	UNIT_EQ(plx_mem_iova(va, PAGE + 1, &iova), -EFAULT);
	UNIT_EQ(plx_mem_iova(va + PAGE, 8 * PAGE + 1, &iova), -EFAULT);
	UNIT_EQ(plx_mem_unregister(va + PAGE, 8 * PAGE), 0);
	UNIT_EQ(plx_mem_iova(va + PAGE, 1, &iova), -EFAULT);
	UNIT_EQ(stats().registered_bytes, 0);
	munmap(va, 16 * PAGE);
}

static void refused(void)
{
	char *va = map(16 * PAGE), *heap = plx_dma_alloc(PAGE, PAGE, PLX_NODE_ANY);
	uint64_t segments = stats().segments;
	struct held before = held_now(), after;

	munmap(va + 8 * PAGE, PAGE);
	UNIT_EQ(plx_mem_register(va + 1, PAGE, -1, 0), -EINVAL);
	UNIT_EQ(plx_mem_register(va, PAGE - 1, -1, 0), -EINVAL);
	UNIT_EQ(plx_mem_register(va, 0, -1, 0), -EINVAL);
	UNIT_EQ(plx_mem_register(va, -(size_t)PAGE, -1, 0), -EINVAL);
	UNIT_EQ(plx_mem_register(va, 16 * PAGE, -1, 0), -EFAULT);
	CU_ASSERT(logged("not all of it is mapped"));
	UNIT_EQ(plx_mem_register(heap, PAGE, -1, 0), -EEXIST);
	/* The window is reserved, so it is mapped in a way, but there is no memory yet. */
	UNIT_EQ(plx_mem_register(heap + 16 * GIB, PAGE, -1, 0), -EEXIST);
	UNIT_EQ(plx_mem_register(va, PAGE, 12345, 0), -EBADF);
	UNIT_EQ(plx_mem_register(va, 2 * PAGE, -1, 0), 0);
	UNIT_EQ(plx_mem_register(va + PAGE, 2 * PAGE, -1, 0), -EEXIST);
	UNIT_EQ(plx_mem_unregister(va, PAGE), -ENOENT);
	UNIT_EQ(plx_mem_unregister(va + PAGE, PAGE), -ENOENT);
	UNIT_EQ(plx_mem_unregister(va, 2 * PAGE), 0);
	UNIT_EQ(plx_mem_unregister(va, 2 * PAGE), -ENOENT);
	UNIT_EQ(plx_mem_unregister(heap, PAGE), -ENOENT);
	after = held_after(&before);
	UNIT_EQ(after.fds, before.fds);
	UNIT_EQ(stats().segments, (long long)segments);
	plx_dma_free(heap);
	munmap(va, 16 * PAGE);
}

/* So that the IOMMU can map large entries, VA and IOVA agree modulo the largest page. */
static void large_pages(void)
{
	char *va = map(2 * GIB);

	UNIT_EQ(plx_mem_register(va, 2 * GIB, -1, 0), 0);
	UNIT_EQ(iova_of(va, 2 * GIB) % GIB, (uintptr_t)va % GIB);
	UNIT_EQ(plx_mem_unregister(va, 2 * GIB), 0);
	UNIT_EQ(plx_mem_register(va, 4 * MIB, -1, 0), 0);
	UNIT_EQ(iova_of(va, 4 * MIB) % (2 * MIB), (uintptr_t)va % (2 * MIB));
	UNIT_EQ(plx_mem_unregister(va, 4 * MIB), 0);
	munmap(va, 2 * GIB);
}

static void until_full(void)
{
	char *va = map(300 * GIB);
	plx_iova_t heap_iova = plx_iova(plx_dma_alloc(64, 0, PLX_NODE_ANY)), iova;
	int n = 0, i, overlaps = 0;

	log_clear();
	while (n < 300 && plx_mem_register(va + (size_t)n * GIB, GIB, -1, 0) == 0) {
		iova = iova_of(va + (size_t)n * GIB, GIB);
		overlaps += iova + GIB > 512 * GIB || iova < 4 * GIB ||
			    (iova <= heap_iova && heap_iova - iova < GIB);
		n++;
	}
	/* 192 GiB are behind the window, 60 GiB before it, and what alignment costs. */
	CU_ASSERT(n >= 240 && n <= 252);
	UNIT_EQ(overlaps, 0);
	CU_ASSERT(logged("no IOVA below 2^39 is left"));
	for (i = 0; i < n; i++)
		UNIT_EQ(plx_mem_unregister(va + (size_t)i * GIB, GIB), 0);
	munmap(va, 300 * GIB);
}

static int find_fd(const struct plx_mem_segment *segment, void *arg)
{
	return segment->kind == PLX_MEM_REGISTERED ? segment->fd : 0;
}

static void with_file(void)
{
	int fd = memfd_create("test", MFD_CLOEXEC), ours;
	char *va;

	UNIT_EQ(ftruncate(fd, 4 * PAGE), 0);
	va = mmap(NULL, 2 * PAGE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 2 * PAGE);
	CU_ASSERT_FATAL(va != MAP_FAILED);
	UNIT_EQ(plx_mem_register(va, 2 * PAGE, fd, 2 * PAGE), 0);
	close(fd);
	/* It has its own descriptor, which goes with it. */
	ours = plx_mem_walk(find_fd, NULL);
	CU_ASSERT(ours > 0 && fcntl(ours, F_GETFD) == FD_CLOEXEC);
	UNIT_EQ(plx_mem_unregister(va, 2 * PAGE), 0);
	UNIT_EQ(fcntl(ours, F_GETFD), -1);
	munmap(va, 2 * PAGE);
}

static int deny(struct plx_mem_listener *self, const struct plx_mem_segment *segments, size_t n)
{
	return segments[0].kind == PLX_MEM_REGISTERED ? -EPERM : 0;
}

static void ignore(struct plx_mem_listener *self, const struct plx_mem_segment *segments, size_t n)
{
}

static void listener_refuses(void)
{
	struct plx_mem_listener listener = {.add = deny, .remove = ignore};
	char *va = map(PAGE);
	plx_iova_t iova;

	UNIT_EQ(plx_mem_listen(&listener), 0);
	UNIT_EQ(plx_mem_register(va, PAGE, -1, 0), -EPERM);
	UNIT_EQ(plx_mem_iova(va, PAGE, &iova), -EFAULT);
	plx_mem_unlisten(&listener);
	UNIT_EQ(plx_mem_register(va, PAGE, -1, 0), 0);
	UNIT_EQ(plx_mem_unregister(va, PAGE), 0);
	munmap(va, PAGE);
}

static void left_at_fini(void)
{
	struct plx_eal_config config = {.no_huge = true};
	char *va = map(PAGE);

	UNIT_EQ(plx_mem_register(va, PAGE, -1, 0), 0);
	log_clear();
	UNIT_EQ(plx_eal_fini(), 0);
	CU_ASSERT(logged("1 memory registrations were never undone"));
	UNIT_EQ(plx_eal_init(&config), 0);
	UNIT_EQ(stats().registered_bytes, 0);
	munmap(va, PAGE);
}

CU_TestInfo register_tests[] = {
	{"registered and unregistered", registered},
	{"refused", refused},
	{"large pages keep their alignment", large_pages},
	{"until IOVAs run out", until_full},
	{"with its file", with_file},
	{"a listener refuses", listener_refuses},
	{"left at fini", left_at_fini},
	CU_TEST_INFO_NULL,
};
