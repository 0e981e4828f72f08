/* SPDX-License-Identifier: BSD-3-Clause */
/* The namespace that is written to and read from. */
#include "capture.h"

#include <errno.h>
#include <stdlib.h>

/* More in a command makes nothing faster, and more to be searched after a crash. */
#define TRANSFER_MAX (128u << 10)

int disk_open(struct disk *disk, const char *name, uint32_t nsid)
{
	struct plx_nvme_qpair_config config = {.depth = 256, .prp_lists = 128};
	struct plx_nvme_ctrl_info info;
	struct plx_nvme_qpair_info qpair;

	*disk = (struct disk){.ctrl = plx_nvme_ctrl_open(name, NULL)};
	if (!disk->ctrl)
		return -errno;
	disk->ns = plx_nvme_ns_open(disk->ctrl, nsid ? nsid : plx_nvme_ns_next(disk->ctrl, 0));
	if (disk->ns)
		disk->qp = plx_nvme_qpair_open(disk->ctrl, &config);
	if (!disk->qp) {
		int err = -errno;

		disk_close(disk);
		return err;
	}
	plx_nvme_ctrl_info(disk->ctrl, &info);
	plx_nvme_qpair_info(disk->qp, &qpair);
	disk->sgl = info.sgl;
	disk->block_size = plx_nvme_ns_info(disk->ns)->block_size;
	disk->blocks = plx_nvme_ns_info(disk->ns)->blocks;
	disk->max_transfer = qpair.max_transfer < TRANSFER_MAX ? qpair.max_transfer : TRANSFER_MAX;
	return 0;
}

void disk_close(struct disk *disk)
{
	plx_nvme_qpair_close(disk->qp);
	plx_nvme_ctrl_close(disk->ctrl);
	*disk = (struct disk){0};
}

int disk_wait(struct disk *disk, uint8_t opcode, uint64_t block, uint32_t blocks, void *buf)
{
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	int ret;

	if (opcode == PLX_NVME_FLUSH) {
		plx_nvme_flush(&req, disk->ns);
	} else {
		plx_nvme_read(&req, disk->ns, block, blocks, plx_iova(buf));
		req.opcode = opcode;
	}
	while ((ret = plx_nvme_qpair_submit(disk->qp, reqs, 1)) == -EAGAIN)
		plx_nvme_qpair_poll(disk->qp, 0);
	if (ret < 0)
		return ret;
	while (plx_nvme_in_flight(&req))
		plx_nvme_qpair_poll(disk->qp, 0);
	return plx_nvme_status_errno(req.status);
}
