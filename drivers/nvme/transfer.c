/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Long and scattered transfers cut into commands; what each of them can describe is data.c's rules.
 * Called by the application (<pollux/nvme_cmd.h>).
 */
#include <errno.h>

#include "nvme/ctrl.h"
#include "nvme/data.h"

/* A command as it grows, element by element. */
struct piece {
	uint32_t bytes, limit;
	uint32_t elements;
	uint32_t sgl_elements; /* at most, if it is to be an SGL */
	bool prp;	       /* PRPs can still describe it */
	bool sgl;	       /* an SGL can */
};

static uint32_t limit_blocks(const struct plx_nvme_transfer *t, const struct plx_nvme_qpair *qp)
{
	uint32_t boundary = t->ns->info.boundary_blocks;
	uint32_t max = qp->max_transfer >> t->ns->block_shift;

	if (max > t->ns->max_blocks)
		max = t->ns->max_blocks;
	if (boundary && max > boundary - t->lba % boundary)
		max = (uint32_t)(boundary - t->lba % boundary);
	return t->blocks < max ? (uint32_t)t->blocks : max;
}

/* May the piece go on with [iova, iova + len), as far as describing it goes? */
static bool joins(const struct plx_nvme_qpair *qp, struct piece *p, uint64_t end, uint64_t iova,
		  uint32_t len)
{
	uint64_t in_page = (UINT64_C(1) << qp->page_shift) - 1;
	bool prp = p->prp && ((p->elements ? end | iova : 0) & in_page) == 0;
	bool sgl = p->sgl && (qp->ctrl->sgl_bytes || ((iova | len) & 3) == 0);

	if (p->elements == 0)
		prp = (iova & 3) == 0;
	if (!prp && (!sgl || p->elements == p->sgl_elements))
		return false;
	p->prp = prp;
	p->sgl = sgl;
	return true;
}

static void grow(const struct plx_nvme_transfer *t, const struct plx_nvme_qpair *qp,
		 struct piece *p)
{
	uint32_t skip = t->sgl_offset, i;
	uint64_t end = 0;

	for (i = 0; i < t->sges && i < UINT16_MAX && p->bytes < p->limit; i++, skip = 0) {
		const struct plx_nvme_sge *sge = &t->sgl[i];
		uint32_t len;

		if (skip >= sge->len)
			return;
		len = sge->len - skip;
		if (len > p->limit - p->bytes)
			len = p->limit - p->bytes;
		if (!joins(qp, p, end, sge->iova + skip, len))
			return;
		end = sge->iova + skip + len;
		p->bytes += len;
		p->elements++;
	}
}

/* What the command has taken is left out of what is to come. */
static void advance(struct plx_nvme_transfer *t, uint32_t blocks, uint32_t bytes)
{
	t->lba += blocks;
	t->blocks -= blocks;
	bytes += t->sgl_offset;
	while (t->sges && bytes >= t->sgl->len) {
		bytes -= t->sgl->len;
		t->sgl++;
		t->sges--;
	}
	t->sgl_offset = bytes;
}

int plx_nvme_transfer_next(struct plx_nvme_transfer *t, const struct plx_nvme_qpair *qp,
			   struct plx_nvme_cmd *cmd)
{
	struct piece p = {.prp = true, .sgl = qp->ctrl->info.sgl};
	uint32_t blocks;

	if (t->blocks == 0)
		return 0;
	if (PLX_READ_ONCE(t->ns->ctrl) == NVME_STALE)
		return -ESTALE;
	p.limit = limit_blocks(t, qp) << t->ns->block_shift;
	p.sgl_elements = qp->list_count ? (1u << qp->list_shift) / NVME_SGL_BYTES : 1;
	grow(t, qp, &p);
	blocks = p.bytes >> t->ns->block_shift;
	if (blocks == 0)
		return -EINVAL;
	plx_nvme_cmd_range(cmd, t->opcode, t->ns, t->lba, blocks, t->flags);
	cmd->len = blocks << t->ns->block_shift;
	cmd->sgl = t->sgl;
	cmd->sgl_offset = t->sgl_offset;
	cmd->sges = (uint16_t)p.elements;
	advance(t, blocks, cmd->len);
	return (int)blocks;
}
