/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * A controller inside, shared by the files of the driver: controller.c (registers and the bring-up
 * state machine), ctrl_life.c (open, close, reset), admin.c (admin commands), identify.c
 * (what they answer, bounded), namespace.c, irq.c, and the queue pairs (qpair.h).
 *
 * Locks. `lock` is held by every public call on a controller: admin queue, namespaces, list of
 * queue pairs. `dev_lock` is for the few calls on the device that a data path thread makes when it
 * finds the device gone; it is taken last and held shortly.
 */
#ifndef POLLUX_NVME_CTRL_H
#define POLLUX_NVME_CTRL_H

#include <pthread.h>
#include <stdatomic.h>

#include <pollux/log.h>
#include <pollux/nvme_admin.h>
#include <pollux/nvme_event.h>
#include <pollux/nvme_zns.h>

#include "eal/telemetry.h"
#include "nvme/nvme_regs.h"
#include "nvme/qpair.h"

#define NVME_ADMIN_DEPTH 32
/** Queue pairs, the admin queue's included. */
#define NVME_QUEUES_MAX 65535
/** Active namespaces that the driver keeps; a controller that has more is told of in the log. */
#define NVME_NAMESPACES_MAX 4096
/** A PRP list fits one page of 4 KiB: 512 entries. */
#define NVME_TRANSFER_MAX (UINT32_C(512) << NVME_PAGE_SHIFT_BASE)

/** In plx_nvme_ns.ctrl: it has metadata, for which plain reads and writes have no place. */
#define NVME_NOT_PLAIN ((struct plx_nvme_ctrl *)1)
/** The namespace is not there any more, or not what was opened: for good. */
#define NVME_STALE NULL

struct plx_nvme_ns {
	/* Data path */
	struct plx_nvme_ctrl
		*ctrl; /* or NVME_NOT_PLAIN, or, from one moment to the next, NVME_STALE */
	uint32_t max_blocks;
	uint32_t block_shift;
	uint64_t sqe_head; /* namespace id in its place */
	/* The rest */
	struct plx_nvme_ns_info info;
	struct plx_nvme_zns_info zns; /* of a zoned one */
	struct plx_nvme_ns *next;     /* of those */
};

/** Interrupt vectors; which are on and which queues have one. */
struct nvme_vectors {
	enum plx_irq_type type;
	unsigned int count; /* that are on; 0: none yet */
	bool *used;
};

/** Event requests that a controller is given at most. */
#define NVME_EVENTS_MAX 4
/** Abort commands in flight at most (recover.c). */
#define NVME_ABORTS_MAX 4
/** Asynchronous events (event.c). */
struct nvme_events {
	plx_nvme_event_fn fn; /* NULL: off */
	void *arg;
	bool armed[NVME_EVENTS_MAX]; /* its request is the controller's, or holds an event */
	struct plx_nvme_req reqs[NVME_EVENTS_MAX];
	uint32_t changed[PLX_NVME_CHANGED_NS_MAX];
};

/** Keep Alive (keep_alive.c). */
struct nvme_keep_alive {
	uint32_t granularity_ms; /* 0: the controller has no timer */
	uint64_t last_ns;	 /* when one was sent */
	struct plx_nvme_req req;
};

/** The controller memory buffer (cmb.c). */
struct nvme_cmb {
	char *base;
	uint32_t pages; /* memory pages; 0: there is none, or it is not used */
	bool *used;	/* each of them */
};

/** An active namespace; ns is allocated when it is first opened. */
struct nvme_ns_entry {
	uint32_t id;
	struct plx_nvme_ns *ns;
};

struct plx_nvme_ctrl {
	atomic_int state; /* enum plx_nvme_state */
	char *bar;
	uint64_t bar_size;
	struct plx_dev *dev;
	struct plx_nvme_ctrl_config config;
	struct plx_nvme_ctrl_info info; /* complete after open */

	pthread_mutex_t lock;
	struct plx_nvme_qpair admin;
	void *page;			  /* for data of admin commands; DMA */
	struct plx_nvme_req orphan;	  /* takes the place of a request that was given up */
	struct nvme_ns_entry *namespaces; /* ascending by id */
	uint32_t namespace_count;
	struct plx_nvme_ns *inactive;	/* handles of namespaces that are gone */
	struct plx_nvme_qpair **qpairs; /* by queue id; [0] is not used */
	uint32_t queue_slots;		/* highest index of it: queues given at open */
	struct nvme_vectors vectors;
	uint32_t shutdown_ms;
	uint32_t event_notices;	  /* that it can send (OAES) */
	unsigned int event_limit; /* requests that it keeps */
	unsigned int abort_limit; /* Abort commands at once */
	struct plx_nvme_req aborts[NVME_ABORTS_MAX];
	struct nvme_events events;
	struct nvme_keep_alive keep_alive;
	struct nvme_cmb cmb;
	uint32_t *shadows, *shadow_events; /* pages of doorbells (shadow.c); NULL: none */
	bool extended_lba;		   /* formats beside the first 16, and other guards */
	bool sgl_bytes;			   /* SGLs may have any alignment; not: multiples of 4 */
	struct plx_telemetry_source telemetry;
	bool enabled; /* it may be running: reading queues, writing data */

