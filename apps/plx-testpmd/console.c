/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Where plx-testpmd's commands come from: a terminal, with editing, completion and history by
 * libedit, or a file. While it waits for a key it looks after the ports' events.
 */
#include <editline/readline.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "testpmd.h"

#define PROMPT	     "testpmd> "
#define EVENTS_MS    100
#define WORDS_BEFORE 16

static struct app *the_app; /* libedit's callbacks have no argument */
static unsigned int failures;

/* --- Completion ----------------------------------------------------------------------------- */

/* The state of a completion: libedit asks for one match after the other. */
static const char *before[WORDS_BEFORE];
static unsigned int before_count;

static char *next_match(const char *start, int again)
{
	static unsigned int index;
	const char *word;

	if (!again)
		index = 0;
	while ((word = command_word(before, before_count, index))) {
		index++;
		if (strncmp(word, start, strlen(start)) == 0)
			return strdup(word);
	}
	return NULL;
}

static char **complete(const char *start, int from, int to)
{
	char *line = strndup(rl_line_buffer, (size_t)from), *rest = line, *word;
	char **matches;

	before_count = 0;
	while (line && (word = strsep(&rest, " ")))
		if (*word && before_count < WORDS_BEFORE)
			before[before_count++] = word;
	matches = rl_completion_matches(start, next_match);
	free(line);
	rl_attempted_completion_over = 1;
	return matches;
}

/* --- Terminal ------------------------------------------------------------------------------- */

static void on_line(char *line)
{
	if (!line) {
		the_app->quit = true;
		return;
	}
	if (*line)
		add_history(line);
	if (command_run(the_app, line))
		failures++;
	free(line);
	fflush(stdout);
}

unsigned int console_interactive(struct app *app)
{
	struct pollfd fds = {.fd = STDIN_FILENO, .events = POLLIN};

	the_app = app;
	failures = 0;
	rl_readline_name = "plx-testpmd";
	rl_attempted_completion_function = complete;
	rl_completion_append_character = ' ';
	using_history();
	rl_callback_handler_install(PROMPT, on_line);
	while (!app->quit) {
		int ready = poll(&fds, 1, EVENTS_MS);

		if (ready > 0 && (fds.revents & (POLLERR | POLLNVAL)))
			break;
		if (ready > 0)
			rl_callback_read_char();
		else if (ready < 0 && errno != EINTR)
			break;
		ports_events(app);
	}
	rl_callback_handler_remove();
	printf("\n");
	return failures;
}

/* --- Script --------------------------------------------------------------------------------- */

unsigned int console_script(struct app *app, const char *path)
{
	FILE *file = strcmp(path, "-") ? fopen(path, "re") : stdin;
	unsigned int failed = 0;
	char *line = NULL;
	size_t size = 0;

	if (!file) {
		fprintf(stderr, "plx-testpmd: %s: %s\n", path, strerror(errno));
		return 1;
	}
	while (!app->quit && getline(&line, &size, file) >= 0) {
		printf(PROMPT "%s%s", line, strchr(line, '\n') ? "" : "\n");
		failed += command_run(app, line) != 0;
		ports_events(app);
		fflush(stdout);
	}
	free(line);
	if (file != stdin)
		fclose(file);
	return failed;
}
