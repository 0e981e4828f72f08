/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: controllers, their namespaces, and queue pairs that are submitted to and reaped in
 * bursts. The request objects are the caller's: nothing is allocated or queued behind its back.
 *
 * Read a block, completion by callback:
 *
 *	static void done(struct plx_nvme_req *req)
 *	{
 *		if (req->status)
 *			fprintf(stderr, "%s\n", plx_nvme_status_str(req->status));
 *		*(bool *)req->arg = true;
 *	}
 *
 *	struct plx_nvme_ctrl *ctrl = plx_nvme_ctrl_open("0000:02:00.0", NULL);
 *	struct plx_nvme_ns *ns = plx_nvme_ns_open(ctrl, 1);
 *	struct plx_nvme_qpair *qp = plx_nvme_qpair_open(ctrl, NULL);
 *	void *buf = plx_dma_alloc(4096, 4096, PLX_NODE_ANY);
 *	struct plx_nvme_req req = {.done = done, .arg = &finished}, *reqs[] = {&req};
 *
 *	plx_nvme_read(&req, ns, 0, 8, plx_iova(buf));
 *	plx_nvme_qpair_submit(qp, reqs, 1);
 *	while (!finished)
 *		plx_nvme_qpair_poll(qp, 0);
 *	plx_dma_free(buf);
 *	plx_nvme_ctrl_close(ctrl);
 *
 * Keep 32 requests in flight, completions reaped as a batch (no callback, no call per request):
 *
 *	struct plx_nvme_req *ready[32];		// each filled in by plx_nvme_read()
 *	int taken, got, n = 32;
 *
 *	while (!stop) {
 *		taken = plx_nvme_qpair_submit(qp, ready, n);
 *		if (taken < 0 && taken != -EAGAIN)
 *			return taken;		// ready[0] is wrong, or the controller broke
 *		if (taken > 0) {
 *			n -= taken;
 *			memmove(ready, ready + taken, n * sizeof(*ready));
 *		}
 *		got = plx_nvme_qpair_reap(qp, ready + n, 32 - n);
 *		... look at ready[n] to ready[n + got - 1], and fill them in anew ...
 *		n += got;
 *	}
 *
 * Memory. A request names its data by IOVA: plx_iova(buf) for memory of the DMA heap (an addition),
 * plx_mem_iova() for registered memory (a lookup). The data must be contiguous in IOVA and aligned
 * to 4 bytes, and is left alone until the request ends.
 *
 * Every request that submit took ends exactly once: with the controller's status, or, when the
 * queue pair or the controller is closed or reset or the device is gone, with PLX_NVME_ABORTED, and
 * not before the device can no longer reach its data.
 *
 * A controller is not trusted. What it writes is checked, and each kind of nonsense counted
 * (plx_nvme_lie). A controller that lies PLX_NVME_LIES_MAX times on a queue, does not answer an
 * admin command in time, does not get rid of a late I/O command (enum plx_nvme_timeout), or reports
 * a fatal status is broken: submit refuses until plx_nvme_ctrl_reset().
 * One that does not answer any more is gone: it can only be closed.
 *
 * Thread rules: a queue pair belongs to one thread at a time; different queue pairs of a controller
 * to different threads. The calls on a controller or a namespace may be made from any thread (they
 * lock), but not from a callback; no thread may use a queue pair during plx_nvme_ctrl_reset(), its
 * own plx_nvme_qpair_close(), or plx_nvme_ctrl_close().
 */
#ifndef POLLUX_NVME_H
#define POLLUX_NVME_H

#include <pollux/vfio.h>

PLX_BEGIN_DECLS

struct plx_nvme_ctrl;
struct plx_nvme_ns;
struct plx_nvme_qpair;

/* --- Requests ------------------------------------------------------------------------------- */

/** Opcodes of the NVM Command Set that plx_nvme_qpair_submit() takes (NVM Command Set, 3.2). */
enum plx_nvme_opcode {
	PLX_NVME_FLUSH = 0x00,
	PLX_NVME_WRITE = 0x01,
	PLX_NVME_READ = 0x02,
};

/** plx_nvme_req.flags: as bits 31:16 of command dword 12. */
enum plx_nvme_flag {
	PLX_NVME_FUA = 0x4000, /**< force unit access: not from, and through, the volatile cache */
	PLX_NVME_LIMITED_RETRY = 0x8000,
};

