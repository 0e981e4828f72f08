/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Directive Send and Receive (Base 5.9, 5.10, 8.7), and what the Identify and Streams directives
 * answer. Called by the application only (<pollux/nvme_directive.h>).
 */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_directive.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/* cdw11: what is specific to the type 31:16, type 15:8, operation 7:0 */
#define SPECIFIC_SHIFT 16
#define TYPE_SHIFT     8

/* Operations of Identify, Base 8.7.2, and of Streams, Base 8.7.3 */
#define IDENTIFY_GET	    0x01
#define IDENTIFY_ENABLE	    0x01
#define STREAMS_GET	    0x01
#define STREAMS_ALLOCATE    0x03
#define STREAMS_RELEASE_ID  0x01
#define STREAMS_RELEASE_ALL 0x02
/* Enable, cdw12: type 15:8, on 0 */
#define ENABLE_TYPE_SHIFT 8

struct identify_parameters {
	uint8_t supported[32], enabled[32], persistent[32];
};
static_assert(sizeof(struct identify_parameters) == 96, "Base 8.7.2.1");

struct streams_parameters {
	uint16_t msl, nssa, nsso;
	uint8_t nssc;
	uint8_t reserved7[9];
	uint32_t sws;
	uint16_t sgs, nsa, nso;
	uint8_t reserved26[6];
};
static_assert(sizeof(struct streams_parameters) == 32, "Base 8.7.3.1.1");

/* --- Any operation -------------------------------------------------------------------------- */

static int check(const struct plx_nvme_ctrl *ctrl, size_t len)
{
	if (len > PLX_NVME_DIRECTIVE_DATA_MAX || len % 4)
		return -EINVAL;
	return ctrl->info.oacs & NVME_OACS_DIRECTIVES ? 0 : -ENOTSUP;
}

static struct nvme_sqe describe(const struct plx_nvme_ctrl *ctrl, uint8_t opcode,
				const struct plx_nvme_directive_op *op, size_t len)
{
	return (struct nvme_sqe){
		.opcode = opcode,
		.nsid = htole32(op->nsid),
		.prp1 = len ? htole64(plx_iova(ctrl->page)) : 0,
		.cdw10 = len ? htole32((uint32_t)len / 4 - 1) : 0,
		.cdw11 = htole32((uint32_t)op->specific << SPECIFIC_SHIFT |
				 (uint32_t)op->type << TYPE_SHIFT | op->operation),
		.cdw12 = htole32(op->cdw12),
	};
}

int plx_nvme_directive_receive(struct plx_nvme_ctrl *ctrl, struct plx_nvme_directive_op *op,
			       void *data, size_t len)
{
	struct nvme_sqe sqe = describe(ctrl, NVME_ADMIN_DIRECTIVE_RECEIVE, op, len);
	int err = check(ctrl, len);

	if (err)
		return err;
	pthread_mutex_lock(&ctrl->lock);
	memset(ctrl->page, 0, NVME_IDENTIFY_BYTES);
	err = nvme_admin_status(ctrl, &sqe, "Directive Receive", 0, &op->value);
	if (!err && len)
		memcpy(data, ctrl->page, len);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_directive_send(struct plx_nvme_ctrl *ctrl, struct plx_nvme_directive_op *op,
			    const void *data, size_t len)
{
	struct nvme_sqe sqe = describe(ctrl, NVME_ADMIN_DIRECTIVE_SEND, op, len);
	int err = check(ctrl, len);

	if (err)
		return err;
	pthread_mutex_lock(&ctrl->lock);
	if (len)
		memcpy(ctrl->page, data, len);
	err = nvme_admin_status(ctrl, &sqe, "Directive Send", 0, &op->value);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

/* --- Which there are ------------------------------------------------------------------------ */

static uint32_t bits(const uint8_t from[32])
{
	uint32_t v;

	memcpy(&v, from, sizeof(v));
	return le32toh(v);
}

int plx_nvme_directives_get(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
			    struct plx_nvme_directives *directives)
{
	struct plx_nvme_directive_op op = {.nsid = nsid, .operation = IDENTIFY_GET};
	struct identify_parameters p;
	int err = plx_nvme_directive_receive(ctrl, &op, &p, sizeof(p));

	if (err)
		return err;
	*directives = (struct plx_nvme_directives){
		.supported = bits(p.supported),
		.enabled = bits(p.enabled),
		.persistent = bits(p.persistent),
	};
	return 0;
}

static int set_enabled(struct plx_nvme_ctrl *ctrl, uint32_t nsid, enum plx_nvme_directive_type type,
		       uint32_t on)
{
	struct plx_nvme_directive_op op = {
		.nsid = nsid,
		.operation = IDENTIFY_ENABLE,
		.cdw12 = (uint32_t)type << ENABLE_TYPE_SHIFT | on,
	};

	if ((unsigned int)type > UINT8_MAX)
		return -EINVAL;
	return plx_nvme_directive_send(ctrl, &op, NULL, 0);
}

int plx_nvme_directive_enable(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
			      enum plx_nvme_directive_type type)
{
	return set_enabled(ctrl, nsid, type, 1);
}

int plx_nvme_directive_disable(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
			       enum plx_nvme_directive_type type)
{
	return set_enabled(ctrl, nsid, type, 0);
}

/* --- Streams -------------------------------------------------------------------------------- */

int plx_nvme_streams_get(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
			 struct plx_nvme_streams *streams)
{
	struct plx_nvme_directive_op op = {
		.nsid = nsid, .type = PLX_NVME_DIRECTIVE_STREAMS, .operation = STREAMS_GET};
	struct streams_parameters p;
	int err = plx_nvme_directive_receive(ctrl, &op, &p, sizeof(p));

	if (err)
		return err;
	*streams = (struct plx_nvme_streams){
		.max = le16toh(p.msl),
		.available = le16toh(p.nssa),
		.open = le16toh(p.nsso),
		.allocated = le16toh(p.nsa),
		.ns_open = le16toh(p.nso),
		.write_blocks = le32toh(p.sws),
		.granularity = le16toh(p.sgs),
	};
	return 0;
}

int plx_nvme_streams_allocate(struct plx_nvme_ctrl *ctrl, uint32_t nsid, uint16_t n, uint16_t *got)
{
	struct plx_nvme_directive_op op = {
		.nsid = nsid,
		.type = PLX_NVME_DIRECTIVE_STREAMS,
		.operation = STREAMS_ALLOCATE,
		.cdw12 = n,
	};
	int err = plx_nvme_directive_receive(ctrl, &op, NULL, 0);

	/* It may give less, never more. */
	*got = err ? 0 : (uint16_t)op.value;
	if (*got <= n)
		return err;
	pthread_mutex_lock(&ctrl->lock);
	ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
	pthread_mutex_unlock(&ctrl->lock);
	*got = n;
	return 0;
}

int plx_nvme_streams_release(struct plx_nvme_ctrl *ctrl, uint32_t nsid)
{
	struct plx_nvme_directive_op op = {
		.nsid = nsid, .type = PLX_NVME_DIRECTIVE_STREAMS, .operation = STREAMS_RELEASE_ALL};

	return plx_nvme_directive_send(ctrl, &op, NULL, 0);
}

int plx_nvme_stream_close(struct plx_nvme_ctrl *ctrl, uint32_t nsid, uint16_t id)
{
	struct plx_nvme_directive_op op = {
		.nsid = nsid,
		.type = PLX_NVME_DIRECTIVE_STREAMS,
		.operation = STREAMS_RELEASE_ID,
		.specific = id,
	};

	return plx_nvme_directive_send(ctrl, &op, NULL, 0);
}
