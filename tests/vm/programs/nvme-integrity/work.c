/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Random reads, writes and flushes of random length, place and alignment, never two at once on a
 * block; now and then the controller is reset with all in flight, or another thread makes and
 * deletes queue pairs. At the end all is read. See integrity.h.
 */
#include <errno.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/mem.h>
#include <pollux/nvme_cmd.h>

#include "integrity.h"
#include "plx-nvme/pattern.h"

#define PAGE	     4096u
#define CMDS	     16 /* that a transfer may be cut into */
#define MEMORY_MAX   (48u << 20)
#define QUEUES_MAX   8u
#define TIMEOUT_NS   UINT64_C(60000000000)
#define MS	     UINT64_C(1000000)
#define CHURN_QUEUES 3u
#define CHURN_BYTES  65536u

enum kind {
	KIND_READ,
	KIND_WRITE,
	KIND_FLUSH,
};

/* An I/O of any length: several commands. */
struct transfer {
	struct plx_nvme_cmd cmds[CMDS]; /* the first's req is used for plain ones */
	struct plx_nvme_sge sge;
	char *memory, *data; /* room for the longest, and where in a page it begins */
	uint64_t lba;
	uint32_t blocks, sequence;
	enum kind kind;
	unsigned int flying;
	uint32_t status; /* of the first command that failed */
	bool busy;
};

struct work {
	const struct options *options;
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ctrl_info info;
	struct plx_nvme_ns *ns;
	uint64_t blocks;
	uint32_t block_size, most_blocks;
	struct plx_nvme_qpair *qps[QUEUES_MAX];
	struct transfer *transfers;
	char *memory;
	struct journal *journal;
	bool *locked; /* blocks of transfers in flight */
	unsigned int seed;
	uint64_t ios, aborted, failed, wrong, resets, churned;
	volatile bool stop;
	int churn_err;
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "nvme-integrity: %s: %s\n", what, strerror(err < 0 ? -err : err));
	return -EIO;
}

static uint32_t below(struct work *w, uint32_t n)
{
	return (uint32_t)rand_r(&w->seed) % n;
}

/* --- One transfer --------------------------------------------------------------------------- */

static void on_end(struct plx_nvme_req *req)
{
	struct transfer *t = req->arg;

	if (req->status && !t->status)
		t->status = req->status;
	t->flying--;
}

static void lock(struct work *w, const struct transfer *t, bool locked)
{
	memset(w->locked + t->lba, locked, t->blocks);
}

/* A range that nobody works on; each power of two of blocks is as likely as another. */
static bool choose_range(struct work *w, struct transfer *t)
{
	uint32_t shift = below(w, 32 - (uint32_t)__builtin_clz(w->most_blocks)), i;

	t->blocks = (1u << shift) + below(w, 1u << shift);
	if (t->blocks > w->most_blocks)
		t->blocks = w->most_blocks;
	t->lba = ((uint64_t)(uint32_t)rand_r(&w->seed) << 8 ^ (uint32_t)rand_r(&w->seed)) %
		 (w->blocks - t->blocks + 1);
	for (i = 0; i < t->blocks; i++)
		if (w->locked[t->lba + i])
			return false;
	return true;
}

static void choose(struct work *w, struct transfer *t)
{
	uint32_t what = below(w, 100), i;

	t->kind = what < 55 ? KIND_WRITE : what < 97 ? KIND_READ : KIND_FLUSH;
	t->status = 0;
	t->data = t->memory + (below(w, 2) ? below(w, PAGE / 4) * 4 : 0);
	t->sequence = (uint32_t)++w->journal->sequence;
	while (!choose_range(w, t))
		;
	if (t->kind == KIND_FLUSH)
		t->blocks = 0;
	lock(w, t, true);
	if (t->kind == KIND_READ)
		memset(t->data, 0xa5, (size_t)t->blocks * w->block_size);
	if (t->kind != KIND_WRITE)
		return;
	pattern_fill(t->data, w->block_size, t->blocks, t->lba, t->sequence);
	for (i = 0; i < t->blocks; i++)
		w->journal->state[t->lba + i].issued = t->sequence;
}

/* Submit, however full the queue is. */
static int submit(struct plx_nvme_qpair *qp, struct transfer *t, struct plx_nvme_cmd *cmd,
		  bool plain)
{
	struct plx_nvme_req *reqs[] = {&cmd->req};
	struct plx_nvme_cmd *cmds[] = {cmd};
	int ret;

	do {
		ret = plain ? plx_nvme_qpair_submit(qp, reqs, 1)
			    : plx_nvme_qpair_submit_cmds(qp, cmds, 1);
		if (ret == -EAGAIN)
			plx_nvme_qpair_poll(qp, 0);
	} while (ret == -EAGAIN);
	if (ret != 1)
		return fail("submit", ret);
	t->flying++;
	return 0;
}

