/* SPDX-License-Identifier: BSD-3-Clause */
/* plx-nvme perf: options, the running measurement, and its report. perf.c, perf_report.c. */
#ifndef PLX_NVME_PERF_H
#define PLX_NVME_PERF_H

#include "app.h"
#include "latency.h"

struct perf_options {
	const char *mode;
	bool random;
	unsigned int read_percent; /* 100: read only, 0: write only */
	int mix;		   /* --mix, -1: not given */
	uint32_t block_bytes;
	unsigned int depth;
	unsigned int seconds;
	uint64_t size_bytes; /* part of the namespace, from its start; 0: all */
	uint64_t seed;
	bool interrupt, yes;
};

/* A request and when it was submitted. */
struct perf_io {
	struct plx_nvme_req req;
	uint64_t start; /* TSC */
};

struct perf {
	struct target target;
	struct perf_options options;
	struct plx_nvme_qpair *qp;
	char *memory;
	struct perf_io *ios;
	struct plx_nvme_req **ready; /* to be submitted, or just reaped */
	/* Where to read or write next */
	uint32_t blocks;    /* of each I/O */
	uint64_t positions; /* how many such I/Os fit */
	uint64_t position;
	uint64_t random_state;
	uint64_t read_below; /* of 2^32: a random number below it means read */
	/* What happened */
	struct latency reads, writes;
	uint64_t errors;
	double seconds, cpu_seconds;
	bool failed;
};

/** The line of progress, if stderr is a terminal; call it once a second. */
void perf_progress(const struct perf *p, unsigned int second);
/** The result on stdout. Return: exit status. */
int perf_report(const struct perf *p);

#endif /* PLX_NVME_PERF_H */
