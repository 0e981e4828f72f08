/* SPDX-License-Identifier: BSD-3-Clause */
/* Queue pairs for any number of threads; see pool.h. */
#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <pollux/mem.h>
#include <pollux/nvme_event.h>

#include "pool.h"

#define SLOTS	    8 /* commands of a request in flight */
#define PIECE_BYTES (128u * 1024)
#define ZERO_BLOCKS 65536u /* of one command (NVM Command Set, 3.2.8) */
#define TRIES	    4
/* So often is the state looked at while a thread sleeps. */
#define WAIT_MS 500
/* Fruitless looks after which others may have the CPU between two. */
#define LOOKS_TO_YIELD 1000
/* Housekeeping: so often within the controller's Keep Alive limit, and at the latest after. */
#define KEEPS_PER_LIMIT 4
#define KEEP_MS_MAX	500

/* A command of a request, with its piece of the data. */
struct slot {
	struct plx_nvme_cmd cmd; /* first: its req is what the callback gets */
	char *buf;		 /* DMA */
	char *to;		 /* where what was read goes, or NULL */
	uint32_t bytes;
	struct lane *lane;
	struct slot *next_free;
};

struct lane {
	struct plx_nvme_qpair *qp;
	char *memory;
	struct slot *slots, *free;
	unsigned int flying;
	uint32_t status; /* of the first command that failed */
	struct lane *next_idle;
};

struct pool {
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ctrl_info ctrl_info;
	struct plx_nvme_ns *ns;
	const struct plx_nvme_ns_info *ns_info;
	bool interrupt;
	uint32_t piece;
	struct lane *lanes;
	unsigned int count;

	pthread_mutex_t lock;
	pthread_cond_t change;
	struct lane *idle;
	unsigned int idle_count;
	bool recovering;

	pthread_t keeper;
	bool keeps, closing;
	pthread_cond_t close;
	atomic_bool stale; /* the namespace is not what is exported any more */
};

/* --- Lanes of the pool ---------------------------------------------------------------------- */

static struct lane *take(struct pool *pool)
{
	struct lane *lane;

	pthread_mutex_lock(&pool->lock);
	while (pool->recovering || !pool->idle)
		pthread_cond_wait(&pool->change, &pool->lock);
	/* The last one given back: its buffers are in the cache. */
	lane = pool->idle;
	pool->idle = lane->next_idle;
	pool->idle_count--;
	pthread_mutex_unlock(&pool->lock);
	return lane;
}

static void give(struct pool *pool, struct lane *lane)
{
	pthread_mutex_lock(&pool->lock);
	lane->next_idle = pool->idle;
	pool->idle = lane;
	pool->idle_count++;
	pthread_cond_broadcast(&pool->change);
	pthread_mutex_unlock(&pool->lock);
}

/* Reset the controller with no lane in use; what was in flight ends. Only one thread does it. */
static int recover(struct pool *pool)
{
	unsigned int i;
	int err = 0;

	pthread_mutex_lock(&pool->lock);
	while (pool->recovering)
		pthread_cond_wait(&pool->change, &pool->lock);
	if (plx_nvme_ctrl_state(pool->ctrl) == PLX_NVME_READY) {
		pthread_mutex_unlock(&pool->lock);
		return 0;
	}
	pool->recovering = true;
	while (pool->idle_count < pool->count)
		pthread_cond_wait(&pool->change, &pool->lock);
	pthread_mutex_unlock(&pool->lock);
	err = plx_nvme_ctrl_reset(pool->ctrl);
	for (i = 0; i < pool->count; i++)
		while (pool->lanes[i].flying)
			plx_nvme_qpair_poll(pool->lanes[i].qp, 0);
	pthread_mutex_lock(&pool->lock);
	pool->recovering = false;
	pthread_cond_broadcast(&pool->change);
	pthread_mutex_unlock(&pool->lock);
	return err;
}

/* --- A request on a lane -------------------------------------------------------------------- */

