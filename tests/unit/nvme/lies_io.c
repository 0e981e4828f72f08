/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Lies about I/O (ABUSE C8, completions) that take a controller with data to tell: completions of
 * others, too late, before the data, without it. What the driver cannot know, the pattern of
 * plx-nvme verify finds.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/mem.h>

#include "fake.h"
#include "plx-nvme/pattern.h"
#include "runner.h"

#define REQS	 8
#define BLOCKS	 8u
#define BYTES	 (BLOCKS * FAKE_BLOCK_SIZE)
#define SEQUENCE 77
#define POISON	 0xa5

static struct plx_nvme_ctrl *ctrl;
static struct plx_nvme_qpair *qp, *other;
static struct plx_nvme_ns *ns;
static struct plx_nvme_req *reqs[REQS];
static char *memory;
static unsigned int ended[REQS];
static volatile unsigned int seen;
static struct nvme_sqe held; /* by a hook */

static void on_done(struct plx_nvme_req *req)
{
	ended[(uintptr_t)req->arg]++;
}

static void make_requests(void)
{
	uintptr_t i;

	for (i = 0; i < REQS; i++) {
		reqs[i] = aligned_alloc(PLX_CACHE_LINE, sizeof(*reqs[i]));
		memset(reqs[i], 0, sizeof(*reqs[i]));
		plx_nvme_read(reqs[i], ns, BLOCKS * i, BLOCKS, plx_iova(memory + i * BYTES));
		reqs[i]->done = on_done;
		reqs[i]->arg = (void *)i;
		pattern_fill(fake.disk[0] + i * BYTES, FAKE_BLOCK_SIZE, BLOCKS, BLOCKS * i,
			     SEQUENCE);
	}
}

static void set_up_with(const struct plx_nvme_ctrl_config *config)
{
	fake_defaults();
	fake.id.oacs = htole16(NVME_OACS_DOORBELL_BUFFER);
	ctrl = fake_open(config);
	CU_ASSERT_PTR_NOT_NULL_FATAL(ctrl);
	ns = plx_nvme_ns_open(ctrl, 1);
	qp = plx_nvme_qpair_open(ctrl, NULL);
	other = plx_nvme_qpair_open(ctrl, NULL);
	memory = plx_dma_alloc((size_t)REQS * BYTES, 4096, PLX_NODE_ANY);
	CU_ASSERT_FATAL(ns && qp && other && memory);
	memset(memory, POISON, (size_t)REQS * BYTES);
	memset(ended, 0, sizeof(ended));
	seen = 0;
	make_requests();
}

static void set_up(unsigned int io_timeout_ms)
{
	set_up_with(&(struct plx_nvme_ctrl_config){
		.io_timeout_ms = io_timeout_ms,
		.on_timeout = PLX_NVME_TIMEOUT_BREAK,
	});
}

static void tear_down(void)
{
	unsigned int i;

	plx_nvme_ctrl_close(ctrl);
	for (i = 0; i < REQS; i++)
		free(reqs[i]);
	plx_dma_free(memory);
	fake_end();
}

static uint64_t deadline(void)
{
	return plx_clock_ns() + UINT64_C(10000000000);
}

static void poll_until_idle(void)
{
	uint64_t end = deadline();

	while (plx_nvme_qpair_in_flight(qp) && plx_clock_ns() < end)
		fake_poll(qp);
	UNIT_EQ(plx_nvme_qpair_in_flight(qp), 0);
}

static void poll_until_broken(void)
{
	uint64_t end = deadline();

	while (plx_nvme_ctrl_state(ctrl) == PLX_NVME_READY && plx_clock_ns() < end)
		plx_nvme_qpair_poll(qp, 0);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_BROKEN);
}

static void wait_seen(unsigned int n)
{
	uint64_t end = deadline();

	while (seen < n && plx_clock_ns() < end)
		plx_delay_us(10);
	UNIT_EQ(seen, n);
}

static void submit(unsigned int n)
{
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs, n), n);
}

/* It resets, and then reads what is on the disk. */
static void well_again(void)
{
	unsigned int i;

	fake.on_io = NULL;
	fake.on_status = NULL;
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	poll_until_idle();
	submit(REQS);
	poll_until_idle();
	for (i = 0; i < REQS * BLOCKS; i++)
		UNIT_EQ(pattern_check(memory + (size_t)i * FAKE_BLOCK_SIZE, FAKE_BLOCK_SIZE, i,
				      SEQUENCE),
			PATTERN_GOOD);
}

