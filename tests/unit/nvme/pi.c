/* SPDX-License-Identifier: BSD-3-Clause */
/* Tests of drivers/nvme/pi.c: what is generated, bit by bit, and that every change is found. */
#include <errno.h>
#include <string.h>

#include <pollux/nvme_pi.h>

#include "fake.h"
#include "nvme/crc64.h"
#include "runner.h"

#define BLOCKS 4u
#define SIZE   512u

static uint8_t data[BLOCKS * (SIZE + 64)], metadata[BLOCKS * 64];
static struct plx_nvme_pi pi;

/* Of the namespace, until set otherwise. */
static uint8_t guard_bits = 16, storage_bits;

static void set_up(uint8_t type, uint16_t size, bool extended, bool first)
{
	struct plx_nvme_ns_info info = {
		.block_size = SIZE,
		.metadata_size = size,
		.metadata_extended = extended,
		.protection = type,
		.protection_first = first,
		.guard_bits = guard_bits,
		.storage_tag_bits = storage_bits,
	};
	size_t i;

	plx_nvme_pi_init(&pi, &info, PLX_NVME_PI_CHECK_ALL);
	pi.app_tag = 0x1234;
	pi.ref_tag = 0xfffffffe;
	pi.storage_tag = 0x5;
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 7 + (i >> 8));
	memset(metadata, 0x5a, sizeof(metadata));
	plx_nvme_pi_generate(&pi, data, metadata, BLOCKS);
}

static void as_specified(void)
{
	/* CRC-16/T10-DIF of 512 bytes of ones, of the T10 SBC specification's kind: 32 x FF is
	 * 0xa293; the tags are big-endian.
	 */
	struct plx_nvme_ns_info info = {.block_size = 32, .metadata_size = 8, .protection = 1};
	static const uint8_t want[16] = {0xa2, 0x93, 0xab, 0xcd, 0x01, 0x02, 0x03, 0xff,
					 0xa2, 0x93, 0xab, 0xcd, 0x01, 0x02, 0x04, 0x00};

	plx_nvme_pi_init(&pi, &info, PLX_NVME_PI_CHECK_ALL);
	pi.app_tag = 0xabcd;
	pi.ref_tag = 0x010203ff;
	memset(data, 0xff, 64);
	plx_nvme_pi_generate(&pi, data, metadata, 2);
	CU_ASSERT_EQUAL(memcmp(metadata, want, sizeof(want)), 0);
}

/* The examples of NVM 5.2.1.2 and 5.2.1.3. */
static void long_guards(void)
{
	static uint8_t block[4096];
	struct plx_nvme_ns_info info = {.block_size = sizeof(block),
					.metadata_size = 16,
					.protection = 2,
					.guard_bits = 64};
	static const uint8_t zeroes_64[16] = {0x64, 0x82, 0xd3, 0x67, 0xeb, 0x22, 0xb6, 0x4e,
					      0xab, 0xcd, 0x01, 0x02, 0x03, 0x04, 0x05, 0x06};
	static const uint8_t ones_64[8] = {0xc0, 0xdd, 0xba, 0x73, 0x02, 0xec, 0xa3, 0xac};
	static const uint8_t zeroes_32[16] = {0x98, 0xf9, 0x41, 0x89, 0xab, 0xcd, 0x00, 0x07,
					      0x11, 0x22, 0x33, 0x44, 0x55, 0x66, 0x77, 0x88};
	struct plx_nvme_cmd cmd = {0};

	UNIT_EQ(nvme_crc64(0, "123456789", 9), UINT64_C(0xae8b14860a799888));
	UNIT_EQ(nvme_crc64(nvme_crc64(0, "12", 2), "3456789", 7), UINT64_C(0xae8b14860a799888));
	memset(block, 0, sizeof(block));
	plx_nvme_pi_init(&pi, &info, PLX_NVME_PI_CHECK_ALL);
	pi.app_tag = 0xabcd;
	pi.ref_tag = UINT64_C(0xff010203040506);
	plx_nvme_pi_generate(&pi, block, metadata, 1);
	CU_ASSERT_EQUAL(memcmp(metadata, zeroes_64, sizeof(zeroes_64)), 0);
	plx_nvme_pi_tags(&pi, &cmd);
	UNIT_EQ(cmd.cdw14, 0x03040506);
	UNIT_EQ(cmd.cdw3, 0x0102);
	UNIT_EQ(cmd.cdw2, 0);
	memset(block, 0xff, sizeof(block));
	plx_nvme_pi_generate(&pi, block, metadata, 1);
	CU_ASSERT_EQUAL(memcmp(metadata, ones_64, sizeof(ones_64)), 0);
	info.guard_bits = 32;
	info.storage_tag_bits = 16;
	memset(block, 0, sizeof(block));
	plx_nvme_pi_init(&pi, &info, PLX_NVME_PI_CHECK_ALL);
	pi.app_tag = 0xabcd;
	pi.ref_tag = UINT64_C(0x1122334455667788);
	pi.storage_tag = 7;
	plx_nvme_pi_generate(&pi, block, metadata, 1);
	CU_ASSERT_EQUAL(memcmp(metadata, zeroes_32, sizeof(zeroes_32)), 0);
	plx_nvme_pi_tags(&pi, &cmd);
	UNIT_EQ(cmd.cdw14, 0x55667788);
	UNIT_EQ(cmd.cdw3, 0x11223344);
	UNIT_EQ(cmd.cdw2, 7);
}