static void on_end(struct plx_nvme_req *req)
{
	struct slot *slot = (struct slot *)req;
	struct lane *lane = slot->lane;

	if (req->status && !lane->status)
		lane->status = req->status;
	else if (slot->to && !req->status)
		memcpy(slot->to, slot->buf, slot->bytes);
	slot->next_free = lane->free;
	lane->free = slot;
	lane->flying--;
}

/* The caller's memory is not ours any more once its request has failed. */
static void forget_data(struct lane *lane)
{
	unsigned int i;

	for (i = 0; i < SLOTS; i++)
		lane->slots[i].to = NULL;
}

static uint32_t bytes_of_piece(const struct pool *pool, const struct io *io, uint32_t left)
{
	uint64_t most = pool->piece;

	if (io->kind == IO_TRIM)
		return left;
	if (io->kind == IO_ZERO)
		most = (uint64_t)ZERO_BLOCKS * pool->ns_info->block_size;
	return left < most ? left : (uint32_t)most;
}

/* The command for slot->bytes of the request, from `at` on. */
static void fill(const struct pool *pool, const struct io *io, uint32_t at, struct slot *slot)
{
	uint32_t size = pool->ns_info->block_size, blocks = slot->bytes / size;
	uint64_t lba = (io->offset + at) / size;
	plx_iova_t iova = plx_iova(slot->buf);
	struct plx_nvme_req *req = &slot->cmd.req;

	slot->to = NULL;
	req->flags = io->flags;
	switch (io->kind) {
	case IO_READ:
		slot->to = io->data + at;
		plx_nvme_read(req, pool->ns, lba, blocks, iova);
		break;
	case IO_WRITE:
		memcpy(slot->buf, io->data + at, slot->bytes);
		plx_nvme_write(req, pool->ns, lba, blocks, iova);
		break;
	case IO_ZERO:
		plx_nvme_write_zeroes(&slot->cmd, pool->ns, lba, blocks, io->flags);
		break;
	case IO_TRIM:
		plx_nvme_dsm_range_set((struct plx_nvme_dsm_range *)(void *)slot->buf, lba, blocks);
		plx_nvme_deallocate(&slot->cmd, pool->ns, 1, iova);
		break;
	case IO_FLUSH:
		plx_nvme_flush(req, pool->ns);
	}
}

static int submit(struct lane *lane, struct slot *slot, enum io_kind kind)
{
	struct plx_nvme_req *reqs[] = {&slot->cmd.req};
	struct plx_nvme_cmd *cmds[] = {&slot->cmd};
	int ret = kind == IO_ZERO || kind == IO_TRIM ? plx_nvme_qpair_submit_cmds(lane->qp, cmds, 1)
						     : plx_nvme_qpair_submit(lane->qp, reqs, 1);

	if (ret != 1)
		return ret;
	lane->free = slot->next_free;
	lane->flying++;
	return 0;
}

/* Submit what fits. *done: bytes submitted so far; *more: is there anything left? */
static int submit_some(struct pool *pool, struct lane *lane, const struct io *io, uint32_t *done,
		       bool *more)
{
	int err = 0;

	while (*more && lane->free) {
		struct slot *slot = lane->free;

		slot->bytes = bytes_of_piece(pool, io, io->count - *done);
		fill(pool, io, *done, slot);
		err = submit(lane, slot, io->kind);
		if (err)
			/* Full, or being recovered: later. */
			return err == -EAGAIN ? 0 : err;
		*done += slot->bytes;
		*more = *done < io->count;
	}
	return err;
}

/* Until at least one command has ended. -ECANCELED: the controller is broken. */
static int wait_for_one(const struct pool *pool, struct lane *lane)
{
	unsigned int looks = 0;

	for (;;) {
		if (pool->interrupt)
			plx_nvme_qpair_wait(lane->qp, WAIT_MS);
		if (plx_nvme_qpair_poll(lane->qp, 0))
			return 0;
		if (plx_nvme_ctrl_state(pool->ctrl) == PLX_NVME_BROKEN)
			return -ECANCELED;
		if (!pool->interrupt && ++looks > LOOKS_TO_YIELD)
			sched_yield();
	}
}

