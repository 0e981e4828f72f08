/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Tests of drivers/nvme/ctrl_life.c, admin.c and irq.c: a controller with I/O running, reset,
 * broken, removed and closed. Every request ends exactly once.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"
#include "runner.h"

#define REQS  32
#define BYTES 4096u

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_qpair *qp;
static struct plx_nvme_ns *ns;
static struct plx_nvme_req *reqs[REQS];
static char *memory;
static unsigned int ended[REQS];

static void on_done(struct plx_nvme_req *req)
{
	ended[(uintptr_t)req->arg]++;
}

static void make_requests(void)
{
	uintptr_t i;

	memory = plx_dma_zalloc(REQS * BYTES, 4096, PLX_NODE_ANY);
	CU_ASSERT_PTR_NOT_NULL_FATAL(memory);
	memset(ended, 0, sizeof(ended));
	for (i = 0; i < REQS; i++) {
		reqs[i] = aligned_alloc(PLX_CACHE_LINE, sizeof(*reqs[i]));
		memset(reqs[i], 0, sizeof(*reqs[i]));
		plx_nvme_read(reqs[i], ns, 8 * i, 8, plx_iova(memory + i * BYTES));
		reqs[i]->done = on_done;
		reqs[i]->arg = (void *)i;
	}
}

static void set_up(const struct plx_nvme_ctrl_config *config, bool interrupt)
{
	struct plx_nvme_qpair_config qp_config = {.depth = 64, .interrupt = interrupt};

	fake_defaults();
	ctrl = fake_open(config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	ns = plx_nvme_ns_open(ctrl, 1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ns);
	qp = plx_nvme_qpair_open(ctrl, &qp_config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	make_requests();
}

static void tear_down(void)
{
	unsigned int i;

	plx_nvme_ctrl_close(ctrl);
	for (i = 0; i < REQS; i++)
		free(reqs[i]);
	plx_dma_free(memory);
	UNIT_EQ(fake.prp_faults, 0);
	fake_end();
}

static void poll_until_idle(void)
{
	uint64_t end = plx_clock_ns() + UINT64_C(5000000000);

	while (plx_nvme_qpair_in_flight(qp) && plx_clock_ns() < end)
		fake_poll(qp);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 0);
}

static void all_ended(unsigned int times, uint32_t status)
{
	unsigned int i;

	for (i = 0; i < REQS; i++) {
		UNIT_EQ(ended[i], times);
		UNIT_EQ(reqs[i]->status, status);
	}
}

static void fill(uint64_t seed)
{
	uint64_t *words = (uint64_t *)(void *)memory;
	size_t i;

	for (i = 0; i < REQS * BYTES / 8; i++)
		words[i] = (seed + i) * UINT64_C(0x9e3779b97f4a7c15);
}

static void write_then_read_back(void)
{
	char *copy = malloc(REQS * BYTES);
	unsigned int i;

	set_up(NULL, false);
	fill(1);
	memcpy(copy, memory, REQS * BYTES);
	for (i = 0; i < REQS; i++)
		reqs[i]->opcode = PLX_NVME_WRITE;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(1, 0);
	memset(memory, 0, REQS * BYTES);
	for (i = 0; i < REQS; i++)
		reqs[i]->opcode = PLX_NVME_READ;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	UNIT_EQ(memcmp(memory, copy, REQS * BYTES), 0);
	UNIT_EQ(memcmp(fake.disk[0], copy, REQS * BYTES), 0);
	free(copy);
	tear_down();
}

/* Lengths and offsets that need no list, one entry of it, and many. */
static void transfers_of_every_shape(void)
{
	static const uint32_t blocks[] = {1, 7, 8, 9, 16, 17, 24, 100, 256};
	static const uint32_t offsets[] = {0, 4, 512, 4092};
	char *big;
	size_t i, j, n;

	set_up(NULL, false);
	big = plx_dma_zalloc(256 * 512 + 4096, 4096, PLX_NODE_ANY);
	for (i = 0; i < FAKE_BLOCKS * FAKE_BLOCK_SIZE; i++)
		fake.disk[0][i] = (char)(i * 7 + (i >> 9));
	for (i = 0; i < sizeof(blocks) / sizeof(blocks[0]); i++) {
		for (j = 0; j < sizeof(offsets) / sizeof(offsets[0]); j++) {
			n = (size_t)blocks[i] * 512;
			memset(big, 0, 256 * 512 + 4096);
			plx_nvme_read(reqs[0], ns, 11, blocks[i], plx_iova(big + offsets[j]));
			UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
			poll_until_idle();
			UNIT_EQ(reqs[0]->status, 0);
			UNIT_EQ(memcmp(big + offsets[j], fake.disk[0] + 11 * 512, n), 0);
			if (offsets[j])
				UNIT_EQ(big[offsets[j] - 1], 0);
			UNIT_EQ(big[offsets[j] + n], 0);
		}
	}
	plx_dma_free(big);
	tear_down();
}

static void flush_and_errors(void)
{
	set_up(NULL, false);
	plx_nvme_flush(reqs[0], ns);
	plx_nvme_read(reqs[1], ns, FAKE_BLOCKS, 1, plx_iova(memory));
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 2), 2);
	poll_until_idle();
	UNIT_EQ(fake.flushes, 1);
	UNIT_EQ(reqs[0]->status, 0);
	UNIT_EQ(reqs[1]->status & PLX_NVME_STATUS_MASK, PLX_NVME_LBA_OUT_OF_RANGE);
	UNIT_EQ(plx_nvme_status_errno(reqs[1]->status), -ERANGE);
	fake.io_status = PLX_NVME_UNRECOVERED_READ;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 2, 1), 1);
	poll_until_idle();
	UNIT_EQ(reqs[2]->status, PLX_NVME_UNRECOVERED_READ);
	tear_down();
}

