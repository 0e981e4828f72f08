/* SPDX-License-Identifier: BSD-3-Clause */
/* What the files of plx-bind share. */
#ifndef PLX_BIND_H
#define PLX_BIND_H

#include <stdbool.h>
#include <stddef.h>

#include <pollux/pci.h>

#define EXIT_USAGE 2

enum command {
	COMMAND_STATUS,
	COMMAND_BIND,
	COMMAND_UNBIND,
	COMMAND_RESTORE,
	COMMAND_WATCH,
};

struct options {
	enum command command;
	const char *driver; /* of bind */
	bool force;
	bool json;
	struct plx_pci_addr *addrs; /* named on the command line, each once */
	size_t count;
};

/* --- devices.c: all devices, by group -------------------------------------------------------- */

struct member {
	struct plx_pci_device pci;
	enum plx_pci_use use;
	char use_detail[192];
};

struct inventory {
	struct member *members; /* by group, then by address; those without a group first */
	size_t count;
};

/** Return: 0 or a negative errno. */
int inventory_read(struct inventory *inventory);
void inventory_free(struct inventory *inventory);
/** The member with that address, or NULL. */
const struct member *inventory_find(const struct inventory *inventory,
				    const struct plx_pci_addr *addr);
/** How many members from `first` on belong to its group. */
size_t inventory_group_len(const struct inventory *inventory, size_t first);

/** Can VFIO open the group of these members now? @reason: gets why not. */
bool group_usable(const struct member *members, size_t n, char *reason, size_t len);

/* --- names.c --------------------------------------------------------------------------------- */

/** "Intel Corporation 82574L Gigabit Network Connection"; "" where it is not known. */
const char *device_name(const struct plx_pci_device *device, char *buf, size_t len);

/* --- The commands: each returns the exit status ---------------------------------------------- */

int status_run(const struct options *options);
int change_run(const struct options *options);
int watch_run(const struct options *options);

#endif /* PLX_BIND_H */