/* Nothing is in flight and nothing is taken: the queue pair is being recovered, by polling. */
static void drive(struct lane *lane)
{
	if (plx_nvme_qpair_poll(lane->qp, 0) == 0)
		sched_yield();
}

static int run(struct pool *pool, struct lane *lane, const struct io *io)
{
	uint32_t done = 0;
	bool more = true;
	int err = 0, wait_err = 0;

	lane->status = 0;
	while (!wait_err && (lane->flying || (more && !err))) {
		if (!err && !lane->status)
			err = submit_some(pool, lane, io, &done, &more);
		else
			more = false;
		if (lane->flying)
			wait_err = wait_for_one(pool, lane);
		else if (more && !err)
			drive(lane);
	}
	forget_data(lane);
	if (wait_err || lane->status == PLX_NVME_ABORTED ||
	    plx_nvme_ctrl_state(pool->ctrl) == PLX_NVME_BROKEN)
		return -ECANCELED;
	return err ? err : plx_nvme_status_errno(lane->status);
}

int pool_run(struct pool *pool, const struct io *io)
{
	int err = 0, tries, reset = 0;

	for (tries = 0; tries < TRIES && !atomic_load(&pool->stale); tries++) {
		struct lane *lane = take(pool);

		err = run(pool, lane, io);
		give(pool, lane);
		if (err != -ECANCELED)
			return err;
		reset = recover(pool);
		if (reset == -ENODEV)
			return -ENODEV;
	}
	if (atomic_load(&pool->stale))
		return -ESTALE;
	return reset ? reset : -EIO;
}

/* --- Housekeeping --------------------------------------------------------------------------- */

/* The handle is another one when its namespace is not the one that was opened. */
static void on_event(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_event *event, void *arg)
{
	struct pool *pool = arg;

	if (event->type == PLX_NVME_EVENT_NOTICE && event->info == PLX_NVME_NOTICE_NAMESPACES &&
	    plx_nvme_ns_open(ctrl, pool->ns_info->id) != pool->ns)
		atomic_store(&pool->stale, true);
}

static struct timespec next_keep(const struct pool *pool)
{
	unsigned int ms = pool->ctrl_info.keep_alive_ms / KEEPS_PER_LIMIT;
	struct timespec t;

	if (ms == 0 || ms > KEEP_MS_MAX)
		ms = KEEP_MS_MAX;
	clock_gettime(CLOCK_MONOTONIC, &t);
	t.tv_nsec += ms * 1000000L;
	t.tv_sec += t.tv_nsec / 1000000000L;
	t.tv_nsec %= 1000000000L;
	return t;
}

/* One that breaks is left to the next request, which resets it. */
static void *keep(void *arg)
{
	struct pool *pool = arg;

	pthread_mutex_lock(&pool->lock);
	while (!pool->closing) {
		struct timespec next = next_keep(pool);

		if (pthread_cond_timedwait(&pool->close, &pool->lock, &next) != ETIMEDOUT)
			continue;
		pthread_mutex_unlock(&pool->lock);
		plx_nvme_ctrl_poll(pool->ctrl);
		pthread_mutex_lock(&pool->lock);
	}
	pthread_mutex_unlock(&pool->lock);
	return NULL;
}

/* Without events only a change of the namespace is not heard of; the log says why. */
static int start_keeper(struct pool *pool)
{
	int err;

	plx_nvme_events_on(pool->ctrl, on_event, pool);
	err = pthread_create(&pool->keeper, NULL, keep, pool);
	pool->keeps = !err;
	return -err;
}

static void stop_keeper(struct pool *pool)
{
	if (!pool->keeps)
		return;
	pthread_mutex_lock(&pool->lock);
	pool->closing = true;
	pthread_cond_signal(&pool->close);
	pthread_mutex_unlock(&pool->lock);
	pthread_join(pool->keeper, NULL);
}

/* --- Open and close ------------------------------------------------------------------------- */