/* Good blocks of request i, from the first. */
static unsigned int good_blocks(unsigned int i)
{
	unsigned int n = 0;

	while (n < BLOCKS &&
	       pattern_check(memory + (size_t)i * BYTES + (size_t)n * FAKE_BLOCK_SIZE,
			     FAKE_BLOCK_SIZE, BLOCKS * i + n, SEQUENCE) == PATTERN_GOOD)
		n++;
	return n;
}

/* --- Completions of others ------------------------------------------------------------------ */

static bool silent(unsigned int qid, const struct nvme_sqe *sqe)
{
	held = *sqe;
	seen++;
	return true;
}

/* The id of the last of many commands of another queue pair, which this one does not have. */
static bool complete_the_others(unsigned int qid, const struct nvme_sqe *sqe)
{
	if (qid == 1)
		fake_complete(qid, le16toh(held.cid), 0, 0);
	else
		held = *sqe;
	seen++;
	return qid == 1 ? false : true;
}

static void command_of_another_queue(void)
{
	set_up(0);
	fake.on_io = complete_the_others;
	UNIT_EQ(plx_nvme_qpair_submit(other, reqs, REQS - 1), REQS - 1);
	wait_seen(REQS - 1);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + REQS - 1, 1), 1);
	poll_until_idle();
	UNIT_EQ(ended[REQS - 1], 1);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_CID), 1);
	UNIT_EQ(plx_nvme_qpair_in_flight(other), REQS - 1);
	UNIT_EQ(plx_nvme_qpair_poll(other, 0), 0);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	UNIT_EQ(plx_nvme_qpair_poll(other, 0), REQS - 1);
	well_again();
	tear_down();
}

/* A completion for the admin queue, and so for its event requests, where I/O completes. */
static bool complete_for_admin(unsigned int qid, const struct nvme_sqe *sqe)
{
	uint16_t cid;

	for (cid = 0; cid < 4; cid++)
		fake_complete(qid, (uint16_t)(NVME_ADMIN_DEPTH + cid), 0, 0);
	return false;
}

static void command_of_the_admin_queue(void)
{
	set_up(0);
	fake.on_io = complete_for_admin;
	submit(1);
	poll_until_idle();
	UNIT_EQ(ended[0], 1);
	UNIT_EQ(reqs[0]->status, 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_CID), 4);
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	tear_down();
}

/* Eight times nonsense: no more is taken from it before a reset, and the data is not given back. */
static bool flood(unsigned int qid, const struct nvme_sqe *sqe)
{
	unsigned int i;

	for (i = 0; i < 2 * PLX_NVME_LIES_MAX; i++)
		fake_complete(qid, 0xffff, 0, 0);
	seen++;
	return true;
}

static void eight_unknown_commands(void)
{
	set_up(0);
	fake.on_io = flood;
	submit(1);
	poll_until_broken();
	CU_ASSERT(fake_lies(ctrl, PLX_NVME_LIE_CID) >= PLX_NVME_LIES_MAX);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 1, 1), -EIO);
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	UNIT_EQ(ended[0], 0);
	well_again();
	UNIT_EQ(ended[0], 2);
	tear_down();
}

/* --- Too late ------------------------------------------------------------------------------- */

/* Too late, but before the reset: the request ends once, by whichever comes first. */
static bool complete_held_with(unsigned int qid, const struct nvme_sqe *sqe)
{
	fake_complete(qid, le16toh(held.cid), 0, 0);
	return false;
}

static void after_time_out(void)
{
	set_up(100);
	fake.on_io = silent;
	submit(1);
	poll_until_broken();
	CU_ASSERT(plx_nvme_in_flight(reqs[0]));
	UNIT_EQ(ended[0], 0);
	well_again();
	UNIT_EQ(ended[0], 2);
	tear_down();
}

