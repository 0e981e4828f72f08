/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: every I/O command that is not a plain read, write or flush, and transfers that are
 * scattered over memory. A command (struct plx_nvme_cmd) is a request with all its dwords: it goes
 * through the same queue pairs, ends once like any request, and is found by poll and reap.
 *
 * Compare a block with memory:
 *
 *	struct plx_nvme_cmd cmd = {0}, *cmds[] = {&cmd};
 *
 *	plx_nvme_compare(&cmd, ns, 0, 1, plx_iova(buf));
 *	plx_nvme_qpair_submit_cmds(qp, cmds, 1);
 *	while (plx_nvme_in_flight(&cmd.req))
 *		plx_nvme_qpair_poll(qp, 0);
 *	if (cmd.req.status == PLX_NVME_COMPARE_FAILURE)
 *		...
 *
 * Nothing is checked that the controller checks: one that does not know a command answers
 * PLX_NVME_INVALID_OPCODE. What it can is in plx_nvme_ctrl_info.oncs (enum plx_nvme_oncs).
 */
#ifndef POLLUX_NVME_CMD_H
#define POLLUX_NVME_CMD_H

#include <assert.h>
#include <endian.h>
#include <string.h>

#include <pollux/nvme.h>

PLX_BEGIN_DECLS

/** Opcodes beside those of enum plx_nvme_opcode (NVM Command Set, 3.2). */
enum plx_nvme_cmd_opcode {
	PLX_NVME_WRITE_UNCORRECTABLE = 0x04,
	PLX_NVME_COMPARE = 0x05,
	PLX_NVME_WRITE_ZEROES = 0x08,
	PLX_NVME_DSM = 0x09,
	PLX_NVME_VERIFY = 0x0c,
	PLX_NVME_COPY = 0x19,
};

/** plx_nvme_ctrl_info.oncs: what the controller can (Base 5.17.2.1). */
enum plx_nvme_oncs {
	PLX_NVME_CAN_COMPARE = 0x001,
	PLX_NVME_CAN_WRITE_UNCORRECTABLE = 0x002,
	PLX_NVME_CAN_DSM = 0x004,
	PLX_NVME_CAN_WRITE_ZEROES = 0x008,
	PLX_NVME_CAN_VERIFY = 0x080,
	PLX_NVME_CAN_COPY = 0x100,
};

/** Statuses that these commands end with (NVM Command Set, 3.1.2). */
enum plx_nvme_cmd_status {
	PLX_NVME_GUARD_CHECK = 0x282,
	PLX_NVME_APP_TAG_CHECK = 0x283,
	PLX_NVME_REF_TAG_CHECK = 0x284,
	PLX_NVME_COMPARE_FAILURE = 0x285,
	PLX_NVME_STORAGE_TAG_CHECK = 0x288,
};

/** A piece of memory, contiguous in IOVA. */
struct plx_nvme_sge {
	plx_iova_t iova;
	uint32_t len; /**< bytes, at least 1 */
	uint32_t reserved;
};

/**
 * A command, owned by the caller like a request: zero it once, fill it in, submit it, and leave it
 * (and what sgl points to) alone until it ends.
 *
 * Its data is `len` bytes at iova, or, with sgl, `len` bytes of the list from sgl_offset in its
 * first element on. It is described to the controller by PRPs where they can (every joint of the
 * list on a memory page), by an SGL where they cannot or where it is shorter. Bit 0 of the opcode
 * is "to the controller", bit 1 "from the controller"; the library does not look at them.
 */
struct plx_nvme_cmd {
	/** done, arg, opcode are the caller's to fill in; status, result as for any request. */
	struct plx_nvme_req req;
	uint32_t nsid;
	uint32_t cdw2, cdw3;
	uint32_t cdw10, cdw11, cdw12, cdw13, cdw14, cdw15;
	uint32_t len; /**< bytes of data; 0: none */
	plx_iova_t iova;
	const struct plx_nvme_sge *sgl; /**< NULL: iova */
	uint32_t sgl_offset;
	uint16_t sges; /**< elements of sgl */
	uint8_t fuse;  /**< 0, or enum plx_nvme_fuse */
	uint8_t reserved;
	plx_iova_t metadata; /**< of the separate metadata buffer; 0: none */
};

