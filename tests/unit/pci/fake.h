/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A machine made of files: a temporary folder with sys, proc, dev and run below it, that lib/pci
 * takes for the real ones. Writes to it are plain files: a test reads back what was written.
 */
#ifndef POLLUX_TESTS_PCI_FAKE_H
#define POLLUX_TESTS_PCI_FAKE_H

#include <pollux/pci.h>

/** Make the folder and point lib/pci at it; 0, or what CUnit takes as a failed suite. */
int fake_up(void);
/** Remove it and point lib/pci back. */
int fake_down(void);

/** Write a file below the folder, making the folders on its way. */
void fake_file(const char *path, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/** Make a symbolic link; a target without a slash at its start is taken as below the folder. */
void fake_link(const char *path, const char *target);
/** Make an empty folder. */
void fake_dir(const char *path);
/** Remove a file, a link, or a folder with all that is in it. */
void fake_remove(const char *path);
/** The contents of a file; "(none)" if there is no such file. Valid until the next call. */
const char *fake_read(const char *path);
/** The full name of a path below the folder. Valid until the next call. */
const char *fake_path(const char *path);

/** A device with its attributes; driver NULL: not bound, group < 0: none. */
void fake_device(const char *bdf, unsigned int vendor, unsigned int device, unsigned int class_code,
		 int group, const char *driver);
/** A loaded driver. */
void fake_driver(const char *name);

/** The log lines since the last call, for a look at what a user would read. */
const char *fake_log(void);

#endif /* POLLUX_TESTS_PCI_FAKE_H */
