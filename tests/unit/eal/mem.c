/* SPDX-License-Identifier: BSD-3-Clause */
/* lib/eal/mem.c and grow.c: the DMA heap as its users see it. */
#include <pollux/mem.h>

#include <errno.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include "runner.h"
#include "suites.h"
#include "support.h"

#ifdef UNDER_ASAN
#include <sanitizer/asan_interface.h>
#endif

#define MIB ((size_t)1 << 20)

static struct plx_mem_stats stats(void)
{
	struct plx_mem_stats s;

	plx_mem_stats_get(&s);
	return s;
}

static void alloc_aligned(void)
{
	static const size_t aligns[] = {0, 1, 64, 4096, 2 * MIB, 1024 * MIB};
	size_t i;

	for (i = 0; i < sizeof(aligns) / sizeof(aligns[0]); i++) {
		size_t align = aligns[i] < 64 ? 64 : aligns[i];
		char *va = plx_dma_alloc(100, aligns[i], PLX_NODE_ANY);

		CU_ASSERT_PTR_NOT_NULL_FATAL(va);
		UNIT_EQ((uintptr_t)va % align, 0);
		UNIT_EQ(plx_iova(va) % align, 0);
		memset(va, 0xa5, 100);
		plx_dma_free(va);
	}
	UNIT_EQ(stats().heap_allocations, 0);
	UNIT_EQ(stats().heap_used_bytes, 0);
}

static void bad_requests(void)
{
	uint64_t failed = stats().failed;

	log_clear();
	errno = 0;
	CU_ASSERT_PTR_NULL(plx_dma_alloc(0, 0, PLX_NODE_ANY));
	UNIT_EQ(errno, EINVAL);
	CU_ASSERT_PTR_NULL(plx_dma_alloc(64, 3, PLX_NODE_ANY));
	CU_ASSERT_PTR_NULL(plx_dma_alloc(64, (size_t)2 << 30, PLX_NODE_ANY));
	CU_ASSERT_PTR_NULL(plx_dma_alloc(64, 0, 7));
	UNIT_EQ(errno, EINVAL);
	CU_ASSERT_PTR_NULL(plx_dma_alloc(64, 0, -2));
	CU_ASSERT_PTR_NULL(plx_dma_alloc(64, 0, 100000));
	UNIT_EQ(log_lines(), 6);
	UNIT_EQ(stats().failed, failed + 6);
	CU_ASSERT(logged("on node 7"));
}

static void too_much(void)
{
	static const size_t sizes[] = {SIZE_MAX, SIZE_MAX - 63, SIZE_MAX / 2, (size_t)1 << 46};
	uint64_t bytes = stats().heap_bytes;
	size_t i;

	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		log_clear();
		CU_ASSERT_PTR_NULL(plx_dma_alloc(sizes[i], 4096, PLX_NODE_ANY));
		UNIT_EQ(errno, ENOMEM);
		UNIT_EQ(log_lines(), 1);
	}
	UNIT_EQ(stats().heap_bytes, (long long)bytes);
}

