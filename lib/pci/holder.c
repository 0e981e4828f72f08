/* SPDX-License-Identifier: BSD-3-Clause */
/* Finds who holds a VFIO group by the links in /proc/<pid>/fd; see holder.h. */
#include "pci/holder.h"

#include <ctype.h>
#include <dirent.h>
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

static void describe(const char *pid, char *text, size_t len)
{
	char comm[64];

	if (atol(pid) == (long)getpid()) {
		snprintf(text, len, "this process");
		return;
	}
	if (plx_sysfs_read(comm, sizeof(comm), "%s/%s/comm", plx_pci_roots.proc, pid))
		snprintf(comm, sizeof(comm), "?");
	snprintf(text, len, "process %s (%s)", pid, comm);
}

bool plx_pci_group_holder(int group, char *text, size_t len)
{
	char node[PLX_SYSFS_PATH_LEN];
	bool found = false;
	struct dirent *e;
	DIR *dir;

	snprintf(node, sizeof(node), "%s/vfio/%d", plx_pci_roots.dev, group);
	dir = opendir(plx_pci_roots.proc);
	if (!dir)
		return false;
	while (!found && (e = readdir(dir))) {
		if (!isdigit((unsigned char)e->d_name[0]) || !process_has_open(e->d_name, node))
			continue;
		describe(e->d_name, text, len);
		found = true;
	}
	closedir(dir);
	return found;
}
