/* SPDX-License-Identifier: BSD-3-Clause */
/* INFO answers and capability chains, right and wrong. */
#include "vfio/info.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "runner.h"
#include "suites.h"

#define PAGE 4096u

/* --- Asking ---------------------------------------------------------------------------------- */

struct answerer {
	uint32_t argsz[8]; /* what each question is answered with */
	unsigned int asked;
	int err;
};

static int answer(void *ctx, void *buf)
{
	struct answerer *a = ctx;
	struct vfio_region_info info;

	memcpy(&info, buf, sizeof(info));
	UNIT_EQ(info.index, 7); /* each question is the whole question */
	info.argsz = a->argsz[a->asked++];
	info.size = 0x1000;
	memcpy(buf, &info, sizeof(info));
	return a->err;
}

static void grows(void)
{
	struct answerer a = {.argsz = {100, 100}};
	struct vfio_region_info info = {.index = 7};
	size_t size;
	void *buf;

	UNIT_EQ(plx_vfio_info_ask(answer, &a, &info, sizeof(info), &buf, &size), 0);
	UNIT_EQ(a.asked, 2);
	UNIT_EQ(size, 100);
	UNIT_EQ(info.size, 0x1000);
	free(buf);
}

static void never_fits(void)
{
	struct answerer a = {.argsz = {100, 200, 300, 400, 500, 600}};
	struct vfio_region_info info = {.index = 7};
	size_t size;
	void *buf;

	UNIT_EQ(plx_vfio_info_ask(answer, &a, &info, sizeof(info), &buf, &size), -EPROTO);
	UNIT_EQ(a.asked, 4);
	a = (struct answerer){.argsz = {UINT32_MAX}};
	UNIT_EQ(plx_vfio_info_ask(answer, &a, &info, sizeof(info), &buf, &size), -EPROTO);
	UNIT_EQ(a.asked, 1);
}

static void refuses(void)
{
	struct answerer a = {.argsz = {100}, .err = -EINVAL};
	struct vfio_region_info info = {.index = 7};
	size_t size;
	void *buf;

	UNIT_EQ(plx_vfio_info_ask(answer, &a, &info, sizeof(info), &buf, &size), -EINVAL);
	UNIT_EQ(a.asked, 1);
	UNIT_EQ(plx_vfio_info_get(-1, VFIO_DEVICE_GET_REGION_INFO, &info, sizeof(info), &buf,
				  &size),
		-EBADF);
}

/* --- Chains ---------------------------------------------------------------------------------- */

static char text[4096];

static void header(size_t at, uint16_t id, uint32_t next)
{
	struct vfio_info_cap_header h = {.id = id, .version = 1, .next = next};

	memcpy(text + at, &h, sizeof(h));
}

static void chains(void)
{
	memset(text, 0, sizeof(text));
	header(32, 5, 64);
	header(64, 6, 120);
	header(120, 7, 0);
	CU_ASSERT_PTR_EQUAL(plx_vfio_info_cap(text, 128, 32, 5, 8), text + 32);
	CU_ASSERT_PTR_EQUAL(plx_vfio_info_cap(text, 128, 32, 7, 8), text + 120);
	CU_ASSERT_PTR_NULL(plx_vfio_info_cap(text, 128, 32, 7, 9));
	CU_ASSERT_PTR_NULL(plx_vfio_info_cap(text, 128, 32, 8, 8));
	CU_ASSERT_PTR_NULL(plx_vfio_info_cap(text, 128, 0, 5, 8));
	CU_ASSERT_PTR_NULL(plx_vfio_info_cap(text, 127, 32, 7, 8));
}

static void hostile_chains(void)
{
	static const uint32_t nexts[] = {32, 33, 121, 127, 128, 129, 0x7fffffff, 0xfffffff8, ~0u};
	unsigned int i;

	for (i = 0; i < sizeof(nexts) / sizeof(nexts[0]); i++) {
		memset(text, 0, sizeof(text));
		header(32, 5, nexts[i]);
		CU_ASSERT_PTR_NULL(plx_vfio_info_cap(text, 128, 32, 9, 8));
		CU_ASSERT_PTR_NULL(plx_vfio_info_cap(text, 128, nexts[i], 9, 8));
	}
}

/* --- Sparse areas ---------------------------------------------------------------------------- */

static void sparse(uint32_t claimed, unsigned int n, const struct vfio_region_sparse_mmap_area *raw)
{
	struct vfio_region_info_cap_sparse_mmap cap = {
		.header = {.id = VFIO_REGION_INFO_CAP_SPARSE_MMAP, .version = 1},
		.nr_areas = claimed,
	};

	memset(text, 0, sizeof(text));
	memcpy(text + 32, &cap, sizeof(cap));
	memcpy(text + 32 + sizeof(cap), raw, n * sizeof(*raw));
}

#define ANSWER_LEN(n)                                                                              \
	(32 + sizeof(struct vfio_region_info_cap_sparse_mmap) +                                    \
	 (n) * sizeof(struct vfio_region_sparse_mmap_area))

