/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: a queue pair of the NVMe driver against a controller that writes whatever the
 * fuzzer likes into the completion queue, and an application that submits data of any shape. The
 * input is a list of steps. Whatever happens, no memory but ours is touched (ASan, UBSan), each
 * request ends exactly once, PRP lists come back, and what a command describes to the controller is
 * the data that it was given, byte for byte.
 */
#include <string.h>

#include "fuzz.h"
#include "nvme/ctrl.h"
#include "nvme/data.h"

#define QID	  3
#define DEPTH	  16
#define REQS	  24 /* more than fit */
#define SGES	  8
#define BAR_BYTES 0x2000
#define PAGE	  UINT64_C(4096)
struct input {
	const uint8_t *data;
	size_t left;
};

struct request {
	struct plx_nvme_cmd cmd; /* its req is a plain one, too */
	struct plx_nvme_sge sgl[SGES];
	bool flying;
};

static struct plx_nvme_ctrl ctrl;
static struct plx_nvme_ns ns;
static struct plx_nvme_qpair *qp;
static struct request *requests;
static unsigned int flying;
static char bar[BAR_BYTES] __attribute__((aligned(4096)));

static uint64_t get(struct input *in, unsigned int bytes)
{
	uint64_t v = 0;

	for (; bytes && in->left; bytes--, in->left--)
		v = v << 8 | *in->data++;
	return v;
}

/* --- The application ------------------------------------------------------------------------ */

static void on_end(struct plx_nvme_req *req)
{
	struct request *r = req->arg;

	CHECK(r->flying && !plx_nvme_in_flight(req));
	r->flying = false;
	flying--;
}

/* Plain ones; those in flight are refused. */
static void submit_plain(struct input *in)
{
	struct plx_nvme_req *reqs[4];
	unsigned int n = 1 + get(in, 1) % 4, first = get(in, 1) % REQS, i;
	int taken;

	for (i = 0; i < n; i++) {
		struct request *r = &requests[(first + i) % REQS];

		reqs[i] = &r->cmd.req;
		if (r->flying)
			continue;
		plx_nvme_read(reqs[i], &ns, get(in, 4), (uint32_t)get(in, 2), get(in, 6) & ~1u);
		reqs[i]->opcode = (uint8_t)(get(in, 1) % 4);
		reqs[i]->done = on_end;
		reqs[i]->arg = r;
	}
	taken = plx_nvme_qpair_submit(qp, reqs, n);
	CHECK(taken <= (int)n);
	for (i = 0; (int)i < taken; i++) {
		CHECK(plx_nvme_in_flight(reqs[i]));
		requests[(first + i) % REQS].flying = true;
		flying++;
	}
}

/* --- What a command describes --------------------------------------------------------------- */

/* The address in our lists that an IOVA stands for, with room for so many bytes in one list. */
static const uint64_t *list_at(uint64_t iova, uint64_t bytes)
{
	uint64_t offset = iova - qp->lists_iova, slot = UINT64_C(1) << qp->list_shift;

	CHECK(qp->list_count && offset < qp->list_count * slot && offset % slot == 0);
	CHECK(bytes <= slot);
	return qp->lists + offset / sizeof(*qp->lists);
}

/* The byte at `offset` of the data that the application gave. */
static uint64_t expected_at(const struct plx_nvme_cmd *cmd, uint64_t offset)
{
	unsigned int i;

	if (!cmd->sgl)
		return cmd->iova + offset;
	offset += cmd->sgl_offset;
	for (i = 0; i < cmd->sges; i++) {
		if (offset < cmd->sgl[i].len)
			return cmd->sgl[i].iova + offset;
		offset -= cmd->sgl[i].len;
	}
	CHECK(!"the list was long enough");
	return 0;
}

/* A described piece is what was expected: its ends, for between them both are whole runs. */
static void same(const struct plx_nvme_cmd *cmd, uint64_t offset, uint64_t iova, uint64_t len)
{
	CHECK(len && offset + len <= cmd->len);
	CHECK(expected_at(cmd, offset) == iova);
	CHECK(expected_at(cmd, offset + len - 1) == iova + len - 1);
}

