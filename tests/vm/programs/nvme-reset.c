/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * nvme-reset BDF [ROUNDS]: writes run on two queue pairs, one polled and one with interrupts, while
 * the controller is reset again and again, every third time behind the driver's back. Every request
 * must end exactly once; what ended well is read back at the end. Submission queues are in the
 * controller's memory where it has some. Used by the cases nvme-reset and nvme-cmb.
 */
#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <pollux/clock.h>
#include <pollux/eal.h>
#include <pollux/mem.h>
#include <pollux/nvme.h>

#define QUEUES	   2
#define DEPTH	   32
#define BYTES	   (64 * 1024)
#define SETTLE_US  50000
#define TIMEOUT_NS UINT64_C(30000000000)

struct io {
	struct plx_nvme_req req;
	char *buf;
	unsigned int ends; /* since it was submitted */
	uint64_t written;  /* what is on the disk if it ended well */
};

struct test {
	struct plx_nvme_ctrl *ctrl;
	struct plx_nvme_ns *ns;
	struct plx_nvme_qpair *qps[QUEUES];
	struct io *ios; /* QUEUES * DEPTH; each has its own place on the disk */
	char *memory;
	uint64_t sequence, ended, aborted;
};

static int fail(const char *what, int err)
{
	fprintf(stderr, "nvme-reset: %s: %s\n", what, strerror(err < 0 ? -err : err));
	return -1;
}

static void on_done(struct plx_nvme_req *req)
{
	struct io *io = (struct io *)req;
	struct test *t = req->arg;

	io->ends++;
	t->ended++;
	t->aborted += req->status == PLX_NVME_ABORTED;
}

static void fill(struct io *io, uint64_t value)
{
	uint64_t *words = (uint64_t *)(void *)io->buf;
	size_t i;

	for (i = 0; i < BYTES / 8; i++)
		words[i] = value * UINT64_C(0x9e3779b97f4a7c15) + i;
}

static bool holds(const struct io *io, uint64_t value)
{
	const uint64_t *words = (const uint64_t *)(const void *)io->buf;
	size_t i;

	for (i = 0; i < BYTES / 8; i++)
		if (words[i] != value * UINT64_C(0x9e3779b97f4a7c15) + i)
			return false;
	return true;
}

static int start_all(struct test *t, uint8_t opcode)
{
	unsigned int i;
	int ret;

	for (i = 0; i < QUEUES * DEPTH; i++) {
		struct io *io = &t->ios[i];
		struct plx_nvme_req *reqs[] = {&io->req};

		io->ends = 0;
		io->req.opcode = opcode;
		if (opcode == PLX_NVME_WRITE)
			fill(io, ++t->sequence);
		io->written = opcode == PLX_NVME_WRITE ? t->sequence : io->written;
		ret = plx_nvme_qpair_submit(t->qps[i / DEPTH], reqs, 1);
		if (ret != 1)
			return fail("submit", ret);
	}
	return 0;
}

/* Poll both queues until all requests have ended. */
static int end_all(struct test *t)
{
	uint64_t end = plx_clock_ns() + TIMEOUT_NS;
	unsigned int i;

	while (plx_nvme_qpair_in_flight(t->qps[0]) || plx_nvme_qpair_in_flight(t->qps[1])) {
		plx_nvme_qpair_poll(t->qps[0], 0);
		if (plx_nvme_qpair_in_flight(t->qps[1]))
			plx_nvme_qpair_wait(t->qps[1], 10);
		plx_nvme_qpair_poll(t->qps[1], 0);
		if (plx_clock_ns() > end)
			return fail("requests did not end", ETIMEDOUT);
	}
	for (i = 0; i < QUEUES * DEPTH; i++) {
		struct io *io = &t->ios[i];

		if (io->ends != 1 || (io->req.status && io->req.status != PLX_NVME_ABORTED)) {
			fprintf(stderr, "nvme-reset: request %u ended %u times, %s\n", i, io->ends,
				plx_nvme_status_str(io->req.status));
			return -1;
		}
	}
	return 0;
}

/* The device is reset, but not by the driver: it must notice. */
static int reset_behind_its_back(struct test *t)
{
	uint64_t end = plx_clock_ns() + TIMEOUT_NS;
	int err;

	/* QEMU 7.2 dies when it is reset between the doorbell and its look at the queue. */
	plx_delay_us(SETTLE_US);
	err = plx_dev_reset(plx_nvme_ctrl_dev(t->ctrl));
	if (err)
		return fail("function-level reset", err);
	while (plx_nvme_ctrl_state(t->ctrl) == PLX_NVME_READY && plx_clock_ns() < end)
		plx_nvme_qpair_poll(t->qps[0], 0);
	if (plx_nvme_ctrl_state(t->ctrl) != PLX_NVME_BROKEN)
		return fail("the driver has not noticed a reset", EIO);
	return 0;
}

