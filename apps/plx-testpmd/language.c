/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * From a line to a command: the patterns of the table (commands.h) say how lines are understood and
 * completed.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "commands.h"

#define WORDS_MAX 16
#define WORD_LEN  32

/* The word at *at; *at goes behind it. Return: its length, 0 at the end. */
static size_t next_word(const char **at, const char **word)
{
	size_t len;

	*at += strspn(*at, " ");
	*word = *at;
	len = strcspn(*at, " ");
	*at += len;
	return len;
}

static bool is_parameter(const char *word)
{
	return isupper((unsigned char)*word);
}

static bool same(const char *word, size_t len, const char *text)
{
	return strlen(text) == len && memcmp(word, text, len) == 0;
}

/* Do the first n words fit the pattern? whole: and is that all of it? */
static bool fits(const char *pattern, const char *const *words, unsigned int n, bool whole)
{
	const char *word;
	unsigned int i;
	size_t len;

	for (i = 0; i < n; i++) {
		len = next_word(&pattern, &word);
		if (!len || (!is_parameter(word) && !same(word, len, words[i])))
			return false;
	}
	return !whole || next_word(&pattern, &word) == 0;
}

static int call_for_port(const struct command *cmd, struct call *c, const char *id)
{
	unsigned int i;
	int err = 0, one;

	if (strcmp(id, "all")) {
		c->port = port_find(c->app, id);
		if (!c->port)
			return -ENODEV;
		c->id = (unsigned int)(c->port - c->app->ports);
		return cmd->run(c);
	}
	for (i = 0; i < c->app->port_count; i++) {
		c->port = &c->app->ports[i];
		c->id = i;
		one = c->port->port ? cmd->run(c) : 0;
		err = err ? err : one;
	}
	return err;
}

static int call(struct app *app, const struct command *cmd, const char *const *words)
{
	struct call c = {.app = app};
	const char *at = cmd->pattern, *word, *port = NULL;
	unsigned int i, n = 0;
	size_t len;

	for (i = 0; (len = next_word(&at, &word)); i++) {
		if (same(word, len, "PORT"))
			port = words[i];
		else if (is_parameter(word) && n < PARAMS_MAX)
			c.params[n++] = words[i];
	}
	return port ? call_for_port(cmd, &c, port) : cmd->run(&c);
}

int command_run(struct app *app, char *line)
{
	const char *words[WORDS_MAX];
	unsigned int n = 0, i;
	char *word;
	int err;

	line[strcspn(line, "#\n")] = 0;
	while ((word = strsep(&line, " \t"))) {
		if (!*word)
			continue;
		if (n == WORDS_MAX)
			return -E2BIG;
		words[n++] = word;
	}
	if (n == 0)
		return 0;
	for (i = 0; i < command_count; i++)
		if (fits(commands[i].pattern, words, n, true))
			break;
	if (i == command_count) {
		printf("no such command; try help\n");
		return -EINVAL;
	}
	err = call(app, &commands[i], words);
	if (err)
		printf("%s: %s\n", commands[i].pattern, strerror(-err));
	return err;
}

/* Word n of a command's pattern, if the words before it fit and it is no parameter; else NULL. */
static const char *word_of(unsigned int i, const char *const *before, unsigned int n, size_t *len)
{
	const char *at = commands[i].pattern, *word = NULL;
	unsigned int j;

	*len = 0;
	if (!fits(commands[i].pattern, before, n, false))
		return NULL;
	for (j = 0; j <= n; j++)
		*len = next_word(&at, &word);
	return *len && *len < WORD_LEN && !is_parameter(word) ? word : NULL;
}

/* Many commands have the same words: is it an earlier one's, too? */
static bool is_repeated(unsigned int i, const char *const *before, unsigned int n, const char *word,
			size_t len)
{
	unsigned int j;

	for (j = 0; j < i; j++) {
		size_t other_len;
		const char *other = word_of(j, before, n, &other_len);

		if (other && other_len == len && memcmp(other, word, len) == 0)
			return true;
	}
	return false;
}

const char *command_word(const char *const *before, unsigned int n, unsigned int index)
{
	static char text[WORD_LEN];
	unsigned int i;

	for (i = 0; i < command_count; i++) {
		size_t len;
		const char *word = word_of(i, before, n, &len);

		if (!word || is_repeated(i, before, n, word, len) || index--)
			continue;
		memcpy(text, word, len);
		text[len] = 0;
		return text;
	}
	return NULL;
}
