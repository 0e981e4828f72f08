/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * What changes a controller for good: formats, namespaces, firmware, sanitize (Base 5.11 to 5.24).
 * Called by the application only (<pollux/nvme_admin.h>).
 */
#include <errno.h>
#include <string.h>

#include <pollux/mem.h>
#include <pollux/nvme_admin.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

#define LONG_TIMEOUT_MS	 600000
#define FIRMWARE_MAX	 (64u << 20)
#define FIRMWARE_CHUNK	 NVME_IDENTIFY_BYTES
#define PROTECTION_MAX	 3
#define SECURE_ERASE_MAX 2

/* Statuses of a firmware commit that is done but for a reset (Base 5.11.1). */
#define NEEDS_CONVENTIONAL_RESET 0x10b
#define NEEDS_SUBSYSTEM_RESET	 0x110
#define NEEDS_CONTROLLER_RESET	 0x111

/* Format NVM, Base 5.14, cdw10 */
#define FORMAT_EXTENDED		0x010u
#define FORMAT_PROTECTION_SHIFT 5
#define FORMAT_FIRST		0x100u
#define FORMAT_ERASE_SHIFT	9
#define FORMAT_HIGH_SHIFT	12

/* Namespace Management and Attachment, Base 5.22 and 5.23, cdw10 */
enum { NS_CREATE = 0, NS_DELETE = 1 };
enum { NS_ATTACH = 0, NS_DETACH = 1 };
#define NMIC_SHARED 0x1

/* Sanitize, Base 5.24, cdw10 */
#define SANITIZE_UNRESTRICTED  0x008u
#define SANITIZE_PASSES_SHIFT  4
#define SANITIZE_NO_DEALLOCATE 0x200u
#define SANITIZE_STATUS_BYTES  20

/* --- Formats and namespaces ------------------------------------------------------------------ */

/* Run a command that changes namespaces, and see what there is then. With lock. */
static int change(struct plx_nvme_ctrl *ctrl, const struct nvme_sqe *sqe, const char *what,
		  uint32_t timeout_ms, uint32_t *value)
{
	int err = nvme_admin_status(ctrl, sqe, what, timeout_ms, value);

	return err ? err : nvme_namespaces_rescan(ctrl, NVME_RESCAN_ASKED);
}

int plx_nvme_format(struct plx_nvme_ctrl *ctrl, uint32_t nsid, const struct plx_nvme_format *f)
{
	uint32_t timeout_ms = f->timeout_ms ? f->timeout_ms : LONG_TIMEOUT_MS;
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_FORMAT,
		.nsid = htole32(nsid),
		.cdw10 = htole32((f->format & 0xfu) |
				 (uint32_t)(f->format >> 4) << FORMAT_HIGH_SHIFT |
				 (f->metadata_extended ? FORMAT_EXTENDED : 0) |
				 (uint32_t)f->protection << FORMAT_PROTECTION_SHIFT |
				 (f->protection_first ? FORMAT_FIRST : 0) |
				 (uint32_t)f->secure_erase << FORMAT_ERASE_SHIFT),
	};
	int err;

	if (nsid == 0 || f->format >= PLX_NVME_LBA_FORMATS || f->protection > PROTECTION_MAX ||
	    f->secure_erase > SECURE_ERASE_MAX)
		return -EINVAL;
	pthread_mutex_lock(&ctrl->lock);
	err = change(ctrl, &sqe, "Format NVM", timeout_ms, NULL);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

static struct nvme_id_ns description(const struct plx_nvme_ns_create *create)
{
	return (struct nvme_id_ns){
		.nsze = htole64(create->blocks),
		.ncap = htole64(create->capacity ? create->capacity : create->blocks),
		.flbas = (uint8_t)((create->format & NVME_FLBAS_LOW) | (create->format >> 4 << 5) |
				   (create->metadata_extended ? NVME_FLBAS_EXTENDED : 0)),
		.dps = (uint8_t)(create->protection |
				 (create->protection_first ? NVME_DPS_FIRST : 0)),
		.nmic = create->shared ? NMIC_SHARED : 0,
	};
}

int plx_nvme_ns_create(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_ns_create *create,
		       uint32_t *nsid)
{
	struct nvme_id_ns id = description(create);
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_NS_MANAGEMENT,
		.prp1 = htole64(plx_iova(ctrl->page)),
		.cdw10 = htole32(NS_CREATE),
	};
	int err;

	if (create->blocks == 0 || create->format >= PLX_NVME_LBA_FORMATS ||
	    create->protection > PROTECTION_MAX)
		return -EINVAL;
	pthread_mutex_lock(&ctrl->lock);
	memcpy(ctrl->page, &id, sizeof(id));
	err = change(ctrl, &sqe, "Namespace Management (create)", LONG_TIMEOUT_MS, nsid);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_ns_delete(struct plx_nvme_ctrl *ctrl, uint32_t nsid)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_NS_MANAGEMENT,
		.nsid = htole32(nsid),
		.cdw10 = htole32(NS_DELETE),
	};
	int err;

	pthread_mutex_lock(&ctrl->lock);
	err = change(ctrl, &sqe, "Namespace Management (delete)", LONG_TIMEOUT_MS, NULL);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