static int open_lane(struct pool *pool, struct lane *lane)
{
	struct plx_nvme_qpair_config config = {
		.depth = SLOTS + 1,
		.max_transfer = pool->piece,
		.prp_lists = SLOTS,
		.interrupt = pool->interrupt,
	};
	unsigned int i;

	lane->qp = plx_nvme_qpair_open(pool->ctrl, &config);
	if (!lane->qp)
		return -errno;
	lane->memory = plx_dma_alloc((size_t)SLOTS * pool->piece, 4096, PLX_NODE_ANY);
	lane->slots = aligned_alloc(PLX_CACHE_LINE, SLOTS * sizeof(*lane->slots));
	if (!lane->memory || !lane->slots)
		return -ENOMEM;
	memset(lane->slots, 0, SLOTS * sizeof(*lane->slots));
	for (i = 0; i < SLOTS; i++) {
		struct slot *slot = &lane->slots[i];

		slot->lane = lane;
		slot->buf = lane->memory + (size_t)i * pool->piece;
		slot->cmd.req.done = on_end;
		slot->next_free = lane->free;
		lane->free = slot;
	}
	return 0;
}

static int open_namespace(struct pool *pool, uint32_t nsid)
{
	pool->ns = plx_nvme_ns_open(pool->ctrl, nsid);
	if (!pool->ns)
		return -errno;
	plx_nvme_ctrl_info(pool->ctrl, &pool->ctrl_info);
	pool->ns_info = plx_nvme_ns_info(pool->ns);
	pool->piece = pool->ns_info->max_blocks * pool->ns_info->block_size;
	if (pool->piece > PIECE_BYTES)
		pool->piece = PIECE_BYTES;
	return 0;
}

static int open_lanes(struct pool *pool, unsigned int lanes)
{
	unsigned int i;
	int err = 0;

	pool->lanes = calloc(lanes, sizeof(*pool->lanes));
	if (!pool->lanes)
		return -ENOMEM;
	for (i = 0; i < lanes && !err; i++) {
		pool->count++;
		err = open_lane(pool, &pool->lanes[i]);
		if (!err)
			give(pool, &pool->lanes[i]);
	}
	return err;
}

struct pool *pool_open(struct plx_nvme_ctrl *ctrl, const struct pool_config *config)
{
	struct pool *pool = calloc(1, sizeof(*pool));
	pthread_condattr_t monotonic;
	int err;

	if (!pool) {
		plx_nvme_ctrl_close(ctrl);
		errno = ENOMEM;
		return NULL;
	}
	pthread_mutex_init(&pool->lock, NULL);
	pthread_cond_init(&pool->change, NULL);
	pthread_condattr_init(&monotonic);
	pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
	pthread_cond_init(&pool->close, &monotonic);
	pthread_condattr_destroy(&monotonic);
	pool->ctrl = ctrl;
	pool->interrupt = config->interrupt;
	err = open_namespace(pool, config->nsid);
	if (!err)
		err = open_lanes(pool, config->lanes);
	if (!err)
		err = start_keeper(pool);
	if (!err)
		return pool;
	pool_close(pool);
	errno = -err;
	return NULL;
}

void pool_close(struct pool *pool)
{
	unsigned int i;

	if (!pool)
		return;
	stop_keeper(pool);
	/* The queue pairs with it; after that nothing reaches the buffers. */
	plx_nvme_ctrl_close(pool->ctrl);
	for (i = 0; i < pool->count; i++) {
		plx_dma_free(pool->lanes[i].memory);
		free(pool->lanes[i].slots);
	}
	free(pool->lanes);
	pthread_cond_destroy(&pool->close);
	pthread_cond_destroy(&pool->change);
	pthread_mutex_destroy(&pool->lock);
	free(pool);
}

const struct plx_nvme_ns_info *pool_ns_info(const struct pool *pool)
{
	return pool->ns_info;
}

const struct plx_nvme_ctrl_info *pool_ctrl_info(const struct pool *pool)
{
	return &pool->ctrl_info;
}