/* The command of before the reset completes after it, beside one of now that uses its slot. */
static void after_reset(void)
{
	set_up(0);
	fake.on_io = silent;
	submit(1);
	wait_seen(1);
	UNIT_EQ(plx_nvme_ctrl_reset(ctrl), 0);
	poll_until_idle();
	UNIT_EQ(ended[0], 1);
	UNIT_EQ(reqs[0]->status, PLX_NVME_ABORTED);
	fake.on_io = complete_held_with;
	submit(1);
	poll_until_idle();
	UNIT_EQ(ended[0], 2);
	UNIT_EQ(reqs[0]->status, 0);
	UNIT_EQ(fake_lies(ctrl, PLX_NVME_LIE_CID), 1);
	UNIT_EQ(good_blocks(0), BLOCKS);
	tear_down();
}

/* --- Status and result ---------------------------------------------------------------------- */

static bool count_and_fail(unsigned int qid, const struct nvme_sqe *sqe)
{
	seen++;
	fake_complete(qid, le16toh(sqe->cid), PLX_NVME_INTERNAL_ERROR, 0);
	return true;
}

/* "Retry" for ever: the driver never does by itself, each submission is one command. */
static void retry_for_ever(void)
{
	unsigned int round;

	set_up(0);
	fake.on_io = count_and_fail;
	for (round = 1; round <= 100; round++) {
		submit(1);
		poll_until_idle();
		UNIT_EQ(reqs[0]->status, PLX_NVME_INTERNAL_ERROR);
		UNIT_EQ(seen, round);
		UNIT_EQ(ended[0], round);
	}
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	tear_down();
}

static bool junk_result(unsigned int qid, const struct nvme_sqe *sqe)
{
	char data[BYTES];

	memcpy(data, fake.disk[0], BYTES);
	fake_transfer(sqe, data, BYTES, true);
	fake_complete(qid, le16toh(sqe->cid), 0, UINT64_MAX);
	return true;
}

static void result_junk(void)
{
	set_up(0);
	fake.on_io = junk_result;
	submit(1);
	poll_until_idle();
	UNIT_EQ(reqs[0]->status, 0);
	UNIT_EQ(reqs[0]->result, UINT64_MAX);
	UNIT_EQ(good_blocks(0), BLOCKS);
	tear_down();
}

/* --- Data ----------------------------------------------------------------------------------- */

/* As much of the data as `seen` says, then the completion. */
static bool part_of_the_data(unsigned int qid, const struct nvme_sqe *sqe)
{
	char data[BYTES];

	memset(data, POISON, sizeof(data));
	memcpy(data, fake.disk[0], seen);
	fake_transfer(sqe, data, BYTES, true);
	fake_complete(qid, le16toh(sqe->cid), 0, 0);
	return true;
}

static void partial_data(void)
{
	set_up(0);
	fake.on_io = part_of_the_data;
	seen = BYTES / 2 + 100;
	submit(1);
	poll_until_idle();
	UNIT_EQ(reqs[0]->status, 0);
	UNIT_EQ(good_blocks(0), BLOCKS / 2);
	/* The block that is torn is told from one that was never there. */
	UNIT_EQ(pattern_check(memory + BYTES / 2, FAKE_BLOCK_SIZE, BLOCKS / 2, SEQUENCE),
		PATTERN_DAMAGED);
	UNIT_EQ(pattern_check(memory + BYTES / 2 + FAKE_BLOCK_SIZE, FAKE_BLOCK_SIZE, BLOCKS / 2 + 1,
			      SEQUENCE),
		PATTERN_NONE);
	tear_down();
}

static bool only_completion(unsigned int qid, const struct nvme_sqe *sqe)
{
	held = *sqe;
	fake_complete(qid, le16toh(sqe->cid), 0, 0);
	seen++;
	return true;
}

static void success_with_nothing_written(void)
{
	set_up(0);
	fake.on_io = only_completion;
	submit(1);
	poll_until_idle();
	UNIT_EQ(reqs[0]->status, 0);
	UNIT_EQ(pattern_check(memory, FAKE_BLOCK_SIZE, 0, SEQUENCE), PATTERN_NONE);
	tear_down();
}

/* The data of a read comes when the next one is asked for: each time the buffer is an old one. */
static bool data_of_the_last(unsigned int qid, const struct nvme_sqe *sqe)
{
	char data[BYTES];

	if (seen) {
		memcpy(data, fake.disk[0], BYTES);
		fake_transfer(&held, data, BYTES, true);
	}
	return only_completion(qid, sqe);
}