static void several_queue_pairs(void)
{
	struct plx_nvme_qpair *more[8];
	unsigned int i;

	set_up(NULL, false);
	for (i = 0; i < 7; i++) {
		more[i] = plx_nvme_qpair_open(ctrl, NULL);
		CU_ASSERT_PTR_NOT_NULL(more[i]);
	}
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, NULL));
	UNIT_EQ(errno, ENOSPC);
	plx_nvme_qpair_close(more[3]);
	more[3] = plx_nvme_qpair_open(ctrl, NULL);
	CU_ASSERT_PTR_NOT_NULL(more[3]);
	UNIT_EQ(plx_nvme_qpair_submit(more[3], reqs, 4), 4);
	while (plx_nvme_qpair_in_flight(more[3]))
		fake_poll(more[3]);
	UNIT_EQ(reqs[3]->status, 0);
	tear_down();
}

static void memory_of_a_deep_queue(void)
{
	struct plx_nvme_qpair_config config = {.depth = 1024};
	struct plx_nvme_qpair_info info;
	struct plx_nvme_qpair *deep;

	set_up(NULL, false);
	deep = plx_nvme_qpair_open(ctrl, &config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(deep);
	plx_nvme_qpair_info(deep, &info);
	UNIT_EQ(info.depth, 1024);
	printf("%zu KiB ", info.memory_bytes / 1024);
	CU_ASSERT(info.memory_bytes < 160 * 1024);
	tear_down();
}

static void wrong_depth(void)
{
	struct plx_nvme_qpair_config config = {.depth = 1};

	set_up(NULL, false);
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, &config));
	UNIT_EQ(errno, EINVAL);
	config.depth = 65537;
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, &config));
	UNIT_EQ(errno, EINVAL);
	tear_down();
}

/* --- Ends ----------------------------------------------------------------------------------- */

static void close_ends_requests(void)
{
	set_up(NULL, false);
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	plx_nvme_qpair_close(qp);
	all_ended(1, PLX_NVME_ABORTED);
	tear_down();
}

static void resubmit(struct plx_nvme_req *req)
{
	struct plx_nvme_req *again[] = {req};

	ended[(uintptr_t)req->arg]++;
	UNIT_EQ(plx_nvme_qpair_submit(qp, again, 1), -ESHUTDOWN);
}

static void callback_cannot_submit_to_a_closing_queue(void)
{
	unsigned int i;

	set_up(NULL, false);
	fake.io_silent = true;
	for (i = 0; i < REQS; i++)
		reqs[i]->done = resubmit;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	plx_nvme_ctrl_close(ctrl);
	ctrl = NULL;
	all_ended(1, PLX_NVME_ABORTED);
	tear_down();
}

static void reset_ends_requests_and_goes_on(void)
{
	struct plx_nvme_ctrl_stats stats;
	unsigned int round;

	set_up(NULL, false);
	for (round = 1; round <= 5; round++) {
		fake.io_silent = true;
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
		UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
		CU_ASSERT(plx_nvme_in_flight(reqs[0]));
		poll_until_idle();
		all_ended(2 * round - 1, PLX_NVME_ABORTED);
		fake.io_silent = false;
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
		poll_until_idle();
		all_ended(2 * round, 0);
	}
	plx_nvme_ctrl_stats(ctrl, &stats);
	UNIT_EQ(stats.resets, 5);
	UNIT_EQ(stats.aborted, 5 * REQS);
	UNIT_EQ(fake.enables, 6);
	UNIT_EQ(fake.resets, 0);
	tear_down();
}

