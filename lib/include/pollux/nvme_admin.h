/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Pollux NVMe: administration of a controller. Any admin command by passthrough; features; log
 * pages, decoded into structures of this header; formats, namespaces, firmware, sanitize.
 *
 * How warm is it?
 *
 *	uint8_t page[PLX_NVME_LOG_SMART_BYTES];
 *	struct plx_nvme_smart smart;
 *
 *	if (!plx_nvme_log_get(ctrl, PLX_NVME_LOG_SMART, NULL, page, sizeof(page))) {
 *		plx_nvme_log_smart(page, &smart);
 *		printf("%u K\n", smart.temperature_k);
 *	}
 *
 * All calls may be made from any thread but not from a callback of a queue pair: they lock the
 * controller and wait for the command to end. Buffers are plain memory of the caller, except for
 * plx_nvme_admin(), whose data is named by IOVA.
 *
 * Errors of all of them, unless said otherwise: the errno nearest to the controller's status
 * (plx_nvme_status_errno(); one log line tells the status), -ETIMEDOUT (the controller is broken
 * then), -EIO (it is broken), -ENODEV (gone), -EINVAL (the arguments).
 */
#ifndef POLLUX_NVME_ADMIN_H
#define POLLUX_NVME_ADMIN_H

#include <pollux/nvme_cmd.h>

PLX_BEGIN_DECLS

/* --- Passthrough ---------------------------------------------------------------------------- */

/** Admin opcodes that have a meaning here (Base 5). Any other may be passed through. */
enum plx_nvme_admin_opcode {
	PLX_NVME_ADMIN_GET_LOG = 0x02,
	PLX_NVME_ADMIN_IDENTIFY = 0x06,
	PLX_NVME_ADMIN_SET_FEATURES = 0x09,
	PLX_NVME_ADMIN_GET_FEATURES = 0x0a,
	PLX_NVME_ADMIN_NS_MANAGEMENT = 0x0d,
	PLX_NVME_ADMIN_FW_COMMIT = 0x10,
	PLX_NVME_ADMIN_FW_DOWNLOAD = 0x11,
	PLX_NVME_ADMIN_SELF_TEST = 0x14,
	PLX_NVME_ADMIN_NS_ATTACHMENT = 0x15,
	PLX_NVME_ADMIN_DIRECTIVE_SEND = 0x19,
	PLX_NVME_ADMIN_DIRECTIVE_RECEIVE = 0x1a,
	PLX_NVME_ADMIN_FORMAT = 0x80,
	PLX_NVME_ADMIN_SANITIZE = 0x84,
};

/**
 * Run an admin command to its end: opcode, nsid, dwords and data (at most
 * plx_nvme_ctrl_info.max_transfer, by PRP) are those of cmd; done is not called.
 * Creating and deleting queues, and events, are the driver's: these commands are refused.
 * @timeout_ms: 0: plx_nvme_ctrl_config.admin_timeout_ms
 * Return: 0, whatever cmd->req.status is (it is not logged); -EPERM (such a command), -E2BIG,
 * -EINVAL as plx_nvme_qpair_submit_cmds(), -ETIMEDOUT, -EIO, -ENODEV. Whichever it is, the device
 * does not reach the data any more: after an error of the last three it is stopped.
 */
PLX_API int plx_nvme_admin(struct plx_nvme_ctrl *ctrl, struct plx_nvme_cmd *cmd,
			   uint32_t timeout_ms);

/* --- Features (Base 5.15, 5.27) ------------------------------------------------------------- */

enum plx_nvme_feature_select {
	PLX_NVME_FEATURE_CURRENT = 0,
	PLX_NVME_FEATURE_DEFAULT = 1,
	PLX_NVME_FEATURE_SAVED = 2,
	PLX_NVME_FEATURE_CAPABILITIES = 3, /**< value: 1 saveable, 2 per namespace, 4 changeable */
};

struct plx_nvme_feature {
	uint8_t id;
	enum plx_nvme_feature_select select; /**< get */
	bool save;			     /**< set: beyond power cycles and resets */
	uint32_t nsid;			     /**< 0 where the feature is of the controller */
	uint32_t cdw11;			     /**< set: its value; get: what the feature asks for */
	uint32_t cdw12;
	uint32_t value; /**< as the controller answered: dword 0 of the completion */
};

#define PLX_NVME_FEATURE_DATA_MAX 4096

/**
 * Get a feature. len: bytes of data that the feature has, 0 to PLX_NVME_FEATURE_DATA_MAX.
 * Return: 0 with feature->value and data.
 */
PLX_API int plx_nvme_feature_get(struct plx_nvme_ctrl *ctrl, struct plx_nvme_feature *feature,
				 void *data, size_t len);
/** Set a feature. -EPERM: the number of queues is the driver's. */
PLX_API int plx_nvme_feature_set(struct plx_nvme_ctrl *ctrl, struct plx_nvme_feature *feature,
				 const void *data, size_t len);
