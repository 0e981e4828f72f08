// SPDX-License-Identifier: BSD-3-Clause
/*
 * vfio-conformance CASES DEVICE...: asks VFIO the questions in a file and prints
 * its answers, one line for each case, in words that can be compared between
 * implementations. A case is a line
 *
 *	NAME: COMMAND; COMMAND; ...
 *
 * It begins with no file open and ends by closing all. Commands and their answers
 * are described where they are: files.c, dma.c, device.c, process.c, memory.c.
 */
#include "conformance.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static const struct command_name *const tables[] = { group_commands, dma_commands, device_commands,
						     process_commands };

static command_fn find_command(const char *name)
{
	for (size_t t = 0; t < sizeof(tables) / sizeof(*tables); t++)
		for (const struct command_name *n = tables[t]; n->name; n++)
			if (!strcmp(n->name, name))
				return n->run;
	fprintf(stderr, "vfio-conformance: %s: no such command\n", name);
	exit(2);
}

static void run_command(char *text)
{
	struct command c = { 0 };

	for (char *w = strtok(text, " \t\n"); w; w = strtok(NULL, " \t\n"))
		if (c.argc < MAX_WORDS)
			c.argv[c.argc++] = w;
	if (c.argc)
		find_command(c.argv[0])(&c);
}

static void run_case(char *line)
{
	char *colon = strchr(line, ':'), *next, *p;

	if (!colon) {
		fprintf(stderr, "vfio-conformance: not a case: %s", line);
		exit(2);
	}
	*colon = 0;
	printf("%s:", line);
	for (p = colon + 1; p; p = next) {
		next = strchr(p, ';');
		if (next)
			*next++ = 0;
		run_command(p);
	}
	mem_reset();
	slots_close();
	printf("\n");
	fflush(stdout);
}

int main(int argc, char **argv)
{
	char line[4096];
	FILE *f;

	if (argc < 3 || argc > 2 + NR_DEVICES) {
		fprintf(stderr, "usage: vfio-conformance CASES DEVICE...\n");
		return 2;
	}
	f = fopen(argv[1], "re");
	if (!f) {
		perror(argv[1]);
		return 2;
	}
	for (int i = 2; i < argc; i++)
		devices[i - 2] = argv[i];
	while (fgets(line, sizeof(line), f))
		if (line[0] != '#' && line[0] != '\n')
			run_case(line);
	fclose(f);
	return 0;
}
