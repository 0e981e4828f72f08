/* SPDX-License-Identifier: BSD-3-Clause */
/* Reading the telemetry of the processes that run. */
#include "plx-top.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

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

json_t *collect(const char *name)
{
	json_t *sample = json_array();
	int err = name ? add_process(name, sample) : plx_telemetry_list(add_process, sample);

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