/* Time-out, broken, reset, well again. */
static void late_command_then_reset(void)
{
	struct plx_nvme_ctrl_config config = {
		.io_timeout_ms = 100,
		.on_timeout = PLX_NVME_TIMEOUT_BREAK,
	};
	uint64_t end = plx_clock_ns() + UINT64_C(5000000000);

	set_up(&config, false);
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	while (plx_nvme_ctrl_state(ctrl) == PLX_NVME_READY && plx_clock_ns() < end)
		plx_nvme_qpair_poll(qp, 0);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), REQS);
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, NULL));
	UNIT_EQ(errno, EIO);
	fake.io_silent = false;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(2, 0);
	tear_down();
}

static pthread_t finder;

static void *find_gone(void *arg)
{
	nvme_ctrl_gone(ctrl);
	return NULL;
}

/* Another thread finds out, and has every chance to say so before this one goes on. */
static void found_gone_by_another(void)
{
	fake.on_master = NULL;
	CU_ASSERT_FATAL(pthread_create(&finder, NULL, find_gone, NULL) == 0);
	plx_delay_us(20000);
}

static void gone_during_a_reset_stays_gone(void)
{
	set_up(NULL, false);
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	/* So that the function is reset, which takes bus mastering away. */
	fake.never_unready = true;
	fake.on_master = found_gone_by_another;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), -ENODEV);
	pthread_join(finder, NULL);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_GONE);
	UNIT_EQ(fake.bus_master, false);
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), -ENODEV);
	UNIT_EQ(fake.bus_master, false);
	tear_down();
}

/* It does not let itself be disabled: the function is reset. */
static void reset_escalates(void)
{
	set_up(NULL, false);
	fake.never_unready = true;
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(fake.resets, 1);
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	fake.io_silent = false;
	fake.never_unready = false;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(2, 0);
	tear_down();
}

static void reset_that_fails_ends_requests(void)
{
	set_up(NULL, false);
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	fake.never_ready = true;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), -ETIMEDOUT);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), -EIO);
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	fake.never_ready = false;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	tear_down();
}

static void removal_ends_requests(void)
{
	struct plx_nvme_ctrl_config config = {.io_timeout_ms = 100};

	set_up(&config, false);
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	fake.gone = true;
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_GONE);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), -ENODEV);
	UNIT_EQ(fake.bus_master, false);
	tear_down();
}

/* The queue cannot be deleted: the controller is stopped before the data is handed back. */
static void delete_that_never_ends(void)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 200};

	set_up(&config, false);
	fake.io_silent = true;
	fake.silent_opcode = NVME_ADMIN_DELETE_SQ;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	plx_nvme_qpair_close(qp);
	UNIT_EQ(plx_mmio_read32(fake.bar + NVME_CC) & NVME_CC_EN, 0);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
	all_ended(1, PLX_NVME_ABORTED);
	fake.silent_opcode = -1;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	CU_ASSERT_PTR_NOT_NULL(qp);
	tear_down();
}

/* --- Admin commands ------------------------------------------------------------------------- */

static void open_fails(int opcode, bool silent, int err)
{
	struct plx_nvme_ctrl_config config = {.admin_timeout_ms = 200};

	fake_defaults();
	if (silent)
		fake.silent_opcode = opcode;
	else
		fake.failing_opcode = opcode;
	fake.failing_status = PLX_NVME_INTERNAL_ERROR;
	ctrl = fake_open(&config);
	CU_ASSERT_PTR_NULL(ctrl);
	UNIT_EQ(errno, err);
	UNIT_EQ(fake.bus_master, false);
	fake_end();
}

static void admin_commands_that_fail(void)
{
	open_fails(NVME_ADMIN_IDENTIFY, false, EIO);
	open_fails(NVME_ADMIN_SET_FEATURES, false, EIO);
}

static void admin_commands_that_never_end(void)
{
	open_fails(NVME_ADMIN_IDENTIFY, true, ETIMEDOUT);
	open_fails(NVME_ADMIN_SET_FEATURES, true, ETIMEDOUT);
}

