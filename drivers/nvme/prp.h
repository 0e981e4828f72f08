/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Physical region pages (Base 4.1.1): how a transfer that is contiguous in IOVA is described. Up to
 * two memory pages by the two entries in the command itself; beyond, the second points to a list.
 * Part of the data path: qpair.c includes it.
 */
#ifndef POLLUX_NVME_PRP_H
#define POLLUX_NVME_PRP_H

#include <errno.h>

#include <pollux/common.h>
#include <pollux/mmio.h>

#include "nvme/qpair.h"

/** A list for the n pages that begin at iova. Its number, or NVME_NO_LIST: all are in use. */
static inline uint16_t nvme_prp_list(struct plx_nvme_qpair *qp, uint64_t iova, uint64_t n)
{
	uint64_t page = UINT64_C(1) << qp->page_shift;
	uint64_t *list, *end;
	uint16_t number;

	if (plx_unlikely(qp->free_list_count == 0))
		return NVME_NO_LIST;
	number = qp->free_lists[--qp->free_list_count];
	list = qp->lists + ((size_t)(number - 1) << (qp->list_shift - 3));
	for (end = list + n; list < end; list++, iova += page)
		*list = htole64(iova);
	return number;
}

/**
 * Describe [iova, iova + len) in a command; len is 1 to qp->max_transfer, iova aligned to 4.
 * *list: the PRP list that it took; left alone if none.
 * Return: 0; -EAGAIN (no list is free), -EINVAL (the range wraps).
 */
static inline int nvme_prp_fill(struct plx_nvme_qpair *qp, uint64_t iova, uint64_t len,
				uint64_t prp[2], uint16_t *list)
{
	uint64_t page = UINT64_C(1) << qp->page_shift;
	uint64_t second = (iova | (page - 1)) + 1;
	/* Pages after the first. */
	uint64_t n = ((iova + len - 1) >> qp->page_shift) - (iova >> qp->page_shift);
	uint16_t number;

	prp[0] = htole64(iova);
	prp[1] = n ? htole64(second) : 0;
	if (plx_likely(n <= 1))
		return 0;
	/* What wraps seems to have more pages than a list holds. */
	if (plx_unlikely(n > UINT64_C(1) << (qp->list_shift - 3)))
		return -EINVAL;
	number = nvme_prp_list(qp, second, n);
	if (plx_unlikely(number == NVME_NO_LIST))
		return -EAGAIN;
	prp[1] = htole64(qp->lists_iova + ((uint64_t)(number - 1) << qp->list_shift));
	*list = number;
	return 0;
}

#endif /* POLLUX_NVME_PRP_H */