/** Fused operation (Base 3.4.2): two commands, submitted in one call, done as one. */
enum plx_nvme_fuse {
	PLX_NVME_FUSE_FIRST = 1,
	PLX_NVME_FUSE_SECOND = 2,
};

/**
 * Submit up to n commands, in order, and ring the doorbell once (unless the queue pair was opened
 * with defer_doorbell). The two halves of a fused operation are taken together or not at all.
 * Return: as plx_nvme_qpair_submit(), and
 *	-EINVAL   the list is shorter than len, or has an empty element; or its joints are such
 *		  that PRPs cannot describe them, and the controller does not have SGLs
 *	-E2BIG    longer than plx_nvme_qpair_info.max_transfer, or more elements than a list holds
 */
PLX_API int plx_nvme_qpair_submit_cmds(struct plx_nvme_qpair *qp, struct plx_nvme_cmd *const *cmds,
				       unsigned int n);

/* --- Filling in ----------------------------------------------------------------------------- */

/** The handle's namespace id. */
PLX_API uint32_t plx_nvme_ns_id(const struct plx_nvme_ns *ns);
/** log2 of its block size in bytes, metadata that is part of the block not counted. */
PLX_API uint32_t plx_nvme_ns_block_shift(const struct plx_nvme_ns *ns);

/** Everything to zero but done, arg. */
static inline void plx_nvme_cmd_clear(struct plx_nvme_cmd *cmd, uint8_t opcode, uint32_t nsid)
{
	struct plx_nvme_req req = {.opcode = opcode, .done = cmd->req.done, .arg = cmd->req.arg};

	memset(cmd, 0, sizeof(*cmd));
	cmd->req = req;
	cmd->nsid = nsid;
}

/**
 * Any command over a range of blocks: opcode, range and flags (enum plx_nvme_flag), no data.
 * blocks: 1 to 65536.
 */
static inline void plx_nvme_cmd_range(struct plx_nvme_cmd *cmd, uint8_t opcode,
				      const struct plx_nvme_ns *ns, uint64_t lba, uint32_t blocks,
				      uint16_t flags)
{
	plx_nvme_cmd_clear(cmd, opcode, plx_nvme_ns_id(ns));
	cmd->cdw10 = (uint32_t)lba;
	cmd->cdw11 = (uint32_t)(lba >> 32);
	cmd->cdw12 = ((blocks - 1) & 0xffff) | (uint32_t)flags << 16;
}

/** Compare blocks with memory: PLX_NVME_COMPARE_FAILURE where they differ. */
static inline void plx_nvme_compare(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
				    uint64_t lba, uint32_t blocks, plx_iova_t iova)
{
	plx_nvme_cmd_range(cmd, PLX_NVME_COMPARE, ns, lba, blocks, 0);
	cmd->iova = iova;
	cmd->len = blocks << plx_nvme_ns_block_shift(ns);
}

/** flags of write zeroes: the controller may deallocate the blocks, if they then read as zero. */
#define PLX_NVME_DEALLOCATE 0x0200

/** Make blocks read as zero; flags: PLX_NVME_DEALLOCATE, PLX_NVME_FUA. */
static inline void plx_nvme_write_zeroes(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
					 uint64_t lba, uint32_t blocks, uint16_t flags)
{
	plx_nvme_cmd_range(cmd, PLX_NVME_WRITE_ZEROES, ns, lba, blocks, flags);
}

/** Make blocks unreadable until they are written: PLX_NVME_UNRECOVERED_READ. */
static inline void plx_nvme_write_uncorrectable(struct plx_nvme_cmd *cmd,
						const struct plx_nvme_ns *ns, uint64_t lba,
						uint32_t blocks)
{
	plx_nvme_cmd_range(cmd, PLX_NVME_WRITE_UNCORRECTABLE, ns, lba, blocks, 0);
}

/** Have the controller read blocks and check them, without a transfer. */
static inline void plx_nvme_verify(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
				   uint64_t lba, uint32_t blocks)
{
	plx_nvme_cmd_range(cmd, PLX_NVME_VERIFY, ns, lba, blocks, 0);
}

/** A range of dataset management, as it is in memory (NVM Command Set, 3.2.3). */
struct plx_nvme_dsm_range {
	uint32_t attributes; /**< little-endian, like the others */
	uint32_t blocks;
	uint64_t lba;
};
static_assert(sizeof(struct plx_nvme_dsm_range) == 16, "NVM 3.2.3");
#define PLX_NVME_DSM_RANGES_MAX 256