static void create_that_fails(void)
{
	static const int opcodes[] = {NVME_ADMIN_CREATE_CQ, NVME_ADMIN_CREATE_SQ};
	struct plx_nvme_qpair_config config = {.interrupt = true};
	size_t i, round;

	set_up(NULL, false);
	fake.failing_status = 0x101;
	for (i = 0; i < 2; i++) {
		fake.failing_opcode = opcodes[i];
		/* No vector and no queue id leaks. */
		for (round = 0; round < 20; round++) {
			CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, &config));
			UNIT_EQ(errno, EIO);
		}
	}
	fake.failing_opcode = -1;
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, &config));
	tear_down();
}

/* The answer to "number of queues". */
static void queues_given(uint32_t result, uint32_t want, uint64_t lies)
{
	struct plx_nvme_ctrl_info info;

	fake_defaults();
	fake.queues_result = result;
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	plx_nvme_ctrl_info(ctrl, &info);
	UNIT_EQ(info.io_queues, want);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_QUEUES), lies);
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static void numbers_of_queues(void)
{
	queues_given(0, 1, 0);
	queues_given(3 << 16 | 1, 2, 0);
	queues_given(1 << 16 | 3, 2, 0);
	queues_given(UINT32_MAX, 64, 1);
	queues_given(500 << 16 | 500, 64, 0);
}

static void fewer_queues_after_reset(void)
{
	set_up(NULL, false);
	plx_nvme_qpair_open(ctrl, NULL);
	fake.queues_result = 0;
	fake.failing_status = 0x101;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	poll_until_idle();
	all_ended(1, 0);
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, NULL));
	UNIT_EQ(errno, ENOSPC);
	tear_down();
}

static void success_with_nothing_written(void)
{
	fake_defaults();
	memset(&fake.id, 0, sizeof(fake.id));
	CU_ASSERT_PTR_NULL(fake_open(NULL));
	UNIT_EQ(errno, EPROTO);
	fake_end();
}

/* --- Interrupts ----------------------------------------------------------------------------- */

static void interrupts_wake(void)
{
	unsigned int round;

	set_up(NULL, true);
	CU_ASSERT(plx_nvme_qpair_fd(qp) >= 0);
	for (round = 1; round <= 50; round++) {
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
		while (plx_nvme_qpair_in_flight(qp)) {
			UNIT_EQ(plx_nvme_qpair_wait(qp, 5000), 1);
			CU_ASSERT(plx_nvme_qpair_poll(qp, 0) > 0);
		}
		all_ended(round, 0);
	}
	UNIT_EQ(plx_nvme_qpair_wait(qp, 20), 0);
	tear_down();
}

/* It completes and does not interrupt: the sleeper looks from time to time. */
static void interrupts_that_never_come(void)
{
	uint64_t start;

	set_up(NULL, true);
	fake.irq_silent = true;
	start = plx_clock_ns();
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, 1), 1);
	UNIT_EQ(plx_nvme_qpair_wait(qp, 5000), 1);
	CU_ASSERT(plx_clock_ns() - start < UINT64_C(2000000000));
	UNIT_EQ(plx_nvme_qpair_poll(qp, 0), 1);
	tear_down();
}

static void wait_needs_an_interrupt(void)
{
	set_up(NULL, false);
	UNIT_EQ(plx_nvme_qpair_wait(qp, 0), -EINVAL);
	UNIT_EQ(plx_nvme_qpair_fd(qp), -EINVAL);
	tear_down();
}

static void vectors_run_out(void)
{
	struct plx_nvme_qpair_config config = {.interrupt = true};
	struct plx_nvme_qpair *more[2];
	struct plx_nvme_qpair_info info;

	set_up(NULL, true);
	more[0] = plx_nvme_qpair_open(ctrl, &config);
	more[1] = plx_nvme_qpair_open(ctrl, &config);
	CU_ASSERT_PTR_NOT_NULL(more[1]);
	plx_nvme_qpair_info(more[1], &info);
	UNIT_EQ(info.vector, 3);
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, &config));
	UNIT_EQ(errno, ENOSPC);
	plx_nvme_qpair_close(more[0]);
	more[0] = plx_nvme_qpair_open(ctrl, &config);
	CU_ASSERT_PTR_NOT_NULL(more[0]);
	tear_down();
}

static struct plx_nvme_qpair *open_with_vectors(unsigned int vectors)
{
	struct plx_nvme_qpair_config config = {.interrupt = true};

	fake_defaults();
	fake.vectors = vectors;
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	return plx_nvme_qpair_open(ctrl, &config);
}

