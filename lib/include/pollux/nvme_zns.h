/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: zoned namespaces (ZNS Command Set Specification 1.1). A zone is written from its
 * start on, by writes at its write pointer or by appends whose place the controller chooses; the
 * commands are those of <pollux/nvme_cmd.h>, and go through any queue pair.
 *
 * Append a block to the first zone, and see where it is:
 *
 *	struct plx_nvme_ns *ns = plx_nvme_ns_open(ctrl, 1);
 *	struct plx_nvme_zns_info zns;
 *	struct plx_nvme_cmd cmd = {0}, *cmds[] = {&cmd};
 *	uint64_t lba;
 *
 *	if (plx_nvme_zns_info(ns, &zns))
 *		return;				// not zoned
 *	plx_nvme_zone_append(&cmd, ns, 0, 1, plx_iova(buf));
 *	plx_nvme_qpair_submit_cmds(qp, cmds, 1);
 *	while (plx_nvme_in_flight(&cmd.req))
 *		plx_nvme_qpair_poll(qp, 0);
 *	if (!cmd.req.status && !plx_nvme_zone_appended(&cmd, ns, &lba))
 *		printf("at %" PRIu64 "\n", lba);
 *
 * All of it since 0.1.0; pure functions, for any thread.
 */
#ifndef POLLUX_NVME_ZNS_H
#define POLLUX_NVME_ZNS_H

#include <pollux/nvme_cmd.h>

PLX_BEGIN_DECLS

enum plx_nvme_zone_opcode {
	PLX_NVME_ZONE_SEND = 0x79,
	PLX_NVME_ZONE_RECEIVE = 0x7a,
	PLX_NVME_ZONE_APPEND = 0x7d,
};

/** Statuses of commands to zones (ZNS 3.1.1). */
enum plx_nvme_zone_status {
	PLX_NVME_ZONE_BOUNDARY = 0x1b8, /**< beyond the zone's end */
	PLX_NVME_ZONE_FULL = 0x1b9,
	PLX_NVME_ZONE_READ_ONLY = 0x1ba,
	PLX_NVME_ZONE_OFFLINE = 0x1bb,
	PLX_NVME_ZONE_INVALID_WRITE = 0x1bc, /**< not at the write pointer */
	PLX_NVME_ZONE_TOO_MANY_ACTIVE = 0x1bd,
	PLX_NVME_ZONE_TOO_MANY_OPEN = 0x1be,
	PLX_NVME_ZONE_INVALID_TRANSITION = 0x1bf,
};

/** What Identify says of a zoned namespace (ZNS 4.1.5.1, 4.1.5.2), bounded. */
struct plx_nvme_zns_info {
	uint64_t zone_blocks; /**< from the start of one zone to that of the next */
	uint64_t zones;
	uint32_t max_open;	    /**< zones at once; 0: no limit */
	uint32_t max_active;	    /**< 0: no limit */
	uint32_t append_max_blocks; /**< of one append */
	uint32_t extension_bytes;   /**< of a zone's descriptor extension; 0: none */
	bool reads_cross;	    /**< a read may cross the border of a zone */
};
/** Return: 0; -ENOTSUP: the namespace is not zoned. */
PLX_API int plx_nvme_zns_info(const struct plx_nvme_ns *ns, struct plx_nvme_zns_info *info);

/* --- Commands ------------------------------------------------------------------------------- */

enum plx_nvme_zone_action {
	PLX_NVME_ZONE_CLOSE = 0x1,
	PLX_NVME_ZONE_FINISH = 0x2, /**< to full */
	PLX_NVME_ZONE_OPEN = 0x3,
	PLX_NVME_ZONE_RESET = 0x4, /**< to empty: its data is lost */
	PLX_NVME_ZONE_TAKE_OFFLINE = 0x5,
};
/** Which zone an action is for. */
enum plx_nvme_zone_which {
	PLX_NVME_ZONE_ONE, /**< that starts at lba */
	PLX_NVME_ZONE_ALL, /**< all that the action makes sense for; lba does not matter */
};

/** Change the state of a zone (ZNS 3.4.3). */
static inline void plx_nvme_zone_manage(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
					uint64_t lba, enum plx_nvme_zone_action action,
					enum plx_nvme_zone_which which)
{
	plx_nvme_cmd_clear(cmd, PLX_NVME_ZONE_SEND, plx_nvme_ns_id(ns));
	cmd->cdw10 = (uint32_t)lba;
	cmd->cdw11 = (uint32_t)(lba >> 32);
	cmd->cdw13 = (uint32_t)action | (which == PLX_NVME_ZONE_ALL ? 0x100 : 0);
}