/**
 * A command, owned by the caller: zero it once, fill it in, submit it, and leave it alone until it
 * ends. It keeps what was filled in, so it can be submitted again.
 */
struct plx_nvme_req {
	struct plx_nvme_ns *ns;
	uint64_t lba;	 /**< first block */
	plx_iova_t iova; /**< of the data; aligned to 4 bytes */
	uint32_t blocks; /**< at least 1, at most plx_nvme_ns_info.max_blocks */
	uint16_t flags;	 /**< enum plx_nvme_flag */
	uint8_t opcode;	 /**< enum plx_nvme_opcode */
	uint8_t reserved;
	/**
	 * Called by plx_nvme_qpair_poll() when the request has ended; it is the caller's again and
	 * may be submitted at once. NULL: nothing is called.
	 */
	void (*done)(struct plx_nvme_req *req);
	void *arg; /**< the caller's */
	union {
		uint64_t result;	   /**< when ended: command dwords 1:0 of the CQE */
		struct plx_nvme_req *next; /**< while in flight: the library's */
	};
	/**
	 * 0 for success, PLX_NVME_ABORTED, or bits of enum plx_nvme_status; plx_nvme_in_flight()
	 */
	uint32_t status;
	uint32_t stamp; /**< the library's: plx_nvme_qpair_latency_on() */
} PLX_CACHE_ALIGNED;

/**
 * plx_nvme_req.status as the controller gave it (Base 3.3.3.2.1): code type in bits 10:8, code in
 * bits 7:0, "do not retry" in bit 14. Some of the codes; plx_nvme_status_str() knows the others.
 */
enum plx_nvme_status {
	PLX_NVME_OK = 0,
	PLX_NVME_INVALID_OPCODE = 0x001,
	PLX_NVME_INVALID_FIELD = 0x002,
	PLX_NVME_DATA_TRANSFER_ERROR = 0x004,
	PLX_NVME_INTERNAL_ERROR = 0x006,
	PLX_NVME_INVALID_NAMESPACE = 0x00b,
	PLX_NVME_LBA_OUT_OF_RANGE = 0x080,
	PLX_NVME_WRITE_FAULT = 0x280,
	PLX_NVME_UNRECOVERED_READ = 0x281,
	PLX_NVME_STATUS_MASK = 0x7ff,
	PLX_NVME_DO_NOT_RETRY = 0x4000,

	PLX_NVME_ABORTED = 0x10000, /**< not from the controller: closed, reset or gone */
	PLX_NVME_PENDING = 0x20000, /**< in flight */
};

/** Is the request in flight? */
static inline bool plx_nvme_in_flight(const struct plx_nvme_req *req)
{
	return req->status == PLX_NVME_PENDING;
}

/** A status in words, such as "LBA out of range (0x80)"; a static string, per thread. */
PLX_API const char *plx_nvme_status_str(uint32_t status);
/** The errno (negative) that comes nearest; 0 for success. */
PLX_API int plx_nvme_status_errno(uint32_t status);

/** Fill in a read of `blocks` blocks at lba. done, arg and flags stay as they are. */
static inline void plx_nvme_read(struct plx_nvme_req *req, struct plx_nvme_ns *ns, uint64_t lba,
				 uint32_t blocks, plx_iova_t iova)
{
	req->ns = ns;
	req->lba = lba;
	req->iova = iova;
	req->blocks = blocks;
	req->opcode = PLX_NVME_READ;
}

/** Fill in a write. */
static inline void plx_nvme_write(struct plx_nvme_req *req, struct plx_nvme_ns *ns, uint64_t lba,
				  uint32_t blocks, plx_iova_t iova)
{
	plx_nvme_read(req, ns, lba, blocks, iova);
	req->opcode = PLX_NVME_WRITE;
}

/** Fill in a flush: writes that ended before it was submitted are durable when it ends. */
static inline void plx_nvme_flush(struct plx_nvme_req *req, struct plx_nvme_ns *ns)
{
	req->ns = ns;
	req->opcode = PLX_NVME_FLUSH;
}

/* --- Data path ------------------------------------------------------------------------------ */

