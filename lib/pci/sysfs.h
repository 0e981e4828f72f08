/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Small text files of the kernel (sysfs, procfs), by printf-style path. Used by lib/pci and
 * lib/vfio; nobody else opens a file below /sys.
 */
#ifndef PLX_PCI_SYSFS_H
#define PLX_PCI_SYSFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/** Where the kernel's trees are; unit tests point them at a directory of their own. */
struct plx_pci_roots {
	const char *sysfs; /**< "/sys" */
	const char *proc;  /**< "/proc" */
	const char *dev;   /**< "/dev" */
	const char *run;   /**< "/run" */
};
extern struct plx_pci_roots plx_pci_roots;

/** Room for any path that is made here; a longer one is -ENAMETOOLONG. */
#define PLX_SYSFS_PATH_LEN 512

/**
 * Read the first line of a file into buf, without its newline and trailing blanks.
 * Return: 0, or a negative errno (-E2BIG: the line does not fit).
 */
int plx_sysfs_read(char *buf, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Read a number, decimal or 0x hexadecimal. Return: 0, -EINVAL (not a number), or as above. */
int plx_sysfs_read_number(int64_t *value, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** Write text by one write(2). Return: 0 or what the kernel answered. */
int plx_sysfs_write(const char *text, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** The last component of the target of a symbolic link. Return: 0 or a negative errno. */
int plx_sysfs_link(char *buf, size_t len, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/** Is there such a path? */
bool plx_sysfs_exists(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

#endif /* PLX_PCI_SYSFS_H */
