/* SPDX-License-Identifier: BSD-3-Clause */
/* Whole files to and from memory; see file.h. */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "file.h"

static int told(const struct target *t, const char *path, const char *what)
{
	int err = errno ? -errno : -EIO;

	target_error(t, "%s: %s", path, what ? what : strerror(-err));
	return err;
}

int file_load(const struct target *t, const char *path, void *to, size_t len)
{
	FILE *f = strcmp(path, "-") == 0 ? stdin : fopen(path, "rbe");
	size_t n;
	int err = 0;

	if (!f)
		return told(t, path, NULL);
	errno = 0;
	n = fread(to, 1, len, f);
	if (n < len)
		err = told(t, path, ferror(f) ? NULL : "ends early");
	if (f != stdin)
		fclose(f);
	return err;
}

int file_save(const struct target *t, const char *path, const void *from, size_t len)
{
	FILE *f = strcmp(path, "-") == 0 ? stdout : fopen(path, "wbe");
	bool bad;

	if (!f)
		return told(t, path, NULL);
	errno = 0;
	bad = fwrite(from, 1, len, f) < len || fflush(f);
	if (f != stdout && fclose(f))
		bad = true;
	return bad ? told(t, path, NULL) : 0;
}

void file_dump(FILE *f, const uint8_t *bytes, size_t len)
{
	size_t at, i;

	for (at = 0; at < len; at += 16) {
		fprintf(f, "%08zx ", at);
		for (i = at; i < at + 16; i++)
			if (i < len)
				fprintf(f, " %02x", bytes[i]);
			else
				fputs("   ", f);
		fputs("  ", f);
		for (i = at; i < at + 16 && i < len; i++)
			fputc(isprint(bytes[i]) ? bytes[i] : '.', f);
		fputc('\n', f);
	}
}
