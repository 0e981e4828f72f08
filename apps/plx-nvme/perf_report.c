/* SPDX-License-Identifier: BSD-3-Clause */
/* What plx-nvme perf says: a line of progress, and at the end a table or JSON. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "perf.h"

static const struct {
	const char *name;
	double part;
} percentiles[] = {
	{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p99.9", 0.999}, {"p99.99", 0.9999},
};
#define PERCENTILES (sizeof(percentiles) / sizeof(percentiles[0]))

void perf_progress(const struct perf *p, unsigned int second)
{
	static uint64_t before;
	uint64_t total = p->reads.count + p->writes.count;

	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%5u s  %10" PRIu64 " IOPS  %9.1f MiB/s ", second, total - before,
			(double)(total - before) * p->options.block_bytes / MIB);
	before = total;
}

static double per_second(const struct perf *p, uint64_t count)
{
	return p->seconds > 0 ? (double)count / p->seconds : 0;
}

/* --- Table ---------------------------------------------------------------------------------- */

static void print_direction(const struct perf *p, const char *name, const struct latency *l)
{
	size_t i;

	if (l->count == 0)
		return;
	printf("  %-6s %12" PRIu64 " I/Os %12.0f IOPS %10.1f MiB/s\n", name, l->count,
	       per_second(p, l->count), per_second(p, l->count) * p->options.block_bytes / MIB);
	printf("    latency, us: min %.1f, mean %.1f", (double)l->min_ns / 1e3,
	       (double)l->sum_ns / (double)l->count / 1e3);
	for (i = 0; i < PERCENTILES; i++)
		printf(", %s %.1f", percentiles[i].name,
		       latency_percentile(l, percentiles[i].part) / 1e3);
	printf(", max %.1f\n", (double)l->max_ns / 1e3);
}

static void print_table(const struct perf *p)
{
	const struct perf_options *o = &p->options;

	printf("%s namespace %u: %s, %u bytes, %u in flight, %.2f s, %s, CPU %.0f %%\n",
	       p->target.bdf, p->target.nsid, o->mode, o->block_bytes, o->depth, p->seconds,
	       o->interrupt ? "interrupts" : "polled",
	       p->seconds > 0 ? 100 * p->cpu_seconds / p->seconds : 0);
	print_direction(p, "read", &p->reads);
	print_direction(p, "write", &p->writes);
	printf("  errors %" PRIu64 "\n", p->errors);
}

/* --- JSON ----------------------------------------------------------------------------------- */

static json_t *latency_json(const struct latency *l)
{
	json_t *o = json_object();
	size_t i;

	if (l->count == 0)
		return o;
	json_object_set_new(o, "min", json_real((double)l->min_ns / 1e3));
	json_object_set_new(o, "mean", json_real((double)l->sum_ns / (double)l->count / 1e3));
	for (i = 0; i < PERCENTILES; i++)
		json_object_set_new(o, percentiles[i].name,
				    json_real(latency_percentile(l, percentiles[i].part) / 1e3));
	json_object_set_new(o, "max", json_real((double)l->max_ns / 1e3));
	return o;
}

static json_t *direction_json(const struct perf *p, const struct latency *l)
{
	return json_pack("{s:I, s:f, s:f, s:o}", "ios", (json_int_t)l->count, "iops",
			 per_second(p, l->count), "mib_per_s",
			 per_second(p, l->count) * p->options.block_bytes / MIB, "latency_us",
			 latency_json(l));
}

/* Both directions together, then each. */
static json_t *to_json(const struct perf *p)
{
	const struct perf_options *o = &p->options;
	json_t *json = json_object(), *more;
	struct latency all;

	if (latency_init(&all) == 0) {
		latency_merge(&all, &p->reads);
		latency_merge(&all, &p->writes);
		json_object_update_new(json, direction_json(p, &all));
		latency_fini(&all);
	}
	more = json_pack("{s:s, s:I, s:s, s:I, s:i, s:b, s:f, s:f, s:I, s:o, s:o}", "bdf",
			 p->target.bdf, "nsid", (json_int_t)p->target.nsid, "rw", o->mode, "bs",
			 (json_int_t)o->block_bytes, "qd", (int)o->depth, "interrupt", o->interrupt,
			 "seconds", p->seconds, "cpu_seconds", p->cpu_seconds, "errors",
			 (json_int_t)p->errors, "read", direction_json(p, &p->reads), "write",
			 direction_json(p, &p->writes));
	json_object_update_new(json, more);
	return json;
}

int perf_report(const struct perf *p)
{
	int status;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (p->target.json) {
		status = print_json(to_json(p));
	} else {
		print_table(p);
		status = finish_stdout(EXIT_SUCCESS);
	}
	return p->failed ? EXIT_FAILURE : status;
}