/* The admin queue's vector serves one queue pair, if there is no other. */
static void single_vector(void)
{
	struct plx_nvme_qpair_config config = {.interrupt = true};
	struct plx_nvme_qpair_info info;

	qp = open_with_vectors(1);
	CU_ASSERT_PTR_NOT_NULL_FATAL(qp);
	plx_nvme_qpair_info(qp, &info);
	UNIT_EQ(info.vector, 0);
	CU_ASSERT_PTR_NULL(plx_nvme_qpair_open(ctrl, &config));
	UNIT_EQ(errno, ENOSPC);
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static void no_vector(void)
{
	CU_ASSERT_PTR_NULL(open_with_vectors(0));
	UNIT_EQ(errno, ENOTSUP);
	CU_ASSERT_PTR_NOT_NULL(plx_nvme_qpair_open(ctrl, NULL));
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

static void interrupts_after_function_reset(void)
{
	set_up(NULL, true);
	fake.never_unready = true;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(fake.resets, 1);
	fake.never_unready = false;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	while (plx_nvme_qpair_in_flight(qp)) {
		UNIT_EQ(plx_nvme_qpair_wait(qp, 5000), 1);
		plx_nvme_qpair_poll(qp, 0);
	}
	all_ended(1, 0);
	tear_down();
}

static void sleeper_notices_removal(void)
{
	struct plx_nvme_ctrl_config config = {.io_timeout_ms = 100};

	set_up(&config, true);
	fake.io_silent = true;
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
	fake.gone = true;
	UNIT_EQ(plx_nvme_qpair_wait(qp, 5000), 1);
	poll_until_idle();
	all_ended(1, PLX_NVME_ABORTED);
	UNIT_EQ(plx_nvme_qpair_wait(qp, 5000), -ENODEV);
	tear_down();
}

static void open_and_close_many_times(void)
{
	struct plx_mem_stats before, after;
	unsigned int i;

	plx_mem_stats_get(&before);
	for (i = 0; i < 20; i++) {
		set_up(NULL, i & 1);
		UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, REQS), REQS);
		tear_down();
	}
	plx_mem_stats_get(&after);
	UNIT_EQ(after.heap_allocations, before.heap_allocations);
}

/* Every counter of the header, every kind of lie too, is in telemetry. */
static void telemetry_has_all_counters(void)
{
	json_t *document, *object;
	char *text;

	fake_defaults();
	ctrl = fake_open(NULL);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	text = plx_telemetry_json();
	document = json_loads(text, 0, NULL);
	free(text);
	object = json_array_get(json_object_get(document, "controllers"), 0);
	UNIT_EQ(json_object_size(json_object_get(object, "lies")), PLX_NVME_LIE_KINDS);
	CU_ASSERT_PTR_NOT_NULL(json_object_get(object, "abort_commands"));
	CU_ASSERT_PTR_NOT_NULL(json_object_get(object, "queue_recoveries"));
	json_decref(document);
	plx_nvme_ctrl_close(ctrl);
	fake_end();
}

CU_TestInfo ctrl_life_tests[] = {
	{"write, then read back", write_then_read_back},
	{"transfers of every shape", transfers_of_every_shape},
	{"flush and errors", flush_and_errors},
	{"several queue pairs", several_queue_pairs},
	{"memory of a queue 1024 deep", memory_of_a_deep_queue},
	{"wrong depth", wrong_depth},
	{"close ends requests", close_ends_requests},
	{"a callback cannot submit to a closing queue", callback_cannot_submit_to_a_closing_queue},
	{"reset ends requests and goes on", reset_ends_requests_and_goes_on},
	{"late command, then reset", late_command_then_reset},
	{"gone during a reset stays gone", gone_during_a_reset_stays_gone},
	{"reset escalates", reset_escalates},
	{"a reset that fails ends requests", reset_that_fails_ends_requests},
	{"removal ends requests", removal_ends_requests},
	{"lie: delete never ends", delete_that_never_ends},
	{"admin commands that fail", admin_commands_that_fail},
	{"lie: admin commands that never end", admin_commands_that_never_end},
	{"a create that fails", create_that_fails},
	{"lie: numbers of queues", numbers_of_queues},
	{"lie: fewer queues after a reset", fewer_queues_after_reset},
	{"lie: success with nothing written", success_with_nothing_written},
	{"interrupts wake", interrupts_wake},
	{"lie: interrupts that never come", interrupts_that_never_come},
	{"wait needs an interrupt", wait_needs_an_interrupt},
	{"vectors run out", vectors_run_out},
	{"a single vector", single_vector},
	{"no vector", no_vector},
	{"interrupts after a function reset", interrupts_after_function_reset},
	{"a sleeper notices removal", sleeper_notices_removal},
	{"open and close many times", open_and_close_many_times},
	{"telemetry has all counters", telemetry_has_all_counters},
	CU_TEST_INFO_NULL,
};
