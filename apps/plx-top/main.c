/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-top: the statistics of the Pollux processes that run, live, as JSON, or for Prometheus. */
#include "plx-top.h"

#include <argp.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/common.h"

#define EXIT_USAGE 2

enum format {
	FORMAT_SCREEN,
	FORMAT_JSON,
	FORMAT_PROMETHEUS,
	FORMAT_HTTP,
};

static struct {
	const char *name;
	const char *save; /* file for Prometheus; NULL: standard output */
	enum format format;
	bool once;
	uint16_t port;
	unsigned int interval_ms;
} options = {.interval_ms = 1000};

enum {
	OPT_ONCE = 0x1000,
	OPT_JSON,
	OPT_PROMETHEUS,
	OPT_LISTEN,
	OPT_INTERVAL,
};

static const struct argp_option argp_options[] = {
	{"once", OPT_ONCE, NULL, 0, "Print one sample and end", 0},
	{"json", OPT_JSON, NULL, 0, "As JSON: an array of documents, one line a sample", 0},
	{"prometheus", OPT_PROMETHEUS, "FILE", OPTION_ARG_OPTIONAL,
	 "As Prometheus text, into a FILE that is replaced each time (for node_exporter's textfile "
	 "collector), or to standard output",
	 0},
	{"listen", OPT_LISTEN, "PORT", 0,
	 "Answer Prometheus at http://127.0.0.1:PORT/metrics (0: any port) until a signal comes; "
	 "every "
	 "user of this machine can ask",
	 0},
	{"interval", OPT_INTERVAL, "MS", 0, "Between samples, in milliseconds (default: 1000)", 0},
	{0},
};

static error_t parse(int key, char *arg, struct argp_state *state)
{
	switch (key) {
	case OPT_ONCE:
		options.once = true;
		return 0;
	case OPT_JSON:
		options.format = FORMAT_JSON;
		return 0;
	case OPT_PROMETHEUS:
		options.format = FORMAT_PROMETHEUS;
		options.save = arg;
		return 0;
	case OPT_LISTEN:
		options.format = FORMAT_HTTP;
		options.port = (uint16_t)app_parse_number(state, "listen", arg, 10, 0, 65535);
		return 0;
	case OPT_INTERVAL:
		options.interval_ms =
			(unsigned int)app_parse_number(state, "interval", arg, 10, 10, 3600000);
		return 0;
	case ARGP_KEY_ARG:
		if (options.name)
			argp_error(state, "one NAME, or none for all");
		options.name = arg;
		return 0;
	case ARGP_KEY_END:
		if (options.once &&
		    (options.format == FORMAT_SCREEN || options.format == FORMAT_HTTP))
			argp_error(state, "--once needs --json or --prometheus");
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static int print_sample(const json_t *sample)
{
	if (options.format == FORMAT_JSON)
		return json_dumpf(sample, stdout, JSON_COMPACT | JSON_PRESERVE_ORDER) ||
		       putchar('\n') == EOF || fflush(stdout);
	if (options.save)
		return prometheus_save(sample, options.save);
	return prometheus_write(sample, stdout);
}

static int print_samples(void)
{
	do {
		json_t *sample = collect(options.name);
		int err = sample ? print_sample(sample) : -1;

		json_decref(sample);
		if (err)
			return EXIT_FAILURE;
		if (!options.once)
			usleep(options.interval_ms * 1000);
	} while (!options.once);
	return EXIT_SUCCESS;
}

int main(int argc, char **argv)
{
	static const struct argp argp = {
		.options = argp_options,
		.parser = parse,
		.args_doc = "[NAME]",
		.doc = "Show the statistics of the Pollux processes of this user that have a name "
		       "(--name), or of one: lcores, ports, controllers, memory.",
	};

	argp_err_exit_status = EXIT_USAGE;
	argp_parse(&argp, argc, argv, 0, NULL, NULL);
	switch (options.format) {
	case FORMAT_SCREEN:
		return screen_run(options.name, options.interval_ms);
	case FORMAT_HTTP:
		return http_run(options.name, options.port);
	case FORMAT_JSON:
	case FORMAT_PROMETHEUS:
		break;
	}
	return print_samples();
}
