/* SPDX-License-Identifier: BSD-3-Clause */
/* nvme-integrity: the command line; see integrity.h. */
#include <argp.h>
#include <stdlib.h>

#include <pollux/eal.h>

#include "integrity.h"

enum key {
	KEY_QD = 0x100,
	KEY_QUEUES,
	KEY_SECONDS,
	KEY_RESET,
	KEY_SIZE,
	KEY_SEED,
	KEY_CHURN,
	KEY_ERRORS,
	KEY_CHECK,
};

static unsigned int number(struct argp_state *state, const char *arg, unsigned int most)
{
	char *end;
	unsigned long n = strtoul(arg, &end, 10);

	if (*end || end == arg || n > most)
		argp_error(state, "\"%s\": give a number up to %u", arg, most);
	return (unsigned int)n;
}

static error_t parse_option(int key, char *arg, struct argp_state *state)
{
	struct options *o = state->input;

	switch (key) {
	case KEY_QD:
		o->qd = number(state, arg, 1024);
		return 0;
	case KEY_QUEUES:
		o->queues = number(state, arg, 8);
		return 0;
	case KEY_SECONDS:
		o->seconds = number(state, arg, 100000);
		return 0;
	case KEY_RESET:
		o->reset_ms = number(state, arg, 100000);
		return 0;
	case KEY_SIZE:
		if (plx_parse_size(arg, &o->size))
			argp_error(state, "\"%s\": give a size such as 16M", arg);
		return 0;
	case KEY_SEED:
		o->seed = number(state, arg, 1u << 30);
		return 0;
	case KEY_CHURN:
		o->churn = true;
		return 0;
	case KEY_ERRORS:
		o->errors = true;
		return 0;
	case KEY_CHECK:
		o->check = true;
		return 0;
	case ARGP_KEY_ARG:
		if (o->journal)
			argp_usage(state);
		*(o->device ? &o->journal : &o->device) = arg;
		return 0;
	case ARGP_KEY_END:
		if (!o->journal || !o->qd || !o->queues || (o->churn && o->reset_ms))
			argp_usage(state);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

int main(int argc, char **argv)
{
	static const struct argp_option argp_options[] = {
		{"qd", KEY_QD, "N", 0, "Transfers in flight (32)", 0},
		{"queues", KEY_QUEUES, "N", 0, "Queue pairs they go through (2)", 0},
		{"seconds", KEY_SECONDS, "N", 0, "So long; then all is read (5)", 0},
		{"reset-ms", KEY_RESET, "MS", 0, "Reset the controller each so often", 0},
		{"churn", KEY_CHURN, NULL, 0, "A thread opens and closes queue pairs", 0},
		{"errors", KEY_ERRORS, NULL, 0, "The device has errors: they are counted", 0},
		{"size", KEY_SIZE, "BYTES", 0, "Of the namespace to use (all)", 0},
		{"seed", KEY_SEED, "N", 0, "Of the random numbers (1)", 0},
		{"check", KEY_CHECK, NULL, 0, "Only look, at the block device DEVICE", 0},
		{0}};
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse_option,
		.args_doc = "DEVICE JOURNAL",
		.doc = "Random I/O of blocks that know what they are; DEVICE is a BDF, or with "
		       "--check a path."};
	struct options options = {.qd = 32, .queues = 2, .seconds = 5, .seed = 1};
	struct plx_eal_config eal = {.log_levels = "error"};
	int status;

	argp_parse(&argp, argc, argv, 0, NULL, &options);
	if (options.check)
		return check(&options);
	if (plx_eal_init(&eal))
		return EXIT_FAILURE;
	status = work(&options);
	return plx_eal_fini() ? EXIT_FAILURE : status;
}