static void sparse_areas(void)
{
	static const struct vfio_region_sparse_mmap_area raw[] = {
		{.offset = 8 * PAGE, .size = PAGE}, {.offset = 0, .size = 2 * PAGE},
		{.offset = 2 * PAGE, .size = PAGE}, {.offset = 6 * PAGE, .size = 0},
		{.offset = PAGE, .size = PAGE},
	};
	struct plx_vfio_area *areas;
	size_t n;

	sparse(5, 5, raw);
	UNIT_EQ(plx_vfio_parse_sparse(text, ANSWER_LEN(5), 32, 16 * PAGE, &areas, &n), 0);
	UNIT_EQ(n, 2);
	UNIT_EQ(areas[0].offset, 0);
	UNIT_EQ(areas[0].size, 3 * PAGE);
	UNIT_EQ(areas[1].offset, 8 * PAGE);
	UNIT_EQ(areas[1].size, PAGE);
	free(areas);
	sparse(0, 0, raw);
	UNIT_EQ(plx_vfio_parse_sparse(text, ANSWER_LEN(0), 32, 16 * PAGE, &areas, &n), 0);
	UNIT_EQ(n, 0);
	free(areas);
	UNIT_EQ(plx_vfio_parse_sparse(text, ANSWER_LEN(0), 0, 16 * PAGE, &areas, &n), -ENOENT);
}

static void sparse_lies(void)
{
	static const struct vfio_region_sparse_mmap_area lies[] = {
		{.offset = 16 * PAGE, .size = PAGE},
		{.offset = 15 * PAGE, .size = 2 * PAGE},
		{.offset = -(uint64_t)PAGE, .size = 2 * PAGE},
		{.offset = 0, .size = -(uint64_t)PAGE},
		{.offset = PAGE, .size = -(uint64_t)PAGE},
		{.offset = 1, .size = PAGE},
		{.offset = 0, .size = PAGE - 1},
	};
	struct plx_vfio_area *areas;
	unsigned int i;
	size_t n;

	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		sparse(1, 1, &lies[i]);
		UNIT_EQ(plx_vfio_parse_sparse(text, ANSWER_LEN(1), 32, 16 * PAGE, &areas, &n),
			-EPROTO);
		CU_ASSERT_PTR_NULL(areas);
	}
	sparse(2, 1, lies);
	UNIT_EQ(plx_vfio_parse_sparse(text, ANSWER_LEN(1), 32, 16 * PAGE, &areas, &n), -EPROTO);
	sparse(UINT32_MAX, 1, lies);
	UNIT_EQ(plx_vfio_parse_sparse(text, ANSWER_LEN(1), 32, 16 * PAGE, &areas, &n), -EPROTO);
	/* The capability itself is cut off. */
	UNIT_EQ(plx_vfio_parse_sparse(text, ANSWER_LEN(0) - 1, 32, 16 * PAGE, &areas, &n), -ENOENT);
}

/* --- IOVA ranges ----------------------------------------------------------------------------- */

static void ranges(uint32_t claimed, unsigned int n, const struct vfio_iova_range *raw)
{
	struct vfio_iommu_type1_info_cap_iova_range cap = {
		.header = {.id = VFIO_IOMMU_TYPE1_INFO_CAP_IOVA_RANGE, .version = 1},
		.nr_iovas = claimed,
	};

	memset(text, 0, sizeof(text));
	memcpy(text + 32, &cap, sizeof(cap));
	memcpy(text + 32 + sizeof(cap), raw, n * sizeof(*raw));
}

static void iova_ranges(void)
{
	static const struct vfio_iova_range raw[] = {
		{.start = 0xfef00000, .end = 0x7fffffffff},
		{.start = 0, .end = 0xfedfffff},
	};
	size_t len = 32 + sizeof(struct vfio_iommu_type1_info_cap_iova_range) + sizeof(raw), n;
	struct vfio_iova_range lie = {.start = 2, .end = 1};
	struct plx_iova_range *list;

	ranges(2, 2, raw);
	UNIT_EQ(plx_vfio_parse_ranges(text, len, 32, &list, &n), 0);
	UNIT_EQ(n, 2);
	UNIT_EQ(list[0].first, 0);
	UNIT_EQ(list[0].last, 0xfedfffff);
	UNIT_EQ(list[1].first, 0xfef00000);
	UNIT_EQ(list[1].last, 0x7fffffffff);
	free(list);
	ranges(3, 2, raw);
	UNIT_EQ(plx_vfio_parse_ranges(text, len, 32, &list, &n), -EPROTO);
	ranges(1, 1, &lie);
	UNIT_EQ(plx_vfio_parse_ranges(text, len, 32, &list, &n), -EPROTO);
	UNIT_EQ(plx_vfio_parse_ranges(text, len, 0, &list, &n), -ENOENT);
}

/* Random answers: parsers must end, and give only areas within the region. */
static void random_answers(void)
{
	unsigned int seed = 20261123, i, j;
	struct plx_vfio_area *areas;
	struct plx_iova_range *list;
	size_t n, k, len;

	for (i = 0; i < 50000; i++) {
		len = 16 + (unsigned int)rand_r(&seed) % 240;
		for (j = 0; j < len; j++)
			text[j] = (char)(rand_r(&seed) % 3 ? 0 : rand_r(&seed) % 40);
		if (plx_vfio_parse_sparse(text, len, (uint32_t)rand_r(&seed) % 64, 1 << 20, &areas,
					  &n) == 0) {
			for (k = 0; k < n; k++)
				CU_ASSERT(areas[k].offset + areas[k].size <= 1 << 20);
			free(areas);
		}
		if (plx_vfio_parse_ranges(text, len, (uint32_t)rand_r(&seed) % 64, &list, &n) == 0)
			free(list);
	}
}

CU_TestInfo info_tests[] = {
	{"the buffer grows until the answer fits", grows},
	{"an answer that never fits", never_fits},
	{"errors are passed on", refuses},
	{"capability chains", chains},
	{"hostile chains", hostile_chains},
	{"sparse areas are sorted and merged", sparse_areas},
	{"sparse areas that lie", sparse_lies},
	{"IOVA ranges, right and wrong", iova_ranges},
	{"random answers", random_answers},
	CU_TEST_INFO_NULL,
};
