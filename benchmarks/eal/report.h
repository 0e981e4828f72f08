/* SPDX-License-Identifier: BSD-3-Clause */
/* What ours and the peer's programs share: how they time and print, so that both do the same. */
#ifndef PLX_BENCH_EAL_REPORT_H
#define PLX_BENCH_EAL_REPORT_H

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static inline uint64_t now_ns(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return (uint64_t)ts.tv_sec * 1000000000u + (uint64_t)ts.tv_nsec;
}

/* Resident memory that is not hugepages, in KiB. */
static inline long resident_kib(void)
{
	FILE *file = fopen("/proc/self/status", "r");
	char line[128];
	long kib = -1;

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "VmRSS: %ld kB", &kib) == 1)
			break;
	if (file)
		fclose(file);
	return kib;
}

/* One life of an EAL. */
struct life {
	uint64_t init_ns;
	uint64_t use_ns;
	uint64_t stopping_at_ns;
	long rss_kib;
	size_t use; /* bytes */
	int argc;
	char **argv;
};

/*
 * Run `live` in a process of its own and print its times. Stopping ends when the process is gone:
 * what one gives back in its last call the other leaves to the kernel.
 */
static inline int run_life(int (*live)(struct life *life), const struct life *arguments)
{
	struct life *life = mmap(NULL, sizeof(*life), PROT_READ | PROT_WRITE,
				 MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	int status = -1;
	uint64_t end;
	pid_t pid;

	if (life == MAP_FAILED)
		return EXIT_FAILURE;
	*life = *arguments;
	pid = fork();
	if (pid == 0)
		exit(live(life));
	if (pid < 0 || waitpid(pid, &status, 0) != pid || status)
		return EXIT_FAILURE;
	end = now_ns();
	printf("init_ms %.3f use_ms %.3f stop_ms %.3f rss_mib %.2f\n", (double)life->init_ns / 1e6,
	       (double)life->use_ns / 1e6, (double)(end - life->stopping_at_ns) / 1e6,
	       (double)life->rss_kib / 1024);
	return EXIT_SUCCESS;
}

#endif /* PLX_BENCH_EAL_REPORT_H */
