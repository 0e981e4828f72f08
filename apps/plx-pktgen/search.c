/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Throughput as RFC 2544 (26.1) defines it: the highest rate at which the loss is no more than
 * allowed, found by bisection below the rate that goes out when nothing holds it back. A line on
 * stderr says how far it is.
 */
#include <stdio.h>
#include <unistd.h>

#include "pktgen.h"

/* Rates closer than this part of the highest are the same. */
#define RESOLUTION 0.01

static void progress(unsigned int n, const struct trial *trial, bool good)
{
	fprintf(stderr, "%strial %u: %.0f packets/s, lost %llu of %llu: %s%s",
		isatty(STDERR_FILENO) ? "\r\033[K" : "", n, trial->tx_rate,
		(unsigned long long)trial->lost, (unsigned long long)trial->sent,
		good ? "good" : "too much", isatty(STDERR_FILENO) ? "" : "\n");
	fflush(stderr);
}

static bool is_good(const struct trial *trial, double loss)
{
	return trial->sent && (double)trial->lost <= loss * (double)trial->sent;
}

int search_throughput(struct traffic *t, double seconds, double loss, struct trial *best)
{
	struct trial trial = {.seconds = seconds};
	double low = 0, high;
	unsigned int n = 1;
	int err = traffic_run(t, &trial);

	*best = (struct trial){0};
	high = trial.tx_rate;
	if (!err)
		progress(n, &trial, is_good(&trial, loss));
	if (!err && is_good(&trial, loss)) {
		*best = trial;
		low = high;
	}
	while (!err && !*t->stop && high - low > RESOLUTION * high) {
		trial = (struct trial){.seconds = seconds, .rate = (low + high) / 2};
		err = traffic_run(t, &trial);
		if (err)
			break;
		progress(++n, &trial, is_good(&trial, loss));
		if (is_good(&trial, loss)) {
			low = trial.rate;
			*best = trial;
		} else {
			high = trial.rate;
		}
	}
	if (isatty(STDERR_FILENO))
		fputc('\n', stderr);
	/* Once more at the rate that was found, so that latencies are of it. */
	if (!err && best->rate > 0 && !*t->stop) {
		trial = (struct trial){.seconds = seconds, .rate = best->rate};
		err = traffic_run(t, &trial);
		*best = trial;
	}
	return err;
}