static int attachment(struct plx_nvme_ctrl *ctrl, uint32_t nsid, uint32_t action, const char *what)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_NS_ATTACHMENT,
		.nsid = htole32(nsid),
		.prp1 = htole64(plx_iova(ctrl->page)),
		.cdw10 = htole32(action),
	};
	/* A list of one: how many, and its id (Base 4.5.1). */
	uint16_t list[2] = {htole16(1), htole16(ctrl->info.id)};
	int err;

	pthread_mutex_lock(&ctrl->lock);
	memset(ctrl->page, 0, NVME_IDENTIFY_BYTES);
	memcpy(ctrl->page, list, sizeof(list));
	err = change(ctrl, &sqe, what, 0, NULL);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_ns_attach(struct plx_nvme_ctrl *ctrl, uint32_t nsid)
{
	return attachment(ctrl, nsid, NS_ATTACH, "Namespace Attachment (attach)");
}

int plx_nvme_ns_detach(struct plx_nvme_ctrl *ctrl, uint32_t nsid)
{
	return attachment(ctrl, nsid, NS_DETACH, "Namespace Attachment (detach)");
}

/* --- Firmware ------------------------------------------------------------------------------- */

static int download_chunk(struct plx_nvme_ctrl *ctrl, const char *from, size_t offset, size_t n)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_FW_DOWNLOAD,
		.prp1 = htole64(plx_iova(ctrl->page)),
		.cdw10 = htole32((uint32_t)n / 4 - 1),
		.cdw11 = htole32((uint32_t)offset / 4),
	};

	memcpy(ctrl->page, from + offset, n);
	return nvme_admin_status(ctrl, &sqe, "Firmware Image Download", LONG_TIMEOUT_MS, NULL);
}

int plx_nvme_firmware_download(struct plx_nvme_ctrl *ctrl, const void *image, size_t len)
{
	size_t at, n;
	int err = 0;

	if (len == 0 || len % 4 || len > FIRMWARE_MAX)
		return -EINVAL;
	pthread_mutex_lock(&ctrl->lock);
	for (at = 0; at < len && !err; at += n) {
		n = len - at < FIRMWARE_CHUNK ? len - at : FIRMWARE_CHUNK;
		err = download_chunk(ctrl, image, at, n);
	}
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_firmware_commit(struct plx_nvme_ctrl *ctrl, uint8_t slot,
			     enum plx_nvme_firmware_action action)
{
	struct plx_nvme_cmd cmd = {0};
	int err;

	if (slot > 7 || action > PLX_NVME_FIRMWARE_ACTIVATE_NOW)
		return -EINVAL;
	plx_nvme_cmd_clear(&cmd, NVME_ADMIN_FW_COMMIT, 0);
	cmd.cdw10 = slot | (uint32_t)action << 3;
	err = plx_nvme_admin(ctrl, &cmd, LONG_TIMEOUT_MS);
	if (err)
		return err;
	switch (cmd.req.status & PLX_NVME_STATUS_MASK) {
	case NEEDS_CONVENTIONAL_RESET:
	case NEEDS_SUBSYSTEM_RESET:
	case NEEDS_CONTROLLER_RESET:
		return 1;
	case PLX_NVME_OK:
		return 0;
	default:
		PLX_ERR(nvme, "%s: Firmware Commit failed: %s", ctrl->info.name,
			plx_nvme_status_str(cmd.req.status));
		return plx_nvme_status_errno(cmd.req.status);
	}
}

/* --- Sanitize ------------------------------------------------------------------------------- */

int plx_nvme_sanitize(struct plx_nvme_ctrl *ctrl, const struct plx_nvme_sanitize *s)
{
	uint32_t passes = s->passes ? s->passes : 1;
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_SANITIZE,
		/* Sixteen passes are 0. */
		.cdw10 = htole32((uint32_t)s->action | (passes & 0xf) << SANITIZE_PASSES_SHIFT |
				 (s->unrestricted_exit ? SANITIZE_UNRESTRICTED : 0) |
				 (s->no_deallocate ? SANITIZE_NO_DEALLOCATE : 0)),
		.cdw11 = htole32(s->pattern),
	};
	int err;

	if (s->action < PLX_NVME_SANITIZE_EXIT_FAILURE ||
	    s->action > PLX_NVME_SANITIZE_CRYPTO_ERASE || passes > 16)
		return -EINVAL;
	pthread_mutex_lock(&ctrl->lock);
	err = nvme_admin_status(ctrl, &sqe, "Sanitize", 0, NULL);
	pthread_mutex_unlock(&ctrl->lock);
	return err;
}

int plx_nvme_sanitize_status(struct plx_nvme_ctrl *ctrl, struct plx_nvme_sanitize_status *status)
{
	uint8_t page[SANITIZE_STATUS_BYTES];
	int err = plx_nvme_log_get(ctrl, PLX_NVME_LOG_SANITIZE, NULL, page, sizeof(page));

	if (err)
		return err;
	/* Base 5.16.1.25: SPROG and SSTAT, whose low bits are the state */
	status->progress = (uint16_t)(page[0] | page[1] << 8);
	status->state = page[2] & 7;
	return 0;
}
