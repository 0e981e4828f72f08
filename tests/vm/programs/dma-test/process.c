/* SPDX-License-Identifier: BSD-3-Clause */
/* kill, exec: mappings whose process ends, or becomes another program. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>
#include "space.h"

#define FILE_SIZE (64 * MIB)
#define KILLED_SOON                                                                                \
	5.0 /* seconds, on machines as slow as these; the whole map takes far longer               \
	     */

/* A large range of address space over a small file. */
static void *memory_wide(size_t size)
{
	int fd = memfd_create("dma-test", MFD_CLOEXEC);
	char *memory =
		mmap(NULL, size, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);

	if (fd < 0 || ftruncate(fd, FILE_SIZE) || memory == MAP_FAILED)
		die("memory");
	for (size_t at = 0; at < size; at += FILE_SIZE)
		if (mmap(memory + at, FILE_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_FIXED, fd,
			 0) == MAP_FAILED)
			die("mmap of the file");
	close(fd);
	return memory;
}

static void child_maps(const char *device, uint64_t size, int ready)
{
	void *memory = memory_wide(size);
	struct raw raw;

	raw_open_group(&raw, device);
	if (write(ready, "", 1) != 1)
		die("pipe");
	space_map(raw.container, memory, ABOVE_4G, size, MAP_RW);
	_exit(0);
}

int command_kill(int argc, char **argv)
{
	uint64_t size = strtoull(argv[0], NULL, 10) * GIB;
	long before = pins();
	int ready[2], status;
	struct raw raw;
	double start;
	pid_t child;
	char byte;

	(void)argc;
	if (pipe(ready))
		die("pipe");
	child = fork();
	if (child == 0)
		child_maps(argv[1], size, ready[1]);
	if (read(ready[0], &byte, 1) != 1)
		die("pipe");
	usleep(300000);
	EXPECT(waitpid(child, &status, WNOHANG), 0);
	start = seconds();
	kill(child, SIGKILL);
	EXPECT(waitpid(child, &status, 0), child);
	start = seconds() - start;
	EXPECT(WIFSIGNALED(status), 1);
	printf("gone %.0f ms after the kill\n", start * 1e3);

	/* Everything can be had again, at once. */
	raw_open(&raw, argv[1]);
	raw_close(&raw);
	EXPECT(pins(), before);
	return start < KILLED_SOON ? EXIT_SUCCESS : EXIT_FAILURE;
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
