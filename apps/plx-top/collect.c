/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the telemetry of the processes that run. */
#include "plx-top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pollux/telemetry.h>

/* A process may end between being listed and being read: that is no failure of ours. */
static int add_process(const char *name, void *arg)
{
	json_t *document;
	char *text;
	int err = plx_telemetry_read(name, &text);

	if (err)
		return err == -ENOENT ? 0 : err;
	document = json_loads(text, 0, NULL);
	free(text);
	if (!json_is_object(document)) {
		json_decref(document);
		return -EPROTO;
	}
	json_array_append_new(arg, document);
	return 0;
}

/* --- All of them ----------------------------------------------------------------------------- */

/* One that hangs answers no question, and each takes seconds: it is asked again after a while. */
#define SILENCE_S 30

static json_t *silent; /* name -> {error, again: when} */

static json_int_t now_s(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec;
}

static const char *kept_silent(const char *name)
{
	const json_t *entry = json_object_get(silent, name);

	if (!entry || now_s() >= json_integer_value(json_object_get(entry, "again")))
		return NULL;
	return json_string_value(json_object_get(entry, "error"));
}

static void note_silence(const char *name, int err)
{
	if (!silent)
		silent = json_object();
	json_object_set_new(
		silent, name,
		json_pack("{s:s, s:I}", "error", strerror(-err), "again", now_s() + SILENCE_S));
}

/* Whatever one does, the others are shown. */
static int add_any(const char *name, void *arg)
{
	const char *error = kept_silent(name);

	if (!error) {
		int err = add_process(name, arg);

		if (!err) {
			json_object_del(silent, name);
			return 0;
		}
		note_silence(name, err);
		error = strerror(-err);
	}
	json_array_append_new(arg, json_pack("{s:s, s:s}", "name", name, "error", error));
	return 0;
}

json_t *collect(const char *name)
{
	json_t *sample = json_array();
	int err = name ? add_process(name, sample) : plx_telemetry_list(add_any, sample);

	if (!err && name && json_array_size(sample) == 0)
		err = -ENOENT;
	if (!err)
		return sample;
	json_decref(sample);
	if (err == -ENOENT)
		fprintf(stderr,
			"plx-top: no process of yours has the name %s; start one with "
			"--name %s\n",
			name, name);
	else
		fprintf(stderr, "plx-top: the statistics of %s cannot be read: %s\n",
			name ? name : "a process", strerror(-err));
	return NULL;
}