static void check_prps(const struct nvme_sqe *sqe, const struct plx_nvme_cmd *cmd)
{
	uint64_t at = le64toh(sqe->prp1), n = PAGE - at % PAGE, done = 0;
	const uint64_t *list = NULL;

	if (cmd->len > n + PAGE)
		list = list_at(le64toh(sqe->prp2), (cmd->len - n + PAGE - 1) / PAGE * 8);
	for (;;) {
		n = n < cmd->len - done ? n : cmd->len - done;
		same(cmd, done, at, n);
		done += n;
		if (done == cmd->len)
			return;
		at = le64toh(list ? *list++ : sqe->prp2);
		CHECK(at % PAGE == 0);
		n = PAGE;
	}
}

static void check_sgl(const struct nvme_sqe *sqe, const struct plx_nvme_cmd *cmd)
{
	const uint64_t *at = &sqe->prp1;
	uint64_t n = 1, done = 0;

	if (le64toh(sqe->prp2) >> NVME_SGL_TYPE_SHIFT == NVME_SGL_LAST_SEGMENT) {
		n = (uint32_t)le64toh(sqe->prp2) / NVME_SGL_BYTES;
		at = list_at(le64toh(sqe->prp1), n * NVME_SGL_BYTES);
	}
	for (; n; n--, at += 2) {
		CHECK(le64toh(at[1]) >> NVME_SGL_TYPE_SHIFT == NVME_SGL_DATA);
		same(cmd, done, le64toh(at[0]), (uint32_t)le64toh(at[1]));
		done += (uint32_t)le64toh(at[1]);
	}
	CHECK(done == cmd->len);
}

/* Elements are mostly whole pages, so that some lists fit PRPs. */
static void fill_sgl(struct input *in, struct request *r)
{
	unsigned int i;

	r->cmd.sges = (uint16_t)(get(in, 1) % (SGES + 1));
	r->cmd.sgl = r->cmd.sges ? r->sgl : NULL;
	for (i = 0; i < r->cmd.sges; i++) {
		unsigned int how = (unsigned int)get(in, 1);

		r->sgl[i] = (struct plx_nvme_sge){.iova = get(in, 3) * PAGE, .len = PAGE};
		if (how & 1)
			r->sgl[i].iova += get(in, 2);
		if (how & 2)
			r->sgl[i].len = (uint32_t)get(in, 2);
		if (how & 4)
			r->sgl[i].iova = UINT64_MAX - get(in, 2);
	}
}

static void submit_scattered(struct input *in)
{
	struct request *r = &requests[get(in, 1) % REQS];
	struct plx_nvme_cmd *cmd = &r->cmd, *cmds[] = {cmd};
	const struct nvme_sqe *sqe = qp->sq_next;

	if (!r->flying) {
		plx_nvme_cmd_clear(cmd, (uint8_t)get(in, 1), 1);
		cmd->len = (uint32_t)get(in, 3);
		cmd->iova = get(in, 5);
		fill_sgl(in, r);
		cmd->sgl_offset = (uint32_t)get(in, 1);
		cmd->req.done = on_end;
		cmd->req.arg = r;
	}
	if (plx_nvme_qpair_submit_cmds(qp, cmds, 1) != 1)
		return;
	CHECK(!r->flying);
	r->flying = true;
	flying++;
	if (cmd->len && (sqe->flags & NVME_SQE_SGL))
		check_sgl(sqe, cmd);
	else if (cmd->len)
		check_prps(sqe, cmd);
}

static void reap(unsigned int max)
{
	struct plx_nvme_req *reqs[2 * DEPTH];
	unsigned int n = plx_nvme_qpair_reap(qp, reqs, max), i;

	CHECK(n <= max);
	for (i = 0; i < n; i++)
		on_end(reqs[i]);
}