static int one_round(struct test *t, unsigned int round)
{
	unsigned int looks = round * 7 % 50;
	int err = start_all(t, PLX_NVME_WRITE);

	while (!err && looks--)
		plx_nvme_qpair_poll(t->qps[0], 0);
	if (!err && round % 3 == 2)
		err = reset_behind_its_back(t);
	if (err)
		return err;
	err = plx_nvme_ctrl_reset(t->ctrl);
	if (err)
		return fail("reset", err);
	return end_all(t);
}

/* Without a reset all of it is written, and read back. */
static int read_back(struct test *t)
{
	unsigned int i;

	if (start_all(t, PLX_NVME_WRITE) || end_all(t))
		return -1;
	memset(t->memory, 0, (size_t)QUEUES * DEPTH * BYTES);
	if (start_all(t, PLX_NVME_READ) || end_all(t))
		return -1;
	for (i = 0; i < QUEUES * DEPTH; i++)
		if (t->ios[i].req.status || !holds(&t->ios[i], t->ios[i].written))
			return fail("what was written is not there", EIO);
	return 0;
}

static int open_all(struct test *t, const char *bdf)
{
	struct plx_nvme_qpair_config config = {.depth = DEPTH + 1, .prp_lists = DEPTH};
	struct plx_nvme_ctrl_config ctrl_config = {.cmb = true};
	uint32_t blocks;
	unsigned int i;

	t->ctrl = plx_nvme_ctrl_open(bdf, &ctrl_config);
	t->ns = t->ctrl ? plx_nvme_ns_open(t->ctrl, 1) : NULL;
	t->qps[0] = t->ns ? plx_nvme_qpair_open(t->ctrl, &config) : NULL;
	config.interrupt = true;
	t->qps[1] = t->qps[0] ? plx_nvme_qpair_open(t->ctrl, &config) : NULL;
	t->memory = plx_dma_zalloc((size_t)QUEUES * DEPTH * BYTES, 4096, PLX_NODE_ANY);
	t->ios = aligned_alloc(PLX_CACHE_LINE, QUEUES * DEPTH * sizeof(*t->ios));
	if (!t->qps[1] || !t->memory || !t->ios)
		return fail("open", errno);
	memset(t->ios, 0, QUEUES * DEPTH * sizeof(*t->ios));
	blocks = BYTES / plx_nvme_ns_info(t->ns)->block_size;
	for (i = 0; i < QUEUES * DEPTH; i++) {
		t->ios[i].buf = t->memory + (size_t)i * BYTES;
		plx_nvme_write(&t->ios[i].req, t->ns, (uint64_t)i * blocks, blocks,
			       plx_iova(t->ios[i].buf));
		t->ios[i].req.done = on_done;
		t->ios[i].req.arg = t;
	}
	return 0;
}

static int run(struct test *t, const char *bdf, unsigned int rounds)
{
	struct plx_nvme_ctrl_stats stats;
	struct plx_nvme_ctrl_info info;
	unsigned int round, i;
	uint64_t lies = 0;
	int err = open_all(t, bdf);

	for (round = 0; round < rounds && !err; round++)
		err = one_round(t, round);
	if (!err)
		err = read_back(t);
	if (err)
		return err;
	plx_nvme_ctrl_stats(t->ctrl, &stats);
	for (i = 0; i < PLX_NVME_LIE_KINDS; i++)
		lies += stats.lies[i];
	plx_nvme_ctrl_info(t->ctrl, &info);
	printf("%u resets, %" PRIu64 " requests ended, %" PRIu64 " of them aborted, %" PRIu64
	       " lies, %u bytes of controller memory\n",
	       rounds, t->ended, t->aborted, lies, info.cmb_bytes);
	return lies || stats.aborted != t->aborted ? -1 : 0;
}

int main(int argc, char **argv)
{
	struct plx_eal_config config = {.log_levels = "error,nvme=off"};
	struct test t = {0};
	int err;

	if (argc < 2)
		return 2;
	if (plx_eal_init(&config))
		return 1;
	err = run(&t, argv[1], argc > 2 ? (unsigned int)atoi(argv[2]) : 30);
	plx_nvme_ctrl_close(t.ctrl);
	plx_dma_free(t.memory);
	free(t.ios);
	return plx_eal_fini() || err ? 1 : 0;
}
