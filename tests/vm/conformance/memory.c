// SPDX-License-Identifier: BSD-3-Clause
/*
 * Memory of several kinds, to be mapped for DMA or not, each by a word:
 *
 *	mem	4 MiB, read and write		ro	read only, touched
 *	zero	read only, never touched	none	no access at all
 *	hole	4 KiB of memory, then nothing	fresh	4 MiB never touched
 *	rofile	a file, private and read only	wrfile	a file, shared and writable
 *	shm	a memfd, shared			kernel	an address of the kernel
 *	end	the last page of the address space
 *	bar	what `barmap` mapped last	mix	4 KiB writable, then 4 KiB read only
 *	huge	2 MiB of a huge page, or nothing
 *	gone	8 KiB that one case unmaps
 */
#include "conformance.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

static struct kind {
	const char *name;
	size_t size;
	int prot;
	bool touch;
	void *at;
} kinds[] = {
	{ "mem", MEM_SIZE, PROT_READ | PROT_WRITE, true, NULL },
	{ "fresh", MEM_SIZE, PROT_READ | PROT_WRITE, false, NULL },
	{ "ro", MEM_SIZE, PROT_READ, true, NULL },
	{ "zero", MEM_SIZE, PROT_READ, false, NULL },
	{ "none", MEM_SIZE, PROT_NONE, false, NULL },
	{ "gone", 8192, PROT_READ | PROT_WRITE, true, NULL },
	{ "hole", 8192, PROT_READ | PROT_WRITE, true, NULL },
	{ "mix", 8192, PROT_READ | PROT_WRITE, true, NULL },
	{ NULL, 0, 0, false, NULL },
};

void *mem_bar;
size_t mem_bar_size;

static void *map_kind(const struct kind *k)
{
	char *p = mmap(NULL, k->size + (2 << 20), PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		exit(2);
	p = (char *)(((uintptr_t)p + (2 << 20) - 1) & -(uintptr_t)(2 << 20));
	if (k->touch)
		memset(p, 1, k->size);
	if (!strcmp(k->name, "hole"))
		munmap(p + 4096, 4096);
	if (!strcmp(k->name, "mix"))
		mprotect(p + 4096, 4096, PROT_READ);
	if (k->prot != (PROT_READ | PROT_WRITE))
		mprotect(p, k->size, k->prot);
	return p;
}

static void *map_file(int prot, int flags)
{
	static const char path[] = "/tmp/conformance-file";
	int fd = open(path, O_RDWR | O_CREAT | O_TRUNC, 0600);
	void *p;

	if (fd < 0 || ftruncate(fd, MEM_SIZE))
		exit(2);
	p = mmap(NULL, MEM_SIZE, prot, flags, fd, 0);
	close(fd);
	unlink(path);
	return p;
}

static void *map_memfd(void)
{
	int fd = memfd_create("conformance", MFD_CLOEXEC);
	void *p;

	if (fd < 0 || ftruncate(fd, MEM_SIZE))
		exit(2);
	p = mmap(NULL, MEM_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	close(fd);
	return p;
}

static void *once(void **at, void *(*make)(void))
{
	if (!*at)
		*at = make();
	return *at;
}

static void *make_rofile(void)
{
	return map_file(PROT_READ, MAP_PRIVATE);
}

static void *make_wrfile(void)
{
	return map_file(PROT_READ | PROT_WRITE, MAP_SHARED);
}

static void *make_huge(void)
{
	void *p = mmap(NULL, 2 << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_HUGETLB, -1, 0);

	return p == MAP_FAILED ? NULL : p;
}

/* NAME or NAME+OFFSET or a number */
uint64_t mem_address(const char *w)
{
	static void *rofile, *wrfile, *shm, *huge;
	uint64_t base = 0, offset = 0;
	char name[32];
	char *plus;

	snprintf(name, sizeof(name), "%s", w);
	plus = strchr(name, '+');
	if (plus) {
		*plus = 0;
		offset = strtoull(plus + 1, NULL, 0);
	}
	for (struct kind *k = kinds; k->name; k++) {
		if (strcmp(k->name, name))
			continue;
		if (!k->at)
			k->at = map_kind(k);
		return (uintptr_t)k->at + offset;
	}
	if (!strcmp(name, "rofile"))
		base = (uintptr_t)once(&rofile, make_rofile);
	else if (!strcmp(name, "wrfile"))
		base = (uintptr_t)once(&wrfile, make_wrfile);
	else if (!strcmp(name, "shm"))
		base = (uintptr_t)once(&shm, map_memfd);
	else if (!strcmp(name, "huge"))
		base = (uintptr_t)once(&huge, make_huge);
	else if (!strcmp(name, "kernel"))
		base = 0xffff888000000000;
	else if (!strcmp(name, "end"))
		base = 0xfffffffffffff000;
	else if (!strcmp(name, "bar"))
		base = (uintptr_t)mem_bar;
	else
		base = strtoull(name, NULL, 0);
	return base + offset;
}

/* A BAR that is still mapped would keep its device open. */
void mem_reset(void)
{
	if (mem_bar)
		munmap(mem_bar, mem_bar_size);
	mem_bar = NULL;
}

long locked_kib(void)
{
	FILE *f = fopen("/proc/self/status", "re");
	char line[128];
	long kib = -1;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "VmLck: %ld", &kib) == 1)
			break;
	if (f)
		fclose(f);
	return kib;
}
