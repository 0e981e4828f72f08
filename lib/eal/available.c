/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How much ordinary memory there is for this process (see available.h): asked by pages.c before it
 * takes small pages, because the kernel kills who takes too many rather than refuse.
 */
#include "eal/available.h"

#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CGROUP_ROOT "/sys/fs/cgroup"
#define PATH_SIZE   4096

static uint64_t system_available(void)
{
	unsigned long long kib = 0;
	FILE *file = fopen("/proc/meminfo", "re");
	char line[128];

	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "MemAvailable: %llu kB", &kib) == 1)
			break;
	if (!file)
		return UINT64_MAX;
	fclose(file);
	return (uint64_t)kib * 1024;
}

/* False where there is no such file, or no number in it ("max"). */
static bool read_number(const char *group, const char *name, uint64_t *value)
{
	char path[PATH_SIZE + 32], line[32], *end = line;
	FILE *file;

	snprintf(path, sizeof(path), CGROUP_ROOT "%s/%s", group, name);
	file = fopen(path, "re");
	if (!file)
		return false;
	if (fgets(line, sizeof(line), file))
		*value = strtoull(line, &end, 10);
	fclose(file);
	return end != line;
}

/* What a group is charged for and the kernel gives up when asked: the page cache. */
static uint64_t reclaimable(const char *group)
{
	char path[PATH_SIZE + 32], line[128], name[64];
	unsigned long long value;
	uint64_t sum = 0;
	FILE *file;

	snprintf(path, sizeof(path), CGROUP_ROOT "%s/memory.stat", group);
	file = fopen(path, "re");
	while (file && fgets(line, sizeof(line), file))
		if (sscanf(line, "%63s %llu", name, &value) == 2 &&
		    (strcmp(name, "active_file") == 0 || strcmp(name, "inactive_file") == 0))
			sum += value;
	if (file)
		fclose(file);
	return sum;
}

static uint64_t left_in_group(const char *group)
{
	uint64_t max, current, cache;

	if (!read_number(group, "memory.max", &max) ||
	    !read_number(group, "memory.current", &current))
		return UINT64_MAX;
	cache = reclaimable(group);
	current -= cache < current ? cache : current;
	return max > current ? max - current : 0;
}

/* The path of our cgroup, in the line of the unified hierarchy: "0::/path". */
static bool own_group(char *group)
{
	FILE *file = fopen("/proc/self/cgroup", "re");
	bool found = false;

	while (file && !found && fgets(group, PATH_SIZE, file))
		found = strncmp(group, "0::/", 4) == 0;
	if (file)
		fclose(file);
	if (!found)
		return false;
	memmove(group, group + 3, strlen(group + 3) + 1);
	group[strcspn(group, "\n")] = '\0';
	return true;
}

uint64_t plx_memory_available(void)
{
	uint64_t least = system_available(), left;
	char group[PATH_SIZE], *slash;

	if (!own_group(group))
		return least;
	/* A limit may be on any ancestor; the root has none. */
	while ((slash = strrchr(group, '/')) != NULL && slash[1]) {
		left = left_in_group(group);
		least = left < least ? left : least;
		*slash = '\0';
		if (slash == group)
			break;
	}
	return least;
}