/**
 * Write blocks (1 to plx_nvme_zns_info.append_max_blocks) to the zone that starts at lba, wherever
 * its write pointer is (ZNS 3.4.1): plx_nvme_zone_appended() tells. Several may be in flight.
 */
static inline void plx_nvme_zone_append(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
					uint64_t lba, uint32_t blocks, plx_iova_t iova)
{
	plx_nvme_cmd_range(cmd, PLX_NVME_ZONE_APPEND, ns, lba, blocks, 0);
	cmd->iova = iova;
	cmd->len = blocks << plx_nvme_ns_block_shift(ns);
}
/**
 * Where an append that succeeded has put its blocks.
 * Return: 0; -EPROTO: the controller named a place outside the zone.
 */
PLX_API int plx_nvme_zone_appended(const struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
				   uint64_t *lba);

/** Which zones a report is to have. */
enum plx_nvme_zone_filter {
	PLX_NVME_ZONES_ALL = 0,
	PLX_NVME_ZONES_EMPTY = 1,
	PLX_NVME_ZONES_IMPLICITLY_OPEN = 2,
	PLX_NVME_ZONES_EXPLICITLY_OPEN = 3,
	PLX_NVME_ZONES_CLOSED = 4,
	PLX_NVME_ZONES_FULL = 5,
	PLX_NVME_ZONES_READ_ONLY = 6,
	PLX_NVME_ZONES_OFFLINE = 7,
};

#define PLX_NVME_ZONE_HEADER_BYTES     64
#define PLX_NVME_ZONE_DESCRIPTOR_BYTES 64
/** Bytes of a report of n zones. */
#define PLX_NVME_ZONE_REPORT_BYTES(n)                                                              \
	(PLX_NVME_ZONE_HEADER_BYTES + (n)*PLX_NVME_ZONE_DESCRIPTOR_BYTES)

/** Report the zones from that of lba on, as many as fit len bytes (a multiple of 64) at iova. */
static inline void plx_nvme_zone_report(struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
					uint64_t lba, enum plx_nvme_zone_filter filter,
					plx_iova_t iova, uint32_t len)
{
	plx_nvme_cmd_clear(cmd, PLX_NVME_ZONE_RECEIVE, plx_nvme_ns_id(ns));
	cmd->cdw10 = (uint32_t)lba;
	cmd->cdw11 = (uint32_t)(lba >> 32);
	cmd->cdw12 = len / 4 - 1;
	/* Partial report: the number of zones is that of the descriptors (ZNS 3.4.2.2.1). */
	cmd->cdw13 = (uint32_t)filter << 8 | 0x10000;
	cmd->iova = iova;
	cmd->len = len;
}

enum plx_nvme_zone_state {
	PLX_NVME_ZONE_IS_EMPTY = 0x1,
	PLX_NVME_ZONE_IS_IMPLICITLY_OPEN = 0x2,
	PLX_NVME_ZONE_IS_EXPLICITLY_OPEN = 0x3,
	PLX_NVME_ZONE_IS_CLOSED = 0x4,
	PLX_NVME_ZONE_IS_READ_ONLY = 0xd,
	PLX_NVME_ZONE_IS_FULL = 0xe,
	PLX_NVME_ZONE_IS_OFFLINE = 0xf,
};
/** In words, such as "implicitly open"; "unknown". */
PLX_API const char *plx_nvme_zone_state_str(uint8_t state);

struct plx_nvme_zone {
	uint64_t lba;	   /**< its start */
	uint64_t capacity; /**< blocks that can be written */
	uint64_t written; /**< of them; in states without a write pointer 0 or, if full, capacity */
	uint8_t type;	  /**< 2: sequential write required */
	uint8_t state;	  /**< enum plx_nvme_zone_state */
	uint8_t attributes;
};
/**
 * Decode a report of len bytes (memory that the controller wrote to) into zones, at most max.
 * Return: how many; -EPROTO: a zone that cannot be (start, capacity, write pointer, order).
 */
PLX_API int plx_nvme_zones_parse(const struct plx_nvme_ns *ns, const void *report, size_t len,
				 struct plx_nvme_zone *zones, unsigned int max);

PLX_END_DECLS

#endif /* POLLUX_NVME_ZNS_H */
