/* SPDX-License-Identifier: BSD-3-Clause */
/* What the commands share: the device they work on, parsing of values, signals; see app.h. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/pci.h>

#include "app.h"
#include "common/common.h"

#define CHECKS_PER_S 10

volatile sig_atomic_t app_stop;

static void on_signal(int number)
{
	app_stop = 1;
}

void catch_signals(void)
{
	app_catch_signals(on_signal);
}

/* --- Command line --------------------------------------------------------------------------- */

uint64_t parse_number(struct argp_state *state, const char *name, const char *text, uint64_t min,
		      uint64_t max)
{
	return app_parse_number(state, name, text, 0, min, max);
}

uint64_t parse_bytes(struct argp_state *state, const char *name, const char *text, uint64_t min,
		     uint64_t max)
{
	size_t value = 0;

	if (plx_parse_size(text, &value) || value < min || value > max)
		argp_error(state, "--%s: \"%.40s\" is not a size from %llu to %llu bytes", name,
			   text, (unsigned long long)min, (unsigned long long)max);
	return value;
}

enum key {
	KEY_NS = 0x200,
	KEY_JSON,
	KEY_TIMEOUT,
	KEY_SHADOW,
	KEY_CMB,
};

static const struct argp_option target_options[] = {
	{"ns", KEY_NS, "N", 0, "Namespace (the first)", 5},
	{"json", KEY_JSON, NULL, 0, "Print JSON", 5},
	{"shadow-doorbells", KEY_SHADOW, NULL, 0, "Doorbells in memory, if it has them", 5},
	{"cmb", KEY_CMB, NULL, 0, "Submission queues in its own memory, if it has some", 5},
	{"timeout", KEY_TIMEOUT, "S", 0, "A command that takes longer is an error (30)", 5},
	{0},
};

static void set_bdf(struct argp_state *state, struct target *t, const char *bdf)
{
	struct plx_pci_addr addr;

	if (t->bdf || t->path)
		argp_error(state, "more than one: %s and %.40s", t->bdf ? t->bdf : t->path, bdf);
	if (t->takes_path && strchr(bdf, '/')) {
		t->path = bdf;
		return;
	}
	if (plx_pci_parse(bdf, &addr))
		argp_error(state, "\"%.40s\" is not a PCI address such as 0000:01:00.0", bdf);
	t->bdf = bdf;
}

static error_t parse_target(int key, char *arg, struct argp_state *state)
{
	struct target *t = state->input;

	switch (key) {
	case ARGP_KEY_INIT:
		state->child_inputs[0] = &t->eal;
		return 0;
	case ARGP_KEY_ARG:
		set_bdf(state, t, arg);
		return 0;
	case ARGP_KEY_NO_ARGS:
		argp_error(state, "which controller? `plx-nvme list' names them");
		return 0;
	case KEY_NS:
		t->nsid = (uint32_t)parse_number(state, "ns", arg, 1, UINT32_MAX - 1);
		return 0;
	case KEY_JSON:
		t->json = true;
		return 0;
	case KEY_SHADOW:
		t->config.shadow_doorbells = true;
		return 0;
	case KEY_CMB:
		t->config.cmb = true;
		return 0;
	case KEY_TIMEOUT:
		t->timeout_s = (unsigned int)parse_number(state, "timeout", arg, 1, 86400);
		return 0;
	default:
		return ARGP_ERR_UNKNOWN;
	}
}

static const struct argp_child target_children[] = {{&plx_eal_argp, 0, "EAL options:", 10}, {0}};

static const struct argp target_argp = {
	.options = target_options,
	.parser = parse_target,
	.children = target_children,
};

void target_parse(int argc, char **argv, const struct argp *argp, void *input)
{
	static const struct argp_child children[] = {{&target_argp, 0, NULL, 0}, {0}};
	struct argp whole = *argp;

	whole.children = children;
	if (!whole.args_doc)
		whole.args_doc = "BDF";
	argp_parse(&whole, argc, argv, 0, NULL, input);
}

