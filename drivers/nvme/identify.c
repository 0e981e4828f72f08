/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Identify data: from what the controller wrote to what the rest of the SDK may rely on. Every
 * field that is used is bounded here; what cannot be is refused, what is odd but harmless is
 * counted.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/* The largest block that fits the smallest transfer limit with room: 64 KiB. */
#define LBADS_MAX	16
#define SHUTDOWN_MS_MIN 1000
#define SHUTDOWN_MS_MAX 5000
/* Protection information with guards of 32 and 64 bits. */
#define PI_BYTES_LONG 16

static int __attribute__((format(printf, 2, 3)))
lie(struct plx_nvme_ctrl *ctrl, const char *fmt, ...)
{
	char what[128];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(what, sizeof(what), fmt, ap);
	va_end(ap);
	ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
	PLX_ERR(nvme, "%s: %s; is its firmware up to date?", ctrl->info.name, what);
	return -EPROTO;
}

/* ASCII, padded with spaces, without an end (Base 1.4.2) to a string. */
static void copy_text(char *to, const char *from, size_t len)
{
	size_t i;

	while (len && (from[len - 1] == ' ' || from[len - 1] == '\0'))
		len--;
	for (i = 0; i < len; i++)
		to[i] = from[i] >= ' ' && from[i] <= '~' ? from[i] : '?';
	to[len] = '\0';
}

/* --- Controller ----------------------------------------------------------------------------- */

/* MDTS counts in pages of CAP.MPSMIN, which is the page that we use. */
static uint32_t max_transfer(const struct plx_nvme_ctrl *ctrl, uint8_t mdts)
{
	uint32_t shift = (uint32_t)__builtin_ctz(ctrl->info.page_size);

	if (mdts == 0 || shift + mdts >= (uint32_t)__builtin_ctz(NVME_TRANSFER_MAX))
		return NVME_TRANSFER_MAX;
	return 1u << (shift + mdts);
}

static bool entry_size_ok(uint8_t sizes, uint8_t required)
{
	return (sizes & 0xf) <= required && required <= sizes >> 4;
}

static uint32_t shutdown_ms(uint32_t rtd3e_us)
{
	uint32_t ms = rtd3e_us / 1000;

	if (ms < SHUTDOWN_MS_MIN)
		return SHUTDOWN_MS_MIN;
	return ms < SHUTDOWN_MS_MAX ? ms : SHUTDOWN_MS_MAX;
}

/* The two ids above are no namespace: reserved, and all of them (Base 3.2.1.2). */
static uint32_t max_namespaces(struct plx_nvme_ctrl *ctrl, uint32_t nn)
{
	if (nn <= NVME_NSID_MAX)
		return nn;
	ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
	return NVME_NSID_MAX;
}

/* A value that there is not yet says nothing that we could rely on: PRPs do it. */
static void parse_sgls(struct plx_nvme_ctrl *ctrl, uint32_t sgls)
{
	if (sgls == NVME_SGLS_MASK)
		ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
	ctrl->info.sgl = sgls == NVME_SGLS_BYTES || sgls == NVME_SGLS_DWORDS;
	ctrl->sgl_bytes = sgls == NVME_SGLS_BYTES;
}

int nvme_parse_ctrl(struct plx_nvme_ctrl *ctrl, const struct nvme_id_ctrl *id)
{
	struct plx_nvme_ctrl_info *info = &ctrl->info;

	if (!entry_size_ok(id->sqes, NVME_SQES_REQUIRED) ||
	    !entry_size_ok(id->cqes, NVME_CQES_REQUIRED))
		return lie(ctrl,
			   "its queue entries are not 64 and 16 bytes (SQES 0x%02x, CQES "
			   "0x%02x)",
			   id->sqes, id->cqes);
	if (id->nn == 0)
		return lie(ctrl, "it has no namespaces at all (NN 0)");
	copy_text(info->serial, id->sn, sizeof(id->sn));
	copy_text(info->model, id->mn, sizeof(id->mn));
	copy_text(info->firmware, id->fr, sizeof(id->fr));
	copy_text(info->subnqn, id->subnqn, strnlen(id->subnqn, sizeof(info->subnqn) - 1));
	info->vendor = le16toh(id->vid);
	info->subsystem_vendor = le16toh(id->ssvid);
	info->id = le16toh(id->cntlid);
	info->ieee_oui[0] = id->ieee[2];
	info->ieee_oui[1] = id->ieee[1];
	info->ieee_oui[2] = id->ieee[0];
	info->mdts = id->mdts;
	info->max_transfer = max_transfer(ctrl, id->mdts);
	info->max_namespaces = max_namespaces(ctrl, le32toh(id->nn));
	info->oncs = le16toh(id->oncs);
	info->oacs = le16toh(id->oacs);
	info->error_entries = (uint16_t)(id->elpe + 1);
	info->volatile_cache = id->vwc & NVME_VWC_PRESENT;
	parse_sgls(ctrl, le32toh(id->sgls) & NVME_SGLS_MASK);
	ctrl->event_notices = le32toh(id->oaes);
	ctrl->extended_lba = le32toh(id->ctratt) & NVME_CTRATT_ELBAS;
	ctrl->event_limit = id->aerl + 1u;
	ctrl->abort_limit = id->acl + 1u;
	ctrl->keep_alive.granularity_ms = le16toh(id->kas) * NVME_KAS_UNIT_MS;
	ctrl->shutdown_ms = shutdown_ms(le32toh(id->rtd3e));
	return 0;
}

