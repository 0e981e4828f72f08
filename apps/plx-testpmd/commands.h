/* SPDX-License-Identifier: BSD-3-Clause */
/* The commands of plx-testpmd: what commands.c (what they do) and language.c (how lines are
 * understood) share. */
#ifndef PLX_TESTPMD_COMMANDS_H
#define PLX_TESTPMD_COMMANDS_H

#include "testpmd.h"

#define PARAMS_MAX 4

struct call {
	struct app *app;
	struct test_port *port; /* of PORT */
	unsigned int id;
	const char *params[PARAMS_MAX]; /* without PORT */
};

struct command {
	const char *pattern, *help;
	int (*run)(struct call *c);
};

/**
 * The table. Words in lower case stand for themselves, those in upper case are parameters; a
 * handler gets the parameters in their order. PORT is a number or "all": the handler is called for
 * each port then.
 */
extern const struct command commands[];
extern const unsigned int command_count;

#endif /* PLX_TESTPMD_COMMANDS_H */