/* By the calls for plain requests, which are another path through the driver. */
static int start_plain(struct work *w, struct transfer *t, struct plx_nvme_qpair *qp,
		       uint16_t flags)
{
	struct plx_nvme_req *req = &t->cmds[0].req;

	if (t->kind == KIND_FLUSH)
		plx_nvme_flush(req, w->ns);
	else if (t->kind == KIND_READ)
		plx_nvme_read(req, w->ns, t->lba, t->blocks, plx_iova(t->data));
	else
		plx_nvme_write(req, w->ns, t->lba, t->blocks, plx_iova(t->data));
	req->flags = flags;
	return submit(qp, t, &t->cmds[0], true);
}

static int start_cut(struct work *w, struct transfer *t, struct plx_nvme_qpair *qp, uint16_t flags)
{
	struct plx_nvme_transfer cut = {
		.ns = w->ns,
		.lba = t->lba,
		.blocks = t->blocks,
		.sgl = &t->sge,
		.sges = 1,
		.flags = flags,
		.opcode = t->kind == KIND_READ ? PLX_NVME_READ : PLX_NVME_WRITE,
	};
	unsigned int i;
	int n = 1, err = 0;

	t->sge = (struct plx_nvme_sge){plx_iova(t->data), t->blocks * w->block_size, 0};
	for (i = 0; i < CMDS && !err; i++) {
		n = plx_nvme_transfer_next(&cut, qp, &t->cmds[i]);
		if (n <= 0)
			return n ? fail("cut", n) : 0;
		err = submit(qp, t, &t->cmds[i], false);
	}
	return err ? err : cut.blocks ? fail("more commands than expected", E2BIG) : 0;
}

static int start(struct work *w, struct transfer *t)
{
	struct plx_nvme_qpair *qp = w->qps[below(w, w->options->queues)];
	uint16_t flags;

	choose(w, t);
	t->busy = true;
	flags = t->kind == KIND_WRITE && below(w, 8) == 0 ? PLX_NVME_FUA : 0;
	if (t->kind == KIND_FLUSH ||
	    (t->blocks <= plx_nvme_ns_info(w->ns)->max_blocks && below(w, 2)))
		return start_plain(w, t, qp, flags);
	return start_cut(w, t, qp, flags);
}

/* All its commands have ended. */
static int finish(struct work *w, struct transfer *t)
{
	uint32_t i;

	w->ios++;
	t->busy = false;
	lock(w, t, false);
	if (t->status == PLX_NVME_ABORTED) {
		w->aborted++;
		return 0;
	}
	if (t->status) {
		w->failed++;
		if (w->options->errors)
			return 0;
		fprintf(stderr, "nvme-integrity: %u blocks at %" PRIu64 ": %s\n", t->blocks, t->lba,
			plx_nvme_status_str(t->status));
		return -EIO;
	}
	for (i = 0; i < t->blocks && t->kind == KIND_WRITE; i++)
		w->journal->state[t->lba + i].acked = t->sequence;
	for (i = 0; i < t->blocks && t->kind == KIND_READ; i++)
		w->wrong +=
			!journal_check(w->journal, t->lba + i, t->data + (size_t)i * w->block_size);
	return w->wrong ? -EIO : 0;
}

static void poll_all(struct work *w)
{
	unsigned int i;

	for (i = 0; i < w->options->queues; i++)
		plx_nvme_qpair_poll(w->qps[i], 0);
}

static int finish_ended(struct work *w)
{
	unsigned int i;
	int err = 0;

	for (i = 0; i < w->options->qd && !err; i++)
		if (w->transfers[i].busy && !w->transfers[i].flying)
			err = finish(w, &w->transfers[i]);
	return err;
}

static int finish_all(struct work *w)
{
	uint64_t end = plx_clock_ns() + TIMEOUT_NS;
	unsigned int i, busy = 1;
	int err = 0;

	while (busy && !err) {
		poll_all(w);
		err = finish_ended(w);
		for (i = 0, busy = 0; i < w->options->qd; i++)
			busy += w->transfers[i].busy;
		if (plx_clock_ns() > end)
			err = fail("I/O did not end", ETIMEDOUT);
	}
	return err;
}

/* --- All of it ------------------------------------------------------------------------------ */