int nvme_identify_ctrl(struct plx_nvme_ctrl *ctrl)
{
	int err = nvme_admin_identify(ctrl, NVME_CNS_CTRL, 0);
	struct nvme_id_ctrl id;

	if (err)
		return err;
	/* A copy: the device can still write to the page while we look. */
	memcpy(&id, ctrl->page, sizeof(id));
	return nvme_parse_ctrl(ctrl, &id);
}

/* --- Namespace ------------------------------------------------------------------------------ */

static void parse_formats(struct plx_nvme_ns_info *info, const struct nvme_id_ns *id)
{
	unsigned int i;

	for (i = 0; i < info->format_count; i++) {
		const struct nvme_lbaf *lbaf = &id->lbaf[i];

		info->formats[i] = (struct plx_nvme_lba_format){
			.metadata_size = le16toh(lbaf->ms),
			.performance = lbaf->rp & 3,
			.guard_bits = 16,
		};
		if (lbaf->lbads >= NVME_LBADS_MIN && lbaf->lbads <= LBADS_MAX)
			info->formats[i].block_size = 1u << lbaf->lbads;
	}
}

/* Blocks of one request: the transfer limit, 16 bits, and never more than there are. */
static uint32_t max_blocks(const struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info)
{
	uint32_t max = ctrl->info.max_transfer / info->block_size;

	if (info->metadata_size || info->protection)
		return 0;
	if (max > NVME_RW_BLOCKS_MAX)
		max = NVME_RW_BLOCKS_MAX;
	return max < info->blocks ? max : (uint32_t)info->blocks;
}

int nvme_parse_ns(struct plx_nvme_ctrl *ctrl, const struct nvme_id_ns *id,
		  struct plx_nvme_ns_info *info)
{
	uint8_t high = (uint8_t)((id->flbas & NVME_FLBAS_HIGH) >> 1);

	info->blocks = le64toh(id->nsze);
	info->capacity = le64toh(id->ncap);
	info->utilization = le64toh(id->nuse);
	if (info->blocks == 0)
		return -ENOENT;
	info->format = id->flbas & NVME_FLBAS_LOW;
	/* The upper bits count where there are more than 16 formats. */
	if (id->nlbaf >= 16)
		info->format |= high;
	if (id->nlbaf >= PLX_NVME_LBA_FORMATS || info->format > id->nlbaf)
		return lie(ctrl, "namespace %u: LBA format %u of %u", info->id, info->format,
			   id->nlbaf + 1);
	info->format_count = id->nlbaf + 1;
	parse_formats(info, id);
	info->block_size = info->formats[info->format].block_size;
	if (info->block_size == 0)
		return lie(ctrl, "namespace %u: blocks of 2^%u bytes", info->id,
			   id->lbaf[info->format].lbads);
	if (info->blocks > (uint64_t)INT64_MAX / info->block_size)
		return lie(ctrl, "namespace %u: %" PRIu64 " blocks of %u bytes", info->id,
			   info->blocks, info->block_size);
	if (info->capacity > info->blocks || info->utilization > info->capacity)
		ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
	info->metadata_size = info->formats[info->format].metadata_size;
	info->metadata_extended = id->flbas & NVME_FLBAS_EXTENDED;
	info->protection = id->dps & NVME_DPS_TYPE;
	info->protection_first = id->dps & NVME_DPS_FIRST;
	info->guard_bits = 16;
	info->max_blocks = max_blocks(ctrl, info);
	info->boundary_blocks = le16toh(id->noiob);
	info->copy_range_max = le16toh(id->mssrl);
	info->copy_ranges_max = (uint16_t)(id->msrc + 1);
	info->copy_max = le32toh(id->mcl);
	memcpy(info->nguid, id->nguid, sizeof(info->nguid));
	memcpy(info->eui64, id->eui64, sizeof(info->eui64));
	return 0;
}

