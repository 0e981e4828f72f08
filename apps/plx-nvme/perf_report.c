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

static uint64_t relaxed(const uint64_t *counter)
{
	return __atomic_load_n(counter, __ATOMIC_RELAXED);
}

void perf_progress(const struct perf *p, unsigned int second)
{
	static uint64_t before;
	uint64_t total = 0;
	unsigned int i;

	for (i = 0; i < p->n_queues; i++)
		total += relaxed(&p->queues[i].reads.count) + relaxed(&p->queues[i].writes.count);
	if (isatty(STDERR_FILENO))
		fprintf(stderr, "\r%5u s  %10" PRIu64 " IOPS  %9.1f MiB/s ", second, total - before,
			(double)(total - before) * p->options.block_bytes / MIB);
	before = total;
}

static double per_second(const struct perf *p, uint64_t count)
{
	return p->seconds > 0 ? (double)count / p->seconds : 0;
}

/* --- Totals --------------------------------------------------------------------------------- */

/* What the queue pairs of a target, or of all (NULL), did. */
struct totals {
	struct latency reads, writes, all;
	uint64_t errors;
};

static void totals_fini(struct totals *t)
{
	latency_fini(&t->reads);
	latency_fini(&t->writes);
	latency_fini(&t->all);
}

static int totals_init(const struct perf *p, const struct target *target, struct totals *t)
{
	unsigned int i;

	*t = (struct totals){0};
	if (latency_init(&t->reads) || latency_init(&t->writes) || latency_init(&t->all)) {
		totals_fini(t);
		target_error(&p->targets[0], "no memory for the report");
		return -1;
	}
	for (i = 0; i < p->n_queues; i++) {
		const struct perf_queue *q = &p->queues[i];

		if (target && q->target != target)
			continue;
		latency_merge(&t->reads, &q->reads);
		latency_merge(&t->writes, &q->writes);
		t->errors += q->errors;
	}
	latency_merge(&t->all, &t->reads);
	latency_merge(&t->all, &t->writes);
	return 0;
}

static const char *waiting(const struct perf_options *o)
{
	if (o->adaptive)
		return "adaptive";
	return o->interrupt ? "interrupts" : "polled";
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

static void print_target(const struct perf *p, const struct target *target)
{
	struct totals t;

	if (totals_init(p, target, &t))
		return;
	print_direction(p, "read", &t.reads);
	print_direction(p, "write", &t.writes);
	printf("  errors %" PRIu64 "\n", t.errors);
	totals_fini(&t);
}

static void print_table(const struct perf *p)
{
	const struct perf_options *o = &p->options;
	unsigned int i;

	for (i = 0; i < p->n_targets; i++)
		printf("%s namespace %u: ", p->targets[i].bdf, p->targets[i].nsid);
	printf("%s, %u bytes, ", o->mode, o->block_bytes);
	if (p->n_queues > 1)
		printf("%u queue pairs on %u lcores, each ", p->n_queues, p->n_lcores);
	printf("%u in flight, ", o->depth);
	if (o->rate)
		printf("at most %" PRIu64 "/s, ", o->rate);
	printf("%.2f s, %s, CPU %.0f %%\n", p->seconds, waiting(o),
	       p->seconds > 0 ? 100 * p->cpu_seconds / p->seconds : 0);
	for (i = 0; i < p->n_targets && p->n_targets > 1; i++) {
		printf("%s\n", p->targets[i].bdf);
		print_target(p, &p->targets[i]);
	}
	if (p->n_targets > 1)
		puts("all");
	print_target(p, NULL);
}

/* --- JSON ----------------------------------------------------------------------------------- */

/* Bins that are not empty: [from, below, count], in us. */
static json_t *histogram_json(const struct latency *l)
{
	json_t *bins = json_array();
	size_t i;

	for (i = 0; i < LATENCY_BINS; i++)
		if (l->histogram->bin[i] > 0)
			json_array_append_new(bins,
					      json_pack("[f, f, I]", l->histogram->range[i] / 1e3,
							l->histogram->range[i + 1] / 1e3,
							(json_int_t)l->histogram->bin[i]));
	return bins;
}

static json_t *latency_json(const struct perf *p, const struct latency *l)
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
	if (p->options.histogram)
		json_object_set_new(o, "histogram", histogram_json(l));
	return o;
}

static json_t *direction_json(const struct perf *p, const struct latency *l)
{
	return json_pack("{s:I, s:f, s:f, s:o}", "ios", (json_int_t)l->count, "iops",
			 per_second(p, l->count), "mib_per_s",
			 per_second(p, l->count) * p->options.block_bytes / MIB, "latency_us",
			 latency_json(p, l));
}

/* Both directions together, then each. */
static json_t *totals_json(const struct perf *p, const struct target *target)
{
	json_t *json, *more;
	struct totals t;

	if (totals_init(p, target, &t))
		return NULL;
	json = direction_json(p, &t.all);
	more = json_pack("{s:I, s:o, s:o}", "errors", (json_int_t)t.errors, "read",
			 direction_json(p, &t.reads), "write", direction_json(p, &t.writes));
	json_object_update(json, more);
	json_decref(more);
	totals_fini(&t);
	return json;
}

static json_t *to_json(const struct perf *p)
{
	const struct perf_options *o = &p->options;
	json_t *json = totals_json(p, NULL), *controllers = json_array(), *more;
	unsigned int i;

	for (i = 0; i < p->n_targets; i++) {
		json_t *c = totals_json(p, &p->targets[i]);

		json_object_set_new(c, "bdf", json_string(p->targets[i].bdf));
		json_object_set_new(c, "nsid", json_integer(p->targets[i].nsid));
		json_array_append_new(controllers, c);
	}
	more = json_pack("{s:s, s:s, s:b, s:i, s:i, s:i, s:I, s:I, s:f, s:f, s:o}", "rw", o->mode,
			 "waiting", waiting(o), "sq_in_cmb", p->queues[0].sq_in_cmb, "qd",
			 (int)o->depth, "queues", (int)p->n_queues, "lcores", (int)p->n_lcores,
			 "bs", (json_int_t)o->block_bytes, "rate", (json_int_t)o->rate, "seconds",
			 p->seconds, "cpu_seconds", p->cpu_seconds, "controllers", controllers);
	if (!json || json_object_update(json, more)) {
		json_decref(json);
		json = NULL;
	}
	json_decref(more);
	return json;
}

int perf_report(const struct perf *p)
{
	int status;

	if (isatty(STDERR_FILENO))
		fputs("\r\033[K", stderr);
	if (p->targets[0].json) {
		status = print_json(to_json(p));
	} else {
		print_table(p);
		status = finish_stdout(EXIT_SUCCESS);
	}
	return p->failed ? EXIT_FAILURE : status;
}
