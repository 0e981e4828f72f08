/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Zoned namespaces (ZNS Command Set Specification 1.1): what Identify says of them, and what their
 * reports and appends answer, bounded. identify.c calls nvme_identify_zns() where a namespace has
 * that command set; the rest is called by the application (<pollux/nvme_zns.h>).
 */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include <pollux/nvme_zns.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

static int lie(struct plx_nvme_ctrl *ctrl, uint32_t nsid, const char *what)
{
	ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
	PLX_ERR(nvme, "%s: namespace %u: %s; is its firmware up to date?", ctrl->info.name, nsid,
		what);
	return -EPROTO;
}

/* --- Identify ------------------------------------------------------------------------------- */

/* 0's based, and all ones is no limit (ZNS 4.1.5.1). */
static uint32_t limit(uint32_t value)
{
	return value == UINT32_MAX ? 0 : value + 1;
}

/* ZASL is a power of two of memory pages (ZNS 4.1.5.2); 0: as for any transfer. */
static uint32_t append_max(const struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info,
			   uint8_t zasl)
{
	uint64_t bytes = ctrl->info.max_transfer;

	if (zasl && zasl < 32 && (uint64_t)ctrl->info.page_size << zasl < bytes)
		bytes = (uint64_t)ctrl->info.page_size << zasl;
	return (uint32_t)(bytes / info->block_size);
}

int nvme_parse_zns(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info,
		   const struct nvme_id_zns *id, uint8_t zasl, struct plx_nvme_zns_info *zns)
{
	const struct nvme_zns_lbafe *lbafe = &id->lbafe[info->format];
	uint64_t size = le64toh(lbafe->zsze);

	if (size == 0 || size > info->blocks)
		return lie(ctrl, info->id, "its zones are empty, or larger than all of it");
	*zns = (struct plx_nvme_zns_info){
		.zone_blocks = size,
		.zones = info->blocks / size,
		.max_open = limit(le32toh(id->mor)),
		.max_active = limit(le32toh(id->mar)),
		.append_max_blocks = append_max(ctrl, info, zasl),
		.extension_bytes = lbafe->zdes * NVME_ZNS_EXTENSION_UNIT,
		.reads_cross = le16toh(id->ozcs) & NVME_ZNS_READ_ACROSS,
	};
	return 0;
}

int nvme_identify_zns(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info,
		      struct plx_nvme_zns_info *zns)
{
	struct nvme_id_zns id;
	uint8_t zasl;
	int err = nvme_admin_identify_set(ctrl, NVME_CNS_SET_CTRL, 0, PLX_NVME_CSI_ZNS);

	if (err)
		return err;
	zasl = *(const uint8_t *)ctrl->page;
	err = nvme_admin_identify_set(ctrl, NVME_CNS_SET_NS, info->id, PLX_NVME_CSI_ZNS);
	if (err)
		return err;
	/* A copy: the device can still write to the page while we look. */
	memcpy(&id, ctrl->page, sizeof(id));
	return nvme_parse_zns(ctrl, info, &id, zasl, zns);
}

int plx_nvme_zns_info(const struct plx_nvme_ns *ns, struct plx_nvme_zns_info *info)
{
	if (ns->info.command_set != PLX_NVME_CSI_ZNS)
		return -ENOTSUP;
	*info = ns->zns;
	return 0;
}

/* --- Answers -------------------------------------------------------------------------------- */

int plx_nvme_zone_appended(const struct plx_nvme_cmd *cmd, const struct plx_nvme_ns *ns,
			   uint64_t *lba)
{
	uint64_t start = cmd->cdw10 | (uint64_t)cmd->cdw11 << 32;
	uint64_t blocks = (cmd->cdw12 & 0xffff) + UINT64_C(1), size = ns->zns.zone_blocks;

	*lba = cmd->req.result;
	if (*lba < start || blocks > size || *lba - start > size - blocks)
		return -EPROTO;
	return 0;
}

const char *plx_nvme_zone_state_str(uint8_t state)
{
	static const char *const names[16] = {
		[PLX_NVME_ZONE_IS_EMPTY] = "empty",
		[PLX_NVME_ZONE_IS_IMPLICITLY_OPEN] = "implicitly open",
		[PLX_NVME_ZONE_IS_EXPLICITLY_OPEN] = "explicitly open",
		[PLX_NVME_ZONE_IS_CLOSED] = "closed",
		[PLX_NVME_ZONE_IS_READ_ONLY] = "read-only",
		[PLX_NVME_ZONE_IS_FULL] = "full",
		[PLX_NVME_ZONE_IS_OFFLINE] = "offline",
	};

	return state < 16 && names[state] ? names[state] : "unknown";
}

/* Only open and closed zones have a write pointer that means something (ZNS 2.1.1.2). */
static int parse_zone(const struct plx_nvme_ns *ns, const struct nvme_zone *from,
		      struct plx_nvme_zone *to)
{
	uint64_t wp = le64toh(from->wp), size = ns->zns.zone_blocks;

	*to = (struct plx_nvme_zone){
		.lba = le64toh(from->zslba),
		.capacity = le64toh(from->zcap),
		.type = from->zt & 0xf,
		.state = from->zs >> 4,
		.attributes = from->za,
	};
	if (to->lba % size || to->lba / size >= ns->zns.zones || to->capacity > size)
		return -EPROTO;
	if (to->state == PLX_NVME_ZONE_IS_FULL)
		to->written = to->capacity;
	if (to->state < PLX_NVME_ZONE_IS_IMPLICITLY_OPEN || to->state > PLX_NVME_ZONE_IS_CLOSED)
		return 0;
	if (wp < to->lba || wp - to->lba > to->capacity)
		return -EPROTO;
	to->written = wp - to->lba;
	return 0;
}

int plx_nvme_zones_parse(const struct plx_nvme_ns *ns, const void *report, size_t len,
			 struct plx_nvme_zone *zones, unsigned int max)
{
	const char *at = (const char *)report + PLX_NVME_ZONE_HEADER_BYTES;
	struct nvme_zone zone;
	uint64_t count, i;
	int err;

	if (ns->info.command_set != PLX_NVME_CSI_ZNS)
		return -ENOTSUP;
	if (len < PLX_NVME_ZONE_HEADER_BYTES)
		return -EINVAL;
	memcpy(&count, report, sizeof(count));
	count = le64toh(count);
	if (count > (len - PLX_NVME_ZONE_HEADER_BYTES) / PLX_NVME_ZONE_DESCRIPTOR_BYTES)
		return -EPROTO;
	if (count > max)
		count = max;
	for (i = 0; i < count; i++, at += PLX_NVME_ZONE_DESCRIPTOR_BYTES) {
		memcpy(&zone, at, sizeof(zone));
		err = parse_zone(ns, &zone, &zones[i]);
		if (err || (i && zones[i].lba <= zones[i - 1].lba))
			return -EPROTO;
	}
	return (int)count;
}
