/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * The admin queue: one command at a time, run to its end by polling, with the controller's lock
 * held. Identify, Set Features, create and delete of queues (Base 5). Called by ctrl_life.c,
 * identify.c, namespace.c and qpair_life.c.
 */
#include <errno.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/* Most admin commands end in microseconds: spin for so long, then sleep between looks. */
#define SPIN_NS	 50000
#define SLEEP_US 50

int nvme_admin_init(struct plx_nvme_ctrl *ctrl)
{
	uint32_t depth = NVME_ADMIN_DEPTH;
	struct nvme_qpair_shape shape = {
		.cq_lag_max = 1,
		/* One command at a time: one list. */
		.max_transfer = NVME_TRANSFER_MAX,
		.list_count = 1,
		.page_shift = (uint32_t)__builtin_ctz(ctrl->info.page_size),
		.node = plx_dev_info(ctrl->dev)->pci.node,
	};
	int err;

	if (depth > ctrl->info.max_depth)
		depth = ctrl->info.max_depth;
	shape.sq_size = depth;
	ctrl->page = plx_dma_alloc(NVME_IDENTIFY_BYTES, ctrl->info.page_size, shape.node);
	if (!ctrl->page)
		return -ENOMEM;
	err = nvme_qpair_init(&ctrl->admin, ctrl, &shape);
	if (err) {
		plx_dma_free(ctrl->page);
		ctrl->page = NULL;
	}
	return err;
}

void nvme_admin_fini(struct plx_nvme_ctrl *ctrl)
{
	if (!ctrl->page)
		return;
	nvme_qpair_fini(&ctrl->admin);
	plx_dma_free(ctrl->page);
	ctrl->page = NULL;
}

/* --- Running a command ---------------------------------------------------------------------- */

/* The controller may still complete it: let that find a request that nobody waits for. */
static void give_up(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_req *req)
{
	uint32_t i;

	for (i = 0; i <= ctrl->admin.slot_mask; i++)
		if (ctrl->admin.slots[i].req == req)
			ctrl->admin.slots[i].req = &ctrl->orphan;
}

int nvme_admin_check_alive(struct plx_nvme_ctrl *ctrl, const char *what)
{
	uint32_t csts = nvme_get32(ctrl, NVME_CSTS);

	if (!nvme_ctrl_answers(ctrl, csts))
		return nvme_ctrl_gone(ctrl);
	if (csts & NVME_CSTS_CFS) {
		nvme_ctrl_break(ctrl, "fatal status (CSTS.CFS) during %s", what);
		return -EIO;
	}
	return nvme_ctrl_state_error(ctrl);
}

static int wait_for(struct plx_nvme_ctrl *ctrl, struct plx_nvme_req *req, const char *what,
		    uint32_t timeout_ms)
{
	uint64_t start = plx_clock_ns();
	uint64_t end = start + timeout_ms * UINT64_C(1000000);
	bool last = false;
	int err;

	for (;;) {
		uint64_t now;

		plx_nvme_qpair_poll(&ctrl->admin, 0);
		if (!plx_nvme_in_flight(req))
			return 0;
		err = nvme_admin_check_alive(ctrl, what);
		if (err)
			return err;
		if (last)
			break;
		now = plx_clock_ns();
		last = now >= end;
		if (now - start < SPIN_NS)
			plx_pause();
		else
			plx_delay_us(SLEEP_US);
	}
	atomic_fetch_add_explicit(&ctrl->timeouts, 1, memory_order_relaxed);
	nvme_ctrl_break(ctrl, "%s did not end in %u ms", what, timeout_ms);
	return -ETIMEDOUT;
}

int nvme_admin_exec(struct plx_nvme_ctrl *ctrl, const struct nvme_admin_command *command,
		    struct plx_nvme_req *req)
{
	uint32_t timeout_ms = command->timeout_ms;
	int err;

	ctrl->stats.admin_commands++;
	err = nvme_qpair_post(&ctrl->admin, command->sqe, req, command->list);
	if (err)
		return err;
	err = wait_for(ctrl, req, command->what,
		       timeout_ms ? timeout_ms : ctrl->config.admin_timeout_ms);
	if (err)
		give_up(ctrl, req);
	else if (req->status)
		ctrl->stats.admin_errors++;
	return err;
}

