/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of apps/nbdkit-pollux/pool.c: requests of many threads over few queue pairs, and a
 * controller that fails, breaks, hangs or goes away.
 */
#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/nvme_event.h>

#include "fake.h"
#include "nbdkit-pollux/pool.h"
#include "runner.h"

#define THREADS	   6
#define ROUNDS	   20
#define REGION	   (256u * 1024)
#define BLOCK	   FAKE_BLOCK_SIZE
#define TIMEOUT_MS 200

static struct pool *pool;
static volatile unsigned int countdown, seen;

static void set_up_with(unsigned int lanes, bool interrupt, enum plx_nvme_timeout action)
{
	struct plx_nvme_ctrl_config config = {.io_timeout_ms = TIMEOUT_MS, .on_timeout = action};
	struct pool_config pool_config = {.nsid = 1, .lanes = lanes, .interrupt = interrupt};
	struct plx_nvme_ctrl *ctrl;

	seen = countdown = 0;
	fake_defaults();
	fake.id.oncs = htole16(PLX_NVME_CAN_DSM | PLX_NVME_CAN_WRITE_ZEROES);
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	pool = pool_open(ctrl, &pool_config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
}

static void set_up(unsigned int lanes, bool interrupt)
{
	set_up_with(lanes, interrupt, PLX_NVME_TIMEOUT_RECOVER);
}

static void tear_down(void)
{
	pool_close(pool);
	UNIT_EQ(fake.prp_faults, 0);
	fake_end();
}

static int run(enum io_kind kind, uint64_t offset, uint32_t count, void *data)
{
	return pool_run(pool,
			&(struct io){.kind = kind, .offset = offset, .count = count, .data = data});
}

static void every_kind(void)
{
	uint32_t bytes = 700 * BLOCK;
	char *data = malloc(bytes), *back = calloc(1, bytes);
	size_t i;

	set_up(1, false);
	for (i = 0; i < bytes; i++)
		data[i] = (char)(i * 7 + (i >> 9));
	UNIT_EQ(run(IO_WRITE, 5 * BLOCK, bytes, data), 0);
	UNIT_EQ(memcmp(fake.disk[0] + 5 * BLOCK, data, bytes), 0);
	UNIT_EQ(run(IO_READ, 5 * BLOCK, bytes, back), 0);
	UNIT_EQ(memcmp(back, data, bytes), 0);
	UNIT_EQ(run(IO_FLUSH, 0, 0, NULL), 0);
	UNIT_EQ(fake.flushes, 1);
	UNIT_EQ(run(IO_ZERO, 6 * BLOCK, 3 * BLOCK, NULL), 0);
	UNIT_EQ(run(IO_TRIM, 100 * BLOCK, BLOCK, NULL), 0);
	memset(data + BLOCK, 0, (size_t)3 * BLOCK);
	memset(data + (size_t)95 * BLOCK, 0, BLOCK);
	UNIT_EQ(memcmp(fake.disk[0] + 5 * BLOCK, data, bytes), 0);
	UNIT_EQ(pool_run(pool, &(struct io){.kind = IO_WRITE,
					    .flags = PLX_NVME_FUA,
					    .count = BLOCK,
					    .data = data}),
		0);
	UNIT_EQ(le32toh(fake.last_io.cdw12) >> 16, PLX_NVME_FUA);
	free(data);
	free(back);
	tear_down();
}

/* --- Many threads --------------------------------------------------------------------------- */

static void *thread(void *arg)
{
	uintptr_t n = (uintptr_t)arg, wrong = 0;
	char *data = malloc(REGION), *back = malloc(REGION);
	unsigned int round;

	for (round = 0; round < ROUNDS; round++) {
		memset(data, (int)(n * ROUNDS + round), REGION);
		wrong += run(IO_WRITE, n * REGION, REGION, data) != 0;
		wrong += run(IO_READ, n * REGION, REGION, back) != 0;
		wrong += memcmp(data, back, REGION) != 0;
	}
	free(data);
	free(back);
	return (void *)wrong;
}

static void run_threads(void)
{
	pthread_t threads[THREADS];
	uintptr_t i;
	void *wrong;

	for (i = 0; i < THREADS; i++)
		CU_ASSERT_FATAL(pthread_create(&threads[i], NULL, thread, (void *)i) == 0);
	for (i = 0; i < THREADS; i++) {
		pthread_join(threads[i], &wrong);
		UNIT_EQ((uintptr_t)wrong, 0);
	}
}

static void many_threads(void)
{
	set_up(3, false);
	run_threads();
	tear_down();
}

static void many_threads_asleep(void)
{
	set_up(3, true);
	run_threads();
	tear_down();
}

/* Every so many commands one is never completed: it is reset, and nobody hears of it. */
static bool forget_some(unsigned int qid, const struct nvme_sqe *sqe)
{
	return ++seen % 101 == 0;
}

static void resets_among_threads(void)
{
	set_up_with(3, false, PLX_NVME_TIMEOUT_BREAK);
	fake.on_io = forget_some;
	run_threads();
	CU_ASSERT(fake.enables > 1);
	tear_down();
}

/* The same, with only the queue pair to come back. */
static void recoveries_among_threads(void)
{
	set_up(3, false);
	fake.on_io = forget_some;
	run_threads();
	UNIT_EQ(fake.enables, 1);
	tear_down();
}

/* --- Trouble -------------------------------------------------------------------------------- */

static void errors_are_told(void)
{
	char data[BLOCK];

	set_up(1, false);
	fake.io_status = PLX_NVME_UNRECOVERED_READ;
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), -EIO);
	UNIT_EQ(run(IO_READ, (uint64_t)FAKE_BLOCKS * BLOCK, BLOCK, data), -ERANGE);
	fake.io_status = 0;
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), 0);
	UNIT_EQ(fake.enables, 1);
	tear_down();
}

