/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-bind bind, unbind and restore. Everything that can be refused is refused before the first
 * device is touched; signals are held back while one is being moved, and end the work between two.
 */
#include <errno.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "plx-bind.h"

#define REASON_LEN	  512
#define MODPROBE_SETTING  "/proc/sys/kernel/modprobe"
#define DEFAULT_MODPROBE  "/sbin/modprobe"
#define EXIT_SIGNALED(nr) (128 + (nr))

extern char **environ;

/* --- Before ---------------------------------------------------------------------------------- */

static const char *remedy(enum plx_pci_use use)
{
	switch (use) {
	case PLX_PCI_USE_MOUNTED:
		return "unmount it";
	case PLX_PCI_USE_NET_UP:
		return "take it down";
	case PLX_PCI_USE_NETNS:
		return "move it back and take it down";
	default:
		return "end that process";
	}
}

/* Return: how many devices may not be touched; each has been named. */
static unsigned int refuse(const struct options *options, const struct inventory *inventory)
{
	const struct member *m;
	char bdf[PLX_PCI_BDF_LEN];
	unsigned int refused = 0;
	size_t i;

	for (i = 0; i < options->count; i++) {
		m = inventory_find(inventory, &options->addrs[i]);
		if (!m || m->use == PLX_PCI_USE_NONE || options->force)
			continue;
		fprintf(stderr, "plx-bind: %s: is in use: %s; %s, or add --force\n",
			plx_pci_bdf(&m->pci.addr, bdf), m->use_detail, remedy(m->use));
		refused++;
	}
	return refused;
}

/* The program that the kernel itself would call. */
static void modprobe_path(char *path, size_t len)
{
	FILE *f = fopen(MODPROBE_SETTING, "re");

	if (!f || !fgets(path, (int)len, f))
		path[0] = '\0';
	if (f)
		fclose(f);
	path[strcspn(path, "\n")] = '\0';
	if (!path[0])
		snprintf(path, len, "%s", DEFAULT_MODPROBE);
}

static int load_driver(const char *driver)
{
	char path[256], name[64];
	char *argv[] = {path, (char[]){"-q"}, (char[]){"--"}, name, NULL};
	int err, status;
	pid_t pid;

	if (plx_pci_driver_loaded(driver))
		return 0;
	modprobe_path(path, sizeof(path));
	snprintf(name, sizeof(name), "%s", driver);
	err = posix_spawn(&pid, path, NULL, NULL, argv, environ);
	if (!err && waitpid(pid, &status, 0) < 0)
		err = errno;
	if (err) {
		fprintf(stderr, "plx-bind: cannot run %s: %s\n", path, strerror(err));
		return -err;
	}
	if (status) {
		fprintf(stderr,
			"plx-bind: the kernel has no driver %s: `modprobe %s` fails; is "
			"its module installed for this kernel?\n",
			driver, driver);
		return -ENOENT;
	}
	return 0;
}

/* --- Moving ---------------------------------------------------------------------------------- */

static int move(const struct options *options, const struct plx_pci_addr *addr)
{
	switch (options->command) {
	case COMMAND_BIND:
		return plx_pci_bind(addr, options->driver);
	case COMMAND_UNBIND:
		return plx_pci_unbind(addr);
	default:
		return plx_pci_restore(addr);
	}
}

static void report(const struct member *before)
{
	struct plx_pci_device now;
	char bdf[PLX_PCI_BDF_LEN];

	if (plx_pci_get(&before->pci.addr, &now))
		return;
	printf("%s: %s -> %s\n", plx_pci_bdf(&now.addr, bdf),
	       before->pci.driver[0] ? before->pci.driver : "no driver",
	       now.driver[0] ? now.driver : "no driver");
	fflush(stdout);
}

static void hold_signals(sigset_t *held)
{
	sigemptyset(held);
	sigaddset(held, SIGINT);
	sigaddset(held, SIGTERM);
	sigaddset(held, SIGHUP);
	sigaddset(held, SIGQUIT);
	sigprocmask(SIG_BLOCK, held, NULL);
	signal(SIGPIPE, SIG_IGN);
}

