/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Protection information, generated and checked (NVM Command Set, 5.2): pure functions on memory.
 * The guard is ISA-L's CRC. Called by the application.
 */
#include <endian.h>
#include <string.h>

#include <isa-l/crc.h>

#include <pollux/nvme_pi.h>

/* In memory, big-endian: NVM 5.2.1, figure 117 */
struct tuple {
	uint16_t guard, app_tag;
	uint32_t ref_tag;
};
static_assert(sizeof(struct tuple) == PLX_NVME_PI_BYTES, "NVM 5.2.1");

#define NO_CHECK_APP 0xffff
#define NO_CHECK_REF 0xffffffff

/* A block and its metadata. */
struct block {
	const uint8_t *data;
	uint8_t *metadata, *tuple;
};

static struct block block_at(const struct plx_nvme_pi *pi, const void *data, const void *metadata,
			     uint32_t i)
{
	size_t stride = pi->block_size + (pi->extended ? pi->metadata_size : 0);
	struct block b = {.data = (const uint8_t *)data + i * stride};
	const uint8_t *at = (const uint8_t *)metadata + (size_t)i * pi->metadata_size;

	b.metadata = (uint8_t *)(uintptr_t)(pi->extended ? b.data + pi->block_size : at);
	b.tuple = b.metadata + (pi->first ? 0 : pi->metadata_size - PLX_NVME_PI_BYTES);
	return b;
}

/* Over the block, and what of the metadata is before the tuple. */
static uint16_t guard_of(const struct plx_nvme_pi *pi, const struct block *b)
{
	uint16_t crc = crc16_t10dif(0, b->data, pi->block_size);

	if (b->tuple == b->metadata)
		return crc;
	return crc16_t10dif(crc, b->metadata, (uint64_t)(b->tuple - b->metadata));
}

static uint32_t ref_of(const struct plx_nvme_pi *pi, uint32_t i)
{
	return pi->type == 3 ? pi->ref_tag : pi->ref_tag + i;
}

void plx_nvme_pi_init(struct plx_nvme_pi *pi, const struct plx_nvme_ns_info *info, uint16_t checks)
{
	*pi = (struct plx_nvme_pi){
		.block_size = info->block_size,
		.metadata_size = info->metadata_size,
		.extended = info->metadata_extended,
		.first = info->protection_first,
		.type = info->metadata_size < PLX_NVME_PI_BYTES ? 0 : info->protection,
		.checks = checks,
		.app_mask = 0xffff,
	};
	/* It has none to check: the controller refuses to (NVM 5.2.2.3). */
	if (pi->type == 3)
		pi->checks &= (uint16_t)~PLX_NVME_PI_CHECK_REF;
}

void plx_nvme_pi_generate(const struct plx_nvme_pi *pi, void *data, void *metadata, uint32_t blocks)
{
	uint32_t i;

	for (i = 0; pi->type && i < blocks; i++) {
		struct block b = block_at(pi, data, metadata, i);
		struct tuple tuple = {
			.guard = htobe16(guard_of(pi, &b)),
			.app_tag = htobe16(pi->app_tag),
			.ref_tag = htobe32(ref_of(pi, i)),
		};

		memcpy(b.tuple, &tuple, sizeof(tuple));
	}
}

static int verify_block(const struct plx_nvme_pi *pi, const struct block *b, uint32_t i)
{
	struct tuple tuple;
	uint16_t app;
	uint32_t ref;

	memcpy(&tuple, b->tuple, sizeof(tuple));
	app = be16toh(tuple.app_tag);
	ref = be32toh(tuple.ref_tag);
	if (app == NO_CHECK_APP && (pi->type != 3 || ref == NO_CHECK_REF))
		return 0;
	if (be16toh(tuple.guard) != guard_of(pi, b))
		return PLX_NVME_GUARD_CHECK;
	if ((app ^ pi->app_tag) & pi->app_mask)
		return PLX_NVME_APP_TAG_CHECK;
	return pi->type != 3 && ref != ref_of(pi, i) ? PLX_NVME_REF_TAG_CHECK : 0;
}

int plx_nvme_pi_verify(const struct plx_nvme_pi *pi, const void *data, const void *metadata,
		       uint32_t blocks, uint32_t *block)
{
	uint32_t i;

	for (i = 0; pi->type && i < blocks; i++) {
		struct block b = block_at(pi, data, metadata, i);
		int wrong = verify_block(pi, &b, i);

		if (wrong && block)
			*block = i;
		if (wrong)
			return wrong;
	}
	return 0;
}