	pthread_mutex_t dev_lock;
	struct plx_nvme_ctrl_stats stats;   /* lock */
	_Atomic uint64_t timeouts, aborted; /* from the data path */
	uint64_t lies[PLX_NVME_LIE_KINDS];  /* lock: control path's, and of closed queues */
};

/** Show it in telemetry, until plx_telemetry_remove() (telemetry.c). */
void nvme_telemetry_add(struct plx_nvme_ctrl *ctrl);

/* --- Registers (controller.c) --------------------------------------------------------------- */

static inline uint32_t nvme_get32(const struct plx_nvme_ctrl *ctrl, uint32_t reg)
{
	return plx_mmio_read32(ctrl->bar + reg);
}

static inline void nvme_set32(struct plx_nvme_ctrl *ctrl, uint32_t reg, uint32_t value)
{
	plx_mmio_write32(ctrl->bar + reg, value);
}

/**
 * Given what CSTS reads while the controller is enabled: is the device still there? A removed one
 * reads all ones; where the platform makes that zeroes, the version is not what it was.
 */
static inline bool nvme_ctrl_answers(const struct plx_nvme_ctrl *ctrl, uint32_t csts)
{
	if (csts == NVME_GONE)
		return false;
	return (csts & NVME_CSTS_RDY) || nvme_get32(ctrl, NVME_VS) == ctrl->info.version;
}

/** Has it I/O command sets beside the NVM one, or tells of them? */
static inline bool nvme_ctrl_has_sets(const struct plx_nvme_ctrl *ctrl)
{
	return ctrl->info.capabilities & NVME_CAP_CSS_SETS;
}

/** Read and check CAP and VS. 0, -ENODEV, -ENOTSUP, -EPROTO. */
int nvme_ctrl_probe(struct plx_nvme_ctrl *ctrl);
/** CC.EN to 0 and wait. 0, -ENODEV, -ETIMEDOUT. */
int nvme_ctrl_disable(struct plx_nvme_ctrl *ctrl);
/** Admin queue into the registers, CC.EN to 1 and wait. 0, -ENODEV, -ETIMEDOUT, -EIO. */
int nvme_ctrl_enable(struct plx_nvme_ctrl *ctrl);
/** Shut down, NVME_CC_SHN_NORMAL or NVME_CC_SHN_ABRUPT, and wait for it. */
void nvme_ctrl_shutdown(struct plx_nvme_ctrl *ctrl, uint32_t how);
/** Address of a doorbell; completion: 0 for the submission queue's, 1 for the other. */
void *nvme_ctrl_doorbell(struct plx_nvme_ctrl *ctrl, uint16_t qid, unsigned int completion);

/* --- State (ctrl_life.c) -------------------------------------------------------------------- */

static inline enum plx_nvme_state nvme_ctrl_state(const struct plx_nvme_ctrl *ctrl)
{
	return (enum plx_nvme_state)atomic_load_explicit(&ctrl->state, memory_order_relaxed);
}

