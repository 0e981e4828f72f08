/* SPDX-License-Identifier: BSD-3-Clause */
/* Latency histograms; see latency.h. Used by perf.c. */
#include <errno.h>
#include <stdlib.h>

#include "latency.h"

/* The smallest latency of a bin; the inverse of latency_bin(). */
static double bin_start(size_t bin)
{
	size_t sub = (size_t)1 << LATENCY_SUB_SHIFT, shift;

	if (bin < 2 * sub)
		return (double)bin;
	shift = (bin >> LATENCY_SUB_SHIFT) - 1;
	return (double)((sub + (bin & (sub - 1))) << shift);
}

int latency_init(struct latency *l)
{
	double *range = calloc(LATENCY_BINS + 1, sizeof(*range));
	size_t i;

	*l = (struct latency){.min_ns = UINT64_MAX, .histogram = gsl_histogram_alloc(LATENCY_BINS)};
	if (!range || !l->histogram) {
		free(range);
		latency_fini(l);
		return -ENOMEM;
	}
	for (i = 0; i <= LATENCY_BINS; i++)
		range[i] = bin_start(i);
	gsl_histogram_set_ranges(l->histogram, range, LATENCY_BINS + 1);
	free(range);
	return 0;
}

void latency_fini(struct latency *l)
{
	if (l->histogram)
		gsl_histogram_free(l->histogram);
	l->histogram = NULL;
}

void latency_merge(struct latency *l, const struct latency *other)
{
	gsl_histogram_add(l->histogram, other->histogram);
	l->count += other->count;
	l->sum_ns += other->sum_ns;
	if (other->min_ns < l->min_ns)
		l->min_ns = other->min_ns;
	if (other->max_ns > l->max_ns)
		l->max_ns = other->max_ns;
}

double latency_percentile(const struct latency *l, double part)
{
	gsl_histogram_pdf *pdf;
	double ns;

	if (l->count == 0)
		return 0;
	pdf = gsl_histogram_pdf_alloc(LATENCY_BINS);
	if (!pdf)
		return 0;
	gsl_histogram_pdf_init(pdf, l->histogram);
	ns = gsl_histogram_pdf_sample(pdf, part);
	gsl_histogram_pdf_free(pdf);
	/* A bin reaches beyond what was seen in it. */
	if (ns > (double)l->max_ns)
		ns = (double)l->max_ns;
	return ns < (double)l->min_ns ? (double)l->min_ns : ns;
}