/* The number of a signal that was held back, or 0. */
static int pending_signal(const sigset_t *held)
{
	static const struct timespec now;
	int number = sigtimedwait(held, NULL, &now);

	return number > 0 ? number : 0;
}

static int move_all(const struct options *options, const struct inventory *inventory)
{
	int status = EXIT_SUCCESS, number;
	const struct member *m;
	char bdf[PLX_PCI_BDF_LEN];
	sigset_t held;
	size_t i;

	hold_signals(&held);
	for (i = 0; i < options->count; i++) {
		number = pending_signal(&held);
		if (number) {
			fprintf(stderr,
				"plx-bind: stopped by a signal before %s; `plx-bind "
				"restore` undoes what is listed above\n",
				plx_pci_bdf(&options->addrs[i], bdf));
			return EXIT_SIGNALED(number);
		}
		m = inventory_find(inventory, &options->addrs[i]);
		if (m && m->use == PLX_PCI_USE_VFIO_OPEN) {
			fprintf(stderr, "plx-bind: %s: waiting: %s\n",
				plx_pci_bdf(&m->pci.addr, bdf), m->use_detail);
		}
		if (!m || move(options, &options->addrs[i]))
			status = EXIT_FAILURE;
		else
			report(m);
	}
	return status;
}

/* --- After ----------------------------------------------------------------------------------- */

static bool is_named(const struct options *options, const struct member *m)
{
	size_t i;

	for (i = 0; i < options->count; i++)
		if (plx_pci_compare(&options->addrs[i], &m->pci.addr) == 0)
			return true;
	return false;
}

/* A group is opened as a whole: show who else is in it, and what is still in the way. */
static void show_groups(const struct options *options)
{
	char reason[REASON_LEN], bdf[PLX_PCI_BDF_LEN];
	struct inventory inventory;
	size_t i, j, n;
	bool named;

	if (inventory_read(&inventory))
		return;
	for (i = 0; i < inventory.count; i += n) {
		n = inventory_group_len(&inventory, i);
		if (inventory.members[i].pci.group < 0)
			continue;
		for (named = false, j = i; j < i + n; j++)
			named |= is_named(options, &inventory.members[j]);
		if (!named)
			continue;
		printf("group %d:", inventory.members[i].pci.group);
		for (j = i; j < i + n; j++)
			printf(" %s", plx_pci_bdf(&inventory.members[j].pci.addr, bdf));
		if (group_usable(&inventory.members[i], n, reason, sizeof(reason)))
			printf(": usable\n");
		else
			printf(": not usable: %s\n", reason);
	}
	inventory_free(&inventory);
}

int change_run(const struct options *options)
{
	struct inventory inventory;
	char bdf[PLX_PCI_BDF_LEN];
	int status = EXIT_SUCCESS;
	size_t i;

	if (inventory_read(&inventory))
		return EXIT_FAILURE;
	for (i = 0; i < options->count; i++) {
		if (inventory_find(&inventory, &options->addrs[i]))
			continue;
		fprintf(stderr,
			"plx-bind: %s: no such PCI device; `plx-bind status` lists those "
			"there are\n",
			plx_pci_bdf(&options->addrs[i], bdf));
		status = EXIT_USAGE;
	}
	if (status == EXIT_SUCCESS && geteuid() != 0) {
		fprintf(stderr, "plx-bind: changing drivers needs root; run it by sudo\n");
		status = EXIT_FAILURE;
	}
	if (status == EXIT_SUCCESS && refuse(options, &inventory))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS && options->command == COMMAND_BIND &&
	    load_driver(options->driver))
		status = EXIT_FAILURE;
	if (status == EXIT_SUCCESS) {
		status = move_all(options, &inventory);
		if (options->command == COMMAND_BIND)
			show_groups(options);
	}
	inventory_free(&inventory);
	return status;
}
