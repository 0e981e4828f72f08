/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Inside telemetry: whoever has statistics is a source, which fills in one object of the document
 * when it is asked for. Life is called by eal.c; the rest is <pollux/telemetry.h>.
 */
#ifndef PLX_EAL_TELEMETRY_H
#define PLX_EAL_TELEMETRY_H

#include <jansson.h>

#include <pollux/telemetry.h>

/** A member of the object that has this source: zero it before. */
struct plx_telemetry_source {
	const char *array; /**< of the document: "ports", ...; constant */
	/**
	 * Set the members of an empty object. On any thread, and never at the same time as
	 * another fill; must not add or remove sources.
	 */
	void (*fill)(json_t *object, void *arg);
	void *arg;
	struct plx_telemetry_source *next;
};

/** From here on it may be asked. */
void plx_telemetry_add(struct plx_telemetry_source *source);
/** On return it is not being asked, and will not be. One that was not added is let be. */
void plx_telemetry_remove(struct plx_telemetry_source *source);

/** Set an unsigned counter. JSON's integers have a sign: the highest bit is left out. */
void plx_telemetry_set(json_t *object, const char *key, uint64_t value);

/** Serve the document by a socket in the run directory. Return: 0 or a negative errno, logged. */
int plx_telemetry_start(void);
void plx_telemetry_stop(void);

#endif /* PLX_EAL_TELEMETRY_H */
