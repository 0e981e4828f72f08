/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * How the data of a command is described to the controller when it is scattered: physical region
 * pages where they can (Base 4.1.1), a scatter gather list (Base 4.1.2) where they cannot or where
 * it is shorter. Called by cmd.c for I/O commands and by passthru.c for admin commands; the plain
 * read and write of qpair.c have prp.h.
 */
#ifndef POLLUX_NVME_DATA_H
#define POLLUX_NVME_DATA_H

#include <pollux/nvme_cmd.h>

#include "nvme/qpair.h"

/**
 * Fill in sqe's data pointer and its kind for cmd. *list: the list that it took, or NVME_NO_LIST.
 * Return: 0; -EAGAIN (no list is free), -EINVAL, -E2BIG as plx_nvme_qpair_submit_cmds() says.
 */
int nvme_data_describe(struct plx_nvme_qpair *qp, const struct plx_nvme_cmd *cmd,
		       struct nvme_sqe *sqe, uint16_t *list);

static inline void nvme_data_give_back(struct plx_nvme_qpair *qp, uint16_t list)
{
	if (list != NVME_NO_LIST)
		qp->free_lists[qp->free_list_count++] = list;
}

/** All dwords of cmd and its data. Return: as nvme_data_describe(). */
int nvme_cmd_build(struct plx_nvme_qpair *qp, struct plx_nvme_cmd *cmd, struct nvme_sqe *sqe,
		   uint16_t *list);

#endif /* POLLUX_NVME_DATA_H */
