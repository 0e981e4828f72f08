/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-top: what its files share. A sample is an array of telemetry documents. */
#ifndef PLX_TOP_H
#define PLX_TOP_H

#include <jansson.h>
#include <stdio.h>

/** The documents of the process with this name, or of all (NULL). NULL on failure, told of. */
json_t *collect(const char *name);

/** Write a sample in the Prometheus text format (version 0.0.4). Return: 0 or -1. */
int prometheus_write(const json_t *sample, FILE *file);
/** The same into a file that is replaced at once, so that no reader sees half of it. */
int prometheus_save(const json_t *sample, const char *path);

/** Show samples every interval_ms until 'q' is pressed or a signal comes. Return: exit status. */
int screen_run(const char *name, unsigned int interval_ms);

#endif /* PLX_TOP_H */