/* So many blocks a read; what fails is read block by block. */
static int sweep_piece(struct work *w, uint64_t lba, uint32_t blocks, uint64_t *unreadable)
{
	struct transfer *t = &w->transfers[0];
	uint32_t i;
	int err;

	t->kind = KIND_READ;
	t->status = 0;
	t->data = t->memory;
	t->lba = lba;
	t->blocks = blocks;
	err = start_plain(w, t, w->qps[0], 0);
	while (!err && t->flying)
		plx_nvme_qpair_poll(w->qps[0], 0);
	if (err)
		return err;
	if (t->status && (!w->options->errors || blocks == 1)) {
		++*unreadable;
		return w->options->errors ? 0 : fail("read", EIO);
	}
	for (i = 0; i < blocks && !err; i++) {
		if (t->status)
			err = sweep_piece(w, lba + i, 1, unreadable);
		else
			w->wrong += !journal_check(w->journal, lba + i,
						   t->data + (size_t)i * w->block_size);
	}
	return err;
}

static int sweep(struct work *w, uint64_t *unreadable)
{
	uint32_t most = plx_nvme_ns_info(w->ns)->max_blocks, n;
	uint64_t lba;
	int err = 0;

	if (most > w->most_blocks)
		most = w->most_blocks;
	for (lba = 0; lba < w->blocks && !err; lba += n) {
		n = w->blocks - lba < most ? (uint32_t)(w->blocks - lba) : most;
		err = sweep_piece(w, lba, n, unreadable);
	}
	return err;
}

static int loop(struct work *w)
{
	uint64_t now = plx_clock_ns(), end = now + w->options->seconds * 1000 * MS;
	uint64_t next_reset = w->options->reset_ms ? now + w->options->reset_ms * MS : UINT64_MAX;
	unsigned int i;
	int err = 0;

	while (now < end && !err) {
		for (i = 0; i < w->options->qd && !err; i++)
			if (!w->transfers[i].busy)
				err = start(w, &w->transfers[i]);
		if (!err && now >= next_reset) {
			err = plx_nvme_ctrl_reset(w->ctrl);
			w->resets++;
			next_reset = now + w->options->reset_ms * MS;
		}
		poll_all(w);
		err = err ? err : finish_ended(w);
		now = plx_clock_ns();
	}
	return err ? err : finish_all(w);
}

/* --- Another thread makes and deletes queue pairs -------------------------------------------- */

/* Open, read, and close with the reads in flight or ended. */
static int churn_once(struct work *w, char *memory, unsigned int round, unsigned int *seed)
{
	struct plx_nvme_qpair_config config = {.depth = 2 + (unsigned int)rand_r(seed) % 300};
	struct plx_nvme_req reqs[CHURN_QUEUES] = {0}, *list[] = {&reqs[0], &reqs[1], &reqs[2]};
	struct plx_nvme_qpair *qp = plx_nvme_qpair_open(w->ctrl, &config);
	unsigned int i;
	int n;

	if (!qp)
		return -errno;
	for (i = 0; i < CHURN_QUEUES; i++)
		plx_nvme_read(&reqs[i], w->ns, (uint32_t)rand_r(seed) % (w->blocks - 16), 8,
			      plx_iova(memory + (size_t)i * PAGE));
	n = plx_nvme_qpair_submit(qp, list, CHURN_QUEUES);
	for (i = 0; i < round % 50; i++)
		plx_nvme_qpair_poll(qp, 0);
	plx_nvme_qpair_close(qp);
	for (i = 0; n > 0 && i < (unsigned int)n; i++)
		if (reqs[i].status && reqs[i].status != PLX_NVME_ABORTED)
			return fail(plx_nvme_status_str(reqs[i].status), EIO);
	return n < 0 ? n : 0;
}

static void *churn(void *arg)
{
	struct work *w = arg;
	unsigned int round, seed = w->options->seed + 1;
	char *memory = plx_dma_alloc(CHURN_BYTES, PAGE, PLX_NODE_ANY);

	w->churn_err = memory ? 0 : -ENOMEM;
	for (round = 0; !w->stop && !w->churn_err; round++) {
		w->churn_err = churn_once(w, memory, round, &seed);
		w->churned++;
	}
	plx_dma_free(memory);
	return NULL;
}

static int loop_with_churn(struct work *w)
{
	pthread_t thread;
	int err = pthread_create(&thread, NULL, churn, w);

	if (err)
		return fail("thread", err);
	err = loop(w);
	w->stop = true;
	pthread_join(thread, NULL);
	return err ? err : w->churn_err ? fail("queue pairs", w->churn_err) : 0;
}

