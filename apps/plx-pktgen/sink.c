/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The receiving half of plx-pktgen: each packet's sequence number says whether one was lost, came
 * late, or came twice; its time stamp, how long it took. Late and duplicate are told apart by a bit
 * for each of the last SINK_WINDOW numbers.
 */
#include <errno.h>
#include <gsl/gsl_errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>

#include "pktgen.h"

#define BINS	   2000
#define LATENCY_LO 10.0 /* ns */
#define LATENCY_HI 1e10 /* ns */

int sink_open(struct sink *sink)
{
	double ranges[BINS + 1], step = log(LATENCY_HI / LATENCY_LO) / BINS;
	unsigned int i;

	gsl_set_error_handler_off();
	sink->seen = calloc(SINK_WINDOW / 64, sizeof(uint64_t));
	sink->latency = gsl_histogram_alloc(BINS);
	if (!sink->seen || !sink->latency)
		return -ENOMEM;
	/* Each bin one per cent wider than the one before. */
	for (i = 0; i <= BINS; i++)
		ranges[i] = LATENCY_LO * exp(step * i);
	gsl_histogram_set_ranges(sink->latency, ranges, BINS + 1);
	return 0;
}

void sink_close(struct sink *sink)
{
	free(sink->seen);
	if (sink->latency)
		gsl_histogram_free(sink->latency);
}

void sink_reset(struct sink *sink)
{
	uint64_t *seen = sink->seen;
	gsl_histogram *latency = sink->latency;

	memset(seen, 0, SINK_WINDOW / 8);
	gsl_histogram_reset(latency);
	*sink = (struct sink){.seen = seen, .latency = latency, .latency_min = UINT64_MAX};
}

/* --- Sequence ------------------------------------------------------------------------------- */

static uint64_t *word_of(const struct sink *sink, uint64_t sequence)
{
	return &sink->seen[sequence % SINK_WINDOW / 64];
}

static void mark(struct sink *sink, uint64_t sequence)
{
	*word_of(sink, sequence) |= UINT64_C(1) << (sequence % 64);
}

/* The window moves on: numbers that are skipped have not been seen. */
static void advance(struct sink *sink, uint64_t sequence)
{
	if (sequence - sink->next >= SINK_WINDOW)
		memset(sink->seen, 0, SINK_WINDOW / 8);
	else
		for (; sink->next <= sequence; sink->next++)
			*word_of(sink, sink->next) &= ~(UINT64_C(1) << (sink->next % 64));
	sink->next = sequence + 1;
}

/* Return: is it a packet that had not come before? */
static bool note_sequence(struct sink *sink, uint64_t sequence)
{
	if (sequence >= sink->next) {
		advance(sink, sequence);
	} else if (sink->next - sequence > SINK_WINDOW) {
		sink->too_late++;
		return false;
	} else if (*word_of(sink, sequence) >> (sequence % 64) & 1) {
		sink->duplicate++;
		return false;
	} else {
		sink->reordered++;
	}
	mark(sink, sequence);
	return true;
}

void sink_packet(struct sink *sink, const struct plx_pktbuf *p, uint32_t run, uint64_t limit,
		 uint64_t tsc, uint32_t sample_mask)
{
	const struct stamp *stamp = (const void *)((const char *)plx_pktbuf_data(p) + HEADER_LEN);
	uint64_t ticks;

	if (p->len < HEADER_LEN + STAMP_LEN || stamp->run != run || stamp->sequence >= limit) {
		sink->foreign++;
		return;
	}
	if (!note_sequence(sink, stamp->sequence))
		return;
	sink->received++;
	sink->bytes += p->pkt_len;
	if (stamp->sequence & sample_mask)
		return;
	ticks = tsc > stamp->tsc ? tsc - stamp->tsc : 0;
	sink->latency_min = ticks < sink->latency_min ? ticks : sink->latency_min;
	sink->latency_max = ticks > sink->latency_max ? ticks : sink->latency_max;
	sink->samples++;
	gsl_histogram_increment(sink->latency, (double)ticks * 1e9 / (double)plx_tsc_hz);
}

double sink_percentile(const struct sink *sink, double part)
{
	gsl_histogram_pdf *pdf = gsl_histogram_pdf_alloc(BINS);
	double value = 0;

	if (pdf && sink->samples && gsl_histogram_pdf_init(pdf, sink->latency) == GSL_SUCCESS)
		value = gsl_histogram_pdf_sample(pdf, part);
	if (pdf)
		gsl_histogram_pdf_free(pdf);
	return value;
}