int nvme_admin_run(struct plx_nvme_ctrl *ctrl, struct nvme_sqe *sqe, const char *what,
		   uint64_t *result)
{
	struct nvme_admin_command command = {.sqe = sqe, .what = what, .list = NVME_NO_LIST};
	struct plx_nvme_req req = {0};
	int err = nvme_ctrl_state_error(ctrl);

	if (!err)
		err = nvme_admin_exec(ctrl, &command, &req);
	if (err)
		return err;
	if (req.status) {
		PLX_ERR(nvme, "%s: %s failed: %s", ctrl->info.name, what,
			plx_nvme_status_str(req.status));
		return -EIO;
	}
	if (result)
		*result = req.result;
	return 0;
}

int nvme_admin_status(struct plx_nvme_ctrl *ctrl, const struct nvme_sqe *sqe, const char *what,
		      uint32_t timeout_ms, uint32_t *value)
{
	struct nvme_admin_command command = {
		.sqe = sqe,
		.what = what,
		.timeout_ms = timeout_ms,
		.list = NVME_NO_LIST,
	};
	struct plx_nvme_req req = {0};
	int err = nvme_ctrl_state_error(ctrl);

	if (!err)
		err = nvme_admin_exec(ctrl, &command, &req);
	if (err)
		return err;
	if (req.status)
		PLX_ERR(nvme, "%s: %s failed: %s", ctrl->info.name, what,
			plx_nvme_status_str(req.status));
	if (value)
		*value = (uint32_t)req.result;
	return plx_nvme_status_errno(req.status);
}

/* --- Commands ------------------------------------------------------------------------------- */

/* Into the page. */
static int identify(struct plx_nvme_ctrl *ctrl, uint32_t cdw10, uint32_t cdw11, uint32_t nsid,
		    const char *what)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_IDENTIFY,
		.nsid = htole32(nsid),
		.prp1 = htole64(plx_iova(ctrl->page)),
		.cdw10 = htole32(cdw10),
		.cdw11 = htole32(cdw11),
	};

	/* A controller that says success and writes nothing leaves zeroes, which are refused. */
	memset(ctrl->page, 0, NVME_IDENTIFY_BYTES);
	return nvme_admin_run(ctrl, &sqe, what, NULL);
}

int nvme_admin_identify_set(struct plx_nvme_ctrl *ctrl, enum nvme_cns cns, uint32_t nsid,
			    enum plx_nvme_command_set set)
{
	static const char *const what[] = {
		[NVME_CNS_NS] = "Identify Namespace",
		[NVME_CNS_CTRL] = "Identify Controller",
		[NVME_CNS_ACTIVE_NS] = "Identify (active namespaces)",
		[NVME_CNS_NS_IDS] = "Identify (namespace identification descriptors)",
		[NVME_CNS_SET_NS] = "Identify Namespace (of a command set)",
		[NVME_CNS_SET_CTRL] = "Identify Controller (of a command set)",
		[NVME_CNS_PRIMARY] = "Identify (primary controller capabilities)",
	};

	return identify(ctrl, cns, (uint32_t)set << NVME_CSI_SHIFT, nsid, what[cns]);
}

int nvme_admin_identify_controllers(struct plx_nvme_ctrl *ctrl, enum nvme_cns cns, uint16_t from)
{
	return identify(ctrl, cns | (uint32_t)from << NVME_CNS_CONTROLLER_SHIFT, 0, 0,
			"Identify (secondary controllers)");
}

int nvme_admin_identify(struct plx_nvme_ctrl *ctrl, enum nvme_cns cns, uint32_t nsid)
{
	return nvme_admin_identify_set(ctrl, cns, nsid, PLX_NVME_CSI_NVM);
}

