/* SPDX-License-Identifier: BSD-3-Clause */
/* Scattered data as PRPs or as an SGL; see data.h. */
#include <errno.h>

#include "nvme/ctrl.h"
#include "nvme/data.h"

/* The elements of a command's list that its data lies in, one after the other. */
struct walk {
	const struct plx_nvme_sge *sge;
	uint32_t skip; /* bytes of the element that are not meant */
	uint32_t left;
	uint32_t elements_left;
};

/* What a look over all of them has found. */
struct survey {
	uint64_t pages;
	uint32_t elements;
	bool prp;    /* PRPs can describe it */
	bool dwords; /* addresses and lengths are multiples of 4 */
};

static struct walk walk_start(const struct plx_nvme_cmd *cmd, struct plx_nvme_sge *one)
{
	if (cmd->sgl)
		return (struct walk){cmd->sgl, cmd->sgl_offset, cmd->len, cmd->sges};
	*one = (struct plx_nvme_sge){.iova = cmd->iova, .len = cmd->len};
	return (struct walk){one, 0, cmd->len, 1};
}

/* The next piece. False at the end, of the data or of the list. */
static bool walk_next(struct walk *w, uint64_t *iova, uint32_t *len)
{
	if (w->left == 0 || w->elements_left == 0 || w->skip >= w->sge->len)
		return false;
	*iova = w->sge->iova + w->skip;
	*len = w->sge->len - w->skip;
	if (*len > w->left)
		*len = w->left;
	w->left -= *len;
	w->skip = 0;
	w->sge++;
	w->elements_left--;
	return true;
}

static int look(const struct plx_nvme_qpair *qp, struct walk w, struct survey *s)
{
	uint64_t in_page = (UINT64_C(1) << qp->page_shift) - 1, iova;
	uint32_t len;

	*s = (struct survey){.prp = true, .dwords = true};
	while (walk_next(&w, &iova, &len)) {
		uint64_t last = iova + len - 1;

		/* The last page has no next one. */
		if (last < iova || last >= ~in_page)
			return -EINVAL;
		/* Only the first may begin, only the last may end, inside a page. */
		if (iova & (s->elements ? in_page : 3))
			s->prp = false;
		if (w.left && (last & in_page) != in_page)
			s->prp = false;
		if ((iova | len) & 3)
			s->dwords = false;
		s->pages += (last >> qp->page_shift) - (iova >> qp->page_shift) + 1;
		s->elements++;
	}
	return w.left ? -EINVAL : 0;
}

static uint64_t *take_list(struct plx_nvme_qpair *qp, uint16_t *number, uint64_t *iova)
{
	size_t at;

	if (qp->free_list_count == 0)
		return NULL;
	*number = qp->free_lists[--qp->free_list_count];
	at = (size_t)(*number - 1) << qp->list_shift;
	*iova = qp->lists_iova + at;
	return qp->lists + at / sizeof(*qp->lists);
}

/* --- PRPs ----------------------------------------------------------------------------------- */

static void put_pages(uint64_t **entry, uint64_t from, uint64_t end, uint64_t page)
{
	for (; from < end; from += page)
		*(*entry)++ = htole64(from);
}

static int put_prps(struct plx_nvme_qpair *qp, struct walk w, const struct survey *s,
		    struct nvme_sqe *sqe, uint16_t *list)
{
	uint64_t page = UINT64_C(1) << qp->page_shift, iova, list_iova = 0;
	uint64_t *entry = &sqe->prp2;
	uint32_t len;

	if (s->pages > 2) {
		if ((s->pages - 1) * sizeof(*entry) > UINT64_C(1) << qp->list_shift)
			return -E2BIG;
		entry = take_list(qp, list, &list_iova);
		if (!entry)
			return -EAGAIN;
		sqe->prp2 = htole64(list_iova);
	}
	walk_next(&w, &iova, &len);
	sqe->prp1 = htole64(iova);
	put_pages(&entry, (iova | (page - 1)) + 1, iova + len, page);
	while (walk_next(&w, &iova, &len))
		put_pages(&entry, iova, iova + len, page);
	return 0;
}

/* --- SGL ------------------------------------------------------------------------------------ */

/* The low 8 bytes are an address; the high ones hold a length and the descriptor's type. */
static void put_descriptor(uint64_t to[2], uint64_t iova, uint32_t len, uint64_t type)
{
	to[0] = htole64(iova);
	to[1] = htole64(len | type << NVME_SGL_TYPE_SHIFT);
}

static int put_sgl(struct plx_nvme_qpair *qp, struct walk w, const struct survey *s,
		   struct nvme_sqe *sqe, uint16_t *list)
{
	uint32_t len, bytes = s->elements * NVME_SGL_BYTES;
	uint64_t iova, list_iova, dptr[2], *to;

	if (s->elements == 1) {
		walk_next(&w, &iova, &len);
		put_descriptor(dptr, iova, len, NVME_SGL_DATA);
	} else {
		if (bytes > UINT64_C(1) << qp->list_shift)
			return -E2BIG;
		to = take_list(qp, list, &list_iova);
		if (!to)
			return -EAGAIN;
		for (; walk_next(&w, &iova, &len); to += 2)
			put_descriptor(to, iova, len, NVME_SGL_DATA);
		put_descriptor(dptr, list_iova, bytes, NVME_SGL_LAST_SEGMENT);
	}
	sqe->flags |= NVME_SQE_SGL;
	sqe->prp1 = dptr[0];
	sqe->prp2 = dptr[1];
	return 0;
}

/* --- Choice --------------------------------------------------------------------------------- */

static bool sgl_possible(const struct plx_nvme_qpair *qp, const struct survey *s)
{
	/* Admin commands have PRPs on PCIe (Base 3.3.3.1, PSDT). */
	return qp->qid && qp->ctrl->info.sgl && (s->dwords || qp->ctrl->sgl_bytes);
}

/* Is the SGL shorter than the PRP list? */
static bool sgl_shorter(const struct survey *s)
{
	if (s->pages <= 2)
		return false;
	return s->elements == 1 || s->elements * NVME_SGL_BYTES < (s->pages - 1) * sizeof(uint64_t);
}

int nvme_data_describe(struct plx_nvme_qpair *qp, const struct plx_nvme_cmd *cmd,
		       struct nvme_sqe *sqe, uint16_t *list)
{
	struct plx_nvme_sge one;
	struct survey s;
	struct walk w;
	int err;

	*list = NVME_NO_LIST;
	if (cmd->len == 0)
		return 0;
	if (cmd->len > qp->max_transfer)
		return -E2BIG;
	w = walk_start(cmd, &one);
	err = look(qp, w, &s);
	if (err)
		return err;
	if (sgl_possible(qp, &s) && (!s.prp || sgl_shorter(&s)))
		return put_sgl(qp, w, &s, sqe, list);
	return s.prp ? put_prps(qp, w, &s, sqe, list) : -EINVAL;
}