/** Its name in the specification, or NULL. */
PLX_API const char *plx_nvme_feature_name(uint8_t id);

/* --- Log pages (Base 5.16) ------------------------------------------------------------------ */

enum plx_nvme_log {
	PLX_NVME_LOG_ERROR = 0x01,
	PLX_NVME_LOG_SMART = 0x02,
	PLX_NVME_LOG_FIRMWARE = 0x03,
	PLX_NVME_LOG_CHANGED_NS = 0x04,
	PLX_NVME_LOG_EFFECTS = 0x05,
	PLX_NVME_LOG_SELF_TEST = 0x06,
	PLX_NVME_LOG_SANITIZE = 0x81,
};

/** Which log, where it is not the controller's as a whole and from its start; NULL: all zero. */
struct plx_nvme_log_where {
	uint32_t nsid; /**< 0: the controller's */
	uint8_t specific;
	uint8_t csi;	 /**< command set */
	bool retain;	 /**< do not clear the event that the log belongs to */
	uint64_t offset; /**< bytes, a multiple of 4 */
};

/** Read len bytes (a multiple of 4, at most 1 MiB) of a log page, 4 KiB a command. */
PLX_API int plx_nvme_log_get(struct plx_nvme_ctrl *ctrl, uint8_t log,
			     const struct plx_nvme_log_where *where, void *buf, size_t len);

/** SMART / Health Information (Base 5.16.1.3). Counters of 128 bits are cut off at UINT64_MAX. */
struct plx_nvme_smart {
	uint8_t critical_warning; /**< bits; 0: none */
	uint16_t temperature_k;
	uint8_t spare_percent, spare_threshold_percent, used_percent;
	uint64_t data_units_read, data_units_written; /**< thousands of 512 bytes */
	uint64_t host_reads, host_writes;	      /**< commands */
	uint64_t busy_minutes;
	uint64_t power_cycles, power_on_hours, unsafe_shutdowns;
	uint64_t media_errors, error_log_entries;
	uint32_t warning_temperature_minutes, critical_temperature_minutes;
	uint16_t sensor_k[8]; /**< 0: there is none */
};
#define PLX_NVME_LOG_SMART_BYTES 512
PLX_API void plx_nvme_log_smart(const uint8_t page[PLX_NVME_LOG_SMART_BYTES],
				struct plx_nvme_smart *smart);

/** An entry of the error log (Base 5.16.1.2). */
struct plx_nvme_error {
	uint64_t count; /**< of this error, from 1; 0: the entry is not in use */
	uint64_t lba;
	uint32_t nsid;
	uint32_t status; /**< as plx_nvme_req.status */
	uint16_t sqid, cid;
	uint16_t parameter; /**< byte 7:0 and bit 10:8 of the command; 0xffff: unknown */
};
#define PLX_NVME_LOG_ERROR_BYTES 64 /**< of one entry; the newest is first */
PLX_API void plx_nvme_log_error(const uint8_t entry[PLX_NVME_LOG_ERROR_BYTES],
				struct plx_nvme_error *error);

/** Firmware slots (Base 5.16.1.4). */
struct plx_nvme_firmware {
	uint8_t active; /**< slot, 1 to 7 */
	uint8_t next;	/**< after the next reset; 0: the same */
	char revision[7][9];
};
#define PLX_NVME_LOG_FIRMWARE_BYTES 512
/** Return: 0, or -EPROTO (a slot that there cannot be). */
PLX_API int plx_nvme_log_firmware(const uint8_t page[PLX_NVME_LOG_FIRMWARE_BYTES],
				  struct plx_nvme_firmware *firmware);

#define PLX_NVME_LOG_CHANGED_NS_BYTES 4096
#define PLX_NVME_CHANGED_NS_MAX	      1024
/**
 * Namespaces that changed since the log was last read (Base 5.16.1.5). ids has room for
 * PLX_NVME_CHANGED_NS_MAX.
 * Return: how many; -EOVERFLOW: more than the log holds, look at all.
 */
PLX_API int plx_nvme_log_changed_ns(const uint8_t page[PLX_NVME_LOG_CHANGED_NS_BYTES],
				    uint32_t *ids);

/** What a command may do (Base 5.16.1.6), for admin and I/O opcodes. */
enum plx_nvme_effect {
	PLX_NVME_EFFECT_SUPPORTED = 1 << 0,
	PLX_NVME_EFFECT_CHANGES_DATA = 1 << 1,
	PLX_NVME_EFFECT_CHANGES_NS_CAPABILITY = 1 << 2,
	PLX_NVME_EFFECT_CHANGES_NS_INVENTORY = 1 << 3,
	PLX_NVME_EFFECT_CHANGES_CTRL_CAPABILITY = 1 << 4,
};
struct plx_nvme_effects {
	uint32_t admin[256], io[256];
};
#define PLX_NVME_LOG_EFFECTS_BYTES 4096
PLX_API void plx_nvme_log_effects(const uint8_t page[PLX_NVME_LOG_EFFECTS_BYTES],
				  struct plx_nvme_effects *effects);

