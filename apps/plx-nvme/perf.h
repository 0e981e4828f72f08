/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * plx-nvme perf: options, the running measurement, and its report. perf_args.c reads the command
 * line, perf.c sets up, perf_loop.c is what the lcores run, perf_report.c prints.
 */
#ifndef PLX_NVME_PERF_H
#define PLX_NVME_PERF_H

#include <pollux/lcore.h>
#include <pollux/nvme_group.h>

#include "app.h"
#include "latency.h"

#define PERF_TARGETS_MAX 16
#define PERF_QUEUES_MAX	 64
#define PERF_RATE_SHIFT	 8 /* of perf_queue.due */
#define PERF_MIX_ONE	 (UINT64_C(1) << 32)

struct perf_options {
	const char *mode;
	bool random;
	unsigned int read_percent; /* 100: read only, 0: write only */
	int mix;		   /* --mix, -1: not given */
	uint32_t block_bytes;
	unsigned int depth;  /* of each queue pair */
	unsigned int queues; /* of each controller */
	unsigned int seconds;
	uint64_t rate;	     /* I/Os per second of all together; 0: as fast as it goes */
	uint64_t size_bytes; /* part of the namespace, from its start; 0: all */
	uint64_t seed;
	bool interrupt, adaptive, yes, histogram;
	enum plx_nvme_priority priority;
	bool has_priority;
};

/* A request and when it was submitted. */
struct perf_io {
	struct plx_nvme_req req;
	uint64_t start; /* TSC */
};

/* A queue pair and what it does; one lcore's. */
struct perf_queue {
	struct perf *perf;
	struct target *target;
	bool checks; /* this queue looks after its target */
	bool sq_in_cmb;
	struct plx_nvme_qpair *qp;
	char *memory;
	struct perf_io *ios;
	struct plx_nvme_req **idle; /* requests that are not in flight */
	unsigned int n_idle;
	/* Where to read or write next */
	uint32_t blocks;    /* of each I/O */
	uint64_t positions; /* how many such I/Os fit */
	uint64_t position;
	uint64_t random_state;
	/* When, with --rate: TSC since start, in 1/256. */
	uint64_t start, due, interval;
	/* What happened */
	struct latency reads, writes;
	uint64_t errors;
} PLX_CACHE_ALIGNED;

struct perf_lcore {
	struct perf *perf;
	struct perf_queue *queues[PERF_TARGETS_MAX * PERF_QUEUES_MAX];
	unsigned int n_queues;
	struct plx_nvme_group *group; /* --interrupt: what it sleeps on */
	double seconds, cpu_seconds;
};

struct perf {
	struct target targets[PERF_TARGETS_MAX];
	unsigned int n_targets;
	struct perf_options options;
	uint64_t read_below; /* of PERF_MIX_ONE: a random number below it means read */
	struct perf_queue *queues;
	unsigned int n_queues;
	struct perf_lcore *lcores; /* by id */
	unsigned int n_lcores;	   /* that have queues */
	uint64_t end;		   /* TSC */
	int failed;		   /* atomic: one lcore ends all */
	double seconds, cpu_seconds;
};

/** Open, measure, report, close. Return: exit status. */
int perf_run(struct perf *p);
/** Run the queues of an lcore until the time is over or something fails. arg: struct perf_lcore. */
int perf_loop(void *arg);
/** The line of progress, if stderr is a terminal; call it once a second. */
void perf_progress(const struct perf *p, unsigned int second);
/** The result on stdout. Return: exit status. */
int perf_report(const struct perf *p);

#endif /* PLX_NVME_PERF_H */
