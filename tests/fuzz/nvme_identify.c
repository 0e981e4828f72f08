/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * libFuzzer target: what the NVMe driver makes of Identify data and log pages. The first byte says
 * which; the rest is added, bit by bit, to a good one. Whatever it says, what comes out is within
 * the bounds that the rest of the SDK relies on, and a transfer cut by it goes on to its end.
 */
#include <string.h>

#include <pollux/nvme_admin.h>
#include <pollux/nvme_pi.h>

#include "fuzz.h"
#include "nvme/ctrl.h"

static struct plx_nvme_ctrl ctrl;
static struct plx_nvme_qpair qp;

static void spoil(void *good, size_t len, const uint8_t *data, size_t size)
{
	uint8_t *bytes = good;
	size_t i;

	for (i = 0; i < len && i < size; i++)
		bytes[i] ^= data[i];
}

static bool power_of_two(uint64_t n)
{
	return n && (n & (n - 1)) == 0;
}

static void check_text(const char *text, size_t room)
{
	size_t len = strnlen(text, room), i;

	CHECK(len < room);
	for (i = 0; i < len; i++)
		CHECK(text[i] >= ' ' && text[i] <= '~');
}

static int fuzz_ctrl(const uint8_t *data, size_t size)
{
	struct nvme_id_ctrl id = {.sqes = 0x66, .cqes = 0x44, .nn = htole32(1), .mdts = 5};
	const struct plx_nvme_ctrl_info *info = &ctrl.info;
	int err;

	spoil(&id, sizeof(id), data, size);
	err = nvme_parse_ctrl(&ctrl, &id);
	if (err) {
		CHECK(err == -EPROTO);
		return -1;
	}
	CHECK(power_of_two(info->max_transfer) && info->max_transfer >= info->page_size &&
	      info->max_transfer <= NVME_TRANSFER_MAX);
	CHECK(info->max_namespaces && info->max_namespaces <= NVME_NSID_MAX);
	CHECK(ctrl.shutdown_ms && ctrl.shutdown_ms <= 5000);
	check_text(info->serial, sizeof(info->serial));
	check_text(info->model, sizeof(info->model));
	check_text(info->firmware, sizeof(info->firmware));
	check_text(info->subnqn, sizeof(info->subnqn));
	return 0;
}

/* Cut a transfer at the namespace's limits: each command moves it on. */
static void cut(struct plx_nvme_ns *ns, uint64_t lba)
{
	struct plx_nvme_sge sge = {.iova = 4096, .len = UINT32_C(64) << 20};
	struct plx_nvme_transfer t = {
		.ns = ns,
		.lba = lba,
		.blocks = 200,
		.opcode = PLX_NVME_READ,
		.sgl = &sge,
		.sges = 1,
	};
	struct plx_nvme_cmd cmd = {0};
	uint64_t left = t.blocks;
	int n;

	qp.max_transfer = ctrl.info.max_transfer;
	while ((n = plx_nvme_transfer_next(&t, &qp, &cmd)) > 0) {
		CHECK((unsigned int)n <= left && t.blocks == left - (unsigned int)n);
		CHECK(cmd.len <= qp.max_transfer);
		left = t.blocks;
	}
	CHECK(n == 0 ? left == 0 : n == -EINVAL);
	CHECK(n == 0 || ns->max_blocks == 0);
}

static void check_pi(const struct plx_nvme_ns_info *info)
{
	static uint8_t data[2 * (65536 + 65535)], metadata[2 * 65535];
	struct plx_nvme_pi pi;
	uint32_t block;

	plx_nvme_pi_init(&pi, info, 0);
	pi.app_tag = 1;
	plx_nvme_pi_generate(&pi, data, metadata, 2);
	CHECK(plx_nvme_pi_verify(&pi, data, metadata, 2, &block) == 0);
}

static void fuzz_ns(const uint8_t *data, size_t size)
{
	struct nvme_id_ns id = {
		.nsze = htole64(1000),
		.ncap = htole64(1000),
		.lbaf = {{.lbads = 9}},
	};
	struct nvme_id_ns_nvm nvm = {0};
	struct plx_nvme_ns ns = {.ctrl = &ctrl, .info = {.id = 1}};
	struct plx_nvme_ns_info *info = &ns.info;
	int err;

	spoil(&id, sizeof(id), data, size);
	err = nvme_parse_ns(&ctrl, &id, info);
	if (err) {
		CHECK(err == -EPROTO || err == -ENOENT);
		return;
	}
	CHECK(power_of_two(info->block_size) && info->block_size >= 512 &&
	      info->block_size <= 65536);
	CHECK(info->format_count && info->format_count <= PLX_NVME_LBA_FORMATS);
	CHECK(info->format < info->format_count);
	CHECK(info->blocks && info->blocks <= INT64_MAX / info->block_size);
	CHECK((uint64_t)info->max_blocks * info->block_size <= ctrl.info.max_transfer);
	CHECK(info->max_blocks <= info->blocks && info->max_blocks <= NVME_RW_BLOCKS_MAX);
	ns.max_blocks = info->max_blocks;
	ns.block_shift = (uint32_t)__builtin_ctz(info->block_size);
	cut(&ns, size ? data[size - 1] : 0);
	check_pi(info);
	spoil(&nvm, sizeof(nvm), data, size);
	if (nvme_parse_ns_nvm(&ctrl, &nvm, info))
		return;
	CHECK(!info->protection || info->guard_bits);
	check_pi(info);
}

static void fuzz_logs(const uint8_t *data, size_t size)
{
	static uint8_t page[PLX_NVME_LOG_EFFECTS_BYTES];
	static uint32_t ids[PLX_NVME_CHANGED_NS_MAX];
	static struct plx_nvme_effects effects;
	struct plx_nvme_firmware firmware;
	struct plx_nvme_smart smart;
	struct plx_nvme_error error;
	unsigned int i;
	int n;

	memset(page, 0, sizeof(page));
	spoil(page, sizeof(page), data, size);
	plx_nvme_log_smart(page, &smart);
	plx_nvme_log_error(page, &error);
	CHECK(error.status <= 0x7fff);
	n = plx_nvme_log_firmware(page, &firmware);
	CHECK(n == 0 ? firmware.active >= 1 && firmware.active <= 7 : n == -EPROTO);
	for (i = 0; i < 7; i++)
		check_text(firmware.revision[i], sizeof(firmware.revision[i]));
	n = plx_nvme_log_changed_ns(page, ids);
	CHECK(n == -EOVERFLOW || (n >= 0 && n <= PLX_NVME_CHANGED_NS_MAX));
	plx_nvme_log_effects(page, &effects);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fuzz_eal_up();
	qp.ctrl = &ctrl;
	qp.page_shift = NVME_PAGE_SHIFT_BASE;
	qp.list_shift = NVME_PAGE_SHIFT_BASE;
	qp.list_count = 1;
	return 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	size_t half = size / 2;

	if (size < 1)
		return 0;
	ctrl.info.page_size = 1u << NVME_PAGE_SHIFT_BASE << (data[0] >> 4 & 1);
	switch (data[0] & 3) {
	case 0:
		fuzz_logs(data + 1, size - 1);
		break;
	case 1:
		/* Both, from the two halves of the input. */
		if (fuzz_ctrl(data + 1, half ? half - 1 : 0) == 0)
			fuzz_ns(data + half, size - half);
		break;
	case 2:
		if (fuzz_ctrl(NULL, 0) == 0)
			fuzz_ns(data + 1, size - 1);
		break;
	default:
		fuzz_ctrl(data + 1, size - 1);
	}
	return 0;
}