static void zeroed(void)
{
	unsigned char *va;
	size_t i, dirty = 0;

	/* What somebody has had before is cleared, too. */
	va = plx_dma_alloc(8192, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(va);
	memset(va, 0xff, 8192);
	plx_dma_free(va);
	va = plx_dma_zalloc(8192, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(va);
	for (i = 0; i < 8192; i++)
		dirty += va[i] != 0;
	UNIT_EQ(dirty, 0);
	plx_dma_free(va);
}

static void bad_frees(void)
{
	char *va = plx_dma_alloc(256, 0, PLX_NODE_ANY);
	uint64_t before = stats().bad_frees;
	int local;

	CU_ASSERT_PTR_NOT_NULL_FATAL(va);
	log_clear();
	plx_dma_free(NULL);
	UNIT_EQ(log_lines(), 0);
	plx_dma_free(va + 64);
	plx_dma_free(&local);
	UNIT_EQ(stats().heap_allocations, 1);
	plx_dma_free(va);
	plx_dma_free(va);
	UNIT_EQ(stats().bad_frees, before + 3);
	UNIT_EQ(stats().heap_allocations, 0);
	UNIT_EQ(log_lines(), 3);
}

#ifdef UNDER_ASAN
/* AddressSanitizer knows of the heap's objects: their ends, and when they are gone. */
static void use_after_free(void)
{
	char *va = plx_dma_alloc(100, 0, PLX_NODE_ANY);

	CU_ASSERT_PTR_NOT_NULL_FATAL(va);
	UNIT_EQ(__asan_address_is_poisoned(va), 0);
	UNIT_EQ(__asan_address_is_poisoned(va + 99), 0);
	plx_dma_free(va);
	UNIT_EQ(__asan_address_is_poisoned(va), 1);
	UNIT_EQ(__asan_address_is_poisoned(va + 99), 1);
}
#endif

static void grows(void)
{
	uint64_t bytes = stats().heap_bytes, segments = stats().segments;
	size_t len = (size_t)bytes + 40 * MIB;
	plx_iova_t iova;
	char *va;

	va = plx_dma_alloc(len, 0, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(va);
	UNIT_EQ(stats().segments, segments + 1);
	CU_ASSERT(stats().heap_bytes >= bytes + len);
	UNIT_EQ(plx_mem_iova(va, len, &iova), 0);
	UNIT_EQ(iova, plx_iova(va));
	memset(va, 1, len);
	plx_dma_free(va);
	/* It stays for the next. */
	bytes = stats().heap_bytes;
	va = plx_dma_alloc(len, 0, PLX_NODE_ANY);
	UNIT_EQ(stats().heap_bytes, (long long)bytes);
	plx_dma_free(va);
}

static void iovas(void)
{
	char *va = plx_dma_alloc(4096, 4096, PLX_NODE_ANY);
	plx_iova_t iova;
	int local;

	CU_ASSERT_PTR_NOT_NULL_FATAL(va);
	UNIT_EQ(plx_mem_iova(va + 100, 1, &iova), 0);
	UNIT_EQ(iova, plx_iova(va) + 100);
	CU_ASSERT(iova < (uint64_t)1 << 39);
	UNIT_EQ(plx_mem_iova(va, 0, &iova), -EFAULT);
	UNIT_EQ(iova == PLX_IOVA_BAD, true);
	UNIT_EQ(plx_mem_iova(&local, 1, &iova), -EFAULT);
	UNIT_EQ(plx_mem_iova(NULL, 1, &iova), -EFAULT);
	UNIT_EQ(plx_mem_iova(va, SIZE_MAX, &iova), -EFAULT);
	UNIT_EQ(plx_mem_iova(va, (size_t)1 << 38, &iova), -EFAULT);
	plx_dma_free(va);
}

struct walk {
	uint64_t bytes;
	uintptr_t last;
	unsigned int n, wrong, stop_at;
};

static int look(const struct plx_mem_segment *segment, void *arg)
{
	struct walk *w = arg;

	w->wrong += (uintptr_t)segment->va <= w->last || segment->fd < 0;
	w->last = (uintptr_t)segment->va;
	w->bytes += segment->len;
	return ++w->n == w->stop_at ? -42 : 0;
}

static int alloc_within(const struct plx_mem_segment *segment, void *arg)
{
	*(void **)arg = plx_dma_alloc(64, 0, PLX_NODE_ANY);
	return errno;
}

static void walks(void)
{
	struct walk w = {0};
	void *va = &w;

	UNIT_EQ(plx_mem_walk(look, &w), 0);
	UNIT_EQ(w.wrong, 0);
	UNIT_EQ(w.n, (long long)stats().segments);
	UNIT_EQ(w.bytes, (long long)stats().heap_bytes);
	w = (struct walk){.stop_at = 1};
	UNIT_EQ(plx_mem_walk(look, &w), -42);
	UNIT_EQ(w.n, 1);
	/* Who calls back into memory gets an error, and no deadlock. */
	log_clear();
	UNIT_EQ(plx_mem_walk(alloc_within, &va), EINVAL);
	CU_ASSERT_PTR_NULL(va);
	CU_ASSERT(logged("which must not"));
}

/* What another process would see of a segment's file. */
static int compare_file(const struct plx_mem_segment *segment, void *arg)
{
	char *object = arg, seen[16] = "";
	off_t at;

	if (object < (char *)segment->va || object >= (char *)segment->va + segment->len)
		return 0;
	at = segment->fd_offset + (object - (char *)segment->va);
	if (pread(segment->fd, seen, sizeof(seen), at) != sizeof(seen))
		return -errno;
	return memcmp(seen, object, sizeof(seen)) == 0 ? 1 : 2;
}

/* A peer that has the file must not be able to take the memory away under us. */
static int truncate_file(const struct plx_mem_segment *segment, void *arg)
{
	return ftruncate(segment->fd, 0) == 0 ? -1 : errno;
}

static void shared_files(void)
{
	char *va = plx_dma_zalloc(4096, 0, PLX_NODE_ANY);

	CU_ASSERT_PTR_NOT_NULL_FATAL(va);
	strcpy(va, "seen by others");
	UNIT_EQ(plx_mem_walk(compare_file, va), 1);
	UNIT_EQ(plx_mem_walk(truncate_file, NULL), EPERM);
	plx_dma_free(va);
}

/* "dd" and "dc" in VmFlags: not in core dumps, not in children. */
static int kept_private(const struct plx_mem_segment *segment, void *arg)
{
	FILE *file = fopen("/proc/self/smaps", "r");
	bool in = false, dumped = true, forked = true;
	unsigned long start, end;
	char line[512];

	while (file && fgets(line, sizeof(line), file)) {
		if (sscanf(line, "%lx-%lx ", &start, &end) == 2)
			in = start == (unsigned long)segment->va;
		if (in && strncmp(line, "VmFlags:", 8) == 0) {
			dumped = strstr(line, " dd") == NULL;
			forked = strstr(line, " dc") == NULL;
			in = false;
		}
	}
	if (file)
		fclose(file);
	return dumped || forked;
}

static void private_memory(void)
{
	UNIT_EQ(plx_mem_walk(kept_private, NULL), 0);
}

static void *churn(void *arg)
{
	unsigned int seed = (unsigned int)(uintptr_t)arg;
	unsigned char *va[32] = {NULL};
	size_t bad = 0;
	int i;

	for (i = 0; i < 5000; i++) {
		unsigned int slot = (unsigned int)rand_r(&seed) % 32;
		size_t size = 1 + (size_t)rand_r(&seed) % 20000;

		if (va[slot]) {
			bad += va[slot][0] != (unsigned char)slot;
			plx_dma_free(va[slot]);
		}
		va[slot] = plx_dma_alloc(size, 0, PLX_NODE_ANY);
		if (va[slot])
			memset(va[slot], (int)slot, size);
		else
			bad++;
	}
	for (i = 0; i < 32; i++)
		plx_dma_free(va[i]);
	return (void *)bad;
}

static void many_threads(void)
{
	pthread_t threads[4];
	void *bad;
	size_t i;

	for (i = 0; i < 4; i++)
		UNIT_EQ(pthread_create(&threads[i], NULL, churn, (void *)(i + 1)), 0);
	for (i = 0; i < 4; i++) {
		pthread_join(threads[i], &bad);
		UNIT_EQ((uintptr_t)bad, 0);
	}
	UNIT_EQ(stats().heap_allocations, 0);
}

/* --- One file for all segments --------------------------------------------------------------- */

struct file_seen {
	int fd;
	intptr_t delta; /* of address and offset */
	size_t segments;
	bool differs;
};

static int look_at_file(const struct plx_mem_segment *segment, void *arg)
{
	struct file_seen *seen = arg;
	intptr_t delta = (intptr_t)segment->va - (intptr_t)segment->fd_offset;

	if (!seen->segments++) {
		seen->fd = segment->fd;
		seen->delta = delta;
	}
	seen->differs |= segment->fd != seen->fd || delta != seen->delta || segment->fd < 0;
	return 0;
}

/* As whoever is given the file sees it. */
static bool is_in_file(const struct file_seen *seen, const char *va, size_t len)
{
	void *there = mmap(NULL, len, PROT_READ, MAP_SHARED, seen->fd, (intptr_t)va - seen->delta);
	bool same = there != MAP_FAILED && memcmp(there, va, len) == 0;

	if (there != MAP_FAILED)
		munmap(there, len);
	return same;
}

static uint64_t bytes_in(int fd)
{
	struct stat st;

	UNIT_EQ(fstat(fd, &st), 0);
	return (uint64_t)st.st_blocks * 512;
}

static void single_file(void)
{
	struct plx_eal_config config = {.no_huge = true, .single_file_segments = true};
	const size_t len = 20 * MIB;
	struct file_seen seen = {0};
	uint64_t bytes;
	char *a, *b;
	size_t i;

	eal_down();
	UNIT_EQ(plx_eal_init(&config), 0);
	a = plx_dma_alloc(len, 2 * MIB, PLX_NODE_ANY);
	b = plx_dma_alloc(len, 2 * MIB, PLX_NODE_ANY);
	CU_ASSERT_FATAL(a && b);
	plx_mem_walk(look_at_file, &seen);
	CU_ASSERT(seen.segments >= 2);
	UNIT_EQ(seen.differs, false);
	memset(a, 0x5a, len);
	memset(b, 0xa5, len);
	UNIT_EQ(is_in_file(&seen, a, len), true);
	UNIT_EQ(is_in_file(&seen, b, len), true);
	/* What is given back leaves the file. */
	bytes = bytes_in(seen.fd);
	CU_ASSERT(bytes >= 2 * len);
	plx_dma_free(b);
	CU_ASSERT(plx_mem_trim() >= len);
	CU_ASSERT(bytes_in(seen.fd) <= bytes - len);
	UNIT_EQ(a[0] & 0xff, 0x5a);
	b = plx_dma_zalloc(len, 2 * MIB, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(b);
	for (i = 0; i < len && !b[i]; i++)
		;
	UNIT_EQ(i, len);
	plx_dma_free(a);
	plx_dma_free(b);
	UNIT_EQ(plx_eal_fini(), 0);
	eal_up();
}

/* --- Owners, limits, shrinking --------------------------------------------------------------- */

static int find_owner(const struct plx_mem_owner *owner, void *arg)
{
	struct plx_mem_owner *wanted = arg;

	if (strcmp(owner->name, wanted->name))
		return 0;
	*wanted = *owner;
	return 1;
}

static void owners(void)
{
	struct plx_mem_owner port = {.name = "port 7"};
	unsigned int before = plx_mem_owner_enter("port 7"), inner;
	void *a = plx_dma_alloc(4096, 0, PLX_NODE_ANY), *b;

	inner = plx_mem_owner_enter("pool");
	b = plx_dma_alloc(64, 0, PLX_NODE_ANY);
	plx_mem_owner_leave(inner);
	plx_mem_owner_leave(before);
	UNIT_EQ(plx_mem_owners(find_owner, &port), 1);
	UNIT_EQ(port.bytes, 4096);
	UNIT_EQ(port.allocations, 1);
	port.name = "pool";
	UNIT_EQ(plx_mem_owners(find_owner, &port), 1);
	UNIT_EQ(port.bytes, 64);
	plx_dma_free(a);
	port.name = "port 7";
	UNIT_EQ(plx_mem_owners(find_owner, &port), 0);
	plx_dma_free(b);
}

struct follower {
	struct plx_mem_listener listener;
	size_t bytes;
};

static size_t run_bytes(const struct plx_mem_segment *segments, size_t n)
{
	size_t bytes = 0;

	while (n-- > 0)
		bytes += segments[n].len;
	return bytes;
}

static int follow_add(struct plx_mem_listener *self, const struct plx_mem_segment *s, size_t n)
{
	((struct follower *)self)->bytes += run_bytes(s, n);
	return 0;
}

static void follow_remove(struct plx_mem_listener *self, const struct plx_mem_segment *s, size_t n)
{
	((struct follower *)self)->bytes -= run_bytes(s, n);
}

static void trim(void)
{
	struct follower f = {.listener = {.add = follow_add, .remove = follow_remove}};
	struct plx_mem_stats stats;
	size_t before;
	unsigned char *p;
	plx_iova_t iova;

	plx_mem_trim();
	UNIT_EQ(plx_mem_listen(&f.listener), 0);
	before = f.bytes;
	p = plx_dma_zalloc((size_t)48 << 20, 0, PLX_NODE_ANY);
	p[5] = 1;
	CU_ASSERT(f.bytes >= before + ((size_t)48 << 20));
	/* Not while something is allocated there. */
	UNIT_EQ(plx_mem_trim(), 0);
	plx_dma_free(p);
	CU_ASSERT(plx_mem_trim() >= (size_t)48 << 20);
	UNIT_EQ(f.bytes, before);
	plx_mem_stats_get(&stats);
	UNIT_EQ(stats.heap_bytes, before);
	UNIT_EQ(plx_mem_iova(p, 1, &iova), -EFAULT);
	UNIT_EQ(plx_mem_trim(), 0);
	/* What comes again is clear. */
	p = plx_dma_zalloc((size_t)48 << 20, 0, PLX_NODE_ANY);
	UNIT_EQ(p[5], 0);
	plx_dma_free(p);
	plx_mem_unlisten(&f.listener);
}

static void reserved_memory_stays(void)
{
	struct plx_eal_config config = {
		.no_huge = true, .lcores = one_lcore(), .mem_bytes = (size_t)4 << 20};
	struct plx_mem_stats stats;

	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(plx_eal_init(&config), 0);
	UNIT_EQ(plx_mem_trim(), 0);
	plx_mem_stats_get(&stats);
	UNIT_EQ(stats.heap_bytes, 4 << 20);
	UNIT_EQ(plx_eal_fini(), 0);
	eal_up();
}

static void node_limits(void)
{
	struct plx_eal_config config = {.no_huge = true, .mem_node_limits = "0=32M"};
	void *p;

	UNIT_EQ(plx_eal_fini(), 0);
	UNIT_EQ(plx_eal_init(&config), 0);
	log_clear();
	CU_ASSERT_PTR_NULL(plx_dma_alloc((size_t)33 << 20, 0, 0));
	UNIT_EQ(errno, ENOMEM);
	UNIT_EQ(logged("raise --mem-node-limit"), true);
	p = plx_dma_alloc((size_t)20 << 20, 0, 0);
	CU_ASSERT_PTR_NOT_NULL(p);
	plx_dma_free(p);
	UNIT_EQ(plx_eal_fini(), 0);
	config.mem_bytes = (size_t)64 << 20;
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	config.mem_node_limits = "0:32M";
	log_clear();
	UNIT_EQ(plx_eal_init(&config), -EINVAL);
	UNIT_EQ(logged("not a list of nodes and sizes"), true);
	eal_up();
}

static void kind_names(void)
{
	CU_ASSERT_STRING_EQUAL(plx_mem_kind_name(PLX_MEM_HUGETLB), "hugetlb");
	CU_ASSERT_STRING_EQUAL(plx_mem_kind_name(PLX_MEM_REGISTERED), "registered");
	CU_ASSERT_PTR_NULL(plx_mem_kind_name(PLX_MEM_REGISTERED + 1));
}

CU_TestInfo mem_tests[] = {
	{"kinds have names", kind_names},
	{"memory by owner", owners},
	{"one file for all segments", single_file},
	{"unused segments are given back", trim},
	{"what was reserved at the start stays", reserved_memory_stays},
	{"limits of nodes", node_limits},
	{"alloc aligned", alloc_aligned},
	{"bad requests", bad_requests},
	{"more than there is", too_much},
	{"zeroed", zeroed},
	{"bad frees are refused and counted", bad_frees},
#ifdef UNDER_ASAN
	{"use after free is seen", use_after_free},
#endif
	{"grows on demand", grows},
	{"IOVAs", iovas},
	{"walks", walks},
	{"segments are files that can be shared", shared_files},
	{"not in core dumps, not in children", private_memory},
	{"four threads", many_threads},
	CU_TEST_INFO_NULL,
};