/**
 * Submit up to n requests, in order, and ring the doorbell once (unless the queue pair was opened
 * with defer_doorbell). A transfer longer than max_blocks is not split: that is the caller's.
 * Return: how many were taken, from the first; or, when none was, what is wrong with the first:
 *	-EAGAIN   the queue is full, all PRP lists are in use, or the queue pair is being recovered
 *		  (PLX_NVME_TIMEOUT_RECOVER): poll, then try again
 *	-EINVAL   unknown opcode, no blocks, IOVA not aligned to 4 bytes, or another controller's
 *		  namespace
 *	-ESTALE   the namespace is not there any more, or not what was opened (another format):
 *		  open it again
 *	-E2BIG    longer than plx_nvme_ns_info.max_blocks or plx_nvme_qpair_config.max_transfer
 *	-EBUSY    in flight already
 *	-EIO      the controller is broken: see plx_nvme_ctrl_reset()
 *	-ENODEV   the controller is gone
 * The range of blocks is checked by the controller (PLX_NVME_LBA_OUT_OF_RANGE).
 */
PLX_API int plx_nvme_qpair_submit(struct plx_nvme_qpair *qp, struct plx_nvme_req *const *reqs,
				  unsigned int n);
/** Ring the doorbell for what was submitted since, if the queue pair has defer_doorbell. */
PLX_API void plx_nvme_qpair_ring(struct plx_nvme_qpair *qp);
/**
 * Take completions, at most max (0: as many as there are, at most one queue's worth), and call each
 * request's done(). A callback may submit to the queue pair. Never blocks, but for late commands:
 * enum plx_nvme_timeout.
 * Return: how many requests ended.
 */
PLX_API unsigned int plx_nvme_qpair_poll(struct plx_nvme_qpair *qp, unsigned int max);
/**
 * As plx_nvme_qpair_poll(), but the requests that ended are put into reqs; done() is not called.
 */
PLX_API unsigned int plx_nvme_qpair_reap(struct plx_nvme_qpair *qp, struct plx_nvme_req **reqs,
					 unsigned int max);
/** Requests in flight. */
PLX_API unsigned int plx_nvme_qpair_in_flight(const struct plx_nvme_qpair *qp);

/* --- Queue pairs ---------------------------------------------------------------------------- */

#define PLX_NVME_DEPTH_DEFAULT 256

/** Of a submission queue, in weighted round robin (Base 3.4.4.2). */
enum plx_nvme_priority {
	PLX_NVME_PRIORITY_MEDIUM = 0,
	PLX_NVME_PRIORITY_URGENT, /**< before all others */
	PLX_NVME_PRIORITY_HIGH,
	PLX_NVME_PRIORITY_LOW,
};

struct plx_nvme_qpair_config {
	/**
	 * Entries of the submission queue, 2 to 65536; 0: PLX_NVME_DEPTH_DEFAULT. One less can be
	 * in flight. Reduced to what the controller can: see plx_nvme_qpair_info.
	 */
	unsigned int depth;
	/**
	 * The longest transfer that will be submitted, in bytes; 0: the controller's limit. A
	 * smaller one makes room for more PRP lists.
	 */
	uint32_t max_transfer;
	/**
	 * Requests in flight at once that need a PRP list (those that touch more than two memory
	 * pages); 0: as many as 48 KiB of lists hold, at least 8. Reduced to depth - 1.
	 */
	unsigned int prp_lists;
	enum plx_nvme_priority priority; /**< where the controller was opened with weights */
	bool no_coalescing; /**< interrupt: at once, whatever plx_nvme_ctrl_config.coalesce_us is */
	bool interrupt;	    /**< completions raise the queue's eventfd: plx_nvme_qpair_wait() */
	bool defer_doorbell; /**< submit does not ring: plx_nvme_qpair_ring() does */
};

/**
 * Create an I/O queue pair. Its memory is on the controller's NUMA node.
 * @config: NULL is the same as all zero
 * Return: NULL with errno EINVAL (depth, max_transfer), ENOSPC (no queue left: the log says how
 * many the controller gave; or, with interrupt, no vector left), ENOMEM, EIO (the controller
 * refused, or is broken), ENODEV (gone), ETIMEDOUT.
 */
PLX_API struct plx_nvme_qpair *plx_nvme_qpair_open(struct plx_nvme_ctrl *ctrl,
						   const struct plx_nvme_qpair_config *config);
/**
 * Delete the queue pair. Requests in flight end with PLX_NVME_ABORTED: their done() is called from
 * in here. NULL is allowed.
 */
PLX_API void plx_nvme_qpair_close(struct plx_nvme_qpair *qp);