/* As plx_nvme_ctrl_reset() does it. */
static void reset(void)
{
	nvme_qpair_abort(qp);
	nvme_qpair_rewind(qp);
	atomic_store(&ctrl.state, PLX_NVME_READY);
}

/* --- The controller ------------------------------------------------------------------------- */

/* An entry where the driver looks next: nearly right or not at all. */
static void write_next(struct input *in)
{
	unsigned int how = (unsigned int)get(in, 1);
	const struct nvme_slot *slot = &qp->slots[get(in, 1) & qp->slot_mask];
	uint64_t cid = how & 1 ? get(in, 2) : slot->cid, sqid = how & 2 ? get(in, 2) : QID;
	uint64_t head = how & 4 ? get(in, 2) : 0, status = how & 8 ? get(in, 2) & 0x7fff : 0;
	uint64_t phase = how & 16 ? ~qp->cq_phase & NVME_CQE_PHASE : qp->cq_phase;

	qp->cq_next->result = get(in, 8);
	qp->cq_next->tail = htole64(head | sqid << NVME_CQE_SQID_SHIFT | cid << NVME_CQE_CID_SHIFT |
				    phase | status << NVME_CQE_STATUS_SHIFT);
}

static void write_anywhere(struct input *in)
{
	uint16_t *memory = (uint16_t *)(void *)qp->cq;
	size_t words = qp->cq_size * sizeof(*qp->cq) / sizeof(*memory);

	memory[get(in, 1) % words] = (uint16_t)get(in, 2);
}

static void step(struct input *in)
{
	switch (get(in, 1) & 7) {
	case 0:
		submit_plain(in);
		break;
	case 1:
		submit_scattered(in);
		break;
	case 2:
		write_anywhere(in);
		break;
	case 3:
		reap((unsigned int)get(in, 1) % (2 * DEPTH + 1));
		break;
	case 4:
		reset();
		break;
	case 5:
		CHECK(plx_nvme_qpair_poll(qp, (unsigned int)get(in, 1)) <= DEPTH);
		break;
	default:
		write_next(in);
		plx_nvme_qpair_poll(qp, 1);
	}
	CHECK(plx_nvme_qpair_in_flight(qp) == flying);
}

/* --- One input ------------------------------------------------------------------------------ */

static void make(uint8_t how)
{
	const struct nvme_qpair_shape shape = {
		.qid = QID,
		.sq_size = DEPTH,
		.cq_lag_max = how & 1 ? 5 : 1,
		.max_transfer = how & 2 ? 128 * 1024 : NVME_TRANSFER_MAX,
		.list_count = how & 4 ? 2 : DEPTH - 1,
		.page_shift = NVME_PAGE_SHIFT_BASE,
		.node = PLX_NODE_ANY,
	};

	atomic_store(&ctrl.state, PLX_NVME_READY);
	ctrl.info.sgl = how & 8;
	ctrl.sgl_bytes = how & 16;
	memset(requests, 0, REQS * sizeof(*requests));
	flying = 0;
	CHECK(nvme_qpair_init(qp, &ctrl, &shape) == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_eal_up();
	qp = aligned_alloc(PLX_CACHE_LINE, sizeof(*qp));
	requests = aligned_alloc(PLX_CACHE_LINE, REQS * sizeof(*requests));
	CHECK(qp && requests);
	ctrl.bar = bar;
	ctrl.bar_size = BAR_BYTES;
	ns.ctrl = &ctrl;
	ns.block_shift = 9;
	ns.max_blocks = NVME_RW_BLOCKS_MAX;
	ns.sqe_head = UINT64_C(1) << NVME_SQE_NSID_SHIFT;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = {data, size};

	make((uint8_t)get(&in, 1));
	while (in.left)
		step(&in);
	reset();
	while (plx_nvme_qpair_poll(qp, 0))
		;
	CHECK(flying == 0 && qp->free_list_count == qp->list_count);
	nvme_qpair_fini(qp);
	return 0;
}