static bool forget(unsigned int qid, const struct nvme_sqe *sqe)
{
	seen++;
	return countdown && countdown--;
}

/* It hangs twice: twice it is reset, and the request is done. */
static void hangs_twice(void)
{
	char data[BLOCK];

	set_up_with(2, false, PLX_NVME_TIMEOUT_BREAK);
	memset(fake.disk[0], 0x5a, BLOCK);
	countdown = 2;
	fake.on_io = forget;
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), 0);
	UNIT_EQ(data[0], 0x5a);
	UNIT_EQ(fake.enables, 3);
	UNIT_EQ(seen, 3);
	tear_down();
}

/* It hangs for ever: the request fails after four tries. */
static void hangs_for_ever(void)
{
	char data[BLOCK];

	set_up_with(1, true, PLX_NVME_TIMEOUT_BREAK);
	countdown = 100;
	fake.on_io = forget;
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), -EIO);
	UNIT_EQ(seen, 4);
	countdown = 0;
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), 0);
	tear_down();
}

static void goes_away(void)
{
	char data[BLOCK];

	set_up(1, false);
	fake.io_silent = true;
	fake.gone = true;
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), -ENODEV);
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), -ENODEV);
	tear_down();
}

static void namespace_that_is_not_there(void)
{
	struct pool_config config = {.nsid = 9, .lanes = 1};
	struct plx_nvme_ctrl *ctrl;

	fake_defaults();
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	CU_ASSERT_PTR_NULL(pool_open(ctrl, &config));
	UNIT_EQ(errno, ENOENT);
	UNIT_EQ(fake.bus_master, false);
	fake_end();
}

/* --- Housekeeping ---------------------------------------------------------------------------- */

static bool comes_true(bool (*what)(void))
{
	uint64_t end = plx_clock_ns() + UINT64_C(10000000000);

	while (!what() && plx_clock_ns() < end)
		plx_delay_us(2000);
	return what();
}

static bool kept_alive(void)
{
	return fake.keep_alives >= 3;
}

/* Nobody reads or writes: the controller hears of us all the same. */
static void keep_alive(void)
{
	struct pool_config config = {.nsid = 1, .lanes = 2};
	char data[BLOCK];

	fake_defaults();
	fake.id.kas = htole16(1);
	fake.keep_alive_ms = 300;
	pool = pool_open(fake_open(NULL), &config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(pool);
	CU_ASSERT_TRUE(comes_true(kept_alive));
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), 0);
	tear_down();
}

static bool is_shorter(void)
{
	return PLX_READ_ONCE(pool_ns_info(pool)->blocks) == 1000;
}

static bool is_heard(void)
{
	return fake.event < 0 && fake.events_held == 4;
}

static bool is_stale(void)
{
	char data[BLOCK];

	return run(IO_READ, 0, BLOCK, data) == -ESTALE;
}

static void change(void)
{
	fake.changed[0] = htole32(1);
	fake.event = PLX_NVME_EVENT_NOTICE | PLX_NVME_LOG_CHANGED_NS << 16;
}

static void namespace_that_changes(void)
{
	char data[BLOCK];

	set_up(2, false);
	fake.ns[0].nsze = fake.ns[0].ncap = htole64(1000);
	change();
	CU_ASSERT_TRUE(comes_true(is_shorter));
	UNIT_EQ(run(IO_READ, 0, BLOCK, data), 0);
	CU_ASSERT_TRUE(comes_true(is_heard));
	/* Blocks that are not those of the export: nothing may be trimmed by their numbers. */
	fake.ns[0].lbaf[0].lbads = 12;
	change();
	CU_ASSERT_TRUE(comes_true(is_stale));
	UNIT_EQ(run(IO_TRIM, 0, BLOCK, NULL), -ESTALE);
	UNIT_EQ(run(IO_ZERO, 0, BLOCK, NULL), -ESTALE);
	tear_down();
}

CU_TestInfo pool_tests[] = {
	{"every kind", every_kind},
	{"many threads", many_threads},
	{"many threads, asleep", many_threads_asleep},
	{"resets among threads", resets_among_threads},
	{"recoveries among threads", recoveries_among_threads},
	{"errors are told", errors_are_told},
	{"it hangs twice", hangs_twice},
	{"it hangs for ever", hangs_for_ever},
	{"it goes away", goes_away},
	{"a namespace that is not there", namespace_that_is_not_there},
	{"keep alive", keep_alive},
	{"a namespace that changes", namespace_that_changes},
	CU_TEST_INFO_NULL,
};