/** Deallocate n ranges (1 to 256), which are filled in by plx_nvme_dsm_range_set() at iova. */
static inline void plx_nvme_deallocate(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
				       unsigned int n, plx_iova_t iova)
{
	plx_nvme_cmd_clear(cmd, PLX_NVME_DSM, plx_nvme_ns_id(ns));
	cmd->cdw10 = (n - 1) & 0xff;
	cmd->cdw11 = 0x4; /* AD */
	cmd->iova = iova;
	cmd->len = n * (uint32_t)sizeof(struct plx_nvme_dsm_range);
}

static inline void plx_nvme_dsm_range_set(struct plx_nvme_dsm_range *range, uint64_t lba,
					  uint32_t blocks)
{
	range->attributes = 0;
	range->blocks = htole32(blocks);
	range->lba = htole64(lba);
}

/** A source range of copy, as it is in memory (NVM Command Set, 3.2.2, descriptor format 0). */
struct plx_nvme_copy_range {
	uint64_t reserved;
	uint64_t lba;	 /**< little-endian, like the others */
	uint16_t blocks; /**< 0's based */
	uint8_t reserved18[6];
	uint32_t ref_tag;
	uint16_t app_tag, app_mask;
};
static_assert(sizeof(struct plx_nvme_copy_range) == 32, "NVM 3.2.2");

/** Copy n source ranges (1 to 256), filled in at iova, one after the other, to lba on. */
static inline void plx_nvme_copy(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
				 uint64_t lba, unsigned int n, plx_iova_t iova)
{
	plx_nvme_cmd_clear(cmd, PLX_NVME_COPY, plx_nvme_ns_id(ns));
	cmd->cdw10 = (uint32_t)lba;
	cmd->cdw11 = (uint32_t)(lba >> 32);
	cmd->cdw12 = (n - 1) & 0xff;
	cmd->iova = iova;
	cmd->len = n * (uint32_t)sizeof(struct plx_nvme_copy_range);
}

/** blocks: 1 to 65536. */
static inline void plx_nvme_copy_range_set(struct plx_nvme_copy_range *range, uint64_t lba,
					   uint32_t blocks)
{
	memset(range, 0, sizeof(*range));
	range->lba = htole64(lba);
	range->blocks = htole16((uint16_t)(blocks - 1));
}

/* --- Transfers of any length ------------------------------------------------------------------ */

/**
 * A read, write or compare of any number of blocks from or to any list of memory, to be cut into
 * commands: at the controller's transfer limit (MDTS), at the boundary that the namespace asks for
 * (NOIOB), and where one command cannot describe the memory. Fill it in, then take one command
 * after the other; what it holds is what is left.
 *
 *	struct plx_nvme_transfer t = {
 *		.ns = ns, .opcode = PLX_NVME_READ, .lba = 0, .blocks = 1 << 20,
 *		.sgl = sgl, .sges = 40,
 *	};
 *
 *	while ((n = plx_nvme_transfer_next(&t, qp, cmd)) > 0)
 *		... submit cmd, take the next one ...
 */
struct plx_nvme_transfer {
	const struct plx_nvme_ns *ns;
	uint64_t lba, blocks;
	const struct plx_nvme_sge *sgl; /**< left alone until the commands have ended */
	uint32_t sges;
	uint32_t sgl_offset; /**< in the first element */
	uint16_t flags;	     /**< enum plx_nvme_flag */
	uint8_t opcode;
};

/**
 * Fill in the next command, for qp, as long as it can be; done and arg stay as they are.
 * Return: its blocks; 0 at the end; -EINVAL: the list is shorter than the blocks, or a single block
 * lies in memory that a command cannot describe (without SGLs: a joint inside a block that is not
 * on a memory page, or memory not aligned to 4 bytes); -ESTALE as plx_nvme_qpair_submit().
 */
PLX_API int plx_nvme_transfer_next(struct plx_nvme_transfer *t, const struct plx_nvme_qpair *qp,
				   struct plx_nvme_cmd *cmd);

PLX_END_DECLS

#endif /* POLLUX_NVME_CMD_H */
