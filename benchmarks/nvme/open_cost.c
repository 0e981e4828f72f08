/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How long from nothing to the first block read, beside what the controller itself takes to become
 * ready, and what memory a queue pair of 1024 entries takes. One JSON object. Called by vm.bench.
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

#define DEPTH	   1024
#define TIMEOUT_NS UINT64_C(10000000000)

struct times {
	uint64_t start, eal, open, end;
};

static int first_read(struct plx_nvme_ctrl *ctrl, struct plx_nvme_qpair *qp, void *data)
{
	struct plx_nvme_ns *ns = plx_nvme_ns_open(ctrl, plx_nvme_ns_next(ctrl, 0));
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	uint64_t give_up = plx_clock_ns() + TIMEOUT_NS;
	int ret;

	if (!ns)
		return -errno;
	plx_nvme_read(&req, ns, 0, 1, plx_iova(data));
	ret = plx_nvme_qpair_submit(qp, reqs, 1);
	if (ret != 1)
		return ret;
	while (plx_nvme_in_flight(&req) && plx_clock_ns() < give_up)
		plx_nvme_qpair_poll(qp, 0);
	return plx_nvme_in_flight(&req) ? -ETIMEDOUT : plx_nvme_status_errno(req.status);
}

static int measure(const char *bdf, struct times *t)
{
	struct plx_nvme_qpair_config config = {.depth = DEPTH};
	struct plx_nvme_qpair_info qp_info;
	struct plx_nvme_ctrl_info info;
	struct plx_nvme_ctrl *ctrl = plx_nvme_ctrl_open(bdf, NULL);
	struct plx_nvme_qpair *qp = ctrl ? plx_nvme_qpair_open(ctrl, &config) : NULL;
	void *data = plx_dma_alloc(65536, 4096, PLX_NODE_ANY);
	int err = qp && data ? 0 : -errno;

	t->open = plx_clock_ns();
	if (!err)
		err = first_read(ctrl, qp, data);
	t->end = plx_clock_ns();
	if (!err) {
		plx_nvme_ctrl_info(ctrl, &info);
		plx_nvme_qpair_info(qp, &qp_info);
		printf("{\"total_ms\": %.3f, \"eal_ms\": %.3f, \"open_ms\": %.3f, \"read_ms\": "
		       "%.3f, \"ready_ms\": %.3f, \"depth\": %u, \"qpair_bytes\": %zu}\n",
		       (double)(t->end - t->start) / 1e6, (double)(t->eal - t->start) / 1e6,
		       (double)(t->open - t->eal) / 1e6, (double)(t->end - t->open) / 1e6,
		       (double)info.ready_us / 1e3, qp_info.depth, qp_info.memory_bytes);
	}
	plx_nvme_ctrl_close(ctrl);
	plx_dma_free(data);
	return err;
}

int main(int argc, char **argv)
{
	struct times t = {.start = plx_clock_ns()};
	int err;

	if (argc != 2) {
		fprintf(stderr, "usage: open_cost BDF\n");
		return 2;
	}
	if (plx_eal_init(NULL))
		return EXIT_FAILURE;
	t.eal = plx_clock_ns();
	err = measure(argv[1], &t);
	if (err)
		fprintf(stderr, "open_cost: %s\n", strerror(-err));
	return plx_eal_fini() || err ? EXIT_FAILURE : EXIT_SUCCESS;
}