struct plx_nvme_qpair_info {
	uint16_t id;
	unsigned int depth;
	uint32_t max_transfer; /**< bytes */
	unsigned int prp_lists;
	size_t memory_bytes; /**< that the queue pair takes, of every kind */
	int vector;	     /**< interrupt vector, -1 if it has none */
	bool sq_in_cmb;	     /**< the submission queue is in the controller's memory */
};
PLX_API void plx_nvme_qpair_info(const struct plx_nvme_qpair *qp, struct plx_nvme_qpair_info *info);

/**
 * Sleep until there is a completion or timeout_ms (-1: for ever) passes. Arms, looks, sleeps: no
 * completion is missed. Only with plx_nvme_qpair_config.interrupt, or in PLX_NVME_MODE_POLL.
 * Return: 1 (poll now), 0 (timed out), -EINTR, -EINVAL (opened without interrupt), -EIO, -ENODEV.
 */
PLX_API int plx_nvme_qpair_wait(struct plx_nvme_qpair *qp, int timeout_ms);
/** How plx_nvme_qpair_wait() waits. */
enum plx_nvme_mode {
	PLX_NVME_MODE_INTERRUPT = 0, /**< sleeps at once */
	PLX_NVME_MODE_POLL,	     /**< looks all the time: lowest latency, a whole processor */
	/**
	 * Looks for a while before it sleeps, at most 50 us, and less while completions are far
	 * apart: polling when busy, sleeping when idle.
	 */
	PLX_NVME_MODE_ADAPTIVE,
};
/**
 * Change the mode at any time, from the queue pair's thread. The device interrupts in all of them,
 * if it was opened with interrupt. A queue pair begins in PLX_NVME_MODE_INTERRUPT.
 * Return: 0; -EINVAL: no such mode, or one that sleeps, and it was opened without interrupt.
 */
PLX_API int plx_nvme_qpair_mode_set(struct plx_nvme_qpair *qp, enum plx_nvme_mode mode);
/**
 * The queue pair's eventfd for an event loop of the caller's own, owned by the device; read it
 * before polling, and poll until nothing comes. -EINVAL if opened without interrupt. It may change
 * by plx_nvme_ctrl_reset().
 */
PLX_API int plx_nvme_qpair_fd(const struct plx_nvme_qpair *qp);

/* --- Controllers ---------------------------------------------------------------------------- */

/** What is done about an I/O command that takes longer than io_timeout_ms. */
enum plx_nvme_timeout {
	/**
	 * The controller is asked to abort it; if it does not end within the shorter time-out
	 * either, its queue pair is deleted and created anew, and what was in flight there ends
	 * with PLX_NVME_ABORTED; if that fails, the controller is broken. Submit says -EAGAIN
	 * meanwhile. The poll that deletes and creates waits for these commands, at most
	 * admin_timeout_ms each.
	 */
	PLX_NVME_TIMEOUT_RECOVER = 0,
	PLX_NVME_TIMEOUT_BREAK, /**< the controller is broken: plx_nvme_ctrl_reset() */
};

/**
 * Weighted round robin: commands that are taken from queues of each priority in turn, 1 to 256.
 * Opening fails with ENOTSUP where the controller cannot (CAP.AMS).
 */
struct plx_nvme_weights {
	unsigned int high, medium, low;
};

struct plx_nvme_ctrl_config {
	struct plx_as *as;		  /**< NULL: the default address space */
	unsigned int io_queues;		  /**< queue pairs to ask for; 0: 64 */
	unsigned int io_timeout_ms;	  /**< a command that takes longer is late; 0: 30000 */
	enum plx_nvme_timeout on_timeout; /**< what happens then */
	unsigned int admin_timeout_ms;	  /**< 0: 5000 */
	/**
	 * Keep Alive: the controller gives up on us when it has not heard of plx_nvme_ctrl_poll()
	 * (<pollux/nvme_event.h>) for so long. 0: as the controller has it. Only where there is
	 * such a timer: plx_nvme_ctrl_info.keep_alive_ms.
	 */
	unsigned int keep_alive_ms;
	/**
	 * Doorbells in memory, rung in the BAR only when the controller asks for it. Cheaper where
	 * the controller is emulated; others do not have them: plx_nvme_ctrl_info.shadow_doorbells.
	 */
	bool shadow_doorbells;
	/**
	 * Submission queues in the controller memory buffer, where there is one, for as many as it
	 * has room: the controller then fetches commands from its own memory, while writing them
	 * costs the processor more. plx_nvme_ctrl_info.cmb_bytes, plx_nvme_qpair_info.sq_in_cmb.
	 */
	bool cmb;
	struct plx_nvme_weights weights; /**< all 0: round robin */
	/**
	 * Interrupt coalescing: after so many completions (2 to 256), or so long after the first
	 * (rounded up to 100, at most 25500). One of them 0: as the controller has it. A hint.
	 */
	unsigned int coalesce_entries, coalesce_us;
};