/* --- Formats and namespaces (Base 5.14, 5.22, 5.23) ------------------------------------------- */

/*
 * After each of these the list of active namespaces (plx_nvme_ns_next()) and what open handles know
 * (plx_nvme_ns_info()) is new; the handle of a namespace that is not active any more is refused by
 * plx_nvme_qpair_submit() (-ESTALE). No I/O may be in flight to a namespace that is changed, nor
 * may another thread submit to its handle.
 */

/** The whole range of namespace ids, for format. */
#define PLX_NVME_NS_ALL UINT32_MAX

struct plx_nvme_format {
	uint8_t format;		/**< index into plx_nvme_ns_info.formats */
	bool metadata_extended; /**< metadata behind each block, not in a buffer of its own */
	uint8_t protection;	/**< type 0 to 3 */
	bool protection_first;	/**< at the start of the metadata */
	uint8_t secure_erase;	/**< 0: none, 1: user data, 2: cryptographic */
	uint32_t timeout_ms;	/**< 0: ten minutes */
};
/** Format a namespace; all of its data is lost. */
PLX_API int plx_nvme_format(struct plx_nvme_ctrl *ctrl, uint32_t nsid,
			    const struct plx_nvme_format *format);

struct plx_nvme_ns_create {
	uint64_t blocks, capacity; /**< capacity 0: as blocks */
	uint8_t format;
	bool metadata_extended;
	uint8_t protection;
	bool protection_first;
	bool shared; /**< may be attached to several controllers */
};
/** Create a namespace, attached to no controller. *nsid: its id. */
PLX_API int plx_nvme_ns_create(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_create *create,
			       uint32_t *nsid);
PLX_API int plx_nvme_ns_delete(struct plx_nvme_ctrl *ctrl, uint32_t nsid);
/** Attach to, or detach from, this controller. */
PLX_API int plx_nvme_ns_attach(struct plx_nvme_ctrl *ctrl, uint32_t nsid);
PLX_API int plx_nvme_ns_detach(struct plx_nvme_ctrl *ctrl, uint32_t nsid);
/**
 * Read the list anew, after a change by someone else. What an admin command fails to tell is as it
 * was, and is the error.
 */
PLX_API int plx_nvme_ns_rescan(struct plx_nvme_ctrl *ctrl);

/* --- Firmware (Base 5.11, 5.12) --------------------------------------------------------------- */

/** Send an image, len bytes (a multiple of 4, at most 64 MiB), 4 KiB a command. */
PLX_API int plx_nvme_firmware_download(struct plx_nvme_ctrl *ctrl, const void *image, size_t len);

enum plx_nvme_firmware_action {
	PLX_NVME_FIRMWARE_STORE = 0,	      /**< into the slot */
	PLX_NVME_FIRMWARE_STORE_ACTIVATE = 1, /**< and activate it at the next reset */
	PLX_NVME_FIRMWARE_ACTIVATE = 2,	      /**< what the slot has, at the next reset */
	PLX_NVME_FIRMWARE_ACTIVATE_NOW = 3,
};
/**
 * Commit what was downloaded. slot: 1 to 7, 0: the controller chooses.
 * Return: 0; 1: done, and active after a reset (plx_nvme_ctrl_reset(), or of the machine).
 */
PLX_API int plx_nvme_firmware_commit(struct plx_nvme_ctrl *ctrl, uint8_t slot,
				     enum plx_nvme_firmware_action action);

/* --- Sanitize (Base 5.24) --------------------------------------------------------------------- */

enum plx_nvme_sanitize_action {
	PLX_NVME_SANITIZE_EXIT_FAILURE = 1,
	PLX_NVME_SANITIZE_BLOCK_ERASE = 2,
	PLX_NVME_SANITIZE_OVERWRITE = 3,
	PLX_NVME_SANITIZE_CRYPTO_ERASE = 4,
};
struct plx_nvme_sanitize {
	enum plx_nvme_sanitize_action action;
	bool unrestricted_exit; /**< after a failure PLX_NVME_SANITIZE_EXIT_FAILURE is enough */
	bool no_deallocate;
	uint8_t passes;	  /**< overwrite: 1 to 16; 0: 1 */
	uint32_t pattern; /**< overwrite */
};
/** Start it: all data of the subsystem will be lost. It goes on by itself. */
PLX_API int plx_nvme_sanitize(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_sanitize *sanitize);

struct plx_nvme_sanitize_status {
	uint16_t progress; /**< of 65536 */
	/** 0: never sanitized, 1: done, 2: in progress, 3: failed, 4: done, without deallocation */
	uint8_t state;
};
/** How far it is (log page PLX_NVME_LOG_SANITIZE). */
PLX_API int plx_nvme_sanitize_status(struct plx_nvme_ctrl *ctrl,
				     struct plx_nvme_sanitize_status *status);

PLX_END_DECLS

#endif /* POLLUX_NVME_ADMIN_H */