/* --- Target --------------------------------------------------------------------------------- */

void target_error(const struct target *t, const char *fmt, ...)
{
	va_list ap;

	fprintf(stderr, "%s: ", t->command);
	if (t->bdf)
		fprintf(stderr, "%s: ", t->bdf);
	va_start(ap, fmt);
	vfprintf(stderr, fmt, ap);
	va_end(ap);
	fputc('\n', stderr);
}

int target_open(struct target *t)
{
	int err = t->eal_is_up ? 0 : plx_eal_init(&t->eal);

	if (err)
		return err == -EINVAL ? EXIT_USAGE : EXIT_FAILURE;
	t->eal_up = !t->eal_is_up;
	t->config.io_queues = t->io_queues;
	t->config.io_timeout_ms = t->timeout_s * 1000;
	t->ctrl = plx_nvme_ctrl_open(t->bdf, &t->config);
	if (!t->ctrl) {
		target_error(t, "cannot open it: %s", strerror(errno));
		return EXIT_FAILURE;
	}
	plx_nvme_ctrl_info(t->ctrl, &t->info);
	return EXIT_SUCCESS;
}

int target_open_ns(struct target *t)
{
	uint32_t id = t->nsid ? t->nsid : plx_nvme_ns_next(t->ctrl, 0);

	if (id == 0) {
		target_error(t, "has no active namespace; create and attach one");
		return EXIT_FAILURE;
	}
	t->ns = plx_nvme_ns_open(t->ctrl, id);
	if (!t->ns) {
		target_error(t, "cannot open namespace %u: %s", id, strerror(errno));
		return EXIT_FAILURE;
	}
	t->nsid = id;
	t->ns_info = plx_nvme_ns_info(t->ns);
	return EXIT_SUCCESS;
}

int target_close(struct target *t, int status)
{
	plx_nvme_ctrl_close(t->ctrl);
	if (t->eal_up && plx_eal_fini() && status == EXIT_SUCCESS)
		status = EXIT_FAILURE;
	return status;
}

static int check_events(struct target *t)
{
	int events = plx_dev_events(plx_nvme_ctrl_dev(t->ctrl));

	if (events & PLX_DEV_EVENT_REMOVE) {
		target_error(t, "the host wants it back (unbind or hot unplug): ending");
		return -ENODEV;
	}
	if (events & PLX_DEV_EVENT_ERROR) {
		target_error(t, "uncorrectable PCIe error (AER): ending");
		return -EIO;
	}
	switch (plx_nvme_ctrl_state(t->ctrl)) {
	case PLX_NVME_READY:
		return 0;
	case PLX_NVME_GONE:
		target_error(t, "gone: ending");
		return -ENODEV;
	default:
		target_error(t, "broken: ending");
		return -EIO;
	}
}

int target_check(struct target *t)
{
	uint64_t now = plx_tsc();

	if (t->check_err || now < t->next_check)
		return t->check_err;
	t->next_check = now + plx_tsc_hz / CHECKS_PER_S;
	t->check_err = check_events(t);
	return t->check_err;
}

/* --- Output --------------------------------------------------------------------------------- */

int finish_stdout(int status)
{
	if (fflush(stdout) == 0 && !ferror(stdout))
		return status;
	fprintf(stderr, "plx-nvme: stdout: %s\n", strerror(errno));
	return status == EXIT_SUCCESS ? EXIT_FAILURE : status;
}

int print_json(json_t *value)
{
	int status = EXIT_FAILURE;

	if (!value)
		fprintf(stderr, "plx-nvme: out of memory for the report\n");
	else if (json_dumpf(value, stdout, JSON_INDENT(2) | JSON_REAL_PRECISION(6)) == 0)
		status = EXIT_SUCCESS;
	putchar('\n');
	json_decref(value);
	return finish_stdout(status);
}
