/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds who holds a VFIO group by the links in /proc/<pid>/fd; see holder.h. */
#include "pci/holder.h"

#include <ctype.h>
#include <dirent.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "pci/sysfs.h"

static bool process_has_open(const char *pid, const char *node)
{
	char dir_path[PLX_SYSFS_PATH_LEN], target[PLX_SYSFS_PATH_LEN];
	bool found = false;
	struct dirent *e;
	ssize_t n;
	DIR *dir;

	snprintf(dir_path, sizeof(dir_path), "%s/%s/fd", plx_pci_roots.proc, pid);
	dir = opendir(dir_path);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		n = readlinkat(dirfd(dir), e->d_name, target, sizeof(target) - 1);
		if (n < 0)
			continue;
		target[n] = '\0';
		found = strcmp(target, node) == 0;
	}
	closedir(dir);
	return found;
}

static void describe(pid_t pid, char *text, size_t len)
{
	char comm[64];

	if (pid == getpid()) {
		snprintf(text, len, "this process");
		return;
	}
	if (plx_sysfs_read(comm, sizeof(comm), "%s/%d/comm", plx_pci_roots.proc, (int)pid))
		snprintf(comm, sizeof(comm), "?");
	snprintf(text, len, "process %d (%s)", (int)pid, comm);
}

pid_t plx_pci_group_holder(int group, char *text, size_t len)
{
	char node[PLX_SYSFS_PATH_LEN];
	struct dirent *e;
	pid_t pid = 0;
	DIR *dir;

	snprintf(node, sizeof(node), "%s/vfio/%d", plx_pci_roots.dev, group);
	dir = opendir(plx_pci_roots.proc);
	if (!dir)
		return 0;
	while (!pid && (e = readdir(dir)))
		if (isdigit((unsigned char)e->d_name[0]) && process_has_open(e->d_name, node))
			pid = (pid_t)atol(e->d_name);
	closedir(dir);
	if (pid)
		describe(pid, text, len);
	return pid;
}