int nvme_parse_ns_ids(struct plx_nvme_ctrl *ctrl, const uint8_t list[NVME_IDENTIFY_BYTES],
		      struct plx_nvme_ns_info *info)
{
	static const uint8_t lengths[] = {
		[NVME_NS_ID_EUI64] = 8,
		[NVME_NS_ID_NGUID] = 16,
		[NVME_NS_ID_UUID] = 16,
		[NVME_NS_ID_CSI] = 1,
	};
	size_t at = 0, len;

	/* Each of them is at least its header long, so this ends. */
	for (; at + NVME_NS_ID_HEADER < NVME_IDENTIFY_BYTES && list[at]; at += len) {
		const uint8_t *id = list + at + NVME_NS_ID_HEADER;
		uint8_t type = list[at];

		len = NVME_NS_ID_HEADER + list[at + 1];
		if (len > NVME_IDENTIFY_BYTES - at ||
		    (type < sizeof(lengths) && lengths[type] != list[at + 1]))
			return lie(ctrl, "namespace %u: identifier of type %u, %u bytes", info->id,
				   type, list[at + 1]);
		if (type == NVME_NS_ID_UUID)
			memcpy(info->uuid, id, sizeof(info->uuid));
		if (type == NVME_NS_ID_CSI)
			info->command_set = *id;
	}
	return 0;
}

int nvme_parse_ns_nvm(struct plx_nvme_ctrl *ctrl, const struct nvme_id_ns_nvm *id,
		      struct plx_nvme_ns_info *info)
{
	/* By PIF; how many bits the storage tag may have is NVM 5.2.1.4, figure 120. */
	static const struct {
		uint8_t guard, tag_min, tag_max;
	} kinds[] = {{16, 0, 32}, {32, 16, 64}, {64, 0, 48}, {0, 1, 0}};
	unsigned int i;

	for (i = 0; i < info->format_count; i++) {
		struct plx_nvme_lba_format *format = &info->formats[i];
		uint32_t elbaf = le32toh(id->elbaf[i]);
		unsigned int kind = elbaf >> NVME_ELBAF_PIF_SHIFT & NVME_ELBAF_PIF;
		uint8_t tag = elbaf & NVME_ELBAF_STS;
		bool known = tag >= kinds[kind].tag_min && tag <= kinds[kind].tag_max;

		format->guard_bits = known ? kinds[kind].guard : 0;
		format->storage_tag_bits = known ? tag : 0;
	}
	info->guard_bits = info->formats[info->format].guard_bits;
	info->storage_tag_bits = info->formats[info->format].storage_tag_bits;
	if (info->guard_bits || !info->protection)
		return 0;
	return lie(ctrl, "namespace %u: protection information of format 0x%x", info->id,
		   le32toh(id->elbaf[info->format]));
}

/* Where no format has room for it there is nothing to ask for. */
static bool has_guards(const struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info)
{
	unsigned int i;

	for (i = 0; ctrl->extended_lba && i < info->format_count; i++)
		if (info->formats[i].metadata_size >= PI_BYTES_LONG)
			return true;
	return false;
}

static int identify_guards(struct plx_nvme_ctrl *ctrl, struct plx_nvme_ns_info *info)
{
	struct nvme_id_ns_nvm id;
	int err;

	if (info->command_set != PLX_NVME_CSI_NVM || !has_guards(ctrl, info))
		return 0;
	err = nvme_admin_identify(ctrl, NVME_CNS_SET_NS, info->id);
	if (err)
		return err;
	memcpy(&id, ctrl->page, sizeof(id));
	return nvme_parse_ns_nvm(ctrl, &id, info);
}

/* There are no command sets but one where the list is not (Base 5.17.2.3). */
static int identify_ids(struct plx_nvme_ctrl *ctrl, struct plx_nvme_ns_info *info)
{
	uint8_t list[NVME_IDENTIFY_BYTES];
	int err;

	if (!nvme_ctrl_has_sets(ctrl))
		return 0;
	err = nvme_admin_identify(ctrl, NVME_CNS_NS_IDS, info->id);
	if (err)
		return err;
	memcpy(list, ctrl->page, sizeof(list));
	return nvme_parse_ns_ids(ctrl, list, info);
}

int nvme_identify_ns(struct plx_nvme_ctrl *ctrl, uint32_t nsid, struct plx_nvme_ns_info *info)
{
	int err = nvme_admin_identify(ctrl, NVME_CNS_NS, nsid);
	struct nvme_id_ns id;

	if (err)
		return err;
	memcpy(&id, ctrl->page, sizeof(id));
	*info = (struct plx_nvme_ns_info){.id = nsid};
	err = nvme_parse_ns(ctrl, &id, info);
	if (!err)
		err = identify_ids(ctrl, info);
	return err ? err : identify_guards(ctrl, info);
}