int nvme_admin_set_queues(struct plx_nvme_ctrl *ctrl, uint32_t want, uint32_t *got)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_SET_FEATURES,
		.cdw10 = htole32(NVME_FEATURE_QUEUES),
		.cdw11 = htole32((want - 1) << NVME_QUEUES_CQ_SHIFT | (want - 1)),
	};
	uint64_t result;
	uint32_t sqs, cqs;
	int err = nvme_admin_run(ctrl, &sqe, "Set Features (number of queues)", &result);

	if (err)
		return err;
	sqs = (uint32_t)(result & 0xffff);
	cqs = (uint32_t)(result >> NVME_QUEUES_CQ_SHIFT & 0xffff);
	/* 0's based, and 65535 would be a queue more than there can be ids. */
	if (sqs == 0xffff || cqs == 0xffff)
		ctrl->lies[PLX_NVME_LIE_QUEUES]++;
	*got = (sqs < cqs ? sqs : cqs) + 1;
	if (*got > want)
		*got = want;
	return 0;
}

static int create_cq(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_qpair *qp)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_CREATE_CQ,
		.prp1 = htole64(plx_iova(qp->cq)),
		.cdw10 = htole32((qp->cq_size - 1) << NVME_QUEUE_SIZE_SHIFT | qp->qid),
		.cdw11 = htole32(NVME_QUEUE_CONTIGUOUS),
	};

	if (qp->vector >= 0)
		sqe.cdw11 = htole32((uint32_t)qp->vector << NVME_CQ_VECTOR_SHIFT |
				    NVME_CQ_IRQ_ENABLE | NVME_QUEUE_CONTIGUOUS);
	return nvme_admin_run(ctrl, &sqe, "Create I/O Completion Queue", NULL);
}

static int create_sq(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_qpair *qp)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_CREATE_SQ,
		.prp1 = htole64(qp->sq_iova),
		.cdw10 = htole32((qp->sq_size - 1) << NVME_QUEUE_SIZE_SHIFT | qp->qid),
		.cdw11 = htole32((uint32_t)qp->qid << NVME_SQ_CQID_SHIFT |
				 (uint32_t)qp->priority << NVME_SQ_PRIORITY_SHIFT |
				 NVME_QUEUE_CONTIGUOUS),
	};

	return nvme_admin_run(ctrl, &sqe, "Create I/O Submission Queue", NULL);
}

static int delete_queue(struct plx_nvme_ctrl *ctrl, enum nvme_admin_opcode opcode, uint16_t qid,
			const char *what)
{
	struct nvme_sqe sqe = {.opcode = (uint8_t)opcode, .cdw10 = htole32(qid)};

	return nvme_admin_run(ctrl, &sqe, what, NULL);
}

static int create_cq_sq(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_qpair *qp)
{
	int err = create_cq(ctrl, qp);

	if (err)
		return err;
	err = create_sq(ctrl, qp);
	if (err && delete_queue(ctrl, NVME_ADMIN_DELETE_CQ, qp->qid, "Delete I/O Completion Queue"))
		nvme_ctrl_break(ctrl, "it does not delete completion queue %u", qp->qid);
	return err;
}

int nvme_admin_create_queues(struct plx_nvme_ctrl *ctrl, struct plx_nvme_qpair *qp)
{
	int err = nvme_tune_vector(qp);

	/* Before the controller looks at shadow doorbells. */
	nvme_qpair_plug(qp);
	if (!err)
		err = create_cq_sq(ctrl, qp);
	/* What did not answer may know it yet: closing must not take its word that it does not. */
	qp->created = !err || nvme_ctrl_state(ctrl) != PLX_NVME_READY;
	return err;
}

int nvme_admin_delete_queues(struct plx_nvme_ctrl *ctrl, struct plx_nvme_qpair *qp)
{
	int err;

	if (!qp->created)
		return 0;
	/* In this order (Base 5.6, 5.7): its commands are aborted and completed on the way. */
	err = delete_queue(ctrl, NVME_ADMIN_DELETE_SQ, qp->qid, "Delete I/O Submission Queue");
	if (!err)
		err = delete_queue(ctrl, NVME_ADMIN_DELETE_CQ, qp->qid,
				   "Delete I/O Completion Queue");
	qp->created = err != 0;
	if (!err)
		nvme_qpair_unplug(qp);
	return err;
}
