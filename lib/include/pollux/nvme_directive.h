/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: directives (Base 8.7): hints that go with writes. Streams tell the controller which
 * blocks will be overwritten together, so that it need not move them.
 *
 *	uint16_t got;
 *
 *	plx_nvme_directive_enable(ctrl, 1, PLX_NVME_DIRECTIVE_STREAMS);
 *	plx_nvme_streams_allocate(ctrl, 1, 4, &got);
 *	plx_nvme_cmd_range(&cmd, PLX_NVME_WRITE, ns, lba, blocks, 0);
 *	plx_nvme_cmd_stream(&cmd, 1);		// 1 to got, or any other id
 *
 * Threads and errors as in <pollux/nvme_admin.h>; -ENOTSUP: the controller has no directives. All
 * of it since 0.1.0.
 */
#ifndef POLLUX_NVME_DIRECTIVE_H
#define POLLUX_NVME_DIRECTIVE_H

#include <pollux/nvme_cmd.h>

PLX_BEGIN_DECLS

enum plx_nvme_directive_type {
	PLX_NVME_DIRECTIVE_IDENTIFY = 0,
	PLX_NVME_DIRECTIVE_STREAMS = 1,
	PLX_NVME_DIRECTIVE_PLACEMENT = 2, /**< flexible data placement */
};

/* --- Any operation -------------------------------------------------------------------------- */

#define PLX_NVME_DIRECTIVE_DATA_MAX 4096

/** Of Directive Send or Receive (Base 5.9, 5.10). */
struct plx_nvme_directive_op {
	uint32_t nsid;
	uint8_t type;	   /**< enum plx_nvme_directive_type, or any other */
	uint8_t operation; /**< of the type */
	uint16_t specific; /**< of the type, such as a stream's id */
	uint32_t cdw12;	   /**< of the operation */
	uint32_t value;	   /**< dword 0 of the completion */
};
/** len: 0 to PLX_NVME_DIRECTIVE_DATA_MAX, a multiple of 4. */
PLX_API int plx_nvme_directive_receive(struct plx_nvme_ctrl *ctrl, struct plx_nvme_directive_op *op,
				       void *data, size_t len);
PLX_API int plx_nvme_directive_send(struct plx_nvme_ctrl *ctrl, struct plx_nvme_directive_op *op,
				    const void *data, size_t len);

/* --- Which there are ------------------------------------------------------------------------ */

/** Bits by type, the first 32 of them. */
struct plx_nvme_directives {
	uint32_t supported, enabled;
	uint32_t persistent; /**< stays over resets */
};
PLX_API int plx_nvme_directives_get(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
				    struct plx_nvme_directives *directives);
/** For this host's commands to the namespace. */
PLX_API int plx_nvme_directive_enable(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
				      enum plx_nvme_directive_type type);
PLX_API int plx_nvme_directive_disable(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
				       enum plx_nvme_directive_type type);

/* --- Streams -------------------------------------------------------------------------------- */

/** Return Parameters of the Streams Directive (Base 8.7.3.1.1). */
struct plx_nvme_streams {
	uint16_t max;		     /**< of the subsystem */
	uint16_t available, open;    /**< of these: not allocated for good; in use */
	uint16_t allocated, ns_open; /**< of this namespace */
	uint32_t write_blocks;	     /**< best written in multiples of */
	uint16_t granularity;	     /**< in write_blocks: what is deallocated as one */
};
PLX_API int plx_nvme_streams_get(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
				 struct plx_nvme_streams *streams);
/** Streams that are this namespace's alone. *got: how many it gave. */
PLX_API int plx_nvme_streams_allocate(struct plx_nvme_ctrl *ctrl, uint32_t nsid, uint16_t n,
				      uint16_t *got);
/** Give them back. */
PLX_API int plx_nvme_streams_release(struct plx_nvme_ctrl *ctrl, uint32_t nsid);
/** The stream's id is not in use any more. */
PLX_API int plx_nvme_stream_close(struct plx_nvme_ctrl *ctrl, uint32_t nsid, uint16_t id);

/** A write that is filled in already belongs to a stream (NVM 3.2.6). */
static inline void plx_nvme_cmd_stream(struct plx_nvme_cmd *cmd, uint16_t id)
{
	cmd->cdw12 = (cmd->cdw12 & ~0x00f00000u) | (uint32_t)PLX_NVME_DIRECTIVE_STREAMS << 20;
	cmd->cdw13 = (cmd->cdw13 & 0xffffu) | (uint32_t)id << 16;
}

PLX_END_DECLS

#endif /* POLLUX_NVME_DIRECTIVE_H */
