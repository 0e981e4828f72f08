/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A controller made of memory: a VFIO device whose transport is this program, and a thread that
 * plays the device: registers, admin commands, I/O on a disk of memory. What it says is in the
 * fields below, so that a test can make it lie.
 */
#ifndef POLLUX_TESTS_NVME_FAKE_H
#define POLLUX_TESTS_NVME_FAKE_H

#include <CUnit/CUnit.h>

#include <pollux/nvme_admin.h>

#include "nvme/ctrl.h"
#include "vfio/dev.h"

#define FAKE_BAR_SIZE	   0x4000u
#define FAKE_QUEUES	   16
#define FAKE_BLOCKS	   4096u
#define FAKE_BLOCK_SIZE	   512u
#define FAKE_NAMESPACES	   3
#define FAKE_ABORTED	   0x007 /* status: as asked for */
#define FAKE_SQ_DELETED	   0x008 /* status */
#define FAKE_EVENT_LIMIT   0x105 /* status: more event requests than it takes */
#define FAKE_VENDOR_OPCODE 0xc0	 /* admin: cdw10 bytes of data, each added by one */

#define FAKE_HELD	   64

struct fake_queue {
	bool sq_live, cq_live;
	uint64_t sq, cq; /* IOVA */
	uint32_t sq_size, cq_size, sq_head, cq_tail;
	uint16_t cqid;
	bool phase, irq;
	uint16_t vector;
	uint16_t held[FAKE_HELD]; /* command ids of I/O that is not completed */
	unsigned int held_count;
};

struct fake {
	/* What it says. */
	uint64_t cap;
	uint32_t vs;
	uint32_t cmb_location, cmb_size, cmb_status;
	struct nvme_id_ctrl id;
	struct nvme_id_ns ns[FAKE_NAMESPACES]; /* of namespace 1, 2, 3 */
	uint32_t list[NVME_NS_LIST_ENTRIES];   /* active namespaces */
	bool list_endless;		       /* each page of the list is full */
	uint32_t queues_result;		       /* of Set Features, number of queues */
	uint8_t command_set[FAKE_NAMESPACES];
	struct nvme_id_zns zns; /* of all zoned ones */
	struct nvme_id_ns_nvm ns_nvm;
	struct nvme_primary_caps primary;
	struct nvme_secondary secondaries[200]; /* ascending by id, up to one of id 0 */
	uint32_t manage_value;			/* of Virtualization Management, directives */
	uint8_t directive[96];			/* what a directive answers, or is told */
	uint8_t zasl;
	uint8_t ns_id_length; /* of the descriptor of a command set; 0: as it should be */
	uint32_t changed[PLX_NVME_CHANGED_NS_MAX]; /* log page of changed namespaces */
	unsigned int vectors;

	/* How it behaves; may be changed while it runs. */
	volatile bool never_ready, never_unready, fatal_on_enable, never_shut_down;
	volatile int silent_opcode;  /* admin opcode that is never completed; -1 */
	volatile int failing_opcode; /* admin opcode that fails; -1 */
	volatile uint16_t failing_status;
	volatile bool io_silent;      /* I/O is fetched and not completed, until it is aborted */
	volatile bool abort_refused;  /* and not even then */
	volatile bool ends_on_delete; /* what is in flight is completed when its queue is deleted */
	volatile bool irq_silent;     /* completions without an interrupt */
	volatile uint16_t io_status;
	volatile int event; /* to complete an event request with, once there is one; -1 */
	volatile uint16_t event_status;
	volatile bool gone, fatal; /* reads all ones; CSTS.CFS */
	int reset_error;
	/* Called by its thread. True: that was all, it does not do what it does otherwise. */
	bool (*volatile on_admin)(const struct nvme_sqe *sqe);
	bool (*volatile on_io)(unsigned int qid, const struct nvme_sqe *sqe);
	uint32_t (*volatile on_status)(uint32_t csts); /* what CSTS reads instead */
	void (*on_master)(void); /* called by the driver's thread: it may do DMA from now on */

	/* What it has seen. */
	volatile unsigned int cmb_reads; /* of its memory buffer */
	volatile unsigned int resets, flushes, enables, shutdowns, prp_faults, sgls;
	struct nvme_sqe last_io, last_admin, last_manage;
	struct nvme_id_ns created;
	uint8_t firmware[16384];
	uint16_t commit_status;
	uint32_t feature;
	uint8_t feature_data[64];
	volatile bool bus_master;
	volatile unsigned int aborts; /* Abort commands */
	volatile unsigned int events_held, keep_alives;
	volatile unsigned int subsystem_resets;
	uint32_t shutdown_kind; /* CC.SHN */
	uint32_t cc_seen;	/* of the last enable */
	uint32_t arbitration, coalescing, vector_config,
		sq_flags;	   /* sq_flags: cdw11 of the last Create SQ */
	uint32_t *volatile shadow; /* doorbells in memory */
	uint32_t event_mask, keep_alive_ms;

	/* The rest. */
	char *bar; /* as the device sees it */
	size_t bar_size;
	int bar_fd;
	uint8_t config[256];
	char *disk[FAKE_NAMESPACES];
	struct fake_queue queues[FAKE_QUEUES];
	uint16_t event_cids[NVME_ADMIN_DEPTH]; /* of the event requests held */
	int irq_fds[FAKE_QUEUES];
	struct plx_as *as;
	pthread_t thread;
	volatile bool stop;
};

extern struct fake fake;

int fake_eal_up(void);
int fake_eal_down(void);

/** A well-behaved controller with three namespaces; change what it says before fake_open(). */
void fake_defaults(void);
/** A device for nvme_ctrl_open_dev(), with or without the thread that plays it. */
struct plx_dev *fake_dev(void);
/** Start the thread. */
void fake_play(void);
/** Device, thread, and the driver open on it. NULL with errno. */
struct plx_nvme_ctrl *fake_open(const struct plx_nvme_ctrl_config *config);
/** Stop the thread and free what fake_defaults() allocated. */
void fake_end(void);

/** Poll, and let the device's thread run if nothing came. */
void fake_poll(struct plx_nvme_qpair *qp);

/** Only from the hooks: put an entry into the completion queue of a submission queue. */
void fake_complete(unsigned int qid, uint16_t cid, uint16_t status, uint64_t result);
/** Only from the hooks: copy between len bytes and what a command's data pointer describes. */
void fake_transfer(const struct nvme_sqe *sqe, char *data, size_t len, bool to_host);

/** Lies of a kind that the controller has counted. */
uint64_t fake_lies(struct plx_nvme_ctrl *ctrl, enum plx_nvme_lie kind);

extern CU_TestInfo directive_tests[], virt_tests[], cmb_tests[], cmd_tests[], controller_tests[],
	ctrl_life_tests[], event_tests[], group_tests[], identify_tests[], latency_tests[],
	lies_tests[], lies_io_tests[], log_tests[], manage_tests[], passthru_tests[],
	namespace_tests[], pattern_tests[], pi_tests[], pool_tests[], prp_tests[], qpair_tests[],
	recover_tests[], status_tests[], transfer_tests[], tune_tests[], zns_tests[];

#endif /* POLLUX_TESTS_NVME_FAKE_H */