/* Flip each bit of what is protected, and see it found in its block, as what it is. */
static void every_bit(uint8_t type, uint16_t size, bool extended, bool first)
{
	size_t stride = SIZE + (extended ? size : 0), bit;
	size_t bytes = guard_bits == 16 ? 8 : 16, tuple = first ? 0 : size - bytes;
	size_t guard = guard_bits / 8, storage = storage_bits / 8;
	uint32_t block = 0;

	set_up(type, size, extended, first);
	UNIT_EQ(plx_nvme_pi_verify(&pi, data, metadata, BLOCKS, NULL), 0);
	for (bit = 0; bit < (SIZE + size) * 8; bit++) {
		size_t byte = bit / 8, in_metadata = byte - SIZE;
		uint8_t *at = data + 2 * stride + byte;
		int want = PLX_NVME_GUARD_CHECK;

		if (byte >= SIZE && !extended)
			at = metadata + 2 * size + in_metadata;
		if (byte >= SIZE && in_metadata >= tuple + guard + 2 + storage)
			want = type == 3 ? 0 : PLX_NVME_REF_TAG_CHECK;
		else if (byte >= SIZE && in_metadata >= tuple + guard + 2)
			want = PLX_NVME_STORAGE_TAG_CHECK;
		else if (byte >= SIZE && in_metadata >= tuple + guard)
			want = PLX_NVME_APP_TAG_CHECK;
		/* What follows the tuple is not protected. */
		if (byte >= SIZE && in_metadata >= tuple + bytes)
			want = 0;
		*at ^= (uint8_t)(1 << bit % 8);
		UNIT_EQ(plx_nvme_pi_verify(&pi, data, metadata, BLOCKS, &block), want);
		if (want)
			UNIT_EQ(block, 2);
		*at ^= (uint8_t)(1 << bit % 8);
	}
}

static void every_shape(void)
{
	uint8_t type;

	for (type = 1; type <= 3; type++) {
		every_bit(type, 8, false, false);
		every_bit(type, 8, true, false);
		every_bit(type, 16, false, false);
		every_bit(type, 16, true, true);
		every_bit(type, 64, false, true);
	}
}

