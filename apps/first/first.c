/* SPDX-License-Identifier: BSD-3-Clause */
/* The first program of the README: reads the first block of an NVMe SSD, polling, no kernel between. */
#include <stdio.h>

#include <pollux/eal.h>
#include <pollux/mem.h>
#include <pollux/nvme.h>

int main(int argc, char **argv)
{
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_qpair *qp;
	struct plx_nvme_ns *ns;
	unsigned char *block;

	if (argc != 2 || plx_eal_init(NULL))
		return 1; /* the reason has been logged */
	block = plx_dma_zalloc(4096, 4096, PLX_NODE_ANY);
	ctrl = plx_nvme_ctrl_open(argv[1], NULL);
	ns = ctrl ? plx_nvme_ns_open(ctrl, 1) : NULL;
	qp = ns ? plx_nvme_qpair_open(ctrl, NULL) : NULL;
	if (!block || !qp)
		return 1;
	plx_nvme_read(&req, ns, 0, 1, plx_iova(block));
	if (plx_nvme_qpair_submit(qp, reqs, 1) != 1)
		return 1;
	while (plx_nvme_in_flight(&req))
		plx_nvme_qpair_poll(qp, 0);
	printf("%s: %02x %02x %02x %02x ...\n", plx_nvme_status_str(req.status), block[0], block[1],
	       block[2], block[3]);
	plx_nvme_ctrl_close(ctrl);
	plx_dma_free(block);
	return plx_eal_fini() || req.status;
}