/**
 * Open a controller: take the device, reset and enable it, identify it, list its namespaces.
 * @name: as for plx_dev_open()
 * @config: NULL is the same as all zero
 * Return: NULL with errno of plx_dev_open(), or ENOTSUP (not an NVMe controller, or one that lacks
 * what the driver needs: the log names it), ETIMEDOUT (not ready within CAP.TO), EIO (fatal status,
 * or a command failed), EPROTO (it contradicts the specification), ENODEV (reads all ones), ENOMEM.
 */
PLX_API struct plx_nvme_ctrl *plx_nvme_ctrl_open(const char *name,
						 const struct plx_nvme_ctrl_config *config);
/**
 * Close its queue pairs as plx_nvme_qpair_close() does (their handles end here), shut the
 * controller down (normal shutdown) and release the device. NULL is allowed.
 */
PLX_API void plx_nvme_ctrl_close(struct plx_nvme_ctrl *ctrl);
/**
 * As plx_nvme_ctrl_close(), but tells the controller that there is no time left (abrupt shutdown):
 * what its cache holds may be lost. For when the power fails.
 */
PLX_API void plx_nvme_ctrl_close_abrupt(struct plx_nvme_ctrl *ctrl);
/**
 * Delete the queue pairs where it can be asked to, disable and enable the controller (a
 * function-level reset where disabling fails), and create its queue pairs again: their handles
 * stay valid. Requests in flight end with PLX_NVME_ABORTED, by the next poll or reap of their queue
 * pair. Takes at most the controller's own time-out (CAP.TO) twice, and a second.
 * Return: 0; -ENODEV (gone), or as plx_nvme_ctrl_open(): it is broken then, requests end all the
 * same.
 */
PLX_API int plx_nvme_ctrl_reset(struct plx_nvme_ctrl *ctrl);

/**
 * As plx_nvme_ctrl_reset(), but of the whole NVM subsystem: its other controllers are reset, too,
 * and their owners find them broken.
 * Return: as plx_nvme_ctrl_reset(); -ENOTSUP: it cannot (CAP.NSSRS).
 */
PLX_API int plx_nvme_subsystem_reset(struct plx_nvme_ctrl *ctrl);

enum plx_nvme_state {
	PLX_NVME_READY,
	PLX_NVME_BROKEN, /**< needs plx_nvme_ctrl_reset() */
	PLX_NVME_GONE,	 /**< does not answer any more: surprise removal */
};
/** May be called from any thread, callbacks too. */
PLX_API enum plx_nvme_state plx_nvme_ctrl_state(const struct plx_nvme_ctrl *ctrl);
/** The device below: for its event fd, its PCI address, .... */
PLX_API struct plx_dev *plx_nvme_ctrl_dev(const struct plx_nvme_ctrl *ctrl);

/** What Identify Controller (Base 5.17.2.1) and the registers say, bounded. */
struct plx_nvme_ctrl_info {
	char name[64];	 /**< of the device */
	char serial[21]; /**< trimmed; bytes that are not printable ASCII are '?' */
	char model[41];
	char firmware[9];
	char subnqn[224];
	uint16_t vendor, subsystem_vendor;
	uint16_t id;	       /**< CNTLID */
	uint32_t version;      /**< major << 16 | minor << 8 | tertiary */
	uint64_t capabilities; /**< CAP */
	uint8_t ieee_oui[3];
	uint8_t mdts;		 /**< as it is in the structure */
	uint32_t max_transfer;	 /**< bytes; what the driver makes of MDTS */
	uint32_t max_namespaces; /**< NN */
	uint32_t namespaces;	 /**< active, that the driver knows */
	uint16_t oncs;		 /**< optional NVM commands */
	uint16_t oacs;		 /**< optional admin commands */
	uint16_t error_entries;	 /**< of the error log */
	uint32_t keep_alive_ms;	 /**< the timer that runs (plx_nvme_ctrl_poll()); 0: none */
	bool shadow_doorbells;	 /**< in use */
	uint32_t cmb_bytes;	 /**< of the controller memory buffer, in use; 0: none */
	bool volatile_cache;
	bool sgl;		/**< SGLs for NVM commands */
	unsigned int max_depth; /**< of a queue, entries: MQES + 1 */
	unsigned int io_queues; /**< queue pairs that may be opened */
	unsigned int page_size; /**< memory page (CC.MPS), bytes */
	uint64_t ready_us;	/**< the controller's own time from enable to ready */
};
PLX_API void plx_nvme_ctrl_info(const struct plx_nvme_ctrl *ctrl, struct plx_nvme_ctrl_info *info);

