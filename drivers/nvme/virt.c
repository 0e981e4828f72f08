/* SPDX-License-Identifier: BSD-3-Clause */
/*
 * Virtualization Management (Base 5.30, 8.20): what a primary controller gives to its virtual
 * functions. Called by the application only (<pollux/nvme_virt.h>).
 */
#include <errno.h>
#include <string.h>

#include <pollux/nvme_virt.h>

#include "nvme/ctrl.h"

PLX_LOG_USE(nvme);

/* Virtualization Management, Base 5.30, cdw10: controller id 31:16, resource 10:8, action 3:0 */
enum {
	ACT_ALLOCATE = 1,
	ACT_OFFLINE = 7,
	ACT_ASSIGN = 8,
	ACT_ONLINE = 9,
};
#define CONTROLLER_SHIFT 16
#define RESOURCE_SHIFT	 8

static int check(const struct plx_nvme_ctrl *ctrl)
{
	return ctrl->info.oacs & NVME_OACS_VIRTUALIZATION ? 0 : -ENOTSUP;
}

/* --- What there is -------------------------------------------------------------------------- */

static void set_resource(struct plx_nvme_virt_resource *to, const struct nvme_virt_resource *from,
			 bool supported)
{
	*to = (struct plx_nvme_virt_resource){
		.supported = supported,
		.flexible = le32toh(from->frt),
		.secondary = le32toh(from->rfa),
		.primary = le16toh(from->rfap),
		.primary_own = le16toh(from->prt),
		.secondary_max = le16toh(from->frsm),
		.granularity = le16toh(from->gran),
	};
}

int plx_nvme_virt_get(struct plx_nvme_ctrl *ctrl, struct plx_nvme_virt *virt)
{
	struct nvme_primary_caps caps;
	int err = check(ctrl);

	if (err)
		return err;
	pthread_mutex_lock(&ctrl->lock);
	err = nvme_admin_identify(ctrl, NVME_CNS_PRIMARY, 0);
	memcpy(&caps, ctrl->page, sizeof(caps));
	pthread_mutex_unlock(&ctrl->lock);
	if (err)
		return err;
	virt->id = le16toh(caps.cntlid);
	virt->port = le16toh(caps.portid);
	set_resource(&virt->resources[PLX_NVME_RESOURCE_QUEUES], &caps.vq, caps.crt & 1);
	set_resource(&virt->resources[PLX_NVME_RESOURCE_INTERRUPTS], &caps.vi, caps.crt & 2);
	return 0;
}

static struct plx_nvme_secondary secondary(const struct nvme_secondary *s)
{
	return (struct plx_nvme_secondary){
		.id = le16toh(s->scid),
		.primary = le16toh(s->pcid),
		.vf = le16toh(s->vfn),
		.queues = le16toh(s->nvq),
		.interrupts = le16toh(s->nvi),
		.online = s->scs & 1,
	};
}

/*
 * The list from an id on, into its place at number `at`; *next: behind its last id.
 * Return: how many, or a negative errno.
 */
static int list_page(struct plx_nvme_ctrl *ctrl, uint32_t *next, struct plx_nvme_secondary *list,
		     unsigned int at, unsigned int max)
{
	struct nvme_secondary_list page;
	unsigned int i;
	int err = nvme_admin_identify_controllers(ctrl, NVME_CNS_SECONDARY, (uint16_t)*next);

	if (err)
		return err;
	memcpy(&page, ctrl->page, sizeof(page));
	for (i = 0; i < page.count; i++) {
		if (i == NVME_SECONDARIES || le16toh(page.entries[i].scid) < *next) {
			ctrl->lies[PLX_NVME_LIE_IDENTIFY]++;
			PLX_ERR(nvme, "%s: its list of %u secondary controllers is not ascending",
				ctrl->info.name, page.count);
			return -EPROTO;
		}
		*next = le16toh(page.entries[i].scid) + 1u;
		if (at + i < max)
			list[at + i] = secondary(&page.entries[i]);
	}
	return page.count;
}

/* One page after the other, the next from behind the last id. */
static int list_all(struct plx_nvme_ctrl *ctrl, struct plx_nvme_secondary *list, unsigned int max)
{
	unsigned int count = 0;
	uint32_t next = 0;
	int n;

	do {
		n = list_page(ctrl, &next, list, count, max);
		if (n < 0)
			return n;
		count += (unsigned int)n;
	} while (n == NVME_SECONDARIES && next <= UINT16_MAX);
	return (int)count;
}

int plx_nvme_secondary_list(struct plx_nvme_ctrl *ctrl, struct plx_nvme_secondary *list,
			    unsigned int max)
{
	int n = check(ctrl);

	if (n)
		return n;
	pthread_mutex_lock(&ctrl->lock);
	n = list_all(ctrl, list, max);
	pthread_mutex_unlock(&ctrl->lock);
	return n;
}

/* --- Changes -------------------------------------------------------------------------------- */

static int manage(struct plx_nvme_ctrl *ctrl, uint32_t cdw10, uint16_t n, const char *what,
		  uint16_t *got)
{
	struct nvme_sqe sqe = {
		.opcode = NVME_ADMIN_VIRTUALIZATION,
		.cdw10 = htole32(cdw10),
		.cdw11 = htole32(n),
	};
	uint32_t value = 0;
	int err = check(ctrl);

	if (err)
		return err;
	pthread_mutex_lock(&ctrl->lock);
	err = nvme_admin_status(ctrl, &sqe, what, 0, &value);
	pthread_mutex_unlock(&ctrl->lock);
	if (got)
		*got = err ? 0 : (uint16_t)value;
	return err;
}

int plx_nvme_virt_assign(struct plx_nvme_ctrl *ctrl, uint16_t id, enum plx_nvme_resource kind,
			 uint16_t n, uint16_t *got)
{
	if ((unsigned int)kind >= PLX_NVME_RESOURCES)
		return -EINVAL;
	return manage(ctrl,
		      (uint32_t)id << CONTROLLER_SHIFT | (uint32_t)kind << RESOURCE_SHIFT |
			      ACT_ASSIGN,
		      n, "Virtualization Management (assign)", got);
}

int plx_nvme_virt_allocate(struct plx_nvme_ctrl *ctrl, enum plx_nvme_resource kind, uint16_t n,
			   uint16_t *got)
{
	if ((unsigned int)kind >= PLX_NVME_RESOURCES)
		return -EINVAL;
	return manage(ctrl,
		      (uint32_t)ctrl->info.id << CONTROLLER_SHIFT |
			      (uint32_t)kind << RESOURCE_SHIFT | ACT_ALLOCATE,
		      n, "Virtualization Management (allocate)", got);
}

int plx_nvme_virt_online(struct plx_nvme_ctrl *ctrl, uint16_t id)
{
	return manage(ctrl, (uint32_t)id << CONTROLLER_SHIFT | ACT_ONLINE, 0,
		      "Virtualization Management (online)", NULL);
}

int plx_nvme_virt_offline(struct plx_nvme_ctrl *ctrl, uint16_t id)
{
	return manage(ctrl, (uint32_t)id << CONTROLLER_SHIFT | ACT_OFFLINE, 0,
		      "Virtualization Management (offline)", NULL);
}
