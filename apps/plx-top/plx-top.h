/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-top: what its files share. A sample is an array of telemetry documents. */
#ifndef PLX_TOP_H
#define PLX_TOP_H

#include <jansson.h>
#include <stdint.h>
#include <stdio.h>

/**
 * The documents of the process with this name, or of all (NULL); of one that does not answer then
 * {name, error}. NULL on failure, told of.
 */
json_t *collect(const char *name);

/** Write a sample in the Prometheus text format (version 0.0.4). Return: 0 or -1. */
int prometheus_write(const json_t *sample, FILE *file);
/** The same into a file that is replaced at once, so that no reader sees half of it. */
int prometheus_save(const json_t *sample, const char *path);

/**
 * Answer Prometheus by HTTP, on this machine's loopback address and nowhere else.
 * @name: as for collect(); must stay
 * @port: in: 0 for any; out: which
 * Return: 0 or -1, told of.
 */
int http_start(const char *name, uint16_t *port);
void http_stop(void);
/** The same until a signal comes. Return: exit status. */
int http_run(const char *name, uint16_t port);

/** Show samples every interval_ms until 'q' is pressed or a signal comes. Return: exit status. */
int screen_run(const char *name, unsigned int interval_ms);

#endif /* PLX_TOP_H */