/** Kinds of nonsense from a controller. */
enum plx_nvme_lie {
	PLX_NVME_LIE_REGISTER,	 /**< a register that contradicts the specification */
	PLX_NVME_LIE_IDENTIFY,	 /**< a field of an Identify structure out of bounds */
	PLX_NVME_LIE_NAMESPACES, /**< a namespace list not ascending, or endless */
	PLX_NVME_LIE_QUEUES,	 /**< a number of queues that cannot be */
	PLX_NVME_LIE_CID,	 /**< completion of a command that is not in flight */
	PLX_NVME_LIE_SQID,	 /**< completion for another submission queue */
	PLX_NVME_LIE_SQHD,	 /**< head pointer outside the submission queue */
	PLX_NVME_LIE_EVENT,	 /**< an asynchronous event of a type that there is not */
	PLX_NVME_LIE_KINDS,
};
/** So many wrong completions on one queue break the controller. */
#define PLX_NVME_LIES_MAX 8

struct plx_nvme_ctrl_stats {
	uint64_t lies[PLX_NVME_LIE_KINDS]; /**< of the controller and all its queues so far */
	uint64_t admin_commands;
	uint64_t admin_errors;
	uint64_t timeouts;	   /**< commands that took too long */
	uint64_t abort_commands;   /**< sent for such commands */
	uint64_t queue_recoveries; /**< queue pairs deleted and created for them */
	uint64_t resets;	   /**< plx_nvme_ctrl_reset() */
	uint64_t aborted;	   /**< requests that ended with PLX_NVME_ABORTED */
};
PLX_API void plx_nvme_ctrl_stats(struct plx_nvme_ctrl *ctrl, struct plx_nvme_ctrl_stats *stats);

struct plx_nvme_qpair_stats {
	uint64_t submitted;
	uint64_t completed; /**< ended, aborted ones included */
	uint64_t errors;    /**< of these: with a status other than 0 */
	uint64_t sq_doorbells, cq_doorbells;
	uint64_t lies[PLX_NVME_LIE_KINDS];
};
/** Only from the queue pair's thread. */
PLX_API void plx_nvme_qpair_stats(const struct plx_nvme_qpair *qp,
				  struct plx_nvme_qpair_stats *stats);

/** Eight buckets an octave; the last one holds all that is longer, too. */
#define PLX_NVME_LATENCY_BUCKETS 320
/** How long requests took, from submit to the poll or reap that found them. */
struct plx_nvme_latency {
	uint64_t count[PLX_NVME_LATENCY_BUCKETS];
};
/** The shortest time of a bucket, in ns; it ends where the next one begins. */
PLX_API uint64_t plx_nvme_latency_bound_ns(unsigned int bucket);
/** The time, in ns, that so many per cent (0 to 100) of the requests did not exceed, rounded up to
 * the end of a bucket; 0: there were none.
 */
PLX_API uint64_t plx_nvme_latency_percentile_ns(const struct plx_nvme_latency *latency,
						double percent);
/**
 * Measure from now on; aborted requests are left out. From the queue pair's thread, as the others.
 * Return: 0, -EALREADY, -EBUSY (requests are in flight), -ENOMEM.
 */
PLX_API int plx_nvme_qpair_latency_on(struct plx_nvme_qpair *qp);
/** Stop, and forget what was measured. */
PLX_API void plx_nvme_qpair_latency_off(struct plx_nvme_qpair *qp);
/** What was measured so far. Return: 0, -ENODATA (it is off). */
PLX_API int plx_nvme_qpair_latency(const struct plx_nvme_qpair *qp,
				   struct plx_nvme_latency *latency);

