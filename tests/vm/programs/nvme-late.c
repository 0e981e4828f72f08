/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme-late BDF SLOW FAST: reads of namespace SLOW, which answers later than the time-out; they
 * must end once each, after which the same queue pair reads namespace FAST. Used by the case
 * nvme-late.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/mem.h>
#include <pollux/nvme.h>

#define REQS	   8
#define TIMEOUT_MS 300
#define END_NS	   UINT64_C(60000000000)

static unsigned int ends[REQS];

static void on_done(struct plx_nvme_req *req)
{
	ends[(uintptr_t)req->arg]++;
}

static int fail(const char *what, int err)
{
	fprintf(stderr, "nvme-late: %s: %s\n", what, strerror(err < 0 ? -err : err));
	return -1;
}

/* Submit all, poll until they have ended. Those that succeeded: *good. */
static int run_all(struct plx_nvme_qpair *qp, struct plx_nvme_req **reqs, unsigned int *good)
{
	uint64_t end = plx_clock_ns() + END_NS;
	int taken = -EAGAIN;
	unsigned int i;

	memset(ends, 0, sizeof(ends));
	/* -EAGAIN: the queue pair is on its way back. */
	while (taken == -EAGAIN && plx_clock_ns() < end) {
		plx_nvme_qpair_poll(qp, 0);
		taken = plx_nvme_qpair_submit(qp, reqs, REQS);
	}
	if (taken != REQS)
		return fail("submit", taken);
	while (plx_nvme_qpair_in_flight(qp)) {
		plx_nvme_qpair_poll(qp, 0);
		if (plx_clock_ns() > end)
			return fail("requests did not end", ETIMEDOUT);
	}
	for (i = 0, *good = 0; i < REQS; i++) {
		*good += reqs[i]->status == PLX_NVME_OK;
		if (ends[i] != 1)
			return fail("a request did not end once", EIO);
	}
	return 0;
}

static int test(struct plx_nvme_ctrl *ctrl, struct plx_nvme_req **reqs, char *memory,
		const uint32_t nsids[2])
{
	struct plx_nvme_qpair *qp = plx_nvme_qpair_open(ctrl, NULL);
	struct plx_nvme_ctrl_stats stats;
	unsigned int good[2], round;
	uintptr_t i;

	for (round = 0; round < 2; round++) {
		struct plx_nvme_ns *ns = plx_nvme_ns_open(ctrl, nsids[round]);

		if (!ns || !qp)
			return fail("open", errno);
		for (i = 0; i < REQS; i++) {
			plx_nvme_read(reqs[i], ns, i, 1, plx_iova(memory + i * 4096));
			reqs[i]->done = on_done;
			reqs[i]->arg = (void *)i;
		}
		if (run_all(qp, reqs, &good[round]))
			return -1;
	}
	plx_nvme_ctrl_stats(ctrl, &stats);
	printf("slow: %u good, fast: %u good, %" PRIu64 " late, %" PRIu64 " aborts, %" PRIu64
	       " queue pairs recovered, state %d\n",
	       good[0], good[1], stats.timeouts, stats.abort_commands, stats.queue_recoveries,
	       plx_nvme_ctrl_state(ctrl));
	return 0;
}

int main(int argc, char **argv)
{
	struct plx_nvme_ctrl_config config = {
		.io_timeout_ms = TIMEOUT_MS,
		.admin_timeout_ms = 10000,
	};
	struct plx_eal_config eal = {.log_levels = "error,nvme=warn"};
	struct plx_nvme_req *reqs[REQS];
	struct plx_nvme_ctrl *ctrl;
	uint32_t nsids[2];
	char *memory;
	int i, err;

	if (argc < 4)
		return 2;
	nsids[0] = (uint32_t)atoi(argv[2]);
	nsids[1] = (uint32_t)atoi(argv[3]);
	if (plx_eal_init(&eal))
		return 1;
	memory = plx_dma_zalloc(REQS * 4096, 4096, PLX_NODE_ANY);
	for (i = 0; i < REQS; i++)
		reqs[i] = aligned_alloc(PLX_CACHE_LINE, sizeof(*reqs[i]));
	for (i = 0; i < REQS; i++)
		memset(reqs[i], 0, sizeof(*reqs[i]));
	ctrl = plx_nvme_ctrl_open(argv[1], &config);
	err = ctrl && memory ? test(ctrl, reqs, memory, nsids) : fail("open", errno);
	plx_nvme_ctrl_close(ctrl);
	plx_dma_free(memory);
	for (i = 0; i < REQS; i++)
		free(reqs[i]);
	return plx_eal_fini() || err ? 1 : 0;
}