/* --- Set-up --------------------------------------------------------------------------------- */

static int open_queues(struct work *w)
{
	const struct options *o = w->options;
	struct plx_nvme_qpair_config config = {.depth = o->qd * 4 + 1};
	unsigned int i;

	for (i = 0; i < o->queues; i++) {
		w->qps[i] = plx_nvme_qpair_open(w->ctrl, &config);
		if (!w->qps[i])
			return fail("queue pair", errno);
	}
	return 0;
}

/* From a block to beyond what one command can, if that many fit the memory. */
static int make_transfers(struct work *w)
{
	unsigned int qd = w->options->qd, i, c;
	size_t most = w->info.max_transfer * 5 / 2, room;

	if (most > MEMORY_MAX / qd)
		most = MEMORY_MAX / qd / PAGE * PAGE;
	w->most_blocks = (uint32_t)(most / w->block_size);
	if (w->most_blocks > w->blocks / 4)
		w->most_blocks = (uint32_t)(w->blocks / 4);
	room = (size_t)w->most_blocks * w->block_size + PAGE;
	w->memory = plx_dma_alloc(room * qd, PAGE, PLX_NODE_ANY);
	w->transfers = aligned_alloc(PLX_CACHE_LINE, qd * sizeof(*w->transfers));
	w->locked = calloc(w->blocks, sizeof(*w->locked));
	if (!w->memory || !w->transfers || !w->locked)
		return fail("memory", ENOMEM);
	memset(w->transfers, 0, qd * sizeof(*w->transfers));
	for (i = 0; i < qd; i++) {
		w->transfers[i].memory = w->memory + i * room;
		for (c = 0; c < CMDS; c++) {
			w->transfers[i].cmds[c].req.done = on_end;
			w->transfers[i].cmds[c].req.arg = &w->transfers[i];
		}
	}
	return 0;
}

static int open_all(struct work *w)
{
	const struct plx_nvme_ns_info *ns;

	w->ctrl = plx_nvme_ctrl_open(w->options->device, NULL);
	w->ns = w->ctrl ? plx_nvme_ns_open(w->ctrl, plx_nvme_ns_next(w->ctrl, 0)) : NULL;
	if (!w->ns)
		return fail("open", errno);
	plx_nvme_ctrl_info(w->ctrl, &w->info);
	ns = plx_nvme_ns_info(w->ns);
	w->blocks = ns->blocks;
	if (w->options->size && w->blocks > w->options->size / ns->block_size)
		w->blocks = w->options->size / ns->block_size;
	w->block_size = ns->block_size;
	if (w->block_size > BLOCK_SIZE_MAX)
		return fail("block size", ENOTSUP);
	w->journal = journal_open(w->options->journal, w->blocks, w->block_size);
	return w->journal ? open_queues(w) : -EIO;
}

static uint64_t lies(struct work *w)
{
	struct plx_nvme_ctrl_stats stats;
	uint64_t sum = 0;
	unsigned int i;

	plx_nvme_ctrl_stats(w->ctrl, &stats);
	for (i = 0; i < PLX_NVME_LIE_KINDS; i++)
		sum += stats.lies[i];
	return sum;
}

static int run(struct work *w)
{
	uint64_t unreadable = 0;
	int err = open_all(w);

	if (!err)
		err = make_transfers(w);
	if (!err)
		err = w->options->churn ? loop_with_churn(w) : loop(w);
	if (!err)
		err = sweep(w, &unreadable);
	if (err)
		return err;
	printf("{\"ios\": %" PRIu64 ", \"resets\": %" PRIu64 ", \"aborted\": %" PRIu64
	       ", \"errors\": %" PRIu64 ", \"queue_pairs\": %" PRIu64 ", \"unreadable\": %" PRIu64
	       ", \"wrong\": %" PRIu64 ", \"lies\": %" PRIu64 ", \"longest\": %u}\n",
	       w->ios, w->resets, w->aborted, w->failed, w->churned, unreadable, w->wrong, lies(w),
	       w->most_blocks * w->block_size);
	return w->wrong || lies(w) ? -EIO : 0;
}

int work(const struct options *options)
{
	struct work w = {.options = options, .seed = options->seed};
	int err = run(&w);

	plx_nvme_ctrl_close(w.ctrl);
	plx_dma_free(w.memory);
	free(w.transfers);
	free(w.locked);
	return err ? EXIT_FAILURE : EXIT_SUCCESS;
}
