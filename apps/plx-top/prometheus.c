/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A sample as Prometheus text. Every number of a document becomes a sample of the metric
 * pollux_<path of its keys>, with a label for each object on the way that is member of an array: so
 * ports[0].rx_queues[1].packets is pollux_port_rx_queue_packets{process="fw",port="...",
 * rx_queue="1"}. Samples of a metric must stand together, so metrics are collected first.
 */
#include "plx-top.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define NAME_MAX_LEN   256
#define LABELS_MAX_LEN 1024

/* name -> array of "{labels} value" */
static json_t *metrics;

/* Metric names are [a-zA-Z0-9_]. */
static void append_name(char *name, const char *key)
{
	size_t at = strlen(name);

	for (; *key && at + 2 < NAME_MAX_LEN; key++)
		name[at++] =
			isalnum((unsigned char)*key) ? (char)tolower((unsigned char)*key) : '_';
	name[at] = '\0';
}

/* One of an array: "rx_queues" -> "rx_queue", "address_spaces" -> "address_space". */
static void singular(char *text, size_t size, const char *plural)
{
	size_t len;

	snprintf(text, size, "%s", plural);
	len = strlen(text);
	if (len && text[len - 1] == 's')
		text[len - 1] = '\0';
}

static const char *name_of(const json_t *object)
{
	const char *name = json_string_value(json_object_get(object, "name"));

	return name ? name : "";
}

/* Backslash, quote and newline are escaped in a label's value. A label without room is left out. */
static void append_label(char *labels, const char *key, const char *value)
{
	size_t before = strlen(labels), at = before;

	at += (size_t)snprintf(labels + at, LABELS_MAX_LEN - at, "%s%s=\"", at ? "," : "", key);
	if (at + 2 > LABELS_MAX_LEN) {
		labels[before] = '\0';
		return;
	}
	for (; *value && at + 4 < LABELS_MAX_LEN; value++) {
		if (*value == '\\' || *value == '"' || *value == '\n')
			labels[at++] = '\\';
		labels[at++] = *value == '\n' ? 'n' : *value;
	}
	snprintf(labels + at, LABELS_MAX_LEN - at, "\"");
}

static void add_sample(const char *name, const char *labels, const json_t *value)
{
	json_t *samples = json_object_get(metrics, name);

	if (!samples) {
		samples = json_array();
		json_object_set_new(metrics, name, samples);
	}
	if (json_is_integer(value))
		json_array_append_new(samples, json_sprintf("{%s} %" JSON_INTEGER_FORMAT, labels,
							    json_integer_value(value)));
	else
		json_array_append_new(samples,
				      json_sprintf("{%s} %.6f", labels, json_number_value(value)));
}

static void walk(const char *name, const char *labels, const json_t *object);

static void walk_array(const char *name, const char *labels, const char *key, const json_t *array)
{
	char one[64], path[NAME_MAX_LEN], own[LABELS_MAX_LEN];
	json_t *element;
	size_t i;

	singular(one, sizeof(one), key);
	snprintf(path, sizeof(path), "%s_", name);
	append_name(path, one);
	json_array_foreach(array, i, element)
	{
		snprintf(own, sizeof(own), "%s", labels);
		append_label(own, one, name_of(element));
		walk(path, own, element);
	}
}

static void walk(const char *name, const char *labels, const json_t *object)
{
	const char *key;
	json_t *value;

	json_object_foreach((json_t *)object, key, value)
	{
		char path[NAME_MAX_LEN];

		snprintf(path, sizeof(path), "%s_", name);
		append_name(path, key);
		if (json_is_array(value))
			walk_array(name, labels, key, value);
		else if (json_is_object(value))
			walk(path, labels, value);
		else if (json_is_number(value))
			add_sample(path, labels, value);
	}
}

int prometheus_write(const json_t *sample, FILE *file)
{
	json_t *document, *samples, *line;
	const char *name;
	size_t i;

	metrics = json_object();
	json_array_foreach(sample, i, document)
	{
		char labels[LABELS_MAX_LEN] = "";

		append_label(labels, "process", name_of(document));
		walk("pollux", labels, document);
	}
	json_object_foreach(metrics, name, samples)
	{
		fprintf(file, "# TYPE %s untyped\n", name);
		json_array_foreach(samples, i, line)
			fprintf(file, "%s%s\n", name, json_string_value(line));
	}
	json_decref(metrics);
	metrics = NULL;
	return fflush(file) || ferror(file) ? -1 : 0;
}

int prometheus_save(const json_t *sample, const char *path)
{
	char temporary[4096];
	FILE *file;
	int err;

	if (snprintf(temporary, sizeof(temporary), "%s.%d", path, getpid()) >=
	    (int)sizeof(temporary)) {
		fprintf(stderr, "plx-top: %s: the name is too long\n", path);
		return -1;
	}
	file = fopen(temporary, "wxe");
	err = file ? prometheus_write(sample, file) : -1;
	if (file && fclose(file))
		err = -1;
	if (!err && rename(temporary, path) == 0)
		return 0;
	fprintf(stderr, "plx-top: %s cannot be written: %s\n", path, strerror(errno));
	unlink(temporary);
	return -1;
}
