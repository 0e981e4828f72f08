/* SPDX-License-Identifier: BSD-3-Clause */
/* kill-pinning, kill-mapping, exec: mappings whose process ends, or becomes another program. */
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "space.h"

#define SMALL_FILE (64 * MIB)

/* ---- kill: how much is still done after it? Counted, because time is noise here. ---- */

/**
 * struct killing - a process that maps, and is killed in the middle
 * @device: whose address space
 * @size: of the one map
 * @file_size: of the file that is mapped again and again
 * @file_flags: for memfd_create()
 * @counter: of /proc/vmstat; tells how far the map has come
 * @enough: the counter's growth when it is killed
 */
struct killing {
	const char *device;
	uint64_t size;
	size_t file_size;
	unsigned int file_flags;
	const char *counter;
	long enough;
};

static void child_maps(const struct killing *k, int ready)
{
	void *memory = memory_wide(k->size, k->file_size, k->file_flags);
	struct raw raw;

	raw_open_group(&raw, k->device);
	if (write(ready, "", 1) != 1)
		die("pipe");
	space_map(raw.container, memory, ABOVE_4G, k->size, MAP_RW);
	_exit(0);
}

static pid_t start_child(const struct killing *k)
{
	int ready[2];
	pid_t child;
	char byte;

	if (pipe(ready))
		die("pipe");
	child = fork();
	if (child == 0)
		child_maps(k, ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("pipe");
	return child;
}

/* Return: by how much the counter still rose after the kill, at most. */
static long kill_in_the_middle(const struct killing *k)
{
	long before = pins(), start = vmstat(k->counter), at_kill, now, most;
	pid_t child = start_child(k);
	int status = 0;
	struct raw raw;

	while (vmstat(k->counter) - start < k->enough)
		EXPECT(waitpid(child, &status, WNOHANG), 0);
	kill(child, SIGKILL);
	at_kill = most = vmstat(k->counter);
	while (waitpid(child, &status, WNOHANG) == 0) {
		now = vmstat(k->counter);
		most = now > most ? now : most;
	}
	EXPECT(WIFSIGNALED(status), 1);

	/* Everything can be had again, at once. */
	raw_open(&raw, k->device);
	raw_close(&raw);
	EXPECT(pins(), before);
	return most - at_kill;
}

static int judge(const char *what, long done, long most)
{
	printf("%ld %s after the kill, of %ld allowed\n", done, what, most);
	return done <= most ? EXIT_SUCCESS : EXIT_FAILURE;
}

/* 10,000 pages are 2 ms even if each of them is looked up by itself. */
int command_kill_pinning(int argc, char **argv)
{
	const struct killing k = {
		.device = argv[1],
		.size = strtoull(argv[0], NULL, 10) * GIB,
		.file_size = SMALL_FILE,
		.counter = "nr_foll_pin_acquired ",
		.enough = 50000,
	};

	(void)argc;
	return judge("pages were pinned", kill_in_the_middle(&k), 10000);
}

/*
 * 512 page tables are 262,144 entries, which take 3 ms. Without large entries (disable_hugepages).
 */
int command_kill_mapping(int argc, char **argv)
{
	const struct killing k = {
		.device = argv[1],
		.size = strtoull(argv[0], NULL, 10) * GIB,
		.file_size = HUGE_FILE,
		.file_flags = MFD_HUGETLB,
		.counter = "nr_iommu_pages ",
		.enough = 256,
	};

	(void)argc;
	return judge("page tables were made", kill_in_the_middle(&k), 512);
}

/* ---- exec: the pages were charged to an address space that is gone (CVE-2023-53171) ---- */

int command_exec(int argc, char **argv)
{
	char *memory = memory_anon(4 * MIB), number[16];
	struct raw raw;

	(void)argc;
	raw_open_group(&raw, argv[0]);
	EXPECT(space_map(raw.container, memory, IOVA, 4 * MIB, MAP_RW), 0);
	EXPECT(locked_kib(), 4096);
	fcntl(raw.container, F_SETFD, 0);
	fcntl(raw.group, F_SETFD, 0);
	snprintf(number, sizeof(number), "%d", raw.container);
	execl("/proc/self/exe", "dma-test", "after-exec", number, NULL);
	die("exec");
	return EXIT_FAILURE;
}

int command_after_exec(int argc, char **argv)
{
	int container = atoi(argv[0]);
	char *memory = memory_anon(MIB);
	uint64_t size = 4 * MIB;

	(void)argc;
	EXPECT(locked_kib(), 0);
	EXPECT(space_map(container, memory, IOVA + GIB, MIB, MAP_RW), 0);
	EXPECT(locked_kib(), 1024);
	EXPECT(space_unmap(container, IOVA, &size, 0), 0);
	EXPECT(size, (long)(4 * MIB));
	EXPECT(locked_kib(), 1024);
	size = MIB;
	EXPECT(space_unmap(container, IOVA + GIB, &size, 0), 0);
	EXPECT(locked_kib(), 0);
	return EXIT_SUCCESS;
}