/* --- Namespaces ----------------------------------------------------------------------------- */

/** The next active namespace id after `after` (start with 0), or 0 at the end. */
PLX_API uint32_t plx_nvme_ns_next(const struct plx_nvme_ctrl *ctrl, uint32_t after);

#define PLX_NVME_LBA_FORMATS 64

/** I/O command sets (Base 5.17.1). */
enum plx_nvme_command_set {
	PLX_NVME_CSI_NVM = 0,
	PLX_NVME_CSI_ZNS = 2, /**< zoned: <pollux/nvme_zns.h> */
};

struct plx_nvme_lba_format {
	uint32_t block_size;	/**< bytes; 0: the format is not usable */
	uint16_t metadata_size; /**< bytes per block */
	uint8_t performance;	/**< 0 is best, 3 worst */
	uint8_t guard_bits;	/**< of protection information: 16, 32, 64; 0: not usable */
	uint8_t storage_tag_bits;
};

/** What Identify Namespace (NVM Command Set, 4.1.5.1) says, bounded. */
struct plx_nvme_ns_info {
	uint32_t id;
	uint64_t blocks;      /**< size */
	uint64_t capacity;    /**< blocks */
	uint64_t utilization; /**< blocks */
	uint32_t block_size;  /**< bytes */
	uint16_t metadata_size;
	bool metadata_extended;	  /**< metadata is part of the block in memory */
	uint8_t protection;	  /**< end-to-end protection type, 0 to 3 */
	bool protection_first;	  /**< at the start of the metadata, not at its end */
	uint8_t guard_bits;	  /**< of protection information: 16, 32 or 64 */
	uint8_t storage_tag_bits; /**< of its storage tag; 0: none */
	uint32_t max_blocks;	  /**< of one request; 0: no plain I/O, <pollux/nvme_pi.h> */
	uint32_t boundary_blocks; /**< best not crossed by a request (NOIOB); 0: none */
	uint16_t copy_range_max;  /**< copy: blocks of one source range; 0: it cannot copy */
	uint16_t copy_ranges_max; /**< copy: source ranges of one command */
	uint32_t copy_max;	  /**< copy: blocks of one command */
	uint8_t format;		  /**< in use, index into formats */
	uint8_t format_count;
	struct plx_nvme_lba_format formats[PLX_NVME_LBA_FORMATS];
	uint8_t nguid[16]; /**< all zero: none */
	uint8_t eui64[8];
	uint8_t uuid[16];
	uint8_t command_set; /**< enum plx_nvme_command_set */
};
/**
 * Identify a namespace. Return: 0; -ENOENT (not active), -EPROTO (what the controller says cannot
 * be), or as for any admin command: -EIO, -ENODEV, -ETIMEDOUT.
 */
PLX_API int plx_nvme_ns_info_get(struct plx_nvme_ctrl *ctrl, uint32_t id,
				 struct plx_nvme_ns_info *info);
/**
 * A namespace to do I/O with: identified when first opened, the same handle each time, valid until
 * the controller is closed.
 * Return: NULL with errno ENOENT (not active), ENOTSUP (block size, metadata or protection that the
 * driver does not do: the log says which), or as plx_nvme_ns_info_get().
 */
PLX_API struct plx_nvme_ns *plx_nvme_ns_open(struct plx_nvme_ctrl *ctrl, uint32_t id);
/**
 * What it was when it was opened, or looked at anew since by plx_nvme_ns_rescan(). A notice about
 * namespaces (<pollux/nvme_event.h>) changes blocks, capacity, utilization and max_blocks, each at
 * once, under the reader; never the rest.
 */
PLX_API const struct plx_nvme_ns_info *plx_nvme_ns_info(const struct plx_nvme_ns *ns);

/**
 * Do two descriptions, of whatever controllers, tell of one namespace? By NGUID, or UUID, or EUI64:
 * the first of them that both have. Without one they are never the same.
 */
PLX_API bool plx_nvme_ns_same(const struct plx_nvme_ns_info *a, const struct plx_nvme_ns_info *b);
/**
 * The active namespace that is the same as `like`, of another controller. Identifies one after the
 * other.
 * Return: 1 with its *id; 0: there is none; or as plx_nvme_ns_info_get().
 */
PLX_API int plx_nvme_ns_find(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *like,
			     uint32_t *id);

PLX_END_DECLS

#endif /* POLLUX_NVME_H */