/** -EIO or -ENODEV, if it is not ready; else 0. */
int nvme_ctrl_state_error(const struct plx_nvme_ctrl *ctrl);
/** Ready becomes broken, with one log line that ends in the remedy. From any thread. */
void nvme_ctrl_break(struct plx_nvme_ctrl *ctrl, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
/** The device does not answer: no more DMA, one log line. From any thread. Return: -ENODEV. */
int nvme_ctrl_gone(struct plx_nvme_ctrl *ctrl);
/** It may do DMA, and is ready: unless it is gone, which it stays. 0, -ENODEV, as bus mastering. */
int nvme_ctrl_set_ready(struct plx_nvme_ctrl *ctrl);
/**
 * Make sure that the device reaches no memory any more: disable it, or reset the function, or cut
 * it off the bus. Breaks a controller that was ready.
 */
void nvme_ctrl_stop(struct plx_nvme_ctrl *ctrl);
/** The internal constructor: takes over the device, also when it fails. NULL with errno. */
struct plx_nvme_ctrl *nvme_ctrl_open_dev(struct plx_dev *dev,
					 const struct plx_nvme_ctrl_config *config);

/* --- Admin commands (admin.c): with lock ---------------------------------------------------- */

int nvme_admin_init(struct plx_nvme_ctrl *ctrl);
void nvme_admin_fini(struct plx_nvme_ctrl *ctrl);
struct nvme_admin_command {
	const struct nvme_sqe *sqe;
	const char *what;    /* for the log */
	uint32_t timeout_ms; /* 0: the controller's setting */
	uint16_t list;	     /* PRP list of its data, or NVME_NO_LIST */
};
/**
 * Run one command of a ready controller to its end, whatever its status: req->status, not logged.
 * Return: 0; -EAGAIN (nothing was posted), -ETIMEDOUT (breaks the controller), -EIO, -ENODEV by
 * state. After an error but -EAGAIN the device may still reach its data.
 */
int nvme_admin_exec(struct plx_nvme_ctrl *ctrl, const struct nvme_admin_command *command,
		    struct plx_nvme_req *req);
/**
 * Run one command to its end. *result may be NULL.
 * Return: 0; -EIO (status, logged by the caller: *status), -ETIMEDOUT (breaks the controller),
 * -EIO, -ENODEV by state.
 */
int nvme_admin_run(struct plx_nvme_ctrl *ctrl, struct nvme_sqe *sqe, const char *what,
		   uint64_t *result);
/**
 * As nvme_admin_run(), but with a time-out (0: the controller's setting), dword 0 of the result
 * (which may be NULL), and the status as errno.
 */
int nvme_admin_status(struct plx_nvme_ctrl *ctrl, const struct nvme_sqe *sqe, const char *what,
		      uint32_t timeout_ms, uint32_t *value);
/** Registers that say that there is no use in waiting: 0, -EIO, -ENODEV. */
int nvme_admin_check_alive(struct plx_nvme_ctrl *ctrl, const char *what);
/** Read len bytes of a log page from its start, as plx_nvme_log_get(). */
int nvme_log_read(struct plx_nvme_ctrl *ctrl, uint8_t log, void *buf, size_t len);
/** Identify into ctrl->page. */
int nvme_admin_identify(struct plx_nvme_ctrl *ctrl, enum nvme_cns cns, uint32_t nsid);
/** Of an I/O command set. */
int nvme_admin_identify_set(struct plx_nvme_ctrl *ctrl, enum nvme_cns cns, uint32_t nsid,
			    enum plx_nvme_command_set set);
/** A list of controllers, those from an id on. */
int nvme_admin_identify_controllers(struct plx_nvme_ctrl *ctrl, enum nvme_cns cns, uint16_t from);
/** Ask for `want` I/O queue pairs; *got is what the controller gave, checked. */
int nvme_admin_set_queues(struct plx_nvme_ctrl *ctrl, uint32_t want, uint32_t *got);
int nvme_admin_create_queues(struct plx_nvme_ctrl *ctrl, struct plx_nvme_qpair *qp);
/** Return: 0 when the controller has surely forgotten the queues; else it must be stopped. */
int nvme_admin_delete_queues(struct plx_nvme_ctrl *ctrl, struct plx_nvme_qpair *qp);

/* --- Events (event.c), Keep Alive (keep_alive.c): with lock ----------------------------------- */

/** Ask for events, if the application wants them: after enabling. */
int nvme_events_start(struct plx_nvme_ctrl *ctrl);
/** The controller has been disabled: it does not hold requests any more. */
void nvme_events_forget(struct plx_nvme_ctrl *ctrl);
/** The same for Abort commands (recover.c). */
void nvme_aborts_forget(struct plx_nvme_ctrl *ctrl);
/** Find out about the timer, or set it: after enabling. */
int nvme_keep_alive_start(struct plx_nvme_ctrl *ctrl);
/** Send a command if it is time and there is room. 0, -EIO or -ENODEV by state. */
int nvme_keep_alive(struct plx_nvme_ctrl *ctrl);

/* --- Shadow doorbells (shadow.c), arbitration and coalescing (tune.c): with lock -------------- */

/** If they are wanted and the controller can: after enabling, before queues are created. */
int nvme_shadow_start(struct plx_nvme_ctrl *ctrl);
void nvme_shadow_fini(struct plx_nvme_ctrl *ctrl);
static inline bool nvme_tune_weighted(const struct plx_nvme_ctrl *ctrl)
{
	const struct plx_nvme_weights *w = &ctrl->config.weights;

	return w->high || w->medium || w->low;
}
/** Can the controller do what the configuration asks for? -ENOTSUP, -EINVAL. */
int nvme_tune_check(struct plx_nvme_ctrl *ctrl);
int nvme_tune_start(struct plx_nvme_ctrl *ctrl);
/** Extended LBA formats, if the controller has them. 0, or -EIO, -ENODEV by state. */
int nvme_tune_formats(struct plx_nvme_ctrl *ctrl);
/** The queue's vector, before the queue is created. */
int nvme_tune_vector(struct plx_nvme_qpair *qp);

/* --- Controller memory buffer (cmb.c): with lock ---------------------------------------------- */

/** Find it, if it is wanted; the number of queues is known. 0, -ENOMEM: what is wrong is told. */
int nvme_cmb_open(struct plx_nvme_ctrl *ctrl);
/** After a reset: where it was. 0, -EPROTO. */
int nvme_cmb_restore(struct plx_nvme_ctrl *ctrl);
void nvme_cmb_close(struct plx_nvme_ctrl *ctrl);
/** Memory pages that lie together: the address, and what the controller calls it. NULL: full. */
void *nvme_cmb_take(struct plx_nvme_ctrl *ctrl, size_t bytes, plx_iova_t *iova);
void nvme_cmb_give(struct plx_nvme_ctrl *ctrl, const void *at, size_t bytes);

/* --- Identify (identify.c): with lock ------------------------------------------------------- */

/** Identify Controller, into ctrl->info. */
int nvme_identify_ctrl(struct plx_nvme_ctrl *ctrl);
/** Identify Namespace. */
int nvme_identify_ns(struct plx_nvme_ctrl *ctrl, uint32_t nsid, struct plx_nvme_ns_info *info);
/** Pure: from the structure to bounded info. Counts lies into *lies. */
int nvme_parse_ctrl(struct plx_nvme_ctrl *ctrl, const struct nvme_id_ctrl *id);
int nvme_parse_ns(struct plx_nvme_ctrl *ctrl, const struct nvme_id_ns *id,
		  struct plx_nvme_ns_info *info);
/** Guards and storage tags. */
int nvme_parse_ns_nvm(struct plx_nvme_ctrl *ctrl, const struct nvme_id_ns_nvm *id,
		      struct plx_nvme_ns_info *info);

/** The descriptors that tell a namespace's ids and its command set. */
int nvme_parse_ns_ids(struct plx_nvme_ctrl *ctrl, const uint8_t list[NVME_IDENTIFY_BYTES],
		      struct plx_nvme_ns_info *info);
/** Identify Namespace of the Zoned Namespace Command Set (zns.c). */
int nvme_identify_zns(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info,
		      struct plx_nvme_zns_info *zns);
int nvme_parse_zns(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_info *info,
		   const struct nvme_id_zns *id, uint8_t zasl, struct plx_nvme_zns_info *zns);

/* --- Namespaces (namespace.c): with lock ---------------------------------------------------- */

/** Read the list of active namespaces. */
int nvme_namespaces_list(struct plx_nvme_ctrl *ctrl);
void nvme_namespaces_free(struct plx_nvme_ctrl *ctrl);
/** Why they are looked at anew. */
enum nvme_rescan {
	NVME_RESCAN_ASKED, /* the application asks, and uses no handle meanwhile: they follow */
	NVME_RESCAN_HEARD, /* the controller says so, at any time: only sizes may change */
};
/**
 * Read the list anew and identify anew what is open; handles stay valid. What cannot be found out
 * stays as it was, and is the error.
 */
int nvme_namespaces_rescan(struct plx_nvme_ctrl *ctrl, enum nvme_rescan why);

/* --- Queue pairs (qpair_life.c): with lock -------------------------------------------------- */

/** Delete the queues of all queue pairs, as long as the controller does as it is told. */
void nvme_qpairs_delete(struct plx_nvme_ctrl *ctrl);
/** Abort what is in flight on every queue pair; the controller is disabled. */
void nvme_qpairs_abort(struct plx_nvme_ctrl *ctrl);
/** Create them again after a reset. */
int nvme_qpairs_recreate(struct plx_nvme_ctrl *ctrl);
void nvme_qpairs_close(struct plx_nvme_ctrl *ctrl);

/* --- Interrupts (irq.c): with lock ---------------------------------------------------------- */

/** A vector for a queue; switches interrupts on with the first. The vector, or -ENOSPC, ... */
int nvme_irq_take(struct plx_nvme_ctrl *ctrl);
void nvme_irq_give(struct plx_nvme_ctrl *ctrl, int vector);
/** Switch them on again after a function-level reset, if they were. */
int nvme_irq_restore(struct plx_nvme_ctrl *ctrl);
void nvme_irq_fini(struct plx_nvme_ctrl *ctrl);

#endif /* POLLUX_NVME_CTRL_H */