static void every_shape_of_long_guards(void)
{
	static const uint8_t shapes[][2] = {{64, 0}, {64, 16}, {64, 48}, {32, 16}, {32, 64}};
	unsigned int i;

	for (i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
		guard_bits = shapes[i][0];
		storage_bits = shapes[i][1];
		every_bit(1, 16, false, false);
		every_bit(2, 16, true, true);
		every_bit(3, 64, true, false);
		every_bit(1, 64, false, true);
		/* No room for it: a lie of the controller. */
		set_up(1, 8, false, false);
		UNIT_EQ(pi.type, 0);
	}
	guard_bits = 16;
	storage_bits = 0;
}

static void escapes(void)
{
	set_up(1, 8, false, false);
	memset(metadata + 8, 0xff, 4);
	UNIT_EQ(plx_nvme_pi_verify(&pi, data, metadata, BLOCKS, NULL), 0);
	set_up(3, 8, false, false);
	memset(metadata, 0xff, 4);
	UNIT_EQ(plx_nvme_pi_verify(&pi, data, metadata, BLOCKS, NULL), PLX_NVME_GUARD_CHECK);
	memset(metadata, 0xff, 8);
	UNIT_EQ(plx_nvme_pi_verify(&pi, data, metadata, BLOCKS, NULL), 0);
	/* No protection: nothing is touched. */
	set_up(0, 8, false, false);
	UNIT_EQ(metadata[0], 0x5a);
	UNIT_EQ(plx_nvme_pi_verify(&pi, data, metadata, BLOCKS, NULL), 0);
	/* Metadata too short to hold it: a lie of the controller. */
	set_up(1, 4, false, false);
	UNIT_EQ(metadata[0], 0x5a);
}

/* Namespaces with metadata: by commands only. */
static void handles(void)
{
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ns *ns;
	struct plx_nvme_qpair *qp;
	struct plx_nvme_req req = {0}, *reqs[] = {&req};
	struct plx_nvme_cmd cmd = {0}, *cmds[] = {&cmd};

	fake_defaults();
	fake.ns[0].lbaf[0].ms = htole16(8);
	fake.ns[0].dps = 0x9;
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 1));
	ns = plx_nvme_ns_open_metadata(ctrl, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ns);
	CU_ASSERT_PTR_NULL(plx_nvme_ns_open(ctrl, 1));
	CU_ASSERT_PTR_EQUAL(plx_nvme_ns_open_metadata(ctrl, 2), plx_nvme_ns_open(ctrl, 2));
	plx_nvme_read(&req, ns, 0, 8, 0x1000);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EINVAL);
	plx_nvme_pi_init(&pi, plx_nvme_ns_info(ns), PLX_NVME_PI_CHECK_ALL);
	CU_ASSERT_TRUE(pi.first);
	pi.ref_tag = 5;
	pi.app_tag = 6;
	plx_nvme_cmd_metadata(&cmd, &pi, 0x7f, ns, 5, 8, 0x1000, 0x8000);
	UNIT_EQ(plx_nvme_qpair_submit_cmds(qp, cmds, 1), 1);
	while (plx_nvme_in_flight(&cmd.req))
		fake_poll(qp);
	UNIT_EQ(le64toh(fake.last_io.mptr), 0x8000);
	UNIT_EQ(le32toh(fake.last_io.cdw12), 0x1c000007);
	UNIT_EQ(le64toh(fake.last_io.cdw14_15), UINT64_C(0xffff000600000005));
	pi.extended = true;
	plx_nvme_cmd_metadata(&cmd, &pi, PLX_NVME_READ, ns, 5, 8, 0x1000, 0);
	UNIT_EQ(cmd.len, 8 * 520);
	pi.checks |= PLX_NVME_PI_ACTION;
	plx_nvme_cmd_metadata(&cmd, &pi, PLX_NVME_READ, ns, 5, 8, 0x1000, 0);
	UNIT_EQ(cmd.len, 8 * 512);
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

CU_TestInfo pi_tests[] = {
	{"as specified", as_specified},
	{"long guards", long_guards},
	{"every bit of every shape", every_shape},
	{"every bit of long guards", every_shape_of_long_guards},
	{"escapes", escapes},
	{"handles", handles},
	CU_TEST_INFO_NULL,
};