static void completion_before_data(void)
{
	set_up(0);
	fake.on_io = data_of_the_last;
	submit(1);
	poll_until_idle();
	UNIT_EQ(good_blocks(0), 0);
	UNIT_EQ(plx_nvme_qpair_submit(qp, reqs + 1, 1), 1);
	poll_until_idle();
	UNIT_EQ(good_blocks(1), 0);
	UNIT_EQ(good_blocks(0), BLOCKS);
	tear_down();
}

static bool only_data(unsigned int qid, const struct nvme_sqe *sqe)
{
	char data[BYTES];

	memcpy(data, fake.disk[0], BYTES);
	fake_transfer(sqe, data, BYTES, true);
	seen++;
	return true;
}

/* The buffer stays the controller's until it is reset. */
static void data_without_completion(void)
{
	set_up(100);
	fake.on_io = only_data;
	submit(1);
	poll_until_broken();
	UNIT_EQ(seen, 1);
	UNIT_EQ(ended[0], 0);
	UNIT_EQ(good_blocks(0), BLOCKS);
	well_again();
	UNIT_EQ(ended[0], 2);
	tear_down();
}

/* --- Registers, while I/O runs -------------------------------------------------------------- */

static uint32_t flicker(uint32_t csts)
{
	return ++seen & 1 ? csts & ~NVME_CSTS_RDY : csts;
}

static void ready_flickers(void)
{
	set_up(100);
	fake.io_silent = true;
	submit(REQS);
	fake.on_status = flicker;
	poll_until_broken();
	UNIT_EQ(ended[0], 0);
	fake.io_silent = false;
	well_again();
	UNIT_EQ(ended[0], 2);
	tear_down();
}

/* --- Shadow doorbells ------------------------------------------------------------------------ */

static uint32_t junk(void)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(state >> 32);
}

/* Where it wants to hear of the next value: anything. */
static bool spoil_events(unsigned int qid, const struct nvme_sqe *sqe)
{
	unsigned int i;

	for (i = 0; i < 2 * FAKE_QUEUES; i++)
		PLX_WRITE_ONCE(ctrl->shadow_events[i], junk());
	return false;
}

static void event_index_junk(void)
{
	struct plx_nvme_ctrl_config config = {.shadow_doorbells = true};
	unsigned int round, i;

	set_up_with(&config);
	UNIT_EQ(ctrl->info.shadow_doorbells, true);
	fake.on_io = spoil_events;
	for (round = 1; round <= 300; round++) {
		submit(REQS);
		poll_until_idle();
		for (i = 0; i < REQS; i++)
			UNIT_EQ(ended[i], round);
	}
	UNIT_EQ(plx_nvme_ctrl_state(ctrl), PLX_NVME_READY);
	tear_down();
}

/* What we wrote: commands of long ago are done again, which nobody waits for. */
static bool spoil_values(unsigned int qid, const struct nvme_sqe *sqe)
{
	PLX_WRITE_ONCE(ctrl->shadows[2 * qid], htole32(junk() % qp->sq_size));
	PLX_WRITE_ONCE(ctrl->shadows[2 * qid + 1], htole32(junk()));
	return false;
}

static void shadow_doorbells_rewritten(void)
{
	struct plx_nvme_ctrl_config config = {
		.shadow_doorbells = true,
		.io_timeout_ms = 200,
		.on_timeout = PLX_NVME_TIMEOUT_BREAK,
	};
	unsigned int i;

	set_up_with(&config);
	fake.on_io = spoil_values;
	submit(REQS);
	poll_until_broken();
	well_again();
	for (i = 0; i < REQS; i++)
		UNIT_EQ(ended[i], 2);
	tear_down();
}

CU_TestInfo lies_io_tests[] = {
	{"cid of another queue", command_of_another_queue},
	{"cid of the admin queue", command_of_the_admin_queue},
	{"eight unknown commands, then reset", eight_unknown_commands},
	{"no completion in time", after_time_out},
	{"completion after reset", after_reset},
	{"retry for ever", retry_for_ever},
	{"result junk", result_junk},
	{"partial data", partial_data},
	{"success with nothing written", success_with_nothing_written},
	{"completion before data", completion_before_data},
	{"data without completion", data_without_completion},
	{"ready flickers", ready_flickers},
	{"event index junk", event_index_junk},
	{"shadow doorbells rewritten", shadow_doorbells_rewritten},
	CU_TEST_INFO_NULL,
};
