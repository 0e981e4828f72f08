/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole files to and from memory, for the commands whose data is small. */
#ifndef PLX_NVME_FILE_H
#define PLX_NVME_FILE_H

#include "app.h"

/** Read len bytes ("-": stdin). 0, or a negative errno, told; a file that is shorter is one. */
int file_load(const struct target *t, const char *path, void *to, size_t len);
/** Write a file anew ("-": stdout). 0, or a negative errno, told. */
int file_save(const struct target *t, const char *path, const void *from, size_t len);
/** Bytes as 16 a line, with their ASCII. */
void file_dump(FILE *f, const uint8_t *bytes, size_t len);

#endif /* PLX_NVME_FILE_H */
