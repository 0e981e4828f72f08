/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: metadata, and end-to-end protection information (NVM Command Set, 5.2). A namespace
 * whose blocks have metadata is opened by plx_nvme_ns_open_metadata(), and read and written by
 * commands (<pollux/nvme_cmd.h>) that carry the metadata: in a buffer of its own, or behind each
 * block of the data (extended LBA), as the namespace is formatted.
 *
 *	struct plx_nvme_pi pi;
 *
 *	plx_nvme_pi_init(&pi, plx_nvme_ns_info(ns), PLX_NVME_PI_CHECK_ALL);
 *	pi.app_tag = 0x1234;
 *	pi.ref_tag = (uint32_t)lba;
 *	plx_nvme_pi_generate(&pi, data, metadata, blocks);
 *	plx_nvme_cmd_metadata(&cmd, &pi, PLX_NVME_WRITE, ns, lba, blocks, plx_iova(data),
 *			      plx_iova(metadata));
 *
 * The controller checks what pi.checks says, and ends the command with PLX_NVME_GUARD_CHECK,
 * PLX_NVME_APP_TAG_CHECK or PLX_NVME_REF_TAG_CHECK. Guards are of 16, 32 or 64 bits, as the
 * namespace is formatted; those of 32 and 64 may have a storage tag beside the reference tag.
 */
#ifndef POLLUX_NVME_PI_H
#define POLLUX_NVME_PI_H

#include <pollux/nvme_cmd.h>

PLX_BEGIN_DECLS

/**
 * As plx_nvme_ns_open(), also for a namespace that has metadata. The handle of such a one is not
 * for plx_nvme_qpair_submit() (-EINVAL) nor plx_nvme_transfer_next().
 */
PLX_API struct plx_nvme_ns *plx_nvme_ns_open_metadata(struct plx_nvme_ctrl *ctrl, uint32_t id);

/** What the controller is to check: as bits 15:8 of plx_nvme_req.flags. */
enum plx_nvme_pi_check {
	PLX_NVME_PI_CHECK_STORAGE = 0x0100, /**< the storage tag, where there is one */
	PLX_NVME_PI_CHECK_REF = 0x0400,
	PLX_NVME_PI_CHECK_APP = 0x0800,
	PLX_NVME_PI_CHECK_GUARD = 0x1000,
	PLX_NVME_PI_CHECK_ALL = 0x1c00,
	/**
	 * The controller makes the protection information of a write, and checks that of a read;
	 * where the metadata is nothing but that, none is transferred.
	 */
	PLX_NVME_PI_ACTION = 0x2000,
};

/** Metadata and protection of a transfer. */
struct plx_nvme_pi {
	uint32_t block_size;	/**< without metadata */
	uint16_t metadata_size; /**< bytes per block */
	bool extended;		/**< metadata is behind each block of the data */
	bool first;		/**< protection information is at its start, not at its end */
	uint8_t type;		/**< 0 (no protection) to 3 */
	uint8_t guard_bits;	/**< 16, 32 or 64 */
	uint8_t storage_bits;	/**< of the storage tag */
	uint16_t checks;	/**< enum plx_nvme_pi_check */
	/** The caller's, 0 unless set. Reference tag of the first block: type 1: its LBA. */
	uint16_t app_tag, app_mask;
	uint64_t ref_tag; /**< as many of its low bits as there are: 32, 48 or 80, less the storage
			     tag's */
	uint64_t storage_tag;
};

/** Bytes of the protection information in the metadata of a block: 8 or 16. */
static inline unsigned int plx_nvme_pi_bytes(const struct plx_nvme_pi *pi)
{
	return pi->guard_bits == 16 ? 8 : 16;
}

/** From the namespace's format; no tags, and a mask of all ones. */
PLX_API void plx_nvme_pi_init(struct plx_nvme_pi *pi, const struct plx_nvme_ns_info *info,
			      uint16_t checks);

/**
 * Fill in the protection information of blocks that are to be written. The rest of the metadata is
 * the caller's, and must be there already: where the information is last, the guard is over it too.
 * @metadata: not looked at when it is extended; type 0: nothing is done
 */
PLX_API void plx_nvme_pi_generate(const struct plx_nvme_pi *pi, void *data, void *metadata,
				  uint32_t blocks);

/**
 * Check the protection information of blocks that have been read, all fields of it (the reference
 * tag not with type 3). Blocks whose application tag is 0xffff (type 3: reference tag all ones,
 * too) are not checked (NVM Command Set, 5.2.2.4).
 * @block: where it is wrong: the index of the first such block; may be NULL
 * Return: 0, or PLX_NVME_GUARD_CHECK, PLX_NVME_APP_TAG_CHECK, PLX_NVME_REF_TAG_CHECK,
 * PLX_NVME_STORAGE_TAG_CHECK.
 */
PLX_API int plx_nvme_pi_verify(const struct plx_nvme_pi *pi, const void *data, const void *metadata,
			       uint32_t blocks, uint32_t *block);

/** Fill in the tags that a command names: dwords 2, 3, 14 and 15. */
PLX_API void plx_nvme_pi_tags(const struct plx_nvme_pi *pi, struct plx_nvme_cmd *cmd);

/**
 * Fill in a read, write or compare with metadata.
 * @metadata: of a buffer of blocks * metadata_size bytes; 0 when it is extended
 */
static inline void plx_nvme_cmd_metadata(struct plx_nvme_cmd *cmd, const struct plx_nvme_pi *pi,
					 uint8_t opcode, const struct plx_nvme_ns *ns, uint64_t lba,
					 uint32_t blocks, plx_iova_t data, plx_iova_t metadata)
{
	bool none = (pi->checks & PLX_NVME_PI_ACTION) && pi->metadata_size == plx_nvme_pi_bytes(pi);

	plx_nvme_cmd_range(cmd, opcode, ns, lba, blocks, pi->type ? pi->checks : 0);
	cmd->iova = data;
	cmd->len = blocks * (pi->block_size + (pi->extended && !none ? pi->metadata_size : 0));
	cmd->metadata = pi->extended ? 0 : metadata;
	plx_nvme_pi_tags(pi, cmd);
}

PLX_END_DECLS

#endif /* POLLUX_NVME_PI_H */
